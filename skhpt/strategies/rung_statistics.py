"""What trials on all rungs say about candidates with all of the resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.stats import rankdata

from skhpt.history import renumbered
from skhpt.trial import Trial


def budget_of(trial: Trial) -> tuple[int, int]:
    """Return how far a trial has come: its resource and its number of folds."""
    return trial.candidate.info["n_resources"], trial.candidate.info["n_folds"]


def plan_position(trial: Trial) -> tuple[int, int, int]:
    """Return where a trial stands in the plan, whenever it came in: bracket, rung, candidate."""
    info = trial.candidate.info
    return info["bracket"], info["rung"], info["candidate_id"]


def by_candidate(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group trials by their candidate; the highest rung comes last."""
    rows: dict[int, list[Trial]] = defaultdict(list)
    for trial in trials:
        rows[trial.candidate.info["candidate_id"]].append(trial)
    return [sorted(row, key=_level) for row in rows.values()]


def at_full_resource(trials: Sequence[Trial], metric: str | None = None) -> list[Trial]:
    """Return one trial for each candidate: that of its highest rung, as if it had got all of the resource there.

    Its scores are moved by as much as, on average, those of the candidates that went further changed on the way, on the
    folds that they were scored on before.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    metric : str, default=None
        The score that counts; None if there is only one, or for the first.

    Returns
    -------
    trials : list of Trial
        With single scores, numbered from 0.
    """
    rows = by_candidate(trials)
    gains: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        for low, high in pairwise(row):
            gains[_level(low)].append(_gain(low, high, metric))
    gain = {level: float(np.nanmean(some)) for level, some in gains.items() if not np.isnan(some).all()}
    moved = []
    for row in rows:
        last = row[-1]
        shift = sum(some for level, some in gain.items() if level >= _level(last))
        folds = [
            fold if fold.test_score is None else replace(fold, test_score=fold.score(metric) + shift)
            for fold in last.folds
        ]
        moved.append(Trial(last.candidate, tuple(folds)))
    return renumbered(moved)


def rung_correlations(trials: Sequence[Trial], metric: str | None = None) -> list[tuple[float, int]]:
    """Tell how well each level of the resource predicts the order on the next one.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    metric : str, default=None
        The score that counts; None if there is only one, or for the first.

    Returns
    -------
    correlations : list of (float, int)
        For each level but the last Spearman's rank correlation of the mean scores of the candidates that reached the
        next one, and their number: the mean over brackets, weighted by their numbers of candidates; NaN if no bracket
        has three of them.
    """
    pairs: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in by_candidate(trials):
        for low, high in pairwise(row):
            scores = _mean(low, metric), _mean(high, metric)
            if not np.isnan(scores).any():
                pairs[_level(low)][low.candidate.bracket_id].append(scores)
    return [_mean_correlation(list(pairs[level].values())) for level in range(max(map(_level, trials), default=0))]


def _mean_correlation(brackets: list[list[tuple[float, float]]]) -> tuple[float, int]:
    rows = [(_spearman(np.array(pairs)), len(pairs)) for pairs in brackets if len(pairs) >= 3]
    n = sum(number for _, number in rows)
    return (sum(rho * number for rho, number in rows) / n, n) if n else (np.nan, 0)


def _spearman(pairs: np.ndarray) -> float:
    ranks = rankdata(pairs, axis=0)
    if (ranks.std(axis=0) == 0).any():
        return 0.0  # all equal: nothing is predicted
    return float(np.corrcoef(ranks.T)[0, 1])


def _mean(trial: Trial, metric: str | None) -> float:
    return float(np.mean([fold.score(metric) for fold in trial.evaluated]))


def _level(trial: Trial) -> int:
    return int(trial.candidate.info["iter"])


def _gain(low: Trial, high: Trial, metric: str | None) -> float:
    pairs = [(a, b) for a, b in zip(low.folds, high.folds, strict=True) if a.state != "skipped"]
    return float(np.mean([b.score(metric) - a.score(metric) for a, b in pairs]))
