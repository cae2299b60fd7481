"""How a search ends: what went wrong is said, and if there is nothing to go on with, it is an error."""

from __future__ import annotations

import math
from typing import Any

from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures

from skhpt._warnings import warn_user
from skhpt.history import History
from skhpt.session.session import NO_FITS
from skhpt.trial import Trial


def report_end(search: Any, history: History, n_retries: int, n_interrupts: int) -> None:
    """Say what went wrong; raise if there is nothing to go on with."""
    reason = search.stop_reason_
    if reason == "interrupted" and (not history.n_finished or n_interrupts > 1):
        raise KeyboardInterrupt
    if reason == "max_time" and not history.n_finished:
        raise RuntimeError(f"max_time={search.max_time} was over before any candidate was finished")
    if not len(history):
        raise ValueError(NO_FITS)
    said = []
    if reason != "completed":
        said.append(f"the search ended after {history.n_finished} candidates: {reason}")
    if n_retries:
        said.append(f"{n_retries} folds were evaluated again because their worker died")
    if said and (n_retries or reason in ("interrupted", "max_time")):
        warn_user("; ".join(said))


def report_failures(trials: list[Trial], n_known: int, error_score: Any) -> None:
    """Warn of the fits that failed now; raise if none has ever succeeded."""
    new, old = (
        [fold for trial in some for fold in trial.evaluated if fold not in trial.candidate.preset_folds]
        for some in (trials[n_known:], trials[:n_known])
    )
    errors = [fold.error for fold in new if fold.test_score is None]
    if new and len(errors) == len(new) and any(fold.test_score is not None for fold in old):
        # In scikit-learn's words this would be the end of the search.
        warn_user(
            f"All the {len(new)} new fits failed. The score of their candidates is {error_score}. The last "
            f"one failed with the following error:\n{errors[-1]}",
            FitFailedWarning,
        )
        return
    folds = new if len(errors) < len(new) else new + old
    outcomes = [{"fit_error": fold.error if fold.test_score is None else None} for fold in folds]
    _warn_or_raise_about_fit_failures(outcomes, error_score)


def mean_score(trial: Trial, metric: str | None, error_score: Any) -> float:
    """Return the mean score of a trial over the folds that were evaluated; NaN if it has none, or lost a race."""
    folds = trial.folds if not trial.was_eliminated else ()
    scores = [fold.score(metric) for fold in folds if fold.state != "skipped"]
    if not isinstance(error_score, str):
        scores = [error_score if math.isnan(score) else score for score in scores]
    return sum(scores) / len(scores) if scores else math.nan
