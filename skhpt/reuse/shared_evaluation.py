"""Evaluation of candidates that share fits, or separately where sharing could change a result."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import numpy as np

from skhpt._typing import ArrayLike, Estimator
from skhpt.fitting import slicing
from skhpt.fitting.checkpoints import TaskCheckpoints
from skhpt.fitting.failures import ControlFlow, is_failure
from skhpt.fitting.fold import FitPolicy, Steps, evaluate_one, slice_fold, worker_name
from skhpt.fitting.job import Fold, FoldObserver, Job, NullObserver, Outcome, Setup
from skhpt.fitting.scorers import fast_scorer, raising_scorer
from skhpt.fitting.slicing import FoldData, SliceCache, scorer_is_read_only
from skhpt.parallel.channels import Begun
from skhpt.reuse.cache import FitCache, unwrap_steps, wrap_steps
from skhpt.reuse.grouping import SharedCandidate, SharedStep
from skhpt.reuse.mutation import MutationCheck, seconds_to_check
from skhpt.reuse.rng_guard import GlobalRngWatch, RngState
from skhpt.reuse.scorer_needs import KNOWN_METRICS, Needs, ScorerNeeds
from skhpt.reuse.steps import FitGraph, is_in
from skhpt.trial import Candidate, FoldScore, Score

T = TypeVar("T")

#: Relative difference that is allowed between scores of sub-models that are close, and scores of separate
#: fits.
_ROUNDING = 1e-6
#: Reason for which sharing is switched off.
DIFFERS = "the score of a shared fit differs from the score of a separate fit"
CHECKS_TAKE_LONG = "to check that nothing writes to the data takes longer than the fits that sharing saves"
#: Seconds of checks for each candidate that are not worth a thought.
_QUICK_CHECK = 0.002
#: Time of all checks, relative to the time of fits, that is not worth a thought either.
_SMALL_SHARE = 0.05
#: A task ends after so many seconds, so that other folds of its candidates, and other candidates, get their turn, but
#: not before it has taken so many times as long as the fits that its other candidates need, which are made again.
SECONDS_OF_TURN, TIMES_FITS = 1.0, 20
#: Time of a check, relative to that of a fit, up to which it is tried whether sharing saves more.
_LARGEST_SHARE = 0.25


@dataclass(frozen=True)
class SharingPolicy:
    """Rules under which candidates share fits.

    Attributes
    ----------
    max_nbytes : float
        Bytes of transformed data that a worker keeps.
    close : bool
        Whether sub-models may be used whose predictions differ by rounding.
    verify : bool
        Whether the first candidates that share something are also evaluated separately, on one fold, to
        compare.
    scorer : ScorerNeeds
        What the scorer needs of a model.
    longest_turn : float
        Seconds after which a task ends, however many fits are made again for its other candidates.
    """

    max_nbytes: float = math.inf
    close: bool = False
    verify: bool = False
    scorer: ScorerNeeds = KNOWN_METRICS
    longest_turn: float = math.inf


class SharingRefused(ControlFlow):
    """Sharing fits might change the score of a candidate, which is then evaluated separately.

    It is raised inside ``fit``, and is no `Exception`, so that neither scikit-learn nor the code that turns
    failing fits into values can catch it.

    Parameters
    ----------
    reason : str
        The reason.
    offenders : iterable of str, default=()
        Names of the steps that cause it. Candidates that have one of them share no fits any more.
    for_all : bool, default=False
        Whether the other candidates of the task must be evaluated separately too.
    """

    def __init__(self, reason: str, offenders: Iterable[str] = (), for_all: bool = False):
        super().__init__(reason)
        self.reason = reason
        self.offenders = frozenset(offenders)
        self.for_all = for_all


def evaluate_shared(
    X: ArrayLike,
    y: ArrayLike,
    setup: Setup,
    split: int,
    train: ArrayLike,
    test: ArrayLike,
    jobs: Sequence[Job],
    shared: Sequence[SharedCandidate],
    policy: SharingPolicy,
) -> Steps:
    """Evaluate candidates on one fold, one after another, and fit the steps that they share once.

    Workers run it as a task, like `evaluate`; the scores are the same. Candidates for which that is not
    certain are declined, and after a second the others are postponed if the fits that they need are cheap: the
    outcome lists both.
    """
    start = time.time()
    checkpoints = TaskCheckpoints(setup.checkpoints.store)  # fits that are shared are complete
    fold = Fold(X, y, setup, fast_scorer(setup.scorer), split, train, test, checkpoints)
    fits = SharedFits(fold, shared, policy)
    for i, (job, candidate) in enumerate(zip(jobs, shared, strict=True)):
        if i and fits.may_end(time.time() - start):
            fits.outcome.postponed = [job.candidate.id for job in jobs[i:]]
            break
        yield Begun(job.candidate.id, time.monotonic(), worker_name(setup))
        n_scores = len(fits.outcome.scores)
        fits.evaluate(job, candidate)
        yield from fits.outcome.scores[n_scores:]
    fits.outcome.seconds = time.time() - start
    return fits.outcome


class SharedFits(FitPolicy):
    """Fit policy of candidates that share fits, on one fold.

    Parameters
    ----------
    fold : Fold
        The fold.
    shared : sequence of SharedCandidate
        The candidates.
    policy : SharingPolicy
        Rules under which they share fits.

    Attributes
    ----------
    outcome : Outcome
        Scores so far, and candidates that were declined.
    """

    def __init__(self, fold: Fold, shared: Sequence[SharedCandidate], policy: SharingPolicy):
        setup = fold.setup
        self.outcome = Outcome(fold.split, n_fits=0)
        self._fold = fold
        self._raising_fold = _raising(fold)
        self._longest_turn = policy.longest_turn
        self._needs = policy.scorer.needs
        self._knows_scorer = self._needs == Needs.KNOWN_METRIC and scorer_is_read_only(setup.scorer)
        has_foreign_steps = any(candidate.fit_graph.is_foreign for candidate in shared)
        may_write = has_foreign_steps or policy.scorer.writes_data
        may_draw = (
            has_foreign_steps
            or policy.verify
            or any(candidate.fit_graph.draws.may_draw for candidate in shared)
        )
        self._guard = _DrawGuard(shared[0].fit_graph, has_foreign_steps, is_active=may_draw)
        self._cache = FitCache(
            _count_uses(shared), policy.max_nbytes, guard=self._guard, check_mutations=may_write
        )
        self._slice_cache = slicing.slice_cache
        self._mutation_checks: list[MutationCheck] = []
        self._to_check: FoldData | None = None
        self._seconds_checking = self._seconds_asked = 0.0
        self._n_checked = 0
        if may_write or not setup.may_share:
            self._slice_cache = SliceCache(math.inf)
        if may_write:
            self._to_check = slice_fold(fold, setup.estimator, shared[0].candidate, policy=self)
        self._to_verify = policy.verify and fold.split == 0
        self._verified: set[tuple[str, ...]] = set()
        self._previous: tuple[int, FoldScore, int] | None = None  # id of the model, score, words drawn
        self._reason_for_all = ""

    def evaluate(self, job: Job, candidate: SharedCandidate) -> None:
        """Evaluate a candidate, or decline it."""
        self._candidate = candidate
        self._observer = observer = _SharedFitObserver(job.observer)
        job = replace(job, observer=observer)
        try:
            self._refuse_if_known()
            self.outcome.scores.append(self._score_of_same_model(job) or self._guarded_score(job))
        except SharingRefused as refusal:
            self.outcome.declined.append((job.candidate, refusal.reason))
            if observer.has_begun:
                self.outcome.begun.append(job.candidate.id)
                observer.stop()
            self.outcome.offenders |= dict.fromkeys(refusal.offenders, refusal.reason)
            self._reason_for_all = refusal.reason if refusal.for_all else self._reason_for_all
        finally:
            observer.end_of_evaluation()
            self._cache.release(candidate.steps)

    def may_end(self, seconds: float) -> bool:
        """Tell whether a task that has taken some seconds may leave its other candidates to another task."""
        return seconds >= min(self._longest_turn, max(SECONDS_OF_TURN, TIMES_FITS * self._cache.seconds_kept))

    # -- the fit policy --------------------------------------------------------------------------------------

    def clock(self) -> float:
        return self._cache.clock()

    def slice_cache(self, setup: Setup, candidate: Candidate) -> SliceCache:
        return self._slice_cache

    def wrap_steps(self, estimator: Estimator) -> Estimator:
        return wrap_steps(estimator, self._candidate.steps, self._cache)

    def unwrap_steps(self, estimator: Estimator) -> Estimator:
        # A scorer that asks for predictions alone only calls methods; others look at the fitted steps.
        return unwrap_steps(estimator, completely=self._needs >= Needs.MODEL)

    # -- one candidate ---------------------------------------------------------------------------------------

    def _refuse_if_known(self) -> None:
        """Decline a candidate for the reason for which an earlier one was declined."""
        if self._reason_for_all:
            raise SharingRefused(self._reason_for_all)
        if offenders := self.outcome.offenders.keys() & self._candidate.fit_graph.names.values():
            raise SharingRefused(self.outcome.offenders[min(offenders)])

    def _score_of_same_model(self, job: Job) -> FoldScore | None:
        """Return the score of the previous candidate if the fit of the whole model is the same.

        A scorer that is not known is called for each candidate.
        """
        if not self._knows_scorer:
            return None
        if self._previous is None or self._previous[0] != self._candidate.model_id or self._previous[0] < 0:
            return None
        self.outcome.n_draws[job.candidate.id] = self._previous[2]
        if self._observer.is_watching:
            fold_data = slice_fold(self._fold, self._fold.setup.estimator, job.candidate, policy=self)
            job.observer.begin(fold_data)
            job.observer.end(fold_data)
        return replace(self._previous[1], candidate=job.candidate.id)

    def _guarded_score(self, job: Job) -> FoldScore:
        """Return the score of a candidate, or restore numpy's global generator if it is declined."""
        before = self._guard.start(self._candidate.fit_graph)
        try:
            return self._score(job, before)
        except SharingRefused as refusal:
            self._guard.restore(before)
            refusal.for_all |= not self._is_intact
            raise

    def _score(self, job: Job, before: RngState | None) -> FoldScore:
        if self._to_check is not None and (first := self._begin_checks(self._to_check, job, before)):
            return first
        n_found = self._cache.n_found
        score = self._try(job)
        self._guard.raise_again()
        if score is None:
            self._guard.restore(before)
            self._guard.n_words = 0
            return self._separate_score(job, before)
        self._check_for_changes(before, self._candidate.steps)
        self._count_fits()
        self.outcome.n_draws[job.candidate.id] = self._guard.n_words
        self._stop_if_checks_take_long(score)
        if self._to_verify and self._cache.n_found > n_found:
            self._verify(job, score)
        self._previous = (self._candidate.model_id, score, self._guard.n_words)
        return score

    def _separate_score(self, job: Job, before: RngState | None) -> FoldScore:
        """Return the score of a separate evaluation in the turn of the candidate."""
        score = evaluate_one(self._fold, job)
        self._check_for_changes(before, shared=())
        self._count_fits(is_separate=True)
        self.outcome.n_draws[job.candidate.id] = self._guard.n_words
        return score

    def _begin_checks(self, data: FoldData, job: Job, before: RngState | None) -> FoldScore | None:
        """Begin to check that the data of the fold are not written to.

        If that takes long, the first candidate is evaluated separately, to see how long a fit takes.
        Its score is returned.
        """
        self._to_check = None
        seconds = sum(map(seconds_to_check, _arrays_of(data)))
        score = self._separate_score(job, before) if seconds > _QUICK_CHECK else None
        if score is not None and seconds > _LARGEST_SHARE * (score.fit_time + score.score_time):
            self._refuse_for_all(CHECKS_TAKE_LONG)
            return score
        start = time.time()
        self._mutation_checks = [MutationCheck(part) for part in _arrays_of(data)]
        self._seconds_checking += time.time() - start
        return score

    def _stop_if_checks_take_long(self, score: FoldScore) -> None:
        """Share no more fits if checks that data are not written to take longer than sharing saves."""
        if not self._mutation_checks:
            return
        spent = self._seconds_checking + self._cache.seconds_checking
        self._seconds_asked += score.fit_time + score.score_time
        self._n_checked += 1
        saved = self._cache.saved_seconds + _SMALL_SHARE * self._seconds_asked
        if self._n_checked > 1 and spent > max(saved, self._n_checked * _QUICK_CHECK):
            self._refuse_for_all(CHECKS_TAKE_LONG)

    def _refuse_for_all(self, reason: str) -> None:
        """Decline the other candidates, on this fold and on others."""
        self._reason_for_all = reason
        self.outcome.offenders[self._candidate.fit_graph.names[""]] = reason

    def _try(self, job: Job) -> FoldScore | None:
        """Return the score of a candidate; None if it fails, so that a separate fit shows its own error."""
        if self._cache.has_failed(self._candidate.steps):
            return None
        try:
            return evaluate_one(self._raising_fold, job, self)
        except BaseException as error:
            if not is_failure(error, self._fold.setup.pid):
                raise
            return None

    def _check_for_changes(self, before: RngState | None, shared: Sequence[SharedStep]) -> None:
        """Decline a candidate if steps that are not shared have drawn, or if data were written to."""
        paths = [step.path for step in shared]
        self._guard.count(before, lambda where: not any(is_in(where, path) for path in paths))
        if not self._is_intact:
            raise SharingRefused("something in them writes to its input", for_all=True)

    @property
    def _is_intact(self) -> bool:
        """Whether no data of the fold and no output in the cache was written to."""
        start = time.time()
        is_intact = self._cache.is_intact and all(check.is_unchanged for check in self._mutation_checks)
        self._seconds_checking += time.time() - start
        return is_intact

    def _count_fits(self, is_separate: bool = False) -> None:
        """Count the fits of a candidate, and those of shared steps that were made for it."""
        candidate = self._candidate
        n_fits = candidate.fit_graph.n_fits() if is_separate else candidate.n_fits_of()
        for path in self._cache.take_made():
            n_fits += candidate.n_fits_of(path)
        self.outcome.n_fits = (self.outcome.n_fits or 0) + n_fits

    def _verify(self, job: Job, score: FoldScore) -> None:
        """Compare the score with that of a separate fit, once for each combination of shared steps."""
        steps = self._candidate.steps
        paths = tuple(step.path for step in steps)
        if paths in self._verified:
            return
        self._verified.add(paths)
        is_close = any(step.group is not None and step.group.submodel.is_close for step in steps)
        separate = evaluate_one(self._fold, job)
        if not _agree(score, separate, rtol=_ROUNDING if is_close else 0.0):
            raise SharingRefused(DIFFERS, self._candidate.fit_graph.names.values(), for_all=True)


