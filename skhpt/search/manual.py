"""ManualSearch: points that a person wants to try."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
from sklearn.base import clone

from skhpt import journal
from skhpt._compat import fit_context
from skhpt._warnings import warn_user
from skhpt.fingerprint import describe_value
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.results.cv_results import metric_names
from skhpt.results.leaderboard import score_text
from skhpt.search.base import BaseSearch
from skhpt.session.fidelity import Fidelity
from skhpt.session.session import Session
from skhpt.session.validation import check_candidates
from skhpt.space.constraint import is_allowed
from skhpt.space.space import Space
from skhpt.strategies.fixed_list import FixedList, untried
from skhpt.trial import Trial


class ManualSearch(BaseSearch):
    """Search over given points, by cross-validation, and over more of them one by one.

    `fit` evaluates the candidates in order; `evaluate` tries one more point on the same folds and tells how it
    compares with the best so far. What a candidate leaves out keeps the estimator's own value, which the results
    show.

    Parameters
    ----------
    estimator : estimator object
        The estimator to tune; it needs ``fit``, and ``score`` if `scoring` is None.

    candidates : list of dict
        The points to try: each maps parameter names to single values. ``{}`` is the estimator as it is.

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
    RandomSearch : Points drawn from the space.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import ManualSearch
    >>> X, y = load_iris(return_X_y=True)
    >>> search = ManualSearch(SVC(), [{}, {"kernel": "linear"}]).fit(X, y)
    >>> score = search.evaluate(X, y, kernel="linear", C=0.5)
    C=0.5, kernel='linear': score 0.9867 ± 0.0163, +0.0067 against the best so far (0.9800)
    """

    _parameter_constraints: dict = {
        **BaseSearch._parameter_constraints,
        "candidates": [list, tuple],
    }

    def __init__(
        self,
        estimator: Any,
        candidates: Any,
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
        self.candidates = candidates

    def fit(self, X: Any, y: Any = None, **params: Any) -> ManualSearch:
        """Evaluate the candidates on every fold, and refit the best one on all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training data; for a precomputed kernel or distance matrix its shape is (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Passed to the ``fit`` of the estimator, to the scorer and to the splitter (such as `groups`). `evaluate`
            passes the same again.

        Returns
        -------
        self : object
            The fitted search.
        """
        super().fit(X, y, **params)
        return self

    def evaluate(self, X: Any, y: Any = None, /, **params: Any) -> float | dict[str, float]:
        """Try one more point on the same folds, and print how it compares with the best so far.

        The point joins the results; if it is the best, it is refitted. A point that was tried before is not
        evaluated again. It also works before `fit`, whose candidates then join with ``warm_start=True``.

        Parameters
        ----------
        X, y : array-like
            The data that the search was fitted on.
        **params : object
            Parameters to set on the estimator.

        Returns
        -------
        score : float or dict of str to float
            Mean score over the folds, by metric if there are several.

        Raises
        ------
        ValueError
            If the data, the folds, the metrics or the estimator are not those of the other candidates, if the
            estimator has no such parameter, or if the constraint rejects the point.
        """
        return self._evaluate_one(X, y, params)

    # Apart, because the context has a parameter of its own, `estimator`, as some estimators have.
    @fit_context(prefer_skip_nested_validation=False)
    def _evaluate_one(self, X: Any, y: Any, params: dict[str, Any]) -> float | dict[str, float]:
        points = self._check([params])
        session = self._open_session(X, y, getattr(self, "_fit_params", {}), keep=True, with_pending=False)
        row = self._row_of(points[0], session.history)
        is_new = row is None
        n_known = len(session.history)
        row = n_known if row is None else row
        with session.journal or nullcontext():  # which may have candidates that were interrupted: they come first
            if is_new or session.history.pending:
                self._run(FixedList(points if is_new else [], n_known), session)
            else:
                self._take_over(session)
        self._set_results(session)
        if self.refit and getattr(self, "_refitted_index", None) != self.best_index_:
            self._refit_best(session)
        session.callbacks.end()
        print(self._comparison(points[0], row, is_new))
        means = {name: float(self.cv_results_[f"mean_test_{name}"][row]) for name in self._metrics()}
        return means if self.multimetric_ else means["score"]

    def _take_over(self, session: Session) -> None:
        super()._take_over(session)
        self._fit_params = session.inputs.params

    def _journal_codec(self, space: Space | None) -> tuple[str, journal.Codec]:
        # A list may grow from run to run, but what is written as a place in it must stay there.
        codec = journal.ListCodec(check_candidates(self.estimator, self.candidates))
        return describe_value(codec._values), codec

    def _parse_space(self) -> None:
        return None

    def _make_strategy(self, session: Session) -> FixedList:
        history = session.history
        points = self._check(self.candidates)
        if not points and not len(history):
            raise ValueError(f"there is nothing to evaluate: candidates is {self.candidates!r}")
        return FixedList(untried(points, history), len(history))

    def _check(self, candidates: Any) -> list[dict[str, Any]]:
        """Check candidates, and return those that the constraint allows."""
        points = check_candidates(self.estimator, candidates)
        if self.constraint is None:
            return points
        allowed = [params for params in points if is_allowed(self.constraint, self._as_set(params))]
        if points and not allowed:
            raise ValueError(f"constraint rejects {points[0] if len(points) == 1 else f'every candidate: {points}'}")
        if len(allowed) < len(points):
            n_rejected = len(points) - len(allowed)
            warn_user(f"constraint rejects {n_rejected} of {len(points)} candidates")
        return allowed

    def _shown_params(self, trials: list[Trial], fidelity: Fidelity) -> list[dict[str, Any]]:
        """Show the estimator's own value of what a candidate leaves out, if it has the parameter."""
        names = dict.fromkeys(name for trial in trials for name in trial.candidate.params)
        return [self._completed(trial.candidate.params, names) for trial in trials]

    def _completed(self, params: dict[str, Any], names: Any) -> dict[str, Any]:
        if params.keys() >= set(names):
            return params
        own = self._as_set(params)
        return {name: params.get(name, own.get(name)) for name in names if name in params or name in own}

    def _as_set(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return all parameters that the estimator has once these are set."""
        try:
            return clone(self.estimator).set_params(**clone(params, safe=False)).get_params() | params
        except Exception:  # a failed candidate: there is no such combination of parameters
            return params

    def _row_of(self, params: dict[str, Any], history: History) -> int | None:
        """Find the trial of the same point; what a candidate leaves out counts as the estimator's own value."""
        names = dict.fromkeys([*params, *(name for trial in history for name in trial.candidate.params)])
        key = params_key(self._completed(params, names))
        for row, trial in enumerate(history):
            if params_key(self._completed(trial.candidate.params, names)) == key:
                return row
        return None

    def _metrics(self) -> list[str]:
        return metric_names(self.history_.finished) or ["score"]

    def _comparison(self, params: dict[str, Any], row: int, is_new: bool) -> str:
        """Say how one candidate compares with the best of the others."""
        said = []
        for name in self._metrics():
            means = np.asarray(self.cv_results_[f"mean_test_{name}"])
            std = self.cv_results_[f"std_test_{name}"][row]
            scale = float(np.max(np.abs(means[np.isfinite(means)]), initial=0.0))
            text = f"{name} {score_text(means[row], scale)} ± {score_text(std, scale)}"
            others = np.delete(means, row)
            if np.isfinite(others).any() and np.isfinite(means[row]):
                best = np.nanmax(others)
                change = score_text(means[row] - best, scale)
                whom = "the best so far" if is_new else "the best of the others"
                text += f", {change if change.startswith('-') else '+' + change} against {whom} "
                text += f"({score_text(best, scale)})"
            said.append(text)
        what = ", ".join(f"{name}={value!r}" for name, value in sorted(params.items())) or "the estimator as it is"
        trial = self.history_[row]
        errors = [fold.error.strip().splitlines()[-1] for fold in trial.folds if fold.error]
        if errors:
            said.append(f"{len(errors)} of {len(trial.folds)} folds failed: {errors[0]}")
        return f"{'' if is_new else 'tried before: '}{what}: {'; '.join(said)}"
