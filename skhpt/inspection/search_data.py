"""One view of all searches: what displays, reports and exports need of a fitted search, a journal or a table."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

import numpy as np
from sklearn.exceptions import NotFittedError

from skhpt._typing import Params
from skhpt.fitting.scorers import task_of
from skhpt.inspection.result_tables import read_trials, shown_params
from skhpt.journal import JournalView, read_journal
from skhpt.results.cv_results import metric_names
from skhpt.results.results_table import as_table, check_columns
from skhpt.select import Rule
from skhpt.space.space import Space
from skhpt.space.summary import (
    ParamSummary,
    SpaceSummary,
    is_number,
    plain_choice,
    summarize_choices,
    summarize_space,
)
from skhpt.trial import Trial

#: A fitted search of this package or of scikit-learn, a `JournalView`, the path of a journal, or ``cv_results_``.
Source: TypeAlias = Any
#: Attributes with the search space of a search, of scikit-learn's searches and of others.
SPACE_ATTRIBUTES = ("param_distributions", "param_grid", "search_spaces")


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchData:
    """Results of a search, wherever they come from; `read_source` returns them.

    The arrays have one entry for each finished trial, in the order of ``cv_results_``: `n_trials` of them. Trials
    that failed on every fold, and trials that a race eliminated, have the score NaN.

    Parameters
    ----------
    label : str
        Name for legends and titles: the class of the search, or the file name of the journal.
    search : str
        Name of the class of the search; empty if it is not known.
    trials : list of Trial
        Finished trials.
    params : list of dict
        Parameters of each trial as ``cv_results_["params"]`` has them.
    metrics : list of str
        Names of the metrics, "score" for the only one.
    metric : str
        Metric that ranks the candidates unless another one is asked for.
    space : list of dict of str to ParamSummary
        The branches of the search space; derived from the values of the trials if the space is not known.
    n_splits : int
        Number of folds.
    error_score : float
        Score of a failed fold among others of a trial; NaN if such a trial has no score.
    resource : str
        Name of the resource of a search with rungs, such as "n_estimators"; empty for other searches.
    best_index : int or None
        Row of the candidate that the search has chosen; None if there is none.
    n_planned : int or None
        Number of trials at the end of the search, at most; None if it is not known.
    state : {"running", "ended", "dead"}
        State of the search: "dead" if its process has ended before the search.
    stop_reason : str
        Why the search ended, as ``stop_reason_`` has it; "error" if an exception ended it; empty if it has not ended or
        it is not known.
    started : datetime or None
        Time when the search began, in UTC.
    fingerprint : dict of str to str, or None
        Descriptions of what scores depend on: ``data``, ``folds``, ``scoring``, ``estimator`` and more.
    task : {"classifier", "regressor", ""}
        Kind of the estimator, if it is known and one of these.
    fitted : estimator or None
        The fitted search, if it is the source.
    settings : FittedSettings or None
        Parameters of a fitted search of this package as they were at its fit.
    journal : JournalView or None
        The journal, if it is the source.

    See Also
    --------
    read_source : Makes this view of a search, a journal or a table.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpt import GridSearch
    >>> from skhpt.inspection import read_source
    >>> X, y = load_iris(return_X_y=True)
    >>> data = read_source(GridSearch(KNeighborsClassifier(), {"n_neighbors": [1, 5]}).fit(X, y))
    >>> data.metric, data.params[data.best_index], data.fold_scores().shape
    ('score', {'n_neighbors': 5}, (2, 5))
    """

    label: str
    search: str
    trials: Sequence[Trial]
    params: Sequence[Params]
    metrics: Sequence[str]
    metric: str
    space: SpaceSummary
    n_splits: int
    error_score: float = math.nan
    resource: str = ""
    best_index: int | None = None
    n_planned: int | None = None
    state: str = "ended"
    stop_reason: str = ""
    started: datetime | None = None
    fingerprint: Mapping[str, str] | None = None
    task: str = ""
    fitted: Any = None
    settings: Any = None
    journal: JournalView | None = None

    def __repr__(self) -> str:
        scores = self.scores()
        best = f", best score {np.nanmax(scores):.4g}" if np.isfinite(scores).any() else ""
        return f"<SearchData of {self.label}: {self.n_trials} trials{best}>"

    @property
    def n_trials(self) -> int:
        """Number of finished trials."""
        return len(self.trials)

    def checked_metric(self, metric: str | None) -> str:
        """Return the name of a metric, which is checked.

        Parameters
        ----------
        metric : str or None
            Name of a metric; None for the one that ranks the candidates.

        Returns
        -------
        metric : str
            Name of the metric.

        Raises
        ------
        ValueError
            If there is no such metric.
        """
        if metric is None:
            return self.metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {list(self.metrics)}, got {metric!r}")
        return metric

    def checked_params(self, params: Sequence[str] | str | None) -> list[str]:
        """Return names of parameters, which are checked.

        Parameters
        ----------
        params : str, sequence of str or None
            Names of parameters; None for all that vary.

        Returns
        -------
        params : list of str
            Names of the parameters.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        if params is None:
            return self.varying_params
        names = [params] if isinstance(params, str) else list(params)
        for name in names:
            if name not in self.summaries:
                raise ValueError(f"params must be among {list(self.summaries)}, got {name!r}")
        return names

    # -- arrays, one entry for each trial ----------------------------------------------------------------------

    def scores(self, metric: str | None = None) -> np.ndarray:
        """Return the mean scores, as ``cv_results_`` has them.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; by default the one that ranks the candidates.

        Returns
        -------
        scores : ndarray of shape (n_trials,)
            Mean scores; NaN for trials that failed on every fold.
        """
        name = self.score_name(self.checked_metric(metric))
        means = [
            trial.mean_score(name, self.error_score) if _has_score(trial) else math.nan
            for trial in self.trials
        ]
        return np.array(means, dtype=float)

    def fold_scores(self, metric: str | None = None) -> np.ndarray:
        """Return the scores on each fold.

        Parameters
        ----------
        metric : str, default=None
            Name of the metric; by default the one that ranks the candidates.

        Returns
        -------
        scores : ndarray of shape (n_trials, n_splits)
            Scores; NaN for failed and skipped folds.
        """
        name = self.score_name(self.checked_metric(metric))
        scores = np.full((self.n_trials, self.n_splits), np.nan)
        for i, trial in enumerate(self.trials):
            for fold in trial.folds:
                scores[i, fold.split] = fold.score(name)
        return scores

    @cached_property
    def fit_times(self) -> np.ndarray:
        """Mean fit times of the evaluated folds in seconds, shape (n_trials,); NaN where all were skipped."""
        times = [[fold.fit_time for fold in trial.evaluated] for trial in self.trials]
        return np.array([np.mean(row) if row else np.nan for row in times], dtype=float)

    @cached_property
    def ended(self) -> np.ndarray:
        """Times when the trials ended, in Unix seconds, shape (n_trials,); NaN where they are not known."""
        ends = [max((fold.ended for fold in trial.folds), default=0.0) for trial in self.trials]
        return np.array([end or np.nan for end in ends], dtype=float)

    @cached_property
    def states(self) -> np.ndarray:
        """States of the trials: "ok", "failed", "timeout", "crashed" or "eliminated", shape (n_trials,)."""
        return np.array([trial.outcome for trial in self.trials], dtype=object)

    @cached_property
    def budgets(self) -> list[tuple[float, int]]:
        """Resource and number of folds of each trial; 0 where the search has none."""
        return [_budget(trial) for trial in self.trials]

    @cached_property
    def is_complete(self) -> np.ndarray:
        """Whether the trials had all of the resource and all folds, so that scores compare; shape (n_trials,)."""
        largest = max(self.budgets, default=None)
        return np.array(
            [b == largest and not t.was_eliminated for b, t in zip(self.budgets, self.trials)], dtype=bool
        )

    def values(self, name: str) -> list[Any]:
        """Return the values of a parameter in the trials.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        values : list of object
            Numbers, None, booleans or texts; ``MISSING`` where a trial lacks the parameter.
        """
        if name not in self._values:
            self._values[name] = [
                plain_choice(params[name]) if name in params else MISSING for params in self.params
            ]
        return list(self._values[name])

    @cached_property
    def _values(self) -> dict[str, list[Any]]:
        """The values of the parameters that were asked for, whose texts may take long."""
        return {}

    # -- parameters --------------------------------------------------------------------------------------------

    @cached_property
    def summaries(self) -> dict[str, ParamSummary]:
        """All parameters; one without a range, or with several definitions, is described by its values."""
        summaries: dict[str, ParamSummary | None] = {}
        for branch in self.space:
            for name, summary in branch.items():
                is_known = summary.kind == "categorical" or summary.low is not None
                is_same = summaries.setdefault(name, summary) == summary
                summaries[name] = summary if is_known and is_same else None
        for params in self.params:
            for name in params:
                summaries.setdefault(name)
        return {name: each or summarize_values(self.values(name)) for name, each in summaries.items()}

    @cached_property
    def varying_params(self) -> list[str]:
        """Names of the parameters that have several values in the trials, without the resource of a search.

        A parameter that some trials lack is among them.
        """
        names = [name for name in self.summaries if name != self.resource]
        return [name for name in names if len(set(map(repr, self.values(name)))) > 1]

    def score_name(self, metric: str) -> str | None:
        """Return a metric as `skhpt.trial.FoldScore.score` takes it.

        Parameters
        ----------
        metric : str
            Name of the metric.

        Returns
        -------
        name : str or None
            The name; None for the only metric, which has no name there.
        """
        return None if list(self.metrics) == ["score"] else metric


