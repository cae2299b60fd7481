"""Status of a search from its journal, for other processes than that of the search."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from skhpt.history import History
from skhpt.journal import JournalView
from skhpt.results.status import SearchStatus
from skhpt.results.status_tracker import StatusTracker, WorkPlan
from skhpt.strategies.rung_statistics import budget_of
from skhpt.strategies.schedule import Bracket, Plan, Rung, shown_params
from skhpt.trial import Candidate, FoldScore, Trial


class _Clock:
    """Clock that shows the time of the line of the journal that is being read."""

    def __init__(self, begun: datetime):
        self.now = begun.timestamp()

    def __call__(self) -> float:
        return self.now


def status_of_journal(view: JournalView) -> SearchStatus:
    """Return the status of a search from its journal, as the search itself has it.

    Parameters
    ----------
    view : JournalView
        The journal.

    Returns
    -------
    status : SearchStatus
        The status: now if the search is running, else at its last sign of life. It lacks the workers. Trials that were
        complete when the last process of the search began count as resumed. Its ``stop_reason`` is "dead" if the
        process has ended before the search.

    See Also
    --------
    skhpt.read_journal : The view of a journal.
    skhpt.callbacks.SearchCallback : Gets the status in the process of the search.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch, read_journal
    >>> from skhpt.inspection import status_of_journal
    >>> path = tempfile.mkdtemp() + "/search.jsonl"
    >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, journal=path)
    >>> _ = search.fit(*load_iris(return_X_y=True))
    >>> status = status_of_journal(read_journal(path))
    >>> status.n_finished, status.stop_reason, status.best.params
    (2, 'completed', {'n_neighbors': 5})
    """
    begun = next((e.time for e in reversed(view.events) if e.what in ("begun", "resumed")), view.started)
    clock = _Clock(begun)
    plan = _plan_of(view)
    tracker = StatusTracker(
        view.search,
        n_splits=view.n_splits,
        metric=None if view.metrics == ["score"] else view.refit_metric,
        error_score=view.error_score,
        budget=lambda trial: () if plan is None else budget_of(trial),
        shown_params=lambda candidate: shown_params(candidate, view.resource),
        clock=clock,
    )
    is_resumed = any(event.what == "resumed" for event in view.events)
    tracker.begin(History(), _work_plan(view, plan), resumed_from=view.path if is_resumed else "")
    _replay(view.history, tracker, clock)
    clock.now = max(clock.now, time.time() if view.state == "running" else view.last_sign.timestamp())
    tracker.stop_reason = "dead" if view.state == "dead" else view.stop_reason
    return tracker.status


def _replay(history: History, tracker: StatusTracker, clock: _Clock) -> None:
    """Tell a tracker what happened before and after the begin of the last process."""
    begun = clock.now
    new_folds: list[FoldScore] = []
    new_trials: list[Trial] = []
    for trial in history:
        tracker.asked([trial.candidate])
        folds = trial.evaluated or list(history.folds_of(trial.candidate.id).values())
        folds = [fold for fold in folds if fold not in trial.candidate.preset_folds]
        is_old = trial.candidate.id < history.n_earlier_trials or _ended_before(folds, begun)
        if trial.folds and is_old:
            tracker.resume(trial)
            continue
        old = [fold for fold in folds if _ended_before([fold], begun)]
        tracker.resume_folds(trial.candidate, old)
        new_folds += [fold for fold in folds if fold not in old]
        new_trials += [trial] if trial.folds else []
    for ended, folds_then in groupby(sorted(new_folds, key=_ended), key=_ended):
        clock.now = max(begun, ended)
        tracker.scored(*folds_then)
    for trial in sorted(new_trials, key=lambda trial: max(map(_ended, trial.folds))):
        tracker.finished(trial)


def _ended(fold: FoldScore) -> float:
    return fold.ended


def _ended_before(folds: Sequence[FoldScore], begun: float) -> bool:
    """Tell whether folds ended before the search began to run again; False if it is not known."""
    return bool(folds) and all(0 < fold.ended <= begun for fold in folds)


def _work_plan(view: JournalView, plan: Plan | None) -> WorkPlan:
    """Return what the search has said of its work."""
    if plan is not None:
        return work_of_rungs(plan, _first_bracket_id(view.history), view.history.n_earlier_trials)
    n = view.n_planned
    return WorkPlan(n_trials=n, work=None if n is None else float(n))


def _first_bracket_id(history: History) -> int:
    return 1 + max((trial.candidate.bracket_id for trial in history.earlier), default=-1)


def _plan_of(view: JournalView) -> Plan | None:
    """Return the plan of a search with rungs; None if it has none, or lacks the rung of a candidate.

    The cost of models that continue their training is that of new ones.
    """
    if not view.plan:
        return None
    brackets = []
    for _, rows in groupby(view.plan, key=lambda row: row["bracket"]):
        rungs = [Rung(row["n_candidates"], row["n_resources"], row["n_folds"]) for row in rows]
        brackets.append(Bracket(tuple(rungs)))
    largest = max(row["n_resources"] for row in view.plan)
    plan = Plan(view.resource, largest, view.n_splits, brackets=tuple(brackets), continues=False)
    first_bracket_id = _first_bracket_id(view.history)
    has_all = all(_has_rung(plan, trial.candidate.info, first_bracket_id) for trial in view.history)
    return plan if has_all else None


def _has_rung(plan: Plan, info: Mapping[str, Any], first_bracket_id: int) -> bool:
    """Tell whether a plan has the rung of a trial; those of an earlier search need none."""
    if not info.keys() >= {"bracket", "rung", "n_resources", "n_folds"}:
        return False
    b: int = info["bracket"] - first_bracket_id
    return b < 0 or (b < len(plan.brackets) and info["rung"] < len(plan.brackets[b].rungs))


def work_of_rungs(
    plan: Plan, first_bracket_id: int, n_earlier_trials: int, max_time: float = float("inf")
) -> WorkPlan:
    """Return the work of a search with rungs: a trial costs what its rung costs; those of earlier searches nothing.

    Parameters
    ----------
    plan : Plan
        Brackets and rungs.
    first_bracket_id : int
        Id of the first bracket; larger than 0 after an earlier search.
    n_earlier_trials : int
        Number of trials of earlier searches.
    max_time : float, default=inf
        Time limit of the search in seconds.
    """

    def work_of(candidate: Candidate) -> float:
        b = candidate.info["bracket"] - first_bracket_id
        return plan.trial_cost(b, candidate.info["rung"]) if b >= 0 else 0.0

    def position_of(candidate: Candidate | None) -> str:
        if candidate is None:
            return _position(plan, 0, 0) if plan.brackets else ""
        return _position(plan, candidate.info["bracket"] - first_bracket_id, candidate.info["rung"])

    return WorkPlan(
        n_trials=n_earlier_trials + plan.n_rows,
        work=plan.full_fits,
        work_of=work_of,
        position_of=position_of,
        max_time=max_time,
    )


def _position(plan: Plan, b: int, i: int) -> str:
    """Return the position of a rung in a plan as text."""
    rungs = plan.brackets[b].rungs
    bracket = f"bracket {b}/{len(plan.brackets) - 1}, " if len(plan.brackets) > 1 else ""
    return f"{bracket}rung {i}/{len(rungs) - 1}, {plan.resource}={rungs[i].resource}"
