"""Distributions that SciPy lacks: log-uniform integers, steps, truncated normal and log-normal.

Each function checks its arguments and returns a frozen distribution with SciPy's methods (``pdf`` or ``pmf``,
``cdf``, ``ppf``, ``rvs``, ``support``), which also serves scikit-learn's own searches.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from scipy import stats

from skhpt._typing import ArrayLike, Distribution

__all__ = ["loguniform_int", "quantized", "truncated_lognormal", "truncated_normal"]


def loguniform_int(low: int, high: int) -> Distribution:
    """Integer distribution from `low` to `high`, both included, uniform on a logarithmic scale.

    Parameters
    ----------
    low : int
        Smallest value, at least 1.
    high : int
        Largest value, at least `low`.

    Returns
    -------
    distribution : scipy.stats.rv_discrete_frozen
        The nearest integer to a log-uniform number between ``low - 1/2`` and ``high + 1/2``, so that
        ``pmf(k)`` is proportional to ``log((k + 1/2) / (k - 1/2))``, which is close to ``1 / k``.

    Raises
    ------
    TypeError
        If a bound is not an integer.
    ValueError
        If the bounds are out of order or below 1.

    See Also
    --------
    scipy.stats.loguniform : The same for real numbers.
    scipy.stats.randint : Integers that are equally likely.

    Examples
    --------
    >>> from skhpt.distributions import loguniform_int
    >>> trees = loguniform_int(10, 1000)
    >>> [int(trees.ppf(q)) for q in (0.01, 0.5, 1)]
    [10, 97, 1000]
    """
    for name, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool) or not isinstance(bound, (int, np.integer)):
            raise TypeError(f"loguniform_int: {name} must be an integer, got {bound!r}")
    if not 1 <= low <= high:
        raise ValueError(f"loguniform_int: 1 <= low <= high is needed, got low={low!r}, high={high!r}")
    return _DiscreteWithSource(_loguniform_int, int(low), int(high))


def truncated_normal(mean: float, std: float, low: float, high: float) -> Distribution:
    """Normal distribution cut to an interval, in the parameter's own units.

    `scipy.stats.truncnorm` takes its bounds in standard deviations from the mean; here they are plain values.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation of the normal distribution before it is cut.
    low, high : float
        Bounds of the interval; they may be infinite.

    Returns
    -------
    distribution : scipy.stats.rv_continuous_frozen
        The frozen distribution.

    Raises
    ------
    ValueError
        If `std` is not positive, or the bounds are out of order.

    See Also
    --------
    truncated_lognormal : For positive values over orders of magnitude.
    scipy.stats.truncnorm : The same distribution, with standardised bounds.

    Examples
    --------
    >>> from skhpt.distributions import truncated_normal
    >>> dropout = truncated_normal(0.5, 0.2, low=0.0, high=0.9)
    >>> tuple(float(bound) for bound in dropout.support())
    (0.0, 0.9)
    """
    _check_positive("truncated_normal", "std", std)
    _check_number("truncated_normal", "mean", mean)
    _check_order("truncated_normal", low, high)
    return _ContinuousWithSource(_truncated_normal, float(mean), float(std), float(low), float(high))


def truncated_lognormal(median: float, sigma: float, low: float, high: float) -> Distribution:
    """Log-normal distribution cut to an interval, in the parameter's own units.

    Parameters
    ----------
    median : float
        Median of the log-normal distribution before it is cut (``scale`` in `scipy.stats.lognorm`).
    sigma : float
        Standard deviation of the natural logarithm (``s`` in `scipy.stats.lognorm`): two thirds of the mass
        lie within a factor ``exp(sigma)`` of the median.
    low, high : float
        Bounds of the interval, not negative; `high` may be infinite.

    Returns
    -------
    distribution : scipy.stats.rv_continuous_frozen
        The frozen distribution.

    Raises
    ------
    ValueError
        If `median` or `sigma` is not positive, or the bounds are out of order or negative.

    See Also
    --------
    truncated_normal : For values near a mean.
    scipy.stats.lognorm : Without bounds.

    Examples
    --------
    >>> from skhpt.distributions import truncated_lognormal
    >>> learning_rate = truncated_lognormal(0.1, sigma=1.0, low=1e-3, high=1.0)
    >>> round(float(learning_rate.ppf(0.5)), 3)
    0.099
    """
    _check_positive("truncated_lognormal", "median", median)
    _check_positive("truncated_lognormal", "sigma", sigma)
    _check_order("truncated_lognormal", low, high)
    if low < 0:
        raise ValueError(f"truncated_lognormal: low must not be negative, got {low!r}")
    return _ContinuousWithSource(_truncated_lognormal, float(median), float(sigma), float(low), float(high))


def quantized(dist: Distribution, step: float) -> Quantized:
    """Round a distribution to the multiples of a step.

    Parameters
    ----------
    dist : scipy distribution
        A frozen continuous distribution (anything with ``cdf`` and either ``ppf`` or ``icdf``).
    step : float
        Distance between neighbouring values; the values are its multiples.

    Returns
    -------
    distribution : Quantized
        The multiple of `step` nearest to a draw from `dist`.

    Raises
    ------
    TypeError
        If `dist` is not frozen, or has no ``cdf`` or no quantile function.
    ValueError
        If `step` is not positive.

    See Also
    --------
    loguniform_int : Integers on a logarithmic scale.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> from skhpt.distributions import quantized
    >>> subsample = quantized(uniform(0.5, 0.5), 0.1)
    >>> [float(subsample.ppf(q)) for q in (0.01, 0.5, 1)]
    [0.5, 0.7, 1.0]
    """
    _check_positive("quantized", "step", step)
    if isinstance(dist, (type, stats.rv_continuous, stats.rv_discrete)):
        raise TypeError(f"quantized: dist must be frozen, that is, called with its arguments, got {dist!r}")
    if not hasattr(dist, "cdf") or not (hasattr(dist, "ppf") or hasattr(dist, "icdf")):
        raise TypeError(f"quantized: dist must have cdf and ppf (or icdf), got {dist!r}")
    return Quantized(dist, step)


class Quantized:
    """A distribution rounded to the multiples of `step`; made by `quantized`.

    With ``F`` the distribution function of `dist`, ``cdf(k * step) = F((k + 1/2) * step)`` for every integer
    ``k``.

    Parameters
    ----------
    dist : scipy distribution
        The distribution that is rounded.
    step : float
        Distance between neighbouring values.
    """

    def __init__(self, dist: Distribution, step: float):
        self.dist = dist
        self.step = step

    def __repr__(self) -> str:
        return f"quantized({self.dist!r}, {self.step!r})"

    def support(self) -> tuple[float, float]:
        """Smallest and largest value (infinite where `dist` is unbounded)."""
        low, high = (float(bound) / self.step for bound in self.dist.support())
        first = math.floor(low + 0.5) if math.isfinite(low) else low
        last = math.ceil(high - 0.5) if math.isfinite(high) else high
        return float(self._value(first)), float(self._value(last))

    def cdf(self, x: ArrayLike) -> Any:
        """Probability of a value of at most `x`."""
        # The tolerance keeps a multiple of the step, which is rounded itself, on its own side of the floor.
        index = np.floor(np.asarray(x, dtype=float) / self.step + 1e-9)
        return self._cdf_of_index(index)

    def pmf(self, x: ArrayLike) -> Any:
        """Probability of `x`: zero unless it is a multiple of the step."""
        ratio = np.asarray(x, dtype=float) / self.step
        index = np.round(ratio)
        mass = self._cdf_of_index(index) - self._cdf_of_index(index - 1)
        return np.where(np.isclose(ratio, index, rtol=0, atol=1e-9), mass, 0.0)[()]

    def ppf(self, q: ArrayLike) -> Any:
        """Quantile function: the smallest value whose ``cdf`` reaches `q`."""
        quantile = getattr(self.dist, "ppf", None) or self.dist.icdf
        index = np.ceil(np.asarray(quantile(q), dtype=float) / self.step - 0.5)
        # Rounding errors of the inner quantile function may have made the index one too large or one too
        # small.
        with np.errstate(invalid="ignore"):
            index = np.where(self._cdf_of_index(index - 1) >= q, index - 1, index)
            index = np.where(self._cdf_of_index(index) < q, index + 1, index)
        return np.clip(self._value(index), *self.support())[()]

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Draw values.

        Parameters
        ----------
        size : int or tuple of int, default=None
            Shape of the result; a single value by default.
        random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
            Source of randomness; ``None`` means numpy's global generator.

        Returns
        -------
        values : int or float, or ndarray of shape `size`
            Integers if `step` is one.
        """
        if random_state is None:
            random_state = np.random
        elif isinstance(random_state, (int, np.integer)):
            random_state = np.random.RandomState(random_state)
        values = self.ppf(random_state.uniform(size=size))
        if float(self.step).is_integer():  # integers, as from SciPy's discrete distributions
            return int(values) if np.ndim(values) == 0 else values.astype(int)
        return values

    def _cdf_of_index(self, index: ArrayLike) -> Any:
        return self.dist.cdf((np.asarray(index) + 0.5) * self.step)

    def _value(self, index: ArrayLike) -> Any:
        # In decimals, 3 * 0.1 is 0.3 and not 0.30000000000000004.
        exponent = Decimal(repr(float(self.step))).as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) else 0
        # No -0.0.
        return np.round(np.asarray(index, dtype=float) * float(self.step), min(decimals, 300)) + 0.0


