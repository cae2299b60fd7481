"""Searches with racing: candidates that begin badly are not evaluated on their remaining folds."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_wine
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, RandomSearch
from skhpt.session.previous import trials_from
from skhpt.strategies.surrogate import mean_scores
from tests.estimators import FailsBelow

SPACE = {"C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-5, 10)}
SEARCHES = [RandomSearch, BayesSearchCV]


@pytest.mark.parametrize("make", SEARCHES)
def test_a_race_finds_an_equally_good_candidate_with_fewer_folds(make):
    search = make(SVC(), SPACE, n_iter=15, cv=8, random_state=0).fit(*load_wine(return_X_y=True))
    raced = make(SVC(), SPACE, n_iter=15, cv=8, random_state=0, racing=True).fit(*load_wine(return_X_y=True))
    skipped = np.array([[fold.state == "skipped" for fold in trial.folds] for trial in raced.history_])
    assert skipped.mean() > 0.2
    assert not skipped[:, 0].any()
    assert raced.best_score_ >= search.best_score_ - 0.01
    results = raced.cv_results_
    splits = np.column_stack([results[f"split{i}_test_score"] for i in range(8)])
    np.testing.assert_array_equal(np.isnan(splits), skipped)
    eliminated = skipped.any(axis=1)
    np.testing.assert_array_equal(np.isnan(results["mean_test_score"]), eliminated)
    assert results["rank_test_score"][eliminated].min() > results["rank_test_score"][~eliminated].max()
    assert np.isfinite(results["mean_fit_time"]).all()
    assert set(raced.leaderboard(15)["state"]) == {"ok", "eliminated"}
    if make is RandomSearch:
        assert raced.best_params_ == search.best_params_
        for i in range(8):
            both = ~skipped[:, i]
            np.testing.assert_array_equal(splits[both, i], search.cv_results_[f"split{i}_test_score"][both])


@pytest.mark.parametrize("make", SEARCHES)
def test_the_outcome_is_the_same_for_any_number_of_workers(make, iris):
    search = make(SVC(), SPACE, n_iter=10, cv=6, random_state=0, racing=True)
    one_worker = [[fold.test_score for fold in trial.folds] for trial in search.fit(*iris).history_]
    search.set_params(n_jobs=2).fit(*iris)
    assert [[fold.test_score for fold in trial.folds] for trial in search.history_] == one_worker


def test_a_failed_candidate_is_not_evaluated_on_further_folds(iris):
    space = {"value": stats.uniform(0, 1)}
    search = RandomSearch(FailsBelow(), space, n_iter=8, random_state=0, racing=True, refit=False)
    with pytest.warns(match=r"\d fits failed out of a total of"), pytest.warns(match="non-finite"):
        search.fit(*iris)
    failed = [trial for trial in search.history_ if trial.candidate.params["value"] < 0.5]
    assert {trial.state for trial in failed} == {"failed"}
    assert all([fold.state for fold in trial.folds] == ["failed"] + 4 * ["skipped"] for trial in failed)


def test_warm_start_after_a_raced_search(iris):
    search = RandomSearch(SVC(), SPACE, n_iter=6, cv=6, random_state=0, racing=True, warm_start=True).fit(
        *iris
    )
    search.set_params(n_iter=12).fit(*iris)
    whole = RandomSearch(SVC(), SPACE, n_iter=12, cv=6, random_state=0, racing=True).fit(*iris)
    scores = [
        [[fold.test_score for fold in trial.folds] for trial in each.history_] for each in (search, whole)
    ]
    assert scores[0] == scores[1]
    assert (
        BayesSearchCV(SVC(), SPACE, n_iter=3, cv=6, random_state=0, previous=whole).fit(*iris).best_score_
        > 0.9
    )


def test_eliminated_candidates_are_evaluated_again_without_a_race(iris):
    space = {"value": [0.9, 0.6, 0.7, 0.8]}
    raced = RandomSearch(FailsBelow(), space, n_iter=4, racing=True, random_state=0).fit(*iris)
    assert np.isnan(raced.cv_results_["mean_test_score"]).any()
    grid = GridSearch(FailsBelow(), space, previous=raced).fit(*iris)
    assert sorted(grid.cv_results_["mean_test_score"].round(9)) == [0.6, 0.7, 0.8, 0.9]
    raced.set_params(racing=False, warm_start=True).fit(*iris)
    assert sorted(raced.cv_results_["mean_test_score"].round(9)) == [0.6, 0.7, 0.8, 0.9]


def test_the_table_of_a_raced_search_as_previous_results(iris):
    raced = RandomSearch(SVC(), SPACE, n_iter=8, cv=6, racing=True, random_state=0).fit(*iris)
    _, trials = trials_from(raced.cv_results_, None)
    expected = [[fold.state for fold in trial.folds] for trial in raced.history_]
    assert [[fold.state for fold in trial.folds] for trial in trials] == expected
    np.testing.assert_allclose(mean_scores(trials), mean_scores(raced.history_))


def test_with_several_metrics_the_race_is_by_that_of_refit(iris):
    search = RandomSearch(KNeighborsClassifier(), {"n_neighbors": stats.randint(1, 120)}, n_iter=12, cv=8)
    search.set_params(scoring=["f1_macro", "accuracy"], refit="accuracy", racing=True, random_state=0).fit(
        *iris
    )
    raced = np.isnan(search.cv_results_["mean_test_f1_macro"])
    assert raced.any()
    np.testing.assert_array_equal(raced, np.isnan(search.cv_results_["mean_test_accuracy"]))
