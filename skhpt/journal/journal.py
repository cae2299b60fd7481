"""Journal of a search: a file to which candidates, folds and events are written as they happen."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from skhpt._typing import Params
from skhpt._warnings import warn_user
from skhpt.fingerprint import code_difference
from skhpt.journal.append_only_file import AppendOnlyFile, Clock
from skhpt.journal.checksums import ChainSealer, Sealer, first_line_with_checksum, key_of
from skhpt.journal.codec import Codec
from skhpt.journal.json_values import decode, encode
from skhpt.journal.reader import Contents, JournalReader
from skhpt.journal.records import (
    Header,
    candidate_record,
    earlier_record,
    elimination_record,
    event_record,
    first_line_from,
    fold_text,
    header_record,
    round_record,
    texts_record,
    usual_fold_text,
)
from skhpt.trial import Candidate, FoldScore, Trial

#: Function that returns the parameters that a candidate leaves out.
OwnParams: TypeAlias = Callable[[Params], Params | None]

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
        Folds that the file had when it was opened, by candidate and in the order of their arrival; the last
        one if a fold was evaluated twice.
    n_bytes_cut : int
        Number of bytes of a torn line that were removed from the end of the file.
    has_ended : bool
        Whether the last event is the end of the search.
    """

    def __init__(
        self,
        file: AppendOnlyFile,
        codec: Codec,
        header: Header,
        sealer: Sealer,
        *,
        n_earlier_trials: int = 0,
        contents: Contents | None = None,
        n_bytes_cut: int = 0,
        own_params: OwnParams | None = None,
    ):
        self._file = file
        self._own_params = own_params
        self._codec = codec
        self._sealer = sealer
        self.is_resumed = contents is not None
        self.metadata = contents.first_line.header.metadata if contents else header.metadata
        self.candidates = contents.candidates if contents else []
        self.folds = contents.folds if contents else []
        self.n_bytes_cut = n_bytes_cut
        self._postponed: list[str] = []  # lines that are written with the next one
        self.has_ended = False
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

    def earlier(self, trials: Sequence[Trial]) -> None:
        """Write the trials of earlier searches, for readers only, together with the first round of candidates."""
        self._postponed += [encode(earlier_record(trial)) for trial in trials]

    def begin(self, **facts: Any) -> None:
        """Write that a search begins or is resumed, with plain values that describe it.

        A new journal gets this line together with its first round: before there are candidates, there is nothing to
        resume.
        """
        if self.is_resumed:
            self.record_event("begun", **facts)
        else:
            self._postponed.append(encode(event_record("begun", time.time(), facts)))

    def end(self, reason: str, **facts: Any) -> None:
        """Write why the search ended, unless that is written already or there are no candidates."""
        if not self.has_ended and self._next_id > self._first_id:
            self.record_event("ended", reason=reason, **facts)

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
        records = [self._record_of(candidate) for candidate in candidates]
        self._next_id += len(records)
        if records:
            # One line for the round: if it is torn, the strategy is asked for the whole round again.
            self._write(encode(round_record(records, time.time())))

    def _record_of(self, candidate: Candidate) -> dict[str, Any]:
        record = candidate_record(candidate, self._codec.encode(candidate.params))
        own = self._own_params and self._own_params(candidate.params)
        return record | {"own": texts_record(own)} if own is not None else record

    def scored(self, *folds: FoldScore) -> None:
        """Write folds that were evaluated, in one go.

        Raises
        ------
        TypeError, ValueError
            If a score or a prediction cannot be written, or a candidate was not asked for.
        """
        texts = []
        for fold in folds:
            if not self._first_id <= fold.candidate < self._next_id:
                raise ValueError(f"journal: candidate {fold.candidate} was never asked for")
            texts.append(usual_fold_text(fold) or _text_of(fold))
        self._write(*texts)

    def finished(self, trial: Trial) -> None:
        """Write the number of folds that count if a race eliminated the trial; write nothing for any other trial."""
        if trial.was_eliminated:
            self._write(encode(elimination_record(trial, time.time())))

    def record_event(self, what: str, **facts: Any) -> None:
        """Write an event, with plain values that describe it."""
        self._write(encode(event_record(what, time.time(), facts)))
        self.has_ended = what == "ended"

    def close(self) -> None:
        """Wait until all lines are on the disk, then close the file, so that another search can write to it."""
        self._file.close()

    def forget_contents(self) -> None:
        """Drop the references to the candidates and folds that the file had, when a history has them."""
        self.candidates, self.folds = [], []

    def _write(self, *texts: str) -> None:
        if self._file.is_open:
            if self._postponed:
                texts = (*self._postponed, *texts)
                self._postponed.clear()
            self._file.append(self._sealer.seal(texts, self._file.n_bytes))