class _Missing:
    def __repr__(self) -> str:
        return "missing"


#: Value of a parameter that a trial lacks, because it belongs to another branch.
MISSING = _Missing()


def read_source(source: Source, label: str | None = None) -> SearchData:
    """Return the results of a search.

    Parameters
    ----------
    source : estimator, JournalView, path-like or dict
        A fitted search of this package or of scikit-learn, a journal or its path, a ``cv_results_`` table (also as
        a DataFrame), or a `SearchData`.
    label : str, default=None
        Name for legends; by default the class of the search or the name of the file.

    Returns
    -------
    data : SearchData
        The results.

    Raises
    ------
    TypeError
        If the source is none of these.
    ValueError
        If a search is not fitted (`sklearn.exceptions.NotFittedError`), or a table has no scores.

    See Also
    --------
    skhpt.read_journal : View of a journal, with what only a journal knows.

    Examples
    --------
    >>> from skhpt.inspection import read_source
    >>> table = {"params": [{"C": 1}, {"C": 10}], "mean_test_score": [0.75, 0.5]}
    >>> data = read_source(table)
    >>> data.n_trials, data.values("C"), data.scores()
    (2, [1, 10], array([0.75, 0.5 ]))
    """
    if isinstance(source, SearchData):
        return source if label is None else replace(source, label=label)
    if isinstance(source, (str, os.PathLike)):
        source = read_journal(source)
    if isinstance(source, JournalView):
        return _from_journal(source, label)
    if hasattr(source, "cv_results_"):
        return (
            _from_search(source, label) if hasattr(source, "history_") else _from_other_search(source, label)
        )
    if _is_search(source):
        _raise_for_missing_results(source)
    table = as_table(source)
    if table is not None:
        return _from_table(table, label)
    kind = source.__name__ if isinstance(source, type) else type(source).__name__
    raise TypeError(
        "source must be a fitted search, a JournalView, the path of a journal or cv_results_ (also as a DataFrame), "
        f"got {'the class ' if isinstance(source, type) else ''}{kind}"
    )


