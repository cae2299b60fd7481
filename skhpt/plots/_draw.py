"""Drawing of trials, the same in all displays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt.plots._points import COMPLETE, ELIMINATED, FAILED, INCOMPLETE
from skhpt.plots._style import ACCENT, FAILURE, POINT, point_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Mark of a score that lies below the axes.
LOW = "low"
#: What a legend calls the marks.
MARK_NAMES = {
    INCOMPLETE: "part of the resource",
    ELIMINATED: "eliminated",
    LOW: "below the axes",
    FAILED: "failed",
}


def draw_trials(
    ax: Axes,
    x: np.ndarray,
    scores: np.ndarray,
    status: np.ndarray,
    *,
    colors: Any,
    floor: float = -np.inf,
    point_kw: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Draw trials as points, and return the artists of the complete trials and of each other status that occurs.

    Incomplete trials are faint, eliminated ones hollow. Failed trials are crosses at the lower edge of the axes, and
    scores below `floor` triangles. `colors` is a colour or an array of shape (n_trials, 4); `point_kw` are arguments of
    ``Axes.scatter`` for the complete trials.
    """
    style = point_style(len(x))
    colors = np.broadcast_to(_rgba(colors), (len(x), 4))
    size, alpha = style["markersize"] ** 2, style["alpha"]
    looks: dict[str, dict[str, Any]] = {
        INCOMPLETE: {"linewidths": 0, "alpha": alpha * 0.5, "s": size * 0.7},
        ELIMINATED: {"linewidths": 1, "alpha": alpha},
        COMPLETE: {"linewidths": 0, "alpha": alpha, "s": size, **(point_kw or {})},
    }
    is_low = scores < floor
    marks: dict[str, Any] = {}
    for name, look in looks.items():
        rows = (status == name) & ~is_low & np.isfinite(x)
        if not rows.any() and name != COMPLETE:
            continue
        look = {"s": size, "zorder": 2, "rasterized": style["rasterized"], **look}
        if name == ELIMINATED:
            look |= {"facecolors": "none", "edgecolors": colors[rows]}
        elif not {"c", "color", "facecolors"} & look.keys():
            look["color"] = colors[rows]
        marks[name] = ax.scatter(x[rows], scores[rows], **look)
    for name, rows, color, marker in (
        (LOW, is_low, POINT, "v"),
        (FAILED, status == FAILED, FAILURE, "x"),
    ):
        if rows.any():
            marks[name] = draw_at_edge(ax, x[rows], color=color, marker=marker, style=style)
    return marks


def draw_at_edge(ax: Axes, x: np.ndarray, *, color: Any, marker: str, style: Mapping[str, Any]) -> Any:
    """Draw points at the lower edge of an axes, whatever the limits of its y axis are."""
    look = {"linestyle": "none", "marker": marker, "color": color, "zorder": 3, "clip_on": False, **style}
    look["markeredgewidth"] = 1.2 if marker == "x" else 0
    (points,) = ax.plot(x, np.full(len(x), 0.025), transform=ax.get_xaxis_transform(), **look)
    return points


def draw_best(ax: Axes, x: Any, y: Any, **style: Any) -> Any:
    """Mark the best candidate with a star, and return it."""
    from matplotlib import rcParams

    edge = rcParams["text.color"]  # black on white, white on black
    look = {"marker": "*", "markersize": 12, "color": ACCENT, "markeredgecolor": edge, "markeredgewidth": 0.7}
    (star,) = ax.plot(x, y, linestyle="none", zorder=5, **{**look, **style})
    return star


def _rgba(colors: Any) -> np.ndarray:
    from matplotlib.colors import to_rgba

    return np.asarray(to_rgba(colors) if isinstance(colors, str) else colors)
