"""Bad input gets a clear error, or a warning where scikit-learn only warns, before anything is fitted."""

import numpy as np
import pytest
from scipy import stats
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from tests.estimators import Counting, Failing, Loose, Null

X = np.arange(24.0).reshape(12, 2)
Y = np.arange(12) % 2
PIPE = Pipeline([("scale", StandardScaler()), ("clf", SVC())])


class NoSplits(KFold):
    def __init__(self):
        pass

    def get_n_splits(self, X=None, y=None, groups=None):
        return 0

    def split(self, X, y=None, groups=None):
        return iter(())


BAD = {
    "empty grid": (GridSearch(SVC(), []), "the space is an empty list: there is nothing to try"),
    "class": (
        GridSearch(SVC, {"C": [1]}),
        "instance of scikit-learn estimator instead of a class|estimator class",
    ),
    "splitter class": (
        GridSearch(SVC(), {"C": [1]}, cv=KFold),
        r"cv must be an instance of a splitter, such as KFold\(\)",
    ),
    "bad arguments": (
        RandomSearch(SVC(), {"C": stats.loguniform(10, 1)}),
        r"no median.*Got \w*uniform\(10, 1\)",
    ),
    "constraint that raises": (
        GridSearch(SVC(), {"C": [1]}, constraint=lambda p: p["gamma"] > 1),
        r"constraint raised KeyError \('gamma'\) for the candidate \{'C': 1\}",
    ),
    "constraint without an answer": (
        GridSearch(SVC(), {"C": [1]}, constraint=lambda p: None),
        r"constraint must return True or False, got None for the candidate \{'C': 1\}",
    ),
    "resources as a text": (
        GridSearch(SVC(), {"C": [1]}, fit_resources="GPU"),
        "'fit_resources' parameter of GridSearch must be an instance of 'dict' or None. Got 'GPU'",
    ),
    "negative resources": (
        RandomSearch(SVC(), {"C": [1]}, fit_resources={"CPU": -1}),
        "fit_resources must have positive amounts, got CPU=-1",
    ),
    "one and a half GPU": (
        ManualSearch(SVC(), [{"C": 1}], fit_resources={"gpu": 1.5}),
        "a part of one GPU or a whole number of GPUs, got GPU=1.5",
    ),
    "empty list": (GridSearch(SVC(), {"C": []}), "'C' need to be a non-empty sequence"),
    "no candidates": (ManualSearch(SVC(), []), r"there is nothing to evaluate: candidates is \[\]"),
    "unknown name": (
        GridSearch(SVC(), {"c": [1]}),
        "Invalid parameter 'c' for estimator SVC.*Did you mean 'C'",
    ),
    "typo": (
        RandomSearch(SVC(), {"gama": [1]}),
        "Invalid parameter 'gama'.*Did you mean 'gamma'.*Valid parameters are",
    ),
    "forgotten step": (GridSearch(PIPE, {"C": [1]}), "Invalid parameter 'C'.*Did you mean 'clf__C'"),
    "unknown step": (GridSearch(PIPE, {"svc__C": [1]}), "Invalid parameter 'svc__C'.*Did you mean 'clf__C'"),
    "unknown in every choice": (
        GridSearch(PIPE, {"clf": [SVC(), LogisticRegression()], "clf__alpha": [1]}),
        "Invalid parameter 'clf__alpha'",
    ),
    "unknown in a candidate": (ManualSearch(SVC(), [{}, {"c": 1}]), "Invalid parameter 'c'"),
    "family": (
        RandomSearch(SVC(), {"C": stats.uniform}),
        "'C' is the distribution family scipy.stats.uniform: freeze it",
    ),
    "string": (
        RandomSearch(SVC(), {"kernel": "rbf"}),
        "'kernel' needs to be a list.*got 'rbf'.*wrapped in a list",
    ),
    "single value": (GridSearch(SVC(), {"C": 1.0}), "'C' needs to be a list.*got 1.0"),
    "not a space": (
        GridSearch(SVC(), 3),
        "'param_grid' parameter of GridSearch must be an instance of 'dict', an instance of 'list' or a str among",
    ),
    "not candidates": (
        ManualSearch(SVC(), {"C": 1}),
        "'candidates' parameter of ManualSearch must be an instance of 'list'",
    ),
    "not a candidate": (ManualSearch(SVC(), [3]), "candidates must be a list of dicts.*holds 3"),
    "constraint": (
        GridSearch(SVC(), {"C": [1]}, constraint=3),
        "'constraint' parameter of GridSearch must be a callable",
    ),
    "impossible constraint": (
        GridSearch(SVC(), {"C": [1]}, constraint=lambda p: False),
        "constraint rejects all 1 points",
    ),
    "impossible draws": (
        RandomSearch(SVC(), {"C": stats.uniform()}, constraint=lambda p: False),
        "constraint rejects every candidate",
    ),
    "n_iter": (
        RandomSearch(SVC(), {"C": [1]}, n_iter=0),
        "'n_iter' parameter of RandomSearch must be an int in the range",
    ),
    "sampler": (
        RandomSearch(SVC(), {"C": [1]}, sampler="grid"),
        "'sampler' parameter of RandomSearch must be a str among",
    ),
    "resolution": (
        GridSearch(SVC(), {"C": [1]}, resolution=0),
        "'resolution' parameter of GridSearch must be an int",
    ),
    "no splits": (
        GridSearch(SVC(), {"C": [1]}, cv=NoSplits()),
        "No fits were performed. Was the CV iterator empty",
    ),
    "one-shot splits": (
        GridSearch(SVC(), {"C": [1]}, cv=iter(())),
        "No fits were performed. Was the CV iterator empty",
    ),
    "metric": (
        GridSearch(SVC(), {"C": [1]}, scoring="acuracy"),
        "'scoring' parameter of GridSearch must be a str among",
    ),
    "refit metric": (
        GridSearch(SVC(), {"C": [1]}, scoring=["accuracy", "f1"], refit="r2"),
        r"refit must be set to a scorer key.*'r2' was passed.*The scorer keys are: \['accuracy', 'f1'\]",
    ),
    "error_score": (
        GridSearch(SVC(), {"C": [1]}, error_score="ignore"),
        "'error_score' parameter of GridSearch",
    ),
    "target": (GridSearch(SVC(), {"C": [1]}), "GridSearch with SVC requires y to be passed"),
}


