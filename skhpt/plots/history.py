"""SearchHistoryDisplay: scores of the candidates in the order of their evaluation, and the best score so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.plots._display import Display, read_sources
from skhpt.plots._drawing import (
    MARK_NAMES,
    MAX_VECTOR_POINTS,
    PALETTE,
    draw_trials,
    legend_above,
    no_scores,
    score_label,
    tidy,
)
from skhpt.plots._points import COMPLETE, TrialPoints, score_floor, score_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

XAxis = Literal["candidates", "seconds"]
Spread = Literal["auto", "best", "candidates"]
#: Largest number of candidates whose spread over the folds is drawn.
MAX_ERROR_BARS = 200


@dataclass(frozen=True, kw_only=True)
class SearchCurve:
    """Data of one search in a `SearchHistoryDisplay`; the arrays have one entry for each trial, in the order of `x`.

    Attributes
    ----------
    x : ndarray of shape (n_trials,)
        Number of the candidate in ``cv_results_``, or seconds from the start of the search to the end of the
        candidate.
    scores, stds : ndarray of shape (n_trials,)
        Mean and standard deviation of the scores on the evaluated folds; NaN for failed candidates.
    status : ndarray of shape (n_trials,)
        "complete", "incomplete" (less than the full resource or fewer folds), "eliminated" (by a race) or "failed".
    best_scores, best_stds : ndarray of shape (n_trials,)
        Mean and standard deviation of the best complete candidate so far; NaN before the first.
    """

    x: np.ndarray
    scores: np.ndarray
    stds: np.ndarray
    status: np.ndarray
    best_scores: np.ndarray
    best_stds: np.ndarray


class SearchHistoryDisplay(Display):
    """Scores of the candidates of one or several searches, with the best score so far.

    Failed candidates are crosses at the lower edge, and candidates that a race eliminated are hollow. Candidates that
    had less than the full resource are faint, and do not count for the best score so far. Scores far below the others
    are triangles at the lower edge.

    Create it with `from_search` or `from_searches`.

    Parameters
    ----------
    curves : dict of str to SearchCurve
        Data of each search, by its label.
    metric : str
        Name of the metric.
    x : {"candidates", "seconds"}, default="candidates"
        What the x axis shows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure with the plot.
    lines_ : dict of str to matplotlib Line2D
        Best score so far of each search.
    points_ : dict of str to matplotlib PathCollection
        Complete candidates of each search.
    bands_ : dict of str to matplotlib artist
        Spread over the folds of each search for which it is drawn.

    See Also
    --------
    SearchSliceDisplay : Scores by parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import SearchHistoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}).fit(X, y)
    >>> display = SearchHistoryDisplay.from_search(search)
    >>> display.lines_["GridSearch"].get_ydata().round(3)
    array([0.667, 0.933, 0.96 , 0.967])
    """

    lines_: dict[str, Any]
    points_: dict[str, Any]
    bands_: dict[str, Any]

    def __init__(self, curves: Mapping[str, SearchCurve], *, metric: str, x: XAxis = "candidates"):
        self.curves = dict(curves)
        self.metric = metric
        self.x = x

    @classmethod
    def from_search(
        cls,
        source: Source,
        *,
        metric: str | None = None,
        x: XAxis = "candidates",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> SearchHistoryDisplay:
        """Plot the history of a search.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str, default=None
            Metric to plot; by default the one that ranks the candidates.
        x : {"candidates", "seconds"}, default="candidates"
            What the x axis shows: the number of the candidate, or the time from the start of the search to the end of
            its last fold. Only searches of this package and their journals know the times.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : SearchHistoryDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the metric is unknown, or `x` is "seconds" and the source has no times.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        return cls.from_searches({data.label: data}, metric=metric, x=x, ax=ax, **kwargs)

    @classmethod
    def from_searches(
        cls,
        sources: Mapping[str, Source],
        *,
        metric: str | None = None,
        x: XAxis = "candidates",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> SearchHistoryDisplay:
        """Plot the histories of several searches in the same axes.

        Parameters
        ----------
        sources : dict of str to object
            The searches by their labels, each as for `from_search`.
        metric : str, default=None
            Metric to plot, which all searches have; by default the one that ranks the candidates of the first.
        x : {"candidates", "seconds"}, default="candidates"
            What the x axis shows, as for `from_search`.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : SearchHistoryDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no source, a search lacks the metric, or `x` is "seconds" and a source has no times.
        ImportError
            If matplotlib is not installed.
        """
        searches = read_sources(sources)
        if x not in ("candidates", "seconds"):
            raise ValueError(f"x must be 'candidates' or 'seconds', got {x!r}")
        metric = next(iter(searches.values())).checked_metric(metric)
        curves = {label: _curve(data, data.checked_metric(metric), x) for label, data in searches.items()}
        return cls(curves, metric=metric, x=x).plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        spread: Spread | None = "auto",
        line_kw: Mapping[str, Any] | None = None,
        point_kw: Mapping[str, Any] | None = None,
    ) -> SearchHistoryDisplay:
        """Draw the histories.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        spread : {"auto", "best", "candidates"} or None, default="auto"
            Whose standard deviation over the folds is drawn: that of the best candidate so far as a band, that of
            each complete candidate as error bars (up to 200), or none. "auto" is "best" for one search and None
            for several.
        line_kw : dict, default=None
            Arguments of ``Axes.step`` for the best score so far.
        point_kw : dict, default=None
            Arguments of ``Axes.scatter`` for the complete candidates.

        Returns
        -------
        display : SearchHistoryDisplay
            The display itself.
        """
        if spread not in ("auto", "best", "candidates", None):
            raise ValueError(f"spread must be 'auto', 'best', 'candidates' or None, got {spread!r}")
        ax = self._begin(ax)
        if spread == "auto":
            spread = "best" if len(self.curves) == 1 else None
        self.lines_, self.points_, self.bands_ = {}, {}, {}
        floor = score_floor(np.concatenate([curve.scores for curve in self.curves.values()]))
        marks: dict[str, Any] = {}
        for i, (label, curve) in enumerate(self.curves.items()):
            color = PALETTE[i % len(PALETTE)]
            drawn = draw_trials(
                self.ax_, curve.x, curve.scores, curve.status, colors=color, floor=floor, point_kw=point_kw
            )
            self.points_[label] = drawn.pop(COMPLETE)
            marks |= drawn
            self._draw_best(label, curve, color, line_kw or {})
            self._draw_spread(label, curve, color, spread)
        self._label(floor, marks)
        return self

    def _draw_best(self, label: str, curve: SearchCurve, color: str, line_kw: Mapping[str, Any]) -> None:
        style = {"where": "post", "color": color, "linewidth": 2.0, "zorder": 4, **line_kw}
        rows = _corners(curve.best_scores)
        (self.lines_[label],) = self.ax_.step(curve.x[rows], curve.best_scores[rows], **style)

    def _draw_spread(self, label: str, curve: SearchCurve, color: str, spread: Spread | None) -> None:
        if spread == "best":
            rows = _corners(curve.best_scores)
            means, stds = curve.best_scores[rows], curve.best_stds[rows]
            self.bands_[label] = self.ax_.fill_between(
                curve.x[rows],
                means - stds,
                means + stds,
                step="post",
                color=color,
                alpha=0.15,
                linewidth=0,
                zorder=1,
            )
        elif spread == "candidates":
            rows = np.flatnonzero(curve.status == COMPLETE)[:MAX_ERROR_BARS]
            self.bands_[label] = self.ax_.errorbar(
                curve.x[rows], curve.scores[rows], curve.stds[rows],
                fmt="none", ecolor=color, alpha=0.35, elinewidth=1, zorder=1,
            )  # fmt: skip

    def _label(self, floor: float, marks: Mapping[str, Any]) -> None:
        ax = self.ax_
        ax.set(ylabel=score_label(self.metric))
        ax.set(xlabel="candidate" if self.x == "candidates" else "seconds since the start of the search")
        ax.set_xlim(*_with_margin(np.concatenate([curve.x for curve in self.curves.values()])))
        if self.x == "candidates":
            ticker = import_optional("matplotlib.ticker", type(self).__name__)
            locator = ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
            ax.xaxis.set_major_locator(locator)
        scores = np.concatenate([curve.scores for curve in self.curves.values()])
        if np.isnan(scores).all():
            no_scores(ax)
        elif np.isfinite(floor):
            ax.set_ylim(bottom=score_limits(scores, floor)[0])
        self._add_legend(marks)
        tidy(ax)

    def _add_legend(self, marks: Mapping[str, Any]) -> None:
        """Name the searches, if there are several, and the marks other than points."""
        lines = (
            {"best so far": self.lines_[next(iter(self.lines_))]} if len(self.lines_) == 1 else self.lines_
        )
        entries = {**lines, **{MARK_NAMES[status]: mark for status, mark in marks.items()}}
        if len(entries) > 1:
            legend_above(self.ax_, entries)


