"""GridSearch and RandomSearch beyond scikit-learn: distributions on grids, evenly spread draws, failures."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpt import GridSearch, RandomSearch
from tests.estimators import Failing, Null

X = np.zeros((12, 1))
Y = np.arange(12) % 3


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


def test_grid_of_distributions():
    grid = {"value": stats.randint(0, 100)}
    assert values(GridSearch(Null(), grid, cv=2).fit(X, Y)) == [0, 24, 49, 74, 99]
    assert values(GridSearch(Null(), grid, cv=2, resolution={"value": 2}).fit(X, Y)) == [0, 99]


@pytest.mark.parametrize("sampler", ["random", "sobol", "halton"])
def test_random_search_samplers(sampler):
    space = {"value": stats.randint(0, 10**6)}
    search = RandomSearch(Null(), space, n_iter=8, cv=2, sampler=sampler, random_state=0)
    assert values(clone(search).fit(X, Y)) == values(clone(search).fit(X, Y))
    if sampler != "random":  # one point in each eighth of the range
        assert sorted(value // 125_000 for value in values(search.fit(X, Y))) == pytest.approx(
            range(8), abs=1
        )


def test_unique_random_search_stops_when_the_space_is_exhausted():
    search = RandomSearch(
        Null(), {"value": stats.randint(0, 6)}, n_iter=10, unique=True, random_state=0, cv=2
    )
    with pytest.warns(UserWarning, match="total space of parameters 6 is smaller than n_iter=10"):
        search.fit(X, Y)
    assert sorted(values(search)) == list(range(6))


@pytest.mark.parametrize("search", [GridSearch, RandomSearch])
def test_constraints(search):
    found = search(Null(), {"value": list(range(10))}, constraint=lambda p: p["value"] % 2 == 0, cv=2)
    found.set_params(**({"n_iter": 5} if search is RandomSearch else {})).fit(X, Y)
    assert sorted(values(found)) == [0, 2, 4, 6, 8]


def test_a_failing_candidate_is_kept_with_its_error():
    with pytest.warns(match="2 fits failed out of a total of 6"):
        search = GridSearch(Failing(bad=(1,)), {"value": [0, 1, 2]}, cv=2, error_score=-1.0).fit(X, Y)
    assert [trial.state for trial in search.history_] == ["ok", "failed", "ok"]
    assert "no luck with 1" in search.history_[1].folds[0].error
    assert search.leaderboard()["state"].tolist() == ["ok", "ok", "failed"]


def test_an_impossible_combination_fails_alone():
    pipe = Pipeline([("clf", SVC())])
    grid = {"clf": [SVC(), LogisticRegression()], "clf__kernel": ["rbf"]}
    with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
        search = GridSearch(pipe, grid, cv=2).fit(np.arange(12.0)[:, None], Y)
    assert [trial.state for trial in search.history_] == ["ok", "failed"]


def test_scores_computed_before_an_error_are_kept():
    search = GridSearch(Failing(bad=(2,)), {"value": [0, 1, 2, 3]}, cv=2, error_score="raise")
    with pytest.raises(ArithmeticError, match="no luck with 2"):
        search.fit(X, Y)
    assert [trial.state for trial in search.history_] == ["ok", "ok", "pending", "pending"]
    with pytest.warns(match="2 fits failed out of a total of 4"), pytest.warns(match="non-finite"):
        search.set_params(warm_start=True, error_score=np.nan).fit(X, Y)
    assert values(search) == [0, 1, 2, 3]
