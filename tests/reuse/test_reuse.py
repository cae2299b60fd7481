"""Sharing fits changes no score: each case against scikit-learn's own search, to the last bit."""

from __future__ import annotations

import gc
import pickle
import warnings
import weakref
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import randint
from sklearn import ensemble
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import GridSearch, RandomSearch, register_submodel
from skhpt.parallel import backends
from skhpt.parallel.channels import NullInbox, work
from skhpt.search import base
from tests.estimators import Doubler, Failing, InPlaceScaler, NoisyScaler, Picky


class OtherTree(DecisionTreeClassifier):
    """A tree that nobody knows."""


RNG = np.random.default_rng(0)
CLASSES = load_iris(return_X_y=True)
NUMBERS = tuple(part[:150] for part in load_diabetes(return_X_y=True))
FRAME = pd.DataFrame(CLASSES[0], columns=list("abcd")).assign(
    kind=np.array(["x", "y", "z"])[RNG.integers(0, 3, 150)],
    text=[" ".join(RNG.choice(["red", "green", "blue", "white"], 4)) for _ in range(150)],
)
TABLE = (FRAME, CLASSES[1])
WEIGHTS = RNG.uniform(0.5, 2.0, 150)


UNSORTED = sparse.csr_matrix(CLASSES[0])[:, [3, 1, 0, 2]]
UNSORTED = sparse.csr_matrix((UNSORTED.data, UNSORTED.indices, UNSORTED.indptr), shape=UNSORTED.shape)


@dataclass(eq=False)
class Case:
    """An estimator, a grid, and what else a search is given.

    `saves` tells whether fits are to be saved, `draws` whether workers draw from their own global generators.
    """

    estimator: Any
    grid: Any
    data: Any = CLASSES
    saves: bool = True
    draws: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    fit_params: dict[str, Any] = field(default_factory=dict)
    searches: tuple[Any, Any] = (GridSearchCV, GridSearch)


def columns_of(search: Any) -> dict[str, np.ndarray]:
    """Return the columns of a search's results that are scores or follow from them."""
    kinds = ("split", "mean_t", "std_t", "rank")
    return {name: column for name, column in search.cv_results_.items() if name.startswith(kinds)}


def run(search: Any, case: Case, **options: Any) -> Any:
    """Fit a search on the same folds, from the same state of numpy's global generator."""
    np.random.seed(0)
    options = {"cv": 3, "refit": False, "return_train_score": True} | case.options | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search(case.estimator, case.grid, **options).fit(*case.data, **case.fit_params)


@cache
def expected_columns(case: Case) -> dict[str, np.ndarray]:
    return columns_of(run(case.searches[0], case))


def assert_same_scores(case: Case, **options: Any) -> Any:
    """Compare all scores of scikit-learn's search and ours, and return ours."""
    ours = run(case.searches[1], case, **options)
    expected, found = expected_columns(case), columns_of(ours)
    assert expected.keys() == found.keys()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)
    return ours


def n_saved(search: Any) -> int:
    return search.reuse_report_.plan.n_fits_asked - search.reuse_report_.n_fits


def pipe(*steps: Any, **options: Any) -> Pipeline:
    """Make a pipeline of the steps a, b, c, ..."""
    return Pipeline([("abcdef"[i], step) for i, step in enumerate(steps)], **options)


def table(*more: Any) -> Pipeline:
    """Make a pipeline with a ColumnTransformer, a."""
    columns = [
        ("num", pipe(StandardScaler(), PCA(2, svd_solver="full")), ["a", "b", "c", "d"]),
        ("cat", OneHotEncoder(handle_unknown="ignore"), ["kind"]),
        ("text", TfidfVectorizer(), "text"),
    ]
    return pipe(ColumnTransformer(columns), *more)


