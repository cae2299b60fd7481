"""Leaderboards of a fitted search: its best candidates as a DataFrame and as text."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from skhpt.results.cv_results import metric_names
from skhpt.results.leaderboard import leaderboard, leaderboard_frame, leaderboard_text
from skhpt.search.fitted import FittedSettings
from skhpt.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


class LeaderboardMixin:
    """Adds leaderboards to a search."""

    cv_results_: dict[str, Any]
    _tabulated: Sequence[Trial]
    _fitted: FittedSettings

    def leaderboard(self, n: int = 10) -> pd.DataFrame:
        """Return the best candidates as a table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, the best first, indexed by the row of the candidate in ``cv_results_``,
            with its rank, mean score and standard deviation over the folds, mean fit time in seconds, state
            ("ok", "failed", ...) and parameters.

        Raises
        ------
        ImportError
            If pandas is not installed. `leaderboard_text` does not need it.
        """
        return leaderboard_frame(self._leaderboard_rows(n))

    def leaderboard_text(self, n: int = 10) -> str:
        """Return the best candidates as a printable table.

        Parameters
        ----------
        n : int, default=10
            Number of candidates.

        Returns
        -------
        text : str
            The table that `leaderboard` returns, as aligned columns.
        """
        return leaderboard_text(self._leaderboard_rows(n))

    def _leaderboard_rows(self, n: int) -> list[dict[str, Any]]:
        check_is_fitted(self, "cv_results_")
        check_scalar(n, "n", Integral, min_val=1)
        return leaderboard(self._tabulated, self.cv_results_, self._leading_metric(), n)

    def _leading_metric(self) -> str:
        """Return the name of the metric that candidates are ranked by: the metric of `refit`, or the first metric."""
        metrics = metric_names(self._tabulated)
        if metrics is None:
            return "score"
        return self._fitted.metric or metrics[0]
