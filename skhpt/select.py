"""Rules for ``refit=``: functions of ``cv_results_`` that select the best candidate.

The highest of many scores is partly due to chance. A rule selects the simplest candidate among those whose
score is close to the best one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Rule", "one_standard_error", "within_percent"]

#: Name of a parameter or of a column, with "-" in front if larger values are simpler; or a function of the
#: parameters.
Key: TypeAlias = str | Callable[[Mapping[str, Any]], Any]
#: The table of results of a search.
CVResults: TypeAlias = Mapping[str, Any]
#: Columns of ``cv_results_`` with the budget of a candidate. Candidates with other budgets are not compared.
_BUDGETS = ("n_resources", "n_folds")


class Rule(ABC):
    """Base class of rules that select the simplest candidate whose score is close to the best one.

    A rule is a callable: it takes ``cv_results_`` and returns the row of the selected candidate. A subclass
    defines `lowest_score`, and checks its own parameters in ``__post_init__``.

    Attributes
    ----------
    by : str, callable or sequence of these
        What makes a candidate simple, in the order of importance.
    metric : str
        Name of the score.

    See Also
    --------
    one_standard_error : Rule with the standard error of the best score.
    within_percent : Rule with a percentage of the best score.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from skhpt.select import Rule
    >>> @dataclass(frozen=True)
    ... class Within(Rule):
    ...     loss: float
    ...     by: str
    ...     metric: str = "score"
    ...     def lowest_score(self, best, scores):
    ...         return best - self.loss
    >>> table = {
    ...     "param_depth": [4, 2, 1],
    ...     "params": [{"depth": 4}, {"depth": 2}, {"depth": 1}],
    ...     "mean_test_score": [0.95, 0.94, 0.8],
    ...     "rank_test_score": [1, 2, 3],
    ... }
    >>> Within(0.02, by="depth")(table)
    1
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

    @abstractmethod
    def lowest_score(self, best: float, scores: np.ndarray) -> float:
        """Return the lowest mean score that is close enough to the best one.

        Parameters
        ----------
        best : float
            Mean score of the best candidate.
        scores : ndarray of shape (n_evaluated_folds,)
            Scores of the best candidate on the folds.

        Returns
        -------
        score : float
            Lowest mean score that is accepted.
        """

    def __call__(self, cv_results: CVResults) -> int:
        """Select a candidate.

        Parameters
        ----------
        cv_results : dict
            Table of results of a search, of this package or of scikit-learn.

        Returns
        -------
        index : int
            Row of the selected candidate. Only candidates with a score and with the budget of the best
            candidate are compared. Among equally simple candidates, the one with the higher score is
            selected, then the earlier one. If no candidate has a score, the index is that of the first row
            with rank 1.
        """
        means = self._means(cv_results)
        simplicity = list(zip(*(_column(key, cv_results) for key in self.keys), strict=True))
        best = int(np.argmin(cv_results[f"rank_test_{self.metric}"]))
        if not math.isfinite(means[best]):
            return best
        compared = np.isfinite(means)
        for name in _BUDGETS:
            if name in cv_results:
                compared &= np.asarray(cv_results[name]) == cv_results[name][best]
        scores = np.array([column[best] for column in self._split_scores(cv_results)], dtype=float)
        lowest = self.lowest_score(means[best], scores[np.isfinite(scores)])
        rows = np.flatnonzero(compared & (means >= lowest))
        return int(min(rows, key=lambda row: (simplicity[row], -means[row], row)))

    @property
    def keys(self) -> list[Key]:
        """The keys in `by`, as a list."""
        return [self.by] if isinstance(self.by, str) or callable(self.by) else list(self.by)

    @property
    def names(self) -> list[str]:
        """The names of parameters and columns in `by`."""
        return [key.removeprefix("-") for key in self.keys if isinstance(key, str)]

    def check_values(self, choices: Mapping[str, Sequence[Any]]) -> None:
        """Check that the values of the parameters in `by` have an order.

        Parameters
        ----------
        choices : dict of str to sequence
            Values by parameter.

        Raises
        ------
        TypeError
            If a parameter in `by` has values that are not numbers.
        """
        for key in self.keys:
            if isinstance(key, str):
                for value in choices.get(key.removeprefix("-"), ()):
                    _sort_key(value, key)

    def _means(self, cv_results: CVResults) -> np.ndarray:
        if f"mean_test_{self.metric}" not in cv_results:
            metrics = [
                name.removeprefix("mean_test_") for name in cv_results if name.startswith("mean_test_")
            ]
            raise ValueError(f"metric={self.metric!r} of {self!r} is not one of the metrics: {metrics}")
        return np.asarray(cv_results[f"mean_test_{self.metric}"], dtype=float)

    def _split_scores(self, cv_results: CVResults) -> list[Any]:
        """Return the columns of the scores on each fold."""
        names = (f"split{i}_test_{self.metric}" for i in count())
        return [cv_results[name] for name in takewhile(cv_results.__contains__, names)]


