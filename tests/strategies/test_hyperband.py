"""Execution of a multi-fidelity plan: which candidates are promoted when."""

import heapq
from contextlib import nullcontext

import numpy as np
import pytest

from skhpt.engine import loop as engine
from skhpt.history import History
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.rung_statistics import plan_position
from skhpt.strategies.schedule import Plan, hyperband, ladder
from skhpt.trial import FoldScore


def plan_of(brackets, n_splits=1, maximum=9):
    return Plan("n_estimators", maximum, n_splits, brackets, continues=True)


def points(n):
    return [{"x": i} for i in range(n)]


class SimulatedEvaluator:
    """Evaluator with a simulated clock: each of its workers is busy for ``seconds(candidate, split)``."""

    works_in_background = False
    asking = nullcontext

    def __init__(self, n_workers, seconds, score, n_splits):
        self.n_workers, self.seconds, self.score, self.n_splits = n_workers, seconds, score, n_splits
        self.queue, self.running, self.now, self.worked = [], [], 0.0, 0.0
        self.by_id = {}

    def submit(self, candidates):
        self.by_id |= {candidate.id: candidate for candidate in candidates}
        self.queue += [
            (candidate.id, split) for candidate in candidates for split in candidate.missing(self.n_splits)
        ]

    def wait_for_folds(self, seconds=None):
        while self.queue and len(self.running) < self.n_workers:
            number, split = self.queue.pop(0)
            seconds = self.seconds(self.by_id[number], split)
            self.worked += seconds
            heapq.heappush(self.running, (self.now + seconds, number, split))
        if not self.running:
            return []
        self.now, number, split = heapq.heappop(self.running)
        return [FoldScore(number, split, self.score(self.by_id[number], split))]


def uneven_seconds(candidate, split):
    """Time in proportion to the resource, times a random factor."""
    rng = np.random.default_rng((candidate.info["candidate_id"], split))
    return candidate.resource * rng.lognormal(0, 0.5)


def noisy_score(candidate, split):
    rng = np.random.default_rng((candidate.info["candidate_id"], split, candidate.resource))
    return candidate.params["x"] / 1000 + 0.1 * rng.standard_normal()


LADDER = ladder(486, [3, 9, 27], n_splits=5, factor=3, largest=81)
HYPERBAND = hyperband(None, [1, 3, 9, 27, 81], n_splits=5, factor=3)


@pytest.mark.parametrize("brackets", [LADDER, HYPERBAND], ids=["ladder", "hyperband"])
def test_workers_are_busy_and_do_not_change_the_results(brackets):
    n_splits = 5
    plan = plan_of(brackets, n_splits, 81)
    histories = []
    for n_workers in (16, 1):
        evaluator = SimulatedEvaluator(n_workers, uneven_seconds, noisy_score, n_splits)
        history = History()
        engine.run(Hyperband(plan, points(plan.n_candidates)), history, evaluator, n_splits=n_splits)
        histories.append(history.sorted_by(plan_position))
        assert evaluator.worked / (n_workers * evaluator.now) > 0.85
    assert list(histories[0]) == list(histories[1])


def finish(history, scores):
    """Finish the next trials of the first bracket with these scores."""
    for score in scores:
        (candidate,) = [candidate for candidate in history.next_to_finish if candidate.bracket_id == 0]
        history.finish_next([FoldScore(candidate.id, 0, score)], 0)


def strategy_of_nine(**options):
    """A ladder of 9, then 3 candidates."""
    brackets = ladder(9, [1, 3], n_splits=1, factor=3, largest=81)
    return Hyperband(plan_of(brackets), points(9), **options)


def test_a_promotion_is_asked_for_when_it_is_certain():
    strategy = strategy_of_nine()
    history = History()
    history.add(strategy.ask(history))
    promoted = []
    for score in (0.5, 0.9, 0.1, 0.8, 0.2, 0.3):
        finish(history, [score])
        assert strategy.ask(history) == []  # three candidates without a score may be the best
    for score in (0.4, 0.7, 0.0):
        finish(history, [score])
        asked = strategy.ask(history)
        history.add(asked)
        promoted.append([candidate.params["x"] for candidate in asked])
    assert promoted == [[1], [3], [7]]
    assert [history[i].candidate.parent for i in (9, 10, 11)] == [1, 3, 7]


def test_candidates_without_a_score_are_not_promoted():
    for error_score, n in ((np.nan, 2), (0.0, 3)):
        strategy = strategy_of_nine(error_score=error_score)
        history = History()
        history.add(strategy.ask(history))
        finish(history, [None, 0.1, None, np.nan, 0.9, None, np.inf, None, None])
        assert len(strategy.ask(history)) == n


def test_folds_that_more_resource_cannot_change_are_preset():
    brackets = ladder(3, [1, 3], n_splits=3, factor=3, largest=81)
    strategy = Hyperband(plan_of(brackets, n_splits=3), points(3))
    history = History()
    history.add(strategy.ask(history))
    for _ in range(3):
        (candidate, *_) = history.next_to_finish
        fold = FoldScore(candidate.id, 0, candidate.params["x"], fit_time=5.0, converged=True)
        history.finish_next([fold, *candidate.preset_folds])
    (promoted,) = strategy.ask(history)
    assert promoted.params == {"x": 2}
    assert [(fold.split, fold.state, fold.test_score, fold.fit_time) for fold in promoted.preset_folds] == [
        (0, "ok", 2, 0.0),
        (1, "skipped", None, 0.0),
        (2, "skipped", None, 0.0),
    ]


def test_ids_begin_after_those_of_an_earlier_search():
    candidates = strategy_of_nine(first_bracket_id=4, first_candidate=100).ask(History())
    assert [candidate.info["candidate_id"] for candidate in candidates] == list(range(100, 109))
    assert {candidate.bracket_id for candidate in candidates} == {4}
