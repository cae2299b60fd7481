"""Racing: whether a candidate is worth its remaining folds, after the first ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skhpt.trial import FoldScore, Trial


class Race:
    """A candidate is lost when its mean so far is below every fold of some candidate that was fully evaluated.

    That is the forgiving rule of Bergman, Purucker and Hutter (2024, arXiv:2405.03389), which compares with the worst
    fold of the incumbent, but with the highest worst fold instead, which can only rise. So a candidate that is lost
    stays lost, and the outcome does not depend on who was evaluated first. Folds are not assumed to be equally hard: on
    a hard first fold a candidate is lost only if it scores lower than others on their worst.

    Parameters
    ----------
    metric : str, default=None
        Name of the score to compare; None if there is only one, or for the first.
    error_score : float or 'raise', default=NaN
        Score of a fold that failed. If it is no number, a candidate that failed has no mean, and is lost as soon as
        there is another that has one.
    """

    def __init__(self, metric: str | None = None, error_score: float | str = np.nan):
        self.metric = metric
        self.error_score = np.nan if isinstance(error_score, str) else error_score
        self._standard = -np.inf
        self._n_known = 0

    def learn(self, finished: Sequence[Trial]) -> None:
        """Look at the trials that finished since the last time."""
        for trial in finished[self._n_known :]:
            if trial.folds and all(fold.state != "skipped" for fold in trial.folds):
                lowest = self._scores(trial.folds).min()
                if lowest > self._standard:  # NaN is not
                    self._standard = lowest
        self._n_known = len(finished)

    def eliminated_after(self, folds: Sequence[FoldScore]) -> int | None:
        """Return after how many of its first folds a candidate is lost, None if it is not."""
        if np.isinf(self._standard):
            return None
        means = np.cumsum(self._scores(folds)) / np.arange(1, len(folds) + 1)
        rounding = 1e-9 * max(1.0, abs(self._standard))
        lost = np.flatnonzero(~(means >= self._standard - rounding))
        return int(lost[0]) + 1 if len(lost) else None

    def _scores(self, folds: Sequence[FoldScore]) -> np.ndarray:
        scores = np.array([fold.score(self.metric) for fold in folds])
        return np.where(np.isnan(scores), self.error_score, scores)
