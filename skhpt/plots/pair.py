"""SearchPairDisplay: scores by two parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import MISSING, SearchData, Source, read_source
from skhpt.plots._display import Display
from skhpt.plots._drawing import FAILURE, contrast_map, draw_best, point_style, score_label, text_color
from skhpt.plots._params import most_relevant, shown_params
from skhpt.plots._points import COMPLETE, ELIMINATED, FAILED, INCOMPLETE, TrialPoints, score_floor
from skhpt.plots._scale import ParamScale
from skhpt.plots._surface import Surface, observed_surface, surrogate_surface
from skhpt.plots._surrogate import predict_grids

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Number of parameters that are shown unless the user names them.
MAX_PARAMS = 4
#: Largest number of values of each parameter for which the surrogate is evaluated.
N_VALUES = 25
#: Largest number of cells whose scores are written into them.
MAX_TEXTS = 30


class SearchPairDisplay(Display):
    """Scores of the candidates by two parameters, or by each two of several parameters.

    Points are candidates, coloured by their score, and the best has a star. The surface behind them is the score that
    the surrogate of `skhpt.BayesSearchCV` predicts if all other parameters have the values of the best
    candidate. For other searches it is the average of the candidates nearby, where there are any; for two
    parameters without a scale it is the best score of each two values. Failed candidates are crosses,
    candidates that a race eliminated are hollow, and those with less than the full resource are faint.
    Candidates that lack one of the parameters are left out.

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
    surfaces : dict of tuple to Surface
        Surface of each pair of parameters that has one.
    metric : str
        Name of the metric.
    best_index : int, default=None
        Index of the best candidate.

    Attributes
    ----------
    ax_ : matplotlib Axes
        First axes.
    axes_ : ndarray of matplotlib Axes, shape (n_pairs,)
        Axes of the pairs: in the lower triangle of a grid, row by row.
    figure_ : matplotlib Figure
        Figure with the plot.
    points_ : list of matplotlib PathCollection or None
        Complete candidates in each axes; None where the scores are written into cells.
    surfaces_ : list of matplotlib artist or None
        Surface in each axes: a ContourSet or a QuadMesh; None where there is none.

    See Also
    --------
    SearchSliceDisplay : Scores by one parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import SearchPairDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(SVC(), {"C": [0.01, 1, 100], "kernel": ["linear", "rbf"]}).fit(X, y)
    >>> display = SearchPairDisplay.from_search(search)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('C', 'kernel')
    """

    points_: list[Any]
    surfaces_: list[Any]

    def __init__(
        self,
        values: Mapping[str, Sequence[Any]],
        scales: Mapping[str, ParamScale],
        *,
        scores: Any,
        status: Any,
        surfaces: Mapping[tuple[str, str], Surface],
        metric: str,
        best_index: int | None = None,
    ):
        self.values = dict(values)
        self.scales = dict(scales)
        self.scores = np.asarray(scores, dtype=float)
        self.status = np.asarray(status, dtype=object)
        self.surfaces = dict(surfaces)
        self.metric = metric
        self.best_index = best_index

    @classmethod
    def from_search(
        cls,
        source: Source,
        *,
        metric: str | None = None,
        params: Sequence[str] | None = None,
        surrogate: bool = True,
        ax: Axes | Sequence[Axes] | None = None,
        **kwargs: Any,
    ) -> SearchPairDisplay:
        """Plot the scores of a search by pairs of parameters.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str, default=None
            Metric to plot; by default the one that ranks the candidates.
        params : list of str, default=None
            Two or more parameters: the first two share the first axes. By default all that have several values; of
            more than four, those on which the ranks of the scores depend most.
        surrogate : bool, default=True
            Whether to draw the prediction of the surrogate, if the source is a fitted `skhpt.BayesSearchCV` and
            `metric` is the metric that its surrogate predicts.
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes of the pairs, or one Axes whose space is divided; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : SearchPairDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the metric or a parameter is unknown, there are fewer than two parameters, or the number of axes is
            wrong.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        metric = data.checked_metric(metric)
        names = shown_params(data, params, at_least=2)
        if params is None:
            names = most_relevant(data, metric, names, MAX_PARAMS)
        points = TrialPoints.of(data, metric)
        scales = {name: ParamScale.without_missing(data, name) for name in names}
        display = cls(
            {name: data.values(name) for name in names},
            scales,
            scores=points.scores,
            status=points.status,
            surfaces=_surfaces(data, metric, scales, points, surrogate),
            metric=metric,
            best_index=points.best(data, metric),
        )
        return display.plot(ax=ax, **kwargs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the x axis and of the y axis of each axes."""
        return _pairs(list(self.scales))

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        point_kw: Mapping[str, Any] | None = None,
        surface_kw: Mapping[str, Any] | None = None,
    ) -> SearchPairDisplay:
        """Draw the pairs.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes of the pairs, or one Axes whose space is divided; by default those of a new figure.
        point_kw : dict, default=None
            Arguments of ``Axes.scatter`` for the complete candidates.
        surface_kw : dict, default=None
            Arguments of ``Axes.contourf`` or ``Axes.pcolormesh`` for the surfaces.

        Returns
        -------
        display : SearchPairDisplay
            The display itself.
        """
        names = list(self.scales)
        cells = [(row, column) for row in range(len(names) - 1) for column in range(row + 1)]
        size = (5.2, 4.2) if len(cells) == 1 else (3.1, 2.7)
        axes = self._begin_grid(ax, cells, size=size)
        colors = self._score_colors(axes[0])
        self.points_, self.surfaces_ = [], []
        for each, pair in zip(axes, self.pairs):
            self._draw_surface(each, pair, colors, surface_kw or {})
            self._draw_points(each, pair, colors, point_kw or {})
        is_own_grid = ax is None or hasattr(ax, "plot")
        for each, (x, y), (row, column) in zip(axes, self.pairs, cells):
            self._apply_scales(
                each, x, y, not is_own_grid or row == len(names) - 2, not is_own_grid or not column
            )
        if np.isfinite(self.scores).any():
            bar = self.figure_.colorbar(
                colors, ax=list(axes), label=score_label(self.metric), pad=0.02, aspect=30
            )
            bar.outline.set_visible(False)
        return self

    def _score_colors(self, ax: Axes) -> Any:
        """Return the colours of scores."""
        cm = import_optional("matplotlib.cm", type(self).__name__)
        colors = cm.ScalarMappable(cmap=contrast_map(ax))
        scores = self.scores[np.isfinite(self.scores)]
        if len(scores):
            low, high = max(scores.min(), score_floor(scores)), scores.max()
            margin = 0.0 if high > low else abs(high) * 0.01 or 0.01
            colors.set_clim(low - margin, high + margin)
        return colors

    def _draw_surface(
        self, ax: Axes, pair: tuple[str, str], colors: Any, surface_kw: Mapping[str, Any]
    ) -> None:
        surface = self.surfaces.get(pair)
        if surface is None or not np.isfinite(surface.scores).any():
            self.surfaces_.append(None)
            return
        low, high = colors.get_clim()
        has_names = any(self.scales[name].names for name in pair)
        if surface.kind != "best" and not has_names and min(surface.scores.shape) > 5:
            scores = np.ma.masked_invalid(np.clip(surface.scores, low, high))
            style = {"cmap": colors.get_cmap(), "norm": colors.norm, "zorder": 1, **surface_kw}
            style.setdefault("levels", np.linspace(low, high, 13))
            drawn: Any = ax.contourf(surface.x, surface.y, scores, **style)
        else:
            x_edges, y_edges = (
                _edges(positions, self.scales[name]) for name, positions in zip(pair, (surface.x, surface.y))
            )
            style = {"rasterized": True, "linewidth": 0, "zorder": 1, **surface_kw}
            style = {"cmap": colors.get_cmap(), "norm": colors.norm, **style}
            drawn = ax.pcolormesh(x_edges, y_edges, np.ma.masked_invalid(surface.scores), **style)
        self.surfaces_.append(drawn)
        if surface.kind == "best" and surface.scores.size <= MAX_TEXTS:
            self._write_scores(ax, surface, colors)

    def _write_scores(self, ax: Axes, surface: Surface, colors: Any) -> None:
        """Write the scores into the cells, in white or black."""
        for i, j in np.argwhere(np.isfinite(surface.scores)):
            score = surface.scores[i, j]
            is_dark_cell = np.dot(colors.to_rgba(score)[:3], [0.3, 0.59, 0.11]) < 0.5
            ax.text(
                surface.x[j], surface.y[i] - 0.37, f"{score:.4g}", ha="center", va="center", fontsize="small",
                color="white" if is_dark_cell else "black", zorder=4,
            )  # fmt: skip

    def _draw_points(self, ax: Axes, pair: tuple[str, str], colors: Any, point_kw: Mapping[str, Any]) -> None:
        x, y = (
            self.scales[name].positions(self.values[name], jitter=True, seed=i) for i, name in enumerate(pair)
        )
        edge = "white" if self.surfaces_[-1] is not None else text_color()
        style = point_style(len(x))
        size, alpha = style["markersize"] ** 2, min(1.0, style["alpha"] + 0.15)
        common = {
            "rasterized": style["rasterized"],
            "zorder": 2,
            "s": size,
            "alpha": alpha,
            "linewidths": 0.4,
        }
        looks = {
            INCOMPLETE: {"alpha": 0.4 * alpha, "s": 0.7 * size, "edgecolors": "none"},
            ELIMINATED: {"linewidths": 1, "facecolors": "none", "edgecolors": edge},
            COMPLETE: {"edgecolors": edge if len(x) <= 1000 else "none", **point_kw},
        }
        rgba = colors.to_rgba(self.scores)
        for name, look in looks.items():
            rows = (self.status == name) & np.isfinite(x) & np.isfinite(y)
            points = ax.scatter(x[rows], y[rows], **{**common, "facecolors": rgba[rows], **look})
        self.points_.append(points if (self.status == COMPLETE).any() else None)
        self._draw_failures(ax, x, y)
        best = self.best_index
        if best is not None and all(self.values[name][best] is not MISSING for name in pair):
            draw_best(ax, x[[best]], y[[best]], markeredgecolor=edge)

    def _draw_failures(self, ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
        """Draw crosses with an edge, so that they are seen on every surface."""
        failed = self.status == FAILED
        for color, width in ((ax.get_facecolor(), 3.0), (FAILURE, 1.3)):
            ax.plot(x[failed], y[failed], "x", color=color, markersize=5, markeredgewidth=width, zorder=3)

    def _apply_scales(self, ax: Axes, x: str, y: str, has_x_label: bool, has_y_label: bool) -> None:
        self.scales[x].apply(ax, "x", label=has_x_label)
        self.scales[y].apply(ax, "y", label=has_y_label)
        ax.tick_params(labelbottom=has_x_label, labelleft=has_y_label)
        has_both = [MISSING not in (first, second) for first, second in zip(self.values[x], self.values[y])]
        if not any(has_both):
            ax.text(0.5, 0.5, "no candidate has both", transform=ax.transAxes, ha="center", style="italic")
        elif not all(has_both):
            ax.set_title(f"{sum(has_both)} of {len(has_both)} candidates", fontsize="small")


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs (x, y) of the lower triangle of a grid, row by row."""
    return [(names[column], names[row]) for row in range(1, len(names)) for column in range(row)]


def _surfaces(
    data: SearchData, metric: str, scales: Mapping[str, ParamScale], points: TrialPoints, surrogate: bool
) -> dict[tuple[str, str], Surface]:
    """Return the surface of each pair that has one."""
    pairs = _pairs(list(scales))
    grids = predict_grids(data, metric, pairs, N_VALUES) if surrogate else {}
    positions = {name: scale.positions(data.values(name)) for name, scale in scales.items()}
    scores = np.where(points.status == COMPLETE, points.scores, np.nan)
    scores = np.maximum(scores, score_floor(scores))
    surfaces: dict[tuple[str, str], Surface | None] = {}
    for x, y in pairs:
        grid = grids.get((x, y))
        if grid is not None:
            surfaces[x, y] = surrogate_surface(grid, scales[x], scales[y])
        else:
            surfaces[x, y] = observed_surface(positions[x], positions[y], scores, scales[x], scales[y])
    return {pair: surface for pair, surface in surfaces.items() if surface is not None}


def _edges(positions: np.ndarray, scale: ParamScale) -> np.ndarray:
    """Return the edges of the cells around positions: the middles between them, and the ends of the axis."""
    is_log = scale.kind == "log"
    places = np.log(positions) if is_log else positions
    middles = (places[1:] + places[:-1]) / 2
    return np.concatenate([[scale.low], np.exp(middles) if is_log else middles, [scale.high]])
