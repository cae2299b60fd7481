"""`read_source`: one view of fitted searches, tables and journals, with the same scores from each of them."""

import io
import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterSampler,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch, select
from skhpt.inspection import SearchData, read_source
from skhpt.inspection.search_data import MISSING
from skhpt.results.results_table import trials_from_table

ignore_failures = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores:UserWarning"
)
X, Y = np.random.default_rng(0).random((24, 2)), np.arange(24) % 2


class Scripted(ClassifierMixin, BaseEstimator):
    """Scores a function of its parameters; fails where `a` is negative, or on the first folds only."""

    def __init__(self, a=1.0, b=None, kind="x", n=1, fails_with=()):
        self.a, self.b, self.kind, self.n, self.fails_with = a, b, kind, n, fails_with

    def fit(self, X, y):
        if self.a < 0 or any(np.allclose(X[0], row) for row in self.fails_with):
            raise ValueError("a is negative")
        self.classes_ = np.unique(y)
        self.first_ = X[0, 0]
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return math.sin(3 * self.a + self.first_) + 0.1 * (self.kind == "x") + 0.01 * self.n


def csv(table):
    return pd.read_csv(io.StringIO(pd.DataFrame(table).to_csv(index=False)))


def as_polars(table):
    return pl.from_pandas(csv(table))


def without_folds(table):
    return {name: column for name, column in table.items() if not name.startswith("split")}


PIPELINE = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
TREE = DecisionTreeClassifier(random_state=0)
ALL_FORMS = [dict, pd.DataFrame, csv, as_polars, without_folds]


# -- what each source tells -----------------------------------------------------------------------------------


def test_a_search_of_scikit_learn():
    grid = {"a": [0.5, 1.0, 2.0], "kind": ["x", "y"]}
    search = GridSearchCV(Scripted(), grid, cv=3).fit(X, Y)
    data = read_source(search)
    assert (data.label, data.search, data.metrics, data.metric) == (
        "GridSearchCV",
        "GridSearchCV",
        ["score"],
        "score",
    )
    assert (data.n_trials, data.n_planned, data.n_splits, data.best_index) == (6, 6, 3, search.best_index_)
    np.testing.assert_array_equal(data.scores(), search.cv_results_["mean_test_score"])
    assert data.fold_scores().shape == (6, 3)
    assert data.params == search.cv_results_["params"]
    assert [dict(branch)["a"].choices for branch in data.space] == [(0.5, 1.0, 2.0)]
    assert data.varying_params == ["a", "kind"]
    assert set(data.states) == {"ok"}
    assert data.is_complete.all()
    assert data.fitted is search
    assert repr(data).startswith("<SearchData of GridSearchCV: 6 trials, best score ")


