"""Status of a search while it runs: what is done, what is planned, and the best candidate so far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from skhpt._typing import Params
from skhpt.trial import Candidate, FoldScore, Trial


@dataclass(frozen=True, kw_only=True)
class BestCandidate:
    """Best candidate so far.

    Attributes
    ----------
    candidate : int
        Id of its trial.
    score : float
        Mean score over its folds.
    params : dict of str to object
        Parameters, as ``cv_results_["params"]`` has them.
    """

    candidate: int
    score: float
    params: Params


@dataclass(frozen=True, kw_only=True)
class SearchStatus:
    """Status of a search at a moment.

    Attributes
    ----------
    search : str
        Name of the class of the search, such as "BayesSearchCV".
    metric : str
        Metric that candidates are compared by; "score" for the only one.
    n_finished : int
        Finished trials, with those of a journal and of earlier fits. A candidate of `HyperbandSearchCV` has a
        trial on each rung that it reaches.
    n_planned : int or None
        Number of trials at the end, at most; None if it is not known.
    n_pending : int
        Trials that are asked for and not finished.
    n_folds : int
        Evaluated folds of all trials, those of pending trials included.
    n_failed, n_eliminated : int
        Finished trials with a failure, and those that a race eliminated.
    n_resumed : int
        Finished trials that the search began with: from its journal, earlier fits or earlier searches.
    n_busy, n_workers : int or None
        Workers that evaluate, and all workers; None if they are not known (in another process).
    elapsed : float
        Seconds since the search began.
    seconds_left : float or None
        Estimated seconds until the end; None if nothing is known.
    best : BestCandidate or None
        Best candidate so far; None before the first score.
    rung : str
        Position in the plan of `HyperbandSearchCV`, such as "bracket 0, rung 2 of 4, n_estimators=27"; empty for
        other searches.
    """

    search: str
    metric: str
    n_finished: int
    n_planned: int | None
    n_pending: int
    n_folds: int
    n_failed: int
    n_eliminated: int
    n_resumed: int
    n_busy: int | None = None
    n_workers: int | None = None
    elapsed: float
    seconds_left: float | None
    best: BestCandidate | None
    rung: str = ""


def mean_score(trial: Trial, metric: str | None, error_score: float | Literal["raise"]) -> float:
    """Return the mean score of a trial over its evaluated folds; NaN without any, or if a race eliminated it."""
    if trial.was_eliminated:
        return math.nan
    scores = [fold.score(metric) for fold in trial.evaluated]
    if not isinstance(error_score, str):
        scores = [error_score if math.isnan(score) else score for score in scores]
    return sum(scores) / len(scores) if scores else math.nan


class StatusTracker:
    """Observer that keeps the status of a search up to date, in constant time for each event.

    Parameters
    ----------
    search : str
        Name of the class of the search.
    metric : str or None
        Metric that candidates are compared by; None for the only or first one.
    n_planned : int or None
        Number of trials at the end.
    error_score : "raise" or float
        Score of a failed fit.
    budget : callable, default=None
        ``budget(trial)`` returns what trials are ranked by before their score; by default all are equal.
    shown_params : callable, default=None
        ``shown_params(candidate)`` returns the parameters of a candidate as the results show them.
    clock : callable, default=time.monotonic
        Returns seconds.
    """

    def __init__(
        self,
        search: str,
        *,
        metric: str | None = None,
        n_planned: int | None = None,
        error_score: float | Literal["raise"] = math.nan,
        budget: Callable[[Trial], Any] = lambda trial: (),
        shown_params: Callable[[Candidate], Params] = lambda candidate: candidate.params,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._search = search
        self._metric = metric
        self.n_planned = n_planned
        self._error_score = error_score
        self._budget = budget
        self._shown_params = shown_params
        self._clock = clock
        self._start = clock()
        self._n_asked = self._n_finished = self._n_folds = self._n_failed = self._n_eliminated = 0
        self._n_resumed = 0
        self._best: BestCandidate | None = None
        self._best_key: tuple[Any, float] | None = None

    def resume(self, history: Sequence[Trial]) -> None:
        """Learn from the trials that a search begins with."""
        for trial in history:
            self._n_asked += 1
            if trial.folds:
                self._n_folds += len(trial.evaluated)
                self.finished(trial)
        self._n_resumed = self._n_finished

    def asked(self, candidates: Sequence[Candidate]) -> None:
        self._n_asked += len(candidates)

    def scored(self, *folds: FoldScore) -> None:
        self._n_folds += len(folds)

    def finished(self, trial: Trial) -> bool:
        """Learn from a finished trial; return whether it is the best so far."""
        self._n_finished += 1
        self._n_eliminated += trial.was_eliminated
        self._n_failed += any(fold.state not in ("ok", "skipped") for fold in trial.folds)
        score = mean_score(trial, self._metric, self._error_score)
        if math.isnan(score):
            return False
        key = (self._budget(trial), score)
        if self._best_key is not None and key <= self._best_key:
            return False
        self._best_key = key
        self._best = BestCandidate(
            candidate=trial.candidate.id, score=score, params=self._shown_params(trial.candidate)
        )
        return True

    @property
    def status(self) -> SearchStatus:
        """The status now."""
        elapsed = self._clock() - self._start
        return SearchStatus(
            search=self._search,
            metric=self._metric or "score",
            n_finished=self._n_finished,
            n_planned=self.n_planned,
            n_pending=self._n_asked - self._n_finished,
            n_folds=self._n_folds,
            n_failed=self._n_failed,
            n_eliminated=self._n_eliminated,
            n_resumed=self._n_resumed,
            elapsed=elapsed,
            seconds_left=self._seconds_left(elapsed),
            best=self._best,
        )

    def _seconds_left(self, elapsed: float) -> float | None:
        n_done = self._n_finished - self._n_resumed
        if self.n_planned is None or n_done == 0:
            return None
        return elapsed / n_done * max(0, self.n_planned - self._n_finished)
