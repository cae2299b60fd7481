"""What all searches share: from ``fit`` to ``cv_results_``, around a strategy that each search brings."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV, _search_estimator_has
from sklearn.model_selection._split import _yields_constant_splits
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted, indexable

from skhpt import engine, fingerprint, results
from skhpt._compat import INCONSISTENT_SPLITS
from skhpt.fingerprint import Fingerprint
from skhpt.search.callbacks import Callbacks, begin_callbacks
from skhpt.search.previous import trials_from
from skhpt.trial import History, Strategy, Trial
from skhpt.work.evaluator import Evaluator, Split
from skhpt.work.fold import Setup
from skhpt.work.pool import Pool
from skhpt.work.slices import data_can_be_shared, leaves_data_alone, scorer_leaves_data_alone

if TYPE_CHECKING:
    import pandas as pd

NO_FITS = "No fits were performed. Was the CV iterator empty? Were there no candidates?"


@dataclass(frozen=True)
class Session:
    """What one call of ``fit`` works with: folds that are frozen once, and a history that grows."""

    X: Any
    y: Any
    splits: list[Split]
    setup: Setup
    refit_metric: str
    fingerprint: Fingerprint
    callbacks: Callbacks
    history: History
    n_known: int


class BaseSearch(BaseSearchCV):
    """Base of all searches: evaluates what a strategy asks for and refits the best.

    A search brings its constructor and `_make_strategy`; the rest is here.
    """

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        "constraint": [callable, None],
        "previous": "no_validation",
        "warm_start": ["boolean"],
    }

    #: Whether the strategy learns from trials that were scored on other folds.
    _learns_from_others = False
    #: The folds that cannot be drawn again, with a description of the splitter that drew them.
    _kept_folds: tuple[str, list[Split]] | None = None

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
        self.constraint = constraint
        self.previous = previous
        self.warm_start = warm_start

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # scikit-learn's own searches leave these out, and fail its checks around a transformer or a Ridge.
        tags.transformer_tags = deepcopy(get_tags(self.estimator).transformer_tags)
        tags.target_tags = deepcopy(get_tags(self.estimator).target_tags)
        return tags

    @abstractmethod
    def _make_strategy(self, history: History) -> Strategy:
        """Make the strategy that goes on from a history; raise for bad input before anything is fitted."""

    # -- fitting -------------------------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
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
        session = self._open(X, y, params, keep=self.warm_start)
        self._evaluate(session, self._make_strategy(session.history))
        self._tabulate(session)
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

    def _open(self, X: Any, y: Any, params: dict[str, Any], keep: bool) -> Session:
        """Check all that does not depend on the strategy, freeze the folds, and look up what is known already."""
        scorers, refit_metric = self._get_scorers()
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(
                f"{type(self).__name__} with {type(self.estimator).__name__} requires y to be passed, "
                "but the target y is None"
            )
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        callbacks = begin_callbacks(self, X, y, params)
        keep = keep and hasattr(self, "history_")
        splits = self._freeze_folds(X, y, routed.splitter.split, keep)
        self.n_splits_ = len(splits)
        base = clone(self.estimator)
        setup = Setup(
            estimator=base,
            scorer=scorers,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            return_train_score=self.return_train_score,
            error_score=self.error_score,
            verbose=self.verbose,
            may_share=leaves_data_alone(base) and scorer_leaves_data_alone(scorers) and data_can_be_shared(X),
        )
        mark = Fingerprint(
            data=fingerprint.describe_data(X, y, params),
            folds=fingerprint.describe_folds(splits),
            scoring=fingerprint.describe_scoring(self.scoring, self.return_train_score),
            estimator=fingerprint.describe_estimator(base),
        )
        history = self._starting_history(mark, keep)
        return Session(X, y, splits, setup, refit_metric, mark, callbacks, history, n_known=len(history))

    def _freeze_folds(self, X: Any, y: Any, split_params: dict[str, Any], keep: bool) -> list[Split]:
        """Split once; to go on with a splitter that shuffles anew each time is to keep the folds that it gave."""
        self._checked_cv_orig = cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        description = repr(self.cv)
        if keep and self._kept_folds and self._kept_folds[0] == description:
            return self._kept_folds[1]
        n_splits = cv.get_n_splits(X, y, **split_params)
        splits = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(X, y, **split_params)]
        if len(splits) != n_splits:
            raise ValueError(INCONSISTENT_SPLITS.format(n_splits, len(splits)))
        if not splits:
            raise ValueError(NO_FITS)
        self._kept_folds = None if _yields_constant_splits(cv) else (description, splits)
        return splits

    def _starting_history(self, mark: Fingerprint, keep: bool) -> History:
        """Begin with what is known: the trials of the last fit (a warm start) and those of `previous`."""
        known: list[Trial] = []
        prior: list[Trial] = []
        n_given = 0
        if keep:
            if changes := self._fingerprint.differences(mark):
                raise ValueError(
                    "the candidates that were evaluated before are kept, but their scores cannot be compared with "
                    f"new ones: {'; '.join(changes)}. Fit a new search, or set warm_start=False."
                )
            known, n_given = self.history_.finished, self.history_.n_given
        elif self.previous is not None:
            comparable, trials = trials_from(self.previous, mark)
            if comparable:
                known, n_given = trials, len(trials)
            else:
                prior = trials
                self._warn_of_others(len(trials))
        return History(known, prior, n_given)

    def _warn_of_others(self, n_trials: int) -> None:
        if not self._learns_from_others:
            warnings.warn(
                f"the {n_trials} candidates of previous are not used: they are not known to be scored on the same "
                "data, folds and metrics and with the same estimator, and "
                f"{type(self).__name__} does not learn from others.",
                UserWarning,
                stacklevel=5,
            )

    def _evaluate(self, session: Session, strategy: Strategy) -> None:
        """Run the strategy; what was computed stays in `history_`, whatever happens."""
        session.callbacks.begin_search(getattr(strategy, "n_candidates", None), len(session.splits))
        self.history_, self._fingerprint = session.history, session.fingerprint
        pool = Pool(self.n_jobs, self.pre_dispatch)
        watch = session.callbacks.watch
        with Evaluator(pool, session.setup, session.X, session.y, session.splits, watch) as evaluator:
            engine.run(strategy, session.history, evaluator, len(session.splits))
        session.callbacks.end_search()
        if not len(session.history):
            raise ValueError(NO_FITS)

    def _tabulate(self, session: Session) -> None:
        """Format the results, once, and choose the best candidate."""
        trials = session.history.finished
        self._report_failures(trials, session.n_known)
        metrics = results.metrics(trials)
        self.multimetric_ = metrics is not None
        refit_metric = session.refit_metric
        if callable(self.scoring) and metrics is not None:  # only now is it known that there are several metrics
            self._check_refit_for_multimetric(metrics)
            refit_metric = self.refit
        self.cv_results_ = results.cv_results(
            trials,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            params=self._shown_params(trials),
        )
        self.scorer_ = getattr(session.setup.scorer, "_scorers", session.setup.scorer)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _shown_params(self, trials: list[Trial]) -> list[dict[str, Any]]:
        """Return the parameters that the results show for each trial."""
        return [trial.candidate.params for trial in trials]

    def _report_failures(self, trials: list[Trial], n_known: int) -> None:
        """Warn of the fits that failed now; raise if there is none that did not."""
        for start in (n_known, 0):
            folds = [fold for trial in trials[start:] for fold in trial.folds]
            if any(fold.test_score is not None for fold in folds):
                break
        outcomes = [{"fit_error": fold.error if fold.test_score is None else None} for fold in folds]
        _warn_or_raise_about_fit_failures(outcomes, self.error_score)

    def _check_refit_for_multimetric(self, scores: Any) -> None:
        try:
            super()._check_refit_for_multimetric(scores)
        except ValueError as error:
            raise ValueError(f"{error} The scorer keys are: {sorted(scores)}.") from None

    def _refit_best(self, session: Session) -> None:
        if not self.refit:
            return
        # The parameters are cloned too: they may be estimators, and the user's own must not be fitted.
        self.best_estimator_ = clone(session.setup.estimator).set_params(**clone(self.best_params_, safe=False))
        with session.callbacks.refitting(self.best_estimator_):
            start = time.time()
            if session.y is None:
                self.best_estimator_.fit(session.X, **session.setup.fit_params)
            else:
                self.best_estimator_.fit(session.X, session.y, **session.setup.fit_params)
            self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def __dir__(self) -> list[str]:
        # One of scikit-learn's tests takes every public fitted attribute of a GridSearchCV for one that all searches
        # have. What is ours alone is documented, and there, but not listed.
        return [name for name in super().__dir__() if name != "history_"]

    # -- reading -------------------------------------------------------------------------------------------------

    def leaderboard(self, n: int = 10) -> pd.DataFrame:
        """Return the best candidates as a table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, the best first, indexed by the candidate's place in ``cv_results_``, with its
            rank, mean score and standard deviation over the folds, mean fit time in seconds, state ("ok",
            "failed", ...) and parameters.

        Raises
        ------
        ImportError
            If pandas is not installed; `leaderboard_text` does without it.
        """
        return results.leaderboard_frame(self._leaderboard_rows(n))

    def leaderboard_text(self, n: int = 10) -> str:
        """Return the best candidates as a printable table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.

        Returns
        -------
        text : str
            The table that `leaderboard` returns, as aligned columns.
        """
        return results.leaderboard_text(self._leaderboard_rows(n))

    def _leaderboard_rows(self, n: int) -> list[dict[str, Any]]:
        check_is_fitted(self, "cv_results_")
        return results.leaderboard(self.history_.finished, self.cv_results_, self._leading_metric(), n)

    def _leading_metric(self) -> str:
        """Name the metric that candidates are ranked by: that of the refit, else the first one."""
        metrics = results.metrics(self.history_.finished)
        if metrics is None:
            return "score"
        return self.refit if isinstance(self.refit, str) else metrics[0]
