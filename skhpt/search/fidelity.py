"""Which resource a search spends, how much of it there is, and in what plan."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.multiclass import unique_labels

from skhpt.search.session import Folds
from skhpt.space import Space
from skhpt.strategies import schedule
from skhpt.strategies.schedule import Plan
from skhpt.work.continuation import last_step, natural_parameter
from skhpt.work.subsample import Subsample
from skhpt.work.training import Epochs, Parameter, Rows, Whole

#: Epochs at most, unless the user says so: learners whose ``max_iter`` is larger stop early when they are fitted.
MAX_EPOCHS = 100
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
    training: Whole
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

    That is the number of trees or iterations of an estimator that can go on with them; else epochs, for learners that
    count iterations and have ``partial_fit``; else folds.
    """
    taken = {name for branch in space.branches for name in branch}
    prefix, last = last_step(estimator)
    if any(f"{name}__" == prefix or prefix.startswith(f"{name}__") for name in taken):
        return "folds"  # what the last step will be is not known yet
    parameter = natural_parameter(estimator)
    if parameter and parameter not in taken:
        return parameter
    if hasattr(last, "partial_fit") and "max_iter" in last.get_params() and f"{prefix}max_iter" not in taken:
        return "epochs"
    return "folds"


def make_fidelity(
    estimator: Any,
    space: Space,
    resource: str,
    min_resources: int | str,
    max_resources: int | str,
    factor: int,
    continuation: str,
    seed: int,
    y: Any,
    params: dict[str, Any],
    folds: Folds,
) -> Fidelity:
    """Find out what "auto" means, and check what was asked for.

    Raises
    ------
    ValueError
        If the resource is not there, or too little of it, or belongs to the space; with what would work.
    """
    name = choose_resource(estimator, space) if resource == "auto" else resource
    _check_resource(name, estimator, space)
    maximum = _maximum(name, estimator, folds) if max_resources == "auto" else int(max_resources)
    if name == "n_samples" and maximum > (n_rows := _n_rows(folds)):
        raise ValueError(f"max_resources={maximum}, but the smallest training part has {n_rows} samples")
    if name == "folds" and maximum != len(folds):
        raise ValueError(f"max_resources={maximum}, but with resource='folds' it is their number, {len(folds)}")
    least = _least(name, estimator, y)
    minimum = max(least, maximum // factor ** (N_LEVELS - 1)) if min_resources == "auto" else int(min_resources)
    if minimum > maximum:
        what = f"min_resources={minimum}" if min_resources != "auto" else f"the first rung needs {minimum} at least"
        raise ValueError(f"{what}, but there are only {maximum} {name}: the most for min_resources is {maximum}")
    training = _training(name, estimator, maximum, continuation, seed, y, params, folds)
    return Fidelity(name, minimum, maximum, training, training.goes_on(estimator, minimum))


def _check_resource(name: str, estimator: Any, space: Space) -> None:
    if name in ("n_samples", "folds"):
        return
    if name == "epochs":
        if not hasattr(last_step(estimator)[1], "partial_fit"):
            raise ValueError(
                f"resource='epochs' needs partial_fit, which {type(last_step(estimator)[1]).__name__} has not; "
                "resource='n_samples' and resource='folds' work with any estimator"
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
    """Return the least of a resource that makes sense: of samples, two of each class."""
    if name != "n_samples":
        return 1
    return 2 * len(np.unique(y)) if is_classifier(estimator) and np.ndim(y) == 1 else 10


def _n_rows(folds: Folds) -> int:
    return min(len(train) for train, _ in folds)


def _training(
    name: str,
    estimator: Any,
    maximum: int,
    continuation: str,
    seed: int,
    y: Any,
    params: dict[str, Any],
    folds: Folds,
) -> Whole:
    if name == "folds":
        return Whole()
    if name == "epochs":
        classes = unique_labels(y) if is_classifier(estimator) and y is not None else None
        return Epochs(classes, seed, maximum, continuation)
    if name == "n_samples":
        return Rows(_subsample(estimator, y, params, folds, seed), maximum)
    return Parameter(name, maximum, continuation)


def _subsample(estimator: Any, y: Any, params: dict[str, Any], folds: Folds, seed: int) -> Subsample:
    most_recent = isinstance(folds.cv, TimeSeriesSplit)
    groups = params.get("groups") if "Group" in type(folds.cv).__name__ else None
    labels = np.asarray(y) if is_classifier(estimator) and np.ndim(y) == 1 else None
    return Subsample(seed, labels, None if groups is None else np.asarray(groups), most_recent)
