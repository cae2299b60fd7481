"""Checks of the parameters of a search, before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from inspect import Parameter, signature
from re import fullmatch
from typing import Any

from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics import get_scorer_names
from sklearn.pipeline import Pipeline

from skhpt._typing import Estimator, Params, Scorer
from skhpt.fitting.scorers import metric_names
from skhpt.identity import contains_itself, native
from skhpt.select import Rule
from skhpt.space.dimensions import Choice
from skhpt.space.space import Space

#: Names of metrics that other tools use, and those of scikit-learn.
METRIC_ALIASES = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "logloss": "neg_log_loss",
    "cross_entropy": "neg_log_loss",
    "ap": "average_precision",
    "mcc": "matthews_corrcoef",
}
#: Arguments of `fit` of other tools, and what to use here.
CALLBACKS = {"callback", "callbacks", "cb", "cbs"}


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return a sentence with the options that resemble a name; empty if none does."""
    by_lower = {option.lower(): option for option in options}
    close = [by_lower[match] for match in get_close_matches(name.lower().replace("-", "_"), by_lower)]
    close = close or [option for lower, option in by_lower.items() if lower.startswith(name.lower() + "_")]
    return f" Did you mean {' or '.join(map(repr, close[:3]))}?" if close else ""


def did_you_mean_metric(name: str) -> str:
    """Return a sentence with the metrics of scikit-learn that resemble a name; empty if none does."""
    alias = METRIC_ALIASES.get(name.lower().replace("-", "_"))
    return f" Did you mean {alias!r}?" if alias else did_you_mean(name, get_scorer_names())


def check_scoring_names(scoring: Any) -> None:
    """Check the names in a list or dict of metrics.

    Raises
    ------
    ValueError
        If a name is not one of scikit-learn's metrics. The message has the closest ones.
    """
    metrics = scoring.values() if isinstance(scoring, Mapping) else scoring
    if not isinstance(scoring, (list, tuple, set, Mapping)):
        return
    for name in metrics:
        if isinstance(name, str) and name not in get_scorer_names():
            raise ValueError(
                f"scoring has the metric {name!r}, which is not one of sklearn.metrics.get_scorer_names()."
                f"{did_you_mean_metric(name)}"
            )


def check_fit_params(estimator: Estimator, names: Iterable[str], search: Estimator) -> None:
    """Check that the ``fit`` of an estimator accepts further arguments of the ``fit`` of a search.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    names : iterable of str
        Names of the arguments that are passed to its ``fit``.
    search : estimator
        The search.

    Raises
    ------
    TypeError
        If ``fit`` has no such argument.
    """
    if get_config()["enable_metadata_routing"]:  # scikit-learn has checked where each one goes
        return
    accepted: dict[str, Parameter] = {}
    for method in ("fit", "partial_fit"):  # the latter trains by epochs
        try:
            accepted |= signature(getattr(estimator, method, lambda: None)).parameters
        except (TypeError, ValueError):  # compiled
            return
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    is_pipeline = type(estimator) is Pipeline
    for name in names:
        is_accepted = name in accepted or (takes_any and not is_pipeline) or (is_pipeline and "__" in name)
        # A message about weights of a pipeline comes from what trains it: by epochs, its last step gets them.
        if not is_accepted and not (is_pipeline and name == "sample_weight"):
            raise TypeError(_unknown_fit_param(name, estimator, [*accepted, "groups"], search))


def _unknown_fit_param(name: str, estimator: Estimator, accepted: Iterable[str], search: Estimator) -> str:
    kind = type(search).__name__
    message = f"{kind}.fit got {name!r}, which {type(estimator).__name__}.fit does not accept."
    if name in CALLBACKS:
        return (
            f"{message} To end a search early, use max_time, target_score or patience; to watch it, use journal and "
            "skhpt.read_journal, or verbose."
        )
    if name in search.get_params(deep=False):
        return f"{message} It is a parameter of the search: {kind}(..., {name}=...)."
    if isinstance(estimator, Pipeline):
        example = f"{estimator.steps[-1][0]}__{name}"
        return (
            f"{message} Arguments of the fit of a step have the name of the step in front, such as {example}."
        )
    return message + did_you_mean(name, set(accepted) - {"X", "y"})


def check_names(estimator: Estimator, space: Space) -> None:
    """Check that an estimator has the parameters of a space.

    Parameters
    ----------
    estimator : estimator
        The estimator that the parameters are set on.
    space : Space
        The search space.

    Raises
    ------
    ValueError
        If the space is empty, or if a name is a parameter neither of the estimator nor of a choice for one of
        its parts. The message has the closest names that exist.
    """
    if not space.branches:
        raise ValueError("the space is an empty list: there is nothing to try")
    for branch in space.branches:
        _check_branch(estimator, {name: dimension.examples for name, dimension in branch.items()})


def check_candidates(estimator: Estimator, candidates: Any) -> list[Params]:
    """Check given candidates, and return them with Python's own numbers and strings.

    Raises
    ------
    TypeError
        If they are not dicts with strings as keys.
    ValueError
        If a name is not a parameter of the estimator, or a value contains itself.
    """
    points = []
    for params in candidates:
        if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
            raise TypeError(
                f"candidates must be a list of dicts of parameter names to values, but holds {params!r}"
            )
        for name, value in params.items():
            if contains_itself(value):
                raise ValueError(
                    f"the value of parameter {name!r} contains itself: it can be neither compared nor copied"
                )
        points.append({name: native(value) for name, value in params.items()})
        _check_branch(estimator, {name: partial(list, (value,)) for name, value in params.items()})
    return points


