"""Writes to data are detected, for every kind of data; checks that take longer than they save end the sharing."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch
from skhpt.reuse.mutation import MutationCheck, seconds_to_check
from tests.estimators import Null

WORDS = ["red", "green", "blue", "red"]


def objects(*items: Any) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def frame(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"n": np.arange(4.0), "x": pd.Series(values, dtype=dtype)})


def set_item(data: Any) -> None:
    data[1] = data[0]


def set_cell(data: Any) -> None:
    data.loc[1, "x"] = data.loc[0, "x"]


def set_code(data: Any) -> None:
    data.loc[data["x"] == "green", "x"] = "red"


KINDS: dict[str, tuple[Any, Any]] = {
    "numbers": (lambda: np.arange(6.0).reshape(3, 2), lambda data: data.fill(3)),
    "numbers in Fortran's order": (lambda: np.asfortranarray(np.eye(3)), lambda data: data.fill(3)),
    "strings": (lambda: objects(*WORDS), set_item),
    "fixed strings": (lambda: np.array(WORDS), set_item),
    "columns of strings": (lambda: np.array([WORDS, WORDS], dtype=object).T, set_item),
    "arrays": (lambda: objects(np.arange(2), np.arange(3)), lambda data: data[0].fill(7)),
    "tuples": (lambda: objects((1, ("a",)), (2, ("b",))), set_item),
    "lists in tuples": (lambda: objects((1, [2]), (3, [4])), lambda data: data[0][1].append(5)),
    "a list of strings": (lambda: list(WORDS), set_item),
    "a list of dicts": (lambda: [{"a": 1}, {"a": 2}], lambda data: data[0].update(b=3)),
    "a list that grows": (lambda: list(WORDS), lambda data: data.append("white")),
    "a sparse matrix": (lambda: sparse.eye(3, format="csr"), lambda data: data.data.fill(3)),
    "frame of objects": (lambda: frame(WORDS, object), set_cell),
    "frame of text": (lambda: frame(WORDS, "str"), set_cell),
    "frame of Python's strings": (lambda: frame(WORDS, pd.StringDtype("python")), set_cell),
    "frame of categories": (lambda: frame(WORDS, "category"), set_cell),
    "frame of other categories": (lambda: frame(WORDS, "category"), set_code),
    "frame of integers with gaps": (lambda: frame([1, None, 3, 4], "Int64"), set_cell),
    "frame of dates": (lambda: frame(pd.date_range("2020", periods=4, tz="UTC")), set_cell),
    "frame of lists": (lambda: frame([[1], [2], [3], [4]]), lambda data: data.loc[0, "x"].append(3)),
    "frame with another column": (lambda: frame(WORDS), lambda data: data.insert(0, "y", 1)),
    "frame with other labels": (
        lambda: frame(WORDS),
        lambda data: setattr(data, "columns", ["n", "y"]),
    ),
    "frame with another index": (lambda: frame(WORDS), lambda data: setattr(data, "index", [1, 2, 3, 4])),
    "a column": (lambda: frame(WORDS, object)["x"], lambda data: data.replace("red", "white", inplace=True)),
    "polars": (lambda: pl.DataFrame({"x": WORDS}), lambda data: data.__setitem__((1, "x"), "white")),
    "polars with other labels": (
        lambda: pl.DataFrame({"x": WORDS}),
        lambda data: setattr(data, "columns", ["y"]),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_writes_are_detected(name: str) -> None:
    make, write = KINDS[name]
    data = make()
    check = MutationCheck(data)
    assert check.is_unchanged
    assert check.is_unchanged
    write(data)
    assert not check.is_unchanged


def test_data_that_cannot_be_pickled_are_not_certain() -> None:
    assert not MutationCheck([lambda: 0]).is_unchanged


def test_only_objects_that_may_change_take_time() -> None:
    for data in (
        np.eye(3),
        objects(*WORDS),
        list(WORDS),
        frame(WORDS, "category"),
        frame(WORDS, "str"),
        None,
    ):
        assert seconds_to_check(data) == 0
    for data in (objects([1], [2]), [{"a": 1}], frame([[1], [2], [3], [4]])):
        assert seconds_to_check(data) > 0


class Same(TransformerMixin, BaseEstimator):
    """Returns its input."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class SlowToPickle:
    """An item whose check takes longer than any fit."""

    def __reduce__(self):
        time.sleep(0.002)
        return SlowToPickle, ()


class SlowMeans(Same):
    """Takes longer than the check of its input."""

    def transform(self, X):
        time.sleep(0.02)
        return np.array([[np.mean(row)] for row in X])


def _slow_items() -> np.ndarray:
    return objects(*(SlowToPickle() for _ in range(12)))


def test_checks_that_take_longer_than_they_save_end_the_sharing(monkeypatch) -> None:
    monkeypatch.setattr("skhpt.reuse.shared_evaluation._QUICK_CHECK", 0.002)
    X, y = _slow_items(), np.arange(12) % 2
    grid = {"null__value": list(range(6))}
    search = GridSearch(make_pipeline(Same(), Null()), grid, cv=2, refit=False).fit(X, y)
    assert not search.reuse_report_.saves
    assert "takes longer than the fits that sharing saves" in str(search.reuse_report_)
    expected = GridSearchCV(make_pipeline(Same(), Null()), grid, cv=2, refit=False).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("kind", ["arrays", "lists", "columns"])
def test_slow_steps_are_shared_although_their_input_is_checked(kind: str) -> None:
    X, y = load_iris(return_X_y=True)
    items: Any = objects(*X[::3]) if kind == "arrays" else [list(row) for row in X[::3]]
    if kind == "columns":
        items = pd.DataFrame({"x": items}).assign(y="text")
        model = make_pipeline(SlowMeansOfColumn(), DecisionTreeClassifier(random_state=0))
    else:
        model = make_pipeline(SlowMeans(), DecisionTreeClassifier(random_state=0))
    grid = {"decisiontreeclassifier__max_depth": [1, 2, 3]}
    search = GridSearch(model, grid, cv=2, refit=False).fit(items, y[::3])
    assert search.reuse_report_.saves, search.reuse_report_
    expected = GridSearchCV(model, grid, cv=2, refit=False).fit(items, y[::3])
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


class SlowMeansOfColumn(SlowMeans):
    def transform(self, X):
        return super().transform(X["x"])
