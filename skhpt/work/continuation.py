"""Which estimators can go on with their training such that the result is that of a fresh fit.

scikit-learn's ``warm_start`` promises less: the next fit begins where the last one ended, which for many solvers leads
elsewhere. Here are only those that add to what they have (trees) and draw what a fresh fit would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import ensemble
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class Continuation:
    """How an estimator goes on.

    Attributes
    ----------
    parameter : str
        The integer parameter that says for how long it is trained.
    is_exact : callable
        ``is_exact(estimator)`` tells whether, with the parameters that it has, going on comes to what a fresh fit
        comes to.
    """

    parameter: str
    is_exact: Callable[[Any], bool]


_known: dict[type, Continuation] = {}


def register_continuation(
    estimator: type[BaseEstimator], parameter: str, is_exact: Callable[[Any], bool] = lambda estimator: True
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
        fit comes to. It is trained from scratch if not. (Estimators with a `random_state` that is a generator, or None
        in any but the last step of a pipeline, are always trained from scratch.)

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skhpt import register_continuation
    >>> class MyForest(RandomForestClassifier):
    ...     pass
    >>> register_continuation(MyForest, "n_estimators")
    """
    _known[estimator] = Continuation(parameter, is_exact)


for _forest in (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.IsolationForest,
    ensemble.RandomTreesEmbedding,
    ensemble.BaggingClassifier,
    ensemble.BaggingRegressor,
):
    register_continuation(_forest, "n_estimators")
for _boosting in (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor):
    # Early stopping forgets, between two fits, how the last iterations went.
    register_continuation(_boosting, "n_estimators", lambda estimator: estimator.n_iter_no_change is None)
for _boosting in (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor):
    # A model that has just come to its end by early stopping would add one more tree. Whether "auto" means it depends
    # on the number of rows; a fitted model knows.
    register_continuation(
        _boosting,
        "max_iter",
        lambda estimator: estimator.early_stopping is not True and not getattr(estimator, "do_early_stopping_", False),
    )


def last_step(estimator: Any) -> tuple[str, Any]:
    """Return what comes last in nested pipelines, and the prefix of its parameters; the estimator itself if none."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def natural_parameter(estimator: Any) -> str | None:
    """Return the parameter that says for how long an estimator is trained, if it can go on; None if it cannot."""
    prefix, last = last_step(estimator)
    known = _known.get(type(last))
    return prefix + known.parameter if known and known.is_exact(last) else None


def goes_on(estimator: Any, parameter: str) -> bool:
    """Tell whether an estimator, as it is, can go on with a larger value of a parameter, exactly."""
    return natural_parameter(estimator) == parameter and seeds_repeat(estimator)


def seeds_repeat(estimator: Any) -> bool:
    """Tell whether a second fit draws what the first one drew.

    Of the last step it is enough that what it draws later does not depend on what it drew before: with None, a fit that
    goes on is as good a draw as a fresh one.
    """
    last = f"{last_step(estimator)[0]}random_state"
    seeds = {name: seed for name, seed in estimator.get_params(deep=True).items() if name.endswith("random_state")}
    return not any(
        isinstance(seed, np.random.RandomState) or (seed is None and name != last) for name, seed in seeds.items()
    )
