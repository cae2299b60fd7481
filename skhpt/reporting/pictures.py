"""Displays as pictures inside a page: SVG whose texts are texts, with ids of their own."""

from __future__ import annotations

import base64
import io
import re
import warnings
from typing import Any
from xml.etree import ElementTree

from skhpt._html import Html, clean
from skhpt._optional import import_optional
from skhpt.reporting.page import Picture

#: Number of points or lines from which on an artist is an image inside the picture.
MAX_VECTOR_POINTS = 300
#: Resolution of such images.
DPI = 144
#: Size of images with all of their colours, in characters.
MAX_FULL_COLOR = 40_000
#: Width below which a picture is not made smaller, in pixels.
MIN_WIDTH = 560
#: Settings of matplotlib: texts remain texts, and the page has the background.
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "skhpt", "font.sans-serif": ["DejaVu Sans", "Arial"]}
#: Elements of a picture; others, such as links, are left out.
ELEMENTS = {
    "svg",
    "g",
    "defs",
    "clipPath",
    "path",
    "rect",
    "use",
    "text",
    "tspan",
    "image",
    "linearGradient",
    "stop",
}

_XLINK = "{http://www.w3.org/1999/xlink}"


def draw(display: type, method: str, *args: Any, caption: str, prefix: str, **kwargs: Any) -> Picture:
    """Return the picture of a display.

    Parameters
    ----------
    display : type
        Class of the display.
    method : {"from_search", "from_searches"}
        Method that draws it; `args` and `kwargs` are its arguments.
    caption : str
        Caption of the picture.
    prefix : str
        Prefix of all ids of the picture, different from those of other pictures of the page.
    """
    plt = import_optional("matplotlib.pyplot", "report")
    with plt.ioff(), plt.style.context("default"), plt.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")  # the browser has other fonts
        warnings.filterwarnings("ignore", message=".*(constrained_layout|tight_layout) not applied")
        figure = getattr(display, method)(*args, **kwargs).figure_
        try:
            svg = svg_of(figure)
        finally:
            plt.close(figure)
    return Picture(inline_svg(svg, prefix=prefix, label=caption), caption)


def svg_of(figure: Any) -> str:
    """Return a figure as SVG; artists with many points are images in it."""
    for artist in figure.findobj(_has_many_points):
        artist.set_rasterized(True)
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, dpi=DPI, metadata={"Date": None})
    return clean(file.getvalue())


def _has_many_points(artist: Any) -> bool:
    if hasattr(artist, "get_xdata"):
        return len(artist.get_xdata(orig=False)) > MAX_VECTOR_POINTS and artist.get_marker() not in (
            "None",
            None,
            "",
        )
    if hasattr(artist, "get_offsets") and len(artist.get_offsets()) > MAX_VECTOR_POINTS:
        return True
    return hasattr(artist, "get_segments") and len(artist.get_segments()) > MAX_VECTOR_POINTS


def inline_svg(svg: str, *, prefix: str, label: str) -> Html:
    """Return SVG for the body of a page.

    The style sheet, which would apply to the whole page, is left out, and ids get a prefix.
    """
    root = ElementTree.fromstring(svg)
    _remove_foreign(root)
    for element in root.iter():
        element.tag = _local_name(element)
        element.attrib = {_attribute(k): _with_prefix(k, v, prefix) for k, v in element.attrib.items()}
        if element.tag == "image":
            element.set("href", _with_few_colors(element.get("href", "")))
    width = float(root.attrib.pop("width").removesuffix("pt")) * 4 / 3
    root.attrib.pop("height")
    root.attrib |= {
        "role": "img",
        "aria-label": label,
        "style": f"width: {width:.0f}px; min-width: {min(width, 560):.0f}px",
    }
    return Html(ElementTree.tostring(root, encoding="unicode"))


def _remove_foreign(parent: ElementTree.Element) -> None:
    for child in list(parent):
        if _local_name(child) in ELEMENTS:
            _remove_foreign(child)
        else:
            parent.remove(child)


def _local_name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attribute(name: str) -> str:
    return "href" if name == f"{_XLINK}href" else name.rpartition("}")[2]


def _with_prefix(name: str, value: str, prefix: str) -> str:
    """Return the value of an attribute with the prefix before the ids that it is or refers to."""
    if name == "id":
        return f"{prefix}{value}"
    if _attribute(name) == "href":
        return re.sub("^#", f"#{prefix}", value)
    return re.sub(r"url\(#", f"url(#{prefix}", value)


def _with_few_colors(link: str) -> str:
    """Return an image, as a link that contains it, with 256 colours if it is large: a third of the size."""
    kind, _, content = link.partition(",")
    if len(content) < MAX_FULL_COLOR:
        return link
    from PIL import Image  # which matplotlib needs, and so is there

    image = Image.open(io.BytesIO(base64.b64decode(content)))
    file = io.BytesIO()
    image.quantize(256, method=2).save(file, format="PNG", optimize=True)  # 2: with transparency
    return f"{kind},{base64.b64encode(file.getvalue()).decode()}"
