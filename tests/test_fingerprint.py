"""Fingerprints are equal exactly if the data, folds, metrics and estimators have equal content."""

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.compose import make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skhpt.fingerprint import (
    Fingerprint,
    describe_data,
    describe_estimator,
    describe_folds,
    describe_scoring,
    describe_value,
)

ROOT = Path(__file__).parents[1]
X = np.arange(12.0).reshape(6, 2)
FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def changed(X):
    X = X.copy()
    X[-1, -1] += 1
    return X


def blocks(frame):
    """Return the same table with another layout in memory."""
    return pd.concat([frame[[name]] for name in frame.columns], axis=1)


@pytest.mark.parametrize(
    "a, b",
    [
        (X, X.copy()),
        (FRAME, blocks(FRAME)),
        (FRAME["b"], FRAME["b"].copy()),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 2]})),
        (sparse.csr_array(X), sparse.csr_array(X)),
        (["text", "more"], ["te" + "xt", "more"]),
        (np.array(["a", "b"], dtype=object), np.array(["a", "b"], dtype=object)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_equal_data_have_equal_descriptions(a, b):
    assert describe_data(a, None, {}) == describe_data(b, None, {})


@pytest.mark.parametrize(
    "a, b",
    [
        (X, changed(X)),
        (X, X.astype("float32")),
        (X, X[:-1]),
        (FRAME, FRAME.assign(b=["x", "y", "z"])),
        (FRAME, FRAME.rename(columns={"a": "c"})),
        (sparse.csr_array(X), sparse.csr_array(changed(X))),
        (["text"], ["Text"]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_changed_data_have_other_descriptions(a, b):
    assert describe_data(a, None, {}) != describe_data(b, None, {})


def test_targets_and_weights_are_described():
    assert describe_data(X, X[:, 0], {}) != describe_data(X, X[:, 1], {})
    assert describe_data(X, None, {"sample_weight": X[:, 0]}) != describe_data(X, None, {})
    assert describe_data(X, None, {"groups": None}) == describe_data(X, None, {})


def test_a_memory_map_is_an_array(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert describe_data(mapped, None, {}) == describe_data(X, None, {})


def test_data_that_cannot_be_pickled_is_recognised_by_identity():
    data = [lambda: 0]
    assert describe_data(data, None, {}) == describe_data(data, None, {})
    assert describe_data(data, None, {}) != describe_data([lambda: 0], None, {})


def test_folds_are_described_by_their_rows():
    assert describe_folds(list(KFold(3).split(X))) == describe_folds(list(KFold(3).split(X)))
    assert describe_folds(list(KFold(3).split(X))) != describe_folds(list(KFold(2).split(X)))


def test_scoring_functions_are_described_by_their_code():
    assert describe_scoring("f1", False) == "'f1'"
    assert describe_scoring("f1", True) != describe_scoring("f1", False)
    assert describe_value(lambda e, x, y: 1) != describe_value(lambda e, x, y: 2)
    assert describe_value({"b": "f1", "a": "r2"}) == describe_value({"a": "r2", "b": "f1"})
    assert describe_value(make_scorer(f1_score, average="macro")) != describe_value(make_scorer(f1_score))
    assert describe_value(["f1", "r2"]) != describe_value(["f1"])


def closure(weight):
    return lambda truth, prediction, *, n=weight: [value for value in truth if value > weight]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: lambda truth, prediction: x,
        lambda x: lambda truth, prediction, weight=x: weight,
        lambda x: make_scorer(closure(x)),
        lambda x: functools.partial(closure(1), n=x),
        lambda x: Weighted(x).score,
        lambda x: Weighted(x),
        lambda x: FunctionTransformer(closure(x)),
        lambda x: FrozenEstimator(DummyRegressor().fit([[0]], [x])),
    ],
)
def test_functions_and_objects_are_described_by_their_content(make):
    assert describe_value(make(1)) == describe_value(make(1)) != describe_value(make(2))


def labels(last):
    """Return labels of columns that have been used for a lookup, which fills a cache."""
    index = pd.Index(["x", "y", last])
    assert index.get_loc("y") == 1
    return index


@pytest.mark.parametrize(
    "make", [labels, lambda x: pd.Series([1, 2], name=x), lambda x: pd.DataFrame({x: [1]})]
)
def test_tables_are_described_by_their_content(make):
    assert describe_value(make("a")) == describe_value(make("a")) != describe_value(make("b"))


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def __repr__(self):
        return "Weighted()"

    def score(self, estimator, X, y):
        return self.weight


def test_descriptions_are_the_same_in_every_process():
    code = "from tests.test_fingerprint import *; print(descriptions())"
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert there == f"{descriptions()}\n"


def descriptions():
    return describe_value(closure(1)), describe_data([*"ab", None], None, {}), describe_value(labels("z"))


def test_a_function_may_enclose_itself():
    def recursive(n):
        return recursive(n - 1)

    assert describe_value(recursive) == describe_value(recursive)


@given(
    st.lists(mixed := st.none() | st.text() | st.integers() | st.booleans(), max_size=4),
    st.lists(mixed, max_size=4),
)
def test_lists_of_plain_objects_are_described_by_their_content(a, b):
    same = list(map(repr, a)) == list(map(repr, b))
    assert (describe_data(a, None, {}) == describe_data(b, None, {})) == same


def test_estimators_are_described_by_class_and_parameters():
    assert describe_value(SVC(C=2)) == describe_value(SVC(C=2))
    assert describe_value(SVC(C=2)) != describe_value(SVC(C=2.0))
    assert describe_value(SVC(kernel=np.dot)) == describe_value(SVC(kernel=np.dot))
    assert describe_value(X) == describe_value(X.copy())
    assert describe_value({3, 1}) == describe_value({1, 3})
    assert describe_value(make_column_selector("a")) == describe_value(make_column_selector("a"))
    assert describe_value(make_column_selector("a")) != describe_value(make_column_selector("b"))
    assert describe_value(functools.partial(np.dot, 1)) != describe_value(functools.partial(np.dot, 2))
    assert describe_estimator(SVC()) == describe_estimator(SVC()) != describe_estimator(SVC(C=2))
    assert describe_value(functools.partial) == "functools.partial"


@pytest.mark.parametrize(
    "value, description",
    [
        ({"b": [1, True], "a": ("x", None)}, "{'a': tuple('x', None), 'b': list(1, True)}"),
        ({2.5, 1j}, "set(1j, 2.5)"),
        (functools.partial(len, "a"), "partialtuple(builtins.len, tuple('a'), {})"),
        (
            DummyRegressor(),
            "sklearn.dummy.DummyRegressor{'constant': None, 'quantile': None, 'strategy': 'mean'}",
        ),
    ],
)
def test_descriptions_stay_the_same(value, description):
    """Journals contain them: a changed description would refuse to resume a search."""
    assert describe_value(value) == description


def test_differences_are_named():
    a = Fingerprint("X", "5 folds", "'f1'", "SVC")
    assert a.differences(a) == []
    assert a.differences(Fingerprint("X", "3 folds", "'r2'", "SVC")) == [
        "folds: 5 folds became 3 folds",
        "scoring: 'f1' became 'r2'",
    ]
