"""Candidates, their scores on the folds, and trials: a candidate with its scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

#: One number, or one per metric.
Score = float | dict[str, float]
State = Literal["ok", "failed", "timeout", "crashed", "skipped"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point to try.

    Attributes
    ----------
    id : int
        Place in the history, from 0.
    params : dict of str to object
        Parameters to set on the estimator.
    resource : int or None
        Budget to evaluate it with; None means all there is.
    info : dict of str to object
        Facts about the proposal; they become columns of ``cv_results_``.
    lane : int
        Trials of one lane count in the order of their ids; trials of different lanes do not wait for each other.
    parent : int or None
        The trial whose training this one goes on with.
    settled : tuple of FoldScore
        Folds that are not to be evaluated: their scores are known already, or they are skipped.
    """

    id: int
    params: dict[str, Any]
    resource: int | None = None
    info: dict[str, Any] = field(default_factory=dict)
    bracket_id: int = 0
    parent: int | None = None
    preset_folds: tuple[FoldScore, ...] = ()

    def missing(self, n_splits: int) -> list[int]:
        """Return the folds, of `n_splits`, that are to be evaluated."""
        preset_folds = {fold.split for fold in self.preset_folds}
        return [split for split in range(n_splits) if split not in preset_folds]


class Predictions(NamedTuple):
    """What a model predicted for the test rows of a fold.

    Attributes
    ----------
    values : ndarray of shape (n_rows, ...)
        What the method returned.
    method : {"predict_proba", "decision_function", "predict"}
        Which one that is.
    classes : ndarray of shape (n_classes,) or None
        What the columns of `values` stand for: the classes of the training part; None if they are no classes. A
        decision between two classes has no columns, and is for the second one.
    labels : ndarray of shape (n_rows, ...) or None
        What ``predict`` returned, which need not be the class of the largest value; None if that is what `values` are.
    """

    values: np.ndarray
    method: str
    classes: np.ndarray | None = None
    labels: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class FoldScore:
    """What one fold of one candidate returned. A failure is a value, never an exception that loses the others.

    Attributes
    ----------
    candidate, split : int
        Ids of the candidate and of the fold.
    test_score : float, dict of str to float, or None
        Score on the test part, by metric if there are several; None if there was no fit or it failed, NaN if it was
        fitted but could not be scored.
    train_score : float, dict of str to float, or None
        Score on the training part, likewise; None if it was not asked for.
    fit_time, score_time : float
        Seconds.
    state : {"ok", "failed", "timeout", "crashed", "skipped"}
        How it ended; "failed" if it could not be fitted or not be scored, "skipped" if it was not evaluated at all.
    error : str or None
        Text of the traceback of a failure.
    resumed_from : int
        The resource that its model had been trained with before and went on from; 0 if it was trained from scratch.
    converged : bool
        Whether training ended by itself before its resource was used up: more of it would change nothing.
    retries : int
        How often it was evaluated again because its worker had died.
    predictions : Predictions or None
        What it predicted for the test part, if that was asked for and if it can predict.
    """

    candidate: int
    split: int
    test_score: Score | None
    train_score: Score | None = None
    fit_time: float = 0.0
    score_time: float = 0.0
    state: State = "ok"
    error: str | None = None
    resumed_from: int = 0
    converged: bool = False
    retries: int = 0
    predictions: Predictions | None = field(default=None, compare=False, repr=False)

    def score(self, metric: str | None = None) -> float:
        """Return the test score by a metric, or by the only or first one; NaN if there is none or it is not finite."""
        score = self.test_score
        if isinstance(score, dict):
            score = next(iter(score.values())) if metric is None else score.get(metric)
        return math.nan if score is None or not math.isfinite(score) else float(score)


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what its folds returned, in the order of the splits; no folds while it is pending."""

    candidate: Candidate
    folds: tuple[FoldScore, ...] = ()

    @property
    def state(self) -> str:
        """The state of the first fold that is not ok; "pending" before any fold is back."""
        if not self.folds:
            return "pending"
        return next((fold.state for fold in self.folds if fold.state != "ok"), "ok")

    @property
    def evaluated(self) -> list[FoldScore]:
        """The folds that were not skipped."""
        return [fold for fold in self.folds if fold.state != "skipped"]

    @property
    def was_eliminated(self) -> bool:
        """Whether folds were skipped that were to be evaluated when it was asked for."""
        return any(fold.state == "skipped" and fold not in self.candidate.preset_folds for fold in self.folds)
