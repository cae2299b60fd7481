"""Reader of a journal: its lines, one after the other, as a header, candidates, folds and events."""

from __future__ import annotations

import gc
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO

from skhpt._warnings import warn_user
from skhpt.journal.checksums import ChainChecker, Checker, NullChecker, checksum_of_first_line, key_of
from skhpt.journal.codec import TextCodec
from skhpt.journal.json_values import decode
from skhpt.journal.records import (
    MAGIC,
    Decoder,
    Event,
    FirstLine,
    Header,
    candidate_from,
    checked_int,
    earlier_from,
    event_from,
    first_line_from,
    fold_from,
    own_params_from,
    time_from,
    usual_fold_from,
    without_predictions,
)
from skhpt.trial import Candidate, FoldScore, Trial

#: Largest number of line numbers, or of ranges of them, that a message lists.
_MAX_LISTED = 10
#: Errors of a line that is JSON, but not a valid record.
_INVALID = (ValueError, OverflowError, RecursionError)


@dataclass
class Contents:
    """Decoded lines of a journal.

    Attributes
    ----------
    first_line : FirstLine
        Content of the first line.
    candidates : list of Candidate
        All candidates, in the order of their ids.
    folds_of : list of dict of int to FoldScore
        The folds of each candidate by split, in the order of their arrival; the last one if a fold was
        evaluated twice.
    n_counted_folds : dict of int to int
        Number of folds that count, by the id of each candidate that a race eliminated.
    events : list of Event
        All events.
    earlier : list of Trial
        Trials of earlier searches, if the file has them.
    own_params : dict of int to dict
        By the id of a candidate: values that its estimator has for parameters that the candidate leaves out, if
        these are not the values of the estimator of the search.
    is_damaged : bool
        Whether lines are missing.
    is_ended : bool
        Whether the last line says that the search has ended.
    last_time : float
        Time of the last round, elimination or event, in Unix seconds.
    """

    first_line: FirstLine
    candidates: list[Candidate] = field(default_factory=list)
    folds_of: list[dict[int, FoldScore]] = field(default_factory=list)
    n_counted_folds: dict[int, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    earlier: list[Trial] = field(default_factory=list)
    own_params: dict[int, dict[str, Any]] = field(default_factory=dict)
    is_damaged: bool = False
    is_ended: bool = False
    last_time: float = 0.0

    def __post_init__(self) -> None:
        self._first_id = self.first_line.n_earlier_trials
        n_splits = self.first_line.header.metadata.get("n_splits")
        self._n_splits = float("inf") if n_splits is None else n_splits

    @property
    def folds(self) -> list[FoldScore]:
        """All folds, by candidate."""
        return [fold for folds in self.folds_of for fold in folds.values()]

    def add(self, record: object, codec: Decoder) -> None:
        """Add the record of one line; raise ValueError if it is invalid."""
        if type(record) is not dict:
            raise ValueError("a record is not a JSON object")
        kind = next(iter(record), None)
        if kind == "scored":
            self.add_fold(fold_from(record))
        elif kind == "asked":
            self._add_round(record, codec)
        elif kind == "finished":
            self._add_elimination(record)
        elif kind == "event":
            self._add_event(event_from(record))
        elif kind == "earlier":
            self.earlier.append(earlier_from(record))
        else:
            raise ValueError("not one of the records of a journal")

    def add_fold(self, fold: FoldScore) -> None:
        """Add a fold; raise ValueError if its candidate was not asked for, or there is no such fold."""
        candidate_id, split = fold.candidate, fold.split
        i = candidate_id - self._first_id
        if not (0 <= i < len(self.folds_of) and 0 <= split < self._n_splits):
            self._check_candidate(candidate_id)
            self._check_split(split)
        folds = self.folds_of[i]
        if split in folds:
            earlier = folds.pop(split)  # the last arrival decides the order
            # A line may have been moved, so it is unknown which result is the later one.
            if self.is_damaged and repr(earlier) != repr(fold):
                raise ValueError(f"fold {split} of candidate {candidate_id} has two results")
        folds[split] = fold
        self.is_ended = False

    def _add_round(self, record: dict[str, object], codec: Decoder) -> None:
        candidate_records = record["asked"]
        if not isinstance(candidate_records, list) or not record.keys() <= {"asked", "time"}:
            raise ValueError("a round is not a list of candidates")
        self._learn_time(record)
        candidates = []
        expected_id = self._first_id + len(self.candidates)
        for candidate_id, candidate_record in enumerate(candidate_records, start=expected_id):
            own_params = own_params_from(candidate_record)
            candidate = candidate_from(candidate_record, codec)
            if own_params is not None:
                self.own_params[candidate.id] = own_params
            if candidate.id != candidate_id:
                raise ValueError(f"candidate {candidate.id} was asked for where {candidate_id} is next")
            for fold in candidate.preset_folds:
                self._check_split(fold.split)
            candidates.append(candidate)
        self.candidates += candidates
        self.folds_of += [{} for _ in candidates]

    def _add_elimination(self, record: dict[str, object]) -> None:
        candidate_id = checked_int(record["finished"], "finished")
        n_folds = checked_int(record.get("n_folds"), "n_folds")
        self._check_candidate(candidate_id)
        self._check_split(n_folds)
        self._learn_time(record)
        self.n_counted_folds[candidate_id] = n_folds

    def _add_event(self, event: Event) -> None:
        self.events.append(event)
        self.is_ended = event.what == "ended"
        self.last_time = event.time.timestamp()

    def _learn_time(self, record: dict[str, object]) -> None:
        self.is_ended = False
        if "time" in record:  # format 1 has none
            self.last_time = time_from(record["time"]).timestamp()

    def _check_candidate(self, candidate_id: int) -> None:
        if not 0 <= candidate_id - self._first_id < len(self.candidates):
            raise ValueError(f"candidate {candidate_id} was never asked for")

    def _check_split(self, split: int) -> None:
        if not 0 <= split < self._n_splits:
            raise ValueError(f"there is no fold {split}")


class JournalReader:
    """Reader of the lines of a file, of which only the first one is read at once.

    Parameters
    ----------
    path : str
        Absolute path of the file, for messages.
    file : binary file
        The file, at its beginning. It is not changed.

    Attributes
    ----------
    first_line : FirstLine or None
        Content of the first line; None if there is no complete line.
    n_lines : int
        Number of complete lines that were read.
    n_bytes : int
        Size of these lines.
    n_torn_bytes : int
        Number of bytes after the last complete line; known when all lines were read.
    damaged : list of int
        Numbers of the lines that were left out because they do not match their checksums.
    dependent : list of int
        Numbers of the lines that were left out because they need one of the damaged lines.

    Raises
    ------
    ValueError
        If the file is not a journal, its first line is damaged, or a newer version wrote it.
    """

    first_line: FirstLine | None = None

    def __init__(self, path: str, file: BinaryIO):
        self.path = path
        self.n_lines = self.n_bytes = self.n_torn_bytes = 0
        self._shortened: Callable[[bytes], bytes] = bytes
        self.damaged: list[int] = []
        self.dependent: list[int] = []
        beginning = file.read(len(MAGIC))
        file.seek(0)
        self._lines = self._complete_lines(file)
        line = next(self._lines, None)
        if line is not None:
            self.n_lines = 1
            self._read_first_line(line)
        elif not MAGIC.startswith(beginning.rstrip(b"\0")):
            raise self._not_a_journal()

    @property
    def header(self) -> Header | None:
        """Description of the search that the journal belongs to."""
        return self.first_line.header if self.first_line else None

    def has_more(self) -> bool:
        """Return whether there is a complete line after the first one."""
        line = next(self._lines, None)
        if line is not None:
            self._lines = chain([line], self._lines)
        return line is not None

    def read(self, codec: Decoder) -> Contents:
        """Decode the lines after the first one.

        Parameters
        ----------
        codec : Codec
            Decodes the parameters of candidates.

        Raises
        ------
        ValueError
            If a line is invalid. A line that does not match its checksum is left out.
        """
        assert self.first_line is not None
        contents = Contents(self.first_line)
        self.read_into(contents, codec)
        return contents

    def read_into(self, contents: Contents, codec: Decoder) -> None:
        """Add the lines that follow those that were read."""
        with _without_garbage_collection():
            for line in self._lines:
                self.n_lines += 1
                self._read_line(self.n_lines, line, contents, codec)

    def resume(self, file: BinaryIO) -> None:
        """Continue after the last complete line, with a file that has grown since it was read."""
        file.seek(self.n_bytes)
        self._lines = self._complete_lines(file)

    def _read_line(self, number: int, line: bytes, contents: Contents, codec: Decoder) -> None:
        if line == b"\n":  # an editor has added it
            return
        record = self.checker.check(line)
        if record is None:
            self.damaged.append(number)
            contents.is_damaged = True
            return
        try:
            fold = usual_fold_from(record)
            if fold is not None:
                contents.add_fold(fold)
            else:
                contents.add(decode(self._shortened(record)), codec)
        except _INVALID as error:
            if not contents.is_damaged:
                raise ValueError(f"{self.path}, line {number}: {error}") from error
            self.dependent.append(number)

    def text_codec(self) -> TextCodec:
        """Return a decoder that needs no objects of the search: each object becomes its text.

        From now on predictions are left out, which would fill the memory.
        """
        assert self.first_line is not None
        self._shortened = without_predictions
        try:
            return TextCodec(self.first_line.choices)
        except _INVALID as error:
            raise ValueError(f"{self.path}, line 1: {error}") from error

    def warn_of_damage(self, consequence: str) -> None:
        """Warn if lines were left out; the text ends with the `consequence`."""
        if not self.damaged:
            return
        n, text = len(self.damaged), _listed(self.damaged)
        subject = (
            f"line {text} does not match its checksum"
            if n == 1
            else f"lines {text} do not match their checksums"
        )
        text = (
            f"the journal {self.path} is damaged: {subject}. The file was changed after it was written: a line was "
            f"altered, removed, moved or added. {'The line is' if n == 1 else 'The lines are'} left out"
        )
        if self.dependent:
            text += f", and the lines that depend on {'it' if n == 1 else 'them'}: {_listed(self.dependent)}"
        warn_user(f"{text}. {consequence}".rstrip())

    def _complete_lines(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the lines of a file, without the torn ones at its end.

        A line without a newline is torn, even if it is valid JSON: digits of its last number may be missing.
        Lines at the end that contain zero bytes are torn too: a power cut leaves zeros where data did not
        reach the disk.
        """
        with_zeros: list[bytes] = []
        for line in file:
            if b"\0" in line or line[-1] != 10:  # code of the newline
                with_zeros.append(line)
                continue
            if with_zeros:
                self.n_bytes += sum(map(len, with_zeros))
                yield from with_zeros
                with_zeros.clear()
            self.n_bytes += len(line)
            yield _without_marks(line) if line[-2:] == b"\r\n" or line.startswith(BOM_UTF8) else line
        self.n_torn_bytes = sum(map(len, with_zeros))

    def _read_first_line(self, line: bytes) -> None:
        if not line.startswith(MAGIC):
            raise self._not_a_journal()
        try:
            self.first_line = first_line_from(decode(line))
        except _INVALID as error:
            raise ValueError(f"{self.path}, line 1: {error}") from error
        self.checker = self._make_checker(line, self.first_line)

    def _make_checker(self, line: bytes, first_line: FirstLine) -> Checker:
        if first_line.journal_id is None:
            return NullChecker()
        checksum = checksum_of_first_line(line)
        if checksum is None:
            raise ValueError(
                f"{self.path}, line 1: the line does not match its checksum: it was changed after it was written. The "
                "search cannot be resumed without it; restore the file from a copy, or set journal= to another path."
            )
        return ChainChecker(key_of(first_line.journal_id), checksum, MAGIC)

    def _not_a_journal(self) -> ValueError:
        return ValueError(f"{self.path} is not a journal of skhpt, or its first line is damaged")


def read_header(path: str | os.PathLike[str]) -> Header | None:
    """Read the header of a journal that a search can be resumed from.

    The file is neither locked nor changed.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    header : Header or None
        None if there is no file, or the file has no line after the first one.

    Raises
    ------
    ValueError
        If the file is not a journal, its first line is damaged, or a newer version wrote it.
    OSError
        If the file cannot be read.
    """
    path = os.path.abspath(os.fspath(path))
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        reader = JournalReader(path, file)
        return reader.header if reader.has_more() else None


def _without_marks(line: bytes) -> bytes:
    """Return a line as it was written, before an editor changed its end or put a byte order mark before it."""
    return line.removeprefix(BOM_UTF8).removesuffix(b"\r\n").removesuffix(b"\n") + b"\n"


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Suspend the collection of cycles: of many new objects, none of them garbage, it takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _listed(numbers: list[int]) -> str:
    """List ascending numbers as text, such as "3, 5 to 9"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = [str(first) if first == last else f"{first} to {last}" for first, last in ranges[:_MAX_LISTED]]
    return ", ".join(texts) + (", ..." if len(ranges) > _MAX_LISTED else "")