@pytest.mark.parametrize(
    "search, params",
    [
        (GridSearch(Scripted(), {"a": loguniform(0.1, 10), "kind": ["x", "y"]}, resolution=3), ["a", "kind"]),
        (RandomSearch(Scripted(), {"a": loguniform(0.1, 10)}, n_iter=4, random_state=0), ["a"]),
        (BayesSearchCV(Scripted(), {"a": loguniform(0.1, 10)}, n_iter=4, random_state=0), ["a"]),
        (ManualSearch(Scripted(), [{}, {"a": 2.0}, {"kind": "y"}]), ["a", "kind"]),
        (
            HyperbandSearchCV(
                Scripted(), {"a": loguniform(0.1, 10)}, resource="n", max_resources=9, random_state=0
            ),
            ["a"],
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_the_searches_of_this_package(search, params):
    search.set_params(cv=3).fit(X, Y)
    data = read_source(search, label="mine")
    assert (data.label, data.search) == ("mine", type(search).__name__)
    np.testing.assert_array_equal(data.scores(), search.cv_results_["mean_test_score"])
    assert data.params == search.cv_results_["params"]
    assert data.varying_params == params
    assert data.scores()[data.best_index] == search.best_score_
    assert data.n_planned == data.n_trials == len(search.history_)
    assert data.started <= datetime.now(UTC)
    assert not np.isnan(data.ended).any()
    assert data.resource == getattr(search, "resource_", "")
    if not isinstance(search, ManualSearch):
        summary = data.summaries["a"]
        assert (summary.low, summary.high, summary.log) == (0.1, 10, True)


@pytest.mark.parametrize("search_class", [GridSearchCV, GridSearch])
@pytest.mark.parametrize(
    "refit, metric",
    [
        ("f1", "f1"),
        (False, "accuracy"),
        (lambda results: 1, "accuracy"),
        (select.within_percent(5, by="max_depth", metric="f1"), "f1"),
    ],
)
def test_the_leading_metric_is_that_of_refit(search_class, refit, metric):
    search = search_class(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, scoring=["accuracy", "f1"], refit=refit
    ).fit(X, Y)
    data = read_source(search)
    assert (data.metrics, data.metric) == (["accuracy", "f1"], metric)
    np.testing.assert_allclose(data.scores(), search.cv_results_[f"mean_test_{metric}"])
    np.testing.assert_allclose(data.scores("accuracy"), search.cv_results_["mean_test_accuracy"])
    assert data.best_index == (search.best_index_ if refit else None)
    with pytest.raises(ValueError, match=r"metric must be one of \['accuracy', 'f1'\], got 'recall'"):
        data.scores("recall")


@pytest.mark.parametrize(
    "form", [lambda search: search, *(lambda s, f=f: f(s.cv_results_) for f in ALL_FORMS)]
)
def test_the_iterations_of_successive_halving_are_rungs(form):
    grid = {"a": [0.5, 1.0, 2.0, 3.0]}
    search = HalvingGridSearchCV(
        Scripted(), grid, resource="n", max_resources=4, factor=2, min_resources=1, cv=3
    ).fit(X, Y)
    data = read_source(form(search))
    infos = [trial.candidate.info for trial in data.trials]
    assert [info["rung"] for info in infos] == search.cv_results_["iter"].tolist()
    assert [info["n_resources"] for info in infos] == search.cv_results_["n_resources"].tolist()
    assert {info["bracket"] for info in infos} == {0}
    numbers = {}
    for info, params in zip(infos, data.params):
        assert numbers.setdefault(info["candidate_id"], params["a"]) == params["a"]
    assert len(numbers) == len(grid["a"])
    assert data.resource == ("n" if data.fitted else "n_resources")
    assert data.is_complete.tolist() == (search.cv_results_["n_resources"] == 4).tolist()
    assert [params["n"] for params in data.params] == search.cv_results_["n_resources"].tolist()


def test_successive_halving_over_rows():
    search = HalvingRandomSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": randint(1, 5)}, n_candidates=4, random_state=0
    ).fit(np.tile(X, (4, 1)), np.tile(Y, 4))
    data = read_source(search)
    assert data.resource == "n_samples"
    assert data.best_index == search.best_index_


def test_the_rungs_of_a_table_of_hyperband():
    space = {"a": loguniform(0.1, 10)}
    search = HyperbandSearchCV(Scripted(), space, resource="n", max_resources=9, random_state=0, cv=3).fit(
        X, Y
    )
    expected, data = read_source(search), read_source(csv(search.cv_results_))
    np.testing.assert_allclose(data.scores(), expected.scores())
    np.testing.assert_allclose(data.fold_scores(), expected.fold_scores())
    assert data.states.tolist() == expected.states.tolist()
    assert data.is_complete.tolist() == expected.is_complete.tolist()
    for trial, other in zip(data.trials, expected.trials):
        for name in ("bracket", "rung", "candidate_id", "n_resources", "n_folds"):
            assert trial.candidate.info[name] == other.candidate.info[name]


# -- failures -------------------------------------------------------------------------------------------------


@ignore_failures
@pytest.mark.parametrize("error_score", [np.nan, 0.5])
@pytest.mark.parametrize("search_class", [GridSearchCV, GridSearch])
def test_a_failed_candidate_has_no_score_whatever_the_error_score(search_class, error_score):
    search = search_class(Scripted(), {"a": [-1.0, 1.0, 2.0]}, cv=3, error_score=error_score).fit(X, Y)
    data = read_source(search)
    assert np.isnan(data.scores()).tolist() == [True, False, False]
    assert np.isnan(data.fold_scores()).sum() == 3
    assert data.states.tolist() == ["failed", "ok", "ok"]


@ignore_failures
@pytest.mark.parametrize("search_class", [GridSearchCV, GridSearch])
def test_a_candidate_that_failed_on_one_fold_has_the_score_that_ranks_it(search_class):
    estimator = Scripted(fails_with=[X[0]])  # the first row is in all training parts but one
    grid = {"a": [1.0, 2.0]}
    search = search_class(estimator, grid, cv=2, error_score=-1, refit=False).fit(X, Y)
    data = read_source(search)
    np.testing.assert_allclose(data.scores(), search.cv_results_["mean_test_score"])
    assert data.scores()[data.best_index] == search.best_score_


@ignore_failures
@pytest.mark.parametrize("form", ALL_FORMS)
def test_rows_without_any_score_have_failed(form):
    search = GridSearch(Scripted(), {"a": [-1.0, 1.0]}, cv=3).fit(X, Y)
    assert read_source(form(search.cv_results_)).states.tolist() == ["failed", "ok"]


def test_candidates_that_a_race_eliminated_have_no_score():
    space = {"a": loguniform(0.1, 10)}
    search = BayesSearchCV(Scripted(), space, n_iter=8, cv=6, racing=True, random_state=0).fit(X, Y)
    data, table = read_source(search), read_source(search.cv_results_)
    assert "eliminated" in data.states
    assert data.states.tolist() == table.states.tolist()
    assert np.isnan(data.scores()).tolist() == (data.states == "eliminated").tolist()
    assert data.is_complete.tolist() == (data.states == "ok").tolist()


# -- parameters -----------------------------------------------------------------------------------------------


def test_parameters_that_some_branches_lack_are_missing():
    space = [{"kind": ["x"], "a": [1.0, 2.0]}, {"kind": ["y"], "b": [None, 3]}]
    data = read_source(GridSearchCV(Scripted(), space, cv=2).fit(X, Y))
    assert data.values("a") == [1.0, 2.0, MISSING, MISSING]
    assert data.values("b") == [MISSING, MISSING, None, 3]
    assert set(data.varying_params) == {"a", "kind", "b"}
    assert data.summaries["kind"].choices == ("x", "y")
    assert data.checked_params("b") == ["b"]
    with pytest.raises(ValueError, match=r"params must be among \[.*\], got 'c'"):
        data.checked_params(["a", "c"])


def test_objects_as_values_are_texts():
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    grid = {"scale": ["passthrough", MinMaxScaler()], "clf__class_weight": [None, {0: 1, 1: 2}, "balanced"]}
    data = read_source(GridSearch(pipeline, grid, cv=2).fit(X, Y))
    assert set(data.values("scale")) == {"passthrough", "MinMaxScaler()"}
    assert set(data.values("clf__class_weight")) == {None, "{0: 1, 1: 2}", "balanced"}
    assert set(data.varying_params) == {"scale", "clf__class_weight"}


def test_numpy_scalars_are_numbers():
    data = read_source(GridSearchCV(Scripted(), {"a": np.array([1.0, 2.0])}, cv=2).fit(X, Y))
    assert [type(value) for value in data.values("a")] == [float, float]


def test_one_candidate_has_no_varying_parameters():
    data = read_source(GridSearchCV(Scripted(), {"a": [1.0]}, cv=2).fit(X, Y))
    assert (data.n_trials, data.varying_params, data.checked_params(None)) == (1, [], [])


def test_a_distribution_that_only_draws_is_described_by_its_values():
    class Draws:
        def rvs(self, random_state=None):
            return str(random_state.choice(["x", "y"]))

    search = RandomizedSearchCV(Scripted(), {"kind": Draws()}, n_iter=6, cv=2, random_state=0).fit(X, Y)
    assert set(read_source(search).summaries["kind"].choices) == {"x", "y"}


# -- other sources --------------------------------------------------------------------------------------------


def test_a_view_keeps_its_label_unless_another_is_asked_for():
    data = read_source({"mean_test_score": [0.5], "params": [{"a": 1}]})
    assert read_source(data) is data
    assert read_source(data, "other").label == "other"


def test_another_search_needs_no_more_than_a_table():
    class Foreign:
        cv_results_ = {"mean_test_score": np.array([0.5, 0.7]), "params": [{"a": 1}, {"a": 2}]}
        best_index_ = np.int64(1)

    data = read_source(Foreign())
    assert (data.search, data.best_index, data.varying_params, data.space) == ("Foreign", 1, ["a"], [])


@pytest.mark.parametrize("search_class", [GridSearchCV, GridSearch])
def test_a_search_that_is_not_fitted_is_an_error(search_class):
    with pytest.raises(NotFittedError, match=r"source is a GridSearch.* that is not fitted yet"):
        read_source(search_class(SVC(), {"C": [1]}))


def test_a_search_whose_fit_was_ended_has_no_results():
    search = GridSearch(Scripted(), {"a": [1.0, -1.0]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="a is negative"):
        search.fit(X, Y)
    with pytest.raises(TypeError, match="source must have cv_results_, which this GridSearch lacks"):
        read_source(search)


@pytest.mark.parametrize("source", [None, 3, [1, 2], SVC(), GridSearch, np.zeros(3)])
def test_other_objects_are_an_error(source):
    with pytest.raises(
        TypeError, match="source must be a fitted search, a JournalView, the path of a journal or"
    ):
        read_source(source)


@pytest.mark.parametrize("table", [{}, {"a": [1]}, {"mean_test_score": [1.0]}, pd.DataFrame()])
def test_a_table_without_results_is_an_error(table):
    with pytest.raises(ValueError, match=r"source (is no cv_results_|has neither)"):
        read_source(table)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            {"mean_test_score": 0.5, "params": [{}]},
            "the column 'mean_test_score' is no sequence of values, got 0.5",
        ),
        ({"mean_test_score": [0.5], "params": {"C": 1}}, "the column 'params' is no sequence of values"),
        ({"mean_test_score": [0.5, 0.6], "params": [{}]}, "its columns must have the same length"),
    ],
)
def test_a_table_of_unequal_columns_is_an_error(table, problem):
    for name, read in (("source", read_source), ("previous", trials_from_table)):
        with pytest.raises(ValueError, match=f"{name} is no cv_results_: {problem}"):
            read(table)


