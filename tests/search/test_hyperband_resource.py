"""The resource of HyperbandSearchCV: defaults, checks, subsamples of rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import HyperbandSearchCV
from tests.estimators import Null
from tests.search.multi_fidelity import ALPHAS, DEPTHS, FOREST, SGD

pytestmark = pytest.mark.filterwarnings("ignore:with .* candidates rank differently")


@pytest.mark.parametrize(
    ("estimator", "space", "resource", "maximum"),
    [
        (FOREST, DEPTHS, "n_estimators", 9),
        (HistGradientBoostingClassifier(), {"max_depth": [1, 2, 3]}, "max_iter", 100),
        (
            make_pipeline(StandardScaler(), FOREST),
            {"standardscaler__with_std": [True, False]},
            "randomforestclassifier__n_estimators",
            9,
        ),
        (FOREST, {"n_estimators": [1, 2, 3]}, "folds", 5),
        (SGD, ALPHAS, "epochs", 9),
        (
            make_pipeline(SGDClassifier(max_iter=9)),
            ALPHAS,
            "sgdclassifier__max_iter",
            9,
        ),  # it stops by its tol
        (SGDRegressor(), {"alpha": [1, 2, 3]}, "max_iter", 1000),
        (SGDClassifier(max_iter=9, class_weight="balanced"), {"alpha": [1, 2, 3]}, "max_iter", 9),
        (SGDClassifier(), {"max_iter": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9, tol=None), {"alpha": [1, 2, 3]}, "epochs", 9),
        (SGDClassifier(tol=None), {"alpha": [1, 2, 3]}, "folds", 5),  # 1000 epochs are not meant to be done
        (SGDClassifier(max_iter=9, tol=None, class_weight="balanced"), {"alpha": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9, tol=None), {"class_weight": [None, "balanced"]}, "folds", 5),
        (MiniBatchKMeans(), {"n_clusters": [1, 2, 3]}, "folds", 5),
        (MLPClassifier(max_iter=50), {"alpha": [1, 2, 3]}, "epochs", 50),
        (MLPClassifier(), {"max_iter": [1, 2, 3]}, "folds", 5),
        (GradientBoostingClassifier(n_iter_no_change=3), {"max_depth": [1, 2, 3]}, "folds", 5),
        (SVC(), {"C": [1, 2, 3]}, "folds", 5),
        (make_pipeline(FOREST), {"randomforestclassifier": [FOREST, SVC()]}, "folds", 5),
    ],
)
def test_auto(iris, estimator, space, resource, maximum):
    search = HyperbandSearchCV(estimator, space, n_candidates=2)
    plan = search.plan(*iris)
    assert (plan.resource, plan.max_resources) == (resource, maximum)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resource": "max_depth"}, "also a parameter of the space; .* such as 'n_samples' or 'folds'"),
        ({"resource": "trees"}, "neither 'auto'.* its integer parameters are .*'n_estimators'"),
        ({"resource": "criterion"}, "not an integer parameter: the estimator has 'gini'"),
        ({"resource": "max_leaf_nodes"}, "max_leaf_nodes=None; say what max_resources is"),
        (
            {"resource": "epochs"},
            "'epochs' needs partial_fit, which RandomForestClassifier has not; resource='n_s",
        ),
        ({"min_resources": 28}, "min_resources=28, but there are only 9 n_estimators: .* is 9"),
        ({"resource": "n_samples", "max_resources": 101}, "max_resources=101, but .* has 100 samples"),
        (
            {"resource": "n_samples", "max_resources": 5},
            "the first rung needs 6 at least, but there are only 5",
        ),
        (
            {"resource": "folds", "max_resources": 2},
            "max_resources=2, but with resource='folds' it is their number, 3",
        ),
        ({"factor": 1}, "The 'factor' parameter"),
        ({"schedule": "asha"}, "The 'schedule' parameter .* {'.*'}"),
    ],
)
def test_bad_input_is_refused_before_any_fit(iris, options, message, monkeypatch):
    monkeypatch.setattr(RandomForestClassifier, "fit", lambda self, X, y: pytest.fail("fitted"))
    search = HyperbandSearchCV(FOREST, DEPTHS, cv=3, **options)
    with pytest.raises(ValueError, match=message):
        search.fit(*iris)
    assert not hasattr(search, "history_")


def test_rows_are_subsampled_and_the_test_fold_is_whole(iris):
    sizes = []

    class Counting(Null):
        def fit(self, X, y):
            self.n_fitted_ = (len(X), *np.bincount(y, minlength=3))
            return super().fit(X, y)

        def score(self, X, y):
            sizes.append((*self.n_fitted_, len(X)))
            return self.value / 10

    search = HyperbandSearchCV(
        Counting(), {"value": list(range(9))}, resource="n_samples", n_candidates=9, cv=3, random_state=0
    ).fit(*iris)
    assert search.n_resources_ == [11, 33, 100, 100]
    assert {size[0] for size in sizes} == {11, 33, 99, 100, 101} or {size[0] for size in sizes} == {
        11,
        33,
        100,
    }
    assert all(min(size[1:4]) >= size[0] // 3 - 1 for size in sizes)
    assert all(size[-1] == 50 for size in sizes)


def test_rows_of_groups_and_of_time_series(iris):
    rows = []

    class Watching(Null):
        def fit(self, X, y):
            rows.append(X[:, 0].astype(int))
            return super().fit(X, y)

    X, y, groups = np.arange(150).reshape(-1, 1), np.tile([0, 1, 2], 50), np.repeat(np.arange(30), 5)
    options = {"resource": "n_samples", "n_candidates": 9, "random_state": 0, "refit": False}
    search = HyperbandSearchCV(Watching(), {"value": list(range(9))}, **options)
    search.set_params(cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert {len(some) for some in rows} == {10, 30, 100}
    assert all(np.bincount(groups[some]).max() == 5 and len(some) % 5 == 0 for some in rows)
    rows.clear()
    search.set_params(cv=TimeSeriesSplit(3)).fit(X, y)
    assert all((np.diff(some) == 1).all() for some in rows)
    assert {some[-1] for some in rows} == {38, 75, 112}
    assert len({len(some) for some in rows}) > 3


def test_max_resources_below_the_number_of_rows(iris):
    sizes = []

    class Sizes(Null):
        def fit(self, X, y):
            sizes.append(len(X))
            return super().fit(X, y)

    search = HyperbandSearchCV(
        Sizes(), {"value": [1, 2, 3]}, resource="n_samples", max_resources=50, n_candidates=3
    )
    search.set_params(refit=False, cv=3).fit(*iris)
    assert set(sizes) == {16, 50}


def chosen_rows(X, y, cv, **params):
    """Return the training rows of all fits; their numbers are the first column of X."""
    rows = []

    class Watching(Null):
        def fit(self, X, y):
            rows.append(np.asarray(X)[:, 0].astype(int))
            return super().fit(X, np.zeros(len(X)))

        def score(self, X, y):
            return self.value / 10

    search = HyperbandSearchCV(Watching(), {"value": list(range(9))}, resource="n_samples", n_candidates=9)
    search.set_params(random_state=0, refit=False, cv=cv).fit(X, y, **params)
    return rows


class ByHospital:
    """A splitter without "group" in its name that keeps groups together."""

    def get_n_splits(self, X=None, y=None, groups=None):
        return 3

    def split(self, X, y=None, groups=None):
        return GroupKFold(3).split(X, y, groups)


@pytest.mark.parametrize("cv", ["splitter", "list"])
@pytest.mark.parametrize("name", ["{}", "g{}"])
def test_groups_stay_whole_with_any_folds_that_keep_them_together(cv, name):
    X, groups = np.arange(150).reshape(-1, 1), np.repeat(np.arange(30), 5)
    cv = ByHospital() if cv == "splitter" else list(GroupKFold(3).split(X, groups=groups))
    rows = chosen_rows(X, np.tile([0, 1, 2], 50), cv, groups=[name.format(group) for group in groups])
    assert {len(some) for some in rows} == {10, 30, 100}
    assert all(set(np.bincount(groups[some])) <= {0, 5} for some in rows)


@pytest.mark.parametrize("as_y", [np.asarray, lambda y: y.tolist(), pd.DataFrame, sparse.csr_array])
def test_combinations_of_labels_keep_their_share(as_y):
    X, combination = np.arange(120).reshape(-1, 1), np.arange(120) // 30
    y = np.column_stack([combination % 2, combination // 2])
    for some in chosen_rows(X, as_y(y), KFold(3, shuffle=True, random_state=0)):
        assert np.ptp(np.bincount(combination[some], minlength=4) / len(some)) < 0.25


def test_masks_as_folds_equal_row_numbers():
    X, y = np.arange(90).reshape(-1, 1), np.tile([0, 1, 2], 30)
    test = np.arange(90) % 3 == np.arange(3)[:, np.newaxis]
    by_mask = chosen_rows(X, y, [(~mask, mask) for mask in test])
    by_number = chosen_rows(X, y, [(np.flatnonzero(~mask), np.flatnonzero(mask)) for mask in test])
    assert {len(rows) for rows in by_mask} == {6, 20, 60}
    for one, other in zip(by_mask, by_number, strict=True):
        np.testing.assert_array_equal(one, other)
