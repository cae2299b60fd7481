"""Predictions for the test parts of all folds, put together."""

import numpy as np
import pytest

from skhpt.results.predictions import all_classes, by_row, labels_by_row, pool
from skhpt.trial import FoldScore, Predictions

AB, ABC = np.array(["a", "b"]), np.array(["a", "b", "c"])


def fold(classes):
    return FoldScore(
        0, 0, 0.5, predictions=Predictions(np.zeros((1, len(classes))), "predict_proba", classes)
    )


def test_the_classes_are_those_of_all_training_parts_and_of_the_targets():
    assert all_classes([fold(np.array(["b", "c"])), fold(AB)]).tolist() == ["a", "b", "c"]
    assert all_classes([fold(AB)], np.array(["z", "a"])).tolist() == ["a", "b", "z"]
    assert all_classes([FoldScore(0, 0, 0.5)]) is None


def test_a_missing_class_has_probability_0():
    parts = [
        Predictions(np.array([[0.2, 0.8]]), "predict_proba", np.array(["a", "c"]), np.array(["c"])),
        Predictions(np.array([[0.1, 0.2, 0.7]]), "predict_proba", ABC, np.array(["c"])),
    ]
    pooled = pool(parts, ABC)
    np.testing.assert_array_equal(pooled.values, [[0.2, 0, 0.8], [0.1, 0.2, 0.7]])
    assert (pooled.method, pooled.labels.tolist()) == ("predict_proba", ["c", "c"])


def test_a_missing_class_has_the_lowest_decision_value():
    pooled = pool([Predictions(np.array([2.0]), "decision_function", AB, np.array(["b"]))], ABC)
    np.testing.assert_array_equal(pooled.values, [[-2.0, 2.0, np.finfo(float).min]])


def test_predictions_without_probabilities_are_labels():
    pooled = pool([Predictions(np.array([1.0, 2.0]), "predict")], None)
    np.testing.assert_array_equal(pooled.labels, pooled.values)


def test_predictions_of_different_methods_are_refused():
    with pytest.raises(ValueError, match="different ways"):
        pool([Predictions(np.zeros(1), "predict"), Predictions(np.zeros(1), "decision_function", AB)], AB)


def test_predictions_that_do_not_fit_the_classes_are_refused():
    with pytest.raises(ValueError, match="has 1 columns for 2 classes"):
        pool([Predictions(np.zeros((1, 1)), "predict_proba", AB)], ABC)


def test_rows_that_were_tested_several_times_have_the_mean():
    means = by_row(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 2]), 3)
    np.testing.assert_array_equal(means, [[2.0], [np.nan], [5.0]])


def test_rows_that_were_tested_several_times_have_the_most_frequent_label():
    labels = np.array(["b", "a", "b", "b", "a"])
    assert labels_by_row(labels, np.array([0, 0, 0, 1, 1]), 2).tolist() == ["b", "a"]
    assert labels_by_row(labels[:1], np.array([1]), 2).tolist() == [None, "b"]
