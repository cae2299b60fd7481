"""BayesSearchCV: where it begins, what it proposes, and that nothing throws it off."""

import warnings
from copy import copy

import numpy as np
import pytest
from joblib import parallel_config
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, RandomSearch, Space, journal
from skhpt.identity import params_key
from skhpt.journal import Header
from tests.estimators import FailsBelow, Null
from tests.space.examples import Categorical, Real

X = np.zeros((12, 1))
Y = np.arange(12) % 3


class Bowl(BaseEstimator):
    """Scores highest, 0, at C = 10 and k = 7, with `kind` "good"."""

    def __init__(self, C=1.0, k=1, kind="bad"):
        self.C = C
        self.k = k
        self.kind = kind

    def fit(self, X, y):
        return self

    def score(self, X, y):
        return -((np.log10(self.C) - 1) ** 2) - abs(self.k - 7) / 10 - (self.kind == "bad")


BOWL = {"C": stats.loguniform(1e-3, 1e3), "k": stats.randint(1, 21), "kind": ["bad", "good", "odd"]}


def keys(search):
    return [params_key(params) for params in search.cv_results_["params"]]


# -- optima --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_optimum_that_random_draws_miss(seed):
    search = BayesSearchCV(Bowl(), BOWL, n_iter=30, cv=2, random_state=seed).fit(X, Y)
    assert search.best_score_ > -0.02
    assert (
        search.best_score_
        > RandomSearch(Bowl(), BOWL, n_iter=30, cv=2, random_state=seed).fit(X, Y).best_score_
    )


def test_every_distribution_in_one_search():
    space = {
        "C": stats.uniform(0.1, 100),
        "k": stats.poisson(8),
        "kind": ["good", "bad"],
    }
    for other in (
        stats.lognorm(2),
        stats.expon(scale=10),
        stats.gamma(2, scale=5),
        stats.norm(10, 1),
        stats.beta(2, 3),
    ):
        search = BayesSearchCV(Bowl(), space | {"C": other}, n_iter=15, cv=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            search.fit(X, Y)
        best = Space({"C": other}).grid(1)[0]["C"]
        assert search.best_score_ > Bowl(C=best, k=1, kind="good").score(X, Y)


def test_branches():
    space = [{"C": BOWL["C"]}, {"C": BOWL["C"], "kind": ["good"], "k": BOWL["k"]}]
    search = BayesSearchCV(Bowl(), space, n_iter=30, cv=2, random_state=0).fit(X, Y)
    assert search.best_params_["kind"] == "good"
    assert search.best_score_ > -0.1
    assert {len(params) for params in search.cv_results_["params"]} == {1, 3}


def test_choices_that_are_estimators(iris):
    space = [
        {"clf": [SVC()], "clf__C": stats.loguniform(1e-2, 1e2)},
        {"clf": [KNeighborsClassifier(), LogisticRegression(max_iter=1000)]},
    ]
    search = BayesSearchCV(Pipeline([("clf", SVC())]), space, n_iter=12, random_state=0).fit(*iris)
    assert search.best_score_ > 0.97
    assert len(set(keys(search))) == 12


# -- initial design ------------------------------------------------------------------------------------------


def test_the_estimators_own_parameters_come_first():
    search = BayesSearchCV(Bowl(C=3.0, k=4), BOWL, n_iter=6, cv=2, random_state=0).fit(X, Y)
    assert search.cv_results_["params"][0] == {"C": 3.0, "k": 4, "kind": "bad"}


def test_the_middle_of_the_space_replaces_values_outside_it():
    search = BayesSearchCV(Bowl(C=1e9, k=4), BOWL, n_iter=6, cv=2, random_state=0).fit(X, Y)
    first, second, *_ = search.cv_results_["params"]
    assert first == {"C": pytest.approx(1), "k": 4, "kind": "bad"}
    assert second == {"C": pytest.approx(1), "k": 10, "kind": "good"}


def test_the_initial_design_has_the_middle_of_each_branch_and_sobol_points():
    space = [{"kind": [kind], "C": BOWL["C"], "k": [1, 4, 7]} for kind in "abcdefgh"]
    search = BayesSearchCV(Bowl(C=3.0, k=2), space, n_iter=10, n_initial=10, cv=2, random_state=0).fit(X, Y)
    assert [params["kind"] for params in search.cv_results_["params"][:5]] == list("aabcd")
    assert sum(params["C"] == pytest.approx(1) for params in search.cv_results_["params"]) == 4


def test_rejected_points_do_not_count_in_the_initial_design():
    space = [{"kind": [kind], "C": BOWL["C"]} for kind in ("bad", "good")]
    search = BayesSearchCV(Bowl(C=3.0), space, n_iter=6, cv=2, random_state=0)
    search.set_params(constraint=lambda params: params["kind"] == "good").fit(X, Y)
    first, second, *_ = search.cv_results_["params"]
    assert (first, second) == ({"C": 3.0, "kind": "good"}, {"C": pytest.approx(1), "kind": "good"})


def test_with_enough_previous_results_only_the_estimator_itself_is_added():
    known = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=0).fit(X, Y)
    for C, is_added in ((3.0, True), (1e9, False)):
        search = BayesSearchCV(Bowl(C=C, k=4), BOWL, n_iter=1, cv=2, random_state=0, previous=known).fit(X, Y)
        assert (search.cv_results_["params"][-1] == {"C": 3.0, "k": 4, "kind": "bad"}) == is_added
        assert search.cv_results_["params"][-1] != {"C": pytest.approx(1), "k": 4, "kind": "bad"}


