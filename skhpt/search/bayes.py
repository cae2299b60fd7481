"""BayesSearchCV: Bayesian optimisation with a surrogate model of the scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from numbers import Integral
from os import PathLike
from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

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
    Table,
)
from skhpt._warnings import warn_user
from skhpt.engine.loop import COMPLETED, CONSTRAINT
from skhpt.gp.acquisition import ACQUISITIONS
from skhpt.identity import params_key
from skhpt.journal import Header
from skhpt.parallel.engines import n_jobs_of
from skhpt.parallel.fit_resources import check_fit_resources
from skhpt.parallel.pool import n_workers
from skhpt.search._shared_docs import add_shared_docs
from skhpt.search.base import BaseSearch
from skhpt.search.initial_points import PORTFOLIO, initial_points
from skhpt.session.candidates import candidates_from
from skhpt.session.resume import stored_count
from skhpt.session.session import Session
from skhpt.space.drawing import check_some, draw, why_fewer
from skhpt.space.sampling import Selection
from skhpt.space.space import Space
from skhpt.spaces import AUTO
from skhpt.strategies.base import Strategy
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.initial_design import default_points, n_initial_points
from skhpt.strategies.surrogate import Surrogate, mean_scores

#: Folds of pending candidates for each worker: one that is evaluated, and one that waits for a worker. With fewer,
#: workers are idle while a slow candidate is evaluated, because trials finish in the order of their ids.
FOLDS_PER_WORKER = 2
#: Maximum number of pending candidates as a share of all candidates: the others are proposed from results.
MAX_SHARE_PENDING = 1 / 4


def auto_max_pending(n_workers: int, n_splits: int, n_iter: int) -> int:
    """Return the smallest number of pending candidates with two folds for each worker, a quarter of all at most."""
    if n_workers == 1:
        return 1
    n_busy = math.ceil(FOLDS_PER_WORKER * n_workers / n_splits)
    return min(n_busy, math.ceil(MAX_SHARE_PENDING * n_iter))


def _warn_of_idle_workers(n_available: int, max_pending: int, n_splits: int) -> None:
    n_busy = max_pending * n_splits
    if n_available > n_busy:
        warn_user(
            f"{n_available - n_busy} of {n_available} workers will be idle: only max_pending={max_pending} "
            f"candidates of {n_splits} folds are evaluated at the same time. The default, max_pending='auto', "
            "uses all workers."
        )


@add_shared_docs
class BayesSearchCV(BaseSearch):
    """Bayesian optimisation of hyperparameters, by cross-validation.

    A Gaussian process models the score as a function of the parameters. The next candidate maximises an
    acquisition function of this model. The same `random_state` and the same `max_pending` give the same
    candidates for any number of workers.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune. It needs ``fit``, and ``score`` if `scoring` is None. Its own parameters are
        the first candidate, as far as they lie in the space, unless the space has no more than `n_initial`
        points.

    param_distributions : dict, list of dict or 'auto'
        Parameter names and their distributions (of `scipy.stats`, of `skhpt.distributions`, or any object
        with ``ppf`` or ``icdf``, and ``cdf``) or lists of choices. Each candidate uses one dict of a list of
        dicts. A sorted list of numbers is an ordered scale; the choices of any other list have no order.
        'auto' is the space of `skhpt.spaces.default_space` for the estimator and the data.

    n_iter : int, default=50
        Number of candidates.

    n_initial : int or 'auto', default='auto'
        Number of candidates of the initial design, which are chosen without the model: the estimator's own
        parameters, with the middle of a distribution or list in place of a value that lies outside,
        `initial_points`, the middle of each branch of the space if less than half of the design is chosen, and
        scrambled Sobol points. 'auto' depends on the number of parameters. Candidates of `previous` count towards it.

    initial_points : 'portfolio', list of dict or None, default='portfolio'
        Points of the initial design, which follow the estimator's own parameters. 'portfolio' are points of
        `skhpt.spaces.portfolio`: configurations of the estimator that are good together on many data sets, as
        far as they fit the space, for data of up to 2,400 rows. A list of dicts are other points; parameters
        that a dict lacks have the estimator's own value, or that of the middle. All points of a list are
        evaluated, if `n_iter` allows.

    max_pending : int or 'auto', default='auto'
        Maximum number of candidates in evaluation at the same time. Candidate k is proposed from the results
        of the candidates up to k - `max_pending`. The scores of pending candidates are imputed with their
        posterior mean (kriging believer). 'auto' is the smallest number that gives two folds to each worker
        (one that is evaluated, and one that waits), but at most a quarter of `n_iter`, so that most candidates
        are proposed from results, and 1 with a single worker. The workers are counted once,
        at the start of `fit`: those that `n_jobs` and `fit_resources` allow, on Dask and Ray those of the
        cluster, or `n_jobs` if the cluster has none yet. A search that is resumed from its journal keeps the
        number of the journal.

    acquisition : {"log_ei", "ucb"}, default="log_ei"
        Acquisition function that the next candidate maximises: the logarithm of the expected improvement over
        the best score so far, or an upper confidence bound of the score, 1.96 standard deviations above the
        posterior mean, which explores more. Unless `cost_aware` is True, every sixth candidate maximises an
        upper confidence bound with three standard deviations.

    cost_aware : bool, default=False
        Whether to divide the expected improvement by the expected evaluation time of a candidate. The weight
        of the time decreases from 1 to 0 during the search. Only for ``acquisition="log_ei"``. The candidates
        then depend on the speed of the machine.

    n_jobs : int, default=None
        Number of folds that are evaluated in parallel. None means the number of `joblib.parallel_config`, or
        else 1, and on Dask and Ray as many as the cluster can run; -1 means all processors, or all of the
        cluster. The result depends on it only through ``max_pending='auto'``.

    Attributes
    ----------
    max_pending_ : int
        The number of pending candidates that `max_pending` stands for.

    See Also
    --------
    GridSearch : Every point of a grid.
    RandomSearch : Random or evenly spread points.
    ManualSearch : Given points, and further points one by one.

    Notes
    -----
    The surrogate is a Gaussian process with a Matern-5/2 covariance on the unit cube, to which each
    distribution is mapped by its cumulative distribution function. It has one length scale per parameter,
    whose prior grows with the number of parameters [1]_. It models the mean of the winsorised scores and
    their normal scores (quantiles of the ranks). Its prior mean falls from the middle of each range to its
    ends [2]_, by half of their standard deviation, divided by the square root of the number of parameters, or
    by less where the scores rise towards the ends. The acquisition function is the logarithm of the expected
    improvement [3]_ over the best posterior mean, with zero variance at evaluated points [4]_.

    References
    ----------
    .. [1] Hvarfner, Hellsten and Nardi (2024), "Vanilla Bayesian Optimization Performs Great in High Dimensions",
       arXiv:2402.02229.
    .. [2] Snoek et al. (2015), "Scalable Bayesian Optimization Using Deep Neural Networks", arXiv:1502.05700.
    .. [3] Ament, Daulton, Eriksson, Balandat and Bakshy (2023), "Unexpected Improvements to Expected Improvement for
       Bayesian Optimization", arXiv:2310.20708.
    .. [4] Forrester, Keane and Bressloff (2006), "Design and Analysis of 'Noisy' Computer Experiments", AIAA Journal
       44 (10), doi:10.2514/1.20068.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import BayesSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(0.01, 100), "gamma": loguniform(0.001, 1)}
    >>> search = BayesSearchCV(SVC(), space, n_iter=12, random_state=0).fit(X, y)
    >>> print(f"{search.best_score_:.3f}")
    0.987
    """

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "param_distributions": [dict, list, StrOptions({AUTO})],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "n_initial": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "initial_points": [StrOptions({PORTFOLIO}), list, None],
        "max_pending": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "acquisition": [StrOptions(set(ACQUISITIONS))],
        "cost_aware": ["boolean"],
        "racing": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Estimator,
        param_distributions: SpaceDefinition | Literal["auto"],
        *,
        n_iter: int = 50,
        random_state: RandomState = None,
        n_initial: int | Literal["auto"] = "auto",
        initial_points: Sequence[Params] | Literal["portfolio"] | None = "portfolio",
        max_pending: int | Literal["auto"] = "auto",
        acquisition: Literal["log_ei", "ucb"] = "log_ei",
        cost_aware: bool = False,
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
        self.n_initial = n_initial
        self.initial_points = initial_points
        self.max_pending = max_pending
        self.acquisition = acquisition
        self.cost_aware = cost_aware
        self.racing = racing

    @overload
    def predict_score(self, params: Params) -> tuple[float, float]: ...
    @overload
    def predict_score(self, params: Sequence[Params] | Table) -> tuple[np.ndarray, np.ndarray]: ...
    def predict_score(
        self, params: Params | Sequence[Params] | Table
    ) -> tuple[float, float] | tuple[np.ndarray, np.ndarray]:
        """Predict the scores of candidates, which may or may not have been evaluated.

        The prediction is that of the last fit, also if parameters of the search were changed after it. It is
        the score of a candidate that works: the model does not predict failures.

        Parameters
        ----------
        params : dict, list of dict, or DataFrame
            Parameters of one candidate, or of several candidates, in the space of the last fit. A frame has one
            candidate per row and one parameter per column; in a space with branches, missing values stand for
            parameters of other branches.

        Returns
        -------
        mean, std : float, or ndarray of shape (n_candidates,)
            Predicted mean score over the folds (the median of its distribution, which is skewed), and standard
            deviation of the score around it, if the candidate is evaluated on the folds of the search. About
            95 % of new scores lie within two standard deviations.

        Raises
        ------
        ValueError
            If a candidate does not lie in the space, or if no candidate has a score.
        TypeError
            If `params` is neither a dict, nor dicts, nor a table.

        See Also
        --------
        skhpt.plots.SearchSliceDisplay : The predictions along each parameter.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import BayesSearchCV
        >>> X, y = load_iris(return_X_y=True)
        >>> search = BayesSearchCV(KNeighborsClassifier(), {"n_neighbors": range(1, 100)}, n_iter=8, random_state=0)
        >>> mean, std = search.fit(X, y).predict_score([{"n_neighbors": 7}, {"n_neighbors": 99}])
        >>> mean.shape, bool(mean[0] > mean[1])
        ((2,), True)
        """
        check_is_fitted(self, "cv_results_")
        definition = self._fitted.param_distributions
        assert definition is not None
        space = Space(definition)
        points, is_single = candidates_from(params, space)
        target = partial(mean_scores, metric=self._fitted.metric)
        surrogate = Surrogate(Encoder(space), self._tabulated, target, prior=self.history_.prior)
        mean, std = surrogate.predict_score(points)
        return (float(mean[0]), float(std[0])) if is_single else (mean, std)

    def _parse_space(self) -> Space:
        assert not isinstance(self.param_distributions, str)
        return Space(self.param_distributions, self.constraint)

    def _n_lacking(self, session: Session) -> int:
        return self.n_iter - len(session.history.own)

    def _run(self, strategy: Strategy, session: Session) -> None:
        super()._run(strategy, session)
        space, n_found = session.search_space, len(session.history.own)
        is_complete = self.stop_reason_ in (COMPLETED, CONSTRAINT)
        if is_complete and n_found < self.n_iter <= space.size:  # `_make_strategy` warns of smaller spaces
            found = Selection.of(trial.candidate.params for trial in session.history.own)
            warn_user(why_fewer(space, self.n_iter, found, "n_iter"))

    def _make_strategy(self, session: Session) -> BayesianOptimization:
        space = session.search_space
        self._check_acquisition()
        if space.size < self.n_iter:
            warn_user(
                f"The total space of parameters {space.size} is smaller than n_iter={self.n_iter}. "
                f"Running {space.size} iterations. For exhaustive searches, use GridSearch."
            )
        seed = int(check_random_state(session.random_state).randint(2**31 - 1))
        design = self._initial_design(space, seed, session)
        return BayesianOptimization(
            space,
            self.n_iter,
            design,
            metric=self._metric,
            seed=seed,
            max_pending=session.resolved_params["max_pending"],
            acquisition=self.acquisition,
            cost_aware=self.cost_aware,
        )

    def _check_acquisition(self) -> None:
        if self.cost_aware and self.acquisition != "log_ei":
            raise ValueError(
                "cost_aware=True weighs the logarithm of the expected improvement, so it needs acquisition='log_ei', "
                f"got acquisition={self.acquisition!r}"
            )

    def _resolve_params(self, n_splits: int, stored: Header | None) -> Params:
        n_available = n_workers(self.n_jobs, check_fit_resources(self.fit_resources))
        if self.max_pending != "auto":
            _warn_of_idle_workers(n_available, int(self.max_pending), n_splits)
            return {"max_pending": int(self.max_pending)}
        if stored is not None:
            return {"max_pending": stored_count(stored, self.journal, "max_pending", default=1)}
        if n_available == 0:  # the workers of a cluster are still to come
            n_available = max(1, n_jobs_of(self.n_jobs) or 1)
        return {"max_pending": auto_max_pending(n_available, n_splits, self.n_iter)}

    def _take_over(self, session: Session) -> None:
        super()._take_over(session)
        self.max_pending_ = session.resolved_params["max_pending"]

    def _initial_design(self, space: Space, seed: int, session: Session) -> list[Params]:
        """Return the first points: the estimator as it is, `initial_points`, middles of branches, Sobol points.

        All points of a small space are drawn as `RandomSearch` does.
        """
        history = session.history
        n = n_initial_points(space) if self.n_initial == "auto" else self.n_initial
        earlier = [trial.candidate.params for trial in history.earlier]
        known = [*earlier, *(trial.candidate.params for trial in history.prior)]
        n_known = sum(u is not None for u in space.locate(known))
        chosen = initial_points(self.initial_points, space, session.inputs, n_initial=n - n_known)
        if space.size <= n and not earlier:  # no choice would be left for the surrogate
            n = int(min(self.n_iter, space.size))
            return space.sample(n, session.random_state, unique=not space.is_all_lists())
        earlier_keys, chosen_keys = set(map(params_key, earlier)), set(map(params_key, chosen))
        own = self.estimator.get_params(deep=True)
        defaults = default_points(own, space, chosen)[: max(1, n // 2, 1 + len(chosen))]
        defaults = [point for point in defaults if params_key(point) not in earlier_keys]
        n -= n_known
        if n < 1:  # enough trials, but the estimator as it is, and points of the user, should be among them
            defaults = [p for p in defaults if params_key(p) in chosen_keys or _is_part(p, own)]
        n_sobol = max(0, n - len(defaults))
        known = [*earlier, *defaults]
        drawn = draw(space, n_sobol, np.random.RandomState(seed), method="sobol", unique=True, exclude=known)
        if not known:
            check_some(space, drawn)
        return defaults + drawn.points


def _is_part(point: Params, own: Params) -> bool:
    """Tell whether a point has the values of an estimator."""
    return params_key(point) == params_key({name: own.get(name) for name in point})
