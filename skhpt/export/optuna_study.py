"""Export of a search to a study of Optuna."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from skhpt._optional import import_optional
from skhpt.export.study_params import Range, StudyParam, study_params
from skhpt.export.study_trials import StudyTrial, history_of, plain_params, study_trials
from skhpt.inspection.search_data import MISSING, SearchData, Source, read_source

if TYPE_CHECKING:
    from optuna.study import Study

#: User attribute with the metrics of a study, which says that this module has written it.
_MARK = "skhpt_metrics"
#: Largest number of characters of the texts that describe a search.
_MAX_TEXT = 300


def to_optuna(
    source: Source,
    storage: Any = None,
    study_name: str | None = None,
    *,
    metric: str | Sequence[str] | None = None,
) -> Study:
    """Export a search to a study of Optuna, such as for its dashboard, plots and importance evaluators.

    A candidate becomes a trial, with its parameters, its score, and the scores of its folds as intermediate values; a
    candidate of `skhpt.HyperbandSearchCV` becomes one trial too, with the score of each rung by its resource. Failed
    candidates have the state FAIL, those that a race eliminated or that were not promoted PRUNED. Candidates that were
    asked for and are not finished are RUNNING, or WAITING if the search does not run. Scores, times, states
    and tracebacks are user attributes.

    A study that was exported before is updated: only new and changed candidates are written.

    Parameters
    ----------
    source : estimator, JournalView, path-like or dict
        A fitted search of this package or of scikit-learn, a journal or its path, or a ``cv_results_`` table.
    storage : str or optuna.storages.BaseStorage, default=None
        Where the study is stored, such as "sqlite:///searches.db"; by default in memory.
    study_name : str, default=None
        Name of the study; by default the class of the search or the name of the journal.
    metric : str or sequence of str, default=None
        Metric that is the value of the trials; by default the one that ranks the candidates. Several metrics make a
        study with several objectives. The other metrics are user attributes.

    Returns
    -------
    study : optuna.Study
        The study, whose direction is "maximize" as for all scores of scikit-learn.

    Raises
    ------
    ImportError
        If Optuna is not installed.
    TypeError
        If `source` is no search, or `storage` no storage.
    ValueError
        If the metric is unknown, or the study of this name was not exported from this search.

    See Also
    --------
    skhpt.inspection.param_importances : Importances without Optuna, or with its evaluators.
    skhpt.report : HTML page about a search.

    Notes
    -----
    Objects are texts. A parameter that is a list of choices in one branch of the space and a range in another one is
    two parameters of the study: ``gamma`` and ``gamma (choice)``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpt import GridSearch
    >>> from skhpt.export import to_optuna
    >>> search = GridSearch(SVC(), {"C": [0.1, 1, 10]}).fit(*load_iris(return_X_y=True))
    >>> study = to_optuna(search)
    >>> study.best_params, round(study.best_value, 3)
    ({'C': 10}, 0.98)
    """
    data = read_source(source)
    writer = StudyWriter(data, storage, study_name, metric=metric)
    writer.write(data)
    return writer.study


class StudyWriter:
    """Writes a search to a study, again and again while the search runs.

    Parameters
    ----------
    data : SearchData
        The search.
    storage, study_name, metric
        See `to_optuna`.

    Attributes
    ----------
    study : optuna.Study
        The study.
    """

    def __init__(
        self,
        data: SearchData,
        storage: Any = None,
        study_name: str | None = None,
        *,
        metric: str | Sequence[str] | None = None,
    ):
        self._optuna = import_optional("optuna", "to_optuna")
        names = [metric] if metric is None or isinstance(metric, str) else metric
        self._metrics = [data.checked_metric(name) for name in names]
        self._storage = self._open_storage(storage)
        self.study = self._open_study(study_name or data.label)
        self._params = self._study_params(data)
        self._written: dict[int, _Written] = {}
        self._n_trials = 0
        self._find_written(data)

    def write(self, data: SearchData) -> bool:
        """Write what is new or has changed, and return whether anything was."""
        has_changed = self._write_attributes(data)
        final = {(candidate, each.n_rungs) for candidate, each in self._written.items() if each.is_final}
        for trial in study_trials(data, self._metrics, without=final):
            has_changed |= self._write_trial(trial)
        return has_changed

    # -- the study -------------------------------------------------------------------------------------------

    def _open_storage(self, storage: Any) -> Any:
        if storage is None:
            return self._optuna.storages.InMemoryStorage()
        if isinstance(storage, str):
            return self._optuna.storages.RDBStorage(storage)
        if not isinstance(storage, self._optuna.storages.BaseStorage):
            raise TypeError(f"storage must be None, a URL or a storage of Optuna, got {storage!r}")
        return storage

    def _open_study(self, name: str) -> Study:
        """Return the study of this name, a new one if there is none."""
        optuna = self._optuna
        directions = ["maximize"] * len(self._metrics)
        with _quiet(optuna):
            study: Study = optuna.create_study(
                storage=self._storage, study_name=name, directions=directions, load_if_exists=True
            )
            if not study.user_attrs and not study.get_trials(deepcopy=False):
                study.set_metric_names(self._metrics)
            elif study.user_attrs.get(_MARK) != self._metrics:
                raise _another_study(name)
        return study

    def _write_attributes(self, data: SearchData) -> bool:
        attributes = {**_study_attributes(data), _MARK: self._metrics}
        stored = self.study.user_attrs
        changed = {name: value for name, value in attributes.items() if stored.get(name) != value}
        for name, value in changed.items():
            self.study.set_user_attr(name, value)
        return bool(changed)

    # -- parameters ------------------------------------------------------------------------------------------

    def _study_params(self, data: SearchData) -> dict[str, StudyParam]:
        """Return the parameters; those of stored trials keep their choices, which Optuna does not let change."""
        history = history_of(data)
        pending = [plain_params(candidate.params) for candidate in history.pending] if history else []
        params = study_params(data, pending)
        for trial in self.study.get_trials(deepcopy=False):
            for name, distribution in trial.distributions.items():
                if hasattr(distribution, "choices"):
                    params = _with_choices(params, name, distribution.choices)
        return params

    def _described(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return parameters of the study with their distributions, and user attributes for what these cannot hold."""
        values: dict[str, Any] = {}
        distributions: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        for name, value in params.items():
            param = self._params.get(name, StudyParam(name, None, {}))
            if param.range is not None and param.range.accepts(value):
                values[name] = int(value) if param.range.is_integer else float(value)
                distributions[name] = self._numbers(param.range.extended([value]))
            elif (choice := param.choices.get(repr(value), MISSING)) is not MISSING:
                values[param.choice_name] = choice
                choices = tuple(param.choices.values())
                distributions[param.choice_name] = self._optuna.distributions.CategoricalDistribution(choices)
            else:
                attributes[f"param_{name}"] = value
        return values, distributions, attributes

    def _numbers(self, ends: Range) -> Any:
        distributions = self._optuna.distributions
        if ends.is_integer:
            return distributions.IntDistribution(int(ends.low), int(ends.high), log=ends.log)
        return distributions.FloatDistribution(ends.low, ends.high, log=ends.log)

    # -- trials ----------------------------------------------------------------------------------------------

    def _find_written(self, data: SearchData) -> None:
        """Find the trials that the study has; raise ValueError if they are not candidates of this search."""
        stored = self.study.get_trials(deepcopy=False)
        self._n_trials = len(stored)
        if not stored:
            return
        expected = {each.candidate: each.params for each in study_trials(data, self._metrics)}
        for trial in stored:
            candidate = trial.user_attrs.get("candidate")
            if candidate not in expected or self._described(expected[candidate])[0] != trial.params:
                raise _another_study(self.study.study_name)
            n_rungs = trial.user_attrs.get("rungs", 1)
            self._written[candidate] = _Written(trial.number, n_rungs, trial.state.is_finished())

    def _write_trial(self, trial: StudyTrial) -> bool:
        written = self._written.get(trial.candidate)
        if written is not None and written.is_final:
            if written.n_rungs >= trial.n_rungs:
                return False
            written = None  # it was promoted after all; a finished trial of Optuna cannot change
        if written is not None and written.trial == trial:
            return False
        if written is None:
            number = self._n_trials
            self._add(trial)
        else:
            number = written.number
            self._update(number, trial)
        is_final = trial.state not in ("running", "waiting")
        self._written[trial.candidate] = _Written(number, trial.n_rungs, is_final, trial)
        return True

    def _add(self, trial: StudyTrial) -> None:
        params, distributions, attributes = self._described(trial.params)
        frozen = self._optuna.trial.create_trial(
            state=self._state(trial),
            values=trial.values,
            params=params,
            distributions=distributions,
            user_attrs={**trial.attributes, **attributes},
            intermediate_values=dict(trial.steps),
        )
        if frozen.state.is_finished() or trial.started:
            started = trial.started or time.time()
            frozen.datetime_start = datetime.fromtimestamp(
                started
            )  # Optuna's times are local, without a zone
            if frozen.state.is_finished():
                frozen.datetime_complete = datetime.fromtimestamp(trial.ended or started + trial.seconds)
        self.study.add_trial(frozen)
        self._n_trials += 1

    def _update(self, number: int, trial: StudyTrial) -> None:
        study_id = self._storage.get_study_id_from_name(self.study.study_name)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        stored = self._storage.get_trial(trial_id)
        if stored.state.is_finished():  # by someone in the dashboard
            return
        for name, value in trial.attributes.items():
            if stored.user_attrs.get(name) != value:
                self._storage.set_trial_user_attr(trial_id, name, value)
        for step, score in trial.steps.items():
            if stored.intermediate_values.get(step) != score:
                self._storage.set_trial_intermediate_value(trial_id, step, score)
        state, running = self._state(trial), self._optuna.trial.TrialState.RUNNING
        if stored.state.name == "WAITING" and state != stored.state:
            self._storage.set_trial_state_values(trial_id, running)  # sets the time of the start
        if state not in (stored.state, running):
            self._storage.set_trial_state_values(trial_id, state, trial.values)

    def _state(self, trial: StudyTrial) -> Any:
        names = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
        names |= {"running": "RUNNING", "waiting": "WAITING"}
        return self._optuna.trial.TrialState[names[trial.state]]


