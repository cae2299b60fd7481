"""Draws from numpy's global generator: fits that draw are not shared, unless the draws do not affect them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch
from skhpt.reuse.draws import _ALWAYS_DRAW, always_draws
from skhpt.reuse.rng_guard import GlobalRngWatch
from tests.estimators import NoisyScaler
from tests.reuse.comparison import (
    CLASSES,
    DEPTHS,
    LAST_TREES,
    NUMBERS,
    TREE,
    TREES,
    Case,
    assert_same_scores_and_savings,
    pipe,
    run,
)

CASES = {
    "instance of RandomState in the last step": Case(
        pipe(StandardScaler(), ensemble.RandomForestClassifier(random_state=np.random.RandomState(3))),
        LAST_TREES,
    ),
    "instance of RandomState in a prefix": Case(
        pipe(PCA(2, svd_solver="randomized", random_state=np.random.RandomState(3)), TREE),
        {"b__max_depth": DEPTHS},
    ),
    "no seed": Case(ensemble.RandomForestClassifier(), TREES, saves=False),
    "no seed in the last step": Case(
        pipe(StandardScaler(), ensemble.RandomForestClassifier()), LAST_TREES, saves=False
    ),
    "no seed in a prefix": Case(
        pipe(PCA(2, svd_solver="randomized"), TREE), {"b__max_depth": DEPTHS}, saves=False
    ),
    "draws that do not affect the fit": Case(
        pipe(StandardScaler(), PCA(2, svd_solver="full"), SVC()), {"c__C": [0.1, 1], "c__gamma": [0.1, 1]}
    ),
    "draws of a regressor that has no parameter for a seed": Case(
        pipe(StandardScaler(), SVR()), {"b__C": [0.1, 1, 10]}, NUMBERS
    ),
    "candidates with and without a seed": Case(
        pipe(StandardScaler(), TREE),
        [
            {"b": [TREE], "b__max_depth": DEPTHS},
            {"b": [DecisionTreeClassifier(max_features=1)], "b__max_depth": DEPTHS},
            {"b": [GaussianNB()], "b__var_smoothing": [1e-9, 1e-3]},
        ],
        draws=True,
    ),
    "transformer of another library that draws": Case(
        pipe(NoisyScaler(), TREE), {"b__max_depth": DEPTHS}, saves=False
    ),
    "function that draws": Case(
        pipe(SelectKBest(mutual_info_classif), TREE), {"a__k": [1, 2], "b__max_depth": DEPTHS}, saves=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn_when_fits_draw(name: str) -> None:
    assert_same_scores_and_savings(CASES[name])


@pytest.mark.parametrize("estimator_class", list(_ALWAYS_DRAW))
def test_estimators_that_are_not_tried_do_draw(estimator_class: type) -> None:
    small = {"n_estimators": 2, "n_clusters": 2, "max_iter": 2, "probability": True, "early_stopping": False}
    estimator = estimator_class()
    estimator.set_params(**{name: value for name, value in small.items() if name in estimator.get_params()})
    assert always_draws(estimator)
    before = GlobalRngWatch().state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(*CLASSES)
    assert GlobalRngWatch().has_moved(before)
    assert not always_draws(estimator.set_params(random_state=0))


class CountedNoise(NoisyScaler):
    """Counts the fits of all instances."""

    n_fits = 0

    def fit(self, X, y=None):
        CountedNoise.n_fits += 1
        return super().fit(X, y)


class CountedScaler(StandardScaler):
    n_fits = 0

    def fit(self, X, y=None, sample_weight=None):
        CountedScaler.n_fits += 1
        return super().fit(X, y, sample_weight)


def accuracy_of_some(estimator, X, y):
    return estimator.score(X, y) + np.random.rand()


@pytest.mark.parametrize("scaler_class, scoring", [(CountedNoise, None), (CountedScaler, accuracy_of_some)])
def test_at_most_one_fit_is_made_twice_to_find_out_what_draws(scaler_class, scoring) -> None:
    scaler_class.n_fits = 0
    case = Case(pipe(scaler_class(), TREE), {"b__max_depth": DEPTHS}, options={"scoring": scoring})
    assert not run(GridSearch, case, return_train_score=False).reuse_report_.saves
    assert scaler_class.n_fits <= 3 * len(DEPTHS) + 1


def test_no_fit_is_made_twice_if_a_model_is_known_to_draw() -> None:
    CountedScaler.n_fits = 0
    forest = ensemble.RandomForestClassifier(2)
    search = run(GridSearch, Case(pipe(CountedScaler(), forest), {"b__max_depth": DEPTHS}))
    assert not search.reuse_report_.declined
    assert "draws from numpy's global generator" in str(search.reuse_report_)
    assert CountedScaler.n_fits == 3 * len(DEPTHS)
