"""Slices of a fold: the same rows as in scikit-learn, shared only where no estimator writes to them."""

import gc
from weakref import ref

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, make_scorer
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.metaestimators import _safe_split

import skhpt.fitting.fold  # noqa: F401  (it lets slices go)
from skhpt.fitting import slicing
from skhpt.fitting.job import Setup
from skhpt.fitting.slicing import FoldData, SliceCache, slice_rows
from skhpt.parallel.shared_values import SharedValue, value_cache
from tests.estimators import Mutating, Null, failing_scorer

X = np.arange(40.0).reshape(10, 4)
Y = np.arange(10)
TRAIN, TEST = np.array([0, 3, 4, 7]), np.array([1, 2])
FRAME = pd.DataFrame(X, columns=list("abcd"))


def dense(data):
    return data.toarray() if sparse.issparse(data) else np.asarray(data)


def sliced(estimator, X, y, train=TRAIN, test=TEST, **params):
    """Slices of a fold, without parameters of ``fit`` and of the scorer unless they are given."""
    params = {"fit_params": {}, "score_params": {}} | params
    return slice_rows(estimator, X, y, train=train, test=test, **params)


@pytest.mark.parametrize(
    "X, y",
    [
        (X, Y),
        (X, None),
        (X[:, 0], Y),
        (X.tolist(), Y.tolist()),
        (FRAME, pd.Series(Y)),
        (pl.from_pandas(FRAME), pl.Series(Y)),
        (sparse.csr_array(X), Y),
        (sparse.csc_matrix(X), np.column_stack([Y, Y])),
        (X.reshape(10, 2, 2), Y),
        (np.array(list("abcdefghij"), dtype=object), Y),
    ],
    ids=lambda data: type(data).__name__,
)
@pytest.mark.parametrize("as_mask", [False, True])
def test_slices_are_those_of_scikit_learn(X, y, as_mask):
    train, test = (np.isin(np.arange(10), rows) if as_mask else rows for rows in (TRAIN, TEST))
    fold = sliced(SVC(), X, y, train, test)
    expected = (*_safe_split(SVC(), X, y, train), *_safe_split(SVC(), X, y, test, train))
    for ours, theirs in zip(fold[:4], expected, strict=True):
        assert type(ours) is type(theirs)
        if ours is not None:
            np.testing.assert_array_equal(dense(ours), dense(theirs))


def test_rows_and_columns_of_kernel_matrices_are_sliced():
    fold = sliced(SVC(kernel="precomputed"), X[:, :1] @ X[:, :1].T, Y)
    assert (fold.X_train.shape, fold.X_test.shape) == ((4, 4), (2, 4))


def test_slices_of_memory_maps_are_arrays(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(sliced(SVC(), mapped, Y).X_train, X[TRAIN])


def test_parameters_with_a_row_per_sample_are_sliced_too():
    weights = np.linspace(0, 1, 10)
    fit_params = {"sample_weight": weights, "other": 3}
    fold = sliced(SVC(), X, Y, fit_params=fit_params, score_params={"sample_weight": weights})
    np.testing.assert_array_equal(fold.fit_params["sample_weight"], weights[TRAIN])
    np.testing.assert_array_equal(fold.train_score_params["sample_weight"], weights[TRAIN])
    np.testing.assert_array_equal(fold.test_score_params["sample_weight"], weights[TEST])
    assert fold.fit_params["other"] == 3


def test_every_call_makes_new_slices():
    first, second = (sliced(SVC(), X, Y) for _ in range(2))
    first.X_train[:] = -1
    np.testing.assert_array_equal(second.X_train, X[TRAIN])


# -- slices that can be shared -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(),
        make_pipeline(StandardScaler(), PCA(0.9), LogisticRegression(class_weight={0: 2.0})),
        SVC(random_state=3),
    ],
)
def test_estimators_of_scikit_learn_are_read_only(estimator):
    assert slicing.is_read_only(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        Null(),
        Mutating(),
        StandardScaler(copy=False),
        make_pipeline(StandardScaler(copy=False), SVC()),
        make_pipeline(FunctionTransformer(np.log), SVC()),
        make_pipeline(Null(), SVC()),
        SVC(kernel=np.dot),
        object(),
    ],
)
def test_other_estimators_may_write_to_their_data(estimator):
    assert not slicing.is_read_only(estimator)


def test_read_only_parameters_and_scorers():
    assert slicing.params_are_read_only(
        {"C": 1.0, "svc__kernel": "rbf", "clf": SVC(), "sizes": (3, 4), "w": {0: 1.0}}
    )
    assert not slicing.params_are_read_only({"scaler__copy": False})
    assert not slicing.params_are_read_only({"kernel": np.dot})
    assert slicing.scorer_is_read_only(get_scorer("accuracy"))
    assert slicing.scorer_is_read_only(_MultimetricScorer(scorers={"a": get_scorer("f1")}))
    assert not slicing.scorer_is_read_only(failing_scorer)
    assert not slicing.scorer_is_read_only(make_scorer(lambda y, p: 0))


def test_slices_of_sparse_data_are_shared_only_if_indices_are_sorted():
    assert slicing.data_can_be_shared(X)
    assert slicing.data_can_be_shared(sparse.csr_array(X))
    unsorted = sparse.csr_array((np.ones(2), np.array([3, 1]), np.array([0, 2])), shape=(1, 4))
    assert not slicing.data_can_be_shared(unsorted)


# -- the cache -----------------------------------------------------------------------------------------------


def fold_of(nbytes):
    return FoldData(np.zeros(nbytes, dtype=np.uint8), None, None, None, {}, {}, {})


def test_the_cache_has_slices_of_one_search_and_a_limited_size():
    slice_cache = SliceCache(max_nbytes=100)
    slice_cache.put("one", 0, fold_of(60))
    slice_cache.put("one", 1, fold_of(30))
    assert slice_cache.get("one", 0).nbytes == 60
    slice_cache.put("one", 2, fold_of(20))  # the least recently used slices are removed
    assert (slice_cache.get("one", 1), slice_cache.get("two", 2)) == (None, None)
    assert slice_cache.get("one", 0) is not None
    slice_cache.put("one", 3, fold_of(101))  # larger than the whole cache
    assert [slice_cache.get("one", key) is None for key in range(4)] == [True, True, True, False]
    slice_cache.put("two", 0, fold_of(10))
    slice_cache.drop("one")
    assert slice_cache.get("two", 0) is not None
    slice_cache.drop("two")
    assert slice_cache.get("two", 0) is None


@pytest.mark.parametrize("data", [X, FRAME, FRAME["a"], sparse.csr_array(X), np.float64(3), None])
def test_sizes_of_slices(data):
    assert 0 <= FoldData(data, None, None, None, {}, {}, {}).nbytes <= 2 * X.nbytes


def test_unknown_sizes_are_infinite():
    assert FoldData(["a list"], None, None, None, {}, {}, {}).nbytes == np.inf


def test_the_slices_of_a_search_go_with_its_setup_in_a_worker():
    setup = Setup(Null(), None)
    slicing.slice_cache.put(setup.key, 0, fold_of(10))
    alive = ref(slicing.slice_cache.get(setup.key, 0).X_train)
    with value_cache.resolved([SharedValue("search.setup", None)], lambda shared: setup):
        pass
    gc.collect()
    assert alive() is not None
    value_cache.drop(["search.setup"])
    gc.collect()
    assert alive() is None
