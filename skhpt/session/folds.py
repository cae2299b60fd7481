"""The folds of a search: drawn once, so that every candidate is scored on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.model_selection._split import _yields_constant_splits

from skhpt._compat import INCONSISTENT_SPLITS
from skhpt._typing import ArrayLike, Params, Split
from skhpt.fingerprint import describe_value
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
        If there are no folds, or another number than the splitter announces.
    """
    if isinstance(cv, type):
        raise ValueError(
            f"cv must be an instance of a splitter, such as {cv.__name__}(), got the class {cv.__name__}"
        )
    splitter = check_cv(cv, y, classifier=classifier)
    n_splits = splitter.get_n_splits(X, y, **split_params)
    splits = [(_rows(train), _rows(test)) for train, test in splitter.split(X, y, **split_params)]
    if len(splits) != n_splits:
        raise ValueError(INCONSISTENT_SPLITS.format(n_splits, len(splits)))
    if not splits:
        raise ValueError(NO_FITS)
    # A splitter of another package may depend on anything, and a generator gives its folds only once.
    is_described = type(splitter).__module__.startswith("sklearn.") and not hasattr(cv, "__next__")
    is_reproducible = is_described and _yields_constant_splits(splitter)
    return Folds(splits, cv, describe_value(cv), is_reproducible, is_described, describe_user_code(cv))


def _rows(part: ArrayLike) -> np.ndarray:
    """Return the row indices of a part, which may be given as a mask."""
    rows = np.asarray(part)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def folds_from_json(cv: Any, stored: Mapping[str, Any]) -> Folds | None:
    """Return stored folds if the same `cv` drew them, else None."""
    if not stored or describe_value(cv) != stored["cv"]:
        return None
    splits = [(np.array(train, dtype=int), np.array(test, dtype=int)) for train, test in stored["splits"]]
    return Folds(splits, cv, stored["cv"], is_reproducible=False)
