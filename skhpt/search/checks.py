"""Bad input, found before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

from sklearn.base import clone

from skhpt.identity import native
from skhpt.space import Space


def check_names(estimator: Any, space: Space) -> None:
    """Check that an estimator has the parameters of a space.

    Parameters
    ----------
    estimator : estimator
        What the parameters will be set on.
    space : Space
        Where they come from.

    Raises
    ------
    ValueError
        For a name that the estimator has not, neither itself nor once a choice replaced one of its parts; with the
        closest names that it has; or if the space has no branch at all.
    """
    if not space.branches:
        raise ValueError("the space is an empty list: there is nothing to try")
    for branch in space.branches:
        _check_branch(estimator, {name: dimension.examples for name, dimension in branch.items()})


def check_candidates(estimator: Any, candidates: Any) -> list[dict[str, Any]]:
    """Check points that a person wrote down, and return them with Python's own numbers and strings.

    Raises
    ------
    TypeError
        If they are not dicts with strings as keys.
    ValueError
        For a name that the estimator has not.
    """
    points = []
    for params in candidates:
        if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
            raise TypeError(f"candidates must be a list of dicts of parameter names to values, but holds {params!r}")
        points.append({name: native(value) for name, value in params.items()})
        _check_branch(estimator, {name: partial(list, (value,)) for name, value in params.items()})
    return points


def _check_branch(estimator: Any, branch: Mapping[str, Callable[[], Sequence[Any]]]) -> None:
    """Check the names of a branch; its values are only looked at where that is needed, for to draw one has effects."""
    known = estimator.get_params(deep=True)
    for name, values in branch.items():
        if name not in known and not _appears_with(name, branch) and not _accepts(estimator, name, values()[0]):
            raise ValueError(_unknown_name(name, estimator, known))


def _appears_with(name: str, branch: Mapping[str, Callable[[], Sequence[Any]]]) -> bool:
    """Tell whether a choice for a part of the estimator, such as a step, brings the parameter along."""
    parts = name.split("__")
    for n in range(1, len(parts)):
        rest = "__".join(parts[n:])
        for choice in branch.get("__".join(parts[:n]), list)():
            if hasattr(choice, "get_params") and rest in choice.get_params(deep=True):
                return True
    return False


def _accepts(estimator: Any, name: str, value: Any) -> bool:
    """Try it: some estimators accept parameters that get_params does not list."""
    try:
        clone(estimator).set_params(**{name: value})
    except Exception:
        return False
    return True


def _unknown_name(name: str, estimator: Any, known: Iterable[str]) -> str:
    names = sorted(known)
    message = f"Invalid parameter {name!r} for estimator {estimator!r}."
    # A forgotten step (C for svc__C) and the wrong case (c for C) are as likely as a slip of the pen.
    lower = {full.lower(): full for full in names}
    close = [full for full in names if full.endswith("__" + name)]
    close += [lower[match] for match in get_close_matches(name.lower(), lower)]
    if close:
        message += f" Did you mean {' or '.join(map(repr, dict.fromkeys(close)))}?"
    return f"{message} Valid parameters are: {names}."
