"""The callbacks of this package while a search runs: they are told of each event, and cannot end the search."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from skhpt._warnings import warn_user
from skhpt.callbacks.base import SearchCallback
from skhpt.engine.evaluator import Workers
from skhpt.results.status import SearchStatus, StatusTracker
from skhpt.trial import Candidate, FoldScore, Trial


class RunningCallbacks:
    """Observer that tells callbacks of a search what happens.

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
        #: The workers, once they are known.
        self.workers: Workers | None = None

    @property
    def status(self) -> SearchStatus:
        """The status now, with the workers that are busy."""
        status = self._tracker.status
        if self.workers is None:
            return status
        return replace(status, n_busy=self.workers.n_busy, n_workers=self.workers.n_workers)

    def begin(self, history: Sequence[Trial], n_planned: int | None) -> None:
        """Begin with the trials that a search has already."""
        self._tracker.n_planned = n_planned
        self._tracker.resume(history)
        self._tell("on_search_begin", self.status)

    def asked(self, candidates: Sequence[Candidate]) -> None:
        self._tracker.asked(candidates)

    def scored(self, *folds: FoldScore) -> None:
        self._tracker.scored(*folds)
        if self._callbacks:
            self._tell("on_folds_finished", folds, self.status)

    def finished(self, trial: Trial) -> None:
        is_best = self._tracker.finished(trial)
        if not self._callbacks:
            return
        status = self.status
        self._tell("on_candidate_finished", trial, status)
        if is_best:
            self._tell("on_new_best", trial, status)

    def __enter__(self) -> RunningCallbacks:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._tell("on_search_end", self.status, error)

    def _tell(self, hook: str, *arguments: Any) -> None:
        for callback in list(self._callbacks):
            try:
                getattr(callback, hook)(self._search, *arguments)
            except Exception:
                self._callbacks.remove(callback)
                warn_user(
                    f"{type(callback).__name__}.{hook} failed; the callback is not called again, and the search goes "
                    f"on:\n{traceback.format_exc()}"
                )
