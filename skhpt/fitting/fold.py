"""Fit and score one candidate on one fold."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from numbers import Number
from traceback import format_exc
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from sklearn.utils import get_tags

from skhpt._warnings import warn_user
from skhpt.fitting import slicing, verbose
from skhpt.fitting.checkpoints import Checkpoints, InMemory, Key
from skhpt.fitting.cloning import fast_clone
from skhpt.fitting.predictions import predictions_of
from skhpt.fitting.resources import Checkpoint, FullTraining
from skhpt.fitting.scorers import fast_scorer, is_multimetric, scorers_by_metric
from skhpt.fitting.slicing import FoldData, SliceCache
from skhpt.parallel.channels import Begun
from skhpt.trial import Candidate, FoldScore, Score, State


@dataclass(frozen=True)
class Setup:
    """What all fits of a search have in common, besides the data.

    Attributes
    ----------
    estimator : estimator
        Cloned for every fit.
    scorer : callable
        ``scorer(estimator, X, y) -> float or dict``, or scikit-learn's multimetric scorer.
    fit_params, score_params : dict
        Passed to ``fit`` and to the scorer; entries with a row per sample are cut like X.
    return_train_score : bool
        Whether to score the training part too.
    return_predictions : bool
        Whether to keep what is predicted for the test part.
    error_score : "raise" or float
        What becomes of a candidate that fails.
    verbose : int
        scikit-learn's levels: above 1 each fit is reported.
    training : Whole
        What the resource of a candidate buys.
    checkpoints : Checkpoints
        Models that candidates go on with.
    may_share : bool
        Whether candidates may share the slices of a fold, as far as the estimator and the scorer are concerned.
    key : str
        Tells this search from any other.
    """

    estimator: Any
    scorer: Any
    fit_params: dict[str, Any] = field(default_factory=dict)
    score_params: dict[str, Any] = field(default_factory=dict)
    return_train_score: bool = False
    return_predictions: bool = False
    error_score: Any = float("nan")
    verbose: int = 0
    training: FullTraining = field(default_factory=FullTraining)
    checkpoints: Checkpoints = field(default_factory=lambda: Checkpoints(InMemory()))
    may_share: bool = False
    key: str = field(default_factory=lambda: uuid4().hex)


class Fold(NamedTuple):
    """A fold of a search, and how models are scored on it."""

    X: Any
    y: Any
    setup: Setup
    scorer: Any
    split: int
    train: Any
    test: Any


class FoldObserver(Protocol):
    """Whoever is told when a fold begins and ends: scikit-learn's callbacks, or nobody."""

    def fitting(self, estimator: Any, fold: FoldData) -> AbstractContextManager[Any]:
        """Return a context in which the estimator is fitted."""
        ...

    def end(self, fold: FoldData) -> None:
        """Take notice that the fold is done, whether it failed or not."""
        ...


class NullObserver:
    """Nobody watches."""

    def fitting(self, estimator: Any, fold: FoldData) -> AbstractContextManager[Any]:
        return nullcontext()

    def end(self, fold: FoldData) -> None:
        pass


@dataclass(frozen=True)
class Job:
    """One candidate, to be evaluated on one fold.

    Attributes
    ----------
    candidate : Candidate
        The point to try.
    label : str
        What the report calls it, such as " 1/5" for the first fold; empty unless verbose.
    watch : Watch
        Told of its beginning and end.
    """

    candidate: Candidate
    label: str = ""
    observer: FoldObserver = field(default_factory=NullObserver)


class SeparateFits:
    """How a candidate is evaluated that has nothing in common with others."""

    def clock(self) -> float:
        """Return the time, in seconds."""
        return time.time()

    def slice_cache(self, setup: Setup, candidate: Candidate) -> SliceCache | None:
        """Return where slices are kept that others may use too; None if it needs slices of its own."""
        return slicing.slice_cache if setup.may_share and slicing.params_are_read_only(candidate.params) else None

    def wrap_steps(self, estimator: Any) -> Any:
        """Return what is fitted in the place of an estimator."""
        return estimator

    def unwrap_steps(self, estimator: Any) -> Any:
        """Return what is scored in the place of what was fitted."""
        return estimator


