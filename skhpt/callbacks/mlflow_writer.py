"""Writing to MLflow: the runs of a search, in a thread that the search does not wait for."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from skhpt._optional import import_optional
from skhpt._warnings import warnings_ignored
from skhpt.callbacks.mlflow_runs import CandidateRun, MetricValue

#: Largest numbers of parameters or tags, and of metrics, in one request.
MAX_PARAMS, MAX_METRICS = 100, 1000
#: Environment variables during a search that are not set already. By default MLflow sends a failed request again for
#: four minutes, and prints two lines for each run that ends.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

#: Tags of a new experiment: MLflow's pages show the columns and charts for models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
PARENT_TAG = "mlflow.parentRunId"
JOURNAL_TAG = "skhpt.journal"
END_TAG = "skhpt.stop_reason"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the run of a search is created.

    Attributes
    ----------
    tracking_uri : str
        Tracking server, database or folder.
    experiment_name : str or None
        Experiment, which is created if it is missing; None for `experiment_id`.
    experiment_id : str
        Id of the experiment.
    active_run : str or None
        Id of the user's active run; the run of the search is nested under it.
    is_within : bool
        Whether the search is logged to the active run itself, as MLflow's autologging does.
    """

    tracking_uri: str
    experiment_name: str | None = None
    experiment_id: str = "0"
    active_run: str | None = None
    is_within: bool = False


@dataclass(frozen=True, kw_only=True)
class SearchStart:
    """What is known of a search when it begins.

    Attributes
    ----------
    name : str
        Name of the run.
    params, tags : dict of str to str
        Parameters and tags.
    may_continue : bool
        Whether to continue the run of the same journal, if that run has no end.
    """

    name: str
    params: dict[str, str]
    tags: dict[str, str]
    may_continue: bool


@dataclass(frozen=True, kw_only=True)
class SearchEnd:
    """What is known of a search when it has ended.

    Attributes
    ----------
    status : {"FINISHED", "FAILED", "KILLED"}
        Status of the run.
    params, tags : dict of str to str
        Parameters of the best candidate, and tags.
    metrics : list of MetricValue
        Scores of the best candidate.
    best_candidate : int or None
        Number of the best candidate.
    files : dict of str to callable
        Functions that write the artifacts, by file name; each is given a path.
    model : estimator or None
        Model to log.
    registered_model_name : str or None
        Name in the model registry.
    requirements : list of str
        Packages that the model needs.
    """

    status: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[MetricValue] = field(default_factory=list)
    best_candidate: int | None = None
    files: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    model: Any = None
    registered_model_name: str | None = None
    requirements: Sequence[str] = ()


