"""Gain of the best candidate of a fitted search over the estimator as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skhpt.identity import value_key
from skhpt.results.gain import CorrectedGain, corrected_gain
from skhpt.search.fitted import FittedSettings
from skhpt.trial import Trial


class GainMixin:
    """Adds the gain over the estimator as it is to a search."""

    _fitted: FittedSettings
    _tabulated: Sequence[Trial]
    best_index_: int
    _metric_that_decides: Callable[[], str]
    _complete_rows: Callable[[str], list[int]]

    @property
    def corrected_gain_(self) -> CorrectedGain:
        """Expected gain of the best candidate over the estimator as it is, without the optimism of the choice."""
        check_is_fitted(self, "cv_results_")
        try:
            return self._compute_corrected_gain()
        except ValueError as error:
            raise AttributeError(f"there is no corrected_gain_: {error}") from error

    def _compute_corrected_gain(self) -> CorrectedGain:
        if callable(self._fitted.refit):
            raise ValueError("refit is a callable, and the correction is for the highest mean score")
        if not hasattr(self, "best_index_"):
            raise ValueError("there is no best candidate")
        metric = self._metric_that_decides()
        rows = self._complete_rows(metric)
        default = self._row_of_default(rows)
        if self.best_index_ not in rows:
            raise ValueError("the best candidate has no score on a fold")
        scores = np.array([[fold.score(metric) for fold in self._tabulated[row].folds] for row in rows])
        found = corrected_gain(
            scores, rows.index(self.best_index_), rows.index(default), self._fitted.test_ratio
        )
        return found._replace(default_index=default)

    def _row_of_default(self, rows: Sequence[int]) -> int:
        """Return the first row whose parameters are those of the estimator; raise ValueError without one."""
        candidates: list[dict[str, Any]] = [self._tabulated[row].candidate.params for row in rows]
        names = {name for params in candidates for name in params}
        params_of_estimator = self._fitted.estimator.get_params(deep=True)
        own = {name: value_key(value) for name, value in params_of_estimator.items() if name in names}
        for row, params in zip(rows, candidates, strict=True):
            if all(name in own and value_key(value) == own[name] for name, value in params.items()):
                return row
        raise ValueError("the estimator as it is was not evaluated on all folds")
