"""The loop: ask, work, remember, until the strategy is done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import takewhile
from typing import Any, Protocol

from skhpt.history import History
from skhpt.strategies.base import Strategy
from skhpt.trial import Candidate, FoldScore, Trial


class Evaluator(Protocol):
    """Whatever evaluates candidates: workers, or a plain function in a test."""

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold that is not settled; return at once."""
        ...

    def wait_for_folds(self, seconds: float | None = None) -> list[FoldScore]:
        """Wait until at least one fold is back and return all that are, in any order.

        None come back if none is under way, or if it takes longer than so many `seconds`.
        """
        ...

    def drop(self, candidate: int) -> None:
        """Begin no further folds of a candidate; those that are under way come back."""
        ...

    def stop_submitting(self) -> None:
        """Begin no further folds at all; those that are under way come back."""
        ...

    def drain(self) -> list[FoldScore]:
        """Return the folds that are back by now, without waiting for any."""
        ...


class Race(Protocol):
    """Whatever says that a candidate is not worth its remaining folds."""

    def learn(self, finished: Sequence[Trial]) -> None:
        """Look at the finished trials."""
        ...

    def eliminated_after(self, folds: Sequence[FoldScore]) -> int | None:
        """Return after how many of its first folds a candidate is eliminated; None if it is not.

        The more trials were seen, the sooner a candidate may be eliminated, never the later.
        """
        ...


class Journal(Protocol):
    """Whatever remembers: told of each round when it is asked for and of each fold when it arrives."""

    def asked(self, candidates: Sequence[Candidate]) -> None: ...

    def scored(self, *folds: FoldScore) -> None: ...

    def finished(self, trial: Trial) -> None: ...


class NoJournal:
    """Remembers nothing beyond the history."""

    def asked(self, candidates: Sequence[Candidate]) -> None:
        pass

    def scored(self, *folds: FoldScore) -> None:
        pass

    def finished(self, trial: Trial) -> None:
        pass


class Stop(Protocol):
    """Whatever says that it is time to stop."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds that may pass before `reason` has to be asked again; None if time does not matter."""
        ...

    @property
    def grace_left(self) -> float:
        """Seconds that folds have left to come back which are under way when it is time to stop."""
        ...

    def learn(self, trial: Trial) -> None:
        """Look at a trial that has finished."""
        ...

    def reason(self) -> str:
        """Say why to stop; nothing if there is no reason to."""
        ...

    def interruptible(self) -> AbstractContextManager[Any]:
        """Return a context in which Ctrl-C may raise `KeyboardInterrupt`, as it may nowhere else."""
        ...


class NeverStop:
    """Goes on until the strategy has nothing more to ask."""

    seconds_left: float | None = None
    grace_left = 0.0

    def learn(self, trial: Trial) -> None:
        pass

    def reason(self) -> str:
        return ""

    def interruptible(self) -> AbstractContextManager[Any]:
        return nullcontext()


#: What `run` returns when the strategy had nothing more to ask, after Ctrl-C, and when time was up.
COMPLETED, INTERRUPTED, OUT_OF_TIME = "completed", "interrupted", "max_time"


def run(
    strategy: Strategy,
    history: History,
    evaluator: Evaluator,
    *,
    n_splits: int,
    journal: Journal | None = None,
    race: Race | None = None,
    stop: Stop | None = None,
) -> str:
    """Extend the history until the strategy has nothing more to ask and nothing is pending, or it is time to stop.

    Folds may come back in any order, of any pending candidate. The strategy is asked again after each trial, in each
    lane in the order of their ids, so the outcome is the same whatever the number of workers. A history with pending
    trials is one that was interrupted: it goes on with the folds that they miss.

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
    stop : Stop, default=None
        Says when to stop; by default the strategy decides, and Ctrl-C raises anywhere.

    Returns
    -------
    reason : str
        Why it ended: "completed", "interrupted" (by Ctrl-C), or the reason of `stop`. What is pending then stays so.
    """
    loop = _Loop(history, evaluator, n_splits, journal or NoJournal(), race, stop or NeverStop())
    try:
        reason = loop.run(strategy)
    except KeyboardInterrupt:
        if stop is None:
            raise
        reason = INTERRUPTED
        loop.take(evaluator.drain())
    except Exception:
        loop.take(evaluator.drain())
        raise
    while reason in (INTERRUPTED, OUT_OF_TIME) and loop.finish_next():  # else the trials decide which is the last
        pass
    return reason