class _SharedFitObserver:
    """Observer of a candidate on a fold whose fit may be tried twice: it tells another observer only once.

    The other observer cannot follow what happens inside a fit that was made for another candidate.
    """

    def __init__(self, observer: FoldObserver):
        self._observer = observer
        self.is_watching = not isinstance(observer, NullObserver)
        self.has_begun = False
        self._fold: FoldData | None = None

    def begin(self, fold: FoldData) -> None:
        if self.is_watching and not self.has_begun:
            self.has_begun = True
            self._observer.begin(fold)

    def fitting(self, estimator: Estimator, fold: FoldData) -> AbstractContextManager[Any]:
        self.begin(fold)
        return nullcontext()

    def end(self, fold: FoldData) -> None:
        self._fold = fold

    def stop(self) -> None:
        """Leave the end to a separate evaluation."""
        self.is_watching = False

    def end_of_evaluation(self) -> None:
        """Tell the other observer of the end of the last try."""
        if self.is_watching and self._fold is not None:
            self._observer.end(self._fold)


class _DrawGuard(GlobalRngWatch):
    """Guard against draws of shared fits from numpy's global generator.

    It has no reference to `SharedFits`, which holds the data of the task: a reference cycle would keep them,
    and thus a file of joblib that the search waits for, until the garbage collector runs.

    Parameters
    ----------
    fit_graph : FitGraph
        Fit graph of the first candidate.
    is_foreign : bool
        Whether estimators of others than scikit-learn are involved.
    is_active : bool
        Whether the generator is watched.

    Attributes
    ----------
    n_words : int
        Words of 32 bits that a separate fit of the candidate would have drawn by now.
    """

    def __init__(self, fit_graph: FitGraph, is_foreign: bool, is_active: bool):
        super().__init__(is_active)
        self._fit_graph = fit_graph
        self._is_foreign = is_foreign
        self._refusal: tuple[str, set[str]] | None = None  # reason and offenders
        self.n_words = 0

    def start(self, fit_graph: FitGraph) -> RngState | None:
        """Begin with a candidate, and return the state of the generator."""
        self._fit_graph = fit_graph
        self._refusal = None
        self.n_words = 0
        return self.state()

    def raise_again(self) -> None:
        """Refuse once more, as a scorer with a bare ``except`` may have caught a refusal."""
        if self._refusal is not None:
            raise SharingRefused(*self._refusal)

    def _refuse(self, reason: str, offenders: set[str]) -> NoReturn:
        self._refusal = reason, offenders
        raise SharingRefused(reason, offenders)

    def call(self, path: str, fit: Callable[[], T]) -> T:
        """Make the shared fit of the step at a path. Refuse if it draws, as each candidate would draw other numbers."""
        before = self.state()
        result = fit()
        if self.count(before, lambda where: is_in(where, path)):
            self.restore(before)
        return result

    def refuse_changing(self, path: str) -> None:
        """Refuse to share the step at a path, because it changes when it transforms or predicts."""
        name = self._fit_graph.names[path]
        self._refuse(f"{name} changes when it transforms or predicts", {name})

    def count(self, before: RngState | None, is_suspect: Callable[[str], bool]) -> int:
        """Count the draws since a state of the generator; `is_suspect` tells which paths may have drawn."""
        n_words = self._check(self.n_drawn_since(before), is_suspect)
        self.n_words += n_words
        return n_words

    def check(self, path: str, n_words: int | None) -> int:
        """Return the number of words that the fit of the step at a path draws; refuse to share it if they matter."""
        return self._check(n_words, lambda where: is_in(where, path))

    def _check(self, n_words: int | None, is_suspect: Callable[[str], bool]) -> int:
        draws = self._fit_graph.draws
        if n_words == 0:
            return 0
        unseeded = set(filter(is_suspect, draws.unseeded))
        irrelevant = set(filter(is_suspect, draws.irrelevant))
        if n_words is not None and irrelevant and not unseeded:
            # Each of these steps draws a single number, so that other code has not drawn if there are no more.
            n_known = len(irrelevant.intersection(step.path for step in self._fit_graph.steps))
            if not self._is_foreign or n_words == n_known:
                return n_words
        culprits = unseeded or set(filter(is_suspect, draws.unknown)) or {""}
        names = {self._fit_graph.names[path] for path in culprits}
        who = " or ".join(sorted(names)) if culprits != {""} else "something in it"
        self._refuse(f"{who} draws from numpy's global generator", names)


