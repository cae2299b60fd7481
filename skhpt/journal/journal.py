"""The memory of a search in a file: what was asked for and what came back, written as it happens."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from skhpt._warnings import warn_user
from skhpt.journal.append_only_file import AppendOnlyFile, Clock
from skhpt.journal.codec import Codec
from skhpt.journal.reader import Contents, Header, as_line, first_line, fold_line, is_torn_beginning, whole_lines
from skhpt.journal.records import candidate_record, event_record, lost_record
from skhpt.trial import Candidate, FoldScore, Trial

#: Characters of a description to show on both sides of a difference, and of the difference itself.
_MARGIN, _MIDDLE = 40, 80


class Journal:
    """Remembers a search in a file; `open_journal` makes one.

    What a call writes is with the operating system when it returns. If it cannot be written, there is one warning, and
    nothing is written from then on.

    Attributes
    ----------
    facts : dict of str to object
        Those of the header of the file; if it was begun just now, those that were given.
    is_resumed : bool
        Whether the file was there already.
    candidates : list of Candidate
        What the file held when it was opened: all that were asked for, in the order of their ids.
    folds : list of FoldScore
        And the folds that came back, in this order; of a fold that came back twice, the last.
    n_bytes_cut : int
        Bytes of a torn line that were cut from the end of the file.
    """

    def __init__(
        self, file: AppendOnlyFile, codec: Codec, facts: dict[str, Any], n_known: int, contents: Contents | None
    ):
        self._file = file
        self._codec = codec
        self.facts = facts
        self.is_resumed = contents is not None
        self.candidates = contents.candidates if contents else []
        self.folds = list(contents.folds.values()) if contents else []
        self.n_bytes_cut = 0
        self._first = n_known
        self._next = n_known + len(self.candidates)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether lines are still written: not after `close`, after a failure, or in a forked child."""
        return self._file.is_open

    def asked(self, candidates: Sequence[Candidate]) -> None:
        """Write a round of candidates.

        Raises
        ------
        TypeError, ValueError
            If a parameter cannot be written, or ids do not go on where the journal ends.
        """
        for i, candidate in enumerate(candidates, start=self._next):
            if candidate.id != i:
                raise ValueError(f"journal: candidate {candidate.id} was asked for where {i} is next")
        # In one line: of a round that is torn nothing remains, so the strategy is asked for the same round again.
        round_ = [candidate_record(candidate, self._codec.encode(candidate.params)) for candidate in candidates]
        self._next += len(round_)
        if round_:
            self._file.append(as_line({"asked": round_}))

    def scored(self, *folds: FoldScore) -> None:
        """Write folds that came back, together."""
        for fold in folds:
            if not self._first <= fold.candidate < self._next:
                raise ValueError(f"journal: candidate {fold.candidate} was never asked for")
        self._file.append(b"".join(map(fold_line, folds)))

    def finished(self, trial: Trial) -> None:
        """Write which folds of a trial count, if it lost a race; otherwise all do, and nothing is written."""
        if trial.was_eliminated:
            self._file.append(as_line(lost_record(trial)))

    def record_event(self, what: str, **facts: Any) -> None:
        """Write that something happened, and plain values that belong to it."""
        self._file.append(as_line(event_record(what, time.time(), facts)))

    def close(self) -> None:
        """Wait until all is on the disk, and let others write to the file."""
        self._file.close()


