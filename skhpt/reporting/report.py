"""Reports: HTML pages about one search or several."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, overload

from skhpt._html import Html, clean, escape
from skhpt._optional import import_optional
from skhpt.inspection.search_data import SearchData, Source, read_source
from skhpt.reporting.cleaning import cleaned
from skhpt.reporting.comparison import comparison_page
from skhpt.reporting.page import Page
from skhpt.reporting.sections import SECTIONS, Reported, version_of

Path = str | os.PathLike[str]


class Report:
    """Report that is shown in a notebook, and that can be saved; `report` returns one.

    Attributes
    ----------
    html : str
        The page.
    """

    def __init__(self, html: str):
        self.html = html

    def __repr__(self) -> str:
        return f"<Report of {len(self.html) / 1000:,.0f} kB; save(path) writes it>"

    def _repr_html_(self) -> str:
        """Return the page in a frame, so that neither its style nor its script meets the notebook's."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="Report" sandbox="allow-scripts" '
            'style="width: 100%; height: 45em; border: 1px solid #8884"></iframe>'
        )

    def save(self, path: Path) -> str:
        """Write the page to a file, in place of an earlier one.

        Parameters
        ----------
        path : str or path-like
            The file, in a folder that exists.

        Returns
        -------
        path : str
            Absolute path of the file.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        """
        path = _checked_path(path)
        _write_at_once(path, self.html)
        return path


@overload
def report(
    source: Source, path: None = ..., *, title: str | None = ..., metric: str | None = ..., plots: bool = ...
) -> Report: ...
@overload
def report(
    source: Source, path: Path, *, title: str | None = ..., metric: str | None = ..., plots: bool = ...
) -> str: ...
def report(
    source: Source,
    path: Path | None = None,
    *,
    title: str | None = None,
    metric: str | None = None,
    plots: bool = True,
) -> Report | str:
    """Make an HTML page about a search, or one that compares several searches.

    The page is one file that needs no network: what was searched, the best candidate with the code that builds it,
    pictures, failures with their tracebacks, and a table of all candidates that can be sorted and filtered. What the
    source does not know is left out.

    Parameters
    ----------
    source : estimator, JournalView, path-like, dict, or list or dict of these
        A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table. A list
        of these, or a dict of these by their labels, makes a comparison: searches with the same data, folds and metric
        are ranked together.
    path : str or path-like, default=None
        File for the page; an existing file is replaced. By default no file is written.
    title : str, default=None
        Heading of the page; by default the class of the search.
    metric : str, default=None
        Metric that ranks the candidates; by default the one that the search has used.
    plots : bool, default=True
        Whether the page has pictures, which need matplotlib.

    Returns
    -------
    report : str or Report
        Absolute path of the file; without `path`, an object that a notebook shows, with the page as ``html`` and the
        method ``save``.

    Raises
    ------
    FileNotFoundError
        If the folder of `path` does not exist.
    ImportError
        If Jinja2 or matplotlib is not installed.
    TypeError, ValueError
        If the source is none of these, is not fitted, or lacks the metric.

    See Also
    --------
    read_journals : Sources for a comparison of the searches of a folder.
    skhpt.plots : The pictures alone.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch, report
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearch(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}).fit(X, y)
    >>> page = report(search, plots=False)
    >>> "DecisionTreeClassifier(max_depth=3, random_state=0)" in page.html
    True
    """
    jinja2 = import_optional("jinja2", "report")
    if plots:
        import_optional("matplotlib", "report")
    if path is not None:
        path = _checked_path(path)
    made = Report(_render(_page(source, title=title, metric=metric, plots=plots), jinja2))
    return made if path is None else made.save(path)


def _page(source: Source, *, title: str | None, metric: str | None, plots: bool) -> Page:
    searches = _read_sources(source)
    if isinstance(searches, SearchData):
        return _page_of_one(searches, title=title, metric=metric, plots=plots)
    return comparison_page(searches, title=title, metric=metric, plots=plots)


def _page_of_one(data: SearchData, *, title: str | None, metric: str | None, plots: bool) -> Page:
    search = Reported(data, data.checked_metric(metric), with_plots=plots)
    sections = [section for make in SECTIONS if (section := make(search)) is not None]
    name = f"{data.label} ({data.search})" if data.search not in ("", data.label) else data.label
    return Page(title or f"Report of {name}", _summary(search), sections)


def _summary(search: Reported) -> str:
    data, row = search.data, search.ranking.best
    n = search.ranking.n_candidates
    on_rungs = f" in {data.n_trials} trials" if n != data.n_trials else ""
    texts = [f"{n} candidates{on_rungs} on {data.n_splits} folds"]
    if data.journal is not None:
        states = {"running": "the search is running", "dead": "its process is dead"}
        texts.append(states.get(data.state, "it has ended"))
    if row is not None:
        texts.append(
            f"best {search.metric} {search.score(search.ranking.scores[row], search.ranking.spreads[row])}"
        )
    return "; ".join(texts) + "."


def _read_sources(source: Source) -> SearchData | dict[str, SearchData]:
    """Return the search, or the searches by their labels if the source is a list, or a dict of sources."""
    if isinstance(source, Mapping) and not any(str(name).startswith("mean_test_") for name in source):
        labelled = {str(label): read_source(each, str(label)) for label, each in source.items()}
    elif isinstance(source, (list, tuple)):
        labelled = {}
        for each in source:
            data = read_source(each)
            labelled[_new_label(data.label, labelled)] = data
    else:
        return cleaned(read_source(source))
    if not labelled:
        raise ValueError(f"source must have at least one search, got {source!r}")
    return {clean(label): cleaned(data) for label, data in labelled.items()}


def _new_label(label: str, taken: Mapping[str, Any]) -> str:
    number, new = 1, label
    while new in taken:
        number += 1
        new = f"{label} ({number})"
    return new


# -- files -----------------------------------------------------------------------------------------------------


def _render(page: Page, jinja2: Any) -> str:
    """Return a page as HTML; everything that is not `Html` is escaped."""
    environment = jinja2.Environment(
        autoescape=True, finalize=lambda value: value if hasattr(value, "__html__") else clean(value)
    )
    script = _template("page.js")
    digest = hashlib.sha256(script.encode()).digest()
    text: str = environment.from_string(_template("page.html")).render(
        page=page,
        style=Html(_template("page.css")),
        script=Html(script),
        script_hash=base64.b64encode(digest).decode(),
        version=version_of("skhpt"),
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    return text


@cache
def _template(name: str) -> str:
    return (resources.files("skhpt.reporting") / "templates" / name).read_text(encoding="utf-8")


def _checked_path(path: Path) -> str:
    absolute = os.path.abspath(os.fspath(path))
    folder = os.path.dirname(absolute)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"path={os.fspath(path)!r}: there is no folder {folder!r}")
    if os.path.isdir(absolute):
        raise IsADirectoryError(f"path={os.fspath(path)!r} is a folder; give the name of a file in it")
    return absolute


def _write_at_once(path: str, text: str) -> None:
    """Write a file such that a reader sees the old or the new one, and none that is half written."""
    temporary = f"{path}.{os.getpid()}-{threading.get_ident()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
