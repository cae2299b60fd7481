"""What a resource buys: trees, iterations, epochs, training rows, or nothing but folds.

A training is told of an estimator, of the resource to spend on it and, if its candidate was trained before, of the
model that came out (`Half`). It is one of a few values, without state, that travel to the workers.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from skhpt._compat import check_method_params, num_samples, safe_split
from skhpt.fitting.subsample import Subsample
from skhpt.fitting.warm_start import Continuation, seeds_repeat


@dataclass(frozen=True)
class Checkpoint:
    """A model and the resource that it was trained with."""

    model: Any
    resource: int


class FullTraining:
    """All training there is: the estimator's own ``fit``."""

    #: What the resource is called.
    resource_name = "folds"

    def __str__(self) -> str:
        return ""  # nothing that a score depends on

    def rows(self, split: int, train: np.ndarray, resource: int | None) -> np.ndarray:
        """Return the rows of a training part that are used."""
        return train

    def prepare(self, estimator: Any, resource: int | None, checkpoint: Checkpoint | None) -> Any:
        """Return what is to be fitted: the estimator, or the model that goes on."""
        return estimator

    def fit(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        params: dict[str, Any],
        resource: int | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        """Fit what was prepared."""
        if y is None:
            estimator.fit(X, **params)
        else:
            estimator.fit(X, y, **params)

    def can_continue(self, model: Any, resource: int) -> bool:
        """Tell whether a model may be trained further, later."""
        return False

    def has_converged(self, model: Any, resource: int | None) -> bool:
        """Tell whether training ended by itself, so that more of the resource would change nothing."""
        return False


class FoldResource(FullTraining):
    """The resource is the number of folds: all training there is, on some of them."""

    def __str__(self) -> str:
        return ", on more and more folds"


@dataclass(frozen=True)
class ParameterResource(FullTraining):
    """The resource is an integer parameter of the estimator.

    Attributes
    ----------
    name : str
        The parameter, such as ``clf__n_estimators``.
    maximum : int
        Its largest value.
    continuation : {"auto", "warm_start", "never"}
        Which estimators go on: those that do so exactly, all that have ``warm_start``, or none.
    known : Continuation, default=None
        How the estimator goes on, as it is registered in the process of the search.
    """

    name: str
    maximum: int
    continuation: str = "auto"
    known: Continuation | None = None

    def __str__(self) -> str:
        inexact = ", inexact warm starts" if self.continuation == "warm_start" else ""
        return f", {self.name} up to {self.maximum}{inexact}"

    @property
    def resource_name(self) -> str:  # type: ignore[override]
        return self.name

    def can_continue(self, model: Any, resource: int) -> bool:
        if self.continuation == "never" or resource >= self.maximum:
            return False
        if self.continuation == "warm_start":
            return self._warm_start in model.get_params(deep=True)
        return self.known is not None and self.known.can_continue(model, self.name)

    def prepare(self, estimator: Any, resource: int | None, checkpoint: Checkpoint | None) -> Any:
        if checkpoint is not None:
            return checkpoint.model.set_params(**{self.name: resource, self._warm_start: True})
        return estimator.set_params(**{self.name: resource})

    def has_converged(self, model: Any, resource: int | None) -> bool:
        step, _, own_name = self.name.rpartition("__")
        part = model.get_params(deep=True)[step] if step else model
        used = getattr(part, {"max_iter": "n_iter_", "n_estimators": "n_estimators_"}.get(own_name, ""), None)
        if used is None or hasattr(part, "n_init"):  # of several runs, n_iter_ tells of the best one
            return False
        return bool(np.max(used) < resource)

    @property
    def _warm_start(self) -> str:
        step = self.name.rpartition("__")[0]
        return f"{step}__warm_start" if step else "warm_start"


@dataclass(frozen=True)
class EpochResource(FullTraining):
    """The resource is the number of calls of ``partial_fit``, each with all rows in an order of its own.

    In a pipeline the steps before the last one are fitted first, as always. A model that goes on fits them again: what
    ``fit_transform`` returns need not be what ``transform`` makes of the same rows.

    Attributes
    ----------
    classes : ndarray or None
        All class labels.
    seed : int
        Of the orders.
    maximum : int
        The largest number of epochs.
    continuation : {"auto", "warm_start", "never"}
        Whether models go on; they all can, so it is all the same unless it is "never".
    """

    classes: np.ndarray | None
    seed: int
    maximum: int
    continuation: str = "auto"
    resource_name = "epochs"

    def __str__(self) -> str:
        return f", up to {self.maximum} epochs in the order of seed {self.seed}"

    def can_continue(self, model: Any, resource: int) -> bool:
        return self.continuation != "never" and resource < self.maximum and seeds_repeat(model)

    def prepare(self, estimator: Any, resource: int | None, checkpoint: Checkpoint | None) -> Any:
        return checkpoint.model if checkpoint else estimator

    def fit(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        params: dict[str, Any],
        resource: int | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        last = estimator
        while isinstance(last, Pipeline):
            own = f"{last.steps[-1][0]}__"
            X = _fit_transform(last, X, y, {name: params[name] for name in params if not name.startswith(own)})
            params = {name.removeprefix(own): params[name] for name in params if name.startswith(own)}
            last = last.steps[-1][1]
        wants_classes = is_classifier(last) and "classes" in inspect.signature(last.partial_fit).parameters
        classes = {"classes": self.classes} if wants_classes else {}
        for epoch in range(checkpoint.resource if checkpoint else 0, resource or 0):
            order = np.random.default_rng((self.seed, epoch)).permutation(num_samples(X))
            rows = check_method_params(X, params=params, indices=order)
            last.partial_fit(*safe_split(last, X, y, order), **rows, **classes)


@dataclass(frozen=True)
class SampleResource(FullTraining):
    """The resource is the number of training rows, where a training part has `n_rows`.

    Attributes
    ----------
    subsample : Subsample
        Chooses them.
    n_rows : int
        Rows of the smallest training part.
    maximum : int
        The most of them that are used.
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


def _fit_transform(pipeline: Pipeline, X: Any, y: Any, params: dict[str, Any]) -> Any:
    """Fit all steps of a pipeline but the last one, and pass the data through them."""
    if len(pipeline.steps) == 1:
        return X
    head = pipeline[:-1]
    transformed = head.fit_transform(X, y, **params)
    pipeline.steps[:-1] = head.steps  # with a memory they were cloned before
    return transformed
