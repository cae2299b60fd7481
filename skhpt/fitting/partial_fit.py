"""Training by ``partial_fit``: whether it replaces ``fit``, and the class labels that it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.feature_selection import SelectFromModel
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.multiclass import type_of_target, unique_labels

from skhpt._typing import ArrayLike, Estimator, Params


def common_labels(y: ArrayLike) -> np.ndarray | None:
    """Return the class labels of a target; None if it has several outputs with classes of their own.

    Parameters
    ----------
    y : array-like
        The target of a classifier. The labels of a multi-label indicator matrix are the numbers of its columns.
    """
    labels: np.ndarray | None = None
    if type_of_target(y) != "multiclass-multioutput":
        labels = unique_labels(y)
    return labels


def labels_by_output(y: ArrayLike) -> list[np.ndarray] | None:
    """Return the class labels of each column of the target of a classifier; None if it has one dimension."""
    if type_of_target(y) not in ("multilabel-indicator", "multiclass-multioutput"):
        return None
    columns = y.toarray() if sparse.issparse(y) else np.asarray(y)
    return [np.unique(column) for column in columns.T]


def classes_argument(
    estimator: Estimator, labels: np.ndarray | None, by_output: list[np.ndarray] | None
) -> Params:
    """Return the argument `classes` of the ``partial_fit`` of an estimator; nothing if it takes none.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    labels : ndarray or None
        Class labels that all outputs have in common.
    by_output : list of ndarray or None
        Class labels of each output.
    """
    if (labels is None and by_output is None) or not takes_classes(estimator):
        return {}
    has_outputs = by_output is not None and (labels is None or isinstance(estimator, MultiOutputClassifier))
    return {"classes": by_output if has_outputs else labels}


def is_known_to_train_alike(estimator: Estimator) -> bool:
    """Return whether ``partial_fit`` is known to train on the same data as ``fit``.

    It is known of scikit-learn's own classes, and of a class that defines both methods.
    """
    kind = type(estimator)
    return _is_sklearn(kind) or _owner(kind, "fit") is _owner(kind, "partial_fit")


def class_that_replaces_fit(estimator: Estimator) -> type | None:
    """Return the class whose ``fit`` replaces the one that an inherited ``partial_fit`` belongs to, if any."""
    fit, partial_fit = (_owner(type(estimator), name) for name in ("fit", "partial_fit"))
    if fit is None or partial_fit is None or fit is partial_fit or _is_sklearn(fit):
        return None
    return fit if issubclass(fit, partial_fit) else None


def _is_sklearn(kind: type) -> bool:
    return kind.__module__.startswith("sklearn.")


def _owner(kind: type, method: str) -> type | None:
    """Return the class that defines a method of a class."""
    return next((base for base in kind.__mro__ if method in vars(base)), None)


def takes_classes(estimator: Estimator) -> bool:
    """Return whether the ``partial_fit`` of an estimator has, or passes on, an argument `classes`."""
    for base in type(estimator).__mro__:
        if "partial_fit" in vars(base):
            parameters = inspect.signature(_function(vars(base)["partial_fit"])).parameters
            if "classes" in parameters:
                return is_classifier(estimator) or parameters["classes"].default is inspect.Parameter.empty
            if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
                return False
    # Arguments that no base class takes are passed on.
    return type(estimator) is SelectFromModel and takes_classes(estimator.estimator)


def _function(method: Any) -> Callable[..., Any]:
    """Return the function of a method, without its decorators."""
    function: Callable[..., Any] = inspect.unwrap(getattr(method, "fn", method))
    return function
