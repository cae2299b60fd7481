"""Long sequences of choices, whose values are read only when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from skhpt.identity import native

#: Longer ranges, arrays and lists of numbers are not converted to a list of Python's own values.
MAX_CONVERTED = 100_000


class NumberArray(Sequence[Any]):
    """One-dimensional array of numbers whose items are Python's own ints or floats.

    Parameters
    ----------
    array : ndarray of shape (n,)
        Integers or floats.
    """

    def __init__(self, array: np.ndarray):
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        items = self.array[index]
        return items.tolist() if isinstance(index, slice) else items.item()

    def __repr__(self) -> str:
        return repr(self.array)

    @cached_property
    def rows(self) -> np.ndarray:
        """Indices of the items in ascending order, shape (n,)."""
        return np.argsort(self.array, kind="stable")

    def find(self, value: Any) -> int | None:
        """Return the first index of a value of the same type, or None."""
        if type(native(value)) is not type(self[0]):
            return None
        position = int(np.searchsorted(self.array, value, sorter=self.rows))
        if position == len(self) or self.array[self.rows[position]] != value:
            return None
        return int(self.rows[position])


def as_sequence(values: Sequence[Any] | np.ndarray) -> list[Any] | range | NumberArray:
    """Return choices as a list of Python's own values, or as a range or an array of numbers if they are many.

    Parameters
    ----------
    values : sequence or ndarray of shape (n,)
        Choices.

    Returns
    -------
    choices : list, range or NumberArray
    """
    if len(values) <= MAX_CONVERTED:
        return [native(value) for value in values]
    if isinstance(values, range):
        return values
    if isinstance(values, np.ndarray):
        return NumberArray(values) if values.dtype.kind in "iuf" else [native(value) for value in values]
    kinds = set(map(type, values))
    if kinds == {float} or (kinds == {int} and -(2**63) <= min(values) <= max(values) < 2**63):
        return NumberArray(np.asarray(values))
    return [native(value) for value in values]
