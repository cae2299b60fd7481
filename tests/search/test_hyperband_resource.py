"""The resource of HyperbandSearchCV: defaults, checks, subsamples of rows."""

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold, TimeSeriesSplit
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
        (SGDClassifier(), {"alpha": [1, 2, 3]}, "folds", 5),  # 1000 iterations are not meant to be done
        (SGDClassifier(max_iter=9, early_stopping=True), {"alpha": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9, class_weight="balanced"), {"alpha": [1, 2, 3]}, "folds", 5),
        (SGDClassifier(max_iter=9), {"class_weight": [None, "balanced"], "alpha": [1, 2]}, "folds", 5),
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
