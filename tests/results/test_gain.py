"""`corrected_gain`: the gain over the estimator as it is, without the optimism of choosing the best of many."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from skhpt.results.gain import corrected_gain


def noisy(rng, n_candidates=30, n_folds=5):
    """Return scores of candidates that are all equally good."""
    return rng.normal(size=(n_candidates, n_folds)) + rng.normal(size=n_folds)


def test_without_a_better_candidate_the_expected_gain_is_none_on_average():
    rng = np.random.default_rng(0)
    tables = [noisy(rng) for _ in range(300)]
    gains = [corrected_gain(scores, int(scores.mean(axis=1).argmax()), 0, 0.25) for scores in tables]
    assert np.mean([gain.raw for gain in gains]) > 0.7  # of a standard deviation of the scores
    assert abs(np.mean([gain.gain for gain in gains])) < 0.25


def test_the_gain_of_a_candidate_that_is_best_on_each_fold_has_no_optimism():
    gain = corrected_gain(np.array([[0.5, 0.6, 0.7], [0.7, 0.9, 0.9]]), 1, 0, 0.5)
    assert gain.optimism == 0
    assert gain.gain == gain.raw == pytest.approx(0.7 / 3)


def test_the_interval_is_wider_than_that_of_a_paired_t_test():
    scores = np.array([[0.5, 0.6, 0.7], [0.7, 0.9, 0.9]])
    low, high = ttest_rel(scores[1], scores[0]).confidence_interval(0.95)
    gain = corrected_gain(scores, 1, 0, 0.5)
    assert (gain.high - gain.low) / (high - low) == pytest.approx(math.sqrt((1 / 3 + 0.5) / (1 / 3)))


def test_the_estimator_as_it_is_has_no_gain_over_itself():
    gain = corrected_gain(np.array([[0.5, 0.6], [0.4, 0.7]]), 0, 0, 1.0)
    assert gain[:4] == (0, 0, 0, 0)
    assert str(gain) == "none"


def test_a_single_fold_has_no_interval():
    gain = corrected_gain(np.array([[0.5], [0.75]]), 1, 0, 0.25)
    assert math.isnan(gain.low)
    assert str(gain) == "+0.25 expected, +0.25 on the folds"
