"""Inert parameters: two values of each predict the same, and parameters that have an effect are kept."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR, LinearSVC

from skhpt.reuse.inert import RULES, InertRule, without_inert

# Warnings of deprecated parameters, and of fits that do not converge.
IGNORED = ("DeprecationWarning", "FutureWarning", "UserWarning")
pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in IGNORED]

# Further parameters of the tested estimators, so that fits are quick and deterministic.
BASE = {
    "MLP": {"hidden_layer_sizes": 5, "max_iter": 15, "random_state": 0},
    "SGD": {"random_state": 0, "eta0": 0.01},
    "GradientBoosting": {"n_estimators": 5, "random_state": 0},
    "HistGradientBoosting": {"max_iter": 5, "min_samples_leaf": 5, "random_state": 0},
    "RadiusNeighbors": {"radius": 5.0},
    "Perceptron": {"random_state": 0},
    "KernelRidge": {"gamma": 0.5},
    "LinearSV": {"random_state": 0},
    "LogisticRegression": {"random_state": 0},
}

VALUES: dict[str, tuple[Any, Any]] = {
    "C": (0.1, 1.0),
    "alpha": (0.01, 0.5),
    "batch_size": (10, 20),
    "beta_1": (0.5, 0.9),
    "beta_2": (0.9, 0.999),
    "coef0": (0.0, 1.0),
    "degree": (2, 3),
    "early_stopping": (False, True),
    "epsilon": (0.01, 0.5),
    "eta0": (0.01, 0.1),
    "gamma": (0.1, 1.0),
    "intercept_scaling": (1.0, 5.0),
    "kernel_params": (None, {"gamma": 3.0}),
    "l1_ratio": (0.2, 0.7),
    "leaf_size": (1, 30),
    "learning_rate": ("constant", "invscaling"),
    "learning_rate_init": (0.001, 0.1),
    "max_fun": (5, 1000),
    "momentum": (0.5, 0.9),
    "n_iter_no_change": (1, 10),
    "nesterovs_momentum": (True, False),
    "p": (1, 2),
    "power_t": (0.25, 0.5),
    "quantile": (0.2, 0.8),
    "random_state": (0, 1),
    "scoring": ("loss", None),
    "shuffle": (True, False),
    "tol": (1e-7, 5.0),
    "validation_fraction": (0.1, 0.4),
    "verbose": (0, 1),
}

# Configurations in which the parameter has an effect.
KEPT = [
    *[(SVC(kernel=kernel), "gamma") for kernel in ("rbf", "poly", "sigmoid")],
    *[(SVR(kernel=kernel), "coef0") for kernel in ("poly", "sigmoid")],
    (SVC(kernel="poly"), "degree"),
    *[
        (KernelRidge(kernel=kernel), "gamma")
        for kernel in ("rbf", "poly", "polynomial", "sigmoid", "laplacian", "chi2")
    ],
    *[(KernelRidge(kernel=kernel), "coef0") for kernel in ("poly", "sigmoid")],
    (KernelRidge(kernel="poly"), "degree"),
    (KernelRidge(kernel="polynomial"), "degree"),
    (SGDClassifier(penalty="elasticnet", alpha=0.1), "l1_ratio"),
    (Perceptron(penalty="elasticnet", alpha=0.1), "l1_ratio"),
    (SGDRegressor(early_stopping=True, n_iter_no_change=1), "validation_fraction"),
    (Perceptron(penalty="l2"), "alpha"),
    (SGDClassifier(penalty=None), "alpha"),
    (SGDClassifier(penalty="l2", learning_rate="constant"), "alpha"),
    *[(SGDClassifier(learning_rate=schedule), "eta0") for schedule in ("constant", "invscaling", "adaptive")],
    (SGDOneClassSVM(learning_rate="invscaling"), "power_t"),
    (SGDRegressor(learning_rate="invscaling"), "power_t"),
    (SGDRegressor(loss="huber"), "epsilon"),
    (SGDRegressor(loss="epsilon_insensitive"), "epsilon"),
    *[
        (MLPClassifier(solver="sgd", learning_rate="invscaling"), name)
        for name in (
            "learning_rate_init",
            "batch_size",
            "shuffle",
            "power_t",
            "momentum",
            "nesterovs_momentum",
        )
    ],
    (MLPClassifier(solver="sgd", learning_rate_init=0.1), "learning_rate"),
    *[(MLPClassifier(solver="adam"), name) for name in ("beta_1", "beta_2", "epsilon", "learning_rate_init")],
    (MLPClassifier(solver="adam", early_stopping=True), "validation_fraction"),
    (MLPClassifier(solver="adam"), "early_stopping"),
    (MLPClassifier(solver="adam", tol=0.1), "n_iter_no_change"),
    (MLPClassifier(solver="lbfgs"), "max_fun"),
    (LogisticRegression(), "C"),
    (LogisticRegression(penalty="elasticnet", solver="saga", l1_ratio=0.5), "l1_ratio"),
    (LogisticRegression(solver="liblinear"), "intercept_scaling"),
    (LinearSVC(), "intercept_scaling"),
    (LogisticRegression(solver="sag", max_iter=3), "random_state"),
    (GradientBoostingRegressor(loss="huber"), "alpha"),
    (GradientBoostingRegressor(loss="quantile"), "alpha"),
    (GradientBoostingRegressor(n_iter_no_change=2), "validation_fraction"),
    (GradientBoostingRegressor(n_iter_no_change=2), "tol"),
    (HistGradientBoostingRegressor(loss="quantile"), "quantile"),
    (HistGradientBoostingClassifier(early_stopping=True), "validation_fraction"),
    (HistGradientBoostingClassifier(early_stopping=True, tol=5.0), "n_iter_no_change"),
    (HistGradientBoostingClassifier(early_stopping=True, n_iter_no_change=1), "tol"),
    (KNeighborsClassifier(metric="minkowski", n_neighbors=15), "p"),
    (RadiusNeighborsRegressor(metric="minkowski", radius=1.0), "p"),
]
# Configurations in which the parameter may have an effect, which depends on the data or on ties.
UNCERTAIN = [
    (KNeighborsClassifier(), "leaf_size"),
    (KernelRidge(kernel=pairwise_distances), "kernel_params"),
    (KernelRidge(kernel=pairwise_distances), "gamma"),
    (SVC(kernel=pairwise_distances), "gamma"),
    (SVC(probability=True), "random_state"),
    (HistGradientBoostingClassifier(early_stopping="auto"), "scoring"),
    (HistGradientBoostingClassifier(early_stopping="auto"), "tol"),
    (LogisticRegression(l1_ratio=0.5, solver="saga"), "C"),
    (KNeighborsClassifier(metric=pairwise_distances), "p"),
]


def quick(estimator: Any) -> Any:
    """Set the other parameters such that the estimator is quick to fit."""
    for start, params in BASE.items():
        if type(estimator).__name__.startswith(start):
            estimator.set_params(**params)
    if type(estimator) is LogisticRegression and estimator.penalty == "l1":
        estimator.set_params(solver="liblinear")
    return estimator


def data_for(estimator: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a few rows of positive data, as some kernels require."""
    X, y = load_iris(return_X_y=True)
    X, y = X[::3], y[::3]
    if "precomputed" in (estimator.get_params().get("kernel"), estimator.get_params().get("metric")):
        X = pairwise_distances(X) if hasattr(estimator, "metric") else X @ X.T
    if is_regressor(estimator):
        return X, 1 + X[:, 0] * X[:, 1]
    return X, y > 0 if "liblinear" in str(estimator.get_params().values()) else y


