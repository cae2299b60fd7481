"""``previous=``: candidates of earlier searches."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC

from skhpt import GridSearch, ManualSearch, RandomSearch
from skhpt.identity import params_key
from tests.estimators import Counting

X = np.zeros((12, 1))
Y = np.arange(12) % 3


def values(search):
    return [params["value"] for params in search.cv_results_["params"]]


def test_candidates_of_a_comparable_search_are_not_repeated(counting):
    first = GridSearch(counting, {"value": [1, 2]}, cv=2, refit=False).fit(X, Y)
    second = GridSearch(counting, {"value": [2, 3]}, cv=2, refit=False, previous=first).fit(X, Y)
    assert Counting.n_fits == 6
    assert values(second) == [1, 2, 3]
    random = RandomSearch(
        counting, {"value": stats.randint(2, 4)}, n_iter=20, cv=2, refit=False, previous=second
    )
    random.set_params(random_state=0, unique=False).fit(X, Y)
    assert (random.history_.n_earlier_trials, len(random.history_)) == (3, 21)  # 2 of 20 draws are known
    manual = ManualSearch(counting, [{"value": 4}, {"value": 1}], cv=2, refit=False, previous=second).fit(
        X, Y
    )
    assert values(manual) == [1, 2, 3, 4]


def test_previous_survives_a_clone(iris):
    first = GridSearch(SVC(), {"C": [1.0, 2.0]}).fit(*iris)
    second = GridSearch(SVC(), {"C": [2.0, 3.0]}, previous=first)
    assert len(clone(second).fit(*iris).history_) == 3
    assert not [name for name in second.get_params() if name.startswith("previous__")]
    with pytest.warns(match="not used"):  # in each part the data is another
        assert len(cross_val_score(second, *iris, cv=2)) == 2


@pytest.mark.parametrize("kind", ["other folds", "scikit-learn", "mapping", "frame", "csv"])
@pytest.mark.parametrize("several", [False, True])
def test_scores_that_cannot_be_compared_are_prior_knowledge(iris, kind, several, tmp_path):
    scoring = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy"} if several else {}
    grid = [{"C": [0.1, 1.0]}, {"C": [1.0], "kernel": ["linear"]}]
    maker = GridSearch if kind == "other folds" else GridSearchCV
    first = previous = maker(SVC(), grid, cv=3, **scoring).fit(*iris)
    if kind in ("mapping", "frame", "csv"):
        previous = first.cv_results_ if kind == "mapping" else pd.DataFrame(first.cv_results_)
    if kind == "csv":
        previous.to_csv(tmp_path / "results.csv", index=False)
        previous = pd.read_csv(tmp_path / "results.csv")
    search = GridSearch(SVC(), {"C": [1.0]}, previous=previous, **scoring)
    with pytest.warns(UserWarning, match="the 3 candidates of previous are not used"):
        search.fit(*iris)
    assert len(search.cv_results_["params"]) == 1
    prior = search.history_.prior
    assert [params_key(t.candidate.params) for t in prior] == [
        params_key(p) for p in first.cv_results_["params"]
    ]
    metric = "accuracy" if several else "score"
    for trial, row in zip(prior, range(3), strict=True):
        scores = [f.test_score["accuracy"] if several else f.test_score for f in trial.folds]
        assert scores == pytest.approx([first.cv_results_[f"split{i}_test_{metric}"][row] for i in range(3)])


@pytest.mark.parametrize(
    "previous, error, message",
    [
        (SVC(), ValueError, "previous must be fitted"),
        (GridSearch(SVC(), {"C": [1]}), ValueError, "previous must be fitted"),
        (3, TypeError, "previous must be a fitted search, a cv_results_ mapping"),
        ({"a": [1]}, ValueError, "previous is no cv_results_: it has no column mean_test_"),
        ({"mean_test_score": [1.0]}, ValueError, "neither a column params .* nor columns param_"),
    ],
)
def test_bad_previous(iris, previous, error, message):
    with pytest.raises(error, match=message):
        GridSearch(SVC(), {"C": [1]}, previous=previous).fit(*iris)


def test_a_summary_without_folds_is_read_too(iris):
    previous = {"mean_test_score": [0.5], "param_C": [3.0]}
    with pytest.warns(match="not used"):
        search = GridSearch(SVC(), {"C": [1]}, previous=previous).fit(*iris)
    (trial,) = search.history_.prior
    assert (trial.candidate.params, [f.test_score for f in trial.folds]) == ({"C": 3.0}, [0.5])
