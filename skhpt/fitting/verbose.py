"""Report that a search prints while it runs: the lines of scikit-learn, at its levels of ``verbose``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skhpt._typing import Params
from skhpt.fitting.job import Job, Setup
from skhpt.fitting.scorers import is_multimetric, scorers_by_metric
from skhpt.trial import Candidate, FoldScore, Score

_WIDTH = 80


def round_line(n_splits: int, candidates: Sequence[Candidate]) -> str:
    """Return the line that announces candidates (level 1)."""
    n_fits = sum(len(candidate.missing(n_splits)) for candidate in candidates)
    if n_fits == n_splits * len(candidates):
        return f"Fitting {n_splits} folds for each of {len(candidates)} candidates, totalling {n_fits} fits"
    return f"Fitting {len(candidates)} candidates, totalling {n_fits} fits"


def label(verbose: int, split: int, n_splits: int, number: int, n_candidates: int) -> str:
    """Return the label of a fit: the number of the fold from level 3, of the candidate from level 10, from 1."""
    fold = f" {split + 1}/{n_splits}" if verbose > 2 else ""
    return f"{fold}; {number + 1}/{n_candidates}" if verbose > 9 else fold


def print_start(job: Job, setup: Setup) -> None:
    """Print the line that a fit begins with (level 10)."""
    print(f"[CV{job.label}] START {_format_params(job.candidate, setup)}".ljust(_WIDTH, "."))


def print_end(score: FoldScore, job: Job, setup: Setup) -> None:
    """Print the line that a fit ends with (level 2), with the scores from level 3."""
    params = _format_params(job.candidate, setup)
    result = f"{params};" if params else ""
    if setup.verbose > 2:
        test = _shown(score.test_score, score, setup)
        train = _shown(score.train_score, score, setup) if setup.return_train_score else None
        result += _format_scores(test, train)
    result += f" total time={_format_time(score.fit_time + score.score_time)}"
    head = f"[CV{job.label}] END "
    print(head + result.rjust(_WIDTH - len(head), "."))


def _format_params(candidate: Candidate, setup: Setup) -> str:
    params: Params = candidate.params
    if candidate.resource is not None:
        params = {**params, setup.training.resource_name: candidate.resource}
    return ", ".join(f"{name}={params[name]}" for name in sorted(params))


def _shown(score: Score | None, result: FoldScore, setup: Setup) -> Score:
    """Return a score with ``error_score`` in place of metrics that failed."""
    if score is None and is_multimetric(setup.scorer):
        return dict.fromkeys(scorers_by_metric(setup.scorer), float(setup.error_score))
    if isinstance(score, dict):
        return {name: _shown_number(number, result, setup) for name, number in score.items()}
    return _shown_number(score, result, setup)


def _shown_number(score: float | None, result: FoldScore, setup: Setup) -> float:
    if score is None or (result.state != "ok" and math.isnan(score)):
        return float(setup.error_score)
    return score


def _format_scores(test: Score, train: Score | None) -> str:
    if not isinstance(test, dict):
        return f", score={test:.3f}" if train is None else f", score=(train={train:.3f}, test={test:.3f})"
    shown = ""
    for name in sorted(test):
        before = f"train={train[name]:.3f}, " if isinstance(train, dict) else ""
        shown += f" {name}: ({before}test={test[name]:.3f})"
    return shown


def _format_time(seconds: float) -> str:
    return f"{seconds / 60:4.1f}min" if seconds > 60 else f" {seconds:5.1f}s"
