"""Retry policy: which folds are tried again after the loss of a worker, and which candidates are given up."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from skhpt.engine.in_flight import SubmittedTask
from skhpt.engine.tasks import Task
from skhpt.parallel.channels import TaskUpdate
from skhpt.trial import FoldScore


class RetryPolicy:
    """Decides which folds are tried again when a worker is lost, and which candidates are given up.

    A worker may have died of any candidate that it was working for. So the remaining candidates of its task
    are tried again one by one; if workers could have died of another task, these run isolated, each while no
    other task runs.

    Parameters
    ----------
    max_retries : int, default=2
        Workers that a candidate may kill before it is given up.
    fit_timeout : float, default=None
        Seconds that a fit may take, for the text of the error.

    Attributes
    ----------
    given_up : set of int
        Ids of the candidates that killed too many workers.
    n_retries : int
        Number of folds that were tried again.
    """

    def __init__(self, max_retries: int = 2, fit_timeout: float | None = None):
        self.max_retries = max_retries
        self.fit_timeout = fit_timeout
        self.given_up: set[int] = set()
        self.n_retries = 0
        self._retries: Counter[tuple[int, int]] = Counter()  # by candidate and fold
        self._deaths: Counter[int] = Counter()  # workers that a candidate has certainly killed
        self._suspects: set[int] = set()  # candidates that may have killed workers of a shared pool

    def decide(self, update: TaskUpdate, submitted: SubmittedTask) -> tuple[list[FoldScore], list[Task]]:
        """Decide between retry and failure for the unfinished candidates of a task that lost its worker.

        Parameters
        ----------
        update : TaskUpdate
            Says how the worker was lost.
        submitted : SubmittedTask
            The task, the scores of which are recorded.

        Returns
        -------
        failed : list of FoldScore
            Folds that are not tried again.
        retried : list of Task
            The other folds, one task for each candidate.
        """
        split, remaining = submitted.task.split, submitted.remaining
        failed = []
        culprit = self._culprit(update, submitted)
        if culprit is not None:
            if update.lost == "timeout":
                failed = [_with_times(self._timeout(culprit, split), submitted)]
            elif self._is_given_up(culprit, update.n_deaths):
                self.given_up.add(culprit)
                failed = [_with_times(self._crash(culprit, split), submitted)]
            else:
                self._retries[culprit, split] += 1
                self.n_retries += 1
        is_isolated = update.lost == "cancelled"
        retried = [c for c in remaining if not failed or c.id != culprit]
        return failed, [Task(split, [candidate], is_isolated=is_isolated) for candidate in retried]

    def fail(self, task: Task) -> list[FoldScore]:
        """Return the scores of those candidates of a task that are given up: they are not evaluated."""
        given_up = [self._crash(c.id, task.split) for c in task.candidates if c.id in self.given_up]
        return [_with_times(score) for score in given_up]

    def with_retry_count(self, score: FoldScore) -> FoldScore:
        """Return the score with the number of its retries."""
        return replace(score, retries=self._retries[score.candidate, score.split])

    @staticmethod
    def as_error(score: FoldScore) -> Exception:
        """Return the error to raise for a fold if ``error_score="raise"``."""
        kind = TimeoutError if score.state == "timeout" else RuntimeError
        return kind(str(score.error).partition(": ")[2])

    @staticmethod
    def _culprit(update: TaskUpdate, submitted: SubmittedTask) -> int | None:
        """Return the id of the candidate that the loss of a worker is due to; None if it is not known."""
        remaining, task = submitted.remaining, submitted.task
        # The shared fits may be the cause, so each candidate is retried separately.
        if task.is_shared or update.lost == "preempted":
            return None
        if update.may_lack_items and len(task.candidates) > 1:
            return None
        if update.lost == "cancelled" and not (task.is_isolated and len(remaining) == 1):
            return None
        # The only candidate of a task of which workers died is the culprit, even if its evaluation had not
        # begun.
        culprit = remaining[0].id if len(remaining) == 1 and update.n_deaths else submitted.current
        return culprit if culprit in {candidate.id for candidate in remaining} else None

    def _is_given_up(self, culprit: int, n_deaths: int) -> bool:
        if not n_deaths:  # workers of a shared pool, where other tasks ran too
            self._suspects.add(culprit)
            return self.max_retries == 0
        self._deaths[culprit] += n_deaths
        return self._deaths[culprit] + (culprit in self._suspects) >= max(1, self.max_retries)

    def _timeout(self, candidate: int, split: int) -> FoldScore:
        error = f"TimeoutError: the fit was stopped after fit_timeout={self.fit_timeout} seconds"
        return FoldScore(
            candidate, split, None, fit_time=float(self.fit_timeout or 0.0), state="timeout", error=error
        )

    def _crash(self, candidate: int, split: int) -> FoldScore:
        n = max(1, self.max_retries)
        error = (
            "TerminatedWorkerError: the worker process died, for example of a segmentation fault, for lack of memory "
            f"or because it was killed; the candidate is given up after {n} deaths (max_retries={self.max_retries})"
        )
        return FoldScore(candidate, split, None, state="crashed", error=error)


def _with_times(score: FoldScore, submitted: SubmittedTask | None = None) -> FoldScore:
    """Return the score of a fold that ends now, with the time when its evaluation began and its worker."""
    now, begun = time.time(), submitted.begun if submitted else None
    if begun is None or begun.candidate != score.candidate:
        return replace(score, started=now - score.fit_time, ended=now)
    seconds = max(0.0, time.monotonic() - begun.at)
    return replace(score, started=now - seconds, ended=now, worker=begun.worker)
