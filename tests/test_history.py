"""Histories: trials in the order of their ids."""

import pytest

from skhpt.history import History
from skhpt.trial import Candidate, FoldScore, Trial


def test_history_grows_in_id_order():
    history = History()
    history.add([Candidate(0, {"a": 1}), Candidate(1, {"a": 2})])
    assert (len(history), history.n_finished, history.finished) == (2, 0, [])
    history.finish_next([FoldScore(0, 1, 0.2), FoldScore(0, 0, 0.1)])
    assert [fold.test_score for fold in history[0].folds] == [0.1, 0.2]  # in the order of the splits
    assert history.finished == [history[0]]
    assert [trial.state for trial in history] == ["ok", "pending"]
    assert repr(history) == "<History of 1 finished and 1 pending trials>"


def test_history_refuses_ids_out_of_order():
    with pytest.raises(ValueError, match="candidate 1 was asked for where 0 is next"):
        History().add([Candidate(1, {})])


def test_history_starts_with_what_is_given():
    trial = Trial(Candidate(0, {}), (FoldScore(0, 0, 1.0),))
    history = History([trial], prior=[trial, trial], n_earlier_trials=1)
    assert (len(history), history.n_finished, len(history.prior), history.n_earlier_trials) == (1, 1, 2, 1)
    assert history[:] == [trial]


def scored_trial(candidate_id, score, **fields):
    return Trial(Candidate(candidate_id, {}, **fields), (FoldScore(candidate_id, 0, score),))


def test_a_sorted_history_has_new_ids():
    first = scored_trial(0, 0.5, bracket_id=1)
    second = scored_trial(1, 0.25)
    third = scored_trial(2, 0.75, parent=1, preset_folds=(FoldScore(2, 0, 0.75),))
    history = History([first, second, third], prior=[first], n_earlier_trials=1)
    history.add([Candidate(3, {})])
    by_bracket = history.sorted_by(lambda trial: trial.candidate.bracket_id)
    assert [trial.folds[0].test_score for trial in by_bracket] == [0.25, 0.75, 0.5]
    assert [trial.candidate.id for trial in by_bracket] == [0, 1, 2]
    assert {fold.candidate for fold in by_bracket[1].folds} == {1}
    assert (by_bracket[1].candidate.parent, by_bracket[1].candidate.preset_folds[0].candidate) == (0, 1)
    assert (by_bracket.prior, by_bracket.n_earlier_trials, by_bracket.pending) == ((first,), 1, [])
    assert len(history) == 4


def test_trials_of_a_bracket_are_finished_in_the_order_of_their_ids():
    history = History()
    history.add([Candidate(0, {}), Candidate(1, {}, bracket_id=1), Candidate(2, {}, bracket_id=1)])
    assert [candidate.id for candidate in history.next_to_finish] == [0, 1]
    history.finish_next([FoldScore(1, 0, 0.5)], bracket_id=1)
    assert [candidate.id for candidate in history.next_to_finish] == [0, 2]
    assert (history.progress(0), history.progress(1), history.progress(2)) == ((1, 0), (2, 1), (0, 0))
    assert [trial.candidate.id for trial in history.bracket(1)] == [1, 2]


def test_folds_of_pending_trials_are_stored_and_late_folds_are_ignored():
    history = History()
    history.add([Candidate(0, {}, preset_folds=(FoldScore(0, 1, 0.25),))])
    history.add_fold(FoldScore(0, 0, 0.5))
    assert history.folds_of(0) == {0: FoldScore(0, 0, 0.5), 1: FoldScore(0, 1, 0.25)}
    history.finish_next(history.folds_of(0).values())
    history.add_fold(FoldScore(0, 0, 0.75))
    assert history.folds_of(0) == {}
    assert [fold.test_score for fold in history[0].folds] == [0.5, 0.25]


def test_scored_trials_are_finished_or_have_all_their_folds():
    history = History()
    history.add([Candidate(i, {}) for i in range(3)])
    history.finish_next([FoldScore(0, 0, 0.1), FoldScore(0, 1, 0.2)])
    history.add_folds(1, {1: FoldScore(1, 1, 0.4), 0: FoldScore(1, 0, 0.3)})
    history.add_fold(FoldScore(2, 0, 0.5))
    assert [[fold.test_score for fold in trial.folds] for trial in history.scored(2)] == [
        [0.1, 0.2],
        [0.3, 0.4],
    ]
    assert history.finished == [history[0]]
