"""Names of the number of boosting rounds: HyperbandSearchCV with CatBoost, LightGBM and XGBoost."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import HyperbandSearchCV
from skhpt.fitting.boosting_rounds import name_with_effect, names_of
from tests.search.multi_fidelity import Grower

X = np.random.default_rng(0).normal(size=(90, 3))
Y = (X[:, 0] > 0).astype(int)


def booster(package, **params):
    """Return an estimator of a class with the module of a package, and any parameters."""

    class Booster(Grower):
        def get_params(self, deep=True):
            return params

    Booster.__module__ = f"{package}.sklearn"
    return Booster()


@pytest.mark.parametrize(
    "package, params, name, effective",
    [
        ("catboost", {}, "num_trees", "num_trees"),
        ("catboost", {"iterations": 5}, "num_trees", "iterations"),
        ("catboost", {"n_estimators": 5}, "iterations", "n_estimators"),
        ("lightgbm", {"n_estimators": 5}, "num_iterations", "n_estimators"),
        ("lightgbm", {"n_estimators": 5, "num_trees": 7}, "n_estimators", "num_trees"),
        ("lightgbm", {"n_estimators": 5}, "num_leaves", "num_leaves"),
        ("elsewhere", {"iterations": 5}, "num_trees", "num_trees"),
    ],
)
def test_the_name_that_has_effect(package, params, name, effective):
    assert name_with_effect(booster(package, **params), name) == effective


def test_a_subclass_of_a_booster_has_its_names():
    class Own(type(booster("catboost"))):
        pass

    assert names_of(Own(), "iterations") == ("iterations", "n_estimators", "num_boost_round", "num_trees")
    assert names_of(Grower(), "size") == ("size",)


def search(estimator, space, resource, **params):
    params = {"max_resources": 9, "n_candidates": 3, "cv": 3, "random_state": 0, **params}
    return HyperbandSearchCV(estimator, space, resource=resource, **params)


@pytest.mark.parametrize(
    "resource, given",
    [
        ("iterations", {}),
        ("num_trees", {}),
        ("num_boost_round", {"iterations": 9}),
        ("iterations", {"n_estimators": 9}),
    ],
)
def test_catboost(resource, given):
    catboost = pytest.importorskip("catboost")
    estimator = catboost.CatBoostClassifier(verbose=0, thread_count=1, allow_writing_files=False, **given)
    fitted = search(estimator, {"depth": [1, 2, 3]}, resource, min_resources=3).fit(X, Y)
    assert fitted.resource_ == next(iter(given), resource)
    assert fitted.best_estimator_.tree_count_ == 9
    assert fitted.n_resources_ == [3, 9, 9]


def test_catboost_in_a_pipeline_and_its_default_number_of_rounds():
    catboost = pytest.importorskip("catboost")
    estimator = make_pipeline(StandardScaler(), catboost.CatBoostRegressor(verbose=0))
    space = {"catboostregressor__depth": [1, 2, 3]}
    by_default = search(estimator, space, "catboostregressor__iterations", max_resources="auto")
    assert by_default.plan(X, X[:, 0]).max_resources == 1000
    with pytest.raises(
        ValueError, match="resource='catboostregressor__num_trees' is also a parameter of the"
    ):
        search(estimator, {"catboostregressor__iterations": [1, 2]}, "catboostregressor__num_trees").fit(X, Y)
    with pytest.raises(ValueError, match="neither 'auto'"):
        search(estimator, space, "catboostregressor__iterationz").fit(X, Y)


def test_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    space = {"max_depth": [1, 2, 3]}
    for given in ({}, {"num_iterations": 9}):
        estimator = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1, min_child_samples=2, **given)
        fitted = search(estimator, space, "n_estimators").fit(X, Y)
        assert fitted.best_estimator_.n_estimators_ == 9
    with pytest.raises(ValueError, match="neither 'auto'"):
        search(estimator, space, "n_estimatorz").fit(X, Y)


def test_xgboost():
    xgboost = pytest.importorskip("xgboost")
    plan = search(xgboost.XGBClassifier(), {"max_depth": [1, 2, 3]}, "n_estimators", max_resources="auto")
    assert plan.plan(X, Y).max_resources == 100
