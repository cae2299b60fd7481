"""Rules for refit: the simplest candidate whose score is close to the best one."""

from __future__ import annotations

import pickle
from copy import deepcopy

import numpy as np
import pytest
from scipy.stats import randint
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import skhpt
from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.results.cv_results import rank
from skhpt.select import Rule, one_standard_error, within_percent
from tests.estimators import FailsBelow, Null, two_scores

RULES = [one_standard_error("C"), within_percent(5, ["-C", "mean_fit_time"], metric="f1")]


def results_of(splits, metric="score", params=(), **columns):
    """A table of results with these scores, of shape (n_candidates, n_folds)."""
    splits = np.array(splits, dtype=float)
    means = splits.mean(axis=1)
    return {
        "params": list(params),
        f"mean_test_{metric}": means,
        f"rank_test_{metric}": rank(means),
        **{f"split{i}_test_{metric}": column for i, column in enumerate(splits.T)},
        **columns,
    }


#: Means 0.9, 0.88 and 0.7; the standard error of the best is 0.1 / sqrt(3) / sqrt(2) = 0.0577... with ddof=1.
SPLITS = [[0.8, 1.0, 0.9], [0.88, 0.88, 0.88], [0.7, 0.7, 0.7]]
PARAMS = [{"depth": 5}, {"depth": 3}, {"depth": 1}]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_rule_is_a_value(rule):
    assert isinstance(rule, Rule)
    assert pickle.loads(pickle.dumps(rule)) == deepcopy(rule) == rule
    assert hash(one_standard_error("C")) == hash(one_standard_error("C", "score"))
    assert eval(repr(rule), vars(skhpt.select)) == rule
    search = clone(GridSearch(SVC(), {}, refit=rule))
    assert search.refit == rule
    assert "".join(repr(rule).split()) in "".join(repr(search).split())


def test_a_rule_has_its_parameters_as_attributes():
    rule = within_percent(5, ["-C", "mean_fit_time"], metric="f1")
    assert (rule.percent, rule.by, rule.metric) == (5, ["-C", "mean_fit_time"], "f1")


def test_one_standard_error():
    rule = one_standard_error("depth")
    assert rule(results_of(SPLITS, params=PARAMS)) == 1
    error = np.std(SPLITS[0], ddof=1) / np.sqrt(3)
    for second, chosen in [(0.9 - 0.99 * error, 1), (0.9 - 1.01 * error, 0)]:
        assert rule(results_of([SPLITS[0], [second] * 3], params=PARAMS[:2])) == chosen


def test_with_one_fold_the_standard_error_is_0():
    assert one_standard_error("depth")(results_of([[0.9], [0.89]], params=PARAMS[:2])) == 0


@pytest.mark.parametrize("percent, chosen", [(0, 0), (2, 0), (3, 1), (22, 1), (23, 2)])
def test_within_percent(percent, chosen):
    assert within_percent(percent, "depth")(results_of(SPLITS, params=PARAMS)) == chosen


@pytest.mark.parametrize("percent, chosen", [(5, 0), (15, 1)])
def test_within_percent_of_a_negative_score(percent, chosen):
    assert within_percent(percent, "depth")(results_of([[-100], [-110], [-130]], params=PARAMS)) == chosen


def simplest(by, params, **columns):
    """The index of the simplest of candidates with equal scores."""
    return within_percent(0, by)(results_of([[0.5, 0.5]] * len(params), params=params, **columns))


def test_simplicity_by_parameters_columns_and_functions():
    params = [{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 3}]
    assert simplest("a", params) == 1
    assert simplest("-a", params) == 0
    assert simplest(["a", "-b"], params) == 2
    assert simplest(lambda params: -params["b"], params) == 2
    assert simplest(["a", lambda params: params["b"]], params) == 1
    assert simplest("mean_fit_time", params, mean_fit_time=np.array([3.0, 2.0, 1.0])) == 2
    assert simplest("-mean_fit_time", params, mean_fit_time=np.array([3.0, 2.0, 1.0])) == 0
    assert simplest("a", [{"a": True}, {"a": False}]) == 1


def test_missing_values_come_last_in_both_directions():
    params = [{"kernel": "linear"}, {"gamma": None}, {"gamma": np.nan}, {"gamma": 2}, {"gamma": 1}]
    assert simplest("gamma", params) == 4
    assert simplest("-gamma", params) == 3
    masked = np.ma.masked_array([1.0, 2.0, 3.0, 4.0, 5.0], mask=[1, 0, 0, 0, 0])
    assert simplest("param_gamma", params, param_gamma=masked) == 1


