"""SearchSliceDisplay: scores by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import MISSING, Source, read_source
from skhpt.plots._display import Display, rows_of
from skhpt.plots._drawing import ACCENT, contrast_map, draw_best, draw_trials, no_scores, score_label, tidy
from skhpt.plots._params import most_relevant, shown_params
from skhpt.plots._points import COMPLETE, TrialPoints, score_floor, score_limits
from skhpt.plots._scale import ParamScale
from skhpt.plots._surrogate import SurrogateGrid, predict_grids

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Number of parameters that are shown unless the user names them.
MAX_PARAMS = 12
#: Largest number of values at which the surrogate is evaluated along a parameter.
N_VALUES = 60


@dataclass(frozen=True, kw_only=True)
class ParamSlice:
    """Data of one parameter in a `SearchSliceDisplay`.

    Attributes
    ----------
    values : list of object
        Value of each trial; `skhpt.inspection.search_data.MISSING` where it lacks the parameter.
    scale : ParamScale
        Scale of the parameter.
    surrogate : SurrogateGrid or None
        Scores that the surrogate predicts along this parameter, with the values of the best candidate for all others;
        None if there is no surrogate.
    """

    values: Sequence[Any]
    scale: ParamScale
    surrogate: SurrogateGrid | None = None


class SearchSliceDisplay(Display):
    """Scores of the candidates by parameter, with an axes for each parameter on its own scale.

    Later candidates are darker (on a dark background, brighter), and the best has a star. Names, None and booleans
    have places of their own, over which their points are spread. Candidates that lack a parameter, because they
    belong to another branch of the space, are left out of its axes. Failed candidates are crosses at the lower edge,
    and candidates that a race eliminated are hollow.

    The search `skhpt.BayesSearchCV` has a surrogate: the line is the score that it predicts along the parameter
    if all other parameters have the values of the best candidate, and the band is two standard deviations of a
    new score wide on both sides.

    Create it with `from_search`.

    Parameters
    ----------
    slices : dict of str to ParamSlice
        Data of each parameter.
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
        First axes.
    axes_ : ndarray of matplotlib Axes, shape (n_params,)
        Axes of the parameters.
    figure_ : matplotlib Figure
        Figure with the plot.
    points_ : list of matplotlib PathCollection
        Complete candidates in each axes.
    lines_ : list of matplotlib Line2D or None
        Predicted scores in each axes; None without a surrogate.
    stars_ : list of matplotlib Line2D or None
        Best candidate in each axes; None where it lacks the parameter.

    See Also
    --------
    SearchPairDisplay : Scores by two parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.plots import SearchSliceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [None, 1, 2, 4], "criterion": ["gini", "entropy"]}
    >>> search = GridSearch(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> display = SearchSliceDisplay.from_search(search)
    >>> [ax.get_xlabel() for ax in display.axes_]
    ['criterion', 'max_depth']
    """

    points_: list[Any]
    lines_: list[Any]
    stars_: list[Any]

    def __init__(
        self,
        slices: Mapping[str, ParamSlice],
        *,
        scores: Any,
        status: Any,
        metric: str,
        best_index: int | None = None,
        n_params: int | None = None,
    ):
        self.slices = dict(slices)
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
        surrogate: bool = True,
        ax: Axes | Sequence[Axes] | None = None,
        **kwargs: Any,
    ) -> SearchSliceDisplay:
        """Plot the scores of a search by parameter.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str, default=None
            Metric to plot; by default the one that ranks the candidates.
        params : str or list of str, default=None
            Parameters to show. By default all that have several values; of more than 12, those on which the ranks of
            the scores depend most.
        surrogate : bool, default=True
            Whether to draw the prediction of the surrogate, if the source is a fitted `skhpt.BayesSearchCV` and
            `metric` is the metric that its surrogate predicts.
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes of the parameters, or one Axes whose space is divided; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : SearchSliceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the metric or a parameter is unknown, there is no parameter to show, or the number of axes is wrong.
        ImportError
            If matplotlib is not installed.
        """
        data = read_source(source)
        metric = data.checked_metric(metric)
        asked = shown_params(data, params, at_least=1)
        names = asked if params is not None else most_relevant(data, metric, asked, MAX_PARAMS)
        grids = predict_grids(data, metric, [(name,) for name in names], N_VALUES) if surrogate else {}
        points = TrialPoints.of(data, metric)
        slices = {
            name: ParamSlice(
                values=data.values(name),
                scale=ParamScale.without_missing(data, name),
                surrogate=grids.get((name,)),
            )
            for name in names
        }
        display = cls(
            slices,
            scores=points.scores,
            status=points.status,
            metric=metric,
            best_index=points.best(data, metric),
            n_params=len(asked),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        n_columns: int | None = None,
        point_kw: Mapping[str, Any] | None = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> SearchSliceDisplay:
        """Draw the slices.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of Axes, default=None
            Axes of the parameters, or one Axes whose space is divided; by default those of a new figure.
        n_columns : int, default=None
            Number of axes side by side; by default at most four.
        point_kw : dict, default=None
            Arguments of ``Axes.scatter`` for the complete candidates.
        line_kw : dict, default=None
            Arguments of ``Axes.plot`` for the prediction of the surrogate.

        Returns
        -------
        display : SearchSliceDisplay
            The display itself.
        """
        n = len(self.slices)
        n_columns = n_columns or (n if n <= 4 else 3 if n <= 6 else 4)
        size = (4.8, 3.6) if n == 1 else (3.0, 3.1)
        axes = self._begin_grid(ax, rows_of(n, n_columns), size=size)
        self.points_, self.lines_, self.stars_ = [], [], []
        floor = score_floor(self.scores)
        mappable = self._order_colors(axes[0])
        colors = mappable.to_rgba(np.arange(len(self.scores)))
        for each, param in zip(axes, self.slices.values()):
            self._draw_points(each, param, colors, floor, point_kw or {})
            self._draw_surrogate(each, param, line_kw or {})
            self._draw_star(each, param)
            param.scale.apply(each, "x")
            self._draw_note(each, param)
            tidy(each)
        self._set_limits(floor, is_own_grid=ax is None or hasattr(ax, "plot"), n_columns=n_columns)
        self._label(mappable)
        return self

    def _order_colors(self, ax: Axes) -> Any:
        """Return the colours of the candidates by their number."""
        cm = import_optional("matplotlib.cm", type(self).__name__)
        mappable = cm.ScalarMappable(cmap=contrast_map(ax, "Blues_r", faintest=0.28))
        mappable.set_clim(0, max(len(self.scores) - 1, 1))
        return mappable

    def _draw_points(
        self, ax: Axes, param: ParamSlice, colors: np.ndarray, floor: float, point_kw: Mapping[str, Any]
    ) -> None:
        x = param.scale.positions(param.values, jitter=True)
        drawn = draw_trials(ax, x, self.scores, self.status, colors=colors, floor=floor, point_kw=point_kw)
        self.points_.append(drawn[COMPLETE])

    def _draw_surrogate(self, ax: Axes, param: ParamSlice, line_kw: Mapping[str, Any]) -> None:
        """Draw the prediction: a line along numbers, and bars at names."""
        if param.surrogate is None:
            self.lines_.append(None)
            return
        grid = param.surrogate
        x = param.scale.positions(grid.values[0])
        is_place = np.isin(x, param.scale.places)
        style = {"color": ACCENT, "linewidth": 1.8, "zorder": 4, **line_kw}
        order = np.argsort(x[~is_place])
        x_line, mean, std = (each[~is_place][order] for each in (x, grid.mean, grid.std))
        (line,) = ax.plot(x_line, mean, **style)
        ax.fill_between(x_line, mean - 2 * std, mean + 2 * std, color=style["color"], alpha=0.15, linewidth=0)
        if is_place.any():
            bars = ax.errorbar(
                x[is_place], grid.mean[is_place], 2 * grid.std[is_place], fmt="_", markersize=14,
                color=style["color"], elinewidth=1.2, zorder=style["zorder"],
            )  # fmt: skip
            line = line if len(x_line) else bars.lines[0]
        self.lines_.append(line)

    def _draw_star(self, ax: Axes, param: ParamSlice) -> None:
        best = self.best_index
        if best is None or param.values[best] is MISSING:
            self.stars_.append(None)
            return
        x = param.scale.positions([param.values[best]])
        self.stars_.append(draw_best(ax, x, self.scores[[best]]))

    def _draw_note(self, ax: Axes, param: ParamSlice) -> None:
        """Say how many candidates have the parameter, if not all."""
        n_with = sum(value is not MISSING for value in param.values)
        if n_with < len(param.values):
            ax.set_title(f"{n_with} of {len(param.values)} candidates", fontsize="small")

    def _set_limits(self, floor: float, is_own_grid: bool, n_columns: int) -> None:
        """Give all axes the same limits of scores, and labels where they are needed."""
        scores = self.scores[np.isfinite(self.scores)]
        for i, ax in enumerate(self.axes_):
            if not len(scores):
                no_scores(ax)
            else:
                ax.set_ylim(score_limits(scores, floor))
            if is_own_grid and i % n_columns:
                ax.tick_params(labelleft=False)
            else:
                ax.set_ylabel(score_label(self.metric))

    def _label(self, mappable: Any) -> None:
        if len(self.scores) > 1:
            bar = self.figure_.colorbar(mappable, ax=list(self.axes_), label="candidate", aspect=40, pad=0.02)
            bar.outline.set_visible(False)
            bar.locator = import_optional("matplotlib.ticker", type(self).__name__).MaxNLocator(
                5, integer=True
            )
            bar.update_ticks()
        if self.n_params is not None and self.n_params > len(self.slices):
            text = f"{len(self.slices)} of {self.n_params} parameters: those with the largest effect on the score"
            self.figure_.suptitle(text, fontsize="medium")
