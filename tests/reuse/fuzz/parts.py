"""Transformers and models of other libraries than scikit-learn, as users write them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier


class Scale(TransformerMixin, BaseEstimator):
    """Behaves."""

    def __init__(self, factor: float = 1.0):
        self.factor = factor

    def fit(self, X: Any, y: Any = None) -> Scale:
        self.scale_ = np.abs(np.asarray(X)).max(axis=0) * self.factor
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) / self.scale_


class ScaleInPlace(Scale):
    """Writes to the data that it transforms, if it can."""

    def transform(self, X: Any) -> Any:
        if isinstance(X, np.ndarray) and X.flags.writeable and X.dtype == np.float64:
            X /= self.scale_
            return X
        return super().transform(X)


class Drift(Scale):
    """Moves its state whenever it transforms."""

    def fit(self, X: Any, y: Any = None) -> Drift:
        self.n_calls_ = 0
        return super().fit(X)

    def transform(self, X: Any) -> Any:
        self.n_calls_ += 1
        return super().transform(X) + 0.3 * self.n_calls_ * np.sin(np.arange(len(X)))[:, None]


class SeededNoise(Scale):
    """Draws, whenever it transforms, from a generator that `fit` seeded."""

    def fit(self, X: Any, y: Any = None) -> SeededNoise:
        self.rng_ = np.random.RandomState(len(X))
        return super().fit(X)

    def transform(self, X: Any) -> Any:
        return super().transform(X) + self.rng_.normal(size=np.shape(X))


class FitNoise(Scale):
    """Draws from numpy's global generator in `fit`."""

    def fit(self, X: Any, y: Any = None) -> FitNoise:
        super().fit(X)
        self.scale_ = self.scale_ * np.random.uniform(0.2, 3, np.shape(X)[1])
        return self


class TransformNoise(Scale):
    """Draws from numpy's global generator in `transform`."""

    def transform(self, X: Any) -> Any:
        return super().transform(X) + np.random.normal(size=np.shape(X))


class Column(TransformerMixin, BaseEstimator):
    """Keeps one column, whose index is no parameter of `get_params`."""

    def __init__(self, factor: float = 1.0):
        self.factor = factor

    _column = 0

    def set_params(self, **params: Any) -> Column:
        if "column" in params:
            self._column = params.pop("column")
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Column:
        return deepcopy(self)

    def fit(self, X: Any, y: Any = None) -> Column:
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X)[:, [self._column]] * self.factor


class Secretive(Scale):
    """Hides one of its parameters."""

    def __init__(self, factor: float = 1.0, power: int = 1):
        super().__init__(factor)
        self.power = power

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"factor": self.factor}

    def set_params(self, **params: Any) -> Secretive:
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> Secretive:
        return type(self)(self.factor, self.power)

    def transform(self, X: Any) -> Any:
        return super().transform(X) ** self.power


class Always:
    """Value that is equal to all others of its class."""

    def __init__(self, number: float):
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Always)

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return f"Always({self.number})"


class Power(Scale):
    """Takes a value whose equality lies."""

    def __init__(self, factor: float = 1.0, power: Any = None):
        super().__init__(factor)
        self.power = power

    def transform(self, X: Any) -> Any:
        power = 1 if self.power is None else self.power.number
        return np.sign(super().transform(X)) * np.abs(super().transform(X)) ** power


class Wrapper(ClassifierMixin, BaseEstimator):
    """Meta-estimator that counts its predictions, and whose score falls with each."""

    def __init__(self, inner: Any = None, flip: int = 5):
        self.inner = inner
        self.flip = flip

    def fit(self, X: Any, y: Any) -> Wrapper:
        self.inner_ = clone(self.inner or GaussianNB()).fit(X, y)
        self.classes_ = self.inner_.classes_
        self.n_calls_ = 0
        return self

    def predict(self, X: Any) -> Any:
        self.n_calls_ += 1
        predicted = np.array(self.inner_.predict(X))
        predicted[:: self.flip + self.n_calls_] = self.classes_[0]
        return predicted


class Neighbors(KNeighborsClassifier):
    """Subclass of a known model that scores otherwise."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return super().score(X, y) - self.p / 100


class Descent(SGDClassifier):
    """Subclass of a known model that predicts otherwise."""

    def predict(self, X: Any) -> Any:
        return super().predict(X)[::-1]


def double(X: Any) -> Any:
    return X * 2


def shift(X: Any) -> Any:
    return X + 1