def check_rule(rule: Any, estimator: Estimator, scorer: Scorer, space: Space | None) -> None:
    """Check that the metrics, parameters and columns exist that a rule for `refit` names.

    Raises
    ------
    ValueError
        If a metric is not scored, or a name is neither a column of ``cv_results_`` nor a parameter.
    TypeError
        If the choices of a parameter have no order.
    """
    if not isinstance(rule, Rule):
        return
    metrics = metric_names(scorer)
    if metrics is not None and rule.metric not in metrics:
        raise ValueError(f"metric={rule.metric!r} of refit={rule!r} is not one of the metrics: {metrics}")
    known = estimator.get_params(deep=True)
    for name in rule.names:
        is_known = (
            name.split("__")[0] in known or name.removeprefix("param_") in known or _is_column(name, metrics)
        )
        if not (is_known or accepts(estimator, name, None)):
            message = _unknown_name(name, estimator, known)
            raise ValueError(
                f"by={rule.by!r} of refit is neither a column of cv_results_ nor a parameter. {message}"
            )

    for branch in space.branches if space else ():
        lists = {name: dim.values for name, dim in branch.items() if isinstance(dim, Choice)}
        # Long sequences are numbers.
        rule.check_values({name: values for name, values in lists.items() if isinstance(values, list)})


def check_max_time(max_time: Any) -> None:
    """Raise ValueError if `max_time` is a `timedelta` that is not positive."""
    if isinstance(max_time, timedelta) and max_time <= timedelta(0):
        raise ValueError(f"max_time must be positive, got {max_time!r}")


def check_score_limit(name: str, value: float | None, scorer: Scorer, refit: Any) -> None:
    """Check that `refit` names the metric that a limit on scores refers to.

    Parameters
    ----------
    name : str
        Name of the limit.
    value : float or None
        Value of the limit; None means no limit.
    scorer : callable
        The scorer.
    refit : bool, str or callable
        The parameter.

    Raises
    ------
    ValueError
        If there are several metrics and `refit` names none.
    """
    metrics = metric_names(scorer) or []
    if value is not None and len(metrics) > 1 and metric_of_refit(refit) is None:
        raise ValueError(
            f"{name}={value!r} needs a metric that candidates are compared by: refit must "
            f"name one of {metrics}, got refit={refit!r}"
        )


def metric_of_refit(refit: Any) -> str | None:
    """Return the name of the metric that `refit` compares candidates by; None for the only or first metric."""
    metric = refit.metric if isinstance(refit, Rule) else refit
    return metric if isinstance(metric, str) else None


def _is_column(name: str, metrics: list[str] | None) -> bool:
    """Return whether ``cv_results_`` will have a column of this name."""
    if name in _COLUMNS:
        return True
    kind, _, metric = name.replace("_train_", "_test_").partition("_test_")
    return bool(fullmatch(r"mean|std|rank|split\d+", kind)) and (metrics is None or metric in metrics)


#: Columns of ``cv_results_`` besides scores and parameters.
_COLUMNS = {
    *("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"),
    *("candidate_id", "bracket", "rung", "iter", "n_resources", "n_folds", "resumed_from"),
}


def _check_branch(estimator: Estimator, branch: Mapping[str, Callable[[], Sequence[Any]]]) -> None:
    """Check the names of a branch. A value is drawn only where it is needed, as a draw may advance a generator."""
    known = estimator.get_params(deep=True)
    for name, values in branch.items():
        if (
            name not in known
            and not _appears_with(name, branch)
            and not accepts(estimator, name, values()[0])
        ):
            raise ValueError(_unknown_name(name, estimator, known))


def _appears_with(name: str, branch: Mapping[str, Callable[[], Sequence[Any]]]) -> bool:
    """Return whether a choice for a part of the estimator, such as a step, has the parameter."""
    parts = name.split("__")
    for n in range(1, len(parts)):
        rest = "__".join(parts[n:])
        for choice in branch.get("__".join(parts[:n]), list)():
            if hasattr(choice, "get_params") and rest in choice.get_params(deep=True):
                return True
    return False


def accepts(estimator: Estimator, name: str, value: Any) -> bool:
    """Return whether ``set_params`` accepts a parameter, which ``get_params`` may not list."""
    try:
        clone(estimator).set_params(**{name: value})
    except Exception:
        return False
    return True


def _unknown_name(name: str, estimator: Estimator, known: Iterable[str]) -> str:
    names = sorted(known)
    message = f"Invalid parameter {name!r} for estimator {estimator!r}."
    # Suggest names with a forgotten step (C for svc__C), in another case (c for C), and misspelt ones.
    lower = {full.lower(): full for full in names}
    close = [full for full in names if full.endswith("__" + name)]
    close += [lower[match] for match in get_close_matches(name.lower(), lower)]
    if close:
        message += f" Did you mean {' or '.join(map(repr, dict.fromkeys(close)))}?"
    return f"{message} Valid parameters are: {names}."
