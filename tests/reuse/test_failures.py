"""Candidates that fail: each has its own error, and the others keep their scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tests.estimators import Failing, Picky
from tests.reuse.comparison import (
    DEPTHS,
    FOREST,
    TREE,
    Case,
    assert_same_scores_and_savings,
    pipe,
)

CASES = {
    "numbers of trees that are not valid": Case(FOREST, {"n_estimators": [3, 0, -1, 5, "many"]}),
    "parameters without effect that are not valid": Case(
        SVC(), {"kernel": ["linear"], "gamma": [0.1, -1.0], "C": [1]}, saves=False
    ),
    "failing step": Case(
        pipe(Picky(), TREE),
        {"a__factor": [1.0, -1.0, 2.0], "b__max_depth": DEPTHS},
        options={"error_score": -1.0},
    ),
    "failing model": Case(
        pipe(StandardScaler(), Failing(bad=(1,))),
        {"b__value": [0, 1, 2, 3, 4, 1]},
        options={"error_score": np.nan},
    ),
    "too many components": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), TREE),
        {"b__n_components": [1, 2, 99], "c__max_depth": DEPTHS},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn_when_candidates_fail(name: str) -> None:
    assert_same_scores_and_savings(CASES[name])
