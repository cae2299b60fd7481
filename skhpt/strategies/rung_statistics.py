"""Statistics of multi-fidelity searches: what the lower rungs say about scores with all of the resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import rankdata

from skhpt.history import renumbered
from skhpt.trial import Trial

#: Names in the info of each candidate of `HyperbandSearchCV`: its position in the plan.
RUNG_INFO = ("candidate_id", "bracket", "rung", "n_resources", "n_folds")


def budget_of(trial: Trial) -> tuple[int, int]:
    """Return the resource and the number of folds of a trial."""
    return trial.candidate.info["n_resources"], trial.candidate.info["n_folds"]


def plan_position(trial: Trial) -> tuple[int, int, int]:
    """Return bracket, rung and candidate of a trial, which do not depend on the order of the evaluations."""
    info = trial.candidate.info
    return info["bracket"], info["rung"], info["candidate_id"]


def by_candidate(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Return the trials of each candidate, from the lowest rung to the highest."""
    rows: dict[int, list[Trial]] = defaultdict(list)
    for trial in trials:
        rows[trial.candidate.info["candidate_id"]].append(trial)
    return [sorted(row, key=_level) for row in rows.values()]


def at_full_resource(trials: Sequence[Trial], metric: str | None = None) -> list[Trial]:
    """Return the highest trial of each candidate, with scores extrapolated to all of the resource.

    From each level to the next, the scores change by the mean change of the candidates that have both, on the
    folds that both have.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    metric : str, default=None
        Name of the score; None for the only or first one.

    Returns
    -------
    trials : list of Trial
        One trial for each candidate, with single scores, numbered from 0.
    """
    rows = by_candidate(trials)
    gain_of_level = _mean_gains(rows, metric)
    extrapolated = []
    for row in rows:
        last = row[-1]
        shift = sum(gain for level, gain in gain_of_level.items() if level >= _level(last))
        folds = []
        for fold in last.folds:
            if fold.test_score is not None:
                fold = replace(fold, test_score=fold.score(metric) + shift)
            folds.append(fold)
        extrapolated.append(Trial(last.candidate, tuple(folds)))
    return renumbered(extrapolated)


def rung_correlations(trials: Sequence[Trial], metric: str | None = None) -> list[tuple[float, int]]:
    """Return the rank correlation of the scores on each level of the resource with those on the next level.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    metric : str, default=None
        Name of the score; None for the only or first one.

    Returns
    -------
    correlations : list of (float, int)
        For each level but the last: Spearman's rank correlation of the mean scores of the candidates that
        reached the next level, and their number. The correlation is the mean over brackets, weighted by their
        numbers of candidates; NaN if no bracket has three of them.
    """
    scores_of: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in by_candidate(trials):
        for low, high in pairwise(row):
            scores = low.mean_score(metric), high.mean_score(metric)
            if not np.isnan(scores).any():
                scores_of[_level(low)][low.candidate.bracket_id].append(scores)
    n_levels = max(map(_level, trials), default=0)
    return [_mean_correlation(list(scores_of[level].values())) for level in range(n_levels)]


def _mean_correlation(brackets: list[list[tuple[float, float]]]) -> tuple[float, int]:
    rows = [(_spearman(np.array(pairs)), len(pairs)) for pairs in brackets if len(pairs) >= 3]
    n = sum(number for _, number in rows)
    return (sum(rho * number for rho, number in rows) / n, n) if n else (np.nan, 0)


def _spearman(pairs: np.ndarray) -> float:
    ranks = rankdata(pairs, axis=0)
    if (ranks.std(axis=0) == 0).any():
        return 0.0  # all scores are equal
    return float(np.corrcoef(ranks.T)[0, 1])


def _level(trial: Trial) -> int:
    return int(trial.candidate.info["iter"])


def _mean_gains(rows: list[list[Trial]], metric: str | None) -> dict[int, float]:
    """Return the mean change of the scores from each level to the next; levels without a known change are left out."""
    gains: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        for low, high in pairwise(row):
            changes = []
            for before, after in zip(low.folds, high.folds, strict=True):
                if before.state != "skipped":
                    changes.append(after.score(metric) - before.score(metric))
            gains[_level(low)].append(float(np.mean(changes)))
    return {level: float(np.nanmean(known)) for level, known in gains.items() if not np.isnan(known).all()}
