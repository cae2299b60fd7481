"""One view of all searches: what displays, reports and exports need of a fitted search, a journal or a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from sklearn.exceptions import NotFittedError

from skhpt._typing import Params
from skhpt.journal import JournalView, read_journal
from skhpt.results.cv_results import metric_names
from skhpt.results.results_table import trials_from_table
from skhpt.results.status import mean_score
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


@dataclass(frozen=True, kw_only=True)
class SearchData:
    """Results of a search, wherever they come from; `read_source` returns them.

    The arrays have one entry for each finished trial, in the order of ``cv_results_``: `n_trials` of them. Failed
    trials have the score `nan`.

    Attributes
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
    resource : str
        Name of the resource of a search with rungs, such as "n_estimators"; empty for other searches.
    best_index : int or None
        Row of the candidate that the search has chosen; None if there is none.
    n_planned : int or None
        Number of trials that were planned.
    state : {"running", "ended", "dead"}
        State of the search: "dead" if its process has ended before the search.
    started : datetime or None
        Time when the search began, in UTC.
    fitted : estimator or None
        The fitted search, if it is the source.
    journal : JournalView or None
        The journal, if it is the source.
    """

    label: str
    search: str
    trials: Sequence[Trial]
    params: Sequence[Params]
    metrics: Sequence[str]
    metric: str
    space: SpaceSummary
    n_splits: int
    resource: str = ""
    best_index: int | None = None
    n_planned: int | None = None
    state: str = "ended"
    started: datetime | None = None
    fitted: Any = field(default=None, repr=False)
    journal: JournalView | None = field(default=None, repr=False)

    @property
    def n_trials(self) -> int:
        """Number of finished trials."""
        return len(self.trials)

    def checked_metric(self, metric: str | None) -> str:
        """Return a metric, by default the leading one; raise ValueError if it is unknown."""
        if metric is None:
            return self.metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {list(self.metrics)}, got {metric!r}")
        return metric

    def checked_params(self, params: Sequence[str] | str | None) -> list[str]:
        """Return names of parameters, by default of all that vary; raise ValueError if one is unknown."""
        if params is None:
            return self.varying_params
        names = [params] if isinstance(params, str) else list(params)
        for name in names:
            if name not in self.summaries:
                raise ValueError(f"params must be among {list(self.summaries)}, got {name!r}")
        return names

    # -- arrays, one entry for each trial ----------------------------------------------------------------------

    def scores(self, metric: str | None = None) -> np.ndarray:
        """Return the mean scores, shape (n_trials,)."""
        name = self._key(self.checked_metric(metric))
        return np.array([mean_score(trial, name, "raise") for trial in self.trials], dtype=float)

    def fold_scores(self, metric: str | None = None) -> np.ndarray:
        """Return the scores on each fold, shape (n_trials, n_splits); NaN for failed and skipped folds."""
        name = self._key(self.checked_metric(metric))
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
        return np.array([_state(trial) for trial in self.trials], dtype=object)

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
        """Return the values of a parameter, `MISSING` where a trial lacks it, as numbers, None, booleans or texts."""
        return [plain_choice(params[name]) if name in params else MISSING for params in self.params]

    # -- parameters --------------------------------------------------------------------------------------------

    @cached_property
    def summaries(self) -> dict[str, ParamSummary]:
        """All parameters; one that several branches define differently is described by its values in the trials."""
        summaries: dict[str, ParamSummary] = {}
        for branch in self.space:
            for name, summary in branch.items():
                if summaries.setdefault(name, summary) != summary:
                    summaries[name] = summarize_values(self.values(name))
        for name in dict.fromkeys(name for params in self.params for name in params):
            summaries.setdefault(name, summarize_values(self.values(name)))
        return summaries

    @cached_property
    def varying_params(self) -> list[str]:
        """Names of the parameters that have several values in the trials; one that some trials lack is among them."""
        return [name for name in self.summaries if len(set(map(repr, self.values(name)))) > 1]

    def _key(self, metric: str) -> str | None:
        """Return a metric as `FoldScore.score` takes it."""
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
        If a search is not fitted (`NotFittedError`), or a table has no scores.
    """
    if isinstance(source, SearchData):
        return source
    if isinstance(source, (str, os.PathLike)):
        source = read_journal(source)
    if isinstance(source, JournalView):
        return _from_journal(source, label)
    if hasattr(source, "history_"):
        return _from_search(source, label)
    if hasattr(source, "get_params"):
        return _from_other_search(source, label)
    if hasattr(source, "keys"):
        return _from_table(source, label)
    raise TypeError(
        "source must be a fitted search, a JournalView, the path of a journal or cv_results_, "
        f"got {type(source).__name__}"
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
            choices=(),
            n_choices=0,
        )
    return summarize_choices(unique)


