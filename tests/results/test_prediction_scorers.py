"""Scores from predictions: the vectorized computation equals calls of the scorer, which equal scores of models."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import check_scoring, fbeta_score, make_scorer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skhpt.fitting.scorers import sklearn_metric
from skhpt.results.prediction_scorers import CandidatePredictions, SequentialScorer, vectorized_scorer
from skhpt.results.predictions import pool
from skhpt.trial import Predictions
from tests.estimators import accuracy_by_hand
from tests.metrics_table import CLASSIFIER_SCORINGS, REGRESSOR_SCORINGS

RNG = np.random.RandomState(0)


def two_classes():
    X, y = load_iris(return_X_y=True)
    return X[50:, :2], y[50:] - 1


def predictions_of(models, X, y, kind="classifier", **score_params):
    """The predictions of fitted models for all rows."""
    classes = getattr(models[0], "classes_", None)
    pooled = []
    for model in models:
        method = next(m for m in ("predict_proba", "decision_function", "predict") if hasattr(model, m))
        values, labels = getattr(model, method)(X), model.predict(X)
        pooled.append(pool([Predictions(values, method, classes, labels)], classes))
    return CandidatePredictions(pooled, y, kind, classes, score_params)


def samples(n, b=5):
    return RNG.randint(0, 3, size=(b, n)).astype(float)


def vectorized_of(predictions, scorer):
    """The vectorized computation of a scorer; None if there is none."""
    metric = sklearn_metric(scorer, predictions.kind)
    if metric is None:
        return None
    return vectorized_scorer(predictions, metric.function.__name__, sign=metric.sign, params=metric.params)


def assert_vectorized(models, X, y, scoring, kind="classifier"):
    """Check that there is a vectorized computation, and that it agrees with the scorer and with the models."""
    scorer = check_scoring(models[0], scoring)
    predictions = predictions_of(models, X, y, kind)
    vectorized, sequential = (
        vectorized_of(predictions, scorer),
        SequentialScorer(predictions, scorer, "score"),
    )
    weights = samples(len(y))
    np.testing.assert_allclose(vectorized.score_all(weights), sequential.score_all(weights))
    chosen = np.array([0, 1, 1, 0, 1])
    np.testing.assert_allclose(
        vectorized.score_chosen(weights, chosen), sequential.score_chosen(weights, chosen), rtol=1e-12
    )
    of_models = [scorer(model, X, y) for model in models]
    np.testing.assert_allclose(vectorized.score_all(np.ones((1, len(y))))[0], of_models)


@pytest.mark.parametrize("scoring", [None, *CLASSIFIER_SCORINGS, "neg_brier_score"])
def test_metrics_of_classifiers(scoring):
    X, y = two_classes()
    models = [DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y) for depth in (1, 3)]
    assert_vectorized(models, X, y, scoring)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc"])
def test_decision_values(scoring):
    X, y = two_classes()
    models = [LinearSVC(C=C, random_state=0).fit(X, y) for C in (1e-4, 1.0)]
    assert_vectorized(models, X, y, scoring)


@pytest.mark.parametrize("scoring", [None, *REGRESSOR_SCORINGS])
def test_metrics_of_regressors(scoring):
    X, y = load_diabetes(return_X_y=True)
    models = [Ridge(alpha=alpha).fit(X, y) for alpha in (0.01, 10)]
    assert_vectorized(models, X, y, scoring, kind="regressor")


def test_sample_weights_of_the_scorer_multiply_those_of_the_samples():
    X, y = two_classes()
    models = [LogisticRegression(C=C).fit(X, y) for C in (1e-4, 1.0)]
    weights = RNG.randint(1, 4, size=len(y)).astype(float)
    predictions, scorer = (
        predictions_of(models, X, y, sample_weight=weights),
        check_scoring(models[0], "accuracy"),
    )
    vectorized = vectorized_of(predictions, scorer)
    sample = samples(len(y))
    expected = SequentialScorer(predictions, scorer, "score").score_all(sample)
    np.testing.assert_allclose(vectorized.score_all(sample), expected)


@pytest.mark.parametrize(
    "scoring", ["matthews_corrcoef", "f1_samples", make_scorer(fbeta_score, beta=2), accuracy_by_hand]
)
def test_other_metrics_have_no_vectorized_computation(scoring):
    X, y = two_classes()
    models = [LogisticRegression().fit(X, y)]
    assert vectorized_of(predictions_of(models, X, y), check_scoring(models[0], scoring)) is None


def test_binary_averages_need_the_classes_0_and_1():
    X, y = two_classes()
    models = [LogisticRegression().fit(X, y + 1)]
    scorer = check_scoring(models[0], "precision")
    assert vectorized_of(predictions_of(models, X, y + 1), scorer) is None


def test_probabilities_and_two_classes_are_needed_by_some_metrics(iris):
    X, y = two_classes()
    models = [LinearSVC(random_state=0).fit(X, y)]
    for scoring in ("neg_log_loss", "neg_brier_score"):
        scorer = check_scoring(LogisticRegression(), scoring)
        assert vectorized_of(predictions_of(models, X, y), scorer) is None
    several = [LogisticRegression(max_iter=500).fit(*iris)]
    assert vectorized_of(predictions_of(several, *iris), check_scoring(several[0], "roc_auc")) is None


def test_any_function_of_an_estimator_can_be_called():
    X, y = two_classes()
    models = [DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y) for depth in (1, 3)]
    sequential = SequentialScorer(predictions_of(models, X, y), accuracy_by_hand, "score")
    expected = [model.score(X, y) for model in models]
    np.testing.assert_allclose(sequential.score_all(np.ones((1, len(y))))[0], expected)


def test_a_sample_on_which_the_metric_is_undefined_has_no_score():
    X, y = two_classes()
    models = [LogisticRegression().fit(X, y)]
    sequential = SequentialScorer(
        predictions_of(models, X, y), make_scorer(lambda y, predicted: 1 / 0), "score"
    )
    assert np.isnan(sequential.score_all(np.ones((1, len(y))))).all()
    with pytest.raises(ZeroDivisionError):
        sequential.score(0, np.arange(len(y)))
