"""Predictions of a fitted model for the test part of a fold, which the search keeps."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier

from skhpt._typing import ArrayLike, Estimator
from skhpt.trial import Predictions


def predictions_of(estimator: Estimator, X: ArrayLike) -> Predictions | None:
    """Return the predictions of a fitted estimator; None if they are no array.

    Predictions of a classifier are probabilities, else decision values, else labels; they are labels too if
    it has several outputs with probabilities of their own. Predictions of other estimators are the output of
    ``predict``.
    """
    # Copies, because the output may belong to the model or to a shared fit.
    predicted = np.array(estimator.predict(X))
    if predicted.ndim == 0:  # a sparse matrix, or another object that is not an array
        return None
    if not is_classifier(estimator):
        return Predictions(predicted, "predict")
    classes = getattr(estimator, "classes_", None)
    classes = np.array(classes) if isinstance(classes, np.ndarray) else None
    for method in ("predict_proba", "decision_function"):
        if hasattr(estimator, method):
            values = getattr(estimator, method)(X)
            if isinstance(values, np.ndarray):
                return Predictions(np.array(values), method, classes, predicted)
    return Predictions(predicted, "predict", classes)
