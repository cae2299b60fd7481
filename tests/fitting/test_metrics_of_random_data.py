"""Every fast metric has the result, the warnings and the errors of scikit-learn's metric, for any kind of data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from skhpt.fitting.scorers import FAST_METRICS

NAMES = np.array(["a", "bb", "ccc"])
CLASSES: dict[str, Any] = {
    "integers": np.arange(3),
    "signs": np.array([-1, 1, 3]),
    "small integers": np.arange(3, dtype=np.uint8),
    "floats": np.arange(3.0),
    "booleans": np.array([False, True, True]),
    "strings": NAMES,
    "objects": NAMES.astype(object),
    "integers as objects": np.arange(3).astype(object),
}
OF_LABELS = (
    metrics.accuracy_score,
    metrics.balanced_accuracy_score,
    metrics.f1_score,
    metrics.precision_score,
    metrics.recall_score,
)
OF_NUMBERS = (
    metrics.mean_absolute_error,
    metrics.mean_squared_error,
    metrics.r2_score,
    metrics.root_mean_squared_error,
)


def outcome(metric: Any, *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = metric(*args, **kwargs)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    return result, [f"{warning.category.__name__}: {warning.message}" for warning in caught]


def assert_same(metric: Any, *args: Any, **kwargs: Any) -> None:
    expected, expected_warnings = outcome(metric, *args, **kwargs)
    found, found_warnings = outcome(FAST_METRICS[metric], *args, **kwargs)
    context = (metric.__name__, args, kwargs)
    assert isinstance(found, str) == isinstance(expected, str), context
    if isinstance(expected, str):
        assert found == expected, context
    else:
        assert np.array_equal(found, expected, equal_nan=True), context
    assert found_warnings == expected_warnings, context


def weightings(rng: np.random.Generator, n: int) -> Iterator[dict[str, Any]]:
    yield {}
    if n > 1:
        yield {"sample_weight": rng.random(n)}


def test_all_fast_metrics_are_tested_here() -> None:
    assert set(FAST_METRICS) == {*OF_LABELS, *OF_NUMBERS, metrics.log_loss, metrics.roc_auc_score}


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_metrics_of_labels(kind: str, n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    for n in (1, 40):
        y = CLASSES[kind][rng.integers(n_classes, size=n)]
        predictions = [CLASSES[kind][rng.integers(n_classes, size=n)], np.full(n, CLASSES[kind][0])]
        for y_pred in predictions:
            for weights in weightings(rng, n):
                for metric in OF_LABELS[:2]:
                    assert_same(metric, y, y_pred, **weights)
                for metric in OF_LABELS[2:]:
                    assert_same(metric, y, y_pred, **weights)
                    assert_same(metric, y, y_pred, average="macro", **weights)
        assert_same(metrics.f1_score, pd.Series(y), predictions[0], average="weighted")


@pytest.mark.parametrize("kind", ["integers", "floats", "strings"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_of_scores(kind: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for n_classes in (1, 2, 3):
        n = 40
        y = CLASSES[kind][rng.integers(n_classes, size=n)]
        raw = rng.random((n, max(n_classes, 2)))
        certain = np.eye(raw.shape[1])[rng.integers(raw.shape[1], size=n)]
        missing = np.where(rng.random(raw.shape) < 0.1, np.nan, raw)
        for scores in (
            raw,
            raw / raw.sum(axis=1, keepdims=True),
            certain,
            1e-30 * raw,
            missing,
            0 * raw + 0.5,
        ):
            y_score = scores.astype(dtype)
            for weights in weightings(rng, n):
                assert_same(metrics.log_loss, y, y_score, **weights)
                assert_same(metrics.roc_auc_score, y, y_score[:, 1], **weights)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("other", [np.float32, np.float64])
def test_metrics_of_numbers(dtype: Any, other: Any) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 300):
        for scale in (1e-15, 1e200 if dtype is other is np.float64 else 1.0):
            y, y_pred = (scale * rng.normal(size=n)).astype(dtype), (scale * rng.normal(size=n)).astype(other)
            infinite = np.where(np.arange(n) == 0, np.inf, y_pred).astype(other)
            missing = np.where(np.arange(n) == 0, np.nan, y_pred).astype(other)
            for prediction in (y_pred, y.astype(other), np.full(n, y_pred[0]), infinite, missing):
                for weights in weightings(rng, n):
                    for metric in OF_NUMBERS:
                        assert_same(metric, y, prediction, **weights)
            for metric in OF_NUMBERS:
                assert_same(metric, np.full(n, y[0]), y_pred)
                assert_same(metric, pd.Series(y), y_pred[:, np.newaxis])
