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
from tests.reuse.comparison import (
    CLASSES,
    DEPTHS,
    FOREST_AFTER_SCALER,
    NUMBERS,
    Case,
    assert_same_scores,
    columns_of,
    n_saved,
    pipe,
    run,
)

#: Whether the installed version of scikit-learn was tested; if not, shared fits are verified.
IS_TESTED = "skhpt.session.run.IS_TESTED"


class OtherTree(DecisionTreeClassifier):
    """A tree without a sub-model."""


def test_on_a_version_that_was_not_tested_fits_are_still_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IS_TESTED, False)
    assert n_saved(assert_same_scores(FOREST_AFTER_SCALER)) > 0


def test_a_shared_fit_that_differs_from_a_separate_fit_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(IS_TESTED, False)
    register_submodel(OtherTree, "max_depth", lambda tree, estimator: tree)
    case = Case(pipe(StandardScaler(), OtherTree(random_state=0)), {"b__max_depth": DEPTHS})
    theirs = run(GridSearchCV, case)
    with pytest.warns(UserWarning, match="differs from the score of a separate fit, with .*OtherTree"):
        ours = GridSearch(case.estimator, case.grid, cv=3, refit=False, return_train_score=True).fit(
            *case.data
        )
    for name, column in columns_of(theirs).items():
        np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    assert list(ours.reuse_report_.declined.values()) == [3]


@pytest.mark.parametrize("is_tested", [True, False])
def test_fits_that_agree_up_to_rounding_are_shared_with_reuse_close(
    monkeypatch: pytest.MonkeyPatch, is_tested: bool
) -> None:
    monkeypatch.setattr(IS_TESTED, is_tested)
    grid = {"b__C": [0.1, 1.0, 10.0], "b__kernel": ["poly", "sigmoid"]}
    pipeline = pipe(StandardScaler(), SVC(gamma=0.1))
    exact, close = (
        GridSearch(pipeline, grid, cv=3, scoring="accuracy", reuse=reuse, refit=False).fit(*CLASSES)
        for reuse in ("exact", "close")
    )
    assert close.reuse_report_.n_fits < exact.reuse_report_.n_fits
    np.testing.assert_allclose(close.cv_results_["mean_test_score"], exact.cv_results_["mean_test_score"])


class Level(RegressorMixin, BaseEstimator):
    """Predicts its own parameter; optionally, a fit with the value 1 fails."""

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
    """A class without a sub-model, on a version that was not tested."""
    monkeypatch.setattr(IS_TESTED, False)
    return type("Level", (Level,), {"__module__": __name__})


def test_exact_and_close_sub_models_do_not_mix(level: type[Level]) -> None:
    used = []

    def serves(name: str) -> dict[str, Any]:
        def view(made_by: str, estimator: Any) -> Any:
            used.append((name, made_by, estimator.n))
            return estimator.fit([[0]], [0])

        return {"fit": lambda estimator, X, y: name, "view": view}

    register_submodel(
        level, "n", is_exact=lambda estimator: estimator.n >= 3, is_close=True, **serves("close")
    )
    register_submodel(level, "n", is_exact=lambda estimator: estimator.n <= 4, **serves("exact"))
    search = GridSearch(level(), {"n": [1, 2, 3, 4, 5, 6]}, cv=2, reuse="close", refit=False).fit(*NUMBERS)
    assert not search.reuse_report_.declined
    assert {(name, n) for name, _, n in used} == {("exact", n) for n in (1, 2, 3, 4)} | {
        ("close", n) for n in (5, 6)
    }
    assert all(name == made_by for name, made_by, _ in used)


@pytest.mark.parametrize("scoring", ["r2", ["r2", "neg_max_error"]])
def test_a_view_of_an_estimator_whose_separate_fit_fails_is_detected(
    level: type[Level], scoring: Any
) -> None:
    register_submodel(
        level, "n", lambda shared, estimator: estimator.set_params(refuses=False).fit([[0]], [0])
    )
    search = GridSearch(level(refuses=True), {"n": [1, 2, 3]}, cv=2, scoring=scoring, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*NUMBERS)
    assert any("differs from the score of a separate fit" in str(warning.message) for warning in caught)
    assert sum(search.reuse_report_.declined.values()) > 0


@pytest.mark.parametrize("reuse", ["exact", "close"])
def test_differences_of_small_scores_are_detected(level: type[Level], reuse: Any) -> None:
    register_submodel(level, "n", lambda shared, estimator: shared)  # always the largest model
    search = GridSearch(
        level(scale=1e-6), {"n": [1, 2, 3]}, cv=2, scoring="neg_mean_squared_error", reuse=reuse
    )
    X, y = NUMBERS
    with pytest.warns(UserWarning, match="differs from the score of a separate fit"):
        search.fit(X, 1e-6 * y)
    assert len(set(search.cv_results_["mean_test_score"])) == 3
