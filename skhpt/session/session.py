"""What one call of ``fit`` works with, made before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.model_selection._split import _yields_constant_splits

from skhpt._compat import INCONSISTENT_SPLITS
from skhpt._typing import Split
from skhpt.fingerprint import Fingerprint, describe_value
from skhpt.fitting.fold import Setup
from skhpt.history import History
from skhpt.journal import Journal
from skhpt.session.sklearn_callbacks import Callbacks

NO_FITS = "No fits were performed. Was the CV iterator empty? Were there no candidates?"


@dataclass(frozen=True)
class Folds(Sequence[Split]):
    """The folds of a data set, frozen: every candidate is scored on these.

    Attributes
    ----------
    splits : list of (train, test) arrays
        Row indices.
    cv : object
        The `cv` parameter that they come from.
    description : str
        What `cv` was after it gave them.
    can_be_drawn_again : bool
        Whether `cv` would give the same folds once more.
    is_known : bool
        Whether `cv` is a splitter of scikit-learn, so that its description says which folds it may give.
    """

    splits: list[Split]
    cv: Any
    description: str
    can_be_drawn_again: bool
    is_known: bool = True

    def __len__(self) -> int:
        return len(self.splits)

    def __getitem__(self, index: Any) -> Any:
        return self.splits[index]

    def are_those_of(self, cv: Any) -> bool:
        """Tell whether a `cv` parameter is the one that these folds come from."""
        return cv is self.cv or describe_value(cv) == self.description


def freeze_folds(cv: Any, X: Any, y: Any, classifier: bool, split_params: dict[str, Any]) -> Folds:
    """Split once.

    Raises
    ------
    ValueError
        If there are no folds, or not as many as the splitter says.
    """
    if isinstance(cv, type):
        raise ValueError(f"cv must be an instance of a splitter, such as {cv.__name__}(), got the class {cv.__name__}")
    splitter = check_cv(cv, y, classifier=classifier)
    n_splits = splitter.get_n_splits(X, y, **split_params)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(X, y, **split_params)]
    if len(splits) != n_splits:
        raise ValueError(INCONSISTENT_SPLITS.format(n_splits, len(splits)))
    if not splits:
        raise ValueError(NO_FITS)
    # Of a splitter from elsewhere nothing is known, and a generator gives its folds only once.
    is_known = type(splitter).__module__.startswith("sklearn.") and not hasattr(cv, "__next__")
    return Folds(splits, cv, describe_value(cv), is_known and _yields_constant_splits(splitter), is_known)


@dataclass(frozen=True)
class Session:
    """The data and what is evaluated on it, and a history that grows.

    Attributes
    ----------
    X, y : array-like
        The data.
    params : dict
        What else was given to ``fit``.
    folds : Folds
        What each candidate is scored on.
    setup : Setup
        What all fits have in common.
    refit_metric : str
        The metric that decides which candidate is the best.
    fingerprint : Fingerprint
        All that the scores depend on besides the candidates.
    callbacks : Callbacks
        Who is told of the progress.
    history : History
        What is known, from the last fit or an earlier search, and what this one adds.
    n_known : int
        Trials of the history whose failures were reported before.
    random_state : int, RandomState or None
        Source of the draws.
    journal : Journal or None
        Where it is all written down.
    """

    X: Any
    y: Any
    params: dict[str, Any]
    folds: Folds
    setup: Setup
    refit_metric: str
    fingerprint: Fingerprint
    callbacks: Callbacks
    history: History
    n_known: int
    random_state: Any = None
    journal: Journal | None = None
