"""Fast scorers, and the parts of scikit-learn's scorers."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.metrics import check_scoring, get_scorer, make_scorer
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt.fitting.scorers import (
    CLOSED_FORMS,
    fast_scorer,
    is_multimetric,
    metric_names,
    raising_scorer,
    scorer_metric,
    sklearn_metric,
    with_closed_form,
)
from tests.estimators import Null, failing_scorer
from tests.fitting.outcomes import outcome, same
from tests.metrics_table import BINARY_SCORINGS, CLASSIFIER_SCORINGS, REGRESSOR_SCORINGS


def test_the_table_has_every_metric_with_a_closed_form():
    names = [*CLASSIFIER_SCORINGS, *REGRESSOR_SCORINGS]
    assert {scorer_metric(get_scorer(name)).function for name in names} == set(CLOSED_FORMS)


@pytest.mark.parametrize("name", [*CLASSIFIER_SCORINGS, *REGRESSOR_SCORINGS, None])
@pytest.mark.parametrize(
    "estimator", [GaussianNB(), make_pipeline(StandardScaler(), Ridge()), SVC(), Ridge()]
)
def test_fast_scorers_have_the_scores_and_the_repr_of_the_scorer(estimator, name):
    X, y = load_iris(return_X_y=True)
    X, y = (X[y > 0], y[y > 0] - 1) if name in (None, *BINARY_SCORINGS) else (X, y)
    estimator.fit(X, y)
    scorer = get_scorer(name) if name else check_scoring(estimator)
    fast = fast_scorer(scorer)
    assert fast is not scorer
    assert repr(fast) == repr(scorer)
    assert same(outcome(fast, estimator, X, y), outcome(scorer, estimator, X, y))
    weights = np.linspace(0, 1, len(y))
    assert same(*(outcome(one, estimator, X, y, sample_weight=weights) for one in (fast, scorer)))
    if name:
        multiple = _MultimetricScorer(scorers={"one": get_scorer(name), "two": get_scorer("accuracy")})
        assert outcome(fast_scorer(multiple), estimator, X, y) == outcome(multiple, estimator, X, y)
        # The original is untouched.
        assert multiple._scorers["one"]._score_func is get_scorer(name)._score_func


def test_fast_scorers_warn_of_many_classes():
    X, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 25
    estimator = GaussianNB().fit(X, y)
    scorer = get_scorer("f1_macro")
    assert same(outcome(fast_scorer(scorer), estimator, X, y), outcome(scorer, estimator, X, y))


def test_other_scorers_are_not_replaced():
    for scorer in (get_scorer("jaccard"), lambda estimator, X, y: 1.0):
        assert fast_scorer(scorer) is scorer


def test_a_closed_form_that_differs_once_is_not_used_again():
    calls = []

    def exact(y_true, y_pred):
        calls.append(1)
        return 0.5

    fast = with_closed_form(exact, lambda y_true, y_pred: 0.25)
    assert [fast(None, None) for _ in range(3)] == [0.5] * 3
    agreeing = with_closed_form(exact, lambda y_true, y_pred: 0.5)
    calls.clear()
    assert [agreeing(None, None) for _ in range(3)] == [0.5] * 3
    assert len(calls) == 1


# -- parts of scorers ----------------------------------------------------------------------------------------


def several(*names, **options):
    return _MultimetricScorer(scorers={name: get_scorer(name) for name in names}, **options)


@pytest.mark.parametrize(
    ("scorer", "names"),
    [
        (get_scorer("f1_macro"), ["score"]),
        (several("f1_macro", "accuracy"), ["f1_macro", "accuracy"]),
        (check_scoring(SVC()), None),
        (failing_scorer, None),
    ],
)
def test_names_of_metrics(scorer, names):
    assert metric_names(scorer) == names
    assert is_multimetric(scorer) == (names is not None and len(names) > 1)


def test_the_metric_of_a_scorer():
    metric = sklearn_metric(get_scorer("neg_log_loss"), "classifier")
    assert metric == (metrics.log_loss, -1, {})
    assert sklearn_metric(get_scorer("f1_macro"), "classifier").params["average"] == "macro"
    assert sklearn_metric(check_scoring(SVC()), "classifier").function is metrics.accuracy_score
    assert sklearn_metric(check_scoring(Ridge()), "regressor").function is metrics.r2_score
    assert sklearn_metric(check_scoring(SVC()), None) is None
    assert sklearn_metric(make_scorer(lambda y, predicted: 0.0), "classifier") is None
    assert sklearn_metric(failing_scorer, "classifier") is None


def test_a_raising_scorer_raises_the_error_of_a_metric(iris):
    model = Null(value=1).fit(*iris)
    scorer = _MultimetricScorer(
        scorers={"bad": failing_scorer, "good": get_scorer("accuracy")}, raise_exc=False
    )
    assert "cannot score" in scorer(model, *iris)["bad"]
    with pytest.raises(ArithmeticError, match="cannot score"):
        raising_scorer(scorer)(model, *iris)
    assert raising_scorer(failing_scorer) is failing_scorer