def accuracy_of_parts(estimator: Any, X: Any, y: Any) -> float:
    """Score by hand, and look at what was fitted."""
    assert type(estimator.named_steps["a"]) is StandardScaler
    assert type(estimator[-1]) is ensemble.RandomForestClassifier
    assert len(estimator[-1].estimators_) == estimator[-1].n_estimators
    return accuracy_score(y, estimator.predict(X))


def several(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    return {"one": accuracy_score(y, estimator.predict(X)), "two": float(np.max(estimator.predict_proba(X)))}


def in_place_accuracy(y_true: Any, y_pred: Any) -> float:
    """Write to the targets that it is given."""
    score = accuracy_score(y_true, y_pred)
    y_true[:5] = 0
    return score


def double(X: Any) -> Any:
    return X * 2


FOREST = ensemble.RandomForestClassifier(random_state=0)
TREES = {"n_estimators": [2, 4, 7], "max_depth": [2, None]}
LAST_TREES = {f"b__{name}": values for name, values in TREES.items()}
LOGISTIC = LogisticRegression(max_iter=50)
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = [1, 2, 3]

CASES = {
    "forest": Case(FOREST, TREES),
    "forest behind a scaler": Case(pipe(StandardScaler(), FOREST), LAST_TREES),
    "several metrics": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": ["accuracy", "f1_macro", "roc_auc_ovr"]}
    ),
    "sizes that are not valid": Case(FOREST, {"n_estimators": [3, 0, -1, 5, "many"]}),
    "sample weights": Case(FOREST, TREES, fit_params={"sample_weight": WEIGHTS}),
    "sample weights for a step": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, fit_params={"b__sample_weight": WEIGHTS}
    ),
    "sample weights for a shared step": Case(
        pipe(StandardScaler(), TREE), {"b__max_depth": DEPTHS}, fit_params={"a__sample_weight": WEIGHTS}
    ),
    "groups": Case(
        pipe(StandardScaler(), FOREST),
        LAST_TREES,
        options={"cv": GroupKFold(3)},
        fit_params={"groups": np.arange(150) % 7},
    ),
    "chain of families": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), FOREST),
        {"b__n_components": [1, 2, 3], "c__n_estimators": [2, 5]},
    ),
    "target transformed outside": Case(
        TransformedTargetRegressor(
            pipe(StandardScaler(), DecisionTreeRegressor(random_state=0)), transformer=MinMaxScaler()
        ),
        {"regressor__b__max_depth": DEPTHS},
        NUMBERS,
    ),
    "target transformed inside": Case(
        pipe(StandardScaler(), TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp)),
        {"b__regressor__alpha": [0.1, 1, 10]},
        NUMBERS,
    ),
    "pipelines in pipelines": Case(
        pipe(pipe(StandardScaler(), PCA(3, svd_solver="full")), pipe(MinMaxScaler(), FOREST)),
        {"a__b__whiten": [False, True], "b__b__n_estimators": [2, 5], "b__b__max_depth": [2, None]},
    ),
    "feature union": Case(
        pipe(FeatureUnion([("pca", PCA(2, svd_solver="full")), ("best", SelectKBest())]), TREE),
        {"a__best__k": [1, 2, 3], "a__pca__whiten": [False, True], "b__max_depth": DEPTHS},
    ),
    "union with a part that varies alone": Case(
        pipe(FeatureUnion([("pca", PCA(2, svd_solver="full")), ("double", Picky())]), TREE),
        {"a__double__factor": [1.0, 2.0, 3.0]},
    ),
    "column transformer": Case(
        table(LOGISTIC), {"a__num__b__n_components": [1, 2], "a__text__min_df": [1, 2], "b__C": [0.1, 1]}, TABLE
    ),
    "column transformer with pandas output": Case(
        pipe(
            ColumnTransformer([("num", StandardScaler(), ["a", "b"])], remainder="drop").set_output(transform="pandas"),
            TREE,
        ),
        {"a__num__with_mean": [True, False], "b__max_depth": DEPTHS},
        TABLE,
    ),
    "pandas output of a whole pipeline": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), TREE).set_output(transform="pandas"),
        {"b__n_components": [1, 2], "c__max_depth": DEPTHS},
        (FRAME[list("abcd")], CLASSES[1]),
    ),
    "dropped and passed columns": Case(
        pipe(
            ColumnTransformer([("num", StandardScaler(), [0, 1]), ("rest", "passthrough", [2])]),
            TREE,
        ),
        {"a__num": [StandardScaler(), "drop", "passthrough"], "b__max_depth": DEPTHS},
    ),
    "target encoder": Case(
        pipe(TargetEncoder(random_state=0), TREE), {"b__max_depth": DEPTHS}, (FRAME[["kind"]], CLASSES[1])
    ),
    "sparse data": Case(
        pipe(SelectKBest(k=3), LOGISTIC),
        {"a__k": [1, 2], "b__C": [0.1, 1]},
        (sparse.csr_matrix(CLASSES[0]), CLASSES[1]),
    ),
    "sparse data, unsorted": Case(
        pipe(SelectKBest(k=3), LOGISTIC),
        {"a__k": [1, 2], "b__C": [0.1, 1]},
        (UNSORTED, CLASSES[1]),
        saves=False,
    ),
    "text": Case(
        pipe(TfidfVectorizer(), SelectKBest(k=3), LOGISTIC),
        {"a__min_df": [1, 0.5], "a__sublinear_tf": [False, True], "b__k": [2, 3], "c__C": [0.1, 1]},
        (list(FRAME["text"]), CLASSES[1]),
    ),
    "scaler that copies nothing": Case(pipe(StandardScaler(copy=False), FOREST), LAST_TREES, saves=False),
    "transformer that writes to its input": Case(pipe(InPlaceScaler(), FOREST), LAST_TREES, saves=False),
    "writers and others": Case(
        pipe(StandardScaler(), InPlaceScaler(), TREE),
        {"b": [InPlaceScaler(), "passthrough", Doubler()], "c__max_depth": DEPTHS},
        saves=False,
    ),
    "transformer from elsewhere": Case(pipe(Doubler(), FOREST), LAST_TREES),
    "function as a transformer": Case(pipe(FunctionTransformer(double), FOREST), LAST_TREES),
    "kernel matrix": Case(
        SVC(),
        [{"kernel": ["precomputed"], "C": [1, 10, 10]}, {"kernel": ["linear"], "C": [1, 2, 2]}],
        (CLASSES[0] @ CLASSES[0].T, CLASSES[1]),
    ),
    "instance of RandomState in the last step": Case(
        pipe(StandardScaler(), ensemble.RandomForestClassifier(random_state=np.random.RandomState(3))), LAST_TREES
    ),
    "instance of RandomState in a prefix": Case(
        pipe(PCA(2, svd_solver="randomized", random_state=np.random.RandomState(3)), TREE), {"b__max_depth": DEPTHS}
    ),
    "no seed at all": Case(ensemble.RandomForestClassifier(), TREES, saves=False),
    "no seed in the last step": Case(
        pipe(StandardScaler(), ensemble.RandomForestClassifier()), LAST_TREES, saves=False
    ),
    "no seed in a prefix": Case(pipe(PCA(2, svd_solver="randomized"), TREE), {"b__max_depth": DEPTHS}, saves=False),
    "seeds that do not matter": Case(
        pipe(StandardScaler(), PCA(2, svd_solver="full"), SVC()), {"c__C": [0.1, 1], "c__gamma": [0.1, 1]}
    ),
    "some without a seed": Case(
        pipe(StandardScaler(), TREE),
        [
            {"b": [TREE], "b__max_depth": DEPTHS},
            {"b": [DecisionTreeClassifier(max_features=1)], "b__max_depth": DEPTHS},
            {"b": [GaussianNB()], "b__var_smoothing": [1e-9, 1e-3]},
        ],
        draws=True,
    ),
    "foreign steps that draw": Case(pipe(NoisyScaler(), TREE), {"b__max_depth": DEPTHS}, saves=False),
    "functions that draw": Case(
        pipe(SelectKBest(mutual_info_classif), TREE), {"a__k": [1, 2], "b__max_depth": DEPTHS}, saves=False
    ),
    "random search": Case(
        pipe(StandardScaler(), FOREST),
        {"b__n_estimators": randint(2, 9), "b__max_depth": [2, None]},
        options={"n_iter": 12, "random_state": 0},
        searches=(RandomizedSearchCV, RandomSearch),
    ),
    "pruning": Case(TREE, {"ccp_alpha": [0.0, 0.01, 0.1]}),
    "neighbours with ties": Case(
        pipe(StandardScaler(), KNeighborsClassifier()),
        {"b__n_neighbors": [1, 2, 3, 5, 8], "b__weights": ["uniform", "distance"]},
        (np.round(CLASSES[0]), CLASSES[1]),
    ),
    "no target": Case(pipe(StandardScaler(), PCA(svd_solver="full")), {"b__n_components": [1, 2, 3]}, (CLASSES[0],)),
    "the same candidates again": Case(TREE, {"max_depth": [1, 2, 1, 1, 2]}),
    "parameters without effect": Case(SVC(), {"kernel": ["linear"], "gamma": [0.1, 1.0, 10.0], "C": [1, 2]}),
    "parameters without effect that are not valid": Case(
        SVC(), {"kernel": ["linear"], "gamma": [0.1, -1.0], "C": [1]}, saves=False
    ),
    "a memory of its own": Case(pipe(StandardScaler(), FOREST, memory=None), LAST_TREES),
    "early stopping": Case(
        ensemble.GradientBoostingClassifier(random_state=0, n_iter_no_change=2, tol=0.01), {"n_estimators": [2, 10, 50]}
    ),
    "iterations after convergence": Case(Lasso(), {"max_iter": [100, 1000, 10_000], "alpha": [0.1, 1]}, NUMBERS),
    "score of the user's own": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": make_scorer(in_place_accuracy)}
    ),
    "scorer that looks at parts": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": accuracy_of_parts}
    ),
    "scorer of several metrics": Case(pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": several}),
    "failing step": Case(
        pipe(Picky(), TREE), {"a__factor": [1.0, -1.0, 2.0], "b__max_depth": DEPTHS}, options={"error_score": -1.0}
    ),
    "failing model": Case(
        pipe(StandardScaler(), Failing(bad=(1,))), {"b__value": [0, 1, 2, 3, 4, 1]}, options={"error_score": np.nan}
    ),
    "too many components": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), TREE), {"b__n_components": [1, 2, 99], "c__max_depth": DEPTHS}
    ),
    "votes": Case(
        ensemble.VotingClassifier([("tree", TREE), ("nb", GaussianNB())], voting="soft"),
        {"weights": [None, [1, 2], [2, 1]], "tree__max_depth": DEPTHS},
    ),
    "stack": Case(
        ensemble.StackingClassifier([("tree", TREE), ("nb", GaussianNB())], LogisticRegression()),
        {"final_estimator__C": [0.1, 1.0, 10.0]},
    ),
    "steps that are swapped": Case(
        pipe(StandardScaler(), TREE),
        {"a": [StandardScaler(), MinMaxScaler(), "passthrough", None], "b": [TREE, GaussianNB(), LOGISTIC]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn_with_one_worker_and_with_two(name: str) -> None:
    case = CASES[name]
    search = assert_same_scores(case)
    assert (n_saved(search) > 0) == case.saves, search.reuse_report_
    if case.saves and not case.draws:
        assert_same_scores(case, n_jobs=2)


STEPS = {
    "scale": [StandardScaler(), MinMaxScaler(), "passthrough", StandardScaler(with_mean=False)],
    "reduce": [
        PCA(2, svd_solver="full"),
        SelectKBest(k=2),
        FeatureUnion([("p", PCA(1)), ("k", SelectKBest(k=1))]),
        None,
    ],
}
MODELS = [
    (DecisionTreeClassifier(random_state=1), {"max_depth": [1, 2, None], "ccp_alpha": [0.0, 0.02]}),
    (ensemble.RandomForestClassifier(random_state=1, max_depth=2), {"n_estimators": [1, 3, 4]}),
    (KNeighborsClassifier(), {"n_neighbors": [1, 3, 6], "weights": ["uniform", "distance"]}),
    (GaussianNB(), {"var_smoothing": [1e-9, 0.1]}),
    (
        ensemble.GradientBoostingClassifier(random_state=1, max_depth=1),
        {"n_estimators": [1, 3], "subsample": [0.7, 1.0]},
    ),
    (SVC(kernel="linear"), {"C": [0.1, 1.0], "gamma": [0.1, 1.0]}),
]


@st.composite
def searches(draw: st.DrawFn) -> Case:
    """Draw a pipeline, a grid over its steps and parameters, folds, metrics and weights."""
    model, params = draw(st.sampled_from(MODELS))
    nested = draw(st.booleans())
    head = [(name, draw(st.sampled_from(choices))) for name, choices in STEPS.items()]
    steps = [("head", Pipeline(head)), ("model", model)] if nested else [*head, ("model", model)]
    grid = {f"model__{name}": values for name, values in params.items() if draw(st.booleans())}
    for name, choices in STEPS.items():
        if draw(st.booleans()):
            grid[f"head__{name}" if nested else name] = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3))
    scoring = draw(st.sampled_from([None, "f1_macro", ["accuracy", "balanced_accuracy"]]))
    options = {"cv": draw(st.integers(2, 3)), "scoring": scoring, "return_train_score": draw(st.booleans())}
    weighs = draw(st.booleans()) and not isinstance(model, KNeighborsClassifier)
    rows = np.random.default_rng(draw(st.integers(0, 9))).permutation(150)[:60]
    weights = {"model__sample_weight": WEIGHTS[rows]} if weighs else {}
    data = tuple(part[rows] for part in CLASSES)
    return Case(Pipeline(steps), grid, data, options=options, fit_params=weights)