_Array: TypeAlias = np.ndarray  # shape parameters, points and quantiles, broadcast against each other

# Shape parameters are named by the signature of _pmf or _pdf: that is how SciPy reads them.
# ----------------------------------------------------------------------------------------------------------------------


_FrozenContinuous: Any = type(stats.norm())
_FrozenDiscrete: Any = type(stats.poisson(1))


class _ContinuousWithSource(_FrozenContinuous):
    """Frozen distribution that prints as the call that makes it."""

    def __repr__(self) -> str:
        return _call_text(self)


class _DiscreteWithSource(_FrozenDiscrete):
    """Frozen discrete distribution that prints as the call that makes it."""

    def __repr__(self) -> str:
        return _call_text(self)


def _call_text(frozen: Any) -> str:
    arguments = [*map(repr, frozen.args), *(f"{name}={value!r}" for name, value in frozen.kwds.items())]
    return f"{frozen.dist.name}({', '.join(arguments)})"


class _LogUniformInt(stats.rv_discrete):
    """``cdf(k) = log((k + 1/2) / (low - 1/2)) / log((high + 1/2) / (low - 1/2))`` for integers k."""

    def __getstate__(self) -> dict[str, Any]:
        # SciPy stores one of the methods that it makes anew; it refers back to the distribution, which skops refuses.
        state: dict[str, Any] = super().__getstate__()
        state.pop("vecentropy", None)
        return state

    def _argcheck(self, low: _Array, high: _Array) -> Any:
        return (low >= 1) & (low <= high)

    def _get_support(self, low: _Array, high: _Array) -> tuple[_Array, _Array]:
        return low, high

    def _pmf(self, k: _Array, low: _Array, high: _Array) -> Any:
        return np.log((k + 0.5) / (k - 0.5)) / np.log((high + 0.5) / (low - 0.5))

    def _cdf(self, k: _Array, low: _Array, high: _Array) -> Any:
        return np.log((np.floor(k) + 0.5) / (low - 0.5)) / np.log((high + 0.5) / (low - 0.5))

    def _ppf(self, q: _Array, low: _Array, high: _Array) -> Any:
        k = np.ceil((low - 0.5) * np.exp(q * np.log((high + 0.5) / (low - 0.5))) - 0.5)
        k = np.clip(k, low, high)
        # Rounding errors above may have made k one too large or one too small.
        k = np.where((k > low) & (self._cdf(k - 1, low, high) >= q), k - 1, k)
        return np.where((k < high) & (self._cdf(k, low, high) < q), k + 1, k)


