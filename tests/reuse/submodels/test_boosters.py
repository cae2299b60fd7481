"""Boosted trees of LightGBM and XGBoost that share their first rounds."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import BOOSTERS, assert_same, make_data

NOT_SHARED = [
    ("lightgbm", "LGBMClassifier", {"boosting_type": "dart"}),
    ("lightgbm", "LGBMClassifier", {"boosting": "dart"}),
    ("lightgbm", "LGBMRegressor", {"early_stopping_rounds": 3}),
    ("lightgbm", "LGBMRegressor", {"num_trees": 7}),
    ("lightgbm", "LGBMRegressor", {"n_estimators": 0}),
    ("xgboost", "XGBClassifier", {"booster": "dart"}),
    ("xgboost", "XGBClassifier", {"booster": "gblinear"}),
    ("xgboost", "XGBRegressor", {"early_stopping_rounds": 3}),
    ("xgboost", "XGBRegressor", {"random_state": np.random.RandomState(0)}),
    ("xgboost", "XGBRFRegressor", {}),
]


@pytest.mark.parametrize(("package", "name", "params", "data"), BOOSTERS)
def test_a_view_can_be_pickled(package: str, name: str, params: dict[str, Any], data: str) -> None:
    booster_class = getattr(pytest.importorskip(package), name)
    verbosity = {"verbose": -1} if package == "lightgbm" else {}
    estimator = booster_class(n_estimators=5, n_jobs=1, **verbosity, **params)
    X, y, _ = make_data(data)
    [submodel] = submodels_of(estimator)
    view = submodel.view(submodel.fit(clone(estimator).set_params(n_estimators=9), X, y), clone(estimator))
    assert_same(pickle.loads(pickle.dumps(view)).predict(X), clone(estimator).fit(X, y).predict(X))


@pytest.mark.parametrize(("package", "name", "params"), NOT_SHARED)
def test_boosters_whose_rounds_depend_on_later_rounds_or_other_limits_share_nothing(
    package: str, name: str, params: dict[str, Any]
) -> None:
    booster_class = getattr(pytest.importorskip(package), name)
    assert not submodels_of(booster_class(**{"n_estimators": 5, **params}))


def test_a_lightgbm_model_that_stops_growing_has_no_smaller_views() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    X, y, _ = make_data("numbers")
    [submodel] = submodels_of(lightgbm.LGBMRegressor())
    model = submodel.fit(lightgbm.LGBMRegressor(n_estimators=9, min_split_gain=1e9, verbose=-1), X, y)
    assert model.n_estimators_ < 9
    assert submodel.view(model, clone(model).set_params(n_estimators=8)) is None
    assert_same(submodel.view(model, clone(model)).predict(X), model.predict(X))
