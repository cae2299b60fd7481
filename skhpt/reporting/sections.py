"""The sections of the report of one search. Each is a function of the search that returns a section, or None."""

from __future__ import annotations

import copy
import platform
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from itertools import count, islice
from typing import Any, TypeAlias

import numpy as np

from skhpt import plots
from skhpt._html import number, params_text, seconds, shown
from skhpt.inspection.search_data import SearchData
from skhpt.reporting.best_code import call_of, changed_params, code_of
from skhpt.reporting.page import (
    Cell,
    Code,
    Facts,
    Folded,
    Note,
    Part,
    Section,
    Table,
    Text,
    cell,
)
from skhpt.reporting.pictures import draw
from skhpt.reporting.ranking import Ranking
from skhpt.results.leaderboard import score_text
from skhpt.space.summary import ParamSummary, is_number
from skhpt.trial import FoldScore, Trial

#: Largest number of parameters for pictures of pairs.
MAX_PAIRED = 4
#: Largest number of rows of the leaderboard.
MAX_ROWS = 5000
#: Largest number of groups of failures, and of characters of a traceback.
MAX_FAILURES, MAX_TRACEBACK = 20, 10_000


@dataclass(frozen=True)
class Reported:
    """A search of which a report is made.

    Attributes
    ----------
    data : SearchData
        Its results.
    metric : str
        Metric that ranks the candidates.
    with_plots : bool
        Whether the report has pictures.
    """

    data: SearchData
    metric: str
    with_plots: bool = True
    _numbers: Any = field(default_factory=lambda: count(1), repr=False, compare=False)

    @cached_property
    def ranking(self) -> Ranking:
        """The candidates in their order."""
        return Ranking(self.data, self.metric)

    def score(self, value: float, spread: float | None = None) -> str:
        """Return the text of a score with its spread over the folds."""
        has_spread = spread is not None and not np.isnan(spread) and self.data.n_splits > 1
        if spread is None or not has_spread:
            return number(value)
        return f"{number(value)} ± {score_text(spread, abs(value))}"

    def picture(self, display: str, caption: str, **kwargs: Any) -> list[Part]:
        """Return the picture of a display of `skhpt.plots`, or why there is none; nothing without pictures."""
        if not self.with_plots:
            return []
        prefix = f"picture{next(self._numbers)}-"
        display_class = getattr(plots, display)
        try:
            return [draw(display_class, "from_search", self.data, caption=caption, prefix=prefix, **kwargs)]
        except ValueError as error:  # the display says what it lacks
            return [Note(f"Not shown: {error}.")]


SectionOf: TypeAlias = Callable[[Reported], Section | None]


# -- the best candidate and the search -------------------------------------------------------------------------


def best_candidate(search: Reported) -> Section | None:
    """Score and parameters of the best candidate, and the code that builds it."""
    data, row = search.data, search.ranking.best
    if row is None:
        return Section("Best candidate", [Text(_why_no_best(data))])
    params = data.params[row]
    pairs: list[tuple[str, Any]] = [(f"mean {search.metric}", _mean_score(search, row, search.metric))]
    pairs += [
        (f"mean {name}", _mean_score(search, row, name)) for name in data.metrics if name != search.metric
    ]
    pairs += _corrected_score(search, row) + _corrected_gain(search, row)
    pairs += [
        ("mean fit time", seconds(data.fit_times[row])),
        ("candidate", data.trials[row].candidate.number),
    ]
    table = Table("Its parameters", ["parameter", "value"], [[cell(k), cell(v)] for k, v in params.items()])
    parts: list[Part] = [Facts(pairs), *([table] if params else [])]
    return Section("Best candidate", [*parts, *_code(data, params)])


def _why_no_best(data: SearchData) -> str:
    if data.n_trials == 0:
        return "No candidate is finished yet."
    return f"None of the {data.n_trials} candidates has a score."


def _mean_score(search: Reported, row: int, metric: str) -> str:
    spread = float(search.ranking.spreads_of(metric)[row])
    n = len(search.data.trials[row].evaluated)
    folds = f" (mean and standard deviation over {n} folds)" if n > 1 else " (one fold)"
    return search.score(float(search.data.scores(metric)[row]), spread) + folds


