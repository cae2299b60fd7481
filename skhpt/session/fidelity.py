"""The fidelity of a search: its resource, how much of it candidates get, and which trials have all of it."""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral
from typing import Protocol

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._metadata_requests import _routing_enabled

from skhpt._typing import ArrayLike, Estimator, Params, RandomState
from skhpt._warnings import warn_user
from skhpt.fitting.boosting_rounds import boosting_rounds_of, name_with_effect, names_of
from skhpt.fitting.partial_fit import (
    class_that_replaces_fit,
    common_labels,
    is_known_to_train_alike,
    labels_by_output,
    takes_classes,
)
from skhpt.fitting.resources import (
    EpochResource,
    FoldResource,
    FullTraining,
    ParameterResource,
    SampleResource,
)
from skhpt.fitting.subsample import Subsample
from skhpt.fitting.warm_start import continuation_of, last_step
from skhpt.history import History
from skhpt.session.folds import Folds
from skhpt.session.inputs import Inputs
from skhpt.session.validation import accepts, did_you_mean
from skhpt.space.space import Space
from skhpt.strategies import schedule
from skhpt.strategies.rung_statistics import budget_of, plan_position
from skhpt.strategies.schedule import Plan, shown_params
from skhpt.trial import Candidate, Trial

#: Largest number of epochs that "auto" takes: learners with a larger ``max_iter`` rely on stopping long
#: before it.
MAX_EPOCHS = 200
#: Parameters on which it depends whether an estimator can be trained by epochs.
DECIDE_EPOCHS = ("max_iter", "early_stopping", "class_weight", "solver")
#: Estimators whose `fit` ends long before `max_iter` iterations, by `tol`; their `partial_fit` does not use it.
STOP_BY_TOL = (SGDClassifier, SGDRegressor, Perceptron)
#: Number of rungs of the resource that "auto" takes: scores after less training predict too little.
N_LEVELS = 3


class Fidelity(Protocol):
    """The training and the folds that candidates get.

    Attributes
    ----------
    training : FullTraining
        The training of a candidate.
    is_multi : bool
        Whether candidates get different amounts of a resource.
    """

    @property
    def training(self) -> FullTraining: ...

    @property
    def is_multi(self) -> bool: ...

    def is_complete(self, trial: Trial) -> bool:
        """Return whether a trial has all of the resource and all folds."""
        ...

    def budgets(self, trials: list[Trial]) -> list[tuple[int, int]] | None:
        """Return the resource and the folds of each trial, which rank it first; None if all trials are complete."""
        ...

    def budget(self, trial: Trial) -> tuple[int, int]:
        """Return the resource and the folds of a trial; the same for all trials if all are complete."""
        ...

    def shown_params(self, candidate: Candidate) -> Params:
        """Return the parameters of a candidate as the results show them."""
        ...

    def ordered(self, history: History) -> History:
        """Return a history in an order that does not depend on the order in which trials finished."""
        ...


class FullFidelity:
    """Full training on all folds for every candidate: the fidelity of all searches but `HyperbandSearchCV`."""

    training = FullTraining()
    is_multi = False

    def is_complete(self, trial: Trial) -> bool:
        return True

    def budgets(self, trials: list[Trial]) -> None:
        return None

    def budget(self, trial: Trial) -> tuple[int, int]:
        return (0, 0)

    def shown_params(self, candidate: Candidate) -> Params:
        return candidate.params

    def ordered(self, history: History) -> History:
        return history


