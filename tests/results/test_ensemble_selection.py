"""Ensemble selection on out-of-fold predictions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skhpt.results.ensemble_selection import best_few_of, choose_greedily, select_greedily
from skhpt.results.prediction_scorers import CandidatePredictions
from skhpt.results.predictions import Pooled


def shapes():
    sizes = st.tuples(st.integers(1, 6), st.integers(1, 8), st.integers(1, 3))
    return sizes.flatmap(lambda shape: arrays(float, shape, elements=st.floats(-10, 10, width=32)))


def squared_error(residuals, counts):
    mean = np.tensordot(counts / counts.sum(), residuals, axes=1)
    return (mean**2).sum()


@given(shapes())
def test_the_mean_is_never_worse_than_the_best_candidate_on_the_data_of_the_selection(residuals):
    counts = select_greedily(residuals, np.ones(residuals.shape[1]), np.zeros(len(residuals)))
    best = min(squared_error(residuals, single) for single in np.eye(len(residuals)))
    assert squared_error(residuals, counts) <= best * (1 + 1e-9) + 1e-9


def test_candidates_with_opposite_errors_are_averaged():
    residuals = np.array([[[1.0], [1.0]], [[-1.0], [-1.0]], [[3.0], [3.0]]])
    assert select_greedily(residuals, np.ones(2), np.zeros(3)).tolist() == [1, 1, 0]


def test_the_selection_keeps_what_it_begins_with():
    residuals = np.array([[[1.0], [1.0]], [[-1.0], [-1.0]], [[3.0], [3.0]]])
    assert select_greedily(residuals, np.ones(2), np.array([0.0, 0.0, 1.0])).tolist() == [0, 3, 1]


def test_weights_of_rows_decide():
    residuals = np.array([[[0.0], [1.0]], [[1.0], [0.0]]])
    assert select_greedily(residuals, np.array([1.0, 0.0]), np.zeros(2)).tolist() == [1, 0]
    assert select_greedily(residuals, np.array([0.0, 1.0]), np.zeros(2)).tolist() == [0, 1]


def test_probabilities_are_compared_with_the_classes():
    right, wrong = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.1, 0.9], [0.8, 0.2]])
    y, classes = np.array(["a", "b"]), np.array(["a", "b"])
    predictions = CandidatePredictions(
        [Pooled(wrong, "predict_proba", y[::-1]), Pooled(right, "predict_proba", y)],
        y,
        "classifier",
        classes,
        {},
    )
    assert choose_greedily(predictions, np.ones((1, 2)), np.zeros((1, 2)))[0, 0] == 0


def test_the_best_few_have_scores():
    scores = np.array([[0.1, np.nan, 0.3, 0.2], [np.nan, np.nan, 0.5, np.nan]])
    assert best_few_of(scores, 2).tolist() == [[0, 0, 1, 1], [0, 0, 1, 0]]
