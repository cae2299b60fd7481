"""``previous=`` from tables: which results a search learns from, and the line about those that it does not use."""

import io
import json
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import (
    BayesSearchCV,
    GridSearch,
    HyperbandSearchCV,
    ManualSearch,
    RandomSearch,
    read_journal,
)
from skhpt.identity import params_key
from skhpt.strategies.surrogate import mean_scores


class Smooth(RegressorMixin, BaseEstimator):
    """Scores a function of its parameters."""

    def __init__(self, x=0.5, n=3, kind="a", pair=(1, 2), flag=False, limit=None, part=None):
        self.x, self.n, self.kind, self.pair = x, n, kind, pair
        self.flag, self.limit, self.part = flag, limit, part

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return -((self.x - 0.8) ** 2) - 0.1 * (self.kind == "a") - 0.01 * self.n


X, Y = np.zeros((12, 1)), np.arange(12.0)
PIPE = Pipeline([("scale", StandardScaler()), ("clf", SVC())])


def csv(results, **options):
    text = pd.DataFrame(results).to_csv(index=False)
    return pd.read_csv(io.StringIO(text), **options)


FORMS = {
    "dict": dict,
    "frame": pd.DataFrame,
    "CSV": csv,
    "CSV without params": lambda results: csv(results).drop(columns="params"),
    "CSV of texts": lambda results: csv(results, dtype=str, keep_default_na=False),
    "frame without params": lambda results: pd.DataFrame(results).drop(columns="params"),
    "NumPy 2 scalars as texts": lambda results: csv(
        results
        | {
            "params": [
                {n: np.asarray(v)[()] if type(v) is float else v for n, v in p.items()}
                for p in results["params"]
            ]
        }
    ),
}
SPACES = {
    "None among integers": {"limit": [None, 2, 5], "x": stats.uniform()},
    "None among texts": {"kind": ["a", None, "b"], "x": stats.uniform()},
    "booleans and None": {"flag": [True, False, None], "x": stats.uniform()},
    "tuples": {"pair": [(1,), (2, 3), (1, 2)], "x": stats.uniform()},
    "integers and floats": {"n": [1, 2.5, 4], "x": stats.uniform()},
    "texts of numbers": {"kind": ["1", "2"], "x": stats.uniform()},
    "functions": {"kind": [np.log, np.exp, abs], "x": stats.uniform()},
    "estimators": {"part": [Ridge(2), Ridge(), None, SVC(C=3, kernel="linear")], "x": stats.uniform()},
    "branches": [
        {"kind": ["a"], "n": stats.randint(1, 9)},
        {"kind": ["b"], "limit": [None, 7], "x": stats.uniform()},
    ],
    "integer distribution and NaN": {"n": stats.randint(1, 9), "x": [np.nan, 0.5, 1.0]},
}


def learn(space, previous, estimator=None, data=(X, Y), **params):
    """Return what a search learns from earlier results, and its messages about them."""
    options = {"n_iter": 1, "n_initial": 1, "cv": 2, "random_state": 0} | params
    search = BayesSearchCV(Smooth() if estimator is None else estimator, space, previous=previous, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*data)
    texts = [str(warning.message) for warning in caught]
    return search, [text for text in texts if text.startswith("previous")]


def points(search):
    """Return the keys of the earlier results that lie in the space."""
    space = search._parse_space()
    return [
        params_key(t.candidate.params) for t in search.history_.prior if space.contains(t.candidate.params)
    ]


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("form", FORMS)
def test_all_rows_of_a_table_are_used(space, form):
    first = RandomSearch(Smooth(), SPACES[space], n_iter=12, cv=3, random_state=1).fit(X, Y)
    search, messages = learn(SPACES[space], FORMS[form](first.cv_results_))
    assert messages == []
    assert points(search) == [params_key(params) for params in first.cv_results_["params"]]
    means = [np.mean([fold.test_score for fold in trial.folds]) for trial in search.history_.prior]
    np.testing.assert_allclose(means, first.cv_results_["mean_test_score"])


@pytest.mark.parametrize("form", ["dict", "CSV", "CSV without params"])
def test_steps_of_a_pipeline_are_recognised_by_their_texts(form, iris):
    grid = [
        {
            "clf": [SVC(), LogisticRegression(C=2)],
            "scale": ["passthrough", MinMaxScaler((0, 2)), StandardScaler()],
        },
        {"scale": [FunctionTransformer(np.log1p)], "clf": [GaussianNB()]},
    ]
    first = GridSearchCV(PIPE, grid, cv=2).fit(*iris)
    search, messages = learn(grid, FORMS[form](first.cv_results_), PIPE, iris)
    assert messages == []
    assert points(search) == [params_key(params) for params in first.cv_results_["params"]]


