"""ParetoDisplay: two metrics, or score against fit time, and the candidates that no other candidate beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.plots._display import Display, read_sources
from skhpt.plots._drawing import (
    ACCENT,
    PALETTE,
    draw_at_edge,
    draw_best,
    legend_above,
    no_scores,
    plain,
    point_style,
    score_label,
    shorten,
    tidy,
)
from skhpt.plots._points import score_floor, score_limits
from skhpt.plots._scale import number_texts, number_ticks
from skhpt.space.dimensions import short_repr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Name of the x axis with fit times, of which less is better.
FIT_TIME = "fit_time"
#: Ratio of the times from which on their axis is logarithmic.
MIN_LOG_RATIO = 20
#: Width and height of a letter of a text in points.
LETTER = (5.0, 11.0)
#: Largest number of candidates of a front that get a text.
MAX_TEXTS = 15


@dataclass(frozen=True, kw_only=True)
class ParetoPoints:
    """Data of one search in a `ParetoDisplay`.

    Attributes
    ----------
    rows : ndarray of shape (n,)
        Rows of ``cv_results_``: complete candidates that have both values.
    x, y : ndarray of shape (n,)
        The two values of each candidate.
    front : ndarray of shape (n_front,)
        Rows of ``cv_results_`` on the front, in the order of `x`.
    best : int or None
        Row of the candidate that the search has chosen, or with the best `y`; None if there is no candidate.
    texts : dict of int to str
        Texts next to the candidates of the front, by their row.
    """

    rows: np.ndarray
    x: np.ndarray
    y: np.ndarray
    front: np.ndarray
    best: int | None
    texts: Mapping[int, str]


class ParetoDisplay(Display):
    """Two values of each candidate, and the Pareto front: the candidates that no other candidate beats in both.

    A candidate is beaten if another one is at least as good in both values and better in one. Of metrics more is
    better, of fit times less is better. Values far below the others are triangles at the edges of the axes.

    Create it with `from_search` or `from_searches`.

    Parameters
    ----------
    points : dict of str to ParetoPoints
        Data of each search, by its label.
    x : str
        Metric on the x axis, or "fit_time".
    metric : str
        Metric on the y axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure with the plot.
    front_ : dict of str to ndarray
        Rows of ``cv_results_`` on the front of each search, in the order of x.
    lines_, points_, best_ : dict of str to matplotlib Line2D
        Front, candidates within the axes, and best candidate of each search.

    See Also
    --------
    SearchHistoryDisplay : Scores in the order of the evaluation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import ParetoDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(
    ...     DecisionTreeClassifier(class_weight={0: 1, 1: 1, 2: 5}, random_state=0),
    ...     {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 40]},
    ...     scoring=["accuracy", "recall_macro"],
    ...     refit="accuracy",
    ... ).fit(X, y)
    >>> display = ParetoDisplay.from_search(search, x="recall_macro")
    >>> display.front_["GridSearch"]
    array([4])
    """

    front_: dict[str, np.ndarray]
    lines_: dict[str, Any]
    points_: dict[str, Any]
    best_: dict[str, Any]

    def __init__(self, points: Mapping[str, ParetoPoints], *, x: str, metric: str):
        self.points = dict(points)
        self.x = x
        self.metric = metric

    @classmethod
    def from_search(
        cls,
        source: Source,
        *,
        metric: str | None = None,
        x: str = FIT_TIME,
        params: Sequence[str] | str | None = (),
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> ParetoDisplay:
        """Plot a metric against another metric, or against the fit time.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str, default=None
            Metric on the y axis; by default the one that ranks the candidates.
        x : str, default="fit_time"
            Another metric, or "fit_time": mean time of a fit in seconds.
        params : str or sequence of str, default=()
            Parameters whose values are written next to the candidates of the front, of which at most 15 have a text
            and texts do not overlap; None for all that vary.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : ParetoDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `metric`, `x` or a parameter is unknown, or both axes are the same.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        return cls.from_searches({data.label: data}, metric=metric, x=x, params=params, ax=ax, **kwargs)

    @classmethod
    def from_searches(
        cls,
        sources: Mapping[str, Source],
        *,
        metric: str | None = None,
        x: str = FIT_TIME,
        params: Sequence[str] | str | None = (),
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> ParetoDisplay:
        """Plot several searches in the same axes.

        Parameters
        ----------
        sources : dict of str to object
            The searches by their labels, each as for `from_search`.
        metric : str, default=None
            Metric on the y axis, which all searches have; by default the one that ranks the candidates of the first.
        x, params : str, sequence of str
            As for `from_search`.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : ParetoDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no source, `metric`, `x` or a parameter is unknown, or both axes are the same.
        ImportError
            If matplotlib is not installed.
        """
        searches = read_sources(sources)
        metric = next(iter(searches.values())).checked_metric(metric)
        if x == metric:
            raise ValueError(
                f"x must be {FIT_TIME!r} or another metric than {metric!r}, which is on the y axis"
            )
        points = {label: _points(data, metric, x, params) for label, data in searches.items()}
        return cls(points, x=x, metric=metric).plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        line_kw: Mapping[str, Any] | None = None,
        point_kw: Mapping[str, Any] | None = None,
    ) -> ParetoDisplay:
        """Draw the candidates and the fronts.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        line_kw : dict, default=None
            Arguments of ``Axes.step`` for the front.
        point_kw : dict, default=None
            Arguments of ``Axes.plot`` for the candidates.

        Returns
        -------
        display : ParetoDisplay
            The display itself.
        """
        ax = self._begin(ax)
        self.front_, self.lines_, self.points_, self.best_ = {}, {}, {}, {}
        self._floors = self._lowest_shown()
        marks: dict[str, Any] = {}
        for i, (label, points) in enumerate(self.points.items()):
            color = PALETTE[i % len(PALETTE)]
            front_color = ACCENT if len(self.points) == 1 else color
            marks |= self._draw_candidates(label, points, color, point_kw or {})
            self._draw_front(label, points, front_color, line_kw or {})
            rows = points.rows == points.best
            self.best_[label] = draw_best(ax, points.x[rows], points.y[rows], color=front_color)
        self._label(marks)
        for points in self.points.values():
            self._draw_texts(points)
        return self

    def _lowest_shown(self) -> tuple[float, float]:
        """Return the values of x and y below which candidates lie at the edges; fit times have no such value."""
        x, y = self._values()
        return score_floor(x) if self.x != FIT_TIME else -np.inf, score_floor(y)

    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of all candidates of all searches."""
        points = self.points.values()
        return np.concatenate([each.x for each in points]), np.concatenate([each.y for each in points])

    def _draw_candidates(
        self, label: str, points: ParetoPoints, color: str, point_kw: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Draw the candidates, and return the marks of those at the edges by their name."""
        is_left, is_low = points.x < self._floors[0], points.y < self._floors[1]
        is_shown = ~is_left & ~is_low
        look = {"linestyle": "none", "marker": "o", "color": color, "markeredgewidth": 0, "zorder": 2}
        size = point_style(len(points.x))
        style: dict[str, Any] = {**look, **size, **point_kw}
        (self.points_[label],) = self.ax_.plot(points.x[is_shown], points.y[is_shown], **style)
        x = np.maximum(points.x, self._floors[0])
        marks = {}
        if is_low.any():
            marks["below the axes"] = draw_at_edge(self.ax_, x[is_low], color=color, marker="v", style=size)
        is_left &= ~is_low
        if is_left.any():
            marks["left of the axes"] = draw_at_edge(
                self.ax_, points.y[is_left], color=color, marker="<", style=size, edge="left"
            )
        return marks

    def _draw_front(self, label: str, points: ParetoPoints, color: str, line_kw: Mapping[str, Any]) -> None:
        self.front_[label] = points.front
        at = np.searchsorted(points.rows, points.front)
        # Between two candidates of the front, the corner is what both of them reach.
        style: dict[str, Any] = {"where": "post" if self.x == FIT_TIME else "pre", "color": color}
        style |= {"linewidth": 1.5, "marker": "o", "markersize": 6, "zorder": 3, **line_kw}
        (self.lines_[label],) = self.ax_.step(points.x[at], points.y[at], **style)

    def _draw_texts(self, points: ParetoPoints) -> None:
        """Write next to candidates of the front, but not where another text is."""
        taken: list[np.ndarray] = []
        for row, text in sorted(points.texts.items(), key=lambda item: item[0] != points.best):
            i = int(np.searchsorted(points.rows, row))
            place = self.ax_.transData.transform((points.x[i], points.y[i]))
            size = np.array([LETTER[0] * max(map(len, text.split("\n"))), LETTER[1] * (text.count("\n") + 1)])
            size *= self.figure_.get_dpi() / 72
            if any((np.abs(place - other) < size).all() for other in taken):
                continue
            taken.append(place)
            self.ax_.annotate(
                plain(text),
                (points.x[i], points.y[i]),
                xytext=(6, -4),
                textcoords="offset points",
                va="top",
                fontsize="small",
            )

    def _label(self, marks: Mapping[str, Any]) -> None:
        ax = self.ax_
        ax.set(ylabel=score_label(self.metric))
        ax.set(xlabel="mean fit time in seconds" if self.x == FIT_TIME else score_label(self.x))
        self._set_limits()
        if len(self.points) > 1:
            legend_above(ax, {**self.lines_, **marks})
        elif len(self._values()[0]):
            (line,), (best,) = self.lines_.values(), self.best_.values()
            legend_above(ax, {"Pareto front": line, "best candidate": best, **marks})
        tidy(ax)

    def _set_limits(self) -> None:
        ax, (x, y) = self.ax_, self._values()
        if not len(x):
            ax.set_xticks([])
            no_scores(ax)
            return
        if self.x == FIT_TIME and x.min() > 0 and x.max() > MIN_LOG_RATIO * x.min():
            ax.set_xscale("log")
            ticks = number_ticks(x.min(), x.max(), is_log=True)
            ax.set_xticks(ticks, number_texts(ticks, is_log=True))
            ax.set_xticks([], minor=True)
        x_floor, y_floor = self._floors
        if np.isfinite(x_floor):
            ax.set_xlim(score_limits(x, x_floor))
        if np.isfinite(y_floor):
            ax.set_ylim(score_limits(y, y_floor))


