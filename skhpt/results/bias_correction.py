"""The score of the winner without the optimism of having been chosen for its score.

Bootstrap bias-corrected cross-validation (BBC-CV): Tsamardinos, Greasidou and Borboudakis (2018), Bootstrapping the
out-of-sample predictions for efficient and accurate cross-validation, Machine Learning 107, 1895-1922. The choice among
the candidates is made again on bootstrap samples of their out-of-sample predictions, and each time the chosen one is
scored on the rows that are not in the sample. No model is fitted.

==============  ================  ====================================================================================
name            shape             meaning
==============  ================  ====================================================================================
unit            (n,)              what each of n predictions belongs to: units are drawn as a whole
counts          (b, n_units)      how often each unit is in each of b bootstrap samples
in_bag          (b, n)            how often each prediction is
chosen          (b,)              the candidate that is the best on each sample; -1 if there is none
==============  ================  ====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

#: Of the bootstrap samples: the same predictions give the same numbers.
SEED = 20180509
#: Numbers in the arrays of one batch of samples, at most.
BATCH_SIZE = 2**21

#: ``choose(in_bag)`` returns the candidate that is chosen on each sample, of shape (b,); -1 if there is none.
Choose = Callable[[np.ndarray], np.ndarray]
#: ``score(weights, chosen)`` returns the score of one candidate for each weighting, of shape (b,).
ScoreOf = Callable[[np.ndarray, np.ndarray], np.ndarray]


class CorrectedScore(NamedTuple):
    """What score is to be expected of a candidate that was chosen for its score.

    Attributes
    ----------
    score : float
        The estimate: the mean over the bootstrap samples.
    low, high : float
        An interval of 95 %: the percentiles 2.5 and 97.5.
    pooled_score : float
        The score of the best candidate on all test parts together, not corrected: what `score` is to be compared with.
    n_candidates : int
        How many candidates there were to choose from.
    n_bootstraps : int
        How many samples there were on which the score is defined.
    optimism : float
        By how much the score of the best candidate overstates what is to be expected.
    """

    score: float
    low: float
    high: float
    pooled_score: float
    n_candidates: int
    n_bootstraps: int

    @property
    def optimism(self) -> float:
        """By how much the score of the best candidate overstates what is to be expected."""
        return self.pooled_score - self.score


def bootstrapped(choose: Choose, score_of: ScoreOf, unit: np.ndarray, n_bootstraps: int, width: int) -> np.ndarray:
    """Choose a candidate on each bootstrap sample, and score it on the rest.

    Parameters
    ----------
    choose : callable
        Chooses candidates on samples.
    score_of : callable
        Scores candidates.
    unit : ndarray of int, shape (n_predictions,)
        The unit, 0, 1, ..., that each prediction belongs to.
    n_bootstraps : int
        Number of samples.
    width : int
        Number of candidates; it limits the size of a batch.

    Returns
    -------
    scores : ndarray of shape (n_bootstraps,)
        NaN where nothing could be chosen or the metric is not defined.
    """
    rng = np.random.default_rng(SEED)
    size = max(1, BATCH_SIZE // max(len(unit), width))
    scores = []
    for counts in _samples(rng, int(unit.max()) + 1, n_bootstraps, size):
        in_bag = counts[:, unit]
        chosen = choose(in_bag)
        with np.errstate(invalid="ignore", divide="ignore"):
            out_of_bag = score_of((in_bag == 0).astype(float), chosen)
        scores.append(np.where(chosen >= 0, out_of_bag, np.nan))
    return np.concatenate(scores)


def summary(scores: np.ndarray, pooled_score: float, n_candidates: int) -> CorrectedScore:
    """Make an estimate and an interval of the scores on bootstrap samples.

    Raises
    ------
    ValueError
        If most of them are not defined.
    """
    defined = scores[np.isfinite(scores)]
    if 2 * len(defined) < len(scores):
        raise ValueError(
            f"the metric is not defined on {len(scores) - len(defined)} of {len(scores)} bootstrap samples"
        )
    low, high = np.percentile(defined, [2.5, 97.5])
    return CorrectedScore(
        float(defined.mean()), float(low), float(high), float(pooled_score), n_candidates, len(defined)
    )


def best_of(scores: np.ndarray) -> np.ndarray:
    """Return the first of the best candidates in each row of scores, of shape (b, c); -1 if none has a score."""
    return np.where(np.isnan(scores).all(axis=1), -1, np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1))


def _samples(rng: np.random.Generator, n_units: int, n_bootstraps: int, size: int) -> Iterator[np.ndarray]:
    """Draw as many units with replacement as there are, again and again, in batches of so many samples."""
    for start in range(0, n_bootstraps, size):
        b = min(size, n_bootstraps - start)
        draws = rng.integers(n_units, size=(b, n_units)) + n_units * np.arange(b)[:, np.newaxis]
        yield np.bincount(draws.ravel(), minlength=b * n_units).reshape(b, n_units).astype(float)
