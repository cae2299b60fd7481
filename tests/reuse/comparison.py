"""Comparison of the scores of a search that shares fits with those of scikit-learn's search."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch

RNG = np.random.default_rng(0)
CLASSES = load_iris(return_X_y=True)
NUMBERS = tuple(part[:150] for part in load_diabetes(return_X_y=True))
FRAME = pd.DataFrame(CLASSES[0], columns=list("abcd")).assign(
    kind=np.array(["x", "y", "z"])[RNG.integers(0, 3, 150)],
    text=[" ".join(RNG.choice(["red", "green", "blue", "white"], 4)) for _ in range(150)],
)
TABLE = (FRAME, CLASSES[1])
WEIGHTS = RNG.uniform(0.5, 2.0, 150)

FOREST = RandomForestClassifier(random_state=0)
TREES = {"n_estimators": [2, 4, 7], "max_depth": [2, None]}
LAST_TREES = {f"b__{name}": values for name, values in TREES.items()}
LOGISTIC = LogisticRegression(max_iter=50)
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = [1, 2, 3]


@dataclass(eq=False)
class Case:
    """An estimator, a grid, and other arguments of a search.

    `saves` tells whether fits are saved, `draws` whether workers draw from their own global generators.
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
    """Return the columns of the results that are computed from scores."""
    kinds = ("split", "mean_t", "std_t", "rank")
    return {name: column for name, column in search.cv_results_.items() if name.startswith(kinds)}


def run(search: Any, case: Case, **options: Any) -> Any:
    """Fit a search on the folds of the case, from a fixed state of numpy's global generator."""
    np.random.seed(0)
    options = {"cv": 3, "refit": False, "return_train_score": True} | case.options | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search(case.estimator, case.grid, **options).fit(*case.data, **case.fit_params)


@cache
def expected_columns(case: Case) -> dict[str, np.ndarray]:
    return columns_of(run(case.searches[0], case))


def assert_same_scores(case: Case, **options: Any) -> Any:
    """Compare all scores with those of scikit-learn's search, and return the fitted search."""
    ours = run(case.searches[1], case, **options)
    expected, found = expected_columns(case), columns_of(ours)
    assert expected.keys() == found.keys()
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)
    return ours


def assert_same_scores_and_savings(case: Case) -> None:
    """Compare all scores, with one worker and with two, and test whether fits are saved."""
    search = assert_same_scores(case)
    assert (n_saved(search) > 0) == case.saves, search.reuse_report_
    if case.saves and not case.draws:
        assert_same_scores(case, n_jobs=2)


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


FOREST_AFTER_SCALER = Case(pipe(StandardScaler(), FOREST), LAST_TREES)
COLUMN_TRANSFORMER = Case(
    table(LOGISTIC), {"a__num__b__n_components": [1, 2], "a__text__min_df": [1, 2], "b__C": [0.1, 1]}, TABLE
)
