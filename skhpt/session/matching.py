"""Candidates of earlier searches as points of a search space.

Tables lose types: a CSV file has texts for estimators and functions, floats for integers, empty cells for None.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from skhpt._typing import Estimator, Params
from skhpt.identity import native, value_key
from skhpt.results.results_table import TableParams
from skhpt.space.dimensions import Choice, Dimension, short_repr
from skhpt.space.space import Space


@dataclass(frozen=True)
class Mismatch:
    """Reason why a candidate is not a point of a space.

    Attributes
    ----------
    parameter : str
        The first parameter that does not fit.
    text : str
        The parameter with its value, or what is wrong with the parameter.
    """

    parameter: str
    text: str


class Matcher:
    """Map from candidates of earlier searches to points of a search space.

    A parameter that a candidate lacks has the value that the estimator has. A parameter that the space lacks must
    have that value.

    Parameters
    ----------
    space : Space
        The search space.
    estimator : estimator
        The estimator that parameters are set on.
    """

    def __init__(self, space: Space, estimator: Estimator):
        self.space = space
        self._own = estimator.get_params(deep=True)
        self._texts: dict[int, list[set[str]]] = {}  # of the choices of a dimension, by its id

    def match(self, params: Mapping[str, Any]) -> Params | Mismatch:
        """Return the point of the space that a candidate is, or the reason why it is none."""
        fewest: list[Mismatch] | None = None
        for branch in self.space.branches:
            point, mismatches = self._match_branch(params, branch)
            if not mismatches:
                return point
            if fewest is None or len(mismatches) < len(fewest):
                fewest = mismatches
        return fewest[0] if fewest else Mismatch("", "the space is empty")

    def completed(self, params: Params) -> Params:
        """Add the estimator's own values to parameters, if they are a point of the space then."""
        point = self.match(params)
        if isinstance(point, Mismatch) or not params.keys() <= point.keys():
            return params
        has_same_values = all(value_key(params[name]) == value_key(point[name]) for name in params)
        return point if has_same_values else params

    def _match_branch(
        self, params: Mapping[str, Any], branch: Mapping[str, Dimension]
    ) -> tuple[Params, list[Mismatch]]:
        point: Params = {}
        mismatches = []
        for name in sorted(branch, key=lambda name: name.count("__")):  # steps precede their parameters
            found = self._values(params, name, branch[name], point)
            if found:
                point[name] = found[0]
            elif name in params:
                mismatches.append(Mismatch(name, f"{name}={short_repr(params[name])}"))
            else:
                mismatches.append(Mismatch(name, f"no {name}, nor is the estimator's own value in the space"))
        for name in params.keys() - branch.keys():
            own = self._own_value(name, {**params, **point})
            if own is _ABSENT or not _are_same(own, params[name], is_text=isinstance(params, TableParams)):
                text = f"{name}={short_repr(params[name])}, which is not searched and not the estimator's own value"
                mismatches.append(Mismatch(name, text))
        return {name: point[name] for name in branch if name in point}, mismatches

    def _values(self, params: Mapping[str, Any], name: str, dimension: Dimension, point: Params) -> list[Any]:
        """Return a list of the value of a dimension that a candidate has, or an empty list."""
        if name in params:
            return self._from_cell(params[name], dimension, is_text=isinstance(params, TableParams))
        if isinstance(params, TableParams) and name in params.empty:
            for empty in (None, np.nan, ""):
                if dimension.are_values([empty])[0]:
                    return [empty]
        own = self._own_value(name, point)
        return [] if own is _ABSENT else dimension.matching(own)

    def _from_cell(self, cell: Any, dimension: Dimension, *, is_text: bool) -> list[Any]:
        """Return a list of the value of a dimension that a cell of a table stands for, or an empty list."""
        cell = native(cell)
        if dimension.are_values([cell])[0]:
            return dimension.matching(cell)
        candidates = [tuple(cell)] if isinstance(cell, list) else []
        if is_text:
            candidates += [cell, *_literal(cell)]
        elif not isinstance(dimension, Choice):
            candidates.append(cell)
        for candidate in candidates:
            if found := dimension.matching(candidate):
                return found
        return self._by_text(cell, dimension) if is_text or isinstance(cell, (str, dict)) else []

    def _by_text(self, cell: Any, dimension: Dimension) -> list[Any]:
        """Return a list of the only choice that has the text of a cell, or an empty list."""
        if not isinstance(dimension, Choice):
            return []
        if id(dimension) not in self._texts:
            self._texts[id(dimension)] = [_texts(value) for value in dimension.values]
        wanted = _texts(cell)
        found = [
            value
            for value, texts in zip(dimension.values, self._texts[id(dimension)], strict=True)
            if texts & wanted
        ]
        return found if len(found) == 1 else []

    def _own_value(self, name: str, params: Mapping[str, Any]) -> Any:
        """Return the value that the estimator has, or a step that the candidate chooses; `_ABSENT` without one."""
        parts = name.split("__")
        for n in range(len(parts) - 1, 0, -1):
            step: Any = params.get("__".join(parts[:n]))
            if hasattr(step, "get_params"):
                return step.get_params(deep=True).get("__".join(parts[n:]), _ABSENT)
        return self._own.get(name, _ABSENT)


#: Values as spreadsheets and other languages write them.
_WORDS = {"true": True, "false": False, "none": None, "null": None, "nan": np.nan, "na": None}
#: In place of a value of a parameter that an estimator does not have.
_ABSENT: Any = object()


def _are_same(own: Any, cell: Any, *, is_text: bool) -> bool:
    """Return whether a cell of a table stands for the value that the estimator has."""
    if value_key(own) == value_key(cell):
        return True
    if not (is_text or isinstance(cell, str)):
        return False
    is_equal_number = isinstance(own, (int, float)) and isinstance(native(cell), (int, float)) and own == cell
    return is_equal_number or not _texts(own).isdisjoint(_texts(cell))


def _literal(cell: Any) -> list[Any]:
    """Return a list of the Python literal that a text is, such as a tuple, and its other forms."""
    if not isinstance(cell, str):
        return []
    if cell.strip().lower() in _WORDS:
        return [_WORDS[cell.strip().lower()]]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        value = ast.literal_eval(cell.strip())
        return [value, tuple(value)] if isinstance(value, list) else [value]
    return []


def _texts(value: Any) -> set[str]:
    """Return the texts that a value may have in a table or journal, without memory addresses."""
    texts = set()
    forms = [short_repr(value, 10_000), _str(value), getattr(value, "__qualname__", "")]
    if isinstance(value, dict):  # JSON has texts as keys
        forms.append(short_repr({str(key): item for key, item in value.items()}, 10_000))
    for text in forms:
        texts.add(" ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", str(text)).split()))
    return texts - {""}


def _str(value: Any) -> str:
    with suppress(Exception):
        return str(value)
    return ""