def one_standard_error(by: Key | Sequence[Key], metric: str = "score") -> Rule:
    """Return a rule that selects the simplest candidate within one standard error of the best score.

    Parameters
    ----------
    by : str, callable or list of these
        What makes a candidate simple: the name of a parameter, or of a column of ``cv_results_`` such as
        ``'mean_fit_time'``, if smaller values are simpler; with a minus sign in front, as in ``'-alpha'``, if
        larger values are simpler. Or a function that takes the parameters of a candidate (a dict) and returns
        a value to sort by, the smallest for the simplest. In a list, the first key decides, and the next ones
        among equals. None and missing parameters come last.

    metric : str, default='score'
        Name of the metric, if there are several.

    Returns
    -------
    rule : Rule
        A callable for ``refit=``, with the attributes `by` and `metric`.

    Raises
    ------
    TypeError
        If `by` or `metric` is of another type.

    See Also
    --------
    within_percent : The same with a percentage of the best score.

    Notes
    -----
    The standard error is that of the best candidate: the standard deviation of its scores on the folds (with
    n - 1 in the denominator) divided by the square root of their number, as in [1]_. With one fold it is 0.
    With repeated cross-validation the folds are not independent, and it is too small.

    The searches of this package and of scikit-learn accept the rule as `refit`. In this package it works in
    races and with `skhpt.HyperbandSearchCV` too, where it compares only candidates with the budget of the best one,
    and searches have a ``best_score_``.

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
    return _OneStandardError(by, metric)


def within_percent(percent: float, by: Key | Sequence[Key], metric: str = "score") -> Rule:
    """Return a rule that selects the simplest candidate within a percentage of the best score.

    Parameters
    ----------
    percent : float
        Largest accepted loss of score, in percent of the absolute value of the best score.

    by : str, callable or list of these
        What makes a candidate simple, as for `one_standard_error`.

    metric : str, default='score'
        Name of the metric, if there are several.

    Returns
    -------
    rule : Rule
        A callable for ``refit=``, with the attributes `percent`, `by` and `metric`.

    Raises
    ------
    ValueError
        If `percent` is not a number, or negative or infinite.
    TypeError
        If `by` or `metric` is of another type.

    See Also
    --------
    one_standard_error : The same with the standard error of the best score.

    Examples
    --------
    >>> from skhpt.select import within_percent
    >>> within_percent(1, by=["n_estimators", "-min_samples_leaf"])
    within_percent(percent=1, by=['n_estimators', '-min_samples_leaf'], metric='score')
    """
    return _WithinPercent(percent, by, metric)


@dataclass(frozen=True, repr=False)
class _OneStandardError(Rule):
    by: Key | Sequence[Key]
    metric: str

    def __repr__(self) -> str:
        return f"one_standard_error(by={self.by!r}, metric={self.metric!r})"

    def lowest_score(self, best: float, scores: np.ndarray) -> float:
        n = len(scores)
        return best - (float(np.std(scores, ddof=1)) / math.sqrt(n) if n > 1 else 0.0)


@dataclass(frozen=True, repr=False)
class _WithinPercent(Rule):
    percent: float
    by: Key | Sequence[Key]
    metric: str

    def __post_init__(self) -> None:
        if (
            not isinstance(self.percent, Real)
            or isinstance(self.percent, bool)
            or not 0 <= self.percent < math.inf
        ):
            raise ValueError(f"percent must be a number, 0 or larger, got {self.percent!r}")
        super().__post_init__()

    def __repr__(self) -> str:
        return f"within_percent(percent={self.percent!r}, by={self.by!r}, metric={self.metric!r})"

    def lowest_score(self, best: float, scores: np.ndarray) -> float:
        return best - self.percent / 100 * abs(best)


def _are_keys(by: Any) -> bool:
    keys = by if isinstance(by, (list, tuple)) else [by]
    return len(keys) > 0 and all(callable(key) or (isinstance(key, str) and key.strip("-")) for key in keys)


def _column(key: Key, cv_results: CVResults) -> list[Any]:
    """Return a value to sort by for each candidate, the smallest for the simplest."""
    if callable(key):
        return [key(params) for params in cv_results["params"]]
    name = key.removeprefix("-")
    if any(name in params for params in cv_results["params"]):
        values = [params.get(name) for params in cv_results["params"]]
    elif name in cv_results:
        values = np.ma.asarray(cv_results[name]).tolist()  # None where it is masked
    else:
        names = list(dict.fromkeys(name for params in cv_results["params"] for name in params))
        raise ValueError(
            f"by={key!r} is neither a parameter of the candidates, {names}, nor a column of cv_results_"
        )
    return [_sort_key(value, key) for value in values]


def _sort_key(value: Any, key: str) -> tuple[bool, float]:
    """Return a key that sorts numbers, from the largest if `key` has a minus sign; None and NaN come last."""
    if value is None or value != value:
        return True, 0.0
    if not isinstance(value, (Real, np.bool_)):
        raise TypeError(
            f"by={key!r} has values that are no numbers, such as {value!r}: give a function of the parameters that "
            "returns something to sort by"
        )
    return False, (-1 if key.startswith("-") else 1) * float(value)