def test_among_equally_simple_candidates_the_better_then_the_earlier_is_selected():
    rule = within_percent(10, "depth")
    assert rule(results_of([[0.9], [0.95], [0.95], [1.0]], params=[{"depth": d} for d in (1, 1, 1, 2)])) == 1


def test_only_candidates_with_a_score_are_compared():
    assert one_standard_error("depth")(results_of([*SPLITS[:2], [np.nan] * 3], params=PARAMS)) == 1
    assert one_standard_error("depth")(results_of([[np.nan] * 3] * 2, params=PARAMS[:2])) == 0


def test_only_candidates_with_the_budget_of_the_best_are_compared():
    results = results_of([[0.9, 0.9], [0.95, 0.95], [0.9, 0.9]], params=PARAMS)
    results |= {"n_resources": np.array([27, 9, 27]), "n_folds": np.array([5, 5, 1])}
    results["rank_test_score"] = np.array([1, 2, 3])
    assert within_percent(50, "depth")(results) == 0


@pytest.mark.parametrize("by", ["", "-", [], 3, None, ["a", 3]])
def test_other_types_of_keys_are_refused(by):
    with pytest.raises(TypeError, match="by must be"):
        one_standard_error(by)


@pytest.mark.parametrize("percent", [-1, np.nan, np.inf, "5", None, True])
def test_other_percentages_are_refused(percent):
    with pytest.raises(ValueError, match="percent must be"):
        within_percent(percent, "C")


def test_other_metrics_are_refused():
    with pytest.raises(TypeError, match="metric must be"):
        one_standard_error("C", metric=None)
    with pytest.raises(ValueError, match=r"metric='f1' .*: \['score'\]"):
        one_standard_error("depth", metric="f1")(results_of(SPLITS, params=PARAMS))


def test_unknown_names_and_values_without_an_order_are_refused():
    with pytest.raises(
        ValueError, match=r"by='height' is neither a parameter of the candidates, \['depth'\]"
    ):
        one_standard_error("height")(results_of(SPLITS, params=PARAMS))
    with pytest.raises(TypeError, match="by='kernel' has values that are no numbers, such as 'rbf'"):
        simplest("kernel", [{"kernel": "rbf"}, {"kernel": "linear"}])


# -- in a search ---------------------------------------------------------------------------------------------

TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [5, 4, 3, 2, 1]}
NEIGHBORS = {"n_neighbors": randint(1, 110)}


def test_rules_work_in_searches_of_scikit_learn_and_of_this_package(iris):
    for make in (GridSearchCV, GridSearch):
        search = make(TREE, DEPTHS, refit=one_standard_error("max_depth")).fit(*iris)
        assert search.cv_results_["mean_test_score"].argmax() == 1  # a depth of 4
        assert search.best_params_ == {"max_depth": 3}
        assert search.best_estimator_.get_depth() == 3
    assert search.best_score_ == search.cv_results_["mean_test_score"][search.best_index_]


def test_with_other_functions_there_is_no_best_score(iris):
    search = GridSearch(TREE, DEPTHS, refit=lambda results: 0).fit(*iris)
    assert not hasattr(search, "best_score_")
    assert search.best_index_ == 0


def test_a_rule_has_one_of_several_metrics(iris):
    rule = one_standard_error("max_depth", metric="f1_macro")
    search = GridSearch(TREE, DEPTHS, scoring=["accuracy", "f1_macro"], refit=rule).fit(*iris)
    assert search.best_score_ == search.cv_results_["mean_test_f1_macro"][search.best_index_]
    assert search.leaderboard().index[0] == search.cv_results_["rank_test_f1_macro"].argmin()
    search = GridSearch(
        Null(), {"value": [0, 1]}, scoring=two_scores, refit=within_percent(0, "-value", "wrong")
    )
    assert search.fit(*iris).best_params_ == {"value": 1}


