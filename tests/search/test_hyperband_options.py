"""HyperbandSearchCV with several metrics, warm starts, earlier searches, proposals and small spaces."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy import stats
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch, register_continuation
from skhpt.callbacks import SearchCallback
from skhpt.history import History
from tests.estimators import Failing, Null, OtherForest
from tests.search.multi_fidelity import ALPHAS, DEPTHS, FOREST, QUALITIES, Grower, same

pytestmark = pytest.mark.filterwarnings("ignore:with .* candidates rank differently")


class FailsLater(Null):
    """Fails with more than the least training."""

    def __init__(self, value=0, size=1):
        self.value = value
        self.size = size

    def fit(self, X, y):
        if self.size > 1:
            raise ArithmeticError("too much")
        return super().fit(X, y)


def test_several_metrics(iris):
    scoring, options = ["accuracy", "neg_log_loss"], {"n_candidates": 9, "random_state": 0, "cv": 3}
    search = HyperbandSearchCV(FOREST, DEPTHS, scoring=scoring, refit="neg_log_loss", **options).fit(*iris)
    single = HyperbandSearchCV(FOREST, DEPTHS, scoring="neg_log_loss", **options).fit(*iris)
    assert search.best_params_ == single.best_params_
    assert search.cv_results_["rank_test_neg_log_loss"][search.best_index_] == 1
    with pytest.raises(ValueError, match="multi-metric scoring"):
        HyperbandSearchCV(FOREST, DEPTHS, scoring=scoring).fit(*iris)


def test_warm_start_adds_brackets(iris):
    options = {"resource": "size", "random_state": 0, "cv": 3}
    search = HyperbandSearchCV(Grower(), QUALITIES, n_candidates=81, warm_start=True, **options).fit(*iris)
    n_before = len(search.history_)
    search.set_params(n_candidates=162).fit(*iris)
    whole = HyperbandSearchCV(Grower(), QUALITIES, n_candidates=162, **options).fit(*iris)
    same(search.cv_results_, whole.cv_results_)
    assert n_before < len(search.history_)
    with pytest.raises(ValueError, match="does not begin with the old one"):
        search.set_params(schedule="halving").fit(*iris)
    assert len(search.history_) == len(whole.history_)


def test_an_interrupted_search_is_continued_by_a_warm_start(iris, monkeypatch):
    search = HyperbandSearchCV(
        FOREST, DEPTHS, n_candidates=27, max_resources=9, random_state=0, cv=3, warm_start=True
    )
    whole = clone(search).fit(*iris).cv_results_
    for n in (5, 27, 31, 38):
        search = clone(search)
        finish_next, left = History.finish_next, [n]

        def interrupted(self, *args, finish_next=finish_next, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            finish_next(self, *args)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(History, "finish_next", interrupted)
            search.fit(*iris)
        assert len(search.history_) == n
        same(whole, search.fit(*iris).cv_results_, but=["resumed_from"])


def test_previous(iris):
    first = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    second = clone(first).set_params(previous=first, random_state=1).fit(*iris)
    results = second.cv_results_
    assert set(results["bracket"]) == {0, 1}
    assert set(results["candidate_id"]) == set(range(18))
    assert len(results["params"]) == 2 * len(first.history_)
    assert second.best_score_ >= first.best_score_


def test_previous_of_another_schedule(iris):
    first = HyperbandSearchCV(FOREST, DEPTHS, schedule="hyperband", random_state=0, cv=3).fit(*iris)
    for options in ({}, {"min_resources": 9}, {"factor": 2}):
        options = {"previous": first, "n_candidates": 4, "random_state": 1, "cv": 3, **options}
        second = HyperbandSearchCV(FOREST, DEPTHS, **options).fit(*iris)
        results = second.cv_results_
        top = (results["n_resources"] == 9) & (results["n_folds"] == 3)
        assert second.best_score_ == results["mean_test_score"][top].max() >= first.best_score_
        assert second.n_resources_[0] == second.plan_.brackets[0].rungs[0].resource
        assert sum(second.n_candidates_) == second.plan_.n_rows


@pytest.mark.parametrize(("resource", "n_at_the_top"), [("auto", 1), ("folds", 3)])
def test_other_searches_learn_from_full_training_only(iris, resource, n_at_the_top):
    first = HyperbandSearchCV(FOREST, DEPTHS, resource=resource, n_candidates=9, random_state=0, cv=3).fit(
        *iris
    )
    with pytest.warns(UserWarning, match="are not used"):
        random = RandomSearch(FOREST, DEPTHS, n_iter=2, random_state=0, cv=3, previous=first).fit(*iris)
    search = HyperbandSearchCV(FOREST, DEPTHS, resource=resource, sampler="random", n_candidates=2, cv=3)
    with pytest.warns(UserWarning, match="are not used"):
        search.set_params(previous=random).fit(*iris)
    with pytest.warns(UserWarning, match=f"previous: {n_at_the_top} of .* not used: .* with (less|fewer)"):
        elsewhere = BayesSearchCV(FOREST, DEPTHS, n_iter=3, random_state=0, cv=3, previous=first).fit(*iris)
    assert len(elsewhere.cv_results_["params"]) == 3
    assert len(elsewhere.history_.prior) == n_at_the_top
    bayes = HyperbandSearchCV(FOREST, DEPTHS, resource="folds", sampler="bayes", n_candidates=2, cv=3)
    bayes.set_params(previous=random).fit(*iris)


def test_an_exhausted_space_is_reported(iris):
    space = {"max_depth": [1, 2, 3]}
    first = HyperbandSearchCV(FOREST, space, random_state=0, cv=3).fit(*iris)  # no number was asked for
    with pytest.warns(UserWarning, match="9 candidates were asked for .n_candidates., but .* only 3"):
        clone(first).set_params(n_candidates=9).fit(*iris)
    with pytest.warns(UserWarning, match="only 0 left"):
        second = clone(first).set_params(previous=first).fit(*iris)
    assert str(second.plan_) == "nothing to do: there are no candidates"
    assert second.best_score_ == first.best_score_


def test_a_callable_refit_gets_what_it_chose(iris):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3, refit=lambda results: 0)
    assert search.fit(*iris).best_estimator_.n_estimators == search.best_params_["n_estimators"] == 1


def test_no_candidate_reaches_the_last_rung(iris):
    search = HyperbandSearchCV(
        Failing(),
        {"value": stats.randint(0, 9)},
        resource="size",
        max_resources=9,
        n_candidates=9,
        random_state=0,
    )
    search.set_params(estimator=FailsLater())
    with (
        pytest.warns(UserWarning, match="the best one is that of a lower rung, with size=1"),
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(FitFailedWarning),
    ):
        search.fit(*iris)


def test_metadata_that_cannot_be_routed_is_refused(iris):
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            SGDClassifier(max_iter=9).set_fit_request(sample_weight=True),
        )
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=False)
        with pytest.raises(ValueError, match=r"\['sample_weight'\] cannot be routed to the steps"):
            HyperbandSearchCV(pipe, ALPHAS, resource="epochs", scoring=scorer).fit(
                *iris, sample_weight=np.ones(150)
            )


def test_a_plan_does_not_use_up_a_generator(iris):
    cv = StratifiedKFold(3)
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=3, cv=cv.split(*iris))
    with pytest.raises(ValueError, match="plan would use up cv, which is a generator; make a list of it"):
        search.plan(*iris)
    assert len(search.set_params(cv=list(cv.split(*iris))).plan(*iris).brackets) == 1


def test_a_registered_continuation_reaches_worker_processes(iris):
    register_continuation(OtherForest, "n_estimators")
    search = HyperbandSearchCV(OtherForest(9, random_state=0), DEPTHS, n_candidates=9, random_state=0, cv=3)
    with parallel_config("loky", n_jobs=2):
        assert (search.fit(*iris).cv_results_["resumed_from"] > 0).sum() == 3 + 1


def test_proposals_score_higher_than_random_candidates():
    X, y = load_wine(return_X_y=True)
    options = {"n_candidates": 54, "random_state": 0, "cv": 3}
    random = HyperbandSearchCV(Grower(), QUALITIES, sampler="random", **options).fit(X, y)
    bayes = HyperbandSearchCV(Grower(), QUALITIES, **options).fit(X, y)
    assert bayes.resource_ == "folds"
    assert bayes.best_score_ > random.best_score_
    assert max(bayes.cv_results_["bracket"]) == 1


def test_scores_after_little_training_do_not_guide_a_model(iris):
    with pytest.raises(
        ValueError, match="sampler='bayes' needs resource='folds', got resource='n_estimators'"
    ):
        HyperbandSearchCV(FOREST, DEPTHS, sampler="bayes").fit(*iris)


def test_the_first_candidate_is_the_estimator_as_it_is(iris):
    for n_candidates in (1, 5, 81):
        forest = clone(FOREST).set_params(max_depth=3, max_features=0.3)
        search = HyperbandSearchCV(
            forest, DEPTHS, n_candidates=n_candidates, random_state=0, cv=3, refit=False
        )
        assert search.fit(*iris).cv_results_["params"][0] == {
            "max_depth": 3,
            "max_features": 0.3,
            "n_estimators": 1,
        }


def test_the_first_candidates_of_an_earlier_search_are_not_repeated(iris):
    first = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=3, random_state=0, cv=3).fit(*iris)
    results = clone(first).set_params(previous=first).fit(*iris).cv_results_
    points = {(params["max_depth"], params["max_features"]) for params in results["params"]}
    assert len(points) == sum(results["rung"] == 0) == 6


class StopAfter(SearchCallback):
    """Stops the search after so many trials."""

    def __init__(self, n):
        self.n = n

    def on_candidate_finished(self, search, trial, status):
        if status.n_finished == self.n:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:the search ended after")
@pytest.mark.parametrize("resource", ["size", "folds"])
def test_a_search_that_is_stopped_has_completed_its_first_brackets(iris, resource):
    search = HyperbandSearchCV(Grower(), QUALITIES, resource=resource, n_candidates=243, random_state=0, cv=3)
    n_rows = len(list(search.plan(*iris))) // len(search.plan(*iris).brackets)
    first = sum(row["n_candidates"] for row in list(search.plan(*iris))[:n_rows])
    search.set_params(on_interrupt="keep").set_callbacks(StopAfter(first + 1)).fit(*iris)
    is_first = search.cv_results_["bracket"] == 0
    assert is_first.sum() == first
    assert (~is_first).sum() == 1


def test_a_small_space_shrinks_the_plan(iris):
    search = HyperbandSearchCV(FOREST, {"max_depth": [1, 2, 3, 4]}, random_state=0, cv=3)
    search.fit(*iris)
    assert search.plan_.n_candidates == 4
    assert sorted(p["max_depth"] for p in search.cv_results_["params"][:4]) == [1, 2, 3, 4]


def test_leaderboard(iris):
    search = HyperbandSearchCV(FOREST, DEPTHS, n_candidates=9, random_state=0, cv=3).fit(*iris)
    board = search.leaderboard(4)
    assert list(board["state"]) == ["ok"] * 4
    assert board["n_resources"].iloc[0] == 9
    assert "n_folds" in search.leaderboard_text()
