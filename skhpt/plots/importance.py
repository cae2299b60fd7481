"""ParamImportanceDisplay: how much each parameter mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt.inspection.importance import param_importances
from skhpt.inspection.search_data import Source, read_source
from skhpt.plots._display import Display, read_sources
from skhpt.plots._drawing import PALETTE, legend_above, no_scores, plain, shorten, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Largest length of the name of a parameter.
MAX_NAME = 32


class ParamImportanceDisplay(Display):
    """Importance of the parameters as horizontal bars, the most important parameter at the top.

    Create it with `from_search` or `from_searches`.

    Parameters
    ----------
    importances : dict of str to (dict of str to float)
        For each series of bars its label and the importance by parameter, as
        `skhpt.inspection.param_importances` returns it.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure with the plot.
    names_ : list of str
        Names of the parameters from the top to the bottom.
    bars_ : dict of str to matplotlib BarContainer
        Bars of each series, in the order of `names_`.

    See Also
    --------
    skhpt.inspection.param_importances : The numbers, and the methods.
    SearchSliceDisplay : Scores by parameter.

    Examples
    --------
    >>> from skhpt.plots import ParamImportanceDisplay
    >>> display = ParamImportanceDisplay({"accuracy": {"C": 0.25, "gamma": 0.75}}).plot()
    >>> display.names_
    ['gamma', 'C']
    """

    names_: list[str]
    bars_: dict[str, Any]

    def __init__(self, importances: Mapping[str, Mapping[str, float]]):
        self.importances = {label: dict(series) for label, series in importances.items()}

    @classmethod
    def from_search(
        cls,
        source: Source,
        *,
        metric: str | Sequence[str] | None = None,
        params: Sequence[str] | str | None = None,
        method: str = "auto",
        random_state: int = 0,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> ParamImportanceDisplay:
        """Compute and plot the importances of a search.

        Parameters
        ----------
        source : estimator, JournalView, path-like or dict
            A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
        metric : str or sequence of str, default=None
            One metric, or several, each of which gets its own bars; by default the one that ranks the candidates.
        params : str or sequence of str, default=None
            Names of the parameters to show; by default all that have several values.
        method, random_state : str, int
            As for `skhpt.inspection.param_importances`.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : ParamImportanceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If fewer than four candidates have a score, or an argument is unknown.
        ImportError
            If matplotlib is not installed, or Optuna, if `method` needs it.
        """
        data = read_source(source)
        metrics = [data.checked_metric(metric)] if metric is None or isinstance(metric, str) else list(metric)
        importances = {}
        for name in metrics:
            importances[name] = param_importances(
                data, metric=name, params=params, method=method, random_state=random_state
            )
        return cls(importances).plot(ax=ax, **kwargs)

    @classmethod
    def from_searches(
        cls,
        sources: Mapping[str, Source],
        *,
        metric: str | None = None,
        params: Sequence[str] | str | None = None,
        method: str = "auto",
        random_state: int = 0,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> ParamImportanceDisplay:
        """Compute and plot the importances of several searches in the same axes.

        Parameters
        ----------
        sources : dict of str to object
            The searches by their labels, each as for `from_search`. They may have different parameters.
        metric : str, default=None
            Metric of all searches; by default the one that ranks the candidates of each.
        params, method, random_state : object
            As for `from_search`.
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure.
        **kwargs : dict of str -> object
            Further arguments of `plot`.

        Returns
        -------
        display : ParamImportanceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no source, fewer than four candidates of a search have a score, or an argument is unknown.
        ImportError
            If matplotlib is not installed, or Optuna, if `method` needs it.
        """
        importances = {}
        for label, data in read_sources(sources).items():
            importances[label] = param_importances(
                data, metric=metric, params=params, method=method, random_state=random_state
            )
        return cls(importances).plot(ax=ax, **kwargs)

    def plot(
        self, ax: Axes | None = None, *, max_params: int = 30, bar_kw: Mapping[str, Any] | None = None
    ) -> ParamImportanceDisplay:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; by default those of a new figure, which is higher for more parameters.
        max_params : int, default=30
            Number of parameters to show; the least important ones are left out.
        bar_kw : dict, default=None
            Arguments of ``Axes.barh``.

        Returns
        -------
        display : ParamImportanceDisplay
            The display itself.
        """
        if max_params < 1:
            raise ValueError(f"max_params must be at least 1, got {max_params!r}")
        self.names_ = self._sorted_names()[:max_params]
        n_series = len(self.importances)
        height = 1.2 + len(self.names_) * max(0.28, 0.16 * n_series)
        ax = self._begin(ax, figsize=(6.4, max(2.0, height)))
        self.bars_ = {}
        places = np.arange(len(self.names_), dtype=float)
        thickness = 0.75 / n_series
        for i, (label, series) in enumerate(self.importances.items()):
            shift = (i - (n_series - 1) / 2) * thickness
            widths = [series.get(name, 0.0) for name in self.names_]
            style = {"color": PALETTE[i % len(PALETTE)], "height": thickness, **(bar_kw or {})}
            self.bars_[label] = ax.barh(places + shift, widths, **style)
        self._label(n_series)
        return self

    def _sorted_names(self) -> list[str]:
        """Return the names of all parameters by their mean importance over the series, largest first."""
        totals: dict[str, float] = {}
        for series in self.importances.values():
            for name, value in series.items():
                totals[name] = totals.get(name, 0.0) + value
        return sorted(totals, key=lambda name: -totals[name])

    def _label(self, n_series: int) -> None:
        ax = self.ax_
        ax.set(xlabel="importance", xlim=(0, None))
        if not self.names_:
            no_scores(ax, "no parameter has several values")
        else:
            names = [plain(shorten(name, MAX_NAME)) for name in self.names_]
            ax.set_yticks(range(len(names)), names)
            ax.set_ylim(len(names) - 0.4, -0.6)
            ax.tick_params(axis="y", length=0)
        if n_series == 1:
            ax.bar_label(next(iter(self.bars_.values())), fmt="%.2f", padding=3, fontsize="small")
            ax.set_xlim(0, 1.15 * max([*self._widths(), 0.01]))
        else:
            legend_above(ax, self.bars_)
        tidy(ax)

    def _widths(self) -> list[float]:
        return [value for series in self.importances.values() for value in series.values()]
