"""Resources: what the training of a candidate may use, such as trees, epochs, training rows or folds.

`FullTraining` trains without limit; a subclass per resource trains with an amount of it, and may continue the
training of a `Checkpoint`. Instances have no state and are sent to the workers.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

from skhpt._compat import check_method_params, num_samples, safe_split
from skhpt._typing import ArrayLike, Estimator, Params
from skhpt._warnings import warnings_ignored
from skhpt.fitting.checkpoints import Checkpoint
from skhpt.fitting.partial_fit import classes_argument
from skhpt.fitting.subsample import Subsample
from skhpt.fitting.warm_start import Continuation, last_step, seeds_repeat

#: Attributes of fitted estimators with the used amount of a resource, by the name of its parameter.
_USED_AMOUNT = {"max_iter": "n_iter_", "n_estimators": "n_estimators_"}


class FullTraining:
    """Training without limit: the estimator's own ``fit``. Base class of all resources.

    A subclass overrides the methods that differ. ``str(training)`` describes everything that scores depend
    on: it is part of the fingerprint of a search, so a change of the text makes earlier scores incomparable.
    """

    #: Name of the resource in reports and in the results.
    resource_name = "folds"

    def __str__(self) -> str:
        return ""

    def rows(self, split: int, train: np.ndarray, resource: int | None) -> np.ndarray:
        """Return the rows of the training part of a fold that are used.

        Parameters
        ----------
        split : int
            Number of the fold.
        train : ndarray of int
            Rows of the training part.
        resource : int or None
            Amount of the resource.
        """
        return train

    def prepare(self, estimator: Estimator, resource: int | None, checkpoint: Checkpoint | None) -> Estimator:
        """Return the estimator to fit, or the model of the checkpoint to train further; both may be changed."""
        return estimator

    def fit(
        self,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        params: Params,
        resource: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Fit an estimator that `prepare` returned.

        Parameters
        ----------
        estimator : estimator
            The estimator or the model of the checkpoint.
        X, y : array-like
            The training part; `y` may be None.
        params : dict
            Parameters of ``fit``.
        resource : int, default=None
            Amount of the resource, including that of the checkpoint.
        checkpoint : Checkpoint, default=None
            Checkpoint to continue from; None if the training begins.
        """
        if y is None:
            estimator.fit(X, **params)
        else:
            estimator.fit(X, y, **params)

    def can_continue(self, model: Estimator, resource: int) -> bool:
        """Return whether a model may be trained further later, after this amount of the resource."""
        return False

    def has_converged(self, model: Estimator, resource: int) -> bool:
        """Return whether training stopped by itself, so that more of the resource would change nothing."""
        return False


class FoldResource(FullTraining):
    """Resource "folds": full training on some of the folds."""

    def __str__(self) -> str:
        return ", on more and more folds"


