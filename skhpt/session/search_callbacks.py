"""The callbacks of this package while a search runs: they are told of each event, and cannot end the search."""

from __future__ import annotations

import math
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from skhpt._warnings import warn_user
from skhpt.callbacks.base import SearchCallback
from skhpt.engine.evaluator import Workers
from skhpt.engine.interrupts import Interrupts
from skhpt.history import History
from skhpt.inspection.status import work_of_rungs
from skhpt.results.status import SearchStatus
from skhpt.results.status_tracker import StatusTracker, WorkPlan
from skhpt.strategies.base import Strategy
from skhpt.strategies.fixed_list import FixedList
from skhpt.strategies.hyperband import Hyperband
from skhpt.trial import Candidate, FoldScore, Trial


class RunningCallbacks:
    """Observer that tells callbacks of a search what happens; use it in a ``with`` block.

    The callbacks are told of the end of a search only if they were told of its begin. Where warnings are errors, the
    warning of a callback that has raised is raised at the end: the search is fitted then.

    Parameters
    ----------
    callbacks : sequence of SearchCallback
        The callbacks; one that raises is not called again.
    search : estimator
        The search.
    tracker : StatusTracker
        Keeps the status.
    """

    def __init__(self, callbacks: Sequence[SearchCallback], search: Any, tracker: StatusTracker):
        self._callbacks = list(callbacks)
        self._search = search
        self._tracker = tracker
        self._has_begun = False
        self._warning: Warning | None = None  # that is an error, and is raised when the search has ended
        self._workers: Workers | None = None
        self._interrupts: Interrupts | None = None

    @property
    def status(self) -> SearchStatus:
        """The status now."""
        if self._workers is not None:
            self._tracker.n_busy, self._tracker.n_workers = self._workers.n_busy, self._workers.n_workers
        return self._tracker.status

    def begin(
        self, history: History, plan: WorkPlan, *, racing: bool = False, resumed_from: str = ""
    ) -> None:
        """Begin with the trials that a search has already."""
        self._tracker.begin(history, plan, racing=racing, resumed_from=resumed_from)
        self._has_begun = True
        self._tell("on_search_begin", self.status)

    def begin_run(self, workers: Workers, interrupts: Interrupts) -> None:
        """Begin to evaluate candidates: the workers are known, and Ctrl-C is delayed."""
        self._workers, self._interrupts = workers, interrupts

    def end_run(self, stop_reason: str) -> None:
        """End the evaluation, or a round of it."""
        self._workers = self._interrupts = None
        self._tracker.n_busy = 0
        self._tracker.stop_reason = stop_reason

    def asked(self, candidates: Sequence[Candidate]) -> None:
        if self._callbacks:
            self._tracker.stop_reason = ""  # of the round before
            self._tracker.asked(candidates)

    def scored(self, *folds: FoldScore) -> None:
        if self._callbacks:
            self._tracker.scored(*folds)
            self._tell("on_folds_finished", folds, self.status)

    def finished(self, trial: Trial) -> None:
        if not self._callbacks:
            return
        is_resumed = self._tracker.is_resumed(trial)
        is_best = self._tracker.finished(trial)
        if is_resumed:
            return
        status, trial = self.status, _copied(trial)
        self._tell("on_candidate_finished", trial, status)
        if is_best:
            self._tell("on_new_best", trial, status)

    def __enter__(self) -> RunningCallbacks:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._has_begun:
            return
        if error is not None:
            self.end_run("interrupted" if isinstance(error, KeyboardInterrupt) else "error")
        self._tell("on_search_end", self.status, error)
        if error is None and self._warning is not None:
            raise self._warning

    def _tell(self, hook: str, *arguments: Any) -> None:
        for callback in list(self._callbacks):
            try:
                getattr(callback, hook)(self._search, *arguments)
            except KeyboardInterrupt:
                if self._interrupts is None:
                    raise
                self._interrupts.press()  # so that it has the effect of Ctrl-C after this event is recorded
            except Exception:
                self._callbacks = [each for each in self._callbacks if each is not callback]
                self._warn(
                    f"{type(callback).__name__}.{hook} failed; the callback is not called again, and the search "
                    f"continues:\n{traceback.format_exc()}"
                )

    def _warn(self, message: str) -> None:
        try:
            warn_user(message)
        except Warning as warning:  # warnings are errors
            self._warning = self._warning or warning


def _copied(trial: Trial) -> Trial:
    """Return a trial whose parameters a callback may change: those of the search stay as they are."""
    candidate = trial.candidate
    return replace(
        trial, candidate=replace(candidate, params=dict(candidate.params), info=dict(candidate.info))
    )


def work_plan(
    strategy: Strategy | None, history: History, max_time: float | timedelta | None = None
) -> WorkPlan:
    """Return what is known about the trials that a strategy will ask for.

    Parameters
    ----------
    strategy : Strategy or None
        The strategy that continues the history; None if a subclass chooses the candidates.
    history : History
        Trials that the search begins with.
    max_time : float, timedelta or None, default=None
        Time limit of the search.
    """
    seconds = max_time.total_seconds() if isinstance(max_time, timedelta) else max_time
    limit = math.inf if seconds is None else float(seconds)
    if strategy is None or strategy.n_candidates is None:
        return WorkPlan(max_time=limit)
    if isinstance(strategy, Hyperband):
        return work_of_rungs(strategy.plan, strategy.first_bracket_id, history.n_earlier_trials, limit)
    n_before = strategy.n_before if isinstance(strategy, FixedList) else history.n_earlier_trials
    n = max(len(history), n_before + strategy.n_candidates)
    return WorkPlan(n_trials=n, work=float(n), max_time=limit)
