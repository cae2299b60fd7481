"""What a journal holds: its bytes as lines, its lines as a header, candidates, folds and events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from importlib import metadata
from math import isfinite
from operator import attrgetter
from typing import Any

from skhpt.journal.codec import TextCodec
from skhpt.journal.json_values import pack, unpack
from skhpt.journal.records import (
    Decoder,
    Event,
    candidate_from,
    checked_int,
    event_from,
    fold_from,
    fold_record,
    time_from,
)
from skhpt.trial import Candidate, FoldScore

#: What every journal begins with.
MAGIC = b'{"journal": "skhpt", "format": '
FORMAT = 1
#: More folds than anybody has the time for.
_MANY_SPLITS = 10_000_000


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


# Made once: to make them takes about as long as to use them.
_decode = json.JSONDecoder(parse_constant=_refuse).decode
_encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode

_PLAIN = ("candidate", "split", "test_score", "fit_time", "score_time")
_plain_and_others = attrgetter(*_PLAIN, *(one.name for one in fields(FoldScore) if one.name not in _PLAIN))
#: JSON has the numbers of Python. To find all digits of a small one takes a microsecond: times do without.
_USUAL_LINE = b'{"scored": %d, "split": %d, "test": %a, "fit_time": %.9f, "score_time": %.9f}\n'
_USUAL = list(_plain_and_others(FoldScore(0, 0, 0.0))[len(_PLAIN) :])


@dataclass(frozen=True)
class Header:
    """What a journal is begun with.

    Attributes
    ----------
    parts : dict of str to str
        What a search depends on, described by name: the space, the data, ... They must agree when it goes on.
    facts : dict of str to object
        What else to remember, which is not compared: JSON values, also tuples and arrays. Who reads a journal looks for
        ``n_splits`` (int), ``metrics`` (list of str, or None), ``refit_metric`` (str) and ``error_score`` (float).
    """

    parts: dict[str, str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Beginning:
    """The first line of a journal.

    Attributes
    ----------
    header : Header
        See there.
    started : datetime
        When it was begun.
    n_known : int
        How many trials from elsewhere come before the first one of the journal.
    choices : object
        What to show of the choices, see `Codec`.
    """

    header: Header
    started: datetime
    n_known: int
    choices: Any


def as_line(record: dict[str, Any]) -> bytes:
    """Write a record as a line."""
    # ASCII, with everything else escaped: that is UTF-8 too, and text that is not valid Unicode survives.
    return _encode(record).encode() + b"\n"


def fold_line(fold: FoldScore) -> bytes:
    """Write a fold as a line; one with nothing special about it in a shorter way, with its times to the nanosecond."""
    candidate, split, test, fit_time, score_time, *others = _plain_and_others(fold)
    are_plain = type(test) is type(fit_time) is type(score_time) is float and isfinite(test + fit_time + score_time)
    if not are_plain or others != _USUAL:
        return as_line(fold_record(fold))
    return _USUAL_LINE % (candidate, split, test, fit_time, score_time)


def first_line(header: Header, choices: Any, n_known: int, time: float) -> bytes:
    """Write the first line of a journal."""
    record = {
        "journal": "skhpt",
        "format": FORMAT,
        "skhpt": _version(),
        "time": time,
        "n_known": n_known,
        "parts": header.parts,
        "facts": {name: pack(value, arrays=True) for name, value in header.facts.items()},
        "choices": choices,
    }
    return as_line(record)


def whole_lines(data: bytes) -> tuple[list[bytes], int]:
    """Split a file into lines, without what is torn at its end; return also how many bytes the others are.

    A line without a newline is torn, even if it could be read: what is missing may have been digits. So are lines at
    the end with zero bytes, which is what a power cut leaves of what never came to the disk.
    """
    lines = data.split(b"\n")
    lines.pop()  # what comes after the last newline
    while lines and b"\0" in lines[-1]:
        lines.pop()
    return lines, sum(map(len, lines)) + len(lines)


def is_torn_beginning(data: bytes) -> bool:
    """Tell whether a file without a whole line is a journal of which not even the first line came to the disk."""
    start = data.rstrip(b"\0")[: len(MAGIC)]
    return MAGIC.startswith(start)


class Contents:
    """Everything that the lines of a journal say.

    Parameters
    ----------
    path : str
        Where the lines come from, for error messages.
    lines : list of bytes
        The lines, at least one.

    Attributes
    ----------
    beginning : Beginning
        The first line.
    candidates : list of Candidate
        All that were asked for, in the order of their ids.
    folds : dict of (int, int) to FoldScore
        All that came back, in this order, by candidate and split; if one came twice, the last.
    n_counting : dict of int to int
        How many folds count of each candidate that lost a race.
    events : list of Event
        What else happened.

    Raises
    ------
    ValueError
        If these are not the lines of a journal, or of one that this version can read.
    """

    def __init__(self, path: str, lines: list[bytes]):
        self.path = path
        self._lines = lines
        self.candidates: list[Candidate] = []
        self.folds: dict[tuple[int, int], FoldScore] = {}
        self.n_counting: dict[int, int] = {}
        self.events: list[Event] = []
        if not lines[0].startswith(MAGIC):
            raise ValueError(f"{path} is not a journal of skhpt")
        self.beginning = self._read(0, _beginning_from)
        self._n_splits = self.beginning.header.facts.get("n_splits")

    def texts_of_choices(self) -> TextCodec:
        """Return what reads the candidates without the objects of the search."""
        return self._read(0, lambda _: TextCodec(self.beginning.choices))

    def read(self, codec: Decoder) -> Contents:
        """Read the other lines; `codec` decodes the parameters of candidates."""
        self._codec = codec
        for i in range(1, len(self._lines)):
            self._read(i, self._take)
        return self

    def _read(self, i: int, make: Callable[[Any], Any]) -> Any:
        try:
            return make(_loads(self._lines[i]))
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{self.path}, line {i + 1}: {error}") from error

    def _take(self, record: Any) -> None:
        kind = next(iter(record), None) if type(record) is dict else None
        if kind == "scored":
            fold = fold_from(record)
            self._check_candidate(fold.candidate)
            self._check_split(fold.split)
            self.folds.pop((fold.candidate, fold.split), None)
            self.folds[fold.candidate, fold.split] = fold
        elif kind == "asked":
            self._take_round(record)
        elif kind == "finished":
            number = self._check_candidate(checked_int(record["finished"], "finished"))
            self.n_counting[number] = self._check_split(checked_int(record.get("n_folds"), "n_folds"))
        elif kind == "event":
            self.events.append(event_from(record))
        else:
            raise ValueError("it is none of the records of a journal")

    def _take_round(self, record: dict[str, Any]) -> None:
        if type(record["asked"]) is not list or len(record) > 1:
            raise ValueError("a round is no list of candidates")
        for one in record["asked"]:
            candidate = candidate_from(one, self._codec)
            expected = self.beginning.n_known + len(self.candidates)
            if candidate.id != expected:
                raise ValueError(f"candidate {candidate.id} was asked for where {expected} is next")
            for fold in candidate.preset_folds:
                self._check_split(fold.split)
            self.candidates.append(candidate)

    def _check_candidate(self, number: int) -> int:
        n_known = self.beginning.n_known
        if not n_known <= number < n_known + len(self.candidates):
            raise ValueError(f"candidate {number} was never asked for")
        return number

    def _check_split(self, split: int) -> int:
        if split < 0 or (self._n_splits is not None and split >= self._n_splits):
            raise ValueError(f"there is no fold {split}")
        return split


def _loads(line: bytes) -> Any:
    try:
        return _decode(line.decode())
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None


def _beginning_from(record: Any) -> Beginning:
    if type(record) is not dict or type(record.get("format")) is not int:
        raise ValueError("it is not the first line of a journal")
    if record["format"] != FORMAT:
        raise ValueError(
            f"its format is {record['format']}, which needs skhpt {str(record.get('skhpt'))[:20]} or newer; this is "
            f"skhpt {_version()}, which reads format {FORMAT}"
        )
    parts, facts = record.get("parts"), record.get("facts")
    if type(parts) is not dict or not all(type(text) is str for text in parts.values()):
        raise ValueError("parts is no dict of texts")
    if type(facts) is not dict:
        raise ValueError("facts is no dict")
    n_known = checked_int(record.get("n_known"), "n_known")
    if n_known < 0:
        raise ValueError("n_known is negative")
    header = Header(parts, {name: unpack(value) for name, value in facts.items()})
    n_splits = header.facts.get("n_splits")
    if n_splits is not None and not 0 < checked_int(n_splits, "n_splits") <= _MANY_SPLITS:
        raise ValueError("n_splits is no number of folds")
    return Beginning(header, time_from(record.get("time")), n_known, record.get("choices"))


def _version() -> str:
    try:
        return metadata.version("skhpt")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "of unknown version"
