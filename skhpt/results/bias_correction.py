"""Score of the best candidate without selection bias: bootstrap bias-corrected cross-validation (BBC-CV).

The selection among the candidates is repeated on bootstrap samples of their out-of-fold predictions. Each
time, the selected candidate is scored on the rows that are not in the sample. No model is fitted.

==================  ================  ================================================================================
name                shape             meaning
==================  ================  ================================================================================
resampling_unit     (n,)              unit of each of n predictions; the bootstrap draws units
counts              (b, n_units)      number of times that each unit is in each of b bootstrap samples
in_bag              (b, n)            number of times that each prediction is in each sample
chosen              (b,) or (b, c)    number of the best candidate on each sample, -1 for none; or c weights
==================  ================  ================================================================================

Reference: Tsamardinos, Greasidou and Borboudakis (2018), Bootstrapping the out-of-sample predictions for
efficient and accurate cross-validation, Machine Learning 107, 1895-1922.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

#: Seed of the bootstrap samples: the same predictions give the same numbers.
SEED = 20180509
#: Largest size of the arrays of one batch of samples.
BATCH_SIZE = 2**21

#: ``choose(in_bag)`` returns the number of the best candidate on each sample, of shape (b,), -1 if there is none; or
#: the weights of all candidates in an ensemble, of shape (b, c).
Choose: TypeAlias = Callable[[np.ndarray], np.ndarray]
#: ``score_of(weights, chosen)`` returns the score of what was chosen for each row of the weights, of shape
#: (b,).
ScoreOf: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


class CorrectedScore(NamedTuple):
    """Expected score of a candidate that was selected for its score.

    Attributes
    ----------
    score : float
        Estimate of the expected score: the mean over the bootstrap samples.
    low, high : float
        Bounds of an interval of 95 %: the percentiles 2.5 and 97.5.
    pooled_score : float
        Score of the best candidate on all test parts together, without correction; comparable with `score`.
    n_candidates : int
        Number of candidates in the selection.
    n_bootstraps : int
        Number of samples on which the score is defined.
    optimism : float
        Difference between `pooled_score` and `score`.
    """

    score: float
    low: float
    high: float
    pooled_score: float
    n_candidates: int
    n_bootstraps: int

    @property
    def optimism(self) -> float:
        """Difference between `pooled_score` and `score`."""
        return self.pooled_score - self.score


def bootstrap_scores(
    choose: Choose, score_of: ScoreOf, *, resampling_unit: np.ndarray, n_bootstraps: int, width: int
) -> np.ndarray:
    """Select a candidate on each bootstrap sample, and score it on the rows outside of the sample.

    Parameters
    ----------
    choose : callable
        Selects candidates on samples.
    score_of : callable
        Scores candidates.
    resampling_unit : ndarray of int, shape (n_predictions,)
        Number of the unit that each prediction belongs to, from 0.
    n_bootstraps : int
        Number of samples.
    width : int
        Number of scores that are computed for each sample; limits the size of a batch.

    Returns
    -------
    scores : ndarray of shape (n_bootstraps,)
        NaN where no candidate has a score or the metric is not defined.
    """
    rng = np.random.default_rng(SEED)
    batch_size = max(1, BATCH_SIZE // max(len(resampling_unit), width))
    n_units = int(resampling_unit.max()) + 1
    scores = []
    for counts in _samples(rng, n_units, n_bootstraps, batch_size=batch_size):
        in_bag = counts[:, resampling_unit]
        chosen = choose(in_bag)
        with np.errstate(invalid="ignore", divide="ignore"):
            out_of_bag = score_of((in_bag == 0).astype(float), chosen)
        is_chosen = chosen >= 0 if chosen.ndim == 1 else chosen.any(axis=1)
        scores.append(np.where(is_chosen, out_of_bag, np.nan))
    return np.concatenate(scores)


def summarize(scores: np.ndarray, pooled_score: float, n_candidates: int) -> CorrectedScore:
    """Return the estimate and the interval from the scores on bootstrap samples.

    Raises
    ------
    ValueError
        If more than half of the scores are not defined.
    """
    defined = scores[np.isfinite(scores)]
    if 2 * len(defined) < len(scores):
        raise ValueError(
            f"the metric is not defined on {len(scores) - len(defined)} of {len(scores)} bootstrap samples"
        )
    low, high = np.percentile(defined, [2.5, 97.5])
    return CorrectedScore(
        score=float(defined.mean()),
        low=float(low),
        high=float(high),
        pooled_score=float(pooled_score),
        n_candidates=n_candidates,
        n_bootstraps=len(defined),
    )


def best_of(scores: np.ndarray) -> np.ndarray:
    """Return the number of the first best candidate in each row of scores (b, c); -1 if no candidate has a score."""
    is_nan = np.isnan(scores)
    return np.where(is_nan.all(axis=1), -1, np.where(is_nan, -np.inf, scores).argmax(axis=1))


def _samples(
    rng: np.random.Generator, n_units: int, n_bootstraps: int, *, batch_size: int
) -> Iterator[np.ndarray]:
    """Yield batches of bootstrap samples: how often each unit is drawn, of shape (b, n_units)."""
    for start in range(0, n_bootstraps, batch_size):
        b = min(batch_size, n_bootstraps - start)
        draws = rng.integers(n_units, size=(b, n_units)) + n_units * np.arange(b)[:, np.newaxis]
        yield np.bincount(draws.ravel(), minlength=b * n_units).reshape(b, n_units).astype(float)
