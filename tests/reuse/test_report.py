"""Plans and reports of shared fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import randint
from sklearn.preprocessing import StandardScaler

from skhpt import GridSearch, RandomSearch
from skhpt.reuse.report import ReuseReport
from tests.reuse.comparison import (
    CLASSES,
    DEPTHS,
    FOREST,
    TABLE,
    TREE,
    pipe,
    table,
)

UNSORTED = sparse.csr_matrix(CLASSES[0])[:, [3, 1, 0, 2]]
UNSORTED = sparse.csr_matrix((UNSORTED.data, UNSORTED.indices, UNSORTED.indptr), shape=UNSORTED.shape)


def test_the_plan_and_the_report_say_which_fits_are_shared(capsys: pytest.CaptureFixture[str]) -> None:
    grid = {"a__num__b__n_components": [1, 2], "a__text__min_df": [1, 2], "b__max_depth": [1, 2]}
    search = GridSearch(table(TREE), grid, cv=3, verbose=1, refit=False)
    plan = search.plan(*TABLE)
    assert (plan.n_candidates, plan.n_splits) == (8, 3)
    assert plan.n_fits_asked == 8 * 5 * 3
    assert plan.parts["a__num__a: StandardScaler"] == (8, 1)
    assert plan.parts["b: DecisionTreeClassifier"] == (8, 8)
    search.fit(*TABLE)
    assert search.reuse_report_.plan == plan
    assert search.reuse_report_.n_fits == plan.n_fits == 3 * (1 + 1 + 1 + 1 + 8)
    printed = capsys.readouterr().out
    assert f"{plan.n_fits} of {plan.n_fits_asked} fits of steps were made" in printed
    assert str(plan) in str(search.reuse_report_)


@pytest.mark.parametrize(
    ("options", "X", "reason"),
    [
        ({"reuse": False}, CLASSES[0], "reuse=False"),
        ({}, UNSORTED, "X is a sparse matrix other than CSR with sorted indices"),
    ],
)
def test_the_plan_and_the_report_say_why_no_fits_are_shared(
    options: dict[str, Any], X: Any, reason: str
) -> None:
    search = GridSearch(TREE, {"max_depth": DEPTHS}, cv=3, **options)
    plan = search.plan(X, CLASSES[1])
    assert plan.n_fits == plan.n_fits_asked == 9
    assert plan.alone == {reason: 3}
    search.fit(X, CLASSES[1])
    assert str(search.reuse_report_) == f"3 candidates are fitted separately: {reason}"


def test_a_plan_changes_nothing() -> None:
    seeds = np.random.RandomState(0)
    search = RandomSearch(TREE, {"max_depth": randint(1, 9)}, n_iter=5, random_state=seeds, cv=3)
    before = set(vars(search))
    assert search.plan(*CLASSES).n_candidates == 5
    assert set(vars(search)) == before
    assert seeds.randint(1000) == np.random.RandomState(0).randint(1000)
    with pytest.raises(ValueError, match="use up cv"):
        GridSearch(TREE, {"max_depth": DEPTHS}, cv=iter([])).plan(*CLASSES)
    with pytest.raises(ValueError, match="'reuse' parameter of GridSearch"):
        GridSearch(TREE, {"max_depth": DEPTHS}, reuse="yes").plan(*CLASSES)


def test_racing_candidates_share_no_fits() -> None:
    search = RandomSearch(
        FOREST, {"n_estimators": randint(2, 5)}, n_iter=4, random_state=0, cv=3, racing=True
    )
    search.fit(*CLASSES)
    assert search.reuse_report_.plan.alone == {"racing=True": 4}


def test_fit_times_are_those_of_separate_fits() -> None:
    grid = {"b__n_estimators": [1, 20, 80], "b__max_depth": [3]}
    search = GridSearch(pipe(StandardScaler(), FOREST), grid, cv=3).fit(*CLASSES)
    smallest, medium, largest = search.cv_results_["mean_fit_time"]
    assert 0 < smallest < medium < largest


@pytest.mark.parametrize(("spent", "time"), [(0.84, ""), (0.96, ""), (0.71, ": 0.7 s instead of 0.8 s")])
def test_the_summary_has_a_time_if_it_is_shorter_as_printed(spent: float, time: str) -> None:
    summary = ReuseReport(seconds_spent=spent, seconds_asked=0.84).summary()
    assert summary == f"0 of 0 fits of steps were made, the others shared{time}"
