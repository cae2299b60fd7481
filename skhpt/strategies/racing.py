"""Racing: whether a candidate is worth its remaining folds, after the first ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skhpt.trial import FoldScore, Trial


class Race:
    """A candidate is lost when its mean so far is below every fold of some candidate that was fully evaluated.

    That is the forgiving rule of Bergman, Purucker and Hutter (2024, arXiv:2405.03389), which compares with the worst
    fold of the incumbent, but with the highest worst fold instead, which can only rise. So a candidate that is lost
    stays lost, and the outcome does not depend on who was evaluated first. Folds are compared as they are, without the
    assumption that they are equally hard: no candidate is lost for a hard first fold that was no easier for others.

    Parameters
    ----------
    metric : str or None
        Name of the score to compare; None if there is only one.
    """

    def __init__(self, metric: str | None = None):
        self.metric = metric
        self._standard = -np.inf
        self._n_known = 0

    def learn(self, finished: Sequence[Trial]) -> None:
        """Look at the trials that finished since the last time."""
        for trial in finished[self._n_known :]:
            scores = [fold.score(self.metric) for fold in trial.folds]
            if scores and not np.isnan(scores).any():
                self._standard = max(self._standard, min(scores))
        self._n_known = len(finished)

    def n_enough(self, folds: Sequence[FoldScore]) -> int | None:
        """Return after how many of its first folds a candidate is lost, None if it is not.

        One that has no finite score on a fold, and so no mean, is lost.
        """
        scores = np.array([fold.score(self.metric) for fold in folds])
        means = np.cumsum(scores) / np.arange(1, len(scores) + 1)
        lost = np.flatnonzero(~(means >= self._standard))
        return int(lost[0]) + 1 if len(lost) else None
