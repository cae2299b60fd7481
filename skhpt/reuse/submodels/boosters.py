"""Boosted trees of LightGBM and XGBoost: those of the first rounds are the model with fewer rounds.

The boosters of both packages can be cut, so a view has one of its own, with no more trees than it should have. Neither
package is imported before an estimator of it is seen.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from skhpt.reuse.submodels.registry import SubModel, fit_whole, register, register_late, take_over


def _fit_plainly(estimator: Any, X: Any, y: Any) -> Any:
    """Fit without parameters of ``fit``: callbacks and models to start from may depend on the number of rounds."""
    return fit_whole(estimator, X, y)


def _has_rounds(booster: Any) -> bool:
    n = booster.n_estimators
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and bool(n > 0)


# -- LightGBM ----------------------------------------------------------------------------------------------------


def _lightgbm_boosts_on(model: Any) -> bool:
    """Tell whether each round leaves the trees before it alone, and nothing but `n_estimators` says when to stop."""
    names = getattr(import_module("lightgbm.basic"), "_ConfigAliases", None)
    if names is None or not _has_rounds(model):
        return False
    risky = names.get("boosting", "num_iterations", "early_stopping_round") - {"boosting_type", "n_estimators"}
    params = model.get_params(deep=False)
    return params["boosting_type"] in ("gbdt", "goss", "rf") and risky.isdisjoint(params)


def _first_rounds_of_lightgbm(model: Any, estimator: Any) -> Any:
    n, most, booster = estimator.n_estimators, model.n_estimators, model.booster_
    if not hasattr(booster, "_handle") or booster.best_iteration > 0:
        return None
    if n < most and booster.current_iteration() < most:
        return None  # some rounds found nothing to split, and there is no telling which
    text = booster.model_to_string(num_iteration=n)
    text = text.replace(f"\n[num_iterations: {most}]\n", f"\n[num_iterations: {n}]\n")
    first = object.__new__(type(booster))
    first.__setstate__({**vars(booster), "_handle": text, "params": {**booster.params, "num_iterations": n}})
    return take_over(estimator, model, _Booster=first, _other_params=estimator._other_params)


def _register_lightgbm() -> None:
    package = import_module("lightgbm")
    for model in (package.LGBMClassifier, package.LGBMRegressor):
        register(
            SubModel(
                model,
                ("n_estimators",),
                _first_rounds_of_lightgbm,
                is_exact=_lightgbm_boosts_on,
                fit=_fit_plainly,
                grows=True,
            )
        )


# -- XGBoost -----------------------------------------------------------------------------------------------------


def _xgboost_boosts_on(model: Any) -> bool:
    """Tell whether each round leaves the trees before it alone, and nothing but `n_estimators` says when to stop."""
    if isinstance(model.random_state, np.random.RandomState | np.random.Generator):
        return False  # every clone draws another seed from it
    stops = model.early_stopping_rounds is not None or model.callbacks
    others = getattr(model, "kwargs", {})
    return _has_rounds(model) and model.booster in (None, "gbtree") and not stops and "process_type" not in others


def _first_rounds_of_xgboost(model: Any, estimator: Any) -> Any:
    booster = model.get_booster()
    if booster.num_boosted_rounds() != model.n_estimators or "c" in (booster.feature_types or ()):
        return None  # a cut booster has forgotten the categories of the training data
    return take_over(estimator, model, _Booster=booster[: estimator.n_estimators], objective=model.objective)


def _register_xgboost() -> None:
    package = import_module("xgboost")
    for model in (package.XGBClassifier, package.XGBRegressor):
        register(
            SubModel(
                model,
                ("n_estimators",),
                _first_rounds_of_xgboost,
                is_exact=_xgboost_boosts_on,
                fit=_fit_plainly,
                grows=True,
            )
        )


register_late("lightgbm", _register_lightgbm)
register_late("xgboost", _register_xgboost)
