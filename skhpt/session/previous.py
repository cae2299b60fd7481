"""What an earlier search knows: ``previous=`` as trials."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np

from skhpt.fingerprint import Fingerprint
from skhpt.history import History, renumbered
from skhpt.trial import Candidate, FoldScore, Score, Trial


def trials_from(previous: Any, mark: Fingerprint) -> tuple[bool, list[Trial]]:
    """Read the trials of an earlier search.

    Parameters
    ----------
    previous : fitted search, mapping or DataFrame
        A search of this package, any other with ``cv_results_``, or such a table itself.
    mark : Fingerprint
        What the new search is run on.

    Returns
    -------
    comparable : bool
        Whether the scores are known to come from the same data, folds, scoring and estimator.
    trials : list of Trial
        What the earlier search evaluated.

    Raises
    ------
    TypeError, ValueError
        If `previous` is not fitted or not a table of results.
    """
    if hasattr(previous, "history_"):
        trials = previous.history_.finished
        comparable = previous._fingerprint == mark
        return comparable, trials if comparable else _with_all_training(trials)
    if hasattr(previous, "fit"):
        if not hasattr(previous, "cv_results_"):
            raise ValueError(f"previous must be fitted, got {previous!r}, which has no cv_results_")
        previous = previous.cv_results_
    if hasattr(previous, "columns"):
        previous = {str(name): np.asarray(previous[name]) for name in previous.columns}
    if not isinstance(previous, Mapping):
        raise TypeError(f"previous must be a fitted search, a cv_results_ mapping or its DataFrame, got {previous!r}")
    return False, _trials_from_table(previous)


def continued_history(known: History, racing: bool, with_pending: bool = True) -> History:
    """Begin a history with the trials of another, those that were interrupted with the folds that are back, if at all.

    Trials that lost a race are left out, to be evaluated anew, unless the new search races too.
    """
    trials = known.finished
    whole = [racing or not trial.was_eliminated for trial in trials]
    history = History(renumbered(compress(trials, whole)), n_earlier_trials=sum(whole[: known.n_earlier_trials]))
    if with_pending and [candidate.id for candidate in known.pending] == list(range(len(history), len(known))):
        history.add(known.pending)
        for fold in (fold for candidate in known.pending for fold in known.folds_of(candidate.id).values()):
            history.add_fold(fold)
    return history


def _with_all_training(trials: Sequence[Trial]) -> list[Trial]:
    """Leave out candidates that were trained with a part of the resource or planned for a part of the folds."""
    most = max((trial.candidate.resource or 0 for trial in trials), default=0)
    return [
        trial
        for trial in trials
        if (trial.candidate.resource or most) == most
        and not any(fold.state == "skipped" for fold in trial.candidate.preset_folds)
    ]


def _trials_from_table(table: Mapping[str, Any]) -> list[Trial]:
    metrics = [name.removeprefix("mean_test_") for name in table if name.startswith("mean_test_")]
    if not metrics:
        raise ValueError(f"previous is no cv_results_: it has no column mean_test_..., only {list(table)}")
    n_splits = len({match[1] for name in table if (match := re.match(r"split(\d+)_test_", name))})
    columns = [f"split{i}" for i in range(n_splits)] or ["mean"]

    def score(row: int, column: str) -> Score:
        by_metric = {metric: float(table[f"{column}_test_{metric}"][row]) for metric in metrics}
        return by_metric["score"] if metrics == ["score"] else by_metric

    trials = []
    for row, params in enumerate(_params(table)):
        fit_time, score_time = (
            float(table[name][row]) if name in table else 0.0 for name in ("mean_fit_time", "mean_score_time")
        )
        folds = [FoldScore(row, i, score(row, name), None, fit_time, score_time) for i, name in enumerate(columns)]
        trials.append(Trial(Candidate(row, params), _with_skipped(folds)))
    return trials


def _with_skipped(folds: list[FoldScore]) -> tuple[FoldScore, ...]:
    """Take the folds without a score that follow folds with one for those that a race has spared the candidate.

    They may have failed instead, which a table does not tell.
    """
    n = max((i + 1 for i, fold in enumerate(folds) if not np.isnan(fold.score())), default=len(folds))
    return (*folds[:n], *(replace(fold, test_score=None, state="skipped") for fold in folds[n:]))


def _params(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "params" in table:
        written = [_parsed(params) for params in table["params"]]
        if all(isinstance(params, Mapping) for params in written):
            return [dict(params) for params in written]
    columns = {name.removeprefix("param_"): table[name] for name in table if name.startswith("param_")}
    if not columns:
        raise ValueError("previous has neither a column params with dicts nor columns param_...")
    n_rows = len(next(iter(columns.values())))
    return [{name: column[row] for name, column in columns.items() if _is_given(column[row])} for row in range(n_rows)]


def _parsed(params: Any) -> Any:
    """Read a dict of plain values that went through a CSV file."""
    with suppress(ValueError, SyntaxError):
        return ast.literal_eval(params) if isinstance(params, str) else params
    return params


def _is_given(value: Any) -> bool:
    return value is not np.ma.masked and not (isinstance(value, float) and np.isnan(value))
