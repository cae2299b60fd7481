"""MLflow: a callback that logs a search as a run, with a run for each candidate."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from skhpt._mlflow import AutologgingSettings
from skhpt._optional import import_optional
from skhpt._warnings import warn_user
from skhpt.callbacks.base import SearchCallback
from skhpt.callbacks.mlflow_runs import (
    MetricValue,
    candidate_run,
    csv_text,
    name_text,
    param_texts,
    tag_texts,
)
from skhpt.callbacks.mlflow_writer import (
    END_TAG,
    JOURNAL_TAG,
    Destination,
    SearchEnd,
    SearchRuns,
    SearchStart,
    Writer,
)
from skhpt.history import History
from skhpt.reporting import report
from skhpt.results.status import SearchStatus
from skhpt.trial import Trial


class MLflowLogger(SearchCallback):
    """Callback that logs a search to MLflow.

    The search is a run. Each candidate is a run nested under it, which appears when the candidate has finished.
    Requests to MLflow are sent by a thread of their own; ``fit`` waits at its end until all are sent. If one fails,
    there is one warning, nothing more is logged, and the search continues.

    Needs MLflow 3: ``pip install 'skhpt[mlflow]'``.

    Parameters
    ----------
    tracking_uri : str or path-like, default=None
        Tracking server, database or folder; None for that of the process (`mlflow.set_tracking_uri`).
    experiment_name : str, default=None
        Experiment, which is created if it is missing; None for the active one (`mlflow.set_experiment`).
    run_name : str, default=None
        Name of the run of the search; None for the class of the search and of its estimator.
    tags : dict of str to str, default=None
        Further tags of the run of the search.
    n_candidates : int, default=None
        Number of candidates that are logged: the best ones, at the end of the search. None logs every candidate
        when it has finished, 0 none.
    log_model : bool, default=True
        Whether to log ``best_estimator_`` as a model.
    registered_model_name : str, default=None
        Name under which the model is registered; None registers no model.
    log_report : bool, default=True
        Whether to add the HTML report of the search, if the packages that it needs are installed.
    log_journal : bool, default=True
        Whether to add the journal of the search, if it has one.

    Attributes
    ----------
    run_id_ : str
        Id of the run of the last search that has ended; empty if nothing was logged.

    Raises
    ------
    ImportError
        If MLflow is not installed.
    ValueError
        If `n_candidates` is negative.

    See Also
    --------
    SearchCallback : Base class of callbacks.

    Notes
    -----
    If the user has an active run on the same tracking server, the run of the search is nested under it.

    The run of a candidate has the parameters, the mean scores and times with the names of ``cv_results_``, and
    ``split_test_score`` with the number of the fold as the step. A candidate of `skhpt.HyperbandSearchCV` has
    one run, and the rung is the step. A failed candidate has the status FAILED, the tag ``skhpt.error`` and the
    artifact ``error.txt``. The tag ``skhpt.state`` is ``ok``, ``failed``, ``timeout``, ``crashed`` or
    ``eliminated``.

    The run of the search has the parameters of the search and of its estimator, ``best_*`` parameters,
    ``best_cv_score``, ``best_so_far`` over the number of finished candidates, ``corrected_score`` if predictions were
    kept, and the artifacts ``cv_results.csv``, ``report.html`` and the journal. It ends as KILLED after Ctrl-C and as
    FAILED after an exception.

    A search that resumes a journal after its process was killed continues the run of that journal. A search that had
    ended gets a new run. In both cases the candidates of the journal are part of it.

    Examples
    --------
    >>> from skhpt.callbacks import MLflowLogger  # doctest: +SKIP
    >>> search.set_callbacks(MLflowLogger(experiment_name="digits")).fit(X, y)  # doctest: +SKIP
    """

    #: Id of the run of the last search.
    run_id_ = ""
    #: Whether the active run is the run of the search.
    _is_within = False

    def __init__(
        self,
        *,
        tracking_uri: str | os.PathLike[str] | None = None,
        experiment_name: str | None = None,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        n_candidates: int | None = None,
        log_model: bool = True,
        registered_model_name: str | None = None,
        log_report: bool = True,
        log_journal: bool = True,
    ):
        import_optional("mlflow", "MLflowLogger")
        if n_candidates is not None and (not isinstance(n_candidates, Integral) or n_candidates < 0):
            raise ValueError(f"n_candidates must be None or an integer of at least 0, got {n_candidates!r}")
        self.tracking_uri = tracking_uri
        self.experiment_name = experiment_name
        self.run_name = run_name
        self.tags = tags
        self.n_candidates = n_candidates
        self.log_model = log_model
        self.registered_model_name = registered_model_name
        self.log_report = log_report
        self.log_journal = log_journal
        self._forget()

    def _forget(self) -> None:
        #: The logs of the searches that run, and the runs of the last fit of each search.
        self._logs: dict[int, _SearchLog] = {}  # by the id of the search
        self._last: WeakKeyDictionary[Any, SearchRuns] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_logs", "_last")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()  # a copy in another process follows other searches

    def on_search_begin(self, search: Any, status: SearchStatus) -> None:
        destination = self._destination()
        trials = _trials_at_begin(search)
        earlier = self._last.get(search)
        known = earlier.candidates(trial.candidate.number for trial in trials) if earlier else {}
        tags = _tags_of(search) | dict(self.tags or {})
        if earlier and known:
            tags["skhpt.continues"] = earlier.run_id
        start = SearchStart(
            name=self.run_name or f"{type(search).__name__} {type(search.estimator).__name__}",
            params=param_texts(search.get_params(deep=True)),
            tags=tag_texts(tags),
            may_continue=bool(status.resumed_from),
        )
        log = self._logs[id(search)] = _SearchLog(SearchRuns(destination, known), search.error_score)
        log.write(log.runs.begin, start)
        if self.n_candidates is None:
            for trial in trials:
                log.write_candidate(trial)

    def on_candidate_finished(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        if self.n_candidates is None:
            self._logs[id(search)].write_candidate(trial)

    def on_new_best(self, search: Any, trial: Trial, status: SearchStatus) -> None:
        if status.best is not None:
            now = int(time.time() * 1000)
            metric = MetricValue("best_so_far", status.best.score, status.n_finished, now)
            log = self._logs[id(search)]
            log.write(log.runs.log_metrics, [metric])

    def on_search_end(self, search: Any, status: SearchStatus, error: BaseException | None = None) -> None:
        log = self._logs.pop(id(search), None)
        if log is None:  # the search did not begin
            return
        if error is None and self.n_candidates is not None:
            for trial in _best_trials(search, self.n_candidates):
                log.write_candidate(trial)
        log.end(self._end_of(search) if error is None else self._failed_end(search, error))
        self.run_id_ = log.runs.run_id
        self._last[search] = log.runs

    def _destination(self) -> Destination:
        mlflow = import_optional("mlflow", "MLflowLogger")
        current = str(mlflow.get_tracking_uri())
        uri = self.tracking_uri
        if isinstance(uri, os.PathLike):
            uri = Path(uri).absolute().as_uri()
        if uri is not None and uri != current:
            name = self.experiment_name or "Default"
            return Destination(tracking_uri=uri, experiment_name=name)
        active = mlflow.active_run()
        fluent = import_optional("mlflow.tracking.fluent", "MLflowLogger")
        experiment = active.info.experiment_id if active else fluent._get_experiment_id()
        return Destination(
            tracking_uri=current,
            experiment_name=self.experiment_name,
            experiment_id=experiment,
            active_run=active.info.run_id if active else None,
            is_within=self._is_within and active is not None,
        )

    # -- the end -----------------------------------------------------------------------------------------------

    def _end_of(self, search: Any) -> SearchEnd:
        best = getattr(search, "best_index_", None)
        trial = None if best is None else search.history_.finished[best]
        model = getattr(search, "best_estimator_", None) if self.log_model else None
        return SearchEnd(
            status="KILLED" if search.stop_reason_ == "interrupted" else "FINISHED",
            params=param_texts(
                {f"best_{name}": v for name, v in getattr(search, "best_params_", {}).items()}
            ),
            tags=tag_texts(_tags_of(search) | {END_TAG: search.stop_reason_}),
            metrics=list(_final_metrics(search)),
            best_candidate=None if trial is None else trial.candidate.number,
            files=dict(self._files(search)),
            model=model,
            registered_model_name=self.registered_model_name,
            requirements=[] if model is None else _requirements(model),
        )

    def _failed_end(self, search: Any, error: BaseException) -> SearchEnd:
        return SearchEnd(
            status="FAILED" if isinstance(error, Exception) else "KILLED",
            tags=tag_texts({"skhpt.error": repr(error)}),
            files={},
        )

    def _files(self, search: Any) -> Iterator[tuple[str, Callable[[Path], object]]]:
        """Yield the names of the artifacts with functions that write them."""
        text = csv_text(search.cv_results_)
        yield "cv_results.csv", lambda path: path.write_text(text, encoding="utf-8")
        if self.log_journal and search.journal is not None:
            journal = Path(search.journal)
            yield journal.name, lambda path: shutil.copyfile(journal, path)
        if self.log_report and find_spec("jinja2") and find_spec("matplotlib"):
            yield "report.html", lambda path: report(search, path)


class AutologgingLogger(MLflowLogger):
    """Callback that logs a search while `mlflow.sklearn.autolog` is on, as that logs scikit-learn's searches.

    Parameters
    ----------
    settings : AutologgingSettings
        Arguments of `mlflow.sklearn.autolog`.
    """

    _is_within = True

    def __init__(self, settings: AutologgingSettings):
        super().__init__(
            tags=settings.tags,
            n_candidates=settings.n_candidates,
            log_model=settings.log_model,
            registered_model_name=settings.registered_model_name,
            log_report=False,
            log_journal=False,
        )


class _SearchLog:
    """The log of one search: its runs, and the thread that writes them."""

    def __init__(self, runs: SearchRuns, error_score: Any):
        self.runs = runs
        self._error_score = error_score
        self._writer = Writer()
        self._candidates: set[int] = set()
        self._has_warned = False

    def write(self, method: Callable[[Any], object], argument: Any) -> None:
        """Call a method of the runs in the thread."""
        self._writer.put(partial(method, argument))
        self._warn_of_failure()

    def write_candidate(self, trial: Trial) -> None:
        """Log a finished trial."""
        self._candidates.add(trial.candidate.number)
        run = candidate_run(trial, error_score=self._error_score, now=time.time())
        self.write(self.runs.log_candidate, run)

    def end(self, end: SearchEnd) -> None:
        """Log the end, and wait until all is sent."""
        problems: list[str] = []
        self._writer.put(lambda: problems.extend(self.runs.end(end)))
        try:
            self._writer.close()
        except KeyboardInterrupt as interrupt:
            self._writer.error = self._writer.error or InterruptedError(
                f"{interrupt!r} while requests were sent"
            )
        self._warn_of_failure()
        if problems:
            warn_user("MLflowLogger could not log " + "; ".join(problems))

    def _warn_of_failure(self) -> None:
        error = self._writer.error
        if error is not None and not self._has_warned:
            self._has_warned = True
            run = f"run {self.runs.run_id}" if self.runs.run_id else "no run"
            warn_user(
                f"MLflowLogger stops, and the search continues. MLflow has {run} with {self.runs.n_logged} of the "
                f"{len(self._candidates)} candidates that have finished; further ones, the results and the artifacts "
                f"are not logged: {error}"
            )


# -- what is logged of a search --------------------------------------------------------------------------------


def _trials_at_begin(search: Any) -> list[Trial]:
    """Return the trials that a search begins with: `on_candidate_finished` is not told of them."""
    history: History = search.history_
    return history.finished if search.racing else history.scored(search.n_splits_)


def _tags_of(search: Any) -> dict[str, str]:
    """Return tags that describe a search: class, versions, journal, fingerprint."""
    tags = {
        "estimator_name": type(search).__name__,
        "estimator_class": f"{type(search).__module__}.{type(search).__name__}",
        "skhpt.version": version("skhpt"),
        "skhpt.sklearn_version": sys.modules["sklearn"].__version__,
    }
    if search.journal is not None:
        tags[JOURNAL_TAG] = os.path.abspath(search.journal)
    fingerprint = search._fingerprint
    for part in fields(fingerprint):
        if part.name != "code":
            tags[f"skhpt.{part.name}"] = getattr(fingerprint, part.name)
    return tags


def _final_metrics(search: Any) -> Iterator[MetricValue]:
    """Yield the scores of the best candidate."""
    now = int(time.time() * 1000)
    values: dict[str, float] = {}
    if hasattr(search, "best_score_"):
        values["best_cv_score"] = search.best_score_
    if search.multimetric_ and hasattr(search, "best_index_"):
        for name, column in search.cv_results_.items():
            if name.startswith("mean_test_"):
                values[f"best_{name}"] = column[search.best_index_]
    if corrected := _corrected_score(search):
        values |= {
            "corrected_score": corrected.score,
            "corrected_score_low": corrected.low,
            "corrected_score_high": corrected.high,
        }
    if hasattr(search, "refit_time_"):
        values["refit_time"] = search.refit_time_
    for name, value in values.items():
        if value == value:
            yield MetricValue(name_text(name), float(value), 0, now)


def _corrected_score(search: Any) -> Any:
    """Return the corrected score; None if no predictions were kept."""
    return getattr(search, "corrected_score_", None) if search.return_predictions else None


def _best_trials(search: Any, n: int) -> list[Trial]:
    """Return all trials of the n best candidates, in the order of their ids."""
    trials = search.history_.finished
    table = search.cv_results_
    rank = next(column for name, column in table.items() if name.startswith("rank_test_"))
    if isinstance(search.refit, str):
        rank = table[f"rank_test_{search.refit}"]
    best: dict[int, None] = {}
    for _, i in sorted(zip(rank, range(len(trials)))):
        best.setdefault(trials[i].candidate.number)
    chosen = set(list(best)[:n])
    return [trial for trial in trials if trial.candidate.number in chosen]


def _requirements(model: Any) -> list[str]:
    """Return the packages of a model with their versions, which MLflow would find by running it in a new process."""
    parts = [model, *model.get_params(deep=True).values()]
    names = {type(part).__module__.partition(".")[0] for part in parts if hasattr(part, "fit")} | {"sklearn"}
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in sorted(names)}
    return [
        f"{'scikit-learn' if name == 'sklearn' else name}=={version}"
        for name, version in versions.items()
        if isinstance(version, str)
    ]


def mlflow_callbacks(
    callbacks: Sequence[SearchCallback], settings: AutologgingSettings | None
) -> list[SearchCallback]:
    """Return the callbacks of a search, with one for MLflow's autologging if that is on and no other logs to MLflow."""
    if settings is None or any(isinstance(callback, MLflowLogger) for callback in callbacks):
        return list(callbacks)
    return [*callbacks, AutologgingLogger(settings)]
