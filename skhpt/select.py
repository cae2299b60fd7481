"""Rules for ``refit=``: which candidate to take, if not the one with the best score.

The best of many scores is there by luck too. A rule takes the simplest of the candidates that are about as good as the
best one, and says what simple means.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from numbers import Real
from typing import Any

import numpy as np

#: A parameter or a column, as a name, with "-" in front if more of it is simpler; or a function of the parameters.
Key = str | Callable[[Mapping[str, Any]], Any]
#: Columns of ``cv_results_`` that tell how far a candidate has come, where that is not the same for all.
_STANDING = ("n_resources", "n_folds")


class Rule:
    """Takes ``cv_results_`` and returns the row of the simplest candidate that is about as good as the best one.

    Attributes
    ----------
    by : Key or sequence of Key
        What makes a candidate simple, in the order of importance.
    metric : str
        The metric that counts.
    """

    by: Key | Sequence[Key]
    metric: str

    def __post_init__(self) -> None:
        if not _are_keys(self.by):
            raise TypeError(
                "by must be the name of a parameter or of a column of cv_results_, a function of the parameters, "
                f"or a list of these, got {self.by!r}"
            )
        if not isinstance(self.metric, str):
            raise TypeError(f"metric must be the name of a metric, got {self.metric!r}")

    @property
    def keys(self) -> list[Key]:
        """What makes a candidate simple, as a list."""
        return [self.by] if isinstance(self.by, str) or callable(self.by) else list(self.by)

    @property
    def names(self) -> list[str]:
        """The parameters and columns among the keys."""
        return [key.removeprefix("-") for key in self.keys if isinstance(key, str)]

    def check_values(self, choices: Mapping[str, Sequence[Any]]) -> None:
        """Check that the choices for parameters can be put in order.

        Raises
        ------
        TypeError
            If they are no numbers, and there is no function that makes numbers of them.
        """
        for key in (key for key in self.keys if isinstance(key, str)):
            for value in choices.get(key.removeprefix("-"), ()):
                _place(value, 1, key)

    def __call__(self, cv_results: Mapping[str, Any]) -> int:
        """Choose a candidate.

        Parameters
        ----------
        cv_results : dict
            The table of results of a search, of this package or of scikit-learn.

        Returns
        -------
        index : int
            Row of the candidate. Those count that have a score and have come as far as the best one. Of equally simple
            ones the better one is taken, then the earlier one; if none has a score, the first one.
        """
        means = self._means(cv_results)
        simplicity = list(zip(*(_column(key, cv_results) for key in self.keys), strict=True))
        best = int(np.argmin(cv_results[f"rank_test_{self.metric}"]))
        if not math.isfinite(means[best]):
            return best
        counts = np.isfinite(means)
        for name in _STANDING:
            if name in cv_results:
                counts &= np.asarray(cv_results[name]) == cv_results[name][best]
        scores = np.array([column[best] for column in self._split_scores(cv_results)], dtype=float)
        limit = self._limit(means[best], scores[np.isfinite(scores)])
        rows = np.flatnonzero(counts & (means >= limit))
        return int(min(rows, key=lambda row: (simplicity[row], -means[row], row)))

    @abstractmethod
    def _limit(self, best: float, scores: np.ndarray) -> float:
        """Return the lowest score that is about as good as that of the best candidate, `best`.

        Its scores on the folds are `scores`.
        """

    def _means(self, cv_results: Mapping[str, Any]) -> np.ndarray:
        if f"mean_test_{self.metric}" not in cv_results:
            there = [name.removeprefix("mean_test_") for name in cv_results if name.startswith("mean_test_")]
            raise ValueError(f"metric={self.metric!r} of {self!r} is not one of the metrics: {there}")
        return np.asarray(cv_results[f"mean_test_{self.metric}"], dtype=float)

    def _split_scores(self, cv_results: Mapping[str, Any]) -> list[Any]:
        names = (f"split{i}_test_{self.metric}" for i in count())
        return [cv_results[name] for name in takewhile(cv_results.__contains__, names)]


@dataclass(frozen=True)
class one_standard_error(Rule):
    """The simplest candidate within one standard error of the best score.

    Parameters
    ----------
    by : str, callable or list of these
        What makes a candidate simple: the name of a parameter, or of a column of ``cv_results_`` such as
        ``'mean_fit_time'``, if less of it is simpler; with a minus sign in front, as in ``'-alpha'``, if more of it is.
        Or a function that takes the parameters of a candidate (a dict) and returns something to sort by, the simplest
        first. Of several the first one decides, then the next one. None and what a candidate does not have come last.

    metric : str, default='score'
        The metric, if there are several.

    Notes
    -----
    The standard error is that of the best candidate: the standard deviation of its scores on the folds (with n - 1 in
    the denominator) divided by the square root of their number, as in [1]_. With one fold it is 0. Where
    cross-validation is repeated, the folds are not independent, and it is too small.

    `refit` takes it in every search of this package, and in scikit-learn's. Here it works in races and with
    `HyperbandSearchCV`, where only those count that have come as far as the best one, and it leaves ``best_score_``.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, section 3.4.3; Hastie,
       Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 7.10.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.select import one_standard_error
    >>> X, y = load_iris(return_X_y=True)
    >>> rule = one_standard_error(by="max_depth")
    >>> search = GridSearch(DecisionTreeClassifier(random_state=0), {"max_depth": [5, 4, 3, 2, 1]}, refit=rule)
    >>> search.fit(X, y).best_params_
    {'max_depth': 3}
    """

    by: Key | Sequence[Key]
    metric: str = "score"

    def _limit(self, best: float, scores: np.ndarray) -> float:
        n = len(scores)
        return best - (float(np.std(scores, ddof=1)) / math.sqrt(n) if n > 1 else 0.0)


@dataclass(frozen=True)
class within_percent(Rule):
    """The simplest candidate within so many percent of the best score.

    Parameters
    ----------
    percent : float
        How much of the best score may be lost, in percent of its absolute value.

    by : str, callable or list of these
        What makes a candidate simple, as for `one_standard_error`.

    metric : str, default='score'
        The metric, if there are several.

    Examples
    --------
    >>> from skhpt.select import within_percent
    >>> within_percent(1, by=["n_estimators", "-min_samples_leaf"])
    within_percent(percent=1, by=['n_estimators', '-min_samples_leaf'], metric='score')
    """

    percent: float
    by: Key | Sequence[Key]
    metric: str = "score"

    def __post_init__(self) -> None:
        if not isinstance(self.percent, Real) or isinstance(self.percent, bool) or not 0 <= self.percent < math.inf:
            raise ValueError(f"percent must be a number, 0 or larger, got {self.percent!r}")
        super().__post_init__()

    def _limit(self, best: float, scores: np.ndarray) -> float:
        return best - self.percent / 100 * abs(best)


def _are_keys(by: Any) -> bool:
    keys = by if isinstance(by, (list, tuple)) else [by]
    return len(keys) > 0 and all(callable(key) or (isinstance(key, str) and key.strip("-")) for key in keys)


def _column(key: Key, cv_results: Mapping[str, Any]) -> list[Any]:
    """Return what makes the candidates simple, the least for the simplest one; what is not there comes last."""
    if callable(key):
        return [key(params) for params in cv_results["params"]]
    name = key.removeprefix("-")
    sign = -1 if key.startswith("-") else 1
    if any(name in params for params in cv_results["params"]):
        values = [params.get(name) for params in cv_results["params"]]
    elif name in cv_results:
        values = np.ma.asarray(cv_results[name]).tolist()  # None where it is masked
    else:
        names = list(dict.fromkeys(name for params in cv_results["params"] for name in params))
        raise ValueError(f"by={key!r} is neither a parameter of the candidates, {names}, nor a column of cv_results_")
    return [_place(value, sign, key) for value in values]


def _place(value: Any, sign: int, key: str) -> tuple[bool, float]:
    if value is None or value != value:
        return True, 0.0
    if not isinstance(value, (Real, np.bool_)):
        raise TypeError(
            f"by={key!r} has values that are no numbers, such as {value!r}: give a function of the parameters that "
            "returns something to sort by"
        )
    return False, sign * float(value)