# -- sources -------------------------------------------------------------------------------------------------


def _from_search(search: Any, label: str | None) -> SearchData:
    """Read a fitted search of this package."""
    trials = search.history_.finished
    metrics = metric_names(trials)
    settings = search._fitted
    return SearchData(
        label=label or type(search).__name__,
        search=type(search).__name__,
        trials=trials,
        params=search.cv_results_["params"],
        metrics=metrics or ["score"],
        metric="score" if metrics is None else settings.metric or metrics[0],
        space=_space_of(settings.param_distributions),
        n_splits=search.n_splits_,
        resource=getattr(search, "resource_", ""),
        best_index=getattr(search, "best_index_", None),
        n_planned=len(search.history_),
        fitted=search,
    )


def _from_other_search(search: Any, label: str | None) -> SearchData:
    """Read a search of scikit-learn, or another one with its attributes."""
    if not hasattr(search, "cv_results_"):
        raise NotFittedError(f"source is a {type(search).__name__} that is not fitted yet")
    data = _from_table(search.cv_results_, label or type(search).__name__)
    metric = search.refit if isinstance(search.refit, str) else data.metric
    definition = getattr(search, "param_distributions", getattr(search, "param_grid", None))
    return replace(
        data,
        search=type(search).__name__,
        metric=metric if metric in data.metrics else data.metric,
        space=_space_of(definition),
        best_index=getattr(search, "best_index_", None),
        fitted=search,
    )


def _from_table(table: Mapping[str, Any], label: str | None) -> SearchData:
    """Read a table of results."""
    trials = trials_from_table({name: list(table[name]) for name in table})
    metrics = metric_names(trials) or ["score"]
    return SearchData(
        label=label or "search",
        search="",
        trials=trials,
        params=[trial.candidate.params for trial in trials],
        metrics=metrics,
        metric=metrics[0],
        space=[],
        n_splits=max((len(trial.folds) for trial in trials), default=1),
        n_planned=len(trials),
    )


def _from_journal(view: JournalView, label: str | None) -> SearchData:
    """Read a journal."""
    trials = view.history.finished
    return SearchData(
        label=label or os.path.basename(view.path).removesuffix(".jsonl"),
        search=view.parts.get("search", "").split(" ", maxsplit=1)[0],
        trials=trials,
        params=[trial.candidate.params for trial in trials],
        metrics=view.metrics,
        metric=view._refit_metric,
        space=[],
        n_splits=view.n_splits,
        started=view.started,
        journal=view,
    )


def _space_of(definition: Any) -> SpaceSummary:
    """Return the summary of a search space; an empty one if there is none, or it cannot be read."""
    if definition is None:
        return []
    try:
        return summarize_space(Space(definition))
    except (TypeError, ValueError):  # scikit-learn accepts more
        return []


def _state(trial: Trial) -> str:
    failure = next((fold.state for fold in trial.folds if fold.state not in ("ok", "skipped")), None)
    return failure or ("eliminated" if trial.was_eliminated else "ok")


def _budget(trial: Trial) -> tuple[float, int]:
    """Return the resource and the number of folds that a trial was given, as far as it is known."""
    info = trial.candidate.info
    resource = info.get("n_resources", trial.candidate.resource)
    return float(resource or 0), int(info.get("n_folds", 0))