@dataclass
class Outcome:
    """What came of a task.

    Attributes
    ----------
    split : int
        The fold.
    scores : list of FoldScore
        Scores, of all candidates but those that are declined.
    declined : list of (Candidate, str)
        Candidates that must be evaluated alone, and why.
    culprits : dict of str to str
        Names of parts that no candidate can share, and why.
    n_fits : int or None
        Fits that were made, of parts that have none inside; None if all were.
    seconds : float
        What it took.
    """

    split: int
    scores: list[FoldScore] = field(default_factory=list)
    declined: list[tuple[Candidate, str]] = field(default_factory=list)
    offenders: dict[str, str] = field(default_factory=dict)
    n_fits: int | None = None
    seconds: float = 0.0


#: What a task yields on its way to its outcome: who is next, and what came of it.
Steps = Generator[Begun | FoldScore, None, Outcome]


def evaluate(X: Any, y: Any, setup: Setup, split: int, train: Any, test: Any, jobs: Sequence[Job]) -> Steps:
    """Evaluate candidates on one fold. This is the task that workers run; all that it needs is in its arguments."""
    start = time.time()
    fold = Fold(X, y, setup, fast_scorer(setup.scorer), split, train, test)
    outcome = Outcome(split)
    for job in jobs:
        yield Begun(job.candidate.id, time.monotonic())
        outcome.scores.append(evaluate_one(fold, job))
        yield outcome.scores[-1]
    outcome.seconds = time.time() - start
    return outcome


def evaluate_one(fold: Fold, job: Job, fit_policy: SeparateFits | None = None) -> FoldScore:
    """Evaluate a candidate on one fold, alone or in another way."""
    fit_policy, setup = fit_policy or SeparateFits(), fold.setup
    params = job.candidate.params
    shown = (
        params if job.candidate.resource is None else {**params, setup.training.resource_name: job.candidate.resource}
    )
    if setup.verbose > 9:
        print(verbose.start_line(job.label, shown))
    try:
        # Parameters are cloned too: they may be estimators, and the user's own must not be fitted.
        own_params = {name: fast_clone(value) for name, value in params.items()}
        estimator = fast_clone(setup.estimator).set_params(**own_params)
    except Exception:
        if setup.error_score == "raise":
            raise
        result = FoldScore(job.candidate.id, fold.split, None, state="failed", error=format_exc())
        job.observer.end(cut(fold, setup.estimator, job.candidate, fit_policy))
    else:
        result = _fit_and_score(estimator, fold, cut(fold, estimator, job.candidate, fit_policy), job, fit_policy)
    if setup.verbose > 1:
        test_score = _shown(result.test_score, result, setup)
        train_score = _shown(result.train_score, result, setup) if setup.return_train_score else None
        seconds = result.fit_time + result.score_time
        print(verbose.end_line(setup.verbose, job.label, shown, test_score, train_score, seconds))
    return result


def _shown(score: Score | None, result: FoldScore, setup: Setup) -> Score:
    """Put ``error_score`` in the place of what failed, once per metric as far as the metrics are known."""
    if isinstance(score, dict):
        return {name: one if result.state == "ok" or one == one else setup.error_score for name, one in score.items()}
    if score is None and is_multimetric(setup.scorer):
        return dict.fromkeys(scorers_by_metric(setup.scorer), setup.error_score)
    return setup.error_score if score is None or (result.state != "ok" and score != score) else score


def cut(fold: Fold, estimator: Any, candidate: Candidate, fit_policy: SeparateFits) -> FoldData:
    """Cut the fold's rows, or take those that earlier candidates have used and left alone."""
    setup, split = fold.setup, fold.split
    train = setup.training.rows(split, fold.train, candidate.resource)
    arguments = (estimator, fold.X, fold.y, train, fold.test, setup.fit_params, setup.score_params)
    if (slice_cache := fit_policy.slice_cache(setup, candidate)) is None:
        return slicing.cut(*arguments)
    key = (split, len(train), get_tags(estimator).input_tags.pairwise)
    part = slice_cache.get(setup.key, key)
    if part is None:
        part = slicing.cut(*arguments)
        slice_cache.put(setup.key, key, part)
    return part


