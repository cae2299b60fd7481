"""Trials of a search as Optuna counts them: one for each candidate, whatever number of rungs it reaches."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from skhpt._typing import Params
from skhpt.history import History
from skhpt.inspection.search_data import SearchData
from skhpt.space.summary import plain_choice
from skhpt.trial import Candidate, FoldScore, Trial

StudyState = Literal["complete", "pruned", "failed", "running", "waiting"]


@dataclass(frozen=True, kw_only=True)
class StudyTrial:
    """A candidate with all of its scores.

    Attributes
    ----------
    candidate : int
        Number of the candidate.
    n_rungs : int
        Number of its finished trials: 0 or 1, or more in a search with rungs.
    params : dict of str to object
        Parameters as numbers, None, booleans or texts.
    state : {"complete", "pruned", "failed", "running", "waiting"}
        "pruned" for a candidate that a race eliminated or that was not promoted, "waiting" for one that was asked
        for, of a search that does not run.
    values : list of float or None
        Scores, one for each metric of the study; None without a score.
    steps : dict of int to float
        Intermediate scores: by the number of the fold, or by the resource of each rung.
    attributes : dict of str to object
        Facts about the candidate, as JSON values.
    started, ended : float
        Times in Unix seconds; 0 if they are not known.
    seconds : float
        Sum of the times of all fits and scores.
    """

    candidate: int
    n_rungs: int
    params: Params
    state: StudyState
    values: list[float] | None
    steps: Mapping[int, float]
    attributes: Mapping[str, Any]
    started: float
    ended: float
    seconds: float


@dataclass
class _Entry:
    """A candidate with its finished trials on all rungs, and the folds of a pending one."""

    number: int
    trials: list[Trial] = field(default_factory=list)
    pending: Candidate | None = None
    pending_folds: Sequence[FoldScore] = ()

    @property
    def last(self) -> Candidate:
        """Candidate on the highest rung."""
        return self.pending or self.trials[-1].candidate

    @property
    def folds(self) -> list[FoldScore]:
        """Evaluated folds on all rungs."""
        return [*(fold for trial in self.trials for fold in trial.evaluated), *self.pending_folds]


def study_trials(
    data: SearchData, metrics: Sequence[str], without: Collection[tuple[int, int]] = ()
) -> Iterator[StudyTrial]:
    """Yield the candidates of a search in the order in which they were asked for.

    While the search runs, those without any score are left out.

    Parameters
    ----------
    data : SearchData
        The search.
    metrics : sequence of str
        Metrics of the study.
    without : collection of (int, int)
        Candidates to leave out, if the number of their finished trials is the second number.
    """
    entries = _entries(data)
    open_rungs = _open_rungs(data, entries)
    for entry in entries:
        if data.state == "running" and not entry.folds:
            continue
        if entry.pending is not None or (entry.number, len(entry.trials)) not in without:
            yield _study_trial(data, entry, metrics, open_rungs)


def history_of(data: SearchData) -> History | None:
    """Return the history of a search with its pending candidates; None for a table."""
    if data.journal is not None:
        return data.journal.history
    return getattr(data.fitted, "history_", None)


def plain_params(params: Params) -> Params:
    """Return parameters as numbers, None, booleans and texts."""
    return {name: plain_choice(value) for name, value in params.items()}


# -- candidates on their rungs -------------------------------------------------------------------------------


def _entries(data: SearchData) -> list[_Entry]:
    """Return the candidates with their trials on all rungs."""
    entries: dict[int, _Entry] = {}
    for trial in data.trials:
        _entry_of(trial.candidate, entries).trials.append(trial)
    history = history_of(data)
    if history is not None:
        for pending in history.pending:
            entry = _entry_of(pending, entries)
            entry.pending = pending
            entry.pending_folds = list(history.folds_of(pending.id).values())
    return sorted(entries.values(), key=lambda entry: entry.number)


def _entry_of(candidate: Candidate, entries: dict[int, _Entry]) -> _Entry:
    """Return the entry that a trial of a candidate belongs to, a new one for the first trial."""
    return entries.setdefault(candidate.number, _Entry(candidate.number))


def _has_rungs(candidate: Candidate) -> bool:
    return candidate.resource is not None or "candidate_id" in candidate.info


def _budget(candidate: Candidate) -> tuple[int, int]:
    """Return the resource and the number of folds that a candidate of a search with rungs is given."""
    info = candidate.info
    return info.get("n_resources", candidate.resource or 0), info.get("n_folds", 0)


def _open_rungs(data: SearchData, entries: Sequence[_Entry]) -> set[tuple[int, tuple[int, int]]]:
    """Return the bracket and budget of the rungs of a running search from which candidates may be promoted yet.

    A rung is closed when it and the rungs below have no pending trial, and one of a higher rung is finished.
    """
    if data.state != "running":
        return set()
    rungs = {(trial.candidate.bracket_id, _budget(trial.candidate)) for e in entries for trial in e.trials}
    pending = {(e.pending.bracket_id, _budget(e.pending)) for e in entries if e.pending is not None}
    highest = dict(sorted(rungs))  # the last one of each bracket
    return {
        (bracket, budget)
        for bracket, budget in rungs
        if budget == highest[bracket] or any(b == bracket and other <= budget for b, other in pending)
    }


# -- trials of the study -------------------------------------------------------------------------------------


def _study_trial(
    data: SearchData, entry: _Entry, metrics: Sequence[str], open_rungs: Collection[Any]
) -> StudyTrial:
    values = [_score(data, entry.trials[-1], metric) for metric in metrics] if entry.trials else []
    has_values = bool(values) and not any(map(math.isnan, values))
    state = _state(data, entry, open_rungs, has_values)
    folds = entry.folds
    return StudyTrial(
        candidate=entry.number,
        n_rungs=len(entry.trials),
        params=plain_params(entry.last.params),
        state=state,
        values=values if state in ("complete", "pruned") and has_values else None,
        steps=_steps(data, entry, metrics[0]),
        attributes=_attributes(data, entry, metrics),
        started=min((fold.started for fold in folds if fold.started), default=0.0),
        ended=max((fold.ended for fold in folds), default=0.0),
        seconds=sum(fold.fit_time + fold.score_time for fold in folds),
    )


def _state(data: SearchData, entry: _Entry, open_rungs: Collection[Any], has_score: bool) -> StudyState:
    if entry.pending is not None:
        return "running" if data.state == "running" else "waiting"
    trial = entry.trials[-1]
    if not has_score:
        return "failed"
    if trial.was_eliminated:
        return "pruned"
    if not _has_rungs(trial.candidate) or _budget(trial.candidate) == _full_budget(data):
        return "complete"
    is_open = (trial.candidate.bracket_id, _budget(trial.candidate)) in open_rungs
    return "running" if is_open else "pruned"


def _full_budget(data: SearchData) -> tuple[int, int] | None:
    """Return the budget of the last rungs; None if it is not known, because the search is running."""
    plan = data.journal.plan if data.journal is not None else []
    if plan:
        return max((row["n_resources"], row["n_folds"]) for row in plan)
    if data.state == "running":
        return None
    return max((_budget(trial.candidate) for trial in data.trials), default=None)


def _score(data: SearchData, trial: Trial, metric: str) -> float:
    """Return the mean score over the evaluated folds, also of a candidate that a race eliminated."""
    folds, key = trial.evaluated, data.score_name(metric)
    if not any(fold.state == "ok" for fold in folds):
        return math.nan
    scores = [fold.score(key) for fold in folds]
    return sum(data.error_score if math.isnan(score) else score for score in scores) / len(scores)


def _steps(data: SearchData, entry: _Entry, metric: str) -> dict[int, float]:
    if _has_rungs(entry.last):
        by_folds = entry.last.resource is None  # the number of folds is the resource
        scores = {_budget(trial.candidate)[by_folds]: _score(data, trial, metric) for trial in entry.trials}
    else:
        scores = {fold.split: fold.score(data.score_name(metric)) for fold in sorted(entry.folds, key=_split)}
    return {step: score for step, score in scores.items() if not math.isnan(score)}


def _split(fold: FoldScore) -> int:
    return fold.split


def _attributes(data: SearchData, entry: _Entry, metrics: Sequence[str]) -> dict[str, Any]:
    """Return facts about a candidate; the dashboard shows the first six of them at once."""
    if not entry.trials:
        return {"candidate": entry.number}
    trial = entry.trials[-1]
    failure, folds = trial.failure, trial.evaluated
    attributes: dict[str, Any] = {"candidate": entry.number}
    attributes["state"] = trial.outcome
    if failure is not None and failure.error_line:
        attributes["error"] = failure.error_line
    attributes["fold_scores"] = [_json_number(fold.score(data.score_name(metrics[0]))) for fold in folds]
    for metric in data.metrics:
        if metric not in metrics:
            attributes[f"mean_test_{metric}"] = _json_number(_score(data, trial, metric))
    attributes["mean_fit_time"] = sum(fold.fit_time for fold in folds) / max(1, len(folds))
    if _has_rungs(trial.candidate):
        attributes["rungs"] = len(entry.trials)
        attributes["n_resources"], attributes["n_folds"] = _budget(trial.candidate)
        attributes["bracket"] = trial.candidate.bracket_id
    if failure is not None and failure.error:
        attributes["traceback"] = failure.error
    return attributes


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None
