"""Leaderboards of fitted searches."""

import pytest
from sklearn.base import clone
from sklearn.svm import SVC

from skhpt import GridSearch, ManualSearch, RandomSearch


@pytest.mark.parametrize(
    "search",
    [
        GridSearch(SVC(), {"C": [0.1, 1, 10]}),
        RandomSearch(SVC(), {"C": [0.1, 1, 10]}, n_iter=3),
        ManualSearch(SVC(), [{"C": 1}]),
    ],
)
def test_leaderboards(iris, search):
    search = clone(search)
    with pytest.raises(AttributeError, match="not fitted yet"):
        search.leaderboard()
    search.fit(*iris)
    board = search.leaderboard(n=2)
    assert board["score"].iloc[0] == search.best_score_
    assert board.index[0] == search.best_index_
    assert board["param_C"].iloc[0] == search.best_params_["C"]
    assert len(board) == min(2, len(search.history_))
    assert f"{search.best_score_:.4f}" in search.leaderboard_text().splitlines()[2]


@pytest.mark.parametrize("n", [0, -1])
def test_leaderboards_have_rows(iris, n):
    with pytest.raises(ValueError, match="n == "):
        GridSearch(SVC(), {"C": [1]}).fit(*iris).leaderboard(n)


def test_a_fit_that_fails_leaves_the_old_leaderboard(iris):
    search = GridSearch(SVC(), {"C": [1, 2, 3]}).fit(*iris)
    before = search.leaderboard_text()
    with pytest.raises(ValueError, match="C"):
        search.set_params(param_grid={"C": [5, -1]}, error_score="raise").fit(*iris)
    assert search.leaderboard_text() == before


def test_leaderboard_follows_the_metric_of_the_refit(iris):
    grid = {"C": [0.01, 1, 10]}
    search = GridSearch(SVC(), grid, scoring=["accuracy", "f1_macro"], refit="f1_macro").fit(*iris)
    assert search.leaderboard()["score"].iloc[0] == search.best_score_
    search.set_params(refit=False).fit(*iris)
    assert search.leaderboard()["score"].iloc[0] == search.cv_results_["mean_test_accuracy"].max()
