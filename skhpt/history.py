"""All trials of a search in the order of their ids: the only state that a search has."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, overload

from skhpt.identity import snapshot
from skhpt.trial import Candidate, FoldScore, Trial


def renumbered(trials: Iterable[Trial]) -> list[Trial]:
    """Return the same trials with the ids 0, 1, 2, ...; whose parent is not among them goes on with nothing."""
    trials = list(trials)
    number: dict[int | None, int] = {trial.candidate.id: i for i, trial in enumerate(trials)}

    def moved(folds: Iterable[FoldScore], i: int) -> tuple[FoldScore, ...]:
        return tuple(replace(fold, candidate=i) for fold in folds)

    return [
        Trial(
            replace(c, id=i, parent=number.get(c.parent), preset_folds=moved(c.preset_folds, i)), moved(trial.folds, i)
        )
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
    n_earlier_trials : int, default=0
        How many of the trials were given by an earlier search, and are not this one's own.

    Attributes
    ----------
    n_finished : int
        How many trials are finished.
    prior : tuple of Trial
        See above.
    n_earlier_trials : int
        See above.
    """

    def __init__(self, trials: Iterable[Trial] = (), prior: Iterable[Trial] = (), n_earlier_trials: int = 0):
        self._trials = list(trials)
        self._lanes: dict[int, list[int]] = defaultdict(list)  # ids, by lane
        self._pending: dict[int, deque[int]] = defaultdict(deque)  # of these, the ones that are not finished
        self._arrived: dict[int, dict[int, FoldScore]] = {}  # folds of pending trials, by id and split
        for trial in self._trials:
            self._lanes[trial.candidate.bracket_id].append(trial.candidate.id)
        self.n_finished = len(self._trials)
        self.prior = tuple(prior)
        self.n_earlier_trials = n_earlier_trials

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

    def bracket(self, bracket_id: int) -> list[Trial]:
        """Return the trials of a lane."""
        return [self._trials[i] for i in self._lanes.get(bracket_id, ())]

    def progress(self, bracket_id: int) -> tuple[int, int]:
        """Return how many trials a lane has, and how many of them are finished."""
        n = len(self._lanes.get(bracket_id, ()))
        return n, n - len(self._pending.get(bracket_id, ()))

    @property
    def next_to_finish(self) -> list[Candidate]:
        """The first pending candidate of each lane, in the order of their ids."""
        return [self._trials[i].candidate for i in sorted(ids[0] for ids in self._pending.values() if ids)]

    @property
    def pending(self) -> list[Candidate]:
        """The candidates of the trials that are not finished."""
        return [self._trials[i].candidate for i in self._arrived]

    def folds_of(self, candidate: int) -> dict[int, FoldScore]:
        """Return the folds of a pending trial that are back, by split; none if it is not pending."""
        return self._arrived.get(candidate, {})

    def add_fold(self, fold: FoldScore) -> None:
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
            self._lanes[candidate.bracket_id].append(candidate.id)
            self._pending[candidate.bracket_id].append(candidate.id)
            self._arrived[candidate.id] = {fold.split: fold for fold in candidate.preset_folds}

    def finish_next(self, folds: Iterable[FoldScore], bracket_id: int = 0) -> None:
        """Give the first pending trial of a lane its folds."""
        number = self._pending[bracket_id].popleft()
        self._arrived.pop(number)
        folds = tuple(sorted(folds, key=lambda fold: fold.split))
        self._trials[number] = Trial(self._trials[number].candidate, folds)
        self.n_finished += 1

    def sort(self, key: Callable[[Trial], Any]) -> None:
        """Bring the finished trials into an order that does not depend on that of their arrival; forget the others."""
        self.__init__(renumbered(sorted(self.finished, key=key)), self.prior, self.n_earlier_trials)  # type: ignore[misc]
