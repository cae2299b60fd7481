"""Which resource a search spends, how much of it there is, and in what plan."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils.multiclass import unique_labels

from skhpt.fitting.resources import EpochResource, FoldResource, FullTraining, ParameterResource, SampleResource
from skhpt.fitting.subsample import Subsample
from skhpt.fitting.warm_start import continuation_of, last_step
from skhpt.session.session import Folds
from skhpt.space.space import Space
from skhpt.strategies import schedule
from skhpt.strategies.schedule import Plan

#: Epochs at most, unless the user says so: learners whose ``max_iter`` is larger count on stopping long before it.
MAX_EPOCHS = 200
#: Rungs of the resource, unless the user says so: what little training predicts is soon not worth its price.
N_LEVELS = 3


@dataclass(frozen=True)
class Fidelity:
    """The resource of a search.

    Attributes
    ----------
    resource : str
        Its name: ``"n_samples"``, ``"epochs"``, ``"folds"`` or a parameter.
    minimum, maximum : int
        What the first rung has of it, and all there is.
    training : Whole
        What it buys.
    continues : bool
        Whether candidates go on with their training.
    """

    resource: str
    minimum: int
    maximum: int
    training: FullTraining
    continues: bool

    def plan(self, kind: str, n_candidates: int | None, n_splits: int, factor: int, largest: int) -> Plan:
        """Make the plan of a schedule, one of "ladder", "hyperband" and "halving"."""
        levels = schedule.levels(self.minimum, self.maximum, factor)
        if self.resource == "folds":
            brackets = schedule.folds_only(n_candidates, n_splits, factor, largest)
        elif kind == "ladder":
            brackets = schedule.ladder(n_candidates, levels, n_splits, factor, largest)
        else:
            make = {"hyperband": schedule.hyperband, "halving": schedule.halving}[kind]
            brackets = make(n_candidates, levels, n_splits, factor)
        return Plan(self.resource, self.maximum, n_splits, brackets, self.continues)


def choose_resource(estimator: Any, space: Space) -> str:
    """Name the best resource of an estimator, of those that the space leaves alone.

    That is the number of trees or iterations of an estimator that can go on with them; else epochs, for classifiers and
    regressors with ``partial_fit`` that do as many of them as ``max_iter`` says, more or less; else folds.
    """
    taken = {name for branch in space.branches for name in branch}
    prefix, last = last_step(estimator)
    if any(f"{name}__" == prefix or prefix.startswith(f"{name}__") for name in taken):
        return "folds"  # what the last step will be is not known yet
    known = continuation_of(estimator)
    parameter = known.parameter_of(estimator) if known else None
    if parameter and parameter not in taken:
        return parameter
    decides = {f"{prefix}{name}" for name in ("max_iter", "early_stopping", "class_weight", "solver")}
    max_iter = last.get_params().get("max_iter") or np.inf
    if (is_classifier(last) or is_regressor(last)) and max_iter <= MAX_EPOCHS and not decides & taken:
        return "folds" if why_no_epochs(last) else "epochs"
    return "folds"


def why_no_epochs(estimator: Any) -> str:
    """Say why an estimator cannot be trained by epochs; nothing if it can."""
    params = estimator.get_params()
    if not hasattr(estimator, "partial_fit"):
        return f"needs partial_fit, which {type(estimator).__name__} has not"
    if params.get("early_stopping") is True:
        return "needs early_stopping=False"
    if params.get("class_weight") == "balanced":
        return "needs another class_weight than 'balanced', which partial_fit does not support"
    return ""


def make_fidelity(search: Any, space: Space, y: Any, params: dict[str, Any], folds: Folds) -> Fidelity:
    """Find out what "auto" means, and check what was asked for.

    Parameters
    ----------
    search : HyperbandSearchCV
        The search, with its parameters.
    space : Space
        What is tried.
    y : array-like
        The target; None if there is none.
    params : dict
        What else is given to ``fit``.
    folds : Folds
        The folds.

    Returns
    -------
    fidelity : Fidelity
        The resource, how much of it there is, and what it buys.

    Raises
    ------
    ValueError
        If the resource is not there, or too little of it, or belongs to the space; with what would work.
    """
    estimator = search.estimator
    name = choose_resource(estimator, space) if search.resource == "auto" else search.resource
    _check_resource(name, estimator, space)
    if name == "epochs" and params and isinstance(estimator, Pipeline) and _routing_enabled():
        raise ValueError(
            f"with resource='epochs' {sorted(params)} cannot be routed to the steps of a pipeline; without metadata "
            "routing, parameters with the name of the step, such as clf__sample_weight, can be passed"
        )
    maximum = _maximum(name, estimator, folds) if search.max_resources == "auto" else int(search.max_resources)
    if name == "n_samples" and maximum > (n_rows := _n_rows(folds)):
        raise ValueError(f"max_resources={maximum}, but the smallest training part has {n_rows} samples")
    if name == "folds" and maximum != len(folds):
        raise ValueError(f"max_resources={maximum}, but with resource='folds' it is their number, {len(folds)}")
    minimum = _minimum(name, search, maximum, y)
    training = _training(name, search, maximum, y, params, folds)
    return Fidelity(name, minimum, maximum, training, training.can_continue(estimator, minimum))


def _minimum(name: str, search: Any, maximum: int, y: Any) -> int:
    if search.min_resources == "auto":
        minimum = max(_least(name, search.estimator, y), maximum // search.factor ** (N_LEVELS - 1))
        what = f"the first rung needs {minimum} at least"
    else:
        minimum, what = int(search.min_resources), f"min_resources={search.min_resources}"
    if minimum > maximum:
        raise ValueError(f"{what}, but there are only {maximum} {name}: the most for min_resources is {maximum}")
    return minimum


def check_continuation(old: Plan, new: Plan, largest: int) -> None:
    """Check that a new plan begins with one that was carried out, so that what is known can be kept."""
    if new.brackets[: len(old.brackets)] != old.brackets:
        raise ValueError(
            "the candidates that were evaluated before are kept, but the new plan does not begin with the old one:\n"
            f"{old}\nbecame\n{new}\nIf the schedule is a ladder and n_candidates was a multiple of {largest}, it can "
            "grow. To begin anew, fit with warm_start=False."
        )


def _check_resource(name: str, estimator: Any, space: Space) -> None:
    if name in ("n_samples", "folds"):
        return
    if name == "epochs":
        if reason := why_no_epochs(last_step(estimator)[1]):
            raise ValueError(
                f"resource='epochs' {reason}; resource='n_samples' and resource='folds' work with any estimator"
            )
        return
    if any(name in branch for branch in space.branches):
        raise ValueError(
            f"resource={name!r} is also a parameter of the space; leave it out there, or take another resource, such "
            "as 'n_samples' or 'folds'"
        )
    known = estimator.get_params(deep=True)
    numbers = [key for key, value in known.items() if isinstance(value, Integral) and not isinstance(value, bool)]
    if name not in known:
        raise ValueError(
            f"resource={name!r} is neither 'auto', 'n_samples', 'epochs', 'folds' nor a parameter of "
            f"{type(estimator).__name__}; its integer parameters are {sorted(numbers)}"
        )
    if known[name] is not None and name not in numbers:
        raise ValueError(f"resource={name!r} is not an integer parameter: the estimator has {known[name]!r}")


def _maximum(name: str, estimator: Any, folds: Folds) -> int:
    """Return what "auto" means for `max_resources`."""
    if name == "n_samples":
        return _n_rows(folds)
    if name == "folds":
        return len(folds)
    if name == "epochs":
        return min(MAX_EPOCHS, last_step(estimator)[1].get_params().get("max_iter") or MAX_EPOCHS)
    value = estimator.get_params(deep=True)[name]
    if value is None or value < 1:
        raise ValueError(f"the estimator has {name}={value!r}; say what max_resources is")
    return int(value)


def _least(name: str, estimator: Any, y: Any) -> int:
    """Return the least of a resource that makes sense: of samples, twice as many as there are classes."""
    if name != "n_samples":
        return 1
    return 2 * len(np.unique(y)) if is_classifier(estimator) and np.ndim(y) == 1 else 10


def _n_rows(folds: Folds) -> int:
    return min(len(train) for train, _ in folds)


def _training(name: str, search: Any, maximum: int, y: Any, params: dict[str, Any], folds: Folds) -> FullTraining:
    # Without a seed, candidates differ from fit to fit, but not what becomes of them.
    random_state = 0 if search.random_state is None else deepcopy(search.random_state)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    if name == "folds":
        return FoldResource()
    if name == "epochs":
        classes = unique_labels(y) if is_classifier(search.estimator) and y is not None else None
        return EpochResource(classes, seed, maximum, search.continuation)
    if name == "n_samples":
        return SampleResource(_subsample(search.estimator, y, params, folds, seed), _n_rows(folds), maximum)
    return ParameterResource(name, maximum, search.continuation, continuation_of(search.estimator))


def _subsample(estimator: Any, y: Any, params: dict[str, Any], folds: Folds, seed: int) -> Subsample:
    most_recent = isinstance(folds.cv, TimeSeriesSplit)
    groups = params.get("groups") if "Group" in type(folds.cv).__name__ else None
    labels = np.asarray(y) if is_classifier(estimator) and np.ndim(y) == 1 else None
    return Subsample(seed, labels, None if groups is None else np.asarray(groups), most_recent)
