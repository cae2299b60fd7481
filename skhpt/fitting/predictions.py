"""What a fitted model predicts for the test part of a fold, to be kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skhpt.trial import Predictions


def predictions_of(estimator: Any, X: Any) -> Predictions | None:
    """Return what a fitted estimator predicts for rows; None if it cannot.

    Classifiers give probabilities, decision values or labels, the first that they have; if they have several outputs
    with probabilities of their own, labels. All others give what ``predict`` returns.
    """
    try:
        return _predictions_of(estimator, X)
    except Exception:  # not every estimator predicts, and the score is there already
        return None


def _predictions_of(estimator: Any, X: Any) -> Predictions | None:
    # Copies: the output may belong to the model, or to a fit that others share.
    predicted = np.array(estimator.predict(X))
    if predicted.ndim == 0:  # sparse, or something else that is no array
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
