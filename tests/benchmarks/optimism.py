"""How far the score of the winner is from the truth, and what ``corrected_score_`` makes of it.

Run by hand: ``OMP_NUM_THREADS=1 python tests/benchmarks/optimism.py --repeats 50``. Each repeat draws data,
searches, and asks for ``best_score_`` (naive), ``corrected_score_`` (with its interval), the score of nested
cross-validation where that is asked for, and the truth: one half where the labels are noise, else the score
of the refitted winner on rows that the search has not seen. What is printed are means over the repeats, the
mean absolute error of each estimate against the truth of its own repeat, how often the truth lies in the
interval, and what a call takes. With ``--ensemble``, the same for the mean of the five best candidates, whose naive
score is that of the mean on all out-of-fold predictions.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import GridSearch, HyperbandSearchCV, RandomSearch
from skhpt.ensemble import SearchEnsemble
from skhpt.select import one_standard_error


@dataclass(frozen=True)
class Workload:
    """Data and a search.

    `draw` takes a seed and returns X, y and rows to find out the truth on, None for noise; `make` returns a
    search.
    """

    name: str
    draw: Callable[[int], tuple[Any, Any, Any, Any]]
    make: Callable[[], Any]
    scoring: str
    nested: bool = False


def noise(n: int, n_features: int = 10) -> Callable[[int], tuple[Any, Any, Any, Any]]:
    def draw(seed: int) -> tuple[Any, Any, Any, Any]:
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, n_features)), rng.permutation(np.arange(n) % 2), None, None

    return draw


def part_of(
    load: Callable[..., Any], n: int, flipped: float = 0.0
) -> Callable[[int], tuple[Any, Any, Any, Any]]:
    """Draw n rows of a data set, the others tell the truth; so many of the labels, of 0 and 1, are flipped."""

    def draw(seed: int) -> tuple[Any, Any, Any, Any]:
        X, y = load(return_X_y=True)
        if flipped:
            y = np.where(np.random.default_rng(seed).uniform(size=len(y)) < flipped, 1 - y, y)
        X, X_rest, y, y_rest = train_test_split(X, y, train_size=n, random_state=seed)
        return X, y, X_rest, y_rest

    return draw


def trees(n_candidates: int, **params: Any) -> Any:
    """Shallow trees on a random feature at each node: candidates that have little in common."""
    tree = DecisionTreeClassifier(max_depth=3, max_features=1)
    return GridSearch(tree, {"random_state": list(range(n_candidates))}, **params)


def raced(n_candidates: int, **params: Any) -> Any:
    tree = DecisionTreeClassifier(max_depth=3, max_features=1)
    space = {"random_state": list(range(n_candidates))}
    return RandomSearch(tree, space, n_iter=n_candidates, racing=True, random_state=0, **params)


def ladder(n_candidates: int, **params: Any) -> Any:
    tree = DecisionTreeClassifier(max_depth=3, max_features=1)
    space = {"random_state": list(range(n_candidates))}
    return HyperbandSearchCV(
        tree, space, n_candidates=n_candidates, resource="folds", random_state=0, **params
    )


def mixed(svm: Any, neighbours: Any, tree: Any, **params: Any) -> Any:
    """Three kinds of models, 27 candidates."""
    pipe = Pipeline([("scale", StandardScaler()), ("model", svm)])
    grid = [
        {"model": [svm], "model__C": np.logspace(-1, 3, 5), "model__gamma": np.logspace(-3, -1, 3)},
        {"model": [neighbours], "model__n_neighbors": [1, 3, 5, 7, 9, 15]},
        {"model": [tree], "model__max_depth": [1, 2, 4], "model__min_samples_leaf": [1, 5]},
    ]
    return GridSearch(pipe, grid, **params)


def classifiers(**params: Any) -> Any:
    return mixed(SVC(), KNeighborsClassifier(), DecisionTreeClassifier(random_state=0), **params)


def regressors(**params: Any) -> Any:
    return mixed(SVR(), KNeighborsRegressor(), DecisionTreeRegressor(random_state=0), **params)


RULE = one_standard_error("mean_fit_time")
WORKLOADS = [
    Workload("noise, 60 rows, 100 candidates", noise(60), lambda: trees(100), "accuracy"),
    Workload("noise, 60 rows, 100 candidates, ROC AUC", noise(60), lambda: trees(100), "roc_auc"),
    Workload(
        "noise, 60 rows, 100 candidates, one standard error",
        noise(60),
        lambda: trees(100, refit=RULE),
        "accuracy",
    ),
    Workload("noise, 200 rows, 100 candidates", noise(200), lambda: trees(100), "accuracy"),
    Workload("noise, 60 rows, race of 100", noise(60), lambda: raced(100), "accuracy"),
    Workload("noise, 60 rows, ladder of 81 on folds", noise(60), lambda: ladder(81), "accuracy"),
    Workload("tumours, 60 rows", part_of(load_breast_cancer, 60), classifiers, "accuracy", nested=True),
    Workload(
        "tumours, 60 rows, 30 % flipped",
        part_of(load_breast_cancer, 60, 0.3),
        classifiers,
        "accuracy",
        nested=True,
    ),
    Workload("digits, 100 rows", part_of(load_digits, 100), classifiers, "accuracy", nested=True),
    Workload(
        "diabetes, 60 rows, MSE",
        part_of(load_diabetes, 60),
        regressors,
        "neg_mean_squared_error",
        nested=True,
    ),
]


ENSEMBLES = [
    Workload("noise, 60 rows, 100 candidates", noise(60), lambda: trees(100), "accuracy"),
    Workload("noise, 60 rows, 100 candidates, ROC AUC", noise(60), lambda: trees(100), "roc_auc"),
    Workload("noise, 200 rows, 100 candidates", noise(200), lambda: trees(100), "accuracy"),
    Workload("tumours, 60 rows", part_of(load_breast_cancer, 60), lambda: trees(30), "neg_log_loss"),
    Workload("diabetes, 60 rows, MSE", part_of(load_diabetes, 60), regressors, "neg_mean_squared_error"),
]


def measure_ensemble(workload: Workload, seed: int, selection: str) -> dict[str, float]:
    """Fit an ensemble, and compare what it says with the truth."""
    X, y, X_rest, y_rest = workload.draw(seed)
    search = workload.make().set_params(scoring=workload.scoring, return_predictions=True)
    ensemble = SearchEnsemble(search, selection=selection).fit(X, y)
    start = time.perf_counter()
    corrected = ensemble.corrected_score_
    seconds = time.perf_counter() - start
    truth = 0.5 if X_rest is None else get_scorer(workload.scoring)(ensemble, X_rest, y_rest)
    return {
        "truth": truth,
        "naive": corrected.pooled_score,
        "corrected": corrected.score,
        "nested": np.nan,
        "covered": corrected.low <= truth <= corrected.high,
        "width": corrected.high - corrected.low,
        "seconds": seconds,
    }


def measure(workload: Workload, seed: int) -> dict[str, float]:
    """Run a search, and compare what it says with the truth."""
    X, y, X_rest, y_rest = workload.draw(seed)
    search = workload.make().set_params(scoring=workload.scoring, return_predictions=True).fit(X, y)
    start = time.perf_counter()
    corrected = search.corrected_score_
    seconds = time.perf_counter() - start
    truth = 0.5 if X_rest is None else get_scorer(workload.scoring)(search, X_rest, y_rest)
    nested = np.nan
    if workload.nested:
        nested = cross_val_score(clean(search), X, y, scoring=workload.scoring).mean()
    return {
        "truth": truth,
        "naive": search.best_score_,
        "corrected": corrected.score,
        "nested": nested,
        "covered": corrected.low <= truth <= corrected.high,
        "width": corrected.high - corrected.low,
        "seconds": seconds,
    }


def clean(search: Any) -> Any:
    return sklearn.base.clone(search).set_params(return_predictions=False)


def line(workload: Workload, rows: list[dict[str, float]]) -> str:
    table = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    scale = 1 / abs(table["truth"]).mean() if abs(table["truth"]).mean() > 1 else 1.0

    def mean(name: str) -> str:
        return f"{table[name].mean() * scale:.3f}"

    def estimate(name: str) -> str:
        if np.isnan(table[name]).any():
            return "-"
        error = np.abs(table[name] - table["truth"]).mean() * scale
        return f"{mean(name)} ({error:.3f})"

    cells = [workload.name, mean("truth"), *map(estimate, ("naive", "corrected", "nested"))]
    cells += [
        f"{100 * table['covered'].mean():.0f} %",
        mean("width"),
        f"{1000 * np.median(table['seconds']):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=[""], help="words that the names of workloads hold")
    parser.add_argument(
        "--ensemble", choices=["best", "greedy"], help="selection of the members of an ensemble"
    )
    args = parser.parse_args()
    print(f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, numpy {np.__version__}")
    print(
        "| | truth | best_score_ (error) | corrected_score_ (error) | nested (error) | covered | width | ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    run = partial(measure_ensemble, selection=args.ensemble) if args.ensemble else measure
    for workload in ENSEMBLES if args.ensemble else WORKLOADS:
        if any(word in workload.name for word in args.only):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # small folds without some class
                print(line(workload, [run(workload, seed) for seed in range(args.repeats)]), flush=True)


if __name__ == "__main__":
    main()