def test_results_that_warm_starts_add_belong_to_the_table():
    search = RandomSearch(
        Scripted(), {"a": loguniform(0.1, 10)}, n_iter=3, cv=2, random_state=0, warm_start=True
    )
    search.fit(X, Y).set_params(n_iter=5).fit(X, Y)
    data = read_source(search)
    assert data.n_trials == data.n_planned == 5
    np.testing.assert_array_equal(data.scores(), search.cv_results_["mean_test_score"])


def test_a_search_that_ended_early_was_planned_longer():
    search = BayesSearchCV(
        Scripted(), {"a": loguniform(0.1, 10)}, n_iter=9, cv=2, target_score=-5, random_state=0
    )
    data = read_source(search.fit(X, Y))
    assert (data.n_trials, data.n_planned) == (1, 9)


JOURNALED = {
    "failures": GridSearch(Scripted(), {"a": [-1.0, 1.0], "b": [None, "auto"]}, error_score=-9),
    "objects": GridSearch(
        PIPELINE, {"scale": ["passthrough", MinMaxScaler()], "clf__C": loguniform(0.1, 10)}
    ),
    "metrics": RandomSearch(TREE, {"max_depth": [1, 2]}, n_iter=2, scoring=["accuracy", "f1"], refit="f1"),
    "function": RandomSearch(TREE, {"max_depth": [1, 2, 3]}, n_iter=3, refit=lambda results: 2),
    "race": BayesSearchCV(Scripted(), {"a": loguniform(0.1, 10)}, n_iter=8, racing=True, random_state=0),
    "branches": GridSearch(Scripted(), [{"kind": ["x"], "a": [1.0, 2.0]}, {"kind": ["y"], "b": [None, 3]}]),
    "manual": ManualSearch(Scripted(), [{}, {"a": 2.0}, {"kind": "y"}]),
    "rungs": HyperbandSearchCV(
        Scripted(), {"a": loguniform(0.1, 10)}, resource="n", max_resources=9, random_state=0
    ),
    "target": BayesSearchCV(
        Scripted(), {"a": loguniform(0.1, 10)}, n_iter=9, target_score=-5, random_state=0
    ),
}


