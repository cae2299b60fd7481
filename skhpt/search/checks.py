"""Bad input, found before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

from sklearn.base import clone

from skhpt.identity import native
from skhpt.select import Rule
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


def check_rule(rule: Any, estimator: Any, scorer: Any) -> None:
    """Check that a `refit` of this package speaks of metrics, parameters and columns that there are going to be.

    Raises
    ------
    ValueError
        For a metric that is not scored or a name that nothing has.
    """
    if not isinstance(rule, Rule):
        return
    is_known = hasattr(scorer, "_scorers") or hasattr(scorer, "_score_func")  # a function may return several scores
    metrics = list(getattr(scorer, "_scorers", ["score"]))
    if is_known and rule.metric not in metrics:
        raise ValueError(f"metric={rule.metric!r} of refit={rule!r} is not one of the metrics: {metrics}")
    known = estimator.get_params(deep=True)
    for name in rule.names:
        is_known = name in known or name.split("__")[0] in known or name.startswith(_COLUMNS)
        if not (is_known or _accepts(estimator, name, None)):
            message = _unknown_name(name, estimator, known)
            raise ValueError(f"by={rule.by!r} of refit is neither a column of cv_results_ nor a parameter. {message}")


#: How the names of columns of ``cv_results_`` begin.
_COLUMNS = (
    *("mean_", "std_", "rank_", "split", "param_"),
    *("candidate_id", "bracket", "rung", "iter", "n_resources", "n_folds", "resumed_from"),
)


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
