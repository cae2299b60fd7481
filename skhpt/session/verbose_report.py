"""The lines that ``verbose=1`` prints: what the journal brought, and each candidate with the best one so far."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from skhpt._html import seconds
from skhpt.callbacks.base import SearchCallback
from skhpt.results.leaderboard import score_text
from skhpt.results.status import SearchStatus, cut_text, short_params_text
from skhpt.trial import FoldScore, Trial

#: Maximum length of the text of an error.
_ERROR_WIDTH = 80


class VerboseReport(SearchCallback):
    """Callback that prints lines.

    Parameters
    ----------
    candidates : bool, default=True
        Whether to print a line for each candidate.
    """

    def __init__(self, candidates: bool = True):
        self._candidates = candidates

    def on_search_begin(self, search: Any, status: SearchStatus) -> None:
        if self._candidates:
            print(_begin_line(status, getattr(search, "max_pending_", 1)), flush=True)
        if status.n_resumed or status.n_folds_resumed:
            source = os.path.basename(status.resumed_from) or "earlier results"
            print(f"{source}: {_brought(status)} taken over", flush=True)

    def on_candidate_finished(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        if self._candidates:
            print(candidate_line(trial, status), flush=True)


def _begin_line(status: SearchStatus, max_pending: int) -> str:
    folds = f"{status.n_splits} folds" + (f", max_pending={max_pending}" if max_pending > 1 else "")
    if status.n_planned is None:
        return f"{status.search}: {folds} for each candidate"
    unit = "trials on all rungs" if status.rung else "candidates"
    return f"{status.search}: at most {status.n_planned} {unit}, {folds}"


def _brought(status: SearchStatus) -> str:
    parts = []
    if status.n_resumed:
        parts.append(_number(status.n_resumed, "candidate"))
    if status.n_folds_resumed:
        more = "more " if status.n_resumed else ""
        parts.append(_number(status.n_folds_resumed, f"{more}fold"))
    return f"{' and '.join(parts)} {'is' if status.n_resumed + status.n_folds_resumed == 1 else 'are'}"


def _number(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def candidate_line(trial: Trial, status: SearchStatus) -> str:
    """Return the line of a candidate that has just finished.

    Parameters
    ----------
    trial : Trial
        The candidate.
    status : SearchStatus
        The status after it.
    """
    planned = "" if status.n_planned is None else f"/{status.n_planned}"
    rung = f" on {status.rung}" if status.rung else ""
    outcome = _outcome(trial, status.metric)
    time = seconds(sum(fold.fit_time + fold.score_time for fold in trial.evaluated))
    params = short_params_text(trial.candidate.params)
    line = f"[{status.n_finished}{planned}] candidate {trial.candidate.number}{rung}: {outcome}, {time}, {params}"
    return f"{line}; {_best_so_far(trial, status)}"


def _outcome(trial: Trial, metric: str) -> str:
    """Return the score of a trial, with its standard deviation over the folds, or how it failed."""
    folds = trial.evaluated
    if failed := [fold for fold in folds if fold.state != "ok"]:
        return f"{failed[0].state} on {_number(len(failed), 'fold')}{_reason(failed[0])}"
    if trial.was_eliminated:
        return f"eliminated after {_number(len(folds), 'fold')}"
    scores = np.array([_score(fold, metric) for fold in folds])
    mean = float(scores.mean())
    spread = f" ± {score_text(float(scores.std()), abs(mean))}" if len(scores) > 1 else ""
    return f"{metric} {score_text(mean, abs(mean))}{spread}"


def _reason(fold: FoldScore) -> str:
    """Return the last line of a traceback in parentheses; empty without one."""
    if not fold.error_line:
        return ""
    kind, colon, message = fold.error_line.partition(":")
    return f" ({cut_text(kind.rpartition('.')[2] + colon + message, _ERROR_WIDTH)})"


def _score(fold: FoldScore, metric: str) -> float:
    is_named = isinstance(fold.test_score, dict) and metric in fold.test_score
    return fold.score(metric if is_named else None)


def _best_so_far(trial: Trial, status: SearchStatus) -> str:
    if status.best is None:
        return "no score so far"
    if status.best.candidate == trial.candidate.id:
        return "best so far"
    score = score_text(status.best.score, abs(status.best.score))
    return f"best so far {score}, candidate {status.best.number}"
