"""Members of an ensemble: the best candidates of a fitted search, and their refit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skhpt._mlflow import autologging_paused
from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.ensemble import SearchEnsemble
from skhpt.identity import params_key
from skhpt.results.bias_correction import CorrectedScore, bootstrap_scores, summarize
from skhpt.results.ensemble_selection import best_few_of, choose_greedily
from skhpt.results.prediction_scorers import CandidatePredictions, CandidateScorer, MeanScorer
from skhpt.reuse.rng_guard import global_rng_kept
from skhpt.reuse.steps import fit_graph
from skhpt.search.corrected_score import TestRows, affordable_bootstraps
from skhpt.search.fitted import FittedSettings
from skhpt.session.inputs import Inputs
from skhpt.trial import Trial

#: Maximum number of bootstrap samples on which an ensemble is scored, by one call of the scorer each.
N_MEANS = 500


class MembersMixin:
    """Adds the ensemble of the best candidates to a search."""

    _fitted: FittedSettings
    _tabulated: Sequence[Trial]
    cv_results_: dict[str, Any]
    _metric_that_decides: Callable[[], str]
    _complete_rows: Callable[[str], list[int]]
    _test_rows: TestRows | None
    _eligible_rows: Callable[[str], np.ndarray]
    _candidate_predictions: Callable[[TestRows, np.ndarray], CandidatePredictions]
    _verified_scores: Callable[[TestRows, CandidatePredictions, Sequence[int], str], CandidateScorer]
    _scorer_of: Callable[[str], Any]
    _check_inputs: Callable[[ArrayLike, ArrayLike, Params], Inputs]

    def ensemble(
        self,
        X: ArrayLike,
        y: ArrayLike = None,
        *,
        n_members: int = 5,
        selection: Literal["best", "greedy"] = "best",
        **params: Any,
    ) -> SearchEnsemble:
        """Refit the best candidates on all data, and return the ensemble that predicts their mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, in general those of the search.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target.
        n_members : int, default=5
            Number of the best candidates; fewer if the search has fewer that are different.
        selection : {"best", "greedy"}, default="best"
            Rule that selects the candidates, as for `skhpt.ensemble.SearchEnsemble`.
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

        See Also
        --------
        skhpt.ensemble.SearchEnsemble : The same as an estimator, which fits the search too.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 50]}).fit(X, y)
        >>> ensemble = search.ensemble(X, y, n_members=2)
        >>> [int(row) for row in ensemble.candidates_]
        [1, 0]
        """
        ensemble = SearchEnsemble(FrozenEstimator(self), n_members=n_members, selection=selection)
        return ensemble.fit(X, y, **params)

    # -- what `SearchEnsemble` asks of a search --------------------------------------------------------------

    def _members(self, n: int, selection: str) -> dict[int, float]:
        """Return the rows of the members of an ensemble, the most important first, with their weights.

        Parameters
        ----------
        n : int
            Number of the best candidates, to which "greedy" adds others.
        selection : {"best", "greedy"}
            Rule that selects them.

        Raises
        ------
        ValueError
            If no candidate has a score, or if the rule needs predictions that were not kept.
        """
        metric = self._metric_that_decides()
        if selection == "best":
            rows = self._different_rows(metric, n)
            return dict.fromkeys(rows, 1 / len(rows))
        rows = self._different_rows(metric)
        predictions = self._predictions_for_mean(rows, metric)
        start = (np.arange(len(rows)) < n).astype(float)  # the best come first
        counts = choose_greedily(predictions, np.ones((1, len(predictions.y))), start[np.newaxis])[0]
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return {rows[i]: float(counts[i] / counts.sum()) for i in order}

    def _different_rows(self, metric: str, n: int | None = None) -> list[int]:
        """Return the rows of the candidates that may be members, the best first, `n` of them at most.

        Left out are candidates that failed on a fold, were eliminated, or have less than the resource of the best
        one, and those that are fitted like a better one: equal, or different in inert parameters only.
        """
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

    def _predictions_for_mean(self, rows: Sequence[int], metric: str) -> CandidatePredictions:
        """Return the out-of-fold predictions of some rows; raise ValueError if they have no mean."""
        if self._test_rows is None:
            raise ValueError("no predictions were kept: fit the search with return_predictions=True")
        self._eligible_rows(metric)  # raises if predictions are missing
        predictions = self._candidate_predictions(self._test_rows, np.array(rows))
        method = "predict_proba" if predictions.kind == "classifier" else "predict"
        if any(pooled.method != method for pooled in predictions.pooled):
            raise ValueError(f"the predictions of some candidates are not those of {method}")
        return predictions

    def _corrected_score_of(self, members: Mapping[int, float], n: int, selection: str) -> CorrectedScore:
        """Return the corrected score of the ensemble that `_members` selects, by the metric that decides.

        The selection of the members is repeated on each bootstrap sample.

        Raises
        ------
        ValueError
            If it cannot be computed.
        """
        metric = self._metric_that_decides()
        rows = self._different_rows(metric)
        predictions = self._predictions_for_mean(rows, metric)
        assert self._test_rows is not None
        scores = self._verified_scores(self._test_rows, predictions, rows, metric)
        means = MeanScorer(predictions, self._scorer_of(metric), metric)

        def choose(in_bag: np.ndarray) -> np.ndarray:
            best = best_few_of(scores.score_all(in_bag), n)
            return choose_greedily(predictions, in_bag, best) if selection == "greedy" else best

        n_occurrences = len(predictions.y)
        scores_on_samples = bootstrap_scores(
            choose,
            means.score_means,
            resampling_unit=self._test_rows.unit,
            n_bootstraps=min(affordable_bootstraps(scores, n_occurrences, len(rows)), N_MEANS),
            width=len(rows),
        )
        weights = np.array([[members.get(row, 0.0) for row in rows]])
        pooled_score = means.score_means(np.ones((1, n_occurrences)), weights)[0]
        return summarize(scores_on_samples, pooled_score, len(rows))

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