class _TruncatedNormal(stats.rv_continuous):
    """``(X - mean) / std`` is a standard normal cut to the standardised bounds."""

    def _argcheck(self, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        return (std > 0) & (low < high)

    def _get_support(self, mean: _Array, std: _Array, low: _Array, high: _Array) -> tuple[_Array, _Array]:
        return low, high

    def _standard(self, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        return (low - mean) / std, (high - mean) / std

    def _pdf(self, x: _Array, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        return stats.truncnorm.pdf((x - mean) / std, *self._standard(mean, std, low, high)) / std

    def _cdf(self, x: _Array, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        return stats.truncnorm.cdf((x - mean) / std, *self._standard(mean, std, low, high))

    def _sf(self, x: _Array, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        return stats.truncnorm.sf((x - mean) / std, *self._standard(mean, std, low, high))

    def _ppf(self, q: _Array, mean: _Array, std: _Array, low: _Array, high: _Array) -> Any:
        x = mean + std * stats.truncnorm.ppf(q, *self._standard(mean, std, low, high))
        return np.clip(x, low, high)


class _TruncatedLognormal(stats.rv_continuous):
    """``log(X / median) / sigma`` is a standard normal cut to the logarithms of the bounds."""

    def _argcheck(self, median: _Array, sigma: _Array, low: _Array, high: _Array) -> Any:
        return (median > 0) & (sigma > 0) & (low >= 0) & (low < high)

    def _get_support(self, median: _Array, sigma: _Array, low: _Array, high: _Array) -> tuple[_Array, _Array]:
        return low, high

    def _standard(self, x: _Array, median: _Array, sigma: _Array) -> Any:
        with np.errstate(divide="ignore"):
            return np.log(x / median) / sigma

    def _bounds(self, median: _Array, sigma: _Array, low: _Array, high: _Array) -> tuple[_Array, _Array]:
        return self._standard(low, median, sigma), self._standard(high, median, sigma)

    def _pdf(self, x: _Array, median: _Array, sigma: _Array, low: _Array, high: _Array) -> Any:
        z = self._standard(x, median, sigma)
        with np.errstate(invalid="ignore", divide="ignore"):
            density = stats.truncnorm.pdf(z, *self._bounds(median, sigma, low, high)) / (sigma * x)
        return np.where(x > 0, density, 0.0)

    def _cdf(self, x: _Array, median: _Array, sigma: _Array, low: _Array, high: _Array) -> Any:
        return stats.truncnorm.cdf(self._standard(x, median, sigma), *self._bounds(median, sigma, low, high))

    def _sf(self, x: _Array, median: _Array, sigma: _Array, low: _Array, high: _Array) -> Any:
        return stats.truncnorm.sf(self._standard(x, median, sigma), *self._bounds(median, sigma, low, high))

    def _ppf(self, q: _Array, median: _Array, sigma: _Array, low: _Array, high: _Array) -> Any:
        x = median * np.exp(sigma * stats.truncnorm.ppf(q, *self._bounds(median, sigma, low, high)))
        return np.clip(x, low, high)


_loguniform_int = _LogUniformInt(name="loguniform_int", a=1)
_truncated_normal = _TruncatedNormal(name="truncated_normal")
_truncated_lognormal = _TruncatedLognormal(name="truncated_lognormal")


def _check_number(function: str, name: str, value: Any) -> None:
    if not isinstance(value, (int, float, np.integer, np.floating)) or not math.isfinite(value):
        raise ValueError(f"{function}: {name} must be a finite number, got {value!r}")


def _check_positive(function: str, name: str, value: Any) -> None:
    _check_number(function, name, value)
    if value <= 0:
        raise ValueError(f"{function}: {name} must be positive, got {value!r}")


def _check_order(function: str, low: float, high: float) -> None:
    if not low < high:  # False for NaN too
        raise ValueError(f"{function}: low < high is needed, got low={low!r}, high={high!r}")
