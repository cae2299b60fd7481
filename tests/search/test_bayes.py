"""BayesSearchCV: where it begins, what it proposes, and that nothing throws it off."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, RandomSearch, Space
from skhpt.distributions import loguniform_int
from skhpt.gp.regression import boundary_penalty
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.space.skopt import translate
from skhpt.strategies import bayes
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.initial_design import default_points
from skhpt.strategies.surrogate import DEPTH, MAX_SEEN, Surrogate, log_times, mean_scores
from skhpt.trial import Candidate, FoldScore, Trial
from tests.estimators import FailsBelow, Null

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


def trials(space, scores, n_splits=2):
    """Evaluated Sobol points of a space, with given scores."""
    points = space.sample(len(scores), 0, method="sobol", unique=True)
    return [
        Trial(Candidate(i, params), tuple(FoldScore(i, split, score) for split in range(n_splits)))
        for i, (params, score) in enumerate(zip(points, scores, strict=True))
    ]


def scored(points, score):
    """The history of some points, with one fold each."""
    return History(Trial(Candidate(i, params), (FoldScore(i, 0, score(**params)),)) for i, params in enumerate(points))


# -- what it finds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_the_optimum_that_random_draws_miss(seed):
    search = BayesSearchCV(Bowl(), BOWL, n_iter=30, cv=2, random_state=seed).fit(X, Y)
    assert search.best_score_ > -0.02
    assert search.best_score_ > RandomSearch(Bowl(), BOWL, n_iter=30, cv=2, random_state=seed).fit(X, Y).best_score_


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


# -- where it begins ---------------------------------------------------------------------------------------------------


def test_the_estimator_as_it_is_comes_first():
    search = BayesSearchCV(Bowl(C=3.0, k=4), BOWL, n_iter=6, cv=2, random_state=0).fit(X, Y)
    assert search.cv_results_["params"][0] == {"C": 3.0, "k": 4, "kind": "bad"}


def test_the_middle_stands_for_what_lies_outside_and_comes_second():
    search = BayesSearchCV(Bowl(C=1e9, k=4), BOWL, n_iter=6, cv=2, random_state=0).fit(X, Y)
    first, second, *_ = search.cv_results_["params"]
    assert first == {"C": pytest.approx(1), "k": 4, "kind": "bad"}
    assert second == {"C": pytest.approx(1), "k": 10, "kind": "good"}


def test_each_branch_is_looked_at_in_the_middle_but_half_of_the_start_is_spread():
    space = [{"kind": [kind], "C": BOWL["C"], "k": [1, 4, 7]} for kind in "abcdefgh"]
    points = default_points({"C": 3.0, "k": 2, "kind": "d"}, Space(space))
    assert points == [
        {"kind": "d", "C": 3.0, "k": 4},
        *({"kind": kind, "C": pytest.approx(1), "k": 4} for kind in "abcdefgh"),
    ]
    search = BayesSearchCV(Bowl(C=3.0, k=2), space, n_iter=10, n_initial=10, cv=2, random_state=0).fit(X, Y)
    assert [params["kind"] for params in search.cv_results_["params"][:5]] == list("aabcd")
    assert sum(params["C"] == pytest.approx(1) for params in search.cv_results_["params"]) == 4


def test_values_are_taken_for_what_they_equal():
    space = Space({"C": [1, 10, 100], "k": stats.randint(1, 21), "l": stats.uniform(), "kind": [True, "bad"]})
    (first, _) = default_points({"C": 1.0, "k": np.float64(5), "l": np.float64(0.25), "kind": 1.0}, space)
    assert first == {"C": 1, "k": 5, "l": 0.25, "kind": "bad"}
    assert [type(first[name]) for name in "Ckl"] == [int, int, float]


def test_the_estimator_as_it_is_comes_from_the_branch_that_has_most_of_it():
    C = stats.loguniform(0.1, 10)
    space = Space([{"clf": [SVC()], "clf__C": C}, {"C": C, "k": [7], "l": [8]}, {"clf": ["other"], "clf__C": C}])
    assert default_points({"C": 5.0, "k": 1, "l": 2}, space)[0] == {"C": 5.0, "k": 7, "l": 8}
    wide = Space([{"C": C, "k": [1, 2], "l": [3], "a": [7], "b": [7]}, {"C": C, "k": [1, 2]}])
    assert default_points({"C": 5.0, "k": 1, "l": 3}, wide)[0] == {"C": 5.0, "k": 1}
    assert default_points({"clf": SVC(), "clf__C": 5.0, "C": 5.0}, space)[0]["clf__C"] == 5.0
    assert default_points({"clf": "other", "clf__C": 5.0}, space)[0] == {"clf": "other", "clf__C": 5.0}
    assert default_points({"clf": "another one", "clf__C": 5.0}, space)[0] == default_points({}, space)[0]  # not its C


def test_what_the_constraint_forbids_takes_no_place():
    space = [{"kind": [kind], "C": BOWL["C"]} for kind in ("bad", "good")]
    search = BayesSearchCV(Bowl(C=3.0), space, n_iter=6, cv=2, random_state=0)
    search.set_params(constraint=lambda params: params["kind"] == "good").fit(X, Y)
    first, second, *_ = search.cv_results_["params"]
    assert (first, second) == ({"C": 3.0, "kind": "good"}, {"C": pytest.approx(1), "kind": "good"})


def test_where_enough_is_known_only_the_estimator_itself_is_added():
    known = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=0).fit(X, Y)
    for C, is_added in ((3.0, True), (1e9, False)):
        search = BayesSearchCV(Bowl(C=C, k=4), BOWL, n_iter=1, cv=2, random_state=0, previous=known).fit(X, Y)
        assert (search.cv_results_["params"][-1] == {"C": 3.0, "k": 4, "kind": "bad"}) == is_added
        assert search.cv_results_["params"][-1] != {"C": pytest.approx(1), "k": 4, "kind": "bad"}


def test_the_start_repeats_nothing_that_is_known():
    known = BayesSearchCV(Bowl(), BOWL, n_iter=3, cv=2, random_state=0).fit(X, Y)
    search = BayesSearchCV(Bowl(), BOWL, n_iter=4, cv=2, random_state=1, previous=known).fit(X, Y)
    assert keys(search)[:3] == keys(known)
    assert len(set(keys(search))) == 7


@pytest.mark.parametrize(("n_initial", "n_likely"), [(1, 1), (2, 1), (5, 2)])
def test_at_most_half_of_the_start_is_likely_to_be_good(n_initial, n_likely):
    search = BayesSearchCV(Bowl(C=1e9, k=4), BOWL, n_iter=n_initial, n_initial=n_initial, cv=2, random_state=0)
    params = search.fit(X, Y).cv_results_["params"]
    assert sum(one["C"] == pytest.approx(1) for one in params) == n_likely


def test_a_constraint_holds_at_the_start():
    search = BayesSearchCV(Bowl(k=1), BOWL, n_iter=6, cv=2, constraint=lambda params: params["k"] > 12, random_state=0)
    assert min(params["k"] for params in search.fit(X, Y).cv_results_["params"]) > 12


def test_what_is_known_replaces_the_start():
    first = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=0).fit(X, Y)
    known = BayesSearchCV(Bowl(), BOWL, n_iter=10, cv=2, random_state=0, previous=first).fit(X, Y)
    assert len(known.history_) == 30
    assert known.best_score_ > first.best_score_
    elsewhere = BayesSearchCV(Bowl(), BOWL, n_iter=10, cv=3, random_state=0, previous=first).fit(X, Y)
    assert len(elsewhere.history_) == 10
    assert len(elsewhere.history_.prior) == 20


def test_knowledge_from_other_folds_helps():
    gains = []
    for seed in range(6):
        first = RandomSearch(Bowl(), BOWL, n_iter=20, cv=2, random_state=seed).fit(X, Y)
        search = BayesSearchCV(Bowl(), BOWL, n_iter=8, cv=3, random_state=seed)
        ignorant = search.fit(X, Y).best_score_
        gains.append(search.set_params(previous=first).fit(X, Y).best_score_ - ignorant)
    assert np.mean(gains) > 0.02


def test_knowledge_of_another_space_does_no_harm():
    first = GridSearch(Bowl(), {"C": [1e6, 1.0]}, cv=2).fit(X, Y)
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=8, cv=2, random_state=0, previous=first).fit(X, Y)
    assert len(search.history_) == 10


def test_nothing_to_learn_from():
    far = RandomSearch(Bowl(), {"C": stats.uniform(1e5, 1)}, n_iter=20, cv=3).fit(X, Y)
    for cv in (2, 3):  # other folds, and the same
        search = BayesSearchCV(Bowl(C=1e9), {"C": BOWL["C"]}, n_iter=6, cv=cv, previous=far, random_state=0).fit(X, Y)
        assert len(search.history_) - search.history_.n_earlier_trials == 6
    search = BayesSearchCV(Bowl(), {"C": BOWL["C"]}, n_iter=12, cv=2, max_pending=8, random_state=0).fit(X, Y)
    assert len(set(keys(search))) == 12


@pytest.mark.parametrize("max_pending", [1, 3])
def test_a_longer_search_goes_on_where_a_shorter_one_ended(max_pending):
    whole = BayesSearchCV(Bowl(), BOWL, n_iter=14, cv=2, random_state=0, max_pending=max_pending).fit(X, Y)
    part = BayesSearchCV(Bowl(), BOWL, n_iter=9, cv=2, random_state=0, max_pending=max_pending, warm_start=True)
    part.fit(X, Y).set_params(n_iter=14).fit(X, Y)
    assert keys(part) == keys(whole)


def test_cheap_points_are_preferred_as_long_as_there_is_time():
    space = Space({"x": stats.uniform()})
    points = np.linspace(0.05, 0.95, 4)
    history = History(
        Trial(Candidate(i, {"x": x}), (FoldScore(i, 0, -((x - 0.5) ** 2), fit_time=np.exp(8 * x)),))
        for i, x in enumerate(points.tolist())
    )
    plain, early, late = (
        BayesianOptimization(space, n, [], None, seed=0, cost_aware=aware).ask(history)[0].params
        for n, aware in ((1000, False), (1000, True), (5, True))
    )
    assert early["x"] < plain["x"] - 0.01
    assert abs(late["x"] - plain["x"]) < abs(early["x"] - plain["x"])
    acquisition = BayesianOptimization(space, 5, [], None, seed=0, cost_aware=True)._acquire(
        [*history], [], [], np.random.default_rng()
    )
    assert acquisition.times.posterior.depth == 0  # a time is not longer at the edges


def test_an_upper_confidence_bound_goes_where_less_is_known():
    space = Space({"x": stats.uniform()})
    history = scored(({"x": x} for x in (0.05, 0.2, 0.25, 0.3, 0.35, 0.4)), lambda x: np.sin(12 * x))
    improved, bounded = (
        BayesianOptimization(space, 7, [], None, seed=0, acquisition=name).ask(history)[0].params["x"]
        for name in ("log_ei", "ucb")
    )
    assert abs(improved - 0.14) < 0.05
    assert bounded > 0.6


def test_nothing_but_scores_is_expected_to_be_low_at_the_edges():
    space = Space({"x": stats.uniform(), "y": stats.uniform(), "z": [3], "w": list("ab"), "v": [1, 2, 4]})
    surrogate = Surrogate(Encoder(space), trials(space, [1.0] * 8), mean_scores)
    assert surrogate.posterior.depth == DEPTH / 2  # x, y, w and v are free
    assert Surrogate(Encoder(space), trials(space, [1.0] * 8), log_times, is_score=False).posterior.depth == 0
    inside, corner = ({"x": u, "y": u, "z": 3, "w": "a", "v": 2} for u in (0.45, 0.99))
    assert np.greater(*surrogate.predict(space.encode([inside, corner]))[0])


def test_a_bowl_of_scores_is_not_taken_for_structure():
    """The hyperparameters are fitted to what the bowl leaves of the scores."""
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    history = trials(space, [0.0] * 16)
    h = ((2 * space.encode([trial.candidate.params for trial in history]) - 1) ** 2).sum(axis=1)
    bowl = Surrogate(Encoder(space), trials(space, (-h).tolist()), mean_scores)
    upside_down = Surrogate(Encoder(space), trials(space, h.tolist()), mean_scores)
    assert (bowl.posterior.lengths > upside_down.posterior.lengths).all()


def test_a_branch_is_a_name_and_none_of_them_an_edge():
    space = Space([{"kind": [kind], "x": stats.uniform()} for kind in "abcde"])
    middles = space.encode([{"kind": kind, "x": 0.5} for kind in "abcde"])
    surrogate = Surrogate(Encoder(space), trials(space, [1.0] * 8), mean_scores)
    np.testing.assert_array_equal(boundary_penalty(surrogate.embedding, surrogate.embedding(middles)), 0)


def test_a_space_without_parameters_has_one_candidate():
    with pytest.warns(UserWarning, match="parameters 1 is smaller than n_iter=8"):
        search = BayesSearchCV(Bowl(), {}, n_iter=8, cv=2).fit(X, Y)
    assert search.cv_results_["params"] == [{}]


def test_every_second_proposal_draws_hyperparameters_and_every_sixth_explores(monkeypatch):
    asked = []

    class Acquisition(bayes._Acquisition):
        def __init__(self, surrogate, functions):
            super().__init__(surrogate, functions)
            asked.append((surrogate.posterior.theta.tolist(), functions is bayes.EXPLORING))

    monkeypatch.setattr(bayes, "_Acquisition", Acquisition)
    space = Space({"x": stats.uniform()})
    history = scored(space.sample(24, 0), lambda x: -((x - 0.5) ** 2))
    for turn in range(12, 24):
        for seed in (0, 1):
            BayesianOptimization(space, turn + 1, [], None, seed).ask(History(list(history)[:turn]))
    thetas, explores = zip(*asked, strict=True)
    assert [one == other for one, other in zip(thetas[::2], thetas[1::2], strict=True)] == [True, False] * 6
    assert [turn for turn, does in zip(range(12, 24), explores[::2], strict=True) if does] == [17, 23]


def test_no_column_is_written_off():
    """Some draws of the hyperparameters take the column of y, which hardly mattered so far, for a rough one."""
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    points = np.random.default_rng(2).random((15, 2)) * [1, 0.3]
    history = scored(({"x": x, "y": y} for x, y in points.tolist()), lambda x, y: -((x - 0.5) ** 2))
    proposed = [BayesianOptimization(space, 16, [], None, seed).ask(history)[0].params["y"] for seed in range(20)]
    assert np.ptp(proposed) > 0.1


def test_the_acquisition_is_one_of_two_and_only_improvement_is_weighed_against_time():
    with pytest.raises(ValueError, match="'acquisition' parameter of BayesSearchCV must be a str among"):
        BayesSearchCV(Bowl(), BOWL, acquisition="ei").fit(X, Y)
    with pytest.raises(ValueError, match=r"cost_aware=True .* needs acquisition='log_ei', got acquisition='ucb'"):
        BayesSearchCV(Bowl(), BOWL, acquisition="ucb", cost_aware=True).fit(X, Y)


# -- workers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_pending", [1, 4])
def test_the_same_candidates_for_any_number_of_workers(iris, max_pending):
    space = {"C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-4, 10)}
    search = BayesSearchCV(SVC(), space, n_iter=12, random_state=0, max_pending=max_pending)
    alone = search.fit(*iris).cv_results_["params"]
    assert search.set_params(n_jobs=2).fit(*iris).cv_results_["params"] == alone


def test_pending_points_are_kept_clear_of():
    space = Space({"x": stats.uniform()})
    history = History(trials(space, [-1.0, -0.5, -0.1, -0.4, -0.8]))
    strategy = BayesianOptimization(space, 9, [], None, seed=0, max_pending=4)
    history.add(strategy.ask(History(history.finished[:5], n_earlier_trials=5)))
    points = [trial.candidate.params["x"] for trial in history][5:]
    assert len(points) == 4
    assert np.diff(np.sort(points)).min() > 0.005


def test_idle_workers_are_reported():
    search = BayesSearchCV(Bowl(), BOWL, n_iter=5, cv=2, n_jobs=4)
    with pytest.warns(UserWarning, match="2 of 4 workers will be idle: only max_pending=1 candidates of 2 folds"):
        search.fit(X, Y)


# -- robustness --------------------------------------------------------------------------------------------------------


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
    search.set_params(constraint=lambda params: params["value"] > 3, n_iter=12).fit(X, Y)
    assert len(keys(search)) == 4


@pytest.mark.parametrize(
    "scores",
    [[0.5] * 12, [np.nan] * 12, [np.nan, np.inf, -np.inf, 1.0] * 3, [0.0, -1e12, 1e-9] * 4, [1.0, 1.0 + 1e-15] * 6],
    ids=["equal", "nan", "infinite", "extreme", "almost equal"],
)
@pytest.mark.parametrize("n_columns", [1, 30])
def test_no_scores_throw_it_off(scores, n_columns):
    space = Space({f"x{i}": stats.uniform() for i in range(n_columns)})
    history = History(trials(space, [None if score != score else score for score in scores]))
    (candidate,) = BayesianOptimization(space, 99, [], None, seed=0).ask(history)
    assert space.contains(candidate.params)


def test_a_region_that_fails_is_avoided():
    search = BayesSearchCV(FailsBelow(), {"value": stats.uniform(0, 1)}, n_iter=25, cv=2, random_state=0)
    with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"][10:]).mean() < 0.3
    assert search.best_score_ > 0.95


def test_one_point():
    search = BayesSearchCV(Null(), {"value": [3]}, n_iter=1, cv=2).fit(X, Y)
    assert search.best_params_ == {"value": 3}


def test_many_observations_are_boiled_down():
    space = Space({"x": stats.uniform(), "k": loguniform_int(1, 500)})
    history = trials(space, np.sin(np.arange(2000.0)))
    surrogate = Surrogate(Encoder(space), history, mean_scores)
    assert len(surrogate.posterior.alpha) == MAX_SEEN
    assert surrogate.y.max() == pytest.approx(surrogate.warp(np.array([np.sin(np.arange(2000.0)).max()]))[0])
    assert len(BayesianOptimization(space, 3000, [], None, seed=0).ask(History(history))) == 1


def test_an_object_that_can_only_be_drawn_from_is_refused():
    class Dice:
        def rvs(self, random_state=None):
            return 3

    with pytest.raises(TypeError, match="'value' has rvs but neither ppf nor icdf"):
        BayesSearchCV(Null(), {"value": Dice()}, cv=2).fit(X, Y)


# -- what it believes --------------------------------------------------------------------------------------------------


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


def test_gradients_around_points():
    space = Space([{"x": stats.uniform(), "c": ["a", "b"]}, {"x": stats.uniform(), "y": stats.norm(), "k": [1, 2]}])
    surrogate = Surrogate(Encoder(space), trials(space, np.sin(np.arange(20.0)).tolist()), mean_scores)
    u = np.random.default_rng(0).uniform(0.1, 0.9, (8, len(space.columns)))
    predict = surrogate.around(u)
    mean, std, mean_slope, std_slope = predict(u)
    np.testing.assert_allclose((mean, std), surrogate.predict(u))
    for i, column in enumerate(space.columns):
        h = 1e-6 * np.eye(u.shape[1])[i]
        if column.name not in ("x", "y"):
            assert not mean_slope[:, i].any()
            continue
        (up, up_std, *_), (down, down_std, *_) = predict(u + h), predict(u - h)
        np.testing.assert_allclose(mean_slope[:, i], (up - down) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(std_slope[:, i], (up_std - down_std) / 2e-6, atol=1e-6)


def test_several_metrics(iris):
    space = {"C": stats.loguniform(1e-3, 1e3)}
    search = BayesSearchCV(SVC(), space, n_iter=8, scoring=["f1_macro", "accuracy"], refit="accuracy", random_state=0)
    search.fit(*iris)
    single = BayesSearchCV(SVC(), space, n_iter=8, scoring="accuracy", random_state=0).fit(*iris)
    assert keys(search) == keys(single)


# -- those who come from scikit-optimize -------------------------------------------------------------------------------


class Real:
    """Stands for `skopt.space.Real`: what is read are its attributes and the name of its class."""

    def __init__(self, low, high, prior="uniform"):
        self.low = low
        self.high = high
        self.prior = prior


class Integer(Real):
    pass


class Categorical:
    def __init__(self, categories):
        self.categories = categories


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ((1e-3, 1e3, "log-uniform"), stats.loguniform(1e-3, 1e3)),
        ((0.0, 2.0, "uniform"), stats.uniform(0.0, 2.0)),
        ((1, 9, "uniform"), stats.randint(1, 10)),
        ((1, 9, "log-uniform"), loguniform_int(1, 9)),
        (Real(1, 10, "log-uniform"), stats.loguniform(1, 10)),
        (Real(1, 10), stats.uniform(1, 9)),
        (Integer(1, 9), stats.randint(1, 10)),
        (Categorical(("a", "b")), ["a", "b"]),
        ((1, 9), (1, 9)),
        (("rbf", "linear", "uniform"), ("rbf", "linear", "uniform")),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_their_dimensions_are_understood(theirs, ours):
    if theirs == ("rbf", "linear", "uniform"):
        with pytest.raises(ValueError, match="must be numbers in order"):
            translate({"x": theirs})
        return
    translated, expected = Space(translate([{"x": theirs}])), Space({"x": ours})
    assert translated.columns[0].dimension.same_as(expected.columns[0].dimension)


def test_numbers_of_candidates_for_each_space_are_refused():
    with pytest.raises(TypeError, match="pass the list of spaces alone"):
        BayesSearchCV(Bowl(), [({"C": (0.1, 1.0, "uniform")}, 10)], cv=2).fit(X, Y)


def test_a_search_of_their_space():
    space = {"C": Real(1e-3, 1e3, "log-uniform"), "k": (1, 20, "uniform"), "kind": Categorical(["bad", "good"])}
    search = BayesSearchCV(Bowl(), space, n_iter=25, cv=2, random_state=0).fit(X, Y)
    assert search.best_score_ > -0.05
    assert type(search.best_params_["k"]) is int
    with pytest.raises(ValueError, match=r"the prior of \(1, 2, 'normal'\) must be one of"):
        BayesSearchCV(Bowl(), {"C": Real(1, 2, "normal")}, cv=2).fit(X, Y)


def test_early_trials_that_all_lie_outside():
    space = Space({"C": stats.uniform(0, 1)})
    outside = [Trial(Candidate(i, {"C": 5.0 + i}), (FoldScore(i, 0, 0.1),)) for i in range(28)]
    inside = Trial(Candidate(28, {"C": 0.5}), (FoldScore(28, 0, 0.5),))
    strategy = BayesianOptimization(space, 5, [], None, 0)
    (candidate,) = strategy.ask(
        History([*outside, inside], n_earlier_trials=29)
    )  # up to 28 the length scales would be fitted to
    assert space.contains(candidate.params)
