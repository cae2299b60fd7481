"""Cache of fitted steps, and the estimators that use it.

Each step that several candidates share is replaced by a `CachedStep`. Scikit-learn's own pipelines and unions
call it like any other estimator. It asks the cache for the same fit on the same rows, and is fitted only if
there is none.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import Tags, get_tags

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.fitting.slicing import data_can_be_shared, nbytes
from skhpt.reuse.grouping import SharedStep
from skhpt.reuse.mutation import MutationCheck
from skhpt.reuse.settled import are_same, stays_as_it_is


class DrawGuard(Protocol):
    """Guard of fits against draws from numpy's global generator.

    Attributes
    ----------
    n_words : int
        Words that a separate fit of the candidate would have drawn by now.
    """

    n_words: int

    def call(self, path: str, fit: Callable[[], Any]) -> Any:
        """Return what the fit of the step at a path returns; refuse to share it if its draws matter."""
        ...

    def refuse_changing(self, path: str) -> None:
        """Refuse to share the step at a path, because it changes when it transforms or predicts."""
        ...

    def check(self, path: str, n_words: int | None) -> int:
        """Return the number of words that the fit of the step at a path draws; refuse to share it if they matter."""
        ...


class FitRequest(NamedTuple):
    """Fit that a step asks for.

    Attributes
    ----------
    step : SharedStep
        The step.
    estimator : estimator
        Its estimator, which is fitted if the cache has no such fit.
    X, y : array-like
        Rows to fit it on.
    params : dict
        Other arguments of ``fit``, such as sample weights.
    transform : bool
        Whether to call ``fit_transform``.
    """

    step: SharedStep
    estimator: Estimator
    X: ArrayLike
    y: ArrayLike
    params: Params
    transform: bool


class CachedOutput(NamedTuple):
    """Output of a method of a fitted step for some rows, and the seconds that it took."""

    method: str
    X: ArrayLike
    output: ArrayLike
    seconds: float


@dataclass
class CachedFit:
    """Fitted step, the rows that it was fitted on, and outputs of its methods.

    Attributes
    ----------
    model : object
        The fitted estimator, or what ``SubModel.fit`` returned.
    X : array-like
        The rows that it was fitted on.
    params : dict
        Other arguments of ``fit``.
    output : array-like or None
        Output of ``fit_transform``, if that was called.
    seconds : float
        Duration of the fit, if nothing had been cached.
    n_draws : int
        Words that the fit would have drawn from numpy's global generator, if nothing had been cached.
    outputs : list of CachedOutput
        Latest outputs of other methods.
    mutation_checks : list of MutationCheck
        Checks of these outputs, if foreign code might write to them.
    """

    model: Any
    X: ArrayLike
    params: Params = field(default_factory=dict)
    output: ArrayLike = None
    seconds: float = 0.0
    n_draws: int = 0
    outputs: list[CachedOutput] = field(default_factory=list)
    mutation_checks: list[MutationCheck] = field(default_factory=list)

    def answers(self, request: FitRequest) -> bool:
        """Return whether the fit matches a request: the same rows and arguments."""
        return (
            are_same(self.X, request.X)
            and self.params.keys() == request.params.keys()
            and all(value is request.params[name] for name, value in self.params.items())
        )

    @property
    def nbytes(self) -> float:
        """Size of its outputs, in bytes."""
        return nbytes(self.output) + sum(nbytes(cached.output) for cached in self.outputs)


class FitCache:
    """Cache of the fits of one fold that later candidates need.

    Parameters
    ----------
    n_uses : Counter of int
        Number of candidates that may use each fit, by its id. A fit is removed after its last use.
    max_nbytes : float
        Bytes of outputs to keep. The least recently used fits are removed, and made again if they are needed.
    guard : DrawGuard
        Refuses fits that draw from numpy's global generator, and counts draws that do not matter.
    check_mutations : bool
        Whether foreign code might write to the outputs.

    Attributes
    ----------
    saved_seconds : float
        Time that the candidates would have taken without the cache, less the time that they took.
    n_found : int
        Number of fits that were found, or derived from the fit of a sub-model.
    seconds_checking : float
        Time that was spent on checks that the outputs are not written to.
    """

    def __init__(
        self,
        n_uses: Counter[int],
        max_nbytes: float,
        guard: DrawGuard,
        check_mutations: bool,
    ):
        self.saved_seconds = 0.0
        self.n_found = 0
        self.seconds_checking = 0.0
        self._n_uses = n_uses
        self._max_nbytes = max_nbytes
        self._guard = guard
        self._check_mutations = check_mutations
        self._fits: OrderedDict[int, CachedFit] = OrderedDict()
        self._made: list[str] = []  # paths of steps
        self._failing: set[int] = set()  # ids of fits

    def clock(self) -> float:
        """Return the time, in seconds, as it would be without the cache."""
        return time.time() + self.saved_seconds

    def fit(self, request: FitRequest) -> CachedFit:
        """Return the requested fit."""
        start, saved, n_before = time.time(), self.saved_seconds, self._guard.n_words
        fit = self._find(request.step.fit_id, request)
        if fit is None or (request.transform and fit.output is None):
            fit = self._make(request)
            fit.n_draws = self._guard.n_words - n_before
        else:
            self._guard.n_words += fit.n_draws
        self.saved_seconds = saved + fit.seconds - (time.time() - start)
        return fit

    def output(self, step: SharedStep, fit: CachedFit, method: str, X: ArrayLike) -> ArrayLike:
        """Return the output of a method of a fitted step for some rows."""
        start, clock = time.time(), self.clock()
        for cached in fit.outputs:
            if cached.method == method and are_same(cached.X, X):
                self.saved_seconds += cached.seconds - (time.time() - start)
                return _lend(cached.output)
        output = getattr(fit.model, method)(X) if step.is_settled else self._try_twice(step, fit, method, X)
        fit.outputs = [*fit.outputs[-3:], CachedOutput(method, X, output, seconds=self.clock() - clock)]
        self._watch(fit, output, X)
        return _lend(output)

    def _try_twice(self, step: SharedStep, fit: CachedFit, method: str, X: ArrayLike) -> ArrayLike:
        """Return the output for some rows; refuse to share the step if a second call changes it or the rows."""
        rows = MutationCheck(X)  # columns of a `ColumnTransformer` are not checked elsewhere
        output = getattr(fit.model, method)(X)
        if not stays_as_it_is(fit.model, method, X, output) or not rows.is_unchanged:
            self._guard.refuse_changing(step.path)
        return output

    def _watch(self, fit: CachedFit, output: ArrayLike, X: ArrayLike) -> None:
        """Check from now on that an output is not written to; its input is checked already."""
        if self._check_mutations and output is not None and output is not X:
            start = time.time()
            fit.mutation_checks.append(MutationCheck(output))
            self.seconds_checking += time.time() - start

    def has_failed(self, steps: Iterable[SharedStep]) -> bool:
        """Tell whether the fit of one of these steps has raised an exception."""
        return any(step.fit_id in self._failing for step in steps)

    def take_made(self) -> list[str]:
        """Return the paths of the steps that were fitted since the last call."""
        made, self._made = self._made, []
        return made

    @property
    def seconds_kept(self) -> float:
        """Duration of the fits that later candidates need, in seconds."""
        return sum(fit.seconds for fit in self._fits.values())

    @property
    def is_intact(self) -> bool:
        """Whether no output was written to."""
        return all(check.is_unchanged for fit in self._fits.values() for check in fit.mutation_checks)

    def release(self, steps: Iterable[SharedStep]) -> None:
        """Count a use of the fits of a candidate's steps, and remove those that no later candidate uses."""
        for fit_id in {fit_id for step in steps for fit_id in step.fit_ids}:
            self._n_uses[fit_id] -= 1
            if self._n_uses[fit_id] <= 0:
                self._fits.pop(fit_id, None)

    def _find(self, fit_id: int, request: FitRequest) -> CachedFit | None:
        fit = self._fits.get(fit_id)
        if fit is None or not fit.answers(request):
            return None
        self._fits.move_to_end(fit_id)
        self.n_found += 1
        return fit

    def _keep(self, fit_id: int, fit: CachedFit) -> None:
        self._fits[fit_id] = fit
        while len(self._fits) > 1 and sum(kept.nbytes for kept in self._fits.values()) > self._max_nbytes:
            self._fits.popitem(last=False)

    def _make(self, request: FitRequest) -> CachedFit:
        """Return a view of the fit of the group, or else fit the estimator; keep the result."""
        step, clock, n_before = request.step, self.clock(), self._guard.n_words
        self._failing.add(step.fit_id)  # until it has succeeded
        fit = self._view(request) if step.group else None
        if fit is None:
            self._guard.n_words = n_before
            fit = self._fit(request)
            fit.seconds = self.clock() - clock
        self._keep(step.fit_id, fit)
        self._failing.remove(step.fit_id)
        return fit

    def _fit(self, request: FitRequest) -> CachedFit:
        path = request.step.path
        self._made.append(path)
        return self._cached(request, request.estimator, self._guard.call(path, lambda: _call_fit(request)))

    def _cached(self, request: FitRequest, model: Any, output: ArrayLike, seconds: float = 0.0) -> CachedFit:
        fit = CachedFit(model, request.X, request.params, output, seconds)
        self._watch(fit, output, request.X)
        return fit

    def _view(self, request: FitRequest) -> CachedFit | None:
        """Return the step's view of the fit of its group; None if the sub-model cannot serve it."""
        step = request.step
        assert step.group is not None
        submodel = step.group.submodel
        if request.params and not submodel.uses_plain_fit:
            return None
        whole = self._find(step.group.fit_id, request) or self._fit_group(request)
        start, n_before = time.time(), self._guard.n_words
        view = self._guard.call(step.path, lambda: submodel.view(whole.model, copy(request.estimator)))
        if view is None:
            return None
        n_own = self._guard.n_words - n_before
        n_draws = submodel.n_draws(whole.model, view, shared=whole.n_draws, own=n_own)
        self._guard.n_words = n_before + self._guard.check(step.path, n_draws)
        self.n_found += 1
        output = submodel.output(view, whole.output, request.X) if request.transform else None
        seconds = (
            whole.seconds * submodel.time_fraction(request.estimator, step.group.widest) + time.time() - start
        )
        return self._cached(request, view, output, seconds)

    def _fit_group(self, request: FitRequest) -> CachedFit:
        """Make the fit that serves a group, and keep it."""
        step, clock, n_before = request.step, self.clock(), self._guard.n_words
        assert step.group is not None
        submodel = step.group.submodel
        widest = clone(request.estimator).set_params(**step.group.widest)
        if submodel.uses_plain_fit:
            fit = self._fit(request._replace(estimator=widest))
        else:
            self._made.append(step.path)
            model = self._guard.call(step.path, lambda: submodel.fit(widest, request.X, request.y))
            fit = CachedFit(model, request.X, request.params)
        fit.seconds = self.clock() - clock
        fit.n_draws, self._guard.n_words = self._guard.n_words - n_before, n_before
        self._keep(step.group.fit_id, fit)
        return fit


