"""Limits of time, score and patience, with a clock that only the test moves."""

import math
from datetime import timedelta

import pytest

from skhpt.engine import loop as engine
from skhpt.engine.stopping import Limits
from skhpt.history import History
from skhpt.strategies.fixed_list import FixedList
from skhpt.trial import Candidate, FoldScore, Trial
from tests.engine.test_loop import FakeEvaluator


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def trial(number, score):
    return Trial(Candidate(number, {}), (FoldScore(number, 0, score),))


def mean_score(trial):
    return trial.folds[0].test_score


def learned(scores, **limits):
    limits = Limits(mean_score=mean_score, **limits)
    for i, score in enumerate(scores):
        limits.learn(trial(i, score))
    return limits.reason()


@pytest.mark.parametrize("max_time", [20, 20.0, timedelta(seconds=20)])
def test_time_and_grace(max_time):
    clock = Clock()
    limits = Limits(max_time=max_time, clock=clock)
    assert (limits.reason(), limits.seconds_left, limits.grace_left) == ("", 20.0, 0.0)
    clock.now += 20
    assert (limits.reason(), limits.seconds_left, limits.grace_left) == ("max_time", 0.0, 2.0)
    clock.now += 1.5
    assert limits.grace_left == 0.5
    clock.now += 100
    assert limits.grace_left == 0.0


def test_no_limits():
    limits = Limits()
    assert (limits.reason(), limits.seconds_left, limits.grace_left) == ("", None, 0.0)


@pytest.mark.parametrize(
    "scores, reason", [([0.1, 0.9], "target_score"), ([0.1, 0.8], ""), ([math.nan], ""), ([], "")]
)
def test_target_score(scores, reason):
    assert learned(scores, target_score=0.9) == reason


@pytest.mark.parametrize(
    "scores, reason",
    [
        ([3, 2, 1], "patience"),
        ([1, 2, 3, 4], ""),
        ([3, 3, 3], "patience"),  # an equal score is not better
        ([math.nan, math.nan], "patience"),
        ([3, None, None, 2], ""),  # trials that do not count
        ([3, 2, 4, 1], ""),
    ],
)
def test_patience(scores, reason):
    assert learned(scores, patience=2) == reason


def test_trials_of_an_earlier_search_do_not_count_for_patience():
    assert learned([3, 2, 1], patience=2, n_earlier_trials=3) == ""
    assert learned([3, 2, 1, 2, 2], patience=2, n_earlier_trials=3) == "patience"


def test_folds_that_are_being_evaluated_get_some_more_time():
    clock = Clock()

    class Ticking(FakeEvaluator):
        def wait_for_folds(self, seconds=None):
            assert seconds <= 10
            clock.now += 2
            return super().wait_for_folds()

        def stop_submitting(self):
            self.pending = self.pending[:2]  # the folds that are being evaluated

    history, evaluator = History(), Ticking()
    limits = Limits(max_time=10, clock=clock)
    assert (
        engine.run(FixedList([{"x": i} for i in range(4)]), history, evaluator, n_splits=3, stop=limits)
        == "max_time"
    )
    assert history.n_finished == 2  # five folds in time, and one in the additional second
    assert [sorted(history.folds_of(i)) for i in (2, 3)] == [[], []]
