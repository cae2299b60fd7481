"""One fit that serves many candidates: what is known about which estimators.

A forest of 500 trees holds the forest of 100 trees; a fit with many neighbours knows the nearest few. Where a model can
be had from a larger one such that it predicts the same, to the last bit, as one that was fitted alone, it is
a *view* of the larger one: an estimator of the same class, with parameters and state of its own, which shares what it
can. Scikit-learn's own ``predict`` runs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from skhpt._typing import Params
from skhpt.fitting.cloning import own_params


def always(estimator: Any) -> bool:
    """Say yes."""
    return True


def fit_whole(estimator: Any, X: Any, y: Any, **params: Any) -> Any:
    """Fit an estimator as ever."""
    return estimator.fit(X, **params) if y is None else estimator.fit(X, y, **params)


def largest(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    """Return the largest value of each parameter."""
    return {name: max(getattr(estimator, name) for estimator in estimators) for name in parameters}


def through_transform(view: Any, output: Any, X: Any) -> Any:
    """Return what ``fit_transform`` gives where it is no more than ``fit`` and then ``transform``."""
    return view.transform(X)


@dataclass(frozen=True)
class SubModel:
    """How one fit of an estimator serves several values of some of its parameters.

    Attributes
    ----------
    estimator : class
        Its class, that very one: a subclass may do anything else.
    parameters : tuple of str
        The parameters of which one fit serves many values.
    view : callable
        ``view(model, estimator)`` makes of what `fit` returned the model that `estimator` (a fresh clone, which may be
        changed and returned) would be if it was fitted on the same data, without changing `model`; or it returns None
        where that is not exact, and the estimator is fitted on its own.
    is_exact : callable
        ``is_exact(estimator)`` tells of an estimator that is not fitted whether it may be served at all.
    widest : callable
        ``widest(estimators, parameters)`` returns the parameters of the fit that serves all these estimators.
    fit : callable
        ``fit(estimator, X, y)`` fits the one that has them; what it returns goes to `view` and need not be an
        estimator.
    output : callable
        For transformers: ``output(view, output, X)`` returns what the view's own ``fit_transform(X)`` would have
        returned, given the one of `fit`'s model.
    grows : bool
        Whether the time to fit is proportional to the (only) parameter.
    is_close : bool
        Whether views agree with fresh fits only up to rounding; then they are used with ``reuse="close"`` alone.
    is_foreign : bool
        Whether a user has registered it.
    """

    estimator: type
    parameters: tuple[str, ...]
    view: Callable[[Any, Any], Any]
    is_exact: Callable[[Any], bool] = always
    widest: Callable[[Sequence[Any], Sequence[str]], Params] = largest
    fit: Callable[..., Any] = fit_whole
    output: Callable[[Any, Any, Any], Any] = through_transform
    grows: bool = False
    is_close: bool = False
    is_foreign: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the one fit is the estimator's own."""
        return self.fit is fit_whole

    def share(self, estimator: Any, widest: Params) -> float:
        """Return the share of the time of the one fit that an estimator would have needed alone."""
        return getattr(estimator, self.parameters[0]) / widest[self.parameters[0]] if self.grows else 1.0


def take_over(estimator: Any, model: Any, **changed: Any) -> Any:
    """Give an estimator that is not fitted the state of a fitted one of its class, and what differs from that."""
    own = own_params(estimator)
    state = {name: value for name, value in vars(model).items() if name not in own}
    vars(estimator).update(state | changed)
    return estimator


def register_submodel(
    estimator: type,
    parameters: str | Sequence[str],
    view: Callable[[Any, Any], Any],
    is_exact: Callable[[Any], bool] = always,
    *,
    widest: Callable[[Sequence[Any], Sequence[str]], Params] = largest,
    fit: Callable[..., Any] = fit_whole,
    output: Callable[[Any, Any, Any], Any] = through_transform,
    grows: bool = False,
    is_close: bool = False,
) -> None:
    """Tell all searches that one fit of an estimator serves several values of some of its parameters.

    It takes the place of what was known of the same parameters. What is exact and what is close stand side by side, and
    of both the first is used.

    Parameters
    ----------
    estimator : class
        The class of the estimator, that very one: a subclass may do anything else.
    parameters : str or sequence of str
        The parameters of which one fit serves many values.
    view : callable
        ``view(model, estimator)`` makes of a fitted `model` the one that `estimator` would be if it was fitted on the
        same data, without changing `model`; `estimator` is a clone that is not fitted, and may be changed and
        returned. It returns None where that would not be exact.
    is_exact : callable, default=always
        ``is_exact(estimator)`` tells whether, with the parameters that it has, the estimator may be served at all.
    widest : callable, default=largest
        ``widest(estimators, parameters)`` returns the parameters, as a dict, of the one fit that serves all these
        estimators; by default the largest value of each.
    fit : callable, default=fit_whole
        ``fit(estimator, X, y)`` makes the one fit; what it returns goes to `view` as the model. By default the
        estimator is fitted as ever.
    output : callable, default=through_transform
        For transformers, ``output(view, output, X)`` returns what ``fit_transform(X)`` of the estimator alone would
        return, where `output` is what that of the one fit returned. By default it is ``view.transform(X)``.
    grows : bool, default=False
        Whether the time to fit is proportional to the (only) parameter, which is what ``mean_fit_time`` then tells.
    is_close : bool, default=False
        Whether the model is the same only up to rounding. Then it is used with ``reuse="close"`` alone.

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
    names = (parameters,) if isinstance(parameters, str) else tuple(parameters)
    register(SubModel(estimator, names, view, is_exact, widest, fit, output, grows, is_close, is_foreign=True))


_known: dict[type, list[SubModel]] = {}
_late: dict[str, Callable[[], None]] = {}


def register(submodel: SubModel) -> None:
    """Add what is known of a class, in the place of what was known of the same parameters with the same certainty."""
    others = [known for known in _known.get(submodel.estimator, []) if _place(known) != _place(submodel)]
    _known[submodel.estimator] = [*others, submodel]


def _place(submodel: SubModel) -> tuple[tuple[str, ...], bool]:
    return submodel.parameters, submodel.is_close


def register_late(package: str, registers: Callable[[], None]) -> None:
    """Put off to register what is known of a package until an estimator of it is seen, as importing it takes long."""
    _late[package] = registers


def submodels_of(estimator: Any) -> list[SubModel]:
    """Return the ways in which one fit serves several candidates, for an estimator as it is configured."""
    if registers := _late.pop(type(estimator).__module__.partition(".")[0], None):
        registers()
    return [known for known in _known.get(type(estimator), []) if known.is_exact(estimator)]