class CachedStep:
    """Estimator that takes the place of a shared step and looks its fit up in the cache.

    Parameters
    ----------
    estimator : estimator
        The step, not fitted.
    step : SharedStep
        The fits that it may use.
    cache : FitCache
        The cache.
    """

    def __init__(self, estimator: Estimator, step: SharedStep, cache: FitCache):
        self.estimator = estimator
        self.step = step
        self.cache = cache
        self.fit_: CachedFit | None = None

    def fit(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> CachedStep:
        self.fit_ = self.cache.fit(FitRequest(self.step, self.estimator, X, y, params, transform=False))
        return self

    def fit_transform(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> ArrayLike:
        self.fit_ = self.cache.fit(FitRequest(self.step, self.estimator, X, y, params, transform=True))
        return _lend(self.fit_.output)

    def __sklearn_is_fitted__(self) -> bool:
        return self.fit_ is not None

    def __sklearn_clone__(self) -> CachedStep:
        return CachedStep(clone(self.estimator, safe=False), self.step, self.cache)

    def __sklearn_tags__(self) -> Tags:
        return get_tags(self.model)

    @property
    def model(self) -> Estimator:
        """The fitted step, or the step itself before it is fitted."""
        return self.estimator if self.fit_ is None else self.fit_.model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("estimator", "fit_"):
            raise AttributeError(name)
        attribute = getattr(self.model, name)
        if self.fit_ is None or name not in _CACHED_METHODS:
            return attribute
        step, fit, cache = self.step, self.fit_, self.cache

        def method(X: ArrayLike, *args: Any, **params: Any) -> ArrayLike:
            return attribute(X, *args, **params) if args or params else cache.output(step, fit, name, X)

        return method


#: Methods that are called several times for the same rows.
_CACHED_METHODS = ("transform", "predict", "predict_proba", "decision_function")


def wrap_steps(estimator: Estimator, steps: Iterable[SharedStep], cache: FitCache) -> Estimator:
    """Replace the shared steps of an estimator, which is not fitted, by cached steps."""
    return _wrap(estimator, "", {step.path: step for step in steps}, cache)


def _wrap(estimator: Estimator, path: str, steps: Mapping[str, SharedStep], cache: FitCache) -> Estimator:
    """Replace the shared steps at and below a path; `steps` are those of the whole estimator, by path."""
    prefix = f"{path}__" if path else ""
    if any(other.startswith(prefix) and other != path for other in steps):
        _replace_children(estimator, lambda name, child: _wrap(child, prefix + name, steps, cache))
    return CachedStep(estimator, steps[path], cache) if path in steps else estimator


def _replace_children(estimator: Estimator, replace: Callable[[str, Any], Any]) -> None:
    """Replace the inner estimators of an unfitted estimator."""
    if type(estimator) is Pipeline:
        estimator.steps = [(name, replace(name, step)) for name, step in estimator.steps]
    elif type(estimator) is TransformedTargetRegressor:
        estimator.regressor = replace("regressor", estimator.regressor)
    elif type(estimator) is FeatureUnion:
        estimator.transformer_list = [
            (name, replace(name, branch)) for name, branch in estimator.transformer_list
        ]
    elif type(estimator) is ColumnTransformer:
        transformers = estimator.transformers
        estimator.transformers = [
            (name, replace(name, branch), columns) for name, branch, columns in transformers
        ]
    elif type(estimator) in (VotingClassifier, VotingRegressor):
        estimator.estimators = [(name, replace(name, member)) for name, member in estimator.estimators]


def unwrap_steps(estimator: Estimator, completely: bool = True) -> Estimator:
    """Return a fitted estimator with fitted steps in the place of cached ones.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator; it is changed.
    completely : bool, default=True
        Whether to replace all cached steps, or only the last one of the chain, whose predictions are scored.
    """
    if isinstance(estimator, CachedStep):
        return unwrap_steps(estimator.model, completely) if estimator.fit_ else estimator.estimator
    if type(estimator) is Pipeline:
        *steps, (name, last) = estimator.steps
        steps = _unwrap_pairs(steps) if completely else steps
        estimator.steps = [*steps, (name, unwrap_steps(last, completely))]
    elif type(estimator) is TransformedTargetRegressor:
        estimator.regressor_ = unwrap_steps(estimator.regressor_, completely)
        estimator.regressor = unwrap_steps(estimator.regressor) if completely else estimator.regressor
    elif completely:
        _unwrap_branches(estimator)
    return estimator


def _unwrap_branches(union: Estimator) -> None:
    if type(union) is FeatureUnion:
        union.transformer_list = _unwrap_pairs(union.transformer_list)
    elif type(union) is ColumnTransformer:
        union.transformers = _unwrap_triples(union.transformers)
        union.transformers_ = _unwrap_triples(union.transformers_)
    elif type(union) in (VotingClassifier, VotingRegressor):
        union.estimators = _unwrap_pairs(union.estimators)
        union.estimators_ = [unwrap_steps(member) for member in union.estimators_]
        for name, member in union.named_estimators_.items():
            union.named_estimators_[name] = unwrap_steps(member)


def _unwrap_pairs(pairs: Iterable[tuple[str, Estimator]]) -> list[tuple[str, Estimator]]:
    return [(name, unwrap_steps(step)) for name, step in pairs]


def _unwrap_triples(triples: Iterable[tuple[str, Estimator, Any]]) -> list[tuple[str, Estimator, Any]]:
    return [(name, unwrap_steps(branch), columns) for name, branch, columns in triples]


def _call_fit(request: FitRequest) -> ArrayLike:
    """Fit an estimator as requested, and return the output of ``fit_transform`` if that is requested."""
    _, estimator, X, y, params, transform = request
    if not transform:
        estimator.fit(X, y, **params)
        return None
    if hasattr(estimator, "fit_transform"):
        return estimator.fit_transform(X, y, **params)
    return estimator.fit(X, y, **params).transform(X)


def _lend(output: ArrayLike) -> ArrayLike:
    """Return a cached output, or a copy if solvers may change it: they sort indices of sparse matrices in place."""
    return output if data_can_be_shared(output) else output.copy()
