"""Vocabulary of a search: candidates, their scores on folds, and trials, which are candidates with their scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

import numpy as np

from skhpt._html import Html, box, code, details, facts, number, params_text, seconds, shown, table
from skhpt._typing import Params

#: A number, or a number for each metric.
Score = float | dict[str, float]
State = Literal["ok", "failed", "timeout", "crashed", "skipped"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Parameters to evaluate.

    Attributes
    ----------
    id : int
        Index in the history, from 0.
    params : dict of str to object
        Parameters that are set on the estimator.
    resource : int or None
        Budget of the evaluation, such as a number of epochs or rows; None is the full budget.
    info : dict of str to object
        Facts about the proposal, such as its bracket and rung; these become columns of ``cv_results_``.
    bracket_id : int
        Group of trials that are finished in the order of their ids. Trials of different brackets do not wait
        for each other.
    parent : int or None
        Id of the trial whose models this candidate continues to train.
    preset_folds : tuple of FoldScore
        Folds that are not evaluated, because their scores are known already or because they are skipped.
    """

    id: int
    params: Params
    resource: int | None = None
    info: dict[str, Any] = field(default_factory=dict)
    bracket_id: int = 0
    parent: int | None = None
    preset_folds: tuple[FoldScore, ...] = ()

    @property
    def number(self) -> int:
        """Number that users see: the id, or ``candidate_id`` with `skhpt.HyperbandSearchCV`, the same on all rungs."""
        number = self.info.get("candidate_id")
        return number if type(number) is int else self.id

    def missing(self, n_splits: int) -> list[int]:
        """Return the numbers of the folds, out of `n_splits`, that are evaluated."""
        preset_folds = {fold.split for fold in self.preset_folds}
        return [split for split in range(n_splits) if split not in preset_folds]


