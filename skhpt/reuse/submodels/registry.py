"""Registry of sub-models: estimators of which a single fit serves several candidates.

A forest of 500 trees contains a forest of 100 trees. Where a model can be derived from a larger one, and
predicts the same as a separate fit to the last bit, the derived model is a *view* of the larger model: an
estimator of the same class, with its own parameters and attributes, that shares the arrays of the larger
model. The methods of the class, such as ``predict``, run on the view.

To add a sub-model, write the function `view` and call `register_submodel`; `pruning.py` is a short example.
The steps for one group of candidates and one fold are:

1. ``is_exact(estimator)`` for each candidate: may this candidate share a fit?
2. ``widest(estimators, parameters)``: the parameters of the shared fit.
3. ``fit(estimator, X, y)`` with these parameters: the shared fit.
4. ``view(model, estimator)`` for each candidate: its model, or None for a separate fit.
5. ``output(view, output, X)``, for transformers: the output of ``fit_transform``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.fitting.cloning import own_params


def always_exact(estimator: Estimator) -> bool:
    """Return True: a view is exact for all parameters of the estimator."""
    return True


def first_values(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    """Return the values of the first estimator: the shared fit does not depend on them."""
    return {name: getattr(estimators[0], name) for name in parameters}


def largest_values(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    """Return the largest value of each parameter."""
    return {name: max(getattr(estimator, name) for estimator in estimators) for name in parameters}


def plain_fit(estimator: Estimator, X: ArrayLike, y: ArrayLike, **params: Any) -> Any:
    """Fit an estimator with its own method ``fit``."""
    return estimator.fit(X, **params) if y is None else estimator.fit(X, y, **params)


def transform_rows(view: Estimator, output: ArrayLike, X: ArrayLike) -> ArrayLike:
    """Return ``view.transform(X)``, for transformers whose ``fit_transform`` is ``fit`` and then ``transform``."""
    return view.transform(X)


@dataclass(frozen=True, kw_only=True)
class SubModel:
    """Functions that let a single fit of an estimator serve several values of some of its parameters.

    `register_submodel` documents what each function must do.

    Attributes
    ----------
    estimator : class
        Class of the estimator, without its subclasses.
    parameters : tuple of str
        Parameters that may differ between the candidates of a shared fit.
    view : callable
        ``view(model, estimator) -> estimator or None``: the model of a candidate.
    is_exact : callable
        ``is_exact(estimator) -> bool``: whether a candidate may share a fit.
    widest : callable
        ``widest(estimators, parameters) -> dict``: parameters of the shared fit.
    fit : callable
        ``fit(estimator, X, y) -> model``: the shared fit.
    output : callable
        ``output(view, output, X) -> array-like``: output of ``fit_transform``, for transformers.
    grows : bool
        Whether the time of a fit is proportional to the (only) parameter.
    is_close : bool
        Whether views agree with separate fits only up to rounding.
    n_fits : callable or None
        ``n_fits(model) -> int``: number of fits of inner estimators that the fit of a model or view consists
        of, if it depends on the parameters. Draws from numpy's global generator that do not affect the fits
        are proportional to it.
    """

    estimator: type
    parameters: tuple[str, ...]
    view: Callable[[Any, Estimator], Estimator | None]
    is_exact: Callable[[Estimator], bool] = always_exact
    widest: Callable[[Sequence[Estimator], Sequence[str]], Params] = largest_values
    fit: Callable[..., Any] = plain_fit
    output: Callable[[Estimator, ArrayLike, ArrayLike], ArrayLike] = transform_rows
    grows: bool = False
    is_close: bool = False
    n_fits: Callable[[Any], int] | None = None

    @property
    def uses_plain_fit(self) -> bool:
        """Whether the shared fit is a call of the estimator's own method ``fit``, which may get fit parameters."""
        return self.fit is plain_fit

    @property
    def is_foreign(self) -> bool:
        """Whether it was registered outside skhpt, so that its functions may draw from numpy's global generator."""
        return not (getattr(self.view, "__module__", None) or "").startswith("skhpt.")

    def n_draws(self, model: Any, view: Estimator, *, shared: int, own: int) -> int | None:
        """Return the number of draws that a separate fit makes from numpy's global generator; None if unknown.

        Parameters
        ----------
        model, view : object
            The shared fit, and the view of it.
        shared, own : int
            Draws of the shared fit, and draws that were made for the view. They do not affect the fits.
        """
        if not shared:
            return own
        if self.n_fits is not None:
            return shared * self.n_fits(view) // self.n_fits(model)
        return None if self.grows or self.is_foreign else shared + own

    def time_fraction(self, estimator: Estimator, widest: Params) -> float:
        """Return the time of a separate fit of an estimator, as a fraction of the time of the shared fit."""
        if not self.grows:
            return 1.0
        name = self.parameters[0]
        return float(getattr(estimator, name) / widest[name])


def with_fitted_state(estimator: Estimator, model: Estimator, **changed: Any) -> Estimator:
    """Copy the attributes of a fitted model, except its parameters, to an estimator that is not fitted.

    Parameters
    ----------
    estimator : estimator
        The estimator to change.
    model : estimator
        Fitted model of the same class; it stays as it is.
    **changed
        Attributes that get other values than those of `model`.

    Returns
    -------
    estimator : estimator
        The same object as the input.
    """
    parameters = own_params(estimator)
    state = {name: value for name, value in vars(model).items() if name not in parameters}
    estimator.__dict__.update(state | changed)
    return estimator


