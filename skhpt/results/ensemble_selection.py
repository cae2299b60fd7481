"""Which candidates an ensemble has, and with which weights: the best ones, or ensemble selection.

Ensemble selection begins with some of the best candidates, and adds candidates one after another, each time the one
with which the mean of the out-of-fold predictions is best; a candidate may be added again (Caruana, Niculescu-Mizil,
Crew and Ksikes 2004, Ensemble selection from libraries of models). Here "best" is the squared error, of probabilities
the Brier score: the error of a mean follows from the products of the candidates' residuals, so a step costs no pass
over the data.

==================  ================  ==========================================================================
name                shape             meaning
==================  ================  ==========================================================================
residuals           (c, n, k)         predictions of c candidates less the targets, for n occurrences of rows
sample_weight       (n,)              weight of each occurrence
start, counts       (c,)              how often each candidate is in the mean at the beginning, and at the end
==================  ================  ==========================================================================
"""

from __future__ import annotations

import numpy as np

from skhpt.results.prediction_scorers import CandidatePredictions
from skhpt.results.predictions import Classes

#: Number of steps, of which the best one counts.
N_STEPS = 20


def best_few_of(scores: np.ndarray, n: int) -> np.ndarray:
    """Return 1 for the n best candidates in each row of scores (b, c), and 0 for the others and for NaN."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]  # NaN comes last
    is_best = np.zeros(scores.shape)
    np.put_along_axis(is_best, order, 1.0, axis=1)
    return np.where(np.isnan(scores), 0.0, is_best)


def choose_greedily(predictions: CandidatePredictions, weights: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return how often each candidate is in the mean after ensemble selection, for several weights of the occurrences.

    Parameters
    ----------
    predictions : CandidatePredictions
        Predictions of the candidates: probabilities of a classifier, or numbers.
    weights : ndarray of shape (b, n_occurrences)
        Weights of the occurrences, which multiply those that the scorer gets.
    start : ndarray of shape (b, n_candidates)
        How often each candidate is in the mean at the beginning.

    Returns
    -------
    counts : ndarray of shape (b, n_candidates)
        Weights of the candidates in the mean.
    """
    residuals = residuals_of(predictions)
    sample_weight = predictions.score_params.get("sample_weight")
    if sample_weight is not None:
        weights = weights * np.asarray(sample_weight, dtype=float)
    return np.array([select_greedily(residuals, *pair) for pair in zip(weights, start, strict=True)])


def select_greedily(residuals: np.ndarray, sample_weight: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return how often each candidate is in the mean with the smallest squared error that the steps lead to.

    Parameters
    ----------
    residuals : ndarray of shape (n_candidates, n_occurrences, n_columns)
        Predictions less the targets.
    sample_weight : ndarray of shape (n_occurrences,)
        Weight of each occurrence.
    start : ndarray of shape (n_candidates,)
        How often each candidate is in the mean at the beginning; it remains so often in it.

    Returns
    -------
    counts : ndarray of shape (n_candidates,)
        At least one step is taken. Without a start, the squared error of the mean with these weights is at most that of
        the best candidate.
    """
    weighted = (residuals * np.sqrt(sample_weight)[:, np.newaxis]).reshape(len(residuals), -1)
    products = weighted @ weighted.T
    counts, best, smallest = start, start, np.inf
    for _ in range(N_STEPS):
        # The squared error of the mean with each candidate added.
        errors = counts @ products @ counts + 2 * products @ counts + np.diag(products)
        chosen = int(errors.argmin())
        counts = counts + (np.arange(len(counts)) == chosen)
        error = errors[chosen] / counts.sum() ** 2
        if error < smallest:
            best, smallest = counts, error
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