@dataclass(frozen=True)
class MultiFidelity:
    """A resource of which candidates get different amounts.

    Attributes
    ----------
    resource : str
        ``"n_samples"``, ``"epochs"``, ``"folds"`` or the name of a parameter.
    minimum, maximum : int
        Amount on the first rung, and all of the resource.
    n_splits : int
        Number of folds.
    training : FullTraining
        The training that an amount of the resource buys.
    continues : bool
        Whether promoted candidates continue their training.
    """

    resource: str
    minimum: int
    maximum: int
    n_splits: int
    training: FullTraining
    continues: bool
    is_multi = True

    def is_complete(self, trial: Trial) -> bool:
        return budget_of(trial) == (self.maximum, self.n_splits)

    def budgets(self, trials: list[Trial]) -> list[tuple[int, int]]:
        return [budget_of(trial) for trial in trials]

    def budget(self, trial: Trial) -> tuple[int, int]:
        return budget_of(trial)

    def shown_params(self, candidate: Candidate) -> Params:
        return shown_params(candidate, self.resource)

    def ordered(self, history: History) -> History:
        return history.sorted_by(plan_position)

    def plan(self, kind: str, n_candidates: int | None, factor: int, largest: int) -> Plan:
        """Return the plan of a schedule.

        Parameters
        ----------
        kind : {"ladder", "hyperband", "halving"}
            The schedule.
        n_candidates : int or None
            Number of candidates; None means the default of the schedule.
        factor : int
            One of so many candidates is promoted.
        largest : int
            Largest number of candidates of a bracket.
        """
        levels = schedule.levels(self.minimum, self.maximum, factor)
        if self.resource == "folds":
            brackets = schedule.folds_only(
                n_candidates, n_splits=self.n_splits, factor=factor, largest=largest
            )
        elif kind == "ladder":
            brackets = schedule.ladder(
                n_candidates, levels, n_splits=self.n_splits, factor=factor, largest=largest
            )
        else:
            make = {"hyperband": schedule.hyperband, "halving": schedule.halving}[kind]
            brackets = make(n_candidates, levels, n_splits=self.n_splits, factor=factor)
        return Plan(self.resource, self.maximum, self.n_splits, brackets=brackets, continues=self.continues)


def choose_resource(estimator: Estimator, space: Space) -> str:
    """Return the default resource of an estimator, among those that are not parameters of the space.

    The first choice is the number of trees or iterations of an estimator that can continue its training, of a
    forest that cannot, or of a linear model that stops by `tol`. The second is epochs, for classifiers and
    regressors whose ``partial_fit`` trains as ``fit`` does and whose ``max_iter`` is about their number of
    epochs. The last is folds.
    """
    taken = {name for branch in space.branches for name in branch}
    prefix, last = last_step(estimator)
    if any(f"{name}__" == prefix or prefix.startswith(f"{name}__") for name in taken):
        return "folds"  # the candidates choose the last step
    continuation = continuation_of(estimator)
    parameter = continuation.parameter_of(estimator) if continuation else None
    if type(last) in STOP_BY_TOL and last.tol is not None:
        parameter = f"{prefix}max_iter"
    if parameter and parameter not in taken:
        return parameter
    if not hasattr(last, "get_params"):
        return "folds"  # "passthrough"
    decides = {f"{prefix}{name}" for name in DECIDE_EPOCHS}
    max_iter = last.get_params().get("max_iter")
    has_epochs = isinstance(max_iter, int | np.integer) and 0 < max_iter <= MAX_EPOCHS and not decides & taken
    if has_epochs and (is_classifier(last) or is_regressor(last)) and is_known_to_train_alike(last):
        return "folds" if why_no_epochs(last) else "epochs"
    return "folds"


def params_of_resource(asked: ResourceParams, estimator: Estimator) -> set[str]:
    """Return the parameters that a space must leave out for the resource of the search.

    With "auto", it is the resource that the estimator has without a space.
    """
    name = choose_resource(estimator, Space({})) if asked.resource == "auto" else asked.resource
    if name in ("n_samples", "folds"):
        return set()
    if name == "epochs":
        prefix, _ = last_step(estimator)
        return {prefix + name for name in DECIDE_EPOCHS}
    return _names_of(_name_with_effect(name, estimator), estimator)


