"""Gain of the best candidate over the estimator as it is, corrected for the choice of the best of many."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

#: Probability that the interval has the gain.
COVERAGE = 0.95


class CorrectedGain(NamedTuple):
    """Expected gain of a candidate, which was selected for its score, over the estimator as it is.

    Attributes
    ----------
    gain : float
        Difference between the mean scores, less the optimism of the selection.
    low, high : float
        Bounds of an interval of 95 %; NaN with a single fold.
    raw : float
        Difference between the mean scores.
    n_candidates : int
        Number of candidates in the selection.
    default_index : int
        Row of the estimator as it is in ``cv_results_``.
    optimism : float
        Difference between `raw` and `gain`.
    """

    gain: float
    low: float
    high: float
    raw: float
    n_candidates: int
    default_index: int

    @property
    def optimism(self) -> float:
        """Difference between `raw` and `gain`."""
        return self.raw - self.gain

    def __str__(self) -> str:
        if self.optimism == self.raw == 0:
            return "none"
        expected, low, high, raw = (f"{value:+.2g}" for value in (self.gain, self.low, self.high, self.raw))
        interval = "" if math.isnan(self.low) else f" (95 % interval {low} to {high})"
        return f"{expected} expected{interval}, {raw} on the folds"


def corrected_gain(scores: np.ndarray, best: int, default: int, test_ratio: float) -> CorrectedGain:
    """Return the gain of one row of scores over another one.

    The optimism is how much better than the best candidate the best candidate of each fold is on this fold, in the mean
    over the folds (Tibshirani and Tibshirani 2009, doi:10.1214/08-AOAS224). The interval is that of the corrected
    resampled t-test (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366).

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_folds)
        Scores of all candidates.
    best, default : int
        Rows of the best candidate and of the estimator as it is.
    test_ratio : float
        Number of rows of a test part, divided by that of its training part.

    Returns
    -------
    gain : CorrectedGain
        All zero if the estimator as it is is the best candidate.
    """
    n_candidates, n_folds = scores.shape
    if best == default:
        return CorrectedGain(0.0, 0.0, 0.0, 0.0, n_candidates, default)
    differences = scores[best] - scores[default]
    raw = float(differences.mean())
    gain = raw - float((scores.max(axis=0) - scores[best]).mean())
    half = math.nan
    if n_folds > 1:
        standard_error = differences.std(ddof=1) * math.sqrt(1 / n_folds + test_ratio)
        half = float(student.ppf((1 + COVERAGE) / 2, n_folds - 1) * standard_error)
    return CorrectedGain(gain, gain - half, gain + half, raw, n_candidates, default)
