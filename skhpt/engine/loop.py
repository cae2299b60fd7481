"""The loop of a search: ask the strategy, submit candidates, wait for folds and record them, until done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

from skhpt.engine.asking import Question
from skhpt.engine.observers import NullSearchObserver, SearchObserver
from skhpt.engine.racing import RaceRule, RunningRace
from skhpt.history import History
from skhpt.parallel.channels import is_remote
from skhpt.strategies.base import Strategy
from skhpt.trial import Candidate, FoldScore, Trial

#: Reasons that `run` returns: the strategy asks for nothing more, Ctrl-C was pressed, the time is up.
COMPLETED, INTERRUPTED, OUT_OF_TIME = "completed", "interrupted", "max_time"
#: Reason of a search that is complete although it has fewer candidates than it was asked for: no others were
#: found that its constraint allows.
CONSTRAINT = "constraint"


#: Seconds between two looks for folds that are back, while a strategy is asked in another thread.
LOOK_SECONDS = 0.02


class Evaluator(Protocol):
    """Object that evaluates candidates: a pool of workers, or a simple function in a test."""

    @property
    def works_in_background(self) -> bool:
        """Whether folds are evaluated while this thread does something else."""
        ...

    def asking(self) -> AbstractContextManager[Any]:
        """Return a context in which a strategy computes in this process."""
        ...

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates to evaluate on every fold that is not preset; return at once."""
        ...

    def wait_for_folds(self, seconds: float | None = None) -> list[FoldScore]:
        """Wait until a fold is back, and return all folds that are back, in any order.

        The list is empty if no fold is being evaluated, or if it takes longer than so many `seconds`.
        """
        ...

    def drop(self, candidate: int) -> None:
        """Submit no further folds of a candidate; those that are being evaluated come back."""
        ...

    def stop_submitting(self) -> None:
        """Submit no further folds; those that are being evaluated come back."""
        ...

    def drain(self) -> list[FoldScore]:
        """Submit no further folds; return the folds that are back by now, without waiting."""
        ...


class NoRace:
    """Rule without a race: a trial is finished when all of its folds are back."""

    def __init__(self, n_splits: int):
        self.n_splits = n_splits

    def update(self) -> None:
        """Learn from the trials that have finished."""

    def check(self, folds: Sequence[FoldScore]) -> None:
        """Drop the candidates that are eliminated by folds that came back."""

    def outcome(self, folds: Mapping[int, FoldScore]) -> list[FoldScore] | None:
        """Return the folds of a finished trial; None if the trial is not finished."""
        return list(folds.values()) if len(folds) == self.n_splits else None


class Stop(Protocol):
    """Object that decides when to stop."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds after which `reason` has to be called again; None if time does not matter."""
        ...

    @property
    def grace_left(self) -> float:
        """Seconds to wait for folds that are being evaluated when it is time to stop."""
        ...

    def learn(self, trial: Trial) -> None:
        """Learn from a trial that has finished."""
        ...

    def reason(self) -> str:
        """Return the reason to stop; an empty string if there is none."""
        ...

    def interruptible(self) -> AbstractContextManager[Any]:
        """Return a context in which Ctrl-C may raise `KeyboardInterrupt`; elsewhere it may not."""
        ...


class NeverStop:
    """Rule without limits: the search ends when the strategy asks for nothing more."""

    seconds_left: float | None = None
    grace_left = 0.0

    def learn(self, trial: Trial) -> None:
        pass

    def reason(self) -> str:
        return ""

    def interruptible(self) -> AbstractContextManager[Any]:
        return nullcontext()


