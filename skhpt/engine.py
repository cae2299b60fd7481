"""The loop: ask, work, remember, until the strategy is done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Protocol

from skhpt.trial import Candidate, FoldScore, History, Strategy, Trial


class Hands(Protocol):
    """Whatever evaluates candidates: workers, or a plain function in a test."""

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold that is not settled; return at once."""
        ...

    def collect(self) -> list[FoldScore]:
        """Wait until at least one fold is back and return all that are, in any order; none if none is under way."""
        ...

    def drop(self, candidate: int) -> None:
        """Begin no further folds of a candidate; those that are under way come back."""
        ...


class Race(Protocol):
    """Whatever says that a candidate is not worth its remaining folds."""

    def learn(self, finished: Sequence[Trial]) -> None:
        """Look at the finished trials."""
        ...

    def n_enough(self, folds: Sequence[FoldScore]) -> int | None:
        """Return after how many of its first folds a candidate is lost; None if it is not.

        The more trials were looked at, the sooner a candidate may be lost, never the later.
        """
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


def run(
    strategy: Strategy,
    history: History,
    hands: Hands,
    n_splits: int,
    journal: Journal | None = None,
    race: Race | None = None,
) -> None:
    """Extend the history until the strategy has nothing more to ask and nothing is pending.

    Folds may come back in any order, of any pending candidate. The strategy is asked again after each trial, in each
    lane in the order of their ids, so the outcome is the same whatever the number of workers.

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
    race : Race, default=None
        Says which candidates are not worth their remaining folds; these count as skipped, even if they were computed
        already, so that it does not matter who was faster. By default all folds of all candidates are evaluated.
    """
    journal = journal or NoJournal()
    arrived: dict[int, dict[int, FoldScore]] = {}  # of pending candidates, by split
    while True:
        if candidates := strategy.ask(history):
            journal.asked(candidates)
            history.add(candidates)
            hands.submit(candidates)
            arrived |= {candidate.id: {fold.split: fold for fold in candidate.settled} for candidate in candidates}
        if history.n_finished == len(history):
            break
        if race:
            race.learn(history.finished)
            for candidate, folds in arrived.items():
                _drop_if_lost(candidate, folds, n_splits, race, hands)
        while not (finished := _first_finished(history.next_to_finish, arrived, n_splits, race)):
            for fold in hands.collect():
                journal.scored(fold)
                if fold.candidate in arrived:  # else it was under way when its candidate was lost
                    arrived[fold.candidate][fold.split] = fold
                    _drop_if_lost(fold.candidate, arrived[fold.candidate], n_splits, race, hands)
        done, outcome = finished
        arrived.pop(done.id)
        history.finish_next(outcome, done.lane)
    while race and hands.collect():  # what is still under way
        pass


def _first_finished(
    candidates: Sequence[Candidate], arrived: dict[int, dict[int, FoldScore]], n_splits: int, race: Race | None
) -> tuple[Candidate, list[FoldScore]] | None:
    """Return the first of some candidates that is finished, and its folds."""
    for candidate in candidates:
        if (outcome := _outcome(arrived[candidate.id], n_splits, race)) is not None:
            return candidate, outcome
    return None


def _drop_if_lost(
    candidate: int, arrived: dict[int, FoldScore], n_splits: int, race: Race | None, hands: Hands
) -> None:
    if race and len(arrived) < n_splits and _outcome(arrived, n_splits, race) is not None:
        hands.drop(candidate)


def _outcome(arrived: dict[int, FoldScore], n_splits: int, race: Race | None) -> list[FoldScore] | None:
    """Return the folds of a trial if all that count are there, else None."""
    if race is None and len(arrived) < n_splits:
        return None
    first = [arrived[split] for split in takewhile(arrived.__contains__, range(n_splits))]
    if race and (n_enough := race.n_enough(first)) is not None:
        candidate = first[0].candidate
        skipped = [FoldScore(candidate, split, None, state="skipped") for split in range(n_enough, n_splits)]
        return first[:n_enough] + skipped
    return first if len(first) == n_splits else None
