"""Searches draw what scikit-learn's searches draw, in the same order, and leave generators in the same state."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import RandomState
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import Lasso, Ridge, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    KFold,
    RandomizedSearchCV,
    StratifiedShuffleSplit,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, RandomSearch
from tests.estimators import NoisyScaler

IRIS = tuple(part[::3] for part in load_iris(return_X_y=True))
DIABETES = tuple(part[:45] for part in load_diabetes(return_X_y=True))
GROUPS = np.arange(len(IRIS[1])) % 7
FOREST = RandomForestClassifier(2)
SHUFFLED = KFold(2, shuffle=True)


class Same(TransformerMixin, BaseEstimator):
    """A transformer that nobody knows, and that draws nothing."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * 1.0


def bootstrap_accuracy(estimator, X, y):
    rows = np.random.choice(len(X), 20)
    return estimator.score(X[rows], y[rows])


def outcome(search: Any, data: Any, fit_params: dict[str, Any], n_fits: int = 2) -> dict[str, Any]:
    """Fit a search several times, and return its candidates, scores and predictions, and the states it leaves."""
    np.random.seed(0)
    seen: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(n_fits):
            search.fit(*data, **fit_params)
            for name, column in search.cv_results_.items():
                if name.startswith("split"):
                    seen[f"{name} of fit {i}"] = column
            seen[f"params of fit {i}"] = [repr(_native(params)) for params in search.cv_results_["params"]]
    if hasattr(search, "best_estimator_"):
        seen["predictions"] = search.predict(data[0])
    for name, generator in {"global": np.random.mtrand._rand, **_generators(search)}.items():
        seen[f"state of {name}"] = np.concatenate([generator.get_state()[1], generator.get_state()[2:]])
    return seen


def _native(params: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "item", lambda value=value: value)() for name, value in params.items()}


def _generators(search: Any) -> dict[str, RandomState]:
    values = {"search": getattr(search, "random_state", None), "cv": getattr(search.cv, "random_state", None)}
    return {name: value for name, value in values.items() if isinstance(value, RandomState)}


def assert_same(expected: dict[str, Any], found: dict[str, Any]) -> None:
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


