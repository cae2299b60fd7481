"""Spaces of trees, forests and boosting, also those of LightGBM, XGBoost and CatBoost."""

from __future__ import annotations

from typing import Any

from skhpt._typing import Params
from skhpt.spaces.data import DataSummary
from skhpt.spaces.ranges import around, count, scaled, share
from skhpt.spaces.registry import space_of


def _names(*models: str) -> list[str]:
    return [f"{model}{kind}" for model in models for kind in ("Classifier", "Regressor")]


def _leaf(data: DataSummary, median: float) -> Any:
    return count(median, 2.5, 1, data.rows(0.1, 200))


@space_of("DecisionTreeClassifier", "ExtraTreeClassifier")
def classification_tree(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a classification tree."""
    return _tree(own, data, impurity=1.0) | {"criterion": ["gini", "entropy"]}


@space_of("DecisionTreeRegressor", "ExtraTreeRegressor")
def regression_tree(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a regression tree."""
    return _tree(own, data, impurity=data.unit_of_y**2)


def _tree(own: Params, data: DataSummary, impurity: float) -> dict[str, Any]:
    return {
        "max_depth": count(8, 2, 1, 30),
        "min_samples_leaf": _leaf(data, 4),
        "ccp_alpha": scaled(impurity, 1e-3, 8, 1e-6, 0.1),
    }


@space_of(*_names("RandomForest", "ExtraTrees"))
def forest(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a forest. The more trees the better, so that their number is not searched."""
    n_features = data.n_features or 10
    is_classifier = own["criterion"] in ("gini", "entropy", "log_loss")
    centre = n_features**-0.5 if is_classifier else 0.5
    space = {
        "max_features": around(centre, 2.2, max(0.01, 0.5 / n_features), 1),
        "min_samples_leaf": count(2, 2.2, 1, data.rows(0.05, 50)),
    }
    # Without a bootstrap sample, max_samples must be None.
    return space | ({"max_samples": share(0.8, 0.2, 1.0)} if own["bootstrap"] else {})


@space_of(*_names("GradientBoosting"))
def gradient_boosting(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of gradient boosting."""
    return {
        "learning_rate": around(0.08, 2.5, 0.005, 0.5),
        "n_estimators": count(150, 2, 20, 600),
        "max_depth": count(3, 1.6, 1, 9),
        "min_samples_leaf": _leaf(data, 5),
        "subsample": share(0.8, 0.4, 1.0),
        "max_features": share(0.6, 0.1, 1.0),
    }


@space_of(*_names("HistGradientBoosting"))
def histogram_gradient_boosting(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of gradient boosting on histograms."""
    return {
        "learning_rate": around(0.08, 2.5, 0.005, 0.5),
        "max_iter": count(150, 2, 20, 600),
        "max_leaf_nodes": count(20, 2.2, 3, 255),
        "min_samples_leaf": _leaf(data, 15),
        "l2_regularization": around(0.1, 30, 1e-6, 100),
        "max_features": share(0.7, 0.2, 1.0),
    }


@space_of("AdaBoostClassifier")
def adaptive_boosting(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of adaptive boosting."""
    return {"n_estimators": count(100, 2.2, 10, 500), "learning_rate": around(0.5, 3, 0.01, 2)}


@space_of("AdaBoostRegressor")
def adaptive_boosting_regression(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of adaptive boosting of regressors."""
    return adaptive_boosting(own, data) | {"loss": ["linear", "square", "exponential"]}


@space_of(*_names("Bagging"))
def bagging(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of bagging. The more models the better, so that their number is not searched."""
    return {"max_samples": share(0.8, 0.5, 1.0), "max_features": share(0.8, 0.5, 1.0)}


# -- other packages ------------------------------------------------------------------------------------------


def _name(own: Params, *names: str) -> str:
    """Return the first of the names of a parameter that the estimator sets, or else the first of all."""
    return next((name for name in names if own.get(name) is not None), names[0])


@space_of("LGBMClassifier", "LGBMRegressor", "LGBMRanker", package="lightgbm")
def lightgbm(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of LightGBM."""
    space = {
        "learning_rate": around(0.08, 2.5, 0.005, 0.5),
        _lightgbm_rounds(own): count(150, 2, 20, 600),
        "num_leaves": count(20, 2.2, 3, 255),
        "min_child_samples": _leaf(data, 15),
        "colsample_bytree": share(0.8, 0.3, 1.0),
        "reg_lambda": around(0.1, 30, 1e-6, 100),
        "reg_alpha": around(0.01, 30, 1e-8, 10),
    }
    if own.get("boosting_type") in ("gbdt", "dart"):
        space |= {"subsample": share(0.8, 0.4, 1.0), "subsample_freq": [1]}
    return space


def _lightgbm_rounds(own: Params) -> str:
    # Another name that is set has effect in place of n_estimators.
    others = ("num_iterations", "num_iteration", "num_trees", "num_rounds", "num_boost_round", "max_iter")
    return next((name for name in others if own.get(name) is not None), "n_estimators")


@space_of("XGBClassifier", "XGBRegressor", "XGBRanker", package="xgboost")
def xgboost(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of XGBoost."""
    rounds = {"learning_rate": around(0.08, 2.5, 0.005, 0.5), "n_estimators": count(150, 2, 20, 600)}
    penalties = {"reg_lambda": around(1, 10, 1e-3, 100), "reg_alpha": around(0.01, 30, 1e-6, 10)}
    if own.get("booster") == "gblinear":
        return rounds | penalties
    trees = {
        "max_depth": count(5, 1.6, 1, 12),
        "min_child_weight": around(2, 4, 0.1, 50),
        "subsample": share(0.8, 0.4, 1.0),
        "colsample_bytree": share(0.8, 0.3, 1.0),
    }
    return rounds | trees | penalties


@space_of("XGBRFClassifier", "XGBRFRegressor", package="xgboost")
def xgboost_forest(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of a forest of XGBoost."""
    return {
        "max_depth": count(8, 1.6, 2, 15),
        "min_child_weight": around(2, 4, 0.1, 50),
        "subsample": share(0.8, 0.4, 0.99),
        "colsample_bynode": share(0.6, 0.2, 1.0),
    }


@space_of("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker", package="catboost")
def catboost(own: Params, data: DataSummary) -> dict[str, Any]:
    """Return the space of CatBoost, which fails if two names of a parameter are set."""
    return {
        _name(own, "learning_rate", "eta"): around(0.08, 2.5, 0.005, 0.5),
        _name(own, "iterations", "n_estimators", "num_boost_round", "num_trees"): count(300, 2, 50, 1000),
        _name(own, "depth", "max_depth"): count(6, 1.4, 2, 10),
        _name(own, "l2_leaf_reg", "reg_lambda"): around(3, 3, 0.1, 50),
        "random_strength": around(1, 4, 0.01, 20),
    }
