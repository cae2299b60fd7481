"""Rounds, folds and events as records, and back: the fields that a line of a journal has.

The first field of a record says what it is: ``asked`` (a round of candidates), ``scored`` (a fold), ``finished`` (a
candidate that lost a race, and how many of its folds count) or ``event``. What has its default is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, get_args

import skhpt.trial
from skhpt.identity import native
from skhpt.journal.json_values import pack, unpack
from skhpt.trial import Candidate, FoldScore, Score, State, Trial

#: The end of the year 9999, beyond which a datetime cannot be.
_END_OF_TIME = 253402300799
_STATES = frozenset(get_args(State))
_CANDIDATE_FIELDS = {"id", "point", "resource", "note", "lane", "parent", "settled"}
_FOLD_FIELDS = {
    *("scored", "split", "test", "train", "fit_time", "score_time"),
    *("state", "error", "resumed_from", "converged", "retries", "predictions"),
}


@dataclass(frozen=True)
class Event:
    """Something that happened to a search, such as that it was stopped.

    Attributes
    ----------
    what : str
        Its name.
    time : datetime
        When it happened, in UTC.
    facts : dict of str to object
        What else is known of it.
    """

    what: str
    time: datetime
    facts: dict[str, Any]


class Decoder(Protocol):
    """The half of a codec that reads."""

    def decode(self, point: Any) -> dict[str, Any]: ...


# -- candidates ------------------------------------------------------------------------------------------------------


def candidate_record(candidate: Candidate, point: Any) -> dict[str, Any]:
    """Make a record of a candidate, whose parameters are encoded as `point`."""
    record: dict[str, Any] = {"id": pack(candidate.id), "point": point}
    if candidate.resource is not None:
        record["resource"] = pack(candidate.resource)
    if candidate.info:
        record["note"] = {name: pack(value) for name, value in candidate.info.items()}
    if candidate.bracket_id:
        record["lane"] = pack(candidate.bracket_id)
    if candidate.parent is not None:
        record["parent"] = pack(candidate.parent)
    if candidate.preset_folds:
        record["settled"] = [_preset_record(fold, candidate.id) for fold in candidate.preset_folds]
    return record


def candidate_from(record: Any, codec: Decoder) -> Candidate:
    """Make a candidate of its record; raise ValueError if it is none."""
    _check_fields(record, _CANDIDATE_FIELDS)
    number = checked_int(record.get("id"), "id")
    parent, resource, note = record.get("parent"), record.get("resource"), record.get("note", {})
    if parent is not None and not 0 <= checked_int(parent, "parent") < number:
        raise ValueError(f"candidate {number} goes on with candidate {parent}, which does not come before it")
    if resource is not None:
        _number(resource, "resource")
    if type(note) is not dict or type(record.get("settled", [])) is not list:
        raise ValueError("note is no dict, or settled no list")
    return Candidate(
        id=number,
        params=codec.decode(record.get("point")),
        resource=resource,
        info={name: unpack(value) for name, value in note.items()},
        bracket_id=checked_int(record.get("lane", 0), "lane"),
        parent=parent,
        preset_folds=tuple(fold_from(one, number) for one in record.get("settled", ())),
    )


def _preset_record(fold: FoldScore, candidate: int) -> dict[str, Any]:
    record = fold_record(fold)
    if fold.candidate == candidate:
        del record["scored"]
    return record


# -- folds -----------------------------------------------------------------------------------------------------------


def fold_record(fold: FoldScore) -> dict[str, Any]:
    """Make a record of a fold."""
    record: dict[str, Any] = {"scored": pack(fold.candidate), "split": pack(fold.split)}
    if fold.test_score is not None:
        record["test"] = _pack_score(fold.test_score)
    if fold.train_score is not None:
        record["train"] = _pack_score(fold.train_score)
    if fold.fit_time:
        record["fit_time"] = pack(fold.fit_time)
    if fold.score_time:
        record["score_time"] = pack(fold.score_time)
    if fold.state != "ok":
        record["state"] = fold.state
    if fold.error is not None:
        record["error"] = fold.error
    if fold.resumed_from:
        record["resumed_from"] = pack(fold.resumed_from)
    if fold.converged:
        record["converged"] = True
    if fold.retries:
        record["retries"] = pack(fold.retries)
    if (predictions := getattr(fold, "predictions", None)) is not None:
        record["predictions"] = pack(predictions, arrays=True)
    return record


def fold_from(record: Any, owner: int | None = None) -> FoldScore:
    """Make a fold of its record, which may leave out its `owner`; raise ValueError if it is none."""
    _check_fields(record, _FOLD_FIELDS)
    get = record.get
    state, error, converged = get("state", "ok"), get("error"), get("converged", False)
    if type(state) is not str or state not in _STATES:
        raise ValueError("state is none that a fold can have")
    if error is not None and type(error) is not str:
        raise ValueError("error is no text")
    if type(converged) is not bool:
        raise ValueError("converged is neither true nor false")
    return FoldScore(
        checked_int(get("scored", owner), "scored"),
        checked_int(get("split"), "split"),
        _unpack_score(get("test"), "test"),
        _unpack_score(get("train"), "train"),
        _number(get("fit_time", 0.0), "fit_time"),
        _number(get("score_time", 0.0), "score_time"),
        state,  # type: ignore[arg-type]
        error,
        _number(get("resumed_from", 0), "resumed_from"),
        converged,
        checked_int(get("retries", 0), "retries"),
        **_predictions(get("predictions")),
    )


def _predictions(packed: Any) -> dict[str, Any]:
    """Return predictions as an argument of FoldScore; nothing if there are none, or it has no place for them."""
    if packed is None or "predictions" not in FoldScore.__dataclass_fields__:
        return {}
    predictions = unpack(packed)
    kind = getattr(skhpt.trial, "Predictions", None)
    if kind and type(predictions) is dict:
        try:
            predictions = kind(**predictions)
        except TypeError:
            raise ValueError("the predictions are none") from None
    return {"predictions": predictions}


def _pack_score(score: Score) -> Any:
    if type(score) is dict:
        return {"dict": {name: pack(_python_number(one)) for name, one in score.items()}}
    return pack(_python_number(score))


def _python_number(score: Any) -> Any:
    """Return a score, which may be any kind of number, as one that JSON knows."""
    score = native(score)
    return score if type(score) in (float, int, bool) else float(score)


def _unpack_score(packed: Any, name: str) -> Any:
    if packed is None or (type(packed) is float and math.isfinite(packed)):
        return packed
    score = unpack(packed)
    if type(score) is dict:
        return {metric: _checked_number(one, name) for metric, one in score.items()}
    return _checked_number(score, name)


# -- the rest --------------------------------------------------------------------------------------------------------


def lost_record(trial: Trial) -> dict[str, Any]:
    """Make a record of a trial that lost a race: the folds before the first one that it was spared count."""
    preset_folds = trial.candidate.preset_folds
    n_folds = next(i for i, fold in enumerate(trial.folds) if fold.state == "skipped" and fold not in preset_folds)
    return {"finished": trial.candidate.id, "n_folds": n_folds}


def event_record(what: str, time: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make a record of an event at a time in Unix seconds."""
    return {"event": what, "time": time, "facts": {name: pack(value) for name, value in facts.items()}}


