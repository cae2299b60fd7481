"""Checksums of lines, which bind each line to its journal and to the line before it.

A line of a journal ends with its checksum: ``{"scored": 0, "split": 2, "test": 0.93, "crc": "1a2b3c4d"}``. This is
the CRC-32 of the bytes before ``, "crc"``, continued from the checksum of the line before, combined with a key of the
journal. So a line that was changed, moved or repeated, that comes from another journal or whose predecessor is
missing does not match. A checksum reveals accidents, not intent: it can be computed by anyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from zlib import crc32

_END = b', "crc": "%08x"}\n'
_N_END = len(_END % 0)
_HEX_DIGITS = slice(-11, -3)


def key_of(journal_id: str) -> int:
    """Return the key of a journal, by its id."""
    return crc32(journal_id.encode())


def first_line_with_checksum(text: str) -> tuple[bytes, int]:
    """Return the first line of a journal, from its JSON object, and the checksum of the line."""
    body = text[:-1].encode()
    checksum = crc32(body)
    return body + _END % checksum, checksum


def checksum_of_first_line(line: bytes) -> int | None:
    """Return the checksum of the first line of a journal; None if the line does not match it."""
    checksum = crc32(line[:-_N_END])
    return checksum if line.endswith(_END % checksum) else None


# -- writing -------------------------------------------------------------------------------------------------


class Sealer(Protocol):
    """Object that makes lines of JSON objects."""

    def seal(self, texts: Iterable[str], n_bytes: int) -> bytes:
        """Return the lines of JSON objects, to be appended to a file of `n_bytes` bytes."""
        ...


class NullSealer:
    """Sealer of lines without checksums, which journals of format 1 have."""

    def seal(self, texts: Iterable[str], n_bytes: int) -> bytes:
        return "".join(f"{text}\n" for text in texts).encode()


class ChainSealer:
    """Sealer of lines with checksums.

    Parameters
    ----------
    key : int
        Key of the journal.
    checksum : int
        Checksum of the last line of the file.
    n_bytes : int
        Size of the file.
    """

    def __init__(self, key: int, checksum: int, n_bytes: int):
        self._key = key
        # By size of the file: a KeyboardInterrupt may prevent that a line is appended.
        self._checksums = {n_bytes: checksum}

    def seal(self, texts: Iterable[str], n_bytes: int) -> bytes:
        before = checksum = self._checksums[n_bytes]
        lines = b""
        for text in texts:
            body = text[:-1].encode()
            checksum = crc32(body, checksum ^ self._key)
            lines += body + _END % checksum
        self._checksums = {n_bytes: before, n_bytes + len(lines): checksum}
        return lines


# -- reading -------------------------------------------------------------------------------------------------


class Checker(Protocol):
    """Object that checks the lines of a journal after the first one, in their order."""

    def check(self, line: bytes) -> bytes | None:
        """Return the JSON object of a line; None if the line does not match its checksum."""
        ...

    def sealer(self, n_bytes: int) -> Sealer:
        """Return the sealer of lines that follow the checked ones, in a file of `n_bytes` bytes."""
        ...


class NullChecker:
    """Checker of lines without checksums."""

    def check(self, line: bytes) -> bytes | None:
        return line[:-1]

    def sealer(self, n_bytes: int) -> Sealer:
        return NullSealer()


class ChainChecker:
    """Checker of lines with checksums.

    After a line that does not match, the checker accepts a line that follows it, or that follows one of the lines
    before. So a single line that was damaged, moved, inserted or deleted costs one or two lines, not all later ones.

    Parameters
    ----------
    key : int
        Key of the journal.
    checksum : int
        Checksum of the first line.
    first_bytes : bytes
        The bytes that the first line of any journal begins with.
    """

    def __init__(self, key: int, checksum: int, first_bytes: bytes):
        self._key = key
        self._last = checksum  # of the last line that matches
        self._first_bytes = first_bytes
        #: Checksums that a damaged line may have had; the next line is expected to follow one of them.
        self._possible: tuple[int, ...] = ()
        self._is_foreign = False  # whether lines of another journal may follow

    def check(self, line: bytes) -> bytes | None:
        body = line[:-_N_END]
        checksum = crc32(body, self._last ^ self._key)
        if not line.endswith(_END % checksum):
            if not any(self._follows(line, before) for before in self._possible):
                self._learn_from_damage(line)
                return None
            checksum = int(line[_HEX_DIGITS], 16)
        self._last = checksum
        return body + b"}"

    def _follows(self, line: bytes, before: int) -> bool:
        return line.endswith(_END % self._checksum(line, before))

    def _checksum(self, line: bytes, before: int) -> int:
        return crc32(line[:-_N_END], before ^ self._key)

    def _learn_from_damage(self, line: bytes) -> None:
        if line.startswith(self._first_bytes):  # another journal was appended, perhaps a copy of this one
            self._is_foreign, self._possible = True, ()
        if self._is_foreign:
            return
        # Either the checksum of the line is damaged, or the rest of the line.
        computed = [self._checksum(line, before) for before in (self._last, *self._possible[:1])]
        try:
            self._possible = (int(line[_HEX_DIGITS], 16), *computed)
        except ValueError:
            self._possible = tuple(computed)

    def sealer(self, n_bytes: int) -> Sealer:
        return ChainSealer(self._key, self._last, n_bytes)