#: Misspelt names of metrics and options, and what the message suggests.
MISSPELT = {
    "f1_marco": ({"scoring": "f1_marco"}, "'f1_macro'"),
    "acc": ({"scoring": "acc"}, "'accuracy'"),
    "RMSE": ({"scoring": "RMSE"}, "'neg_root_mean_squared_error'"),
    "roc-auc": ({"scoring": "roc-auc"}, "'roc_auc'"),
    "log_los": ({"scoring": ["accuracy", "log_los"]}, "'neg_log_loss'"),
    "recal": ({"scoring": {"a": "recal"}}, "'recall'"),
    "a metric of refit": ({"scoring": ["accuracy", "f1_macro"], "refit": "acuracy"}, "'accuracy'"),
    "reuse": ({"reuse": "exat"}, "'exact'"),
    "on_interrupt": ({"on_interrupt": "kept"}, "'keep'"),
    "error_score": ({"error_score": "rise"}, "'raise'"),
}


@pytest.mark.parametrize("case", MISSPELT)
@pytest.mark.parametrize("make", [GridSearch, BayesSearchCV])
def test_the_closest_names_are_suggested_and_not_all_of_them(case, make, monkeypatch):
    params, suggestion = MISSPELT[case]
    monkeypatch.setattr(SVC, "fit", lambda *args: pytest.fail("something was fitted"))
    with pytest.raises(ValueError, match=f"Did you mean {suggestion}") as caught:
        make(SVC(), {"C": [1]}, **params).fit(X, Y)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("search", "suggestion"),
    [
        (RandomSearch(SVC(), {"C": [1]}, sampler="sobool"), "'sobol'"),
        (BayesSearchCV(SVC(), {"C": [1]}, acquisition="logei"), "'log_ei'"),
        (HyperbandSearchCV(SVC(), {"C": [1]}, schedule="hyberband"), "'hyperband'"),
        (HyperbandSearchCV(SVC(), {"C": [1]}, resource="n_sample"), "'n_samples'"),
        (HyperbandSearchCV(SVC(), {"C": [1]}, resource="maxiter"), "'max_iter'"),
    ],
)
def test_the_closest_option_of_a_search_is_suggested(search, suggestion):
    with pytest.raises(ValueError, match=f"Did you mean {suggestion}"):
        search.fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "name", "message"),
    [
        (SVC(), "callback", "To end a search early, use max_time, target_score or patience"),
        (SVC(), "callbacks", "GridSearch.fit got 'callbacks', which SVC.fit does not accept. To end"),
        (SVC(), "n_jobs", r"It is a parameter of the search: GridSearch\(..., n_jobs=...\)"),
        (SVC(), "scoring", "It is a parameter of the search"),
        (SVC(), "sample_weights", "Did you mean 'sample_weight'"),
        (SVC(), "group", "Did you mean 'groups'"),
        (SVC(), "anything", "which SVC.fit does not accept"),
        (PIPE, "callback", "which Pipeline.fit does not accept. To end"),
        (PIPE, "eval_set", "clf__eval_set"),
        (Null(), "verbose", "It is a parameter of the search"),
    ],
)
def test_arguments_that_no_fit_accepts_are_refused_before_anything_is_fitted(
    estimator, name, message, monkeypatch
):
    for kind in (SVC, StandardScaler):
        monkeypatch.setattr(kind, "score", lambda *args: pytest.fail("something was fitted"), raising=False)
    with pytest.raises(TypeError, match=message):
        GridSearch(estimator, {}, cv=2).fit(X, Y, **{name: [lambda result: None]})