@pytest.mark.parametrize(
    "search",
    [
        RandomSearch(KNeighborsClassifier(), NEIGHBORS, n_iter=12, racing=True, random_state=0),
        BayesSearchCV(KNeighborsClassifier(), NEIGHBORS, n_iter=12, random_state=0),
        HyperbandSearchCV(KNeighborsClassifier(), NEIGHBORS, n_candidates=9, random_state=0),
    ],
    ids=["race", "bayes", "hyperband"],
)
def test_the_metric_of_a_rule_decides_during_the_search(search, iris):
    search.set_params(
        scoring={"right": "accuracy", "wrong": make_scorer(accuracy_score, greater_is_better=False)}
    )
    rule = within_percent(0, "n_neighbors", metric="wrong")
    evaluated = []
    for refit in (rule, "wrong", "right"):
        search.set_params(refit=refit).fit(*iris)
        evaluated.append([(t.candidate.params, [fold.state for fold in t.folds]) for t in search.history_])
    assert evaluated[0] == evaluated[1] != evaluated[2]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_failed_candidates_are_not_selected(iris):
    search = GridSearch(FailsBelow(), {"value": [0.1, 0.7, 0.8]}, refit=within_percent(20, "value")).fit(
        *iris
    )
    assert search.best_params_ == {"value": 0.7}


def test_a_rule_with_racing(iris):
    space, rule = {"n_neighbors": [1, 5, 10, 20, 80, 90, 100, 110]}, within_percent(50, "-n_neighbors")
    search = RandomSearch(
        KNeighborsClassifier(), space, n_iter=8, racing=True, random_state=0, refit=rule
    ).fit(*iris)
    assert np.isnan(search.cv_results_["mean_test_score"]).any()
    assert search.best_params_ == {"n_neighbors": 20}  # the others were eliminated


def test_a_rule_with_hyperband(iris):
    search = HyperbandSearchCV(
        RandomForestClassifier(9, random_state=0),
        {"max_depth": list(range(1, 10))},
        n_candidates=9,
        random_state=0,
        refit=within_percent(50, "max_depth"),
    ).fit(*iris)
    results = search.cv_results_
    top = (results["n_resources"] == 9) & (results["n_folds"] == 5)
    depths = [params["max_depth"] for params, is_top in zip(results["params"], top, strict=True) if is_top]
    assert search.best_params_ == {"max_depth": min(depths), "n_estimators": 9}
    assert search.best_estimator_.n_estimators == 9


def test_a_rule_with_manual_search(iris):
    search = ManualSearch(
        TREE, [{"max_depth": 4}, {"max_depth": 3}], refit=one_standard_error("max_depth")
    ).fit(*iris)
    assert search.best_params_ == {"max_depth": 3}
    search.evaluate(*iris, max_depth=1)
    assert search.best_params_ == {"max_depth": 3}


def test_errors_are_raised_before_the_first_fit(iris):
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    for rule, scoring, message in [
        (one_standard_error("C"), None, r"by='C' of refit .* Did you mean 'clf__C'\?"),
        (one_standard_error(["mean_fit_time", "-c"]), None, "Invalid parameter 'c'"),
        (one_standard_error("clf__C", metric="f1"), "f1_macro", r"metric='f1' of refit.*\['score'\]"),
        (
            one_standard_error("clf__C"),
            ["accuracy", "f1_macro"],
            r"metric='score' of refit.*\['accuracy', 'f1_macro'\]",
        ),
    ]:
        search = GridSearch(pipe, {"clf__C": [1]}, refit=rule, scoring=scoring)
        with pytest.raises(ValueError, match=message):
            search.fit(*iris)
        assert not hasattr(search, "history_")
    with pytest.raises(ValueError, match="by='mean_fit_tim' of refit is neither"):
        GridSearch(pipe, {"clf__C": [1]}, refit=one_standard_error("mean_fit_tim")).fit(*iris)
    with pytest.raises(TypeError, match="by='clf__kernel' has values that are no numbers, such as 'rbf'"):
        GridSearch(pipe, {"clf__kernel": ["rbf", "poly"]}, refit=one_standard_error("clf__kernel")).fit(*iris)
    for known in ("clf__C", "-mean_fit_time", "split0_test_score", "scale__with_std", "clf__n_estimators"):
        search = GridSearch(
            pipe, {"clf__C": [1], "clf": [LogisticRegression()]}, refit=one_standard_error(known)
        )
        search.plan(*iris)


def test_larger_values_are_simpler_with_a_minus_sign(iris):
    search = GridSearch(Ridge(), {"alpha": [0.01, 0.1, 1.0, 1e6]}, cv=3, scoring="neg_mean_squared_error")
    rows = np.random.RandomState(0).permutation(150)
    search.set_params(refit=one_standard_error("-alpha")).fit(iris[0][rows], iris[1][rows])
    assert search.best_params_ == {"alpha": 1.0}