def _corrected_score(search: Reported, row: int) -> list[tuple[str, Any]]:
    """Return the corrected score of the candidate that the search has chosen, if predictions were kept."""
    fitted = search.data.fitted
    if row != search.data.best_index or not getattr(fitted, "return_predictions", False):
        return []
    corrected = getattr(fitted, "corrected_score_", None)
    if corrected is None:
        return []
    text = (
        f"{number(corrected.score)} (95 % interval {number(corrected.low)} to {number(corrected.high)}): expected on "
        f"new data, since the best of {corrected.n_candidates} candidates was chosen; optimism "
        f"{number(corrected.optimism)}"
    )
    return [("corrected score", text)]


def _corrected_gain(search: Reported, row: int) -> list[tuple[str, Any]]:
    """Return the gain of the candidate that the search has chosen, if the estimator as it is was evaluated."""
    gain = getattr(search.data.fitted, "corrected_gain_", None)
    if row != search.data.best_index or gain is None:
        return []
    return [("gain over the estimator as it is", str(gain))]


def _code(data: SearchData, params: dict[str, Any]) -> list[Part]:
    """Return the code that builds an estimator with parameters, as far as the source knows the estimator."""
    estimator = estimator_of(data)
    if estimator is None:
        return [Text("Set its parameters on your estimator:"), Code(call_of(params))] if params else []
    try:
        configured = copy.deepcopy(estimator).set_params(**copy.deepcopy(params))
    except Exception:  # of an object of the user that cannot be copied
        return [Text("Set its parameters on your estimator:"), Code(call_of(params))]
    return [Text("Code that builds it:"), Code(code_of(configured))]


def estimator_of(data: SearchData) -> Any:
    """Return the estimator of a fitted search, as the user gave it; None for other sources."""
    return getattr(data.settings or data.fitted, "estimator", None)


def what_was_searched(search: Reported) -> Section:
    """The search, its data and folds, and its space."""
    data = search.data
    pairs: list[tuple[str, Any]] = [("search", data.search or "a table of results"), *_settings(data)]
    pairs.append(("estimator", _estimator_text(data)))
    pairs.append(("data", data_text(data)))
    pairs += [
        ("folds", data.n_splits),
        ("metric", ", ".join(data.metrics)),
        ("trials" if data.resource else "candidates", _counts(data)),
    ]
    pairs.append(("end", data.stop_reason.replace("_", " ")))
    if data.resource:
        pairs.append(("resource", data.resource))
    pairs += _times(data)
    parts: list[Part] = [Facts([(name, value) for name, value in pairs if value != ""])]
    return Section("Search", [*parts, *_space_tables(data)])


def _settings(data: SearchData) -> list[tuple[str, str]]:
    """Return the parameters of the search that are not the defaults."""
    if not hasattr(data.fitted, "get_params"):
        return []
    left_out = ("estimator", "param_grid", "param_distributions", "candidates")
    changed = {k: v for k, v in changed_params(data.fitted).items() if k not in left_out}
    return [("settings", ", ".join(f"{name}={shown(value, 40)}" for name, value in changed.items()))]


def _estimator_text(data: SearchData) -> str:
    estimator = estimator_of(data)
    if estimator is not None:
        return shown(estimator, 400)
    described = (data.fingerprint or {}).get("estimator", "")
    outer, *inner = re.findall(r"(\w+)\{", described) or [described]
    return shown(f"{outer} ({', '.join(inner)})" if inner else outer, 400)


def data_text(data: SearchData) -> str:
    """Return the description of the data, without hashes; empty if it is not known."""
    return re.sub(r" #~?\w+", "", (data.fingerprint or {}).get("data", ""))


def _counts(data: SearchData) -> str:
    n_planned = data.n_planned
    of_planned = f" of {n_planned} planned" if n_planned and n_planned != data.n_trials else ""
    states = [str(state) for state in data.states]
    names = [name for name in dict.fromkeys(states) if name != "ok"]
    others = ", ".join(f"{states.count(name)} {name}" for name in names)
    return f"{data.n_trials} finished{of_planned}" + (f" ({others})" if others else "")


