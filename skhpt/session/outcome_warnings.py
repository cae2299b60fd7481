"""Warnings and errors at the end of a search: early ends, retries, failed fits, misleading rungs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures

from skhpt._warnings import warn_user
from skhpt.history import History
from skhpt.session.folds import NO_FITS
from skhpt.trial import FoldScore, Trial

#: Correlation between a rung and the next one below which, by more than its standard error, the rung
#: misleads. Among the best third of a rung a correlation of 0.4 is left of one of 0.65.
LOW_CORRELATION = 0.2
#: Number of candidates below which nothing is said about a correlation.
MIN_PAIRS = 20


def report_end(reason: str, history: History, *, max_time: Any, n_retries: int, n_interrupts: int) -> None:
    """Warn of an early end and of retries.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed twice, or before any candidate was finished.
    RuntimeError
        If the time was up before any candidate was finished.
    ValueError
        If there were no candidates.
    """
    if reason == "interrupted" and (not history.n_finished or n_interrupts > 1):
        raise KeyboardInterrupt
    if reason == "max_time" and not history.n_finished:
        raise RuntimeError(f"max_time={max_time} was over before any candidate was finished")
    if not len(history):
        raise ValueError(NO_FITS)
    messages = []
    if reason != "completed":
        messages.append(f"the search ended after {history.n_finished} candidates: {reason}")
    if n_retries:
        messages.append(f"{n_retries} folds were evaluated again because their worker died")
    if n_retries or reason in ("interrupted", "max_time"):
        warn_user("; ".join(messages))


def report_failures(trials: list[Trial], n_reported: int, error_score: Any) -> None:
    """Warn of the fits that failed in this search; raise if no fit has ever succeeded.

    Parameters
    ----------
    trials : list of Trial
        Finished trials; those whose failures were reported by an earlier fit come first.
    n_reported : int
        Number of the latter.
    error_score : "raise" or float
        Score of a failed fit.
    """
    old, new = _evaluated(trials[:n_reported]), _evaluated(trials[n_reported:])
    errors = [fold.error for fold in new if fold.test_score is None]
    if new and len(errors) == len(new) and any(fold.test_score is not None for fold in old):
        # scikit-learn's message would say that the search cannot continue.
        warn_user(
            f"All the {len(new)} new fits failed. The score of their candidates is {error_score}. The last "
            f"one failed with the following error:\n{errors[-1]}",
            FitFailedWarning,
        )
        return
    folds = new if len(errors) < len(new) else new + old
    outcomes = [{"fit_error": fold.error if fold.test_score is None else None} for fold in folds]
    _warn_or_raise_about_fit_failures(outcomes, error_score)


def _evaluated(trials: Sequence[Trial]) -> list[FoldScore]:
    """Return the folds that were evaluated for these trials, not taken over from others."""
    folds: list[FoldScore] = []
    for trial in trials:
        folds += [fold for fold in trial.evaluated if fold not in trial.candidate.preset_folds]
    return folds


def warn_of_misleading_rungs(
    correlations: Sequence[tuple[float, int]], resource: str, n_resources: Sequence[int]
) -> None:
    """Warn of rungs that rank candidates differently than the next rung.

    Parameters
    ----------
    correlations : list of (float, int)
        Rank correlations and numbers of candidates, as `skhpt.strategies.rung_statistics.rung_correlations`
        returns them.
    resource : str
        Name of the resource.
    n_resources : list of int
        Amount of the resource on each level.
    """
    for n_here, n_next, (rho, n) in zip(n_resources, n_resources[1:], correlations, strict=False):
        # The standard error of a correlation of zero is 1 / sqrt(n - 1).
        if n_here < n_next and n >= MIN_PAIRS and rho + 1 / np.sqrt(n - 1) < LOW_CORRELATION:
            warn_user(
                f"with {resource}={n_here} candidates rank differently than on the next rung: the correlation is "
                f"{rho:.2f}, over {n} candidates. A larger min_resources than {n_resources[0]} makes the choice safer."
            )


def warn_of_incomplete_best(resource: str, n_resources: int) -> None:
    """Warn that the best candidate did not get all of the resource."""
    warn_user(
        "no candidate has a score with all of the resource and all folds, so the best one is that of a lower rung, "
        f"with {resource}={n_resources}. The texts of the errors are in history_."
    )
