"""Random searches: data, a pipeline, a grid, a scorer and options, drawn by hypothesis.

A problem is drawn as names and numbers. `Problem.build` makes its objects anew for each search, so that two
searches share no state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.reuse.fuzz import parts
from tests.reuse.fuzz.scorers import SCORINGS, Log

#: A function that makes an estimator, and values of some of its parameters.
Part = tuple[Callable[[], Any], dict[str, list[Any]]]

N_ROWS = 40


def _numbers(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, 4))
    y = (X[:, 0] + X[:, 1] ** 2 + 0.5 * rng.normal(size=N_ROWS) > 0.7).astype(int)
    y[:6] = [0, 1, 0, 1, 0, 1]
    return X, y


def _frozen(X: Any) -> Any:
    X.setflags(write=False)
    return X


def _mixed(X: Any) -> Any:
    words = np.array(["red green", "blue", "green blue white", "red"])
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["text"] = words[np.arange(len(X)) * 7 % 4]
    frame["kind"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(len(X)) * 5 % 3])
    return frame


def _texts(X: Any) -> list[str]:
    return [" ".join(["up" if value > 0 else "down" for value in row] + ["all"]) for row in X]


#: Kinds of data, made from random numbers.
DATA: dict[str, Callable[[Any], Any]] = {
    "array": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "read-only": lambda X: _frozen(X.copy()),
    "frame": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "list": lambda X: X.tolist(),
    "sparse": lambda X: scipy.sparse.csr_matrix(np.where(np.abs(X) > 0.5, X, 0.0)),
    "mixed": _mixed,
    "text": _texts,
}


def _union() -> FeatureUnion:
    return FeatureUnion([("one", Pipeline([("s", StandardScaler())])), ("two", PCA(1, random_state=0))])


#: Transformers of numbers.
TRANSFORMERS: dict[str, Part] = {
    "standard": (StandardScaler, {"with_std": [True, False]}),
    "PCA": (lambda: PCA(2, svd_solver="full"), {"n_components": [1, 2, 3]}),
    "random PCA": (lambda: PCA(2, svd_solver="randomized"), {"n_components": [1, 2]}),
    "k best": (lambda: SelectKBest(k=2), {"k": [1, 2, "all"]}),
    "union": (_union, {"two__n_components": [1, 2]}),
    "function": (lambda: FunctionTransformer(parts.double), {"func": [parts.double, parts.shift]}),
    "own": (parts.Scale, {"factor": [0.5, 2.0]}),
    "in place": (parts.ScaleInPlace, {"factor": [0.5, 2.0]}),
    "drift": (parts.Drift, {"factor": [0.5, 2.0]}),
    "seeded noise": (parts.SeededNoise, {"factor": [0.5, 2.0]}),
    "noise in fit": (parts.FitNoise, {"factor": [0.5, 2.0]}),
    "noise in transform": (parts.TransformNoise, {"factor": [0.5, 2.0]}),
    "column": (parts.Column, {"column": [0, 1, 2], "factor": [1.0, -1.0]}),
    "secretive": (parts.Secretive, {"power": [1, 2, 3]}),
    "power": (parts.Power, {"power": [parts.Always(1), parts.Always(2), parts.Always(3)]}),
}
#: Transformers that accept sparse numbers.
SPARSE_TRANSFORMERS: dict[str, Part] = {
    "maximum": (MaxAbsScaler, {}),
    "k best": TRANSFORMERS["k best"],
}


def _mixed_transformer() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["a", "b", "c", "d"]),
            ("kind", OneHotEncoder(handle_unknown="ignore"), ["kind"]),
            ("text", TfidfVectorizer(), "text"),
        ]
    )


#: First step for data that are no numbers.
FIRST: dict[str, Part] = {
    "mixed": (_mixed_transformer, {"text__min_df": [1, 2], "numbers": [StandardScaler(), parts.Scale()]}),
    "text": (TfidfVectorizer, {"min_df": [1, 2], "sublinear_tf": [True, False]}),
}
#: Models.
MODELS: dict[str, Part] = {
    "logistic": (lambda: LogisticRegression(max_iter=30), {"C": [0.01, 1.0], "max_iter": [5, 30, 90]}),
    "ridge": (RidgeClassifier, {"alpha": [0.1, 1.0, 10.0]}),
    "tree": (
        lambda: DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3], "ccp_alpha": [0.0, 0.05]},
    ),
    "unseeded tree": (lambda: DecisionTreeClassifier(max_features=1), {"max_depth": [1, 2, 3]}),
    "forest": (
        lambda: RandomForestClassifier(3, random_state=0),
        {"n_estimators": [1, 2, 4], "max_depth": [2, None]},
    ),
    "unseeded forest": (lambda: RandomForestClassifier(3), {"n_estimators": [1, 2, 4]}),
    "boosting": (lambda: AdaBoostClassifier(n_estimators=3, random_state=0), {"n_estimators": [1, 3]}),
    "neighbors": (
        KNeighborsClassifier,
        {"n_neighbors": [1, 3, 5], "p": [1, 2], "weights": ["uniform", "distance"]},
    ),
    "SVC": (
        lambda: SVC(),
        {"C": [0.1, 1.0], "kernel": ["linear", "rbf"], "degree": [2, 3], "gamma": [0.1, 1.0]},
    ),
    "SGD": (
        lambda: SGDClassifier(max_iter=5, tol=None, random_state=0),
        {"alpha": [1e-4, 0.1], "max_iter": [3, 5]},
    ),
    "unseeded perceptron": (lambda: Perceptron(max_iter=5, tol=None), {"max_iter": [3, 5]}),
    "wrapper": (lambda: parts.Wrapper(LogisticRegression()), {"inner__C": [0.1, 1.0], "flip": [2, 5]}),
    "own neighbors": (parts.Neighbors, {"n_neighbors": [1, 3], "p": [1, 2, 3]}),
    "own descent": (
        lambda: parts.Descent(max_iter=5, tol=None, random_state=0),
        {"max_iter": [2, 5], "alpha": [1e-4, 0.1]},
    ),
}
#: Models of dense numbers only.
DENSE_MODELS: dict[str, Part] = {
    "Bayes": (GaussianNB, {"var_smoothing": [1e-9, 1e-3, 1.0]}),
}
#: Splitters of folds; they take a `RandomState` instance.
SPLITTERS: dict[str, Callable[[Any], Any]] = {
    "integer": lambda rng: 2,
    "shuffled with a seed": lambda rng: StratifiedKFold(2, shuffle=True, random_state=1),
    "shuffled without a seed": lambda rng: KFold(2, shuffle=True),
    "shares the generator": lambda rng: KFold(2, shuffle=True, random_state=rng),
    "random splits": lambda rng: ShuffleSplit(2, test_size=0.4),
}


#: Metrics that select the best candidate, where a scoring has several.
REFIT_METRICS = {
    "several known": "f1_macro",
    "dict of scores": "good",
    "known and foreign": "reads",
    "known and writing": "known",
}


def transformers_of(data: str) -> dict[str, Part]:
    """Return the transformers that accept a kind of data, after its first step."""
    return SPARSE_TRANSFORMERS if data in ("sparse", *FIRST) else TRANSFORMERS


class Arguments(NamedTuple):
    """Arguments of a search and of its `fit`, and the calls that its scorer sees."""

    estimator: Any
    space: Any
    options: dict[str, Any]
    X: Any
    y: Any
    log: Log


@dataclass(frozen=True)
class Problem:
    """A search, as names and numbers.

    Attributes
    ----------
    data, model, scoring, splitter : str
        Keys of the tables `DATA`, `MODELS`, `SCORINGS` and `SPLITTERS`.
    seed : int
        Seed of the data, and of numpy's global generator.
    steps : tuple of str
        Keys of `TRANSFORMERS`.
    n_values : dict of str to int
        Number of values, by the name of a parameter.
    is_swapped : bool
        Whether the first step is a parameter too.
    has_branches : bool
        Whether the grid is a list of two grids.
    fails : bool
        Whether some candidates of a support vector machine fail.
    n_iter : int or None
        Number of candidates of a random search; None for a grid search.
    """

    data: str
    seed: int
    steps: tuple[str, ...]
    model: str
    n_values: dict[str, int]
    is_swapped: bool
    has_branches: bool
    scoring: str
    splitter: str
    return_train_score: bool
    refit: bool
    fails: bool
    n_iter: int | None

    def build(self) -> Arguments:
        """Make the arguments of a search, which share no state with those of another call."""
        log: Log = []
        rng = np.random.RandomState(self.seed)
        X, y = _numbers(self.seed)
        options = {
            "cv": SPLITTERS[self.splitter](rng),
            "scoring": SCORINGS[self.scoring](log),
            "return_train_score": self.return_train_score,
            "refit": self.refit and REFIT_METRICS.get(self.scoring, True),
        }
        if self.n_iter is not None:
            is_shared = self.splitter == "shares the generator"
            options |= {"n_iter": self.n_iter, "random_state": rng if is_shared else None}
        return Arguments(self._estimator(), self._space(), options, DATA[self.data](X), y, log)

    def _parts(self) -> dict[str, Part]:
        """Return the parts of the pipeline, by their names."""
        first = [FIRST[self.data]] if self.data in FIRST else []
        transformers = [transformers_of(self.data)[name] for name in self.steps]
        parts = [*first, *transformers, (MODELS | DENSE_MODELS)[self.model]]
        return {f"s{i}": part for i, part in enumerate(parts)}

    def _estimator(self) -> Any:
        steps = [(name, make()) for name, (make, _) in self._parts().items()]
        return Pipeline(steps) if len(steps) > 1 else steps[0][1]

    def _space(self) -> Any:
        """Make the grid, or a list of two grids."""
        parts = self._parts()
        is_pipeline = len(parts) > 1
        grid: dict[str, list[Any]] = {}
        for step, (_, values) in parts.items():
            for name in values.keys() & self.n_values.keys():
                grid[f"{step}__{name}" if is_pipeline else name] = values[name][: self.n_values[name]]
        if self.fails and self.model == "SVC":
            grid[f"s{len(parts) - 1}__C" if is_pipeline else "C"] = [-1.0, 1.0]
        if self.is_swapped and is_pipeline and not any(name.startswith("s0__") for name in grid):
            grid |= self._choices_of_first_step()
        grid = dict(sorted(grid.items()))
        return [grid, self._other_branch()] if self.has_branches and is_pipeline else grid

    def _choices_of_first_step(self) -> dict[str, list[Any]]:
        make, _ = self._parts()["s0"]
        return {} if self.data in FIRST else {"s0": [make(), "passthrough"]}

    def _other_branch(self) -> dict[str, list[Any]]:
        models = [LogisticRegression(C=0.5), DecisionTreeClassifier(max_features=1)]
        return {f"s{len(self._parts()) - 1}": models}


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Strategy of problems."""
    data = draw(st.sampled_from(sorted(DATA)))
    transformers = transformers_of(data)
    n_most = 3 if transformers is TRANSFORMERS else 1
    steps = draw(st.lists(st.sampled_from(sorted(transformers)), max_size=n_most, unique=True))
    models = MODELS | DENSE_MODELS if transformers is TRANSFORMERS else MODELS
    model = draw(st.sampled_from(sorted(models)))
    first = [FIRST[data]] if data in FIRST else []
    names: set[str] = set()
    for _, values in (*first, *(transformers[name] for name in steps)):
        names |= values.keys()
    of_model = draw(st.sampled_from(sorted(models[model][1])))
    others = draw(st.lists(st.sampled_from(sorted(names | models[model][1].keys())), max_size=2, unique=True))
    return Problem(
        data=data,
        seed=draw(st.integers(0, 5)),
        steps=tuple(steps),
        model=model,
        n_values={name: draw(st.integers(1, 3)) for name in sorted({of_model, *others})},
        is_swapped=draw(st.booleans()),
        has_branches=draw(st.integers(0, 3)) == 0,
        scoring=draw(st.sampled_from(sorted(SCORINGS))),
        splitter=draw(st.sampled_from(sorted(SPLITTERS))),
        return_train_score=draw(st.booleans()),
        refit=draw(st.booleans()),
        fails=draw(st.integers(0, 3)) == 0,
        n_iter=draw(st.none() | st.integers(2, 6)),
    )