@settings(max_examples=10)
@given(searches())
def test_any_pipeline_has_the_scores_of_scikit_learn(case: Case) -> None:
    assert_same_scores(case)


def test_it_is_said_what_is_shared_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    grid = {"a__num__b__n_components": [1, 2], "a__text__min_df": [1, 2], "b__max_depth": [1, 2]}
    search = GridSearch(table(TREE), grid, cv=3, verbose=1, refit=False)
    plan = search.plan(*TABLE)
    assert (plan.n_candidates, plan.n_splits) == (8, 3)
    assert plan.n_fits_asked == 8 * 5 * 3
    assert plan.parts["a__num__a: StandardScaler"] == (8, 1)
    assert plan.parts["b: DecisionTreeClassifier"] == (8, 8)
    search.fit(*TABLE)
    assert search.reuse_report_.plan == plan
    assert search.reuse_report_.n_fits == plan.n_fits == 3 * (1 + 1 + 1 + 1 + 8)
    said = capsys.readouterr().out
    assert f"Fitted {plan.n_fits} of {plan.n_fits_asked} parts" in said
    assert str(plan) in str(search.reuse_report_)


@pytest.mark.parametrize(
    ("options", "X", "reason"),
    [
        ({"reuse": False}, CLASSES[0], "reuse=False"),
        ({}, UNSORTED, "X is a sparse matrix other than CSR with sorted indices"),
    ],
)
def test_it_is_said_why_nothing_is_shared(options: dict[str, Any], X: Any, reason: str) -> None:
    search = GridSearch(TREE, {"max_depth": DEPTHS}, cv=3, **options)
    plan = search.plan(X, CLASSES[1])
    assert plan.n_fits == plan.n_fits_asked == 9
    assert plan.alone == {reason: 3}
    search.fit(X, CLASSES[1])
    assert str(search.reuse_report_) == f"3 candidates are fitted on their own: {reason}"


