"""TimelineDisplay: what the workers of a search did over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.plots._display import Display
from skhpt.plots._drawing import FAILURE, MAX_VECTOR_POINTS, PALETTE, POINT, plain, shorten, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of the states of folds; "retried" is a fold that succeeded after the death of a worker.
STATE_COLORS = {
    "ok": POINT,
    "retried": PALETTE[9],
    "failed": FAILURE,
    "timeout": PALETTE[1],
    "crashed": PALETTE[4],
}
#: A gap in which no worker works is a pause between two sessions if it is longer than the first of these parts of the
#: other time and no worker has worked on both sides of it, or longer than the second.
MIN_PAUSE, SURE_PAUSE = 0.2, 1.0
#: Width of a pause in the plot, as a part of the other time.
PAUSE_WIDTH = 0.03
#: Height of a bar; the distance of two workers is 1.
HEIGHT = 0.8
#: Largest number of workers that have a text.
MAX_TEXTS = 40
#: Largest number of bars of a worker between which lines are drawn; of more bars, the lines would look idle.
MAX_PARTED = 40
#: Largest numbers of seconds that an axis shows as seconds and as minutes.
MAX_SECONDS, MAX_MINUTES = 600.0, 36000.0


@dataclass(frozen=True)
class FoldBar:
    """Evaluation of a candidate on a fold.

    Attributes
    ----------
    start, end : float
        Times in seconds since the search began, without the pauses between sessions.
    row : int
        Row of the worker.
    worker : str
        Name of the worker; empty if it died or was killed.
    state : str
        "ok", "retried" (ok, but a worker died before), "failed", "timeout" or "crashed".
    candidate : int
        Row of ``cv_results_``.
    split : int
        Number of the fold.
    """

    start: float
    end: float
    row: int
    worker: str
    state: str
    candidate: int
    split: int


class TimelineDisplay(Display):
    """Evaluations of folds by the workers of a search over time.

    Each row is a worker: a process or a thread. A process that replaces a killed one continues its row. White is idle.
    Pauses between the sessions of a resumed search are cut out; a dashed line marks them.

    Create it with `from_search`.

    Parameters
    ----------
    bars : sequence of FoldBar
        The evaluations.
    row_names : sequence of str
        Name of each row.
    busy_share : float
        Part of the time of the workers in which they worked.
    pauses : sequence of (float, float), default=()
        For each pause its position in seconds, and how long it was in seconds.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure with the plot.
    utilization_ : float
        Part of the time of the workers in which they worked, between 0 and 1. It counts from the first to the last
        fold of a session.
    bars_ : dict of str to matplotlib PolyCollection
        Bars of each state.

    See Also
    --------
    SearchHistoryDisplay : Scores over candidates or seconds.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import TimelineDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(DecisionTreeClassifier(), {"max_depth": [1, 2, 3, 4]}, reuse=False).fit(X, y)
    >>> display = TimelineDisplay.from_search(search)
    >>> len(display.bars), display.row_names
    (20, ['worker 1'])
    """

    utilization_: float
    bars_: dict[str, Any]

    def __init__(
        self,
        bars: Sequence[FoldBar],
        *,
        row_names: Sequence[str],
        busy_share: float,
        pauses: Sequence[tuple[float, float]] = (),
    ):
        self.bars = list(bars)
        self.row_names = list(row_names)
        self.busy_share = busy_share
        self.pauses = list(pauses)

    @classmethod
    def from_search(cls, source: Source, *, ax: Axes | None = None, **kwargs: Any) -> TimelineDisplay:
        """Plot the timeline of a search.

        Parameters
        ----------
        source : estimator, JournalView or path-like
            A fitted search of this package, a journal or its path. Searches of scikit-learn and tables do not know
            the times.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : TimelineDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the source does not know the times of its fits.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        sessions = _sessions(_evaluations(data))
        bars: list[FoldBar] = []
        pauses = []
        names: dict[str, int] = {}
        total = sum(session.end - session.begin for session in sessions)
        shift = 0.0
        for i, session in enumerate(sessions):
            if i:
                pauses.append((shift + PAUSE_WIDTH * total / 2, session.begin - sessions[i - 1].end))
                shift += PAUSE_WIDTH * total
            bars += session.placed(names, shift)
            shift += session.end - session.begin
        busy = sum(session.busy for session in sessions)
        available = sum(session.available for session in sessions)
        bars, row_names = _sorted_rows(bars, names)
        share = busy / available if available > 0 else 1.0
        return cls(bars, row_names=row_names, busy_share=share, pauses=pauses).plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, *, bar_kw: Mapping[str, Any] | None = None) -> TimelineDisplay:
        """Draw the timeline.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure, which is higher for more workers.
        bar_kw : dict, default=None
            Arguments of the ``PolyCollection`` of the bars.

        Returns
        -------
        display : TimelineDisplay
            The display itself.
        """
        height = min(12.0, max(2.4, 1.5 + 0.3 * len(self.row_names)))
        self._begin(ax, figsize=(8.0, height))
        end = max((bar.end for bar in self.bars), default=1.0)
        seconds, unit = _unit(end)
        self._draw_bars(seconds, bar_kw or {})
        self._draw_pauses(seconds)
        self.utilization_ = self.busy_share
        self._label(end / seconds, unit)
        return self

    def _draw_bars(self, seconds: float, bar_kw: Mapping[str, Any]) -> None:
        """Draw the bars of each state; `seconds` are one unit of the x axis."""
        collections = import_optional("matplotlib.collections", type(self).__name__)
        self.bars_ = {}
        for state, color in STATE_COLORS.items():
            bars = [bar for bar in self.bars if bar.state == state]
            if not bars:
                continue
            style = {"facecolors": color, "zorder": 2, "rasterized": len(bars) > MAX_VECTOR_POINTS}
            style = {**style, **self._edges(state, color), **bar_kw}
            polygons = collections.PolyCollection(_corners(bars, seconds), **style)
            self.bars_[state] = self.ax_.add_collection(polygons)

    def _draw_pauses(self, seconds: float) -> None:
        for position, pause in self.pauses:
            self.ax_.axvline(position / seconds, color="gray", linestyle="--", linewidth=1, zorder=1)
            self.ax_.annotate(
                f"paused {_duration(pause)}", (position / seconds, 1), xycoords=("data", "axes fraction"),
                va="bottom", ha="center", fontsize="small", color="gray",
            )  # fmt: skip

    def _edges(self, state: str, color: str) -> dict[str, Any]:
        """Return the edges of bars: they part neighbours if there are few, and keep rare states visible if many."""
        if len(self.bars) <= MAX_PARTED * len(self.row_names):
            return {"edgecolors": self.ax_.get_facecolor(), "linewidths": 0.5}
        # Without snapping to pixels, many short gaps look pale instead of white here and there.
        return {"edgecolors": color, "linewidths": 0.0 if state == "ok" else 0.8, "snap": False}

    def _label(self, end: float, unit: str) -> None:
        ax, n_rows = self.ax_, len(self.row_names)
        ax.set_xlim(-0.01 * end, 1.01 * end if end > 0 else 1)
        ax.set_ylim(n_rows - 0.4, -0.6)
        ax.set_xlabel(f"{unit} since the first fit")
        if n_rows <= MAX_TEXTS:
            ax.set_yticks(range(n_rows), [plain(shorten(name)) for name in self.row_names])
        else:
            ax.set_ylabel("worker")
        ax.tick_params(axis="y", length=0)
        n = len(self.bars)
        title = f"{n:,} fold{'s' * (n != 1)}, workers {self.utilization_:.0%} busy"
        ax.set_title(title, loc="left", fontsize="medium", pad=18 if self.pauses else None)
        if set(self.bars_) - {"ok"}:
            ax.legend(
                list(self.bars_.values()),
                [_state_text(state, self.bars) for state in self.bars_],
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                frameon=False,
            )
        tidy(ax)


