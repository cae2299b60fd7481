"""Ranking of the candidates of a report: the best one, and the rows of the leaderboard."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skhpt.inspection.search_data import SearchData


@dataclass(frozen=True)
class Ranking:
    """Candidates of a search in the order of a metric.

    Attributes
    ----------
    data : SearchData
        The search.
    metric : str
        The metric.
    """

    data: SearchData
    metric: str

    @cached_property
    def scores(self) -> np.ndarray:
        """Mean scores of the trials, shape (n_trials,); NaN for failed and eliminated ones."""
        return self.data.scores(self.metric)

    @cached_property
    def spreads(self) -> np.ndarray:
        """Standard deviations over the folds, shape (n_trials,)."""
        return self.spreads_of(self.metric)

    def spreads_of(self, metric: str) -> np.ndarray:
        """Return the standard deviations over the folds, shape (n_trials,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # trials without a score
            return np.asarray(np.nanstd(self.data.fold_scores(metric), axis=1))

    @property
    def n_candidates(self) -> int:
        """Number of candidates; one on several rungs has several trials."""
        return len({trial.candidate.number for trial in self.data.trials})

    @cached_property
    def best(self) -> int | None:
        """Row of the best candidate: the one that the search has chosen by its metric; None without a score."""
        chosen = self.data.best_index
        if chosen is not None and self.metric == self.data.metric and not np.isnan(self.scores[chosen]):
            return int(chosen)
        order = [row for _, row in self.ranked() if not np.isnan(self.scores[row])]
        return order[0] if order else None

    def ranked(self) -> Iterator[tuple[int, int]]:
        """Yield rank and row of the candidates, the best first; a candidate on several rungs has one row."""
        budgets = self.data.budgets
        scores = np.where(np.isnan(self.scores), -np.inf, self.scores)
        order = sorted(
            range(self.data.n_trials),
            key=lambda i: (scores[i] == -np.inf, -budgets[i][0], -budgets[i][1], -scores[i]),
        )
        seen, rank, last = set(), 0, None
        for row in order:
            number = self.data.trials[row].candidate.number
            if number in seen:
                continue
            seen.add(number)
            if (budgets[row], scores[row]) != last:  # equal scores have equal ranks
                rank, last = len(seen), (budgets[row], scores[row])
            yield rank, row
