"""Members of an ensemble: the best candidates of a fitted search, and their refit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skhpt._mlflow import autologging_paused
from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.ensemble import SearchEnsemble
from skhpt.identity import params_key
from skhpt.reuse.rng_guard import global_rng_kept
from skhpt.reuse.steps import fit_graph
from skhpt.search.fitted import FittedSettings
from skhpt.session.inputs import Inputs
from skhpt.trial import Trial


class MembersMixin:
    """Adds the ensemble of the best candidates to a search."""

    _fitted: FittedSettings
    _tabulated: Sequence[Trial]
    cv_results_: dict[str, Any]
    _metric_that_decides: Callable[[], str]
    _complete_rows: Callable[[str], list[int]]
    _check_inputs: Callable[[ArrayLike, ArrayLike, Params], Inputs]

    def ensemble(
        self, X: ArrayLike, y: ArrayLike = None, *, n_members: int = 5, **params: Any
    ) -> SearchEnsemble:
        """Refit the best candidates on all data, and return the ensemble that predicts their mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, in general those of the search.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target.
        n_members : int, default=5
            Number of candidates; fewer if the search has fewer that are different.
        **params : dict of str -> object
            As for `fit`.

        Returns
        -------
        ensemble : SearchEnsemble
            A fitted `skhpt.ensemble.SearchEnsemble` around this search.

        Raises
        ------
        ValueError
            If the predictions of the candidates have no mean, or no candidate has a score.
        """
        return SearchEnsemble(FrozenEstimator(self), n_members=n_members).fit(X, y, **params)

    # -- what `SearchEnsemble` asks of a search --------------------------------------------------------------

    def _best_rows(self, n: int | None) -> list[int]:
        """Return the rows of the best candidates that are different, the best first.

        Left out are candidates that failed on a fold, were eliminated, or have less than the resource of the best
        one, and those that are fitted like a better one: equal, or different in inert parameters only.

        Parameters
        ----------
        n : int or None
            Maximum number of rows; None for all.
        """
        metric = self._metric_that_decides()
        rows = self._complete_rows(metric)
        order = np.argsort(-self.cv_results_[f"mean_test_{metric}"][rows], kind="stable")
        chosen: list[int] = []
        seen: set[Hashable] = set()
        for i in order:
            if len(chosen) == n:
                break
            keys = self._keys_of_fit(rows[i])
            if not keys & seen:
                chosen.append(rows[i])
            seen |= keys
        return chosen

    def _keys_of_fit(self, row: int) -> set[Hashable]:
        """Return keys of a candidate; candidates with a key in common are fitted in the same way."""
        params = self._tabulated[row].candidate.params
        with global_rng_kept():
            steps = fit_graph(self._fitted.estimator, params).steps
        return {params_key(params), *(step.key for step in steps[-1:])}

    def _refit_rows(self, rows: Sequence[int], X: ArrayLike, y: ArrayLike, params: Params) -> list[Estimator]:
        """Fit the candidates of some rows on all data, as `fit` refits the best one."""
        inputs = self._check_inputs(X, y, params)
        estimators = [self._unfitted_candidate(row) for row in rows]
        with autologging_paused():
            for row, estimator in zip(rows, estimators, strict=True):
                self._fit_candidate(estimator, row, inputs)
        return estimators

    def _unfitted_candidate(self, row: int) -> Estimator:
        """Return the estimator of a row of the table, ready to be fitted on all data."""
        # The parameters are cloned too: they may be estimators, and the user's own must not be fitted.
        params = clone(self.cv_results_["params"][row], safe=False)
        estimator = clone(self._fitted.estimator).set_params(**params)
        return self._fitted.training.prepare(estimator, self._tabulated[row].candidate.resource, None)

    def _fit_candidate(self, estimator: Estimator, row: int, inputs: Inputs) -> None:
        self._fitted.training.fit(
            estimator,
            inputs.X,
            inputs.y,
            params=inputs.fit_params,
            resource=self._tabulated[row].candidate.resource,
        )
