"""Find where an acquisition function is high: quasi-random points, ever smaller steps around the best, then uphill."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.stats import qmc

from skhpt.gp.bfgs import bfgs

Cube = np.ndarray
Climb = Callable[[Cube], tuple[np.ndarray, Cube]]
#: Steps around the best points, round by round, as standard deviations in the unit cube.
_STEPS = (0.1, 0.03)
#: How many of the best points go uphill, and how many steps.
N_CLIMBERS, N_STEPS_UP = 4, 10
#: By how much a step up must promise to raise the value.
_WORTH_A_STEP = 1e-3


def maximize(
    value: Callable[[Cube], np.ndarray],
    around: Callable[[Cube], Climb],
    incumbents: Cube,
    lengths: np.ndarray,
    rng: np.random.Generator,
    n_points: int = 256,
    n_parents: int = 16,
    n_children: int = 8,
) -> Cube:
    """Return points of the cube, those of the highest values first.

    Parameters
    ----------
    value : callable
        ``value(u)`` maps points of shape (n, D) to n values; higher is better.
    around : callable
        ``around(start)`` returns a function ``u -> (values, slopes)`` of points near `start`, with the gradient, of
        shape (n, D), which is zero in columns that are not to be moved by it.
    incumbents : ndarray of shape (m, D)
        Points around which to look from the start.
    lengths : ndarray of shape (D,)
        How far apart points lie that have little to do with each other, along each column; of any size.
    rng : numpy.random.Generator
        Source of randomness.
    n_points, n_parents, n_children : int
        Quasi-random points; points that each round goes on from; steps from each of them.

    Returns
    -------
    u : ndarray of shape (n, D)
        The best points of the last round, and where they led uphill.
    """
    D = incumbents.shape[1]
    quasi_random = (_sobol(D, n_points) + rng.random(D)) % 1  # shifted at random (Cranley and Patterson 1976)
    points = np.vstack([quasi_random, incumbents, *(_children(incumbents, step, n_children, rng) for step in _STEPS)])
    values = value(points)
    for step in _STEPS:
        best = np.argsort(-values, kind="stable")[:n_parents]
        points, values = points[best], values[best]
        children = _children(points, step, n_children, rng)
        points, values = np.vstack([points, children]), np.append(values, value(children))
    best = np.argsort(-values, kind="stable")
    high = points[best[:N_CLIMBERS]]
    climbed = bfgs(around(high), high, 0.0, 1.0, _STEPS[0] * lengths, n_steps=N_STEPS_UP, tolerance=_WORTH_A_STEP)
    points, values = np.vstack([points, climbed]), np.append(values, value(climbed))
    return points[np.argsort(-values, kind="stable")]


@lru_cache(maxsize=8)
def _sobol(D: int, n: int) -> Cube:
    """Return the first points of the Sobol sequence."""
    return qmc.Sobol(D, scramble=False).random(n)


def _children(parents: Cube, step: float, n: int, rng: np.random.Generator) -> Cube:
    """Move each parent `n` times: some coordinates a step away, now and then one of them anywhere."""
    children = np.repeat(parents, n, axis=0)
    D = children.shape[1]
    moved = rng.random(children.shape) < min(1.0, 2 / D)
    moved[np.arange(len(children)), rng.integers(D, size=len(children))] = True
    near = np.clip(children + step * rng.standard_normal(children.shape), 0, 1)
    anywhere = rng.random(children.shape)
    jump = rng.random(children.shape) < 0.15
    return np.where(moved, np.where(jump, anywhere, near), children)
