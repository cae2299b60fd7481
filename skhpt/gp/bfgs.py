"""Go uphill in a box: the quasi-Newton method BFGS, from several points at once.

Each point goes its own way, but all are evaluated together, which costs hardly more than one of them.

========  =========  =========================================================================================
``x``     (m, d)     where the points are
``f``     (m,)       values there
``g``     (m, d)     gradients there
``H``     (m, d, d)  estimates of the inverse of the matrix of second derivatives, times -1
``s``     (m, d)     steps
``y``     (m, d)     how much the gradients fell along these steps
========  =========  =========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: A step is taken if it gains this part of what the gradient promises (Armijo's rule).
_ENOUGH = 1e-4
_TINY = 1e-300


def bfgs(
    value_and_slope: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    low: np.ndarray | float,
    high: np.ndarray | float,
    scale: np.ndarray | float,
    n_steps: int,
    tolerance: float = 0.0,
) -> np.ndarray:
    """Find a local maximum from each of some points.

    Parameters
    ----------
    value_and_slope : callable
        Maps points (m, d) to values (m,) and gradients (m, d).
    start : ndarray of shape (m, d)
        Where to start, within the box.
    low, high : float or ndarray of shape (d,)
        The box.
    scale : float or ndarray of shape (d,)
        How far one has to go along each axis to see a difference: in these units the first step has length 1.
    n_steps : int
        How many steps are tried at most.
    tolerance : float, default=0.0
        It ends when no step promises as much as this, by which the value would grow.

    Returns
    -------
    x : ndarray of shape (m, d)
        Where the points got; none is lower than where it started.
    """
    x, (f, g) = start, value_and_slope(start)
    isotropic = np.diag(np.broadcast_to(np.square(scale), x.shape[1]))
    first_H = H = isotropic / np.sqrt(_dot(g @ isotropic, g) + _TINY)[:, None, None]
    length, is_first = np.ones(len(x)), True
    for _ in range(n_steps):
        moved, s, promised = _next(x, g, H, length, low, high)
        if (promised <= 0).any():  # at the top, or what was learned leads against the wall and down
            H = np.where((promised <= 0)[:, None, None], first_H, H)
            moved, s, promised = _next(x, g, H, length, low, high)
        if promised.max() <= tolerance:
            break
        f_moved, g_moved = value_and_slope(moved)
        gained = f_moved - f
        is_better = gained > _ENOUGH * promised
        if is_better.all():
            length = np.ones(len(x))
            x, f, g, y = moved, f_moved, g_moved, g - g_moved
        else:
            # Otherwise to the top of the parabola through what is known, or not much nearer.
            top = np.minimum(np.maximum(0.5 * promised / np.maximum(promised - gained, _TINY), 0.1), 0.5)
            length = np.where(is_better, 1.0, length * top)
            took = is_better[:, None]
            y = np.where(took, g - g_moved, 0.0)
            x, f, g = np.where(took, moved, x), np.where(is_better, f_moved, f), np.where(took, g_moved, g)
        y = y * (s != 0)
        if is_first:
            H, is_first = _resized(H, s, y), False
        H = _learn(H, s, y)
    return x


def _next(
    x: np.ndarray, g: np.ndarray, H: np.ndarray, length: np.ndarray, low: np.ndarray | float, high: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where to go next, the steps, and what the gradients promise of them."""
    is_free = ((x > low) | (g > 0)) & ((x < high) | (g < 0))
    step = length[:, None] * is_free * (H @ (is_free * g)[:, :, None])[:, :, 0]
    moved = np.minimum(np.maximum(x + step, low), high)
    s = moved - x
    return moved, s, _dot(g, s)


def _resized(H: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Scale the first H to what was seen along the first step (Nocedal and Wright 2006, equation 6.20)."""
    fall, Hy = _dot(s, y), (H @ y[:, :, None])[:, :, 0]
    return H * np.where(fall > 0, fall / (_dot(y, Hy) + _TINY), 1.0)[:, None, None]


def _learn(H: np.ndarray, s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Update H, where the gradient fell along the step (equation 6.17)."""
    fall = _dot(s, y)
    fell = fall > 1e-10 * _dot(y, y)
    r = (fell / np.where(fell, fall, 1.0))[:, None] * s
    V = np.eye(s.shape[1]) - r[:, :, None] * y[:, None, :]
    return V @ H @ V.transpose(0, 2, 1) + r[:, :, None] * s[:, None, :]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("mi,mi->m", a, b)
