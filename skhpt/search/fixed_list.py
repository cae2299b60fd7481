"""Base of the searches whose candidates are known before the first one is evaluated."""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy
from typing import Any

from skhpt._typing import ArrayLike, Params, RandomState
from skhpt.history import History
from skhpt.reuse.report import ReusePlan, plan_of
from skhpt.reuse.rng_guard import global_rng_kept
from skhpt.reuse.scorer_needs import scorer_needs
from skhpt.search.base import BaseSearch
from skhpt.session.run import reason_not_to_share
from skhpt.session.session import Session
from skhpt.space.space import Space
from skhpt.strategies.fixed_list import FixedList, untried
from skhpt.trial import Candidate


class FixedListSearch(BaseSearch):
    """Base of `GridSearch` and `RandomSearch`."""

    _prints_rounds = True

    @abstractmethod
    def _parse_space(self) -> Space: ...

    @abstractmethod
    def _points(self, space: Space, history: History, random_state: RandomState) -> list[Params]:
        """Return the points of the search; they may be drawn such that none of a history occurs again."""

    def _untried(self, points: list[Params], history: History) -> list[Params]:
        """Return the points that are to be evaluated, given a history."""
        return untried(points, history)

    def _make_strategy(self, session: Session) -> FixedList:
        history, drawn = session.history, session.drawn
        points = drawn.points if drawn else self._points(session.search_space, history, session.random_state)
        return FixedList(self._untried(points, history), len(history))

    def plan(self, X: ArrayLike, y: ArrayLike = None, **params: Any) -> ReusePlan:
        """Return which fits the candidates would share, without fitting anything.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, as for `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Further arguments of `fit`.

        Returns
        -------
        plan : ReusePlan
            Numbers of candidates and folds, and for each part of the estimator the number of fits that the
            candidates need and the number of fits that serve them. Printing it gives a table.
            ``plan.n_fits_asked`` and ``plan.n_fits`` are the totals, without the refit. The plan does not
            consider `previous` or a warm start, nor fits that turn out to fail or not to be shareable,
            because they draw from numpy's global generator.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpt import GridSearch
        >>> X, y = load_iris(return_X_y=True)
        >>> search = GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5, 50]})
        >>> print(search.plan(X, y))
        3 candidates on 5 folds: 5 of 15 fits
        step                  candidates  fits per fold
        --------------------  ----------  -------------
        KNeighborsClassifier           3              1
        """
        inputs, space = self._inputs_for_plan(X, y, params)
        assert space is not None
        # One generator may serve both.
        cv, random_state = deepcopy((self.cv, getattr(self, "random_state", None)))
        with global_rng_kept():
            points = self._points(space, History(), random_state)
            folds = self._draw_folds(inputs, cv)
        needs = scorer_needs(inputs.scorer, inputs.estimator)
        return plan_of(
            inputs.estimator,
            [Candidate(i, point) for i, point in enumerate(points)],
            len(folds),
            close=self.reuse == "close",
            scorer=needs,
            reason=reason_not_to_share(inputs.X, needs, reuse=self.reuse, racing=self.racing),
        )
