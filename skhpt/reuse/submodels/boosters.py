"""Boosted trees of LightGBM and XGBoost: the trees of the first rounds are the model with fewer rounds.

Boosters of both packages can be truncated, so that a view gets a booster with just its own trees. A package
is imported when an estimator of it is first seen.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from skhpt._typing import ArrayLike, Estimator
from skhpt.reuse.submodels.registry import (
    plain_fit,
    register_on_first_use,
    register_submodel,
    with_fitted_state,
)


def _fit_without_params(estimator: Estimator, X: ArrayLike, y: ArrayLike) -> Estimator:
    """Fit without fit parameters: callbacks and initial models may depend on the number of rounds."""
    return plain_fit(estimator, X, y)


def _has_positive_rounds(model: Estimator) -> bool:
    n = model.n_estimators
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and bool(n > 0)


def _register_rounds(
    package: str, names: tuple[str, ...], truncate: Callable[..., Any], is_exact: Callable[[Estimator], bool]
) -> None:
    module = import_module(package)
    for name in names:
        register_submodel(
            getattr(module, name),
            "n_estimators",
            truncate,
            is_exact=is_exact,
            fit=_fit_without_params,
            grows=True,
        )


# -- LightGBM ------------------------------------------------------------------------------------------------


def _lightgbm_only_appends(model: Estimator) -> bool:
    """Tell whether a round never changes earlier trees, and only `n_estimators` limits the number of rounds."""
    # LightGBM's table of other names of a parameter
    aliases = getattr(import_module("lightgbm.basic"), "_ConfigAliases", None)
    if aliases is None or not _has_positive_rounds(model):
        return False
    names = aliases.get("boosting", "num_iterations", "early_stopping_round")
    conflicting = names - {"boosting_type", "n_estimators"}
    params = model.get_params(deep=False)
    return params["boosting_type"] in ("gbdt", "goss", "rf") and conflicting.isdisjoint(params)


def _truncate_lightgbm(model: Estimator, estimator: Estimator) -> Estimator | None:
    n_rounds, n_fitted, booster = estimator.n_estimators, model.n_estimators, model.booster_
    if not hasattr(booster, "_handle") or booster.best_iteration > 0:  # `_handle`: see `_truncated_booster`
        return None
    if n_rounds < n_fitted and booster.current_iteration() < n_fitted:
        return None  # some rounds found no split and left no tree, and the booster does not say which rounds
    truncated = _truncated_booster(booster, n_rounds, n_fitted)
    # `_Booster` is the fitted state of a model; `_other_params` are parameters that its constructor does not
    # name
    return with_fitted_state(estimator, model, _Booster=truncated, _other_params=estimator._other_params)


def _truncated_booster(booster: Any, n_rounds: int, n_fitted: int) -> Any:
    """Copy a LightGBM booster with the trees of its first rounds, as if it was fitted with so many rounds.

    The copy is made like an unpickled booster: LightGBM pickles a booster as a dict of its attributes in
    which the pointer `_handle` is replaced by the model as text, and `__setstate__` reads that text.
    ``Booster(model_str=...)`` would lose the other attributes. The text ends with the parameters of the fit,
    so that the number of rounds is replaced in them, too.
    """
    text = booster.model_to_string(num_iteration=n_rounds)
    text = text.replace(f"\n[num_iterations: {n_fitted}]\n", f"\n[num_iterations: {n_rounds}]\n")
    params = {**booster.params, "num_iterations": n_rounds}
    truncated = object.__new__(type(booster))
    truncated.__setstate__({**vars(booster), "_handle": text, "params": params})
    return truncated


def _register_lightgbm() -> None:
    _register_rounds(
        "lightgbm", ("LGBMClassifier", "LGBMRegressor"), _truncate_lightgbm, _lightgbm_only_appends
    )


# -- XGBoost -------------------------------------------------------------------------------------------------


def _xgboost_only_appends(model: Estimator) -> bool:
    """Tell whether a round never changes earlier trees, and only `n_estimators` limits the number of rounds."""
    if not _has_positive_rounds(model) or model.booster not in (None, "gbtree"):
        return False
    if isinstance(model.random_state, np.random.RandomState | np.random.Generator):
        return False  # each clone draws another seed from it
    if model.early_stopping_rounds is not None or model.callbacks:
        return False
    return "process_type" not in getattr(model, "kwargs", {})  # "update" changes earlier trees


def _truncate_xgboost(model: Estimator, estimator: Estimator) -> Estimator | None:
    booster = model.get_booster()
    if booster.num_boosted_rounds() != model.n_estimators:
        return None
    if "c" in (booster.feature_types or ()):
        return None  # a truncated booster loses the categories of the training data
    truncated = booster[: estimator.n_estimators]
    # `_Booster` is the fitted state of a model; `fit` may replace the parameter `objective`
    return with_fitted_state(estimator, model, _Booster=truncated, objective=model.objective)


def _register_xgboost() -> None:
    _register_rounds("xgboost", ("XGBClassifier", "XGBRegressor"), _truncate_xgboost, _xgboost_only_appends)


register_on_first_use("lightgbm", _register_lightgbm)
register_on_first_use("xgboost", _register_xgboost)
