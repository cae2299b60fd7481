"""Limits of a search: time, target score and patience."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from skhpt.engine.interrupts import Interrupts
from skhpt.trial import Trial

#: Fraction of the time limit that folds get to come back, if they are being evaluated when the time is up.
GRACE = 0.1


class Limits:
    """The limits of a search; the time begins with the call of the constructor.

    Parameters
    ----------
    max_time : float, timedelta or None, default=None
        Seconds after which no new work begins.
    target_score : float, default=None
        Mean score with which the search ends.
    patience : int, default=None
        Number of trials in a row without a better score after which the search ends.
    mean_score : callable, default=None
        ``mean_score(trial)`` returns the score to compare; None for a trial that does not count.
    n_earlier_trials : int, default=0
        Trials that come from an earlier search: they count for the best score, not for `patience`.
    interrupts : Interrupts, default=None
        Handler of Ctrl-C.
    clock : callable, default=time.monotonic
        Returns the time in seconds.
    """

    def __init__(
        self,
        *,
        max_time: float | timedelta | None = None,
        target_score: float | None = None,
        patience: int | None = None,
        mean_score: Callable[[Trial], float | None] = lambda trial: None,
        n_earlier_trials: int = 0,
        interrupts: Interrupts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        seconds = max_time.total_seconds() if isinstance(max_time, timedelta) else max_time
        self._clock = clock
        self._max_time = math.inf if seconds is None else float(seconds)
        self._end = clock() + self._max_time
        self._target_score = math.inf if target_score is None else target_score
        self._patience = math.inf if patience is None else patience
        self._mean_score = mean_score
        self._n_earlier_trials = n_earlier_trials
        self._interrupts = interrupts or Interrupts()
        self._best_score = -math.inf
        self._n_without_better = 0

    def interruptible(self) -> AbstractContextManager[Any]:
        """Return a context in which Ctrl-C may raise `KeyboardInterrupt`."""
        return self._interrupts.allowed()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time is up; None if it is not limited."""
        return None if self._end == math.inf else max(0.0, self._end - self._clock())

    @property
    def grace_left(self) -> float:
        """Seconds until folds that are being evaluated are given up; 0 unless the time is up."""
        if self._end == math.inf or self._clock() < self._end:
            return 0.0
        return max(0.0, self._end + GRACE * self._max_time - self._clock())

    def learn(self, trial: Trial) -> None:
        """Learn from a trial that has finished; the order of the trials matters."""
        if self._target_score == math.inf and self._patience == math.inf:
            return
        score = self._mean_score(trial)
        if score is None:
            return
        if score > self._best_score:
            self._best_score = score
            self._n_without_better = 0
        elif trial.candidate.id >= self._n_earlier_trials:
            self._n_without_better += 1

    def reason(self) -> str:
        """Return the limit that is reached; an empty string if none is."""
        if self._best_score >= self._target_score:
            return "target_score"
        if self._n_without_better >= self._patience:
            return "patience"
        return "max_time" if self._clock() >= self._end else ""