C = {"svc__C": [0.1, 1, 10]}
MIXED = [
    {"svc": [SVC()], "svc__C": [1, 10]},
    {"svc": [FOREST], "svc__max_depth": [1, 2]},
    {"svc": [SVC(kernel="linear")], "svc__C": [1, 10]},
    {"svc": [DecisionTreeClassifier(max_features=1)]},
]
ALPHAS = {"lasso__alpha": [0.1, 1], "lasso__max_iter": [100, 1000]}
#: Estimator, grid, data, whether fits are saved, other arguments of the search.
GRIDS: dict[str, tuple[Any, Any, Any, bool, dict[str, Any]]] = {
    "forest": (FOREST, {"max_depth": [1, 2, 3]}, IRIS, False, {}),
    "model in a pipeline": (scaled(FOREST), {"randomforestclassifier__max_depth": [1, 2]}, IRIS, False, {}),
    "seeds that are not used": (scaled(SVC()), C, IRIS, True, {}),
    "without refit": (scaled(SVC()), C, IRIS, True, {"refit": False}),
    "seeds next to draws": (scaled(SVC()), MIXED, IRIS, True, {}),
    "with groups": (scaled(SVC()), MIXED, IRIS, True, {"cv": GroupShuffleSplit(2)}),
    "probabilities": (scaled(SVC(probability=True)), C, IRIS, False, {}),
    "regressor without a parameter for a seed": (scaled(SVR()), {"svr__C": [1, 10]}, DIABETES, True, {}),
    "another one": (scaled(NuSVR()), {"nusvr__kernel": ["linear", "rbf"]}, DIABETES, True, {}),
    "outliers": (
        scaled(OneClassSVM()),
        {"oneclasssvm__nu": [0.1, 0.2]},
        IRIS,
        True,
        {"scoring": "accuracy"},
    ),
    "several seeds for each fit": (
        scaled(OneVsRestClassifier(SVC())),
        {"onevsrestclassifier__estimator__C": [1, 2]},
        IRIS,
        True,
        {},
    ),
    "limit of iterations": (scaled(Lasso()), ALPHAS, DIABETES, True, {}),
    "order of coordinates": (scaled(Lasso(selection="random")), ALPHAS, DIABETES, False, {}),
    "elimination of features": (
        make_pipeline(RFE(SVC(kernel="linear")), KNeighborsClassifier()),
        {"rfe__n_features_to_select": [1, 2, 3], "kneighborsclassifier__n_neighbors": [1, 3]},
        IRIS,
        True,
        {},
    ),
    "selection by a model": (
        make_pipeline(SelectFromModel(Lasso(0.01)), SVC()),
        {"selectfrommodel__threshold": [0.001, 0.1], **C},
        IRIS,
        True,
        {},
    ),
    "votes": (
        VotingClassifier([("a", SVC()), ("b", KNeighborsClassifier())]),
        {"weights": [[1, 2], [2, 1]], "a__C": [1, 2]},
        IRIS,
        True,
        {},
    ),
    "stack": (
        StackingClassifier([("a", SVC()), ("b", KNeighborsClassifier())], cv=2),
        {"final_estimator": [KNeighborsClassifier(), SVC(), SVC(C=3)]},
        IRIS,
        True,
        {},
    ),
    "members that draw": (
        BaggingRegressor(SVR(), random_state=0),
        {"n_estimators": [2, 4]},
        DIABETES,
        False,
        {},
    ),
    "failing candidates": (
        make_pipeline(PCA(), SVC()),
        {"pca__n_components": [2, 99], "svc__gamma": [0.1, "auto"], **C},
        IRIS,
        True,
        {},
    ),
    "the same candidate again": (SVC(), [{"C": [1, 1]}, {"C": [1]}], IRIS, True, {}),
    "unknown transformer": (make_pipeline(Same(), SVC()), C, IRIS, True, {}),
    "unknown transformer that draws": (make_pipeline(NoisyScaler(), SVC()), C, IRIS, False, {}),
    "scorer that draws": (scaled(SVC()), C, IRIS, False, {"scoring": bootstrap_accuracy}),
    "gradient descent": (scaled(SGDClassifier()), {"sgdclassifier__alpha": [1e-3, 1e-2]}, IRIS, False, {}),
    "shuffled folds": (scaled(SVC()), C, IRIS, True, {"cv": SHUFFLED}),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_search_draws_as_scikit_learn_does(name: str) -> None:
    estimator, grid, data, saves, options = GRIDS[name]
    options = {"cv": 2, **options}
    fit_params = {"groups": GROUPS} if isinstance(options["cv"], GroupShuffleSplit) else {}
    expected = outcome(GridSearchCV(estimator, grid, **options), data, fit_params)
    search = GridSearch(estimator, grid, **options)
    assert_same(expected, outcome(search, data, fit_params))
    report = search.reuse_report_
    assert (report.n_fits < report.plan.n_fits_asked) == saves, report


def unseeded(search: Any) -> Any:
    return search(Ridge(), {"alpha": loguniform(0.1, 10)}, n_iter=4, cv=SHUFFLED)


def without_seed_for_the_folds(search: Any) -> Any:
    return search(SVC(), {"C": loguniform(0.1, 10)}, n_iter=4, cv=StratifiedShuffleSplit(2), random_state=3)


def lists(search: Any) -> Any:
    space = [{"C": [1, 2, 3, 4]}, {"kernel": ["linear"], "C": [1, 2]}]
    return search(SVC(), space, n_iter=4, cv=SHUFFLED)


def models(search: Any) -> Any:
    space = [
        {"svc": [SVC()], "svc__C": loguniform(0.1, 10)},
        {"svc": [FOREST], "svc__max_depth": randint(1, 4)},
    ]
    return search(scaled(SVC()), space, n_iter=7, cv=SHUFFLED)


def one_generator(search: Any) -> Any:
    rng = RandomState(5)
    cv = KFold(2, shuffle=True, random_state=rng)
    return search(scaled(SVC()), {"svc__C": loguniform(0.1, 10)}, n_iter=4, cv=cv, random_state=rng)


def one_generator_for_the_model_too(search: Any) -> Any:
    rng = RandomState(5)
    cv = KFold(2, shuffle=True, random_state=rng)
    model = RandomForestClassifier(2, random_state=rng)
    return search(model, {"max_depth": randint(1, 5)}, n_iter=4, cv=cv, random_state=rng)


def the_global_generator(search: Any) -> Any:
    rng: Any = np.random.mtrand._rand
    cv = KFold(2, shuffle=True, random_state=rng)
    model = RandomForestClassifier(2, random_state=rng)
    return search(model, {"max_depth": randint(1, 5)}, n_iter=4, cv=cv, random_state=rng)


RANDOM_SEARCHES = (
    unseeded,
    without_seed_for_the_folds,
    lists,
    models,
    one_generator,
    one_generator_for_the_model_too,
    the_global_generator,
)


@pytest.mark.parametrize("make", RANDOM_SEARCHES)
def test_a_random_search_draws_as_scikit_learn_does(make: Callable[[Any], Any]) -> None:
    expected = outcome(make(RandomizedSearchCV), IRIS, {})
    assert_same(expected, outcome(make(RandomSearch), IRIS, {}))


@pytest.mark.parametrize("make", [unseeded, models, one_generator])
def test_a_journal_changes_no_draw_and_repeats_the_draws(make: Callable[[Any], Any], tmp_path: Any) -> None:
    expected = outcome(make(RandomSearch), IRIS, {}, n_fits=1)
    journaled = make(RandomSearch).set_params(journal=tmp_path / "journal")
    assert_same(expected, outcome(journaled, IRIS, {}, n_fits=1))
    n_iter = 4 if make is one_generator else 9  # more points would advance the generator of the folds
    resumed = make(RandomSearch).set_params(journal=tmp_path / "journal", n_iter=n_iter).fit(*IRIS)
    same = outcome(make(RandomSearch).set_params(n_iter=n_iter), IRIS, {}, n_fits=1)
    assert [repr(_native(params)) for params in resumed.cv_results_["params"]] == same["params of fit 0"]


@pytest.mark.parametrize("make", RANDOM_SEARCHES)
def test_a_plan_advances_no_generator(make: Callable[[Any], Any]) -> None:
    expected = outcome(make(RandomSearch), IRIS, {}, n_fits=1)
    search = make(RandomSearch)
    search.plan(*IRIS)
    assert_same(expected, outcome(search, IRIS, {}, n_fits=1))
    np.random.seed(0)
    before = np.random.get_state()[1:]
    search.plan(*IRIS)
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])
    assert before[1:] == np.random.get_state()[2:]
