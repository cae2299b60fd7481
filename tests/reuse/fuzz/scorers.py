"""Scorers of six kinds: known, reading, writing, logging, stateful, several metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import Pipeline

#: Calls that scorers have seen.
Log: TypeAlias = list[tuple[Any, ...]]


def last_step(model: Any) -> Any:
    return last_step(model[-1]) if isinstance(model, Pipeline) else model


def quality(model: Any, X: Any, y: Any) -> float:
    return float(np.mean(model.predict(X) == y))


def numbers_in(model: Any) -> float:
    """Sum the numbers among the parameters of a model."""
    values = model.get_params(deep=True).values()
    return float(sum(value for value in values if isinstance(value, (int, float))))


class Seen:
    """Scorer that writes down what it is called with."""

    def __init__(self, log: Log, score: Callable[[Any, Any, Any], float] = quality):
        self.log = log
        self.score = score

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        score = self.score(model, X, y)
        self.log.append((type(last_step(model)).__name__, numbers_in(model), np.shape(X), list(y)[:5], score))
        return score


class Fatigue:
    """Scorer whose scores fall with each call."""

    def __init__(self) -> None:
        self.n_calls = 0

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        self.n_calls += 1
        return quality(model, X, y) - 0.01 * self.n_calls


def reads_parameters(model: Any, X: Any, y: Any) -> float:
    return quality(model, X, y) + numbers_in(model) / 1000


def reads_attributes(model: Any, X: Any, y: Any) -> float:
    """Score the numbers in the fitted attributes, and those of all steps before."""
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    total = 0.0
    for step in steps:
        for name, value in sorted(vars(step).items() if hasattr(step, "__dict__") else ()):
            if name.endswith("_") and isinstance(value, np.ndarray) and value.dtype.kind == "f":
                total += float(value.sum())
    return quality(model, X, y) + total


def writes_attributes(model: Any, X: Any, y: Any) -> float:
    """Change all fitted arrays in place, after the score."""
    score = quality(model, X, y)
    for step in [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]:
        for value in vars(step).values() if hasattr(step, "__dict__") else ():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.flags.writeable:
                value *= 0.5
    return score


def fits_again(model: Any, X: Any, y: Any) -> float:
    score = quality(model, X, y)
    last = last_step(model)
    if hasattr(last, "partial_fit") and last is model:
        last.partial_fit(X, y)
    elif is_classifier(last):
        model.fit(X, y)
    return score + quality(model, X, y) / 10


def sets_parameters(model: Any, X: Any, y: Any) -> float:
    last = last_step(model)
    for name, value in last.get_params(deep=False).items():
        if name in ("n_neighbors", "p"):
            setattr(last, name, 1 + value)
    return quality(model, X, y)


def writes_data(model: Any, X: Any, y: Any) -> float:
    score = quality(model, X, y)
    if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype.kind == "f":
        X += 1.0
    if isinstance(y, np.ndarray) and y.flags.writeable:
        y[:] = y[0]
    return score


def draws(model: Any, X: Any, y: Any) -> float:
    return quality(model, X, y) + np.random.uniform()


def metric_in_place(y_true: Any, y_pred: Any) -> float:
    score = accuracy_score(y_true, y_pred)
    y_pred[:] = y_pred[0]
    if y_true.flags.writeable:
        y_true[:3] = y_true[0]
    return score


class MetricWithState:
    """Metric that depends on the number of its calls."""

    def __init__(self) -> None:
        self.n_calls = 0

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        self.n_calls += 1
        return accuracy_score(y_true, y_pred) - 0.01 * self.n_calls


def two_scores(model: Any, X: Any, y: Any) -> dict[str, float]:
    return {"good": quality(model, X, y), "numbers": numbers_in(model)}


#: Functions that return a value for the parameter ``scoring``; they take a list for the calls that scorers see.
SCORINGS: dict[str, Callable[[Log], Any]] = {
    "default": lambda log: None,
    "known": lambda log: "accuracy",
    "known F1": lambda log: "f1_macro",
    "known balanced": lambda log: "balanced_accuracy",
    "known metric with options": lambda log: make_scorer(accuracy_score, normalize=False),
    "several known": lambda log: ["accuracy", "f1_macro"],
    "reads parameters": lambda log: reads_parameters,
    "reads attributes": lambda log: reads_attributes,
    "writes attributes": lambda log: writes_attributes,
    "writes data": lambda log: writes_data,
    "fits again": lambda log: fits_again,
    "sets parameters": lambda log: sets_parameters,
    "metric that writes": lambda log: make_scorer(metric_in_place),
    "logs": Seen,
    "logs what it reads": lambda log: Seen(log, reads_parameters),
    "stateful": lambda log: Fatigue(),
    "stateful method": lambda log: Fatigue().__call__,
    "stateful metric": lambda log: make_scorer(MetricWithState()),
    "draws": lambda log: draws,
    "dict of scores": lambda log: two_scores,
    "known and foreign": lambda log: {"known": "accuracy", "seen": Seen(log), "reads": reads_parameters},
    "known and writing": lambda log: {"writes": writes_attributes, "known": "accuracy", "again": fits_again},
    "function in a closure": lambda log: lambda model, X, y: Seen(log)(model, X, y),
}
