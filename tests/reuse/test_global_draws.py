"""Draws from numpy's global generator: fits that draw are not shared, unless the draws do not affect them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.estimators import NoisyScaler
from tests.reuse.comparison import (
    DEPTHS,
    LAST_TREES,
    TREE,
    TREES,
    Case,
    assert_same_scores_and_savings,
    pipe,
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