@ignore_failures
@pytest.mark.parametrize("name", JOURNALED)
def test_a_search_and_its_journal_are_the_same(name, tmp_path):
    search = clone(JOURNALED[name]).set_params(cv=4, journal=tmp_path / "search.jsonl").fit(X, Y)
    data, view = read_source(search), read_source(search.journal)
    for field in [
        *(
            "search",
            "metrics",
            "metric",
            "n_splits",
            "error_score",
            "resource",
            "best_index",
            "n_planned",
            "state",
        ),
        *("stop_reason", "fingerprint", "task", "varying_params", "summaries", "space"),
        *("fit_times", "states", "is_complete"),
    ]:
        np.testing.assert_equal(getattr(view, field), getattr(data, field), err_msg=field)
    np.testing.assert_allclose(view.ended, data.ended, rtol=0, atol=0.001)
    for metric in data.metrics:
        np.testing.assert_equal(view.scores(metric), data.scores(metric))
        np.testing.assert_equal(view.fold_scores(metric), data.fold_scores(metric))
    for param in data.summaries:
        assert view.values(param) == data.values(param)
    for trial, other in zip(view.trials, data.trials, strict=True):
        assert trial.candidate.info == other.candidate.info


# -- all sources agree ----------------------------------------------------------------------------------------


