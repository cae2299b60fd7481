"""The page that compares several searches: those with the same data, folds and metric are ranked together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from skhpt import plots as displays
from skhpt._html import seconds
from skhpt.inspection.journals import comparable_group
from skhpt.inspection.search_data import SearchData
from skhpt.reporting.page import Cell, Facts, Page, Part, Section, Table, Text, cell
from skhpt.reporting.pictures import draw
from skhpt.reporting.sections import Reported, best_candidate, data_text

Searches = Mapping[str, SearchData]


def comparison_page(
    searches: Searches, *, title: str | None = None, metric: str | None = None, plots: bool = True
) -> Page:
    """Return the page of several searches by their labels."""
    reported = {
        label: Reported(replace(data, label=label), data.checked_metric(metric), with_plots=plots)
        for label, data in searches.items()
    }
    groups = comparable_groups(reported)
    numbers = count(1)
    sections = [Section("Searches", [_table_of_searches(reported, groups)])]
    for i, group in enumerate(groups, start=1):
        name = f"Group {i}: {', '.join(group)}" if len(groups) > 1 else "Comparison"
        sections.append(_group_section(name, group, f"group{next(numbers)}-"))
    sections += [_best_section(label, search) for label, search in reported.items()]
    n = len(groups)
    same = "All are on the same data and folds, with the same metric."
    summary = f"{n} groups; only scores within a group compare." if n > 1 else same
    return Page(title or f"Comparison of {len(reported)} searches", summary, sections)


def comparable_groups(searches: Mapping[str, Reported]) -> list[dict[str, Reported]]:
    """Return the searches in groups with the same data, folds and metric.

    A search that does not know its data, such as a table or a search of scikit-learn, is a group of its own.
    """
    groups: dict[tuple[str, str], dict[str, Reported]] = {}
    for label, search in searches.items():
        group = comparable_group(search.data)
        key = (group, search.metric) if group else ("", label)
        groups.setdefault(key, {})[label] = search
    return list(groups.values())


def _table_of_searches(searches: Mapping[str, Reported], groups: list[dict[str, Reported]]) -> Table:
    head = [
        "search",
        "class",
        "group",
        "state",
        "candidates",
        "failed",
        "metric",
        "best",
        "rank in group",
        "fit time",
    ]
    rows = []
    for i, group in enumerate(groups, start=1):
        ranks = _ranks(group)
        for label, search in group.items():
            data = search.data
            n_failed = sum(state not in ("ok", "eliminated") for state in data.states)
            total = float(sum(fold.fit_time for trial in data.trials for fold in trial.evaluated))
            row = [cell(label), cell(data.search), Cell(str(i)), cell(data.state), Cell(str(data.n_trials))]
            row += [Cell(str(n_failed)), cell(search.metric), Cell(_best_text(search), _best(search))]
            rows.append([*row, Cell(ranks[label]), Cell(seconds(total), total)])
    return Table("All searches", head, rows, sortable=True)


def _ranks(group: Mapping[str, Reported]) -> dict[str, str]:
    """Return the rank of each search in its group; none in a group of one, or without a score."""
    scores = {label: _best(search) for label, search in group.items()}
    known = [score for score in scores.values() if score is not None]
    ranks = {}
    for label, score in scores.items():
        has_rank = len(group) > 1 and score is not None
        ranks[label] = (
            str(1 + sum(other > score for other in known)) if has_rank and score is not None else "–"
        )
    return ranks


def _best(search: Reported) -> float | None:
    row = search.ranking.best
    return None if row is None else float(search.ranking.scores[row])


def _best_text(search: Reported) -> str:
    row = search.ranking.best
    return "–" if row is None else search.score(search.ranking.scores[row], search.ranking.spreads[row])


def _group_section(name: str, group: Mapping[str, Reported], prefix: str) -> Section:
    first = next(iter(group.values()))
    parts: list[Part] = []
    if first.data.fingerprint:
        folds = re.sub(r" #~?\w+", "", first.data.fingerprint.get("folds", ""))
        parts.append(Facts([("data", data_text(first.data)), ("folds", folds), ("metric", first.metric)]))
    else:
        parts.append(
            Text("The data and folds of this search are not known, so it is not ranked with others.")
        )
    drawable = {label: search.data for label, search in group.items() if search.data.n_trials}
    if first.with_plots and drawable:
        caption = "Score of each candidate in the order of the evaluation, and the best score so far."
        parts.append(
            draw(
                displays.SearchHistoryDisplay,
                "from_searches",
                drawable,
                metric=first.metric,
                caption=caption,
                prefix=prefix,
            )
        )
    return Section(name, parts)


def _best_section(label: str, search: Reported) -> Section:
    section = best_candidate(search)
    assert section is not None
    return replace(section, title=f"Best candidate of {label}")
