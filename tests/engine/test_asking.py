"""Questions in a thread beside the loop: no worker waits for a proposal, and errors and Ctrl-C are those of `fit`."""

import heapq
import threading
from collections import deque
from contextlib import contextmanager, nullcontext

import pytest

from skhpt.engine import loop as engine
from skhpt.history import History
from skhpt.trial import Candidate, FoldScore

N_SPLITS, N_WORKERS = 3, 4


class SimulatedPool:
    """Evaluator with a simulated clock and workers that take a second for each fold.

    As a pool does, it sends tasks only when it is called, and at most as many ahead as there are workers. While a
    strategy thinks, each look for folds moves the clock by a twentieth of a second, until the strategy is done.
    """

    works_in_background = True
    asking = nullcontext

    def __init__(self):
        self.now, self.idle = 0.0, 0.0
        self.queue, self.sent, self.running, self.back = deque(), deque(), [], []
        self.clock = threading.Condition()
        self.thinks_until = 0.0

    def submit(self, candidates):
        self.queue += [(candidate.id, split) for candidate in candidates for split in range(N_SPLITS)]

    def wait_for_folds(self, seconds=None):
        self.send()
        if seconds == 0.0:
            self.advance(max(self.now, min(self.now + 0.05, self.thinks_until)))
        elif self.running and not self.back:
            self.advance(self.running[0][0])
        self.send()
        folds, self.back = self.back, []
        return folds

    def send(self):
        while self.queue and len(self.running) + len(self.sent) < 2 * N_WORKERS:
            self.sent.append(self.queue.popleft())
        self.start()

    def start(self):
        while self.sent and len(self.running) < N_WORKERS:
            heapq.heappush(self.running, (self.now + 1.0, *self.sent.popleft()))

    def advance(self, end):
        with self.clock:
            while self.running and self.running[0][0] <= end:
                self.let_pass(self.running[0][0])
                _, number, split = heapq.heappop(self.running)
                self.back.append(FoldScore(number, split, float(number)))
                self.start()
            self.let_pass(end)
            self.clock.notify_all()

    def let_pass(self, end):
        self.idle += (N_WORKERS - len(self.running)) * (end - self.now)
        self.now = end

    def drain(self):
        return []

    def stop_submitting(self):
        pass


class Thinker:
    """Keeps `max_pending` candidates pending, and needs some simulated seconds to choose each after the first ones."""

    takes_long = True

    def __init__(self, pool, *, seconds, max_pending, n=20):
        self.pool, self.seconds, self.max_pending, self.n = pool, seconds, max_pending, n
        self.idle_at_last = None

    def ask(self, history):
        if not len(history):
            return [Candidate(i, {"x": i}) for i in range(self.max_pending)]
        if len(history) == self.n or len(history) - self.max_pending >= history.n_finished:
            return []
        self.think()
        self.idle_at_last = self.pool.idle
        best = max(trial.folds[0].test_score for trial in history[: len(history) - self.max_pending + 1])
        return [Candidate(len(history), {"x": best})]

    def think(self):
        end = self.pool.now + self.seconds
        if threading.current_thread() is threading.main_thread():
            self.pool.advance(end)
            return
        with self.pool.clock:
            self.pool.thinks_until = end
            assert self.pool.clock.wait_for(lambda: self.pool.now >= end, timeout=60)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(engine, "LOOK_SECONDS", 0.002)


def run(pool, strategy, **options):
    history = History()
    engine.run(strategy, history, pool, n_splits=N_SPLITS, **options)
    return history


@pytest.mark.parametrize("seconds", [0.1, 0.6])
def test_no_worker_waits_for_a_proposal_while_candidates_are_pending(seconds):
    # A candidate keeps the workers busy for 3/4 of a second, so proposals are fast enough; but they take longer than
    # the tasks that are sent ahead would last, if nothing was sent meanwhile.
    pool = SimulatedPool()
    strategy = Thinker(pool, seconds=seconds, max_pending=6)
    history = run(pool, strategy)
    assert history.n_finished == len(history) == strategy.n
    assert strategy.idle_at_last == 0.0


def test_the_candidates_are_those_of_a_strategy_that_is_asked_in_this_thread():
    pool = SimulatedPool()
    beside = run(pool, Thinker(pool, seconds=0.3, max_pending=4))
    pool = SimulatedPool()
    pool.works_in_background = False
    before = run(pool, Thinker(pool, seconds=0.3, max_pending=4))
    assert [trial.candidate for trial in beside] == [trial.candidate for trial in before]


def test_an_exception_of_the_strategy_is_raised_and_no_thread_is_left():
    class Broken(Thinker):
        def think(self):
            raise ZeroDivisionError("while it thinks")

    pool, n_threads = SimulatedPool(), threading.active_count()
    history = History()
    with pytest.raises(ZeroDivisionError, match="while it thinks"):
        engine.run(Broken(pool, seconds=0, max_pending=3), history, pool, n_splits=N_SPLITS)
    assert history.n_finished == 1
    assert threading.active_count() == n_threads


def test_ctrl_c_while_a_strategy_thinks_loses_no_fold_and_waits_for_the_thread():
    class Interrupted(engine.NeverStop):
        """Ctrl-C at the third look while the strategy is asked for its second answer."""

        n = 0

        @contextmanager
        def interruptible(self):
            yield
            if strategy.is_thinking.is_set():
                self.n += 1
                if self.n == 3:
                    strategy.may_end.set()
                    raise KeyboardInterrupt

    class Waiting(Thinker):
        is_thinking, may_end = threading.Event(), threading.Event()

        def think(self):
            self.is_thinking.set()
            assert self.may_end.wait(timeout=60)

    pool, n_threads = SimulatedPool(), threading.active_count()
    strategy, history = Waiting(pool, seconds=0, max_pending=6), History()
    stop = Interrupted()
    assert engine.run(strategy, history, pool, n_splits=N_SPLITS, stop=stop) == engine.INTERRUPTED
    assert stop.n == 3
    assert threading.active_count() == n_threads
    n_back = sum(len(trial.folds) or len(history.folds_of(trial.candidate.id)) for trial in history)
    n_known = len(history) * N_SPLITS - len(pool.queue) - len(pool.sent) - len(pool.running) - len(pool.back)
    assert n_back == n_known
