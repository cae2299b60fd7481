"""Warnings point at the user's line, through any number of frames of the package."""

import sys
import threading
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.metrics import recall_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skhpt import BayesSearchCV, HyperbandSearchCV, ManualSearch, RandomSearch, Space, read_journal
from skhpt._warnings import warnings_ignored

X, Y = load_iris(return_X_y=True)


def sample_too_many():
    Space({"C": [1, 2]}).sample(3, 0, unique=True)


def reject_a_candidate():
    ManualSearch(SVC(), [{"C": 1}, {"C": 2}], constraint=lambda params: params["C"] > 1, cv=2).fit(X, Y)


def small_space():
    BayesSearchCV(SVC(), {"C": [1, 2]}, n_iter=5, cv=2, random_state=0).fit(X, Y)


def ignored_previous():
    previous = {"params": [{"C": 1}], "mean_test_score": np.array([0.5])}
    RandomSearch(SVC(), {"C": stats.uniform(1, 2)}, n_iter=1, cv=2, previous=previous).fit(X, Y)


def within_cross_val_score():
    cross_val_score(BayesSearchCV(SVC(), {"C": [1, 2]}, n_iter=5, cv=2, random_state=0), X, Y, cv=2)


def evaluate_a_point():
    ManualSearch(SVC(), [{}], cv=2).fit(X, Y).evaluate(X, Y, C=-1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.parametrize(
    "warn",
    [
        sample_too_many,
        reject_a_candidate,
        small_space,
        ignored_previous,
        within_cross_val_score,
        evaluate_a_point,
    ],
)
def test_the_place_of_a_warning_is_the_users_line(warn):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}
    assert {warning.lineno - warn.__code__.co_firstlineno for warning in caught} <= {1, 2}


# -- threads -------------------------------------------------------------------------------------------------


def rare_class_recall(estimator, X, y):
    return recall_score(y, estimator.predict(X), average="macro")


def bayes_in_a_small_space():
    space = {"C": [1, 2, 4, 8], "gamma": ["scale", "auto"]}
    constraint = lambda params: params["C"] < 5  # noqa: E731
    BayesSearchCV(SVC(), space, n_iter=6, cv=2, constraint=constraint, random_state=0).fit(X, Y)


def hyperband_in_a_small_space():
    search = HyperbandSearchCV(
        SVC(), {"C": [1, 2, 4]}, resource="n_samples", n_candidates=9, cv=2, random_state=0
    )
    with pytest.warns(UserWarning, match="only 3 left to try"):
        search.fit(X, Y)


def corrected_score_of_a_foreign_metric():
    rows = np.r_[0:52, 100:103]  # few of a class: samples lack it
    search = RandomSearch(
        SVC(), {"C": [0.1, 1]}, n_iter=2, cv=2, scoring=rare_class_recall, return_predictions=True
    )
    assert np.isfinite(search.fit(X[rows], Y[rows]).corrected_score_.score)


def view_of_a_journal(tmp_path):
    search = RandomSearch(SVC(), {"C": [-1, 1]}, n_iter=2, cv=2, journal=tmp_path / "search.jsonl")
    with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
        search.fit(X, Y)
    assert "ok" in read_journal(tmp_path / "search.jsonl").leaderboard_text()


@pytest.mark.parametrize(
    "run",
    [
        bayes_in_a_small_space,
        hyperband_in_a_small_space,
        corrected_score_of_a_foreign_metric,
        view_of_a_journal,
    ],
)
def test_no_search_replaces_the_filters_of_the_process(run, tmp_path, monkeypatch):
    original = warnings.catch_warnings.__enter__

    def enter(self):
        caller = sys._getframe(1).f_globals["__name__"]
        assert not caller.startswith("skhpt"), f"{caller} replaces the filters of warnings"
        return original(self)

    monkeypatch.setattr(warnings.catch_warnings, "__enter__", enter)
    before = warnings.filters[:]
    run(tmp_path) if run is view_of_a_journal else run()
    assert warnings.filters == before


def test_warnings_are_ignored_in_one_thread_only():
    before = warnings.filters[:]
    seen = []

    def warn():
        try:
            warnings.warn("here", stacklevel=1)
        except UserWarning as warning:  # warnings are errors in the tests
            seen.append(str(warning))

    other_is_in, may_leave = threading.Event(), threading.Event()

    def other():
        with warnings_ignored():
            other_is_in.set()
            may_leave.wait(30)
            warn()

    thread = threading.Thread(target=other)
    with warnings_ignored():
        thread.start()
        other_is_in.wait(30)
        warn()
    warn()
    may_leave.set()
    thread.join()
    assert seen == ["here"]
    assert warnings.filters == before


def test_models_that_copy_the_filters_work_where_warnings_are_ignored():
    neighbors = KNeighborsClassifier().fit(X, Y)
    with warnings_ignored():
        assert neighbors.predict(X[:1]) == [0]  # scikit-learn's Parallel copies the filters
