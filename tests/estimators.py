"""Estimators with odd habits, in a module of their own so that worker processes can import them."""

import os
import signal
import sys
import threading
import time
from collections import deque
from itertools import repeat

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state


class Null(ClassifierMixin, BaseEstimator):
    """Predicts one class; its score depends on `value` only."""

    def __init__(self, value=0):
        self.value = value

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[self.value % len(self.classes_)])


class Failing(Null):
    """Fails to fit when `value` is in `bad`."""

    def __init__(self, value=0, bad=()):
        self.value = value
        self.bad = bad

    def fit(self, X, y):
        if self.value in self.bad:
            raise ArithmeticError(f"no luck with {self.value}")
        return super().fit(X, y)


class FailsBelow(Null):
    """Fails to fit below 0.5; its score is its value."""

    def fit(self, X, y):
        if self.value < 0.5:
            raise ArithmeticError("too low")
        return self

    def score(self, X, y):
        return self.value


class TypeRecorder(Null):
    """Refuses numpy scalars: parameters must be what a person would write."""

    def fit(self, X, y):
        if isinstance(self.value, np.generic):
            raise TypeError(f"{self.value!r} is a numpy scalar")
        return super().fit(X, y)


class Mutating(Null):
    """Writes to the training data, which scikit-learn cuts afresh for every fit."""

    def fit(self, X, y):
        self.sum_ = float(X.sum())
        X[:] = 0
        return super().fit(X, y)

    def score(self, X, y):
        return self.sum_ + X.sum() + self.value


class GlobalRandom(Null):
    """Scores with numpy's global generator, so that the order of evaluations shows."""

    def score(self, X, y):
        return np.random.uniform()


class Counting(TransformerMixin, BaseEstimator):
    """Counts how often it is fitted, over all instances."""

    n_fits = 0

    def __init__(self, value=0):
        self.value = value

    def fit(self, X, y=None):
        type(self).n_fits += 1
        self.fitted_ = True
        return self

    def transform(self, X):
        return X

    def score(self, X, y=None):
        return float(self.value)


class Loose(Null):
    """Takes any parameter, like some boosting libraries do, and lists none of them."""

    def __init__(self, **others):
        self.others = others

    @classmethod
    def _get_param_names(cls):
        return []

    def get_params(self, deep=True):
        return dict(self.others)

    def set_params(self, **params):
        self.others = self.others | params
        return self

    @property
    def value(self):
        return self.others.get("anything", 0)


def failing_scorer(estimator, X, y):
    if estimator.value == 1:
        raise ArithmeticError("cannot score")
    return float(estimator.value)


class OtherForest(RandomForestClassifier):
    """A forest that nobody knows."""


class LogUniform:
    """A distribution of no library, without an address in its name: tests are named after it."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __repr__(self):
        return f"LogUniform({self.low}, {self.high})"

    def ppf(self, q):
        return self.low * (self.high / self.low) ** np.asarray(q)

    def cdf(self, x):
        return np.log(np.asarray(x) / self.low) / np.log(self.high / self.low)

    def rvs(self, size=None, random_state=None):
        return self.ppf(check_random_state(random_state).uniform(size=size))

    def support(self):
        return self.low, self.high


class InPlaceScaler(TransformerMixin, BaseEstimator):
    """Writes to what it is given, whenever it transforms it."""

    def fit(self, X, y=None):
        self.scale_ = np.abs(X).max(axis=0)
        return self

    def transform(self, X):
        X /= self.scale_
        return X


class Doubler(TransformerMixin, BaseEstimator):
    """A transformer from elsewhere that behaves."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.hstack([X, X * X])


class NoisyScaler(TransformerMixin, BaseEstimator):
    """Draws from numpy's global generator without having a `random_state`."""

    def fit(self, X, y=None):
        self.scale_ = np.random.uniform(0.5, 2, X.shape[1])
        return self

    def transform(self, X):
        return X * self.scale_


