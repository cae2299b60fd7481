"""Estimators that look their fit up before they make it.

In the place of a part that several candidates have, each of them is given a `CachedStep` one. Scikit-learn's own
pipelines and unions call it like any other. It asks the memory whether the same was fitted already, on the same rows,
and only if not it is fitted.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

from skhpt.fingerprint import checksum
from skhpt.fitting.slicing import data_can_be_shared, nbytes
from skhpt.reuse.grouping import SharedStep


class MutationCheck:
    """Tells whether somebody has written to data.

    Parameters
    ----------
    data : array-like
        The data.
    """

    def __init__(self, data: Any):
        self._data = data
        self._checksum = checksum(data)

    @property
    def is_unchanged(self) -> bool:
        """Whether the data are as they were."""
        return bool(checksum(self._data) == self._checksum)


@dataclass
class CachedFit:
    """A fit, the rows that it was made on, and what it made of rows.

    Attributes
    ----------
    model : object
        What was fitted.
    X : array-like
        The rows that it was fitted on.
    seconds : float
        What the fit would have taken alone.
    params : dict
        What else it was fitted with, such as sample weights.
    output : array-like or None
        What ``fit_transform`` returned, if that was asked for.
    outputs : list of (method, X, output, seconds)
        What its methods returned since.
    seals : list of Seal
        Of these, if somebody might write to them.
    """

    model: Any
    X: Any
    seconds: float = 0.0
    params: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    outputs: list[tuple[str, Any, Any, float]] = field(default_factory=list)
    mutation_checks: list[MutationCheck] = field(default_factory=list)

    def answers(self, asked: CachedFit) -> bool:
        """Tell whether it is the fit that is asked for: on the same rows, with the same parameters."""
        return (
            _are_same(self.X, asked.X)
            and self.params.keys() == asked.params.keys()
            and all(value is asked.params[name] for name, value in self.params.items())
        )

    @property
    def nbytes(self) -> float:
        """Size of the data that it made."""
        return sum(map(nbytes, [self.output, *(output for _, _, output, _ in self.outputs)]))


class FitCache:
    """Fits that are still needed, of one fold.

    Parameters
    ----------
    uses : Counter of int
        How often each fit, by its number, is going to be used.
    max_nbytes : float
        Data to keep at most; what was used last is kept, the rest is fitted again when it is needed.
    draws : callable
        ``draws(path, fit)`` calls `fit`, and raises if it draws from numpy's global generator.
    seals : bool
        Whether somebody might write to what is kept.

    Attributes
    ----------
    ahead : float
        Seconds that candidates would have taken, had each been alone, beyond those that they took.
    n_found : int
        Fits that were looked up.
    """

    def __init__(
        self,
        uses: Counter[int],
        max_nbytes: float,
        draws: Callable[[str, Callable[[], Any]], Any],
        check_mutations: bool,
    ):
        self._uses = uses
        self._max_nbytes = max_nbytes
        self._draws = draws
        self._check_mutations = check_mutations
        self._fits: OrderedDict[int, CachedFit] = OrderedDict()
        self.ahead = 0.0
        self.n_found = 0
        self._made: list[str] = []
        self._failing: set[int] = set()

    def clock(self) -> float:
        """Return the time as it would be, had each candidate been alone."""
        return time.time() + self.ahead

    def fit(
        self, share: SharedStep, estimator: Any, X: Any, y: Any, params: dict[str, Any], transform: bool
    ) -> CachedFit:
        """Return the fit of a part; `estimator` is not fitted, and is used up."""
        start, ahead = time.time(), self.ahead
        asked = CachedFit(estimator, X, params=params, output=transform)
        fit = self._find(share.node, asked)
        if fit is None or (transform and fit.output is None):
            self._failing.add(share.node)  # until it is done
            fit = self._through_family(share, asked, y) if share.family else None
            if fit is None:
                fit = self._make(share.path, asked, y)
                fit.seconds = time.time() - start + self.ahead - ahead
            self._keep(share.node, fit)
            self._failing.remove(share.node)
        self.ahead = ahead + fit.seconds - (time.time() - start)
        return fit

    def output(self, fit: CachedFit, method: str, X: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Return what a method of a fitted part returns for some rows."""
        start, ahead = time.time(), self.ahead
        if not (args or params):
            for known, rows, output, seconds in fit.outputs:
                if known == method and _are_same(rows, X):
                    self.ahead += seconds - (time.time() - start)
                    return _lend(output)
        output = getattr(fit.model, method)(X, *args, **params)
        if not (args or params):
            fit.outputs = [*fit.outputs[-3:], (method, X, output, time.time() - start + self.ahead - ahead)]
            fit.mutation_checks += [MutationCheck(output)] if self._check_mutations else []
        return _lend(output)

    def fails(self, shares: Iterable[SharedStep]) -> bool:
        """Tell whether one of these parts could not be fitted."""
        return any(share.node in self._failing for share in shares)

    def take_made(self) -> list[str]:
        """Return the paths of the parts that were fitted since this was asked last."""
        made, self._made = self._made, []
        return made

    @property
    def is_intact(self) -> bool:
        """Whether nobody has written to what is kept."""
        return all(seal.is_unchanged for fit in self._fits.values() for seal in fit.mutation_checks)

    def release(self, shares: Iterable[SharedStep]) -> None:
        """Forget the fits that no candidate after this one will use."""
        for number in {number for share in shares for number in share.numbers}:
            self._uses[number] -= 1
            if self._uses[number] <= 0:
                self._fits.pop(number, None)

    def _find(self, number: int, asked: CachedFit) -> CachedFit | None:
        fit = self._fits.get(number)
        if fit is None or not fit.answers(asked):
            return None
        self._fits.move_to_end(number)
        self.n_found += 1
        return fit

    def _keep(self, number: int, fit: CachedFit) -> None:
        self._fits[number] = fit
        while len(self._fits) > 1 and sum(kept.nbytes for kept in self._fits.values()) > self._max_nbytes:
            self._fits.popitem(last=False)

    def _make(self, path: str, asked: CachedFit, y: Any) -> CachedFit:
        self._made.append(path)
        output = self._draws(path, lambda: _call_fit(asked.model, asked.X, y, asked.params, bool(asked.output)))
        return self._sealed(replace(asked, output=output))

    def _sealed(self, fit: CachedFit) -> CachedFit:
        fit.mutation_checks = [MutationCheck(fit.output)] if self._check_mutations and fit.output is not None else []
        return fit

    def _through_family(self, share: SharedStep, asked: CachedFit, y: Any) -> CachedFit | None:
        """Take the view of the one fit that serves the family."""
        assert share.family is not None
        submodel = share.family.submodel
        if asked.params and not submodel.is_plain:
            return None
        big = self._find(share.family.number, asked) or self._fit_family(share, asked, y)
        start = time.time()
        view = self._draws(share.path, lambda: submodel.view(big.model, copy(asked.model)))
        if view is None:
            return None
        self.n_found += 1
        output = submodel.output(view, big.output, asked.X) if asked.output else None
        seconds = big.seconds * submodel.share(asked.model, share.family.widest) + time.time() - start
        return self._sealed(replace(asked, model=view, seconds=seconds, output=output))

    def _fit_family(self, share: SharedStep, asked: CachedFit, y: Any) -> CachedFit:
        """Make the one fit that serves the family."""
        assert share.family is not None
        submodel, start, ahead = share.family.submodel, time.time(), self.ahead
        widest = clone(asked.model).set_params(**share.family.widest)
        if submodel.is_plain:
            big = self._make(share.path, replace(asked, model=widest), y)
        else:
            self._made.append(share.path)
            big = replace(asked, model=self._draws(share.path, lambda: submodel.fit(widest, asked.X, y)), output=None)
        big.seconds = time.time() - start + self.ahead - ahead
        self._keep(share.family.number, big)
        return big