class _Written(NamedTuple):
    """What the study has of a candidate."""

    number: int
    n_rungs: int
    is_final: bool
    trial: StudyTrial | None = None


def _study_attributes(data: SearchData) -> dict[str, Any]:
    """Return what describes a search, as JSON values; the dashboard shows the first five at once."""
    attributes: dict[str, Any] = {
        "state": f"{data.state} ({data.stop_reason})" if data.stop_reason else data.state,
        "search": data.search,
        "n_planned": data.n_planned,
        "started": data.started.isoformat(sep=" ", timespec="seconds") if data.started else None,
        "metric": data.metric,
        "n_splits": data.n_splits,
        "resource": data.resource,
        "journal": data.journal.path if data.journal else None,
    }
    for name in ("data", "folds", "scoring", "estimator", "versions"):
        attributes[name] = (data.fingerprint or {}).get(name, "")[:_MAX_TEXT]
    return {name: value for name, value in attributes.items() if value not in (None, "")}


def _with_choices(
    params: Mapping[str, StudyParam], name: str, choices: Sequence[Any]
) -> dict[str, StudyParam]:
    """Return the parameters, one of them with these choices in place of its own."""
    changed = dict(params)
    for param in params.values():
        if param.choice_name == name:
            keys = {repr(choice): key for key, choice in param.choices.items()}
            by_key = {keys.get(repr(choice), repr(choice)): choice for choice in choices}
            changed[param.name] = replace(param, choices=by_key)
    return changed


def _another_study(name: str) -> ValueError:
    return ValueError(
        f"study_name: the storage has a study {name!r} that was not exported from this search with these metrics; "
        "choose another name"
    )


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Suppress the messages of Optuna about new studies and about functions that may change."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
