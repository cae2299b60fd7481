"""Summary of the data that default spaces depend on."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from skhpt._typing import ArrayLike
from skhpt.spaces.ranges import tidy

#: Largest number of rows that variances are computed of.
MAX_ROWS = 2000
#: Number of features that is assumed if it is not known.
N_FEATURES = 10
#: Words, as the vectorizers of scikit-learn find them.
_WORD = re.compile(r"(?u)\b\w\w+\b")


@dataclass(frozen=True)
class DataSummary:
    """What is known of the data that an estimator is fitted on; None for all that is not known.

    Attributes
    ----------
    n_train : int or None
        Number of rows of the smallest training part.
    n_lost : int or None
        Number of rows that are not part of it.
    n_features : int or None
        Number of features; the smallest one, if it depends on candidates.
    variance : float or None
        Sum of the variances of the features.
    squared_norm : float or None
        Mean squared norm of the rows.
    has_negative : bool
        Whether there are negative numbers, as far as that is known.
    n_classes : int or None
        Number of classes.
    class_balance : float or None
        Number of rows of the smallest class, divided by that of the largest.
    y_scale : float or None
        Standard deviation of a numeric target.
    most_frequent : int
        Number of rows of a text that have the most frequent word.
    is_last : bool
        Whether the estimator is the last step, which predicts.
    """

    n_train: int | None = None
    n_lost: int | None = None
    n_features: int | None = None
    variance: float | None = None
    squared_norm: float | None = None
    has_negative: bool = False
    n_classes: int | None = None
    class_balance: float | None = None
    y_scale: float | None = None
    most_frequent: int = 0
    is_last: bool = True

    @property
    def spread(self) -> float:
        """Sum of the variances of the features; their number, as after a standardisation, if it is not known."""
        return self.variance or self.n_features or N_FEATURES

    @property
    def feature_scale(self) -> float:
        """Standard deviation of a feature."""
        n_features = self.n_features or N_FEATURES
        return float(np.sqrt(self.variance / n_features)) if self.variance else 1.0

    @property
    def unit_of_y(self) -> float:
        """Standard deviation of the target, 1 if it is not known."""
        return self.y_scale or 1.0

    def rows(self, share: float, most: int) -> int:
        """Return a share of the rows of a training part, at least 1 and at most `most`."""
        return most if self.n_train is None else max(1, min(most, int(share * self.n_train)))


def summarize(
    X: ArrayLike, y: ArrayLike, *, is_classification: bool, n_train: int | None = None
) -> DataSummary:
    """Return the summary of data.

    Parameters
    ----------
    X, y : array-like or None
        The data.
    is_classification : bool
        Whether y has classes.
    n_train : int, default=None
        Number of rows of the smallest training part; by default, or if there are more, half of the rows.
    """
    if X is None:
        n_rows, known = None, {}
    else:
        n_rows = _n_rows(X)
        known = _summarize_rows(X)
    half = None if n_rows is None else max(1, n_rows // 2)
    if half is not None:
        n_train = half if n_train is None else min(half, n_train)
    n_lost = None if n_rows is None or n_train is None else n_rows - n_train
    target = {} if y is None else _summarize_target(y, is_classification)
    return DataSummary(n_train=n_train, n_lost=n_lost, **known, **target)


def _n_rows(X: ArrayLike) -> int | None:
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    return len(X) if hasattr(X, "__len__") else None


def _summarize_rows(X: ArrayLike) -> dict[str, Any]:
    texts = _texts(X)
    if texts is not None:
        words: Counter[str] = Counter()
        for text in texts:
            words.update(set(_WORD.findall(text.lower())))
        return {"most_frequent": max(words.values(), default=0)}
    return summarize_features(X)


def _texts(X: ArrayLike) -> list[str] | None:
    """Return some rows of a sequence of texts; None for anything else."""
    if sparse.issparse(X) or getattr(X, "ndim", 1) != 1 or not hasattr(X, "__len__"):
        return None
    try:
        first = list(X[:MAX_ROWS])
    except (TypeError, LookupError):  # such as a dict
        return None
    return first if first and all(isinstance(text, str) for text in first) else None


def summarize_features(X: ArrayLike) -> dict[str, Any]:
    """Return the number, the variance and the squared norm of features, as far as they are known."""
    try:
        rows = _some_rows(X)
        columns = rows if sparse.issparse(rows) else np.asarray(rows)
        if columns.ndim != 2 or columns.dtype.kind == "c":
            return {}
        n_features = int(columns.shape[1])
        least, mean, mean_square = _moments(columns)
    except (TypeError, ValueError, LookupError, AttributeError, MemoryError):
        return {}
    variance, squared_norm = float(np.sum(mean_square - mean**2)), float(np.sum(mean_square))
    return {
        "n_features": n_features,
        "has_negative": bool(np.any(least < 0)),
        "variance": tidy(variance) if np.isfinite(variance) and variance > 0 else None,
        "squared_norm": tidy(squared_norm) if np.isfinite(squared_norm) and squared_norm > 0 else None,
    }


def _some_rows(X: ArrayLike) -> Any:
    n_rows = _n_rows(X) or 1
    step = -(-n_rows // MAX_ROWS)
    if hasattr(X, "iloc"):
        return X.iloc[::step]
    return sparse.csr_matrix(X)[::step] if sparse.issparse(X) else X[::step]


#: Least value, mean and mean square of columns.
Moments: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


def _moments(columns: Any) -> Moments:
    """Return the moments of each column; 0 for columns that are not numeric."""
    if sparse.issparse(columns):
        means = np.asarray(columns.mean(axis=0)).ravel()
        return columns.data, means, np.asarray(columns.power(2).mean(axis=0)).ravel()
    if columns.dtype.kind in "iufb":
        return _finite_moments(columns.astype(float))
    moments = []
    for column in columns.T:
        try:
            moments.append(_finite_moments(column.astype(float)[:, np.newaxis]))
        except (TypeError, ValueError):
            moments.append((np.zeros(1), np.zeros(1), np.zeros(1)))
    least, mean, mean_square = (np.concatenate(each) for each in zip(*moments, strict=True))
    return least, mean, mean_square


def _finite_moments(columns: np.ndarray) -> Moments:
    is_finite = np.isfinite(columns)
    n = np.maximum(is_finite.sum(axis=0), 1)
    finite = np.where(is_finite, columns, 0.0)
    with np.errstate(over="ignore"):
        return finite.min(axis=0, initial=0), finite.sum(axis=0) / n, (finite**2).sum(axis=0) / n


def _summarize_target(y: ArrayLike, is_classification: bool) -> dict[str, Any]:
    if sparse.issparse(y):
        return {}
    try:
        target = np.asarray(y)
        if is_classification:
            return _summarize_classes(target)
        return {"y_scale": None if target.dtype.kind == "c" else scale_of(target.astype(float))}
    except (TypeError, ValueError):
        return {}


def _summarize_classes(target: np.ndarray) -> dict[str, Any]:
    if target.ndim == 2 and target.shape[1] == 1:
        target = target.ravel()
    if target.ndim != 1 or not len(target):
        return {}
    numbers = np.unique(target, return_counts=True)[1]
    return {"n_classes": len(numbers), "class_balance": float(numbers.min() / numbers.max())}


def scale_of(target: np.ndarray) -> float | None:
    """Return the mean standard deviation of the columns of a target; None if it is 0 or infinite."""
    if not np.isfinite(target).all() or not target.size:
        return None
    with np.errstate(over="ignore"):
        scale = float(np.mean(np.std(target, axis=0)))
    return tidy(scale) if np.isfinite(scale) and scale > 0 else None