def _curve(data: SearchData, metric: str, x: XAxis) -> SearchCurve:
    """Return the data of one search."""
    points = TrialPoints.of(data, metric)
    positions = np.arange(data.n_trials, dtype=float) if x == "candidates" else _seconds(data)
    order = np.argsort(positions, kind="stable")
    incumbents = points.best_so_far(order)
    return SearchCurve(
        x=positions[order],
        scores=points.scores[order],
        stds=points.stds[order],
        status=points.status[order],
        best_scores=_at(points.scores, incumbents),
        best_stds=_at(points.stds, incumbents),
    )


def _with_margin(x: np.ndarray) -> tuple[float, float]:
    """Return the limits of an axis of numbers."""
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


def _corners(best_scores: np.ndarray) -> np.ndarray:
    """Return the rows that a step line needs: all of few, of many those where the value changes, and the last."""
    if len(best_scores) <= MAX_VECTOR_POINTS:
        return np.arange(len(best_scores))
    new = best_scores[1:]
    changes = np.flatnonzero((new != best_scores[:-1]) & ~np.isnan(new)) + 1
    return np.unique([0, *changes, len(best_scores) - 1])


def _at(values: np.ndarray, incumbents: np.ndarray) -> np.ndarray:
    """Return the values of the incumbents; NaN where there is none."""
    return np.where(incumbents < 0, np.nan, values[incumbents])


def _seconds(data: SearchData) -> np.ndarray:
    """Return the seconds from the start of the search to the end of each trial; 0 for an earlier search."""
    if data.started is None or np.isnan(data.ended).all():
        raise ValueError(f"x='seconds' needs the times of the fits, which {data.label!r} does not have")
    seconds = data.ended - data.started.timestamp()
    return np.maximum(np.nan_to_num(seconds, nan=0.0), 0.0)
