"""Emulator of a table: predicts fold scores, the held-out score and the time of candidates that are not in it.

Extremely randomised trees (Geurts, Ernst and Wehenkel 2006) without resampling reproduce the evaluated
candidates and average between them, so the luck of the folds stays in the scores, as plateaus and steps do.
Parameters without effect, given the others, are left out, so that they have no effect here either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from problems import Cat
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

from bed import tables
from bed.kinds import Kind
from skhpt.fitting.cloning import own_params
from skhpt.reuse.inert import without_inert

N_TREES = 60
#: Label of the only column of a number.
NUMBER = "number"


class Features:
    """Candidates of a kind as rows of numbers: logarithms, one column per choice, -99 without effect."""

    absent = -99.0

    def __init__(self, kind: Kind):
        self.kind = kind
        self._estimator = clone(kind.estimator)
        self._inert_by_choices: dict[tuple[Any, ...], set[str]] = {}
        choices = {name for branch in kind.branches for name, one in branch.items() if isinstance(one, Cat)}
        self._choices = sorted(choices)
        self._columns: dict[tuple[str, Any], int] = {}
        for branch in kind.branches:
            for name, dimension in branch.items():
                for choice in _labels(dimension) if isinstance(dimension, Cat) else [NUMBER]:
                    self._columns.setdefault((name, choice), len(self._columns))
        self._is_log = {
            name: getattr(dimension, "log", False)
            for branch in kind.branches
            for name, dimension in branch.items()
        }

    def __call__(self, params: dict[str, Any]) -> np.ndarray:
        """Return the row of a candidate, shape (n_columns,)."""
        row = np.full(len(self._columns), self.absent)
        inert = self.inert(params)
        for name, value in params.items():
            if name in inert:
                continue
            if (name, NUMBER) in self._columns:
                row[self._columns[name, NUMBER]] = math.log(value) if self._is_log[name] else value
            else:
                for (other, choice), column in self._columns.items():
                    if other == name:
                        row[column] = float(choice == _label(value))
        return row

    def inert(self, params: dict[str, Any]) -> set[str]:
        """Return the names of parameters without effect, given the choices of a candidate."""
        choices = tuple(repr(params.get(name)) for name in self._choices)
        if choices not in self._inert_by_choices:
            self._inert_by_choices[choices] = self._inert(params)
        return self._inert_by_choices[choices]

    def _inert(self, params: dict[str, Any]) -> set[str]:
        """Return the names without effect: those that the table of inert parameters has."""
        if len(self.kind.branches) > 1:  # steps are replaced; no branch has inert parameters
            return set()
        self._estimator.set_params(**params)
        found = set()
        steps = dict(getattr(self._estimator, "steps", [])) or {"": self._estimator}
        for prefix, step in steps.items():
            for name in own_params(step).keys() - without_inert(step).keys():
                found.add(f"{prefix}__{name}" if prefix else name)
        return found


def _label(value: Any) -> Any:
    """Return what tells choices apart; estimators by their class."""
    return type(value).__name__ if hasattr(value, "get_params") else value


def _labels(dimension: Cat) -> list[Any]:
    return [_label(value) for value in dimension.values]


class Emulator:
    """Emulator of one table.

    Parameters
    ----------
    table : Table
        Evaluated candidates.
    without : sequence of int, default=()
        Rows of the table to leave out.
    min_samples_leaf : int, default=1
        Least number of rows in a leaf of the trees; 1 reproduces the table.
    """

    def __init__(self, table: tables.Table, without: Sequence[int] = (), min_samples_leaf: int = 1):
        self.features = Features(table.kind)
        self.n_folds = table.scores.shape[1]
        kept = np.setdiff1d(np.arange(len(table.scores)), without).astype(int)
        X = np.array([self.features(table.params[row]) for row in kept])
        self._scale, Y = _standardised(table)
        trees = _trees(min_samples_leaf).fit(X, Y[kept]).estimators_
        n_nodes = max(tree.tree_.node_count for tree in trees)
        self._left, self._right, self._feature = (np.zeros((len(trees), n_nodes), np.int32) for _ in range(3))
        self._threshold = np.zeros((len(trees), n_nodes))
        self._value = np.zeros((len(trees), n_nodes, Y.shape[1]), np.float32)
        for i, tree in enumerate(trees):
            nodes = tree.tree_
            own = np.arange(nodes.node_count)
            is_leaf = nodes.children_left < 0
            self._left[i, own] = np.where(is_leaf, own, nodes.children_left)  # a leaf leads to itself
            self._right[i, own] = np.where(is_leaf, own, nodes.children_right)
            self._feature[i, own] = np.where(is_leaf, 0, nodes.feature)
            self._threshold[i, own] = nodes.threshold
            self._value[i, own] = nodes.value[:, :, 0]
        self._depth = max(tree.get_depth() for tree in trees)
        self._rows = np.arange(len(trees))

    def __call__(self, params: dict[str, Any]) -> tuple[np.ndarray, float, float]:
        """Return fold scores of shape (n_folds,), the held-out score, and seconds."""
        (values,) = self._predict([params])
        return values[: self.n_folds], float(values[self.n_folds]), float(np.exp(values[-1]))

    def mean_scores(self, points: Sequence[dict[str, Any]]) -> np.ndarray:
        """Return the mean score of each of some candidates, shape (n_points,)."""
        return np.asarray(self._predict(points)[:, : self.n_folds].mean(axis=1))

    def _predict(self, points: Sequence[dict[str, Any]]) -> np.ndarray:
        """Return the columns of the table for candidates, shape (n_points, n_columns)."""
        X = np.array([self.features(params) for params in points], np.float32)
        node = np.zeros((len(X), len(self._rows)), np.int32)
        points_axis = np.arange(len(X))[:, None]
        for _ in range(self._depth):
            goes_left = X[points_axis, self._feature[self._rows, node]] <= self._threshold[self._rows, node]
            node = np.where(goes_left, self._left[self._rows, node], self._right[self._rows, node])
        center, scale = self._scale
        return np.asarray(self._value[self._rows, node].mean(axis=1) * scale + center)


def _trees(min_samples_leaf: int = 1) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(N_TREES, max_features=0.7, min_samples_leaf=min_samples_leaf, random_state=0)


def _standardised(table: tables.Table) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return centers and scales, and the columns to predict: fold scores, held-out scores, log seconds."""
    Y = np.column_stack([table.scores, table.held_out])
    first, middle = np.nanquantile(Y, [0.25, 0.5], axis=0)
    Y = np.maximum(np.where(np.isnan(Y), -np.inf, Y), middle - 20 * np.maximum(middle - first, 1e-3))
    Y = np.column_stack([Y, np.log(np.maximum(table.seconds, 1e-4))])
    center, scale = Y.mean(axis=0), Y.std(axis=0) + 1e-12
    return (center, scale), (Y - center) / scale


@cache
def emulator(kind: str, data: str, without: tuple[int, ...] = ()) -> Emulator:
    """Return the emulator of a table, without some of its rows."""
    return Emulator(tables.load(kind, data), without)


def quality(kind: str, data: str) -> tuple[float, float, float]:
    """Return rank correlations on left-out candidates: of all, of the better half, and of held-out scores of all."""
    table = tables.load(kind, data)
    features = Features(table.kind)
    X = np.array([features(params) for params in table.params])
    _, Y = _standardised(table)
    predicted = np.empty_like(Y)
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        predicted[test] = _trees().fit(X[train], Y[train]).predict(X[test])
    n = table.scores.shape[1]
    score, guess = Y[:, :n].mean(axis=1), predicted[:, :n].mean(axis=1)
    better = score >= np.median(score)
    return (
        float(spearmanr(score, guess)[0]),
        float(spearmanr(score[better], guess[better])[0]),
        float(spearmanr(Y[:, n], predicted[:, n])[0]),
    )
