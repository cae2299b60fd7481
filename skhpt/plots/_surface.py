"""Scores as a function of two parameters: predictions of a surrogate, a moving average, or the best in each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from skhpt.plots._scale import ParamScale
from skhpt.plots._surrogate import SurrogateGrid

#: Number of points of the moving average along each parameter.
N_SMOOTHED = 40
#: Smallest number of candidates of a moving average.
MIN_SMOOTHED = 12
#: Smallest sum of the weights of the candidates (1 for a candidate at the point itself) where the average is shown.
MIN_WEIGHT = 0.7


@dataclass(frozen=True)
class Surface:
    """Scores on a grid of two parameters.

    Attributes
    ----------
    kind : {"surrogate", "average", "best"}
        Where the scores come from: predictions of the surrogate, the average of candidates nearby, or the best
        candidate with these two values.
    x, y : ndarray of shape (n_x,) and (n_y,)
        Positions on the axes of the parameters, ascending.
    scores : ndarray of shape (n_y, n_x)
        Scores; NaN where nothing is known.
    """

    kind: Literal["surrogate", "average", "best"]
    x: np.ndarray
    y: np.ndarray
    scores: np.ndarray


def surrogate_surface(grid: SurrogateGrid, x_scale: ParamScale, y_scale: ParamScale) -> Surface:
    """Return the predictions of a surrogate as a surface."""
    x, y = x_scale.positions(grid.values[0]), y_scale.positions(grid.values[1])
    x_order, y_order = np.argsort(x), np.argsort(y)
    return Surface("surrogate", x[x_order], y[y_order], grid.mean[np.ix_(x_order, y_order)].T)


def observed_surface(
    x: np.ndarray, y: np.ndarray, scores: np.ndarray, x_scale: ParamScale, y_scale: ParamScale
) -> Surface | None:
    """Return a surface of observed scores; None if the axes have numbers and names, or there are few candidates."""
    rows = np.isfinite(x) & np.isfinite(y) & np.isfinite(scores)
    x, y, scores = x[rows], y[rows], scores[rows]
    if x_scale.kind == "names" and y_scale.kind == "names":
        return _best_of_cells(x, y, scores, len(x_scale.names), len(y_scale.names))
    if x_scale.kind == "names" or y_scale.kind == "names" or len(scores) < MIN_SMOOTHED:
        return None
    return _moving_average(x, y, scores, x_scale, y_scale)


def _best_of_cells(x: np.ndarray, y: np.ndarray, scores: np.ndarray, n_x: int, n_y: int) -> Surface:
    best = np.full((n_y, n_x), np.nan)
    for i, j, score in zip(y.astype(int), x.astype(int), scores):
        best[i, j] = np.fmax(best[i, j], score)
    return Surface("best", np.arange(n_x, dtype=float), np.arange(n_y, dtype=float), best)


def _moving_average(
    x: np.ndarray, y: np.ndarray, scores: np.ndarray, x_scale: ParamScale, y_scale: ParamScale
) -> Surface:
    """Return the mean of the scores with Gaussian weights (Nadaraya-Watson), of the width of Scott's rule."""
    x_grid, y_grid = (_number_grid(scale) for scale in (x_scale, y_scale))
    width = 0.29 * len(scores) ** (-1 / 6)  # of the unit interval, whose standard deviation is 0.29
    x_weights = _weights(x_scale.unit(x_grid), x_scale.unit(x), width)
    y_weights = _weights(y_scale.unit(y_grid), y_scale.unit(y), width)
    weights = y_weights @ x_weights.T
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (y_weights * scores) @ x_weights.T / weights
    return Surface("average", x_grid, y_grid, np.where(weights < MIN_WEIGHT, np.nan, means))


def _weights(grid: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """Return the weights of points, shape (n_grid, n_points)."""
    return np.asarray(np.exp(-0.5 * ((grid[:, None] - points) / width) ** 2))


def _number_grid(scale: ParamScale) -> np.ndarray:
    """Return positions of numbers that are evenly spaced on an axis."""
    assert scale.numbers is not None
    spaced = np.geomspace if scale.kind == "log" else np.linspace
    return np.asarray(spaced(*scale.numbers, N_SMOOTHED))
