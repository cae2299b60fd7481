"""Spaces of linear models.

A penalty acts on the coefficients, so its good values depend on the scale of the features: those of a sum of
squares on the sum of their variances, those of a sum of absolute values on their standard deviation.
"""

from __future__ import annotations

from typing import Any

from skhpt._typing import Params
from skhpt.spaces.data import DataSummary
from skhpt.spaces.ranges import around, count, scaled, share
from skhpt.spaces.registry import space_of


@space_of("LogisticRegression")
def logistic_regression(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a logistic regression."""
    penalty = own.get("penalty", "l2")
    if penalty is None:
        return {}
    space: dict[str, Any] = {"C": scaled(1 / data.spread, 5, 20, 1e-4, 1e4)}
    # From scikit-learn 1.8, l1_ratio alone says what the penalty is.
    if own.get("solver") == "saga" and penalty in ("elasticnet", "deprecated"):
        space["l1_ratio"] = share(0.3, 0.0, 1.0)
    return space


@space_of("Ridge", "RidgeClassifier")
def ridge(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a ridge regression."""
    return {"alpha": scaled(data.spread, 1, 30, 1e-5, 1e5)}


@space_of("Lasso", "MultiTaskLasso", "LassoLars")
def lasso(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a lasso."""
    return {"alpha": scaled(data.feature_scale * data.unit_of_y, 0.01, 10, 1e-5, 1)}


@space_of("ElasticNet", "MultiTaskElasticNet")
def elastic_net(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of an elastic net."""
    return lasso(own, data) | {"l1_ratio": share(0.5, 0.01, 1.0)}


@space_of("Lars", "OrthogonalMatchingPursuit")
def number_of_coefficients(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a model with a number of coefficients."""
    if data.n_features is None or own.get("tol") is not None:
        return {}
    most = min(data.n_features, data.rows(0.5, 500))
    return {"n_nonzero_coefs": count(most / 3, 2.5, 1, most)}


@space_of("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
def generalized_linear_model(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a generalised linear model."""
    return {"alpha": around(0.03, 20, 1e-6, 100)}


@space_of("HuberRegressor")
def huber(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a robust regression."""
    return {"epsilon": share(1.4, 1.01, 3.0), "alpha": scaled(data.spread, 0.01, 30, 1e-6, 1e3)}


@space_of("QuantileRegressor")
def quantile_regression(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a quantile regression, whose loss has a slope of at most 1."""
    return {"alpha": scaled(data.feature_scale, 0.01, 10, 1e-5, 0.5)}


@space_of("SGDClassifier")
def sgd_classifier(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a linear classifier trained by stochastic gradient descent."""
    if own["learning_rate"] in ("pa1", "pa2"):  # passive-aggressive, with C in the place of eta0
        return {"eta0": passive_aggressive_classifier(own, data)["C"]}
    space: dict[str, Any] = {"alpha": around(1e-4, 20, 1e-7, 1), "penalty": ["l2", "elasticnet"]}
    # The choices have all methods that the estimator has.
    smooth = ["log_loss", "modified_huber"]
    if own["loss"] in smooth:
        space["loss"] = smooth
    elif own["loss"] in ("hinge", "squared_hinge", "perceptron"):
        space["loss"] = ["hinge", *smooth]
    if own["learning_rate"] != "optimal":
        space["eta0"] = _step_size(data)
    return space


@space_of("SGDRegressor")
def sgd_regressor(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a linear regression trained by stochastic gradient descent."""
    if own["learning_rate"] in ("pa1", "pa2"):
        return {"eta0": passive_aggressive_regressor(own, data)["C"]}
    space: dict[str, Any] = {"alpha": around(1e-4, 20, 1e-7, 0.1), "penalty": ["l2", "elasticnet"]}
    if own["learning_rate"] != "optimal":
        space["eta0"] = _step_size(data)
    return space


def _step_size(data: DataSummary) -> Any:
    # A step of more than 2 / |x|**2 diverges for a squared loss.
    norm = max(data.squared_norm or data.spread, 1.0)
    return scaled(1 / norm, 0.05, 3, 1e-3, 0.2)


@space_of("Perceptron")
def perceptron(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a perceptron."""
    return {"penalty": ["l2", "l1", "elasticnet"], "alpha": around(1e-4, 20, 1e-7, 0.1)}


@space_of("PassiveAggressiveClassifier")
def passive_aggressive_classifier(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a passive-aggressive classifier."""
    return {"C": around(0.1, 20, 1e-5, 10)}


@space_of("PassiveAggressiveRegressor")
def passive_aggressive_regressor(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a passive-aggressive regression."""
    epsilon = scaled(data.unit_of_y, 0.1, 4, 1e-3, 1)
    return {"C": scaled(data.unit_of_y, 0.1, 20, 1e-5, 10), "epsilon": epsilon}


@space_of("LinearDiscriminantAnalysis")
def linear_discriminant_analysis(own: Params, data: DataSummary) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the space of a discriminant analysis as a classifier; as a transformer it needs its own solver."""
    if own["covariance_estimator"] is not None:
        return {}
    if data.is_last:
        return [
            {"solver": ["lsqr"], "shrinkage": share(0.3, 0.0, 1.0)},
            {"solver": ["svd"], "shrinkage": [None]},
        ]
    if data.n_classes is None or data.n_features is None or own["solver"] == "lsqr":
        return {}
    most = min(data.n_classes - 1, data.n_features)
    return {"n_components": count(most, 2, 1, most)} if most > 1 else {}


@space_of("QuadraticDiscriminantAnalysis")
def quadratic_discriminant_analysis(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a quadratic discriminant analysis."""
    if own.get("shrinkage") is not None or own.get("solver", "svd") != "svd":
        return {}
    # Below the tolerance of the rank, a class with fewer rows than features makes the fit fail.
    return {"reg_param": around(0.1, 5, 10 * own["tol"], 1)}


@space_of("PLSRegression")
def partial_least_squares(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a regression on components."""
    if data.n_features is None or data.n_train is None:
        return {}
    most = min(data.n_features, data.n_train, 50)
    return {"n_components": count(most / 3, 2, 1, most)}