class Predictions(NamedTuple):
    """Predictions of a model for the test rows of a fold.

    Attributes
    ----------
    values : ndarray of shape (n_rows, ...)
        Output of the prediction method. If that is a list with an array for each output, the arrays are side by
        side.
    method : {"predict_proba", "decision_function", "predict"}
        Name of the prediction method.
    classes : ndarray of shape (n_classes,), list of ndarray or None
        Classes of the training part, one for each column of `values`; None if the columns are not classes.
        The decision function of a binary problem has no columns, and its values belong to the second class.
        Several outputs have a list with the classes of each.
    labels : ndarray of shape (n_rows, ...) or None
        Output of ``predict``, which may differ from the class with the largest value; None if `values` are
        the output of ``predict``.
    n_columns : list of int or None
        Number of columns of each output, if the prediction method returns a list.
    decision_values : ndarray of shape (n_rows, ...) or None
        Output of ``decision_function``, if a metric asks for it and `values` are probabilities.
    """

    values: np.ndarray
    method: str
    classes: np.ndarray | list[np.ndarray] | None = None
    labels: np.ndarray | None = None
    n_columns: list[int] | None = None
    decision_values: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class FoldScore:
    """Result of one candidate on one fold.

    A failure is a value too, because an exception would lose the results of the other folds.

    Attributes
    ----------
    candidate, split : int
        Ids of the candidate and of the fold.
    test_score : float, dict of str to float, or None
        Score on the test part, by metric if there are several; None if the fit failed or was skipped, NaN if
        the fit succeeded and the scorer failed.
    train_score : float, dict of str to float, or None
        Score on the training part in the same form; None if ``return_train_score`` is false.
    fit_time, score_time : float
        Durations in seconds.
    state : {"ok", "failed", "timeout", "crashed", "skipped"}
        Outcome: "failed" if the fit or the scorer raised, "timeout" if the fit took too long, "crashed" if
        its worker died, "skipped" if the fold was not evaluated.
    error : str or None
        Traceback of a failure.
    resumed_from : int
        Resource that the model had been trained with before it was trained further; 0 if it was trained from
        scratch.
    converged : bool
        Whether training stopped by itself before the resource was used up, so that more of it would change
        nothing.
    retries : int
        Number of evaluations that were repeated because the worker died.
    predictions : Predictions or None
        Predictions for the test part; None if ``return_predictions`` is false or the estimator cannot
        predict.
    started, ended : float
        Times at which the evaluation began and ended, in Unix seconds; 0 if they are not known.
    worker : str
        Process of the worker, such as "1234", with its thread unless that is the main one and with its host unless
        that is the host of the search ("host/1234.1240"); empty if it is not known.
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
    started: float = field(default=0.0, compare=False, repr=False)
    ended: float = field(default=0.0, compare=False, repr=False)
    worker: str = field(default="", compare=False, repr=False)

    def __setstate__(self, state: list[Any]) -> None:
        """Read the state of a pickle; one of an earlier version lacks the last fields."""
        for i, each in enumerate(fields(self)):
            object.__setattr__(self, each.name, state[i] if i < len(state) else each.default)

    @property
    def has_failed(self) -> bool:
        """Whether the fold was evaluated without success."""
        return self.state not in ("ok", "skipped")

    def set_times(self, *, started: float, ended: float, worker: str) -> None:
        """Set the times of a new score without a copy, which would cost as much as a short fit."""
        for name, value in (("started", started), ("ended", ended), ("worker", worker)):
            object.__setattr__(self, name, value)

    @property
    def error_line(self) -> str:
        """Last line of the traceback, such as "ValueError: no rows"; empty without one."""
        lines = (self.error or "").strip().splitlines()
        return lines[-1] if lines else ""

    def score(self, metric: str | None = None) -> float:
        """Return the test score of a metric, by default the first one; NaN if it is missing or not finite."""
        score = self.test_score
        if isinstance(score, dict):
            score = next(iter(score.values())) if metric is None else score.get(metric)
        return math.nan if score is None or not math.isfinite(score) else float(score)


@dataclass(frozen=True, slots=True)
class Trial:
    """Candidate with its folds in the order of their numbers; a pending trial has no folds."""

    candidate: Candidate
    folds: tuple[FoldScore, ...] = ()

    @property
    def state(self) -> str:
        """State of the first fold that is not "ok"; "ok" if there is none; "pending" if the trial is pending."""
        if not self.folds:
            return "pending"
        return next((fold.state for fold in self.folds if fold.state != "ok"), "ok")

    @property
    def outcome(self) -> str:
        """How the candidate ended: state of its first failure, "eliminated" by a race, or "ok"; or "pending"."""
        if not self.folds:
            return "pending"
        if self.failure:
            return self.failure.state
        return "eliminated" if self.was_eliminated else "ok"

    @property
    def failure(self) -> FoldScore | None:
        """The first fold that failed; None if there is none."""
        return next((fold for fold in self.folds if fold.has_failed), None)

    @property
    def evaluated(self) -> list[FoldScore]:
        """Folds that were not skipped."""
        return [fold for fold in self.folds if fold.state != "skipped"]

    @property
    def was_eliminated(self) -> bool:
        """Whether a race eliminated the candidate before all of its folds were evaluated."""
        return any(fold.state == "skipped" and fold not in self.candidate.preset_folds for fold in self.folds)

    def mean_score(self, metric: str | None = None, error_score: float | str = math.nan) -> float:
        """Return the mean score over the evaluated folds.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; None for the only or first one.
        error_score : float or "raise", default=nan
            Score of a failed fold; "raise" stands for NaN.

        Returns
        -------
        score : float
            NaN without an evaluated fold, or if a race eliminated the candidate.
        """
        scores = [fold.score(metric) for fold in self.evaluated]
        if not scores or self.was_eliminated:
            return math.nan
        if not isinstance(error_score, str):
            scores = [error_score if math.isnan(score) else score for score in scores]
        return sum(scores) / len(scores)

    def __repr__(self) -> str:
        return f"<Trial {self.candidate.id}: {self.summary()}; {params_text(self.candidate.params)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        params = facts((name, shown(value)) for name, value in self.candidate.params.items())
        head = ["fold", *self._metrics(), "fit time", "state"]
        rows = []
        for fold in self.folds:
            scores = [number(fold.score(None if name == "score" else name)) for name in self._metrics()]
            rows.append([fold.split, *scores, seconds(fold.fit_time), fold.state])
        tracebacks: dict[str, list[str]] = {}
        for fold in self.folds:
            if fold.error:
                tracebacks.setdefault(fold.error, []).append(str(fold.split))
        errors = [details(f"traceback of fold {', '.join(s)}", code(text)) for text, s in tracebacks.items()]
        parts = [params, table(head, rows) if rows else Html(), *errors]
        return box(f"Trial {self.candidate.id}: {self.summary()}", *parts)

    def _metrics(self) -> list[str]:
        """Return the names of the metrics; "score" for the only one."""
        named = [fold.test_score for fold in self.folds if isinstance(fold.test_score, dict)]
        return list(named[0]) if named else ["score"]

    def summary(self) -> str:
        """Return the mean scores over the evaluated folds, with the outcome unless it is "ok"."""
        if not self.folds:
            return "pending"
        evaluated = self.evaluated
        texts = []
        for name in self._metrics():
            scores = [fold.score(None if name == "score" else name) for fold in evaluated]
            texts.append(f"{name} {number(sum(scores) / len(scores) if scores else math.nan)}")
        folds = f"{len(evaluated)} fold{'s' * (len(evaluated) != 1)}"
        return f"{', '.join(texts)} on {folds}" + (f" ({self.outcome})" if self.outcome != "ok" else "")
