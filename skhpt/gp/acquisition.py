"""What an evaluation is worth: acquisition functions of the belief about a score, all to be maximised."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import erfcx, log_ndtr

_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
_SQRT_HALF_PI = np.sqrt(np.pi / 2)


def log_expected_improvement(mean: np.ndarray, std: np.ndarray, best: float) -> np.ndarray:
    """Logarithm of the expected improvement over `best`, without underflow.

    ``EI = std h(z)`` with ``h(z) = pdf(z) + z cdf(z)`` and ``z = (mean - best) / std``. For negative z the sum cancels;
    there ``h(z) = pdf(z) (1 - |z| r(|z|))``, with ``r`` the Mills ratio ``sqrt(pi / 2) erfcx(|z| / sqrt(2))``, and far
    out, where that cancels too, ``h(z) = pdf(z) / z^2`` to the last digits (Ament et al. 2023, arXiv:2310.20708).

    Parameters
    ----------
    mean, std : ndarray of shape (n,)
        Belief about the scores of n points.
    best : float
        Score to improve on.

    Returns
    -------
    log_ei : ndarray of shape (n,)
    """
    z = (mean - best) / std
    return np.log(std) + _log_h(z)


def log_expected_improvement_and_slope(
    mean: np.ndarray, std: np.ndarray, best: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`log_expected_improvement` and its derivatives in mean and std: ``cdf(z) / EI`` and ``pdf(z) / EI``."""
    z = (mean - best) / std
    log_ei = np.log(std) + _log_h(z)
    return log_ei, np.exp(log_ndtr(z) - log_ei), np.exp(-0.5 * z * z - _LOG_SQRT_2PI - log_ei)


def upper_confidence_bound(mean: np.ndarray, std: np.ndarray, best: float, width: float = 1.96) -> np.ndarray:
    """Return ``mean + width std``, whatever the best score is (Srinivas et al. 2010, arXiv:0912.3995).

    With the default `width` one point in 40 is better than that. Parameters and what is returned are as for
    `log_expected_improvement`.
    """
    return mean + width * std


def upper_confidence_bound_and_slope(
    mean: np.ndarray, std: np.ndarray, best: float, width: float = 1.96
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`upper_confidence_bound` and its derivatives in mean and std."""
    return mean + width * std, np.ones_like(mean), np.full_like(std, width)


#: By name: an acquisition function, and the same with its derivatives in mean and std.
ACQUISITIONS = {
    "log_ei": (log_expected_improvement, log_expected_improvement_and_slope),
    "ucb": (upper_confidence_bound, upper_confidence_bound_and_slope),
}
#: One that goes where the score could be highest at all: one point in 740 is more than three standard deviations up.
EXPLORING = (partial(upper_confidence_bound, width=3.0), partial(upper_confidence_bound_and_slope, width=3.0))


def _log_h(z: np.ndarray) -> np.ndarray:
    out = np.empty_like(z)
    near = z > -1
    far = z < -1e4
    middle = ~(near | far)
    x = z[near]
    log_pdf = -0.5 * z * z - _LOG_SQRT_2PI
    out[near] = np.log(np.exp(log_pdf[near]) + x * np.exp(log_ndtr(x)))
    x = -z[middle]
    out[middle] = log_pdf[middle] + np.log1p(-x * _SQRT_HALF_PI * erfcx(x / np.sqrt(2)))
    out[far] = log_pdf[far] - 2 * np.log(-z[far])
    return out
