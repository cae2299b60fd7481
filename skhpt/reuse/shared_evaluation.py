"""Evaluate candidates that have fits in common, and whenever in doubt, let them be evaluated alone."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skhpt.fitting import slicing
from skhpt.fitting.fold import Fold, Job, Outcome, SeparateFits, Setup, Steps, cut, evaluate_one
from skhpt.fitting.scorers import fast_scorer
from skhpt.fitting.slicing import SliceCache, scorer_is_read_only
from skhpt.parallel.channels import Begun
from skhpt.reuse.cache import FitCache, MutationCheck, unwrap_steps, wrap_steps
from skhpt.reuse.grouping import SharedCandidate
from skhpt.reuse.rng_guard import GlobalRngWatch
from skhpt.reuse.steps import FitGraph, is_in
from skhpt.trial import Candidate, FoldScore, Score

#: By how much, relatively, scores of models that are only close may differ.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SharingPolicy:
    """On what terms candidates share fits.

    Attributes
    ----------
    max_nbytes : float
        Transformed data that a worker keeps at most, in bytes.
    close : bool
        Whether fits are shared that agree with fresh ones up to rounding only.
    verify : bool
        Whether candidates that share something for the first time are evaluated alone too, on one fold, to compare.
    """

    max_nbytes: float = math.inf
    close: bool = False
    verify: bool = False


class SharingRefused(BaseException):  # so that nothing between here and there takes it for a failing fit
    """Sharing might change a result.

    Parameters
    ----------
    reason : str
        Why.
    culprits : iterable of str, default=()
        Names of the parts that it is due to.
    for_all : bool, default=False
        Whether it holds for all candidates after this one too.
    """

    def __init__(self, reason: str, offenders: Iterable[str] = (), for_all: bool = False):
        super().__init__(reason)
        self.reason = reason
        self.offenders = set(offenders)
        self.for_all = for_all


def evaluate_shared(
    X: Any,
    y: Any,
    setup: Setup,
    split: int,
    train: Any,
    test: Any,
    jobs: Sequence[Job],
    shared: Sequence[SharedCandidate],
    policy: SharingPolicy,
) -> Steps:
    """Evaluate candidates on one fold, one after another, and fit once what they have in common.

    This is a task that workers run, like `evaluate`, whose scores it returns. Candidates for which that is not certain
    are declined.
    """
    start = time.time()
    group = SharedFits(Fold(X, y, setup, fast_scorer(setup.scorer), split, train, test), shared, policy)
    for job, one in zip(jobs, shared, strict=True):
        yield Begun(job.candidate.id, time.monotonic())
        n_scores = len(group.outcome.scores)
        group.take(job, one)
        yield from group.outcome.scores[n_scores:]
    group.outcome.seconds = time.time() - start
    return group.outcome


class SharedFits(SeparateFits):
    """Candidates on one fold, and what is remembered from one to the next.

    Parameters
    ----------
    fold : Fold
        The fold.
    shared : sequence of Shared
        The candidates.
    terms : Terms
        On what terms they share.
    """

    def __init__(self, fold: Fold, shared: Sequence[SharedCandidate], policy: SharingPolicy):
        setup = fold.setup
        self.outcome = Outcome(fold.split, n_fits=0)
        self._fold = fold
        self._strictly = _raising(fold)
        uses = Counter(n for one in shared for n in {n for share in one.shares for n in share.numbers})
        self._knows_scorer = scorer_is_read_only(setup.scorer)
        self._is_foreign = not self._knows_scorer or any(one.fit_graph.is_foreign for one in shared)
        self._draws = _Draws(shared[0].fit_graph, self._is_foreign)
        self._cache = FitCache(uses, policy.max_nbytes, self._draws.fit_without, check_mutations=self._is_foreign)
        self._slice_cache = slicing.slice_cache
        self._mutation_checks: list[MutationCheck] = []
        if self._is_foreign or not setup.may_share:
            self._slice_cache = SliceCache(math.inf)
            part = cut(fold, setup.estimator, shared[0].candidate, self)
            self._mutation_checks = [MutationCheck(data) for data in part[:4]]
        self._to_verify = policy.verify and fold.split == 0
        self._verified: set[tuple[str, ...]] = set()
        self._twins: dict[int, FoldScore] = {}  # the last score, by the number of the model
        self._stopped = ""

    def take(self, job: Job, one: SharedCandidate) -> None:
        """Evaluate a candidate, or decline it."""
        self._one, self._draws.fit_graph = one, one.fit_graph
        before = self._draws.state()
        try:
            if self._stopped:
                raise SharingRefused(self._stopped)
            if known := self.outcome.offenders.keys() & one.fit_graph.names:
                raise SharingRefused(self.outcome.offenders[min(known)])
            self.outcome.scores.append(self._twin_of(job) or self._evaluate(job, before))
        except SharingRefused as doubt:
            self._draws.restore(before)
            self.outcome.declined.append((job.candidate, doubt.reason))
            self.outcome.offenders |= dict.fromkeys(doubt.offenders, doubt.reason)
            self._stopped = doubt.reason if doubt.for_all else self._stopped
        finally:
            self._cache.release(one.shares)

    # -- the way of a candidate that has fits in common with others ----------------------------------------------

    def clock(self) -> float:
        return self._cache.clock()

    def slice_cache(self, setup: Setup, candidate: Candidate) -> SliceCache:
        return self._slice_cache

    def wrap_steps(self, estimator: Any) -> Any:
        return wrap_steps(estimator, self._one.shares, self._cache)

    def unwrap_steps(self, estimator: Any) -> Any:
        # Scikit-learn's scorers call its methods; another one may look at its parts.
        return unwrap_steps(estimator, completely=not self._knows_scorer)

    # -- one candidate -------------------------------------------------------------------------------------------

    def _twin_of(self, job: Job) -> FoldScore | None:
        """Return the score of a candidate whose model is the same as that of the last one."""
        twin = self._twins.get(self._one.model) if self._one.model >= 0 else None
        return twin and replace(twin, candidate=job.candidate.id)

    def _evaluate(self, job: Job, before: Any) -> FoldScore:
        n_found = self._cache.n_found
        score = self._try(job)
        paths = [share.path for share in self._one.shares]
        self._draws.refuse(before, lambda where: not any(is_in(where, path) for path in paths))
        if not (self._cache.is_intact and all(seal.is_unchanged for seal in self._mutation_checks)):
            raise SharingRefused("something in them writes to its input", for_all=True)
        rest = self._one.n_fits_of() if score else self._one.fit_graph.n_fits()
        self._count(rest + sum(map(self._one.n_fits_of, self._cache.take_made())))
        if score is None:
            return evaluate_one(self._fold, job)
        if self._to_verify and self._cache.n_found > n_found:
            self._verify(job, score)
        self._twins = {self._one.model: score}
        return score

    def _try(self, job: Job) -> FoldScore | None:
        """Evaluate a candidate; return None if it fails, for then it shall fail in its own way."""
        if self._cache.fails(self._one.shares):
            return None
        try:
            return evaluate_one(self._strictly, job, self)
        except Exception:
            return None

    def _count(self, n_fits: int) -> None:
        self.outcome.n_fits = (self.outcome.n_fits or 0) + n_fits

    def _verify(self, job: Job, score: FoldScore) -> None:
        """Compare a candidate that shares something for the first time with what it gets alone."""
        paths = tuple(share.path for share in self._one.shares)
        if paths in self._verified:
            return
        self._verified.add(paths)
        alone = evaluate_one(self._fold, job)
        is_close = any(share.family is not None and share.family.submodel.is_close for share in self._one.shares)
        shared, own = (_numbers(one.test_score) + _numbers(one.train_score) for one in (score, alone))
        rtol = _ROUNDING if is_close else 0.0
        if len(shared) != len(own) or not np.allclose(shared, own, rtol=rtol, atol=0.0, equal_nan=True):
            raise SharingRefused(DIFFERS, self._one.fit_graph.names, for_all=True)


class _Draws(GlobalRngWatch):
    """Numpy's global generator, of which nothing that candidates share may draw.

    It does not know the group that asks it. That would be a cycle, which holds the data of a task after its end, and so
    a file of joblib's, for which the search would wait.

    Attributes
    ----------
    recipe : FitGraph
        Of the candidate that is being evaluated, which changes.
    is_foreign : bool
        Whether code is involved that nobody knows.
    """

    def __init__(self, fit_graph: FitGraph, is_foreign: bool):
        super().__init__()
        self.fit_graph, self.is_foreign = fit_graph, is_foreign

    def fit_without(self, path: str, fit: Callable[[], Any]) -> Any:
        """Make a fit that others are going to use: what it draws, they would draw anew."""
        before = self.state()
        result = fit()
        self.refuse(before, lambda where: is_in(where, path))
        self.restore(before)  # what was drawn in vain was not drawn
        return result

    def refuse(self, before: Any, is_part: Callable[[str], bool]) -> None:
        """Decline a candidate if the generator has moved, and the parts in question may have drawn."""
        if not self.has_moved(before):
            return
        suspects = {name for path, name in self.fit_graph.unseeded.items() if is_part(path)}
        if suspects or self.is_foreign or not any(map(is_part, self.fit_graph.irrelevant_draws)):
            what = " or ".join(sorted(suspects)) or "something in it"
            raise SharingRefused(f"{what} draws from numpy's global generator", suspects)


def _numbers(score: Score | None) -> list[float]:
    """List the numbers of a score, of as many metrics as it may have."""
    return [math.nan] if score is None else list(score.values()) if isinstance(score, dict) else [score]


#: Why sharing is switched off altogether.
DIFFERS = "its score is not the one that it gets alone"


def _raising(fold: Fold) -> Fold:
    """Return the same fold, with the difference that whatever fails raises."""
    scorer = fold.scorer
    if hasattr(scorer, "_scorers"):
        scorer = copy(scorer)
        scorer._raise_exc = True
    return fold._replace(setup=replace(fold.setup, error_score="raise"), scorer=scorer)
