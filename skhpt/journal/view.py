"""A journal seen from elsewhere: how far that search is, and what is the best so far."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt.history import History
from skhpt.journal.reader import Contents, StoredJournal, parse_stored
from skhpt.results.cv_results import cv_results, metric_names
from skhpt.results.leaderboard import leaderboard, leaderboard_frame, leaderboard_text
from skhpt.trial import Candidate, FoldScore, Trial

if TYPE_CHECKING:
    import pandas as pd


class JournalView:
    """What a journal holds, without the objects of the search that wrote it; `read_journal` makes one.

    Attributes
    ----------
    path : str
        Where the file is.
    parts : dict of str to str
        Descriptions of what the search depends on.
    facts : dict of str to object
        What else was written down when it began.
    started : datetime
        When the journal was begun, in UTC.
    events : list of Event
        What happened besides, such as that the search was stopped: ``what``, ``time`` and ``facts`` of each.
    history : History
        All candidates and folds, with the ids 0, 1, 2, ... What is not plain among the parameters is a text. Trials
        that the search had from an earlier one are not in its journal.
    n_splits : int
        Number of folds.
    metrics : list of str
        Names of the metrics; "score" if there is a single one.
    """

    def __init__(self, stored: StoredJournal):
        contents = stored.read_as_text()
        self.path = stored.path
        self.parts = stored.header.fingerprint
        self.facts = stored.header.metadata
        self.started = stored.first_line.started
        self.events = contents.events
        self.n_splits = _n_splits(contents)
        self.history = _history(contents, self.n_splits)
        self._n_known = stored.first_line.n_earlier_trials
        self._trials = self.history.finished
        given = self.facts.get("metrics")
        are_names = isinstance(given, list) and given and all(isinstance(name, str) for name in given)
        self.metrics: list[str] = metric_names(self._trials) or (list(given) if given and are_names else ["score"])

    def __repr__(self) -> str:
        return f"<JournalView of {self.path}: {len(self._trials)} candidates finished, {self.n_pending} pending>"

    @property
    def n_pending(self) -> int:
        """Number of candidates that were asked for and are not finished."""
        return len(self.history.pending)

    @property
    def best_params(self) -> dict[str, Any]:
        """Parameters of the best candidate so far; a ValueError if none is finished."""
        return dict(self._trials[self._best].candidate.params)

    @property
    def best_score(self) -> float:
        """Its mean score over the folds, by the metric that decides."""
        return float(self._table[f"mean_test_{self._column(self._leading)}"][self._best])

    def leaderboard(self, n: int = 10, metric: str | None = None) -> pd.DataFrame:
        """Return the best candidates so far as a table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.
        metric : str, default=None
            What they are ranked by; by default the metric that decides in the search.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, the best first, as the search itself has it; without rows if none is finished.

        Raises
        ------
        ImportError
            If pandas is not installed; `leaderboard_text` does without it.
        ValueError
            If there is no such metric.
        """
        return leaderboard_frame(self._rows(n, metric))

    def leaderboard_text(self, n: int = 10, metric: str | None = None) -> str:
        """Return the best candidates so far as a printable table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.
        metric : str, default=None
            What they are ranked by; by default the metric that decides in the search.

        Returns
        -------
        text : str
            The table that `leaderboard` returns, as aligned columns.
        """
        return leaderboard_text(self._rows(n, metric)) or "no candidate is finished yet"

    def _rows(self, n: int, metric: str | None) -> list[dict[str, Any]]:
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n must be a positive integer, got {n!r}")
        metric = metric or self._leading
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {self.metrics}, got {metric!r}")
        if not self._trials:
            return []
        rows = leaderboard(self._trials, self._table, self._column(metric), n)
        return [row | {"candidate": row["candidate"] + self._n_known} for row in rows]

    @property
    def _leading(self) -> str:
        decides = self.facts.get("refit_metric")
        return decides if decides in self.metrics else self.metrics[0]

    def _column(self, metric: str) -> str:
        """Return what the table calls a metric; while all fits have failed, it knows no names."""
        return metric if f"mean_test_{metric}" in self._table else "score"

    @property
    def _best(self) -> int:
        if not self._trials:
            raise ValueError(f"{self.path}: no candidate is finished yet")
        return int(np.argmin(self._table[f"rank_test_{self._column(self._leading)}"]))

    @cached_property
    def _table(self) -> dict[str, Any]:
        error_score = self.facts.get("error_score")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scores that are not finite the search itself warns
            return cv_results(
                self._trials,
                error_score=error_score if isinstance(error_score, Real) else np.nan,
                standing=_standing(self._trials),
            )


def read_journal(path: str | os.PathLike[str]) -> JournalView:
    """Read the journal of a search, also while that is running in another process.

    The file is neither changed nor locked, and the objects of the search are not needed: estimators, functions and
    the like appear as texts. A last line that is not whole, as when it is just being written, is left out.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    view : JournalView
        What it holds at this moment; to see more, read it again.

    Raises
    ------
    ValueError
        If it is not a journal, is damaged or was written by a newer version, or nothing was written to it yet.
    OSError
        If it cannot be read.

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
    data = Path(path).read_bytes()
    stored = parse_stored(path, data)
    if stored is None:
        raise ValueError(f"{path}: nothing was written to this journal yet")
    return JournalView(stored)


def _n_splits(contents: Contents) -> int:
    """Return the number of folds, as it was written down; else as many as were seen."""
    given = contents.first_line.header.metadata.get("n_splits")
    preset_folds = (fold.split for candidate in contents.candidates for fold in candidate.preset_folds)
    seen = (split for _, split in contents.folds)
    return given if given is not None else 1 + max([0, *preset_folds, *seen])


def _history(contents: Contents, n_splits: int) -> History:
    """Put the history together, with ids from 0."""
    n_known = contents.first_line.n_earlier_trials
    history = History()
    history.add(_moved(candidate, n_known) for candidate in contents.candidates)
    for fold in contents.folds.values():
        history.add_fold(_moved_fold(fold, n_known))
    n_counted = {number - n_known: n for number, n in contents.n_counted_folds.items()}
    while _finish_some(history, n_counted, n_splits):
        pass
    return history


def _finish_some(history: History, n_counted: dict[int, int], n_splits: int) -> bool:
    """Finish the first pending trial of each lane if its folds are there; tell whether one was."""
    some = False
    for candidate in history.next_to_finish:
        number, folds = candidate.id, history.folds_of(candidate.id)
        n = n_counted.get(number, n_splits)
        if all(split in folds for split in range(n)):
            skipped = [FoldScore(number, split, None, state="skipped") for split in range(n, n_splits)]
            history.finish_next([folds[split] for split in range(n)] + skipped, candidate.bracket_id)
            some = True
    return some


def _moved(candidate: Candidate, n: int) -> Candidate:
    if n == 0:
        return candidate
    parent = None if candidate.parent is None or candidate.parent < n else candidate.parent - n
    preset_folds = tuple(_moved_fold(fold, n) for fold in candidate.preset_folds)
    return replace(candidate, id=candidate.id - n, parent=parent, preset_folds=preset_folds)


def _moved_fold(fold: FoldScore, n: int) -> FoldScore:
    return replace(fold, candidate=fold.candidate - n) if n else fold


def _standing(trials: Sequence[Trial]) -> list[tuple[int, int]] | None:
    """Return how far each trial has come, if the search has several resources."""
    notes = [trial.candidate.info for trial in trials]
    standing = [(note.get("n_resources"), note.get("n_folds")) for note in notes]
    return standing if all(type(a) is int and type(b) is int for a, b in standing) else None  # type: ignore[return-value]
