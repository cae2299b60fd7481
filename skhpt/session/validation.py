"""Bad input, found before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from re import fullmatch
from typing import Any

from sklearn.base import clone

from skhpt.identity import native
from skhpt.select import Rule
from skhpt.space.dimensions import Choice
from skhpt.space.space import Space


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


def check_rule(rule: Any, estimator: Any, scorer: Any, space: Space | None) -> None:
    """Check that a `refit` of this package speaks of metrics, parameters and columns that there are going to be.

    Raises
    ------
    ValueError
        For a metric that is not scored or a name that nothing has.
    TypeError
        For a parameter whose choices have no order.
    """
    if not isinstance(rule, Rule):
        return
    metrics = _metrics(scorer)
    if metrics is not None and rule.metric not in metrics:
        raise ValueError(f"metric={rule.metric!r} of refit={rule!r} is not one of the metrics: {metrics}")
    known = estimator.get_params(deep=True)
    for name in rule.names:
        is_known = name.split("__")[0] in known or name.removeprefix("param_") in known or _is_column(name, metrics)
        if not (is_known or _accepts(estimator, name, None)):
            message = _unknown_name(name, estimator, known)
            raise ValueError(f"by={rule.by!r} of refit is neither a column of cv_results_ nor a parameter. {message}")

    for branch in space.branches if space else ():
        rule.check_values({name: dim.values for name, dim in branch.items() if isinstance(dim, Choice)})


def check_limits(search: Any, scorer: Any) -> None:
    """Check the limits of a search that depend on more than themselves.

    Raises
    ------
    ValueError
        If no time is allowed, or it is not known which of several metrics has to reach a target.
    """
    if isinstance(search.max_time, timedelta) and search.max_time <= timedelta(0):
        raise ValueError(f"max_time must be longer than nothing, got {search.max_time!r}")
    metrics = _metrics(scorer) or []
    for name in ("target_score", "patience"):
        if getattr(search, name) is not None and len(metrics) > 1 and search._metric is None:
            raise ValueError(
                f"{name}={getattr(search, name)!r} needs to know by which metric candidates are compared: refit must "
                f"name one of {metrics}, got refit={search.refit!r}"
            )


def _metrics(scorer: Any) -> list[str] | None:
    """Return the names of the metrics; None for a function, which may return several scores."""
    if hasattr(scorer, "_scorers"):
        return list(scorer._scorers)
    return ["score"] if hasattr(scorer, "_score_func") else None


def _is_column(name: str, metrics: list[str] | None) -> bool:
    """Tell whether there is going to be such a column in ``cv_results_``."""
    if name in _COLUMNS:
        return True
    kind, _, metric = name.replace("_train_", "_test_").partition("_test_")
    return bool(fullmatch(r"mean|std|rank|split\d+", kind)) and (metrics is None or metric in metrics)


#: Columns of ``cv_results_`` besides scores and parameters, which are known by their own names.
_COLUMNS = {
    *("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"),
    *("candidate_id", "bracket", "rung", "iter", "n_resources", "n_folds", "resumed_from"),
}


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