def _fit_and_score(estimator: Any, fold: Fold, part: FoldData, job: Job, fit_policy: SeparateFits) -> FoldScore:
    start = fit_policy.clock()
    setup, scorer, split, candidate = fold.setup, fold.scorer, fold.split, job.candidate
    training = setup.training
    try:
        try:
            checkpoint = _checkpoint(setup, candidate, split)
            estimator = training.prepare(fit_policy.wrap_steps(estimator), candidate.resource, checkpoint)
            with job.observer.fitting(estimator, part):
                training.fit(estimator, part.X_train, part.y_train, part.fit_params, candidate.resource, checkpoint)
            if candidate.resource is not None and training.can_continue(estimator, candidate.resource):
                setup.checkpoints.save(Key(candidate.id, split), Checkpoint(estimator, candidate.resource))
        except Exception:
            if setup.error_score == "raise":
                raise
            seconds = fit_policy.clock() - start
            return FoldScore(candidate.id, split, None, None, seconds, 0.0, "failed", format_exc())
        fit_time = fit_policy.clock() - start
        estimator = fit_policy.unwrap_steps(estimator)
        test_score, error = _score(estimator, part.X_test, part.y_test, scorer, part.test_score_params, setup)
        score_time = fit_policy.clock() - start - fit_time
        train_score: Score | None = None
        if setup.return_train_score:
            train = (part.X_train, part.y_train, scorer, part.train_score_params)
            train_score, train_error = _score(estimator, *train, setup)
            error = error or train_error
        predictions = predictions_of(estimator, part.X_test) if setup.return_predictions else None
    finally:
        job.observer.end(part)
    state: State = "failed" if error else "ok"
    return FoldScore(
        candidate.id,
        split,
        test_score,
        train_score,
        fit_time,
        score_time,
        state,
        error,
        resumed_from=checkpoint.resource if checkpoint else 0,
        converged=training.has_converged(estimator, candidate.resource),
        predictions=predictions,
    )


def _checkpoint(setup: Setup, candidate: Candidate, split: int) -> Checkpoint | None:
    """Return the model that a candidate goes on with, if there is one."""
    return None if candidate.parent is None else setup.checkpoints.take(Key(candidate.parent, split))


def _score(
    estimator: Any, X: Any, y: Any, scorer: Any, params: dict[str, Any], setup: Setup
) -> tuple[Score, str | None]:
    """Score a fitted estimator; if the scorer fails, return NaN and the text of its error."""
    arguments = (estimator, X) if y is None else (estimator, X, y)
    try:
        scores = scorer(*arguments, **params)
    except Exception:
        if setup.error_score == "raise" or is_multimetric(scorer):
            raise
        return math.nan, _warn_of_scoring_failure(format_exc(), setup)
    if not isinstance(scores, dict):
        return _number(scores, scorer), None
    errors: list[str] = []
    if is_multimetric(scorer):  # scikit-learn's multimetric scorer gives the text of the error as the score
        errors = [error for error in scores.values() if isinstance(error, str)]
        scores = {name: math.nan if isinstance(one, str) else one for name, one in scores.items()}
    for error in errors:
        _warn_of_scoring_failure(error, setup)
    return {name: _number(one, name) for name, one in scores.items()}, "\n".join(errors) or None


def _warn_of_scoring_failure(error: str, setup: Setup) -> str:
    warn_user(
        "Scoring failed. The score on this train-test partition for these parameters will be set to "
        f"{setup.error_score}. Details: \n{error}"
    )
    return error


def _number(score: Any, scorer: Any) -> Any:
    if hasattr(score, "item"):
        with suppress(ValueError):  # an array of several elements
            score = score.item()
    if not isinstance(score, Number):
        raise ValueError(f"scoring must return a number, got {score} ({type(score)}) instead. (scorer={scorer})")
    return score
