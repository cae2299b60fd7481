"""Reader of a journal: its bytes as lines, its lines as a header, candidates, folds and events."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from skhpt.journal.append_only_file import FileState, read_file
from skhpt.journal.codec import TextCodec
from skhpt.journal.json_values import decode_line
from skhpt.journal.records import (
    MAGIC,
    Decoder,
    Event,
    FirstLine,
    Header,
    candidate_from,
    checked_int,
    event_from,
    first_line_from,
    fold_from,
)
from skhpt.trial import Candidate, FoldScore

T = TypeVar("T")


@dataclass(frozen=True)
class StoredJournal:
    """Lines of a journal file, of which only the first one is decoded.

    `read_stored` and `parse_stored` make one. The other lines are decoded by `read`, which needs a codec.

    Attributes
    ----------
    path : str
        Absolute path of the file.
    lines : list of bytes
        The complete lines, at least one.
    first_line : FirstLine
        Content of the first line.
    state : FileState or None
        State of the file at the time of reading.
    """

    path: str
    lines: list[bytes]
    first_line: FirstLine
    state: FileState | None = None

    @property
    def header(self) -> Header:
        """Description of the search that the journal belongs to."""
        return self.first_line.header

    @property
    def n_bytes(self) -> int:
        """Number of bytes of the complete lines."""
        return _n_bytes(self.lines)

    def read(self, codec: Decoder) -> Contents:
        """Decode the lines after the first one.

        Parameters
        ----------
        codec : Codec
            Decodes the parameters of candidates.

        Raises
        ------
        ValueError
            If a line is invalid.
        """
        contents = Contents(self.first_line)
        for number in range(2, len(self.lines) + 1):
            self._decode(number, lambda record: contents.add(record, codec))
        return contents

    def read_as_text(self) -> Contents:
        """Decode the lines after the first one without the objects of the search: each object becomes its text."""
        codec = self._decode(1, lambda _: TextCodec(self.first_line.choices))
        return self.read(codec)

    def _decode(self, number: int, read: Callable[[object], T]) -> T:
        return _decoded(self.lines[number - 1], read, where=f"{self.path}, line {number}")


def read_stored(path: str | os.PathLike[str]) -> StoredJournal | None:
    """Read a journal that a search can be resumed from.

    The file is neither locked nor changed. `open_journal` takes the result, and reads the file again only if
    it has changed in the meantime.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    stored : StoredJournal or None
        None if there is no file, or the file has no line after the first one.

    Raises
    ------
    ValueError
        If the file is not a journal, or was written by a newer version.
    OSError
        If the file cannot be read.
    """
    path = os.path.abspath(os.fspath(path))
    if not os.path.isfile(path):
        return None
    data, state = read_file(path)
    stored = parse_stored(path, data, state)
    return stored if stored is not None and len(stored.lines) > 1 else None


def parse_stored(path: str, data: bytes, state: FileState | None = None) -> StoredJournal | None:
    """Split the bytes of a journal into lines and decode the first one; return None if it is not complete.

    Raises
    ------
    ValueError
        If these are not the bytes of a journal, or a newer version wrote them.
    """
    lines = _complete_lines(data)
    if not lines and _is_torn_first_line(data):
        return None
    if not lines or not lines[0].startswith(MAGIC):
        raise ValueError(f"{path} is not a journal of skhpt")
    first_line = _decoded(lines[0], first_line_from, where=f"{path}, line 1")
    return StoredJournal(path, lines, first_line, state=state)


def _complete_lines(data: bytes) -> list[bytes]:
    """Split the bytes of a file into lines, without the torn ones at its end.

    A line without a newline is torn, even if it is valid JSON: digits of its last number may be missing.
    Lines at the end that contain zero bytes are torn too: a power cut leaves zeros where data did not reach
    the disk.
    """
    lines = data.split(b"\n")
    lines.pop()  # the bytes after the last newline
    while lines and b"\0" in lines[-1]:
        lines.pop()
    return lines


def _is_torn_first_line(data: bytes) -> bool:
    """Tell whether a file without a complete line is a journal whose first line is torn."""
    start = data.rstrip(b"\0")[: len(MAGIC)]
    return MAGIC.startswith(start)


def _n_bytes(lines: list[bytes]) -> int:
    return sum(map(len, lines)) + len(lines)


def _decoded(line: bytes, read: Callable[[object], T], *, where: str) -> T:
    """Decode a line and read its record; an error says where the line is."""
    try:
        return read(decode_line(line))
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{where}: {error}") from error


@dataclass
class Contents:
    """Decoded lines of a journal.

    Attributes
    ----------
    first_line : FirstLine
        Content of the first line.
    candidates : list of Candidate
        All candidates, in the order of their ids.
    folds : dict of (int, int) to FoldScore
        All folds by candidate and split, in the order of their arrival; the last one if a fold was evaluated
        twice.
    n_counted_folds : dict of int to int
        Number of folds that count, by the id of each candidate that a race eliminated.
    events : list of Event
        All events.
    """

    first_line: FirstLine
    candidates: list[Candidate] = field(default_factory=list)
    folds: dict[tuple[int, int], FoldScore] = field(default_factory=dict)
    n_counted_folds: dict[int, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def add(self, record: object, codec: Decoder) -> None:
        """Add the record of one line; raise ValueError if it is invalid."""
        if type(record) is not dict:
            raise ValueError("a record is not a JSON object")
        match next(iter(record), None):
            case "asked":
                self._add_round(record, codec)
            case "scored":
                self._add_fold(fold_from(record))
            case "finished":
                self._add_elimination(record)
            case "event":
                self.events.append(event_from(record))
            case _:
                raise ValueError("not one of the records of a journal")

    def _add_round(self, record: dict[str, object], codec: Decoder) -> None:
        candidate_records = record["asked"]
        if not isinstance(candidate_records, list) or len(record) > 1:
            raise ValueError("a round is not a list of candidates")
        for candidate_record in candidate_records:
            candidate = candidate_from(candidate_record, codec)
            expected_id = self.first_line.n_earlier_trials + len(self.candidates)
            if candidate.id != expected_id:
                raise ValueError(f"candidate {candidate.id} was asked for where {expected_id} is next")
            for fold in candidate.preset_folds:
                self._check_split(fold.split)
            self.candidates.append(candidate)

    def _add_fold(self, fold: FoldScore) -> None:
        self._check_candidate(fold.candidate)
        self._check_split(fold.split)
        self.folds.pop((fold.candidate, fold.split), None)  # the last arrival decides the order
        self.folds[fold.candidate, fold.split] = fold

    def _add_elimination(self, record: dict[str, object]) -> None:
        candidate_id = checked_int(record["finished"], "finished")
        n_folds = checked_int(record.get("n_folds"), "n_folds")
        self._check_candidate(candidate_id)
        self._check_split(n_folds)
        self.n_counted_folds[candidate_id] = n_folds

    def _check_candidate(self, candidate_id: int) -> None:
        first_id = self.first_line.n_earlier_trials
        if not first_id <= candidate_id < first_id + len(self.candidates):
            raise ValueError(f"candidate {candidate_id} was never asked for")

    def _check_split(self, split: int) -> None:
        n_splits = self.first_line.header.metadata.get("n_splits")
        if split < 0 or (n_splits is not None and split >= n_splits):
            raise ValueError(f"there is no fold {split}")
