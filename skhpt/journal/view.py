"""Read-only view of a journal: progress and best candidates of a search that may run in another process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt.history import History
from skhpt.journal.reader import Contents, JournalReader
from skhpt.results.cv_results import cv_results, metric_names
from skhpt.results.leaderboard import leaderboard, leaderboard_frame, leaderboard_text
from skhpt.trial import Candidate, FoldScore, Trial

if TYPE_CHECKING:
    import pandas as pd


class JournalView:
    """Content of a journal, without the objects of the search that wrote it; `read_journal` returns one.

    Attributes
    ----------
    path : str
        Absolute path of the file.
    parts : dict of str to str
        Fingerprint of the search: a description of everything that its results depend on.
    facts : dict of str to object
        Metadata that the search stored at its start.
    started : datetime
        Time when the journal was created, in UTC.
    events : list of Event
        Events such as the end of the search, each with ``what``, ``time`` and ``facts``.
    history : History
        All candidates and folds, with the ids 0, 1, 2, ... Parameter values that are not plain are texts.
        Trials that the search took over from an earlier search are not in its journal.
    n_splits : int
        Number of folds.
    metrics : list of str
        Names of the metrics; "score" if there is a single metric.
    """

    def __init__(self, path: str, contents: Contents):
        first_line = contents.first_line
        self.path = path
        self.parts = first_line.header.fingerprint
        self.facts = first_line.header.metadata
        self.started = first_line.started
        self.events = contents.events
        self.n_splits = _n_splits(contents)
        self.history = _history(contents, self.n_splits)
        self._n_earlier_trials = first_line.n_earlier_trials
        self._trials = self.history.finished
        self.metrics: list[str] = metric_names(self._trials) or _stored_metrics(self.facts) or ["score"]

    def __repr__(self) -> str:
        return (
            f"<JournalView of {self.path}: {len(self._trials)} candidates finished, {self.n_pending} pending>"
        )

    @property
    def n_pending(self) -> int:
        """Number of candidates that are not finished."""
        return len(self.history.pending)

    @property
    def best_params(self) -> dict[str, Any]:
        """Parameters of the best candidate so far; raises ValueError if no candidate is finished."""
        return dict(self._trials[self._best].candidate.params)

    @property
    def best_score(self) -> float:
        """Mean score of the best candidate, by the metric that `refit` uses; raises as `best_params` does."""
        best = self._best
        return float(self._table[f"mean_test_{self._column(self._refit_metric)}"][best])

    def leaderboard(self, n: int = 10, metric: str | None = None) -> pd.DataFrame:
        """Return the best candidates so far as a DataFrame.

        Parameters
        ----------
        n : int, default=10
            Maximum number of candidates.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric that `refit` uses.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, the best first, as ``leaderboard`` of the search returns it; no rows if no
            candidate is finished.

        Raises
        ------
        ImportError
            If pandas is not installed; `leaderboard_text` does not need it.
        ValueError
            If `n` is not a positive integer, or `metric` is unknown.
        """
        params = dict.fromkeys(name for candidate in self.history.pending for name in candidate.params)
        return leaderboard_frame(self._rows(n, metric), params)

    def leaderboard_text(self, n: int = 10, metric: str | None = None) -> str:
        """Return the best candidates so far as a text.

        Parameters
        ----------
        n : int, default=10
            Maximum number of candidates.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric that `refit` uses.

        Returns
        -------
        text : str
            The table that `leaderboard` returns, in aligned columns.
        """
        return leaderboard_text(self._rows(n, metric)) or "no candidate is finished yet"

    def _rows(self, n: int, metric: str | None) -> list[dict[str, Any]]:
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n must be a positive integer, got {n!r}")
        metric = metric or self._refit_metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {self.metrics}, got {metric!r}")
        if not self._trials:
            return []
        rows = leaderboard(self._trials, self._table, metric=self._column(metric), n=int(n))
        return [row | {"candidate": row["candidate"] + self._n_earlier_trials} for row in rows]

    @property
    def _refit_metric(self) -> str:
        name = self.facts.get("refit_metric")
        return name if name in self.metrics else self.metrics[0]

    def _column(self, metric: str) -> str:
        """Return the name of a metric in the table, which has no names of metrics while all fits have failed."""
        return metric if f"mean_test_{metric}" in self._table else "score"

    @property
    def _best(self) -> int:
        if not self._trials:
            raise ValueError(f"{self.path}: no candidate is finished yet")
        return int(np.argmin(self._table[f"rank_test_{self._column(self._refit_metric)}"]))

    @cached_property
    def _table(self) -> dict[str, Any]:
        error_score = self.facts.get("error_score")
        return cv_results(
            self._trials,
            error_score=float(error_score) if isinstance(error_score, Real) else np.nan,
            budgets=_budgets(self._trials),
            warns=False,  # the search itself does
        )


def read_journal(path: str | os.PathLike[str]) -> JournalView:
    """Read the journal of a search, also while the search is running in another process.

    The file is neither changed nor locked. The objects of the search are not needed: estimators, functions
    and other objects appear as texts. An incomplete last line, which is just being written, is left out.

    Parameters
    ----------
    path : str or path-like
        The journal.

    Returns
    -------
    view : JournalView
        Content of the journal at this moment.

    Raises
    ------
    ValueError
        If the file is not a journal, its first line is damaged, it was written by a newer version, or it is
        still empty.
    OSError
        If the file cannot be read.

    Warns
    -----
    UserWarning
        If a line does not match its checksum: it is left out.

    Examples
    --------
    >>> import tempfile
    >>> from skhpt import Space
    >>> from skhpt.journal import Header, SpaceCodec, open_journal, read_journal
    >>> from skhpt.trial import Candidate, FoldScore
    >>> path = tempfile.mkdtemp() + "/search.jsonl"
    >>> codec = SpaceCodec(Space({"C": [0.1, 1, 10]}))
    >>> with open_journal(path, Header(fingerprint={}, metadata={"n_splits": 2}), codec) as journal:
    ...     journal.asked([Candidate(0, {"C": 1}), Candidate(1, {"C": 10})])
    ...     journal.scored(FoldScore(0, 0, 0.75))
    ...     journal.scored(FoldScore(0, 1, 0.25))
    >>> view = read_journal(path)
    >>> view.n_pending, view.best_params, view.best_score
    (1, {'C': 1}, 0.5)
    >>> print(view.leaderboard_text())
    rank  candidate   score     std  fit_time  state  C
    ----  ---------  ------  ------  --------  -----  -
       1          0  0.5000  0.2500    0.0 ms     ok  1
    """
    path = os.path.abspath(os.fspath(path))
    with open(path, "rb") as file:
        reader = JournalReader(path, file)
        if reader.first_line is None:
            raise ValueError(f"{path}: nothing was written to this journal yet")
        contents = reader.read_as_text()
    reader.warn_of_damage("")
    return JournalView(path, contents)


def _stored_metrics(facts: dict[str, Any]) -> list[str]:
    """Return the names of the metrics that the search stored; none if there is a single metric."""
    names = facts.get("metrics")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return list(names)
    return []


def _n_splits(contents: Contents) -> int:
    """Return the number of folds that the search stored; without it, the largest number of a fold plus one."""
    n_splits = contents.first_line.header.metadata.get("n_splits")
    if n_splits is not None:
        return int(n_splits)
    splits = [fold.split for fold in contents.folds]
    for candidate in contents.candidates:
        splits += [fold.split for fold in candidate.preset_folds]
    return 1 + max(splits, default=0)


def _history(contents: Contents, n_splits: int) -> History:
    """Build the history of the trials of a journal, with ids that start from 0."""
    first_id = contents.first_line.n_earlier_trials
    history = History()
    history.add(_with_moved_ids(candidate, first_id) for candidate in contents.candidates)
    for folds in contents.folds_of:
        for fold in folds.values():
            history.add_fold(fold if first_id == 0 else replace(fold, candidate=fold.candidate - first_id))
        folds.clear()
    n_counted = {candidate_id - first_id: n for candidate_id, n in contents.n_counted_folds.items()}
    while _finish_complete_trials(history, n_counted, n_splits):
        pass
    return history


def _finish_complete_trials(history: History, n_counted: dict[int, int], n_splits: int) -> bool:
    """Finish the first pending trial of each bracket if its folds are complete; tell whether any trial was finished."""
    has_finished = False
    for candidate in history.next_to_finish:
        folds = history.folds_of(candidate.id)
        n = n_counted.get(candidate.id, n_splits)
        if len(folds) >= n and all(split in folds for split in range(n)):
            counted = [folds[split] for split in range(n)]
            skipped = [FoldScore(candidate.id, split, None, state="skipped") for split in range(n, n_splits)]
            history.finish_next(counted + skipped, candidate.bracket_id)
            has_finished = True
    return has_finished


def _with_moved_ids(candidate: Candidate, first_id: int) -> Candidate:
    """Subtract the first id of a journal from the ids of a candidate; a parent from an earlier search is dropped."""
    if first_id == 0:
        return candidate
    parent = candidate.parent
    if parent is not None:
        parent = parent - first_id if parent >= first_id else None
    preset_folds = tuple(
        replace(fold, candidate=fold.candidate - first_id) for fold in candidate.preset_folds
    )
    return replace(candidate, id=candidate.id - first_id, parent=parent, preset_folds=preset_folds)


def _budgets(trials: Sequence[Trial]) -> list[tuple[int, int]] | None:
    """Return the resource and the number of folds of each trial; None if the search has a single resource."""
    budgets = []
    for trial in trials:
        n_resources, n_folds = trial.candidate.info.get("n_resources"), trial.candidate.info.get("n_folds")
        if type(n_resources) is not int or type(n_folds) is not int:
            return None
        budgets.append((n_resources, n_folds))
    return budgets
