"""Lean metrics: the same scores as scikit-learn's, to the last bit, or scikit-learn's own function."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, check_scoring, get_scorer, r2_score
from sklearn.metrics._scorer import _MultimetricScorer

from skhpt.work import metrics
from skhpt.work.metrics import lean_scorer

shapes = st.integers(1, 60)
labels = st.sampled_from(["int64", "int8", "bool", "U2", "uint8"])


def outcome(function, *args):
    """The value, or the type of the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            result = type(error)
    return result, [(str(w.message), w.category) for w in caught]


def same(a, b):
    return a[1] == b[1] and (a[0] == b[0] or (a[0] != a[0] and b[0] != b[0])) and type(a[0]) is type(b[0])


@given(st.data(), shapes, labels, labels, st.booleans())
def test_accuracy(data, n, kind, other, as_series):
    elements = {"U2": st.sampled_from(["a", "b", "cc"]), "bool": st.booleans()}.get(kind, st.integers(0, 40))
    y_true = data.draw(hnp.arrays(kind, n, elements=elements))
    y_pred = data.draw(hnp.arrays(kind, n, elements=elements)).astype(other if kind != "U2" else kind)
    if as_series:
        y_true = pd.Series(y_true)
    assert same(outcome(metrics._LEAN[accuracy_score], y_true, y_pred), outcome(accuracy_score, y_true, y_pred))


numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, np.nan, np.inf, 1e300])


@given(st.data(), shapes, st.sampled_from(["float64", "float32"]), st.booleans())
def test_r2(data, n, kind, as_series):
    elements = st.floats(-1e6, 1e6, width=32) if kind == "float32" else numbers
    y_true, y_pred = (data.draw(hnp.arrays(kind, n, elements=elements)) for _ in range(2))
    if as_series:
        y_true = pd.Series(y_true)
    with np.errstate(all="ignore"):
        assert same(outcome(metrics._LEAN[r2_score], y_true, y_pred), outcome(r2_score, y_true, y_pred))


def test_large_targets_are_summed_in_the_same_order():
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.lognormal(0, 3, 100_003), rng.lognormal(0, 3, 100_003)
    assert metrics._r2(y_true, y_pred) == r2_score(y_true, y_pred)


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
def test_anything_unusual_is_left_to_scikit_learn(y_true, y_pred):
    assert metrics._accuracy(y_true, y_pred) is None
    assert same(outcome(metrics._LEAN[accuracy_score], y_true, y_pred), outcome(accuracy_score, y_true, y_pred))


@pytest.mark.parametrize("estimator, scoring", [(LogisticRegression(max_iter=500), "accuracy"), (Ridge(), "r2")])
@pytest.mark.parametrize("name", [True, False])
def test_scorers_keep_their_scores_and_their_repr(iris, estimator, scoring, name):
    X, y = iris if scoring == "accuracy" else (iris[0][:, :3], iris[0][:, 3])
    estimator.fit(X, y)
    scorer = get_scorer(scoring) if name else check_scoring(estimator)
    lean = lean_scorer(scorer)
    assert lean is not scorer
    assert lean(estimator, X, y) == scorer(estimator, X, y)
    weights = np.linspace(0, 1, len(y))
    assert lean(estimator, X, y, sample_weight=weights) == scorer(estimator, X, y, sample_weight=weights)
    multiple = _MultimetricScorer(scorers={"one": get_scorer(scoring), "two": get_scorer(scoring)})
    assert lean_scorer(multiple)(estimator, X, y) == multiple(estimator, X, y)
    assert multiple._scorers["one"]._score_func is get_scorer(scoring)._score_func  # the original is untouched


def test_other_scorers_are_left_alone():
    for scorer in (get_scorer("f1_macro"), lambda estimator, X, y: 1.0):
        assert lean_scorer(scorer) is scorer


def test_a_metric_that_disagrees_once_is_not_used_again():
    calls = []

    def exact(y_true, y_pred):
        calls.append(1)
        return 0.5

    lean = metrics._lean(exact, lambda y_true, y_pred: 0.25)
    assert [lean(None, None) for _ in range(3)] == [0.5] * 3
    agreeing = metrics._lean(exact, lambda y_true, y_pred: 0.5)
    calls.clear()
    assert [agreeing(None, None) for _ in range(3)] == [0.5] * 3
    assert len(calls) == 1