def rows_of_first_rung(asked: ResourceParams, n_train: int | None) -> int | None:
    """Return the least number of training rows of a candidate, given that of the smallest training part."""
    if asked.resource != "n_samples" or n_train is None:
        return n_train
    if asked.min_resources != "auto":
        return int(asked.min_resources)
    maximum = n_train if asked.max_resources == "auto" else int(asked.max_resources)
    return max(1, int(maximum // asked.factor ** (N_LEVELS - 1)))


def why_no_epochs(estimator: Estimator) -> str:
    """Return the reason why an estimator cannot be trained by epochs; empty if it can."""
    if not hasattr(estimator, "partial_fit"):
        subclass = (
            ", a subclass of Pipeline that may fit its steps in another way,"
            if (isinstance(estimator, Pipeline) and type(estimator) is not Pipeline)
            else ""
        )
        return f"needs partial_fit, which {type(estimator).__name__}{subclass} has not"
    params = estimator.get_params()
    if any(params.get(f"{prefix}early_stopping") is True for prefix in ("", "estimator__")):
        return "needs early_stopping=False"
    if any(params.get(f"{prefix}class_weight") in ("balanced",) for prefix in ("", "estimator__")):
        return "needs another class_weight than 'balanced', which partial_fit does not support"
    return ""


@dataclass(frozen=True)
class ResourceParams:
    """The parameters of `HyperbandSearchCV` that say what its resource is.

    Attributes
    ----------
    resource : str
        ``"auto"`` or the name of a resource.
    min_resources, max_resources : int or "auto"
        Amount on the first rung, and all of the resource.
    factor : int
        Factor between the amounts on successive rungs.
    continuation : {"auto", "never", "warm_start"}
        Which estimators continue their training.
    random_state : int, RandomState or None
        Source of the order of rows in epochs and of the choice of rows; it is not changed.
    """

    resource: str
    min_resources: int | str
    max_resources: int | str
    factor: int
    continuation: str
    random_state: RandomState

    def seed(self) -> int:
        """Return a seed; without a `random_state` it is the same in every fit."""
        random_state = 0 if self.random_state is None else deepcopy(self.random_state)
        return int(check_random_state(random_state).randint(2**31 - 1))


def choose_fidelity(asked: ResourceParams, inputs: Inputs, folds: Folds, space: Space) -> MultiFidelity:
    """Replace "auto" by values, and check the result against the estimator, the data and the space.

    Parameters
    ----------
    asked : ResourceParams
        The parameters of the search.
    inputs : Inputs
        The estimator and the data.
    folds : Folds
        The folds.
    space : Space
        The search space.

    Returns
    -------
    fidelity : MultiFidelity
        The resource, its amounts, and the training that it buys.

    Raises
    ------
    ValueError
        If the estimator lacks the resource, if there is too little of it, or if it is a parameter of the
        space.
    """
    estimator = inputs.estimator
    name = choose_resource(estimator, space) if asked.resource == "auto" else asked.resource
    name = _name_with_effect(name, estimator)
    _check_resource(name, estimator, space)
    is_one_vs_rest = type(last_step(estimator)[1]) is OneVsRestClassifier
    if name == "epochs" and is_one_vs_rest and np.ndim(inputs.y) == 2:
        raise ValueError(
            "resource='epochs' needs y with one output, because the partial_fit of OneVsRestClassifier refuses more; "
            "resource='n_samples' and resource='folds' work with any estimator"
        )
    if name == "epochs" and inputs.params and type(estimator) is Pipeline and _routing_enabled():
        raise ValueError(
            f"with resource='epochs' {sorted(inputs.params)} cannot be routed to the steps of a pipeline; without "
            "metadata routing, parameters with the name of the step, such as clf__sample_weight, can be passed"
        )
    maximum = _maximum(name, estimator, folds) if asked.max_resources == "auto" else int(asked.max_resources)
    if name == "n_samples" and maximum > (n_rows := _n_rows(folds)):
        raise ValueError(f"max_resources={maximum}, but the smallest training part has {n_rows} samples")
    if name == "folds" and maximum != len(folds):
        raise ValueError(
            f"max_resources={maximum}, but with resource='folds' it is their number, {len(folds)}"
        )
    minimum = _minimum(name, asked, maximum, inputs)
    training = _training(name, asked, maximum, inputs, folds)
    continues = training.can_continue(estimator, minimum)
    return MultiFidelity(
        resource=name,
        minimum=minimum,
        maximum=maximum,
        n_splits=len(folds),
        training=training,
        continues=continues,
    )


def _minimum(name: str, asked: ResourceParams, maximum: int, inputs: Inputs) -> int:
    if asked.min_resources == "auto":
        least = _least(name, inputs.estimator, inputs.y)
        minimum = max(least, int(maximum // asked.factor ** (N_LEVELS - 1)))
        problem = f"the first rung needs {minimum} at least"
    else:
        minimum, problem = int(asked.min_resources), f"min_resources={asked.min_resources}"
    if minimum > maximum:
        raise ValueError(
            f"{problem}, but there are only {maximum} {name}: the most for min_resources is {maximum}"
        )
    return minimum


def check_continuation(old: Plan, new: Plan, largest: int) -> None:
    """Check that a new plan begins with the plan of the last fit, so that its candidates can be kept."""
    if new.brackets[: len(old.brackets)] != old.brackets:
        raise ValueError(
            "the candidates that were evaluated before are kept, but the new plan does not begin with the old one:\n"
            f"{old}\nbecame\n{new}\nIf the schedule is a ladder and n_candidates was a multiple of {largest}, it can "
            "grow. To begin anew, fit with warm_start=False."
        )


def _check_resource(name: str, estimator: Estimator, space: Space) -> None:
    if name in ("n_samples", "folds"):
        return
    if name == "epochs":
        if reason := why_no_epochs(last_step(estimator)[1]):
            raise ValueError(
                f"resource='epochs' {reason}; resource='n_samples' and resource='folds' work with any estimator"
            )
        _warn_if_fit_is_replaced(last_step(estimator)[1])
        return
    if any(not branch.keys().isdisjoint(_names_of(name, estimator)) for branch in space.branches):
        raise ValueError(
            f"resource={name!r} is also a parameter of the space; leave it out there, or take another resource, such "
            "as 'n_samples' or 'folds'"
        )
    known = estimator.get_params(deep=True)
    numbers = [
        key for key, value in known.items() if isinstance(value, Integral) and not isinstance(value, bool)
    ]
    if name not in known and not _is_hidden_parameter(name, estimator):
        raise ValueError(
            f"resource={name!r} is neither 'auto', 'n_samples', 'epochs', 'folds' nor a parameter of "
            f"{type(estimator).__name__}; its integer parameters are {sorted(numbers)}."
            f"{did_you_mean(name, ['n_samples', 'epochs', 'folds', *numbers])}"
        )
    if known.get(name) is not None and name not in numbers:
        raise ValueError(f"resource={name!r} is not an integer parameter: the estimator has {known[name]!r}")


def _warn_if_fit_is_replaced(estimator: Estimator) -> None:
    kind = class_that_replaces_fit(estimator)
    if kind is not None:
        warn_user(
            f"resource='epochs' trains by calls of partial_fit, which {kind.__name__} inherits: the fit of "
            f"{kind.__name__} is not called. Define its partial_fit too, or take another resource, such as "
            "'n_samples' or 'folds'."
        )


def _part_with(name: str, estimator: Estimator) -> tuple[str, Estimator, str]:
    """Return the prefix of a parameter's step, the step, and the name of the parameter there."""
    step, separator, parameter = name.rpartition("__")
    part = estimator.get_params(deep=True).get(step) if step else estimator
    return step + separator, part, parameter


def _name_with_effect(name: str, estimator: Estimator) -> str:
    """Return the name of a parameter that has effect, if the package of its step has several names for it."""
    prefix, part, parameter = _part_with(name, estimator)
    return prefix + name_with_effect(part, parameter)


def _names_of(name: str, estimator: Estimator) -> set[str]:
    """Return all names of a parameter."""
    prefix, part, parameter = _part_with(name, estimator)
    return {prefix + other for other in names_of(part, parameter)}


def _is_hidden_parameter(name: str, estimator: Estimator) -> bool:
    """Return whether ``set_params`` accepts an integer for a parameter that ``get_params`` does not show."""
    if not accepts(estimator, name, 1):
        return False
    _, part, parameter = _part_with(name, estimator)
    rounds = boosting_rounds_of(part)
    # These packages accept any name.
    return (
        rounds is None or parameter in rounds.names or parameter in inspect.signature(type(part)).parameters
    )


def _maximum(name: str, estimator: Estimator, folds: Folds) -> int:
    """Return the value of `max_resources` that "auto" stands for."""
    if name == "n_samples":
        return _n_rows(folds)
    if name == "folds":
        return len(folds)
    if name == "epochs":
        params = last_step(estimator)[1].get_params()
        values = [params.get("max_iter"), params.get("estimator__max_iter"), MAX_EPOCHS]
        return min(MAX_EPOCHS, next(int(n) for n in values if isinstance(n, int | np.integer) and n > 0))
    value = estimator.get_params(deep=True).get(name)
    if value is None:
        _, part, parameter = _part_with(name, estimator)
        rounds = boosting_rounds_of(part)
        value = rounds.default if rounds and parameter in rounds.names else None
    if value is None or value < 1:
        raise ValueError(f"the estimator has {name}={value!r}; say what max_resources is")
    return int(value)


def _least(name: str, estimator: Estimator, y: ArrayLike) -> int:
    """Return the smallest useful amount of a resource: of samples, twice the number of classes."""
    if name != "n_samples":
        return 1
    return 2 * len(np.unique(y)) if is_classifier(estimator) and np.ndim(y) == 1 else 10


def _n_rows(folds: Folds) -> int:
    return min(len(train) for train, _ in folds)


def _training(name: str, asked: ResourceParams, maximum: int, inputs: Inputs, folds: Folds) -> FullTraining:
    estimator, y = inputs.estimator, inputs.y
    if name == "folds":
        return FoldResource()
    if name == "epochs":
        last = last_step(estimator)[1]
        has_classes = y is not None and (is_classifier(last) or takes_classes(last))
        return EpochResource(
            common_labels(y) if has_classes else None,
            seed=asked.seed(),
            maximum=maximum,
            continuation=asked.continuation,
            classes_by_output=labels_by_output(y) if has_classes else None,
        )
    if name == "n_samples":
        subsample = _subsample(inputs, folds, asked.seed())
        return SampleResource(subsample, n_rows=_n_rows(folds), maximum=maximum)
    return ParameterResource(
        name, maximum=maximum, continuation=asked.continuation, registered=continuation_of(estimator)
    )


def _subsample(inputs: Inputs, folds: Folds, seed: int) -> Subsample:
    groups = inputs.params.get("groups")
    groups = None if groups is None else np.asarray(groups)
    keeps_groups = groups is not None and all(
        np.isin(groups[train], groups[test]).sum() == 0 for train, test in folds
    )
    return Subsample(
        seed,
        labels=_strata(inputs.y) if is_classifier(inputs.estimator) and inputs.y is not None else None,
        groups=groups if keeps_groups else None,
        most_recent=isinstance(folds.cv, TimeSeriesSplit),
    )


def _strata(y: ArrayLike) -> np.ndarray:
    """Return the class of each row; with several outputs, the number of its combination of classes."""
    targets: np.ndarray = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if targets.ndim == 1:
        return targets
    combinations = np.zeros(len(targets), dtype=int)
    for column in targets.T:
        codes = np.unique(column, return_inverse=True)[1]
        combinations = np.unique(np.column_stack([combinations, codes]), axis=0, return_inverse=True)[1]
    return combinations.ravel()