class CachedStep:
    """Stands for a part of a candidate's estimator.

    Parameters
    ----------
    estimator : estimator
        The part, not fitted.
    share : Share
        What others have in common with it.
    memory : Memory
        Where fits are looked up.
    """

    def __init__(self, estimator: Any, share: SharedStep, cache: FitCache):
        self.estimator = estimator
        self.share = share
        self.cache = cache
        self.fit_: CachedFit | None = None

    def fit(self, X: Any, y: Any = None, **params: Any) -> CachedStep:
        self.fit_ = self.cache.fit(self.share, self.estimator, X, y, params, transform=False)
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        self.fit_ = self.cache.fit(self.share, self.estimator, X, y, params, transform=True)
        return _lend(self.fit_.output)

    def __sklearn_is_fitted__(self) -> bool:
        return self.fit_ is not None

    def __sklearn_clone__(self) -> CachedStep:
        return CachedStep(clone(self.estimator, safe=False), self.share, self.cache)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.model)

    @property
    def model(self) -> Any:
        """The fitted part, or the one that is not fitted yet."""
        return self.estimator if self.fit_ is None else self.fit_.model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("estimator", "fit_"):
            raise AttributeError(name)
        attribute = getattr(self.model, name)
        if self.fit_ is None or name not in _METHODS:
            return attribute
        fit, cache = self.fit_, self.cache
        return lambda X, *args, **params: cache.output(fit, name, X, args, params)


