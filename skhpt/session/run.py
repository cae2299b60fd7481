"""Running a session: workers, limits and shared fits around the loop of the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from skhpt._compat import IS_TESTED
from skhpt._typing import ArrayLike, ErrorScore
from skhpt.engine import loop
from skhpt.engine.evaluator import PoolEvaluator, null_observer
from skhpt.engine.interrupts import Interrupts
from skhpt.engine.observers import SearchObserver, SearchObservers
from skhpt.engine.retries import RetryPolicy
from skhpt.engine.stopping import Limits
from skhpt.fitting.checkpoints import Checkpoints, InMemory, OnDisk
from skhpt.fitting.resources import FoldResource, FullTraining
from skhpt.fitting.slicing import data_can_be_shared
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.folders import remove_folder
from skhpt.parallel.pool import Pool, make_shared_folder, shares_memory
from skhpt.reuse.planner import ReusePlanner
from skhpt.reuse.report import ReuseReport
from skhpt.reuse.scorer_needs import ScorerNeeds, scorer_needs
from skhpt.reuse.shared_evaluation import SharingPolicy
from skhpt.session.session import Session
from skhpt.strategies.base import Strategy
from skhpt.strategies.racing import Race
from skhpt.trial import Trial

#: Turns of each fold, at the least, in a search with `max_time`: it has complete candidates after a fifth of the time.
TURNS_PER_FOLD = 5


@dataclass(frozen=True, kw_only=True)
class RunParams:
    """The parameters of a search that say how candidates are evaluated, and when the search ends.

    Attributes
    ----------
    n_jobs, pre_dispatch
        Workers, and tasks that are sent ahead.
    fit_timeout, fit_resources, max_retries
        Time limit of a fold in seconds, resources that its fit needs, and number of retries after a worker died.
    max_time, target_score, patience
        Limits of the search.
    metric : str or None
        Name of the metric that candidates are compared by; None for the only or first metric.
    error_score : "raise" or float
        Score of a failed fit.
    racing : bool
        Whether a race eliminates candidates.
    reuse, reuse_memory
        Fits that are shared, and bytes of transformed data that are kept for it.
    prints_rounds : bool
        Whether a line announces each round of candidates, if `verbose` asks for it.
    """

    n_jobs: int | None
    pre_dispatch: int | str | None
    fit_timeout: float | None
    fit_resources: FitResources
    max_retries: int
    max_time: float | timedelta | None
    target_score: float | None
    patience: int | None
    metric: str | None
    error_score: ErrorScore
    racing: bool
    reuse: str | bool
    reuse_memory: float | None
    prints_rounds: bool


@dataclass(frozen=True)
class RunOutcome:
    """The end of a run; its trials are in the history of the session.

    Attributes
    ----------
    stop_reason : str
        "completed", "constraint", "interrupted", or the limit that ended the search.
    reuse_report : ReuseReport
        Fits that candidates shared.
    n_retries : int
        Number of folds that were evaluated again because their worker died.
    n_interrupts : int
        Number of times that Ctrl-C was pressed.
    """

    stop_reason: str
    reuse_report: ReuseReport
    n_retries: int
    n_interrupts: int


def run_session(
    strategy: Strategy,
    session: Session,
    params: RunParams,
    lacks_candidates: Callable[[], bool] = lambda: False,
) -> RunOutcome:
    """Evaluate the candidates of a strategy until it has no more or a limit is reached.

    The history of the session is extended in place, so that nothing is lost if an exception is raised.
    `lacks_candidates` tells, when the strategy has no more, whether this is because of the constraint.
    """
    needs = scorer_needs(session.inputs.scorer, session.inputs.estimator)
    reason = _reason_not_to_share(session, params, needs)
    if not reason and session.callbacks.follow_fits:
        reason = "callbacks follow every fit"
        session.callbacks.warn_of_followed_fits()
    reuse = None if reason else ReusePlanner(_sharing_policy(session, params, needs))
    n_finished = session.history.n_finished
    with Interrupts() as interrupts:
        with _checkpoints(session, params) as checkpoints:
            evaluator = _make_evaluator(
                session, params, reuse=reuse, checkpoints=checkpoints, interrupts=interrupts
            )
            with evaluator:
                session.search_callbacks.begin_run(evaluator, interrupts)
                stop_reason = loop.run(
                    strategy,
                    session.history,
                    evaluator,
                    n_splits=len(session.folds),
                    observer=_make_observer(session),
                    race=_make_race(params),
                    stop=_make_limits(session, params, interrupts),
                )
        if stop_reason == loop.COMPLETED and lacks_candidates():
            stop_reason = loop.CONSTRAINT
        if interrupts.n:  # even if it was pressed after the last fold
            stop_reason = loop.INTERRUPTED
        if (
            session.journal and stop_reason == loop.INTERRUPTED
        ):  # now: the end of `interrupts` may end the process
            session.journal.record_event("ended", reason=stop_reason)
        session.search_callbacks.end_run(stop_reason)
        if stop_reason == loop.INTERRUPTED and interrupts.is_inner:
            raise KeyboardInterrupt  # for the search that this one is a fit of
    n_candidates = len(session.history) - n_finished
    report = reuse.report if reuse else ReuseReport.without_sharing(reason, n_candidates)
    return RunOutcome(stop_reason, report, evaluator.retry_policy.n_retries, interrupts.n)


@contextmanager
def _checkpoints(session: Session, params: RunParams) -> Iterator[Checkpoints]:
    """Provide storage for models that continue their training: on disk if the workers are processes."""
    if not session.fidelity.is_multi or shares_memory(
        params.n_jobs, params.fit_timeout, params.fit_resources
    ):
        yield Checkpoints(InMemory())
        return
    folder = make_shared_folder()
    try:
        yield Checkpoints(OnDisk(folder))
    finally:
        remove_folder(folder)


def _make_evaluator(
    session: Session,
    params: RunParams,
    *,
    reuse: ReusePlanner | None,
    checkpoints: Checkpoints,
    interrupts: Interrupts,
) -> PoolEvaluator:
    pool = Pool(
        params.n_jobs,
        pre_dispatch=params.pre_dispatch,
        fit_timeout=params.fit_timeout,
        fit_resources=params.fit_resources,
        interruptible=interrupts.allowed,
        folders=checkpoints.folders,
    )
    return PoolEvaluator(
        pool,
        replace(session.setup, checkpoints=checkpoints),
        X=session.inputs.X,
        y=session.inputs.y,
        splits=session.folds.splits,
        observe=session.callbacks.observe if session.callbacks.observe_fits else null_observer,
        racing=params.racing,
        reuse=reuse,
        retry_policy=RetryPolicy(params.max_retries, params.fit_timeout),
        prints_rounds=params.prints_rounds,
    )


def _make_observer(session: Session) -> SearchObserver:
    """Return the observer of the loop: the journal, if there is one, and then the callbacks."""
    if session.journal is None:
        return session.search_callbacks
    return SearchObservers([session.journal, session.search_callbacks])


def _make_race(params: RunParams) -> Race | None:
    return Race(params.metric, params.error_score) if params.racing else None


def _make_limits(session: Session, params: RunParams, interrupts: Interrupts) -> Limits:
    return Limits(
        max_time=params.max_time,
        target_score=params.target_score,
        patience=params.patience,
        mean_score=_score_to_compare(session, params),
        n_earlier_trials=session.history.n_earlier_trials,
        interrupts=interrupts,
    )


def _score_to_compare(session: Session, params: RunParams) -> Callable[[Trial], float | None]:
    """Return the function that `target_score` and `patience` compare trials by; it returns None for incomplete ones."""

    def score(trial: Trial) -> float | None:
        if not session.fidelity.is_complete(trial):
            return None
        return trial.mean_score(params.metric, params.error_score)

    return score


def _sharing_policy(session: Session, params: RunParams, needs: ScorerNeeds) -> SharingPolicy:
    return SharingPolicy(
        max_nbytes=math.inf if params.reuse_memory is None else params.reuse_memory,
        close=params.reuse == "close",
        verify=not IS_TESTED,
        scorer=needs,
        longest_turn=_longest_turn(params.max_time, n_splits=len(session.folds)),
    )


def _longest_turn(max_time: float | timedelta | None, n_splits: int) -> float:
    """Return the seconds of a turn, such that even one worker gives each fold `TURNS_PER_FOLD` turns."""
    if max_time is None:
        return math.inf
    seconds = max_time.total_seconds() if isinstance(max_time, timedelta) else max_time
    return seconds / (TURNS_PER_FOLD * n_splits)


def _reason_not_to_share(session: Session, params: RunParams, needs: ScorerNeeds) -> str:
    """Return the reason why the candidates of a session share no fits, whatever its callbacks; empty if they do."""
    if type(session.setup.training) not in (FullTraining, FoldResource):
        return "they are trained with different resources"
    return reason_not_to_share(session.inputs.X, needs, reuse=params.reuse, racing=params.racing)


def reason_not_to_share(X: ArrayLike, needs: ScorerNeeds, *, reuse: str | bool, racing: bool) -> str:
    """Return the reason why candidates share no fits; empty if they do."""
    if not reuse:
        return "reuse=False"
    if racing:
        return "racing=True"
    if not data_can_be_shared(X):
        return "X is a sparse matrix other than CSR with sorted indices"
    return needs.reason
