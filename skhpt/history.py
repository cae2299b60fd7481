"""History of a search: all trials in the order of their ids, the only state that a search has."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

from skhpt._html import box, paragraph, params_text, table
from skhpt.identity import snapshot
from skhpt.trial import Candidate, FoldScore, Trial

#: Number of trials that a notebook shows.
MAX_SHOWN = 20


def renumbered(trials: Iterable[Trial]) -> list[Trial]:
    """Return the same trials with the ids 0, 1, 2, ...; a parent that is not among the trials is dropped."""
    trials = list(trials)
    new_ids: dict[int | None, int] = {trial.candidate.id: i for i, trial in enumerate(trials)}
    renumbered_trials = []
    for i, trial in enumerate(trials):
        candidate = replace(
            trial.candidate,
            id=i,
            parent=new_ids.get(trial.candidate.parent),
            preset_folds=_folds_of_candidate(i, trial.candidate.preset_folds),
        )
        renumbered_trials.append(Trial(candidate, _folds_of_candidate(i, trial.folds)))
    return renumbered_trials


def _folds_of_candidate(candidate_id: int, folds: Iterable[FoldScore]) -> tuple[FoldScore, ...]:
    return tuple(replace(fold, candidate=candidate_id) for fold in folds)


class History(Sequence[Trial]):
    """All trials in the order of their ids.

    Strategies read the history; only the engine writes to it. A trial becomes finished only after all earlier
    trials of its bracket. Therefore the trials of a bracket that a strategy sees do not depend on the order
    in which workers return folds, and in a history with a single bracket the finished trials precede the
    pending ones. The evaluated folds of a pending trial are stored separately; a search that was interrupted
    continues with them.

    Parameters
    ----------
    trials : iterable of Trial, default=()
        Finished trials, with ids 0, 1, 2, ...
    prior : iterable of Trial, default=()
        Trials of other searches that were scored on other folds. Strategies that learn use them; they are not
        part of the results.
    n_earlier_trials : int, default=0
        Number of leading trials that were taken over from earlier searches, scored on the same folds.

    Attributes
    ----------
    n_finished : int
        Number of finished trials.
    prior : tuple of Trial
        Trials of other searches, scored on other folds.
    n_earlier_trials : int
        Number of leading trials from earlier searches, scored on the same folds.
    """

    def __init__(self, trials: Iterable[Trial] = (), prior: Iterable[Trial] = (), n_earlier_trials: int = 0):
        self._trials = list(trials)
        # Evaluated folds of pending trials, by id and split.
        self._folds: dict[int, dict[int, FoldScore]] = {}
        self.prior = tuple(prior)
        self.n_earlier_trials = n_earlier_trials
        self._index_trials()

    def _index_trials(self) -> None:
        """Find the trials of each bracket, and those that are pending."""
        self._ids: dict[int, list[int]] = defaultdict(list)  # by bracket
        self._pending_ids: dict[int, deque[int]] = defaultdict(deque)  # by bracket
        for trial in self._trials:
            candidate = trial.candidate
            self._ids[candidate.bracket_id].append(candidate.id)
            if candidate.id in self._folds:
                self._pending_ids[candidate.bracket_id].append(candidate.id)
        self.n_finished = len(self._trials) - len(self._folds)

    def __getstate__(self) -> dict[str, Any]:
        """Return what the history consists of, in plain containers, which every format can store."""
        return {name: vars(self)[name] for name in ("_trials", "_folds", "prior", "n_earlier_trials")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._index_trials()

    def __repr__(self) -> str:
        return f"<History of {self.n_finished} finished and {len(self) - self.n_finished} pending trials>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the first trials."""
        rows = []
        for trial in self._trials[:MAX_SHOWN]:
            candidate = trial.candidate
            rows.append([candidate.id, trial.summary(), params_text(candidate.params)])
        more = len(self) - len(rows)
        parts = [table(["candidate", "result", "parameters"], rows)] if rows else []
        parts += [paragraph(f"and {more} more")] if more else []
        return box(
            f"History of {self.n_finished} finished and {len(self) - self.n_finished} pending trials", *parts
        )

    def __len__(self) -> int:
        return len(self._trials)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        return self._trials[index]

    @property
    def earlier(self) -> list[Trial]:
        """The trials of earlier searches."""
        return self._trials[: self.n_earlier_trials]

    @property
    def own(self) -> list[Trial]:
        """The trials of this search, finished and pending."""
        return self._trials[self.n_earlier_trials :]

    @property
    def finished(self) -> list[Trial]:
        """Finished trials."""
        if self.n_finished == len(self._trials):
            return list(self._trials)
        return [trial for trial in self._trials if trial.folds]

    def scored(self, n_splits: int) -> list[Trial]:
        """Return the finished trials, and with their folds the pending ones of which all folds are known."""
        scored = []
        for trial in self._trials:
            folds = self._folds.get(trial.candidate.id, {})
            if trial.folds:
                scored.append(trial)
            elif len(folds) == n_splits:
                scored.append(Trial(trial.candidate, tuple(folds[split] for split in sorted(folds))))
        return scored

    def bracket(self, bracket_id: int) -> list[Trial]:
        """Return the trials of a bracket."""
        return [self._trials[i] for i in self._ids.get(bracket_id, ())]

    def progress(self, bracket_id: int) -> tuple[int, int]:
        """Return the number of trials of a bracket and the number of those that are finished."""
        n = len(self._ids.get(bracket_id, ()))
        return n, n - len(self._pending_ids.get(bracket_id, ()))

    @property
    def next_to_finish(self) -> list[Candidate]:
        """First pending candidate of each bracket, in the order of their ids."""
        first_ids = sorted(ids[0] for ids in self._pending_ids.values() if ids)
        return [self._trials[i].candidate for i in first_ids]

    @property
    def pending(self) -> list[Candidate]:
        """Candidates of the pending trials."""
        return [self._trials[i].candidate for i in self._folds]

    def folds_of(self, candidate: int) -> dict[int, FoldScore]:
        """Return the evaluated folds of a pending trial by split; an empty dict for a trial that is not pending."""
        return self._folds.get(candidate, {})

    def add_fold(self, fold: FoldScore) -> None:
        """Store a fold of a pending trial; a fold of a finished trial is ignored."""
        if fold.candidate in self._folds:
            self._folds[fold.candidate][fold.split] = fold

    def add_folds(self, candidate: int, folds: Mapping[int, FoldScore]) -> None:
        """Store folds of a pending trial, by split."""
        self._folds[candidate].update(folds)

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Append candidates as pending trials.

        The parameters are copied, so that the history does not change when the user changes an estimator.

        Raises
        ------
        ValueError
            If the ids do not continue those of the history.
        """
        for candidate in candidates:
            if candidate.id != len(self._trials):
                raise ValueError(f"candidate {candidate.id} was asked for where {len(self._trials)} is next")
            self._trials.append(Trial(replace(candidate, params=snapshot(candidate.params))))
            self._ids[candidate.bracket_id].append(candidate.id)
            self._pending_ids[candidate.bracket_id].append(candidate.id)
            self._folds[candidate.id] = {fold.split: fold for fold in candidate.preset_folds}

    def finish_next(self, folds: Iterable[FoldScore], bracket_id: int = 0) -> None:
        """Finish the first pending trial of a bracket with its folds."""
        candidate_id = self._pending_ids[bracket_id].popleft()
        self._folds.pop(candidate_id)
        folds = tuple(sorted(folds, key=lambda fold: fold.split))
        self._trials[candidate_id] = Trial(self._trials[candidate_id].candidate, folds)
        self.n_finished += 1

    def sorted_by(self, key: Callable[[Trial], Any]) -> History:
        """Return a history of the finished trials in the order of a key; pending trials are left out."""
        trials = renumbered(sorted(self.finished, key=key))
        return History(trials, prior=self.prior, n_earlier_trials=self.n_earlier_trials)
