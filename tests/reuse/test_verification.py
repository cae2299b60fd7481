"""Verification of shared fits on versions of scikit-learn that were not tested, and sub-models that users register."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, register_submodel
from skhpt.search import base
from tests.reuse.comparison import (
    CLASSES,
    DEPTHS,
    NUMBERS,
    Case,
    assert_same_scores,
    columns_of,
    n_saved,
    pipe,
    run,
)


class OtherTree(DecisionTreeClassifier):
    """A tree that nobody knows."""


def test_on_an_unknown_version_sharing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "IS_TESTED", False)
    case = CASES["forest behind a scaler"]
    assert n_saved(assert_same_scores(case)) > 0


def test_what_differs_from_a_fresh_fit_is_found_and_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "IS_TESTED", False)
    register_submodel(OtherTree, "max_depth", lambda tree, estimator: tree)
    case = Case(pipe(StandardScaler(), OtherTree(random_state=0)), {"b__max_depth": DEPTHS})
    theirs = run(GridSearchCV, case)
    with pytest.warns(UserWarning, match="differs from the score of a separate fit, with .*OtherTree"):
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
    assert any("differs from the score of a separate fit" in str(one.message) for one in caught)
    assert sum(search.reuse_report_.declined.values()) > 0


@pytest.mark.parametrize("reuse", ["exact", "close"])
def test_small_scores_are_told_apart(level: type[Level], reuse: Any) -> None:
    register_submodel(level, "n", lambda shared, estimator: shared)  # the largest, whatever is asked for
    search = GridSearch(level(scale=1e-6), {"n": [1, 2, 3]}, cv=2, scoring="neg_mean_squared_error", reuse=reuse)
    X, y = NUMBERS
    with pytest.warns(UserWarning, match="differs from the score of a separate fit"):
        search.fit(X, 1e-6 * y)
    assert len(set(search.cv_results_["mean_test_score"])) == 3