def _count_uses(shared: Sequence[SharedCandidate]) -> Counter[int]:
    """Count the candidates that may use each fit, by its id."""
    n_uses: Counter[int] = Counter()
    for candidate in shared:
        n_uses.update({fit_id for step in candidate.steps for fit_id in step.fit_ids})
    return n_uses


def _arrays_of(data: FoldData) -> list[ArrayLike]:
    """Return the data of a fold, and the values that go with its rows."""
    params = (data.fit_params, data.train_score_params, data.test_score_params)
    return [*data[:4], *(value for values in params for value in values.values())]


def _raising(fold: Fold) -> Fold:
    """Return the same fold, with the difference that failing fits and scorers raise."""
    return fold._replace(setup=replace(fold.setup, error_score="raise"), scorer=raising_scorer(fold.scorer))


def _agree(score: FoldScore, other: FoldScore, rtol: float) -> bool:
    """Tell whether the scores of a fold are the same."""
    shared, separate = _numbers(score), _numbers(other)
    return len(shared) == len(separate) and np.allclose(shared, separate, rtol=rtol, atol=0.0, equal_nan=True)


def _numbers(score: FoldScore) -> list[float]:
    """Return test and train scores of all metrics."""
    return [*_values(score.test_score), *_values(score.train_score)]


def _values(score: Score | None) -> list[Any]:
    if score is None:
        return [math.nan]
    return list(score.values()) if isinstance(score, dict) else [score]
