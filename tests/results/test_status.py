"""The status of a search: counts, the best candidate, the time that is left, and its texts."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.history import History
from skhpt.results.status import duration_text, short_params_text, status_line
from skhpt.results.status_tracker import StatusTracker, WorkPlan
from skhpt.session.search_callbacks import work_plan
from skhpt.strategies.fixed_list import FixedList
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.schedule import Plan, ladder
from skhpt.trial import Candidate, FoldScore, Trial


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def tracker(n_splits=2, plan=None, history=None, **options):
    clock = Clock()
    made = StatusTracker("GridSearch", n_splits=n_splits, clock=clock, **options)
    made.begin(history or History(), plan or WorkPlan(n_trials=4, work=4.0))
    return made, clock


def folds(candidate, *scores, seconds=1.0):
    return [FoldScore(candidate, i, score, fit_time=seconds) for i, score in enumerate(scores)]


def finish(tracker, candidate, *scores, seconds=1.0):
    new = folds(candidate.id, *scores, seconds=seconds)
    tracker.scored(*new)
    return tracker.finished(Trial(candidate, tuple(new)))


def candidates(n, **options):
    return [Candidate(i, {"C": i}, **options) for i in range(n)]


def test_counts_and_the_best_candidate():
    made, _ = tracker()
    first, second, third, _ = asked = candidates(4)
    made.asked(asked)
    assert finish(made, first, 0.5, 0.7)
    assert not finish(made, second, 0.6, 0.6)  # not better
    failed = [FoldScore(2, 0, None, state="failed"), FoldScore(2, 1, 0.9)]
    made.scored(*failed)
    assert not made.finished(Trial(third, tuple(failed)))
    status = made.status
    assert (status.n_finished, status.n_planned, status.n_pending) == (3, 4, 1)
    assert (status.n_folds, status.n_failed, status.n_eliminated, status.done) == (6, 1, 0, 0.75)
    assert (status.best.candidate, status.best.score, status.best.params) == (0, 0.6, {"C": 0})


def test_an_eliminated_candidate_is_not_the_best_and_counts_as_done():
    made, _ = tracker()
    made.asked(candidates(1))
    lost = FoldScore(0, 0, 0.9), FoldScore(0, 1, None, state="skipped")
    made.scored(lost[0])
    assert not made.finished(Trial(candidates(1)[0], lost))
    assert made.status.n_eliminated == 1
    assert made.status.best is None
    assert made.status.done == 0.25


def test_folds_of_unfinished_candidates_are_done_work():
    made, clock = tracker()
    made.asked(candidates(4))
    clock.now += 3.0
    made.scored(*(FoldScore(i, 0, 0.5, fit_time=0.75) for i in range(4)))  # all first folds share fits
    assert made.status.n_finished == 0
    assert made.status.done == 0.5
    assert made.status.seconds_left == pytest.approx(3.0)


def test_the_start_of_workers_does_not_count_as_work():
    made, clock = tracker()
    made.asked(candidates(4))
    clock.now += 30.0
    made.scored(FoldScore(0, 0, 0.5, fit_time=2.0))
    assert made.status.elapsed == 30.0
    assert made.status.seconds_left == pytest.approx(7 * 2.0)


def test_nothing_is_known_before_each_worker_has_returned_a_fold():
    made, clock = tracker()
    made.n_workers = 2
    made.asked(candidates(4))
    clock.now += 1.0
    made.scored(FoldScore(0, 0, 0.5, fit_time=1.0))
    assert made.status.seconds_left is None
    made.scored(FoldScore(0, 1, 0.5, fit_time=1.0))
    assert made.status.seconds_left == pytest.approx(3 * 0.5)  # two workers: half a second a fold


def test_resumed_trials_take_no_time():
    history = History()
    history.add(candidates(3))
    for fold in [*folds(0, 0.5, 0.7), *folds(1, 0.6)]:
        history.add_fold(fold)
    made, clock = tracker(history=history)
    status = made.status
    assert (status.n_finished, status.n_resumed, status.n_folds, status.n_folds_resumed) == (1, 1, 3, 1)
    assert status.best.candidate == 0
    assert status.seconds_left is None
    assert status.done == 1.5 / 4
    trial = Trial(history[0].candidate, tuple(folds(0, 0.5, 0.7)))
    assert made.is_resumed(trial)
    assert not made.finished(trial)  # the loop finishes it again
    assert made.status.n_finished == 1
    clock.now += 2.0
    made.scored(FoldScore(1, 1, 0.9, fit_time=2.0))
    rest = Trial(history[1].candidate, (FoldScore(1, 0, 0.6), FoldScore(1, 1, 0.9)))
    assert not made.is_resumed(rest)
    assert made.finished(rest)
    assert made.status.seconds_left == pytest.approx(4 * 2.0)
    assert made.status.n_resumed == 1


def test_a_time_limit_bounds_what_is_left():
    made, clock = tracker(plan=WorkPlan(n_trials=4, work=4.0, max_time=10.0))
    assert made.status.seconds_left == 10.0
    made.asked(candidates(4))
    clock.now += 4.0
    finish(made, candidates(1)[0], 0.5, 0.5, seconds=2.0)
    assert made.status.seconds_left == 6.0  # not 12


LADDER = Plan("epochs", 9, 1, ladder(9, [1, 3, 9], n_splits=1, factor=3, largest=9), continues=False)


def test_trials_of_hyperband_weigh_what_their_rung_costs():
    strategy = Hyperband(LADDER, [{"x": i} for i in range(9)])
    history = History()
    made, clock = tracker(1, work_plan(strategy, history))
    assert made.status.rung == "rung 0/2, epochs=1"
    begun = strategy.ask(history)
    made.asked(begun)
    history.add(begun)
    for candidate in begun:
        clock.now += 1.0
        finish(made, candidate, 0.1 * candidate.id, seconds=1.0)
        history.finish_next(folds(candidate.id, 0.1 * candidate.id))
    assert made.status.done == pytest.approx(1 / 3)  # nine of 13 trials, a third of the training
    assert made.status.seconds_left == pytest.approx(18.0)
    made.asked(promoted := strategy.ask(history))
    finish(made, promoted[0], 0.1)
    assert made.status.rung == "rung 1/2, epochs=3"
    assert made.status.best.number == promoted[0].info["candidate_id"] == 8


def test_plans_count_earlier_trials():
    earlier = [Trial(candidate, tuple(folds(candidate.id, 0.5, 0.5))) for candidate in candidates(2)]
    history = History(earlier, n_earlier_trials=2)
    assert work_plan(FixedList([{"C": 3}], 2), history).n_trials == 3
    assert work_plan(None, history).n_trials is None
    made, _ = tracker(history=history, plan=work_plan(FixedList([{"C": 3}], 2), history))
    assert made.status.n_resumed == 2
    assert made.status.done == pytest.approx(2 / 3)


@given(
    st.lists(st.lists(st.floats(-1, 1) | st.just(math.nan), min_size=2, max_size=2), min_size=1, max_size=9)
)
def test_the_best_is_the_first_maximum_of_the_complete_candidates(scores):
    made, _ = tracker(plan=WorkPlan(n_trials=len(scores), work=float(len(scores))))
    asked = candidates(len(scores))
    made.asked(asked)
    for candidate, row in zip(asked, scores):
        finish(made, candidate, *row)
    means = [sum(row) / 2 for row in scores]
    known = [mean for mean in means if not math.isnan(mean)]
    best = made.status.best
    assert (best is None) == (not known)
    assert best is None or best.candidate == means.index(max(known))
    assert made.status.done == pytest.approx(1.0)


# -- texts ---------------------------------------------------------------------------------------------------


def test_the_line_says_what_matters_first():
    made, clock = tracker()
    made.n_workers, made.n_busy = 2, 2
    assert status_line(made.status) == "0/4 candidates, 00:00<?, 0 folds, 2/2 busy"
    made.asked(candidates(4))
    clock.now += 75.0
    finish(made, candidates(1)[0], 0.5, 0.75, seconds=75.0)
    line = "1/4 candidates, 01:15<03:45, best 0.6250 by candidate 0 (C=0), 2 folds, 2/2 busy"
    assert status_line(made.status) == line
    other = replace(
        made.status, n_failed=1, n_eliminated=2, n_resumed=1, stop_reason="max_time", n_planned=None
    )
    assert status_line(other) == (
        "1 candidates (1 resumed), 1 failed, 2 eliminated, 01:15, best 0.6250 by candidate 0 (C=0), 2 folds, "
        "ended: max_time"
    )
    assert "1/4 trials, rung 1/2, epochs=3, 01:15<" in status_line(
        replace(made.status, rung="rung 1/2, epochs=3")
    )


@pytest.mark.parametrize(
    "params, text",
    [
        ({}, "the estimator as it is"),
        ({"svc__C": 0.123456, "svc__kernel": "rbf"}, "C=0.1235, kernel='rbf'"),
        ({"a__n": 1, "b__n": None}, "a__n=1, b__n=None"),
        ({"x": True, "y": 10**9}, "x=True, y=1000000000"),
        ({"layers": tuple(range(100))}, "layers=(0, 1, 2, 3, 4, 5, 6,..."),
        ({"text": "two\nlines"}, "text='two\\nlines'"),
    ],
)
def test_params_are_shortened(params, text):
    assert short_params_text(params) == text


def test_many_params_are_cut():
    text = short_params_text({f"parameter_{i}": i for i in range(30)})
    assert len(text) == 70
    assert text.endswith("...")


@pytest.mark.parametrize("seconds, text", [(0, "00:00"), (59.6, "01:00"), (3599, "59:59"), (3723, "1:02:03")])
def test_durations(seconds, text):
    assert duration_text(seconds) == text
