"""The words: what is asked for, what came back, and what is known so far.

There is no ``tell``. A strategy is asked with the whole history; resuming, warm starting and replaying are all the
same thing, starting with a history.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, overload

import numpy as np

from skhpt.identity import snapshot

#: One number, or one per metric.
Score = float | dict[str, float]
State = Literal["ok", "failed", "timeout", "crashed", "skipped"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point to try.

    Attributes
    ----------
    id : int
        Place in the history, from 0.
    params : dict of str to object
        Parameters to set on the estimator.
    resource : int or None
        Budget to evaluate it with; None means all there is.
    note : dict of str to object
        Facts about the proposal; they become columns of ``cv_results_``.
    lane : int
        Trials of one lane count in the order of their ids; trials of different lanes do not wait for each other.
    parent : int or None
        The trial whose training this one goes on with.
    settled : tuple of FoldScore
        Folds that are not to be evaluated: their scores are known already, or they are skipped.
    """

    id: int
    params: dict[str, Any]
    resource: int | None = None
    note: dict[str, Any] = field(default_factory=dict)
    lane: int = 0
    parent: int | None = None
    settled: tuple[FoldScore, ...] = ()

    def missing(self, n_splits: int) -> list[int]:
        """Return the folds, of `n_splits`, that are to be evaluated."""
        settled = {fold.split for fold in self.settled}
        return [split for split in range(n_splits) if split not in settled]


