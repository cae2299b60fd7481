"""A journal and the fitted search that wrote it are the same source: scores, parameters, ids, states, plans."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import (
    BayesSearchCV,
    GridSearch,
    HyperbandSearchCV,
    ManualSearch,
    RandomSearch,
    read_journal,
    select,
)
from skhpt.inspection import comparable_group, read_source
from skhpt.journal.json_values import short_text

X, y = load_iris(return_X_y=True)
X, y = X[::2], y[::2]
FOLDS = KFold(3, shuffle=True, random_state=0)
PIPELINE = Pipeline([("scale", StandardScaler()), ("clf", KNeighborsClassifier())])
GRID = {"n_neighbors": [3, -1, 40], "weights": ["uniform", "distance"]}
DRAWS = [{"n_neighbors": randint(1, 45), "p": loguniform(1, 8)}, {"weights": ["distance", "uniform"]}]
TWO_METRICS = {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}


def fit(search):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # failures, and what previous= cannot use
        return search.fit(X, y)


def plain(value):
    """Return a value as journals show it: objects are texts."""
    is_plain = value is None or isinstance(value, (bool, int, float, str, np.generic))
    return value if is_plain else short_text(value)


def shown(params):
    return [{name: plain(value) for name, value in each.items()} for each in params]


def assert_equal_tables(mine, others):
    assert mine.keys() == others.keys()
    for name in mine:
        if name == "params":
            continue
        expected, actual = np.ma.asarray(others[name]), np.ma.asarray(mine[name])
        if name.startswith("param_"):
            expected, actual = ([plain(value) for value in column.tolist()] for column in (expected, actual))
            assert actual == expected
        else:
            np.testing.assert_array_equal(actual, expected, err_msg=name)


def assert_agreement(search, path):
    """Compare what a search and its journal say."""
    view = read_journal(path)
    mine, others = read_source(view), read_source(search)
    for name in ("search", "metrics", "metric", "space", "n_splits", "resource", "best_index", "n_planned"):
        assert getattr(mine, name) == getattr(others, name), name
    for name in ("state", "stop_reason", "task"):
        assert getattr(mine, name) == getattr(others, name), name
    np.testing.assert_equal(mine.error_score, others.error_score)
    assert [trial.candidate.id for trial in mine.trials] == [trial.candidate.id for trial in others.trials]
    for name in ("states", "is_complete", "fit_times"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(others, name))
    np.testing.assert_allclose(mine.ended, others.ended, atol=1e-4, rtol=0)
    for metric in mine.metrics:
        np.testing.assert_array_equal(mine.scores(metric), others.scores(metric))
        np.testing.assert_array_equal(mine.fold_scores(metric), others.fold_scores(metric))
    assert list(mine.params) == shown(others.params)
    assert list(mine.summaries) == list(others.summaries)
    assert comparable_group(view) == comparable_group(search) != ""
    assert_equal_tables(view.cv_results_, search.cv_results_)
    if hasattr(search, "best_index_"):
        assert view.best_params == shown([search.best_params_])[0]
        assert view.best_score == search.cv_results_[f"mean_test_{mine.metric}"][search.best_index_]
    else:
        assert mine.best_index is None
    for metric in (None, mine.metrics[-1]):
        frame, expected = view.leaderboard(metric=metric), search.leaderboard(metric=metric)
        assert (list(frame.columns), list(frame.index)) == (list(expected.columns), list(expected.index))
        for name in frame.columns:
            assert repr(list(map(plain, frame[name]))) == repr(list(map(plain, expected[name]))), name


def test_parameters_that_candidates_leave_out(tmp_path):
    path = tmp_path / "search.jsonl"
    candidates = [{}, {"clf": GaussianNB()}, {"clf": KNeighborsClassifier(7)}, {"clf__n_neighbors": 3}]
    search = ManualSearch(PIPELINE, [*candidates, {"clf": GaussianNB(), "clf__p": 1}], cv=FOLDS, journal=path)
    assert_agreement(fit(search), path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.evaluate(X, y, clf__weights="distance")
    assert_agreement(search, path)


FOREST = RandomForestClassifier(9, random_state=0)
SGD = SGDClassifier(max_iter=9, tol=None, random_state=0)
HYPERBANDS = {
    "n_estimators": (FOREST, {"max_depth": randint(1, 9), "max_features": [1, 2, 4]}, {"max_resources": 9}),
    "n_samples": (KNeighborsClassifier(), {"n_neighbors": [1, 2, 3, 40], "p": [1, 2]}, {}),
    "epochs": (SGD, {"alpha": loguniform(1e-5, 1), "penalty": ["l1", "l2"]}, {"schedule": "hyperband"}),
    "folds": (KNeighborsClassifier(), GRID, {"n_candidates": "auto"}),
}


@pytest.mark.parametrize("resource", HYPERBANDS)
def test_rungs(resource, tmp_path):
    path = tmp_path / "search.jsonl"
    estimator, space, options = HYPERBANDS[resource]
    options = {"n_candidates": 8, "cv": FOLDS, "random_state": 0} | options
    search = HyperbandSearchCV(estimator, space, resource=resource, journal=path, **options)
    assert_agreement(fit(search), path)
    assert read_journal(path).resource == resource
    rows = [list(row.values())[:5] for row in search.plan_]
    assert [list(row.values()) for row in read_journal(path).plan] == rows


def test_rungs_with_an_earlier_search(tmp_path):
    path = tmp_path / "search.jsonl"
    estimator, space, options = HYPERBANDS["n_estimators"]
    options = {"resource": "n_estimators", "n_candidates": 5, "cv": FOLDS, **options}
    earlier = fit(HyperbandSearchCV(estimator, space, random_state=1, **options))
    search = HyperbandSearchCV(estimator, space, random_state=0, previous=earlier, journal=path, **options)
    assert_agreement(fit(search), path)


def worst(results):
    """Choose the worst candidate."""
    return int(np.nanargmin(results["mean_test_accuracy"]))


METRICS = st.sampled_from(
    [
        {},
        {"scoring": "f1_macro", "error_score": 0.0},
        TWO_METRICS,
        {"scoring": ["accuracy", "f1_macro"], "refit": False},
        {
            "scoring": ["f1_macro", "accuracy"],
            "refit": lambda results: int(np.nanargmin(results["mean_test_accuracy"])),
        },
        {"refit": select.within_percent(20, "mean_fit_time")},
        {"refit": False, "return_train_score": True},
    ]
)
KINDS = {
    "grid": lambda **options: GridSearch(KNeighborsClassifier(), GRID, **options),
    "pipeline": lambda **options: GridSearch(
        PIPELINE, {"clf": [KNeighborsClassifier(n) for n in (1, 9)] + [GaussianNB()]}, **options
    ),
    "random": lambda **options: RandomSearch(
        KNeighborsClassifier(), DRAWS, n_iter=5, random_state=0, **options
    ),
    "racing": lambda **options: RandomSearch(
        KNeighborsClassifier(), GRID, n_iter=5, random_state=0, racing=True, **options
    ),
    "bayes": lambda **options: BayesSearchCV(
        KNeighborsClassifier(), GRID, n_iter=5, n_initial=3, random_state=0, **options
    ),
    "manual": lambda **options: ManualSearch(
        KNeighborsClassifier(), [{}, {"n_neighbors": -1}, {"p": 1}, {"n_neighbors": 9}], **options
    ),
}


@given(
    kind=st.sampled_from(sorted(KINDS)),
    metrics=METRICS,
    has_previous=st.booleans(),
    has_last=st.booleans(),
    patience=st.sampled_from([None, 1]),
)
@settings(max_examples=20, deadline=None)
def test_a_search_and_its_journal_agree(tmp_path_factory, kind, metrics, has_previous, has_last, patience):
    path = tmp_path_factory.mktemp("agreement") / "search.jsonl"
    options = {"cv": FOLDS, **metrics}
    if has_previous:
        earlier = ManualSearch(KNeighborsClassifier(), [{"n_neighbors": n} for n in (2, 5)], **options)
        options["previous"] = fit(earlier)
    if patience and not callable(metrics.get("refit")) and metrics.get("refit") is not False:
        options["patience"] = patience
    search = KINDS[kind](**options)
    if has_last:
        fit(search).set_params(warm_start=True)
    assert_agreement(fit(search.set_params(journal=path)), path)
    assert_agreement(fit(search), path)  # resumed