#: What is asked of fitted parts again and again, for the same rows.
_METHODS = ("transform", "predict", "predict_proba", "decision_function")


def wrap_steps(estimator: Any, shares: Iterable[SharedStep], cache: FitCache) -> Any:
    """Put remembered parts in the place of those that others use too."""
    shared = {share.path: share for share in shares}

    def dressed(part: Any, path: str) -> Any:
        inner = f"{path}__" if path else ""
        if any(other.startswith(inner) and other != path for other in shared):
            _replace_parts(part, lambda name, one: dressed(one, inner + name))
        return CachedStep(part, shared[path], cache) if path in shared else part

    return dressed(estimator, "")


def _replace_parts(estimator: Any, change: Callable[[str, Any], Any]) -> None:
    """Put other estimators in the place of those inside one that is not fitted."""
    if type(estimator) is Pipeline:
        estimator.steps = [(name, change(name, step)) for name, step in estimator.steps]
    elif type(estimator) is TransformedTargetRegressor:
        estimator.regressor = change("regressor", estimator.regressor)
    elif type(estimator) is FeatureUnion:
        estimator.transformer_list = [(name, change(name, part)) for name, part in estimator.transformer_list]
    elif type(estimator) is ColumnTransformer:
        estimator.transformers = [(name, change(name, part), where) for name, part, where in estimator.transformers]
    elif type(estimator) in (VotingClassifier, VotingRegressor):
        estimator.estimators = [(name, change(name, part)) for name, part in estimator.estimators]


def unwrap_steps(estimator: Any, completely: bool = True) -> Any:
    """Return a fitted estimator with its fitted parts in the place of the remembered ones.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator; it is changed.
    completely : bool, default=True
        Whether to replace all of them, or only the last one of a chain, which answers for the whole.
    """
    if isinstance(estimator, CachedStep):
        return unwrap_steps(estimator.model, completely) if estimator.fit_ else estimator.estimator
    if type(estimator) is Pipeline:
        *steps, last = [(name, step) for name, step in estimator.steps]
        steps = [(name, unwrap_steps(step)) for name, step in steps] if completely else steps
        estimator.steps = [*steps, (last[0], unwrap_steps(last[1], completely))]
    elif type(estimator) is TransformedTargetRegressor:
        estimator.regressor_ = unwrap_steps(estimator.regressor_, completely)
        estimator.regressor = unwrap_steps(estimator.regressor) if completely else estimator.regressor
    elif completely:
        _unwrap_branches(estimator)
    return estimator


def _unwrap_branches(union: Any) -> None:
    if type(union) is FeatureUnion:
        union.transformer_list = [(name, unwrap_steps(part)) for name, part in union.transformer_list]
    elif type(union) is ColumnTransformer:
        union.transformers = [(name, unwrap_steps(part), columns) for name, part, columns in union.transformers]
        union.transformers_ = [(name, unwrap_steps(part), columns) for name, part, columns in union.transformers_]
    elif type(union) in (VotingClassifier, VotingRegressor):
        union.estimators = [(name, unwrap_steps(part)) for name, part in union.estimators]
        union.estimators_ = [unwrap_steps(part) for part in union.estimators_]
        for name, part in union.named_estimators_.items():
            union.named_estimators_[name] = unwrap_steps(part)


def _call_fit(estimator: Any, X: Any, y: Any, params: dict[str, Any], transform: bool) -> Any:
    if not transform:
        estimator.fit(X, y, **params)
        return None
    if hasattr(estimator, "fit_transform"):
        return estimator.fit_transform(X, y, **params)
    return estimator.fit(X, y, **params).transform(X)


def _lend(output: Any) -> Any:
    """Return an output for somebody to use: solvers sort the indices of sparse matrices in place."""
    return output if data_can_be_shared(output) else output.copy()


def _are_same(one: Any, other: Any) -> bool:
    """Tell whether rows are the same: the same object, or, as columns are cut anew each time, equal in all respects."""
    if one is other:
        return True
    if type(one) is not type(other) or getattr(one, "shape", None) != getattr(other, "shape", ()):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.strides == other.strides and _have_same_bytes(one, other)
    if sparse.issparse(one):
        return one.format == other.format == "csr" and all(
            _are_same(getattr(one, name), getattr(other, name)) for name in ("data", "indices", "indptr")
        )
    return hasattr(one, "equals") and bool(one.equals(other))


def _have_same_bytes(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == object:
        return all(a is b for a, b in zip(one.ravel(), other.ravel(), strict=True))
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
