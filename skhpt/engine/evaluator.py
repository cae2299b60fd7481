"""Evaluator: takes candidates, gives their tasks to a pool of workers, and returns the scores of folds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from skhpt._typing import ArrayLike, Split
from skhpt.engine.in_flight import SubmittedTask, TasksInFlight
from skhpt.engine.retries import RetryPolicy
from skhpt.engine.shared_tasks import SharedTaskQueue
from skhpt.engine.tasks import RacingTaskQueue, Task, TaskQueue
from skhpt.fitting import slicing, verbose
from skhpt.fitting.checkpoints import CheckpointKey
from skhpt.fitting.job import FoldObserver, Job, NullObserver, Setup
from skhpt.parallel.blas import one_blas_thread_if_main
from skhpt.parallel.channels import TaskUpdate
from skhpt.parallel.pool import Pool
from skhpt.reuse.planner import ReusePlanner
from skhpt.trial import Candidate, FoldScore


class Observe(Protocol):
    """Function that returns the observer of a fold."""

    def __call__(self, candidate: Candidate, split: int, has_begun: bool) -> FoldObserver:
        """Return the observer of a candidate on a fold, whose beginning may have been observed already."""
        ...


class Workers(Protocol):
    """Object that knows how many workers there are."""

    @property
    def n_workers(self) -> int:
        """Number of workers."""
        ...

    @property
    def n_busy(self) -> int:
        """Number of workers that have a task."""
        ...


def null_observer(candidate: Candidate, split: int, has_begun: bool = False) -> FoldObserver:
    """Return an observer of a fold that does nothing."""
    return NullObserver()


class PoolEvaluator:
    """Evaluates candidates on the folds of one data set; use it in a ``with`` block.

    Parameters
    ----------
    pool : Pool
        The workers.
    setup : Setup
        Settings that all fits have in common.
    X, y : array-like
        The data; `y` may be None.
    splits : sequence of (train, test) arrays
        The folds: row indices.
    observe : callable, default=null_observer
        ``observe(candidate, split, has_begun)`` returns the observer that is told of the beginning and end of
        that fold.
    racing : bool, default=False
        Whether candidates may be dropped: then no task is sent ahead of free workers, and several candidates
        begin before the second fold of one of them is sent.
    reuse : ReusePlanner, default=None
        Decides which candidates share fits; by default, and in a race, none do.
    retry_policy : RetryPolicy, default=None
        Decides which folds are tried again when a worker is lost.
    prints_rounds : bool, default=True
        Whether a line announces each round of candidates, from level 1 of `verbose`.
    """

    def __init__(
        self,
        pool: Pool,
        setup: Setup,
        *,
        X: ArrayLike,
        y: ArrayLike,
        splits: Sequence[Split],
        observe: Observe = null_observer,
        racing: bool = False,
        reuse: ReusePlanner | None = None,
        retry_policy: RetryPolicy | None = None,
        prints_rounds: bool = True,
    ):
        self.pool = pool
        self.setup = setup
        self.X, self.y = X, y
        self.splits = splits
        self.observe = observe
        self.racing = racing
        self.reuse = reuse
        self.retry_policy = retry_policy or RetryPolicy()
        self.prints_rounds = prints_rounds
        self._in_flight = TasksInFlight()
        self._queue = self._make_queue()
        # By candidate id: its number in its round, size of the round.
        self._numbers: dict[int, tuple[int, int]] = {}
        # Candidates and folds whose beginning was observed, but that must be evaluated separately.
        self._begun: set[tuple[int, int]] = set()
        # To be raised after the scores that came before it are returned.
        self._error: BaseException | None = None

    def _make_queue(self) -> TaskQueue:
        n_splits = len(self.splits)
        if self.racing:
            return RacingTaskQueue(n_splits, self.pool, self._in_flight.n_running)
        if self.reuse is not None:
            return SharedTaskQueue(n_splits, self.pool, planner=self.reuse, estimator=self.setup.estimator)
        return TaskQueue(n_splits, self.pool)

    def __enter__(self) -> PoolEvaluator:
        self.pool.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._queue.close()
        slicing.slice_cache.drop(self.setup.key)
        self.pool.__exit__(*exception)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold that is not preset."""
        if self.setup.verbose > 0 and self.prints_rounds:
            print(verbose.round_line(len(self.splits), candidates))
        for number, candidate in enumerate(candidates):
            self._numbers[candidate.id] = (number, len(candidates))
        self._queue.add([candidate for candidate in candidates if candidate.missing(len(self.splits))])

    def wait_for_folds(self, seconds: float | None = None) -> list[FoldScore]:
        """Keep the workers busy until a fold is back; return all that are back, or none after some seconds."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            if self._error is not None:
                raise self._error
            if given_up := self._fill_pool():
                return given_up
            left = None if end is None else max(0.0, end - time.monotonic())
            updates = self.pool.wait(left)
            scores = [score for update in updates for score in self._record(update)]
            if scores or not updates or left == 0.0:
                return scores + self._refill_pool()

    def drain(self) -> list[FoldScore]:
        """Submit no further tasks; return the folds that are back by now, without waiting."""
        self.stop_submitting()
        return [score for update in self.pool.wait(0.0) for score in self._record(update)]

    def stop_submitting(self) -> None:
        """Submit no further tasks."""
        self.pool.stop_submitting()

    def drop(self, candidate: int) -> None:
        """Submit no further folds of a candidate."""
        self._queue.drop(candidate)

    @property
    def works_in_background(self) -> bool:
        """Whether folds are evaluated while this thread does something else."""
        return self.pool.works_in_background

    def asking(self) -> AbstractContextManager[Any]:
        """Return a context in which a strategy computes: with one thread of BLAS, unless fits use it meanwhile."""
        return nullcontext() if self.pool.shares_memory else one_blas_thread_if_main()

    @property
    def n_workers(self) -> int:
        return self.pool.n_slots

    @property
    def n_busy(self) -> int:
        return min(self.pool.n_pending, self.pool.n_slots)

    # -- tasks that are sent ---------------------------------------------------------------------------------

    def _fill_pool(self) -> list[FoldScore]:
        """Submit tasks while workers are free; return the failed scores of candidates that were given up."""
        failed: list[FoldScore] = []
        while self._has_room() and (task := self._queue.next()):
            if self.retry_policy.given_up:
                failed += self.retry_policy.fail(task)
                task = task.without(self.retry_policy.given_up)
            if task.candidates:
                self._send(task)
        return failed

    def _refill_pool(self) -> list[FoldScore]:
        """Submit tasks before the scores that are back are recorded, which may take long: workers are free now.

        A race waits for the scores, because they may eliminate candidates.
        """
        if self.racing or self._error is not None or not self.works_in_background:
            return []
        try:
            return self._fill_pool()
        except Exception as error:  # the cluster is gone, but the scores are here
            self._error = error
            return []

    def _has_room(self) -> bool:
        """Tell whether another task can be submitted now."""
        pool = self.pool
        if pool.n_free <= 0:
            return False
        if self._queue.isolated or self._in_flight.isolated:
            return pool.n_pending == 0
        if self.racing:
            return pool.n_pending < pool.n_slots
        # The size of tasks depends on the duration of a fold, so few tasks are sent before it is known.
        return self._queue.seconds_per_fold is not None or pool.n_pending < 2 * pool.n_slots

    def _send(self, task: Task) -> None:
        train, test = self.splits[task.split]
        jobs = []
        for candidate in task.candidates:
            label = self._label(candidate, task.split) if self.setup.verbose > 1 else ""
            has_begun = (candidate.id, task.split) in self._begun
            observer = self.observe(candidate, task.split, has_begun)
            jobs.append(Job(candidate, label, observer, self._checkpoint(candidate, task.split)))
        data = (self.X, self.y, self.setup, task.split, train, test)
        task_id = self.pool.submit(task.function, *data, jobs, *task.extra_arguments)
        self._in_flight.add(task_id, task)

    def _checkpoint(self, candidate: Candidate, split: int) -> bytes | None:
        """Return the checkpoint to send, from which the training of a candidate continues."""
        if candidate.parent is None:
            return None
        return self.setup.checkpoints.to_send(CheckpointKey(candidate.parent, split))

    def _label(self, candidate: Candidate, split: int) -> str:
        """Return the name of a fit in the lines that are printed for it."""
        number, n_candidates = self._numbers[candidate.id]
        return verbose.label(
            self.setup.verbose,
            split=split,
            n_splits=len(self.splits),
            number=number,
            n_candidates=n_candidates,
        )

    # -- updates that come back ------------------------------------------------------------------------------

    def _record(self, update: TaskUpdate) -> list[FoldScore]:
        """Record an update; return the scores that are new."""
        submitted, scores = self._in_flight.record(update)
        for score in scores:
            self._queue.learn_duration(score.fit_time + score.score_time)
        self._error = self._error or update.error
        self._update_checkpoints(update, submitted, scores)
        if self.reuse is not None and update.result is not None:
            self.reuse.record_outcome(update.result)
            self._begun.update((candidate_id, update.result.split) for candidate_id in update.result.begun)
            if update.result.postponed:
                self._queue.postpone(submitted.task.only(set(update.result.postponed)))
        if update.lost:
            scores += self._handle_loss(update, submitted)
        if self.retry_policy.n_retries:
            scores = [self.retry_policy.with_retry_count(score) for score in scores]
        return scores

    def _update_checkpoints(
        self, update: TaskUpdate, submitted: SubmittedTask, scores: Sequence[FoldScore]
    ) -> None:
        """Store the checkpoints that came back, and remove those whose continued training is scored."""
        checkpoints, split = self.setup.checkpoints, submitted.task.split
        if update.result is not None:
            checkpoints.receive(update.result.checkpoints)
        parents = {candidate.id: candidate.parent for candidate in submitted.task.candidates}
        for score in scores:
            if (parent := parents[score.candidate]) is not None:
                checkpoints.drop(CheckpointKey(parent, split))

    def _handle_loss(self, update: TaskUpdate, submitted: SubmittedTask) -> list[FoldScore]:
        """Queue the folds that are tried again after the loss of a worker; return the others."""
        failed, retried = self.retry_policy.decide(update, submitted)
        if failed and self.setup.error_score == "raise":
            self._error = self._error or self.retry_policy.as_error(failed[0])
            return []
        self._queue.retry(retried)
        return failed
