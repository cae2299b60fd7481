"""Steps and scorers of others than scikit-learn: they may write to their input, or look at the fitted steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.estimators import Doubler, InPlaceScaler
from tests.reuse.comparison import (
    DEPTHS,
    FOREST,
    LAST_TREES,
    TREE,
    Case,
    assert_same_scores_and_savings,
    pipe,
)


def accuracy_of_parts(estimator: Any, X: Any, y: Any) -> float:
    """Return the accuracy, and check that the fitted steps are no cached steps."""
    is_scaler = type(estimator.named_steps["a"]) is StandardScaler
    is_forest = type(estimator[-1]) is ensemble.RandomForestClassifier
    # without `assert`, which pytest replaces by code with effects
    if not (is_scaler and is_forest and len(estimator[-1].estimators_) == estimator[-1].n_estimators):
        raise TypeError("a step is not the fitted step")
    return accuracy_score(y, estimator.predict(X))


def two_metrics(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    return {
        "accuracy": accuracy_score(y, estimator.predict(X)),
        "confidence": float(np.max(estimator.predict_proba(X))),
    }


def in_place_accuracy(y_true: Any, y_pred: Any) -> float:
    """Return the accuracy, and write to the targets."""
    score = accuracy_score(y_true, y_pred)
    y_true[:5] = 0
    return score


def double(X: Any) -> Any:
    return X * 2


class Shift(TransformerMixin, BaseEstimator):
    """Adds one to the rows that it transforms, in place."""

    def fit(self, X: Any, y: Any = None) -> Shift:
        return self

    def transform(self, X: Any) -> Any:
        X += 1.0
        return X


def square_in_place(X: Any) -> Any:
    return np.square(X, out=X)


def columns(step: Any) -> Any:
    """Make a pipeline with a step that gets columns, which are cut for it."""
    return pipe(ColumnTransformer([("some", step, [0, 1]), ("others", StandardScaler(), [2, 3])]), TREE)


OTHERS = {"a__others__with_mean": [True, False]}


CASES = {
    "scaler with copy=False": Case(pipe(StandardScaler(copy=False), FOREST), LAST_TREES, saves=False),
    "transformer that writes to its input": Case(pipe(InPlaceScaler(), FOREST), LAST_TREES, saves=False),
    "several transformers, one of which writes to its input": Case(
        pipe(StandardScaler(), InPlaceScaler(), TREE),
        {"b": [InPlaceScaler(), "passthrough", Doubler()], "c__max_depth": DEPTHS},
    ),
    "scaler that writes to its columns": Case(columns(InPlaceScaler()), OTHERS, saves=False),
    "shift that writes to its columns": Case(columns(pipe(Shift(), StandardScaler())), OTHERS, saves=False),
    "function that writes to its columns": Case(
        columns(FunctionTransformer(square_in_place)), OTHERS, saves=False
    ),
    "transformer of another library": Case(pipe(Doubler(), FOREST), LAST_TREES),
    "function as a transformer": Case(pipe(FunctionTransformer(double), FOREST), LAST_TREES),
    "metric of another library that writes to its input": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": make_scorer(in_place_accuracy)}
    ),
    "scorer that looks at the fitted steps": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": accuracy_of_parts}
    ),
    "scorer that returns several metrics": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, options={"scoring": two_metrics}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn_with_foreign_code(name: str) -> None:
    assert_same_scores_and_savings(CASES[name])
