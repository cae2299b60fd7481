"""The loop: the history is the same in whatever order folds come back."""

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.engine import loop as engine
from skhpt.history import History
from skhpt.strategies.fixed_list import FixedList
from skhpt.strategies.racing import Race
from skhpt.trial import Candidate, FoldScore

N_SPLITS = 3


def score(candidate, split):
    return FoldScore(candidate.id, split, candidate.params["x"] + split / 10)


class FakeEvaluator:
    """Evaluates in this process, and returns folds in an order that `choose` decides."""

    works_in_background = False
    asking = nullcontext

    def __init__(self, choose=lambda n: 0):
        self.choose = choose
        self.pending = []
        self.n_submitted = 0

    def submit(self, candidates):
        self.n_submitted += len(candidates)
        self.pending += [score(candidate, split) for candidate in candidates for split in range(N_SPLITS)]

    def wait_for_folds(self, seconds=None):
        return [self.pending.pop(self.choose(len(self.pending)))] if self.pending else []

    def stop_submitting(self):
        self.pending = []

    def drain(self):
        return []

    def drop(self, candidate):
        self.pending = [fold for fold in self.pending if fold.candidate != candidate or self.choose(2)]


class Climber:
    """Keeps two candidates pending; each depends on the best finished trial."""

    takes_long = False

    def __init__(self, n):
        self.n = n

    def ask(self, history):
        if len(history) == self.n or len(history) - history.n_finished == 2:
            return []
        best = max((trial.candidate.params["x"] for trial in history.finished), default=0)
        return [Candidate(len(history), {"x": best + 1 + len(history) % 3})]


class Recorder:
    def __init__(self):
        self.lines = []

    def asked(self, candidates):
        self.lines.append([candidate.id for candidate in candidates])

    def scored(self, *folds):
        self.lines += [(fold.candidate, fold.split) for fold in folds]

    def finished(self, trial):
        pass


def run(strategy, choose=lambda n: 0, history=None, observer=None):
    history = History() if history is None else history
    engine.run(strategy, history, FakeEvaluator(choose), n_splits=N_SPLITS, observer=observer)
    return history


@given(st.data())
@pytest.mark.parametrize("strategy", [FixedList([{"x": i} for i in range(4)]), Climber(7)])
def test_the_order_in_which_folds_come_back_does_not_matter(strategy, data):
    expected = list(run(strategy))
    shuffled = run(strategy, choose=lambda n: data.draw(st.integers(0, n - 1)))
    assert list(shuffled) == expected
    assert shuffled.n_finished == len(shuffled)


@given(st.data())
def test_a_race_has_the_same_outcome_for_any_order_of_the_folds(data):
    xs = data.draw(st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.5]), min_size=1, max_size=8))
    strategy, choose = FixedList([{"x": x} for x in xs]), lambda n: data.draw(st.integers(0, n - 1))
    expected, shuffled = History(), History()
    engine.run(strategy, expected, FakeEvaluator(), n_splits=N_SPLITS, race=Race())
    evaluator = FakeEvaluator(choose)
    engine.run(strategy, shuffled, evaluator, n_splits=N_SPLITS, race=Race())
    assert list(shuffled) == list(expected)
    assert not evaluator.pending  # no fold is still being evaluated
    best = max(range(len(xs)), key=lambda i: xs[i])
    assert expected[best].state == "ok"
    standard = -1.0
    for x, trial in zip(xs, expected, strict=True):
        means = [np.mean([x + i / 10 for i in range(n)]) for n in range(1, N_SPLITS)]
        n_counted = next((n for n, mean in enumerate(means, start=1) if mean < standard), N_SPLITS)
        assert [fold.state for fold in trial.folds] == ["ok"] * n_counted + ["skipped"] * (
            N_SPLITS - n_counted
        )
        standard = max(standard, x if n_counted == N_SPLITS else -1.0)


def test_a_strategy_sees_trials_finish_in_the_order_of_their_ids():
    seen = []

    class Spy(FixedList):
        def ask(self, history):
            seen.append([trial.state for trial in history])
            return super().ask(history)

    run(Spy([{"x": 0}, {"x": 1}]), choose=lambda n: n - 1)  # the last fold of the last candidate first
    assert seen == [[], ["ok", "pending"], ["ok", "ok"]]


def test_continuing_a_history_is_the_same_as_one_run():
    whole = run(Climber(7))
    part = run(Climber(4))
    assert list(run(Climber(7), history=part)) == list(whole)


def test_a_search_without_candidates_submits_nothing():
    assert len(run(FixedList([]))) == 0
    done = run(FixedList([{"x": 1}]))
    evaluator = FakeEvaluator()
    engine.run(FixedList([], n_before=1), done, evaluator, n_splits=N_SPLITS)
    assert evaluator.n_submitted == 0


def test_the_journal_records_candidates_and_folds_as_they_come():
    journal = Recorder()
    run(FixedList([{"x": 0}, {"x": 1}]), choose=lambda n: n - 1, observer=journal)
    assert journal.lines == [[0, 1], (1, 2), (1, 1), (1, 0), (0, 2), (0, 1), (0, 0)]


def test_finished_trials_survive_an_exception():
    class Broken(FakeEvaluator):
        def wait_for_folds(self, seconds=None):
            if len(self.pending) == 2:
                raise KeyboardInterrupt
            return super().wait_for_folds()

    history = History()
    with pytest.raises(KeyboardInterrupt):
        engine.run(FixedList([{"x": 0}, {"x": 1}]), history, Broken(), n_splits=N_SPLITS)
    assert [trial.state for trial in history] == ["ok", "pending"]
