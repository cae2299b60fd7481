"""Which candidates an ensemble has, and with which weights: the best ones, or ensemble selection.

Ensemble selection adds candidates one after another, each time the one with which the mean of the out-of-fold
predictions is best; a candidate may be added again (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, Ensemble selection
from libraries of models). Here "best" is the squared error, of probabilities the Brier score: the error of a mean
follows from the products of the candidates' residuals, so a step costs no pass over the data.

==================  ================  ==========================================================================
name                shape             meaning
==================  ================  ==========================================================================
residuals           (c, n, k)         predictions of c candidates less the targets, for n occurrences of rows
sample_weight       (n,)              weight of each occurrence
counts              (c,)              how often each candidate was added
==================  ================  ==========================================================================
"""

from __future__ import annotations

import numpy as np

from skhpt.results.prediction_scorers import CandidatePredictions
from skhpt.results.predictions import Classes

#: Number of steps, of which the best one counts.
N_STEPS = 25


def best_few_of(scores: np.ndarray, n: int) -> np.ndarray:
    """Return 1 for the n best candidates in each row of scores (b, c), and 0 for the others and for NaN."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]  # NaN comes last
    is_best = np.zeros(scores.shape)
    np.put_along_axis(is_best, order, 1.0, axis=1)
    return np.where(np.isnan(scores), 0.0, is_best)


def choose_greedily(predictions: CandidatePredictions, weights: np.ndarray, n_members: int) -> np.ndarray:
    """Return how often ensemble selection adds each candidate, for several weightings of the occurrences.

    Parameters
    ----------
    predictions : CandidatePredictions
        Predictions of the candidates: probabilities of a classifier, or numbers.
    weights : ndarray of shape (b, n_occurrences)
        Weights of the occurrences, which multiply those that the scorer gets.
    n_members : int
        Maximum number of different candidates.

    Returns
    -------
    counts : ndarray of int, shape (b, n_candidates)
        Weights of the candidates in the mean.
    """
    residuals = residuals_of(predictions)
    sample_weight = predictions.score_params.get("sample_weight")
    if sample_weight is not None:
        weights = weights * np.asarray(sample_weight, dtype=float)
    return np.array([select_greedily(residuals, each, n_members) for each in weights])


def select_greedily(residuals: np.ndarray, sample_weight: np.ndarray, n_members: int) -> np.ndarray:
    """Return how often each candidate is in the mean with the smallest squared error that the steps lead to.

    Parameters
    ----------
    residuals : ndarray of shape (n_candidates, n_occurrences, n_columns)
        Predictions less the targets.
    sample_weight : ndarray of shape (n_occurrences,)
        Weight of each occurrence.
    n_members : int
        Maximum number of different candidates.

    Returns
    -------
    counts : ndarray of int, shape (n_candidates,)
        The squared error of the mean with these weights is at most that of the best candidate.
    """
    weighted = (residuals * np.sqrt(sample_weight)[:, np.newaxis]).reshape(len(residuals), -1)
    products = weighted @ weighted.T
    counts = np.zeros(len(residuals), dtype=int)
    best, smallest = counts, np.inf
    for n in range(1, N_STEPS + 1):
        # The squared error of the mean of n candidates, with each candidate as the last one.
        errors = (counts @ products @ counts + 2 * products @ counts + np.diag(products)) / n**2
        if np.count_nonzero(counts) == n_members:
            errors = np.where(counts > 0, errors, np.inf)
        chosen = int(errors.argmin())
        counts = counts + (np.arange(len(counts)) == chosen)
        if errors[chosen] < smallest:
            best, smallest = counts, errors[chosen]
    return best


def residuals_of(predictions: CandidatePredictions) -> np.ndarray:
    """Return the predictions less the targets, shape (n_candidates, n_occurrences, n_columns)."""
    values = np.stack([each.values for each in predictions.pooled])
    targets = _targets(predictions.y, predictions.classes, n_columns=values[0].size // len(predictions.y))
    residuals: np.ndarray = values.reshape(len(values), *targets.shape) - targets
    return residuals


def _targets(y: np.ndarray, classes: Classes | None, n_columns: int) -> np.ndarray:
    """Return numbers as columns, and classes as a column of zeros and ones for each class of each output."""
    if classes is None:
        return y.reshape(len(y), n_columns)
    if isinstance(classes, list):
        outputs = [column[:, np.newaxis] == own for column, own in zip(y.T, classes, strict=True)]
        return np.hstack(outputs).astype(float)
    if y.ndim > 1:  # an array with the probability of each label
        return y.astype(float)
    is_class: np.ndarray = y[:, np.newaxis] == classes
    return is_class.astype(float)
