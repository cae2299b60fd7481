"""Progress bar of a search: in a terminal, in a notebook, or as lines of a log file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Protocol, TextIO

from skhpt._optional import import_optional
from skhpt.callbacks.base import SearchCallback
from skhpt.results.status import SearchStatus, status_line
from skhpt.trial import FoldScore, Trial

#: Seconds between two updates of a bar.
_MIN_SECONDS = 0.1
#: A log file gets a line for each tenth of the work, or after so many seconds, whichever comes first; but none sooner
#: than so many seconds after the last one.
_LOG_SECONDS, _LOG_MIN_SECONDS = 60.0, 1.0


class Display(Protocol):
    """Object that shows the status of one search."""

    def show(self, status: SearchStatus) -> None:
        """Show a status, unless the last one was shown just now."""
        ...

    def close(self, status: SearchStatus) -> None:
        """Show the last status."""
        ...


class SearchProgress(SearchCallback):
    """Progress bar of a search, by tqdm.

    It shows the candidates that are finished out of those planned, the elapsed and the remaining time, the best score
    so far and its candidate, the evaluated folds, failures, eliminated candidates and busy workers, and the rung of
    `skhpt.HyperbandSearchCV`. It advances with each fold that comes back. In a notebook with ipywidgets it is a
    widget. If the output is no terminal, such as a log file, it is a line for each tenth of the work, at least one a
    minute and at most one a second.

    Each search has its own bar, also those inside another search or inside ``cross_val_score``, in the process of
    the search. The workers print nothing.

    Parameters
    ----------
    leave : bool, default=True
        Whether the bar stays when the search has ended.
    position : int, default=None
        Line of the bar, from 0, if there are several; by default the first line that is free.
    file : file-like, default=None
        Where it is written; by default `sys.stderr`. It is not stored when the search is pickled.

    Raises
    ------
    ImportError
        If tqdm is not installed.
    TypeError
        If `file` is no file object, or `position` no integer.

    See Also
    --------
    SearchCallback : Base class of callbacks.

    Examples
    --------
    >>> import sys
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.callbacks import SearchProgress
    >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 9]})
    >>> _ = search.set_callbacks(SearchProgress(file=sys.stdout)).fit(*load_iris(return_X_y=True))
    GridSearch: 0/3 candidates, 00:00<?, 0 folds
    GridSearch: 3/3 candidates, 00:00, best 0.9733 by candidate 1 (n_neighbors=5), 15 folds
    """

    def __init__(self, *, leave: bool = True, position: int | None = None, file: TextIO | None = None):
        import_optional("tqdm", "SearchProgress")  # now, so that the error is raised before the search
        if file is not None and not hasattr(file, "write"):
            raise TypeError(
                f"file must be None or a file that is open for text, such as sys.stdout, got {file!r}"
            )
        if position is not None and not isinstance(position, Integral):
            raise TypeError(f"position must be None or an integer, the line of the bar, got {position!r}")
        self.leave = leave
        self.position = position
        self.file = file
        self._displays: dict[int, Display] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "file": None, "_displays": {}}

    def on_search_begin(self, search: Any, status: SearchStatus) -> None:
        file = sys.stderr if self.file is None else self.file
        bar_class = import_optional("tqdm.auto", "SearchProgress").tqdm
        is_widget = self.file is None and _makes_widgets(bar_class)
        if is_widget or _is_terminal(file):
            options = {"leave": self.leave, "position": self.position, "file": file}
            display: Display = BarDisplay(bar_class, status, is_widget=is_widget, **options)
        else:
            display = LogDisplay(file, status)
        self._displays[id(search)] = display

    def on_folds_finished(self, search: Any, folds: Sequence[FoldScore], status: SearchStatus) -> None:
        self._displays[id(search)].show(status)

    def on_candidate_finished(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        self._displays[id(search)].show(status)

    def on_search_end(self, search: Any, status: SearchStatus, error: BaseException | None = None) -> None:
        self._displays.pop(id(search)).close(status)


class BarDisplay:
    """Bar of tqdm.

    Parameters
    ----------
    bar_class : type
        ``tqdm.auto.tqdm``.
    status : SearchStatus
        The first status.
    is_widget : bool
        Whether the class makes widgets of a notebook.
    **options : object
        Arguments of the class.
    """

    def __init__(self, bar_class: Any, status: SearchStatus, *, is_widget: bool, **options: Any):
        self._is_widget = is_widget
        # tqdm's thread is for bars that are updated in a tight loop.
        without_thread = type("Bar", (bar_class,), {"monitor_interval": 0})
        self._bar = without_thread(
            desc=_line(status),
            total=None if status.done is None else 1.0,
            initial=status.done or 0.0,
            bar_format="{percentage:3.0f}%|{bar}| {desc}"
            if is_widget
            else "{percentage:3.0f}%|{bar:10}| {desc}",
            dynamic_ncols=True,
            **options,
        )
        self._shown_at = time.monotonic()

    def show(self, status: SearchStatus) -> None:
        now = time.monotonic()
        if now - self._shown_at >= _MIN_SECONDS:
            self._shown_at = now
            self._refresh(status, status.done)

    def close(self, status: SearchStatus) -> None:
        is_complete = status.stop_reason == "completed"
        # A widget is red if it is closed before its end.
        is_fine = self._is_widget and status.stop_reason not in ("error", "interrupted")
        self._refresh(status, 1.0 if is_complete or is_fine else status.done)
        self._bar.close()

    def _refresh(self, status: SearchStatus, done: float | None) -> None:
        self._bar.n = done or 0.0
        self._bar.set_description_str(_line(status), refresh=False)
        self._bar.refresh()


class LogDisplay:
    """Lines of a log file.

    Parameters
    ----------
    file : file-like
        Where the lines are written.
    status : SearchStatus
        The first status.
    clock : callable, default=time.monotonic
        Returns seconds.
    """

    def __init__(self, file: TextIO, status: SearchStatus, clock: Callable[[], float] = time.monotonic):
        self._file = file
        self._clock = clock
        self._write(status)

    def show(self, status: SearchStatus) -> None:
        seconds = self._clock() - self._written_at
        has_advanced = self._tenth < _tenth(status) < 10  # the last line comes when the search has ended
        if seconds >= _LOG_SECONDS or (has_advanced and seconds >= _LOG_MIN_SECONDS):
            self._write(status)

    def close(self, status: SearchStatus) -> None:
        self._write(status)

    def _write(self, status: SearchStatus) -> None:
        self._written_at, self._tenth = self._clock(), _tenth(status)
        print(_line(status), file=self._file, flush=True)


def _tenth(status: SearchStatus) -> int:
    return int(10 * (status.done or 0.0) + 1e-9)


def _line(status: SearchStatus) -> str:
    return f"{status.search}: {status_line(status)}"


def _makes_widgets(bar_class: type) -> bool:
    return any(parent.__module__ == "tqdm.notebook" for parent in bar_class.__mro__)


def _is_terminal(file: TextIO) -> bool:
    """Tell whether a file is a terminal; one of unknown size is not, because tqdm shows nothing there."""
    if not (hasattr(file, "isatty") and file.isatty()):
        return False
    try:
        return min(os.get_terminal_size(file.fileno())) > 0
    except (OSError, AttributeError):  # an object that is like a terminal
        return True