class SearchRuns:
    """The runs of one search in MLflow: one for the search, and one for each candidate, nested under it.

    Parameters
    ----------
    destination : Destination
        Where the runs are created.
    known : dict of int to (str, int)
        Candidates that an earlier fit has logged: the ids of their runs, and the last rung.
    """

    def __init__(self, destination: Destination, known: Mapping[int, tuple[str, int]] = {}):
        self._destination = destination
        #: Id of the run of the search; empty before it is created.
        self.run_id = ""
        #: Number of candidates that were logged.
        self.n_logged = 0
        self._experiment = destination.experiment_id
        self._candidates = {number: run_id for number, (run_id, _) in known.items()}
        self._logged = {number: rung for number, (_, rung) in known.items()}
        self._user: dict[str, str] = {}

    def candidates(self, numbers: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return those of some candidates that are logged: the ids of their runs, and the last rung."""
        return {n: (self._candidates[n], self._logged[n]) for n in numbers if n in self._logged}

    def begin(self, start: SearchStart) -> None:
        """Create the run of the search, or continue it."""
        mlflow = import_optional("mlflow", "MLflowLogger")
        self._client = mlflow.MlflowClient(self._destination.tracking_uri)
        if self._destination.experiment_name is not None:
            self._experiment = self._find_experiment(self._destination.experiment_name)
        known: Mapping[str, str] = {}
        if run := self._find_unfinished(start):
            self.run_id, known = run.info.run_id, run.data.params
            self._client.update_run(self.run_id, status="RUNNING")
            self._find_candidates()
        elif self._destination.is_within:
            assert self._destination.active_run is not None
            self.run_id = self._destination.active_run
            known = self._client.get_run(self.run_id).data.params
        else:
            self.run_id = self._create_run(start.name, self._destination.active_run, _context_tags())
        params = {name: value for name, value in start.params.items() if name not in known}
        changed = {name: v for name, v in start.params.items() if known.get(name, v) != v}
        tags = dict(start.tags)
        if changed:  # MLflow does not change a parameter
            tags["skhpt.changed_params"] = ", ".join(f"{name}={value}" for name, value in changed.items())
        self._log(self.run_id, params=params, tags=tags)

    def log_candidate(self, run: CandidateRun) -> None:
        """Log a candidate, or a further rung of it."""
        if self._logged.get(run.candidate, -1) >= run.rung:
            return
        run_id = self._candidates.get(run.candidate)
        if run_id is None:
            name = f"candidate {run.candidate}"
            # A store of files takes several times as long for tags of a new run as for those of a batch.
            run_id = self._create_run(name, None, {}, start_time=run.started)
            self._candidates[run.candidate] = run_id
        tags = {**run.tags, **self._user, PARENT_TAG: self.run_id}
        self._log(run_id, params=run.params, metrics=run.metrics, tags=tags)
        if run.error:
            self._client.log_text(run_id, run.error, "error.txt")
        self._client.set_terminated(run_id, run.status, end_time=run.ended)
        self.n_logged += run.candidate not in self._logged
        self._logged[run.candidate] = run.rung

    def log_metrics(self, metrics: Sequence[MetricValue]) -> None:
        """Log metrics of the search."""
        self._log(self.run_id, metrics=metrics)

    def end(self, end: SearchEnd) -> list[str]:
        """Log the results and end the run; return messages about artifacts that could not be logged."""
        tags = dict(end.tags)
        best = self._candidates.get(end.best_candidate) if end.best_candidate is not None else None
        if best is not None:
            tags["skhpt.best_run"] = best
            self._client.set_tag(best, "skhpt.best", "true")
        self._log(self.run_id, params=end.params, metrics=end.metrics)
        problems = self._log_files(end.files)
        if end.model is not None:
            problems += _problem("the model", lambda: self._log_model(end))
        # The end is the last to be told: a run without it may be continued.
        self._log(self.run_id, tags=tags)
        if not self._destination.is_within:
            self._client.set_terminated(self.run_id, end.status)
        return problems

    # -- finding and creating runs -----------------------------------------------------------------------------

    def _find_experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment:
            return str(experiment.experiment_id)
        return str(self._client.create_experiment(name, tags=EXPERIMENT_TAGS))

    def _find_unfinished(self, start: SearchStart) -> Any:
        """Return the last run of the same journal if the search of it was killed; None if there is none."""
        path = start.tags.get(JOURNAL_TAG)
        if not (start.may_continue and path) or self._destination.is_within:
            return None
        found = self._search(f"tags.`{JOURNAL_TAG}` = {_quoted(path)}", max_results=1)
        run = next(iter(found), None)
        return run if run is not None and END_TAG not in run.data.tags else None

    def _find_candidates(self) -> None:
        """Find the runs of the candidates that were logged before the search was killed."""
        for run in self._search(f"tags.`{PARENT_TAG}` = {_quoted(self.run_id)}"):
            number = run.data.tags.get("skhpt.candidate")
            if number is not None:
                self._candidates[int(number)] = run.info.run_id
                if run.info.status != "RUNNING":
                    self._logged[int(number)] = int(run.data.tags.get("skhpt.rung", 0))

    def _search(self, condition: str, max_results: int | None = None) -> Iterator[Any]:
        """Yield the runs that satisfy a condition, the last one first."""
        token, order = None, ["attributes.start_time DESC"]
        while True:
            page = self._client.search_runs(
                [self._experiment],
                condition,
                order_by=order,
                max_results=max_results or 1000,
                page_token=token,
            )
            yield from page
            token = page.token
            if not token or max_results:
                return

    def _create_run(self, name: str, parent: str | None, tags: Mapping[str, str], **times: int) -> str:
        tags = {**tags, PARENT_TAG: parent} if parent else dict(tags)
        run = self._client.create_run(self._experiment, run_name=name, tags=tags, **times)
        if not self._user:
            self._user = {name: tags[name] for name in ("mlflow.user",) if name in tags}
        return str(run.info.run_id)

    # -- what a run has ----------------------------------------------------------------------------------------

    def _log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] = {},
        metrics: Sequence[MetricValue] = (),
        tags: Mapping[str, str] = {},
    ) -> None:
        """Log all of it in as few requests as MLflow allows."""
        entities = import_optional("mlflow.entities", "MLflowLogger")
        all_params = iter([entities.Param(name, value) for name, value in params.items()])
        all_tags = iter([entities.RunTag(name, value) for name, value in tags.items()])
        all_metrics = iter([entities.Metric(m.name, m.value, m.time, m.step) for m in metrics])
        while True:
            batch = {
                "params": list(islice(all_params, MAX_PARAMS)),
                "tags": list(islice(all_tags, MAX_PARAMS)),
                "metrics": list(islice(all_metrics, MAX_METRICS - 2 * MAX_PARAMS)),
            }
            if not any(batch.values()):
                return
            self._client.log_batch(run_id, **batch, synchronous=True)

    def _log_files(self, files: Mapping[str, Callable[[Path], object]]) -> list[str]:
        """Write and log files; return messages about those that failed."""
        problems = []
        for name, write in files.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                problem = _problem(name, lambda: write(path))  # noqa: B023
                if not problem:
                    self._client.log_artifact(self.run_id, str(path))
                problems += problem
        return problems

    def _log_model(self, end: SearchEnd) -> None:
        """Log the best model."""
        models = import_optional("mlflow.models", "MLflowLogger")
        # mlflow.sklearn.log_model would choose the experiment of the user's active run.
        model = self._client.create_logged_model(
            self._experiment, name="best_estimator", source_run_id=self.run_id, params=dict(end.params)
        )
        with _tracking_uri_set(self._destination.tracking_uri):
            models.Model.log(
                artifact_path=None,
                flavor=_SklearnFlavor,
                run_id=self.run_id,
                model_id=model.model_id,
                sk_model=end.model,
                registered_model_name=end.registered_model_name,
                pip_requirements=list(end.requirements),
            )


@contextmanager
def _tracking_uri_set(uri: str) -> Iterator[None]:
    """Set the tracking server of the process, which models are logged to, for a moment."""
    service = import_optional("mlflow.tracking._tracking_service.utils", "MLflowLogger")
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        with service._use_tracking_uri(uri):
            yield
    finally:  # MLflow has deleted it
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


class _SklearnFlavor:
    """MLflow's flavor for scikit-learn, which saves by cloudpickle what its default format does not accept."""

    @staticmethod
    def save_model(path: str, **options: Any) -> None:
        """Save a model in a folder."""
        flavor = import_optional("mlflow.sklearn", "MLflowLogger")
        try:
            flavor.save_model(path=path, **options)
        except Exception:
            shutil.rmtree(path, ignore_errors=True)
            flavor.save_model(
                path=path, serialization_format=flavor.SERIALIZATION_FORMAT_CLOUDPICKLE, **options
            )


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _context_tags() -> dict[str, str]:
    """Return the tags that MLflow gives every run: the user, the script and the commit."""
    registry = import_optional("mlflow.tracking.context.registry", "MLflowLogger")
    return dict(registry.resolve_tags())


def _problem(name: str, write: Callable[[], object]) -> list[str]:
    """Do something for an artifact; return a message if it fails."""
    try:
        write()
    except Exception as error:
        return [f"{name}: {error!r}"]
    return []


class Writer:
    """Thread that calls functions one after the other, until one of them fails.

    The functions that follow a failure are not called.
    """

    def __init__(self) -> None:
        #: Exception that ended the work; None if there is none.
        self.error: Exception | None = None
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._environment = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
        os.environ.update(self._environment)
        self._thread = threading.Thread(target=self._work, name="MLflowLogger", daemon=True)
        self._thread.start()

    def put(self, job: Callable[[], object]) -> None:
        """Call a function after those before it."""
        self._jobs.put(job)

    def close(self) -> None:
        """Wait until all functions are called."""
        self._jobs.put(None)
        try:
            self._thread.join()
        finally:
            for name in self._environment:
                os.environ.pop(name, None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self.error is None:
                try:
                    with warnings_ignored():  # of MLflow about itself
                        job()
                except Exception as error:
                    self.error = error
