"""The loop: ask, work, remember, until the strategy is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from skhpt.trial import Candidate, FoldScore, History, Strategy


class Hands(Protocol):
    """Whatever evaluates candidates: workers, or a plain function in a test."""

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold; return at once."""
        ...

    def collect(self) -> list[FoldScore]:
        """Wait until at least one fold is back and return all that are, in any order."""
        ...


class Journal(Protocol):
    """Whatever remembers: told of each round when it is asked for and of each fold when it arrives."""

    def asked(self, candidates: Sequence[Candidate]) -> None: ...

    def scored(self, fold: FoldScore) -> None: ...


class NoJournal:
    """Remembers nothing beyond the history."""

    def asked(self, candidates: Sequence[Candidate]) -> None:
        pass

    def scored(self, fold: FoldScore) -> None:
        pass


def run(strategy: Strategy, history: History, hands: Hands, n_splits: int, journal: Journal | None = None) -> None:
    """Extend the history until the strategy has nothing more to ask and nothing is pending.

    Folds may come back in any order, of any pending candidate. The strategy is asked again after each trial, in the
    order of their ids, so the outcome is the same whatever the number of workers.

    Parameters
    ----------
    strategy : Strategy
        Proposes candidates.
    history : History
        Where to start; it is extended in place, so that what was computed survives an exception.
    hands : Hands
        Evaluate candidates.
    n_splits : int
        Folds that each candidate is evaluated on.
    journal : Journal, default=None
        Told of everything, as it happens.
    """
    journal = journal or NoJournal()
    arrived: dict[int, list[FoldScore]] = defaultdict(list)
    while True:
        if candidates := strategy.ask(history):
            journal.asked(candidates)
            history.add(candidates)
            hands.submit(candidates)
        if history.n_finished == len(history):
            return
        while len(arrived[history.n_finished]) < n_splits:
            for fold in hands.collect():
                journal.scored(fold)
                arrived[fold.candidate].append(fold)
        history.finish_next(arrived.pop(history.n_finished))