def event_from(record: Any) -> Event:
    """Make an event of its record; raise ValueError if it is none."""
    _check_fields(record, {"event", "time", "facts"})
    what, facts = record["event"], record.get("facts")
    if type(what) is not str or type(facts) is not dict:
        raise ValueError("an event has no name or no facts")
    return Event(what, time_from(record.get("time")), {name: unpack(value) for name, value in facts.items()})


def time_from(seconds: Any) -> datetime:
    """Make a time of Unix seconds; raise ValueError if they are none."""
    if type(seconds) not in (int, float) or not 0 <= seconds < _END_OF_TIME:
        raise ValueError("time is none")
    return datetime.fromtimestamp(seconds, UTC)


def checked_int(value: Any, name: str) -> int:
    """Return a value that must be an int, or raise ValueError."""
    if type(value) is not int:
        raise ValueError(f"{name} is missing or no integer")
    return value


def _number(value: Any, name: str) -> Any:
    """Return a value that must be a packed number."""
    if type(value) is float and math.isfinite(value):
        return value
    return _checked_number(unpack(value), name)


def _checked_number(value: Any, name: str) -> Any:
    if type(value) not in (float, int, bool):
        raise ValueError(f"{name} is no number")
    return value


def _check_fields(record: Any, known: set[str]) -> None:
    if type(record) is not dict:
        raise ValueError("a record is no object")
    if not record.keys() <= known:
        raise ValueError(f"a record has the unknown field {min(record.keys() - known)[:40]!r}")
