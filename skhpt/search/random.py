"""RandomSearch: points drawn from the space."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from numbers import Integral
from os import PathLike
from typing import Any, Literal

import numpy as np

from skhpt._compat import Interval, StrOptions
from skhpt._typing import (
    Constraint,
    CrossValidator,
    ErrorScore,
    Estimator,
    Params,
    RandomState,
    Refit,
    Scoring,
    SpaceDefinition,
)
from skhpt.history import History
from skhpt.journal import Header
from skhpt.search._shared_docs import add_shared_docs
from skhpt.search.fixed_list import FixedListSearch
from skhpt.session.resume import draw_points
from skhpt.session.session import DrawnPoints, Session
from skhpt.space.space import Space
from skhpt.spaces import AUTO
from skhpt.strategies.fixed_list import untried


@add_shared_docs
class RandomSearch(FixedListSearch):
    """Random search over distributions of parameters, by cross-validation.

    A drop-in replacement for `sklearn.model_selection.RandomizedSearchCV`, with the same arguments,
    attributes, scores and, for the same `random_state`, the same candidates. It can also spread its points
    evenly, draw no point twice, and apply a constraint.

    Parameters
    ----------
    n_iter : int, default=10
        Number of candidates.

    sampler : {'random', 'sobol', 'halton'}, default='random'
        Method of sampling. 'random' draws the points of `sklearn.model_selection.ParameterSampler`. 'sobol'
        and 'halton' are scrambled low-discrepancy sequences (`scipy.stats.qmc`), which fill the space more
        evenly.

    unique : bool, default=False
        Whether no point is drawn twice. The search ends with a warning when a finite space is exhausted.

    See Also
    --------
    GridSearch : Every point of a grid.
    ManualSearch : Given points, and further points one by one.

    Notes
    -----
    If all parameters are given as lists, they are sampled without replacement, as in scikit-learn.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import RandomSearch
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(0.01, 100), "gamma": loguniform(0.001, 1)}
    >>> search = RandomSearch(SVC(), space, n_iter=20, sampler="sobol", random_state=0).fit(X, y)
    >>> print(f"{search.best_score_:.3f}")
    0.987
    """

    _parameter_constraints: dict = {
        **FixedListSearch._parameter_constraints,
        "param_distributions": [dict, list, StrOptions({AUTO})],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "sampler": [StrOptions({"random", "sobol", "halton"})],
        "unique": ["boolean"],
        "racing": ["boolean"],
    }

    def __init__(
        self,
        estimator: Estimator,
        param_distributions: SpaceDefinition | Literal["auto"],
        *,
        n_iter: int = 10,
        random_state: RandomState = None,
        sampler: Literal["random", "sobol", "halton"] = "random",
        unique: bool = False,
        constraint: Constraint | None = None,
        scoring: Scoring = None,
        cv: CrossValidator = None,
        refit: Refit = True,
        racing: bool = False,
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
            constraint=constraint,
            scoring=scoring,
            cv=cv,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            return_predictions=return_predictions,
            n_jobs=n_jobs,
            pre_dispatch=pre_dispatch,
            verbose=verbose,
            max_time=max_time,
            target_score=target_score,
            patience=patience,
            journal=journal,
            previous=previous,
            warm_start=warm_start,
            fit_timeout=fit_timeout,
            fit_resources=fit_resources,
            max_retries=max_retries,
            on_interrupt=on_interrupt,
            reuse=reuse,
            reuse_memory=reuse_memory,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        self.sampler = sampler
        self.unique = unique
        self.racing = racing

    def _parse_space(self) -> Space:
        assert not isinstance(self.param_distributions, str)
        return Space(self.param_distributions, self.constraint)

    def _draw_points(self, space: Space | None, stored: Header | None) -> DrawnPoints | None:
        assert space is not None
        if self.unique:  # the points depend on the history, and the history on the folds
            return None
        draw = partial(self._points, space, History())
        return draw_points(draw, self.random_state, stored.metadata if stored else None)

    def _n_lacking(self, session: Session) -> int:
        return self._n_missing(session.history)

    def _points(self, space: Space, history: History, random_state: RandomState) -> list[Params]:
        return space.sample(
            # All are drawn, so that a warm start evaluates the candidates of one longer search.
            self._n_missing(history) if self.unique else self.n_iter,
            random_state,
            method=self.sampler,
            unique=self.unique,
            exclude=[trial.candidate.params for trial in history],
        )

    def _untried(self, points: list[Params], history: History) -> list[Params]:
        return untried(points, history)[: self._n_missing(history)]

    def _n_missing(self, history: History) -> int:
        return max(0, self.n_iter - len(history.own))
