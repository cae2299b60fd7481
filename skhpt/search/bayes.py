"""BayesSearchCV: a surrogate model of the scores says what to try next."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skhpt._compat import Interval, StrOptions
from skhpt._typing import Params
from skhpt._warnings import warn_user
from skhpt.gp.acquisition import ACQUISITIONS
from skhpt.identity import params_key
from skhpt.parallel.pool import n_workers
from skhpt.search.base import BaseSearch
from skhpt.session.session import Session
from skhpt.space.skopt import translate
from skhpt.space.space import Space
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.initial_design import default_points, n_initial_points
from skhpt.strategies.surrogate import Surrogate, mean_scores


class BayesSearchCV(BaseSearch):
    """Bayesian optimisation of hyperparameters, by cross-validation.

    A Gaussian process learns from the candidates that were evaluated how the score depends on the parameters. The next
    candidate is the one that promises the largest improvement. The same `random_state` gives the same candidates for
    any number of workers.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune; it needs ``fit``, and ``score`` if `scoring` is None. Its own parameters are the first
        candidate, as far as they lie in the space (unless it has no more points than `n_initial`).

    param_distributions : dict or list of dict
        Maps parameter names to distributions (of `scipy.stats`, of `skhpt.distributions`, or any object with ``ppf``
        or ``icdf``, and ``cdf``) or to lists. Of a list of dicts, each candidate uses one. A list of numbers in order
        is a scale, any other list a set of names.

    n_iter : int, default=50
        Number of candidates.

    n_initial : int or 'auto', default='auto'
        How many of them come before the model has a say. Up to half are likely to be good: the estimator as it is, with
        the middle of a distribution or list in place of what lies outside, and the middle of each branch. The others
        are spread evenly (scrambled Sobol points). 'auto' follows the number of parameters. What `previous` knows
        counts towards it.

    max_pending : int, default=1
        How many candidates may be in evaluation at the same time. Candidate k is proposed from the results of the
        candidates up to k - `max_pending`; of the rest it is taken that they score what is expected of them.

    acquisition : {"log_ei", "ucb"}, default="log_ei"
        What the next candidate has most of: expected improvement (in logarithms) over the best so far, or an upper
        confidence bound of its score, 1.96 standard deviations above what is expected, which explores more. Every sixth
        candidate explores anyway, unless `cost_aware` is True: it has the highest bound three standard deviations up.

    cost_aware : bool, default=False
        Whether to weigh improvement against the time that a candidate is expected to take, at first in full, at the end
        no more; for `acquisition="log_ei"` only. The candidates then depend on how fast the machine is.

    racing : bool, default=False
        Whether a candidate is spared its remaining folds when its mean over the first ones is lower than every fold of
        some other candidate (or when it failed on one). Their scores are NaN, its mean too, and it ranks after those
        that were evaluated on all folds; a callable `refit` must expect that. With several metrics, that of `refit`
        counts, else the first. The outcome is the same for any number of workers (except that ``error_score='raise'``
        may meet a failure in a fold that would not have counted); the fewer they are, the fewer folds are in vain.

    scoring : str, callable, list, tuple or dict, default=None
        How a fold is scored: one metric, or several (then `refit` must name the one that decides). None means the
        estimator's own ``score``. As in scikit-learn.

    n_jobs : int, default=None
        Number of folds that are evaluated at the same time; -1 means all processors, None means 1 unless
        `joblib.parallel_config` says otherwise. The result does not depend on it.

    refit : bool, str or callable, default=True
        Whether to refit the best candidate on all data, and, with several metrics, by which of them it is chosen.
        A callable takes ``cv_results_`` and returns the index of the best candidate; `skhpt.select` has some.

    cv : int, cross-validation generator or iterable, default=None
        How the data is split; None means 5 folds, stratified for a classifier. The folds are drawn once, so all
        candidates are scored on the same ones.

    verbose : int, default=0
        From 1 on it prints the number of fits, from 2 the time of each, from 3 its scores, from 10 its start.

    pre_dispatch : int or str, default='2*n_jobs'
        Number of tasks that are sent to the workers ahead of their completion; None sends all.

    random_state : int, RandomState instance or None, default=None
        Source of the draws; an int gives the same candidates in every call.

    error_score : 'raise' or numeric, default=np.nan
        Score of a candidate that fails on a fold; 'raise' stops at the first failure. The refit always raises.

    return_train_score : bool, default=False
        Whether to score the training part of each fold too.

    return_predictions : bool, default=False
        Whether to keep what each candidate predicts for the test part of each fold, for `out_of_fold_predictions` and
        ``corrected_score_``: with ``predict_proba``, ``decision_function`` or ``predict``, the first that there is. The
        time that this takes is not counted.

    reuse : {"exact", "close"} or False, default="exact"
        Which fits candidates of one round share: those that are the same to the last bit, also those that agree up to
        rounding, or none.

    reuse_memory : float, default=2**30
        Bytes of transformed data that a worker keeps for it, at most; None means no limit.

    journal : str or path-like, default=None
        File to keep what is asked for and what comes back, as it happens. If it exists, the search goes on where that
        one stopped: no finished fold is repeated, and the results are those of a search that was never disturbed. A
        file of another search is refused.

    max_time : float or timedelta, default=None
        Seconds for the search. When they are over, no fold is begun any more; those under way get a tenth of that time
        to finish, and the best candidate so far is refitted.

    target_score : float, default=None
        Mean score with which the search ends.

    patience : int, default=None
        Number of candidates in a row without a better score after which the search ends.

    fit_timeout : float, default=None
        Seconds that the fit of one candidate on one fold may take, with its scoring. After that its process is killed,
        whatever it does, and the fold has the state "timeout" and `error_score`. The workers are processes then, even
        if there is only one.

    max_retries : int, default=2
        Number of workers that may die of a candidate (killed, out of memory, a crash of native code) before it is given
        up, with the state "crashed" and `error_score`. The folds of all others are evaluated again.

    on_interrupt : {"refit", "keep", "raise"}, default="refit"
        What Ctrl-C does: the search ends with what it has and refits the best candidate so far, does not refit, or
        raises `KeyboardInterrupt`. Whichever it is, results are kept. Pressed twice, it is raised at once.

    constraint : callable, default=None
        ``constraint(params) -> bool`` rejects candidates before they are evaluated.

    previous : fitted search, dict or DataFrame, default=None
        What an earlier search found. Its candidates are not evaluated again if they were scored on the same data,
        folds and metrics, and with the same estimator; that can be told of searches of this package.

    warm_start : bool, default=False
        Whether `fit` keeps the candidates of the last fit and evaluates only what is new. Data, folds, metrics and
        estimator must be the same.

    Attributes
    ----------
    cv_results_ : dict of numpy (masked) ndarrays
        The table of results, one row per candidate, with scikit-learn's columns: ``param_*``, ``params``,
        ``split*_test_*``, ``mean_test_*``, ``std_test_*``, ``rank_test_*``, ``mean_fit_time`` and so on; times are in
        seconds. `pandas.DataFrame` takes it as it is.

    history_ : History
        Every candidate and every fold in the order in which they were asked for, with states and error texts.

    stop_reason_ : {"completed", "interrupted", "max_time", "target_score", "patience"}
        Why the search ended.

    reuse_report_ : ReuseReport
        Which fits candidates had in common, and what that saved; printing it gives a table.

    best_estimator_ : estimator
        The best candidate, fitted on all data; only if `refit` is not False.

    best_score_ : float
        Mean score of the best candidate over the folds; not if `refit` is a callable other than those of
        `skhpt.select`.

    corrected_score_ : CorrectedScore
        The score that is to be expected of the best candidate, without the optimism of having been chosen for its
        score, and an interval; only if `return_predictions` is True. It is computed when it is asked for.

    best_params_ : dict
        Parameters of the best candidate.

    best_index_ : int
        Its row in ``cv_results_``.

    scorer_ : function or a dict
        What scored the folds; a dict if there are several metrics.

    n_splits_ : int
        Number of folds.

    refit_time_ : float
        Seconds that the refit took; only if `refit` is not False.

    multimetric_ : bool
        Whether there are several metrics.

    classes_ : ndarray of shape (n_classes,)
        The class labels; only if `refit` is not False and the estimator is a classifier.

    n_features_in_ : int
        Number of features seen during :term:`fit`; only if `refit` is not False and the estimator has it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`; only if `refit` is not False and the estimator has it.

    See Also
    --------
    GridSearch : Every point of a grid.
    RandomSearch : Points drawn at random, or spread evenly.
    ManualSearch : Points given one by one.

    Notes
    -----
    The surrogate is a Gaussian process with a Matern-5/2 covariance on the unit cube, to which each distribution is
    mapped by its cumulative distribution function, with one length scale per parameter, whose prior grows with their
    number [1]_. It models the mean of the winsorised scores and their normal scores (quantiles of the ranks), with a
    prior mean that falls by half of their standard deviation, divided by the square root of the number of parameters,
    from the middle of each range to its ends [2]_. The acquisition is the logarithm of the expected improvement [3]_
    over the best posterior mean, with no uncertainty left where a candidate was evaluated [4]_.

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
        "param_distributions": [dict, list],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "n_initial": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_pending": [Interval(Integral, 1, None, closed="left")],
        "acquisition": [StrOptions(set(ACQUISITIONS))],
        "cost_aware": ["boolean"],
        "racing": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 50,
        n_initial: Any = "auto",
        max_pending: int = 1,
        acquisition: str = "log_ei",
        cost_aware: bool = False,
        racing: bool = False,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        return_predictions: bool = False,
        reuse: Any = "exact",
        reuse_memory: float | None = 2**30,
        journal: Any = None,
        max_time: Any = None,
        target_score: float | None = None,
        patience: int | None = None,
        fit_timeout: float | None = None,
        max_retries: int = 2,
        on_interrupt: str = "refit",
        constraint: Any = None,
        previous: Any = None,
        warm_start: bool = False,
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
            return_predictions=return_predictions,
            reuse=reuse,
            reuse_memory=reuse_memory,
            journal=journal,
            max_time=max_time,
            target_score=target_score,
            patience=patience,
            fit_timeout=fit_timeout,
            max_retries=max_retries,
            on_interrupt=on_interrupt,
            constraint=constraint,
            previous=previous,
            warm_start=warm_start,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.n_initial = n_initial
        self.max_pending = max_pending
        self.acquisition = acquisition
        self.cost_aware = cost_aware
        self.racing = racing
        self.random_state = random_state

    def predict_score(self, params: Params | list[Params]) -> tuple[Any, Any]:
        """Tell what the surrogate expects of candidates, whether or not they were tried.

        Parameters
        ----------
        params : dict or list of dict
            Parameters of one candidate, or of several; they must lie in the space.

        Returns
        -------
        mean, std : float, or ndarray of shape (n_candidates,)
            Expected score over the folds and its standard deviation.

        Raises
        ------
        ValueError
            If a candidate does not lie in the space.
        """
        check_is_fitted(self, "cv_results_")
        target = partial(mean_scores, metric=self._metric)
        surrogate = Surrogate(Encoder(self._parse_space()), self.history_.finished, target, prior=self.history_.prior)
        if isinstance(params, dict):
            mean, std = surrogate.predict_score([params])
            return float(mean[0]), float(std[0])
        return surrogate.predict_score(params)

    def _parse_space(self) -> Space:
        return Space(translate(self.param_distributions), self.constraint)

    def _make_strategy(self, session: Session) -> BayesianOptimization:
        space = session.space
        assert space is not None
        self._check_acquisition()
        if space.size < self.n_iter:
            warn_user(
                f"The total space of parameters {space.size} is smaller than n_iter={self.n_iter}. "
                f"Running {space.size} iterations. For exhaustive searches, use GridSearch."
            )
        self._warn_of_idle_workers(len(session.folds))
        seed = int(check_random_state(session.random_state).randint(2**31 - 1))
        design = self._initial_design(space, seed, session)
        return BayesianOptimization(
            space,
            self.n_iter,
            design,
            metric=self._metric,
            seed=seed,
            max_pending=self.max_pending,
            acquisition=self.acquisition,
            cost_aware=self.cost_aware,
        )

    def _check_acquisition(self) -> None:
        if self.cost_aware and self.acquisition != "log_ei":
            raise ValueError(
                "cost_aware=True weighs the logarithm of the expected improvement, so it needs acquisition='log_ei', "
                f"got acquisition={self.acquisition!r}"
            )

    def _warn_of_idle_workers(self, n_splits: int) -> None:
        n_busy, n_available = self.max_pending * n_splits, n_workers(self.n_jobs)
        if n_available > n_busy:
            warn_user(
                f"{n_available - n_busy} of {n_available} workers will be idle: only max_pending={self.max_pending} "
                f"candidates of {n_splits} folds are evaluated at the same time."
            )

    def _initial_design(self, space: Space, seed: int, session: Session) -> list[Params]:
        """Return the first points: up to half of them default points, the others Sobol points.

        All points of a small space are drawn as `RandomSearch` does.
        """
        history = session.history
        n = n_initial_points(space) if self.n_initial == "auto" else self.n_initial
        if space.size <= n and not history.n_earlier_trials:  # no choice would be left for the surrogate
            n = int(min(self.n_iter, space.size))
            return space.sample(n, session.random_state, unique=not space.is_all_lists())
        earlier = [trial.candidate.params for trial in history[: history.n_earlier_trials]]
        earlier_keys = set(map(params_key, earlier))
        own = self.estimator.get_params(deep=True)
        defaults = default_points(own, space)[: max(1, n // 2)]
        defaults = [point for point in defaults if params_key(point) not in earlier_keys]
        n -= len(earlier) + len(history.prior)
        if n < 1:  # enough trials, but the estimator as it is should be among them
            first = defaults[:1]
            defaults = [p for p in first if params_key(p) == params_key({name: own.get(name) for name in p})]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a constraint may leave fewer points, which does not matter here
            n_sobol = max(0, n - len(defaults))
            sobol = space.sample(n_sobol, seed, method="sobol", unique=True, exclude=[*earlier, *defaults])
        return defaults + sobol
