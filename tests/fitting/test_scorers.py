"""Lean metrics: the same scores as scikit-learn's, to the last bit, or scikit-learn's own function."""

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, check_scoring, get_scorer
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt.fitting import metrics as closed_form
from skhpt.fitting.scorers import _FAST, CLOSED_FORMS, _fast, fast_scorer

shapes = st.integers(1, 60)
KINDS = {"int64": 3, "int8": 40, "bool": 2, "U2": 3, "uint8": 2}  # and how many classes
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
            *({"average": average, "pos_label": None} for average in ("micro", "macro", "weighted", "samples", None)),
            {"average": "macro", "pos_label": 2},
            {"average": "macro", "zero_division": 1},
        )
    ),
]


def outcome(function, *args, **options):
    """The value, or the type of the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as error:
            result = type(error)
    return result, [(str(w.message), w.category) for w in caught]


def same(a, b):
    if isinstance(b[0], np.ndarray):
        return a[1] == b[1] and np.array_equal(a[0], b[0])
    return a[1] == b[1] and (a[0] == b[0] or (a[0] != a[0] and b[0] != b[0]))


def check(metric, *args, **options):
    """A metric, in its lean version and by arithmetic alone, if that has an answer."""
    exact = outcome(metric, *args, **options)
    assert same(outcome(_FAST[metric], *args, **options), exact)
    fast = CLOSED_FORMS[metric]
    if options.keys() <= signature(fast).parameters.keys():
        with np.errstate(all="ignore"):
            score = fast(*args, **options)
        assert score is None or not np.isfinite(score) or exact == (score, [])


def draw_labels(data, kind, n):
    """Labels, at times of one class only."""
    names = st.sampled_from(["a", "b", "cc"][: data.draw(st.integers(1, 3))])
    numbers = st.integers(0, data.draw(st.integers(0, KINDS[kind] - 1)))
    return data.draw(hnp.arrays(kind, n, elements={"U2": names, "bool": st.booleans()}.get(kind, numbers)))


@pytest.mark.parametrize("metric, options", OF_LABELS)
@given(st.data(), shapes, st.sampled_from(list(KINDS)), st.sampled_from(list(KINDS)), st.booleans())
def test_labels(metric, options, data, n, kind, other, as_series):
    y_true, y_pred = draw_labels(data, kind, n), draw_labels(data, kind, n)
    if kind != "U2" and other != "U2":
        y_pred = y_pred.astype(other)
    if as_series:
        y_true = pd.Series(y_true)
    check(metric, y_true, y_pred, **options)


@given(st.data(), st.integers(1, 100), st.sampled_from(["int64", "U2", "bool"]), st.booleans())
def test_ranking(data, n, kind, coarse):
    y_true = draw_labels(data, kind, n)
    elements = st.integers(0, 5).map(float) if coarse else st.floats(-5, 5) | st.sampled_from([np.nan, np.inf])
    y_score = data.draw(hnp.arrays("float64", n, elements=elements))
    check(metrics.roc_auc_score, y_true, y_score)


@given(st.data(), st.integers(1, 100), st.integers(1, 12), st.sampled_from("CF"), st.booleans())
def test_probabilities(data, n, n_classes, order, exact):
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
def test_numbers(metric, data, n, kind, as_series):
    elements = st.floats(-1e6, 1e6, width=32) if kind == "float32" else numbers
    y_true, y_pred = (data.draw(hnp.arrays(kind, n, elements=elements)) for _ in range(2))
    if as_series:
        y_true = pd.Series(y_true)
    check(metric, y_true, y_pred)


@pytest.mark.parametrize("metric", OF_NUMBERS)
def test_large_targets_are_summed_in_the_same_order(metric):
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.lognormal(0, 3, 100_003), rng.lognormal(0, 3, 100_003)
    assert getattr(closed_form, metric.__name__.removesuffix("_score"))(y_true, y_pred) == metric(y_true, y_pred)


def test_ranks_and_probabilities_of_many_are_summed_in_the_same_order():
    rng = np.random.RandomState(0)
    y_true, y_score = rng.randint(0, 2, 10_007), rng.normal(size=10_007)
    assert closed_form.roc_auc(y_true, y_score) == metrics.roc_auc_score(y_true, y_score)
    for order in "CF":
        y_true, y_proba = rng.randint(0, 12, 10_007), np.asarray(rng.dirichlet(np.ones(12), 10_007), order=order)
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
def test_anything_unusual_is_left_to_scikit_learn(y_true, y_pred):
    assert closed_form.accuracy(y_true, y_pred) is None
    assert same(outcome(_FAST[accuracy_score], y_true, y_pred), outcome(accuracy_score, y_true, y_pred))


NAMES = [
    *("accuracy", "balanced_accuracy", "f1", "f1_macro", "f1_weighted", "precision", "recall_macro", "roc_auc"),
    *("neg_log_loss", "neg_mean_squared_error", "neg_root_mean_squared_error", "neg_mean_absolute_error", "r2"),
]


@pytest.mark.parametrize("name", [*NAMES, None])
@pytest.mark.parametrize("estimator", [GaussianNB(), make_pipeline(StandardScaler(), Ridge()), SVC(), Ridge()])
def test_scorers_keep_their_scores_and_their_repr(estimator, name):
    X, y = load_iris(return_X_y=True)
    X, y = (X[y > 0], y[y > 0] - 1) if name in (None, "f1", "precision", "roc_auc") else (X, y)
    estimator.fit(X, y)
    scorer = get_scorer(name) if name else check_scoring(estimator)
    lean = fast_scorer(scorer)
    assert lean is not scorer
    assert repr(lean) == repr(scorer)
    assert same(outcome(lean, estimator, X, y), outcome(scorer, estimator, X, y))
    weights = np.linspace(0, 1, len(y))
    assert same(*(outcome(one, estimator, X, y, sample_weight=weights) for one in (lean, scorer)))
    if name:
        multiple = _MultimetricScorer(scorers={"one": get_scorer(name), "two": get_scorer("accuracy")})
        assert outcome(fast_scorer(multiple), estimator, X, y) == outcome(multiple, estimator, X, y)
        assert multiple._scorers["one"]._score_func is get_scorer(name)._score_func  # the original is untouched


def test_scorers_warn_of_many_classes_as_ever():
    X, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 25
    estimator = GaussianNB().fit(X, y)
    scorer = get_scorer("f1_macro")
    assert same(outcome(fast_scorer(scorer), estimator, X, y), outcome(scorer, estimator, X, y))


def test_other_scorers_are_left_alone():
    for scorer in (get_scorer("jaccard"), lambda estimator, X, y: 1.0):
        assert fast_scorer(scorer) is scorer


def test_a_metric_that_disagrees_once_is_not_used_again():
    calls = []

    def exact(y_true, y_pred):
        calls.append(1)
        return 0.5

    lean = _fast(exact, lambda y_true, y_pred: 0.25)
    assert [lean(None, None) for _ in range(3)] == [0.5] * 3
    agreeing = _fast(exact, lambda y_true, y_pred: 0.5)
    calls.clear()
    assert [agreeing(None, None) for _ in range(3)] == [0.5] * 3
    assert len(calls) == 1
