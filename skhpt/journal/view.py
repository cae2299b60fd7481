"""Read-only view of a journal: progress and best candidates of a search that may run in another process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from skhpt._html import box, facts, shown, table
from skhpt._typing import Params
from skhpt.journal.liveness import State, state_of
from skhpt.journal.reader import Contents
from skhpt.journal.records import texts_from
from skhpt.journal.replay import Replay
from skhpt.results.cv_results import cv_results, mean_scores, metric_names, rank
from skhpt.results.leaderboard import check_n, leaderboard, leaderboard_frame, leaderboard_text
from skhpt.space.summary import SpaceSummary, summary_from_json
from skhpt.strategies.schedule import PLAN_COLUMNS, shown_params
from skhpt.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

#: Hash in a description of data.
_HASH = re.compile(r" #~?[0-9a-f]+")


class JournalView:
    """Content of a journal, without the objects of the search that wrote it; `read_journal` returns one.

    Attributes
    ----------
    path : str
        Absolute path of the file.
    parts : dict of str to str
        Fingerprint of the search: a description of everything that its results depend on.
    facts : dict of str to object
        Metadata that the search stored at its start.
    started : datetime
        Time when the journal was created, in UTC.
    last_sign : datetime
        Time of the last line, in UTC.
    state : {"running", "ended", "dead"}
        "running" while a search has the file open, "ended" if the search said why it ended, and "dead" if its process
        has ended before that. It is the state at the moment of reading.
    stop_reason : str
        Why the search ended: ``stop_reason_`` of the search, or "error" if an exception ended it; empty if it has not
        ended.
    events : list of Event
        Events such as the end of the search, each with ``what``, ``time`` and ``facts``.
    history : History
        All candidates and folds, in the order in which they were asked for. Parameter values that are not plain are
        texts, and predictions are left out. A journal of an older version lacks the trials that the search took over
        from an earlier search; then the ids begin with 0 after them.
    trials : list of Trial
        Finished trials in the order of ``cv_results_`` of the search, with the same ids.
    params : list of dict
        Parameters of each of these trials, as ``cv_results_["params"]`` has them.
    n_splits : int
        Number of folds.
    metrics : list of str
        Names of the metrics; "score" if there is a single metric.
    """

    def __init__(
        self, path: str, contents: Contents, replay: Replay, *, is_locked: bool | None, mtime: float
    ):
        first_line = contents.first_line
        self.path = path
        self.parts = first_line.header.fingerprint
        self.facts = first_line.header.metadata
        self.started = first_line.started
        self.events = list(contents.events)
        self.n_splits = replay.n_splits
        self.history = replay.history
        self.trials: list[Trial] = replay.trials()
        last_time = max(contents.last_time, replay.last_end) or mtime
        self.last_sign = datetime.fromtimestamp(last_time, UTC)
        self.state: State = state_of(
            is_locked, is_ended=contents.is_ended, process=self._process, last_time=last_time
        )
        self.stop_reason = _stop_reason(contents) if self.state == "ended" else ""
        self._own_params = contents.own_params
        self.metrics: list[str] = metric_names(self.trials) or _stored_metrics(self.facts) or ["score"]

    def __repr__(self) -> str:
        return (
            f"<JournalView of {self.path}: {self.state}, {len(self.trials)} candidates finished, "
            f"{self.n_pending} pending>"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the state, and the best candidates."""
        rows = self._rows(10, self.refit_metric)
        pairs = [
            ("state", f"{self.state} ({self.stop_reason})" if self.stop_reason else self.state),
            ("candidates", f"{len(self.trials)} finished, {self.n_pending} pending"),
            ("started", f"{self.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("last sign of life", f"{self.last_sign:%Y-%m-%d %H:%M:%S} UTC"),
            ("file", self.path),
        ]
        head = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[shown(row.get(name, "")) for name in head] for row in rows]
        best = (
            [table([name.removeprefix("param_") for name in head], cells, "best candidates")] if rows else []
        )
        return box(f"Journal of {self.search or 'a search'}", facts(pairs), *best)

    # -- what the search is ------------------------------------------------------------------------------------

    @property
    def search(self) -> str:
        """Name of the class of the search."""
        return str(self.facts.get("search") or self.parts.get("search", "").split(" ", maxsplit=1)[0])

    @property
    def estimator(self) -> str:
        """Description of the estimator."""
        return self.parts.get("estimator", "")

    @property
    def task(self) -> str:
        """Kind of the estimator: "classifier", "regressor", or empty if it is neither or not known."""
        return str(self.facts.get("task") or "")

    @property
    def data(self) -> str:
        """Short description of the data, such as "150 rows, 4 columns"."""
        n_rows, n_columns = self.facts.get("n_rows"), self.facts.get("n_columns")
        if n_rows is None:  # an older version wrote the journal
            return _HASH.sub("", self.parts.get("data", ""))
        return f"{n_rows} rows" if n_columns is None else f"{n_rows} rows, {n_columns} columns"

    @property
    def version(self) -> str:
        """Version of skhpt that wrote the journal last; empty if it is not known."""
        return str(self._process.get("skhpt") or "")

    @property
    def pid(self) -> int | None:
        """Id of the process that wrote the journal last; None if it is not known."""
        pid = self._process.get("pid")
        return pid if type(pid) is int else None

    @property
    def host(self) -> str:
        """Name of the machine of that process; empty if it is not known."""
        return str(self._process.get("host") or "")

    @property
    def n_planned(self) -> int | None:
        """Number of trials at the end of the search, at most; None if it is not known."""
        n = self._process.get("n_planned")
        return n if type(n) is int else None

    @property
    def plan(self) -> list[dict[str, int]]:
        """The rungs of `skhpt.HyperbandSearchCV` as rows of its plan; empty for other searches."""
        return [dict(zip(PLAN_COLUMNS, row)) for row in self._process.get("plan") or ()]

    @property
    def resource(self) -> str:
        """Name of the resource of `skhpt.HyperbandSearchCV`; empty for other searches."""
        return str(self.facts.get("resource") or "")

    @property
    def error_score(self) -> float:
        """Score of a failed fold; NaN if failures are errors."""
        error_score = self.facts.get("error_score")
        return float(error_score) if isinstance(error_score, Real) else np.nan

    @cached_property
    def space(self) -> SpaceSummary:
        """The search space, branch by branch; empty if there is none or it is not known."""
        return summary_from_json(self.facts.get("space") or [])

    @property
    def _process(self) -> dict[str, Any]:
        """What the last process that wrote to the journal said of itself and its plan."""
        return next((event.facts for event in reversed(self.events) if event.what == "begun"), self.facts)

    # -- results -----------------------------------------------------------------------------------------------

    @property
    def n_pending(self) -> int:
        """Number of candidates that are not finished."""
        return len(self.history.pending)

    @cached_property
    def params(self) -> list[Params]:
        own = self.facts.get("own")
        if own is not None:
            return _completed(self.trials, texts_from(own, "own"), self._own_params)
        return [shown_params(trial.candidate, self.resource) for trial in self.trials]

    def _check_has_trials(self) -> None:
        if not self.trials:
            raise ValueError(f"{self.path}: no candidate is finished yet")

    @property
    def has_best(self) -> bool:
        """Whether the search chooses a best candidate: not if there are several metrics and ``refit=False``."""
        return self.metrics == ["score"] or self.facts.get("refit_metric") is not None or bool(self._choice)

    @property
    def _choice(self) -> dict[str, Any]:
        """What a function or a rule for `refit` has chosen; empty if there is none."""
        return next((event.facts for event in reversed(self.events) if event.what == "chosen"), {})

    @cached_property
    def best_index(self) -> int:
        """Row of the best candidate so far; raises ValueError if no candidate is finished."""
        self._check_has_trials()
        row = self._choice.get("row")
        if (
            self._choice.get("n_finished") == len(self.trials)
            and type(row) is int
            and 0 <= row < len(self.trials)
        ):
            return row
        return int(np.argmin(rank(self._means, _budgets(self.trials))))

    @property
    def best_params(self) -> dict[str, Any]:
        """Parameters of the best candidate so far; raises ValueError if no candidate is finished."""
        return dict(self.params[self.best_index])

    @property
    def best_score(self) -> float:
        """Mean score of the best candidate, by the metric that `refit` uses; raises as `best_params` does."""
        best = self.best_index
        return float(self._means[best])

    @cached_property
    def _means(self) -> np.ndarray:
        """Mean scores of the metric that decides: a column of `cv_results_`, which takes longer to make."""
        return mean_scores(
            self.trials, self.refit_metric, error_score=self.error_score, budgets=_budgets(self.trials)
        )

    def leaderboard(self, n: int | None = None, metric: str | None = None) -> pd.DataFrame:
        """Return the candidates so far as a DataFrame, the best first.

        Parameters
        ----------
        n : int, default=None
            Maximum number of candidates; None for all of them.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric that `refit` uses.

        Returns
        -------
        leaderboard : pandas.DataFrame
            One row per candidate, with the columns of ``leaderboard`` of the search; no rows if no candidate is
            finished.

        Raises
        ------
        ImportError
            If pandas is not installed; `leaderboard_text` does not need it.
        ValueError
            If `n` is not positive, or `metric` is unknown.
        """
        metric = self._ranking_metric(metric)
        params = dict.fromkeys(name for candidate in self.history.pending for name in candidate.params)
        metrics = list(dict.fromkeys([metric, *self.metrics]))
        return leaderboard_frame(self._rows(n, metric), metrics, params)

    def leaderboard_text(self, n: int | None = 10, metric: str | None = None) -> str:
        """Return the best candidates so far as a text.

        Parameters
        ----------
        n : int, default=10
            Maximum number of candidates; None for all of them.
        metric : str, default=None
            Metric that ranks the candidates; by default the metric that `refit` uses.

        Returns
        -------
        text : str
            The main columns of the table that `leaderboard` returns, with short heads, aligned.
        """
        return leaderboard_text(self._rows(n, self._ranking_metric(metric))) or "no candidate is finished yet"

    def _ranking_metric(self, metric: str | None) -> str:
        """Return the metric that ranks a leaderboard; raise ValueError if it is unknown."""
        metric = metric or self.refit_metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {self.metrics}, got {metric!r}")
        return metric

    def _rows(self, n: int | None, metric: str) -> list[dict[str, Any]]:
        check_n(n)
        return leaderboard(self.trials, self.cv_results_, metric, n, self.metrics) if self.trials else []

    @property
    def refit_metric(self) -> str:
        """Metric that decides which candidate is the best; the first metric if `refit` does not name one."""
        name = self.facts.get("refit_metric")
        return name if name in self.metrics else self.metrics[0]

    @property
    def _has_train_scores(self) -> bool:
        stored = self.facts.get("return_train_score")
        if isinstance(stored, bool):
            return stored
        return any(fold.train_score is not None for trial in self.trials for fold in trial.folds)

    @cached_property
    def cv_results_(self) -> dict[str, Any]:
        """Table of results with the columns that ``cv_results_`` of the search has; raises as `best_params` does."""
        self._check_has_trials()
        results = cv_results(
            self.trials,
            error_score=self.error_score,
            return_train_score=self._has_train_scores,
            params=self.params,
            budgets=_budgets(self.trials),
            warns=False,  # the search itself does
        )
        if self.resource:
            resumed_from = [max(fold.resumed_from for fold in trial.folds) for trial in self.trials]
            results["resumed_from"] = np.array(resumed_from)
        return results


