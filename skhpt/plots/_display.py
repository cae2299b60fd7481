"""Base class of the displays: the axes that they draw on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional
from skhpt.inspection.search_data import SearchData, Source, read_source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Display:
    """Base class of the displays.

    The constructor of a display takes plain data and keeps them as attributes. Its class method `from_search` makes
    these data of a source (`skhpt.inspection.read_source`) and plots them. `plot` calls `_begin` or `_begin_grid`
    first, draws, keeps the artists as attributes, and returns the display. Only `plot` imports matplotlib.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes that the last `plot` has drawn on; the first of several.
    axes_ : ndarray of matplotlib Axes
        All of these axes; only displays with several axes have it.
    figure_ : matplotlib Figure
        Figure of these axes.
    """

    ax_: Axes
    axes_: np.ndarray
    figure_: Figure

    def _begin(self, ax: Axes | None, *, figsize: tuple[float, float] | None = None) -> Axes:
        """Return the axes to draw on: those that the user gave, or those of a new figure of `figsize` inches."""
        plt = import_optional("matplotlib.pyplot", type(self).__name__)
        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        _check_axes(ax)
        self.ax_ = ax
        self.figure_ = ax.figure  # type: ignore[assignment]  # or a SubFigure
        return ax

    def _begin_grid(
        self,
        ax: Axes | Sequence[Axes] | None,
        cells: Sequence[tuple[int, int]],
        *,
        size: tuple[float, float],
    ) -> np.ndarray:
        """Return axes in the cells (row, column) of a grid, as an array of shape (n_cells,).

        A single axes is divided, several axes are used as they are. `size` is the width and height of each cell of
        a new figure in inches.
        """
        plt = import_optional("matplotlib.pyplot", type(self).__name__)
        n_rows, n_columns = (1 + max(places) for places in zip(*cells))
        if ax is None:
            figure = plt.figure(figsize=(size[0] * n_columns, size[1] * n_rows), layout="constrained")
            grid = figure.add_gridspec(n_rows, n_columns)
            axes = [figure.add_subplot(grid[cell]) for cell in cells]
        elif hasattr(ax, "plot"):
            axes = _divide(ax, cells, n_rows, n_columns)
        else:
            axes = list(np.asarray(ax, dtype=object).ravel())
            if len(axes) != len(cells):
                raise ValueError(f"ax must be one Axes or {len(cells)} of them, got {len(axes)}")
        for each in axes:
            _check_axes(each)
        self.axes_ = np.array(axes, dtype=object)
        self.ax_ = axes[0]
        self.figure_ = axes[0].figure
        return self.axes_


def read_sources(sources: Mapping[str, Source]) -> dict[str, SearchData]:
    """Return the data of several searches by their labels; raise ValueError if there are none."""
    if not isinstance(sources, Mapping) or not sources:
        raise ValueError(f"sources must be a dict of at least one search by its label, got {sources!r}")
    return {str(label): read_source(source) for label, source in sources.items()}


def rows_of(n_axes: int, n_columns: int) -> list[tuple[int, int]]:
    """Return the cells of `n_axes` axes, row by row."""
    return [divmod(i, n_columns) for i in range(n_axes)]


def _divide(ax: Any, cells: Sequence[tuple[int, int]], n_rows: int, n_columns: int) -> list[Axes]:
    """Divide the space of an axes among new axes, as scikit-learn's PartialDependenceDisplay does."""
    _check_axes(ax)
    if len(cells) == 1:
        return [ax]
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError(
            f"ax must be an Axes of a grid, or a sequence of {len(cells)} Axes: it has no subplotspec"
        )
    ax.set_axis_off()
    grid = spec.subgridspec(n_rows, n_columns)
    return [ax.figure.add_subplot(grid[cell]) for cell in cells]


def _check_axes(ax: Any) -> None:
    axes = import_optional("matplotlib.axes", "a display")
    if not isinstance(ax, axes.Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {type(ax).__name__}")
