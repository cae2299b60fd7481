"""When to stop before the strategy is done: out of time, good enough, or no better for long."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from skhpt.engine.interrupts import Interrupts
from skhpt.trial import Trial

#: What part of its time a search may take longer, so that folds which are under way come back.
GRACE = 0.1


class Limits:
    """The limits of a search, from now on.

    Parameters
    ----------
    max_time : float, timedelta or None, default=None
        Seconds after which no new work begins.
    target_score : float, default=None
        Mean score that is good enough.
    patience : int, default=None
        Candidates in a row without a better one after which it ends.
    mean_score : callable, default=None
        ``mean_score(trial)`` returns the score that is compared; None for a trial that does not count.
    n_earlier_trials : int, default=0
        Trials that come from an earlier search: they may be the best, but they try nobody's patience.
    interrupts : Interrupts, default=None
        Where Ctrl-C is kept.
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
        self._target = math.inf if target_score is None else target_score
        self._patience = math.inf if patience is None else patience
        self._mean_score = mean_score
        self._n_given = n_earlier_trials
        self._interrupts = interrupts or Interrupts()
        self._best = -math.inf
        self._n_since = 0  # trials since there was a better one

    def interruptible(self) -> AbstractContextManager[Any]:
        """Return a context in which Ctrl-C may raise."""
        return self._interrupts.allowed()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until time is up; None if it is not limited."""
        return None if self._end == math.inf else max(0.0, self._end - self._clock())

    @property
    def grace_left(self) -> float:
        """Seconds until folds that are under way are given up; 0 if it is not time that has run out."""
        if self._end == math.inf or self._clock() < self._end:
            return 0.0
        return max(0.0, self._end + GRACE * self._max_time - self._clock())

    def learn(self, trial: Trial) -> None:
        """Look at a trial that has finished; the order counts."""
        score = self._mean_score(trial)
        if score is None:
            return
        if score > self._best:
            self._best, self._n_since = score, 0
        elif trial.candidate.id >= self._n_given:
            self._n_since += 1

    def reason(self) -> str:
        """Say why to stop; nothing if there is no reason to."""
        if self._best >= self._target:
            return "target_score"
        if self._n_since >= self._patience:
            return "patience"
        return "max_time" if self._clock() >= self._end else ""
