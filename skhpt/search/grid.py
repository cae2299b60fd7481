"""GridSearch: every point of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
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
from skhpt.search._shared_docs import add_shared_docs
from skhpt.search.fixed_list import FixedListSearch
from skhpt.session.inputs import Inputs
from skhpt.space.space import Space
from skhpt.spaces import AUTO

#: Largest number of points of the grid of a space that the user has not written.
MAX_AUTO_GRID = 1000


@add_shared_docs
class GridSearch(FixedListSearch):
    """Exhaustive search over a grid of parameters, by cross-validation.

    A drop-in replacement for `sklearn.model_selection.GridSearchCV`, with the same arguments, attributes and
    scores. It also accepts SciPy distributions, of which it evaluates evenly spaced quantiles, and a
    constraint.

    Parameters
    ----------
    param_grid : dict, list of dict or 'auto'
        Parameter names and their lists of values or distributions (of `scipy.stats` or
        `skhpt.distributions`). A list of dicts is a list of grids, which are evaluated one after another.
        'auto' is the space of `skhpt.spaces.default_space` for the estimator and the data, if its grid has no
        more than 1,000 points.

    resolution : int or dict of str to int, default=5
        Number of values of each distribution, or of the distributions of the parameters named (5 for the
        others). The values are evenly spaced quantiles, including the finite ends of the distribution. A
        discrete distribution with fewer values has all of them in the grid.

    See Also
    --------
    RandomSearch : Random or evenly spread points.
    ManualSearch : Given points, and further points one by one.

    Notes
    -----
    The best candidate has the highest mean score over the folds, unless `refit` is a rule or a callable. The
    first one of equal candidates is chosen.

    NumPy scalars among the values are passed to the estimator as Python's int, float, bool and str.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearch
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"kernel": ["linear", "rbf"], "C": loguniform(0.01, 100)}
    >>> search = GridSearch(SVC(), grid, resolution=3).fit(X, y)
    >>> search.best_params_["kernel"], round(search.best_params_["C"], 3)
    ('linear', 1.0)
    """

    _parameter_constraints: dict = {
        **FixedListSearch._parameter_constraints,
        "param_grid": [dict, list, StrOptions({AUTO})],
        "resolution": [Interval(Integral, 1, None, closed="left"), dict],
    }

    def __init__(
        self,
        estimator: Estimator,
        param_grid: SpaceDefinition | Literal["auto"],
        *,
        resolution: int | dict[str, int] = 5,
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
        self.param_grid = param_grid
        self.resolution = resolution

    def _parse_space(self) -> Space:
        assert not isinstance(self.param_grid, str)
        return Space(self.param_grid, self.constraint)

    def _default_space(self, inputs: Inputs, n_train: int | None) -> SpaceDefinition:
        definition = super()._default_space(inputs, n_train)
        space = Space(definition)
        n_points = len(space.full_grid(self.resolution))
        if n_points > MAX_AUTO_GRID:
            raise ValueError(
                f"param_grid='auto' stands for a grid of {n_points:,} points with resolution={self.resolution!r}, more "
                f"than {MAX_AUTO_GRID:,} (resolution=2: {len(space.full_grid(2)):,} points). Set a lower resolution, "
                "leave out parameters of skhpt.spaces.default_space(estimator, X, y), or use RandomSearch, "
                "BayesSearchCV or HyperbandSearchCV with 'auto'."
            )
        return definition

    def _points(self, space: Space, history: History, random_state: RandomState) -> list[Params]:
        return space.grid(self.resolution)
