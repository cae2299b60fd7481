"""Replay of a journal: the history of the search, from the candidates and folds that were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skhpt.history import History, renumbered
from skhpt.journal.reader import Contents
from skhpt.strategies.rung_statistics import RUNG_INFO, plan_position
from skhpt.trial import Candidate, FoldScore, Trial


class Replay:
    """History that grows with the contents of a journal.

    Parameters
    ----------
    contents : Contents
        What was read of the journal. `update` takes the folds out of it.

    Attributes
    ----------
    history : History
        All trials. The ids are those of the search, unless the journal lacks the trials of earlier searches: then
        they begin with 0.
    n_splits : int
        Number of folds.
    last_end : float
        Time when the last fold ended, in Unix seconds; 0 if it is not known.
    """

    def __init__(self, contents: Contents):
        self._contents = contents
        self._n_taken = 0  # candidates that are in the history
        self.last_end = 0.0
        self.n_splits = _n_splits(contents)
        n_earlier = contents.first_line.n_earlier_trials
        earlier = contents.earlier if _are_all(contents.earlier, n_earlier, self.n_splits) else []
        self.history = History(earlier, n_earlier_trials=len(earlier))
        #: What is subtracted from the ids of the file.
        self._shift = n_earlier - len(earlier)

    def update(self) -> None:
        """Learn from what was read since the last update."""
        contents = self._contents
        self.history.add(_moved(candidate, self._shift) for candidate in contents.candidates[self._n_taken :])
        self._n_taken = len(contents.candidates)
        n_earlier = self.history.n_earlier_trials
        for candidate in self.history.pending:
            folds = contents.folds_of[candidate.id - n_earlier]
            if folds:
                self._take(candidate.id, folds)
        while self._finish_next():
            pass

    def _take(self, candidate_id: int, folds: dict[int, FoldScore]) -> None:
        """Take over the folds of a candidate, the last of which has arrived last."""
        last = folds[next(reversed(folds))]
        self.last_end = max(self.last_end, last.ended)
        if last.candidate != candidate_id:
            folds = {split: replace(fold, candidate=candidate_id) for split, fold in folds.items()}
        self.history.add_folds(candidate_id, folds)
        self._contents.folds_of[candidate_id - self.history.n_earlier_trials].clear()

    def trials(self) -> list[Trial]:
        """Return the finished trials in the order and with the ids that the results of the search have."""
        trials = self.history.finished
        if all(fact in trial.candidate.info for trial in trials for fact in RUNG_INFO):
            trials = renumbered(sorted(trials, key=plan_position))
        if self._shift == 0:
            return trials
        return [_moved_trial(trial, -self._shift) for trial in trials]

    def _finish_next(self) -> bool:
        """Finish the first pending trial of each bracket if its folds are complete; tell whether any was finished."""
        has_finished = False
        for candidate in self.history.next_to_finish:
            folds = self.history.folds_of(candidate.id)
            n = self._contents.n_counted_folds.get(candidate.id + self._shift, self.n_splits)
            if len(folds) >= n and all(split in folds for split in range(n)):
                counted = [folds[split] for split in range(n)]
                skipped = [
                    FoldScore(candidate.id, split, None, state="skipped") for split in range(n, self.n_splits)
                ]
                self.history.finish_next(counted + skipped, candidate.bracket_id)
                has_finished = True
        return has_finished


def _n_splits(contents: Contents) -> int:
    """Return the number of folds that the search stored; without it, the largest number of a fold plus one."""
    n_splits = contents.first_line.header.metadata.get("n_splits")
    if n_splits is not None:
        return int(n_splits)
    splits = [fold.split for fold in contents.folds]
    for candidate in contents.candidates:
        splits += [fold.split for fold in candidate.preset_folds]
    return 1 + max(splits, default=0)


def _are_all(trials: Sequence[Trial], n: int, n_splits: int) -> bool:
    """Tell whether these are n complete trials with the ids 0, 1, 2, ..."""
    return len(trials) == n and all(
        trial.candidate.id == i and len(trial.folds) == n_splits for i, trial in enumerate(trials)
    )


def _of_candidate(fold: FoldScore, candidate_id: int) -> FoldScore:
    return fold if fold.candidate == candidate_id else replace(fold, candidate=candidate_id)


def _moved(candidate: Candidate, shift: int) -> Candidate:
    """Subtract a number from the ids of a candidate; a parent from an earlier search is dropped."""
    if shift == 0:
        return candidate
    parent = candidate.parent
    if parent is not None:
        parent = parent - shift if parent >= shift else None
    new_id = candidate.id - shift
    preset_folds = tuple(_of_candidate(fold, new_id) for fold in candidate.preset_folds)
    return replace(candidate, id=new_id, parent=parent, preset_folds=preset_folds)


def _moved_trial(trial: Trial, shift: int) -> Trial:
    candidate = _moved(trial.candidate, shift)
    return Trial(candidate, tuple(_of_candidate(fold, candidate.id) for fold in trial.folds))