def test_a_plan_changes_nothing() -> None:
    seeds = np.random.RandomState(0)
    search = RandomSearch(TREE, {"max_depth": randint(1, 9)}, n_iter=5, random_state=seeds, cv=3)
    before = set(vars(search))
    assert search.plan(*CLASSES).n_candidates == 5
    assert set(vars(search)) == before
    assert seeds.randint(1000) == np.random.RandomState(0).randint(1000)
    with pytest.raises(ValueError, match="use up cv"):
        GridSearch(TREE, {"max_depth": DEPTHS}, cv=iter([])).plan(*CLASSES)
    with pytest.raises(ValueError, match="'reuse' parameter of GridSearch"):
        GridSearch(TREE, {"max_depth": DEPTHS}, reuse="yes").plan(*CLASSES)


def test_racing_candidates_are_fitted_on_their_own() -> None:
    search = RandomSearch(FOREST, {"n_estimators": randint(2, 5)}, n_iter=4, random_state=0, cv=3, racing=True)
    search.fit(*CLASSES)
    assert search.reuse_report_.plan.alone == {"racing=True": 4}


@pytest.mark.parametrize("limit", [0, 5000, None])
def test_a_small_memory_only_costs_fits(limit: float | None) -> None:
    case = CASES["column transformer"]
    search = assert_same_scores(case, reuse_memory=limit)
    if limit is None:
        assert search.reuse_report_.n_fits == search.reuse_report_.plan.n_fits
    else:
        assert search.reuse_report_.n_fits > search.reuse_report_.plan.n_fits


