"""Points of the unit cube that a constraint allows, found by a random walk from points that are known.

Rejecting random draws is hopeless where a constraint allows one point in a million. But near an allowed point
there are others, and the difference of two allowed points is a direction in which the constraint is likely to
allow further ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

#: Points of the unit cube, shape (n, D).
Cube: TypeAlias = np.ndarray
#: Tells which points of the cube are allowed: (n, D) becomes (n,).
IsAllowed: TypeAlias = Callable[[Cube], np.ndarray]

#: Minimum number of points that walk at the same time.
MIN_WALKERS = 32
#: Smallest length of a random step, in units of the cube, as a power of 10; the largest is 1.
_SMALLEST_STEP = -8
#: Smallest and largest factor of a difference, as powers of 2.
_FACTORS = (-4.0, 2.0)


def random_walk(
    is_allowed: IsAllowed, start: Cube, *, n: int, n_sweeps: int, rng: np.random.Generator
) -> Cube:
    """Return points that are spread over the allowed part of the cube.

    A differential evolution Markov chain (ter Braak 2006, doi:10.1007/s11222-006-8769-1) whose stationary
    distribution is uniform on the allowed part: a step that is as probable as its reverse is taken if it ends
    at an allowed point. As the cube is the image of the distributions of the parameters, the points are draws
    from these distributions under the constraint, as far as the walk gets from its start.

    Parameters
    ----------
    is_allowed : callable
        ``is_allowed(u)`` tells which of the points (n, D) are allowed.
    start : ndarray of shape (m, D)
        Allowed points to start from.
    n : int
        Number of points.
    n_sweeps : int
        Number of steps of each point. The constraint is evaluated this many times for each of max(`n`, 32)
        points.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    u : ndarray of shape (n, D)
        Allowed points; some of them may be equal.
    """
    n_walkers = max(n, MIN_WALKERS)
    u: np.ndarray = start[rng.permutation(np.arange(n_walkers) % len(start))]
    halves = np.arange(n_walkers) < n_walkers // 2
    for sweep in range(2 * n_sweeps):
        moving = halves if sweep % 2 else ~halves
        # Differences of points that stand still, so that a step and its reverse are as probable.
        u[moving] = allowed_steps(is_allowed, u[moving], u[~moving], rng=rng)
    chosen: Cube = u[rng.permutation(n_walkers)[:n]]
    return chosen


def allowed_steps(is_allowed: IsAllowed, u: Cube, others: Cube, *, rng: np.random.Generator) -> Cube:
    """Move each point once, if the step ends at an allowed point of the cube.

    The steps go along the difference of two other points, in a random direction, or along a few axes.

    Parameters
    ----------
    is_allowed, rng
        As for `random_walk`.
    u : ndarray of shape (n, D)
        Allowed points of the cube.
    others : ndarray of shape (m, D)
        Points whose differences are directions.

    Returns
    -------
    moved : ndarray of shape (n, D)
        The points after their steps; a point whose step is not allowed stays where it is.
    """
    moved = _steps(u, others, rng=rng)
    rows = np.flatnonzero((moved == np.clip(moved, 0, 1)).all(axis=1))
    rows = rows[is_allowed(moved[rows])]
    after = u.copy()
    after[rows] = moved[rows]
    return after


def _steps(u: Cube, others: Cube, *, rng: np.random.Generator) -> Cube:
    """Return the ends of the steps, some of which may lie outside of the cube."""
    n, D = u.shape
    first, second = rng.integers(len(others), size=(2, n))
    factors = rng.choice(np.array([-1.0, 1.0]), (n, 1)) * 2 ** rng.uniform(*_FACTORS, (n, 1))
    # Reflected at the bounds, these steps would not be as probable as their reverse.
    along_difference = u + factors * (others[first] - others[second])
    lengths = 10 ** rng.uniform(_SMALLEST_STEP, 0, (n, 1))
    is_moved = rng.random((n, D)) < rng.random((n, 1))
    is_moved[np.arange(n), rng.integers(D, size=n)] = True
    anywhere_near = _reflected(u + is_moved * lengths * rng.standard_normal((n, D)))
    redrawn = np.where(rng.random((n, D)) < 1 / D, rng.random((n, D)), u)
    kind = rng.choice(np.arange(3), n, p=(0.5, 0.3, 0.2))[:, None]
    ends: Cube = np.choose(kind, [along_difference, anywhere_near, redrawn])
    return ends


def _reflected(u: Cube) -> Cube:
    """Reflect points at the bounds of the cube."""
    remainder = np.abs(u) % 2
    reflected: Cube = np.where(remainder > 1, 2 - remainder, remainder)
    return reflected