def test_the_initial_design_repeats_no_previous_candidate():
    known = BayesSearchCV(Bowl(), BOWL, n_iter=3, cv=2, random_state=0).fit(X, Y)
    search = BayesSearchCV(Bowl(), BOWL, n_iter=4, cv=2, random_state=1, previous=known).fit(X, Y)
    assert keys(search)[:3] == keys(known)
    assert len(set(keys(search))) == 7


@pytest.mark.parametrize(("n_initial", "n_likely"), [(1, 1), (2, 1), (5, 2)])
def test_at_most_half_of_the_initial_design_are_default_points(n_initial, n_likely):
    search = BayesSearchCV(
        Bowl(C=1e9, k=4), BOWL, n_iter=n_initial, n_initial=n_initial, cv=2, random_state=0
    )
    params = search.fit(X, Y).cv_results_["params"]
    assert sum(one["C"] == pytest.approx(1) for one in params) == n_likely


def test_the_constraint_applies_to_the_initial_design():
    search = BayesSearchCV(
        Bowl(k=1), BOWL, n_iter=6, cv=2, constraint=lambda params: params["k"] > 12, random_state=0
    )
    assert min(params["k"] for params in search.fit(X, Y).cv_results_["params"]) > 12


def test_previous_results_replace_the_initial_design():
    first = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=0).fit(X, Y)
    known = BayesSearchCV(Bowl(), BOWL, n_iter=10, cv=2, random_state=0, previous=first).fit(X, Y)
    assert len(known.history_) == 30
    assert known.best_score_ > first.best_score_
    elsewhere = BayesSearchCV(Bowl(), BOWL, n_iter=10, cv=3, random_state=0, previous=first).fit(X, Y)
    assert len(elsewhere.history_) == 10
    assert len(elsewhere.history_.prior) == 20


def test_results_from_other_folds_are_used():
    gains = []
    for seed in range(6):
        first = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=seed).fit(X, Y)
        search = BayesSearchCV(Bowl(), BOWL, n_iter=8, cv=3, random_state=seed)
        ignorant = search.fit(X, Y).best_score_
        gains.append(search.set_params(previous=first).fit(X, Y).best_score_ - ignorant)
    assert np.mean(gains) > 0.02


def test_results_of_another_space_do_no_harm():
    first = GridSearch(Bowl(), {"C": [1e6, 1.0]}, cv=2).fit(X, Y)
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=8, cv=2, random_state=0, previous=first)
    with pytest.warns(UserWarning, match="does not learn from 1 of 2 .* outside the space .C=1000000"):
        search.fit(X, Y)
    assert len(search.history_) == 10


def test_without_usable_previous_results_new_candidates_are_proposed():
    far = RandomSearch(Bowl(), {"C": stats.uniform(1e5, 1)}, n_iter=20, cv=3).fit(X, Y)
    for cv in (2, 3):
        search = BayesSearchCV(Bowl(C=1e9), {"C": BOWL["C"]}, n_iter=6, cv=cv, previous=far, random_state=0)
        with pytest.warns(UserWarning, match="previous: 0 of 20 results .* outside the space .C=100"):
            search.fit(X, Y)
        assert len(search.history_) - search.history_.n_earlier_trials == 6
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=12, cv=2, max_pending=8, random_state=0).fit(X, Y)
    assert len(set(keys(search))) == 12


@pytest.mark.parametrize("max_pending", [1, 3])
def test_a_longer_search_continues_a_shorter_one(max_pending):
    whole = BayesSearchCV(Bowl(), BOWL, n_iter=14, cv=2, random_state=0, max_pending=max_pending).fit(X, Y)
    part = BayesSearchCV(
        Bowl(), BOWL, n_iter=9, cv=2, random_state=0, max_pending=max_pending, warm_start=True
    )
    part.fit(X, Y).set_params(n_iter=14).fit(X, Y)
    assert keys(part) == keys(whole)