@st.composite
def searches(draw):
    n = draw(st.integers(1, 5))
    space = {"a": loguniform(0.1, 10), "kind": ["x", "y"], "b": [None, 1, 2.5]}
    candidates = [
        dict(params) for params in ParameterSampler(space, n, random_state=draw(st.integers(0, 99)))
    ]
    for params in candidates:
        for name in draw(st.sets(st.sampled_from(["kind", "b"]))):
            del params[name]
    if draw(st.booleans()):
        candidates.append({"a": -1.0})
    grid = [{name: [value] for name, value in params.items()} for params in candidates]
    search_class = draw(st.sampled_from([GridSearch, GridSearchCV]))
    return search_class(Scripted(), grid, cv=draw(st.integers(2, 4)))


@ignore_failures
@given(search=searches(), form=st.sampled_from([dict, pd.DataFrame, csv, as_polars]))
def test_a_search_and_its_table_are_the_same(search, form):
    search.fit(X, Y)
    data, table = read_source(search), read_source(form(search.cv_results_))
    assert isinstance(table, SearchData)
    np.testing.assert_allclose(table.scores(), data.scores(), equal_nan=True)
    np.testing.assert_allclose(table.fold_scores(), data.fold_scores(), equal_nan=True)
    assert [dict(params) for params in table.params] == [dict(params) for params in data.params]
    assert table.states.tolist() == data.states.tolist()
    assert set(table.varying_params) == set(data.varying_params)


def test_a_row_whose_parameters_cannot_be_read_does_not_change_the_others():
    table = {
        "mean_test_score": [0.1, 0.2],
        "params": ["{'f': <function f at 0x7f>, 'g': 1}", "{'f': None, 'g': 2}"],
        "param_f": ["<function f at 0x7f>", np.nan],
        "param_g": [1, 2],
    }
    assert read_source(table).values("f") == ["<function f at 0x7f>", None]
