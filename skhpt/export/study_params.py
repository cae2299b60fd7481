"""Parameters of a search as Optuna describes them: ranges of numbers, and choices that are numbers or texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from skhpt._typing import Params
from skhpt.inspection.search_data import MISSING, SearchData
from skhpt.space.summary import ParamSummary, is_number


class Range(NamedTuple):
    """Numbers between two ends."""

    low: float
    high: float
    is_integer: bool = False
    log: bool = False

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is a number that this kind of range can hold, inside it or not."""
        return (
            is_number(value) and (not self.is_integer or value == int(value)) and (not self.log or value > 0)
        )

    def extended(self, values: Iterable[Any]) -> Range:
        """Return the range with those of the values inside that it accepts."""
        numbers = [float(value) for value in values if self.accepts(value)]
        return self._replace(low=min([self.low, *numbers]), high=max([self.high, *numbers]))


@dataclass(frozen=True)
class StudyParam:
    """A parameter: a range, choices, or both if branches of the space differ in kind.

    Attributes
    ----------
    name : str
        Name of the parameter.
    range : Range or None
        The numbers; None if all values are choices.
    choices : dict of str to object
        The choices by their ``repr``, as Optuna accepts them: of two that are equal, such as 1 and True, the second
        one is a text.
    """

    name: str
    range: Range | None
    choices: Mapping[str, Any]

    @property
    def choice_name(self) -> str:
        """Name of the choices, which differs from that of a range: in Optuna they are two parameters."""
        return self.name if self.range is None else f"{self.name} (choice)"


def study_params(data: SearchData, pending: Sequence[Params]) -> dict[str, StudyParam]:
    """Return the parameters of a search.

    Parameters
    ----------
    data : SearchData
        The search.
    pending : sequence of dict
        Parameters of the candidates that are not finished, as numbers, None, booleans or texts.

    Returns
    -------
    params : dict of str to StudyParam
        The parameters; values outside the space, such as those of earlier searches, are inside the ranges.
    """
    branches: list[Mapping[str, ParamSummary]] = list(data.space)
    names = dict.fromkeys(name for params in [*branches, *data.params, *pending] for name in params)
    params = {}
    for name in names:
        summaries = [branch[name] for branch in branches if name in branch]
        values = [value for value in data.values(name) if value is not MISSING]
        values += [each[name] for each in pending if name in each]
        params[name] = _study_param(name, summaries, values)
    return params


def _study_param(name: str, summaries: Sequence[ParamSummary], values: Sequence[Any]) -> StudyParam:
    ranges = [summary for summary in summaries if summary.kind != "categorical"]
    choices = [choice for summary in summaries for choice in summary.choices]
    found = None
    if ranges or (not summaries and all(map(is_number, values))):
        found = _range(ranges, [value for value in values if is_number(value)])
    others = [value for value in values if found is None or not found.accepts(value)]
    return StudyParam(name, found, _distinct([*choices, *others]))


def _range(summaries: Sequence[ParamSummary], numbers: Sequence[float]) -> Range | None:
    """Return the range of all summaries and numbers; None if there are neither ends nor numbers."""
    ends = [end for summary in summaries for end in (summary.low, summary.high) if end is not None]
    if not ends and not numbers:
        return None
    is_integer = all(summary.kind == "int" for summary in summaries)
    if not summaries:
        is_integer = all(isinstance(value, int) for value in numbers)
    return Range(
        low=min(ends or numbers),
        high=max(ends or numbers),
        is_integer=is_integer and all(value == int(value) for value in [*ends, *numbers]),
        log=bool(ends) and min(ends) > 0 and all(summary.log for summary in summaries),
    ).extended(numbers)


def _distinct(values: Iterable[Any]) -> dict[str, Any]:
    """Return different values by their ``repr``; one that equals an earlier one of another type is a text."""
    distinct: dict[str, Any] = {}
    for value in values:
        if repr(value) not in distinct:
            distinct[repr(value)] = value if value not in distinct.values() else str(value)
    return distinct
