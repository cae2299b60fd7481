"""Trials of earlier searches: ``previous=`` and the trials of the last fit."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.fingerprint import Fingerprint
from skhpt.history import History, renumbered
from skhpt.trial import Candidate, FoldScore, Score, Trial


def trials_from(previous: Any, fingerprint: Fingerprint) -> tuple[bool, list[Trial]]:
    """Read the trials of an earlier search.

    Parameters
    ----------
    previous : fitted search, mapping or DataFrame
        A search of this package, another search with ``cv_results_``, or such a table.
    fingerprint : Fingerprint
        Description of the data, folds, scoring and estimator of the new search.

    Returns
    -------
    comparable : bool
        Whether the scores are known to come from the same data, folds, scoring and estimator.
    trials : list of Trial
        The trials of the earlier search.

    Raises
    ------
    TypeError, ValueError
        If `previous` is not fitted or not a table of results.
    """
    if hasattr(previous, "history_"):
        trials = previous.history_.finished
        comparable = not previous._fingerprint.differences(fingerprint)
        return comparable, trials if comparable else _fully_trained(trials)
    if hasattr(previous, "fit"):
        if not hasattr(previous, "cv_results_"):
            raise ValueError(f"previous must be fitted, got {previous!r}, which has no cv_results_")
        previous = previous.cv_results_
    if hasattr(previous, "columns"):
        previous = {str(name): np.asarray(previous[name]) for name in previous.columns}
    if not isinstance(previous, Mapping):
        raise TypeError(
            f"previous must be a fitted search, a cv_results_ mapping or its DataFrame, got {previous!r}"
        )
    return False, _trials_from_table(previous)


def continued_history(last: History, racing: bool, with_pending: bool = True) -> History:
    """Return a history that begins with the trials of another.

    Parameters
    ----------
    last : History
        The other history.
    racing : bool
        Whether the new search races. If not, trials that a race eliminated are left out, to be evaluated
        again.
    with_pending : bool, default=True
        Whether to take over pending candidates, with the folds that were evaluated. They are only taken over
        if no trial is left out.
    """
    trials = last.finished
    is_kept = [racing or not trial.was_eliminated for trial in trials]
    n_earlier = sum(is_kept[: last.n_earlier_trials])
    history = History(renumbered(compress(trials, is_kept)), n_earlier_trials=n_earlier)
    pending_ids = [candidate.id for candidate in last.pending]
    if with_pending and pending_ids == list(range(len(history), len(last))):
        history.add(last.pending)
        for candidate in last.pending:
            for fold in last.folds_of(candidate.id).values():
                history.add_fold(fold)
    return history


def warm_start_history(
    last: History, *, fitted_on: Fingerprint, now: Fingerprint, racing: bool, with_pending: bool
) -> History:
    """Return the trials of the last fit.

    Raises
    ------
    ValueError
        If their scores cannot be compared with those of this fit.
    """
    if changes := fitted_on.differences(now):
        raise ValueError(
            "the candidates that were evaluated before are kept, but their scores cannot be compared with "
            f"new ones: {'; '.join(changes)}. To start anew, fit with warm_start=False."
        )
    return continued_history(last, racing, with_pending)


def history_of_previous(previous: Any, now: Fingerprint, racing: bool) -> History:
    """Return the trials of ``previous=``: as trials of this search if their scores can be compared, else as prior."""
    if previous is None:
        return History()
    comparable, trials = trials_from(previous, now)
    if comparable:
        return continued_history(History(trials, n_earlier_trials=len(trials)), racing)
    return History(prior=trials)


def _fully_trained(trials: Sequence[Trial]) -> list[Trial]:
    """Leave out candidates that were trained with a part of the resource or planned for a part of the folds."""
    maximum = max((trial.candidate.resource or 0 for trial in trials), default=0)
    complete = []
    for trial in trials:
        has_all_of_resource = (trial.candidate.resource or maximum) == maximum
        has_all_folds = all(fold.state != "skipped" for fold in trial.candidate.preset_folds)
        if has_all_of_resource and has_all_folds:
            complete.append(trial)
    return complete


def _trials_from_table(table: Mapping[str, Any]) -> list[Trial]:
    metrics = [name.removeprefix("mean_test_") for name in table if name.startswith("mean_test_")]
    if not metrics:
        raise ValueError(f"previous is no cv_results_: it has no column mean_test_..., only {list(table)}")
    n_splits = len({match[1] for name in table if (match := re.match(r"split(\d+)_test_", name))})
    prefixes = [f"split{i}" for i in range(n_splits)] or ["mean"]

    trials = []
    for row, params in enumerate(_params(table)):
        fit_time = float(table["mean_fit_time"][row]) if "mean_fit_time" in table else 0.0
        score_time = float(table["mean_score_time"][row]) if "mean_score_time" in table else 0.0
        folds = []
        for split, prefix in enumerate(prefixes):
            score = _score(table, row, prefix, metrics)
            folds.append(FoldScore(row, split, score, fit_time=fit_time, score_time=score_time))
        trials.append(Trial(Candidate(row, params), _with_skipped(folds)))
    return trials


def _score(table: Mapping[str, Any], row: int, prefix: str, metrics: Sequence[str]) -> Score:
    by_metric = {metric: float(table[f"{prefix}_test_{metric}"][row]) for metric in metrics}
    return by_metric["score"] if metrics == ["score"] else by_metric


def _with_skipped(folds: list[FoldScore]) -> tuple[FoldScore, ...]:
    """Mark the folds after the last one with a score as skipped by a race.

    They may have failed instead, which a table does not tell.
    """
    n_scored = max((i + 1 for i, fold in enumerate(folds) if not np.isnan(fold.score())), default=len(folds))
    skipped = (replace(fold, test_score=None, state="skipped") for fold in folds[n_scored:])
    return (*folds[:n_scored], *skipped)


def _params(table: Mapping[str, Any]) -> list[Params]:
    if "params" in table:
        parsed = [_parsed(params) for params in table["params"]]
        if all(isinstance(params, Mapping) for params in parsed):
            return [dict(params) for params in parsed]
    columns = {name.removeprefix("param_"): table[name] for name in table if name.startswith("param_")}
    if not columns:
        raise ValueError("previous has neither a column params with dicts nor columns param_...")
    n_rows = len(next(iter(columns.values())))
    rows = []
    for row in range(n_rows):
        values = {name: column[row] for name, column in columns.items()}
        rows.append({name: value for name, value in values.items() if _is_given(value)})
    return rows


def _parsed(params: Any) -> Any:
    """Read a dict of literals that went through a CSV file; return anything else unchanged."""
    with suppress(ValueError, SyntaxError):
        return ast.literal_eval(params) if isinstance(params, str) else params
    return params


def _is_given(value: Any) -> bool:
    return value is not np.ma.masked and not (isinstance(value, float) and np.isnan(value))
