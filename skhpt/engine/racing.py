"""Racing: candidates are eliminated before all of their folds are evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Protocol

from skhpt.history import History
from skhpt.trial import FoldScore, Trial


class RaceRule(Protocol):
    """Rule that eliminates candidates."""

    def learn(self, finished: Sequence[Trial]) -> None:
        """Learn from the finished trials."""
        ...

    def eliminated_after(self, folds: Sequence[FoldScore]) -> int | None:
        """Return the number of first folds after which a candidate is eliminated; None if it is not.

        The more trials have finished, the sooner a candidate may be eliminated, never the later.
        """
        ...


class Dropper(Protocol):
    """Object that a race tells of eliminated candidates: the evaluator."""

    def drop(self, candidate: int) -> None:
        """Submit no further folds of a candidate."""
        ...


class RunningRace:
    """A race, and the trials that take part.

    Parameters
    ----------
    race : Race
        Decides which candidates are eliminated.
    history : History
        The trials.
    evaluator : Dropper
        Told of candidates that are eliminated.
    n_splits : int
        Folds of each candidate that is not eliminated.
    """

    def __init__(self, race: RaceRule, history: History, evaluator: Dropper, *, n_splits: int):
        self.race = race
        self.history = history
        self.evaluator = evaluator
        self.n_splits = n_splits

    def update(self) -> None:
        """Learn from the trials that have finished."""
        self.race.learn(self.history.finished)
        for candidate in self.history.pending:
            self._drop_if_eliminated(candidate.id)

    def check(self, folds: Sequence[FoldScore]) -> None:
        """Drop the candidates that are eliminated by folds that came back."""
        for fold in folds:
            self._drop_if_eliminated(fold.candidate)

    def outcome(self, folds: Mapping[int, FoldScore]) -> list[FoldScore] | None:
        """Return the folds of a finished trial; None if the trial is not finished.

        Folds count in the order of the splits, whatever the order in which they come back.
        """
        first = [folds[split] for split in takewhile(folds.__contains__, range(self.n_splits))]
        n_folds = self.race.eliminated_after(first)
        if n_folds is None:
            return first if len(first) == self.n_splits else None
        candidate = first[0].candidate
        skipped = [
            FoldScore(candidate, split, None, state="skipped") for split in range(n_folds, self.n_splits)
        ]
        return first[:n_folds] + skipped

    def _drop_if_eliminated(self, candidate: int) -> None:
        folds = self.history.folds_of(candidate)
        if folds and len(folds) < self.n_splits and self.outcome(folds):
            self.evaluator.drop(candidate)