class Predictions(NamedTuple):
    """What a model predicted for the test rows of a fold.

    Attributes
    ----------
    values : ndarray of shape (n_rows, ...)
        What the method returned.
    method : {"predict_proba", "decision_function", "predict"}
        Which one that is.
    classes : ndarray of shape (n_classes,) or None
        What the columns of `values` stand for: the classes of the training part; None if they are no classes. A
        decision between two classes has no columns, and is for the second one.
    labels : ndarray of shape (n_rows, ...) or None
        What ``predict`` returned, which need not be the class of the largest value; None if that is what `values` are.
    """

    values: np.ndarray
    method: str
    classes: np.ndarray | None = None
    labels: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class FoldScore:
    """What one fold of one candidate returned. A failure is a value, never an exception that loses the others.

    Attributes
    ----------
    candidate, split : int
        Ids of the candidate and of the fold.
    test_score : float, dict of str to float, or None
        Score on the test part, by metric if there are several; None if there was no fit or it failed, NaN if it was
        fitted but could not be scored.
    train_score : float, dict of str to float, or None
        Score on the training part, likewise; None if it was not asked for.
    fit_time, score_time : float
        Seconds.
    state : {"ok", "failed", "timeout", "crashed", "skipped"}
        How it ended; "failed" if it could not be fitted or not be scored, "skipped" if it was not evaluated at all.
    error : str or None
        Text of the traceback of a failure.
    resumed_from : int
        The resource that its model had been trained with before and went on from; 0 if it was trained from scratch.
    converged : bool
        Whether training ended by itself before its resource was used up: more of it would change nothing.
    retries : int
        How often it was evaluated again because its worker had died.
    predictions : Predictions or None
        What it predicted for the test part, if that was asked for and if it can predict.
    """

    candidate: int
    split: int
    test_score: Score | None
    train_score: Score | None = None
    fit_time: float = 0.0
    score_time: float = 0.0
    state: State = "ok"
    error: str | None = None
    resumed_from: int = 0
    converged: bool = False
    retries: int = 0
    predictions: Predictions | None = field(default=None, compare=False, repr=False)

    def score(self, metric: str | None = None) -> float:
        """Return the test score by a metric, or by the only or first one; NaN if there is none or it is not finite."""
        score = self.test_score
        if isinstance(score, dict):
            score = next(iter(score.values())) if metric is None else score.get(metric)
        return math.nan if score is None or not math.isfinite(score) else float(score)


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what its folds returned, in the order of the splits; no folds while it is pending."""

    candidate: Candidate
    folds: tuple[FoldScore, ...] = ()

    @property
    def state(self) -> str:
        """The state of the first fold that is not ok; "pending" before any fold is back."""
        if not self.folds:
            return "pending"
        return next((fold.state for fold in self.folds if fold.state != "ok"), "ok")

    @property
    def evaluated(self) -> list[FoldScore]:
        """The folds that were not skipped."""
        return [fold for fold in self.folds if fold.state != "skipped"]

    @property
    def has_lost(self) -> bool:
        """Whether folds were skipped that were to be evaluated when it was asked for."""
        return any(fold.state == "skipped" and fold not in self.candidate.settled for fold in self.folds)


def renumbered(trials: Iterable[Trial]) -> list[Trial]:
    """Return the same trials with the ids 0, 1, 2, ...; whose parent is not among them goes on with nothing."""
    trials = list(trials)
    number: dict[int | None, int] = {trial.candidate.id: i for i, trial in enumerate(trials)}

    def moved(folds: Iterable[FoldScore], i: int) -> tuple[FoldScore, ...]:
        return tuple(replace(fold, candidate=i) for fold in folds)

    return [
        Trial(replace(c, id=i, parent=number.get(c.parent), settled=moved(c.settled, i)), moved(trial.folds, i))
        for i, (c, trial) in enumerate((trial.candidate, trial) for trial in trials)
    ]


class History(Sequence[Trial]):
    """All trials in the order of their ids.

    Strategies read it; only the engine writes to it. A trial is finished here only when all before it in its lane are.
    So what a strategy sees of a lane never depends on the order in which workers return, and if there is one lane only,
    the finished trials come first, then the pending ones. The folds of a pending trial that are back already are kept
    apart, where a search that was interrupted finds them again.

    Parameters
    ----------
    trials : iterable of Trial, default=()
        Finished trials, with ids 0, 1, 2, ...
    prior : iterable of Trial, default=()
        Trials from elsewhere, scored on other folds: knowledge for strategies that learn, not part of the results.
    n_given : int, default=0
        How many of the trials were given by an earlier search, and are not this one's own.

    Attributes
    ----------
    n_finished : int
        How many trials are finished.
    prior : tuple of Trial
        See above.
    n_given : int
        See above.
    """

    def __init__(self, trials: Iterable[Trial] = (), prior: Iterable[Trial] = (), n_given: int = 0):
        self._trials = list(trials)
        self._lanes: dict[int, list[int]] = defaultdict(list)  # ids, by lane
        self._pending: dict[int, deque[int]] = defaultdict(deque)  # of these, the ones that are not finished
        self._arrived: dict[int, dict[int, FoldScore]] = {}  # folds of pending trials, by id and split
        for trial in self._trials:
            self._lanes[trial.candidate.lane].append(trial.candidate.id)
        self.n_finished = len(self._trials)
        self.prior = tuple(prior)
        self.n_given = n_given

    def __repr__(self) -> str:
        return f"<History of {self.n_finished} finished and {len(self) - self.n_finished} pending trials>"

    def __len__(self) -> int:
        return len(self._trials)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        return self._trials[index]

    @property
    def finished(self) -> list[Trial]:
        """The finished trials."""
        if self.n_finished == len(self._trials):
            return list(self._trials)
        return [trial for trial in self._trials if trial.folds]

    def lane(self, lane: int) -> list[Trial]:
        """Return the trials of a lane."""
        return [self._trials[i] for i in self._lanes.get(lane, ())]

    def progress(self, lane: int) -> tuple[int, int]:
        """Return how many trials a lane has, and how many of them are finished."""
        n = len(self._lanes.get(lane, ()))
        return n, n - len(self._pending.get(lane, ()))

    @property
    def next_to_finish(self) -> list[Candidate]:
        """The first pending candidate of each lane, in the order of their ids."""
        return [self._trials[i].candidate for i in sorted(ids[0] for ids in self._pending.values() if ids)]

    @property
    def pending(self) -> list[Candidate]:
        """The candidates of the trials that are not finished."""
        return [self._trials[i].candidate for i in self._arrived]

    def arrived(self, candidate: int) -> dict[int, FoldScore]:
        """Return the folds of a pending trial that are back, by split; none if it is not pending."""
        return self._arrived.get(candidate, {})

    def arrive(self, fold: FoldScore) -> None:
        """Keep a fold of a pending trial; one of a finished trial is too late to count."""
        if fold.candidate in self._arrived:
            self._arrived[fold.candidate][fold.split] = fold

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Append candidates as pending trials; their ids must go on where the history ends.

        Their parameters are copied, so that the record does not change when the user changes an estimator.
        """
        for candidate in candidates:
            if candidate.id != len(self._trials):
                raise ValueError(f"candidate {candidate.id} was asked for where {len(self._trials)} is next")
            self._trials.append(Trial(replace(candidate, params=snapshot(candidate.params))))
            self._lanes[candidate.lane].append(candidate.id)
            self._pending[candidate.lane].append(candidate.id)
            self._arrived[candidate.id] = {fold.split: fold for fold in candidate.settled}

    def finish_next(self, folds: Iterable[FoldScore], lane: int = 0) -> None:
        """Give the first pending trial of a lane its folds."""
        number = self._pending[lane].popleft()
        self._arrived.pop(number)
        folds = tuple(sorted(folds, key=lambda fold: fold.split))
        self._trials[number] = Trial(self._trials[number].candidate, folds)
        self.n_finished += 1

    def sort(self, key: Callable[[Trial], Any]) -> None:
        """Bring the finished trials into an order that does not depend on that of their arrival; forget the others."""
        self.__init__(renumbered(sorted(self.finished, key=key)), self.prior, self.n_given)  # type: ignore[misc]


class Strategy(Protocol):
    """What to try next, as a pure function of the history."""

    def ask(self, history: History) -> list[Candidate]:
        """Propose candidates, with the ids ``len(history), len(history) + 1, ...``.

        It is asked again after each trial that finishes. An empty list means: nothing now, and, when no trial is
        pending, done. It draws, if it does, from a generator seeded by ``(seed, len(history))``, and never changes
        the history. What it proposes in a lane follows from the finished trials of that lane, and from lanes that are
        complete, alone.
        """
        ...
