"""Saving fitted searches: pickle, joblib and skops give back the same search, also of earlier versions."""

import pickle
from collections import defaultdict, deque
from copy import deepcopy

import joblib
import numpy as np
import pytest
import skops.io
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch, select
from skhpt.callbacks import SearchCallback
from skhpt.distributions import loguniform_int
from skhpt.history import History
from skhpt.inspection import comparable_group, read_source
from skhpt.trial import Candidate, FoldScore


class Count(SearchCallback):
    def __init__(self):
        self.n = 0

    def on_candidate_finished(self, search, trial, status):
        self.n += 1


def first_search():
    return RandomSearch(GaussianNB(), {"var_smoothing": loguniform(1e-9, 1)}, n_iter=2, random_state=1)


SPACE = {"var_smoothing": loguniform(1e-9, 1), "priors": [None, [0.2, 0.4, 0.4]]}
SEARCHES = {
    "grid": GridSearch(
        Pipeline([("scale", StandardScaler()), ("clf", GaussianNB())]),
        {"scale__with_std": [True, False], "clf__var_smoothing": [1e-9, 0.1, 1]},
        return_predictions=True,
    ),
    "random, two metrics, callback": RandomSearch(
        GaussianNB(), SPACE, n_iter=4, scoring=["accuracy", "f1_macro"], refit="f1_macro", random_state=0
    ).set_callbacks(Count()),
    "bayes, racing": BayesSearchCV(GaussianNB(), SPACE, n_iter=6, racing=True, random_state=0),
    "hyperband": HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": range(1, 9), "min_samples_leaf": loguniform_int(1, 9)},
        resource="n_samples", random_state=0,
    ),
    "manual, rule": ManualSearch(
        DecisionTreeClassifier(random_state=0), [{"max_depth": 2}, {"max_depth": 3}],
        refit=select.within_percent(1, by="max_depth"),
    ),
    "journal": RandomSearch(GaussianNB(), SPACE, n_iter=3, random_state=0),
    "previous": RandomSearch(GaussianNB(), SPACE, n_iter=3, random_state=0),
}  # fmt: skip


@pytest.fixture(scope="module", params=SEARCHES)
def search(request, iris, tmp_path_factory):
    search = SEARCHES[request.param]
    if request.param == "journal":
        search.set_params(journal=tmp_path_factory.mktemp("journals") / "search.jsonl")
    if request.param == "previous":
        search.set_params(previous=first_search().set_params(cv=3).fit(*iris))
    return search.set_params(cv=3).fit(*iris)


def through_skops(search):
    pytest.importorskip("skops", "0.12", reason="earlier versions know neither paths nor ranges")
    data = skops.io.dumps(search)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def through_joblib(search, path):
    joblib.dump(search, path)
    return joblib.load(path)


@pytest.fixture(params=["pickle", "joblib", "skops", "deepcopy"])
def loaded(request, search, tmp_path):
    ways = {
        "pickle": lambda: pickle.loads(pickle.dumps(search)),
        "joblib": lambda: through_joblib(search, tmp_path / "search.joblib"),
        "skops": lambda: through_skops(search),
        "deepcopy": lambda: deepcopy(search),
    }
    return ways[request.param]()


def assert_same_tables(table, expected):
    assert list(table) == list(expected)
    for name, column in expected.items():
        assert type(table[name]) is type(column)
        if isinstance(column, np.ma.MaskedArray):
            np.testing.assert_array_equal(np.ma.getmaskarray(table[name]), np.ma.getmaskarray(column))
            np.testing.assert_array_equal(table[name].compressed(), column.compressed())
        else:
            np.testing.assert_array_equal(table[name], column)


def test_what_is_loaded_is_the_search_that_was_saved(loaded, search, iris):
    X, _ = iris
    assert vars(loaded).keys() == vars(search).keys()
    np.testing.assert_array_equal(loaded.predict(X), search.predict(X))
    assert_same_tables(loaded.cv_results_, search.cv_results_)
    assert loaded.leaderboard_text() == search.leaderboard_text()
    assert list(loaded.history_) == list(search.history_)
    assert str(loaded.reuse_report_) == str(search.reuse_report_)
    assert clone(loaded).get_params().keys() == search.get_params().keys()
    np.testing.assert_array_equal(read_source(loaded).scores(), read_source(search).scores())
    if search.return_predictions:
        assert loaded.corrected_score_ == search.corrected_score_