class _Loop:
    """The state of a run: the history, and who changes it."""

    def __init__(
        self, history: History, evaluator: Evaluator, n_splits: int, journal: Journal, race: Race | None, stop: Stop
    ):
        self.history = history
        self.evaluator = evaluator
        self.n_splits = n_splits
        self.journal = journal
        self.race = race
        self.stop = stop

    def run(self, strategy: Strategy) -> str:
        history, stop = self.history, self.stop
        for trial in history.finished:
            stop.learn(trial)
        if interrupted := history.pending:
            self._submit([replace(one, preset_folds=tuple(history.folds_of(one.id).values())) for one in interrupted])
        while not (reason := stop.reason()):
            with stop.interruptible():
                candidates = strategy.ask(history)
            if candidates:
                self.journal.asked(candidates)
                history.add(candidates)
                self._submit(candidates)
            if history.n_finished == len(history):
                reason = COMPLETED
                break
            if self.race:
                self.race.learn(history.finished)
                for candidate in history.pending:
                    self._drop_if_eliminated(candidate.id)
            while not self.finish_next() and not (reason := stop.reason()):
                self.take(self.evaluator.wait_for_folds(stop.seconds_left))
            if reason:
                break
        self._drain(reason)
        return reason

    def take(self, folds: Sequence[FoldScore]) -> None:
        """Remember folds that came back."""
        if folds:
            self.journal.scored(*folds)
        for fold in folds:
            self.history.add_fold(fold)
            self._drop_if_eliminated(fold.candidate)

    def finish_next(self) -> bool:
        """Give the first pending trial of some lane its folds, if they are there; tell whether they were."""
        for candidate in self.history.next_to_finish:
            if (outcome := _outcome(self.history.folds_of(candidate.id), self.n_splits, self.race)) is not None:
                self.history.finish_next(outcome, candidate.bracket_id)
                trial = self.history[candidate.id]
                if trial.was_eliminated:
                    self.evaluator.drop(candidate.id)
                    self.journal.finished(trial)
                self.stop.learn(trial)
                return True
        return False

    def _drain(self, reason: str) -> None:
        """Let what is under way come back: of a completed search, folds that the race has made superfluous."""
        if reason == COMPLETED:
            while self.race and (folds := self.evaluator.wait_for_folds(None)):
                self.take(folds)
            return
        self.evaluator.stop_submitting()
        while (seconds := self.stop.grace_left) > 0 and (folds := self.evaluator.wait_for_folds(seconds)):
            self.take(folds)
        self.take(self.evaluator.drain())

    def _submit(self, candidates: Sequence[Candidate]) -> None:
        with self.stop.interruptible():
            self.evaluator.submit(candidates)

    def _drop_if_eliminated(self, candidate: int) -> None:
        folds = self.history.folds_of(candidate)
        if self.race and folds and len(folds) < self.n_splits and _outcome(folds, self.n_splits, self.race):
            self.evaluator.drop(candidate)


def _outcome(folds: dict[int, FoldScore], n_splits: int, race: Race | None) -> list[FoldScore] | None:
    """Return the folds of a trial if all that count are there, else None."""
    if race is None and len(folds) < n_splits:
        return None
    first = [folds[split] for split in takewhile(folds.__contains__, range(n_splits))]
    if race and (n_folds := race.eliminated_after(first)) is not None:
        candidate = first[0].candidate
        skipped = [FoldScore(candidate, split, None, state="skipped") for split in range(n_folds, n_splits)]
        return first[:n_folds] + skipped
    return first if len(first) == n_splits else None
