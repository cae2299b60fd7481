"""Contract of sub-models: a view predicts the same, to the last bit, as a separate fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, feature_selection, linear_model, naive_bayes
from sklearn.covariance import EmpiricalCovariance
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skhpt.reuse.submodels import registered_submodels, submodels_of
from tests.reuse.submodels.cases import (
    BOOSTERS,
    CASES,
    CLASSIFIERS,
    DEPRECATED,
    REGRESSORS,
    Case,
    check_views,
    each,
)

#: Estimators whose parameters forbid sharing, and a parameter that a single fit otherwise serves.
NOT_SHARED = [
    (linear_model.Ridge(solver="lsqr"), "alpha"),
    (linear_model.Ridge(positive=True), "alpha"),
    (linear_model.Ridge(alpha=[1.0, 2.0]), "alpha"),
    (KernelRidge(kernel="precomputed"), "alpha"),
    (KernelRidge(kernel=np.vdot), "alpha"),
    (LinearDiscriminantAnalysis(), "shrinkage"),
    (LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), "shrinkage"),
    (LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=EmpiricalCovariance()), "shrinkage"),
    (PLSRegression(copy=False), "n_components"),
    (naive_bayes.MultinomialNB(alpha=[1.0, 2.0]), "alpha"),
    (linear_model.Lasso(copy_X=False), "max_iter"),
    (linear_model.SGDClassifier(warm_start=True), "max_iter"),
    (KNeighborsClassifier(metric="precomputed"), "n_neighbors"),
    (KNeighborsClassifier(metric=np.vdot), "n_neighbors"),
    (KNeighborsRegressor(metric_params={"w": [1.0] * 4}), "n_neighbors"),
    (KNeighborsRegressor(n_neighbors=None), "n_neighbors"),
    (PCA(svd_solver="randomized"), "n_components"),
    (PCA(copy=False), "n_components"),
    (feature_selection.SelectKBest(feature_selection.mutual_info_classif), "k"),
    (feature_selection.SelectFromModel(linear_model.Ridge(), max_features=len), "threshold"),
    (feature_selection.SelectFromModel(linear_model.Ridge(), prefit=True), "threshold"),
    (ensemble.RandomForestClassifier(oob_score=True), "ccp_alpha"),
    (ensemble.ExtraTreesClassifier(warm_start=True), "ccp_alpha"),
    (ensemble.VotingClassifier(CLASSIFIERS, n_jobs=2), "weights"),
    (ensemble.StackingClassifier(CLASSIFIERS, cv=KFold(3, shuffle=True)), "final_estimator"),
    (ensemble.StackingRegressor(REGRESSORS, cv=ShuffleSplit(3)), "final_estimator"),
]


# scikit-learn 1.6, newer scipy.
@pytest.mark.filterwarnings("ignore:scipy.optimize.*iprint:DeprecationWarning")
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_view_predicts_the_same_as_a_separate_fit(case: Case) -> None:
    check_views(case)


@pytest.mark.parametrize(("package", "name", "params", "data"), BOOSTERS)
def test_a_view_of_boosted_trees_predicts_the_same_as_a_separate_fit(
    package: str, name: str, params: dict[str, Any], data: str
) -> None:
    booster_class = getattr(pytest.importorskip(package), name)
    verbosity = {"verbose": -1} if package == "lightgbm" else {}
    estimator = booster_class(n_estimators=5, n_jobs=1, **verbosity, **params)
    check_views(Case(estimator, each("n_estimators", 3, 7, 12), data))


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize(("name", "data"), DEPRECATED)
def test_a_view_of_a_deprecated_estimator_predicts_the_same_as_a_separate_fit(name: str, data: str) -> None:
    if not hasattr(linear_model, name):
        pytest.skip("scikit-learn has removed the class")
    estimator = getattr(linear_model, name)(random_state=0)
    check_views(Case(estimator, each("max_iter", 1, 500, 1000), data))


def test_every_submodel_of_the_package_has_a_case() -> None:
    cases = {(type(case.estimator).__name__, case.parameters, case.is_close) for case in CASES}
    cases |= {(name, ("n_estimators",), False) for _, name, _, _ in BOOSTERS}
    cases |= {(name, ("max_iter",), False) for name, _ in DEPRECATED}
    registered = set()
    for submodel in registered_submodels():
        if not submodel.is_foreign:
            registered.add(
                (submodel.estimator.__name__, tuple(sorted(submodel.parameters)), submodel.is_close)
            )
    assert registered - cases == set()


@pytest.mark.parametrize(
    ("estimator", "parameter"), NOT_SHARED, ids=lambda value: re.sub(r" at 0x[0-9a-f]+|\s+", "", str(value))
)
def test_estimators_whose_views_could_differ_share_nothing(estimator: Any, parameter: str) -> None:
    assert not any(parameter in submodel.parameters for submodel in submodels_of(estimator))
