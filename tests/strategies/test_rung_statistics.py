"""Extrapolated scores and rank correlations of rungs."""

import numpy as np
import pytest

from skhpt.strategies.rung_statistics import at_full_resource, rung_correlations
from skhpt.trial import Candidate, FoldScore, Trial


def trial_on_level(i, candidate, level, *scores):
    folds = tuple(FoldScore(i, j, s, state="skipped" if s is None else "ok") for j, s in enumerate(scores))
    return Trial(Candidate(i, {"x": candidate}, info={"candidate_id": candidate, "iter": level}), folds)


def test_scores_are_extrapolated_by_the_mean_changes_of_the_promoted_candidates():
    trials = [
        trial_on_level(0, 0, 0, 0.1, None),
        trial_on_level(1, 1, 0, 0.2, None),
        trial_on_level(2, 2, 0, 0.3, None),
        trial_on_level(3, 1, 1, 0.5, None),
        trial_on_level(4, 2, 1, 0.5, None),
        trial_on_level(5, 2, 2, 0.6, 0.8),
    ]
    extrapolated = at_full_resource(trials)
    scores = [[fold.test_score for fold in trial.folds] for trial in extrapolated]
    np.testing.assert_allclose(scores[0][0], 0.1 + 0.25 + 0.1)  # the mean changes of both steps
    np.testing.assert_allclose(scores[1][0], 0.5 + 0.1)
    np.testing.assert_allclose(scores[2], [0.6, 0.8])
    assert [trial.candidate.id for trial in extrapolated] == [0, 1, 2]


def correlations(low, high):
    """The correlations of two levels, for candidates with these scores."""
    trials = []
    for i, (low_score, high_score) in enumerate(zip(low, high, strict=True)):
        trials += [trial_on_level(2 * i, i, 0, low_score), trial_on_level(2 * i + 1, i, 1, high_score)]
    return rung_correlations(trials)


def test_rank_correlations_of_rungs():
    assert correlations([1, 2, 3], [10, 20, 40]) == [(pytest.approx(1.0), 3)]
    assert correlations([1, 2, 3], [3, 2, 1]) == [(pytest.approx(-1.0), 3)]
    assert correlations([1, 1, 1], [3, 2, 1]) == [(0.0, 3)]


def test_two_candidates_have_no_correlation():
    ((rho, n),) = correlations([1, 2], [3, 2])
    assert np.isnan(rho)
    assert n == 0