class Picky(TransformerMixin, BaseEstimator):
    """Fails to fit with a bad factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        if self.factor < 0:
            raise ArithmeticError(f"no luck with {self.factor}")
        return self

    def transform(self, X):
        return X * self.factor


class Fatal(Null):
    """Does to its worker what `value` says: 0 nothing, 1 kills it, 2 sleeps for ever, 3 loops in C for ever.

    It leaves a line in `log` for every fit that it begins, so that fits can be counted over all processes.
    With `once`, a file, it does so only the first time.
    """

    def __init__(self, value=0, log=None, once=None):
        self.value = value
        self.log = log
        self.once = once

    def fit(self, X, y):
        if self.log:
            with open(self.log, "a") as file:
                file.write(f"{self.value} {X[0, 0]} {len(X)}\n")
        if self.value in (1, 2, 3) and (self.once is None or self._is_first()):
            self._do_harm()
        return super().fit(X, y)

    def _is_first(self):
        try:
            os.close(os.open(self.once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _do_harm(self):
        if self.value == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.value == 2:
            while True:
                time.sleep(3600)
        if self.value == 3:
            deque(repeat(None), maxlen=0)

    def score(self, X, y):
        return float(self.value) + float(X[0, 0]) / 100


class SlowToPredict(Null):
    """Takes its time over probabilities, which no score needs."""

    def predict_proba(self, X):
        time.sleep(0.1)
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class CannotPredict(Null):
    """Scores, but fails to predict."""

    def predict(self, X):
        raise ArithmeticError("no idea")

    def score(self, X, y):
        return float(self.value)


class ScoresItself(Null):
    """Predicts, but its score is something else."""

    def score(self, X, y):
        return float(self.value)


def asks_for_value(estimator, X, y):
    """A scorer that needs more than predictions."""
    return float(estimator.value)


def accuracy_by_hand(estimator, X, y):
    """A scorer that needs nothing but predictions, and does not ask for them at once."""
    return float(np.mean([estimator.predict(X[i : i + 1])[0] == y[i] for i in range(len(y))]))


def two_scores(estimator, X, y):
    right = np.mean(estimator.predict(X) == y)
    return {"right": right, "wrong": 1 - right}


class WeightedNull(Null):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)


class NeedsArguments(Exception):
    """An exception that `pickle` cannot make again."""

    def __init__(self, what, where):
        super().__init__(f"{what} in {where}")
        self.where = where


class HoldsLock(ValueError):
    """An exception that cannot be pickled."""

    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()


class HasNoText(Exception):
    """An exception that cannot be printed."""

    def __str__(self):
        raise SystemExit("no text")

    __repr__ = __str__


class HarmsReader(Exception):
    """An exception that ends the process that reads it."""

    def __reduce__(self):
        return sys.exit, (3,)


#: Exceptions of many kinds, by name.
EXCEPTIONS = {
    "error": lambda: ArithmeticError("no luck"),
    "exit": lambda: SystemExit(3),
    "generator": lambda: GeneratorExit("no luck"),
    "end": lambda: StopIteration("no luck"),
    "memory": lambda: MemoryError(),
    "base": lambda: BaseException("no luck"),
    "arguments": lambda: NeedsArguments("no luck", "fit"),
    "lock": lambda: HoldsLock("no luck"),
    "function": lambda: KeyError(lambda: None),
    "no text": lambda: HasNoText(),
    "harm": lambda: HarmsReader("no luck"),
    "interrupt": lambda: KeyboardInterrupt("no luck"),
}


class Raising(Null):
    """Raises one of `EXCEPTIONS`, named by `value`, in the method `where`."""

    def __init__(self, value=0, where="fit"):
        self.value = value
        self.where = where

    def set_params(self, **params):
        super().set_params(**params)
        self._maybe_raise("set_params")
        return self

    def fit(self, X, y):
        self._maybe_raise("fit")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self._maybe_raise("predict")
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        self._maybe_raise("score")
        return 1.0

    def _maybe_raise(self, where):
        if where == self.where and self.value in EXCEPTIONS:
            raise EXCEPTIONS[self.value]()