# -- sessions and workers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Session:
    """Evaluations without a pause, in the order of their starts, with times in Unix seconds."""

    bars: Sequence[FoldBar]

    @property
    def begin(self) -> float:
        return self.bars[0].start

    @property
    def end(self) -> float:
        return max(bar.end for bar in self.bars)

    @property
    def busy(self) -> float:
        return sum(bar.end - bar.start for bar in self.bars)

    @property
    def available(self) -> float:
        """Seconds of all workers from the first to the last fold."""
        n_rows = sum(len(rows) for rows in self._rows_by_host().values())
        return n_rows * (self.end - self.begin)

    def placed(self, row_of_name: dict[str, int], shift: float) -> list[FoldBar]:
        """Return the bars in rows, from `shift` seconds on; new rows are added to `row_of_name`."""
        placed = []
        for host, rows in self._rows_by_host().items():
            for i, bars in enumerate(rows):
                name = f"{host}/worker {i + 1}" if host else f"worker {i + 1}"
                row = row_of_name.setdefault(name, len(row_of_name))
                for bar in bars:
                    start, end = (time - self.begin + shift for time in (bar.start, bar.end))
                    placed.append(replace(bar, start=start, end=end, row=row))
        return placed

    def _rows_by_host(self) -> dict[str, list[list[FoldBar]]]:
        """Return the rows of each host: workers one after another that do not work at the same time."""
        of_host: dict[str, dict[str, list[FoldBar]]] = defaultdict(dict)
        for i, bar in enumerate(self.bars):
            host, _, _ = bar.worker.rpartition("/")
            # A worker that died has no name; it is taken for one that has evaluated this fold only.
            of_host[host].setdefault(bar.worker or f"dead {i}", []).append(bar)
        return {host: _rows(list(workers.values())) for host, workers in of_host.items()}


