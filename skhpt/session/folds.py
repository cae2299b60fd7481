"""The folds of a search: drawn once, so that every candidate is scored on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.model_selection._split import _yields_constant_splits

from skhpt._compat import INCONSISTENT_SPLITS, num_samples
from skhpt._typing import ArrayLike, Params, Split
from skhpt.fingerprint import describe_value
from skhpt.space.dimensions import short_repr
from skhpt.user_code import changed_code, describe_user_code

NO_FITS = "No fits were performed. Was the CV iterator empty? Were there no candidates?"


@dataclass(frozen=True)
class Folds(Sequence[Split]):
    """The folds of a data set.

    Attributes
    ----------
    splits : list of (train, test) arrays
        Row indices.
    cv : object
        The `cv` parameter that drew them.
    description : str
        Description of `cv` after it drew them.
    is_reproducible : bool
        Whether `cv` would draw the same folds again.
    is_described : bool
        Whether `cv` is a splitter of scikit-learn, so that its description determines the folds.
    code : str, default=""
        Code of a splitter of the user.
    """

    splits: list[Split]
    cv: Any
    description: str
    is_reproducible: bool
    is_described: bool = True
    code: str = ""

    def __len__(self) -> int:
        return len(self.splits)

    def __getitem__(self, index: Any) -> Any:
        return self.splits[index]

    @property
    def test_ratio(self) -> float:
        """Number of rows of a test part, divided by that of its training part, in the mean over the folds."""
        return float(np.mean([len(test) / max(1, len(train)) for train, test in self.splits]))

    def were_drawn_by(self, cv: Any) -> bool:
        """Return whether a `cv` parameter is the one that drew these folds."""
        has_same_code = not changed_code(self.code, describe_user_code(cv))
        return has_same_code and (cv is self.cv or describe_value(cv) == self.description)

    def to_json(self) -> dict[str, Any]:
        """Return the folds as JSON if `cv` cannot draw them again, else an empty dict."""
        if self.is_reproducible or not self.is_described:
            return {}
        return {
            "cv": self.description,
            "splits": [[part.tolist() for part in split] for split in self.splits],
        }


def draw_folds(cv: Any, X: ArrayLike, y: ArrayLike, *, classifier: bool, split_params: Params) -> Folds:
    """Draw the folds.

    Raises
    ------
    ValueError
        If there are no folds, or another number than the splitter announces, or if they are not pairs of rows
        of the data.
    """
    if isinstance(cv, type):
        raise ValueError(
            f"cv must be an instance of a splitter, such as {cv.__name__}(), got the class {cv.__name__}"
        )
    splitter = check_cv(cv, y, classifier=classifier)
    n_splits = splitter.get_n_splits(X, y, **split_params)
    n_rows = num_samples(X)
    # A list of folds is checked as it was given: scikit-learn's wrapper of it takes each fold apart.
    listed = None if hasattr(cv, "split") else getattr(splitter, "cv", None)
    given = splitter.split(X, y, **split_params) if listed is None else listed
    splits = [_checked_split(split, i, n_rows) for i, split in enumerate(given)]
    if len(splits) != n_splits:
        raise ValueError(INCONSISTENT_SPLITS.format(n_splits, len(splits)))
    if not splits:
        raise ValueError(NO_FITS)
    # A splitter of another package may depend on anything, and a generator gives its folds only once.
    is_described = type(splitter).__module__.startswith("sklearn.") and not hasattr(cv, "__next__")
    is_reproducible = is_described and _yields_constant_splits(splitter)
    return Folds(splits, cv, describe_value(cv), is_reproducible, is_described, describe_user_code(cv))


def _checked_split(split: Any, i: int, n_rows: int) -> Split:
    """Return the training and the test rows of fold `i` as row numbers that are not negative."""
    try:
        train, test = split
    except (TypeError, ValueError):
        raise ValueError(
            f"fold {i} of cv must be a pair of the training and the test rows, got {short_repr(split)}"
        ) from None
    training_rows = _checked_rows(train, f"the training rows of fold {i}", n_rows)
    return training_rows, _checked_rows(test, f"the test rows of fold {i}", n_rows)


def _checked_rows(rows: Any, name: str, n_rows: int) -> np.ndarray:
    """Return rows as numbers; they may be a mask.

    Raises
    ------
    ValueError
        If they are not numbers of rows of the data, or if there are none.
    """
    indices = np.asarray(rows)
    if indices.size == 0:
        raise ValueError(f"cv: {name} are empty")
    if indices.ndim != 1:
        raise ValueError(f"cv: {name} must be one-dimensional, got an array of shape {indices.shape}")
    if indices.dtype == bool:
        if len(indices) != n_rows:
            raise ValueError(f"cv: {name} are a mask of {len(indices)} rows, but the data have {n_rows}")
        return _checked_rows(np.flatnonzero(indices), name, n_rows)
    if indices.dtype.kind not in "iu":
        raise ValueError(
            f"cv: {name} must be integers (numbers of rows) or a mask of booleans, got {short_repr(rows)}"
        )
    outside = indices[(indices < -n_rows) | (indices >= n_rows)]
    if len(outside):
        raise ValueError(f"cv: {name} have the number {outside[0]}, but the data have {n_rows} rows")
    if len(indices) == n_rows > 2 and indices.max() == 1 and indices.min() == 0:
        raise ValueError(f"cv: {name} look like a mask of the integers 0 and 1; a mask must be of booleans")
    # As numpy counts: -1 is the last row.
    return np.where(indices < 0, indices + n_rows, indices) if indices.min() < 0 else indices


def folds_from_json(cv: Any, stored: Mapping[str, Any]) -> Folds | None:
    """Return stored folds if the same `cv` drew them, else None."""
    if not stored or describe_value(cv) != stored["cv"]:
        return None
    splits = [(np.array(train, dtype=int), np.array(test, dtype=int)) for train, test in stored["splits"]]
    return Folds(splits, cv, stored["cv"], is_reproducible=False)
