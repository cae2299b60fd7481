"""Rules for the space of an estimator, found by the name and the package of its class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from skhpt._typing import Estimator, Params
from skhpt.spaces.data import DataSummary

#: Branches of a space.
Branches: TypeAlias = list[dict[str, Any]]
#: ``rule(own, data)`` returns the space of an estimator with the parameters `own`: a dict, or a list of branches.
Rule: TypeAlias = "Callable[[Params, DataSummary], dict[str, Any] | Branches]"
AnyRule = TypeVar("AnyRule", bound="Callable[[Params, DataSummary], Any]")

_RULES: dict[tuple[str, str], Rule] = {}
#: Packages that accept parameters which ``get_params`` does not show.
_ACCEPT_ANY = ("catboost", "lightgbm", "xgboost")


def space_of(*names: str, package: str = "sklearn") -> Callable[[AnyRule], AnyRule]:
    """Register a function as the rule of some classes.

    Parameters
    ----------
    *names : str
        Names of the classes.
    package : str, default="sklearn"
        The package that defines them.
    """

    def register(rule: AnyRule) -> AnyRule:
        for name in names:
            _RULES[package, name] = rule
        return rule

    return register


def class_key(estimator: Estimator, known: Mapping[tuple[str, str], Any]) -> tuple[str, str] | None:
    """Return the package and the name of the first class of an estimator that is known.

    The base classes of a user's class count; scikit-learn's own classes must be known themselves, because
    their base classes are often other models.
    """
    for kind in type(estimator).__mro__:
        key = (kind.__module__.partition(".")[0], kind.__name__)
        if key in known:
            return key
        if key[0] == "sklearn":
            return None
    return None


def own_space(estimator: Estimator, data: DataSummary) -> Branches:
    """Return the space of an estimator without that of its parts; one empty branch if nothing is known.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    data : DataSummary
        Summary of the data that it is fitted on.
    """
    key = class_key(estimator, _RULES)
    if key is None:
        return [{}]
    own = estimator.get_params(deep=False)
    space = _RULES[key](own, data)
    branches = [space] if isinstance(space, dict) else space
    if key[0] in _ACCEPT_ANY:
        return branches
    # Older versions of a package, and subclasses, may lack parameters.
    known = [{name: values for name, values in branch.items() if name in own} for branch in branches]
    return known or [{}]
