"""The same numbers as scikit-learn's searches, bit for bit, for every number of workers and backend."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy import stats
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, RandomSearch
from skhpt.identity import params_key, value_key
from tests.estimators import Failing, GlobalRandom, Null

CLASSES = make_classification(60, 5, random_state=0, n_classes=3, n_informative=4, n_redundant=0)
NUMBERS = make_regression(60, 5, noise=5.0, random_state=0)

PROBLEMS = {
    "svc": (SVC(), CLASSES, {"C": [0.1, 1, 10.0], "kernel": ["rbf", "linear"]}),
    "tree": (DecisionTreeClassifier(), CLASSES, {"max_depth": [1, 3, None], "random_state": [0, 1]}),
    "knn": (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        CLASSES,
        {"kneighborsclassifier__n_neighbors": [1, 3, 5, 9], "standardscaler__with_mean": [True, False]},
    ),
    "step": (
        make_pipeline(StandardScaler(), SVC()),
        CLASSES,
        [
            {"svc": [SVC(), LogisticRegression()]},
            {"standardscaler": ["passthrough", StandardScaler()], "svc__C": [3]},
        ],
    ),
    "ridge": (Ridge(), NUMBERS, {"alpha": [0.01, 1.0, 100.0], "fit_intercept": [True, False]}),
    "failing": (Failing(bad=(1,)), CLASSES, {"value": [0, 1, 2]}),
}
DISTRIBUTIONS = {
    "svc": {"C": stats.loguniform(0.01, 10), "kernel": ["rbf", "linear"]},
    "tree": {"max_depth": stats.randint(1, 6), "random_state": [0]},
    "knn": {"kneighborsclassifier__n_neighbors": stats.randint(1, 20)},
    "step": [{"svc": [SVC(), LogisticRegression()]}, {"svc__C": stats.expon(scale=2)}],
    "ridge": {"alpha": stats.lognorm(2), "fit_intercept": [True, False]},
    "failing": {"value": stats.randint(0, 3)},
}
CVS = [
    None,
    3,
    KFold(3, shuffle=True, random_state=1),
    ShuffleSplit(3, random_state=2),
    [(np.arange(0, 40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))],
]


def assert_same(ours, theirs):
    """Assert that two fitted searches found the same, but for the times."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, column in theirs.cv_results_.items():
        mine = ours.cv_results_[name]
        if name == "params":
            assert list(map(params_key, mine)) == list(map(params_key, column))
        elif "_time" not in name:
            assert type(mine) is type(column)
            assert mine.dtype == column.dtype, name
            if isinstance(column, np.ma.MaskedArray):
                np.testing.assert_array_equal(mine.mask, column.mask)
                assert list(map(value_key, mine.compressed())) == list(map(value_key, column.compressed()))
            else:
                np.testing.assert_array_equal(mine, column, err_msg=name)
        else:
            assert (mine >= 0).all()
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert value_key(getattr(ours, name, None)) == value_key(getattr(theirs, name, None))


def fit_both(mine, theirs, X, y, **params):
    """Fit both searches; return them with the warnings of each."""
    caught = []
    for search in (mine, theirs):
        with warnings.catch_warnings(record=True) as messages:
            warnings.simplefilter("always")
            search.fit(X, y, **params)
        # A traceback names the lines of the library that called the estimator.
        caught.append([(w.category, str(w.message).partition("Traceback")[0]) for w in messages])
    assert caught[0] == caught[1]
    return mine, theirs


scorings = {
    "one": [None, "accuracy", "f1_macro"],
    "several": [["accuracy", "f1_macro"], {"a": "accuracy", "b": "balanced_accuracy"}],
}


@st.composite
def arguments(draw, problem):
    regression = problem == "ridge"
    several = draw(st.booleans()) and not regression
    scoring = draw(
        st.sampled_from(scorings["several"] if several else [None, "r2"] if regression else scorings["one"])
    )
    refit = draw(st.sampled_from([False, *scoring])) if several else draw(st.booleans())
    return {
        "scoring": scoring,
        "refit": refit,
        "cv": draw(st.sampled_from(CVS)),
        "return_train_score": draw(st.booleans()),
        "error_score": draw(st.sampled_from([np.nan, -1.0])),
    }


@settings(max_examples=12)
@given(st.data(), st.sampled_from(sorted(PROBLEMS)), st.sampled_from([1, 2]))
def test_grid_search(data, problem, n_jobs):
    estimator, (X, y), grid = PROBLEMS[problem]
    kwargs = data.draw(arguments(problem))
    with parallel_config("threading"):
        pair = GridSearch(estimator, grid, n_jobs=n_jobs, **kwargs), GridSearchCV(estimator, grid, **kwargs)
        assert_same(*fit_both(*pair, X, y))


