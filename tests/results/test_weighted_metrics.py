"""Weighted metrics of many candidates, compared with scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics

from skhpt.results import weighted_metrics as weighted

RNG = np.random.RandomState(0)
N, C, B = 40, 3, 7
WEIGHTS = RNG.randint(0, 4, size=(B, N)).astype(float)


def sklearn_scores(metric, y, predicted, **params):
    return [[metric(y, column, sample_weight=w, **params) for column in predicted.T] for w in WEIGHTS]


def test_r2():
    y = RNG.normal(1000, 1, N)
    predicted = y[:, np.newaxis] + RNG.normal(size=(N, C))
    np.testing.assert_allclose(
        weighted.r2(y, predicted)(WEIGHTS), sklearn_scores(metrics.r2_score, y, predicted)
    )
    assert np.isnan(weighted.r2(np.ones(N), predicted)(WEIGHTS)).all()


@pytest.mark.parametrize("decimals", [9, 1], ids=["no ties", "ties"])
def test_roc_auc(decimals):
    y = RNG.randint(2, size=N)
    predicted = np.round(RNG.uniform(size=(N, C)), decimals)
    expected = sklearn_scores(metrics.roc_auc_score, y, predicted)
    np.testing.assert_allclose(weighted.roc_auc(y, predicted)(WEIGHTS), expected)


@pytest.mark.parametrize(
    "n_classes, average",
    [(2, "binary"), *((n, average) for n in (2, 4) for average in ("macro", "weighted", "micro"))],
)
@pytest.mark.parametrize("kind", ["precision", "recall", "f1"])
def test_averages_over_classes(kind, average, n_classes):
    y, predicted = RNG.randint(n_classes, size=N), RNG.randint(n_classes, size=(N, C))
    expected = sklearn_scores(getattr(metrics, f"{kind}_score"), y, predicted, average=average)
    scores = weighted.class_scores(y, predicted, n_classes, kind=kind, average=average)
    np.testing.assert_allclose(scores(WEIGHTS), expected)


def test_classes_that_are_neither_predicted_nor_true_in_a_sample():
    y, predicted = np.array([0, 0, 1, 2]), np.array([[0], [0], [0], [2]])
    sample = np.array([[1.0, 1.0, 0.0, 0.0]])  # only class 0, all right
    for kind, average in [("f1", "macro"), ("recall", "recalled"), ("precision", "weighted")]:
        assert weighted.class_scores(y, predicted, 3, kind=kind, average=average)(sample) == 1
