"""Names of the number of boosting rounds in packages that have several names for it.

CatBoost shows the parameter only once it is set, and fails if two of its names are set. LightGBM ignores
`n_estimators` if another name is set. XGBoost shows None for its default.
"""

from __future__ import annotations

from typing import NamedTuple

from skhpt._typing import Estimator


class BoostingRounds(NamedTuple):
    """Number of boosting rounds in a package.

    Attributes
    ----------
    names : tuple of str
        Names of the parameter. If several are set, the first has effect.
    default : int
        Its value if none is set.
    """

    names: tuple[str, ...]
    default: int


_LIGHTGBM_NAMES = (
    *("num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round", "num_rounds"),
    *("nrounds", "num_boost_round", "max_iter", "n_estimators"),
)
_PACKAGES = {
    "catboost": BoostingRounds(("iterations", "n_estimators", "num_boost_round", "num_trees"), 1000),
    "lightgbm": BoostingRounds(_LIGHTGBM_NAMES, 100),
    "xgboost": BoostingRounds(("n_estimators",), 100),
}


def boosting_rounds_of(estimator: Estimator) -> BoostingRounds | None:
    """Return the number of boosting rounds in the package of an estimator; None for all other packages."""
    packages = [kind.__module__.partition(".")[0] for kind in type(estimator).__mro__]
    return next((_PACKAGES[package] for package in packages if package in _PACKAGES), None)


def name_with_effect(estimator: Estimator, name: str) -> str:
    """Return the name that has effect if a parameter is the number of boosting rounds, else the name itself."""
    rounds = boosting_rounds_of(estimator)
    if rounds is None or name not in rounds.names:
        return name
    params = estimator.get_params(deep=False)
    return next((other for other in rounds.names if params.get(other) is not None), name)


def names_of(estimator: Estimator, name: str) -> tuple[str, ...]:
    """Return all names of a parameter."""
    rounds = boosting_rounds_of(estimator)
    return rounds.names if rounds is not None and name in rounds.names else (name,)