def _times(data: SearchData) -> list[tuple[str, str]]:
    folds = [fold for trial in data.trials for fold in trial.folds if fold.state != "skipped"]
    pairs = [("total fit time", seconds(sum(fold.fit_time for fold in folds)))] if folds else []
    began, ended = [f.started for f in folds if f.started], [f.ended for f in folds if f.ended]
    if began and ended:
        pairs.append(("first to last fit", seconds(max(ended) - min(began))))
    started = data.started or (datetime.fromtimestamp(min(began), UTC) if began else None)
    return [("started", f"{started:%Y-%m-%d %H:%M:%S} UTC"), *pairs] if started else pairs


def _space_tables(data: SearchData) -> list[Part]:
    branches = [branch for branch in data.space if branch]
    if not branches:
        branches = [data.summaries] if data.summaries else []
    known = bool(data.space)
    tables: list[Part] = []
    for i, branch in enumerate(branches):
        name = "Space" if known else "Values of the candidates"
        caption = f"{name}, branch {i + 1} of {len(branches)}" if len(branches) > 1 else name
        rows = [[cell(parameter), *_summary_cells(summary)] for parameter, summary in branch.items()]
        tables.append(Table(caption, ["parameter", "kind", "values", "scale"], rows))
    return tables


def _summary_cells(summary: ParamSummary) -> list[Cell]:
    if summary.low is not None and summary.high is not None:
        values = f"{summary.low:.6g} to {summary.high:.6g}"
    else:
        values = ", ".join(shown(choice, 30) for choice in summary.choices[:12])
        more = summary.n_choices - min(12, len(summary.choices))
        values += f", and {more} more" if more > 0 else ""
    has_scale = summary.kind != "categorical" or all(map(is_number, summary.choices))
    scale = ("logarithmic" if summary.log else "linear") if has_scale else ""
    return [Cell(summary.kind), Cell(values), Cell(scale)]


# -- pictures --------------------------------------------------------------------------------------------------


def history(search: Reported) -> Section | None:
    """Scores in the order of the evaluation."""
    if search.data.n_trials == 0:
        return None
    caption = "Score of each candidate in the order of the evaluation, and the best score so far."
    return _pictures("History", search.picture("SearchHistoryDisplay", caption, metric=search.metric))


def importance(search: Reported) -> Section | None:
    """How much each parameter mattered."""
    if len(search.data.varying_params) < 2 or search.ranking.best is None:
        return None
    caption = "Importance of the parameters: their part of the differences between the scores."
    return _pictures("Importance", search.picture("ParamImportanceDisplay", caption, metric=search.metric))


def slices(search: Reported) -> Section | None:
    """Scores by parameter."""
    if not search.data.varying_params or search.ranking.best is None:
        return None
    return _pictures(
        "Parameters", search.picture("SearchSliceDisplay", "Score by parameter.", metric=search.metric)
    )


def pairs(search: Reported) -> Section | None:
    """Scores by pairs of parameters, if there are few."""
    names = search.data.varying_params
    if not 2 <= len(names) <= MAX_PAIRED or search.ranking.best is None:
        return None
    caption = "Score by two parameters."
    return _pictures(
        "Pairs of parameters", search.picture("SearchPairDisplay", caption, metric=search.metric)
    )


def parallel_coordinates(search: Reported) -> Section | None:
    """All parameters of each candidate as a line."""
    if len(search.data.varying_params) < 2 or search.ranking.best is None:
        return None
    caption = "Each line is a candidate: its parameters and its score."
    return _pictures(
        "Parallel coordinates",
        search.picture("ParallelCoordinatesDisplay", caption, metric=search.metric),
    )


def rungs(search: Reported) -> Section | None:
    """Scores by resource, of a search with rungs."""
    if not any("rung" in trial.candidate.info for trial in search.data.trials):
        return None
    caption = "Score on each rung; lines join the rungs of a candidate."
    return _pictures("Rungs", search.picture("RungDisplay", caption, metric=search.metric))


