"""Colours, sizes and texts of the displays.

Colours of text and edges come from matplotlib's settings when a display draws, so a dark style stays dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._optional import import_optional

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
    return "mean score" if metric == "score" else f"mean {plain(metric)}"


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


def tidy(ax: Axes) -> None:
    """Remove the upper and right edge of an axes."""
    ax.spines[["top", "right"]].set_visible(False)


def no_scores(ax: Axes, text: str = "no candidate has a score") -> None:
    """Say in the middle of an axes that there is nothing to draw."""
    ax.set_yticks([])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", style="italic")
