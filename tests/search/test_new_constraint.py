"""A constraint that is new applies to candidates that a warm start or ``previous=`` brings."""

import pickle

import numpy as np
import pytest
from scipy import stats

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.select import within_percent
from tests.estimators import Counting

X = np.zeros((12, 1))
Y = np.arange(12) % 3
SPACE = {"value": stats.randint(0, 100)}
COMMON = {"cv": 2, "random_state": 0}


def small(params):
    return params["value"] < 40


MAKE = {
    "grid": lambda e, **p: GridSearch(e, {"value": list(range(0, 100, 10))}, cv=2, **p),
    "random": lambda e, **p: RandomSearch(e, SPACE, n_iter=8, **COMMON, **p),
    "manual": lambda e, **p: ManualSearch(e, [{"value": v} for v in (70, 30, 10)], cv=2, **p),
    "bayes": lambda e, **p: BayesSearchCV(e, SPACE, n_iter=8, **COMMON, **p),
}
HYPERBAND = {"resource": "folds", "n_candidates": 8, **COMMON}


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


def check(search, bound=40):
    assert max(values(search)) < bound
    assert search.best_params_["value"] == max(values(search)) == search.best_score_
    assert search.best_estimator_.value == search.best_params_["value"]
    assert all(trial.candidate.params["value"] < bound for trial in search.history_)
    assert search.leaderboard(100)["param_value"].max() < bound


def messages(warned):
    """Return the messages about earlier candidates; `ManualSearch` has others about its list."""
    return [str(warning.message) for warning in warned if "evaluated before" in str(warning.message)]


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("is_pickled", [False, True])
def test_warm_start(counting, kind, is_pickled):
    search = MAKE[kind](counting, warm_start=True).fit(X, Y)
    first = values(search)
    search.set_params(constraint=small)
    if is_pickled:
        search = pickle.loads(pickle.dumps(search))
    n_fits = Counting.n_fits
    with pytest.warns(UserWarning, match="constraint rejects") as warned:
        search.fit(X, Y)
    check(search)
    kept = [value for value in first if value < 40]
    assert values(search)[: len(kept)] == kept
    n_rejected = len(first) - len(kept)
    (message,) = messages(warned)
    assert message.startswith(f"warm_start: the constraint rejects {n_rejected} of {len(first)} candidates")
    n_new = len(values(search)) - len(kept)
    assert Counting.n_fits - n_fits == 2 * n_new + 1
    assert n_new == (n_rejected if kind in ("random", "bayes") else 0)


@pytest.mark.parametrize("kind", MAKE)
def test_without_the_constraint_all_candidates_come_back(counting, kind):
    search = MAKE[kind](counting, warm_start=True).fit(X, Y)
    first = values(search)
    with pytest.warns(UserWarning, match="constraint rejects"):
        search.set_params(constraint=small).fit(X, Y)
    search = pickle.loads(pickle.dumps(search))
    n_fits, n_rows = Counting.n_fits, len(values(search))
    search.set_params(constraint=None, refit=False).fit(X, Y)
    assert Counting.n_fits == n_fits
    n_rejected = sum(value >= 40 for value in first)
    assert len(values(search)) == n_rows + n_rejected
    assert set(first) <= set(values(search))


@pytest.mark.parametrize("kind", MAKE)
def test_previous(counting, kind):
    first = RandomSearch(counting, SPACE, n_iter=12, **COMMON).fit(X, Y)
    search = MAKE[kind](counting, constraint=small, previous=first)
    with pytest.warns(UserWarning, match="constraint rejects") as warned:
        search.fit(X, Y)
    check(search)
    n_rejected = sum(value >= 40 for value in values(first))
    (message,) = messages(warned)
    assert message.startswith(f"previous: the constraint rejects {n_rejected} of 12 candidates")
    assert len(search.history_.prior) == n_rejected  # a search that learns still learns from them


def test_previous_of_hyperband(counting):
    first = HyperbandSearchCV(counting, SPACE, **HYPERBAND).fit(X, Y)
    assert max(values(first)) >= 40
    search = HyperbandSearchCV(counting, SPACE, previous=first, constraint=small, **HYPERBAND)
    with pytest.warns(UserWarning, match="previous: the constraint rejects"):
        search.fit(X, Y)
    check(search)


def test_brackets_that_the_constraint_rejects_are_not_continued(counting):
    search = HyperbandSearchCV(counting, SPACE, warm_start=True, **HYPERBAND).fit(X, Y)
    n_fits = Counting.n_fits
    with pytest.raises(ValueError, match=r"the constraint rejects \{'value': .* warm_start=False"):
        search.set_params(constraint=small).fit(X, Y)
    assert Counting.n_fits == n_fits
    search.set_params(constraint=lambda params: params["value"] < 100).fit(X, Y)


@pytest.mark.parametrize("refit", [lambda results: 0, within_percent(100, by="value")])
def test_rules_choose_among_the_allowed_candidates(counting, refit):
    first = GridSearch(counting, {"value": [90, 20, 30]}, cv=2).fit(X, Y)
    search = GridSearch(counting, {"value": [10, 20]}, cv=2, refit=refit, constraint=small, previous=first)
    with pytest.warns(UserWarning, match="rejects 1 of 3"):
        search.fit(X, Y)
    assert search.best_params_["value"] < 40


def test_a_constraint_on_parameters_that_earlier_candidates_lack(counting):
    """The estimator's own value counts, and a candidate to which the constraint does not apply is not allowed."""
    first = GridSearch(counting, [{}], cv=2).fit(X, Y)
    search = GridSearch(counting, {"value": [0, 7]}, cv=2, constraint=small, previous=first).fit(X, Y)
    assert values(search) == [0, 7]
    space = {"value": [7, 8]}  # without the estimator's own value
    search = GridSearch(counting, space, cv=2, constraint=small, previous=first)
    with pytest.warns(UserWarning, match="rejects 1 of 1"):
        assert values(search.fit(X, Y)) == [7, 8]


def test_a_constraint_that_raises_for_a_point_of_the_space_is_an_error(counting):
    search = GridSearch(counting, {"value": [0, 7]}, cv=2, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="constraint raised KeyError"):
        search.set_params(constraint=lambda params: params["C"] < 1).fit(X, Y)


def test_neither_a_race_nor_a_target_score_counts_candidates_that_the_constraint_rejects(counting):
    space = {"value": stats.uniform(0, 100)}
    first = RandomSearch(counting, space, n_iter=12, **COMMON).fit(X, Y)
    search = RandomSearch(counting, space, n_iter=6, racing=True, target_score=80, cv=2, random_state=1)
    with pytest.warns(UserWarning, match="previous: the constraint rejects"):
        search.set_params(constraint=small, previous=first).fit(X, Y)
    assert search.stop_reason_ == "completed"
    assert len(search.history_.own) == 6
