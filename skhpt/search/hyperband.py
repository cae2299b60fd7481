"""HyperbandSearchCV: many candidates begin with little training, and the best of them go on."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skhpt._compat import Interval, StrOptions
from skhpt._typing import Params, RandomState
from skhpt._warnings import warn_user
from skhpt.history import History
from skhpt.search.base import BaseSearch
from skhpt.session.fidelity import MultiFidelity, ResourceParams, check_continuation, choose_fidelity
from skhpt.session.folds import Folds
from skhpt.session.inputs import Inputs
from skhpt.session.outcome_warnings import warn_of_incomplete_best, warn_of_misleading_rungs
from skhpt.session.session import Session
from skhpt.space.skopt import translate
from skhpt.space.space import Space
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.rung_statistics import at_full_resource, budget_of, rung_correlations
from skhpt.strategies.schedule import Plan
from skhpt.trial import Trial

#: Candidates of a bracket of the ladder, as a power of the factor: more of them make further brackets.
BRACKET_POWER = 4


class HyperbandSearchCV(BaseSearch):
    """Search over many candidates, of which most get little training and few folds.

    Candidates begin on the lowest rung of a ladder, with a part of the *resource* (trees, iterations, epochs, training
    rows) on one fold. The best of a rung are promoted: they go on with their training where that leads to exactly what
    a fresh fit leads to, and are trained again where it does not. The last ones are trained with all of the resource
    and scored on all folds.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune; it needs ``fit``, and ``score`` if `scoring` is None.

    param_distributions : dict or list of dict
        Maps parameter names to distributions (of `scipy.stats`, of `skhpt.distributions`) or to lists, which are
        sampled uniformly. Of a list of dicts, one is drawn first for each candidate.

    resource : str, default='auto'
        What little and much is: the name of an integer parameter, such as ``'n_estimators'`` or ``'clf__max_iter'``;
        ``'epochs'``, calls of ``partial_fit`` on all rows in a random order; ``'n_samples'``, rows of the training part
        (nested, with the classes in their proportions; whole groups if the folds keep groups together, the most recent
        rows for a `TimeSeriesSplit`); or ``'folds'``, nothing but folds. ``'auto'`` takes the number of trees or
        iterations of estimators that can go on with them; epochs for classifiers and regressors with ``partial_fit``
        and a ``max_iter`` of 200 at most, such as `MLPClassifier`; else folds.

    min_resources : int, default='auto'
        What the first rung has of the resource; 'auto' is a `factor` * `factor`-th of all (for ``'n_samples'`` twice
        as many rows as there are classes at least). Rungs divide `max_resources` by powers of the factor, so the first
        one may have more.

    max_resources : int, default='auto'
        All of the resource; 'auto' is what the estimator has for the parameter; for ``'epochs'`` its ``max_iter``, but
        200 at most; for ``'n_samples'`` the rows of the smallest training part.

    factor : int, default=3
        One of so many candidates is promoted, to so many times the resource.

    schedule : {'ladder', 'hyperband', 'halving'}, default='ladder'
        'ladder' climbs the resource on one fold and takes all folds at the top; each bracket of 81 candidates
        (`factor` to the 4th, to the 3rd with ``sampler='bayes'``) begins with another fold. 'hyperband' runs the
        brackets of Hyperband [1]_, which hedge against a misleading first rung, and 'halving' one bracket [2]_, both
        with all folds on every rung. With ``resource='folds'`` they are all the same.

    n_candidates : int, default='auto'
        How many candidates begin. 'auto' is so many that `factor` of them reach the top ('hyperband': the numbers of
        the paper).

    sampler : {'random', 'bayes'}, default='random'
        Where candidates come from: drawn from the space, none twice, or, from the third bracket on, proposed by a model
        of the scores on all rungs of the brackets before the last one.

    continuation : {'auto', 'never', 'warm_start'}, default='auto'
        Which estimators go on with their training: those for which it is known to be exact (see
        `skhpt.register_continuation`), none, or everything with a parameter ``warm_start``, exact or not.

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
        Source of the draws, of the order of rows in epochs and of the choice of rows (these two are the same in every
        fit if it is None).

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
        What an earlier search found. Of a search of this class on the same data and folds, with the same metrics,
        estimator and resource, the candidates become part of the results and are not drawn again; anything else is
        knowledge for ``sampler='bayes'``.

    warm_start : bool, default=False
        Whether `fit` keeps the candidates of the last fit and evaluates only what is new: the rest of a fit that was
        interrupted, or further brackets if `n_candidates` has grown. Data, folds, metrics, estimator and schedule must
        be the same.

    Attributes
    ----------
    cv_results_ : dict of numpy (masked) ndarrays
        The table of results, one row for each rung that a candidate has reached, with scikit-learn's columns, and:
        ``candidate_id``, the candidate; ``bracket`` and ``rung``; ``iter``, the level of the resource, from 0;
        ``n_resources`` and ``n_folds``, what it got; ``resumed_from``, the resource that it had been trained with
        before and went on from, 0 if it was trained from scratch; ``state``, "ok" or what went wrong. Folds that were
        not run are NaN, means are over the others. Rows of higher rungs rank first. Times are in seconds, and count
        what was done for this row alone.

    plan_ : Plan
        What was to be done, as `plan` returns it.

    resource_ : str
        The resource.

    min_resources_, max_resources_ : int
        What the first rung and the last one have of it.

    n_iterations_ : int
        Number of levels.

    n_resources_, n_candidates_ : list of int
        For each level its resource, and how many candidates were evaluated there, over all brackets.

    rung_correlations_ : ndarray of shape (n_iterations_ - 1,)
        Rank correlation (Spearman) between the scores on each level and on the next one, of the candidates that reached
        both; the mean over brackets, weighted by their number, NaN for fewer than three. These are the best of their
        level, so it is lower than it would be for all.

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
    RandomSearch : The same candidates, all on all folds.
    BayesSearchCV : Fewer candidates, each chosen by what is known of all before.

    Notes
    -----
    A model that ended its training by itself (its ``n_iter_`` is below the resource) carries its score up at no cost.
    The outcome is the same for any number of workers.

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

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "param_distributions": [dict, list],
        "resource": [str],
        "min_resources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_resources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "factor": [Interval(Integral, 2, None, closed="left")],
        "schedule": [StrOptions({"ladder", "hyperband", "halving"})],
        "n_candidates": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "sampler": [StrOptions({"random", "bayes"})],
        "continuation": [StrOptions({"auto", "never", "warm_start"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        resource: str = "auto",
        min_resources: int | str = "auto",
        max_resources: int | str = "auto",
        factor: int = 3,
        schedule: str = "ladder",
        n_candidates: int | str = "auto",
        sampler: str = "random",
        continuation: str = "auto",
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
        self.resource = resource
        self.min_resources = min_resources
        self.max_resources = max_resources
        self.factor = factor
        self.schedule = schedule
        self.n_candidates = n_candidates
        self.sampler = sampler
        self.continuation = continuation
        self.random_state = random_state

    plan_: Plan

    def plan(self, X: Any, y: Any = None, **params: Any) -> Plan:
        """Say what `fit` would do, without doing it.

        Parameters
        ----------
        X, y, **params
            As for `fit`.

        Returns
        -------
        plan : Plan
            Brackets and rungs. Iterating over it gives the rows of a table (as dicts), printing it the table itself;
            ``plan.full_fits`` is the training that it takes, in units of one fit with all of the resource on one fold,
            at most: failures are not promoted, and what converged early costs less.
        """
        inputs, folds, space = self._inputs_for_plan(X, y, params)
        assert space is not None
        fidelity = self._choose_fidelity(inputs, folds, space)
        return self._draw(fidelity, space, History(), deepcopy(self.random_state))[0]

    # -- the search ----------------------------------------------------------------------------------------------

    def _parse_space(self) -> Space:
        return Space(translate(self.param_distributions), self.constraint)

    def _choose_fidelity(self, inputs: Inputs, folds: Folds, space: Space | None) -> MultiFidelity:
        assert space is not None
        asked = ResourceParams(
            resource=self.resource,
            min_resources=self.min_resources,
            max_resources=self.max_resources,
            factor=self.factor,
            continuation=self.continuation,
            random_state=self.random_state,
        )
        return choose_fidelity(asked, inputs, folds, space)

    def _make_strategy(self, session: Session) -> Hyperband:
        history, space, fidelity = session.history, session.space, session.fidelity
        assert space is not None
        assert isinstance(fidelity, MultiFidelity)
        seed = int(check_random_state(deepcopy(session.random_state)).randint(2**31 - 1))
        plan, points = self._draw(fidelity, space, history, session.random_state)
        has_own_trials = len(history) > history.n_earlier_trials
        if has_own_trials and not (session.journal and session.journal.is_resumed):
            check_continuation(self.plan_, plan, self.factor**BRACKET_POWER)
        self.plan_ = plan
        earlier = [trial.candidate for trial in history[: history.n_earlier_trials]]
        return Hyperband(
            plan,
            points,
            metric=self._metric,
            error_score=self.error_score,
            first_bracket_id=1 + max((candidate.bracket_id for candidate in earlier), default=-1),
            first_candidate=1 + max((candidate.info["candidate_id"] for candidate in earlier), default=-1),
            propose=partial(self._propose, space, seed) if self.sampler == "bayes" else None,
        )

    def _draw(
        self, fidelity: MultiFidelity, space: Space, history: History, random_state: RandomState
    ) -> tuple[Plan, list[Params]]:
        """Return the plan, which a small space shrinks, and its candidates, other than those of earlier searches."""
        n = None if self.n_candidates == "auto" else int(self.n_candidates)
        power = BRACKET_POWER - (self.sampler == "bayes")  # more brackets, for the model learns from bracket to bracket
        plan = fidelity.plan(self.schedule, n, self.factor, self.factor**power)
        earlier = [trial.candidate.params for trial in history[: history.n_earlier_trials]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its warning names n_iter
            points = space.sample(plan.n_candidates, random_state, unique=True, exclude=earlier)
        if len(points) < plan.n_candidates:
            warn_user(
                f"{plan.n_candidates} candidates were asked for (n_candidates), but the space has only {len(points)} "
                "left to try."
            )
            plan = fidelity.plan(self.schedule, len(points), self.factor, self.factor**power)
        return plan, points

    def _propose(
        self, space: Space, seed: int, n: int, trials: Sequence[Trial], prior: Sequence[Trial]
    ) -> list[Params]:
        """Propose the candidates of a bracket from the scores on all rungs of earlier brackets."""
        complete = at_full_resource(trials, self._metric)
        strategy = BayesianOptimization(space, n, [], metric=self._metric, seed=seed, max_pending=n)
        proposals = strategy.ask(History(complete, prior, n_earlier_trials=len(complete)))
        return [candidate.params for candidate in proposals]

    # -- the results ---------------------------------------------------------------------------------------------

    def _set_results(self, session: Session) -> None:
        super()._set_results(session)
        resumed_from = [max((fold.resumed_from for fold in trial.folds), default=0) for trial in self._tabulated]
        self.cv_results_["resumed_from"] = np.array(resumed_from)
        own = self._tabulated[session.history.n_earlier_trials :]
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
