"""What a search makes of the predictions that it kept: out-of-fold predictions, and a score without optimism."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skhpt._compat import check_method_params, num_samples
from skhpt.fitting.scorers import sklearn_metric
from skhpt.results.bias_correction import Choose, CorrectedScore, best_of, bootstrap_scores, summarize
from skhpt.results.cv_results import metric_names, rank
from skhpt.results.prediction_scorers import (
    CandidatePredictions,
    CandidateScorer,
    SequentialScorer,
    VectorizedScorer,
    vectorized_scorer,
)
from skhpt.results.predictions import all_classes, by_row, labels_by_row, pool
from skhpt.session.session import Session
from skhpt.trial import FoldScore, Trial

#: Bootstrap samples, and the work that may make them fewer: products for a metric that is computed at once (200 samples
#: at least), calls of any other scorer (50 at least).
N_BOOTSTRAPS, N_PRODUCTS, N_CALLS = 1000, 5 * 10**9, 5_000
#: Folds on which it is looked whether scores follow from predictions, at most.
N_VERIFIED = 20
#: How far a score that is computed from predictions may be from the one that was recorded, relative to the largest.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class TestRows:
    """The test parts of a search, and what is true of them.

    Attributes
    ----------
    rows, fold, unit : ndarray of shape (n_occurrences,)
        Of each row in each test part: its number, the number of the fold, and the number of what is drawn with it in a
        bootstrap sample: its group, or itself.
    n_samples : int
        Rows of the data.
    y : ndarray of shape (n_samples, ...) or None
        The targets.
    score_params : dict
        What is passed to the scorer; entries with a row for each sample are cut.
    """

    rows: np.ndarray
    fold: np.ndarray
    unit: np.ndarray
    n_samples: int
    y: np.ndarray | None
    score_params: Mapping[str, Any]


def test_rows_of(session: Session) -> TestRows:
    """Keep what is needed of a session, with a copy of the targets."""
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
        y=None if session.inputs.y is None else np.array(session.inputs.y),
        score_params=session.inputs.score_params,
    )


class PredictionsMixin:
    """Gives a search what follows from kept predictions."""

    estimator: Any
    refit: Any
    return_predictions: bool
    best_index_: int
    cv_results_: dict[str, Any]
    scorer_: Any
    _tabulated: Sequence[Trial]
    _tested: TestRows | None
    _corrected: CorrectedScore | None

    @property
    @abstractmethod
    def _metric(self) -> str | None:
        """Name of the metric that candidates are compared by; None for the only or first one."""

    def out_of_fold_predictions(self, index: int | None = None) -> np.ndarray:
        """Return what a candidate predicted for each row when it was in a test part.

        Only with ``return_predictions=True``.

        Parameters
        ----------
        index : int, default=None
            Row of the candidate in ``cv_results_``; None means the best one.

        Returns
        -------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_columns)
            In the order of the data: what ``predict_proba`` returned (with a column for each class, in their order),
            else ``decision_function``, else ``predict``. Rows that were tested several times have the mean of their
            predictions, or the most frequent label; rows that were never tested NaN, or None among labels.

        Raises
        ------
        ValueError
            If no predictions were kept, or there is no such candidate.

        See Also
        --------
        sklearn.model_selection.cross_val_predict : The same for one estimator.
        """
        check_is_fitted(self, "cv_results_")
        if self._tested is None:
            raise ValueError("no predictions were kept: fit with return_predictions=True")
        if index is None and not hasattr(self, "best_index_"):
            raise ValueError("there is no best candidate: give the index of one, or set refit")
        index = self.best_index_ if index is None else index
        check_scalar(index, "index", Integral, min_val=0, max_val=len(self._tabulated) - 1)
        folds = [fold for fold in self._tabulated[index].folds if fold.predictions]
        if not folds:
            raise ValueError(f"there are no predictions of candidate {index}: {_why_none(self._tabulated[index])}")
        tested = self._tested
        pooled = pool([fold.predictions for fold in folds if fold.predictions], _classes_of(folds, tested))
        rows = np.concatenate([tested.rows[tested.fold == fold.split] for fold in folds])
        are_labels = pooled.method == "predict" and not _is_numeric_target(self.estimator, pooled.values)
        combine = labels_by_row if are_labels else by_row
        return combine(pooled.values, rows, tested.n_samples)

    @property
    def corrected_score_(self) -> CorrectedScore:
        """The score that is to be expected of the best candidate, without the optimism of its choice."""
        check_is_fitted(self, "cv_results_")
        if self._tested is None:
            raise AttributeError("there is no corrected_score_: no predictions were kept (return_predictions=False)")
        if self._corrected is None:
            try:
                self._corrected = self._correct(self._tested)
            except ValueError as error:
                raise AttributeError(f"there is no corrected_score_: {error}") from error
        return self._corrected

    def _keep_test_rows(self, session: Session) -> None:
        """Keep what the predictions are of."""
        self._tested = test_rows_of(session) if self.return_predictions else None
        self._corrected = None

    def _correct(self, tested: TestRows) -> CorrectedScore:
        metric = self._metric_to_correct()
        candidates = self._candidates_to_choose_from(metric)
        scorer = self.scorer_[metric] if isinstance(self.scorer_, dict) else self.scorer_
        recorded = np.array([[fold.score(metric) for fold in self._tabulated[i].folds] for i in candidates]).T
        scores = _verified(self._answers(tested, candidates), scorer, metric, tested.fold, recorded)
        choose: Choose = lambda in_bag: best_of(scores.score_all(in_bag))  # noqa: E731
        n_folds = 1
        if callable(self.refit):
            choose, n_folds = self._by_rule(self.refit, scores, tested.fold, metric, candidates), len(recorded)
        n = _n_bootstraps(scores, len(tested.rows), len(candidates) * n_folds)
        scores_on_samples = bootstrap_scores(
            choose,
            scores.score_chosen,
            resampling_unit=tested.unit,
            n_bootstraps=n,
            width=len(candidates) * n_folds,
        )
        best = np.flatnonzero(candidates == self.best_index_)
        pooled_score = scores.score_chosen(np.ones((1, len(tested.rows))), best)[0]
        return summarize(scores_on_samples, pooled_score, len(candidates))

    def _metric_to_correct(self) -> str:
        names = metric_names(self._tabulated)
        if names is None:
            return "score"
        if self._metric is None or not hasattr(self, "best_index_"):
            raise ValueError(f"refit does not say which of the metrics decides: {names}")
        return self._metric

    def _candidates_to_choose_from(self, metric: str) -> np.ndarray:
        """Return the rows of the candidates that could have been the best: they have come as far, and have a score."""
        means = self.cv_results_[f"mean_test_{metric}"]
        could_be = np.isfinite(means)
        for name in ("n_resources", "n_folds"):
            if name in self.cv_results_:
                could_be &= self.cv_results_[name] == self.cv_results_[name][self.best_index_]
        candidates = [i for i in np.flatnonzero(could_be).tolist() if self._tabulated[i].state == "ok"]
        if not could_be.any():
            raise ValueError("no candidate has a score")
        for i in [self.best_index_, *candidates]:
            if i not in candidates or not all(fold.predictions for fold in self._tabulated[i].folds):
                raise ValueError(f"there are no predictions of candidate {i}: {_why_none(self._tabulated[i])}")
        return np.array(candidates)

    def _answers(self, tested: TestRows, candidates: np.ndarray) -> CandidatePredictions:
        """Put together what candidates predicted, for all occurrences."""
        if tested.y is None or tested.y.ndim == 0:
            raise ValueError("there are no targets to compare predictions with")
        folds = [fold for i in candidates for fold in self._tabulated[i].folds]
        classes = _classes_of(folds, tested)
        kind = "classifier" if is_classifier(self.estimator) else "regressor" if is_regressor(self.estimator) else None
        return CandidatePredictions(
            pooled=[pool([f.predictions for f in self._tabulated[i].folds], classes) for i in candidates],
            y=tested.y[tested.rows],
            kind=kind,
            classes=classes,
            score_params=check_method_params(
                np.arange(tested.n_samples), params=tested.score_params, indices=tested.rows
            ),
        )

    def _by_rule(
        self,
        rule: Callable[[Mapping[str, Any]], int],
        scores: CandidateScorer,
        fold: np.ndarray,
        metric: str,
        candidates: np.ndarray,
    ) -> Choose:
        """Choose as `refit` does, if it is a function: from the table of results that a sample would have given."""
        table = {name: _at(column, candidates) for name, column in self.cv_results_.items()}

        def choose(in_bag: np.ndarray) -> np.ndarray:
            by_fold = np.stack([scores.score_all(in_bag * (fold == i)) for i in range(fold.max() + 1)], axis=-1)
            return np.array([_chosen(rule, table, metric, splits) for splits in by_fold])

        return choose


def _verified(
    answers: CandidatePredictions, scorer: Any, metric: str, fold: np.ndarray, recorded: np.ndarray
) -> CandidateScorer:
    """Return scores that agree, on each fold, with those that the models got.

    Raises
    ------
    ValueError
        If the score does not follow from the predictions.
    """
    by_scorer = SequentialScorer(answers, scorer, metric)
    recorded = recorded[:N_VERIFIED]
    parts = (np.arange(len(recorded))[:, np.newaxis] == fold).astype(float)  # (n_folds, n_occurrences)
    candidates: list[CandidateScorer | None] = [_vectorized(answers, scorer), by_scorer]
    for scores in candidates:
        if scores is not None and _agree(scores.score_all(parts), recorded):
            return scores
    try:
        by_scorer.score(0, np.flatnonzero(fold == 0))
    except Exception as error:
        raise ValueError(f"the scorer needs more than predictions: {error!r}") from error
    raise ValueError("the scores do not follow from the predictions: the scorer, or the estimator's own, needs more")


def _vectorized(answers: CandidatePredictions, scorer: Any) -> VectorizedScorer | None:
    """Return a scorer that computes the scores of all candidates together, if there is one for the metric."""
    metric = sklearn_metric(scorer, answers.kind)
    if metric is None:
        return None
    return vectorized_scorer(answers, metric.function.__name__, sign=metric.sign, params=metric.params)


def _agree(computed: np.ndarray, recorded: np.ndarray) -> bool:
    known = np.isfinite(recorded)
    difference = np.abs(computed[known] - recorded[known])
    return bool(known.any() and (difference <= TOLERANCE * np.abs(recorded[known]).max()).all())


def _n_bootstraps(scores: CandidateScorer, n_occurrences: int, n_candidates: int) -> int:
    """Return how many samples are affordable."""
    if isinstance(scores, VectorizedScorer):
        return int(np.clip(N_PRODUCTS // (n_occurrences * n_candidates), 200, N_BOOTSTRAPS))
    return int(np.clip(N_CALLS // n_candidates, 50, 200))


def _chosen(rule: Any, table: Mapping[str, Any], metric: str, splits: np.ndarray) -> int:
    """Return what a rule chooses from a table with other scores, of shape (n_candidates, n_folds)."""
    defined = splits[:, ~np.isnan(splits).all(axis=0)]  # a fold may have no rows in the sample
    if not defined.size or np.isnan(defined).any(axis=1).all():
        return -1
    means = defined.mean(axis=1)
    columns = {f"split{i}_test_{metric}": scores for i, scores in enumerate(splits.T)}
    columns |= {f"mean_test_{metric}": means, f"std_test_{metric}": defined.std(axis=1)}
    return int(rule({**table, **columns, f"rank_test_{metric}": rank(means)}))


def _at(column: Any, rows: np.ndarray) -> Any:
    return [column[i] for i in rows] if isinstance(column, list) else column[rows]


def _classes_of(folds: Sequence[FoldScore], tested: TestRows) -> np.ndarray | None:
    return all_classes(folds, tested.y)


def _is_numeric_target(estimator: Any, values: np.ndarray) -> bool:
    """Tell whether the mean of predictions makes sense."""
    return is_regressor(estimator) and values.dtype.kind in "fiub"


def _why_none(trial: Trial) -> str:
    if all(fold.state == "ok" for fold in trial.folds):
        return "it cannot predict, or it was evaluated without return_predictions=True"
    return f"its state is {trial.state!r}"
