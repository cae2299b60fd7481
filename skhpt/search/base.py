"""Base of all searches: ``fit``, from the checked inputs to ``cv_results_`` and the refitted best candidate."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import asdict, replace
from functools import partial
from inspect import signature
from typing import Any, Self

from sklearn.base import clone, is_classifier
from sklearn.model_selection._search import _search_estimator_has
from sklearn.utils.metaestimators import available_if

from skhpt import journal
from skhpt._compat import fit_context
from skhpt._mlflow import autologging_paused, autologging_settings
from skhpt._typing import (
    ArrayLike,
    Estimator,
    Params,
    RandomState,
    SpaceDefinition,
)
from skhpt._warnings import warn_user
from skhpt.callbacks.mlflow import mlflow_callbacks
from skhpt.engine.loop import COMPLETED
from skhpt.fitting.job import Setup
from skhpt.fitting.scorers import is_multimetric, scorers_by_metric
from skhpt.history import History
from skhpt.parallel.fit_resources import check_fit_resources
from skhpt.results.cv_results import cv_results, metric_names
from skhpt.results.status_tracker import StatusTracker
from skhpt.reuse.report import ReuseReport
from skhpt.reuse.rng_guard import global_rng_kept
from skhpt.reuse.scorer_needs import Needs, scorer_needs
from skhpt.search.corrected_gain import GainMixin
from skhpt.search.corrected_score import PredictionsMixin
from skhpt.search.estimator import SearchEstimator, check_hooks
from skhpt.search.fitted import FittedSettings
from skhpt.search.leaderboard import LeaderboardMixin
from skhpt.search.members import MembersMixin
from skhpt.search.representation import RepresentationMixin
from skhpt.search.rounds import NullContext, Rounds, SearchEnded, codec_of_rounds
from skhpt.select import Rule
from skhpt.session.fidelity import Fidelity, FullFidelity
from skhpt.session.folds import NO_FITS, Folds, draw_folds, folds_from_json
from skhpt.session.inputs import Inputs, can_share_slices, check_data, check_target, fingerprint_of
from skhpt.session.outcome_warnings import report_end, report_failures
from skhpt.session.previous import Start, Wanted, start_with_last_fit, start_with_previous
from skhpt.session.resume import begin, describe_space, journal_header, recording, resume, stored_header
from skhpt.session.run import RunOutcome, RunParams, run_session
from skhpt.session.search_callbacks import RunningCallbacks, work_plan
from skhpt.session.session import DrawnPoints, Session
from skhpt.session.sklearn_callbacks import begin_callbacks
from skhpt.session.validation import (
    check_candidates,
    check_fit_params,
    check_max_time,
    check_names,
    check_rule,
    check_score_limit,
    check_scoring_names,
    did_you_mean,
    metric_of_refit,
)
from skhpt.session.verbose_report import VerboseReport
from skhpt.space.constraint import is_allowed
from skhpt.space.space import Space
from skhpt.spaces import AUTO, default_space
from skhpt.strategies.base import Strategy
from skhpt.strategies.fixed_list import FixedList
from skhpt.trial import Trial

#: Parameters of searches that define their candidates.
CANDIDATE_PARAMS = ("param_grid", "param_distributions", "candidates")


class BaseSearch(
    RepresentationMixin, LeaderboardMixin, MembersMixin, GainMixin, PredictionsMixin, SearchEstimator
):
    """Base of all searches: evaluates the candidates of a strategy and refits the best.

    A search defines its constructor, `_parse_space` and `_make_strategy`.
    """

    cv_results_: dict[str, Any]
    best_params_: Params
    best_score_: float
    best_index_: int
    best_estimator_: Estimator
    history_: History
    stop_reason_: str
    reuse_report_: ReuseReport
    space_: SpaceDefinition
    n_splits_: int
    multimetric_: bool
    refit_time_: float

    #: Whether a race eliminates candidates before all of their folds are evaluated.
    racing = False
    #: Whether `verbose` prints scikit-learn's line for each round of candidates, instead of a line for each candidate.
    _prints_rounds = False
    #: Folds of the last fit, if they cannot be drawn again.
    _folds: Folds | None = None

    # -- hooks -----------------------------------------------------------------------------------------------

    @abstractmethod
    def _parse_space(self) -> Space | None:
        """Return the search space that the user gave; None for a search over given candidates."""

    @abstractmethod
    def _make_strategy(self, session: Session) -> Strategy:
        """Return the strategy that continues the history of a session; raise for bad input."""

    def _default_space(self, inputs: Inputs, n_train: int | None) -> SpaceDefinition:
        """Return the space that "auto" stands for.

        Parameters
        ----------
        inputs : Inputs
            The estimator and the data.
        n_train : int or None
            Number of rows of the smallest training part; None if it is not known.
        """
        return default_space(inputs.estimator, inputs.X, inputs.y, n_train=n_train)

    def _draw_points(self, space: Space | None, stored: journal.Header | None) -> DrawnPoints | None:
        """Draw points before the folds, as scikit-learn does, or those of a journal again; by default none."""
        return None

    def _choose_fidelity(self, inputs: Inputs, folds: Folds, space: Space | None) -> Fidelity:
        """Return the training that candidates get."""
        return FullFidelity()

    def _journal_codec(self, space: Space | None) -> tuple[str, journal.Codec]:
        """Return a description of the search space, and the encoding of its candidates in a journal."""
        assert space is not None
        codec = codec_of_rounds(space) if self._chooses_rounds else journal.SpaceCodec(space)
        return describe_space(space), codec

    def _params_of_estimator(self) -> Params | None:
        """Return the parameters of the estimator, if results show those that a candidate leaves out."""
        return None

    def _own_params(self, params: Params) -> Params | None:
        """Return the parameters that a candidate leaves out, if they are not those of the estimator."""
        return None

    def _shown_params(self, trials: list[Trial], fidelity: Fidelity) -> list[Params]:
        """Return the parameters of each trial as the results show them."""
        return [fidelity.shown_params(trial.candidate) for trial in trials]

    def _constrained_params(self, params: Params) -> Params:
        """Return the parameters of a candidate that the constraint is applied to."""
        return params

    def _resolve_params(self, n_splits: int, stored: journal.Header | None) -> Params:
        """Return the values that "auto" stands for in this fit, or those of the journal to resume; by default none.

        Parameters
        ----------
        n_splits : int
            Number of folds of a candidate.
        stored : Header or None
            Header of the journal to resume; None if there is none.
        """
        return {}

    def _n_lacking(self, session: Session) -> int:
        """Return the number of candidates that the search was asked for, less those that it has."""
        return 0

    # -- fitting ---------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
    def fit(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> Self:
        """Evaluate the candidates on every fold, and refit the best one on all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training data; for a precomputed kernel or distance matrix its shape is (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Passed to the ``fit`` of the estimator, to the scorer and to the splitter (such as `groups`). A
            value with one row per sample is split along with X.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError, TypeError
            If a parameter of the search, the space, the estimator or the data cannot be used, the journal
            belongs to another search, or a warm start finds other data. Nothing is fitted then.
        """
        session = self._open_session(X, y, params, keep=self.warm_start)
        with autologging_paused(), session.search_callbacks:
            with recording(session, self._get_stop_reason):
                if self._chooses_rounds:
                    self._run_rounds(session)
                else:
                    self._run(self._make_strategy(session), session)
                self._set_results(session)
                self._record_choice(session)
            if self._should_refit():
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

    # -- before anything is fitted ---------------------------------------------------------------------------

    def _open_session(
        self,
        X: ArrayLike,
        y: ArrayLike,
        params: Params,
        *,
        keep: bool,
        with_pending: bool = True,
        reports: bool = True,
    ) -> Session:
        """Return the values that the search works with; raise for bad input before anything is changed.

        Parameters
        ----------
        X, y, params
            Arguments of ``fit``.
        keep : bool
            Whether to keep the trials of the last fit.
        with_pending : bool, default=True
            Whether to keep its pending candidates too.
        reports : bool, default=True
            Whether to print lines of candidates, if `verbose` asks for them.
        """
        inputs = self._check_inputs(X, y, params)
        keep = keep and hasattr(self, "history_")
        stored = None if self.journal is None else stored_header(self.journal, self._random_state)
        space = self._choose_space(inputs, keep, stored)
        self._check_parameters(inputs, space)
        callbacks = begin_callbacks(self, inputs.X, inputs.y, inputs.params)
        drawn = None if self._chooses_rounds else self._draw_points(space, stored)
        folds = self._get_folds(inputs, keep, stored)
        fidelity = self._choose_fidelity(inputs, folds, space)
        setup = self._make_setup(inputs, fidelity)
        fingerprint = fingerprint_of(
            inputs,
            folds,
            setup.training,
            scoring=self.scoring,
            return_train_score=self.return_train_score,
            candidates=[getattr(self, name, None) for name in CANDIDATE_PARAMS],
        )
        wanted = Wanted(
            fingerprint=fingerprint,
            space=space,
            estimator=inputs.estimator,
            scoring=self.scoring,
            metric=self._metric,
            allows=partial(self._allows, space),
            racing=self.racing,
        )
        if keep:
            start = self._start_with_last_fit(wanted, with_pending, has_brackets=fidelity.is_multi)
        else:
            start = start_with_previous(self.previous, wanted)
        session = Session(
            inputs=inputs,
            folds=folds,
            space=space,
            fidelity=fidelity,
            setup=setup,
            fingerprint=fingerprint,
            callbacks=callbacks,
            search_callbacks=self._make_search_callbacks(fidelity, len(folds), reports=reports),
            start=start,
            history=start.history,
            n_reported=len(start.history.finished),
            random_state=self._random_state,
            resolved_params=self._resolve_params(len(folds), stored),
            drawn=drawn,
        )
        return session if self.journal is None else self._open_journal(session)

    def _make_search_callbacks(self, fidelity: Fidelity, n_splits: int, *, reports: bool) -> RunningCallbacks:
        tracker = StatusTracker(
            type(self).__name__,
            n_splits=n_splits,
            metric=self._metric,
            error_score=self.error_score,
            budget=fidelity.budget,
            shown_params=fidelity.shown_params,
        )
        callbacks = mlflow_callbacks(self._search_callbacks, autologging_settings())
        if self.verbose > 0 and reports:
            callbacks.insert(0, VerboseReport(candidates=not self._prints_rounds))
        return RunningCallbacks(callbacks, self, tracker)

    def _start_with_last_fit(self, wanted: Wanted, with_pending: bool, has_brackets: bool) -> Start:
        return start_with_last_fit(
            self.history_,
            getattr(self, "_set_aside", ()),  # a pickle of an earlier version has none
            fitted_on=self._fingerprint,
            wanted=wanted,
            with_pending=with_pending,
            has_brackets=has_brackets,
        )

    @property
    def _random_state(self) -> RandomState:
        """Source of random numbers; None for a search without draws."""
        return getattr(self, "random_state", None)

    def _check_inputs(self, X: ArrayLike, y: ArrayLike, params: Params) -> Inputs:
        """Check the arguments of ``fit``, and route them."""
        estimator = clone(self.estimator)
        check_scoring_names(self.scoring)
        scorer, refit_metric = self._get_scorers()
        check_target(estimator, y, type(self).__name__)
        X, y, params = check_data(X, y, params)
        routed = self._get_routed_params_for_fit(params)
        check_fit_params(estimator, routed.estimator.fit, self)
        return Inputs(
            estimator=estimator,
            X=X,
            y=y,
            params=params,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            split_params=routed.splitter.split,
            scorer=scorer,
            refit_metric=refit_metric,
        )

    def _choose_space(self, inputs: Inputs, keep: bool, stored: journal.Header | None) -> Space | None:
        """Return the search space: that of the user, or the default one for "auto"."""
        given = [getattr(self, name, None) for name in CANDIDATE_PARAMS]
        if not any(isinstance(value, str) and value == AUTO for value in given):
            return self._parse_space()
        with global_rng_kept():
            n_train = self._smallest_training_part(inputs, keep, stored)
            definition = self._default_space(inputs, n_train)
        return Space(definition, self.constraint)

    def _smallest_training_part(
        self, inputs: Inputs, keep: bool, stored: journal.Header | None
    ) -> int | None:
        """Return its number of rows, from folds that are drawn for this alone; None if they cannot be drawn twice."""
        folds = self._known_folds(keep, stored)
        if folds is None:
            if hasattr(self.cv, "__next__"):
                return None
            folds = self._draw_folds(inputs, deepcopy(self.cv))
        return min(len(train) for train, _ in folds)

    def _check_parameters(self, inputs: Inputs, space: Space | None) -> None:
        """Check the parameters of the search that depend on each other, on the estimator or on the scorer."""
        check_hooks(type(self))
        if space is not None:
            check_names(inputs.estimator, space)
        check_rule(self.refit, inputs.estimator, inputs.scorer, space)
        check_max_time(self.max_time)
        check_score_limit("target_score", self.target_score, inputs.scorer, self.refit)
        check_score_limit("patience", self.patience, inputs.scorer, self.refit)

    def _allows(self, space: Space | None, params: Params) -> bool:
        """Return whether the constraint allows a candidate of an earlier search, which may be outside the space."""
        if self.constraint is None:
            return True
        try:
            return is_allowed(self.constraint, self._constrained_params(params))
        except (TypeError, ValueError):
            if space is None or space.locate([params])[0] is not None:
                raise
            return False  # the constraint is made for other parameters

    def _get_folds(self, inputs: Inputs, keep: bool, stored: journal.Header | None) -> Folds:
        """Return the folds of the last fit or of the journal if `cv` cannot draw them again, else draw them."""
        return self._known_folds(keep, stored) or self._draw_folds(inputs, self.cv)

    def _known_folds(self, keep: bool, stored: journal.Header | None) -> Folds | None:
        """Return the folds of the last fit or of the journal if `cv` cannot draw them again."""
        if keep and self._folds is not None and self._folds.were_drawn_by(self.cv):
            return self._folds
        return folds_from_json(self.cv, stored.metadata["folds"] if stored else {})

    def _draw_folds(self, inputs: Inputs, cv: Any) -> Folds:
        classifier = is_classifier(inputs.estimator)
        return draw_folds(cv, inputs.X, inputs.y, classifier=classifier, split_params=inputs.split_params)

    def _make_setup(self, inputs: Inputs, fidelity: Fidelity) -> Setup:
        return Setup(
            estimator=inputs.estimator,
            scorer=inputs.scorer,
            fit_params=inputs.fit_params,
            score_params=inputs.score_params,
            return_train_score=self.return_train_score,
            return_predictions=self.return_predictions,
            error_score=self.error_score,
            verbose=self.verbose,
            training=fidelity.training,
            may_change_models=scorer_needs(inputs.scorer, inputs.estimator).needs == Needs.EVERYTHING,
            may_share=can_share_slices(inputs),
        )

    def _open_journal(self, session: Session) -> Session:
        description, codec = self._journal_codec(session.space)
        header = journal_header(
            session,
            search_name=type(self).__name__,
            search_params=self.get_params(deep=False),
            estimator=self.estimator,
            space=description,
            metric=self._metric,
            own_params=self._params_of_estimator(),
        )
        self._journal_fingerprint = header.fingerprint
        return resume(
            session,
            self.journal,
            header=header,
            codec=codec,
            error_score=self.error_score,
            own_params=self._own_params,
        )

    def _inputs_for_plan(self, X: ArrayLike, y: ArrayLike, params: Params) -> tuple[Inputs, Space | None]:
        """Check the inputs of a plan, for which the folds are drawn that ``fit`` would draw."""
        self._validate_params()
        if hasattr(self.cv, "__next__"):
            raise ValueError("plan would use up cv, which is a generator; make a list of it")
        inputs = self._check_inputs(X, y, params)
        space = self._choose_space(inputs, keep=False, stored=None)
        self._check_parameters(inputs, space)
        return inputs, space

    # -- evaluating candidates -------------------------------------------------------------------------------

    def _run(self, strategy: Strategy, session: Session) -> None:
        """Evaluate the candidates of a strategy; `history_` keeps the results, however the search ends."""
        self._warn_of_unused_trials(strategy, session.start)
        session.callbacks.begin_search(strategy.n_candidates, len(session.folds))
        self._take_over(session)
        self._begin_search(strategy, session)
        lacks_candidates = partial(self._lacks_allowed_candidates, session)
        outcome = self._evaluate_candidates(strategy, session, self._run_params(), lacks_candidates)
        session.callbacks.end_search()
        self._report(outcome, session)

    def _begin_search(self, strategy: Strategy | None, session: Session) -> None:
        path = self.journal if session.journal and session.journal.is_resumed else None
        plan = work_plan(strategy, session.history, self.max_time)
        begin(session, plan.n_trials, getattr(strategy, "plan", None))
        session.search_callbacks.begin(
            session.history,
            plan,
            racing=self.racing,
            resumed_from="" if path is None else os.path.abspath(path),
        )

    def _evaluate_candidates(
        self,
        strategy: Strategy,
        session: Session,
        params: RunParams,
        lacks_candidates: Callable[[], bool] = lambda: False,
    ) -> RunOutcome:
        try:
            outcome = run_session(strategy, session, params, lacks_candidates=lacks_candidates)
        finally:
            self.history_ = session.fidelity.ordered(session.history)
        self.stop_reason_, self.reuse_report_ = outcome.stop_reason, outcome.reuse_report
        if self.verbose > 0 and self.reuse_report_.saves:
            print(self.reuse_report_.summary())
        return outcome

    def _get_stop_reason(self) -> str:
        """Return why the last run ended; "completed" if nothing had to be evaluated."""
        return getattr(self, "stop_reason_", COMPLETED)

    def _report(self, outcome: RunOutcome, session: Session) -> None:
        """Warn of an early end, of retries and of failures; raise if there is nothing to continue with."""
        report_end(
            outcome.stop_reason,
            session.history,
            max_time=self.max_time,
            n_retries=outcome.n_retries,
            n_interrupts=outcome.n_interrupts,
        )
        report_failures(session.history.finished, session.n_reported, self.error_score)

    def _lacks_allowed_candidates(self, session: Session) -> bool:
        """Tell whether candidates are missing in a space that may have more of them."""
        space = session.space
        if space is None or space.constraint is None or space.can_be_exhausted:
            return False
        return self._n_lacking(session) > 0

    def _run_search(self, evaluate_candidates: Any, *, callback_ctx: Any = None) -> None:
        """Evaluate the candidates: scikit-learn's hook, for subclasses that choose candidates from earlier results.

        Parameters
        ----------
        evaluate_candidates : callable
            ``evaluate_candidates(list_of_params)`` returns the table of all candidates so far, as `cv_results_`.
        callback_ctx : object, default=None
            Ignored: callbacks are informed in any case.
        """
        evaluate_candidates.run_strategy()

    @property
    def _chooses_rounds(self) -> bool:
        """Whether a subclass chooses the candidates."""
        return type(self)._run_search is not BaseSearch._run_search

    def _run_rounds(self, session: Session) -> None:
        """Let a subclass choose the candidates."""

        def evaluate(strategy: Strategy, session: Session, max_time: float | None) -> str:
            params = replace(self._run_params(), max_time=max_time)
            outcome = self._evaluate_candidates(strategy, session, params)
            self._report(outcome, session)
            return outcome.stop_reason

        rounds = Rounds(
            session,
            check=partial(self._checked_round, session),
            evaluate=evaluate,
            draw_folds=partial(self._draw_folds_of_round, session),
            make_table=partial(self._table, session),
            make_strategy=partial(self._make_strategy, session),
            max_time=self.max_time,
        )
        self._warn_of_unused_trials(FixedList([]), session.start)
        session.callbacks.begin_search(None, len(session.folds))
        self._take_over(session)
        self._begin_search(None, session)
        has_context = "callback_ctx" in signature(self._run_search).parameters
        with suppress(SearchEnded):
            self._run_search(rounds, **({"callback_ctx": NullContext()} if has_context else {}))
        session.callbacks.end_search()
        if not session.history.finished:
            raise ValueError(NO_FITS)

    def _checked_round(self, session: Session, candidates: list[Params]) -> list[Params]:
        """Check the candidates of a round; raise ValueError for those that the search cannot evaluate."""
        if session.fidelity.is_multi:
            raise ValueError(
                f"{type(self).__name__}._run_search evaluates candidates of its own, but the candidates of "
                "HyperbandSearchCV get different amounts of training; derive from another search"
            )
        points = check_candidates(session.inputs.estimator, candidates)
        for point in points:
            if self.constraint is not None and not is_allowed(
                self.constraint, self._constrained_params(point)
            ):
                raise ValueError(
                    f"the constraint rejects {point!r}, which {type(self).__name__}._run_search asks for"
                )
        return points

    def _draw_folds_of_round(self, session: Session, cv: Any) -> Folds:
        if self.warm_start or self.previous is not None or self.journal is not None:
            raise ValueError(
                "evaluate_candidates(cv=...) evaluates candidates on other folds, so that their scores cannot be "
                "compared with those of warm_start, previous or journal"
            )
        return self._draw_folds(session.inputs, cv)

    def _run_params(self) -> RunParams:
        return RunParams(
            n_jobs=self.n_jobs,
            pre_dispatch=self.pre_dispatch,
            fit_timeout=self.fit_timeout,
            fit_resources=check_fit_resources(self.fit_resources),
            max_retries=self.max_retries,
            max_time=self.max_time,
            target_score=self.target_score,
            patience=self.patience,
            metric=self._metric,
            error_score=self.error_score,
            racing=self.racing,
            reuse=self.reuse,
            reuse_memory=self.reuse_memory,
            prints_rounds=self._prints_rounds,
        )

    def _warn_of_unused_trials(self, strategy: Strategy, start: Start) -> None:
        if start.rejected:
            warn_user(start.rejected)
        if strategy.uses_prior and start.unused:
            warn_user(start.unused)
        if start.n_not_comparable and not strategy.uses_prior:
            warn_user(
                f"the {start.n_not_comparable} candidates of previous are not used: they are not known to be scored on "
                f"the same data, folds and metrics and with the same estimator, and {type(self).__name__} does not "
                "learn from others."
            )

    def _take_over(self, session: Session) -> None:
        """Keep what the next fit needs of a session, whose inputs were accepted."""
        self.history_, self._fingerprint = session.history, session.fingerprint
        self._set_aside = session.start.set_aside
        self.n_splits_ = len(session.folds)
        if session.space is not None:
            self.space_ = copy(session.space.definition)
        self._folds = None if session.folds.is_reproducible else session.folds

    @property
    def _metric(self) -> str | None:
        """Name of the metric that candidates are compared by; None for the only or first metric."""
        return metric_of_refit(self.refit)

    @property
    def _knows_metric(self) -> bool:
        """Whether `refit` says which metric decides; a user's function does not."""
        return isinstance(self.refit, Rule) or not callable(self.refit)

    # -- results ---------------------------------------------------------------------------------------------

    def _set_results(self, session: Session) -> None:
        """Set ``cv_results_`` and the best candidate."""
        self._fitted = self._settings(session)
        trials = self.history_.finished
        metrics = metric_names(trials)
        self.multimetric_ = metrics is not None
        refit_metric = session.inputs.refit_metric
        # The results are the first to show several metrics.
        if callable(self.scoring) and metrics is not None:
            self._check_refit_for_multimetric(metrics)
            refit_metric = self.refit
        self.cv_results_ = self._table(session, trials)
        self._tabulated = trials
        self._keep_test_rows(session)
        scorer = session.setup.scorer
        self.scorer_ = scorers_by_metric(scorer) if is_multimetric(scorer) else scorer
        if self.refit or not self.multimetric_:
            self._set_best(refit_metric)

    def _table(self, session: Session, trials: list[Trial]) -> dict[str, Any]:
        return cv_results(
            trials,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            params=self._shown_params(trials, session.fidelity),
            budgets=session.fidelity.budgets(trials),
        )

    def _settings(self, session: Session) -> FittedSettings:
        """Return the settings that the results depend on."""
        return FittedSettings(
            estimator=session.inputs.estimator,
            refit=self.refit,
            param_distributions=None if session.space is None else copy(session.space.definition),
            constraint=self.constraint,
            error_score=self.error_score,
            n_planned=session.search_callbacks.status.n_planned,
            space=session.space_summary,
            fingerprint=asdict(session.fingerprint) if self.journal is None else self._journal_fingerprint,
            training=session.setup.training,
            test_ratio=session.folds.test_ratio,
        )

    def _record_choice(self, session: Session) -> None:
        """Write to the journal which candidate is the best, if more than the mean scores decides."""
        if session.journal and callable(self.refit) and hasattr(self, "best_index_"):
            session.journal.record_event("chosen", row=int(self.best_index_), n_finished=len(self._tabulated))

    def _set_best(self, refit_metric: Any) -> None:
        self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
        if isinstance(self.refit, Rule):
            refit_metric = self.refit.metric
        if self._knows_metric:
            self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _check_refit_for_multimetric(self, scores: Any) -> None:
        try:
            super()._check_refit_for_multimetric(scores)
        except ValueError as error:
            suggestion = did_you_mean(self.refit, scores) if isinstance(self.refit, str) else ""
            raise ValueError(f"{error} The scorer keys are: {sorted(scores)}.{suggestion}") from None

    def _should_refit(self) -> bool:
        """Return whether to refit the best candidate; Ctrl-C and `on_interrupt` may prevent it."""
        if self.stop_reason_ != "interrupted" or self.on_interrupt == "refit":
            return bool(self.refit)
        self.__dict__.pop("best_estimator_", None)  # of an earlier fit
        if self.on_interrupt == "raise":
            raise KeyboardInterrupt
        return False

    def _refit_best(self, session: Session) -> None:
        self._refitted_index = self.best_index_
        self.best_estimator_ = self._unfitted_candidate(self.best_index_)
        with session.callbacks.refitting(self.best_estimator_):
            start = time.time()
            self._fit_candidate(self.best_estimator_, self.best_index_, session.inputs)
            self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
