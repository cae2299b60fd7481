"""Warm starts: what is evaluated again, and what is refused."""

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, ManualSearch, RandomSearch
from tests.estimators import Counting, Failing, Null, WeightedNull

X = np.zeros((12, 1))
Y = np.arange(12) % 3


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


@pytest.mark.parametrize(
    "make, more",
    [
        (lambda e, **k: GridSearch(e, {"value": [1, 2]}, **k), {"param_grid": {"value": [0, 1, 2, 3]}}),
        (
            lambda e, **k: ManualSearch(e, [{"value": 1}, {"value": 2}], **k),
            {"candidates": [{"value": 3}, {"value": 1}, {}]},
        ),
    ],
    ids=["grid", "manual"],
)
def test_warm_start_evaluates_only_what_is_new(counting, make, more):
    search = make(counting, cv=3, warm_start=True, refit=False).fit(X, Y)
    assert Counting.n_fits == 6
    search.set_params(**more).fit(X, Y)
    assert Counting.n_fits == 12
    assert sorted(values(search)) == [0, 1, 2, 3]
    search.fit(X, Y)
    assert Counting.n_fits == 12
    assert search.best_params_ == {"value": 3}


@pytest.mark.parametrize("sampler", ["random", "sobol"])
@pytest.mark.parametrize("unique", [False, True])
def test_a_longer_random_search_continues_a_shorter_one(counting, sampler, unique):
    space = {"value": stats.randint(0, 10**6)}
    kwargs = {"random_state": 0, "sampler": sampler, "unique": unique, "cv": 3, "refit": False}
    search = RandomSearch(counting, space, n_iter=4, warm_start=True, **kwargs).fit(X, Y)
    search.set_params(n_iter=10).fit(X, Y)
    assert Counting.n_fits == 30
    assert values(search) == values(RandomSearch(counting, space, n_iter=10, **kwargs).fit(X, Y))
    search.set_params(n_iter=3).fit(X, Y)  # fewer than are known: nothing to do
    assert len(values(search)) == 10


def test_a_longer_random_search_of_lists_has_as_many_candidates_as_asked_for(counting):
    search = RandomSearch(
        counting, {"value": list(range(30))}, n_iter=10, random_state=0, warm_start=True, cv=2
    )
    search.fit(X, Y).set_params(n_iter=20).fit(X, Y)
    assert len(set(values(search))) == 20


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.fit(X + 1, Y), "data: X ndarray"),
        (lambda s: s.fit(X, Y[::-1].copy()), "data: .* y ndarray"),
        (lambda s: s.fit(X[:6], Y[:6]), "data: "),
        (lambda s: s.fit(X, Y, sample_weight=np.ones(12)), "data: .*sample_weight"),
        (lambda s: s.set_params(cv=3).fit(X, Y), "folds: 2 folds"),
        (lambda s: s.set_params(scoring="accuracy").fit(X, Y), "scoring: None became 'accuracy'"),
        (
            lambda s: s.set_params(return_train_score=True).fit(X, Y),
            "scoring: None became None with training",
        ),
        (lambda s: s.set_params(estimator=Null(3)).fit(X, Y), "estimator: .*Null"),
    ],
)
@pytest.mark.parametrize("is_pickled", [False, True])
def test_warm_start_refuses_what_cannot_be_compared(change, message, is_pickled):
    search = GridSearch(WeightedNull(), {"value": [0, 1]}, cv=2, warm_start=True).fit(X, Y)
    search = pickle.loads(pickle.dumps(search)) if is_pickled else search
    with pytest.raises(
        ValueError, match=f"(?s)scores cannot be compared with new ones: .*{message}.*warm_start=False"
    ):
        change(search)
    assert len(search.history_) == 2  # what is known is still there


def test_warm_start_keeps_the_folds_of_a_splitter_that_shuffles(counting):
    search = GridSearch(counting, {"value": [1]}, cv=ShuffleSplit(3), warm_start=True, refit=False).fit(X, Y)
    search.set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert Counting.n_fits == 6
    search.set_params(cv=ShuffleSplit(3, test_size=0.5))
    with pytest.raises(ValueError, match="folds"):
        search.fit(X, Y)


class Restless(KFold):
    """Gives other folds each time and does not say so."""

    def split(self, X, y=None, groups=None):
        rows = np.random.permutation(len(X))
        return ((np.sort(rows[train]), np.sort(rows[test])) for train, test in super().split(X))


@pytest.mark.parametrize(
    "cv",
    [
        KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        ShuffleSplit(3),
        Restless(3),
        list(KFold(3).split(X)),
    ],
)
def test_kept_folds_survive_pickling(counting, cv):
    search = GridSearch(counting, {"value": [1]}, cv=cv, warm_start=True, refit=False).fit(X, Y)
    search = pickle.loads(pickle.dumps(search)).set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert (Counting.n_fits, values(search)) == (6, [1, 2])