def test_on_an_unknown_version_sharing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "IS_TESTED", False)
    case = CASES["forest behind a scaler"]
    assert n_saved(assert_same_scores(case)) > 0


def test_what_differs_from_a_fresh_fit_is_found_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "IS_TESTED", False)
    register_submodel(OtherTree, "max_depth", lambda tree, estimator: tree)
    case = Case(pipe(StandardScaler(), OtherTree(random_state=0)), {"b__max_depth": DEPTHS})
    theirs = run(GridSearchCV, case)
    with pytest.warns(UserWarning, match="not the one that it gets alone, with .*OtherTree"):
        ours = GridSearch(case.estimator, case.grid, cv=3, refit=False, return_train_score=True).fit(*case.data)
    for name, column in columns_of(theirs).items():
        np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    assert list(ours.reuse_report_.declined.values()) == [3]


@pytest.mark.parametrize("is_tested", [True, False])
def test_what_agrees_up_to_rounding_is_shared_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, is_tested: bool
) -> None:
    monkeypatch.setattr(base, "IS_TESTED", is_tested)
    grid = {"b__C": [0.1, 1.0, 10.0], "b__kernel": ["poly", "sigmoid"]}
    pipeline = pipe(StandardScaler(), SVC(gamma=0.1))
    exact, close = (
        GridSearch(pipeline, grid, cv=3, scoring="accuracy", reuse=reuse, refit=False).fit(*CLASSES)
        for reuse in ("exact", "close")
    )
    assert close.reuse_report_.n_fits < exact.reuse_report_.n_fits
    np.testing.assert_allclose(close.cv_results_["mean_test_score"], exact.cv_results_["mean_test_score"])