@dataclass(frozen=True)
class ParameterResource(FullTraining):
    """Resource that is an integer parameter of the estimator, such as a number of trees or iterations.

    Attributes
    ----------
    name : str
        Name of the parameter, such as ``clf__n_estimators``.
    maximum : int
        Largest value of the parameter.
    continuation : {"auto", "warm_start", "never"}
        Estimators that continue their training: those for which the result is exactly that of a fit from
        scratch, all with a parameter ``warm_start``, or none.
    registered : Continuation, default=None
        Registered continuation of the estimator, for "auto". Workers do not look it up, as their registries
        may differ.
    """

    name: str
    maximum: int
    continuation: str = "auto"
    registered: Continuation | None = None

    def __str__(self) -> str:
        inexact = ", inexact warm starts" if self.continuation == "warm_start" else ""
        return f", {self.name} up to {self.maximum}{inexact}"

    @property
    def resource_name(self) -> str:  # type: ignore[override]
        return self.name

    def prepare(self, estimator: Estimator, resource: int | None, checkpoint: Checkpoint | None) -> Estimator:
        if checkpoint is None:
            return estimator.set_params(**{self.name: resource})
        return checkpoint.model.set_params(**{self.name: resource, self._warm_start: True})

    def fit(
        self,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        params: Params,
        resource: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        # With a part of the iterations, training is not expected to converge.
        is_partial = resource is not None and resource < self.maximum
        with warnings_ignored(ConvergenceWarning) if is_partial else nullcontext():
            super().fit(estimator, X, y, params=params, resource=resource, checkpoint=checkpoint)

    def can_continue(self, model: Estimator, resource: int) -> bool:
        if self.continuation == "never" or resource >= self.maximum:
            return False
        if self.continuation == "warm_start":
            return self._warm_start in model.get_params(deep=True)
        return self.registered is not None and self.registered.can_continue(model, self.name)

    def has_converged(self, model: Estimator, resource: int) -> bool:
        step, _, parameter = self.name.rpartition("__")
        part = model.get_params(deep=True)[step] if step else model
        used = getattr(part, _USED_AMOUNT.get(parameter, ""), None)
        if used is None or hasattr(part, "n_init"):  # after several runs n_iter_ belongs to the best one
            return False
        return bool(np.max(used) < resource)

    @property
    def _warm_start(self) -> str:
        """Name of the parameter `warm_start` of the same step."""
        step = self.name.rpartition("__")[0]
        return f"{step}__warm_start" if step else "warm_start"


@dataclass(frozen=True)
class EpochResource(FullTraining):
    """Resource "epochs": calls of ``partial_fit``, each with all rows in an order of its own.

    The steps of a pipeline before the last one are fitted first, as in ``Pipeline.fit``. If the training
    continues they are fitted again, because ``fit_transform`` may return other values than ``transform`` for
    the same rows.

    Attributes
    ----------
    classes : ndarray or None
        All class labels; None for regressors, and for several outputs with labels of their own.
    seed : int
        Seed of the orders.
    maximum : int
        Largest number of epochs.
    continuation : {"auto", "warm_start", "never"}
        Whether models continue their training; "auto" and "warm_start" are the same.
    classes_by_output : list of ndarray, default=None
        All class labels of each output of a classifier that has several.
    """

    classes: np.ndarray | None
    seed: int
    maximum: int
    continuation: str = "auto"
    classes_by_output: list[np.ndarray] | None = None
    resource_name = "epochs"

    def __str__(self) -> str:
        return f", up to {self.maximum} epochs in the order of seed {self.seed}"

    def prepare(self, estimator: Estimator, resource: int | None, checkpoint: Checkpoint | None) -> Estimator:
        return checkpoint.model if checkpoint else estimator

    def fit(
        self,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        params: Params,
        resource: int | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        X, params = _fit_first_steps(estimator, X, y, params)
        _, last = last_step(estimator)
        classes = classes_argument(last, self.classes, self.classes_by_output)
        for epoch in range(checkpoint.resource if checkpoint else 0, resource or 0):
            order = np.random.default_rng((self.seed, epoch)).permutation(num_samples(X))
            X_rows, y_rows = safe_split(last, X, y, order)
            rows = (X_rows,) if y is None else (X_rows, y_rows)
            last.partial_fit(*rows, **check_method_params(X, params=params, indices=order), **classes)
        if type(last) is MultiOutputClassifier:  # its partial_fit leaves out what its fit sets
            last.classes_ = [one.classes_ for one in last.estimators_]

    def can_continue(self, model: Estimator, resource: int) -> bool:
        return self.continuation != "never" and resource < self.maximum and seeds_repeat(model)


@dataclass(frozen=True)
class SampleResource(FullTraining):
    """Resource "n_samples": rows of the training part.

    Attributes
    ----------
    subsample : Subsample
        Choice of the rows.
    n_rows : int
        Number of rows of the smallest training part. Of a larger part, proportionally more rows are used.
    maximum : int
        Largest number of rows that is used.
    """

    subsample: Subsample
    n_rows: int
    maximum: int
    resource_name = "n_samples"

    def __str__(self) -> str:
        return f", on up to {self.maximum} rows, chosen by seed {self.subsample.seed}"

    def rows(self, split: int, train: np.ndarray, resource: int | None) -> np.ndarray:
        if resource is None or resource >= self.n_rows:
            return train
        return self.subsample(train, max(1, resource * len(train) // self.n_rows), split)


def _fit_first_steps(
    estimator: Estimator, X: ArrayLike, y: ArrayLike, params: Params
) -> tuple[ArrayLike, Params]:
    """Fit all steps of nested pipelines but the last; return the data and the fit parameters of the last step."""
    while type(estimator) is Pipeline:
        name, last = estimator.steps[-1]
        prefix = f"{name}__"
        first_params = {key: value for key, value in params.items() if not key.startswith(prefix)}
        params = {key.removeprefix(prefix): value for key, value in params.items() if key.startswith(prefix)}
        if len(estimator.steps) > 1:
            first_steps = estimator[:-1]
            X = first_steps.fit_transform(X, y, **first_params)
            estimator.steps[:-1] = first_steps.steps  # a pipeline with a memory fits clones of its steps
        estimator = last
    return X, params