def summarize_values(values: Sequence[Any]) -> ParamSummary:
    """Return the summary of a parameter whose values are known and whose definition is not."""
    present = [value for value in values if value is not MISSING]
    unique = list({repr(value): value for value in present}.values())
    if len(unique) > 2 and all(map(is_number, unique)):
        numbers = np.array(unique, dtype=float)
        return replace(
            summarize_choices(sorted(unique)),
            kind="int" if all(type(value) is int for value in unique) else "float",
            low=float(numbers.min()),
            high=float(numbers.max()),
            log=_is_spread_over_decades(np.array(present, dtype=float)),
            choices=(),
            n_choices=0,
        )
    return summarize_choices(unique)


def _is_spread_over_decades(numbers: np.ndarray) -> bool:
    """Tell whether the median of numbers lies nearer to the middle of a logarithmic scale than of a linear one."""
    low, middle, high = float(numbers.min()), float(np.median(numbers)), float(numbers.max())
    if low <= 0 or high < 10 * low:
        return False
    log_place = math.log(middle / low) / math.log(high / low)
    return abs(log_place - 0.5) < abs((middle - low) / (high - low) - 0.5)


# -- sources -------------------------------------------------------------------------------------------------


def _from_search(search: Any, label: str | None) -> SearchData:
    """Read a fitted search of this package."""
    trials = search._tabulated
    settings = search._fitted
    metrics = metric_names(trials) or ["score"]
    return SearchData(
        label=label or type(search).__name__,
        search=type(search).__name__,
        trials=trials,
        params=search.cv_results_["params"],
        metrics=metrics,
        metric=_leading_metric(settings.refit, metrics),
        space=settings.space,
        n_splits=len(trials[0].folds),
        error_score=_number_or_nan(settings.error_score),
        resource=getattr(search, "resource_", ""),
        best_index=_best_index(search),
        n_planned=max(settings.n_planned or 0, len(search.history_)),
        stop_reason=search.stop_reason_,
        started=_first_start(search.history_.own),
        fingerprint=settings.fingerprint,
        task=task_of(settings.estimator),
        fitted=search,
        settings=settings,
    )