def open_journal(
    path: str | os.PathLike[str], header: Header, codec: Codec, n_known: int = 0, *, clock: Clock = time.monotonic
) -> Journal:
    """Begin a journal, or go on with one.

    A line that is torn at the end, because the process or the machine stopped while it was written, is cut off, and a
    journal that is nothing but its first line is begun anew. Nothing else of a file is ever changed, and nothing of it
    is changed if it is refused.

    Parameters
    ----------
    path : str or path-like
        Where the file is or shall be.
    header : Header
        What the search depends on. If the file is there already, its parts must agree.
    codec : Codec
        Writes and reads the parameters of candidates.
    n_known : int, default=0
        How many trials from elsewhere come before the first one that the journal is told of, and have their ids.
    clock : callable, default=time.monotonic
        Seconds, to tell how long the disk takes.

    Returns
    -------
    journal : Journal
        To be closed in the end.

    Raises
    ------
    ValueError
        If the file is not a journal of this search: something else, damaged, from a newer version, or begun with other
        parts.
    OSError
        If it cannot be opened for writing; `BlockingIOError` if another search writes to it.

    Warns
    -----
    UserWarning
        If a torn line was cut off, or the file cannot be locked or written to.
    """
    path = os.path.abspath(os.fspath(path))
    line = first_line(header, codec.texts(), n_known, time.time())
    Contents(path, [line])  # what could not be read again is refused before there is a file
    file = AppendOnlyFile(path, clock)
    try:
        data = file.read()
        lines, size = whole_lines(data)
        if not lines and not is_torn_beginning(data):
            raise ValueError(f"{path} is not a journal of skhpt")
        if len(lines) == 1:
            Contents(path, lines)  # refuses one of a newer version
        contents = _resumed(path, lines, header, codec, n_known) if len(lines) > 1 else None
        facts = contents.beginning.header.facts if contents else header.facts
        journal = Journal(file, codec, facts, n_known, contents)
        journal.n_bytes_cut = len(data) - size
        if journal.n_bytes_cut:
            _cut(file, size, len(lines) + 1, journal.n_bytes_cut)
        if lines and not contents:  # of a search that came to nothing
            file.cut(0)
        if not contents:
            file.append(line)
        return journal
    except BaseException:
        file.release()
        raise


def _resumed(path: str, lines: list[bytes], header: Header, codec: Codec, n_known: int) -> Contents:
    contents = Contents(path, lines)
    begun = contents.beginning
    if differing := differences(begun.header.parts, header.parts):
        raise ValueError(
            f"{path} is the journal of another search; what differs, there and here:\n"
            + "\n".join(differing)
            + "\nGo on with that search as it was, or begin another journal."
        )
    if begun.n_known != n_known:
        raise ValueError(
            f"{path} was begun with {begun.n_known} candidates that an earlier search had evaluated, and here they are "
            f"{n_known}"
        )
    return contents.read(codec)


def _cut(file: AppendOnlyFile, size: int, number: int, n_bytes: int) -> None:
    file.cut(size)
    if not file.is_open:  # it could not be cut, as was said
        return
    warn_user(
        f"the journal {file.path} ends with a torn line: {n_bytes} bytes of line {number} were cut off. A search was "
        "stopped while it wrote; what that line was to tell is found out again."
    )


def differences(there: dict[str, str], here: dict[str, str]) -> list[str]:
    """Say which parts differ, and where, one line for each."""
    said = []
    for name in dict.fromkeys([*there, *here]):
        if name not in there or name not in here:
            said.append(f"  {name}: only {'there' if name in there else 'here'}")
        elif there[name] != here[name]:
            old, new = _where_they_differ(there[name], here[name])
            said.append(f"  {name}: {old} became {new}")
    return said


def _where_they_differ(a: str, b: str) -> tuple[str, str]:
    """Cut two texts to where they differ, and some characters around."""
    start = _n_common(a, b)
    end = _n_common(a[start:][::-1], b[start:][::-1])
    return _excerpt(a, start, len(a) - end), _excerpt(b, start, len(b) - end)


def _n_common(a: str, b: str) -> int:
    """Return with how many equal characters two texts begin."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def _excerpt(text: str, start: int, stop: int) -> str:
    first, last = max(0, start - _MARGIN), min(len(text), stop + _MARGIN)
    middle = text[start:stop]
    if len(middle) > _MIDDLE:
        middle = middle[: _MIDDLE // 2] + "..." + middle[-_MIDDLE // 2 :]
    before, after = "..." if first else "", "..." if last < len(text) else ""
    return before + text[first:start] + middle + text[stop:last] + after