def _text_of(fold: FoldScore) -> str:
    try:
        return fold_text(fold)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"journal: the result of candidate {fold.candidate} on fold {fold.split} cannot be written: {error}"
        ) from error


def open_journal(
    path: str | os.PathLike[str],
    header: Header,
    codec: Codec,
    *,
    n_earlier_trials: int = 0,
    own_params: OwnParams | None = None,
    clock: Clock = time.monotonic,
) -> Journal:
    """Open the journal of a search: create the file, or resume the search that the file describes.

    A torn line at the end of the file is removed: a process or machine stopped while it was written. A file
    that has only its first line is written anew. Nothing else in a file is ever changed, and a file that is
    refused is not changed at all. A line that does not match its checksum is left out, with the lines that need
    it; what they held is evaluated again.

    Parameters
    ----------
    path : str or path-like
        The file.
    header : Header
        Description of the search. Its fingerprint must equal that of an existing file.
    codec : Codec
        Encodes and decodes the parameters of candidates.
    n_earlier_trials : int, default=0
        Number of trials from earlier searches, whose ids precede those of the journal.
    own_params : callable, default=None
        ``own_params(params)`` returns the values that the estimator has for the parameters that a candidate leaves
        out, or None if they are those of the header (``own``). Readers show them.
    clock : callable, default=time.monotonic
        Returns seconds; measures how long a sync to the disk takes.

    Returns
    -------
    journal : Journal
        The caller must close it.

    Raises
    ------
    ValueError
        If the file is not a journal of this search: another kind of file, with a damaged first line, written by
        a newer version, or the journal of a search with another fingerprint.
    OSError
        If the file cannot be opened for writing; `BlockingIOError` if another search writes to it.

    Warns
    -----
    UserWarning
        If a torn line was removed, lines are damaged, or the file cannot be locked or written to.
    """
    path = os.path.abspath(os.fspath(path))
    journal_id = uuid.uuid4().hex
    record = header_record(
        header, codec.texts(), journal_id=journal_id, n_earlier_trials=n_earlier_trials, time=time.time()
    )
    text = encode(record)
    first_line_from(decode(text.encode()))  # what could not be read back is refused before a file is created
    file = AppendOnlyFile(path, clock)
    try:
        with file.reading() as stored:
            reader = JournalReader(path, stored)
            contents = _resumed_contents(reader, header, codec, n_earlier_trials=n_earlier_trials)
        n_bytes_cut = _remove_torn_line(file, reader)
        if contents is None:
            sealer: Sealer = _write_anew(file, text, journal_id)
        else:
            sealer = reader.checker.sealer(file.n_bytes)
        return Journal(
            file,
            codec,
            header,
            sealer,
            n_earlier_trials=n_earlier_trials,
            contents=contents,
            n_bytes_cut=n_bytes_cut,
            own_params=own_params,
        )
    except BaseException:
        file.release()
        raise


def _resumed_contents(
    reader: JournalReader, header: Header, codec: Codec, *, n_earlier_trials: int
) -> Contents | None:
    """Decode a journal that is resumed; return None if the file has nothing to resume.

    Raises
    ------
    ValueError
        If the journal belongs to another search, or a line is invalid.
    """
    if reader.first_line is None or not reader.has_more():
        return None
    path, n_stored = reader.path, reader.first_line.n_earlier_trials
    if differing := differences(reader.first_line.header.fingerprint, header.fingerprint):
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
    contents = reader.read(codec)
    reader.warn_of_damage("What they held is evaluated again.")
    return contents


def _remove_torn_line(file: AppendOnlyFile, reader: JournalReader) -> int:
    """Remove the bytes after the last complete line, with a warning; return their number."""
    n_torn = reader.n_torn_bytes
    if n_torn == 0:
        return 0
    file.truncate(file.n_bytes - n_torn)
    if file.is_open:  # otherwise the file could not be changed, which has been reported
        number = reader.n_lines + 1
        warn_user(
            f"the journal {file.path} ends with a torn line: {n_torn} bytes of line {number} were cut off. A "
            "search was stopped while it wrote that line; its content is evaluated again."
        )
    return n_torn


def _write_anew(file: AppendOnlyFile, text: str, journal_id: str) -> Sealer:
    """Write the first line, given as JSON, in place of all that the file has."""
    if file.n_bytes > 0:
        file.truncate(0)
    line, checksum = first_line_with_checksum(text)
    file.append(line)
    return ChainSealer(key_of(journal_id), checksum, len(line))


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
