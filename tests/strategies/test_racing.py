"""Racing: candidates that begin badly are spared their remaining folds."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_wine
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, RandomSearch, Space
from skhpt.history import History
from skhpt.session.previous import trials_from
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.racing import Race
from skhpt.strategies.surrogate import Surrogate, log_times, mean_scores
from skhpt.trial import Candidate, FoldScore, Trial
from tests.estimators import FailsBelow

SPACE = {"C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-5, 10)}
SEARCHES = [RandomSearch, BayesSearchCV]


def trial(i, *scores, x=0.5):
    """A trial with these scores; None stands for a fold that was skipped."""
    folds = (FoldScore(i, j, s, fit_time=1.0, state="skipped" if s is None else "ok") for j, s in enumerate(scores))
    return Trial(Candidate(i, {"x": x}), tuple(folds))


def eliminated_after(race, *scores):
    return race.eliminated_after([FoldScore(9, j, score) for j, score in enumerate(scores)])


def test_the_rule():
    race = Race()
    assert eliminated_after(race, 0.0) is None  # there is nobody to lose against
    race.learn([trial(0, 0.5, 0.9, 0.9)])
    assert eliminated_after(race, 0.5) is None
    assert eliminated_after(race, 0.4) == 1
    assert eliminated_after(race, 0.6, 0.3) == 2
    assert eliminated_after(race, 0.6, 0.5, 0.9) is None
    race.learn([trial(0, 0.5, 0.9, 0.9), trial(1, 0.6, 0.6, 0.6), trial(2, 0.9, 0.2, None)])
    assert eliminated_after(race, 0.55, 1.0) == 1  # the highest worst fold counts, of those with all folds
    assert eliminated_after(race, None) == 1
    assert eliminated_after(race, 0.7, np.nan) == 2


def test_who_ties_is_not_lost():
    for level in (0.1, 0.7, 0.95, 14 / 15, -3e5):
        race = Race()
        race.learn([trial(0, *[level] * 9)])
        assert eliminated_after(race, *[level] * 9) is None


def test_a_fold_on_which_everybody_fails_decides_nothing():
    race = Race()
    race.learn([trial(0, 0.9, np.nan)])
    assert eliminated_after(race, 0.1, np.nan) is None
    race = Race(error_score=0.0)
    race.learn([trial(0, 0.9, np.nan)])
    assert eliminated_after(race, 0.1, np.nan) is None  # 0.05 on average, no lower than 0
    race = Race(error_score="raise")
    race.learn([trial(0, 0.9, 0.8)])
    assert eliminated_after(race, np.nan) == 1


def test_of_several_metrics_one_counts():
    race = Race("f1")
    race.learn([Trial(Candidate(0, {}), (FoldScore(0, 0, {"accuracy": 0.9, "f1": 0.5}),))])
    assert eliminated_after(race, {"accuracy": 0.0, "f1": 0.6}) is None
    assert eliminated_after(race, {"accuracy": 1.0, "f1": 0.4}) == 1


@pytest.mark.parametrize("make", SEARCHES)
def test_the_same_best_for_less_work(make):
    search = make(SVC(), SPACE, n_iter=15, cv=8, random_state=0).fit(*load_wine(return_X_y=True))
    raced = make(SVC(), SPACE, n_iter=15, cv=8, random_state=0, racing=True).fit(*load_wine(return_X_y=True))
    skipped = np.array([[fold.state == "skipped" for fold in trial.folds] for trial in raced.history_])
    assert skipped.mean() > 0.2
    assert not skipped[:, 0].any()
    assert raced.best_score_ >= search.best_score_ - 0.01
    results = raced.cv_results_
    splits = np.column_stack([results[f"split{i}_test_score"] for i in range(8)])
    np.testing.assert_array_equal(np.isnan(splits), skipped)
    lost = skipped.any(axis=1)
    np.testing.assert_array_equal(np.isnan(results["mean_test_score"]), lost)
    assert results["rank_test_score"][lost].min() > results["rank_test_score"][~lost].max()
    assert np.isfinite(results["mean_fit_time"]).all()
    assert set(raced.leaderboard(15)["state"]) == {"ok", "skipped"}
    if make is RandomSearch:
        assert raced.best_params_ == search.best_params_
        for i in range(8):
            both = ~skipped[:, i]
            np.testing.assert_array_equal(splits[both, i], search.cv_results_[f"split{i}_test_score"][both])


@pytest.mark.parametrize("make", SEARCHES)
def test_the_same_outcome_for_any_number_of_workers(make, iris):
    search = make(SVC(), SPACE, n_iter=10, cv=6, random_state=0, racing=True)
    alone = [[fold.test_score for fold in trial.folds] for trial in search.fit(*iris).history_]
    together = [[fold.test_score for fold in trial.folds] for trial in search.set_params(n_jobs=2).fit(*iris).history_]
    assert together == alone


def test_what_fails_is_not_tried_on_other_folds(iris):
    space = {"value": stats.uniform(0, 1)}
    search = RandomSearch(FailsBelow(), space, n_iter=8, random_state=0, racing=True, refit=False)
    with pytest.warns(match=r"\d fits failed out of a total of"), pytest.warns(match="non-finite"):
        search.fit(*iris)
    failed = [trial for trial in search.history_ if trial.candidate.params["value"] < 0.5]
    assert {trial.state for trial in failed} == {"failed"}
    assert all([fold.state for fold in trial.folds] == ["failed"] + 4 * ["skipped"] for trial in failed)


def test_going_on_from_a_raced_search(iris):
    search = RandomSearch(SVC(), SPACE, n_iter=6, cv=6, random_state=0, racing=True, warm_start=True).fit(*iris)
    search.set_params(n_iter=12).fit(*iris)
    whole = RandomSearch(SVC(), SPACE, n_iter=12, cv=6, random_state=0, racing=True).fit(*iris)
    scores = [[[fold.test_score for fold in trial.folds] for trial in each.history_] for each in (search, whole)]
    assert scores[0] == scores[1]
    assert BayesSearchCV(SVC(), SPACE, n_iter=3, cv=6, random_state=0, previous=whole).fit(*iris).best_score_ > 0.9


def test_those_that_lost_are_evaluated_anew_without_a_race(iris):
    space = {"value": [0.9, 0.6, 0.7, 0.8]}
    raced = RandomSearch(FailsBelow(), space, n_iter=4, racing=True, random_state=0).fit(*iris)
    assert np.isnan(raced.cv_results_["mean_test_score"]).any()
    grid = GridSearch(FailsBelow(), space, previous=raced).fit(*iris)
    assert sorted(grid.cv_results_["mean_test_score"].round(9)) == [0.6, 0.7, 0.8, 0.9]
    raced.set_params(racing=False, warm_start=True).fit(*iris)
    assert sorted(raced.cv_results_["mean_test_score"].round(9)) == [0.6, 0.7, 0.8, 0.9]


def test_a_table_of_a_raced_search_is_understood(iris):
    raced = RandomSearch(SVC(), SPACE, n_iter=8, cv=6, racing=True, random_state=0).fit(*iris)
    _, trials = trials_from(raced.cv_results_, None)
    expected = [[fold.state for fold in trial.folds] for trial in raced.history_]
    assert [[fold.state for fold in trial.folds] for trial in trials] == expected
    np.testing.assert_allclose(mean_scores(trials), mean_scores(raced.history_))


def test_several_metrics_race_by_that_of_the_refit(iris):
    search = RandomSearch(KNeighborsClassifier(), {"n_neighbors": stats.randint(1, 120)}, n_iter=12, cv=8)
    search.set_params(scoring=["f1_macro", "accuracy"], refit="accuracy", racing=True, random_state=0).fit(*iris)
    raced = np.isnan(search.cv_results_["mean_test_f1_macro"])
    assert raced.any()
    np.testing.assert_array_equal(raced, np.isnan(search.cv_results_["mean_test_accuracy"]))


# -- what is learned from the folds that were seen ---------------------------------------------------------------------


def test_a_hard_first_fold_is_taken_into_account():
    trials = [trial(0, 0.5, 0.9, 0.9), trial(1, 0.6, 1.0, 1.0), trial(2, 0.4, None, None), trial(3, 0.4, 0.6, None)]
    hardness = 0.8 / 3  # of the first fold, against the mean of all
    np.testing.assert_allclose(mean_scores(trials)[:3], [2.3 / 3, 2.6 / 3, 0.4 + hardness])
    np.testing.assert_allclose(mean_scores(trials)[3], 0.5 + 2.45 / 3 - 0.75)
    np.testing.assert_allclose(mean_scores(trials[2:3]), [0.4])
    np.testing.assert_allclose(log_times(trials), 0)


def test_a_strategy_learns_from_them():
    trials = [trial(0, 0.5, 0.9, x=0.2), trial(1, 0.3, None, x=0.9), trial(2, 0.6, 0.9, x=0.1), trial(3, 0.4, 0.8)]
    space = Space({"x": stats.uniform()})
    surrogate = Surrogate(Encoder(space), trials, mean_scores)
    means, _ = surrogate.predict_score([{"x": 0.1}, {"x": 0.9}])
    assert means[0] > means[1] + 0.1
    (candidate,) = BayesianOptimization(space, 9, [], None, seed=0).ask(History(trials))
    assert candidate.params["x"] < 0.5


def test_the_mean_is_moved_by_the_folds_that_were_evaluated():
    trials = [trial(0, 0.1, 0.9, 0.5), trial(1, 0.2, 1.0, 0.6), trial(2, None, 1.0, None), trial(3, 0.2, None, None)]
    np.testing.assert_allclose(mean_scores(trials), [0.5, 0.6, 0.6, 0.6])
    np.testing.assert_allclose(mean_scores(trials[2:]), [1.0, 0.2])  # nothing is known of the folds
