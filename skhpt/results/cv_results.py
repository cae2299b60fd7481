"""The table ``cv_results_``, made of finished trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.model_selection._search import _yield_masked_array_for_each_param

from skhpt._warnings import warn_user
from skhpt.trial import FoldScore, Score, Trial


def cv_results(
    trials: Sequence[Trial],
    *,
    error_score: Any,
    return_train_score: bool = False,
    params: Sequence[Mapping[str, Any]] | None = None,
    standing: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Make scikit-learn's table of results, with its columns, types and numbers.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials, all with the same number of folds.
    error_score : float
        Score of what failed; NaN if it is "raise", and the failure is one of an earlier search.
    return_train_score : bool, default=False
        Whether to make the columns of the training scores.
    params : sequence of dict, default=None
        Parameters to show, one dict for each trial; by default those of its candidate.
    standing : sequence of sortable, default=None
        If trials are not all on the same footing: how far each has come. It ranks them before the score does; means are
        over the folds that were evaluated, and a column tells the state of these.

    Returns
    -------
    results : dict of str to ndarray, masked array or list
        One row per trial.

    Warns
    -----
    UserWarning
        If a mean score is not finite.
    """
    shown = [dict(each) for each in params or (trial.candidate.params for trial in trials)]
    folds = [trial.folds for trial in trials]
    skipped = np.array([[fold.state == "skipped" for fold in row] for row in folds], dtype=bool)
    error_score = np.nan if error_score == "raise" else error_score
    results: dict[str, Any] = _note_columns(trials)
    mean: Callable[..., np.ndarray] = np.mean
    if standing is not None:
        results["state"] = np.array([Trial(trial.candidate, tuple(trial.evaluated)).state for trial in trials])
        mean = partial(_mean_of_evaluated, skipped=skipped)
    for name in ("fit_time", "score_time"):
        seconds = [[np.nan if fold.state == "skipped" else getattr(fold, name) for fold in row] for row in folds]
        _, results[f"mean_{name}"], results[f"std_{name}"] = _summary(seconds, np.nanmean)
    results |= dict(_yield_masked_array_for_each_param(shown))
    results["params"] = shown
    for metric in metric_names(trials) or ["score"]:
        test = [[_score(fold, fold.test_score, metric, error_score) for fold in row] for row in folds]
        results |= _score_columns(f"test_{metric}", test, skipped, mean)
        results[f"rank_test_{metric}"] = rank(results[f"mean_test_{metric}"], standing)
        if return_train_score:
            train = [[_score(fold, fold.train_score, metric, error_score) for fold in row] for row in folds]
            results |= _score_columns(f"train_{metric}", train, skipped, mean)
    return results


def metric_names(trials: Sequence[Trial]) -> list[str] | None:
    """Return the names of the metrics, or None if there is a single one, which has no name."""
    for fold in _folds(trials):
        if isinstance(fold.test_score, dict):
            return list(fold.test_score)
    return None


def rank(means: np.ndarray, standing: Sequence[Any] | None = None) -> np.ndarray:
    """Rank scores from 1, the highest; ties share the better rank, NaN comes last.

    With a `standing`, the highest standing comes first, whatever the score, unless that is NaN.
    """
    if np.isnan(means).all():
        return np.ones(len(means), dtype=np.int32)
    if standing is None:
        return rankdata(-np.nan_to_num(means, nan=np.nanmin(means) - 1), method="min").astype(np.int32)
    keys = [(False,) if np.isnan(mean) else (True, s, mean) for s, mean in zip(standing, means, strict=True)]
    first: dict[Any, int] = {}
    for place, key in enumerate(sorted(keys, reverse=True), start=1):
        first.setdefault(key, place)
    return np.array([first[key] for key in keys], dtype=np.int32)


def _note_columns(trials: Sequence[Trial]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for trial in trials for name in trial.candidate.info)
    return {name: np.asarray([trial.candidate.info.get(name) for trial in trials]) for name in names}


def _score_columns(
    name: str, rows: list[list[float]], skipped: np.ndarray, mean: Callable[..., np.ndarray]
) -> dict[str, np.ndarray]:
    scores, means, stds = _summary(rows, mean)
    columns = {f"split{i}_{name}": scores[:, i] for i in range(scores.shape[1])}
    if not (np.isfinite(scores) | skipped).all():
        kind = name.split("_", maxsplit=1)[0]
        warn_user(f"One or more of the {kind} scores are non-finite: {means}")
    return columns | {f"mean_{name}": means, f"std_{name}": stds}


def _mean_of_evaluated(array: np.ndarray, axis: int, skipped: np.ndarray) -> np.ndarray:
    """Mean over the folds that were evaluated; NaN if one of them has no score."""
    return np.where(skipped, 0.0, array).sum(axis=axis) / (~skipped).sum(axis=axis)


def _summary(
    rows: list[list[float]], mean: Callable[..., np.ndarray] = np.mean
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an array of shape (n_candidates, n_splits), and the mean and the standard deviation of its rows."""
    array = np.array(rows, dtype=np.float64)
    means = mean(array, axis=1)
    with np.errstate(invalid="ignore"):  # inf - inf
        stds = np.sqrt(mean((array - means[:, np.newaxis]) ** 2, axis=1))
    return array, means, stds


def _score(fold: FoldScore, score: Score | None, metric: str, error_score: Any) -> float:
    """Return the score of one metric; what failed has none (None), or NaN."""
    if fold.state == "skipped":
        return np.nan
    value = score.get(metric) if isinstance(score, dict) else score
    if value is None or (fold.state != "ok" and np.isnan(value)):
        return error_score
    return value


def _folds(trials: Sequence[Trial]) -> Iterator[FoldScore]:
    return (fold for trial in trials for fold in trial.folds)
