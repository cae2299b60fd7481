"""Maximisation of an acquisition function where a constraint allows hardly any point of the cube."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skhpt.space.random_walk import Cube, IsAllowed, allowed_steps, random_walk

#: Number of points that walk, and number of their steps, before the acquisition is looked at.
N_WALKERS, N_SWEEPS = 64, 30
#: Number of the best points that climb, and number of their steps.
N_CLIMBERS, N_CLIMBS = 32, 30


def maximize_by_walking(
    value: Callable[[Cube], np.ndarray], is_allowed: IsAllowed, start: Cube, *, rng: np.random.Generator
) -> Cube:
    """Return allowed points of the cube with high values, the highest first.

    Points walk at random among the allowed ones; then the best of them take only steps that lead up.

    Parameters
    ----------
    value : callable
        ``value(u)`` maps points of shape (n, D) to n values.
    is_allowed : callable
        ``is_allowed(u)`` tells which of the points (n, D) are allowed.
    start : ndarray of shape (m, D)
        Allowed points to start from, such as those that were evaluated.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    u : ndarray of shape (n, D)
    """
    spread = random_walk(is_allowed, start, n=N_WALKERS, n_sweeps=N_SWEEPS, rng=rng)
    points = np.vstack([spread, start])
    values = value(points)
    best = np.argsort(-values, kind="stable")[:N_CLIMBERS]
    climbers, heights = points[best], values[best]
    for _ in range(N_CLIMBS):
        moved = allowed_steps(is_allowed, climbers, points, rng=rng)
        moved_heights = value(moved)
        climbed = moved_heights > heights
        climbers = np.where(climbed[:, None], moved, climbers)
        heights = np.where(climbed, moved_heights, heights)
    points, values = np.vstack([climbers, points]), np.append(heights, values)
    return points[np.argsort(-values, kind="stable")]
