"""HyperbandSearchCV: many candidates begin with little training, and the best of them go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from functools import partial
from numbers import Integral
from os import PathLike
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state

from skhpt._compat import Interval, StrOptions
from skhpt._typing import (
    ArrayLike,
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
from skhpt._warnings import warn_user
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.reuse.rng_guard import global_rng_kept
from skhpt.search._shared_docs import add_shared_docs
from skhpt.search.base import BaseSearch
from skhpt.search.initial_points import PORTFOLIO, initial_points
from skhpt.session.fidelity import (
    MultiFidelity,
    ResourceParams,
    check_continuation,
    choose_fidelity,
    params_of_resource,
    rows_of_first_rung,
)
from skhpt.session.folds import Folds
from skhpt.session.inputs import Inputs
from skhpt.session.outcome_warnings import warn_of_incomplete_best, warn_of_misleading_rungs
from skhpt.session.session import Session
from skhpt.space.drawing import check_some, draw, why_fewer
from skhpt.space.space import Space
from skhpt.spaces import AUTO
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.initial_design import default_points
from skhpt.strategies.rung_statistics import at_full_resource, budget_of, rung_correlations
from skhpt.strategies.schedule import Plan
from skhpt.trial import Trial

#: Candidates of a bracket of the ladder, as a power of the factor: more of them make further brackets.
BRACKET_POWER = 4
#: At most one of so many candidates is the estimator as it is or a point of a portfolio.
PORTFOLIO_SHARE = 4


@add_shared_docs
class HyperbandSearchCV(BaseSearch):
    """Search over many candidates, of which only the best get full training and all folds.

    All candidates begin on the lowest rung, with a part of the *resource* (trees, iterations, epochs,
    training rows) on one fold. The best candidates of a rung are promoted to the next rung. A promoted
    candidate continues its training if that gives exactly the same model as a new fit; otherwise it is fitted
    again. The candidates on the last rung get all of the resource and are scored on all folds.

    Parameters
    ----------
    param_distributions : dict, list of dict or 'auto'
        Parameter names and their distributions (of `scipy.stats` or `skhpt.distributions`) or lists of
        choices, which are drawn uniformly. Each candidate uses one dict of a list of dicts. 'auto' is the
        space of `skhpt.spaces.default_space` for the estimator and the data, without the resource.

    n_candidates : int, default='auto'
        Number of candidates on the lowest rung. With 'auto', `factor` of them reach the last rung; with
        ``schedule='hyperband'`` the numbers are those of [1]_. With a large number and `max_time`, brackets
        are completed one after another until the time is up.

    random_state : int, RandomState instance or None, default=None
        Source of random numbers for the candidates, the order of rows in epochs and the choice of rows. With
        None, the last two are the same in every fit.

    resource : str, default='auto'
        Resource that increases from rung to rung. The name of an integer parameter of the estimator, such as
        ``'n_estimators'`` or ``'clf__max_iter'``; ``'epochs'``, calls of ``partial_fit`` on all rows in
        random order; ``'n_samples'``, rows of the training part (nested; stratified by class; whole groups if
        the folds keep groups together; the most recent rows for a `sklearn.model_selection.TimeSeriesSplit`);
        or ``'folds'``, the number of folds. ``'auto'`` is the number of trees or iterations of estimators that
        can continue their training, and of forests; ``'epochs'`` for classifiers and regressors with
        ``partial_fit`` and a ``max_iter`` of at most 200, such as `sklearn.neural_network.MLPClassifier`; else
        ``'folds'``, which is also the resource of subclasses of `sklearn.pipeline.Pipeline`.

    min_resources : int, default='auto'
        Amount of the resource on the lowest rung. 'auto' is `max_resources` divided by the square of
        `factor`, and with ``'n_samples'`` at least twice the number of classes. The amounts are
        `max_resources` divided by powers of `factor`, so the lowest rung may have more.

    max_resources : int, default='auto'
        All of the resource. 'auto' is the value of the parameter of the estimator; for ``'epochs'`` its
        ``max_iter``, at most 200; for ``'n_samples'`` the number of rows of the smallest training part.

    factor : int, default=3
        Factor by which the resource increases from rung to rung. One of so many candidates is promoted.

    schedule : {'ladder', 'hyperband', 'halving'}, default='ladder'
        Brackets and rungs. 'ladder' increases the resource on one fold and takes all folds on the last rung;
        each bracket of 81 candidates (`factor` to the power of 4, or of 3 with proposals of a model) begins
        with another fold. 'hyperband' has the brackets of Hyperband [1]_, which protect against a misleading
        lowest rung. 'halving' is a single bracket [2]_. The last two use all folds on every rung. With
        ``resource='folds'`` all three are the same.

    sampler : {'auto', 'bayes', 'random'}, default='auto'
        Source of candidates. 'random' draws them from the space, without repetition. 'auto' begins with the
        estimator as it is and the middles of the branches of the space (at most 3 of 27 candidates) and draws
        the others. 'bayes' begins like 'auto', and after a third of each bracket a surrogate of the scores so
        far proposes the others; it needs ``resource='folds'``, for which it is what 'auto' does, because
        scores after little training would mislead the surrogate.

    initial_points : list of dict, 'portfolio' or None, default=None
        First candidates of the search, which follow the estimator as it is. All points of a list are
        evaluated, if `n_candidates` allows; parameters that a dict lacks have the estimator's own value, or
        that of the middle. 'portfolio' are points of `skhpt.spaces.portfolio` (at most 5, and fewer than a
        quarter of the candidates), for data of up to 2,400 rows.

    continuation : {'auto', 'never', 'warm_start'}, default='auto'
        Estimators that continue their training: those for which the result is known to be exact (see
        `skhpt.register_continuation`), none, or every estimator with a parameter ``warm_start``.

    previous : fitted search, dict or DataFrame, default=None
        An earlier search, or its ``cv_results_``. Candidates of a fitted search of this class on the same
        data and folds, with the same metrics, estimator and resource, become part of the results and are not
        drawn again. All other results are used by the surrogate of ``sampler='bayes'`` only.

    warm_start : bool, default=False
        Whether `fit` keeps the candidates of the last fit and evaluates only new ones: the rest of a fit that
        was interrupted, or further brackets if `n_candidates` has grown. Data, folds, metrics, estimator and
        schedule must be the same.

    Attributes
    ----------
    cv_results_ : dict of numpy (masked) ndarrays
        Table of results with one row per candidate and rung, with scikit-learn's columns and:
        ``candidate_id``; ``bracket`` and ``rung``; ``iter``, the level of the resource, from 0;
        ``n_resources`` and ``n_folds``, the resource and the folds of the row; ``resumed_from``, the resource
        of the earlier training that was continued, 0 for a new fit; ``state``, "ok" or the kind of failure.
        Scores of folds that were not run are NaN, means are over the others. Rows of higher rungs rank first.
        Times are in seconds, without the time of lower rungs.

    plan_ : Plan
        Brackets and rungs of the search, as `plan` returns them.

    resource_ : str
        Name of the resource.

    min_resources_, max_resources_ : int
        Amounts of the resource on the lowest and on the last rung.

    n_iterations_ : int
        Number of levels.

    n_resources_, n_candidates_ : list of int
        Amount of the resource on each level, and number of candidates that were evaluated there in all
        brackets.

    rung_correlations_ : ndarray of shape (`n_iterations_` - 1,)
        Spearman's rank correlation between the scores on each level and on the next level, for the candidates
        that reached both. Mean over the brackets, weighted by their number of candidates; NaN for fewer than
        three. These candidates are the best of their level, so the correlation is lower than for all
        candidates.

    See Also
    --------
    RandomSearch : Random candidates, all with full training on all folds.
    BayesSearchCV : Fewer candidates, each chosen by a model of all earlier results.

    Notes
    -----
    A model whose training has converged before its resource was used up (``n_iter_`` is below the resource)
    keeps its score on higher rungs without another fit. The result is the same for any number of workers.

    References
    ----------
    .. [1] Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar (2018), Hyperband: A Novel Bandit-Based Approach to
       Hyperparameter Optimization, JMLR 18, arXiv:1603.06560, Algorithm 1.
    .. [2] Jamieson and Talwalkar (2016), Non-stochastic Best Arm Identification and Hyperparameter Optimization,
       arXiv:1502.07943.

    Examples
    --------
    >>> from scipy.stats import loguniform, randint
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from skhpt import HyperbandSearchCV
    >>> X, y = load_wine(return_X_y=True)
    >>> space = {"max_depth": randint(2, 20), "max_features": loguniform(0.02, 1)}
    >>> search = HyperbandSearchCV(ExtraTreesClassifier(27, random_state=0), space, random_state=0)
    >>> print(search.plan(X, y))
    bracket  rung  candidates  n_estimators  folds  full fits
    -------  ----  ----------  ------------  -----  ---------
          0     0          81             3      1        9.0
          0     1          27             9      1        6.0
          0     2           9            27      1        6.0
          0     3           3            27      5       12.0
    total: 33.0 full fits; all 81 candidates on 5 folds would take 405, 12.3 times as many
    >>> search.fit(X, y).resource_
    'n_estimators'
    """

    plan_: Plan

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "param_distributions": [dict, list, StrOptions({AUTO})],
        "resource": [str],
        "min_resources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_resources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "factor": [Interval(Integral, 2, None, closed="left")],
        "schedule": [StrOptions({"ladder", "hyperband", "halving"})],
        "n_candidates": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "sampler": [StrOptions({"auto", "random", "bayes"})],
        "initial_points": [StrOptions({PORTFOLIO}), list, None],
        "continuation": [StrOptions({"auto", "never", "warm_start"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Estimator,
        param_distributions: SpaceDefinition | Literal["auto"],
        *,
        n_candidates: int | Literal["auto"] = "auto",
        random_state: RandomState = None,
        resource: str = "auto",
        min_resources: int | Literal["auto"] = "auto",
        max_resources: int | Literal["auto"] = "auto",
        factor: int = 3,
        schedule: Literal["ladder", "hyperband", "halving"] = "ladder",
        sampler: Literal["auto", "random", "bayes"] = "auto",
        initial_points: Sequence[Params] | Literal["portfolio"] | None = None,
        continuation: Literal["auto", "never", "warm_start"] = "auto",
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
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates
        self.random_state = random_state
        self.resource = resource
        self.min_resources = min_resources
        self.max_resources = max_resources
        self.factor = factor
        self.schedule = schedule
        self.sampler = sampler
        self.initial_points = initial_points
        self.continuation = continuation

    def plan(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> Plan:
        """Return the brackets and rungs of the search, without fitting anything.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, as for `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Further arguments of `fit`.

        Returns
        -------
        plan : Plan
            Brackets and rungs. Iterating over the plan gives the rows of a table as dicts; printing it gives
            the table. ``plan.full_fits`` is the maximum cost, in units of one fit with all of the resource on
            one fold. Candidates that fail are not promoted, and models that converge early cost less.

        Examples
        --------
        >>> from scipy.stats import randint
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.ensemble import ExtraTreesClassifier
        >>> from skhpt import HyperbandSearchCV
        >>> search = HyperbandSearchCV(ExtraTreesClassifier(9), {"max_depth": randint(1, 20)}, n_candidates=9)
        >>> print(search.plan(*load_iris(return_X_y=True)))
        bracket  rung  candidates  n_estimators  folds  full fits
        -------  ----  ----------  ------------  -----  ---------
              0     0           9             1      1        1.0
              0     1           3             3      1        0.7
              0     2           1             9      1        0.7
              0     3           1             9      5        4.0
        total: 6.3 full fits; all 9 candidates on 5 folds would take 45, 7.1 times as many
        """
        inputs, space = self._inputs_for_plan(X, y, params)
        assert space is not None
        cv, random_state = deepcopy((self.cv, self.random_state))  # one generator may serve both
        with global_rng_kept():
            folds = self._draw_folds(inputs, cv)
            fidelity = self._choose_fidelity(inputs, folds, space)
            return self._draw(fidelity, space, inputs, History(), random_state)[0]

    # -- the search ------------------------------------------------------------------------------------------

    def _parse_space(self) -> Space:
        assert not isinstance(self.param_distributions, str)
        return Space(self.param_distributions, self.constraint)

    def _choose_fidelity(self, inputs: Inputs, folds: Folds, space: Space | None) -> MultiFidelity:
        assert space is not None
        fidelity = choose_fidelity(self._resource_params(), inputs, folds, space)
        if self.sampler == "bayes" and fidelity.resource != "folds":
            raise ValueError(
                f"sampler='bayes' needs resource='folds', got resource={fidelity.resource!r}: scores after little "
                "training mislead the model. sampler='auto' draws the candidates of other resources."
            )
        return fidelity

    def _uses_model(self, fidelity: MultiFidelity) -> bool:
        """Return whether candidates are proposed by a model."""
        return self.sampler != "random" and fidelity.resource == "folds"

    def _resource_params(self) -> ResourceParams:
        return ResourceParams(
            resource=self.resource,
            min_resources=self.min_resources,
            max_resources=self.max_resources,
            factor=self.factor,
            continuation=self.continuation,
            random_state=self.random_state,
        )

    def _default_space(self, inputs: Inputs, n_train: int | None) -> SpaceDefinition:
        """Return the default space without the resource, for the rows of the first rung."""
        asked = self._resource_params()
        definition = super()._default_space(inputs, rows_of_first_rung(asked, n_train))
        taken = params_of_resource(asked, inputs.estimator)
        branches: list[Mapping[str, Any]] = []
        for branch in [definition] if isinstance(definition, Mapping) else definition:
            branches.append({name: values for name, values in branch.items() if name not in taken})
        if not any(branches):
            raise ValueError(
                f"param_distributions='auto' leaves nothing to search for {type(inputs.estimator).__name__} besides "
                f"its resource, {' or '.join(sorted(taken))}: set another resource, or write a space"
            )
        return branches[0] if len(branches) == 1 else branches

    def _make_strategy(self, session: Session) -> Hyperband:
        history, space, fidelity = session.history, session.search_space, session.fidelity
        assert isinstance(fidelity, MultiFidelity)
        seed = int(check_random_state(deepcopy(session.random_state)).randint(2**31 - 1))
        plan, points = self._draw(fidelity, space, session.inputs, history, session.random_state)
        if history.own and not (session.journal and session.journal.is_resumed):
            check_continuation(self.plan_, plan, self._bracket_size(fidelity))
        self.plan_ = plan
        earlier = [trial.candidate for trial in history.earlier]
        return Hyperband(
            plan,
            points,
            metric=self._metric,
            error_score=self.error_score,
            first_bracket_id=1 + max((candidate.bracket_id for candidate in earlier), default=-1),
            first_candidate=1 + max((candidate.info["candidate_id"] for candidate in earlier), default=-1),
            propose=partial(self._propose, space, seed) if self._uses_model(fidelity) else None,
        )

    def _draw(
        self,
        fidelity: MultiFidelity,
        space: Space,
        inputs: Inputs,
        history: History,
        random_state: RandomState,
    ) -> tuple[Plan, list[Params]]:
        """Return the plan and its candidates, other than those of earlier searches; a small space shrinks the plan."""
        n = None if self.n_candidates == "auto" else int(self.n_candidates)
        earlier = [trial.candidate.params for trial in history.earlier]
        plan = self._plan_of(fidelity, n)
        defaults = self._default_candidates(space, inputs, plan.n_candidates, earlier)
        known = [*earlier, *defaults]
        n_drawn = plan.n_candidates - len(defaults)
        drawn = draw(space, n_drawn, check_random_state(random_state), unique=True, exclude=known)
        if not known:
            check_some(space, drawn)
        is_full = drawn.is_full
        drawn.points = [*defaults, *drawn.points]
        if not is_full:
            all_are_tried = drawn.points and space.can_be_exhausted
            if self.n_candidates != "auto" or not all_are_tried:
                warn_user(why_fewer(space, plan.n_candidates, drawn, "n_candidates"))
            plan = self._plan_of(fidelity, len(drawn.points))
        return plan, drawn.points

    def _default_candidates(
        self, space: Space, inputs: Inputs, n: int, earlier: Sequence[Params]
    ) -> list[Params]:
        """Return the estimator as it is, `initial_points`, and middles of branches up to a ninth of a bracket."""
        chosen = initial_points(self.initial_points, space, inputs, n_initial=n // PORTFOLIO_SHARE)
        if self.sampler == "random":
            points = chosen
        else:
            n_defaults = max(1, min(n, self.factor ** (BRACKET_POWER - 1)) // self.factor**2, 1 + len(chosen))
            points = default_points(self.estimator.get_params(deep=True), space, chosen)[:n_defaults]
        tried = set(map(params_key, earlier))
        return [point for point in points[:n] if params_key(point) not in tried]

    def _plan_of(self, fidelity: MultiFidelity, n: int | None) -> Plan:
        """Return the plan for n candidates, or for as many as suit the schedule."""
        return fidelity.plan(self.schedule, n, self.factor, self._bracket_size(fidelity))

    def _bracket_size(self, fidelity: MultiFidelity) -> int:
        """Return the maximum number of candidates of a bracket: fewer with a model, which learns from brackets."""
        return int(self.factor ** (BRACKET_POWER - self._uses_model(fidelity)))

    def _n_lacking(self, session: Session) -> int:
        n = None if self.n_candidates == "auto" else int(self.n_candidates)
        assert isinstance(session.fidelity, MultiFidelity)
        return self._plan_of(session.fidelity, n).n_candidates - self.plan_.n_candidates

    def _propose(
        self, space: Space, seed: int, n: int, trials: Sequence[Trial], prior: Sequence[Trial]
    ) -> list[Params]:
        """Propose the candidates of a bracket from the scores on all rungs of earlier brackets."""
        complete = at_full_resource(trials, self._metric)
        strategy = BayesianOptimization(space, n, [], metric=self._metric, seed=seed, max_pending=n)
        proposals = strategy.ask(History(complete, prior, n_earlier_trials=len(complete)))
        return [candidate.params for candidate in proposals]

    # -- the results -----------------------------------------------------------------------------------------

    def _set_results(self, session: Session) -> None:
        super()._set_results(session)
        resumed_from = [
            max((fold.resumed_from for fold in trial.folds), default=0) for trial in self._tabulated
        ]
        self.cv_results_["resumed_from"] = np.array(resumed_from)
        own = self.history_.own
        levels = Counter(map(budget_of, own))
        self.resource_, self.max_resources_ = self.plan_.resource, self.plan_.max_resources
        self.n_iterations_ = len(levels)
        self.n_resources_ = [n_resources for n_resources, _ in sorted(levels)]
        self.n_candidates_ = [levels[level] for level in sorted(levels)]
        self.min_resources_ = min(self.n_resources_, default=self.max_resources_)
        correlations = rung_correlations(own, self._metric)
        self.rung_correlations_ = np.array([rho for rho, _ in correlations])
        warn_of_misleading_rungs(correlations, self.resource_, self.n_resources_)
        if hasattr(self, "best_index_") and self._knows_metric:
            best = self._tabulated[self.best_index_]
            if not session.fidelity.is_complete(best):
                warn_of_incomplete_best(self.resource_, self.cv_results_["n_resources"][self.best_index_])
