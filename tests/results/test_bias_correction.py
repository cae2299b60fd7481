"""The bootstrap of BBC-CV."""

import numpy as np
import pytest

from skhpt.results import weighted_metrics as weighted
from skhpt.results.bias_correction import SEED, best_of, bootstrap_scores, summarize

RNG = np.random.RandomState(0)


def bootstrap(right, n_bootstraps):
    """The bootstrap scores of candidates, for an array (n, n_candidates) that is 1 where a prediction is right."""
    scores = weighted.mean(right)
    return bootstrap_scores(
        lambda in_bag: best_of(scores(in_bag)),
        lambda weights, chosen: scores(weights)[np.arange(len(weights)), chosen],
        resampling_unit=np.arange(len(right)),
        n_bootstraps=n_bootstraps,
        width=right.shape[1],
    )


def test_the_best_candidate_on_each_sample_is_scored_on_the_other_rows():
    n, n_bootstraps = 30, 50
    right = RNG.randint(2, size=(n, 6)).astype(float)
    expected = []
    for rows in np.random.default_rng(SEED).integers(n, size=(n_bootstraps, n)):
        best = right[rows].mean(axis=0).argmax()
        expected.append(right[np.setdiff1d(np.arange(n), rows), best].mean())
    np.testing.assert_allclose(bootstrap(right, n_bootstraps), expected)


def test_all_predictions_of_a_unit_are_drawn_together():
    resampling_unit = np.repeat([0, 1, 2, 3], 5)

    def choose(in_bag):
        assert (in_bag.reshape(-1, 4, 5) == in_bag[:, ::5, np.newaxis]).all()
        assert (in_bag.sum(axis=1) == 20).all()
        return np.zeros(len(in_bag), dtype=int)

    bootstrap_scores(
        choose,
        lambda weights, chosen: weights.sum(axis=1),
        resampling_unit=resampling_unit,
        n_bootstraps=20,
        width=1,
    )


def test_the_scores_do_not_depend_on_the_size_of_batches(monkeypatch):
    right = RNG.randint(2, size=(20, 4)).astype(float)
    in_one_batch = bootstrap(right, 30)
    monkeypatch.setattr("skhpt.results.bias_correction.BATCH_SIZE", 100)
    np.testing.assert_array_equal(bootstrap(right, 30), in_one_batch)


def test_the_first_of_equal_candidates_is_the_best_and_nan_is_no_score():
    scores = np.array([[1, 2, 2], [np.nan, 0, -1], [np.nan] * 3])
    assert best_of(scores).tolist() == [1, 1, -1]


def test_samples_without_a_score_are_left_out():
    corrected = summarize(np.array([0.5, 0.7, np.nan]), 0.8, 9)
    assert corrected[:1] + corrected[3:] == (0.6, 0.8, 9, 2)
    assert corrected.low < corrected.score < corrected.high
    assert corrected.optimism == pytest.approx(0.2)


def test_the_score_must_be_defined_on_half_of_the_samples():
    with pytest.raises(ValueError, match="not defined on 2 of 3"):
        summarize(np.array([0.5, np.nan, np.nan]), 0.8, 9)
