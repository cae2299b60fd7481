"""Which estimators can go on with their training such that the result is that of a fresh fit.

scikit-learn's ``warm_start`` promises less: the next fit begins where the last one ended, which for many solvers leads
elsewhere. Here are only those that add to what they have (trees) and draw what a fresh fit would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from sklearn import ensemble
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline


def always(estimator: Any) -> bool:
    """Say yes."""
    return True


@dataclass(frozen=True)
class Continuation:
    """How an estimator goes on.

    Attributes
    ----------
    estimator : class
        Its class.
    parameter : str
        The integer parameter that says for how long it is trained.
    is_exact : callable
        ``is_exact(estimator)`` tells whether, with the parameters that it has, going on comes to what a fresh fit
        comes to.
    """

    estimator: type[BaseEstimator]
    parameter: str
    is_exact: Callable[[Any], bool]

    def parameter_of(self, estimator: Any) -> str | None:
        """Return the full name of the parameter in an estimator that can go on, exactly; None if it cannot."""
        prefix, last = last_step(estimator)
        return prefix + self.parameter if type(last) is self.estimator and self.is_exact(last) else None

    def can_continue(self, estimator: Any, parameter: str) -> bool:
        """Tell whether an estimator, as it is, can go on with a larger value of a parameter, exactly."""
        return self.parameter_of(estimator) == parameter and seeds_repeat(estimator)


_known: dict[type, Continuation] = {}


def register_continuation(
    estimator: type[BaseEstimator], parameter: str, is_exact: Callable[[Any], bool] = always
) -> None:
    """Tell `HyperbandSearchCV` that an estimator can go on with its training.

    An instance goes on by ``set_params(warm_start=True, parameter=more).fit(X, y)``, on the same data.

    Parameters
    ----------
    estimator : class
        The class of the estimator, that very one: a subclass may do anything else.
    parameter : str
        The integer parameter that says for how long it is trained.
    is_exact : callable, default=always
        ``is_exact(estimator)`` tells whether, with the parameters that it has, going on comes to exactly what a fresh
        fit comes to. It is trained from scratch if not. Estimators with a `random_state` that is no integer, other
        than None in the last step of a pipeline, are always trained from scratch.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skhpt import register_continuation
    >>> class MyForest(RandomForestClassifier):
    ...     pass
    >>> register_continuation(MyForest, "n_estimators")
    """
    _known[estimator] = Continuation(estimator, parameter, is_exact)


def _has_no_presets(estimator: Any) -> bool:
    return not isinstance(estimator.class_weight, str)  # "balanced", of which a warm start warns


def _has_no_oob_score(estimator: Any) -> bool:
    return not estimator.oob_score  # bagging refuses to go on


def _never_stops_early(estimator: Any) -> bool:
    return estimator.n_iter_no_change is None  # between two fits it forgets how the last iterations went


def _does_not_stop_early(estimator: Any) -> bool:
    # A model that has just come to its end by early stopping would add one more tree. Whether "auto" means it depends
    # on the number of rows; a fitted model knows.
    return estimator.early_stopping is not True and not getattr(estimator, "do_early_stopping_", False)


register_continuation(ensemble.RandomForestClassifier, "n_estimators", _has_no_presets)
register_continuation(ensemble.RandomForestRegressor, "n_estimators")
register_continuation(ensemble.ExtraTreesClassifier, "n_estimators", _has_no_presets)
register_continuation(ensemble.ExtraTreesRegressor, "n_estimators")
register_continuation(ensemble.IsolationForest, "n_estimators")
register_continuation(ensemble.RandomTreesEmbedding, "n_estimators")
register_continuation(ensemble.BaggingClassifier, "n_estimators", _has_no_oob_score)
register_continuation(ensemble.BaggingRegressor, "n_estimators", _has_no_oob_score)
register_continuation(ensemble.GradientBoostingClassifier, "n_estimators", _never_stops_early)
register_continuation(ensemble.GradientBoostingRegressor, "n_estimators", _never_stops_early)
register_continuation(ensemble.HistGradientBoostingClassifier, "max_iter", _does_not_stop_early)
register_continuation(ensemble.HistGradientBoostingRegressor, "max_iter", _does_not_stop_early)


def last_step(estimator: Any) -> tuple[str, Any]:
    """Return what comes last in nested pipelines, and the prefix of its parameters; the estimator itself if none."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def continuation_of(estimator: Any) -> Continuation | None:
    """Return how an estimator, or the last step of a pipeline, goes on; None if that is not known."""
    return _known.get(type(last_step(estimator)[1]))


def seeds_repeat(estimator: Any) -> bool:
    """Tell whether a second fit draws what the first one drew.

    Of the last step it is enough that what it draws later does not depend on what it drew before: with None, a fit that
    goes on is as good a draw as a fresh one.
    """
    last = f"{last_step(estimator)[0]}random_state"
    seeds = {name: seed for name, seed in estimator.get_params(deep=True).items() if name.endswith("random_state")}
    return all(isinstance(seed, Integral) or (seed is None and name == last) for name, seed in seeds.items())
