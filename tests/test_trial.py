"""Candidates, folds and trials."""

import math

import pytest

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


def test_the_mean_score_is_over_evaluated_folds_with_the_score_of_failures():
    skipped, failed = FoldScore(0, 1, None, state="skipped"), FoldScore(0, 2, None, state="failed")
    lower_rung = Candidate(0, {}, preset_folds=(skipped,))
    trial = Trial(lower_rung, (FoldScore(0, 0, {"a": 0.5, "b": 2.0}), skipped, failed))
    assert math.isnan(trial.mean_score())
    assert math.isnan(trial.mean_score("b", "raise"))
    assert trial.mean_score("b", 0.0) == 1.0
    assert trial.failure == failed
    assert math.isnan(Trial(Candidate(0, {}), trial.folds).mean_score("b", 0.0))  # a race eliminated it
    assert math.isnan(Trial(lower_rung).mean_score())


def test_a_candidate_has_the_number_of_its_rungs():
    assert Candidate(4, {}, info={"candidate_id": 2}).number == 2
    assert Candidate(4, {}).number == Candidate(4, {}, info={"candidate_id": "mine"}).number == 4


@pytest.mark.parametrize("error, line", [(None, ""), (" \n", ""), ("Traceback\n\nE: x\n", "E: x")])
def test_the_last_line_of_a_traceback(error, line):
    assert FoldScore(0, 0, None, state="failed", error=error).error_line == line
