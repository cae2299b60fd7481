"""Tables of results: ``cv_results_`` of this package and of others, as a dict, a DataFrame or read from a CSV file."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.trial import Candidate, FoldScore, Score, Trial

Table = Mapping[str, Any]


class TableParams(dict[str, Any]):
    """Parameters that were read from the columns of a table, whose cells may have lost their types.

    Attributes
    ----------
    empty : set of str
        Names of the parameters whose cells are empty: None, or not a parameter of the candidate.
    """

    def __init__(self, cells: Mapping[str, Any], empty: set[str]):
        super().__init__(cells)
        self.empty = empty


def as_table(source: Any) -> Table | None:
    """Return a mapping or a DataFrame (pandas, polars, ...) as a mapping of columns; None for any other object."""
    if hasattr(source, "columns"):
        return {str(name): np.asarray(source[name]) for name in source.columns}
    return source if isinstance(source, Mapping) else None


def check_columns(table: Table, name: str) -> None:
    """Raise ValueError if the columns of the table that is the value of a parameter are no sequences of one length."""
    lengths = {}
    for column, values in table.items():
        if not hasattr(values, "__len__") or isinstance(values, (str, Mapping)):
            raise ValueError(
                f"{name} is no cv_results_: the column {column!r} is no sequence of values, got {values!r}"
            )
        lengths[column] = len(values)
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{name} is no cv_results_: its columns must have the same length, got {lengths}")


def trials_from_table(table: Table, name: str = "previous") -> list[Trial]:
    """Read the trials of a table of results, one for each row.

    Parameters
    ----------
    table : mapping of str to sequence
        The table.
    name : str, default="previous"
        Name of the parameter that the table is the value of, for errors.

    Raises
    ------
    ValueError
        If the table has no scores or no parameters, or its columns are no sequences of one length.
    """
    check_columns(table, name)
    metrics = [name.removeprefix("mean_test_") for name in table if name.startswith("mean_test_")]
    if not metrics:
        raise ValueError(f"{name} is no cv_results_: it has no column mean_test_..., only {list(table)}")
    n_splits = len({match[1] for name in table if (match := re.match(r"split(\d+)_test_", name))})
    prefixes = [f"split{i}" for i in range(n_splits)] or ["mean"]

    trials = []
    for row, params in enumerate(_params(table, name)):
        fit_time, score_time = (_number(table, row, f"mean_{kind}_time", 0.0) for kind in ("fit", "score"))
        folds = []
        for split, prefix in enumerate(prefixes):
            score = _score(table, row, prefix, metrics)
            folds.append(FoldScore(row, split, score, fit_time=fit_time, score_time=score_time))
        trials.append(_trial(table, row, params, _with_skipped(folds)))
    resource_parameters = _resource_parameters(trials)
    return [_without_resource(trial, resource_parameters) for trial in trials]


def _trial(table: Table, row: int, params: Params, folds: tuple[FoldScore, ...]) -> Trial:
    """Return the trial of a row, with its resource and its number of folds if the table has these columns."""
    resource, n_folds = (_number(table, row, name, np.nan) for name in ("n_resources", "n_folds"))
    info = {} if np.isnan(n_folds) else {"n_folds": int(n_folds)}
    return Trial(Candidate(row, params, None if np.isnan(resource) else int(resource), info), folds)


def _resource_parameters(trials: Sequence[Trial]) -> list[str]:
    """Return the parameters that are the resource of a search: they equal it in all rows, and it varies."""
    candidates = [trial.candidate for trial in trials]
    if len({candidate.resource for candidate in candidates}) < 2:
        return []
    names = set.intersection(*(set(candidate.params) for candidate in candidates))
    return sorted(name for name in names if all(each.params[name] == each.resource for each in candidates))


def _without_resource(trial: Trial, names: Sequence[str]) -> Trial:
    params = trial.candidate.params
    if not names:
        return trial
    info = trial.candidate.info | {"resource_parameters": {name: params[name] for name in names}}
    rest = copy(params)
    for name in names:
        del rest[name]
    return Trial(replace(trial.candidate, params=rest, info=info), trial.folds)


def _score(table: Table, row: int, prefix: str, metrics: Sequence[str]) -> Score:
    by_metric = {metric: _number(table, row, f"{prefix}_test_{metric}", np.nan) for metric in metrics}
    return by_metric["score"] if metrics == ["score"] else by_metric


def _number(table: Table, row: int, name: str, default: float) -> float:
    """Return a number of a table; the default if there is no such column or the cell is empty."""
    if name not in table or is_empty(table[name][row]):
        return default
    return float(table[name][row])


def _with_skipped(folds: list[FoldScore]) -> tuple[FoldScore, ...]:
    """Mark the folds after the last one with a score as skipped by a race.

    They may have failed instead, which a table does not tell.
    """
    n_scored = max((i + 1 for i, fold in enumerate(folds) if not np.isnan(fold.score())), default=len(folds))
    skipped = (replace(fold, test_score=None, state="skipped") for fold in folds[n_scored:])
    return (*folds[:n_scored], *skipped)


# -- parameters ----------------------------------------------------------------------------------------------


def _params(table: Table, source: str) -> list[Params]:
    """Return the parameters of each row: its dict, or its cells if there is no dict, or one that cannot be read."""
    parsed: list[Any] = [None]
    if "params" in table:
        parsed = [parsed_params(params) for params in table["params"]]
    if all(isinstance(params, Mapping) for params in parsed):
        return [dict(params) for params in parsed]
    columns = {name.removeprefix("param_"): table[name] for name in table if name.startswith("param_")}
    if not columns:
        raise ValueError(f"{source} has neither a column params with dicts nor columns param_...")
    if "params" not in table:
        parsed = [None] * len(next(iter(columns.values())))
    return [
        dict(params) if isinstance(params, Mapping) else _params_of_row(columns, row)
        for row, params in enumerate(parsed)
    ]


def _params_of_row(columns: Table, row: int) -> TableParams:
    cells = {name: column[row] for name, column in columns.items() if column[row] is not np.ma.masked}
    empty = {name for name, cell in cells.items() if is_empty(cell)}
    return TableParams({name: cell for name, cell in cells.items() if name not in empty}, empty)


def parsed_params(params: Any) -> Any:
    """Read a dict that went through a CSV file; return anything else unchanged.

    Values that are no literals, such as estimators, are read as their texts.
    """
    if not isinstance(params, str):
        return params
    try:
        tree = ast.parse(params.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return params
    if not isinstance(tree, ast.Dict) or not all(isinstance(key, ast.Constant) for key in tree.keys):
        return params
    names = [key.value for key in tree.keys if isinstance(key, ast.Constant)]
    return {name: _parsed_value(node, params.strip()) for name, node in zip(names, tree.values, strict=True)}


def _parsed_value(node: ast.expr, source: str) -> Any:
    """Return the value of a literal, also of a NumPy scalar (``np.float64(0.5)``); else the text."""
    if isinstance(node, ast.Name) and node.id in ("nan", "inf"):
        return float(node.id)
    text = ast.get_source_segment(source, node) or ""
    if isinstance(node, ast.Call) and len(node.args) == 1 and re.match(r"(np|numpy)\.\w+\(", text):
        return _parsed_value(node.args[0], source)
    try:
        return ast.literal_eval(node)
    except ValueError:
        return text


def is_empty(cell: Any) -> bool:
    """Return whether a cell of a table is empty: NaN, None, no text or the missing value of a library."""
    if cell is None or cell is np.ma.masked or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return isinstance(cell, (float, np.floating)) and bool(np.isnan(cell))