def test_arguments_that_fit_does_accept_are_passed_on():
    class Weighted(Null):
        def fit(self, X, y, callback=None):
            callback(len(X))
            return super().fit(X, y)

    sizes = []
    GridSearch(Weighted(), {"value": [0]}, cv=2, refit=False).fit(X, Y, callback=sizes.append)
    assert sizes == [6, 6]
    GridSearch(PIPE, {"clf__C": [1]}, cv=2).fit(X, Y, clf__sample_weight=np.ones(len(X)))
    with config_context(enable_metadata_routing=True):
        pipeline = Pipeline([("clf", SVC().set_fit_request(sample_weight=True))])
        search = GridSearch(pipeline, {"clf__C": [1]}, cv=2, scoring=lambda *args: 1.0)
        search.fit(X, Y, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, monkeypatch):
    search, message = BAD[case]
    monkeypatch.setattr(SVC, "fit", lambda *args: pytest.fail("something was fitted"))
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        search.fit(X, None if case == "target" else Y)


def test_only_rvs_on_a_grid():
    class Dice:
        def rvs(self, random_state=None):
            return 3

    with pytest.raises(TypeError, match="'C' has rvs but neither ppf nor icdf"):
        GridSearch(SVC(), {"C": Dice()}).fit(X, Y)
    RandomSearch(SVC(), {"C": Dice()}, n_iter=2, cv=2).fit(X, Y)


def test_more_iterations_than_candidates():
    search = RandomSearch(Null(), {"value": [0, 1, 2]}, n_iter=10, cv=2)
    with pytest.warns(UserWarning, match="total space of parameters 3 is smaller than n_iter=10"):
        search.fit(X, Y)
    assert len(search.cv_results_["params"]) == 3


def test_every_fit_fails():
    search = GridSearch(Failing(bad=(0, 1)), {"value": [0, 1]}, cv=2)
    with pytest.raises(ValueError, match=r"(?s)All the 4 fits failed.*no luck with 0.*no luck with 1"):
        search.fit(X, Y)
    # With their errors, for a closer look.
    assert [trial.state for trial in search.history_] == ["failed", "failed"]


def test_a_metric_that_only_a_callable_can_know():
    search = GridSearch(Null(), {"value": [0]}, cv=2, scoring=lambda e, X, y: {"a": 1.0}, refit="b")
    with pytest.raises(ValueError, match=r"'b' was passed. The scorer keys are: \['a'\]"):
        search.fit(X, Y)


def test_names_that_only_a_choice_brings_are_good():
    grid = {"clf": [LogisticRegression(), SVC()], "clf__C": [1.0]}
    assert len(GridSearch(PIPE, grid, cv=2).fit(X, Y).cv_results_["params"]) == 2
    nested = {"scale": [Pipeline([("inner", Counting())])], "scale__inner__value": [1]}
    GridSearch(PIPE, nested, cv=2).fit(X, Y)


def test_estimators_that_take_any_name_are_believed():
    search = GridSearch(Loose(), {"anything": [0, 1]}, cv=2).fit(X, Y)
    assert search.best_params_["anything"] in (0, 1)
