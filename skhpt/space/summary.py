"""Summary of a space as plain values, which can be written to a journal and need no objects of the search."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from skhpt.identity import native
from skhpt.space.dimensions import Choice, Continuous, Dimension, Discrete, short_repr
from skhpt.space.space import Space

#: Levels between which most of an infinite tail lies; they stand for the ends of a range without ends.
TAIL_LEVELS = (0.01, 0.99)
#: A range of positive numbers has a logarithmic scale if its median is so close to the geometric mean of its ends.
MAX_LOG_SKEW = 0.1
#: Largest number of choices that a summary lists.
MAX_CHOICES = 200

Kind = Literal["float", "int", "categorical"]


@dataclass(frozen=True)
class ParamSummary:
    """The values of one parameter.

    Attributes
    ----------
    kind : {"float", "int", "categorical"}
        Kind of the values; "categorical" for a list of choices, also if these are numbers.
    low, high : float or None
        Ends of the range; quantiles of the levels 0.01 and 0.99 where it is infinite; None without a range.
    log : bool
        Whether a logarithmic scale shows the values evenly.
    choices : tuple of object
        The choices in their order, as numbers, None, booleans or texts; empty for a range. At most 200.
    n_choices : int
        Number of the choices.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    n_choices: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON values; defaults are left out."""
        record: dict[str, Any] = {"kind": self.kind}
        if self.kind != "categorical":
            record |= {"low": self.low, "high": self.high}
        if self.log:
            record["log"] = True
        if self.n_choices:
            record |= {"choices": list(self.choices), "n_choices": self.n_choices}
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ParamSummary:
        """Read what `to_json` has returned; raise ValueError if it is invalid."""
        if not _is_record_of_param(record):
            raise ValueError("not the summary of a parameter")
        summary = cls(**{**record, "choices": tuple(record.get("choices", ()))})
        if summary.low is None or summary.high is None:
            return replace(summary, low=None, high=None)
        if not -math.inf < summary.low <= summary.high < math.inf:
            return replace(summary, low=None, high=None, log=False)  # no range that a scale could show
        return replace(summary, log=summary.log and summary.low > 0)


def _is_record_of_param(record: Any) -> bool:
    """Tell whether the values that `ParamSummary.to_json` has returned have valid types."""
    checks = {
        "kind": lambda value: value in get_args(Kind),
        "low": _is_end,
        "high": _is_end,
        "log": lambda value: type(value) is bool,
        "choices": _are_choices,
        "n_choices": lambda value: type(value) is int and value >= 0,
    }
    if not isinstance(record, Mapping) or "kind" not in record or not record.keys() <= checks.keys():
        return False
    return all(checks[name](value) for name, value in record.items())


def _is_end(value: Any) -> bool:
    return value is None or type(value) is float or (type(value) is int and abs(value) < 2**1023)


def _are_choices(values: Any) -> bool:
    return isinstance(values, list) and all(
        value is None or isinstance(value, (bool, int, float, str)) for value in values
    )


#: The parameters of each branch of a space.
SpaceSummary = Sequence[Mapping[str, ParamSummary]]


def summary_to_json(summary: SpaceSummary) -> list[dict[str, Any]]:
    """Return the summary of a space as JSON values."""
    return [{name: param.to_json() for name, param in branch.items()} for branch in summary]


def summary_from_json(branches: Any, name: str = "space") -> list[dict[str, ParamSummary]]:
    """Read what `summary_to_json` has returned; raise ValueError if it is invalid."""
    if not isinstance(branches, list) or not all(isinstance(branch, dict) for branch in branches):
        raise ValueError(f"{name} is not the summary of a space")
    return [{name: ParamSummary.from_json(record) for name, record in branch.items()} for branch in branches]


def summarize_space(space: Space) -> list[dict[str, ParamSummary]]:
    """Return the summaries of the parameters of each branch."""
    branches = []
    for branch in space.branches:
        branches.append({name: summarize_dimension(dimension) for name, dimension in branch.items()})
    return branches


def summarize_dimension(dimension: Dimension) -> ParamSummary:
    """Return the summary of a dimension."""
    if isinstance(dimension, Choice):
        return summarize_choices(dimension.values)
    if not isinstance(dimension, Continuous):  # an object that can only be sampled
        return ParamSummary("float")
    kind: Kind = "int" if isinstance(dimension, Discrete) or dimension.is_integer else "float"
    low, high = dimension.support
    below, above = (float(x) for x in dimension.decode(np.array(TAIL_LEVELS)))
    middle = float(dimension.middle())
    if low == 0 and _is_logarithmic(below, middle, above):  # such as a log-normal distribution
        low = below
    low = float(low) if math.isfinite(low) else below
    high = float(high) if math.isfinite(high) else above
    half = 0.5 if kind == "int" else 0.0  # of the interval that an integer stands for
    return ParamSummary(kind, low, high, log=_is_logarithmic(low, middle, high, half))


def summarize_choices(values: Sequence[Any]) -> ParamSummary:
    """Return the summary of a list of choices."""
    shown = tuple(plain_choice(values[i]) for i in range(min(len(values), MAX_CHOICES)))
    numbers = [float(value) for value in shown if is_number(value)]
    log = False
    if len(numbers) >= 3 and min(numbers) > 0:
        log = _is_logarithmic(min(numbers), float(np.median(numbers)), max(numbers))
    return ParamSummary("categorical", log=log, choices=shown, n_choices=len(values))


def plain_choice(value: Any) -> Any:
    """Return a value as a number, None, a boolean or a text."""
    value = native(value)
    is_plain = value is None or isinstance(value, (bool, float, str)) or _is_float_range(value)
    return value if is_plain else short_repr(value)


def _is_float_range(value: Any) -> bool:
    """Tell whether a value is an integer that is no larger than the largest float."""
    return isinstance(value, int) and abs(value) <= sys.float_info.max


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, and not a boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_logarithmic(low: float, middle: float, high: float, half: float = 0.0) -> bool:
    """Tell whether the median of positive numbers lies near the middle of a logarithmic scale of at least a decade.

    The scale reaches from ``low - half`` to ``high + half``.
    """
    if low <= half or high < 10 * low:
        return False
    place = math.log(middle / (low - half)) / math.log((high + half) / (low - half))
    return abs(place - 0.5) <= MAX_LOG_SKEW
