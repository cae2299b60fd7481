"""Continuations: estimators whose training can continue such that the result is exactly that of a fit from scratch.

scikit-learn's ``warm_start`` alone does not ensure that: the next fit begins where the last one ended, which
gives another result for many solvers. The registered estimators add to what they have, such as trees, and
draw the random numbers that a fit from scratch would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral

from sklearn import ensemble
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skhpt._typing import Estimator


def always(estimator: Estimator) -> bool:
    """Return True."""
    return True


@dataclass(frozen=True)
class Continuation:
    """Continuation of the training of one class of estimators.

    Attributes
    ----------
    estimator : class
        Class of the estimator.
    parameter : str
        Integer parameter with the amount of training, such as a number of trees.
    is_exact : callable
        ``is_exact(estimator)`` returns whether, with the parameters of the estimator, the result of a
        continued training is exactly that of a fit from scratch.
    is_resource : callable
        ``is_resource(estimator)`` returns whether the parameter alone decides how long the training is, so
        that it is a good resource even if each amount of it needs a fit from scratch.
    """

    estimator: type[BaseEstimator]
    parameter: str
    is_exact: Callable[[Estimator], bool]
    is_resource: Callable[[Estimator], bool]

    def parameter_of(self, estimator: Estimator) -> str | None:
        """Return the name of the parameter, with the prefix of its step; None if it is no good resource."""
        prefix, last = last_step(estimator)
        return prefix + self.parameter if type(last) is self.estimator and self.is_resource(last) else None

    def can_continue(self, estimator: Estimator, parameter: str) -> bool:
        """Return whether an estimator can continue its training exactly, with a larger value of a parameter."""
        prefix, last = last_step(estimator)
        is_parameter = type(last) is self.estimator and prefix + self.parameter == parameter
        return is_parameter and self.is_exact(last) and seeds_repeat(estimator)


_registered: dict[type, Continuation] = {}


def register_continuation(
    estimator: type[BaseEstimator], parameter: str, is_exact: Callable[[Estimator], bool] = always
) -> None:
    """Register an estimator whose training `HyperbandSearchCV` can continue.

    Instances are trained further by ``set_params(warm_start=True, parameter=more).fit(X, y)`` on the same
    data.

    Parameters
    ----------
    estimator : class
        Class of the estimator. Subclasses are not included, since they may behave differently.
    parameter : str
        Integer parameter with the amount of training, such as a number of trees or iterations.
    is_exact : callable, default=always
        ``is_exact(estimator)`` returns whether, with the parameters of the estimator, the result of a
        continued training is exactly that of a fit from scratch. If not, the estimator is fitted from
        scratch. Estimators with a `random_state` that is not an integer are fitted from scratch too, except
        that it may be None in the last step of a pipeline.

    See Also
    --------
    HyperbandSearchCV : The search that continues the training of promoted candidates.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skhpt import register_continuation
    >>> class MyForest(RandomForestClassifier):
    ...     pass
    >>> register_continuation(MyForest, "n_estimators", lambda forest: forest.class_weight is None)
    """
    _registered[estimator] = Continuation(estimator, parameter, is_exact, is_resource=is_exact)


def continuation_of(estimator: Estimator) -> Continuation | None:
    """Return the continuation of an estimator, or of the last step of a pipeline; None if none is registered."""
    return _registered.get(type(last_step(estimator)[1]))


def registered_estimators() -> list[type]:
    """Return the classes of estimators that have a continuation."""
    return list(_registered)


def last_step(estimator: Estimator) -> tuple[str, Estimator]:
    """Return the prefix of the parameters of the last step of nested pipelines, and the step.

    A subclass of `Pipeline` may fit its steps in another way, so that it counts as one step.
    """
    prefix = ""
    while type(estimator) is Pipeline:
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def seeds_repeat(estimator: Estimator) -> bool:
    """Return whether a second fit draws the same random numbers as the first, or others that are as good.

    In the last step of a pipeline None is as good as a seed: later draws do not depend on earlier ones.
    """
    last = f"{last_step(estimator)[0]}random_state"
    for name, seed in estimator.get_params(deep=True).items():
        if (
            name.endswith("random_state")
            and not isinstance(seed, Integral)
            and not (seed is None and name == last)
        ):
            return False
    return True


# -- continuations of scikit-learn's estimators --------------------------------------------------------------


def _register_forest(kind: type[BaseEstimator], is_exact: Callable[[Estimator], bool]) -> None:
    """Register a forest, whose number of trees alone decides how long the training is."""
    _registered[kind] = Continuation(kind, "n_estimators", is_exact, is_resource=always)


def _has_no_preset_weights(estimator: Estimator) -> bool:
    return not isinstance(estimator.class_weight, str)  # a warm start warns of class_weight="balanced"


def _has_no_oob_score(estimator: Estimator) -> bool:
    return not estimator.oob_score  # bagging raises if it is warm started with oob_score


def _never_stops_early(estimator: Estimator) -> bool:
    return estimator.n_iter_no_change is None  # the scores of the last iterations are lost between two fits


def _does_not_stop_early(estimator: Estimator) -> bool:
    # A model that has stopped early adds one more tree if it is warm started. Whether early_stopping="auto"
    # is true depends on the number of rows; only a fitted model knows.
    return estimator.early_stopping is not True and not getattr(estimator, "do_early_stopping_", False)


_register_forest(ensemble.RandomForestClassifier, _has_no_preset_weights)
register_continuation(ensemble.RandomForestRegressor, "n_estimators")
_register_forest(ensemble.ExtraTreesClassifier, _has_no_preset_weights)
register_continuation(ensemble.ExtraTreesRegressor, "n_estimators")
register_continuation(ensemble.IsolationForest, "n_estimators")
register_continuation(ensemble.RandomTreesEmbedding, "n_estimators")
register_continuation(ensemble.BaggingClassifier, "n_estimators", _has_no_oob_score)
register_continuation(ensemble.BaggingRegressor, "n_estimators", _has_no_oob_score)
register_continuation(ensemble.GradientBoostingClassifier, "n_estimators", _never_stops_early)
register_continuation(ensemble.GradientBoostingRegressor, "n_estimators", _never_stops_early)
register_continuation(ensemble.HistGradientBoostingClassifier, "max_iter", _does_not_stop_early)
register_continuation(ensemble.HistGradientBoostingRegressor, "max_iter", _does_not_stop_early)