def test_a_table_that_went_through_a_spreadsheet():
    table = {
        "param_flag": ["TRUE", "FALSE", "TRUE", ""],
        "param_limit": ["NULL", "2.0", "5", "none"],
        "param_x": ["0,5", "0.25", " 1 ", "1e-1"],
        "mean_test_score": ["0.5", "0.6", "", "0.7"],
    }
    space = {"flag": [True, False, None], "limit": [None, 2, 5], "x": stats.uniform()}
    search, messages = learn(space, pd.DataFrame(table))
    assert messages == ["previous: 3 of 4 results are used; not used: 1 outside the space (x='0,5')"]
    assert [tuple(t.candidate.params.values()) for t in search.history_.prior][1:] == [
        (False, 2, 0.25),
        (True, 5, 1),
        (None, None, 0.1),
    ]


@pytest.mark.parametrize(
    "read", [pl.read_csv, partial(pl.read_csv, infer_schema=False)], ids=["typed", "texts"]
)
def test_a_table_of_polars(read, tmp_path):
    space = {"limit": [None, 2, 5], "n": [1, 2], "x": stats.uniform()}
    first = RandomSearch(Smooth(), space, n_iter=6, cv=2, random_state=0).fit(X, Y)
    pd.DataFrame(first.cv_results_).to_csv(tmp_path / "table.csv", index=False)
    table = read(tmp_path / "table.csv")
    for previous in (table, table.drop("params")):
        search, messages = learn(space, previous)
        assert (messages, len(points(search))) == ([], 6)


def test_a_table_that_went_through_json():
    space = {"pair": [(1,), (2, 3), {0: 1, 1: 2}, {0: 1, 1: 5}], "limit": [None, 3], "x": stats.uniform()}
    first = RandomSearch(Smooth(), space, n_iter=6, cv=2, random_state=0).fit(X, Y)
    table = {
        name: np.asarray(column).tolist() for name, column in first.cv_results_.items() if "param" not in name
    }
    table = json.loads(json.dumps(table | {"params": first.cv_results_["params"]}))
    assert {type(params["pair"]) for params in table["params"]} == {list, dict}
    search, messages = learn(space, table)
    assert messages == []
    assert points(search) == [params_key(params) for params in first.cv_results_["params"]]


def test_the_journal_of_a_search(tmp_path, iris):
    grid = {"clf": [SVC(), LogisticRegression()], "clf__C": [0.5, 2.0]}
    GridSearch(PIPE, grid, cv=2, journal=tmp_path / "search.jsonl").fit(*iris)
    view = read_journal(tmp_path / "search.jsonl")
    search, messages = learn(grid, view, PIPE, iris, cv=3)
    assert (messages, len(points(search))) == ([], 4)
    _, messages = learn(grid, view, PIPE, iris, cv=3, scoring="f1_macro")
    assert messages == ["previous: 0 of 4 results are used; not used: 4 scored by None, not by 'f1_macro'"]


# -- what is not used ----------------------------------------------------------------------------------------

TABLE = {"params": [{"x": x} for x in (0.1, 0.5, 0.9, 3.0)], "mean_test_score": [1.0, 2.0, 3.0, 4.0]}


@pytest.mark.parametrize(
    ("change", "space", "message"),
    [
        ({}, {"x": stats.uniform()}, "3 of 4 results are used; not used: 1 outside the space (x=3.0)"),
        ({}, {"x": [0.5, 2]}, "1 of 4 results are used; not used: 3 outside the space (x=0.1)"),
        (
            {},
            {"n": [1, 3]},
            "1 of 4 results are used; not used: 3 outside the space "
            "(x=0.1, which is not searched and not the estimator's own value)",
        ),
        (
            {},
            {"x": stats.uniform(0, 9), "n": [1, 2]},
            "0 of 4 results are used; not used: 4 outside the space "
            "(no n, nor is the estimator's own value in the space)",
        ),
        (
            {"n_resources": [9, 81, 81, 81]},
            {"x": stats.uniform()},
            "2 of 4 results are used; not used: 1 with less training (n_resources=9 of 81), "
            "1 outside the space (x=3.0)",
        ),
        (
            {"n_folds": [1, 5, 1.0, 5]},
            {"x": stats.uniform(0, 9)},
            "2 of 4 results are used; not used: 2 with fewer folds (n_folds=1 of 5)",
        ),
    ],
)
def test_one_line_says_what_is_not_used_and_why(change, space, message):
    for form in (dict, pd.DataFrame, csv):
        search, messages = learn(space, form(TABLE | change))
        assert messages == [f"previous: {message}"]
        assert len(points(search)) == int(message.split(" of ")[0])


