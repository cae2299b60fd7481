"""What all searches share: from ``fit`` to ``cv_results_``, around a strategy that each search brings."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from contextlib import nullcontext
from copy import copy, deepcopy
from datetime import timedelta
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV, _search_estimator_has
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from skhpt import journal
from skhpt._compat import IS_TESTED, Interval, Options, StrOptions, fit_context
from skhpt.engine import loop as engine
from skhpt.engine.evaluator import PoolEvaluator
from skhpt.engine.interrupts import Interrupts
from skhpt.engine.retries import RetryPolicy
from skhpt.engine.stopping import Limits
from skhpt.fitting.resources import FoldResource, FullTraining
from skhpt.fitting.slicing import data_can_be_shared
from skhpt.parallel.pool import Pool
from skhpt.results.cv_results import cv_results, metric_names
from skhpt.reuse.planner import ReusePlanner
from skhpt.reuse.shared_evaluation import SharingPolicy
from skhpt.search.corrected_score import PredictionsMixin
from skhpt.search.leaderboard import LeaderboardMixin
from skhpt.select import Rule
from skhpt.session.outcome_warnings import mean_score, report_end, report_failures
from skhpt.session.resume import describe_space
from skhpt.session.session import Folds, Session
from skhpt.session.setup import open_session
from skhpt.space.space import Space
from skhpt.strategies.base import Strategy
from skhpt.strategies.racing import Race
from skhpt.trial import Trial


class BaseSearch(LeaderboardMixin, PredictionsMixin, BaseSearchCV):
    """Base of all searches: evaluates what a strategy asks for and refits the best.

    A search brings its constructor and `_make_strategy`; the rest is here.
    """

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
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "on_interrupt": [StrOptions({"refit", "keep", "raise"})],
    }

    #: Whether the strategy learns from trials that were scored on other folds.
    _learns_from_others = False
    #: Whether candidates that begin badly are spared their remaining folds.
    racing = False
    #: The folds of the last fit, if they cannot be drawn again.
    _folds: Folds | None = None

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
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
        )
        self.return_predictions = return_predictions
        self.reuse = reuse
        self.reuse_memory = reuse_memory
        self.journal = journal
        self.max_time = max_time
        self.target_score = target_score
        self.patience = patience
        self.fit_timeout = fit_timeout
        self.max_retries = max_retries
        self.on_interrupt = on_interrupt
        self.constraint = constraint
        self.previous = previous
        self.warm_start = warm_start

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
        return {name: value for name, value in super().get_params(deep).items() if not name.startswith("previous__")}

    def __sklearn_clone__(self) -> BaseSearch:
        # What an earlier search knows is data: a clone of that search would know nothing.
        without = copy(self)
        without.previous = None
        new = super(BaseSearch, without).__sklearn_clone__()
        new.previous = self.previous
        return new

    @abstractmethod
    def _make_strategy(self, session: Session) -> Strategy:
        """Make the strategy that goes on from what a session knows; raise for bad input before anything is fitted."""

    # -- fitting -------------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
    def fit(self, X: Any, y: Any = None, **params: Any) -> BaseSearch:
        """Evaluate the candidates on every fold, and refit the best one on all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training data; for a precomputed kernel or distance matrix its shape is (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Passed to the ``fit`` of the estimator, to the scorer and to the splitter (such as `groups`). A value
            with one row per sample is split along with X.

        Returns
        -------
        self : object
            The fitted search.
        """
        session = open_session(self, X, y, params, keep=self.warm_start)
        with session.journal or nullcontext():
            self._evaluate(session, self._make_strategy(session))
        self._tabulate(session)
        if self._shall_refit():
            self._refit_best(session)
        session.callbacks.end()
        return self

    @available_if(_search_estimator_has("transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit the search, and transform X with the best estimator.

        Only available if ``refit=True`` and the underlying estimator supports ``transform``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            As for `fit`.

        Returns
        -------
        Xt : {ndarray, sparse matrix} of shape (n_samples, n_features)
            `X` transformed by the best estimator.
        """
        return self.fit(X, y, **params).transform(X)

    def _space_for_journal(self) -> tuple[str, journal.Codec]:
        """Describe what may be tried, and say how it is written down."""
        space = self._space()
        assert space is not None
        return describe_space(space), journal.SpaceCodec(space)

    def _space(self) -> Space | None:
        """Return what may be tried; None if that is a list of points."""
        return None

    def _make_training(self, X: Any, y: Any, params: dict[str, Any], folds: Folds) -> FullTraining:
        """Say what the resource of a candidate buys; here there is none."""
        return FullTraining()

    def _evaluate(self, session: Session, strategy: Strategy) -> None:
        """Run the strategy; what was computed stays in `history_`, whatever happens."""
        session.callbacks.begin_search(getattr(strategy, "n_candidates", None), len(session.folds))
        self._begin(session)
        history, n_splits = session.history, len(session.folds)
        error_score = np.nan if self.error_score == "raise" else self.error_score
        race = Race(self._metric, error_score) if self.racing else None
        with Interrupts() as interrupts:
            limits = self._limits(session, interrupts)
            pool = Pool(
                self.n_jobs,
                pre_dispatch=self.pre_dispatch,
                fit_timeout=self.fit_timeout,
                interruptible=interrupts.allowed,
                folders=session.setup.checkpoints.folders,
            )
            reuse = self._reuse(session)
            with self._evaluator(session, pool, reuse) as evaluator:
                self.stop_reason_ = engine.run(
                    strategy, history, evaluator, n_splits=n_splits, journal=session.journal, race=race, stop=limits
                )
            if interrupts.n:  # maybe when everything was done already
                self.stop_reason_ = engine.INTERRUPTED
        if session.journal:
            session.journal.record_event("ended", reason=self.stop_reason_)
        self.reuse_report_ = reuse.report
        if self.verbose > 0 and self.reuse_report_.saves:
            print(self.reuse_report_.summary())
        session.callbacks.end_search()
        report_end(self, session.history, evaluator.retry_policy.n_retries, interrupts.n)

    def _evaluator(self, session: Session, pool: Pool, reuse: ReusePlanner) -> PoolEvaluator:
        return PoolEvaluator(
            pool,
            session.setup,
            X=session.X,
            y=session.y,
            splits=session.folds,
            observe=session.callbacks.observe,
            racing=self.racing,
            reuse=reuse,
            retry_policy=RetryPolicy(self.max_retries, self.fit_timeout),
        )

    def _limits(self, session: Session, interrupts: Interrupts) -> Limits:
        return Limits(
            max_time=self.max_time,
            target_score=self.target_score,
            patience=self.patience,
            mean_score=self._score_that_counts,
            n_earlier_trials=session.history.n_earlier_trials,
            interrupts=interrupts,
        )

    def _score_that_counts(self, trial: Trial) -> float | None:
        """Return the mean score of a trial, NaN if it has none, or None if it says nothing of the progress."""
        return mean_score(trial, self._metric, self.error_score)

    def _shall_refit(self) -> bool:
        """Tell whether the best candidate is to be refitted, after Ctrl-C too."""
        if self.stop_reason_ != "interrupted" or self.on_interrupt == "refit":
            return True
        self.__dict__.pop("best_estimator_", None)  # of an earlier fit
        if self.on_interrupt == "raise":
            raise KeyboardInterrupt
        return False

    def _reuse(self, session: Session) -> ReusePlanner:
        """Say on what terms candidates share fits."""
        doubt = self._doubt_of_sharing(session.X)
        if type(session.setup.training) not in (FullTraining, FoldResource):
            doubt = "they are trained with different resources"
        if session.callbacks.somebody_listens:
            doubt = "callbacks are told of every fit"
        max_nbytes = math.inf if self.reuse_memory is None else self.reuse_memory
        return ReusePlanner(
            None if doubt else SharingPolicy(max_nbytes, self.reuse == "close", verify=not IS_TESTED), doubt
        )

    def _doubt_of_sharing(self, X: Any) -> str:
        """Say why candidates share no fits at all; nothing if they do."""
        if not self.reuse:
            return "reuse=False"
        if self.racing:
            return "racing=True"
        return "" if data_can_be_shared(X) else "X is a sparse matrix other than CSR with sorted indices"

    @property
    def _metric(self) -> str | None:
        """Name of the metric that candidates are compared by: that of the refit; None for the only or first one."""
        refit = self.refit.metric if isinstance(self.refit, Rule) else self.refit
        return refit if isinstance(refit, str) else None

    @property
    def _knows_metric(self) -> bool:
        """Whether the refit says which metric decides; a function of the user's does not."""
        return isinstance(self.refit, Rule) or not callable(self.refit)

    def _begin(self, session: Session) -> None:
        """Take over what a session works with: from here on the search is what the session makes of it."""
        self.history_, self._fingerprint = session.history, session.fingerprint
        self.n_splits_ = len(session.folds)
        self._folds = None if session.folds.can_be_drawn_again else session.folds

    def _tabulate(self, session: Session) -> None:
        """Format the results, once, and choose the best candidate."""
        trials = session.history.finished
        self._report_failures(trials, session.n_known)
        metrics = metric_names(trials)
        self.multimetric_ = metrics is not None
        refit_metric = session.refit_metric
        if callable(self.scoring) and metrics is not None:  # only now is it known that there are several metrics
            self._check_refit_for_multimetric(metrics)
            refit_metric = self.refit
        self.cv_results_ = cv_results(
            trials,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            params=self._shown_params(trials),
            standing=self._standing(trials),
        )
        self._tabulated = trials
        self._keep_tested(session)
        self.scorer_ = getattr(session.setup.scorer, "_scorers", session.setup.scorer)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
            if isinstance(self.refit, Rule):
                refit_metric = self.refit.metric
            if self._knows_metric:
                self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _shown_params(self, trials: list[Trial]) -> list[dict[str, Any]]:
        """Return the parameters that the results show for each trial."""
        return [trial.candidate.params for trial in trials]

    def _standing(self, trials: list[Trial]) -> list[tuple[int, int]] | None:
        """Return what ranks trials before their scores do; None if nothing does."""
        return None

    def _resource_of_best(self) -> int | None:
        """Return the resource that the best candidate was trained with; None if there is none."""
        return None

    def _report_failures(self, trials: list[Trial], n_known: int) -> None:
        """Warn of the fits that failed now; raise if none has ever succeeded."""
        report_failures(trials, n_known, self.error_score)

    def _check_refit_for_multimetric(self, scores: Any) -> None:
        try:
            super()._check_refit_for_multimetric(scores)
        except ValueError as error:
            raise ValueError(f"{error} The scorer keys are: {sorted(scores)}.") from None

    def _refit_best(self, session: Session) -> None:
        if not self.refit:
            return
        # The parameters are cloned too: they may be estimators, and the user's own must not be fitted.
        self._refitted_index = self.best_index_
        best = clone(session.setup.estimator).set_params(**clone(self.best_params_, safe=False))
        training = session.setup.training
        resource = self._resource_of_best()
        self.best_estimator_ = training.prepare(best, resource, None)
        with session.callbacks.refitting(self.best_estimator_):
            start = time.time()
            training.fit(self.best_estimator_, session.X, session.y, session.setup.fit_params, resource, None)
            self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def __dir__(self) -> list[str]:
        # One of scikit-learn's tests takes every public fitted attribute of a GridSearchCV for one that all searches
        # have. What is ours alone is documented, and there, but not listed.
        return [name for name in super().__dir__() if name not in _OURS]


#: Fitted attributes that other searches do not have.
_OURS = {"history_", "reuse_report_", "stop_reason_", "corrected_score_"}
