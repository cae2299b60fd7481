"""Tracker of the status of a search: it learns from candidates, folds and trials as they come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from skhpt._typing import Params
from skhpt.history import History
from skhpt.results.status import BestCandidate, SearchStatus
from skhpt.trial import Candidate, FoldScore, Trial


@dataclass(frozen=True, kw_only=True)
class WorkPlan:
    """What is known about the trials of a search before they are asked for.

    Attributes
    ----------
    n_trials : int or None
        Number of trials at the end, at most; None if it is not known.
    work : float or None
        Work of all these trials, in the unit of `work_of`.
    work_of : callable
        ``work_of(candidate)`` returns the work of a trial; by default all take the same.
    position_of : callable
        ``position_of(candidate)`` returns the position of a trial in the plan as text; empty by default, also for
        None, which asks for the first position.
    max_time : float
        Seconds after which the search ends.
    """

    n_trials: int | None = None
    work: float | None = None
    work_of: Callable[[Candidate], float] = lambda candidate: 1.0
    position_of: Callable[[Candidate | None], str] = lambda candidate: ""
    max_time: float = math.inf


class StatusTracker:
    """Observer that keeps the status of a search up to date, in constant time for each event.

    Parameters
    ----------
    search : str
        Name of the class of the search.
    n_splits : int
        Number of folds.
    metric : str or None
        Metric that candidates are compared by; None for the only or first one.
    error_score : "raise" or float
        Score of a failed fit.
    budget : callable, default=None
        ``budget(trial)`` returns what trials are ranked by before their score; by default all are equal.
    shown_params : callable, default=None
        ``shown_params(candidate)`` returns the parameters of a candidate as the results show them.
    clock : callable, default=time.monotonic
        Returns seconds.

    Attributes
    ----------
    n_workers, n_busy : int or None
        All workers, and those that evaluate.
    stop_reason : str
        Why the search ended; empty while it runs.
    """

    def __init__(
        self,
        search: str,
        *,
        n_splits: int,
        metric: str | None = None,
        error_score: float | Literal["raise"] = math.nan,
        budget: Callable[[Trial], Any] = lambda trial: (),
        shown_params: Callable[[Candidate], Params] = lambda candidate: candidate.params,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._search = search
        self._n_splits = n_splits
        self._metric = metric
        self._error_score = error_score
        self._budget = budget
        self._shown_params = shown_params
        self._clock = clock
        self._start = self._begin = self._work_begin = clock()
        self._plan = WorkPlan()
        self._n_asked = self._n_finished = self._n_folds = self._n_failed = self._n_eliminated = 0
        self._n_resumed = self._n_folds_resumed = self._n_new_folds = 0
        # Pending trials that the search began with: those without a new fold, and those that count as finished.
        self._brought: set[int] = set()
        self._counted: set[int] = set()
        # Work of finished trials and of the folds of pending ones; by pending trial: of one fold, and of all so far.
        self._work = self._work_at_begin = self._done = 0.0
        self._work_of_fold: dict[int, float] = {}
        self._work_of_pending: dict[int, float] = {}
        self._best: BestCandidate | None = None
        self._best_key: tuple[Any, float] | None = None
        self._rung = self._resumed_from = ""
        self.n_workers: int | None = None
        self.n_busy: int | None = None
        self.stop_reason = ""

    def begin(
        self, history: History, plan: WorkPlan, *, racing: bool = False, resumed_from: str = ""
    ) -> None:
        """Begin with the trials of a history.

        A pending trial whose folds are all known counts as finished, except in a race, which decides when a trial is
        finished.
        """
        self._plan = plan
        self._resumed_from = resumed_from
        self._rung = plan.position_of(None)
        self._begin = self._clock()
        scored = history.finished if racing else history.scored(self._n_splits)
        scored_by_id = {trial.candidate.id: trial for trial in scored}
        for candidate in (trial.candidate for trial in history):
            self.asked([candidate])
            if candidate.id not in scored_by_id:
                self.resume_folds(candidate, list(history.folds_of(candidate.id).values()))
                self._brought.add(candidate.id)
                continue
            self.resume(scored_by_id[candidate.id])
            if not history[candidate.id].folds:
                self._counted.add(candidate.id)

    def resume(self, trial: Trial) -> None:
        """Count a finished trial that the search began with, after `asked`."""
        self._n_folds += _n_own_folds(trial.candidate, trial.folds)
        self._n_resumed += 1
        self._finish(trial)
        self._work_at_begin = self._work

    def resume_folds(self, candidate: Candidate, folds: Sequence[FoldScore]) -> None:
        """Count the folds of an unfinished trial that the search began with, after `asked`."""
        n_folds = _n_own_folds(candidate, folds)
        self._n_folds += n_folds
        self._n_folds_resumed += n_folds
        self._credit(candidate.id, n_folds)
        self._work_at_begin = self._work

    def asked(self, candidates: Sequence[Candidate]) -> None:
        self._n_asked += len(candidates)
        for candidate in candidates:
            n_missing = len(candidate.missing(self._n_splits))
            self._work_of_fold[candidate.id] = self._plan.work_of(candidate) / max(1, n_missing)
            self._work_of_pending[candidate.id] = 0.0

    def scored(self, *folds: FoldScore) -> None:
        if folds and not self._n_new_folds:
            self._begin_work(folds)
        for fold in folds:
            self._brought.discard(fold.candidate)
            self._credit(fold.candidate, 1)
        self._n_folds += len(folds)
        self._n_new_folds += len(folds)

    def _begin_work(self, folds: Sequence[FoldScore]) -> None:
        """Set the time when the first folds began: the start of workers says nothing about the rest."""
        seconds = sum(fold.fit_time + fold.score_time for fold in folds) / (self.n_workers or 1)
        self._work_begin = max(self._begin, self._clock() - seconds)

    def is_resumed(self, trial: Trial) -> bool:
        """Return whether a trial is finished by the folds that the search began with."""
        return trial.candidate.id in self._brought or trial.candidate.id in self._counted

    def finished(self, trial: Trial) -> bool:
        """Learn from a finished trial; return whether it is the best so far."""
        candidate_id = trial.candidate.id
        if candidate_id in self._counted:
            return False
        if candidate_id in self._brought:
            self._n_resumed += 1
            self._n_folds_resumed -= _n_own_folds(trial.candidate, trial.evaluated)
        self._rung = self._plan.position_of(trial.candidate)
        return self._finish(trial)

    def _credit(self, candidate_id: int, n_folds: int) -> None:
        """Count the work of some folds of a pending trial."""
        if candidate_id in self._work_of_pending:
            work = n_folds * self._work_of_fold[candidate_id]
            self._work += work
            self._work_of_pending[candidate_id] += work

    def _finish(self, trial: Trial) -> bool:
        candidate = trial.candidate
        del self._work_of_fold[candidate.id]
        self._work += self._plan.work_of(candidate) - self._work_of_pending.pop(candidate.id)
        self._n_finished += 1
        self._n_eliminated += trial.was_eliminated
        self._n_failed += trial.failure is not None
        score = trial.mean_score(self._metric, self._error_score)
        if math.isnan(score):
            return False
        key = (self._budget(trial), score)
        if self._best_key is not None and key <= self._best_key:
            return False
        self._best_key = key
        self._best = BestCandidate(
            candidate=candidate.id,
            number=candidate.number,
            score=score,
            params=dict(self._shown_params(candidate)),
        )
        return True

    @property
    def status(self) -> SearchStatus:
        """The status now."""
        now = self._clock()
        if self._plan.work:
            done = 1.0 if self.stop_reason == "completed" else self._work / self._plan.work
            self._done = max(self._done, min(1.0, done))  # whatever the rounding
        return SearchStatus(
            search=self._search,
            metric=self._metric or "score",
            n_finished=self._n_finished,
            n_planned=self._plan.n_trials,
            n_splits=self._n_splits,
            n_pending=self._n_asked - self._n_finished,
            n_folds=self._n_folds,
            n_failed=self._n_failed,
            n_eliminated=self._n_eliminated,
            n_resumed=self._n_resumed,
            n_folds_resumed=self._n_folds_resumed,
            resumed_from=self._resumed_from,
            n_busy=self.n_busy,
            n_workers=self.n_workers,
            elapsed=now - self._start,
            seconds_left=0.0 if self.stop_reason else self._seconds_left(now),
            done=self._done if self._plan.work else None,
            best=self._best,
            rung=self._rung,
            stop_reason=self.stop_reason,
        )

    def _seconds_left(self, now: float) -> float | None:
        """Return the time that the rest of the plan takes if it takes as long as the new folds did."""
        until_limit = max(0.0, self._begin + self._plan.max_time - now)
        work_done = self._work - self._work_at_begin
        # The first folds of parallel workers come back together.
        if self._plan.work is None or work_done <= 0 or self._n_new_folds < (self.n_workers or 1):
            return None if until_limit == math.inf else until_limit
        seconds_per_work = (now - self._work_begin) / work_done
        return min(until_limit, seconds_per_work * max(0.0, self._plan.work - self._work))


def _n_own_folds(candidate: Candidate, folds: Sequence[FoldScore]) -> int:
    """Return the number of folds that were evaluated for a candidate, not taken over from its parent."""
    preset = {fold.split for fold in candidate.preset_folds}
    return sum(fold.split not in preset and fold.state != "skipped" for fold in folds)
