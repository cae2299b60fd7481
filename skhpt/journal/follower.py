"""Reading the journal of a search that may run in another process, at once or again and again."""

from __future__ import annotations

import os
from typing import BinaryIO

from skhpt.journal.append_only_file import is_locked
from skhpt.journal.reader import Contents, JournalReader
from skhpt.journal.records import MAGIC
from skhpt.journal.replay import Replay
from skhpt.journal.view import JournalView

#: Number of bytes by which a follower recognises the journal that it has read.
_N_LAST_BYTES = 64


def read_journal(path: str | os.PathLike[str]) -> JournalView:
    """Read the journal of a search, also while the search is running in another process.

    The file is neither changed nor locked. The objects of the search are not needed: estimators, functions
    and other objects appear as texts. An incomplete last line, which is just being written, is left out.

    Parameters
    ----------
    path : str or path-like
        The journal.

    Returns
    -------
    view : JournalView
        Content of the journal at this moment.

    Raises
    ------
    ValueError
        If the file is not a journal, its first line is damaged, it was written by a newer version, or it is
        still empty.
    OSError
        If the file cannot be read.

    Warns
    -----
    UserWarning
        If a line does not match its checksum: it is left out.

    See Also
    --------
    read_journals : All journals of a folder.
    skhpt.journal.JournalFollower : Reads a journal again and again, only what is new.
    skhpt.report : HTML page about a search.

    Examples
    --------
    >>> import tempfile
    >>> from skhpt import Space
    >>> from skhpt.journal import Header, SpaceCodec, open_journal, read_journal
    >>> from skhpt.trial import Candidate, FoldScore
    >>> path = tempfile.mkdtemp() + "/search.jsonl"
    >>> codec = SpaceCodec(Space({"C": [0.1, 1, 10]}))
    >>> with open_journal(path, Header(fingerprint={}, metadata={"n_splits": 2}), codec) as journal:
    ...     journal.asked([Candidate(0, {"C": 1}), Candidate(1, {"C": 10})])
    ...     journal.scored(FoldScore(0, 0, 0.75))
    ...     journal.scored(FoldScore(0, 1, 0.25))
    >>> view = read_journal(path)
    >>> view.n_pending, view.best_params, view.best_score
    (1, {'C': 1}, 0.5)
    >>> print(view.leaderboard_text())
    rank  candidate   score     std  fit_time  state  C
    ----  ---------  ------  ------  --------  -----  -
       1          0  0.5000  0.2500    0.0 ms     ok  1
    """
    follower = JournalFollower(path)
    view = follower.refresh()
    follower.warn_of_damage()
    return view


def is_journal(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file begins as a journal does; raise OSError if it cannot be read."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class JournalFollower:
    """Reader of a journal that another process writes, which reads only what is new.

    Parameters
    ----------
    path : str or path-like
        The journal.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.path.abspath(os.fspath(path))
        self._reader: JournalReader | None = None
        self._identity: tuple[int, int] | None = None  # device and number of the file
        self._last_bytes = b""

    def refresh(self) -> JournalView:
        """Read the lines that were added since the last call; the whole file if it was replaced or has shrunk.

        The views of a follower share one history, which grows with the journal.

        Returns
        -------
        view : JournalView
            Content of the journal at this moment.

        Raises
        ------
        ValueError, OSError
            As `read_journal` does.
        """
        # Before the file is read: a search that ends meanwhile has written its last line.
        is_open = is_locked(self.path)
        if not os.path.isfile(self.path):  # such as a pipe, which would block
            raise ValueError(f"{self.path} is not a journal of skhpt: it is not a file")
        with open(self.path, "rb") as file:
            status = os.fstat(file.fileno())
            identity = status.st_dev, status.st_ino
            if identity != self._identity or not self._can_go_on(file):
                self._identity = identity
                self._read_anew(file)
            self._last_bytes = self._bytes_before_end(file)
        self._replay.update()
        return JournalView(self.path, self._contents, self._replay, is_locked=is_open, mtime=status.st_mtime)

    def _bytes_before_end(self, file: BinaryIO) -> bytes:
        """Return the last bytes that were read, among them a checksum of all lines before."""
        assert self._reader is not None
        file.seek(max(0, self._reader.n_bytes - _N_LAST_BYTES))
        return file.read(min(self._reader.n_bytes, _N_LAST_BYTES))

    def _can_go_on(self, file: BinaryIO) -> bool:
        """Read the lines that were added; return False if the file is not the one that was read before."""
        if self._reader is None or self._bytes_before_end(file) != self._last_bytes:
            return False
        reader, self._reader = self._reader, None  # an exception leaves none
        n_damaged = len(reader.damaged)
        reader.resume(file)
        try:
            reader.read_into(self._contents, self._codec)
        except ValueError:
            return False
        self._reader = reader
        return len(reader.damaged) == n_damaged

    def _read_anew(self, file: BinaryIO) -> None:
        file.seek(0)
        reader = JournalReader(self.path, file)
        if reader.first_line is None:
            raise ValueError(f"{self.path}: nothing was written to this journal yet")
        self._codec = reader.text_codec()
        self._contents = Contents(reader.first_line)
        reader.read_into(self._contents, self._codec)
        self._reader, self._replay = reader, Replay(self._contents)

    def warn_of_damage(self) -> None:
        """Warn if lines were left out because they do not match their checksums."""
        if self._reader is not None:
            self._reader.warn_of_damage("")
