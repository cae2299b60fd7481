"""Predictions of a fitted model for the test part of a fold, which the search keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier

from skhpt._typing import ArrayLike, Estimator
from skhpt.trial import Predictions


def predictions_of(
    estimator: Estimator, X: ArrayLike, with_decision_values: bool = False
) -> Predictions | None:
    """Return the predictions of a fitted estimator; None if they are no array.

    Predictions of a classifier are probabilities, else decision values, else labels. Predictions of other
    estimators are the output of ``predict``. Decision values can be kept besides probabilities, for metrics that
    ask for them.
    """
    predicted = _copied(estimator.predict(X))
    if predicted.ndim == 0:  # an object that is not an array
        return None
    if not is_classifier(estimator):
        return Predictions(predicted, "predict")
    classes = _copied_classes(getattr(estimator, "classes_", None))
    for method in ("predict_proba", "decision_function"):
        if hasattr(estimator, method):
            values = getattr(estimator, method)(X)
            n_columns = [np.shape(each)[1] for each in values] if isinstance(values, list) else None
            if n_columns is not None or isinstance(values, np.ndarray) or sparse.issparse(values):
                values = np.concatenate(values, axis=1) if n_columns is not None else _copied(values)
                predictions = Predictions(values, method, classes, predicted, n_columns)
                return (
                    _with_decision_values(predictions, estimator, X) if with_decision_values else predictions
                )
    return Predictions(predicted, "predict", classes)


def _with_decision_values(predictions: Predictions, estimator: Estimator, X: ArrayLike) -> Predictions:
    """Add the decision values of an estimator that has probabilities and decision values."""
    if predictions.method == "decision_function" or not hasattr(estimator, "decision_function"):
        return predictions
    values = estimator.decision_function(X)
    return (
        predictions._replace(decision_values=_copied(values))
        if isinstance(values, np.ndarray)
        else predictions
    )


def _copied(output: ArrayLike) -> np.ndarray:
    """Return a copy of an output as an array, because the output may belong to the model or to a shared fit."""
    copied: np.ndarray = output.toarray() if sparse.issparse(output) else np.array(output)
    return copied


def _copied_classes(classes: Any) -> np.ndarray | list[np.ndarray] | None:
    if isinstance(classes, (list, tuple)):
        return [np.array(each) for each in classes]
    return np.array(classes) if isinstance(classes, np.ndarray) else None
