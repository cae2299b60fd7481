"""Conventions of scikit-learn that all searches follow: constructor, parameter constraints, tags, cloning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from datetime import timedelta
from numbers import Integral, Real
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import get_tags

from skhpt._compat import FIT_CALLBACKS, Interval, Options, StrOptions
from skhpt._typing import Constraint, CrossValidator, ErrorScore, Estimator, Refit, Scoring
from skhpt.callbacks.base import SearchCallback
from skhpt.parallel.fit_resources import check_fit_resources
from skhpt.session.validation import did_you_mean, did_you_mean_metric

#: Methods of scikit-learn's searches that a search of this package never calls.
UNUSED_HOOKS = ("_check_input_parameters", "_format_results")


def check_hooks(search_class: type) -> None:
    """Check that a subclass does not override a method that is never called.

    Raises
    ------
    TypeError
        If it does.
    """
    for name in UNUSED_HOOKS:
        if getattr(search_class, name, None) is not getattr(BaseSearchCV, name, None):
            raise TypeError(
                f"{search_class.__name__} overrides {name}, which the searches of skhpt never call. They call "
                "_run_search, _get_scorers and _select_best_index, and fit may be extended."
            )


class SearchEstimator(BaseSearchCV):
    """The parameters that all searches share, by scikit-learn's conventions for estimators."""

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        "constraint": [callable, None],
        "previous": "no_validation",
        "return_predictions": ["boolean"],
        "reuse": [StrOptions({"exact", "close"}), Options(bool, {False})],
        "reuse_memory": [Interval(Real, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "journal": [str, PathLike, None],
        "max_time": [Interval(Real, 0, None, closed="neither"), timedelta, None],
        "target_score": [Real, None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "fit_timeout": [Interval(Real, 0, None, closed="neither"), None],
        "fit_resources": [dict, None],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "on_interrupt": [StrOptions({"refit", "keep", "raise"})],
    }

    #: Callbacks of this package.
    _search_callbacks: Sequence[SearchCallback] = ()

    def __init__(
        self,
        estimator: Estimator,
        *,
        constraint: Constraint | None = None,
        scoring: Scoring = None,
        cv: CrossValidator = None,
        refit: Refit = True,
        error_score: ErrorScore = np.nan,
        return_train_score: bool = False,
        return_predictions: bool = False,
        n_jobs: int | None = None,
        pre_dispatch: int | str | None = "2*n_jobs",
        verbose: int = 0,
        max_time: float | timedelta | None = None,
        target_score: float | None = None,
        patience: int | None = None,
        journal: str | PathLike[str] | None = None,
        previous: Any = None,
        warm_start: bool = False,
        fit_timeout: float | None = None,
        fit_resources: Mapping[str, float] | None = None,
        max_retries: int = 2,
        on_interrupt: Literal["refit", "keep", "raise"] = "refit",
        reuse: Literal["exact", "close", False] = "exact",
        reuse_memory: float | None = 2**30,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.constraint = constraint
        self.return_predictions = return_predictions
        self.max_time = max_time
        self.target_score = target_score
        self.patience = patience
        self.journal = journal
        self.previous = previous
        self.warm_start = warm_start
        self.fit_timeout = fit_timeout
        self.fit_resources = fit_resources
        self.max_retries = max_retries
        self.on_interrupt = on_interrupt
        self.reuse = reuse
        self.reuse_memory = reuse_memory

    def _validate_params(self) -> None:
        """Check the types and values of the parameters; suggest the options that a misspelt one resembles."""
        try:
            super()._validate_params()
        except ValueError as error:
            raise type(error)(self._with_suggestion(str(error))) from None
        check_fit_resources(self.fit_resources)

    def _with_suggestion(self, message: str) -> str:
        """Add the closest options to scikit-learn's message about a parameter."""
        match = re.match(r"The '(\w+)' parameter of ", message)
        if not match:
            return message
        name = match[1]
        value = getattr(self, name, None)
        if name == "scoring":  # its options are dozens
            message = re.sub(r"\{.*?\}", "those of sklearn.metrics.get_scorer_names()", message, count=1)
            return message + (did_you_mean_metric(value) if isinstance(value, str) else "")
        options: set[str] = set()
        for constraint in self._parameter_constraints[name]:
            options |= constraint.options if isinstance(constraint, StrOptions) else set()
        return message + (did_you_mean(value, options) if isinstance(value, str) else "")

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set the callbacks of the search, in place of earlier ones; without arguments there are none.

        Parameters
        ----------
        *callbacks : SearchCallback or callback of scikit-learn
            Callbacks of `skhpt.callbacks`, and from scikit-learn 1.9 on also callbacks of `sklearn.callback`.

        Returns
        -------
        self : object
            The search.

        Raises
        ------
        TypeError
            If one of them is not a callback.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> from skhpt.callbacks import SearchProgress
        >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 50]})
        >>> search = search.set_callbacks(SearchProgress())  # fit shows a progress bar
        """
        own = [callback for callback in callbacks if isinstance(callback, SearchCallback)]
        others = [callback for callback in callbacks if not isinstance(callback, SearchCallback)]
        for callback in others:
            _check_callback(callback)
        if FIT_CALLBACKS:
            super().set_callbacks(*others)
        self._search_callbacks = own
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # scikit-learn's own searches leave these out, and fail its checks around a transformer or a Ridge.
        tags.transformer_tags = deepcopy(get_tags(self.estimator).transformer_tags)
        tags.target_tags = deepcopy(get_tags(self.estimator).target_tags)
        return tags

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of this search.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of the estimator and its parts too (but not those of `previous`).

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        return {
            name: value
            for name, value in super().get_params(deep).items()
            if not name.startswith("previous__")
        }

    def __sklearn_clone__(self) -> Self:
        # An earlier search is data: a clone of it would have no trials.
        without = copy(self)
        without.previous = None
        new: Self = super(SearchEstimator, without).__sklearn_clone__()
        new.previous = self.previous
        new._search_callbacks = self._search_callbacks
        return new


def _check_callback(callback: Any) -> None:
    """Raise TypeError if an object that is no `SearchCallback` is no callback of scikit-learn either."""
    if isinstance(callback, type):
        raise TypeError(f"callbacks must be instances, got the class {callback.__name__}: add ()")
    if isinstance(callback, (list, tuple)):
        raise TypeError(
            f"callbacks must be separate arguments, such as set_callbacks(a, b), got {callback!r}"
        )
    if not isinstance(callback, FIT_CALLBACKS):
        raise TypeError(
            f"callbacks must be instances of skhpt.callbacks.SearchCallback, got {callback!r}; callbacks of "
            "scikit-learn need scikit-learn 1.9 or newer"
        )
