"""Records of a journal: conversion of the header, candidates, folds and events to JSON objects and back.

The first key of a record names its kind: ``journal`` (the header), ``asked`` (a round of candidates),
``scored`` (a fold), ``finished`` (a candidate that a race eliminated, and the number of its folds that count)
or ``event``. Fields that have their default value are left out.

The keys belong to the file format and stay as they are; the tables `_CANDIDATE_FIELDS` and `_FOLD_FIELDS` map
the attributes of Python objects to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from math import isfinite
from typing import Any, NamedTuple, Protocol, get_args

from skhpt._typing import Params
from skhpt.identity import native
from skhpt.journal.json_values import encode, pack, pack_text, unpack, unpack_text
from skhpt.space.summary import summary_from_json
from skhpt.strategies.rung_statistics import RUNG_INFO
from skhpt.trial import Candidate, FoldScore, Predictions, Score, State, Trial

#: The first bytes of every journal; the number of the format follows.
MAGIC = b'{"journal": "skhpt", "format": '
#: The format of new journals. Journals of format 1, whose lines have no checksums, are continued in format 1.
FORMAT = 2
#: The last second of the year 9999, the largest time of a datetime.
_MAX_TIME = 253402300799
#: The largest number of folds that a header may name.
_MAX_SPLITS = 10_000_000
#: The largest number of candidates, rungs or units of a resource.
_MAX_COUNT = 2**63
_STATES = frozenset(get_args(State))


class Decoder(Protocol):
    """The reading half of a codec."""

    def decode(self, point: Any) -> Params: ...


# -- header --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Header:
    """Description of the search that a journal belongs to.

    Attributes
    ----------
    fingerprint : dict of str to str
        Description of everything that the results depend on: the space, the data, ... A search is resumed
        only if these are equal. The key in the file is ``parts``.
    metadata : dict of str to object
        Values that are stored but not compared: JSON values, also tuples and arrays. `JournalView` looks for
        ``n_splits`` (int), ``metrics`` (list of str, or None), ``refit_metric`` (str) and ``error_score``
        (float). The key in the file is ``facts``.
    """

    fingerprint: dict[str, str]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class FirstLine:
    """Content of the first line of a journal.

    Attributes
    ----------
    header : Header
        Description of the search.
    started : datetime
        Time when the journal was created, in UTC.
    n_earlier_trials : int
        Number of trials from earlier searches, whose ids precede those of the journal.
    choices : object
        Texts that describe the choices of the space, see `Codec.texts`.
    journal_id : str or None
        Random id of the journal, which the checksums of its lines depend on; None if they have no checksums.
    """

    header: Header
    started: datetime
    n_earlier_trials: int
    choices: Any
    journal_id: str | None


def header_record(
    header: Header, choices: Any, *, journal_id: str, n_earlier_trials: int, time: float
) -> dict[str, Any]:
    """Make the record of the first line, for a time in Unix seconds."""
    return {
        "journal": "skhpt",
        "format": FORMAT,
        "skhpt": version(),
        "id": journal_id,
        "time": time,
        "n_known": n_earlier_trials,
        "parts": header.fingerprint,
        "facts": {name: pack(value, arrays=True) for name, value in header.metadata.items()},
        "choices": choices,
    }


def first_line_from(record: Any) -> FirstLine:
    """Read the record of the first line; raise ValueError if it is not a header that this version can read."""
    if type(record) is not dict or type(record.get("format")) is not int:
        raise ValueError("not the first line of a journal")
    if record["format"] not in (1, FORMAT):
        raise ValueError(
            f"its format is {record['format']}, which needs skhpt {str(record.get('skhpt'))[:20]} or newer; this is "
            f"skhpt {version()}, which reads the formats 1 to {FORMAT}"
        )
    n_earlier_trials = checked_int(record.get("n_known"), "n_known")
    if n_earlier_trials < 0:
        raise ValueError("n_known is negative")
    started = time_from(record.get("time"))
    header = _header_from(record)
    return FirstLine(
        header,
        started,
        n_earlier_trials,
        choices=record.get("choices"),
        journal_id=_journal_id_from(record),
    )


def _journal_id_from(record: dict[str, Any]) -> str | None:
    if record["format"] == 1:
        if "id" in record or "crc" in record:
            raise ValueError("format 1 has neither id nor crc: the line was changed after it was written")
        return None
    return _read_text(record.get("id"), "id")


def _header_from(record: dict[str, Any]) -> Header:
    parts, facts = record.get("parts"), record.get("facts")
    if type(parts) is not dict or not all(type(text) is str for text in parts.values()):
        raise ValueError("parts is missing or not a dict of texts")
    if type(facts) is not dict:
        raise ValueError("facts is missing or not a dict")
    header = Header(parts, _read_facts(facts, "facts"))
    n_splits = header.metadata.get("n_splits")
    if n_splits is not None and not 0 < checked_int(n_splits, "n_splits") <= _MAX_SPLITS:
        raise ValueError("n_splits is not a valid number of folds")
    return header


def _read_facts(packed: Any, key: str) -> dict[str, Any]:
    """Read facts; raise ValueError if one that readers of this version use is invalid."""
    facts = _read_info(packed, key)
    for name, check in _FACT_CHECKS.items():
        if facts.get(name) is not None:
            check(facts[name], name)
    return facts


def _checked_count(value: Any, key: str) -> int:
    if not 0 <= checked_int(value, key) <= _MAX_COUNT:
        raise ValueError(f"{key} is not a valid number")
    return int(value)


def _check_plan(rows: Any, key: str) -> None:
    """Check rows of bracket, rung, number of candidates, resource and number of folds."""
    if type(rows) is not list or not all(isinstance(row, (list, tuple)) and len(row) == 5 for row in rows):
        raise ValueError(f"{key} is not a list of rungs")
    for row in rows:
        for number in row:
            _checked_count(number, key)
        if 0 in row[2:]:
            raise ValueError(f"{key} has a rung without candidates, resource or folds")


def _check_error_score(value: Any, key: str) -> None:
    if isinstance(value, (int, float)):
        float(value)  # an integer may be too large


def version() -> str:
    """Return the version of this package."""
    try:
        return metadata.version("skhpt")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "of unknown version"


# -- fields --------------------------------------------------------------------------------------------------

_REQUIRED = object()


class _Field(NamedTuple):
    """Rule that writes and reads one attribute of a candidate or a fold.

    Attributes
    ----------
    name : str
        Name of the attribute.
    key : str
        Key in the file.
    write : callable
        ``write(value)`` returns a JSON value.
    read : callable
        ``read(json_value, key)`` returns the value, and raises ValueError if it is invalid.
    default : object
        Value that is left out of the file.
    """

    name: str
    key: str
    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]
    default: Any = _REQUIRED


def _write_fields(fields: Sequence[_Field], thing: Candidate | FoldScore) -> dict[str, Any]:
    record = {}
    for name, key, write, _, default in fields:
        value = getattr(thing, name)
        if value != default:
            record[key] = write(value)
    return record


def _read_fields(
    fields: Mapping[str, _Field], record: Mapping[str, Any], required: Sequence[str] = ()
) -> dict[str, Any]:
    """Read the fields of a record, by their keys in the file; default values are left out."""
    values: dict[str, Any] = {}
    for key, value in record.items():
        field = fields.get(key)
        if field is None:
            raise ValueError(f"a record has the unknown field {key[:40]!r}")
        if value is not None or field.default is not None:
            values[field.name] = field.read(value, key)
    for key in required:
        if key not in record:
            raise ValueError(f"{key} is missing")
    return values


def checked_int(value: Any, key: str) -> int:
    """Return a value that must be an int, or raise ValueError."""
    if type(value) is not int:
        raise ValueError(f"{key} is missing or not an integer")
    return value


def _read_number(value: Any, key: str) -> float:
    if type(value) is float and isfinite(value):
        return value
    return _checked_number(unpack(value), key)


def _checked_number(value: Any, key: str) -> float:
    if not isinstance(value, (float, int)):
        raise ValueError(f"{key} is not a number")
    float(value)  # an integer may be too large
    return value


def _read_time(value: Any, key: str) -> float:
    if type(value) not in (int, float) or not 0 <= value < _MAX_TIME:
        raise ValueError(f"{key} is not a valid number of seconds")
    return float(value)


def _write_text(value: Any) -> Any:
    return pack(str(value))


def _read_text(value: Any, key: str) -> str:
    value = unpack(value) if type(value) is dict else value
    if type(value) is not str:
        raise ValueError(f"{key} is missing or not a text")
    return value


def _read_bool(value: Any, key: str) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{key} is neither true nor false")
    return value


def _check_is_object(record: Any) -> None:
    if type(record) is not dict:
        raise ValueError("a record is not a JSON object")


def _check_keys(record: Any, known: frozenset[str]) -> None:
    _check_is_object(record)
    if unknown := record.keys() - known:
        raise ValueError(f"a record has the unknown field {min(unknown)[:40]!r}")


# -- folds ---------------------------------------------------------------------------------------------------


def fold_record(fold: FoldScore) -> dict[str, Any]:
    """Make the record of a fold."""
    return _write_fields(_FOLD_FIELDS, fold)


def fold_text(fold: FoldScore) -> str:
    """Return the record of a fold as JSON text."""
    return usual_fold_text(fold) or encode(fold_record(fold))


def usual_fold_text(fold: FoldScore) -> str:
    """Return the JSON text of a successful fold, made by a template; an empty text for any other fold.

    Nearly all folds are of this kind, and a template takes a third of the time of the general way.
    """
    if fold.state != "ok" or fold.predictions is not None or fold.error is not None:
        return ""
    if fold.resumed_from or fold.converged or fold.retries:
        return ""
    started, ended, worker, times = fold.started, fold.ended, fold.worker, ""
    if worker and 0 < started <= ended < _MAX_TIME:
        times = f', "started": {started:.4f}, "ended": {ended:.4f}, "worker": {_key_text(worker)}'
    elif worker or started or ended:
        return ""
    fit_time, score_time, score = fold.fit_time, fold.score_time, fold.test_score
    test = repr(score) if type(score) is float and isfinite(score) else _score_text(score)
    if not (fit_time and score_time and test and type(fit_time) is type(score_time) is float):
        return ""
    if not isfinite(fit_time + score_time):
        return ""
    train = ""
    if fold.train_score is not None:
        train = _score_text(fold.train_score)
        if not train:
            return ""
        train = f', "train": {train}'
    return (
        f'{{"scored": {fold.candidate:d}, "split": {fold.split:d}, "test": {test}{train}, '
        f'"fit_time": {fit_time!r}, "score_time": {score_time!r}{times}}}'
    )


def _score_text(score: Score | None) -> str:
    """Return the JSON text of a score of finite floats; an empty text for any other score."""
    if type(score) is float:
        return repr(score) if isfinite(score) else ""
    if type(score) is not dict:
        return ""
    texts = []
    for metric, number in score.items():
        if (
            type(number) is not float
            or not isfinite(number)
            or type(metric) is not str
            or not metric.isascii()
        ):
            return ""
        texts.append(f"{_key_text(metric)}: {number!r}")
    return f'{{"dict": {{{", ".join(texts)}}}}}'


_key_text = lru_cache(maxsize=256)(encode)


def usual_fold_from(line: bytes) -> FoldScore | None:
    """Read the JSON text of a fold that the template of `fold_text` wrote; return None for any other text."""
    match = _USUAL_FOLD.fullmatch(line)
    if match is None:
        return None
    candidate, split, test, fit_time, score_time, started, ended, worker = match.groups()
    score, fit_seconds, score_seconds = float(test), float(fit_time), float(score_time)
    if not isfinite(score + fit_seconds + score_seconds):  # 1e999 is not a number that is written
        return None
    if worker is None:
        return FoldScore(int(candidate), int(split), score, None, fit_seconds, score_seconds)
    if float(ended) >= _MAX_TIME or float(started) >= _MAX_TIME:
        return None
    return FoldScore(  # keywords would take a tenth of the time of reading
        int(candidate),
        int(split),
        score,
        None,
        fit_seconds,
        score_seconds,
        "ok",
        None,
        0,
        False,
        0,
        None,
        float(started),
        float(ended),
        _worker_name(worker),
    )


@lru_cache(maxsize=256)
def _worker_name(text: bytes) -> str:
    return text.decode()


def without_predictions(line: bytes) -> bytes:
    """Return the JSON text of a fold without its predictions, which are its last field."""
    if not line.startswith(b'{"scored"'):
        return line
    # Within a text, these quotation marks would be escaped.
    rest, field, _ = line.partition(b', "predictions": ')
    return rest + b"}" if field else line


def fold_from(record: Any) -> FoldScore:
    """Read the record of a fold; raise ValueError if it is invalid."""
    _check_is_object(record)
    values = _read_fields(_FOLD_KEYS, record, required=("scored", "split"))
    return FoldScore(**{"test_score": None, **values})


def _write_score(score: Score) -> Any:
    if type(score) is dict:
        return pack({metric: _python_number(value) for metric, value in score.items()})
    return pack(_python_number(score))


def _python_number(score: Any) -> Any:
    """Convert a score of any numeric type to a type that JSON has."""
    score = native(score)
    return score if type(score) in (float, int, bool) else float(score)


def _read_score(packed: Any, key: str) -> Score:
    if type(packed) is not dict:
        return _read_number(packed, key)
    score = unpack(packed)
    if type(score) is dict and score:
        return {metric: _checked_number(value, key) for metric, value in score.items()}
    return _checked_number(score, key)


def _read_state(value: Any, key: str) -> str:
    if _read_text(value, key) not in _STATES:
        raise ValueError(f"{key} is not a state of a fold")
    return str(value)


def _write_predictions(predictions: Predictions) -> Any:
    try:
        return pack(predictions, arrays=True)
    except TypeError as error:
        raise TypeError(
            f"its predictions cannot be written ({error}); set return_predictions=False"
        ) from error


def _read_predictions(packed: Any, key: str) -> Predictions:
    try:
        return Predictions(**unpack(packed))
    except TypeError:  # not a dict, or a dict with other names
        raise ValueError(f"the fields of {key} are wrong") from None


def _time(seconds: float) -> float:
    """Round Unix seconds to a tenth of a millisecond."""
    return round(float(seconds), 4)


_FOLD_FIELDS = (
    # attribute, key in the file, functions that write and read the value, default
    _Field("candidate", "scored", pack, checked_int),
    _Field("split", "split", pack, checked_int),
    _Field("test_score", "test", _write_score, _read_score, None),
    _Field("train_score", "train", _write_score, _read_score, None),
    _Field("fit_time", "fit_time", pack, _read_number, 0.0),
    _Field("score_time", "score_time", pack, _read_number, 0.0),
    _Field("started", "started", _time, _read_time, 0.0),
    _Field("ended", "ended", _time, _read_time, 0.0),
    _Field("worker", "worker", _write_text, _read_text, ""),
    _Field("state", "state", str, _read_state, "ok"),
    _Field("error", "error", _write_text, _read_text, None),
    _Field("resumed_from", "resumed_from", pack, _read_number, 0),
    _Field("converged", "converged", bool, _read_bool, False),
    _Field("retries", "retries", pack, checked_int, 0),
    _Field("predictions", "predictions", _write_predictions, _read_predictions, None),
)
#: A finite float as Python writes it.
_FLOAT = rb"(-?\d+(?:\.\d+(?:e[-+]\d+)?|e[-+]\d+))"
_USUAL_FOLD = re.compile(
    rb'\{"scored": (\d{1,18}), "split": (\d{1,18}), "test": %b, "fit_time": %b, "score_time": %b'
    rb'(?:, "started": (\d{1,12}\.\d+), "ended": (\d{1,12}\.\d+), "worker": "([\w./-]+)")?\}'
    % (_FLOAT, _FLOAT, _FLOAT)
)
_FOLD_KEYS = {field.key: field for field in _FOLD_FIELDS}

# -- candidates ----------------------------------------------------------------------------------------------


def round_record(candidates: list[dict[str, Any]], time: float) -> dict[str, Any]:
    """Make the record of a round of candidates, given their records."""
    return {"asked": candidates, "time": _time(time)}


def candidate_record(candidate: Candidate, point: Any) -> dict[str, Any]:
    """Make the record of a candidate, with its parameters as a codec encoded them."""
    record = {"id": pack(candidate.id), "point": point} | _write_fields(_CANDIDATE_FIELDS, candidate)
    for fold in record.get("settled", ()):
        if fold["scored"] == candidate.id:
            del fold["scored"]
    return record


def own_params_from(record: Any) -> Params | None:
    """Take from the record of a candidate the parameters that it leaves out; None if there are none."""
    if type(record) is not dict or "own" not in record:
        return None
    return texts_from(record.pop("own"), "own")


def texts_record(params: Mapping[str, Any]) -> dict[str, Any]:
    """Make a dict of plain values and of texts that stand for objects."""
    return {name: pack_text(value) for name, value in params.items()}


def texts_from(record: Any, key: str) -> dict[str, Any]:
    """Read a dict of plain values and of texts that stand for objects; raise ValueError if it is invalid."""
    if type(record) is not dict:
        raise ValueError(f"{key} is not a dict")
    return {name: unpack_text(value) for name, value in record.items()}


def candidate_from(record: Any, codec: Decoder) -> Candidate:
    """Read the record of a candidate; raise ValueError if it is invalid."""
    _check_is_object(record)
    if tuple(record) == ("id", "point"):
        return Candidate(checked_int(record["id"], "id"), codec.decode(record["point"]))
    candidate_id = checked_int(record.get("id"), "id")
    rest = {key: value for key, value in record.items() if key not in ("id", "point")}
    values = _read_fields(_CANDIDATE_KEYS, rest)
    parent = values.get("parent")
    if parent is not None and not 0 <= parent < candidate_id:
        raise ValueError(
            f"the parent of candidate {candidate_id} is candidate {parent}, which does not precede it"
        )
    preset_folds = tuple(_preset_fold_from(fold, candidate_id) for fold in values.pop("preset_folds", ()))
    params = codec.decode(record.get("point"))
    return Candidate(id=candidate_id, params=params, preset_folds=preset_folds, **values)


def _preset_fold_from(record: Any, candidate_id: int) -> FoldScore:
    """Read a fold whose record leaves out the id of the candidate that it belongs to."""
    return fold_from({"scored": candidate_id, **record} if type(record) is dict else record)


def _write_info(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pack(value) for name, value in info.items()}


def _read_info(packed: Any, key: str) -> dict[str, Any]:
    if type(packed) is not dict:
        raise ValueError(f"{key} is not a dict")
    return {name: unpack(value) for name, value in packed.items()}


def _read_note(packed: Any, key: str) -> dict[str, Any]:
    info = _read_info(packed, key)
    if all(name in info for name in RUNG_INFO):  # a subclass may have written some of them, with other values
        for name in RUNG_INFO:
            _checked_count(info[name], name)
    return info


def _write_preset_folds(folds: Sequence[FoldScore]) -> list[dict[str, Any]]:
    return [fold_record(fold) for fold in folds]


def _read_list(records: Any, key: str) -> list[Any]:
    if type(records) is not list:
        raise ValueError(f"{key} is not a list")
    return records


#: Functions ``check(value, name)`` of the facts that readers use; None is valid.
_FACT_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "space": summary_from_json,
    "own": texts_from,
    "error_score": _check_error_score,
    "n_planned": _checked_count,
    "plan": _check_plan,
}
_CANDIDATE_FIELDS = (
    # attribute, key in the file, functions that write and read the value, default
    _Field("resource", "resource", pack, _read_number, None),
    _Field("info", "note", _write_info, _read_note, {}),
    _Field("bracket_id", "lane", pack, checked_int, 0),
    _Field("parent", "parent", pack, checked_int, None),
    _Field("preset_folds", "settled", _write_preset_folds, _read_list, ()),
)
_CANDIDATE_KEYS = {field.key: field for field in _CANDIDATE_FIELDS}


# -- eliminated candidates and events ------------------------------------------------------------------------


def elimination_record(trial: Trial, time: float) -> dict[str, Any]:
    """Make the record of a trial that a race eliminated: the folds before the first skipped fold count."""
    preset_folds = trial.candidate.preset_folds
    skipped_by_race = (fold.state == "skipped" and fold not in preset_folds for fold in trial.folds)
    n_folds = list(skipped_by_race).index(True)
    return {"finished": trial.candidate.id, "n_folds": n_folds, "time": _time(time)}


def earlier_record(trial: Trial) -> dict[str, Any]:
    """Make the record of a trial of an earlier search, with texts in place of objects and without predictions."""
    point = {"params": texts_record(trial.candidate.params)}
    preset_folds = tuple(_without_predictions(fold) for fold in trial.candidate.preset_folds)
    candidate = candidate_record(replace(trial.candidate, preset_folds=preset_folds), point)
    return {"earlier": candidate, "folds": [fold_record(_without_predictions(fold)) for fold in trial.folds]}


def _without_predictions(fold: FoldScore) -> FoldScore:
    return fold if fold.predictions is None else replace(fold, predictions=None)


def earlier_from(record: Any) -> Trial:
    """Read the record of a trial of an earlier search; raise ValueError if it is invalid."""
    _check_keys(record, frozenset({"earlier", "folds"}))
    candidate = candidate_from(record["earlier"], _TEXTS)
    folds = [fold_from(fold) for fold in _read_list(record.get("folds"), "folds")]
    return Trial(candidate, tuple(folds))


class _Texts:
    """Decoder of parameters that are plain values or texts."""

    def decode(self, point: Any) -> Params:
        if type(point) is not dict or type(point.get("params")) is not dict:
            raise ValueError("the parameters of a candidate are missing or not a dict")
        return texts_from(point["params"], "params")


_TEXTS = _Texts()


@dataclass(frozen=True)
class Event:
    """Event in the course of a search, such as its interruption.

    Attributes
    ----------
    what : str
        Name of the event.
    time : datetime
        Time of the event, in UTC.
    facts : dict of str to object
        Values that describe the event.
    """

    what: str
    time: datetime
    facts: dict[str, Any]


def event_record(what: str, time: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make the record of an event at a time in Unix seconds."""
    return {"event": what, "time": _time(time), "facts": _write_info(facts)}


def event_from(record: Any) -> Event:
    """Read the record of an event; raise ValueError if it is invalid."""
    _check_keys(record, frozenset({"event", "time", "facts"}))
    what = _read_text(record["event"], "event")
    return Event(what, time_from(record.get("time")), _read_facts(record.get("facts"), "facts"))


def time_from(seconds: Any) -> datetime:
    """Convert Unix seconds to a time in UTC; raise ValueError if that is impossible."""
    return datetime.fromtimestamp(_read_time(seconds, "time"), UTC)