def _rows(workers: Sequence[list[FoldBar]]) -> list[list[FoldBar]]:
    """Put workers into as few rows as possible: a worker follows in the row that is free for the shortest time."""
    rows: list[list[FoldBar]] = []
    for bars in sorted(workers, key=lambda bars: bars[0].start):
        free = [row for row in rows if row[-1].end <= bars[0].start]
        row = max(free, key=lambda row: row[-1].end, default=None)
        if row is None:
            rows.append(list(bars))
        else:
            row += bars
    return rows


def _sessions(bars: Sequence[FoldBar]) -> list[_Session]:
    """Divide evaluations at the pauses between the sessions of a resumed search."""
    ordered = sorted(bars, key=lambda bar: (bar.start, bar.end))
    ends = np.maximum.accumulate([bar.end for bar in ordered])
    gaps = np.array([bar.start for bar in ordered[1:]]) - ends[:-1]
    active = ends[-1] - ordered[0].start - gaps[gaps > 0].sum()
    cuts = []
    for i in np.flatnonzero(gaps > MIN_PAUSE * active) + 1:
        before, after = ({bar.worker for bar in part} for part in (ordered[:i], ordered[i:]))
        if gaps[i - 1] > SURE_PAUSE * active or not (before & after) - {""}:
            cuts.append(int(i))
    parts = zip([0, *cuts], [*cuts, len(ordered)])
    return [_Session(ordered[start:stop]) for start, stop in parts]


def _evaluations(data: SearchData) -> list[FoldBar]:
    """Return the evaluations of a search with Unix times; raise ValueError if there are none."""
    found: dict[Any, FoldBar] = {}
    for row, trial in enumerate(data.trials):
        for fold in trial.folds:
            was_never_begun = not fold.ended or (not fold.worker and fold.started == fold.ended)
            if was_never_begun or fold.state == "skipped":
                continue
            state = "retried" if fold.state == "ok" and fold.retries else fold.state
            bar = FoldBar(fold.started, fold.ended, 0, fold.worker, state, row, fold.split)
            # A candidate that was promoted keeps scores of the rung below.
            found.setdefault((fold.started, fold.ended, fold.worker, fold.split), bar)
    if not found:
        raise ValueError(
            "source must know the times of its fits: a fitted search of skhpt or its journal, with at least one "
            f"finished candidate; {data.label!r} does not"
        )
    return list(found.values())


def _sorted_rows(bars: Iterable[FoldBar], row_of_name: Mapping[str, int]) -> tuple[list[FoldBar], list[str]]:
    """Sort rows by host and number."""
    names = sorted(row_of_name, key=lambda name: (name.rpartition("/")[0], int(name.rpartition(" ")[2])))
    new_row = {row_of_name[name]: i for i, name in enumerate(names)}
    return [replace(bar, row=new_row[bar.row]) for bar in bars], names


# -- drawing ---------------------------------------------------------------------------------------------------


def _corners(bars: Sequence[FoldBar], seconds: float) -> np.ndarray:
    """Return the corners of bars, shape (n_bars, 4, 2); `seconds` are one unit of the x axis."""
    start, end, row = (np.array([getattr(bar, name) for bar in bars]) for name in ("start", "end", "row"))
    x = np.stack([start, start, end, end], axis=1) / seconds
    y = row[:, None] + HEIGHT / 2 * np.array([-1, 1, 1, -1])
    return np.stack([x, y], axis=2)


def _unit(end: float) -> tuple[float, str]:
    """Return the number of seconds of the unit of time for an axis, and its name."""
    if end <= MAX_SECONDS:
        return 1.0, "seconds"
    return (60.0, "minutes") if end <= MAX_MINUTES else (3600.0, "hours")


def _duration(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


def _state_text(state: str, bars: Sequence[FoldBar]) -> str:
    n = sum(bar.state == state for bar in bars)
    return f"{'ok after a retry' if state == 'retried' else state} ({n:,})"
