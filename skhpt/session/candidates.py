"""Candidates that the user gives as dicts or as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skhpt._typing import Params, Table
from skhpt.identity import native
from skhpt.space.space import Space

ACCEPTED = "a dict of parameters, a list of such dicts, or a DataFrame with one parameter per column"


def candidates_from(params: Params | Sequence[Params] | Table, space: Space) -> tuple[list[Params], bool]:
    """Return candidates as dicts.

    Parameters
    ----------
    params : dict, sequence of dict, or table
        One candidate, or several. A row of a table (a pandas Series) is one candidate. Where the space has no
        such value, a missing value of a table stands for None, or for a parameter of another branch.
    space : Space
        The search space, whose values the candidates get: 7 for 7.0.

    Returns
    -------
    points : list of dict
        The candidates.
    is_single : bool
        Whether one candidate was given, not a list of them.

    Raises
    ------
    TypeError
        If `params` is anything else.
    """
    if isinstance(params, Mapping):
        return [space.own_values(params)], True
    if hasattr(params, "columns"):
        return [_point(row, space) for row in _rows(params)], False
    if hasattr(params, "keys") and not _holds_dicts(params):  # a row of a DataFrame
        row = {str(name): native(params[name]) for name in list(params.keys())}
        return [_point(row, space)], True
    if not isinstance(params, (str, bytes)) and hasattr(params, "__iter__"):
        points = list(params)
        wrong = next((point for point in points if not isinstance(point, Mapping)), None)
        if wrong is None:
            return [space.own_values(point) for point in points], False
        raise TypeError(f"params must be {ACCEPTED}; the list has {wrong!r}")
    raise TypeError(f"params must be {ACCEPTED}, got {params!r}")


def _holds_dicts(params: Any) -> bool:
    """Tell whether a Series holds candidates, such as the column ``params`` of a table of results."""
    return all(isinstance(value, Mapping) for value in params)


def _rows(table: Table) -> list[Params]:
    names = list(getattr(table, "column_names", table.columns))
    columns = {str(name): np.asarray(table[name]) for name in names}
    return [{name: native(column[i]) for name, column in columns.items()} for i in range(len(table))]


def _point(row: Params, space: Space) -> Params:
    """Return the point of a space that a row of a table stands for."""
    given = {name: value for name, value in row.items() if _is_given(value)}
    with_none = {name: value if name in given else None for name, value in row.items()}
    for point in map(space.own_values, (row, with_none, given)):
        if space.contains(point):
            return point
    return given


def _is_given(value: Any) -> bool:
    return not (value is None or value is np.ma.masked or (isinstance(value, float) and np.isnan(value)))