class Level(RegressorMixin, BaseEstimator):
    """Predicts its own parameter; alone, one of 1 may be refused."""

    def __init__(self, n: int = 1, refuses: bool = False, scale: float = 1.0):
        self.n = n
        self.refuses = refuses
        self.scale = scale

    def fit(self, X: Any, y: Any) -> Level:
        if self.refuses and self.n == 1:
            raise ValueError("too low")
        self.level_ = self.n * self.scale
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.level_)


@pytest.fixture
def level(monkeypatch: pytest.MonkeyPatch) -> type[Level]:
    """A class of which nothing is registered yet."""
    monkeypatch.setattr(base, "IS_TESTED", False)
    return type("Level", (Level,), {"__module__": __name__})


def test_what_is_exact_and_what_is_close_do_not_mix(level: type[Level]) -> None:
    used = []

    def serves(name: str) -> dict[str, Any]:
        def view(made_by: str, estimator: Any) -> Any:
            used.append((name, made_by, estimator.n))
            return estimator.fit([[0]], [0])

        return {"fit": lambda estimator, X, y: name, "view": view}

    register_submodel(level, "n", is_exact=lambda estimator: estimator.n >= 3, is_close=True, **serves("close"))
    register_submodel(level, "n", is_exact=lambda estimator: estimator.n <= 4, **serves("exact"))
    search = GridSearch(level(), {"n": [1, 2, 3, 4, 5, 6]}, cv=2, reuse="close", refit=False).fit(*NUMBERS)
    assert not search.reuse_report_.declined
    assert {(name, n) for name, _, n in used} == {("exact", n) for n in (1, 2, 3, 4)} | {("close", n) for n in (5, 6)}
    assert all(name == made_by for name, made_by, _ in used)


