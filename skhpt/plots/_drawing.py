"""Colours, marks, texts and legends, the same in all displays.

Colours of text and edges come from matplotlib's settings when a display draws, so a dark style stays dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skhpt._optional import import_optional
from skhpt.plots._points import COMPLETE, ELIMINATED, FAILED, INCOMPLETE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

#: Colours that people with all kinds of colour vision tell apart (Petroff 2021, arXiv:2107.02270), on light and dark.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
#: Colours with a meaning: ordinary points, what stands out (best, incumbent, surrogate), failures.
POINT, ACCENT, FAILURE = PALETTE[0], PALETTE[6], "#e42536"
#: Number of points from which on markers are an image inside a vector graphic.
MAX_VECTOR_POINTS = 1000
#: Width of a character of a legend in inches.
LEGEND_CHARACTER = 0.07
#: Mark of a score that lies below the axes.
LOW = "low"
#: What a legend calls the marks.
MARK_NAMES = {
    INCOMPLETE: "part of the resource",
    ELIMINATED: "eliminated",
    LOW: "below the axes",
    FAILED: "failed",
}


def point_style(n_points: int) -> dict[str, Any]:
    """Return size (points), opacity and rasterization of markers; more points are smaller and fainter."""
    if n_points <= 100:
        size, alpha = 5.0, 0.85
    elif n_points <= MAX_VECTOR_POINTS:
        size, alpha = 4.0, 0.6
    else:
        size, alpha = 2.5, 0.35
    return {"markersize": size, "alpha": alpha, "rasterized": n_points > MAX_VECTOR_POINTS}


def score_label(metric: str) -> str:
    """Return the label of an axis with scores."""
    return "mean score" if metric == "score" else f"mean {plain(shorten(metric))}"


def plain(text: str) -> str:
    """Return a text that matplotlib shows as it is: without formulas, and in the legend also with a leading "_"."""
    text = str(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def shorten(text: str, max_length: int = 24) -> str:
    """Return a text of at most `max_length` characters, which keeps its beginning and its end."""
    if len(text) <= max_length:
        return text
    n_end = (max_length - 1) // 3
    return f"{text[: max_length - 1 - n_end]}…{text[-n_end:]}"


def is_dark(ax: Axes) -> bool:
    """Tell whether an axes has a dark background; that of its figure counts where it is transparent."""
    colors = import_optional("matplotlib.colors", "a display")
    red, green, blue, alpha = colors.to_rgba(ax.get_facecolor())
    if alpha < 0.5:
        red, green, blue, alpha = colors.to_rgba(ax.figure.get_facecolor())
    luminance = 0.3 * red + 0.59 * green + 0.11 * blue
    return bool(alpha >= 0.5 and luminance < 0.5)


def contrast_map(ax: Axes, name: str = "viridis", faintest: float = 0.1) -> Colormap:
    """Return a colour map whose upper end has the largest contrast with the background of an axes.

    `name` is a map from dark to bright. The share `faintest` of its range, which is nearest to the background, is left
    out.
    """
    matplotlib = import_optional("matplotlib", "a display")
    colors = import_optional("matplotlib.colors", "a display")
    span = (faintest + 0.1, 1.0) if is_dark(ax) else (1 - faintest, 0.0)
    shades = matplotlib.colormaps[name](np.linspace(*span, 256))
    return colors.ListedColormap(shades, name=f"{name}_contrast")  # type: ignore[no-any-return]


def text_color() -> Any:
    """Return matplotlib's colour of texts: black on a white background, white on a black one."""
    return import_optional("matplotlib", "a display").rcParams["text.color"]


def tidy(ax: Axes) -> None:
    """Remove the upper and right edge of an axes."""
    ax.spines[["top", "right"]].set_visible(False)


def legend_above(ax: Axes, entries: Mapping[str, Any]) -> None:
    """Name artists above an axes, on the right: a factor of its scores, such as 1e6, stands on the left."""
    texts = [plain(shorten(text, 40)) for text in entries]
    room = ax.get_window_extent().width / ax.figure.dpi / LEGEND_CHARACTER
    widths = [6 + len(text) for text in texts]  # with the line and the gap
    n_columns = len(texts) if sum(widths) <= room else max(1, int(room / max(widths)))
    ax.legend(
        list(entries.values()), texts, frameon=False, fontsize="small",
        loc="lower right", bbox_to_anchor=(1, 1), ncols=n_columns, borderaxespad=0.2,
    )  # fmt: skip


def no_scores(ax: Axes, text: str = "no candidate has a score") -> None:
    """Say in the middle of an axes that there is nothing to draw."""
    ax.set_yticks([])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", style="italic")


# -- marks ---------------------------------------------------------------------------------------------------


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


def draw_at_edge(
    ax: Axes,
    positions: np.ndarray,
    *,
    color: Any,
    marker: str,
    style: Mapping[str, Any],
    edge: Literal["lower", "left"] = "lower",
) -> Any:
    """Draw points at the lower or left edge of an axes, whatever the limits of the other axis are."""
    look = {"linestyle": "none", "marker": marker, "color": color, "zorder": 3, "clip_on": False, **style}
    look["markeredgewidth"] = 1.2 if marker == "x" else 0
    at_edge = np.full(len(positions), 0.025)
    if edge == "lower":
        (points,) = ax.plot(positions, at_edge, transform=ax.get_xaxis_transform(), **look)
    else:
        (points,) = ax.plot(at_edge, positions, transform=ax.get_yaxis_transform(), **look)
    return points


def draw_best(ax: Axes, x: Any, y: Any, **style: Any) -> Any:
    """Mark the best candidate with a star, and return it."""
    look = {"marker": "*", "markersize": 12, "color": ACCENT, "markeredgewidth": 0.7}
    look["markeredgecolor"] = text_color()
    (star,) = ax.plot(x, y, linestyle="none", zorder=5, **{**look, **style})
    return star


def _rgba(colors: Any) -> np.ndarray:
    from matplotlib.colors import to_rgba

    return np.asarray(to_rgba(colors) if isinstance(colors, str) else colors)
