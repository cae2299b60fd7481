"""ManualSearch: evaluation of candidates that the user lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, Literal

import numpy as np
from sklearn.base import clone

from skhpt import journal
from skhpt._compat import fit_context
from skhpt._mlflow import autologging_paused
from skhpt._typing import ArrayLike, Constraint, CrossValidator, ErrorScore, Estimator, Params, Refit, Scoring
from skhpt._warnings import warn_user
from skhpt.fingerprint import describe_value
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.results.cv_results import metric_names
from skhpt.results.leaderboard import score_text
from skhpt.search._shared_docs import add_shared_docs
from skhpt.search.base import BaseSearch
from skhpt.session.fidelity import Fidelity
from skhpt.session.resume import recording
from skhpt.session.session import Session
from skhpt.session.validation import check_candidates
from skhpt.space.constraint import is_allowed
from skhpt.space.space import Space
from skhpt.strategies.fixed_list import FixedList, untried
from skhpt.trial import Trial


@add_shared_docs
class ManualSearch(BaseSearch):
    """Search over given points, and over further points one by one, by cross-validation.

    `fit` evaluates the candidates in order. `evaluate` evaluates one more point on the same folds and
    compares its score with the best score so far. Parameters that a candidate leaves out keep the values of
    the estimator, which the results show.

    Parameters
    ----------
    candidates : list of dict
        The points to evaluate: parameter names and single values. ``{}`` is the estimator with its own
        parameters.

    See Also
    --------
    GridSearch : Every point of a grid.
    RandomSearch : Random or evenly spread points.

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
        estimator: Estimator,
        candidates: Sequence[Params],
        *,
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
        self.candidates = candidates

    def evaluate(self, X: ArrayLike, y: ArrayLike = None, /, **params: Any) -> float | dict[str, float]:
        """Evaluate one more point on the same folds, and print a comparison with the best score so far.

        The point becomes part of the results. If it is the best, it is refitted. A point that was evaluated
        before is not evaluated again. Before `fit`, `evaluate` begins a search, to which `fit` with
        ``warm_start=True`` adds its candidates. Further arguments of `fit`, such as `groups`, are used again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data that the search was fitted on.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
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

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import ManualSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> search = ManualSearch(KNeighborsClassifier(), [{"n_neighbors": 5}]).fit(X, y)
        >>> score = search.evaluate(X, y, n_neighbors=50)
        n_neighbors=50: score 0.9133 ± 0.0267, -0.0600 against the best so far (0.9733)
        """
        row: int = self._evaluate_point(X, y, params)
        means = {name: float(self.cv_results_[f"mean_test_{name}"][row]) for name in self._metrics()}
        return means if self.multimetric_ else means["score"]

    # A method of its own: `fit_context` has a parameter `estimator`, and so have some estimators.
    @autologging_paused()
    @fit_context(prefer_skip_nested_validation=False)
    def _evaluate_point(self, X: ArrayLike, y: ArrayLike, params: Params) -> int:
        """Evaluate a point, print the comparison, and return its row in ``cv_results_``."""
        points = self._checked([params])
        fit_params = getattr(self, "_fit_params", {})
        session = self._open_session(X, y, fit_params, keep=True, with_pending=False, reports=False)
        n_before = len(session.history)
        row = self._row_of(points[0], session.history)
        is_new = row is None
        row = n_before if row is None else row
        # A journal may bring pending candidates, which are evaluated first.
        with session.search_callbacks:
            with recording(session, self._get_stop_reason):
                if is_new or session.history.pending:
                    self._run(FixedList(points if is_new else [], n_before), session)
                else:
                    self._take_over(session)
            self._set_results(session)
            if self.refit and getattr(self, "_refitted_index", None) != self.best_index_:
                self._refit_best(session)
        session.callbacks.end()
        print(self._comparison(points[0], row, is_new))
        return row

    def _take_over(self, session: Session) -> None:
        super()._take_over(session)
        self._fit_params = session.inputs.params

    def _journal_codec(self, space: Space | None) -> tuple[str, journal.Codec]:
        # A journal refers to values by their positions in the list, so the list may only grow at its end.
        codec = journal.ListCodec(check_candidates(self.estimator, self.candidates))
        return describe_value(codec.values), codec

    def _params_of_estimator(self) -> Params:
        return dict(self.estimator.get_params())

    def _own_params(self, params: Params) -> Params | None:
        own, usual = self._all_params(params), self._params_of_estimator()
        left_out = {name: value for name, value in own.items() if name not in params}
        usual = {name: value for name, value in usual.items() if name not in params}
        return None if describe_value(left_out) == describe_value(usual) else left_out

    def _parse_space(self) -> None:
        return None

    def _make_strategy(self, session: Session) -> FixedList:
        history = session.history
        points = self._checked(self.candidates)
        if not points and not len(history):
            raise ValueError(f"there is nothing to evaluate: candidates is {self.candidates!r}")
        return FixedList(untried(points, history), len(history))

    def _constrained_params(self, params: Params) -> Params:
        return self._all_params(params)

    def _checked(self, candidates: Sequence[Params]) -> list[Params]:
        """Check candidates, and return those that the constraint allows."""
        points = check_candidates(self.estimator, candidates)
        if self.constraint is None:
            return points
        allowed = [
            params for params in points if is_allowed(self.constraint, self._constrained_params(params))
        ]
        if points and not allowed:
            raise ValueError(
                f"constraint rejects {points[0] if len(points) == 1 else f'every candidate: {points}'}"
            )
        if len(allowed) < len(points):
            warn_user(f"constraint rejects {len(points) - len(allowed)} of {len(points)} candidates")
        return allowed

    # -- parameters that a candidate leaves out --------------------------------------------------------------

    def _shown_params(self, trials: list[Trial], fidelity: Fidelity) -> list[Params]:
        """Return the parameters of each trial, with the estimator's own value of those that it leaves out."""
        names = dict.fromkeys(name for trial in trials for name in trial.candidate.params)
        return [self._completed(trial.candidate.params, names) for trial in trials]

    def _completed(self, params: Params, names: Iterable[str]) -> Params:
        """Return the values of some parameters, as far as the estimator has them."""
        if params.keys() >= set(names):
            return params
        own = self._all_params(params)
        return {name: params.get(name, own.get(name)) for name in names if name in params or name in own}

    def _all_params(self, params: Params) -> Params:
        """Return all parameters that the estimator has after these are set."""
        try:
            estimator = clone(self.estimator).set_params(**clone(params, safe=False))
        except Exception:  # a failed candidate: there is no such combination of parameters
            return params
        return dict(estimator.get_params()) | params

    def _row_of(self, params: Params, history: History) -> int | None:
        """Return the index of the trial of the same point; None if there is none."""
        names = dict.fromkeys([*params, *(name for trial in history for name in trial.candidate.params)])
        key = params_key(self._completed(params, names))
        for row, trial in enumerate(history):
            if params_key(self._completed(trial.candidate.params, names)) == key:
                return row
        return None

    # -- the comparison --------------------------------------------------------------------------------------

    def _metrics(self) -> list[str]:
        return metric_names(self.history_.finished) or ["score"]

    def _comparison(self, params: Params, row: int, is_new: bool) -> str:
        """Return a line with the point, its scores, and their differences to the best of the other candidates."""
        point = (
            ", ".join(f"{name}={value!r}" for name, value in sorted(params.items()))
            or "the estimator as it is"
        )
        parts = [self._compared_score(metric, row, is_new) for metric in self._metrics()]
        trial = self.history_[row]
        errors = [fold.error_line for fold in trial.folds if fold.error]
        if errors:
            parts.append(f"{len(errors)} of {len(trial.folds)} folds failed: {errors[0]}")
        return f"{'' if is_new else 'tried before: '}{point}: {'; '.join(parts)}"

    def _compared_score(self, metric: str, row: int, is_new: bool) -> str:
        means = np.asarray(self.cv_results_[f"mean_test_{metric}"])
        std = self.cv_results_[f"std_test_{metric}"][row]
        scale = float(np.max(np.abs(means[np.isfinite(means)]), initial=0.0))
        text = f"{metric} {score_text(means[row], scale)} ± {score_text(std, scale)}"
        others = np.delete(means, row)
        if not np.isfinite(others).any() or not np.isfinite(means[row]):
            return text
        best = np.nanmax(others)
        change = score_text(means[row] - best, scale)
        sign = "" if change.startswith("-") else "+"
        compared = "the best so far" if is_new else "the best of the others"
        return f"{text}, {sign}{change} against {compared} ({score_text(best, scale)})"
