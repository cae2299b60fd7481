"""Out-of-fold predictions and corrected scores of a fitted search, from the predictions that it kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skhpt._compat import check_method_params, num_samples
from skhpt._typing import ArrayLike, Scorer
from skhpt.fitting.scorers import sklearn_metric
from skhpt.results.bias_correction import (
    Choose,
    CorrectedScore,
    best_of,
    bootstrap_scores,
    summarize,
)
from skhpt.results.cv_results import metric_names, rank
from skhpt.results.prediction_scorers import (
    CandidatePredictions,
    CandidateScorer,
    SequentialScorer,
    VectorizedScorer,
    vectorized_scorer,
)
from skhpt.results.predictions import Classes, all_classes, by_row, labels_by_row, pool
from skhpt.search.fitted import FittedSettings
from skhpt.session.session import Session
from skhpt.trial import FoldScore, Trial

#: Number of bootstrap samples.
N_BOOTSTRAPS = 1000
#: Maximum number of products for a vectorised metric; it reduces the number of samples to 200 at least.
N_PRODUCTS = 5 * 10**9
#: Maximum number of calls of any other scorer; it reduces the number of samples to 50 at least.
N_CALLS = 5_000
#: Maximum number of folds on which scores from predictions are compared with recorded scores.
N_VERIFIED = 20
#: Maximum difference between the two, relative to the largest recorded score.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class TestRows:
    """The rows of all test parts. A row occurs once for each fold that tests it.

    Attributes
    ----------
    rows, fold, unit : ndarray of shape (n_occurrences,)
        For each occurrence the index of the row, the index of the fold, and the index of its resampling unit:
        its group, or the row itself.
    n_samples : int
        Number of rows of the data.
    y : ndarray of shape (n_samples, ...) or None
        The targets.
    score_params : dict
        Arguments of the scorer; those with one value per sample are sliced.
    """

    rows: np.ndarray
    fold: np.ndarray
    unit: np.ndarray
    n_samples: int
    y: np.ndarray | None
    score_params: Mapping[str, Any]


def test_rows_of(session: Session) -> TestRows:
    """Return the test rows of a session, with a copy of the targets."""
    n_samples = num_samples(session.inputs.X)
    parts = [np.arange(n_samples)[test] for _, test in session.folds]
    rows = np.concatenate(parts)
    groups = session.inputs.params.get("groups")
    unit = rows if groups is None else np.asarray(groups)[rows]
    return TestRows(
        rows=rows,
        fold=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        unit=np.unique(unit, return_inverse=True)[1],
        n_samples=n_samples,
        y=_copied_targets(session.inputs.y),
        score_params=session.inputs.score_params,
    )


def _copied_targets(y: ArrayLike) -> np.ndarray | None:
    """Return a copy of the targets as an array; numbers in an array of objects become an array of numbers."""
    if y is None:
        return None
    if sparse.issparse(y):
        dense: np.ndarray = y.toarray()
        return dense
    targets = np.array(y)
    is_numeric = targets.dtype == object and all(isinstance(value, Real) for value in targets.flat)
    return np.array(targets.tolist()) if is_numeric else targets


class PredictionsMixin:
    """Adds out-of-fold predictions and the corrected score to a search."""

    _fitted: FittedSettings
    return_predictions: bool
    best_index_: int
    cv_results_: dict[str, Any]
    scorer_: Any
    _tabulated: Sequence[Trial]
    _test_rows: TestRows | None
    _corrected: CorrectedScore | None

    def out_of_fold_predictions(self, index: int | None = None) -> np.ndarray:
        """Return the predictions of a candidate for each row, by the models that were not trained on it.

        Only with ``return_predictions=True``.

        Parameters
        ----------
        index : int, default=None
            Row of the candidate in ``cv_results_``; None means the best candidate.

        Returns
        -------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Predictions in the order of the data, from ``predict_proba`` (one column per class),
            ``decision_function`` or ``predict``, the first of these that the estimator has and that returns
            one array. A row in several test parts has the mean of its predictions, or the most frequent label.
            A row in no test part has NaN, or None among labels.

        Raises
        ------
        ValueError
            If no predictions were kept, or there is no such candidate.

        See Also
        --------
        sklearn.model_selection.cross_val_predict : The same for one estimator.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> grid = {"n_neighbors": [1, 5, 50]}
        >>> search = GridSearch(KNeighborsClassifier(), grid, return_predictions=True).fit(X, y)
        >>> search.out_of_fold_predictions().shape  # probabilities of three classes
        (150, 3)
        """
        check_is_fitted(self, "cv_results_")
        if self._test_rows is None:
            raise ValueError("no predictions were kept: fit with return_predictions=True")
        if index is None and not hasattr(self, "best_index_"):
            raise ValueError("there is no best candidate: give the index of one, or set refit")
        index = self.best_index_ if index is None else index
        check_scalar(index, "index", Integral, min_val=0, max_val=len(self._tabulated) - 1)
        folds = [fold for fold in self._tabulated[index].folds if fold.predictions]
        if not folds:
            raise ValueError(
                f"there are no predictions of candidate {index}: {_reason_without_predictions(self._tabulated[index])}"
            )
        test_rows = self._test_rows
        pooled = pool([fold.predictions for fold in folds if fold.predictions], _classes_of(folds, test_rows))
        rows = np.concatenate([test_rows.rows[test_rows.fold == fold.split] for fold in folds])
        if pooled.n_columns is not None:
            return labels_by_row(pooled.labels, rows, test_rows.n_samples)
        are_labels = pooled.method == "predict" and not _is_numeric_target(
            self._fitted.estimator, pooled.values
        )
        combine = labels_by_row if are_labels else by_row
        return combine(pooled.values, rows, test_rows.n_samples)

    @property
    def corrected_score_(self) -> CorrectedScore:
        """Expected score of the best candidate, corrected for the optimism of choosing the best of many."""
        check_is_fitted(self, "cv_results_")
        if self._test_rows is None:
            raise AttributeError(
                "there is no corrected_score_: no predictions were kept (return_predictions=False)"
            )
        if self._corrected is None:
            try:
                self._corrected = self._compute_corrected_score(self._test_rows)
            except ValueError as error:
                raise AttributeError(f"there is no corrected_score_: {error}") from error
        return self._corrected

    def _keep_test_rows(self, session: Session) -> None:
        """Keep the rows that the predictions belong to."""
        self._test_rows = test_rows_of(session) if self.return_predictions else None
        self._corrected = None

    def _compute_corrected_score(self, test_rows: TestRows) -> CorrectedScore:
        metric = self._metric_that_decides()
        candidates = self._eligible_rows(metric)
        predictions = self._candidate_predictions(test_rows, candidates)
        scores = self._verified_scores(test_rows, predictions, candidates.tolist(), metric)
        n_folds = int(test_rows.fold.max()) + 1 if callable(self._fitted.refit) else 1
        choose = self._choose(scores, test_rows.fold, metric=metric, candidates=candidates)
        n = affordable_bootstraps(scores, len(test_rows.rows), len(candidates) * n_folds)
        scores_on_samples = bootstrap_scores(
            choose,
            scores.score_chosen,
            resampling_unit=test_rows.unit,
            n_bootstraps=n,
            width=len(candidates) * n_folds,
        )
        best = np.flatnonzero(candidates == self.best_index_)
        pooled_score = scores.score_chosen(np.ones((1, len(test_rows.rows))), best)[0]
        return summarize(scores_on_samples, pooled_score, len(candidates))

    def _scorer_of(self, metric: str) -> Any:
        return self.scorer_[metric] if isinstance(self.scorer_, dict) else self.scorer_

    def _verified_scores(
        self, test_rows: TestRows, predictions: CandidatePredictions, rows: Sequence[int], metric: str
    ) -> CandidateScorer:
        """Return a scorer of the predictions of some rows whose scores agree with the recorded ones."""
        recorded = np.array([[fold.score(metric) for fold in self._tabulated[i].folds] for i in rows]).T
        scorer = self._scorer_of(metric)
        return verified_scores(predictions, scorer, metric, fold=test_rows.fold, recorded=recorded)

    def _metric_that_decides(self) -> str:
        names = metric_names(self._tabulated)
        if names is None:
            return "score"
        if self._fitted.metric is None or not hasattr(self, "best_index_"):
            raise ValueError(f"refit does not say which of the metrics decides: {names}")
        return self._fitted.metric

    def _complete_rows(self, metric: str) -> list[int]:
        """Return the rows of ``cv_results_`` with a score on all folds and with the resource of the best row."""
        means = self.cv_results_[f"mean_test_{metric}"]
        is_eligible = np.isfinite(means)
        for name in ("n_resources", "n_folds"):
            if name in self.cv_results_:
                is_eligible &= self.cv_results_[name] == self.cv_results_[name][self.best_index_]
        if not is_eligible.any():
            raise ValueError("no candidate has a score")
        return [i for i in np.flatnonzero(is_eligible).tolist() if self._tabulated[i].state == "ok"]

    def _eligible_rows(self, metric: str) -> np.ndarray:
        """Return the complete rows; raise ValueError if one of them has no predictions."""
        candidates = self._complete_rows(metric)
        for i in [self.best_index_, *candidates]:
            if i not in candidates or not all(fold.predictions for fold in self._tabulated[i].folds):
                raise ValueError(
                    f"there are no predictions of candidate {i}: {_reason_without_predictions(self._tabulated[i])}"
                )
        return np.array(candidates)

    def _candidate_predictions(self, test_rows: TestRows, candidates: np.ndarray) -> CandidatePredictions:
        """Return the predictions of candidates for all occurrences of test rows."""
        if test_rows.y is None or test_rows.y.ndim == 0:
            raise ValueError("there are no targets to compare predictions with")
        folds = [fold for i in candidates for fold in self._tabulated[i].folds]
        classes = _classes_of(folds, test_rows)
        kind = (
            "classifier"
            if is_classifier(self._fitted.estimator)
            else "regressor"
            if is_regressor(self._fitted.estimator)
            else None
        )
        pooled = [pool([f.predictions for f in self._tabulated[i].folds], classes) for i in candidates]
        y = test_rows.y[test_rows.rows]
        if y.ndim == 2 and y.shape[1] == 1 and all(each.labels.ndim == 1 for each in pooled):
            y = y.ravel()  # a target in a column
        return CandidatePredictions(
            pooled=pooled,
            y=y,
            kind=kind,
            classes=classes,
            score_params=check_method_params(
                np.arange(test_rows.n_samples), params=test_rows.score_params, indices=test_rows.rows
            ),
        )

    def _choose(
        self, scores: CandidateScorer, fold: np.ndarray, *, metric: str, candidates: np.ndarray
    ) -> Choose:
        """Return the function that chooses the best candidate of each bootstrap sample, as `refit` does."""
        if not callable(self._fitted.refit):
            return lambda in_bag: best_of(scores.score_all(in_bag))
        rule = self._fitted.refit
        table = {name: _take_rows(column, candidates) for name, column in self.cv_results_.items()}

        def choose(in_bag: np.ndarray) -> np.ndarray:
            by_fold = np.stack(
                [scores.score_all(in_bag * (fold == i)) for i in range(fold.max() + 1)], axis=-1
            )
            return np.array([_row_chosen_by(rule, table, metric, splits) for splits in by_fold])

        return choose


def verified_scores(
    predictions: CandidatePredictions, scorer: Scorer, metric: str, *, fold: np.ndarray, recorded: np.ndarray
) -> CandidateScorer:
    """Return a scorer of predictions whose scores agree, on each fold, with the recorded scores.

    Raises
    ------
    ValueError
        If the scores cannot be computed from the predictions.
    """
    by_scorer = SequentialScorer(predictions, scorer, metric)
    recorded = recorded[:N_VERIFIED]
    parts = (np.arange(len(recorded))[:, np.newaxis] == fold).astype(float)  # (n_folds, n_occurrences)
    candidates: list[CandidateScorer | None] = [_vectorized(predictions, scorer), by_scorer]
    for scores in candidates:
        if scores is not None and _agree(scores.score_all(parts), recorded):
            return scores
    try:
        by_scorer.score(0, np.flatnonzero(fold == 0))
    except Exception as error:
        raise ValueError(f"the scorer needs more than predictions: {error!r}") from error
    raise ValueError(
        "the scores do not follow from the predictions: the scorer, or the estimator's own, needs more"
    )


def _vectorized(predictions: CandidatePredictions, scorer: Any) -> VectorizedScorer | None:
    """Return a scorer that computes the scores of all candidates together, if there is one for the metric."""
    metric = sklearn_metric(scorer, predictions.kind)
    if metric is None:
        return None
    return vectorized_scorer(predictions, metric.function.__name__, sign=metric.sign, params=metric.params)


def _agree(computed: np.ndarray, recorded: np.ndarray) -> bool:
    known = np.isfinite(recorded)
    difference = np.abs(computed[known] - recorded[known])
    return bool(known.any() and (difference <= TOLERANCE * np.abs(recorded[known]).max()).all())


def affordable_bootstraps(scores: CandidateScorer, n_occurrences: int, n_candidates: int) -> int:
    """Return the number of bootstrap samples that the limits of work allow."""
    if isinstance(scores, VectorizedScorer):
        return int(np.clip(N_PRODUCTS // (n_occurrences * n_candidates), 200, N_BOOTSTRAPS))
    return int(np.clip(N_CALLS // n_candidates, 50, 200))


def _row_chosen_by(rule: Any, table: Mapping[str, Any], metric: str, splits: np.ndarray) -> int:
    """Return the row that a rule chooses from a table with other scores, of shape (n_candidates, n_folds)."""
    defined = splits[:, ~np.isnan(splits).all(axis=0)]  # a fold may have no rows in the sample
    if not defined.size or np.isnan(defined).any(axis=1).all():
        return -1
    means = defined.mean(axis=1)
    columns = {f"split{i}_test_{metric}": scores for i, scores in enumerate(splits.T)}
    columns |= {f"mean_test_{metric}": means, f"std_test_{metric}": defined.std(axis=1)}
    return int(rule({**table, **columns, f"rank_test_{metric}": rank(means)}))


def _take_rows(column: Any, rows: np.ndarray) -> Any:
    return [column[i] for i in rows] if isinstance(column, list) else column[rows]


def _classes_of(folds: Sequence[FoldScore], test_rows: TestRows) -> Classes | None:
    return all_classes(folds, test_rows.y)


def _is_numeric_target(estimator: Any, values: np.ndarray) -> bool:
    """Return whether predictions are numbers, of which a mean can be taken."""
    return is_regressor(estimator) and values.dtype.kind in "fiub"


def _reason_without_predictions(trial: Trial) -> str:
    if all(fold.state == "ok" for fold in trial.folds):
        return "it cannot predict, or it was evaluated without return_predictions=True"
    return f"its state is {trial.state!r}"
