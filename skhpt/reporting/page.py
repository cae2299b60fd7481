"""The content of a report as values, which the templates lay out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from skhpt._html import Html, looks_numeric, shown


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Note:
    """A paragraph in small type: what is left out, and why."""

    text: str
    kind: ClassVar[str] = "note"


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    pairs: Sequence[tuple[str, Any]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Code:
    """Text in a fixed-width font, such as Python code or a traceback."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Picture:
    """A picture with its caption; the caption is also its text for those who cannot see it."""

    svg: Html
    caption: str
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Cell:
    """Cell of a table: its text, and a number to sort by if the text is rounded."""

    text: str
    number: float | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    caption : str
        What the table shows.
    head : list of str
        Names of the columns.
    rows : list of list of Cell
        The cells.
    sortable : bool
        Whether the reader can sort and filter the rows.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = False
    kind: ClassVar[str] = "table"

    @property
    def numeric(self) -> list[bool]:
        """Whether the columns are aligned to the right, as numbers are."""
        return [
            bool(self.rows) and all(looks_numeric(r[i].text) for r in self.rows)
            for i in range(len(self.head))
        ]


@dataclass(frozen=True)
class Folded:
    """Parts that are shown when the reader opens them."""

    summary: str
    parts: Sequence[Part]
    kind: ClassVar[str] = "folded"


Part: TypeAlias = Text | Note | Facts | Code | Picture | Table | Folded


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes
    ----------
    title : str
        Its heading.
    parts : list of Part
        Its content.
    """

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    title : str
        Its heading.
    summary : str
        One line below the heading.
    sections : list of Section
        Its sections.
    """

    title: str
    summary: str
    sections: Sequence[Section] = field(default_factory=list)


def cell(value: Any) -> Cell:
    """Return the cell of a parameter value or another object."""
    return Cell(shown(value))
