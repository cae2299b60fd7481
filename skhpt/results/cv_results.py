"""The table ``cv_results_`` of finished trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.stats import rankdata
from sklearn.model_selection._search import _yield_masked_array_for_each_param

from skhpt._typing import Params
from skhpt._warnings import warn_user
from skhpt.trial import FoldScore, Score, Trial

#: Mean over an axis, as `numpy.mean`.
Mean: TypeAlias = Callable[..., np.ndarray]
Columns: TypeAlias = dict[str, Any]


def cv_results(
    trials: Sequence[Trial],
    *,
    error_score: float | Literal["raise"],
    return_train_score: bool = False,
    params: Sequence[Mapping[str, Any]] | None = None,
    budgets: Sequence[Any] | None = None,
    warns: bool = True,
) -> Columns:
    """Return scikit-learn's table of results, with its columns, types and numbers.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials, all with the same number of folds.
    error_score : float or "raise"
        Score of a failed fold; NaN if it is "raise": then the failure is one of an earlier search.
    return_train_score : bool, default=False
        Whether to add the columns of the training scores.
    params : sequence of dict, default=None
        Parameters to show, one dict for each trial; None for those of the candidates.
    budgets : sequence of sortable, default=None
        Budget of each trial, if the budgets differ. Trials are then ranked by budget first and by score
        second, means are over the evaluated folds, and a column has the state of these folds.
    warns : bool, default=True
        Whether to warn of scores that are not finite.

    Returns
    -------
    results : dict of str to ndarray, masked array or list
        One row for each trial.

    Warns
    -----
    UserWarning
        If a score is not finite, and `warns` is True.
    """
    shown: list[Params] = [dict(each) for each in params or (trial.candidate.params for trial in trials)]
    skipped = _skipped(trials)
    mean: Mean = np.mean if budgets is None else partial(_mean_of_evaluated, skipped=skipped)
    results = _info_columns(trials)
    if budgets is not None:
        evaluated = [Trial(trial.candidate, tuple(trial.evaluated)) for trial in trials]
        results["state"] = np.array([trial.state for trial in evaluated])
    results |= _time_columns(trials)
    results |= dict(_yield_masked_array_for_each_param(shown))
    results["params"] = shown
    error_score = np.nan if error_score == "raise" else error_score
    for metric in metric_names(trials) or ["score"]:
        test = _scores(trials, "test", metric, error_score=error_score)
        results |= _score_columns(f"test_{metric}", test, skipped, mean=mean, warns=warns)
        results[f"rank_test_{metric}"] = rank(results[f"mean_test_{metric}"], budgets)
        if return_train_score:
            train = _scores(trials, "train", metric, error_score=error_score)
            results |= _score_columns(f"train_{metric}", train, skipped, mean=mean, warns=warns)
    return results


def mean_scores(
    trials: Sequence[Trial], metric: str, *, error_score: float, budgets: Sequence[Any] | None = None
) -> np.ndarray:
    """Return the column ``mean_test_<metric>`` of the table, without the others; shape (n_trials,)."""
    scores = np.array(_scores(trials, "test", metric, error_score=error_score), dtype=np.float64)
    means: np.ndarray = np.mean(scores, axis=1)
    return means if budgets is None else _mean_of_evaluated(scores, axis=1, skipped=_skipped(trials))


def _skipped(trials: Sequence[Trial]) -> np.ndarray:
    return np.array([[fold.state == "skipped" for fold in trial.folds] for trial in trials], dtype=bool)


def metric_names(trials: Sequence[Trial]) -> list[str] | None:
    """Return the names of the metrics, or None for a single metric, which has no name."""
    for fold in _folds(trials):
        if isinstance(fold.test_score, dict):
            return list(fold.test_score)
    return None


def rank(means: np.ndarray, budgets: Sequence[Any] | None = None) -> np.ndarray:
    """Rank scores from 1, the highest; equal scores share the better rank, NaN comes last.

    With `budgets`, larger budgets come first, and scores decide among equal budgets.
    """
    if np.isnan(means).all():
        return np.ones(len(means), dtype=np.int32)
    if budgets is None:
        descending = -np.nan_to_num(means, nan=np.nanmin(means) - 1)
        ranks: np.ndarray = rankdata(descending, method="min").astype(np.int32)
        return ranks
    keys: list[tuple[Any, ...]] = []
    for budget, mean in zip(budgets, means, strict=True):
        keys.append((False,) if np.isnan(mean) else (True, budget, mean))
    rank_of: dict[Any, int] = {}
    for i, key in enumerate(sorted(keys, reverse=True), start=1):
        rank_of.setdefault(key, i)
    return np.array([rank_of[key] for key in keys], dtype=np.int32)


def _info_columns(trials: Sequence[Trial]) -> Columns:
    """Return a column for each name in the info of the candidates."""
    names = dict.fromkeys(name for trial in trials for name in trial.candidate.info)
    columns = {}
    for name in names:
        values = [trial.candidate.info.get(name) for trial in trials]
        is_plain = not any(isinstance(value, (list, tuple)) for value in values)
        columns[name] = (
            np.asarray(values) if is_plain else np.fromiter(values, dtype=object, count=len(values))
        )
    return columns


def _time_columns(trials: Sequence[Trial]) -> Columns:
    """Return means and standard deviations of the times of the evaluated folds."""
    columns = {}
    for name in ("fit_time", "score_time"):
        rows = []
        for trial in trials:
            rows.append([np.nan if fold.state == "skipped" else getattr(fold, name) for fold in trial.folds])
        _, columns[f"mean_{name}"], columns[f"std_{name}"] = _summary(rows, np.nanmean)
    return columns


def _scores(
    trials: Sequence[Trial], kind: Literal["test", "train"], metric: str, *, error_score: float
) -> list[list[float]]:
    """Return the scores of each trial on each fold by one metric."""
    rows = []
    for trial in trials:
        row = []
        for fold in trial.folds:
            score = fold.test_score if kind == "test" else fold.train_score
            row.append(_score(fold, score, metric, error_score=error_score))
        rows.append(row)
    return rows


def _score_columns(
    name: str, rows: list[list[float]], skipped: np.ndarray, *, mean: Mean, warns: bool
) -> Columns:
    """Return the columns of the scores on each fold, of their means and of their standard deviations."""
    scores, means, stds = _summary(rows, mean)
    columns = {f"split{i}_{name}": scores[:, i] for i in range(scores.shape[1])}
    if warns and not (np.isfinite(scores) | skipped).all():
        kind = name.split("_", maxsplit=1)[0]
        warn_user(f"One or more of the {kind} scores are non-finite: {means}")
    return columns | {f"mean_{name}": means, f"std_{name}": stds}


def _mean_of_evaluated(array: np.ndarray, axis: int, skipped: np.ndarray) -> np.ndarray:
    """Return the mean over the evaluated folds; NaN if one of them has no score."""
    means: np.ndarray = np.where(skipped, 0.0, array).sum(axis=axis) / (~skipped).sum(axis=axis)
    return means


def _summary(rows: list[list[float]], mean: Mean) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an array of shape (n_candidates, n_splits), and the mean and the standard deviation of its rows."""
    array = np.array(rows, dtype=np.float64)
    means = mean(array, axis=1)
    with np.errstate(invalid="ignore"):  # inf - inf
        stds = np.sqrt(mean((array - means[:, np.newaxis]) ** 2, axis=1))
    return array, means, stds


def _score(fold: FoldScore, score: Score | None, metric: str, *, error_score: float) -> float:
    """Return one metric of a score of a fold, which is None or NaN if the fold failed."""
    if fold.state == "skipped":
        return np.nan
    value = score.get(metric) if isinstance(score, dict) else score
    if value is None or (fold.state != "ok" and np.isnan(value)):
        return error_score
    return value


def _folds(trials: Sequence[Trial]) -> Iterator[FoldScore]:
    return (fold for trial in trials for fold in trial.folds)
