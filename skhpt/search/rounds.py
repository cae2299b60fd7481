"""Rounds of candidates that a subclass chooses, by overriding scikit-learn's hook ``_run_search``."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from skhpt import journal
from skhpt._typing import CrossValidator, Params
from skhpt.identity import params_key
from skhpt.session.folds import NO_FITS, Folds
from skhpt.session.session import Session
from skhpt.space.dimensions import MAX_LISTED, Choice
from skhpt.space.space import Space
from skhpt.strategies.base import Strategy
from skhpt.strategies.fixed_list import FixedList
from skhpt.trial import Trial


class SearchEnded(BaseException):
    """A limit or Ctrl-C ended the search, so that the subclass is asked for no further candidates."""


class Rounds:
    """The argument ``evaluate_candidates`` of scikit-learn's ``_run_search``.

    A candidate that the history has already, from a journal or a warm start, is not evaluated again.

    Parameters
    ----------
    session : Session
        The session of the search.
    check : callable
        ``check(candidates)`` returns the candidates that are evaluated, or raises for bad ones.
    evaluate : callable
        ``evaluate(strategy, session, max_time)`` evaluates the candidates of a strategy within so many seconds, and
        returns the reason why it ended.
    draw_folds : callable
        ``draw_folds(cv)`` returns the folds of a splitter.
    make_table : callable
        ``make_table(trials)`` returns ``cv_results_``.
    make_strategy : callable
        ``make_strategy()`` returns the strategy of the search itself.
    max_time : float, timedelta or None
        Limit of all rounds together.
    """

    def __init__(
        self,
        session: Session,
        *,
        check: Callable[[list[Params]], list[Params]],
        evaluate: Callable[[Strategy, Session, float | None], str],
        draw_folds: Callable[[CrossValidator], Folds],
        make_table: Callable[[list[Trial]], dict[str, Any]],
        make_strategy: Callable[[], Strategy],
        max_time: float | timedelta | None,
    ):
        self._session = session
        self._check = check
        self._evaluate = evaluate
        self._draw_folds = draw_folds
        self._make_table = make_table
        self._make_strategy = make_strategy
        seconds = max_time.total_seconds() if isinstance(max_time, timedelta) else max_time
        self._end = None if seconds is None else time.monotonic() + seconds
        self._known: dict[Any, deque[int]] = defaultdict(deque)
        for trial in session.history:
            self._known[params_key(trial.candidate.params)].append(trial.candidate.id)
        self._asked: list[int] = []

    def __call__(
        self,
        candidate_params: Iterable[Params],
        cv: CrossValidator = None,
        more_results: Mapping[str, Iterable[Any]] | None = None,
        callback_ctx: Any = None,
    ) -> dict[str, Any]:
        """Evaluate candidates, and return the table of all that were asked for so far.

        Parameters
        ----------
        candidate_params : iterable of dict
            Candidates.
        cv : splitter, default=None
            Other folds than those of the search, as many of them.
        more_results : dict of str to list, default=None
            Further columns of the table, with a value for each candidate.
        callback_ctx : object, default=None
            Ignored: the search informs callbacks itself.
        """
        given = list(candidate_params)
        if not given:
            raise ValueError(NO_FITS)
        points = self._check(given)
        columns = {name: list(values) for name, values in (more_results or {}).items()}
        if any(len(values) != len(points) for values in columns.values()):
            raise ValueError(f"more_results must have {len(points)} values for each column, got {columns!r}")
        infos = [{name: values[i] for name, values in columns.items()} for i in range(len(points))]
        self._run(FixedList(*self._new(points, infos)), self._with_folds(cv))
        trials = {trial.candidate.id: trial for trial in self._session.history.finished}
        return self._make_table([trials[i] for i in self._asked if i in trials])

    def run_strategy(self) -> dict[str, Any]:
        """Evaluate the candidates of the search itself, and return the table."""
        n_before = len(self._session.history)
        self._run(self._make_strategy(), self._session)
        self._asked += range(n_before, len(self._session.history))
        return self._make_table(self._session.history.finished)

    def _new(
        self, points: list[Params], infos: list[dict[str, Any]]
    ) -> tuple[list[Params], int, list[dict[str, Any]]]:
        """Return the points that are not known, the number of trials before them, and their further columns."""
        n_before = len(self._session.history)
        new: list[Params] = []
        new_infos: list[dict[str, Any]] = []
        for point, info in zip(points, infos, strict=True):
            known = self._known[params_key(point)]
            self._asked.append(known.popleft() if known else n_before + len(new))
            if self._asked[-1] >= n_before:
                new.append(point)
                new_infos.append(info)
        return new, n_before, new_infos

    def _with_folds(self, cv: CrossValidator) -> Session:
        if cv is None:
            return self._session
        folds = self._draw_folds(cv)
        if len(folds) != len(self._session.folds):
            raise ValueError(
                f"cv gives {len(folds)} folds, but the search has {len(self._session.folds)}: {cv!r}"
            )
        return replace(self._session, folds=folds)

    def _run(self, strategy: Strategy, session: Session) -> None:
        seconds = None if self._end is None else max(0.0, self._end - time.monotonic())
        session = replace(session, n_reported=session.history.n_finished)
        if self._evaluate(strategy, session, seconds) != "completed":
            raise SearchEnded


class NullContext:
    """In place of the context of scikit-learn's callbacks: each of its methods returns itself."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self


def codec_of_rounds(space: Space) -> journal.Codec:
    """Return the encoding of candidates that may be outside a space; objects must be among its choices."""
    listed = []
    for branch in space.branches:
        for name, dimension in branch.items():
            if isinstance(dimension, Choice) and dimension.size <= MAX_LISTED:
                listed += [{name: value} for value in dimension.values]
    return journal.ListCodec(listed)
