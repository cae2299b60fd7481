"""Closed forms of metrics: the scores of scikit-learn to the last bit, or None."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics
from sklearn.metrics import accuracy_score

from skhpt.fitting import metrics as closed_form
from skhpt.fitting.scorers import CLOSED_FORMS, FAST_METRICS
from tests.fitting.outcomes import outcome, same

shapes = st.integers(1, 60)
# Types of labels, with the number of classes.
KINDS = {"int64": 3, "int8": 40, "bool": 2, "U2": 3, "uint8": 2}
OF_LABELS = [
    (metrics.accuracy_score, {}),
    (metrics.balanced_accuracy_score, {}),
    *(
        (metric, options)
        for metric in (metrics.f1_score, metrics.precision_score, metrics.recall_score)
        for options in (
            {},
            {"average": "binary", "pos_label": 0},
            {"average": "binary", "pos_label": "b"},
            *(
                {"average": average, "pos_label": None}
                for average in ("micro", "macro", "weighted", "samples", None)
            ),
            {"average": "macro", "pos_label": 2},
            {"average": "macro", "zero_division": 1},
        )
    ),
]


def check(metric, *args, **options):
    """Compare the fast metric with scikit-learn's, and the closed form if it applies."""
    exact = outcome(metric, *args, **options)
    assert same(outcome(FAST_METRICS[metric], *args, **options), exact)
    fast = CLOSED_FORMS[metric]
    if options.keys() <= signature(fast).parameters.keys():
        with np.errstate(all="ignore"):
            score = fast(*args, **options)
        assert score is None or not np.isfinite(score) or exact == (score, [])


def draw_labels(data, kind, n):
    """Draw labels, sometimes of one class only."""
    names = st.sampled_from(["a", "b", "cc"][: data.draw(st.integers(1, 3))])
    numbers = st.integers(0, data.draw(st.integers(0, KINDS[kind] - 1)))
    return data.draw(hnp.arrays(kind, n, elements={"U2": names, "bool": st.booleans()}.get(kind, numbers)))


@pytest.mark.parametrize("metric, options", OF_LABELS)
@given(st.data(), shapes, st.sampled_from(list(KINDS)), st.sampled_from(list(KINDS)), st.booleans())
def test_metrics_of_labels(metric, options, data, n, kind, other, as_series):
    y_true, y_pred = draw_labels(data, kind, n), draw_labels(data, kind, n)
    if kind != "U2" and other != "U2":
        y_pred = y_pred.astype(other)
    if as_series:
        y_true = pd.Series(y_true)
    check(metric, y_true, y_pred, **options)


@given(st.data(), st.integers(1, 100), st.sampled_from(["int64", "U2", "bool"]), st.booleans())
def test_metrics_of_scores(data, n, kind, coarse):
    y_true = draw_labels(data, kind, n)
    elements = (
        st.integers(0, 5).map(float) if coarse else st.floats(-5, 5) | st.sampled_from([np.nan, np.inf])
    )
    y_score = data.draw(hnp.arrays("float64", n, elements=elements))
    check(metrics.roc_auc_score, y_true, y_score)


@given(st.data(), st.integers(1, 100), st.integers(1, 12), st.sampled_from("CF"), st.booleans())
def test_metrics_of_probabilities(data, n, n_classes, order, exact):
    y_true = data.draw(hnp.arrays("int64", n, elements=st.integers(0, n_classes - 1)))
    y_proba = data.draw(hnp.arrays("float64", (n, n_classes), elements=st.floats(0, 1)))
    y_proba[:, 0] += 0.1
    y_proba = np.asarray(y_proba / y_proba.sum(axis=1, keepdims=True) if exact else y_proba, order=order)
    y_proba = y_proba[:, 1] if n_classes == 2 else y_proba
    check(metrics.log_loss, y_true, y_proba)


numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, np.nan, np.inf, 1e300])
OF_NUMBERS = [
    metrics.r2_score,
    metrics.mean_squared_error,
    metrics.root_mean_squared_error,
    metrics.mean_absolute_error,
]


@pytest.mark.parametrize("metric", OF_NUMBERS)
@given(st.data(), shapes, st.sampled_from(["float64", "float32"]), st.booleans())
def test_metrics_of_numbers(metric, data, n, kind, as_series):
    elements = st.floats(-1e6, 1e6, width=32) if kind == "float32" else numbers
    y_true, y_pred = (data.draw(hnp.arrays(kind, n, elements=elements)) for _ in range(2))
    if as_series:
        y_true = pd.Series(y_true)
    check(metric, y_true, y_pred)


@pytest.mark.parametrize("metric", OF_NUMBERS)
def test_errors_of_many_rows_are_summed_in_the_same_order(metric):
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.lognormal(0, 3, 100_003), rng.lognormal(0, 3, 100_003)
    assert getattr(closed_form, metric.__name__.removesuffix("_score"))(y_true, y_pred) == metric(
        y_true, y_pred
    )


def test_ranks_and_probabilities_of_many_are_summed_in_the_same_order():
    rng = np.random.RandomState(0)
    y_true, y_score = rng.randint(0, 2, 10_007), rng.normal(size=10_007)
    assert closed_form.roc_auc(y_true, y_score) == metrics.roc_auc_score(y_true, y_score)
    for order in "CF":
        y_true, y_proba = (
            rng.randint(0, 12, 10_007),
            np.asarray(rng.dirichlet(np.ones(12), 10_007), order=order),
        )
        assert closed_form.log_loss(y_true, y_proba) == metrics.log_loss(y_true, y_proba)


@pytest.mark.parametrize(
    "y_true, y_pred",
    [
        ([0, 1], np.array([0, 1])),
        (np.array([0, 1]), np.array([[0], [1]])),
        (np.array([[0, 1], [1, 1]]), np.array([[0, 1], [1, 0]])),
        (np.array([0, 1]), np.array([0.0, 1.0])),
        (np.array([0, 1]), np.array(["0", "1"])),
        (np.array([]), np.array([])),
        (np.array([0, 1]), np.array([0, 1, 1])),
        (np.arange(30), np.arange(30)),
    ],
)
def test_unusual_targets_are_left_to_scikit_learn(y_true, y_pred):
    assert closed_form.accuracy(y_true, y_pred) is None
    assert same(
        outcome(FAST_METRICS[accuracy_score], y_true, y_pred), outcome(accuracy_score, y_true, y_pred)
    )