def test_a_space_without_parameters_has_one_candidate():
    with pytest.warns(UserWarning, match="parameters 1 is smaller than n_iter=8"):
        search = BayesSearchCV(Bowl(), {}, n_iter=8, cv=2).fit(X, Y)
    assert search.cv_results_["params"] == [{}]


def test_cost_awareness_needs_expected_improvement():
    with pytest.raises(ValueError, match="'acquisition' parameter of BayesSearchCV must be a str among"):
        BayesSearchCV(Bowl(), BOWL, acquisition="ei").fit(X, Y)
    with pytest.raises(
        ValueError, match=r"cost_aware=True .* needs acquisition='log_ei', got acquisition='ucb'"
    ):
        BayesSearchCV(Bowl(), BOWL, acquisition="ucb", cost_aware=True).fit(X, Y)


# -- workers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_pending", [1, 4])
def test_the_same_candidates_for_any_number_of_workers(iris, max_pending):
    space = {"C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-4, 10)}
    search = BayesSearchCV(SVC(), space, n_iter=12, random_state=0, max_pending=max_pending)
    alone = search.fit(*iris).cv_results_["params"]
    assert search.set_params(n_jobs=2).fit(*iris).cv_results_["params"] == alone


def test_idle_workers_are_reported():
    search = BayesSearchCV(Bowl(), BOWL, n_iter=5, cv=2, max_pending=1)
    message = "2 of 4 workers will be idle: only max_pending=1 candidates of 2 folds .* max_pending='auto'"
    with parallel_config("threading", n_jobs=4), pytest.warns(UserWarning, match=message):
        search.fit(X, Y)


@pytest.mark.parametrize(
    ("n_jobs", "n_splits", "max_pending"),
    [(1, 2, 1), (2, 5, 1), (4, 5, 2), (5, 5, 2), (8, 5, 4), (16, 5, 7), (16, 2, 16)],
)
def test_by_default_two_folds_are_pending_for_each_worker(n_jobs, n_splits, max_pending):
    search = BayesSearchCV(Bowl(), {"C": [1.0, 2.0]}, n_iter=64, cv=n_splits, random_state=0)
    with (
        parallel_config("threading", n_jobs=n_jobs),
        pytest.warns(UserWarning, match="parameters 2 is smaller than n_iter=64"),
    ):
        search.fit(np.zeros((15, 1)), np.arange(15) % 3)
    assert search.max_pending_ == max_pending


@pytest.mark.parametrize(("n_iter", "max_pending"), [(50, 13), (3, 1), (5, 2)])
def test_by_default_at_most_a_quarter_of_the_candidates_are_pending(n_iter, max_pending):
    search = BayesSearchCV(Bowl(), {"C": [1.0, 2.0]}, n_iter=n_iter, cv=2, random_state=0)
    with (
        parallel_config("threading", n_jobs=64),
        pytest.warns(UserWarning, match="parameters 2 is smaller than n_iter"),
    ):
        assert search.fit(X, Y).max_pending_ == max_pending


def test_the_resources_of_a_fit_decide_how_many_candidates_are_pending(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=5, cv=2, random_state=0, warm_start=True)
    search.fit(X, Y).set_params(n_jobs=8, fit_resources={"GPU": 1}).fit(
        X, Y
    )  # there is nothing more to evaluate
    assert search.max_pending_ == 2


def test_a_cluster_without_workers_yet_counts_as_n_jobs(monkeypatch):
    monkeypatch.setattr("skhpt.search.bayes.n_workers", lambda *arguments: 0)
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=1, cv=2)
    assert search.fit(X, Y).max_pending_ == 1
    with parallel_config("threading", n_jobs=3):
        assert search.set_params(n_iter=9).fit(X, Y).max_pending_ == 3


def test_the_default_proposes_what_the_same_number_proposes():
    search = BayesSearchCV(Bowl(), BOWL, n_iter=12, cv=2, random_state=0)
    with parallel_config("threading", n_jobs=3):
        automatic = keys(search.fit(X, Y))
    assert search.max_pending_ == 3
    search.set_params(max_pending=3).fit(X, Y)
    assert keys(search) == automatic


