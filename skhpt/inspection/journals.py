"""Journals of a folder, side by side, and which searches may be compared."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

from skhpt._html import box, table
from skhpt._optional import import_optional
from skhpt._warnings import warn_user
from skhpt.fingerprint import comparable_key
from skhpt.inspection.search_data import Source, read_source
from skhpt.journal import JournalView, is_journal, read_journal

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the printed table: key of a row, and heading.
_SHOWN = {
    "name": "name",
    "search": "search",
    "state": "state",
    "done": "done",
    "best": "best",
    "metric": "metric",
    "started": "started",
    "data": "data",
    "group": "group",
}
#: Columns that a narrow terminal does not show, the least needed first, and the length to which names are shortened.
_LEAST_NEEDED = ("data", "started", "metric", "search")
_MIN_NAME = 20


def comparable_group(source: Source) -> str:
    """Return the group of searches that a search may be compared with.

    Parameters
    ----------
    source : estimator, JournalView, path-like or SearchData
        A search, as `read_source` takes it.

    Returns
    -------
    group : str
        Six hexadecimal digits. They are the same for searches on the same data and folds with the same metrics,
        whatever the estimator and the search space. The text is empty if these are not known; then the scores may not
        be compared with any others. A search without a journal on data with objects is only comparable with others of
        this kind.

    See Also
    --------
    read_journals : Table of the searches of a folder, with their groups.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.inspection import comparable_group
    >>> X, y = load_iris(return_X_y=True)
    >>> bayes = GridSearch(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}).fit(X, y)
    >>> neighbors = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5]}).fit(X, y)
    >>> comparable_group(bayes) == comparable_group(neighbors)
    True
    """
    data = read_source(source)
    return comparable_key(data.fingerprint, data.task) if data.fingerprint else ""


class Journals(list[JournalView]):
    """Views of the journals of a folder, in the order in which the searches began; `read_journals` returns them.

    Printing shows a table.

    Parameters
    ----------
    views : iterable of JournalView, default=()
        The views.
    unreadable : dict of str to str, default=None
        By the path of each journal that could not be read: the reason.

    Attributes
    ----------
    unreadable : dict of str to str
        By the path of each journal that could not be read: the reason.

    See Also
    --------
    read_journals : Reads the journals of a folder.

    Examples
    --------
    >>> from skhpt.inspection import Journals
    >>> Journals([])
    no journals
    """

    def __init__(self, views: Iterable[JournalView] = (), unreadable: dict[str, str] | None = None):
        super().__init__(views)
        self.unreadable = dict(unreadable or {})

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of `to_frame`; the journals that could not be read are the last.

        Returns
        -------
        rows : list of dict
            The values of the columns of `to_frame` for each journal.
        """
        rows = [_row(view) for view in self]
        for path, error in self.unreadable.items():
            rows.append(
                _ROW | {"name": _name(path), "state": "unreadable", "stop_reason": error, "path": path}
            )
        return rows

    def to_frame(self) -> pd.DataFrame:
        """Return a table of the searches.

        Returns
        -------
        frame : pandas.DataFrame
            A row for each journal, with the columns ``name`` of the file, ``search`` (class), ``state`` ("running",
            "ended", "dead" or "unreadable"), ``stop_reason``, ``n_finished`` and ``n_planned`` trials,
            ``best_score``, the ``metric`` that it is of, ``best_params``, ``started`` and ``last_sign`` (times in
            UTC), ``data`` (number of rows and columns, and task), ``group`` (equal for searches that may be compared,
            see `comparable_group`) and ``path``.

        Raises
        ------
        ImportError
            If pandas is not installed; printing does not need it.
        """
        pd = import_optional("pandas", "to_frame()")
        return pd.DataFrame(self.rows(), columns=list(_ROW)).astype({"n_planned": "Int64"})

    def to_text(self, width: int | None = None) -> str:
        """Return the table that printing shows.

        Parameters
        ----------
        width : int, default=None
            Largest number of characters of a line, for a terminal: long names are shortened, and then the data, the
            start, the metric and the class are left out. By default lines are as long as needed.

        Returns
        -------
        text : str
            The table.
        """
        if not self and not self.unreadable:
            return "no journals"
        rows = [list(_SHOWN.values()), *map(_cells, self.rows())]
        return "\n".join(_table(rows if width is None else _narrowed(rows, width)))

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the same table."""
        rows = self.rows()
        title = f"{len(rows)} journal{'s' * (len(rows) != 1)}"
        return box(title, table(list(_SHOWN.values()), map(_cells, rows)) if rows else "")


def read_journals(folder: str | os.PathLike[str]) -> Journals:
    """Read all journals of a folder.

    Files of other kinds and subfolders are left out. An empty file ``*.jsonl`` is a journal that cannot be read.
    Searches may be running meanwhile.

    Parameters
    ----------
    folder : str or path-like
        The folder.

    Returns
    -------
    journals : Journals
        A list of `skhpt.journal.JournalView`, the search that began first coming first. Printing shows a table,
        ``to_frame()`` is a DataFrame.

    Raises
    ------
    OSError
        If there is no such folder.

    Warns
    -----
    UserWarning
        If a journal cannot be read, or lines of it are damaged.

    See Also
    --------
    read_journal : The journal of one search.
    comparable_group : Which searches may be compared.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch, read_journals
    >>> X, y = load_iris(return_X_y=True)
    >>> folder = tempfile.mkdtemp()
    >>> for weights in ("uniform", "distance"):
    ...     model = KNeighborsClassifier(weights=weights)
    ...     search = GridSearch(model, {"n_neighbors": [1, 5]}, journal=f"{folder}/{weights}.jsonl").fit(X, y)
    >>> journals = read_journals(folder)
    >>> [view.best_params for view in journals]
    [{'n_neighbors': 5}, {'n_neighbors': 5}]
    >>> journals.to_frame()[["name", "state", "n_finished", "best_score"]].round(3)
           name  state  n_finished  best_score
    0   uniform  ended           2       0.973
    1  distance  ended           2       0.967
    """
    views, unreadable = [], {}
    with os.scandir(folder) as entries:
        paths = sorted(os.path.abspath(entry.path) for entry in entries if entry.is_file())
    for path in paths:
        try:
            if is_journal(path) or _is_empty_journal(path):
                views.append(read_journal(path))
        except (OSError, ValueError) as error:
            unreadable[path] = str(error)
            warn_user(f"a journal cannot be read: {error}")
    return Journals(sorted(views, key=lambda view: view.started), unreadable)


def _is_empty_journal(path: str) -> bool:
    """Tell whether a file has the name of a journal, to which nothing was written yet or could be written."""
    return path.endswith(".jsonl") and os.path.getsize(path) == 0


#: A row without values.
_ROW: dict[str, Any] = {
    "name": "",
    "search": "",
    "state": "",
    "stop_reason": "",
    "n_finished": 0,
    "n_planned": None,
    "best_score": float("nan"),
    "metric": "",
    "best_params": None,
    "started": None,
    "last_sign": None,
    "data": "",
    "group": "",
    "path": "",
}


def _row(view: JournalView) -> dict[str, Any]:
    row = _ROW | {
        "name": _name(view.path),
        "search": view.search,
        "state": view.state,
        "stop_reason": view.stop_reason,
        "n_finished": len(view.trials),
        "n_planned": view.n_planned,
        "metric": view.refit_metric,
        "started": view.started,
        "last_sign": view.last_sign,
        "data": view.data,
        "group": comparable_group(view),
        "path": view.path,
    }
    if view.trials and not isnan(view.best_score):
        row |= {"best_score": view.best_score, "best_params": view.best_params}
    return row


def _name(path: str) -> str:
    return os.path.basename(path).removesuffix(".jsonl")


def _cells(row: dict[str, Any]) -> list[str]:
    """Return the texts of a row of the printed table."""
    done = (
        str(row["n_finished"]) if row["n_planned"] is None else f"{row['n_finished']} of {row['n_planned']}"
    )
    reason = row["stop_reason"] if row["state"] == "ended" else ""
    texts = {
        **{name: str(row[name]) for name in ("name", "search", "metric", "data", "group")},
        "state": f"{row['state']} ({reason})" if reason not in ("", "completed") else row["state"],
        "done": "" if row["state"] == "unreadable" else done,
        "best": "" if isnan(row["best_score"]) else f"{row['best_score']:.5g}",
        "started": _local_time(row["started"]),
    }
    return [texts[name] for name in _SHOWN]


def _local_time(time: datetime | None) -> str:
    return "" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")


def _narrowed(rows: list[list[str]], width: int) -> list[list[str]]:
    """Return rows with shorter names, and without the columns that matter least, such that they are not wider."""
    columns = {name: list(column) for name, column in zip(_SHOWN, zip(*rows))}
    for left_out in ("", *_LEAST_NEEDED):
        columns.pop(left_out, None)
        widths = {name: max(map(len, column)) for name, column in columns.items()}
        room = width - sum(2 + width for name, width in widths.items() if name != "name")
        if room >= min(widths["name"], _MIN_NAME):
            break
    columns["name"] = [_shortened(name, max(room, _MIN_NAME)) for name in columns["name"]]
    return [list(row) for row in zip(*columns.values())]


def _shortened(name: str, max_length: int) -> str:
    """Return a name of at most `max_length` characters, with its beginning and its end."""
    n_end = max_length // 2
    return name if len(name) <= max_length else f"{name[: max_length - n_end - 1]}…{name[-n_end:]}"


def _table(rows: list[list[str]]) -> list[str]:
    """Return the lines of a table with aligned columns, of which the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
