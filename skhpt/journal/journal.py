"""Journal of a search: a file to which candidates, folds and events are written as they happen."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from skhpt._warnings import warn_user
from skhpt.fingerprint import code_difference
from skhpt.journal.append_only_file import AppendOnlyFile, Clock
from skhpt.journal.codec import Codec
from skhpt.journal.json_values import encode_line
from skhpt.journal.reader import Contents, StoredJournal, parse_stored
from skhpt.journal.records import (
    Header,
    candidate_record,
    elimination_record,
    event_record,
    fold_record,
    header_record,
)
from skhpt.trial import Candidate, FoldScore, Trial

#: Number of characters that an error shows before and after the difference of two descriptions, and of the
#: difference.
_N_AROUND, _N_DIFFERENT = 40, 80


class Journal:
    """Open journal of a search; `open_journal` makes one.

    When a method returns, its line has been handed to the operating system. If a line cannot be written,
    there is one warning, and nothing is written from then on.

    Attributes
    ----------
    metadata : dict of str to object
        Metadata of the header in the file; the given one if the journal is new.
    is_resumed : bool
        Whether the file had candidates already.
    candidates : list of Candidate
        Candidates that the file had when it was opened, in the order of their ids.
    folds : list of FoldScore
        Folds that the file had when it was opened, in the order of their arrival; the last one if a fold was
        evaluated twice.
    n_bytes_cut : int
        Number of bytes of a torn line that were removed from the end of the file.
    """

    def __init__(
        self,
        file: AppendOnlyFile,
        codec: Codec,
        header: Header,
        *,
        n_earlier_trials: int = 0,
        contents: Contents | None = None,
        n_bytes_cut: int = 0,
    ):
        self._file = file
        self._codec = codec
        self.is_resumed = contents is not None
        self.metadata = contents.first_line.header.metadata if contents else header.metadata
        self.candidates = contents.candidates if contents else []
        self.folds = list(contents.folds.values()) if contents else []
        self.n_bytes_cut = n_bytes_cut
        self._first_id = n_earlier_trials
        self._next_id = n_earlier_trials + len(self.candidates)

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
            If a parameter cannot be written, or the ids do not continue those of the journal.
        """
        for expected_id, candidate in enumerate(candidates, start=self._next_id):
            if candidate.id != expected_id:
                raise ValueError(
                    f"journal: candidate {candidate.id} was asked for where {expected_id} is next"
                )
        records = [
            candidate_record(candidate, self._codec.encode(candidate.params)) for candidate in candidates
        ]
        self._next_id += len(records)
        if records:
            # One line for the round: if it is torn, the strategy is asked for the whole round again.
            self._write({"asked": records})

    def scored(self, *folds: FoldScore) -> None:
        """Write folds that were evaluated, in one go."""
        for fold in folds:
            if not self._first_id <= fold.candidate < self._next_id:
                raise ValueError(f"journal: candidate {fold.candidate} was never asked for")
        self._write(*map(fold_record, folds))

    def finished(self, trial: Trial) -> None:
        """Write the number of folds that count if a race eliminated the trial; write nothing for any other trial."""
        if trial.was_eliminated:
            self._write(elimination_record(trial))

    def record_event(self, what: str, **facts: Any) -> None:
        """Write an event, with plain values that describe it."""
        self._write(event_record(what, time.time(), facts))

    def close(self) -> None:
        """Wait until all lines are on the disk, then close the file, so that another search can write to it."""
        self._file.close()

    def _write(self, *records: dict[str, Any]) -> None:
        self._file.append(b"".join(map(encode_line, records)))


def open_journal(
    path: str | os.PathLike[str],
    header: Header,
    codec: Codec,
    *,
    stored: StoredJournal | None = None,
    n_earlier_trials: int = 0,
    clock: Clock = time.monotonic,
) -> Journal:
    """Open the journal of a search: create the file, or resume the search that the file describes.

    A torn line at the end of the file is removed: a process or machine stopped while it was written. A file
    that has only its first line is written anew. Nothing else in a file is ever changed, and a file that is
    refused is not changed at all.

    Parameters
    ----------
    path : str or path-like
        The file.
    header : Header
        Description of the search. Its fingerprint must equal that of an existing file.
    codec : Codec
        Encodes and decodes the parameters of candidates.
    stored : StoredJournal, default=None
        The journal as `read_stored` has read it. The file is read again if this is None, or if the file has
        changed in the meantime.
    n_earlier_trials : int, default=0
        Number of trials from earlier searches, whose ids precede those of the journal.
    clock : callable, default=time.monotonic
        Returns seconds; measures how long a sync to the disk takes.

    Returns
    -------
    journal : Journal
        The caller must close it.

    Raises
    ------
    ValueError
        If the file is not a journal of this search: another kind of file, damaged, written by a newer
        version, or the journal of a search with another fingerprint.
    OSError
        If the file cannot be opened for writing; `BlockingIOError` if another search writes to it.

    Warns
    -----
    UserWarning
        If a torn line was removed, or the file cannot be locked or written to.
    """
    path = os.path.abspath(os.fspath(path))
    record = header_record(header, codec.texts(), n_earlier_trials=n_earlier_trials, time=time.time())
    first_line = encode_line(record)
    parse_stored(path, first_line)  # a header that could not be read back is refused before a file is created
    file = AppendOnlyFile(path, clock)
    try:
        stored = _current_content(file, stored)
        contents = _resumed_contents(stored, header, codec, n_earlier_trials=n_earlier_trials)
        n_bytes_cut = _remove_torn_line(file, stored)
        if contents is None:
            _write_anew(file, first_line)
        return Journal(
            file,
            codec,
            header,
            n_earlier_trials=n_earlier_trials,
            contents=contents,
            n_bytes_cut=n_bytes_cut,
        )
    except BaseException:
        file.release()
        raise