@pytest.mark.parametrize("scoring", ["r2", ["r2", "neg_max_error"]])
def test_a_view_of_what_fails_alone_is_found(level: type[Level], scoring: Any) -> None:
    register_submodel(level, "n", lambda shared, estimator: estimator.set_params(refuses=False).fit([[0]], [0]))
    search = GridSearch(level(refuses=True), {"n": [1, 2, 3]}, cv=2, scoring=scoring, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*NUMBERS)
    assert any("not the one that it gets alone" in str(one.message) for one in caught)
    assert sum(search.reuse_report_.declined.values()) > 0


@pytest.mark.parametrize("reuse", ["exact", "close"])
def test_small_scores_are_told_apart(level: type[Level], reuse: Any) -> None:
    register_submodel(level, "n", lambda shared, estimator: shared)  # the largest, whatever is asked for
    search = GridSearch(level(scale=1e-6), {"n": [1, 2, 3]}, cv=2, scoring="neg_mean_squared_error", reuse=reuse)
    X, y = NUMBERS
    with pytest.warns(UserWarning, match="not the one that it gets alone"):
        search.fit(X, 1e-6 * y)
    assert len(set(search.cv_results_["mean_test_score"])) == 3


@pytest.mark.parametrize("reuse", ["exact", False])
def test_a_task_holds_its_data_no_longer_than_it_runs(monkeypatch: pytest.MonkeyPatch, reuse: Any) -> None:
    """What outlives it, until a cycle is found, keeps joblib's file of them, and the search waits for that file."""
    sent = []

    def make_batch(backend: Any, function: Any, args: Any, **options: Any) -> Any:
        sent.append(pickle.dumps((function, args)))
        return original_make_batch(backend, function, args, **options)

    original_make_batch = backends.make_batch
    monkeypatch.setattr(backends, "make_batch", make_batch)
    X, y = CLASSES
    GridSearch(pipe(StandardScaler(), FOREST), {"b__n_estimators": [1, 2]}, cv=3, n_jobs=2, reuse=reuse).fit(X, y)
    function, args = pickle.loads(sent[0])
    own = [weakref.ref(one) for one in args if isinstance(one, np.ndarray) and one.shape == X.shape]
    assert len(own) == 1
    gc.disable()
    try:
        work(function, NullInbox().channel(0), *args)
        del args
        assert own[0]() is None
    finally:
        gc.enable()


def test_fit_times_are_those_of_a_candidate_alone() -> None:
    grid = {"b__n_estimators": [1, 20, 80], "b__max_depth": [3]}
    search = GridSearch(pipe(StandardScaler(), FOREST), grid, cv=3).fit(*CLASSES)
    one, some, many = search.cv_results_["mean_fit_time"]
    assert 0 < one < some < many
