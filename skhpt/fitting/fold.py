"""Fit and score one candidate on one fold."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache
from numbers import Complex, Number, Real
from socket import gethostname
from typing import Any, Protocol

from sklearn.utils import get_tags

from skhpt._typing import ArrayLike, Estimator, Params, Scorer
from skhpt._warnings import warn_user
from skhpt.fitting import slicing, verbose
from skhpt.fitting.checkpoints import Checkpoint, CheckpointKey, TaskCheckpoints
from skhpt.fitting.cloning import fast_clone
from skhpt.fitting.failures import is_failure
from skhpt.fitting.job import Fold, Job, Outcome, Setup
from skhpt.fitting.predictions import predictions_of
from skhpt.fitting.scorers import fast_scorer, is_multimetric, needs_decision_values
from skhpt.fitting.slicing import FoldData, SliceCache
from skhpt.parallel.channels import Begun, text_of
from skhpt.parallel.shared_values import value_cache
from skhpt.trial import Candidate, FoldScore, Predictions, Score

#: Items that a task yields before it returns its outcome: the beginning and the score of each candidate.
Steps = Generator[Begun | FoldScore, None, Outcome]


class FitPolicy(Protocol):
    """Decisions about the fit of a candidate that depend on whether fits are shared."""

    def clock(self) -> float:
        """Return the time in seconds, as if the candidate had been fitted separately."""
        ...

    def slice_cache(self, setup: Setup, candidate: Candidate) -> SliceCache | None:
        """Return the cache for the slices of the data; None if the candidate needs slices of its own."""
        ...

    def wrap_steps(self, estimator: Estimator) -> Estimator:
        """Return the estimator to fit in place of an estimator."""
        ...

    def unwrap_steps(self, estimator: Estimator) -> Estimator:
        """Return the model to score in place of a fitted estimator."""
        ...


class SeparateFits:
    """Fit policy without reuse: every fit is made separately."""

    clock = staticmethod(time.time)

    def slice_cache(self, setup: Setup, candidate: Candidate) -> SliceCache | None:
        can_share = setup.may_share and slicing.params_are_read_only(candidate.params)
        return slicing.slice_cache if can_share else None

    def wrap_steps(self, estimator: Estimator) -> Estimator:
        return estimator

    def unwrap_steps(self, estimator: Estimator) -> Estimator:
        return estimator


_SEPARATE_FITS = SeparateFits()


def _drop_slices(value: Any) -> None:
    """Drop the slices of a search together with its setup."""
    if isinstance(value, Setup):
        slicing.slice_cache.drop(value.key)


value_cache.when_dropped(_drop_slices)


def evaluate(
    X: ArrayLike,
    y: ArrayLike,
    setup: Setup,
    split: int,
    train: ArrayLike,
    test: ArrayLike,
    jobs: Sequence[Job],
) -> Steps:
    """Evaluate candidates on one fold.

    Workers run this task. Each array is an argument of its own, so that backends can send it to a worker only
    once.
    """
    checkpoints = _task_checkpoints(setup, split, jobs)
    fold = Fold(X, y, setup, fast_scorer(setup.scorer), split, train, test, checkpoints)
    outcome = Outcome(split, checkpoints=checkpoints.unsaved)
    start = time.time()
    for job in jobs:
        yield Begun(job.candidate.id, time.monotonic(), worker_name(setup))
        score = evaluate_one(fold, job)
        outcome.scores.append(score)
        if not checkpoints.unsaved:  # else the score must not be there before the model
            yield score
    outcome.seconds = time.time() - start
    return outcome


def _task_checkpoints(setup: Setup, split: int, jobs: Sequence[Job]) -> TaskCheckpoints:
    """Return the checkpoints of a task, with those that came with its jobs."""
    received = {
        CheckpointKey(job.candidate.parent, split): job.checkpoint
        for job in jobs
        if job.candidate.parent is not None and job.checkpoint is not None
    }
    return TaskCheckpoints(setup.checkpoints.store, received)


def evaluate_one(fold: Fold, job: Job, policy: FitPolicy = _SEPARATE_FITS) -> FoldScore:
    """Evaluate a candidate on one fold, and print a report if the search is verbose."""
    if fold.setup.verbose > 9:
        verbose.print_start(job, fold.setup)
    started = time.time()
    score = _evaluate(fold, job, policy)
    ended = max(started, time.time())  # the clock may have been set back
    score.set_times(started=started, ended=ended, worker=worker_name(fold.setup))
    if fold.setup.verbose > 1:
        verbose.print_end(score, job, fold.setup)
    return score


def worker_name(setup: Setup) -> str:
    """Return the name of this worker: its process, and its thread and host where they matter."""
    return _worker_name(os.getpid(), threading.get_native_id(), setup.host)


@lru_cache(maxsize=64)
def _worker_name(pid: int, thread_id: int, search_host: str) -> str:
    is_main = threading.current_thread() is threading.main_thread()
    name, host = str(pid) if is_main else f"{pid}.{thread_id}", gethostname()
    return name if host == search_host else f"{host}/{name}"


def _evaluate(fold: Fold, job: Job, policy: FitPolicy) -> FoldScore:
    """Clone the estimator, set the parameters of the candidate, slice the data, fit and score."""
    setup, candidate = fold.setup, job.candidate
    try:
        # Parameters are cloned too: they may be estimators, and the user's own must not be fitted.
        params = {name: fast_clone(value) for name, value in candidate.params.items()}
        estimator = fast_clone(setup.estimator).set_params(**params)
    except BaseException as error:
        if setup.error_score == "raise" or not is_failure(error, setup.pid):
            raise
        score = FoldScore(candidate.id, fold.split, None, state="failed", error=text_of(error))
        job.observer.end(slice_fold(fold, setup.estimator, candidate, policy=policy))
        return score
    data = slice_fold(fold, estimator, candidate, policy=policy)
    try:
        return _fit_and_score(estimator, data, fold=fold, job=job, policy=policy)
    finally:
        job.observer.end(data)


def slice_fold(fold: Fold, estimator: Estimator, candidate: Candidate, *, policy: FitPolicy) -> FoldData:
    """Slice the data of a fold, or return slices that an earlier candidate has used and not changed."""
    setup = fold.setup
    train = setup.training.rows(fold.split, fold.train, candidate.resource)
    cache = policy.slice_cache(setup, candidate)
    key = (fold.split, len(train), get_tags(estimator).input_tags.pairwise)
    data = None if cache is None else cache.get(setup.key, key)
    if data is None:
        data = slicing.slice_rows(
            estimator,
            fold.X,
            fold.y,
            train=train,
            test=fold.test,
            fit_params=setup.fit_params,
            score_params=setup.score_params,
        )
        if cache is not None:
            cache.put(setup.key, key, data)
    return data


def _fit_and_score(
    estimator: Estimator, data: FoldData, *, fold: Fold, job: Job, policy: FitPolicy
) -> FoldScore:
    candidate, setup = job.candidate, fold.setup
    start = policy.clock()
    try:
        model, resumed_from = _fit(estimator, data, fold=fold, job=job, policy=policy)
    except BaseException as failure:
        if setup.error_score == "raise" or not is_failure(failure, setup.pid):
            raise
        seconds, text = policy.clock() - start, text_of(failure)
        return FoldScore(candidate.id, fold.split, None, fit_time=seconds, state="failed", error=text)
    fitted = policy.clock()
    model = policy.unwrap_steps(model)
    converged = candidate.resource is not None and setup.training.has_converged(model, candidate.resource)
    predicting = _copy_before_scoring(model, setup)
    test_score, error = _score(model, data.X_test, data.y_test, params=data.test_score_params, fold=fold)
    scored = policy.clock()
    train_score: Score | None = None
    if setup.return_train_score:
        train_score, train_error = _score(
            model, data.X_train, data.y_train, params=data.train_score_params, fold=fold
        )
        error = error or train_error
    return FoldScore(
        candidate.id,
        fold.split,
        test_score,
        train_score=train_score,
        fit_time=fitted - start,
        score_time=scored - fitted,
        state="failed" if error else "ok",
        error=error,
        resumed_from=resumed_from,
        converged=converged,
        predictions=_predictions(predicting, data.X_test, setup) if setup.return_predictions else None,
    )


def _copy_before_scoring(model: Estimator, setup: Setup) -> Estimator:
    """Return the model whose predictions are kept: a copy if the scorer may change the model.

    The copy predicts after the scoring all the same, because predictions may move the state of a model.
    """
    if setup.return_predictions and setup.may_change_models:
        with suppress(Exception):  # not every model has a copy
            return deepcopy(model)
    return model


def _fit(
    estimator: Estimator, data: FoldData, *, fold: Fold, job: Job, policy: FitPolicy
) -> tuple[Estimator, int]:
    """Fit an estimator, or continue the training of the model of the candidate's parent.

    Returns
    -------
    model : estimator
        The fitted model.
    resumed_from : int
        Resource that it had been trained with before; 0 for an estimator that was fitted from scratch.
    """
    candidate, setup = job.candidate, fold.setup
    training, resource = setup.training, candidate.resource
    checkpoint: Checkpoint | None = None
    if candidate.parent is not None:
        checkpoint = fold.checkpoints.load(CheckpointKey(candidate.parent, fold.split))
    model = training.prepare(policy.wrap_steps(estimator), resource, checkpoint)
    with job.observer.fitting(model, data):
        training.fit(
            model,
            data.X_train,
            data.y_train,
            params=data.fit_params,
            resource=resource,
            checkpoint=checkpoint,
        )
    if resource is not None and training.can_continue(model, resource):
        fold.checkpoints.save(CheckpointKey(candidate.id, fold.split), Checkpoint(model, resource))
    return model, checkpoint.resource if checkpoint else 0


def _score(
    model: Estimator, X: ArrayLike, y: ArrayLike, *, params: Params, fold: Fold
) -> tuple[Score | None, str | None]:
    """Return the score of a model; if the scorer fails, NaN (None for several metrics) and the traceback."""
    scorer = fold.scorer
    try:
        scores = scorer(model, X, **params) if y is None else scorer(model, X, y, **params)
    except BaseException as error:
        # scikit-learn's scorer of several metrics turns an Exception into a value itself, unless it must raise.
        is_for_user = isinstance(error, Exception) and is_multimetric(scorer)
        if fold.setup.error_score == "raise" or is_for_user or not is_failure(error, fold.setup.pid):
            raise
        text = text_of(error)
        _warn_of_failed_scorer(text, fold.setup)
        return None if is_multimetric(scorer) else math.nan, text
    if isinstance(scores, dict):
        return _scores_of_metrics(scores, fold)
    return _number(scores, scorer), None


def _scores_of_metrics(scores: dict[str, Any], fold: Fold) -> tuple[Score, str | None]:
    """Return the scores of several metrics, NaN for those that failed, and their tracebacks."""
    errors = []
    numbers = {}
    for name, score in scores.items():
        # In place of a score, scikit-learn's scorer of several metrics returns the traceback of a metric that
        # failed.
        if isinstance(score, str) and is_multimetric(fold.scorer):
            _warn_of_failed_scorer(score, fold.setup)
            errors.append(score)
            numbers[name] = math.nan
        else:
            numbers[name] = _number(score, name)
    return numbers, "\n".join(errors) or None


def _predictions(model: Estimator, X: ArrayLike, setup: Setup) -> Predictions | None:
    """Return the predictions of a model; None if it cannot predict, since the fold has a score already."""
    try:
        return predictions_of(model, X, with_decision_values=needs_decision_values(setup.scorer))
    except BaseException as error:
        if not is_failure(error, setup.pid):
            raise
        return None  # not every estimator predicts


def _warn_of_failed_scorer(error: str, setup: Setup) -> None:
    warn_user(
        "Scoring failed. The score on this train-test partition for these parameters will be set to "
        f"{setup.error_score}. Details: \n{error}"
    )


def _number(score: Any, scorer: Scorer) -> Any:
    """Return a score as a float, int or bool; raise ValueError if it is not a number that a float can hold."""
    if type(score) is float:
        return score
    if hasattr(score, "item"):
        with suppress(ValueError):  # an array of several elements
            score = score.item()
    if not isinstance(score, Number):
        raise ValueError(
            f"scoring must return a number, got {_shown(score)} ({type(score)}) instead. (scorer={scorer})"
        )
    try:
        if isinstance(score, Complex) and not isinstance(score, Real):
            raise TypeError("it is complex")
        number = float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:  # for example, an integer of a thousand digits
        raise ValueError(
            f"scoring must return a real number that a float can hold, got a value of {type(score)} instead: {error}. "
            f"(scorer={scorer})"
        ) from None
    return score if type(score) in (int, bool) else number


def _shown(value: Any) -> str:
    """Return the text of a value of any class."""
    try:
        return str(value)
    except Exception as error:
        return f"a value whose text raises {type(error).__name__}"