def _current_content(file: AppendOnlyFile, stored: StoredJournal | None) -> StoredJournal | None:
    """Return the content of a locked file: `stored` if the file has not changed since it was read."""
    if stored is not None and stored.state == file.state:
        return stored
    return parse_stored(file.path, file.read())


def _resumed_contents(
    stored: StoredJournal | None, header: Header, codec: Codec, *, n_earlier_trials: int
) -> Contents | None:
    """Decode a journal that is resumed; return None if the file has nothing to resume.

    Raises
    ------
    ValueError
        If the journal belongs to another search, or is damaged.
    """
    if stored is None or len(stored.lines) == 1:
        return None
    path, n_stored = stored.path, stored.first_line.n_earlier_trials
    if differing := differences(stored.header.fingerprint, header.fingerprint):
        raise ValueError(
            f"{path} is the journal of another search; differences between the file and this search:\n"
            + "\n".join(differing)
            + "\nResume that search unchanged, or set journal= to another path."
        )
    if n_stored != n_earlier_trials:
        raise ValueError(
            f"{path} is the journal of another search: it follows {n_stored} trials of earlier searches, but this "
            f"search follows {n_earlier_trials}"
        )
    return stored.read(codec)


def _remove_torn_line(file: AppendOnlyFile, stored: StoredJournal | None) -> int:
    """Remove the bytes after the last complete line, with a warning; return their number."""
    n_bytes, n_lines = (stored.n_bytes, len(stored.lines)) if stored else (0, 0)
    n_torn = file.n_bytes - n_bytes
    if n_torn == 0:
        return 0
    file.truncate(n_bytes)
    if file.is_open:  # otherwise the file could not be changed, which has been reported
        warn_user(
            f"the journal {file.path} ends with a torn line: {n_torn} bytes of line {n_lines + 1} were cut off. A "
            "search was stopped while it wrote that line; its content is evaluated again."
        )
    return n_torn


def _write_anew(file: AppendOnlyFile, first_line: bytes) -> None:
    if file.n_bytes > 0:
        file.truncate(0)
    file.append(first_line)


# -- differences of descriptions -----------------------------------------------------------------------------


def differences(stored: dict[str, str], current: dict[str, str]) -> list[str]:
    """Describe the differences of the fingerprints of a file and of a search, one line for each part that differs."""
    lines = []
    for name in dict.fromkeys([*stored, *current]):
        if name == "code":  # earlier versions did not write it
            lines += [f"  {line}" for line in code_difference(stored.get(name, ""), current.get(name, ""))]
        elif name not in stored or name not in current:
            lines.append(f"  {name}: only in the {'file' if name in stored else 'search'}")
        elif stored[name] != current[name]:
            old, new = _differing_excerpts(stored[name], current[name])
            lines.append(f"  {name}: {old} became {new}")
    return lines


def _differing_excerpts(a: str, b: str) -> tuple[str, str]:
    """Cut two texts to the characters that differ, and some characters around them."""
    start = _n_common(a, b)
    n_end = _n_common(a[start:][::-1], b[start:][::-1])
    return _excerpt(a, start, len(a) - n_end), _excerpt(b, start, len(b) - n_end)


def _n_common(a: str, b: str) -> int:
    """Return the number of equal characters at the start of two texts."""
    n = 0
    for x, y in zip(a, b):
        if x != y:
            break
        n += 1
    return n


def _excerpt(text: str, start: int, stop: int) -> str:
    first, last = max(0, start - _N_AROUND), min(len(text), stop + _N_AROUND)
    middle = text[start:stop]
    if len(middle) > _N_DIFFERENT:
        middle = middle[: _N_DIFFERENT // 2] + "..." + middle[-_N_DIFFERENT // 2 :]
    before = "..." if first > 0 else ""
    after = "..." if last < len(text) else ""
    return before + text[first:start] + middle + text[stop:last] + after
