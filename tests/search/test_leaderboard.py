"""Leaderboards of fitted searches."""

import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import (
    BayesSearchCV,
    GridSearch,
    HyperbandSearchCV,
    ManualSearch,
    RandomSearch,
    read_journal,
    select,
)

TREE = DecisionTreeClassifier(random_state=0)


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
    assert board["mean_test_score"].iloc[0] == search.best_score_
    assert board.index[0] == search.best_index_
    assert board["param_C"].iloc[0] == search.best_params_["C"]
    assert len(board) == min(2, len(search.history_))
    assert f"{search.best_score_:.4f}" in search.leaderboard_text().splitlines()[2]


@pytest.mark.parametrize("n", [0, -1, 1.5, "all"])
def test_leaderboards_have_rows(iris, n):
    with pytest.raises(ValueError, match="n must be a positive integer"):
        GridSearch(SVC(), {"C": [1]}).fit(*iris).leaderboard(n)


def test_a_fit_that_fails_leaves_the_old_leaderboard(iris):
    search = GridSearch(SVC(), {"C": [1, 2, 3]}).fit(*iris)
    before = search.leaderboard_text()
    with pytest.raises(ValueError, match="C"):
        search.set_params(param_grid={"C": [5, -1]}, error_score="raise").fit(*iris)
    assert search.leaderboard_text() == before


METRICS = {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}


def test_leaderboard_follows_the_metric_of_the_refit(iris):
    search = GridSearch(SVC(), {"C": [0.01, 1, 10]}, **METRICS).fit(*iris)
    assert search.leaderboard()["mean_test_f1_macro"].iloc[0] == search.best_score_
    search.set_params(refit=False).fit(*iris)
    board = search.leaderboard()
    assert board.columns[0] == "rank_test_accuracy"
    assert board["mean_test_accuracy"].iloc[0] == search.cv_results_["mean_test_accuracy"].max()


def test_all_candidates_are_ranked_by_any_metric_under_the_names_of_the_table(iris):
    search = GridSearch(SVC(), {"C": [0.001 * 2**i for i in range(12)]}, **METRICS).fit(*iris)
    board = search.leaderboard(metric="accuracy")
    assert len(board) == 12
    table = pd.DataFrame(search.cv_results_)
    names = [f"{kind}_test_{metric}" for metric in ("accuracy", "f1_macro") for kind in ("mean", "std")]
    assert list(board.columns) == ["rank_test_accuracy", *names, "mean_fit_time", "state", "param_C"]
    assert board["rank_test_accuracy"].is_monotonic_increasing
    for name in ["rank_test_accuracy", *names, "mean_fit_time", "param_C"]:
        assert (board[name] == table.loc[board.index, name]).all()
    assert len(search.leaderboard_text(metric="accuracy").splitlines()) == 12
    assert len(search.leaderboard_text(n=None).splitlines()) == 14
    assert search.leaderboard_text(1).splitlines()[0].split() == [
        *("rank", "candidate", "f1_macro", "std", "accuracy", "fit_time", "state", "C")
    ]
    with pytest.raises(ValueError, match=r"metric must be one of \['accuracy', 'f1_macro'\], got 'score'"):
        search.leaderboard(metric="score")


SPACE = {"max_depth": range(1, 9), "max_features": [None, 1, 2]}
SEARCHES = {
    "metrics": RandomSearch(TREE, SPACE, n_iter=12, random_state=0, **METRICS),
    "rule": RandomSearch(
        TREE, SPACE, n_iter=6, random_state=0, refit=select.within_percent(1, by="max_depth")
    ),
    "function": GridSearch(TREE, {"max_depth": [1, 2]}, refit=lambda results: 1),
    "racing": BayesSearchCV(TREE, SPACE, n_iter=6, random_state=0, racing=True),
    "hyperband": HyperbandSearchCV(TREE, SPACE, resource="n_samples", random_state=0),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_the_journal_of_a_search_has_the_same_leaderboard(iris, tmp_path, search):
    path = tmp_path / "search.jsonl"
    search = clone(search).set_params(journal=path).fit(*iris)
    view = read_journal(path)
    for metric in [None, *view.metrics]:
        pd.testing.assert_frame_equal(view.leaderboard(metric=metric), search.leaderboard(metric=metric))
        assert view.leaderboard_text(3, metric) == search.leaderboard_text(3, metric)


def test_the_candidates_of_hyperband_have_one_row_with_their_highest_rung(iris):
    search = clone(SEARCHES["hyperband"]).fit(*iris)
    board, table = search.leaderboard(), pd.DataFrame(search.cv_results_)
    assert len(board) == table["candidate_id"].nunique()
    highest = table.sort_values("rung").groupby("candidate_id").last()
    for name in ("bracket", "rung", "n_resources", "n_folds"):
        assert (board[name] == highest.loc[board.index, name]).all()
    assert board.index[0] == table["candidate_id"][search.best_index_]


def test_columns_have_the_types_of_their_values(iris):
    space = [
        {"C": [1, 2], "gamma": ["scale", 0.5], "shrinking": [True]},
        {"C": [0.5], "class_weight": [None, {0: 2}], "shrinking": [False]},
    ]
    board = GridSearch(SVC(), space).fit(*iris).leaderboard().sort_index()
    assert board["param_C"].dtype == float
    assert board["param_shrinking"].dtype == bool
    assert board["param_gamma"].dropna().tolist() == ["scale", 0.5, "scale", 0.5]
    weights = board["param_class_weight"].tolist()
    assert weights[-2:] == [None, {0: 2}]  # None is a value, and NaN is none
    assert all(isinstance(weight, float) for weight in weights[:-2])
    kinds = {name: board[name].dtype.kind for name in ("rank_test_score", "mean_test_score", "mean_fit_time")}
    assert kinds == {"rank_test_score": "i", "mean_test_score": "f", "mean_fit_time": "f"}
