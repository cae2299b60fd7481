"""Acquisition functions of the posterior of a score, all to be maximised."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy.special import erfcx, log_ndtr

_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
_SQRT_HALF_PI = np.sqrt(np.pi / 2)

#: Values of an acquisition function, and their derivatives in mean and std: three arrays of shape (n,).
ValueAndDerivatives: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
#: ``acquisition(mean, std, best)`` for the posterior at n points; all are to be maximised.
Acquisition: TypeAlias = Callable[[np.ndarray, np.ndarray, float], ValueAndDerivatives]


def log_expected_improvement(mean: np.ndarray, std: np.ndarray, best: float) -> ValueAndDerivatives:
    """Return the logarithm of the expected improvement over `best`, without underflow (Ament et al. 2023).

    ``EI = std h(z)`` with ``h(z) = pdf(z) + z cdf(z)`` and ``z = (mean - best) / std``. The derivatives of
    its logarithm are ``cdf(z) / EI`` in mean, and ``pdf(z) / EI`` in std.

    Parameters
    ----------
    mean, std : ndarray of shape (n,)
        Posterior means and standard deviations of the scores of n points.
    best : float
        Score to improve on.

    Returns
    -------
    log_ei, by_mean, by_std : ndarray of shape (n,)

    References
    ----------
    Ament, Daulton, Eriksson, Balandat and Bakshy (2023), Unexpected Improvements to Expected Improvement for
    Bayesian Optimization, arXiv:2310.20708.
    """
    z = (mean - best) / std
    log_ei = np.log(std) + _log_h(z)  # Ament et al. 2023, eq. 8
    return log_ei, np.exp(log_ndtr(z) - log_ei), np.exp(-0.5 * z * z - _LOG_SQRT_2PI - log_ei)


def upper_confidence_bound(
    mean: np.ndarray, std: np.ndarray, best: float, width: float = 1.96
) -> ValueAndDerivatives:
    """Return ``mean + width std`` (Srinivas et al. 2010, arXiv:0912.3995).

    The parameters are those of `log_expected_improvement`; `best` is not used. With the default `width` the
    probability that the score of a point is above its bound is 1/40.
    """
    return mean + width * std, np.ones_like(mean), np.full_like(std, width)


def log_success_probability(
    mean: np.ndarray, std: np.ndarray, best: float, *, noise: float, weight: float = 1.0
) -> ValueAndDerivatives:
    """Return the weighted logarithm of the probability that a candidate works, ``weight log cdf(mean / sigma)``.

    The posterior is that of a label, 1 for candidates that work and -1 for those that fail, and ``sigma^2 =
    std^2 + noise``. Added to the logarithm of the expected improvement it is the logarithm of the expected
    improvement under an unknown constraint (Gelbart, Snoek and Adams 2014, arXiv:1403.5607, eq. 7); a weight
    above 1 is more cautious.

    The parameters are those of `log_expected_improvement`; `best` is not used. `noise` is the noise variance
    of the labels, which is large if failures depend on chance.
    """
    sigma = np.sqrt(std**2 + noise)
    z = mean / sigma
    log_cdf = log_ndtr(z)
    by_z = weight * np.exp(-0.5 * z * z - _LOG_SQRT_2PI - log_cdf)
    return weight * log_cdf, by_z / sigma, -by_z * z * std / sigma**2


def negative_mean(mean: np.ndarray, std: np.ndarray, best: float, *, weight: float) -> ValueAndDerivatives:
    """Return ``-weight mean``: the cost of points, with the posterior of a logarithm of costs."""
    return -weight * mean, np.full_like(mean, -weight), np.zeros_like(std)


#: Acquisition functions by name.
ACQUISITIONS: dict[str, Acquisition] = {"log_ei": log_expected_improvement, "ucb": upper_confidence_bound}
#: Upper confidence bound that explores: the probability of a score above the bound is 1/740.
EXPLORING: Acquisition = partial(upper_confidence_bound, width=3.0)


def _log_h(z: np.ndarray) -> np.ndarray:
    """Logarithm of ``h(z) = pdf(z) + z cdf(z)``; for z <= -1 in forms without cancellation (Ament et al. 2023, eq. 9).

    For negative z ``h(z) = pdf(z) (1 - |z| r(|z|))``, with the Mills ratio ``r(x) = sqrt(pi / 2) erfcx(x /
    sqrt(2))``. For z below -10,000 this cancels too, and ``h(z) = pdf(z) / z^2`` to the last digits.
    """
    out = np.empty_like(z)
    near = z > -1
    far = z < -1e4
    middle = ~(near | far)
    log_pdf = -0.5 * z * z - _LOG_SQRT_2PI
    x = z[near]
    out[near] = np.log(np.exp(log_pdf[near]) + x * np.exp(log_ndtr(x)))
    x = -z[middle]
    out[middle] = log_pdf[middle] + np.log1p(-x * _SQRT_HALF_PI * erfcx(x / np.sqrt(2)))
    out[far] = log_pdf[far] - 2 * np.log(-z[far])
    return out