def run(
    strategy: Strategy,
    history: History,
    evaluator: Evaluator,
    *,
    n_splits: int,
    observer: SearchObserver | None = None,
    race: RaceRule | None = None,
    stop: Stop | None = None,
) -> str:
    """Extend the history until the strategy asks for nothing more and nothing is pending, or it is time to stop.

    Folds may come back in any order, of any pending candidate. The strategy is asked again after each trial,
    in each bracket in the order of their ids, so the outcome is the same for any number of workers. A history
    with pending trials is that of an interrupted search: it continues with the missing folds.

    Parameters
    ----------
    strategy : Strategy
        Proposes candidates.
    history : History
        Trials to begin with. It is extended in place, so that results survive an exception.
    evaluator : Evaluator
        Evaluates candidates.
    n_splits : int
        Folds that each candidate is evaluated on.
    observer : SearchObserver, default=None
        Is told of candidates, folds and finished trials as they come, such as the journal.
    race : Race, default=None
        Decides which candidates are eliminated before all of their folds are evaluated. The remaining folds
        count as skipped, even if they are back already, so that the speed of workers does not matter. By
        default all folds of all candidates are evaluated.
    stop : Stop, default=None
        Decides when to stop. By default the strategy decides, and Ctrl-C raises anywhere.

    Returns
    -------
    reason : str
        Why the search ended: "completed", "interrupted" (by Ctrl-C), or the reason of `stop`. Pending trials
        stay in the history.
    """
    loop = _Loop(
        history,
        evaluator,
        observer=observer or NullSearchObserver(),
        race=RunningRace(race, history, evaluator, n_splits=n_splits) if race else NoRace(n_splits),
        stop=stop or NeverStop(),
    )
    try:
        reason = loop.run(strategy)
    except KeyboardInterrupt as error:
        if stop is None:
            raise
        reason = INTERRUPTED
        loop.record(evaluator.drain())
        if is_remote(error):  # a fit in another process raised it, and failures are to be raised
            raise
    except BaseException:
        loop.record(evaluator.drain())
        raise
    # Other limits end at a fixed trial, so no later trial is finished.
    if reason in (INTERRUPTED, OUT_OF_TIME):
        while loop.finish_next():
            pass
    return reason


class _Loop:
    def __init__(
        self,
        history: History,
        evaluator: Evaluator,
        *,
        observer: SearchObserver,
        race: NoRace | RunningRace,
        stop: Stop,
    ):
        self.history = history
        self.evaluator = evaluator
        self.observer = observer
        self.race = race
        self.stop = stop

    def run(self, strategy: Strategy) -> str:
        """Run the loop; return the reason why it ended."""
        self._begin()
        while not (reason := self.stop.reason()):
            candidates = self._ask(strategy)
            if candidates:
                self.observer.asked(candidates)
                self.history.add(candidates)
                self._submit(candidates)
            if self.history.n_finished == len(self.history):
                reason = COMPLETED
                break
            self.race.update()
            while not self.finish_next() and not self.stop.reason():
                self.record(self.evaluator.wait_for_folds(self.stop.seconds_left))
        self._end(reason)
        return reason

    def _ask(self, strategy: Strategy) -> list[Candidate]:
        """Return the candidates that a strategy asks for; if that takes long, keep the workers busy meanwhile."""
        if not (strategy.takes_long and self.evaluator.works_in_background):
            with self.stop.interruptible(), self.evaluator.asking():
                return strategy.ask(self.history)
        with Question(strategy, self.history, self.evaluator.asking()) as question:
            is_answered = False
            while not is_answered:
                self.record(self.evaluator.wait_for_folds(0.0))
                with self.stop.interruptible():
                    is_answered = question.is_answered(LOOK_SECONDS)
        return question.answer()

    def record(self, folds: Sequence[FoldScore]) -> None:
        """Record folds that are back."""
        if folds:
            self.observer.scored(*folds)
            for fold in folds:
                self.history.add_fold(fold)
            self.race.check(folds)

    def finish_next(self) -> bool:
        """Finish the first pending trial of a bracket, if its folds are back; tell whether a trial was finished."""
        for candidate in self.history.next_to_finish:
            outcome = self.race.outcome(self.history.folds_of(candidate.id))
            if outcome is not None:
                self.history.finish_next(outcome, candidate.bracket_id)
                trial = self.history[candidate.id]
                self.observer.finished(trial)
                self.stop.learn(trial)
                return True
        return False

    def _begin(self) -> None:
        """Learn from finished trials, and submit the missing folds of pending trials."""
        for trial in self.history.finished:
            self.stop.learn(trial)
        pending = self.history.pending
        if pending:
            self._submit(
                [replace(c, preset_folds=tuple(self.history.folds_of(c.id).values())) for c in pending]
            )

    def _submit(self, candidates: Sequence[Candidate]) -> None:
        with self.stop.interruptible():
            self.evaluator.submit(candidates)

    def _end(self, reason: str) -> None:
        """Wait for folds that are being evaluated: if the search is complete, those of eliminated candidates."""
        if reason == COMPLETED:
            while folds := self.evaluator.wait_for_folds():
                self.record(folds)
            return
        self.evaluator.stop_submitting()
        while (seconds := self.stop.grace_left) > 0 and (folds := self.evaluator.wait_for_folds(seconds)):
            self.record(folds)
        self.record(self.evaluator.drain())
