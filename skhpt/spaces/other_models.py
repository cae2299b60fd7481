"""Spaces of neighbours, naive Bayes, neural networks, and of models around other models."""

from __future__ import annotations

from typing import Any

from skhpt._typing import Params
from skhpt.spaces.data import DataSummary
from skhpt.spaces.ranges import around, count, share
from skhpt.spaces.registry import space_of


@space_of("KNeighborsClassifier", "KNeighborsRegressor")
def nearest_neighbors(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of nearest neighbours."""
    space: dict[str, Any] = {"n_neighbors": count(10, 2.5, 1, data.rows(0.5, 100))}
    if not callable(own["weights"]):
        space["weights"] = ["uniform", "distance"]
    if own["metric"] == "minkowski" and own["metric_params"] is None:
        space["p"] = [1, 2]
    return space


@space_of("LabelPropagation", "LabelSpreading")
def label_propagation(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of label propagation."""
    if callable(own["kernel"]):
        return {}
    space = {"kernel": ["knn"], "n_neighbors": count(7, 2, 1, data.rows(0.5, 50))}
    return space | ({"alpha": share(0.2, 0.01, 0.95)} if own.get("alpha") is not None else {})


@space_of("NearestCentroid")
def nearest_centroid(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of the nearest centroid."""
    return {"shrink_threshold": around(0.3, 4, 0.01, 3)} if own["metric"] == "euclidean" else {}


@space_of("GaussianNB")
def gaussian_naive_bayes(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of naive Bayes with normal distributions."""
    return {"var_smoothing": around(1e-4, 1000, 1e-12, 10)}


@space_of("BernoulliNB", "MultinomialNB", "CategoricalNB")
def naive_bayes(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of naive Bayes with counts."""
    return {"alpha": around(0.3, 6, 1e-3, 100), "fit_prior": [True, False]}


@space_of("ComplementNB")
def complement_naive_bayes(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of complement naive Bayes."""
    return {"alpha": around(0.3, 6, 1e-3, 100), "norm": [False, True]}


@space_of("MLPClassifier", "MLPRegressor")
def neural_network(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a neural network. A high learning rate of plain gradient descent may diverge."""
    space: dict[str, Any] = {
        "hidden_layer_sizes": [(100,), (30,), (300,), (30, 30), (100, 100), (300, 100)],
        "alpha": around(1e-3, 20, 1e-7, 10),
        "activation": ["relu", "tanh"],
    }
    if own["solver"] == "adam":
        space["learning_rate_init"] = around(2e-3, 2.5, 1e-4, 0.03)
    return space


# -- models around other models ------------------------------------------------------------------------------


@space_of("CalibratedClassifierCV")
def calibration(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a calibration."""
    return {"method": ["sigmoid", "isotonic"]}


@space_of("OutputCodeClassifier")
def output_code(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of error-correcting output codes."""
    return {"code_size": share(2.0, 1.0, 5.0)}


@space_of("SelfTrainingClassifier")
def self_training(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of self-training."""
    return {"threshold": share(0.8, 0.5, 0.99)} if own["criterion"] == "threshold" else {}


@space_of("StackingClassifier", "StackingRegressor")
def stacking(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of stacking."""
    return {"passthrough": [False, True]}
