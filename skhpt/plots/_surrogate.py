"""Predictions of the surrogate of a fitted search along one or two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.inspection.search_data import SearchData
from skhpt.space.dimensions import Dimension
from skhpt.space.space import Space
from skhpt.space.summary import plain_choice


@dataclass(frozen=True)
class SurrogateGrid:
    """Predicted scores on a grid of one or two parameters; other parameters have the values of a good candidate.

    Attributes
    ----------
    values : list of list of object
        Values of each parameter, as `SearchData.values` has them.
    mean, std : ndarray of shape (n_values,) or (n_values_of_first, n_values_of_second)
        Predicted scores and their standard deviations.
    base : int
        Index of the trial that the other parameters come from: the best with these parameters.
    """

    values: list[list[Any]]
    mean: np.ndarray
    std: np.ndarray
    base: int


def predict_grids(
    data: SearchData, metric: str, tuples: Sequence[Sequence[str]], n_values: int
) -> dict[tuple[str, ...], SurrogateGrid]:
    """Return the predictions for tuples of parameters; none if the source has no surrogate of this metric.

    Tuples of parameters that no candidate with a score has are left out. `n_values` is the largest number of values
    of each parameter.
    """
    if not hasattr(data.fitted, "predict_score") or metric != data.metric:
        return {}
    scores = data.scores(metric)
    space = Space(data.settings.param_distributions)
    found: dict[tuple[str, ...], tuple[int, list[list[Any]]]] = {}
    points: list[Params] = []
    for names in map(tuple, tuples):
        base = _best_with(data, scores, names)
        branch = None if base is None else _branch_of(space, data.trials[base].candidate.params)
        if base is None or branch is None:
            continue
        grid = [_spread_values(branch[name], n_values) for name in names]
        found[names] = base, grid
        params = data.trials[base].candidate.params
        points += [{**params, **dict(zip(names, point))} for point in product(*grid)]
    if not points:
        return {}
    return _split(found, *data.fitted.predict_score(points))


def _split(
    found: dict[tuple[str, ...], tuple[int, list[list[Any]]]], mean: np.ndarray, std: np.ndarray
) -> dict[tuple[str, ...], SurrogateGrid]:
    """Divide the predictions of all points among the grids."""
    grids, start = {}, 0
    for names, (base, values) in found.items():
        shape = tuple(map(len, values))
        stop = start + int(np.prod(shape))
        plain = [[plain_choice(value) for value in each] for each in values]
        grids[names] = SurrogateGrid(
            plain, mean[start:stop].reshape(shape), std[start:stop].reshape(shape), base
        )
        start = stop
    return grids


def _best_with(data: SearchData, scores: np.ndarray, names: Sequence[str]) -> int | None:
    """Return the index of the best trial that has all of these parameters."""
    has_all = [all(name in params for name in names) for params in data.params]
    rows = np.flatnonzero(np.array(has_all, dtype=bool) & data.is_complete & np.isfinite(scores))
    return int(rows[np.argmax(scores[rows])]) if len(rows) else None


def _branch_of(space: Space, params: Params) -> dict[str, Dimension] | None:
    """Return the branch of a candidate; None if it lies outside the space, as trials of earlier searches can."""
    for branch in space.branches:
        if set(branch) == set(params) and all(branch[name].are_values([params[name]])[0] for name in branch):
            return dict(branch)
    return None


def _spread_values(dimension: Dimension, n_values: int) -> list[Any]:
    """Return values of a dimension that are spread evenly on its own scale."""
    values = list(dimension.grid(n_values))
    if len(values) <= n_values:
        return values
    return [values[i] for i in np.linspace(0, len(values) - 1, n_values).round().astype(int)]
