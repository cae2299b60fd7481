"""Candidates, folds and trials."""

import math

from skhpt.trial import Candidate, FoldScore, Trial


def test_the_state_of_a_trial_is_that_of_its_first_bad_fold():
    folds = (
        FoldScore(0, 0, 0.5),
        FoldScore(0, 1, None, state="timeout"),
        FoldScore(0, 2, None, state="failed"),
    )
    assert Trial(Candidate(0, {}), folds).state == "timeout"


def test_the_state_of_a_trial_without_folds_is_pending():
    assert Trial(Candidate(0, {})).state == "pending"


def test_preset_folds_are_not_evaluated():
    candidate = Candidate(0, {}, preset_folds=(FoldScore(0, 1, 0.5),))
    assert candidate.missing(3) == [0, 2]


def test_a_trial_is_eliminated_if_a_race_skipped_some_of_its_folds():
    skipped = FoldScore(0, 1, None, state="skipped")
    folds = (FoldScore(0, 0, 0.5), skipped)
    assert Trial(Candidate(0, {}), folds).was_eliminated
    assert not Trial(Candidate(0, {}, preset_folds=(skipped,)), folds).was_eliminated
    assert Trial(Candidate(0, {}), folds).evaluated == [folds[0]]


def test_the_score_of_a_fold_is_that_of_a_metric():
    fold = FoldScore(0, 0, {"a": 0.5, "b": math.inf})
    assert (fold.score(), fold.score("a")) == (0.5, 0.5)
    assert math.isnan(fold.score("b"))
    assert math.isnan(fold.score("c"))
    assert math.isnan(FoldScore(0, 0, None).score())