def predictions(estimator: Any, name: str, value: Any) -> list[np.ndarray]:
    """Fit an estimator with a value of a parameter, and return all of its predictions."""
    X, y = data_for(estimator)
    fitted = clone(estimator).set_params(**{name: value}).fit(X, y)
    names = ("predict", "decision_function", "predict_proba")
    methods = [name for name in names if hasattr(fitted, name)]
    return [getattr(fitted, method)(rows) for method in methods for rows in (X, X[:1])]


def are_same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def is_valid(estimator: Any) -> bool:
    try:
        estimator._validate_params()
    except ValueError:  # a value that only other versions have
        return False
    return True


CASES = [
    (estimator, name)
    for rule in RULES
    for kind in rule.classes
    for values in product(*rule.given.values())
    if is_valid(estimator := quick(kind(**dict(zip(rule.given, values, strict=True)))))
    for name in rule.inert
]


def label(thing: Any) -> str:
    return re.sub(r" at 0x[0-9a-f]+|\n", "", str(thing))[:80]


@pytest.mark.parametrize(("estimator", "name"), CASES, ids=label)
def test_two_values_of_an_inert_parameter_predict_the_same(estimator: Any, name: str) -> None:
    assert name in estimator.get_params()
    assert name not in without_inert(estimator)
    one, other = VALUES[name]
    assert are_same(predictions(estimator, name, one), predictions(estimator, name, other))


@pytest.mark.parametrize(("estimator", "name"), KEPT, ids=label)
def test_a_parameter_that_has_an_effect_is_kept(estimator: Any, name: str) -> None:
    estimator = quick(clone(estimator))
    assert name in without_inert(estimator)
    one, other = VALUES[name]
    assert not are_same(predictions(estimator, name, one), predictions(estimator, name, other))


@pytest.mark.parametrize(("estimator", "name"), UNCERTAIN, ids=label)
def test_a_parameter_that_may_have_an_effect_is_kept(estimator: Any, name: str) -> None:
    assert name in without_inert(estimator)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.given], ids=lambda rule: "-".join(rule.inert)
)
def test_each_rule_has_a_configuration_in_which_it_does_not_hold(rule: InertRule) -> None:
    kept = [(type(estimator), name) for estimator, name in KEPT + UNCERTAIN]
    assert all(any((kind, name) in kept for kind in rule.classes) for name in rule.inert)


def test_unknown_classes_keep_all_parameters() -> None:
    class Machine(SVC):
        pass

    for estimator in (Machine(kernel="linear"), make_pipeline(SVC(kernel="linear"))):
        assert without_inert(estimator) == estimator.get_params(deep=False)


def test_the_estimator_is_not_changed() -> None:
    estimator = SVC(kernel="linear", gamma=3.0)
    assert without_inert(estimator).keys() < estimator.get_params().keys()
    assert estimator.gamma == 3.0
