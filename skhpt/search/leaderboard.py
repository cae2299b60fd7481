"""Leaderboards of a fitted search: its best candidates as a DataFrame and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from skhpt.results.cv_results import metric_names
from skhpt.results.leaderboard import check_n, leaderboard, leaderboard_frame, leaderboard_text
from skhpt.search.fitted import FittedSettings
from skhpt.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


class LeaderboardMixin:
    """Adds leaderboards to a search."""

    cv_results_: dict[str, Any]
    _tabulated: Sequence[Trial]
    _fitted: FittedSettings

    def leaderboard(self, n: int | None = None, metric: str | None = None) -> pd.DataFrame:
        """Return the candidates as a table, the best first.

        Parameters
        ----------
        n : int, default=None
            Maximum number of candidates; None for all of them.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric of `refit`, or the first one.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, indexed by its number: its row in ``cv_results_``, or with `HyperbandSearchCV`,
            where a candidate has several rows, its ``candidate_id``. The columns have the names of ``cv_results_``:
            ``rank_test_<metric>``, the mean and the standard deviation of the scores by this metric and by the
            others (``mean_test_<metric>``, ``std_test_<metric>``), ``mean_fit_time`` in seconds, ``state`` ("ok",
            "failed", "timeout", "crashed" or "eliminated") and ``param_<name>``. `HyperbandSearchCV` has the columns
            ``bracket``, ``rung``, ``n_resources`` and ``n_folds`` too, and one row for the highest rung of each
            candidate.

        Raises
        ------
        ImportError
            If pandas is not installed. `leaderboard_text` does not need it.
        ValueError
            If `n` is not positive, or `metric` is unknown.

        See Also
        --------
        leaderboard_text : The main columns as text, without pandas.
        skhpt.report : HTML page with the table of all candidates.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 50]}).fit(X, y)
        >>> search.leaderboard(2)[["mean_test_score", "param_n_neighbors"]].round(3)
                   mean_test_score  param_n_neighbors
        candidate
        1                    0.973                  5
        0                    0.960                  1
        """
        return leaderboard_frame(self._leaderboard_rows(n, self._ranking_metric(metric)))

    def leaderboard_text(self, n: int | None = 10, metric: str | None = None) -> str:
        """Return the best candidates as a printable table.

        Parameters
        ----------
        n : int, default=10
            Maximum number of candidates; None for all of them.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric of `refit`, or the first one.

        Returns
        -------
        text : str
            The main columns of the table that `leaderboard` returns, with short heads, aligned. The standard
            deviation is that of the metric that ranks.

        See Also
        --------
        leaderboard : All columns as a DataFrame.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 50]}).fit(X, y)
        >>> print(search.leaderboard_text(2))
        rank  candidate   score     std  fit_time  state  n_neighbors
        ----  ---------  ------  ------  --------  -----  -----------
           1          1  0.9733  0.0249    ... ms     ok            5
           2          0  0.9600  0.0249    ... ms     ok            1
        """
        return leaderboard_text(self._leaderboard_rows(n, self._ranking_metric(metric)))

    def _leaderboard_rows(self, n: int | None, metric: str) -> list[dict[str, Any]]:
        check_n(n)
        return leaderboard(self._tabulated, self.cv_results_, metric, n, metric_names(self._tabulated))

    def _ranking_metric(self, metric: str | None) -> str:
        """Return the metric that ranks a leaderboard; raise ValueError if it is unknown."""
        check_is_fitted(self, "cv_results_")
        if metric is None:
            return self._leading_metric()
        metrics = metric_names(self._tabulated) or ["score"]
        if metric not in metrics:
            raise ValueError(f"metric must be one of {metrics}, got {metric!r}")
        return metric

    def _leading_metric(self) -> str:
        """Return the name of the metric that candidates are ranked by: the metric of `refit`, or the first metric."""
        metrics = metric_names(self._tabulated)
        if metrics is None:
            return "score"
        return self._fitted.metric or metrics[0]