@settings(max_examples=12)
@given(st.data(), st.sampled_from(sorted(PROBLEMS)), st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_random_search(data, problem, seed, n_iter):
    estimator, (X, y), _ = PROBLEMS[problem]
    if problem == "failing":  # all fits of a small draw may fail
        n_iter += 10
    kwargs = data.draw(arguments(problem)) | {"random_state": seed, "n_iter": n_iter}
    space = DISTRIBUTIONS[problem]
    assert_same(
        *fit_both(
            RandomSearch(estimator, space, **kwargs), RandomizedSearchCV(estimator, space, **kwargs), X, y
        )
    )


@pytest.mark.parametrize("backend, n_jobs", [("loky", 2), ("threading", 3), ("sequential", 2)])
@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["svc", "tree", "failing"]))
@pytest.mark.filterwarnings("ignore")
def test_the_result_is_the_same_for_any_workers(backend, n_jobs, seed, problem):
    estimator, (X, y), _ = PROBLEMS[problem]
    cv = StratifiedKFold(3, shuffle=True, random_state=seed % 100)
    kwargs = {"n_iter": 15, "random_state": seed, "cv": cv, "return_train_score": True}
    reference = RandomSearch(estimator, DISTRIBUTIONS[problem], **kwargs).fit(X, y)
    with parallel_config(backend, n_jobs=n_jobs):
        assert_same(RandomSearch(estimator, DISTRIBUTIONS[problem], **kwargs).fit(X, y), reference)


def test_sample_weights_and_groups(iris):
    X, y = iris
    rng = np.random.RandomState(0)
    weights, groups = rng.uniform(1, 2, 150), rng.randint(0, 9, 150)
    grid = {"C": [0.1, 1.0]}
    pair = GridSearch(SVC(), grid, cv=GroupKFold(3)), GridSearchCV(SVC(), grid, cv=GroupKFold(3))
    assert_same(*fit_both(*pair, X, y, sample_weight=weights, groups=groups))


@pytest.mark.parametrize(
    "refit", [lambda results: 2, lambda results: int(results["mean_test_score"].argmin())]
)
def test_a_callable_refit(iris, refit):
    grid = {"C": [0.001, 0.1, 1.0]}
    ours, theirs = fit_both(
        GridSearch(SVC(), grid, refit=refit), GridSearchCV(SVC(), grid, refit=refit), *iris
    )
    assert_same(ours, theirs)
    assert not hasattr(ours, "best_score_")


def test_a_callable_that_scores_several_metrics(iris):
    def scoring(estimator, X, y):
        return {"right": estimator.score(X, y), "size": float(len(X))}

    kwargs = {"scoring": scoring, "refit": "right"}
    grid = {"value": [0, 1, 2]}
    pair = GridSearch(Failing(bad=(0,)), grid, **kwargs), GridSearchCV(Failing(bad=(0,)), grid, **kwargs)
    assert_same(*fit_both(*pair, *iris))


def test_numpys_global_generator_is_used_in_the_same_order(iris):
    grid, space = {"value": [0, 1, 2]}, {"value": stats.randint(0, 9)}
    for ours, theirs in [
        (GridSearch(GlobalRandom(), grid), GridSearchCV(GlobalRandom(), grid)),
        (RandomSearch(GlobalRandom(), space), RandomizedSearchCV(GlobalRandom(), space)),
    ]:
        for search in (ours, theirs):
            np.random.seed(7)
            search.fit(*iris)
        assert_same(ours, theirs)


def test_a_random_state_instance_goes_on_from_fit_to_fit(iris):
    ours, theirs = (
        search(Null(), {"value": stats.randint(0, 1000)}, random_state=np.random.RandomState(0))
        for search in (RandomSearch, RandomizedSearchCV)
    )
    for _ in range(2):
        assert_same(*fit_both(ours, theirs, *iris))


@pytest.mark.parametrize("verbose", [1, 2, 3, 10])
def test_the_same_output(iris, capsys, verbose):
    grid = {"C": [0.1, 1.0], "kernel": ["linear"]}
    printed = []
    for search in (GridSearch, GridSearchCV):
        search(SVC(), grid, cv=2, verbose=verbose, return_train_score=True).fit(*iris)
        printed.append(re.sub(r"total time= *[\d.]+", "total time=", capsys.readouterr().out))
    assert printed[0] == printed[1]


def test_duplicate_candidates_are_evaluated_as_often_as_they_are_listed(iris):
    grid = {"C": [1.0, 1.0, 2.0]}
    assert len(ParameterGrid(grid)) == len(GridSearch(SVC(), grid).fit(*iris).cv_results_["params"])
