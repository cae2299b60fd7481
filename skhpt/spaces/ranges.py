"""Distributions around a good value, with wide tails."""

from __future__ import annotations

import math

from skhpt._typing import Distribution
from skhpt.distributions import quantized, truncated_lognormal, truncated_normal


def tidy(x: float) -> float:
    """Round a number to two significant digits."""
    return float(f"{x:.2g}")


def around(median: float, factor: float, low: float, high: float) -> Distribution:
    """Return a distribution of positive numbers, two thirds of which lie within a factor of the median."""
    sigma = round(math.log(factor), 2)
    return truncated_lognormal(tidy(median), sigma, low=tidy(low), high=tidy(high))


def scaled(unit: float, median: float, factor: float, low: float, high: float) -> Distribution:
    """Return the same as `around` for a parameter with a unit, such as the spread of y."""
    return around(unit * median, factor, unit * low, unit * high)


def count(median: float, factor: float, low: int, high: int) -> Distribution:
    """Return a distribution of integers from `low` to `high`, or the list of the only one."""
    if high <= low:
        return [low]
    middle = min(max(float(median), low), high)
    inner = truncated_lognormal(tidy(middle), round(math.log(factor), 2), low=float(low), high=float(high))
    return quantized(inner, 1)


def share(centre: float, low: float, high: float) -> Distribution:
    """Return a distribution of fractions, half of which lie in the half of the interval around the centre."""
    return truncated_normal(centre, tidy((high - low) / 3), low=low, high=high)
