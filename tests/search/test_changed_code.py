"""Searches that continue others notice that the code of the user has changed."""

import pickle
import sys
import types

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import make_scorer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch

SOURCE = """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold
import numpy as np

class Step(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X * FACTOR

def scale(X):
    return X * FACTOR

def select(X, y):
    return np.arange(X.shape[1]) * FACTOR

def metric(truth, prediction):
    return FACTOR * np.mean(truth == prediction)

class Halves(KFold):
    def split(self, X, y=None, groups=None):
        n = len(X) // (2 * FACTOR)
        rows = np.arange(len(X))
        yield rows[n:], rows[:n]
        yield rows[:n], rows[n:]
"""


@pytest.fixture
def user_code(monkeypatch):
    """Return a function that runs the user's code with another constant in it, as an edited script would."""

    def run(factor):
        module = types.ModuleType("code_of_the_user")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(SOURCE.replace("FACTOR", str(factor)), "script.py", "exec"), vars(module))
        return module

    return run


def pipeline(step):
    return Pipeline([("step", step), ("clf", DecisionTreeClassifier(random_state=0))])


GRID = {"clf__max_depth": [1, 2]}
#: Parameters of a search, made from the user's code; the name in the message.
USES = {
    "class": (lambda code: {"estimator": pipeline(code.Step())}, "Step"),
    "function": (lambda code: {"estimator": pipeline(FunctionTransformer(code.scale))}, "scale|estimator"),
    "selection": (lambda code: {"estimator": pipeline(SelectKBest(code.select, k=2))}, "select|estimator"),
    "scorer": (
        lambda code: {"estimator": pipeline(StandardScaler()), "scoring": make_scorer(code.metric)},
        "metric|scoring",
    ),
    "candidates": (
        lambda code: {
            "estimator": pipeline(StandardScaler()),
            "param_grid": GRID | {"step": [StandardScaler(), code.Step()]},
        },
        "Step",
    ),
    "splitter": (
        lambda code: {"estimator": pipeline(StandardScaler()), "cv": code.Halves(2)},
        "folds",
    ),
}


def grid(uses, **params):
    return GridSearch(**({"param_grid": GRID, "cv": 2} | uses | params))


@pytest.mark.parametrize("use", USES)
def test_a_journal_is_not_resumed_with_changed_code(use, user_code, iris, tmp_path):
    make, name = USES[use]
    path = tmp_path / "search.jsonl"
    grid(make(user_code(1)), journal=path).fit(*iris)
    written = path.read_bytes()
    again = grid(make(user_code(1)), journal=path).fit(*iris)
    assert path.read_bytes().startswith(written)
    assert again.history_.n_finished == len(again.cv_results_["params"])
    with pytest.raises(ValueError, match=rf"(?s)journal of another search.*({name})"):
        grid(make(user_code(3)), journal=path).fit(*iris)


@pytest.mark.parametrize("use", USES)
def test_a_pickled_search_is_not_continued_with_changed_code(use, user_code, iris):
    make, name = USES[use]
    pickled = pickle.dumps(grid(make(user_code(1)), warm_start=True).fit(*iris))
    user_code(1)
    assert len(pickle.loads(pickled).fit(*iris).history_) == len(pickle.loads(pickled).history_)
    user_code(3)
    with pytest.raises(ValueError, match=rf"(?s)cannot be compared.*({name})"):
        pickle.loads(pickled).fit(*iris)


def test_scores_of_changed_code_are_not_taken_over_from_previous(user_code, iris):
    first = grid(USES["class"][0](user_code(1))).fit(*iris)
    with pytest.warns(UserWarning, match="2 candidates of previous are not used"):
        second = grid(USES["class"][0](user_code(0)), previous=first).fit(*iris)
    assert np.allclose(second.cv_results_["mean_test_score"], 1 / 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda e, **p: RandomSearch(e, GRID, n_iter=2, random_state=0, **p),
        lambda e, **p: BayesSearchCV(e, GRID, n_iter=2, random_state=0, **p),
        lambda e, **p: HyperbandSearchCV(e, GRID, resource="folds", n_candidates=2, random_state=0, **p),
        lambda e, **p: ManualSearch(e, [{}], **p),
    ],
)
def test_every_search_names_the_class_whose_code_has_changed(make, user_code, iris, tmp_path):
    path = tmp_path / "search.jsonl"
    make(pipeline(user_code(1).Step()), cv=2, journal=path).fit(*iris)
    with pytest.raises(ValueError, match="code: that of Step has changed"):
        make(pipeline(user_code(3).Step()), cv=2, journal=path).fit(*iris)


def test_a_grid_may_grow_by_another_class(user_code, iris):
    code = user_code(1)
    search = grid({"estimator": pipeline(code.Step())}, warm_start=True).fit(*iris)
    search.set_params(param_grid=GRID | {"clf": [DummyClassifier(), DecisionTreeClassifier(max_depth=1)]})
    search.set_params(param_grid={"step": [code.Step(), FunctionTransformer(code.scale)]}).fit(*iris)
    assert len(search.history_) == 4