def pareto_front(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the indices of the points that no other point beats, where more is better, in the order of x.

    Parameters
    ----------
    x, y : ndarray of shape (n,)
        Finite numbers.

    Returns
    -------
    front : ndarray of shape (n_front,)
        Indices; equal points are all on the front or all not.
    """
    front: list[int] = []
    best_y, x_of_best = -np.inf, np.inf
    for i in np.lexsort((-y, -x)):
        is_new = y[i] > best_y
        if is_new or (y[i] == best_y and x[i] == x_of_best):
            front.append(int(i))
        if is_new:
            best_y, x_of_best = y[i], x[i]
    return np.array(front[::-1], dtype=int)


def _points(data: SearchData, metric: str, x: str, params: Sequence[str] | str | None) -> ParetoPoints:
    """Return the data of one search."""
    y_values = data.scores(metric)
    if x != FIT_TIME and x not in data.metrics:
        raise ValueError(f"x must be {FIT_TIME!r} or one of {list(data.metrics)}, got {x!r}")
    x_values = data.fit_times if x == FIT_TIME else data.scores(x)
    rows = np.flatnonzero(np.isfinite(x_values) & np.isfinite(y_values) & data.is_complete)
    sign = -1 if x == FIT_TIME else 1
    front = pareto_front(sign * x_values[rows], y_values[rows])[::sign]
    best = data.best_index if metric == data.metric else None
    if best not in rows:
        best = int(rows[np.argmax(y_values[rows])]) if len(rows) else None
    return ParetoPoints(
        rows=rows,
        x=x_values[rows],
        y=y_values[rows],
        front=rows[front],
        best=best,
        texts=_texts(data, rows[front], data.checked_params(params)),
    )


def _texts(data: SearchData, front: np.ndarray, names: Sequence[str]) -> dict[int, str]:
    """Return the parameters of some candidates, one on a line."""
    texts = {}
    for row in front[:MAX_TEXTS] if names else []:
        params = data.params[row]
        lines = [f"{shorten(name)}={_short(params[name])}" for name in names if name in params]
        texts[int(row)] = "\n".join(lines)
    return texts


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else shorten(short_repr(value))
