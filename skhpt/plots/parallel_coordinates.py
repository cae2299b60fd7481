"""ParallelCoordinatesDisplay: candidates as lines across axes of all parameters and the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import Source, read_source
from skhpt.plots._display import Display
from skhpt.plots._drawing import ACCENT, FAILURE, MAX_VECTOR_POINTS, contrast_map, plain, shorten
from skhpt.plots._params import most_relevant, shown_params
from skhpt.plots._points import COMPLETE, TrialPoints, score_floor
from skhpt.plots._scale import ParamScale, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Number of parameters that are shown unless the user names them.
MAX_PARAMS = 10


class ParallelCoordinatesDisplay(Display):
    """Candidates as lines that cross one axis for each parameter, and end at the axis of the score.

    Lines of better candidates are darker (on a dark background, brighter) and lie above the others; the best candidate
    has its own colour. Failed candidates are red lines that have no score. Candidates with less than the full resource,
    and those that a race eliminated, are fainter. A parameter that a candidate lacks has the place "(missing)". Scores
    far below the others are drawn at the lower end of their axis.

    Create it with `from_search`.

    Parameters
    ----------
    values : dict of str to list of object
        Values of each parameter in the trials; `skhpt.inspection.search_data.MISSING` where a trial lacks it.
    scales : dict of str to ParamScale
        Scale of each parameter.
    scores : array-like of shape (n_trials,)
        Mean scores; NaN for failed candidates.
    status : array-like of shape (n_trials,)
        "complete", "incomplete" (less than the full resource or fewer folds), "eliminated" (by a race) or "failed".
    metric : str
        Name of the metric.
    best_index : int, default=None
        Index of the best candidate.
    n_params : int, default=None
        Number of parameters that vary, if not all of them are shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure with the plot.
    lines_ : matplotlib LineCollection
        Candidates with a score, the best last.
    failed_lines_ : matplotlib LineCollection or None
        Failed candidates; None if there are none.
    best_line_ : matplotlib Line2D or None
        Best candidate; None if there is none.

    See Also
    --------
    SearchPairDisplay : Scores by two parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import ParallelCoordinatesDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(SVC(), {"C": [0.01, 1, 100], "kernel": ["linear", "rbf"]}).fit(X, y)
    >>> display = ParallelCoordinatesDisplay.from_search(search)
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['C', 'kernel', 'score']
    """

    lines_: Any
    failed_lines_: Any
    best_line_: Any

    def __init__(
        self,
        values: Mapping[str, Sequence[Any]],
        scales: Mapping[str, ParamScale],
        *,
        scores: Any,
        status: Any,
        metric: str,
        best_index: int | None = None,
        n_params: int | None = None,
    ):
        self.values = dict(values)
        self.scales = dict(scales)
        self.scores = np.asarray(scores, dtype=float)
        self.status = np.asarray(status, dtype=object)
        self.metric = metric
        self.best_index = best_index
        self.n_params = n_params

    @classmethod
    def from_search(
        cls,
        source: Source,
        *,
        metric: str | None = None,
        params: Sequence[str] | str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> ParallelCoordinatesDisplay:
        """Plot the candidates of a search as lines.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str, default=None
            Metric to plot; by default the one that ranks the candidates.
        params : str or list of str, default=None
            Parameters to show, in this order. By default all that have several values; of more than ten, those on
            which the ranks of the scores depend most.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : ParallelCoordinatesDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the metric or a parameter is unknown, or there is no parameter to show.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        metric = data.checked_metric(metric)
        asked = shown_params(data, params, at_least=1)
        names = asked if params is not None else most_relevant(data, metric, asked, MAX_PARAMS)
        points = TrialPoints.of(data, metric)
        display = cls(
            {name: data.values(name) for name in names},
            {name: ParamScale.of(data, name) for name in names},
            scores=points.scores,
            status=points.status,
            metric=metric,
            best_index=points.best(data, metric),
            n_params=len(asked),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        line_kw: Mapping[str, Any] | None = None,
        best_kw: Mapping[str, Any] | None = None,
    ) -> ParallelCoordinatesDisplay:
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        line_kw : dict, default=None
            Arguments of `matplotlib.collections.LineCollection` for the candidates with a score.
        best_kw : dict, default=None
            Arguments of ``Axes.plot`` for the best candidate.

        Returns
        -------
        display : ParallelCoordinatesDisplay
            The display itself.
        """
        n_axes = len(self.scales) + 1
        ax = self._begin(ax, figsize=(max(6.4, 1.3 * n_axes), 4.2))
        heights, limits = self._heights()
        self._draw_lines(ax, heights, line_kw or {})
        self._draw_best(ax, heights, best_kw or {})
        for i, scale in enumerate(self.scales.values()):
            positions, texts = scale.tick_labels()
            _draw_axis(ax, i, scale.unit(np.array(positions)), texts)
        self._draw_score_axis(ax, limits)
        self._label(ax)
        return self

    def _heights(self) -> tuple[np.ndarray, tuple[float, float]]:
        """Return the heights of all lines on all axes, shape (n_trials, n_params + 1), and the ends of the scores."""
        scores = self.scores[np.isfinite(self.scores)]
        low, high = 0.0, 1.0
        if len(scores):
            low, high = max(float(scores.min()), score_floor(scores)), float(scores.max())
            margin = 0.0 if high > low else 0.05 * abs(high) or 0.1
            low, high = low - margin, high + margin
        columns = []
        for i, (name, scale) in enumerate(self.scales.items()):
            columns.append(scale.unit(scale.positions(self.values[name], jitter=True, seed=i)))
        columns.append((np.maximum(self.scores, low) - low) / (high - low))
        return np.column_stack(columns), (low, high)

    def _draw_lines(self, ax: Axes, heights: np.ndarray, line_kw: Mapping[str, Any]) -> None:
        collections = import_optional("matplotlib.collections", type(self).__name__)
        n = len(heights)
        alpha = 0.8 if n <= 30 else 0.5 if n <= 300 else 0.25 if n <= MAX_VECTOR_POINTS else 0.04
        style = {"linewidths": 1.2 if n <= 300 else 0.8, "rasterized": n > MAX_VECTOR_POINTS}
        x = np.arange(heights.shape[1])
        segments = np.stack([np.broadcast_to(x, heights.shape), heights], axis=2)
        rows = np.flatnonzero(np.isfinite(self.scores))
        rows = rows[np.argsort(heights[rows, -1], kind="stable")]
        colors = contrast_map(ax)(heights[rows, -1])
        colors[:, 3] = np.where(self.status[rows] == COMPLETE, alpha, alpha * 0.45)
        self.lines_ = collections.LineCollection(
            list(segments[rows]), **{"colors": colors, "zorder": 2, **style, **line_kw}
        )
        ax.add_collection(self.lines_)
        failed = np.flatnonzero(~np.isfinite(self.scores))
        self.failed_lines_ = None
        if len(failed):
            self.failed_lines_ = collections.LineCollection(
                list(segments[failed, :-1]),
                colors=FAILURE,
                alpha=alpha * 0.6,
                linestyles="dotted",
                zorder=1,
                **style,
            )
            ax.add_collection(self.failed_lines_)

    def _draw_best(self, ax: Axes, heights: np.ndarray, best_kw: Mapping[str, Any]) -> None:
        self.best_line_ = None
        if self.best_index is not None:
            style = {"color": ACCENT, "linewidth": 2.4, "zorder": 3, **best_kw}
            (self.best_line_,) = ax.plot(np.arange(heights.shape[1]), heights[self.best_index], **style)

    def _draw_score_axis(self, ax: Axes, limits: tuple[float, float]) -> None:
        low, high = limits
        numbers: Any = []
        if np.isfinite(self.scores).any():
            ticker = import_optional("matplotlib.ticker", type(self).__name__)
            ticks = ticker.MaxNLocator(6).tick_values(low, high)
            numbers = ticks[(ticks >= low) & (ticks <= high)]
        heights = (np.asarray(numbers, dtype=float) - low) / (high - low)
        _draw_axis(ax, len(self.scales), heights, [number_text(number) for number in numbers])

    def _label(self, ax: Axes) -> None:
        names = [shorten(name) for name in (*self.scales, self.metric)]
        ax.set_xticks(range(len(names)), [plain(name) for name in names])
        ax.set_yticks([])
        ax.set(xlim=(-0.15, len(names) - 0.45), ylim=(-0.04, 1.04))
        ax.spines[:].set_visible(False)
        ax.tick_params(axis="x", length=0, pad=6)
        width = ax.get_window_extent().width / ax.figure.dpi / len(names)
        if max(map(len, names)) * 0.085 > width:
            for label in ax.get_xticklabels():
                label.set(rotation=25, ha="right", rotation_mode="anchor")
        if self.n_params is not None and self.n_params > len(self.scales):
            text = f"{len(self.scales)} of {self.n_params} parameters: those with the largest effect on the score"
            ax.set_title(text, fontsize="medium")
        if not np.isfinite(self.scores).any():
            ax.set_title("no candidate has a score", fontsize="medium", style="italic")


def _draw_axis(ax: Axes, x: int, heights: np.ndarray, texts: Sequence[str]) -> None:
    """Draw a vertical axis with its ticks, whose texts stay readable above the lines."""
    from matplotlib import rcParams

    color = rcParams["axes.edgecolor"]
    ax.plot([x, x], [0, 1], color=color, linewidth=1, zorder=4)
    ax.plot(np.full(len(heights), x), heights, "_", color=color, markersize=6, zorder=4)
    background = {"facecolor": ax.get_facecolor(), "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
    for height, text in zip(heights, texts):
        ax.text(x + 0.06, height, text, va="center", fontsize="small", bbox=background, zorder=5)
