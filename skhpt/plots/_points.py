"""Scores of trials with the status that decides how a display marks them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from skhpt.inspection.search_data import SearchData

#: How a display marks a trial: filled, faint, hollow, or as a cross at the edge of the axes.
COMPLETE, INCOMPLETE, ELIMINATED, FAILED = "complete", "incomplete", "eliminated", "failed"


@dataclass(frozen=True)
class TrialPoints:
    """Scores of trials.

    Attributes
    ----------
    scores, stds : ndarray of shape (n_trials,)
        Mean and standard deviation of the scores on the evaluated folds; NaN for failed trials.
    status : ndarray of shape (n_trials,)
        "complete"; "incomplete" for a trial with less than the full resource or fewer folds; "eliminated" by a race;
        "failed" for a trial without a mean score.
    """

    scores: np.ndarray
    stds: np.ndarray
    status: np.ndarray

    @classmethod
    def of(cls, data: SearchData, metric: str) -> TrialPoints:
        """Return the points of all trials of a search."""
        means, fold_scores = data.scores(metric), data.fold_scores(metric)
        is_eliminated = data.states == "eliminated"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # rows without a score
            scores = np.where(is_eliminated, np.nanmean(fold_scores, axis=1), means)
            stds = np.where(np.isnan(scores), np.nan, np.nanstd(fold_scores, axis=1))
        status = np.where(data.is_complete, COMPLETE, INCOMPLETE).astype(object)
        status[is_eliminated] = ELIMINATED
        status[np.isnan(scores)] = FAILED
        return cls(scores, stds, status)

    def best_so_far(self, order: np.ndarray | None = None) -> np.ndarray:
        """Return the index of the best complete trial up to each trial, shape (n_trials,); -1 before the first.

        `order` has the indices of the trials in another order; the results are in this order.
        """
        best, incumbents = -1, []
        for i in range(len(self.scores)) if order is None else order:
            if self.status[i] == COMPLETE and (best < 0 or self.scores[i] > self.scores[best]):
                best = int(i)
            incumbents.append(best)
        return np.array(incumbents, dtype=int)

    def best(self, data: SearchData, metric: str) -> int | None:
        """Return the index of the candidate that the search has chosen, or of the best complete one."""
        if metric == data.metric and data.best_index is not None:
            return None if self.status[data.best_index] == FAILED else int(data.best_index)
        rows = np.flatnonzero(self.status == COMPLETE)
        return int(rows[np.argmax(self.scores[rows])]) if len(rows) else None


def score_floor(scores: np.ndarray) -> float:
    """Return the score below which a display marks trials at the edge of its axes, so that the others stay apart.

    Three times the distance from the lower quartile to the best score is shown below the lower quartile.
    """
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return -np.inf
    quartile, best = np.quantile(scores, 0.25), scores.max()
    floor = quartile - 3 * (best - quartile)
    return float(floor) if scores.min() < floor < best else -np.inf


def score_limits(scores: np.ndarray, floor: float) -> tuple[float, float]:
    """Return limits for an axis with scores, with room at the lower end for the marks of failed trials."""
    shown = scores[np.isfinite(scores) & (scores >= floor)]
    low, high = float(shown.min()), float(shown.max())
    margin = 0.08 * (high - low) or 0.05 * abs(high) or 0.1
    return low - 1.4 * margin, high + margin