def test_a_search_that_is_resumed_with_other_workers_keeps_its_number_of_pending_candidates(tmp_path):
    whole = BayesSearchCV(Bowl(), BOWL, n_iter=12, cv=2, random_state=0, max_pending=3).fit(X, Y)
    search = BayesSearchCV(Bowl(), BOWL, n_iter=9, cv=2, random_state=0, journal=tmp_path / "a.jsonl")
    with parallel_config("threading", n_jobs=3):
        search.fit(X, Y)
    resumed = clone(search).set_params(n_iter=12).fit(X, Y)  # one worker
    assert resumed.max_pending_ == 3
    assert keys(resumed) == keys(whole)
    assert keys(clone(search).set_params(n_iter=12, max_pending=3).fit(X, Y)) == keys(whole)
    with pytest.raises(ValueError, match=r"journal of another search(.|\n)*'max_pending': 2"):
        clone(search).set_params(max_pending=2).fit(X, Y)


def test_a_number_of_pending_candidates_that_was_changed_in_the_journal_is_an_error(tmp_path):
    path = tmp_path / "a.jsonl"
    search = BayesSearchCV(Bowl(), BOWL, n_iter=2, cv=2, random_state=0, journal=path).fit(X, Y)
    header = journal.read_header(path)
    changed = Header(header.fingerprint, header.metadata | {"max_pending": 0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skhpt.session.resume.journal.read_header", lambda path: changed)
        with pytest.raises(ValueError, match=r"line 1: max_pending .* is 0, not a positive integer"):
            search.fit(X, Y)


# -- robustness ----------------------------------------------------------------------------------------------


def test_a_finite_space_is_exhausted_and_nothing_comes_twice():
    space = {"value": stats.randint(0, 6), "other": ["a", "b"]}

    class Two(Null):
        def __init__(self, value=0, other="a"):
            self.value = value
            self.other = other

    search = BayesSearchCV(Two(), space, n_iter=20, cv=2, random_state=0)
    with pytest.warns(UserWarning, match="total space of parameters 12 is smaller than n_iter=20"):
        search.fit(X, Y)
    assert len(set(keys(search))) == len(keys(search)) == 12
    search.set_params(constraint=lambda params: params["value"] > 3, n_iter=12)
    with pytest.warns(
        UserWarning, match="12 candidates were asked for .n_iter., but the space has only 4 left"
    ):
        search.fit(X, Y)
    assert search.stop_reason_ == "completed"
    assert len(keys(search)) == 4


def test_a_region_that_fails_is_avoided():
    search = BayesSearchCV(FailsBelow(), {"value": stats.uniform(0, 1)}, n_iter=25, cv=2, random_state=0)
    with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"][10:]).mean() < 0.3
    assert search.best_score_ > 0.95


def test_one_point():
    search = BayesSearchCV(Null(), {"value": [3]}, n_iter=1, cv=2).fit(X, Y)
    assert search.best_params_ == {"value": 3}


def test_an_object_that_can_only_be_drawn_from_is_refused():
    class Dice:
        def rvs(self, random_state=None):
            return 3

    with pytest.raises(TypeError, match="'value' has rvs but neither ppf nor icdf"):
        BayesSearchCV(Null(), {"value": Dice()}, cv=2).fit(X, Y)


# -- predicted scores ----------------------------------------------------------------------------------------


def test_predicted_scores():
    search = BayesSearchCV(Bowl(), BOWL, n_iter=40, cv=2, random_state=0).fit(X, Y)
    mean, std = search.predict_score({"C": 12.0, "k": 7, "kind": "good"})
    assert abs(mean - Bowl(12.0, 7, "good").score(X, Y)) < max(0.1, 3 * std)
    means, stds = search.predict_score(search.cv_results_["params"])
    scores = search.cv_results_["mean_test_score"]
    good = scores > np.median(scores)
    assert np.abs(means - scores)[good].mean() < 0.1
    assert np.abs(means - scores)[good].max() < 0.3
    assert means[good].min() > means[~good].mean()
    assert stds.shape == means.shape
    with pytest.raises(ValueError, match=r"not in the space: \{'C': 12.0\}"):
        search.predict_score({"C": 12.0})


@pytest.fixture(scope="module")
def predicting():
    return BayesSearchCV(Bowl(), BOWL, n_iter=10, cv=2, random_state=0).fit(X, Y)


POINT = {"C": 2.0, "k": 5, "kind": "good"}


@pytest.mark.parametrize(
    "changes",
    [
        {"param_distributions": {"C": [1, 2]}},
        {"param_distributions": {"k": stats.randint(1, 3)}, "constraint": lambda params: False},
        {"scoring": "accuracy", "refit": False, "cv": 5, "n_iter": 1, "error_score": 0},
        {"refit": "f1", "scoring": ["f1", "accuracy"]},
        {"estimator": SVC()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_predictions_and_tables_are_those_of_the_fit_after_parameters_were_changed(changes, predicting):
    before = predicting.predict_score(POINT), predicting.leaderboard_text()
    search = copy(predicting).set_params(**changes)
    assert (search.predict_score(POINT), search.leaderboard_text()) == before


def test_a_changed_dict_does_not_change_the_space_of_the_fit(predicting):
    space = dict(BOWL)
    search = BayesSearchCV(Bowl(), space, n_iter=4, cv=2, random_state=0).fit(X, Y)
    del space["k"]
    assert np.isfinite(search.predict_score(POINT)).all()


def test_predictions_for_tables_and_lists(predicting):
    pd = pytest.importorskip("pandas")
    points = [POINT, {"C": 0.5, "k": 12, "kind": "odd"}]
    expected = predicting.predict_score(points)
    frame = pd.DataFrame(points)
    for given in (tuple(points), frame, frame[["kind", "C", "k"]], frame.astype({"k": float}), iter(points)):
        np.testing.assert_array_equal(predicting.predict_score(given), expected)
    assert predicting.predict_score(frame.iloc[0]) == predicting.predict_score(POINT)
    shown = pd.DataFrame(predicting.cv_results_)["params"]
    assert len(predicting.predict_score(shown)[0]) == 10


def test_predictions_for_tables_with_missing_values():
    pd = pytest.importorskip("pandas")
    space = [{"kind": ["good"], "k": [1, 2, None]}, {"kind": ["odd"], "C": stats.uniform(1, 2)}]
    points = [{"kind": "odd", "C": 1.5}, {"kind": "good", "k": None}, {"kind": "good", "k": 2}]

    class Lenient(Bowl):
        def score(self, X, y):
            return self.C + (self.k or 0)

    search = BayesSearchCV(Lenient(), space, n_iter=8, cv=2, random_state=0).fit(X, Y)
    frame = pd.DataFrame([points[0], points[2]])
    np.testing.assert_array_equal(search.predict_score(frame), search.predict_score([points[0], points[2]]))
    frame = pd.DataFrame([points[1]])
    np.testing.assert_array_equal(search.predict_score(frame), search.predict_score([points[1]]))


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({**POINT, "C": 1e9}, ValueError, r"C=1000000000.0 is not a number from 0.001 to 1000"),
        ({**POINT, "kind": "worse"}, ValueError, r"kind='worse' is not one of \['bad', 'good', 'odd'\]"),
        ({**POINT, "c": 1}, ValueError, r"'c' is not one of its parameters \['C', 'k', 'kind'\]"),
        ({"C": 1.0, "kind": "odd"}, ValueError, r"'k' is missing, which is an integer from 1 to 20"),
        ([POINT, {**POINT, "k": 2.5}], ValueError, r"k=2.5 is not an integer"),
        ("C", TypeError, "must be a dict of parameters, a list of such dicts, or a DataFrame .* got 'C'"),
        ([POINT, 3], TypeError, "the list has 3"),
        (None, TypeError, "got None"),
    ],
)
def test_what_cannot_be_predicted_is_named(params, error, message, predicting):
    with pytest.raises(error, match=message):
        predicting.predict_score(params)


def test_several_metrics(iris):
    space = {"C": stats.loguniform(1e-3, 1e3)}
    search = BayesSearchCV(
        SVC(), space, n_iter=8, scoring=["f1_macro", "accuracy"], refit="accuracy", random_state=0
    )
    search.fit(*iris)
    single = BayesSearchCV(SVC(), space, n_iter=8, scoring="accuracy", random_state=0).fit(*iris)
    assert keys(search) == keys(single)


# -- spaces of scikit-optimize -------------------------------------------------------------------------------


def test_numbers_of_candidates_for_each_space_are_refused():
    with pytest.raises(TypeError, match="pass the list of spaces alone"):
        BayesSearchCV(Bowl(), [({"C": (0.1, 1.0, "uniform")}, 10)], cv=2).fit(X, Y)


def test_a_search_over_a_space_of_scikit_optimize():
    space = {
        "C": Real(1e-3, 1e3, "log-uniform"),
        "k": (1, 20, "uniform"),
        "kind": Categorical(["bad", "good"]),
    }
    search = BayesSearchCV(Bowl(), space, n_iter=25, cv=2, random_state=0).fit(X, Y)
    assert search.best_score_ > -0.05
    assert type(search.best_params_["k"]) is int
    with pytest.raises(ValueError, match=r"The prior of the range .* of parameter 'C' must be"):
        BayesSearchCV(Bowl(), {"C": Real(1, 2, "normal")}, cv=2).fit(X, Y)
