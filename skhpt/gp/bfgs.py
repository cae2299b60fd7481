"""Local maximisation in a box with the quasi-Newton method BFGS, from several points at once.

The points are independent of each other, but the function is evaluated at all of them together.

========  =========  =========================================================================================
``x``     (m, d)     points
``f``     (m,)       values at the points
``g``     (m, d)     gradients at the points
``H``     (m, d, d)  estimates of the inverse of the negative Hessian matrix
``s``     (m, d)     steps
``y``     (m, d)     decreases of the gradients along these steps
========  =========  =========================================================================================

Reference: Nocedal and Wright (2006), Numerical Optimization, second edition. The book minimises; signs are
changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

#: Part of the predicted gain that makes a step acceptable (Nocedal and Wright 2006, eq. 3.4: Armijo's rule).
_SUFFICIENT = 1e-4
_TINY = 1e-300
#: Dot product of each row of a matrix with the same row of another matrix.
_dot = partial(np.einsum, "mi,mi->m")


def maximize_bfgs(
    value_and_gradient: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    *,
    low: np.ndarray | float,
    high: np.ndarray | float,
    scale: np.ndarray | float,
    n_steps: int,
    tolerance: float = 0.0,
) -> np.ndarray:
    """Find a local maximum from each of some points.

    Parameters
    ----------
    value_and_gradient : callable
        Maps points (m, d) to values (m,) and gradients (m, d).
    start : ndarray of shape (m, d)
        Points to start from, inside the box.
    low, high : float or ndarray of shape (d,)
        Bounds of the box.
    scale : float or ndarray of shape (d,)
        Distance along each axis that changes the value noticeably: in these units the first step has length
        1.
    n_steps : int
        Maximum number of steps, rejected steps included.
    tolerance : float, default=0.0
        The maximisation ends when the predicted gain of every step is at most this.

    Returns
    -------
    x : ndarray of shape (m, d)
        Last accepted points; the value of none is below that of its start.
    """
    x, (f, g) = start, value_and_gradient(start)
    isotropic = np.diag(np.broadcast_to(np.square(scale), x.shape[1]))
    first_H = H = isotropic / np.sqrt(_dot(g @ isotropic, g) + _TINY)[:, None, None]
    length, is_first = np.ones(len(x)), True
    for _ in range(n_steps):
        moved, s, predicted = _next_points(x, g, H, length=length, low=low, high=high)
        if (predicted <= 0).any():  # at a maximum, or the step of H leads down because of the bounds
            H = np.where((predicted <= 0)[:, None, None], first_H, H)
            moved, s, predicted = _next_points(x, g, H, length=length, low=low, high=high)
        if predicted.max() <= tolerance:
            break
        f_moved, g_moved = value_and_gradient(moved)
        gained = f_moved - f
        accepted = gained > _SUFFICIENT * predicted
        if accepted.all():
            length = np.ones(len(x))
            x, f, g, y = moved, f_moved, g_moved, g - g_moved
        else:
            # Nocedal and Wright 2006, eq. 3.58: the maximum of a parabola through the known values, within
            # limits.
            shorter = np.minimum(
                np.maximum(0.5 * predicted / np.maximum(predicted - gained, _TINY), 0.1), 0.5
            )
            length = np.where(accepted, 1.0, length * shorter)
            rows = accepted[:, None]
            y = np.where(rows, g - g_moved, 0.0)
            x, f, g = np.where(rows, moved, x), np.where(accepted, f_moved, f), np.where(rows, g_moved, g)
        y = y * (s != 0)
        sy = _dot(s, y)
        if is_first:
            Hy = (H @ y[:, :, None])[:, :, 0]
            H = H * np.where(sy > 0, sy / (_dot(y, Hy) + _TINY), 1.0)[:, None, None]  # eq. 6.20
            is_first = False
        H = _updated(H, s, y, sy=sy)
    return x


def _next_points(
    x: np.ndarray,
    g: np.ndarray,
    H: np.ndarray,
    *,
    length: np.ndarray,
    low: np.ndarray | float,
    high: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next points, the steps to them, and the gains that the gradients predict."""
    is_free = ((x > low) | (g > 0)) & ((x < high) | (g < 0))  # not at a bound that the gradient points to
    step = length[:, None] * is_free * (H @ (is_free * g)[:, :, None])[:, :, 0]
    moved = np.minimum(np.maximum(x + step, low), high)
    s = moved - x
    return moved, s, _dot(g, s)


def _updated(H: np.ndarray, s: np.ndarray, y: np.ndarray, *, sy: np.ndarray) -> np.ndarray:
    """Update H where the gradient decreased along the step (Nocedal and Wright 2006, eq. 6.17)."""
    decreased = sy > 1e-10 * _dot(y, y)
    rho_s = (decreased / np.where(decreased, sy, 1.0))[:, None] * s
    V = np.eye(s.shape[1]) - rho_s[:, :, None] * y[:, None, :]
    updated: np.ndarray = V @ H @ V.transpose(0, 2, 1) + rho_s[:, :, None] * s[:, None, :]
    return updated
