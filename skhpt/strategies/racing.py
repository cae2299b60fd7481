"""Racing: early elimination of candidates after their first folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skhpt.trial import FoldScore, Trial


class Race:
    """Rule that eliminates a candidate when its mean so far is below every fold of some fully evaluated candidate.

    This is the "forgiving" rule of Bergman, Purucker and Hutter (2024, arXiv:2405.03389), which compares with
    the worst fold of the incumbent, with the highest worst fold of all candidates instead. The highest worst
    fold can only rise, so an eliminated candidate stays eliminated, and the outcome does not depend on the
    order of the evaluations. Folds may differ in difficulty: on a hard first fold a candidate is eliminated
    only if it scores lower than another candidate on its worst fold.

    Parameters
    ----------
    metric : str, default=None
        Name of the score to compare; None for the only or first one.
    error_score : float or 'raise', default=NaN
        Score of a failed fold. With NaN or 'raise' a failed candidate has no mean, and is eliminated as soon
        as there is a candidate with scores on all folds.
    """

    def __init__(self, metric: str | None = None, error_score: float | str = np.nan):
        self.metric = metric
        self.error_score = np.nan if isinstance(error_score, str) else error_score
        self._highest_worst_fold = -np.inf
        self._n_learned = 0

    def learn(self, finished: Sequence[Trial]) -> None:
        """Update the rule with the trials that have finished since the last call."""
        for trial in finished[self._n_learned :]:
            if trial.folds and all(fold.state != "skipped" for fold in trial.folds):
                worst_fold = self._scores(trial.folds).min()
                if worst_fold > self._highest_worst_fold:  # False for NaN
                    self._highest_worst_fold = worst_fold
        self._n_learned = len(finished)

    def eliminated_after(self, folds: Sequence[FoldScore]) -> int | None:
        """Return after how many of its first folds a candidate is eliminated; None if it is not."""
        if np.isinf(self._highest_worst_fold):
            return None
        means = np.cumsum(self._scores(folds)) / np.arange(1, len(folds) + 1)
        rounding = 1e-9 * max(1.0, abs(self._highest_worst_fold))
        # Bergman et al. 2024, "forgiving": the mean so far is below the worst fold. NaN is below every
        # number.
        eliminated = np.flatnonzero(~(means >= self._highest_worst_fold - rounding))
        return int(eliminated[0]) + 1 if len(eliminated) else None

    def _scores(self, folds: Sequence[FoldScore]) -> np.ndarray:
        scores = np.array([fold.score(self.metric) for fold in folds])
        return np.where(np.isnan(scores), self.error_score, scores)
