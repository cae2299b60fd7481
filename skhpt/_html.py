"""Small pieces of HTML for notebooks and reports, and texts of values. Every text that comes in is escaped."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: What neither HTML nor XML can contain: control characters, lone surrogates and two that are no characters.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: Style of the tables in notebooks, which takes the colours of the page around them.
_STYLE = (
    ".skhpt table{border-collapse:collapse;margin:.4em 0}"
    ".skhpt th,.skhpt td{padding:.15em .7em;text-align:left;border-bottom:1px solid #8884}"
    ".skhpt .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".skhpt caption{text-align:left;font-weight:600;padding:.2em 0}"
    ".skhpt pre{white-space:pre-wrap;max-height:24em;overflow:auto}"
    ".skhpt summary{cursor:pointer}"
)


class Html(str):
    """Text that is HTML already; all other texts are escaped."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def clean(text: Any) -> str:
    """Return an object as a text without characters that HTML cannot contain."""
    return _NOT_TEXT.sub("\ufffd", str(text))


def escape(value: Any) -> Html:
    """Return a value as HTML: `Html` as it is, every other object as an escaped text."""
    return value if isinstance(value, Html) else Html(html.escape(clean(value)))


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: Any = "") -> Html:
    """Return a table; columns whose cells are all numbers are aligned to the right."""
    rows = [list(row) for row in rows]
    numeric = [bool(rows) and all(looks_numeric(row[i]) for row in rows) for i in range(len(head))]
    attributes = [' class="number"' if is_numeric else "" for is_numeric in numeric]
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption>{escape(caption)}</caption>")
    titles = [f'<th scope="col"{a}>{escape(cell)}</th>' for cell, a in zip(head, attributes)]
    parts.append(f"<thead><tr>{''.join(titles)}</tr></thead><tbody>")
    for row in rows:
        cells = [f"<td{a}>{escape(cell)}</td>" for cell, a in zip(row, attributes)]
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return Html("".join([*parts, "</tbody></table>"]))


def facts(pairs: Iterable[tuple[Any, Any]]) -> Html:
    """Return a table of names and values."""
    rows = [f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in pairs]
    return Html(f"<table><tbody>{''.join(rows)}</tbody></table>")


def details(summary: Any, content: Any) -> Html:
    """Return content that is folded under a summary."""
    return Html(f"<details><summary>{escape(summary)}</summary>{escape(content)}</details>")


def paragraph(text: Any) -> Html:
    """Return a paragraph."""
    return Html(f"<p>{escape(text)}</p>")


def code(text: Any) -> Html:
    """Return a text in a fixed-width font with its line breaks."""
    return Html(f"<pre><code>{escape(text)}</code></pre>")


def box(title: Any, *parts: Any) -> str:
    """Return what a notebook shows for an object: a title and parts, with their style."""
    content = "".join(escape(part) for part in parts)
    return f'<div class="skhpt"><style>{_STYLE}</style><strong>{escape(title)}</strong>{content}</div>'


def looks_numeric(cell: Any) -> bool:
    """Tell whether a cell is empty, or a number or the text of one with a unit at most."""
    return (
        re.fullmatch(r"([-+−]?[\d,]+\.?\d*(e[-+]?\d+)?|nan|–)?( (ms|s|min|h|%|±.*))?", str(cell)) is not None
    )


# -- texts -----------------------------------------------------------------------------------------------------


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with significant digits; a dash for NaN and None."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{digits}g}" if abs(value) < 1e-2 or abs(value) >= 1e4 else f"{value:.4f}"


def seconds(value: float | None) -> str:
    """Return a duration with a unit; a dash for NaN and None."""
    if value is None or math.isnan(value):
        return "–"
    if value < 1:
        return f"{1000 * value:.1f} ms"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def shown(value: Any, max_length: int = 60) -> str:
    """Return a parameter value as a short text on one line: strings without quotes, numbers with four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = clean(" ".join(text.split()))
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def params_text(params: Mapping[str, Any], max_length: int = 200) -> str:
    """Return parameters as a text on one line, such as "C=1.5, kernel=rbf"."""
    text = ", ".join(f"{clean(name)}={shown(value)}" for name, value in params.items())
    return text if len(text) <= max_length else text[: max_length - 1] + "…"