def test_the_history_keeps_the_parameters_that_were_evaluated(iris):
    inner = LogisticRegression(C=1e-4, max_iter=1000)
    search = GridSearch(Pipeline([("clf", SVC())]), {"clf": [inner, SVC()]}, warm_start=True).fit(*iris)
    before = search.cv_results_["mean_test_score"].copy()
    inner.set_params(C=100.0)
    search.best_params_["clf"] = "nonsense"
    search.fit(*iris)
    assert [params["clf"].C for params in search.cv_results_["params"]] == [1e-4, 1.0, 100.0]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"][:2], before)


def test_estimators_that_stay_fitted_are_told_apart_by_what_they_learned(iris):
    X, y = iris
    good, bad = (FrozenEstimator(DummyClassifier().fit(X, labels)) for labels in (y, np.full(len(y), 7)))
    search = GridSearch(Pipeline([("clf", SVC())]), {"clf": [good]}, warm_start=True).fit(X, y)
    search.set_params(param_grid={"clf": [bad, good]}).fit(X, y)
    assert search.cv_results_["mean_test_score"] == pytest.approx([1 / 3, 0])


def test_scores_of_an_edited_metric_are_not_mixed(iris):
    def metric(weight):
        return make_scorer(lambda truth, prediction: weight)

    search = GridSearch(SVC(), {"C": [1]}, scoring=metric(0.0), warm_start=True).fit(*iris)
    search.set_params(scoring=metric(0.0), param_grid={"C": [1, 2]}).fit(*iris)
    assert search.cv_results_["mean_test_score"].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="scoring"):
        search.set_params(scoring=metric(1.0)).fit(*iris)


def test_parameters_that_do_not_affect_scores_may_change(iris):
    search = GridSearch(BaggingClassifier(n_estimators=2, random_state=0), {}, warm_start=True).fit(*iris)
    search.estimator.set_params(n_jobs=2, verbose=0)
    assert len(search.fit(*iris).history_) == 1


@pytest.mark.parametrize("error_score", ["raise", -5.0])
def test_kept_failures_get_the_current_error_score(error_score):
    search = GridSearch(Failing(bad=(1,)), {"value": [0, 1]}, cv=2, warm_start=True)
    with pytest.warns(match="2 fits failed"), pytest.warns(match="non-finite"):
        search.fit(X, Y)
    search.set_params(error_score=error_score, param_grid={"value": [0, 1, 2]})
    if error_score == "raise":
        with pytest.warns(match="non-finite"):
            search.fit(X, Y)
    else:
        search.fit(X, Y)
    expected = np.nan if error_score == "raise" else -5.0
    np.testing.assert_equal(search.cv_results_["mean_test_score"][1], expected)


def test_a_scorer_of_several_metrics_that_fails_at_first(iris):
    def scorer(estimator, X, y):
        if estimator.C == 1:
            raise ArithmeticError("cannot score this")
        return {"a": 1.0, "b": 2.0}

    with pytest.warns(match="cannot score this"), pytest.warns(match="non-finite"):
        search = GridSearch(SVC(), {"C": [1, 2]}, scoring=scorer, refit="a").fit(*iris)
    np.testing.assert_equal(search.cv_results_["mean_test_b"], [np.nan, 2.0])


def test_an_estimator_that_can_do_without_a_target():
    class Lonely(Null):
        def fit(self, X, y=None):
            return self

        def score(self, X, y=None):
            return self.value

    assert GridSearch(Lonely(), {"value": [0, 1]}).fit(X).best_params_ == {"value": 1}


def test_drawing_has_no_side_effects():
    class Counter:
        n = 0

        def rvs(self, random_state=None):
            self.n += 1
            return self.n

    search = RandomSearch(Null(), {"value": Counter()}, n_iter=3, cv=2).fit(X, Y)
    assert values(search) == [1, 2, 3]


def test_without_warm_start_every_fit_starts_a_new_search(counting):
    search = GridSearch(counting, {"value": [1]}, cv=2, refit=False).fit(X, Y).fit(X + 1, Y)
    assert Counting.n_fits == 4
    assert len(search.history_) == 1


@pytest.mark.parametrize("make", [RandomSearch, BayesSearchCV])
def test_a_pickled_search_grows_and_shrinks_as_if_it_had_not_been_pickled(make, counting):
    space, kwargs = {"value": stats.randint(0, 1000)}, {"cv": 2, "random_state": 0}
    search = make(counting, space, n_iter=4, warm_start=True, **kwargs).fit(X, Y)
    for n_iter, n_expected in ((7, 7), (2, 7), (9, 9)):
        search = pickle.loads(pickle.dumps(search)).set_params(n_iter=n_iter).fit(X, Y)
        assert len(values(search)) == n_expected
    assert values(search) == values(make(counting, space, n_iter=9, **kwargs).fit(X, Y))


def test_a_warm_start_survives_pickling(counting):
    search = GridSearch(counting, {"value": [1]}, cv=2, warm_start=True, refit=False).fit(X, Y)
    search = pickle.loads(pickle.dumps(search)).set_params(param_grid={"value": [1, 2]}).fit(X, Y)
    assert (Counting.n_fits, values(search)) == (4, [1, 2])
