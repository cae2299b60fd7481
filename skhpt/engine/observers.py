"""Observers of a search: the journal, and the callbacks of the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from skhpt.trial import Candidate, FoldScore, Trial


class SearchObserver(Protocol):
    """Object that the loop tells what happens, in the process and thread of the search."""

    def asked(self, candidates: Sequence[Candidate]) -> None:
        """Observe candidates that the strategy has asked for, before they are submitted."""
        ...

    def scored(self, *folds: FoldScore) -> None:
        """Observe folds that are back, before they are used."""
        ...

    def finished(self, trial: Trial) -> None:
        """Observe a trial that has finished: all of its folds are back, or a race has eliminated it."""
        ...


class NullSearchObserver:
    """Observer that does nothing."""

    def asked(self, candidates: Sequence[Candidate]) -> None:
        pass

    def scored(self, *folds: FoldScore) -> None:
        pass

    def finished(self, trial: Trial) -> None:
        pass


class SearchObservers:
    """Several observers, which are told one after another.

    Parameters
    ----------
    observers : sequence of SearchObserver
        The observers.
    """

    def __init__(self, observers: Sequence[SearchObserver]):
        self._observers = observers

    def asked(self, candidates: Sequence[Candidate]) -> None:
        for observer in self._observers:
            observer.asked(candidates)

    def scored(self, *folds: FoldScore) -> None:
        for observer in self._observers:
            observer.scored(*folds)

    def finished(self, trial: Trial) -> None:
        for observer in self._observers:
            observer.finished(trial)
