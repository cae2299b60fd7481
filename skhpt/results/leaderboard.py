"""The best candidates of a search as rows, as a DataFrame and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from skhpt._optional import import_optional
from skhpt.identity import native
from skhpt.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

#: Names and values of one line of a leaderboard.
Row: TypeAlias = dict[str, Any]

#: Columns of a search with rungs.
_RUNG_COLUMNS = ("bracket", "rung", "n_resources", "n_folds")
#: Head of a column in a text, where it is not the name without its prefix.
_HEADS = {"rank_test_": "rank", "std_test_": "std", "mean_fit_time": "fit_time"}


def leaderboard(
    trials: Sequence[Trial],
    results: Mapping[str, Any],
    metric: str,
    n: int | None = None,
    metrics: Sequence[str] | None = None,
) -> list[Row]:
    """Return candidates as rows, the best first.

    The columns have the names of ``cv_results_``. A candidate with trials on several rungs has one row, that of its
    best trial. The parameters come last, as ``param_*``.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    results : mapping
        Their ``cv_results_``.
    metric : str
        Metric that ranks the candidates.
    n : int, default=None
        Maximum number of rows; None for all candidates.
    metrics : sequence of str, default=None
        All metrics, if there are several; they follow the metric that ranks.
    """
    names = list(dict.fromkeys([metric, *(metrics or ())]))
    rows: dict[int, Row] = {}
    for i in np.argsort(_column(results, "rank", metric), kind="stable"):
        if len(rows) == n:
            break
        number = trials[i].candidate.number
        if number not in rows:
            rows[number] = _row(trials[i], results, names, i=int(i))
    return list(rows.values())


def check_n(n: int | None) -> None:
    """Raise ValueError if the number of rows is neither None nor a positive integer."""
    if n is not None and (not isinstance(n, Integral) or n < 1):
        raise ValueError(f"n must be a positive integer, or None for all candidates, got {n!r}")


def _column(results: Mapping[str, Any], kind: str, metric: str) -> Any:
    """Return a column of a metric; the table has no names of metrics while all fits have failed."""
    name = f"{kind}_test_{metric}"
    return results[name] if name in results else results[f"{kind}_test_score"]


def _row(trial: Trial, results: Mapping[str, Any], metrics: Sequence[str], *, i: int) -> Row:
    """Return row `i` of the table of results as a row of the leaderboard."""
    row: Row = {
        f"rank_test_{metrics[0]}": int(_column(results, "rank", metrics[0])[i]),
        "candidate": trial.candidate.number,
    }
    for metric in metrics:
        for kind in ("mean", "std"):
            row[f"{kind}_test_{metric}"] = float(_column(results, kind, metric)[i])
    row["mean_fit_time"] = float(results["mean_fit_time"][i])
    row["state"] = trial.outcome
    for name in _RUNG_COLUMNS:
        if name in results and results[name][i] is not None:
            row[name] = native(results[name][i])
    for name, value in results["params"][i].items():
        row[f"param_{name}"] = native(value)
    return row


def leaderboard_frame(
    rows: list[Row], metrics: Sequence[str] = ("score",), params: Iterable[str] = ()
) -> pd.DataFrame:
    """Return leaderboard rows as a DataFrame, indexed by the candidate.

    Without rows it has the columns of a leaderboard of these `metrics`, the first of which ranks, and `params`.
    """
    pd = import_optional("pandas", "leaderboard(), unlike leaderboard_text(),")
    columns = _column_names(rows) or _column_names([_no_row(metrics, params)])
    frame = pd.DataFrame({name: _series(pd, [row.get(name, np.nan) for row in rows]) for name in columns})
    return frame.set_index("candidate")


def _no_row(metrics: Sequence[str], params: Iterable[str]) -> Row:
    """Return the columns of every leaderboard, without values."""
    scores = [f"{kind}_test_{metric}" for metric in metrics for kind in ("mean", "std")]
    names = [f"rank_test_{metrics[0]}", "candidate", *scores, "mean_fit_time", "state"]
    return dict.fromkeys([*names, *(f"param_{name}" for name in params)])


def _series(pd: Any, values: list[Any]) -> pd.Series:
    """Return a column of numbers, texts or booleans, or else of objects as they are: None is not NaN."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} or kinds in ({bool}, {str}):
        return pd.Series(values)
    return pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object)


def leaderboard_text(rows: list[Row]) -> str:
    """Return leaderboard rows as a text table; an empty text if there are no rows."""
    if not rows:
        return ""
    metric = next(iter(rows[0])).removeprefix("rank_test_")
    columns = [name for name in _column_names(rows) if not _is_left_out(name, metric)]
    head = [_head(name) for name in columns]
    scales = {name: _scale(rows, name) for name in columns if name.startswith("mean_test_")}
    cells = [[_cell(name, row, scales) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    rule = ["-" * width for width in widths]
    lines = []
    for row_cells in [head, rule, *cells]:
        aligned = [cell.rjust(width) for cell, width in zip(row_cells, widths, strict=True)]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def score_text(value: float, scale: float) -> str:
    """Return the text of a score, or of a difference of scores, of which the largest is `scale`."""
    return f"{value:.4f}" if scale == 0 or 1e-2 <= scale < 1e4 else f"{value:.5g}"


def _column_names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _is_left_out(name: str, metric: str) -> bool:
    """Tell whether a text lacks a column: places of rungs, and standard deviations of the other metrics."""
    return name in ("bracket", "rung") or (name.startswith("std_test_") and name != f"std_test_{metric}")


def _head(name: str) -> str:
    """Return the head of a column in a text."""
    for prefix, head in _HEADS.items():
        if name.startswith(prefix):
            return head
    return name.removeprefix("mean_test_").removeprefix("param_")


def _scale(rows: list[Row], name: str) -> float:
    """Return the largest score of a column."""
    return max((abs(row[name]) for row in rows if np.isfinite(row[name])), default=0.0)


def _cell(name: str, row: Row, scales: Mapping[str, float]) -> str:
    if name not in row:
        return ""
    value = row[name]
    if name.startswith(("mean_test_", "std_test_")):
        return score_text(value, scales[name.replace("std", "mean", 1)])
    if name == "mean_fit_time":
        return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"
    if isinstance(value, Real) and not isinstance(value, (Integral, bool)):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 30 else text[:27] + "..."