#: Sub-models by the class of the estimator.
_SUBMODELS: dict[type, list[SubModel]] = {}
#: Functions that register the sub-models of a package, by the name of the package.
_LAZY_REGISTRATIONS: dict[str, Callable[[], None]] = {}


def register_submodel(
    estimator: type,
    parameters: str | Sequence[str],
    view: Callable[[Any, Estimator], Estimator | None],
    is_exact: Callable[[Estimator], bool] = always_exact,
    *,
    widest: Callable[[Sequence[Estimator], Sequence[str]], Params] = largest_values,
    fit: Callable[..., Any] = plain_fit,
    output: Callable[[Estimator, ArrayLike, ArrayLike], ArrayLike] = transform_rows,
    grows: bool = False,
    is_close: bool = False,
    n_fits: Callable[[Any], int] | None = None,
) -> None:
    """Declare, for all searches, that a single fit of an estimator serves several values of some of its parameters.

    A later call with the same class, parameters and `is_close` replaces an earlier call. A sub-model that is
    exact and one that is close can both be registered; the exact one is used where its `is_exact` returns
    True.

    Parameters
    ----------
    estimator : class
        Class of the estimator. Subclasses are not included, because they may fit or predict differently.
    parameters : str or sequence of str
        Names of the parameters that may differ between the candidates of a shared fit.
    view : callable
        ``view(model, estimator)`` returns the fitted model of one candidate, made from the shared fit
        `model`, which must not change. `estimator` is a clone with the parameters of the candidate; it is not
        fitted, and may be changed and returned. Predictions must equal those of a separate fit on the same
        data. Where they would not, `view` returns None and the candidate is fitted separately.
    is_exact : callable, default=always_exact
        ``is_exact(estimator)`` returns whether a candidate with these parameters may share a fit at all. By
        default, every candidate may.
    widest : callable, default=largest_values
        ``widest(estimators, parameters)`` returns a dict with the parameters of the fit that serves all these
        estimators. By default, the largest value of each parameter.
    fit : callable, default=plain_fit
        ``fit(estimator, X, y)`` makes the shared fit. Its return value is the `model` of `view`, and need not
        be an estimator. By default, ``estimator.fit(X, y)``. With another function, candidates that get fit
        parameters, such as sample weights, are fitted separately.
    output : callable, default=transform_rows
        ``output(view, output, X)`` returns, for transformers, the same as ``fit_transform(X)`` of a separate
        fit. Its argument `output` is what ``fit_transform`` of the shared fit returned, or None with another
        `fit` than the default. By default, ``view.transform(X)``.
    grows : bool, default=False
        Whether the time of a fit is proportional to the (only) parameter. ``mean_fit_time`` of a candidate is
        computed from it.
    is_close : bool, default=False
        Whether predictions equal those of a separate fit only up to rounding. Such a sub-model is used only
        with ``reuse="close"``.
    n_fits : callable, default=None
        ``n_fits(model)`` returns the number of fits of inner estimators that the fit of a model (or of a
        view) consists of, for estimators where this number depends on the parameters, such as a stepwise
        elimination of features. It is needed to leave numpy's global generator in the right state if inner
        estimators draw seeds that they do not use.

    See Also
    --------
    register_continuation : Declares that training can be continued.

    Examples
    --------
    >>> from copy import copy
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skhpt import register_submodel
    >>> class MyForest(RandomForestClassifier):
    ...     pass
    >>> def first_trees(forest, estimator):
    ...     smaller = copy(forest).set_params(n_estimators=estimator.n_estimators)
    ...     smaller.estimators_ = forest.estimators_[: estimator.n_estimators]
    ...     return smaller
    >>> register_submodel(MyForest, "n_estimators", first_trees, grows=True)
    """
    new = SubModel(
        estimator=estimator,
        parameters=(parameters,) if isinstance(parameters, str) else tuple(parameters),
        view=view,
        is_exact=is_exact,
        widest=widest,
        fit=fit,
        output=output,
        grows=grows,
        is_close=is_close,
        n_fits=n_fits,
    )
    others = [submodel for submodel in _SUBMODELS.get(estimator, []) if not _replaces(new, submodel)]
    _SUBMODELS[estimator] = [*others, new]


def _replaces(new: SubModel, old: SubModel) -> bool:
    return new.parameters == old.parameters and new.is_close == old.is_close


def register_on_first_use(package: str, registration: Callable[[], None]) -> None:
    """Register the sub-models of a package when an estimator of it is first looked up, without an import before.

    Parameters
    ----------
    package : str
        Name of the top-level package.
    registration : callable
        Function without arguments that calls `register_submodel`.
    """
    _LAZY_REGISTRATIONS[package] = registration


def submodels_of(estimator: Estimator) -> list[SubModel]:
    """Return the sub-models of an estimator that are exact (or close) with its parameters."""
    submodels = _submodels_of_class(type(estimator))
    return [submodel for submodel in submodels if submodel.is_exact(estimator)]


def is_registered(kind: type) -> bool:
    """Return whether sub-models are registered for a class."""
    return bool(_submodels_of_class(kind))


def _submodels_of_class(kind: type) -> list[SubModel]:
    registration = _LAZY_REGISTRATIONS.pop(kind.__module__.partition(".")[0], None)
    if registration is not None:
        registration()
    return _SUBMODELS.get(kind, [])


def registered_submodels() -> list[SubModel]:
    """Return all sub-models that are registered up to now."""
    return [submodel for submodels in _SUBMODELS.values() for submodel in submodels]
