"""What the searches share whose candidates are known before the first one is evaluated."""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy
from typing import Any

from skhpt.history import History
from skhpt.reuse.planner import ReusePlan, plan_of
from skhpt.search.base import BaseSearch
from skhpt.session.session import Session
from skhpt.session.setup import split_for_plan
from skhpt.strategies.fixed_list import FixedList
from skhpt.trial import Candidate


class FixedListSearch(BaseSearch):
    """Base of the searches whose candidates are known before the first one is evaluated."""

    @abstractmethod
    def _points(self, history: History, random_state: Any) -> list[dict[str, Any]]:
        """Return the points to try, but for those that a history has already."""

    def _make_strategy(self, session: Session) -> FixedList:
        history = session.history
        return FixedList(self._points(history, session.random_state), len(history))

    def plan(self, X: Any, y: Any = None, **params: Any) -> ReusePlan:
        """Say what `fit` would do, without doing it.

        Parameters
        ----------
        X, y, **params
            As for `fit`.

        Returns
        -------
        plan : ReusePlan
            How many candidates there are, and folds, and for each part of the estimator how many fits the candidates
            ask for and how many serve them; printing it gives a table. ``plan.n_fits_asked`` and ``plan.n_fits`` are
            the totals, without the refit. It does not know what is known already, from `previous` or a warm start,
            nor what turns out on the way: fits that fail, or that cannot be shared because they draw from numpy's
            global generator.
        """
        self._validate_params()
        X, _, _, folds = split_for_plan(self, X, y, params)
        points = self._points(History(), deepcopy(getattr(self, "random_state", None)))
        candidates = [Candidate(i, point) for i, point in enumerate(points)]
        return plan_of(self.estimator, candidates, len(folds), self.reuse == "close", self._doubt_of_sharing(X))
