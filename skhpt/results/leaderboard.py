"""The best candidates of a search as rows, as a DataFrame and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from skhpt.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

#: Names and values of one line of a leaderboard.
Row: TypeAlias = dict[str, Any]

#: Columns of every leaderboard.
_COLUMNS = ("rank", "candidate", "score", "std", "fit_time", "state")


def leaderboard(trials: Sequence[Trial], results: Mapping[str, Any], metric: str, n: int) -> list[Row]:
    """Return the `n` best candidates as rows, the best first.

    A candidate with trials on several rungs has one row, that of its best trial. The parameters come last, as
    ``param_*``.
    """
    rows: dict[Any, Row] = {}
    for i in np.argsort(results[f"rank_test_{metric}"], kind="stable"):
        if len(rows) == n:
            break
        key = _candidate_key(trials[i])
        if key not in rows:
            rows[key] = _row(trials[i], results, metric, i=int(i))
    return list(rows.values())


def _candidate_key(trial: Trial) -> Any:
    """Return a key that trials of one candidate on several rungs have in common."""
    number = trial.candidate.info.get("candidate_id")
    return number if type(number) is int else (trial.candidate.id,)


def _row(trial: Trial, results: Mapping[str, Any], metric: str, *, i: int) -> Row:
    """Return row `i` of the table of results as a row of the leaderboard."""
    row = {
        "rank": int(results[f"rank_test_{metric}"][i]),
        "candidate": trial.candidate.id,
        "score": float(results[f"mean_test_{metric}"][i]),
        "std": float(results[f"std_test_{metric}"][i]),
        "fit_time": float(results["mean_fit_time"][i]),
        "state": str(results["state"][i]) if "state" in results else trial.state,
    }
    for name in ("n_resources", "n_folds"):
        if name in results:
            row[name] = int(results[name][i])
    for name, value in results["params"][i].items():
        row[f"param_{name}"] = value
    return row


def leaderboard_frame(rows: list[Row], params: Iterable[str] = ()) -> pd.DataFrame:
    """Return leaderboard rows as a DataFrame, indexed by the candidate.

    Without rows it has the columns of every leaderboard, and those of the named `params`.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "leaderboard() returns a pandas DataFrame: install pandas (pip install pandas), "
            "or use leaderboard_text(), which needs nothing."
        ) from error
    columns = _column_names(rows) or [*_COLUMNS, *(f"param_{name}" for name in params)]
    frame = pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=None) for name in columns})
    return frame.set_index("candidate")


def leaderboard_text(rows: list[Row]) -> str:
    """Return leaderboard rows as a text table; an empty text if there are no rows."""
    if not rows:
        return ""
    columns = _column_names(rows)
    scale = max((abs(row["score"]) for row in rows if np.isfinite(row["score"])), default=0.0)
    head = [name.removeprefix("param_") for name in columns]
    cells = [[_cell(name, row, scale) for name in columns] for row in rows]
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


def _cell(name: str, row: Row, scale: float) -> str:
    if name not in row:
        return ""
    value = row[name]
    if name in ("score", "std"):
        return score_text(value, scale)
    if name == "fit_time":
        return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"
    if isinstance(value, Real) and not isinstance(value, (Integral, bool)):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 30 else text[:27] + "..."
