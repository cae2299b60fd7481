"""What a search prints while it works: scikit-learn's lines, at its levels of ``verbose``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skhpt.trial import Candidate, Score

_WIDTH = 80


def round_line(n_splits: int, candidates: Sequence[Candidate]) -> str:
    """Announce a round of candidates (level 1)."""
    n_fits = sum(len(candidate.missing(n_splits)) for candidate in candidates)
    if n_fits == n_splits * len(candidates):
        return f"Fitting {n_splits} folds for each of {len(candidates)} candidates, totalling {n_fits} fits"
    return f"Fitting {len(candidates)} candidates, totalling {n_fits} fits"


def label(verbose: int, split: int, n_splits: int, number: int, n_candidates: int) -> str:
    """Name a fit among the others: the fold from level 3, the candidate from level 10; counted from 1."""
    fold = f" {split + 1}/{n_splits}" if verbose > 2 else ""
    return f"{fold}; {number + 1}/{n_candidates}" if verbose > 9 else fold


def start_line(label: str, params: dict[str, Any]) -> str:
    """Say that a fit begins (level 10)."""
    return f"[CV{label}] START {_format_params(params)}".ljust(_WIDTH, ".")


def end_line(verbose: int, label: str, params: dict[str, Any], test: Score, train: Score | None, seconds: float) -> str:
    """Say how a fit ended (level 2), with its scores from level 3."""
    named = _format_params(params)
    result = f"{named};" if named else ""
    if verbose > 2:
        result += _format_scores(test, train)
    result += f" total time={_format_time(seconds)}"
    head = f"[CV{label}] END "
    return head + result.rjust(_WIDTH - len(head), ".")


def _format_params(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={params[name]}" for name in sorted(params))


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
