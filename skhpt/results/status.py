"""Status of a search while it runs: what is done, what is planned, and the best candidate so far."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from skhpt._typing import Params
from skhpt.results.leaderboard import score_text

#: Maximum lengths of the text of a value, and of the text of all parameters of a candidate.
_VALUE_WIDTH, _PARAMS_WIDTH = 24, 70


@dataclass(frozen=True, kw_only=True)
class BestCandidate:
    """Best candidate so far.

    Attributes
    ----------
    candidate : int
        Id of its trial.
    number : int
        Number that is shown: the id, or with `skhpt.HyperbandSearchCV`, where a candidate has several trials,
        the ``candidate_id`` of ``cv_results_``.
    score : float
        Mean score over its folds.
    params : dict of str to object
        Parameters, as ``cv_results_["params"]`` has them.
    """

    candidate: int
    number: int
    score: float
    params: Params


@dataclass(frozen=True, kw_only=True)
class SearchStatus:
    """Status of a search at a moment.

    Attributes
    ----------
    search : str
        Name of the class of the search, such as "BayesSearchCV".
    metric : str
        Metric that candidates are compared by; "score" for the only one.
    n_finished : int
        Finished trials, with those of a journal and of earlier fits. A candidate of `skhpt.HyperbandSearchCV`
        has a trial on each rung that it reaches.
    n_planned : int or None
        Number of trials at the end, at most; None if it is not known.
    n_splits : int
        Number of folds of a trial.
    n_pending : int
        Trials that are asked for and not finished.
    n_folds : int
        Evaluated folds of all trials, those of pending trials included.
    n_failed, n_eliminated : int
        Finished trials with a failure, and those that a race eliminated.
    n_resumed, n_folds_resumed : int
        Finished trials that the search began with, from its journal, earlier fits or earlier searches, and folds of
        unfinished ones. In a race, trials of a journal count from when the loop has finished them again.
    resumed_from : str
        Path of the journal that the search resumes; empty without one.
    n_busy, n_workers : int or None
        Workers that evaluate, and all workers; None if they are not known (in another process).
    elapsed : float
        Seconds since the search began.
    seconds_left : float or None
        Estimated seconds until the end; None if nothing is known. Folds that the search began with take no time, and
        trials of `skhpt.HyperbandSearchCV` count as their rung costs in the plan.
    done : float or None
        Fraction of the planned work that is done, from 0 to 1, folds of unfinished trials included; None if the plan
        is not known.
    best : BestCandidate or None
        Best candidate so far; None before the first score.
    rung : str
        Position in the plan of `skhpt.HyperbandSearchCV`, with the numbers that the plan has, such as "rung
        2/3, n_estimators=27" if the last rung has the number 3; empty for other searches.
    stop_reason : str
        Why the search ended: the `stop_reason_` of the search, or "error" if an exception ended it. Empty while the
        search runs.
    """

    search: str
    metric: str
    n_finished: int
    n_planned: int | None
    n_splits: int
    n_pending: int
    n_folds: int
    n_failed: int
    n_eliminated: int
    n_resumed: int
    n_folds_resumed: int
    resumed_from: str = ""
    n_busy: int | None = None
    n_workers: int | None = None
    elapsed: float
    seconds_left: float | None
    done: float | None
    best: BestCandidate | None
    rung: str = ""
    stop_reason: str = ""


# -- texts ---------------------------------------------------------------------------------------------------


def status_line(status: SearchStatus) -> str:
    """Return a status as one line, with the most important parts first.

    Parameters
    ----------
    status : SearchStatus
        The status.

    Returns
    -------
    line : str
        Such as "12/50 candidates, 1 failed, 00:12<00:40, best 0.9733 by candidate 7 (C=10), 60 folds, 2/2 busy".
    """
    parts = [_counts(status)]
    if status.n_failed:
        parts.append(f"{status.n_failed} failed")
    if status.n_eliminated:
        parts.append(f"{status.n_eliminated} eliminated")
    parts.append(_times(status))
    if status.best:
        best = status.best
        score = score_text(best.score, abs(best.score))
        parts.append(f"best {score} by candidate {best.number} ({short_params_text(best.params)})")
    parts.append(f"{status.n_folds} fold{'s' * (status.n_folds != 1)}")
    if status.n_workers and status.n_workers > 1 and not status.stop_reason:
        parts.append(f"{status.n_busy}/{status.n_workers} busy")
    if status.stop_reason not in ("", "completed"):
        parts.append(f"ended: {status.stop_reason}")
    return ", ".join(parts)


def _counts(status: SearchStatus) -> str:
    planned = "" if status.n_planned is None else f"/{status.n_planned}"
    text = f"{status.n_finished}{planned} {'trials' if status.rung else 'candidates'}"
    if status.n_resumed:
        text += f" ({status.n_resumed} resumed)"
    return f"{text}, {status.rung}" if status.rung and not status.stop_reason else text


def _times(status: SearchStatus) -> str:
    if status.stop_reason:
        return duration_text(status.elapsed)
    left = "?" if status.seconds_left is None else duration_text(status.seconds_left)
    return f"{duration_text(status.elapsed)}<{left}"


def duration_text(seconds: float) -> str:
    """Return a duration as minutes and seconds, "02:07", with hours if there are any, "1:02:07"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def short_params_text(params: Params, width: int = _PARAMS_WIDTH) -> str:
    """Return parameters as a short text, without the names of pipeline steps where a name is clear without them.

    Parameters
    ----------
    params : dict of str to object
        Parameters.
    width : int, default=70
        Maximum number of characters.

    Returns
    -------
    text : str
        Such as "C=10, kernel='rbf'".
    """
    if not params:
        return "the estimator as it is"
    shorts = [name.rpartition("__")[2] for name in params]
    names = shorts if len(set(shorts)) == len(shorts) else list(params)
    text = ", ".join(
        f"{name}={_value_text(value)}" for name, value in zip(names, params.values(), strict=True)
    )
    return cut_text(text, width)


def _value_text(value: Any) -> str:
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{float(value):.4g}"
    text = repr(value) if isinstance(value, str) else str(value)
    return cut_text(" ".join(text.split()), _VALUE_WIDTH)


def cut_text(text: str, width: int) -> str:
    """Return a text, cut to a number of characters."""
    return text if len(text) <= width else text[: width - 3] + "..."