@pytest.mark.parametrize(
    "search", ["random, two metrics, callback", "bayes, racing", "journal"], indirect=True
)
def test_what_is_loaded_can_be_continued(loaded, search, iris):
    n = len(search.history_)
    loaded.set_params(warm_start=True, n_iter=n + 1, journal=None).fit(*iris)
    fresh = clone(search).set_params(n_iter=n + 1, journal=None).fit(*iris)
    assert len(loaded.history_) == n + 1
    assert loaded.cv_results_["params"] == fresh.cv_results_["params"]
    np.testing.assert_array_equal(loaded.history_[n].folds[0].score(), fresh.history_[n].folds[0].score())


def test_skops_asks_to_trust_this_package_and_what_the_user_brought(search):
    unknown = skops.io.get_untrusted_types(data=skops.io.dumps(search))
    own = {"skhpt", "sklearn", "scipy", "tests", "builtins", "pathlib"}
    assert {name.split(".")[0] for name in unknown} <= own
    assert "collections.Counter" not in unknown


def test_callbacks_are_kept_by_copies_and_not_by_clones(iris):
    counter = Count()
    search = first_search().set_callbacks(counter).fit(*iris)
    copied = deepcopy(search).fit(*iris)
    assert (counter.n, copied._search_callbacks[0].n) == (2, 4)
    assert pickle.loads(pickle.dumps(search))._search_callbacks[0].n == 2


def test_a_history_is_stored_in_plain_containers():
    history = History()
    history.add([Candidate(0, {"a": 1}), Candidate(1, {"a": 2}, bracket_id=3), Candidate(2, {"a": 3})])
    history.add_fold(FoldScore(2, 0, 0.5))
    history.finish_next([FoldScore(0, 0, 0.25)])
    assert {type(value) for value in history.__getstate__().values()} <= {list, dict, tuple, int}
    loaded = pickle.loads(pickle.dumps(history))
    assert list(loaded) == list(history)
    assert (loaded.pending, loaded.next_to_finish) == (history.pending, history.next_to_finish)
    assert loaded.folds_of(2) == history.folds_of(2)
    loaded.finish_next([FoldScore(2, 0, 0.5)])
    assert (loaded.n_finished, history.n_finished) == (2, 1)


# -- pickles of earlier versions ------------------------------------------------------------------------------


def test_a_fold_of_an_earlier_version_has_no_times():
    fold = FoldScore.__new__(FoldScore)
    fold.__setstate__([3, 1, 0.5, None, 0.1, 0.2, "ok", None, 0, False, 0, None])
    assert fold == FoldScore(3, 1, 0.5, fit_time=0.1, score_time=0.2)
    assert (fold.started, fold.ended, fold.worker) == (0.0, 0.0, "")


def test_a_history_of_an_earlier_version():
    new = History()
    new.add([Candidate(0, {"a": 1}), Candidate(1, {"a": 2})])
    new.finish_next([FoldScore(0, 0, 0.25)])
    old = {
        "_trials": list(new),
        "_ids": defaultdict(list, {0: [0, 1]}),
        "_pending_ids": defaultdict(deque, {0: deque([1])}),
        "_folds": {1: {}},
        "n_finished": 1,
        "prior": (),
        "n_earlier_trials": 0,
    }
    history = History.__new__(History)
    history.__setstate__(old)
    history.finish_next([FoldScore(1, 0, 0.5)])
    assert (history.n_finished, history.pending) == (2, [])


def test_a_search_of_an_earlier_version_can_be_read_and_continued(iris):
    search = first_search().set_params(warm_start=True).fit(*iris)
    for name in vars(search._fitted).keys() - {"estimator", "refit", "param_distributions", "constraint"}:
        del search._fitted.__dict__[name]
    old = pickle.loads(pickle.dumps(search))
    data = read_source(old)
    assert (data.n_planned, np.isnan(data.error_score)) == (2, True)
    assert comparable_group(old) == ""
    assert len(old.set_params(n_iter=3).fit(*iris).history_) == 3