def pareto(search: Reported) -> Section | None:
    """Two metrics against each other, of a search with several."""
    others = [name for name in search.data.metrics if name != search.metric]
    if not others or search.ranking.best is None:
        return None
    caption = "Candidates by two metrics, and those that no other candidate exceeds in both."
    return _pictures("Metrics", search.picture("ParetoDisplay", caption, metric=search.metric, x=others[0]))


def timeline(search: Reported) -> Section | None:
    """When each worker fitted."""
    if not np.isfinite(search.data.ended).any():
        return None
    return _pictures("Timeline", search.picture("TimelineDisplay", "Fits of each worker over time."))


def _pictures(title: str, parts: Sequence[Part]) -> Section | None:
    return Section(title, parts) if parts else None


# -- tables ----------------------------------------------------------------------------------------------------


def failures(search: Reported) -> Section | None:
    """Failures with their tracebacks, grouped by the last line, and the number of eliminated candidates."""
    trials = search.data.trials
    groups: dict[str, list[tuple[Trial, FoldScore]]] = defaultdict(list)
    for trial in trials:
        for fold in trial.evaluated:
            if fold.state != "ok":
                groups[_with_sorted_sets(_last_line(fold))].append((trial, fold))
    n_eliminated = sum(trial.was_eliminated for trial in trials)
    parts: list[Part] = []
    if n_eliminated:
        parts.append(
            Text(f"A race eliminated {n_eliminated} of {len(trials)} candidates after a part of the folds.")
        )
    by_size = sorted(groups.items(), key=lambda item: -len(item[1]))
    parts += [_failure(line, failed) for line, failed in by_size[:MAX_FAILURES]]
    if len(by_size) > MAX_FAILURES:
        parts.append(Text(f"{len(by_size) - MAX_FAILURES} further kinds of failures are not shown."))
    return (
        Section("Failures and eliminated candidates" if n_eliminated else "Failures", parts)
        if parts
        else None
    )


def _last_line(fold: FoldScore) -> str:
    return fold.error_line or f"no traceback ({fold.state})"


def _with_sorted_sets(line: str) -> str:
    """Return a line with the items of each set in order; workers print them in different orders."""
    return re.sub(r"\{([^{}]*)\}", lambda match: f"{{{', '.join(sorted(match[1].split(', ')))}}}", line)


def _failure(line: str, failed: Sequence[tuple[Trial, FoldScore]]) -> Folded:
    """Return the failures with one last line: how many, an example, and its traceback."""
    trial, fold = failed[0]
    numbers = list(dict.fromkeys(trial.candidate.number for trial, _ in failed))
    more = f", and {len(numbers) - 20} more" if len(numbers) > 20 else ""
    pairs = [
        ("state", fold.state),
        ("folds", len(failed)),
        ("candidates", ", ".join(map(str, numbers[:20])) + more),
        (f"candidate {trial.candidate.number}", params_text(trial.candidate.params, 500)),
    ]
    traceback = [Code(fold.error[-MAX_TRACEBACK:])] if fold.error else []
    return Folded(
        f"{shown(line, 200)} ({len(failed)} folds, {len(numbers)} candidates)", [Facts(pairs), *traceback]
    )


def leaderboard(search: Reported) -> Section | None:
    """All candidates, the best first."""
    data, ranking = search.data, search.ranking
    if not data.n_trials:
        return None
    others = {name: data.scores(name) for name in data.metrics if name != search.metric}
    spread_heads = ["std"] if data.n_splits > 1 else []
    head = ["rank", "candidate", search.metric, *spread_heads, *others, "fit time", "state"]
    head += [*_resources(data), *data.summaries]
    best = islice(ranking.ranked(), MAX_ROWS)
    rows = [_leaderboard_row(search, rank, row, list(others.values())) for rank, row in best]
    caption = f"{len(rows)} candidates, the best first"
    if ranking.n_candidates > MAX_ROWS:
        caption += f"; {ranking.n_candidates - MAX_ROWS} further candidates are not shown"
    return Section("Leaderboard", [Table(caption, head, rows, sortable=True)])


def _resources(data: SearchData) -> list[str]:
    """Return the names of what the candidates of a search with rungs are given."""
    return [name for name in ("n_resources", "n_folds") if name in data.trials[0].candidate.info]


