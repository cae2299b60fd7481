"""Axis of a parameter: places of numbers, names and missing values, and their ticks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import MISSING, SearchData
from skhpt.plots._drawing import plain, shorten
from skhpt.space.summary import ParamSummary, is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Distance of the places of names from the numbers and from each other, as a share of the range of the numbers.
NAME_STEP = 0.16
#: Half of the width over which points of the same name are spread, as a share of their distance.
JITTER = 0.22
#: Smallest distance of two numbers of a list that both have ticks, as a share of the range of the numbers.
MIN_TICK_STEP = 0.06
#: Largest number of names that have a tick each.
MAX_NAME_TICKS = 16
#: Largest length of the text of a tick.
MAX_NAME_LENGTH = 18
#: Mean width of a character of a tick in inches.
CHARACTER_WIDTH = 0.07


@dataclass(frozen=True)
class ParamScale:
    """Scale of a parameter.

    Numbers lie at themselves on a linear or logarithmic axis. Names among numbers (None, "auto", a missing value)
    have places beside the smallest number. Without numbers, or with one number only, all values are names with the
    places 0, 1, 2, ...

    Attributes
    ----------
    name : str
        Name of the parameter.
    kind : {"linear", "log", "names"}
        Kind of the axis.
    low, high : float
        Ends of the axis, in the units of the axis.
    numbers : tuple of float or None
        Smallest and largest number; None if the kind is "names".
    ticks : tuple of float
        Numbers that have ticks: those of a short list; empty if matplotlib chooses.
    names : tuple of str
        Texts of the names.
    places : tuple of float
        Positions of the names.
    """

    name: str
    kind: Literal["linear", "log", "names"]
    low: float
    high: float
    numbers: tuple[float, float] | None
    ticks: tuple[float, ...]
    is_integer: bool
    names: tuple[str, ...]
    places: tuple[float, ...]

    @classmethod
    def of(cls, data: SearchData, name: str) -> ParamScale:
        """Return the scale of a parameter of a search, which has places for all of its values."""
        return cls.from_values(name, data.values(name), data.summaries[name])

    @classmethod
    def without_missing(cls, data: SearchData, name: str) -> ParamScale:
        """Return the scale of a parameter; the position of a missing value is NaN."""
        values = [value for value in data.values(name) if value is not MISSING]
        return cls.from_values(name, values, data.summaries[name])

    @classmethod
    def from_values(cls, name: str, values: Sequence[Any], summary: ParamSummary) -> ParamScale:
        """Return the scale of a parameter with these values and this definition."""
        known = [*summary.choices, *(value for value in values if value is not MISSING)]
        is_missing = any(value is MISSING for value in values)
        numbers = sorted({float(value) for value in known if is_number(value)})
        ends = [x for x in (summary.low, summary.high) if x is not None and np.isfinite(x)]
        if len(numbers) + len(ends) < 2 or max([*numbers, *ends]) == min([*numbers, *ends]):
            return _names_scale(name, known, is_missing)
        low, high = min([*numbers, *ends]), max([*numbers, *ends])
        names = list(dict.fromkeys(text_of(value) for value in known if not is_number(value)))
        is_log = summary.log and low > 0
        ends_of_axis = np.log10([low, high]) if is_log else np.array([low, high])
        step = NAME_STEP * (ends_of_axis[1] - ends_of_axis[0])
        texts = [*([text_of(MISSING)] if is_missing else []), *names]
        places = ends_of_axis[0] - step * np.arange(len(texts), 0, -1)
        margin = step * (0.6 if texts else 0.4)
        axis = np.array([min([ends_of_axis[0], *places]) - margin, ends_of_axis[1] + 0.4 * step])
        if is_log:
            axis, places = 10**axis, 10**places
        return cls(
            name=name,
            kind="log" if is_log else "linear",
            low=float(axis[0]),
            high=float(axis[1]),
            numbers=(low, high),
            ticks=_apart(numbers, is_log) if summary.kind == "categorical" and 2 <= len(numbers) <= 6 else (),
            is_integer=summary.kind == "int" or all(map(float.is_integer, numbers)),
            names=tuple(texts),
            places=tuple(places),
        )

    def positions(self, values: Sequence[Any], *, jitter: bool = False, seed: int = 0) -> np.ndarray:
        """Return the positions of values on the axis; with `jitter` points of the same name are spread.

        A value that has no place has the position NaN.
        """
        places = dict(zip(self.names, self.places))
        is_name = np.array([self.kind == "names" or not is_number(value) for value in values], dtype=bool)
        positions = np.full(len(values), np.nan)
        for i, value in enumerate(values):
            positions[i] = places.get(text_of(value), np.nan) if is_name[i] else float(value)
        if jitter:
            shifts = np.random.RandomState(seed).uniform(-JITTER, JITTER, len(values))
            positions = self._moved(positions, shifts * is_name)
        return positions

    def _moved(self, positions: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Move positions by shares of the distance of two names."""
        if self.numbers is None:
            moved = positions + shifts
        elif self.kind == "log":
            moved = positions * (self.numbers[1] / self.numbers[0]) ** (NAME_STEP * shifts)
        else:
            moved = positions + NAME_STEP * shifts * (self.numbers[1] - self.numbers[0])
        return np.asarray(moved)

    def unit(self, positions: np.ndarray) -> np.ndarray:
        """Return positions as shares of the length of the axis, from 0 to 1."""
        low, high = self.low, self.high
        if self.kind == "log":
            low, high, positions = np.log10(low), np.log10(high), np.log10(positions)
        return np.asarray((positions - low) / (high - low))

    def apply(self, ax: Axes, which: Literal["x", "y"] = "x", *, label: bool = True) -> None:
        """Set the scale, the limits, the ticks and the label of the x or y axis of an axes."""
        axis = getattr(ax, f"{which}axis")
        if self.kind == "log":
            getattr(ax, f"set_{which}scale")("log")
        getattr(ax, f"set_{which}lim")(self.low, self.high)
        if label:
            getattr(ax, f"set_{which}label")(plain(shorten(self.name, 40)))
        positions, texts = self.tick_labels()
        axis.set_ticks(positions)
        axis.set_ticks([], minor=True)
        axis.set_ticklabels(texts)
        if which == "x" and self._would_overlap(ax, positions, texts):
            for text in axis.get_ticklabels():
                text.set(rotation=40, ha="right", rotation_mode="anchor")

    def _would_overlap(self, ax: Axes, positions: Sequence[float], texts: Sequence[str]) -> bool:
        """Tell whether horizontal texts at the ticks of the x axis would touch each other."""
        n_characters = ax.get_window_extent().width / ax.figure.dpi / CHARACTER_WIDTH
        places = self.unit(np.array(positions)) * n_characters
        order = np.argsort(places)
        widths = np.array([1 + len(re.sub(r"[$^{}\\]", "", text)) for text in texts])[order]
        return bool((np.diff(places[order]) < (widths[1:] + widths[:-1]) / 2).any())

    def tick_labels(self) -> tuple[list[float], list[str]]:
        """Return positions and texts of the ticks; of many names only some."""
        step = -(-len(self.names) // MAX_NAME_TICKS) or 1
        positions = list(self.places[::step])
        texts = [plain(text) for text in _distinct(self.names)[::step]]
        numbers = self._number_ticks()
        return [*positions, *numbers], [*texts, *number_texts(numbers, self.kind == "log")]

    def _number_ticks(self) -> list[float]:
        if self.numbers is None:
            return []
        if self.ticks:
            return list(self.ticks)
        return number_ticks(*self.numbers, is_log=self.kind == "log", is_integer=self.is_integer)


def _apart(numbers: Sequence[float], is_log: bool) -> tuple[float, ...]:
    """Return the sorted numbers without those whose ticks would overlap; the first and the last one stay."""
    places = np.log10(numbers) if is_log else np.array(numbers)
    distance = MIN_TICK_STEP * (places[-1] - places[0])
    kept = [0]
    for i in range(1, len(numbers) - 1):
        if min(places[i] - places[kept[-1]], places[-1] - places[i]) >= distance:
            kept.append(i)
    return tuple(numbers[i] for i in dict.fromkeys([*kept, len(numbers) - 1]))


def number_ticks(low: float, high: float, *, is_log: bool, is_integer: bool = False) -> list[float]:
    """Return numbers for about five ticks from `low` to `high`."""
    ticker = import_optional("matplotlib.ticker", "a display")
    if is_log:
        decades = np.log10(high / low)
        subs = (1.0,) if decades > 2 else (1.0, 3.0) if decades > 1.2 else (1.0, 2.0, 5.0)
        ticks = ticker.LogLocator(subs=subs, numticks=5).tick_values(low, high)
        low, high = low * (1 - 1e-9), high * (1 + 1e-9)
    else:
        locator = ticker.MaxNLocator(5, integer=is_integer, steps=[1, 2, 2.5, 5, 10])
        ticks = locator.tick_values(low, high)
        low, high = low - 1e-9 * (high - low), high + 1e-9 * (high - low)
    return [float(tick) for tick in ticks if low <= tick <= high]


def text_of(value: Any) -> str:
    """Return the text of a name."""
    if value is MISSING:
        return "(missing)"
    return value if isinstance(value, str) else repr(value)


def _names_scale(name: str, known: Sequence[Any], is_missing: bool) -> ParamScale:
    texts = list(dict.fromkeys(map(text_of, known))) + ([text_of(MISSING)] if is_missing else [])
    return ParamScale(
        name=name,
        kind="names",
        low=-0.5,
        high=max(len(texts), 1) - 0.5,
        numbers=None,
        ticks=(),
        is_integer=False,
        names=tuple(texts),
        places=tuple(map(float, range(len(texts)))),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Return short texts of names; equal ones are numbered."""
    counts: dict[str, int] = {}
    texts = []
    for name in names:
        text = shorten(_simple(name), MAX_NAME_LENGTH)
        counts[text] = counts.get(text, 0) + 1
        texts.append(text if counts[text] == 1 else f"{text} ({counts[text]})")
    return texts


def _simple(name: str) -> str:
    """Return the name of a function for its repr, and a number with six digits."""
    if match := re.fullmatch(r"<(?:function|ufunc|class|built-in function) '?([^ '>]+)'?(?: at \w+)?>", name):
        return match[1].rpartition(".")[2]
    try:
        return f"{float(name):.6g}"
    except ValueError:
        return name


def number_texts(numbers: Sequence[float], is_log: bool) -> list[str]:
    """Return the texts of numbers: powers of ten where they are far from 1."""
    texts = []
    for number in numbers:
        exponent = np.log10(abs(number)) if number else 0.0
        if is_log and (exponent < -3 or exponent > 4) and float(exponent).is_integer():
            texts.append(f"$10^{{{int(exponent)}}}$")
        else:
            texts.append(number_text(number))
    return texts


def number_text(number: float) -> str:
    """Return a number with at most six digits."""
    return re.sub(r"e([+-])0*", lambda match: "e" + match[1].strip("+"), f"{number:.6g}")