def test_parameters_that_older_results_lack_have_the_estimators_own_value():
    space = {"x": stats.uniform(0, 9), "n": stats.randint(1, 9), "kind": ["b", "a"], "limit": [None, 1]}
    search, messages = learn(space, TABLE, Smooth(n=4))
    assert messages == []
    assert {tuple(sorted(t.candidate.params)) for t in search.history_.prior} == {("kind", "limit", "n", "x")}
    assert {t.candidate.params["n"] for t in search.history_.prior} == {4}


def test_parameters_of_a_chosen_step_have_the_values_of_the_choice(iris):
    table = {"params": [{"clf": "SVC(C=3)"}, {"clf": "LogisticRegression()"}], "mean_test_score": [1.0, 2.0]}
    space = {"clf": [SVC(C=3), LogisticRegression()], "clf__C": stats.loguniform(0.1, 10)}
    search, messages = learn(space, table, PIPE, iris)
    assert messages == []
    assert [t.candidate.params["clf__C"] for t in search.history_.prior] == [3, 1.0]


@pytest.mark.parametrize("how", ["previous", "warm start"])
def test_comparable_candidates_get_parameters_that_are_searched_now(how):
    first = GridSearch(Smooth(), {"x": [0.1, 0.9]}, cv=2, warm_start=True).fit(X, Y)
    grid = {"x": [0.1, 0.9], "kind": ["a", "b"]}
    if how == "previous":
        search = GridSearch(Smooth(), grid, cv=2, previous=first).fit(X, Y)
    else:
        search = first.set_params(param_grid=grid).fit(X, Y)
    assert len(search.history_) == 4  # two of them are known
    assert [trial.candidate.params for trial in search.history_][:2] == [
        {"x": 0.1, "kind": "a"},
        {"x": 0.9, "kind": "a"},
    ]


def test_halving_counts_with_its_largest_resource_only(iris):
    grid = {"max_depth": [1, 2, 3, 4, None], "min_samples_leaf": [1, 5, 9]}
    first = HalvingGridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=3, min_resources=15).fit(
        *iris
    )
    n = int((first.cv_results_["n_resources"] == max(first.n_resources_)).sum())
    for previous in (first, first.cv_results_, csv(first.cv_results_)):
        search, (message,) = learn(grid, previous, DecisionTreeClassifier(random_state=0), iris, cv=3)
        assert f"{n} of {len(first.cv_results_['params'])} results are used" in message
        assert "with less training (n_resources=15 of" in message
        assert len(search.history_.prior) == n


def test_a_parameter_that_was_the_resource_may_be_searched_or_not():
    grid = {"kind": ["a", "b"]}
    first = HalvingGridSearchCV(
        Smooth(), grid, cv=2, resource="n", min_resources=1, max_resources=3, factor=2
    )
    first.fit(X, Y)
    n_top = int((first.cv_results_["n_resources"] == 2).sum())
    for previous in (first, csv(first.cv_results_), csv(first.cv_results_).drop(columns="params")):
        for space in (grid, grid | {"n": [1, 2]}):
            search, (message,) = learn(space, previous, Smooth(n=7))
            assert message.startswith(f"previous: {n_top} of")
            assert len(points(search)) == n_top
    assert {trial.candidate.params["n"] for trial in search.history_.prior} == {2}


@pytest.mark.parametrize("resource", ["n_samples", "folds", "n_estimators"])
def test_hyperband_counts_with_full_training_only(resource, iris):
    space = {"max_depth": [1, 2, 3, 4, 5, None]}
    estimator = ExtraTreesClassifier(9, random_state=0)
    options = {"resource": resource, "n_candidates": 6, "cv": 3, "random_state": 0}
    first = HyperbandSearchCV(estimator, space, **options).fit(*iris)
    found = []
    for previous in (first, first.cv_results_, csv(first.cv_results_)):
        search, (message,) = learn(space, previous, estimator, iris, cv=4)
        assert f"of {len(first.history_)} results are used" in message
        found.append(points(search))
    assert found[0] == found[1] == found[2]
    assert 1 <= len(found[0]) < len(first.cv_results_["params"])


# -- metrics -------------------------------------------------------------------------------------------------

CLASSIFIER = GaussianNB()
SEVERAL = {"scoring": ["accuracy", "f1_macro", "neg_log_loss"], "refit": "accuracy"}
F1 = make_scorer(f1_score, average="macro")