def _leaderboard_row(search: Reported, rank: int, row: int, others: Sequence[np.ndarray]) -> list[Cell]:
    """Return the cells of a candidate; `others` are the scores of the other metrics."""
    data, ranking = search.data, search.ranking
    candidate, params = data.trials[row].candidate, data.params[row]
    cells = [Cell(str(rank)), Cell(str(candidate.number)), _score_cell(ranking.scores[row])]
    if data.n_splits > 1:
        cells.append(_spread_cell(ranking.spreads[row], ranking.scores[row]))
    cells += [_score_cell(scores[row]) for scores in others]
    cells.append(Cell(seconds(data.fit_times[row]), _sortable(data.fit_times[row])))
    cells.append(Cell(str(data.states[row])))
    cells += [cell(candidate.info.get(name)) for name in _resources(data)]
    return cells + [cell(params[name]) if name in params else Cell("") for name in data.summaries]


def _score_cell(score: float) -> Cell:
    return Cell(number(score), _sortable(score))


def _spread_cell(spread: float, score: float) -> Cell:
    """Return the cell of a spread with as many decimals as the score."""
    return Cell("–" if np.isnan(spread) else score_text(float(spread), abs(float(score))), _sortable(spread))


def _sortable(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def shared_fits(search: Reported) -> Section | None:
    """The fits that candidates shared."""
    report = getattr(search.data.fitted, "reuse_report_", None)
    if report is None or not (report.plan.parts or str(report)):
        return None
    parts: list[Part] = []
    if report.plan.parts:
        rows = [
            [Cell(name), Cell(str(n)), Cell(str(n_fits))] for name, (n, n_fits) in report.plan.parts.items()
        ]
        parts += [Text(report.summary()), Table("Plan", ["part", "candidates", "fits per fold"], rows)]
    parts += [Text(line) for line in report.plan.reasons()]
    parts += [Text(f"{n} candidates were evaluated separately: {why}") for why, n in report.declined.items()]
    return Section("Shared fits", parts) if parts else None


def events(search: Reported) -> Section | None:
    """State of a search, and events in its journal."""
    journal = search.data.journal
    if journal is None:
        return None
    pairs = [
        ("journal", journal.path),
        ("state", search.data.state),
        ("last sign of life", f"{journal.last_sign:%Y-%m-%d %H:%M:%S} UTC"),
        ("unfinished candidates", journal.n_pending),
    ]
    rows = [[Cell(f"{journal.started:%Y-%m-%d %H:%M:%S}"), Cell("started"), Cell("")]]
    for event in journal.events:
        described = ", ".join(f"{name}: {shown(value)}" for name, value in event.facts.items())
        rows.append([Cell(f"{event.time:%Y-%m-%d %H:%M:%S}"), cell(event.what), Cell(described)])
    return Section(
        "Course of the search", [Facts(pairs), Table("Events", ["time (UTC)", "event", "details"], rows)]
    )


def versions(search: Reported) -> Section | None:
    """Versions of the packages: those that the journal has stored, or else those that are installed."""
    stored = (search.data.fingerprint or {}).get("versions", "")
    found = [text.rpartition(" ") for text in stored.split(", ") if " " in text]
    pairs = [(name, version) for name, _, version in found]
    journal = search.data.journal
    own = journal.version if journal is not None else version_of("skhpt")
    if pairs and own:
        pairs.append(("skhpt", own))
    if not pairs:
        pairs = [("Python", platform.python_version())]
        pairs += [(name, version_of(name)) for name in ("skhpt", "scikit-learn", "numpy", "scipy")]
    return Section("Versions", [Facts(pairs)])


def version_of(package: str) -> str:
    """Return the version of a package; an empty text if it is used without being installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


#: The sections in the order of the page.
SECTIONS: list[SectionOf] = [
    best_candidate,
    what_was_searched,
    history,
    importance,
    slices,
    pairs,
    parallel_coordinates,
    rungs,
    pareto,
    timeline,
    failures,
    leaderboard,
    shared_fits,
    events,
    versions,
]
