"""What MLflow is told of a search, as values: parameters, metrics and tags, within the limits of MLflow."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from skhpt._typing import Params
from skhpt.results.cv_results import metric_names
from skhpt.results.status import cut_text
from skhpt.space.scipy_adapter import source_repr
from skhpt.trial import FoldScore, Score, Trial

#: Largest number of characters of a name, of the value of a parameter and of the value of a tag.
MAX_NAME, MAX_PARAM, MAX_TAG = 250, 6000, 5000

ErrorScore = float | Literal["raise"]


class MetricValue(NamedTuple):
    """Value of a metric at a step, and its time in milliseconds since 1970."""

    name: str
    value: float
    step: int
    time: int


@dataclass(frozen=True, kw_only=True)
class CandidateRun:
    """The run of a candidate, as far as one of its trials tells; a candidate of Hyperband has several.

    Attributes
    ----------
    candidate : int
        Number of the candidate.
    rung : int
        Rung of the trial; 0 for searches without rungs.
    params : dict of str to str
        Parameters.
    metrics : list of MetricValue
        Scores and times.
    tags : dict of str to str
        Tags.
    error : str
        Traceback of the first failure; empty if there is none.
    started, ended : int
        Times in milliseconds since 1970.
    """

    candidate: int
    rung: int
    params: dict[str, str]
    metrics: list[MetricValue]
    tags: dict[str, str]
    error: str
    started: int
    ended: int

    @property
    def status(self) -> str:
        """Status of the run."""
        return "FAILED" if self.error else "FINISHED"


def candidate_run(trial: Trial, *, error_score: ErrorScore, now: float) -> CandidateRun:
    """Describe the run of a candidate.

    Parameters
    ----------
    trial : Trial
        Finished trial.
    error_score : "raise" or float
        Score of a failed fit.
    now : float
        Time in Unix seconds, for folds that do not know theirs.
    """
    failure = trial.failure
    ended = _milliseconds(max((fold.ended for fold in trial.evaluated), default=0) or now)
    started = min((fold.started for fold in trial.evaluated if fold.started), default=now)
    info = trial.candidate.info
    tags = {"skhpt.candidate": str(trial.candidate.number), "skhpt.state": trial.outcome}
    if "rung" in info:
        tags |= {"skhpt.bracket": str(info["bracket"]), "skhpt.rung": str(info["rung"])}
    if failure:
        tags["skhpt.error"] = _last_line(failure)
    return CandidateRun(
        candidate=trial.candidate.number,
        rung=info.get("rung", 0),
        params=param_texts(trial.candidate.params),
        metrics=_metrics(trial, error_score, ended),
        tags=tag_texts(tags),
        error=(failure.error or _last_line(failure)) if failure else "",
        started=min(_milliseconds(started), ended),
        ended=ended,
    )


def _metrics(trial: Trial, error_score: ErrorScore, ended: int) -> list[MetricValue]:
    """Return scores and times; the step is the number of the fold, or the rung where there are rungs."""
    info, folds = trial.candidate.info, trial.evaluated
    rung = info.get("rung")
    values = [(name, value, rung or 0) for name, value in _summary(trial, error_score)]
    if rung is not None:
        values += [(name, float(info[name]), rung) for name in ("n_resources", "n_folds")]
    for metric in metric_names([trial]) or ["score"]:
        for fold in folds:
            score = _score(fold.test_score, metric)
            if rung is None:
                values.append((f"split_test_{metric}", score, fold.split))
            else:
                values.append((f"split{fold.split}_test_{metric}", score, rung))
    return [
        MetricValue(name_text(name), value, step, ended) for name, value, step in values if value == value
    ]


def _summary(trial: Trial, error_score: ErrorScore) -> list[tuple[str, float]]:
    """Return means and standard deviations over the folds, with the names of ``cv_results_``."""
    folds = trial.evaluated
    values = []
    names = metric_names([trial])
    for metric in names or ["score"]:
        values.append((f"mean_test_{metric}", trial.mean_score(metric if names else None, error_score)))
        scores = [_score(fold.test_score, metric) for fold in folds]
        if all(score == score for score in scores) and scores and not trial.was_eliminated:
            values.append((f"std_test_{metric}", statistics.pstdev(scores)))
        if folds and all(fold.train_score is not None for fold in folds):
            train = statistics.fmean(_score(fold.train_score, metric) for fold in folds)
            values.append((f"mean_train_{metric}", train))
    if folds:
        values.append(("mean_fit_time", statistics.fmean(fold.fit_time for fold in folds)))
        values.append(("mean_score_time", statistics.fmean(fold.score_time for fold in folds)))
    return values


def _score(score: Score | None, metric: str) -> float:
    """Return the score of a metric as a number; NaN if there is none."""
    if isinstance(score, dict):
        score = score.get(metric)
    return float("nan") if score is None else float(score)


def _last_line(failure: FoldScore) -> str:
    return failure.error_line or f"fold {failure.split}: {failure.state}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


# -- texts -----------------------------------------------------------------------------------------------------


def param_texts(params: Params) -> dict[str, str]:
    """Return parameters with names and values that MLflow accepts."""
    return _with_accepted_names(
        (name, cut_text(value_text(value), MAX_PARAM)) for name, value in params.items()
    )


def tag_texts(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags with names and values that MLflow accepts."""
    return _with_accepted_names((name, cut_text(str(value), MAX_TAG)) for name, value in tags.items())


def _with_accepted_names(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a dict whose names MLflow accepts; names that become equal are told apart by underscores."""
    accepted: dict[str, str] = {}
    for name, value in items:
        name = name_text(name)
        while name in accepted:
            name = f"{name[: MAX_NAME - 1]}_"
        accepted[name] = value
    return accepted


def name_text(name: Any) -> str:
    """Return a name of a parameter, metric or tag that MLflow accepts on every system."""
    text = re.sub(r"[^\w.\- ]", "_", str(name))[:MAX_NAME]
    return text if text.strip(".") else "_" * max(1, len(text))


def value_text(value: Any) -> str:
    """Return the text of a value: an estimator, function or distribution as code would have it, without addresses."""
    if isinstance(value, str):
        return value
    return _nested_text(value)


def _nested_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_nested_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        left, right = "[]" if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        return left + ", ".join(map(_nested_text, value)) + right
    if hasattr(value, "dtype") and getattr(value, "shape", None) == ():  # numpy's numbers
        value = value.item()
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    if hasattr(value, "history_"):  # a fitted search, such as `previous`
        return type(value).__name__
    try:
        text = source_repr(value)
    except Exception:  # a class may define anything
        text = f"<{type(value).__qualname__}>"
    return " ".join(text.split()) if hasattr(value, "get_params") else text


def csv_text(table: Mapping[str, Sequence[Any]]) -> str:
    """Return ``cv_results_`` as a CSV file."""
    import csv
    import io

    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table)
    for row in zip(*table.values()):
        writer.writerow([value_text(cell) for cell in row])
    return file.getvalue()