def _from_other_search(search: Any, label: str | None) -> SearchData:
    """Read a search of scikit-learn, or another one with its attributes."""
    table = as_table(search.cv_results_)
    if table is None:
        raise TypeError(f"source.cv_results_ must be a table, got {type(search.cv_results_).__name__}")
    error_score = _number_or_nan(getattr(search, "error_score", math.nan))
    name = type(search).__name__
    data = _from_table(table, label or name, has_races=False, error_score=error_score)
    definitions = (getattr(search, attribute, None) for attribute in SPACE_ATTRIBUTES)
    return replace(
        data,
        search=name,
        metric=_leading_metric(getattr(search, "refit", True), data.metrics),
        space=_space_of(next((each for each in definitions if each is not None), None)),
        resource=_resource_of(search, table),
        best_index=_best_index(search),
        fitted=search,
    )


def _from_table(
    table: Mapping[str, Any], label: str | None, *, has_races: bool = True, error_score: float = math.nan
) -> SearchData:
    """Read a table of results."""
    check_columns(table, "source")
    columns = {str(name): list(table[name]) for name in table}
    trials = read_trials(columns, has_races=has_races, error_score=error_score)
    metrics = metric_names(trials) or ["score"]
    return SearchData(
        label=label or "search",
        search="",
        trials=trials,
        params=[shown_params(trial) for trial in trials],
        metrics=metrics,
        metric=metrics[0],
        space=[],
        n_splits=max((len(trial.folds) for trial in trials), default=1),
        error_score=error_score,
        resource="n_resources" if "n_resources" in columns else "",
        n_planned=len(trials),
    )


def _from_journal(view: JournalView, label: str | None) -> SearchData:
    """Read a journal."""
    return SearchData(
        label=label or os.path.basename(view.path).removesuffix(".jsonl"),
        search=view.search,
        trials=view.trials,
        params=view.params,
        metrics=view.metrics,
        metric=view.refit_metric,
        space=view.space,
        n_splits=view.n_splits,
        error_score=view.error_score,
        resource=view.resource,
        best_index=view.best_index if view.trials and view.has_best else None,
        n_planned=_n_planned(view),
        state=view.state,
        stop_reason=view.stop_reason,
        started=view.started,
        fingerprint=view.parts,
        task=view.task,
        journal=view,
    )


def _n_planned(view: JournalView) -> int | None:
    """Return the number of planned trials; of a search that does not know it, those that it had at its end."""
    n = view.n_planned
    return n if n is None and view.state == "running" else max(n or 0, len(view.history))


def _is_search(source: Any) -> bool:
    """Tell whether an object has the parameters of a search."""
    has_all = all(hasattr(source, name) for name in ("get_params", "estimator", "cv", "refit"))
    return has_all and not isinstance(source, type)


def _raise_for_missing_results(search: Any) -> NoReturn:
    """Raise an error for a search that is not fitted, whose ``fit`` was ended by an exception, or of another kind."""
    name = type(search).__name__
    if any(attribute.endswith("_") and not attribute.startswith("_") for attribute in vars(search)):
        raise TypeError(
            f"source must have cv_results_, which this {name} lacks; a journal can be read at any time"
        )
    raise NotFittedError(f"source is a {name} that is not fitted yet")


def _leading_metric(refit: Any, metrics: Sequence[str]) -> str:
    """Return the metric that candidates are ranked by: the one that `refit` names, or else the first."""
    metric = refit.metric if isinstance(refit, Rule) else refit
    return metric if isinstance(metric, str) and metric in metrics else metrics[0]


def _resource_of(search: Any, table: Mapping[str, Any]) -> str:
    """Return the resource of a search of scikit-learn with successive halving."""
    return str(getattr(search, "resource", "n_resources")) if "n_resources" in table else ""


def _best_index(search: Any) -> int | None:
    best = getattr(search, "best_index_", None)
    return None if best is None else int(best)


def _number_or_nan(error_score: Any) -> float:
    """Return the score of a failure; NaN if failures are errors."""
    return math.nan if isinstance(error_score, str) else float(error_score)


def _first_start(trials: Sequence[Trial]) -> datetime | None:
    """Return the time when the first fold began, in UTC; None if it is not known."""
    starts = [fold.started for trial in trials for fold in trial.folds if fold.started]
    return datetime.fromtimestamp(min(starts), UTC) if starts else None


def _has_score(trial: Trial) -> bool:
    return any(fold.state == "ok" for fold in trial.folds)


def _space_of(definition: Any) -> SpaceSummary:
    """Return the summary of a search space; an empty one if there is none, or it cannot be read."""
    if definition is None:
        return []
    try:
        return summarize_space(Space(definition))
    except (TypeError, ValueError, AttributeError):  # other searches accept more
        return []


def _budget(trial: Trial) -> tuple[float, int]:
    """Return the resource and the number of folds that a trial was given, as far as it is known."""
    info = trial.candidate.info
    resource = info.get("n_resources", trial.candidate.resource)
    return float(resource or 0), int(info.get("n_folds", 0))