def _stored_metrics(facts: dict[str, Any]) -> list[str]:
    """Return the names of the metrics that the search stored; none if there is a single metric."""
    names = facts.get("metrics")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return list(names)
    return []


def _stop_reason(contents: Contents) -> str:
    """Return the reason of the last end of the search."""
    ends = (event.facts.get("reason") for event in reversed(contents.events) if event.what == "ended")
    return str(next(ends, ""))


def _completed(trials: Sequence[Trial], own: Params, own_of: Mapping[int, Params]) -> list[Params]:
    """Return the parameters of each trial, with the estimator's own values of those that it leaves out."""
    names = dict.fromkeys(name for trial in trials for name in trial.candidate.params)
    completed = []
    for trial in trials:
        params = trial.candidate.params
        values = {**own_of.get(trial.candidate.id, own), **params}
        completed.append({name: values[name] for name in names if name in values})
    return completed


def _budgets(trials: Sequence[Trial]) -> list[tuple[int, int]] | None:
    """Return the resource and the number of folds of each trial; None if the search has a single resource."""
    budgets = []
    for trial in trials:
        n_resources, n_folds = trial.candidate.info.get("n_resources"), trial.candidate.info.get("n_folds")
        if type(n_resources) is not int or type(n_folds) is not int:
            return None
        budgets.append((n_resources, n_folds))
    return budgets
