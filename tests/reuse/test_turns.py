"""Tasks of candidates that share fits end early, so that a search that is stopped has complete candidates."""

from __future__ import annotations

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch, RandomSearch
from skhpt.callbacks import SearchCallback
from skhpt.reuse import shared_evaluation
from skhpt.session import run

X, y = load_iris(return_X_y=True)
MODEL = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
GRID = {"standardscaler__with_mean": [True, False], "decisiontreeclassifier__max_depth": [1, 2, 3, 4, 5]}


class FoldOrder(SearchCallback):
    """Notes the folds in the order of their scores, and may stop the search after some of them."""

    def __init__(self, n_folds=None):
        self.folds = []
        self.n_folds = n_folds

    def on_folds_finished(self, search, folds, status):
        self.folds += [(fold.candidate, fold.split) for fold in folds]
        if self.n_folds and len(self.folds) >= self.n_folds:
            raise KeyboardInterrupt


@pytest.fixture
def short_turns(monkeypatch):
    """Let each task end after its first candidate."""
    monkeypatch.setattr(shared_evaluation, "SECONDS_OF_TURN", 0)
    monkeypatch.setattr(shared_evaluation, "TIMES_FITS", 0)


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_scores_are_the_same_if_tasks_end_early(backend):
    with parallel_config(backend, n_jobs=2):
        search = GridSearch(MODEL, GRID).fit(X, y)
    peer = GridSearchCV(MODEL, GRID).fit(X, y)
    for split in range(5):
        name = f"split{split}_test_score"
        np.testing.assert_array_equal(search.cv_results_[name], peer.cv_results_[name])
    assert len(search.history_) == 10
    assert all(fold.state == "ok" for trial in search.history_ for fold in trial.folds)


@pytest.mark.usefixtures("short_turns")
def test_all_folds_of_a_candidate_are_scored_before_the_next_one_begins():
    order = FoldOrder()
    space = {"decisiontreeclassifier__max_depth": [1, 2, 3, 4]}
    GridSearch(MODEL, space, cv=3).set_callbacks(order).fit(X, y)
    assert order.folds == [(candidate, split) for candidate in range(4) for split in range(3)]


@pytest.mark.usefixtures("short_turns")
def test_a_search_that_is_stopped_has_complete_candidates():
    space = {"decisiontreeclassifier__max_depth": list(range(1, 60))}
    search = RandomSearch(MODEL, space, n_iter=50, cv=3, random_state=0)
    with pytest.warns(UserWarning, match="ended after"):
        search.set_callbacks(FoldOrder(n_folds=12)).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 4
    assert not np.isnan(scores).any()


def test_a_task_goes_on_while_its_fits_are_expensive(monkeypatch):
    monkeypatch.setattr(shared_evaluation, "SECONDS_OF_TURN", 0)
    monkeypatch.setattr(shared_evaluation, "TIMES_FITS", 1e9)
    order = FoldOrder()
    GridSearch(MODEL, {"decisiontreeclassifier__max_depth": [1, 2, 3]}, cv=2).set_callbacks(order).fit(X, y)
    assert order.folds == [(candidate, split) for split in range(2) for candidate in range(3)]


def test_a_time_limit_makes_turns_short_however_expensive_the_fits_are(monkeypatch):
    monkeypatch.setattr(shared_evaluation, "TIMES_FITS", 1e9)
    monkeypatch.setattr(run, "TURNS_PER_FOLD", 1e12)
    order = FoldOrder()
    space = {"decisiontreeclassifier__max_depth": [1, 2, 3]}
    GridSearch(MODEL, space, cv=2, max_time=3600).set_callbacks(order).fit(X, y)
    assert order.folds == [(candidate, split) for candidate in range(3) for split in range(2)]
