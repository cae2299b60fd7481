"""Global maximisation of an acquisition function on the unit cube.

Quasi-random points first, then random steps from the best points, smaller from round to round, at last
gradient steps from the best few.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from scipy.stats import qmc

from skhpt.gp.bfgs import maximize_bfgs

#: Points of the unit cube, shape (n, D).
Cube: TypeAlias = np.ndarray
#: Maps points to values, shape (n,), and gradients, shape (n, D).
ValueAndGradient: TypeAlias = Callable[[Cube], tuple[np.ndarray, Cube]]
#: Standard deviations of the random steps in each round, in units of the cube.
_STEPS = (0.1, 0.03)
#: Number of points that gradient steps start from, and maximum number of these steps.
N_STARTS, N_GRADIENT_STEPS = 4, 10
#: Predicted gain of the acquisition that a gradient step needs.
_TOLERANCE = 1e-3


def maximize_acquisition(
    value: Callable[[Cube], np.ndarray],
    near: Callable[[Cube], ValueAndGradient],
    incumbents: Cube,
    *,
    lengths: np.ndarray,
    rng: np.random.Generator,
    n_points: int = 256,
    n_parents: int = 16,
    n_children: int = 8,
    is_allowed: Callable[[Cube], np.ndarray] | None = None,
) -> Cube:
    """Return points of the cube with high values, the highest first.

    Parameters
    ----------
    value : callable
        ``value(u)`` maps points of shape (n, D) to n values.
    near : callable
        ``near(start)`` returns a function ``u -> (values, gradients)`` for points near `start`; gradients are
        of shape (n, D), and zero in columns that the function does not change.
    incumbents : ndarray of shape (m, D)
        Points that random steps start from in the first round.
    lengths : ndarray of shape (D,)
        Length scales of the columns; any positive numbers.
    rng : numpy.random.Generator
        Source of randomness.
    n_points, n_parents, n_children : int
        Number of quasi-random points, number of the best points that each round starts from, and number of
        random steps from each.
    is_allowed : callable, default=None
        ``is_allowed(u)`` tells which of the points (n, D) are allowed: a round starts from these only. It is
        called for as few points as possible. By default all points are allowed.

    Returns
    -------
    u : ndarray of shape (n, D)
        The points of the last round and the ends of the gradient steps; not all of them are allowed.
    """
    D = incumbents.shape[1]
    quasi_random = (_sobol(D, n_points) + rng.random(D)) % 1  # shifted at random (Cranley and Patterson 1976)
    near_incumbents = [_random_steps(incumbents, step, n_children, rng=rng) for step in _STEPS]
    points = np.vstack([quasi_random, incumbents, *near_incumbents])
    values = value(points)
    for step in _STEPS:
        best = _best_allowed(points, values, n_parents, is_allowed)
        points, values = points[best], values[best]
        children = _random_steps(points, step, n_children, rng=rng)
        points, values = np.vstack([points, children]), np.append(values, value(children))
    start = points[_best_allowed(points, values, N_STARTS, is_allowed)]
    ends = maximize_bfgs(
        near(start),
        start,
        low=0.0,
        high=1.0,
        scale=_STEPS[0] * lengths,
        n_steps=N_GRADIENT_STEPS,
        tolerance=_TOLERANCE,
    )
    points, values = np.vstack([points, ends]), np.append(values, value(ends))
    return points[np.argsort(-values, kind="stable")]


def _best_allowed(
    points: Cube, values: np.ndarray, n: int, is_allowed: Callable[[Cube], np.ndarray] | None
) -> np.ndarray:
    """Return the indices of the n allowed points with the highest values; of other points if none is allowed."""
    order = np.argsort(-values, kind="stable")
    if is_allowed is None:
        return order[:n]
    allowed = order[:0]
    for block in np.split(order, range(n, len(order), n)):
        allowed = np.append(allowed, block[is_allowed(points[block])])
        if len(allowed) >= n:
            break
    return allowed[:n] if len(allowed) else order[:n]


@lru_cache(maxsize=8)
def _sobol(D: int, n: int) -> Cube:
    """Return the first n points of the Sobol sequence."""
    points: Cube = qmc.Sobol(D, scramble=False).random(n)
    return points


def _random_steps(parents: Cube, step: float, n: int, *, rng: np.random.Generator) -> Cube:
    """Move each point `n` times: about two coordinates by a normal step, or sometimes to a uniform random place."""
    children = np.repeat(parents, n, axis=0)
    D = children.shape[1]
    moved = rng.random(children.shape) < min(1.0, 2 / D)
    moved[np.arange(len(children)), rng.integers(D, size=len(children))] = True
    near = np.clip(children + step * rng.standard_normal(children.shape), 0, 1)
    anywhere = rng.random(children.shape)
    jump = rng.random(children.shape) < 0.15
    return np.where(moved, np.where(jump, anywhere, near), children)
