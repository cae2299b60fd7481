"""The words."""

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


def test_the_state_of_a_trial_is_that_of_its_first_bad_fold():
    folds = (FoldScore(0, 0, 0.5), FoldScore(0, 1, None, state="timeout"), FoldScore(0, 2, None, state="failed"))
    assert Trial(Candidate(0, {}), folds).state == "timeout"


def test_history_starts_with_what_is_given():
    trial = Trial(Candidate(0, {}), (FoldScore(0, 0, 1.0),))
    history = History([trial], prior=[trial, trial], n_earlier_trials=1)
    assert (len(history), history.n_finished, len(history.prior), history.n_earlier_trials) == (1, 1, 2, 1)
    assert history[:] == [trial]
