"""The hands that the engine is given: candidates in, fold scores out, with all workers kept busy."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from skhpt._typing import Split
from skhpt.engine.retries import RetryPolicy
from skhpt.engine.tasks import Task, chunk_size, shared_tasks, tasks
from skhpt.fitting import slicing, verbose
from skhpt.fitting.fold import FoldObserver, Job, NullObserver, Setup, evaluate
from skhpt.parallel.channels import Begun, TaskUpdate
from skhpt.parallel.pool import Pool
from skhpt.reuse.planner import ReusePlanner
from skhpt.reuse.shared_evaluation import evaluate_shared
from skhpt.trial import Candidate, FoldScore


def null_observer(candidate: Candidate, split: int) -> FoldObserver:
    """Watch no fold."""
    return NullObserver()


@dataclass
class _Sent:
    """A task under way, by itself or not: the folds that are back already, and the candidate that is evaluated."""

    task: Task
    is_alone: bool = False
    scored: set[int] = field(default_factory=set)
    at: int | None = None

    @property
    def left(self) -> list[Candidate]:
        return [candidate for candidate in self.task.candidates if candidate.id not in self.scored]


class PoolEvaluator:
    """Evaluates candidates on the folds of one data set; use it in a ``with`` block.

    Parameters
    ----------
    pool : Pool
        The workers.
    setup : Setup
        What all fits have in common.
    X, y : array-like
        The data; `y` may be None.
    splits : list of (train, test) arrays
        The folds: row indices.
    watch : callable, default=nobody
        ``watch(candidate, split)`` returns who is told of the beginning and end of that fold.
    racing : bool, default=False
        Whether candidates may be dropped: then no task is sent ahead of free workers, and several candidates begin
        before the second fold of one is sent.
    reuse : Reuse, default=None
        Finds out what candidates have in common; by default each is fitted on its own.
    losses : Losses, default=None
        Says what becomes of folds whose worker was lost.
    """

    def __init__(
        self,
        pool: Pool,
        setup: Setup,
        *,
        X: Any,
        y: Any,
        splits: Sequence[Split],
        observe: Callable[[Candidate, int], FoldObserver] = null_observer,
        racing: bool = False,
        reuse: ReusePlanner | None = None,
        retry_policy: RetryPolicy | None = None,
    ):
        self.pool = pool
        self.setup = setup
        self.X, self.y = X, y
        self.splits = splits
        self.observe = observe
        self.racing = racing
        self.reuse = reuse or ReusePlanner()
        self.retry_policy = retry_policy or RetryPolicy()
        self._sent: dict[int, _Sent] = {}  # by task_id
        self._error: BaseException | None = None  # to be raised as soon as what came before it is handed over
        self._stopped = False
        self._n_in_doubt = 0  # tasks to send one by one, to find out which of them it is that kills workers
        self._crashed: set[int] = set()  # candidates that were given up
        self._given_up: list[FoldScore] = []  # their folds that were not tried any more
        self._dropped: set[int] = set()
        self._under_way: Counter[int] = Counter()  # folds, by candidate
        self._waiting: deque[tuple[Candidate, Sequence[int]]] = deque()  # with the folds to evaluate it on
        self._ready: deque[Task] = deque()
        self._numbers: dict[int, tuple[int, int]] = {}  # candidate id: its number in its round, size of the round
        self._seconds_per_fold: float | None = None

    def __enter__(self) -> PoolEvaluator:
        self.pool.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        try:
            with suppress(KeyboardInterrupt):  # nothing depends on it
                while exception[0] is None and not self._stopped and (updates := self.pool.wait()):
                    for one in updates:  # tasks whose last fold came before their account
                        self._hear(one)
        finally:
            slicing.slice_cache.drop(self.setup.key)
            self.pool.__exit__(*exception)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold that is not settled."""
        if self.setup.verbose > 0:
            print(verbose.round_line(len(self.splits), candidates))
        if self.setup.verbose > 1:
            self._numbers |= {c.id: (number, len(candidates)) for number, c in enumerate(candidates)}
        n_splits = len(self.splits)
        candidates = [candidate for candidate in candidates if candidate.missing(n_splits)]  # a journal has the others
        shared, alone = self.reuse.split(self.setup.estimator, candidates, n_splits)
        self._ready.extend(shared_tasks(shared, n_splits, self.pool.n_slots))
        self._waiting.extend((candidate, candidate.missing(n_splits)) for candidate in alone)

    def wait_for_folds(self, seconds: float | None = None) -> list[FoldScore]:
        """Keep the workers busy until at least one fold is back; return all that are, or none after some seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if self._error is not None:
                raise self._error
            while self._has_room() and (task := self._next_task()):
                self._send(task)
            scores, self._given_up = self._given_up, []
            left = None if end is None else max(0.0, end - time.monotonic())
            updates = [] if scores else self.pool.wait(left)
            scores += [score for one in updates for score in self._hear(one)]
            if scores or not updates or left == 0.0:
                return scores

    def drain(self) -> list[FoldScore]:
        """Return the folds that are back by now, without waiting for any."""
        self.stop_submitting()
        return [score for one in self.pool.wait(0.0) for score in self._hear(one)]

    def stop_submitting(self) -> None:
        """Begin no further folds at all."""
        self._stopped = True
        self.pool.stop_submitting()

    def drop(self, candidate: int) -> None:
        """Begin no further folds of a candidate."""
        self._dropped.add(candidate)

    def _has_room(self) -> bool:
        """Tell whether to send another task: not before it is known how many folds should travel together."""
        if self._stopped or (self._n_in_doubt and self.pool.n_pending):
            return False
        if self.racing and self.pool.n_pending >= self.pool.n_slots:
            return False
        if self._seconds_per_fold is None and self.pool.n_pending >= 2 * self.pool.n_slots:
            return False
        return self.pool.n_free > 0

    def _next_task(self) -> Task | None:
        if not self.racing:
            self._plan()
            return self._ready.popleft() if self._ready else None
        self._waiting = deque(one for one in self._waiting if one[0].id not in self._dropped)
        self._ready = deque(task for one in self._ready if (task := one.without(self._dropped)).candidates)
        while self._waiting and len({task.candidates[0].id for task in self._ready}) < self.pool.n_slots:
            self._plan(more=True)
        if not self._ready:
            return None
        task = min(self._ready, key=lambda task: self._under_way[task.candidates[0].id])
        self._ready.remove(task)
        return task

    def _plan(self, more: bool = False) -> None:
        """Make tasks of candidates that wait, if none are ready, or if there should be more."""
        while self._ready and self._ready[0].shared and not self._screen():
            pass
        if not self._ready and (declined := self.reuse.take_declined()):
            self._waiting = deque(sorted([*declined, *self._waiting], key=lambda one: one[0].id))
        while self._waiting and (more or not self._ready):
            n_splits = len(self.splits)
            size = chunk_size(self._seconds_per_fold, len(self._waiting), n_splits, self.pool.n_slots)
            chunk = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
            self._ready.extend(tasks(chunk, n_splits))
            more = False

    def _screen(self) -> bool:
        """Let go of what the next task cannot share, as is known by now; tell whether something is left."""
        task = self._ready.popleft()
        shared = self.reuse.drop_refused(task.shared, task.split)
        if shared:
            self._ready.appendleft(Task(task.split, [one.candidate for one in shared], shared))
        return bool(shared)

    def _send(self, task: Task) -> None:
        self._given_up += [self.retry_policy.crash(c.id, task.split) for c in task.candidates if c.id in self._crashed]
        task = task.without(self._crashed)
        if not task.candidates:
            return
        train, test = self.splits[task.split]
        jobs = [self._job(candidate, task.split) for candidate in task.candidates]
        self._under_way.update(candidate.id for candidate in task.candidates)
        fold = (self.X, self.y, self.setup, task.split, train, test, jobs)
        if task.shared:
            task_id = self.pool.submit(evaluate_shared, *fold, task.shared, self.reuse.policy)
        else:
            task_id = self.pool.submit(evaluate, *fold)
        self._sent[task_id] = _Sent(task, is_alone=self._n_in_doubt > 0)

    # -- what comes back -----------------------------------------------------------------------------------------

    def _hear(self, updates: TaskUpdate) -> list[FoldScore]:
        """Return the scores that are new, and take notice of all else."""
        sent = self._sent[updates.task_id]
        for item in updates.items:
            sent.at = item.candidate if isinstance(item, Begun) else None
        scores = [item for item in updates.items if isinstance(item, FoldScore)]
        if updates.is_done:
            self._sent.pop(updates.task_id)
            self._n_in_doubt = max(0, self._n_in_doubt - 1)
            self._error = self._error or updates.error
            if updates.result is not None:
                scores += updates.result.scores
                self.reuse.record_outcome(updates.result)
        new = {score.candidate: score for score in scores if score.candidate not in sent.scored}
        scores = list(new.values())
        sent.scored |= new.keys()
        for score in scores:
            self._learn_duration(score.fit_time + score.score_time)
        if updates.lost:
            scores += self._recover(sent, updates)
        if updates.is_done:
            self._under_way.subtract(candidate.id for candidate in sent.task.candidates)
        return [self.retry_policy.with_retry_count(score) for score in scores]

    def _recover(self, sent: _Sent, updates: TaskUpdate) -> list[FoldScore]:
        """Give what was lost with a worker another chance, or up."""
        if updates.lost == "cancelled":
            if sent.is_alone and len(sent.left) == 1:  # there is nobody else to blame
                updates = replace(updates, lost="crashed")
            self._n_in_doubt += len(sent.left)
        if sent.task.shared:  # whoever was the first one paid for all: each shows what it takes alone
            updates = replace(updates, lost="cancelled")
        given_up, again = self.retry_policy.decide(updates, sent.left, sent.at, sent.task.split)
        if given_up and self.setup.error_score == "raise":
            self._error = self._error or self.retry_policy.as_error(given_up[0])
            return []
        self._crashed |= {score.candidate for score in given_up if score.state == "crashed"}
        # Each by itself, so that it is known whose fault it is if that happens again.
        self._ready.extendleft(Task(sent.task.split, [candidate]) for candidate in reversed(again))
        return given_up

    def _job(self, candidate: Candidate, split: int) -> Job:
        number, of = self._numbers.get(candidate.id, (0, 0))
        label = verbose.label(self.setup.verbose, split, len(self.splits), number, of)
        return Job(candidate, label, self.observe(candidate, split))

    def _learn_duration(self, seconds: float) -> None:
        """Follow the mean duration of a fold, recent ones counting more."""
        old = self._seconds_per_fold
        self._seconds_per_fold = seconds if old is None else 0.9 * old + 0.1 * seconds