@pytest.mark.parametrize(
    ("scoring", "used"),
    [
        ("f1_macro", "f1_macro"),
        (None, "accuracy"),
        (["neg_log_loss", "accuracy"], "neg_log_loss"),
        ("recall_macro", None),
        (lambda estimator, X, y: 1.0, None),
    ],
)
def test_the_score_that_decides_is_taken_from_a_table_of_several_metrics(scoring, used, iris):
    first = GridSearchCV(CLASSIFIER, {"var_smoothing": [0.01, 1.0]}, cv=2, **SEVERAL).fit(*iris)
    several = {"refit": "neg_log_loss"} if isinstance(scoring, list) else {}
    space = {"var_smoothing": stats.loguniform(1e-3, 1e3)}
    search, messages = learn(space, csv(first.cv_results_), CLASSIFIER, iris, scoring=scoring, **several)
    if used is None:
        (message,) = messages
        assert "0 of 2 results are used; not used: 2 without a score by" in message
        assert "(only by accuracy, f1_macro, neg_log_loss)" in message
        assert search.history_.prior == ()
    else:
        scores = [trial.folds[0].score(search._metric) for trial in search.history_.prior]
        assert scores == pytest.approx(first.cv_results_[f"split0_test_{used}"])


@pytest.mark.parametrize("maker", [GridSearchCV, GridSearch])
@pytest.mark.parametrize(
    ("before", "now", "is_same"),
    [
        ("accuracy", None, True),
        (F1, "f1_macro", True),
        (None, "f1_macro", False),
        ("f1_macro", "neg_log_loss", False),
        (F1, make_scorer(f1_score, average="micro"), False),
        ("accuracy", ["f1_macro", "accuracy"], False),
        ("accuracy", {"one": "accuracy", "two": "f1_macro"}, True),
    ],
)
def test_results_by_another_metric_are_not_taken_for_scores(maker, before, now, is_same, iris):
    first = maker(CLASSIFIER, {"var_smoothing": [0.01, 1.0]}, cv=2, scoring=before).fit(*iris)
    several = {"refit": next(iter(now))} if isinstance(now, (list, dict)) else {}
    options = {"cv": 4, "scoring": now} | several
    search, messages = learn({"var_smoothing": [0.01, 1.0, 2.0]}, first, CLASSIFIER, iris, **options)
    assert len(search.history_.prior) == (2 if is_same else 0)
    if not is_same:
        (message,) = messages
        assert "0 of 2 results are used; not used: 2 scored by " in message


def test_scores_of_a_function_are_taken_by_their_names(iris):
    def scorer(estimator, X, y):
        return {"a": 1.0, "b": estimator.var_smoothing}

    first = GridSearch(CLASSIFIER, {"var_smoothing": [0.5, 1.0]}, cv=2, scoring=scorer, refit="b").fit(*iris)
    options = {"scoring": lambda *args: scorer(*args), "refit": "b"}
    search, messages = learn({"var_smoothing": [0.5, 1.0, 2.0]}, first, CLASSIFIER, iris, **options)
    assert (messages, [trial.folds[0].score("b") for trial in search.history_.prior]) == ([], [0.5, 1.0])


def test_failures_and_other_numbers_of_folds_are_used():
    table = {
        "params": [{"x": 0.1}, {"x": 0.2}, {"x": 0.3}],
        **{f"split{i}_test_score": [1.0, np.nan, 0.5] for i in range(7)},
        "mean_test_score": [1.0, np.nan, 0.5],
    }
    search, messages = learn({"x": stats.uniform()}, table)
    assert (messages, len(points(search))) == ([], 3)
    np.testing.assert_equal(mean_scores(search.history_.prior), [1.0, np.nan, 0.5])


def test_scikit_learns_own_search_with_distributions():
    space = {"x": stats.uniform(), "n": stats.randint(1, 9), "kind": ["a", "b"]}
    first = RandomizedSearchCV(Smooth(), space, n_iter=8, cv=3, random_state=0).fit(X, Y)
    for previous in (first, csv(first.cv_results_)):
        search, messages = learn(space, previous)
        assert (messages, len(points(search))) == ([], 8)


@pytest.mark.parametrize(
    "make",
    [
        lambda **p: GridSearch(Smooth(), {"x": [0.5]}, **p),
        lambda **p: RandomSearch(Smooth(), {"x": [0.5]}, n_iter=1, **p),
        lambda **p: ManualSearch(Smooth(), [{"x": 0.5}], **p),
    ],
)
def test_a_search_that_does_not_learn_says_so_in_one_line(make):
    with pytest.warns(UserWarning, match="the 4 candidates of previous are not used") as caught:
        make(previous=TABLE, cv=2).fit(X, Y)
    assert len(caught) == 1


def test_prior_knowledge_outlives_a_warm_start():
    space = {"x": stats.uniform(0, 9), "n": [1, 3]}
    options = {"n_initial": 2, "cv": 2, "random_state": 0, "previous": TABLE}
    whole = BayesSearchCV(Smooth(), space, n_iter=6, **options).fit(X, Y)
    search = BayesSearchCV(Smooth(), space, n_iter=3, warm_start=True, **options).fit(X, Y)
    search.set_params(n_iter=6).fit(X, Y)
    assert search.cv_results_["params"] == whole.cv_results_["params"]
