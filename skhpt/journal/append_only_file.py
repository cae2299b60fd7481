"""Append-only file of lines that one process at a time writes to."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO
from weakref import WeakSet

from skhpt._warnings import warn_user

Clock = Callable[[], float]

#: After a sync to the disk, no other sync follows for 400 times as long as it took: syncs take about a
#: quarter of a percent of the time. A sync protects from a power cut. The end of the process loses nothing,
#: because each line is handed to the operating system at once.
SYNC_PAUSE = 400
#: Seconds between two checks that the file still exists and that no other process has written to it.
CHECK_PAUSE = 0.02
#: Seconds for which a writer tries to lock a file: a reader that probes the lock holds it for a moment.
LOCK_PATIENCE = 0.25
#: Error codes of the operating system for a file that is locked.
_LOCKED = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class AppendOnlyFile:
    """File that is opened, locked and appended to.

    If writing fails for any reason, there is one warning and the file is closed. From then on nothing is
    written; the lines that were written before stay readable.

    Parameters
    ----------
    path : str
        Path of the file, which is created if it does not exist.
    clock : callable, default=time.monotonic
        Returns seconds; measures how long a sync to the disk takes.

    Attributes
    ----------
    n_bytes : int
        Size of the file as this process knows it.

    Raises
    ------
    OSError
        If the file cannot be opened for writing; `BlockingIOError` if another process or search writes to it.
    ValueError
        If the path exists and is not a file.
    """

    _fd: int | None = None

    def __init__(self, path: str, clock: Clock = time.monotonic):
        self.path = path
        self._clock = clock
        self._next_sync = self._next_check = -float("inf")
        self._is_torn = False  # whether the file may end with an incomplete line
        self._fd = _open(path)
        _OPEN.add(self)
        try:
            _lock_or_warn(self._fd, path)
            self.n_bytes = os.fstat(self._fd).st_size
            # Some file systems do not count links; a deleted file is not recognised there.
            self._counts_links = os.fstat(self._fd).st_nlink > 0
        except BaseException:
            self.release()
            raise

    def __del__(self) -> None:
        self.release()

    @property
    def is_open(self) -> bool:
        """Whether lines are still written."""
        return self._fd is not None

    @contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Open the file to read it from its beginning; closing it does not end the lock."""
        assert self._fd is not None
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            yield file

    def truncate(self, n_bytes: int) -> None:
        """Remove all bytes after the first `n_bytes`."""
        if self._fd is None:
            return
        try:
            os.ftruncate(self._fd, n_bytes)
            self.n_bytes = n_bytes
        except OSError as error:
            self._give_up(error)

    def append(self, lines: bytes) -> None:
        """Append one or several lines, each with a newline at its end."""
        if self._fd is None:
            return
        try:
            if self._is_torn:
                self._remove_torn_line(self._fd)
            now = self._clock()
            if now >= self._next_check:
                self._check_unchanged(self._fd)
                self._next_check = now + CHECK_PAUSE
            self._is_torn = True  # until the last byte is written: a KeyboardInterrupt may come in between
            _write_all(self._fd, lines)
            self.n_bytes += len(lines)
            self._is_torn = False
            if now >= self._next_sync:
                self._sync(self._fd)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Wait until all lines are on the disk, then close the file, which ends the lock."""
        if self._fd is None:
            return
        try:
            if self._is_torn:
                self._remove_torn_line(self._fd)
            self._check_unchanged(self._fd)
            self._sync(self._fd)
        except OSError as error:
            self._give_up(error)
        self.release()

    def release(self) -> None:
        """Close the file without a sync; this ends the lock, unless a parent process has the file open too."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                os.close(fd)

    def _remove_torn_line(self, fd: int) -> None:
        os.ftruncate(fd, self.n_bytes)
        self._is_torn = False

    def _check_unchanged(self, fd: int) -> None:
        state = os.fstat(fd)
        if state.st_nlink == 0 and self._counts_links:
            raise OSError(errno.ENOENT, "it was deleted")
        if state.st_size != self.n_bytes:
            raise OSError(errno.EBUSY, "something else has written to it")

    def _sync(self, fd: int) -> None:
        start = self._clock()
        os.fsync(fd)
        end = self._clock()
        self._next_sync = end + SYNC_PAUSE * (end - start)

    def _give_up(self, error: OSError) -> None:
        if self._fd is not None and self._is_torn:
            with suppress(OSError):
                self._remove_torn_line(self._fd)
        self.release()
        warn_user(
            f"the journal {self.path} can no longer be written to ({error.strerror or error}): the search "
            "continues in memory, without it. The lines that were written before stay readable."
        )


def _write_all(fd: int, data: bytes) -> None:
    """Write bytes without a buffer: after the return, the end of this process does not lose them."""
    n = os.write(fd, data)
    while n < len(data):
        n_more = os.write(fd, data[n:])
        if n_more == 0:
            raise OSError(errno.EIO, "nothing was written")
        n += n_more


#: The files that are open in this process.
_OPEN: WeakSet[AppendOnlyFile] = WeakSet()


def _release_in_child() -> None:
    """Close the files in a forked child, which would keep them locked after the end of its parent."""
    # The files are not unlocked first: parent and child share the lock, so the parent would lose it.
    for file in list(_OPEN):
        file.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


def _open(path: str) -> int:
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"journal= must be the path of a file, got {path!r}, which is not a file")
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        hint = " (is there such a folder?)" if error.errno == errno.ENOENT else ""
        raise OSError(error.errno, f"journal= cannot be written to: {error.strerror}{hint}", path) from error


def is_locked(path: str) -> bool | None:
    """Tell whether a search has a file open for writing; None if the file system cannot tell.

    The file is not changed. Its lock is free again when the function returns; a search that begins meanwhile tries
    again.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        _probe(fd)
        return False
    except OSError as error:
        return True if error.errno in _LOCKED else None
    finally:
        os.close(fd)


def _lock_or_warn(fd: int, path: str) -> None:
    try:
        _lock_patiently(fd)
    except OSError as error:
        if error.errno in _LOCKED:
            raise BlockingIOError(
                error.errno,
                "journal= is in use: another search is writing to it, here or in another process",
                path,
            ) from None
        warn_user(
            f"the journal {path} cannot be locked ({error.strerror}): make sure that no other search writes to it at "
            "the same time."
        )


def _lock_patiently(fd: int) -> None:
    """Lock a file, also if readers hold its lock for a moment."""
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return _lock(fd)
        except OSError as error:
            if error.errno not in _LOCKED or time.monotonic() > end:
                raise
        time.sleep(0.01)


if sys.platform == "win32":
    import msvcrt

    def _probe(fd: int) -> None:
        # There is no shared lock, so that two probes at a time may refuse each other.
        for pause in (0.001, 0.003, 0.0):
            with suppress(OSError):
                _lock(fd)
                break
            time.sleep(pause)
        else:
            _lock(fd)
        os.lseek(fd, 2**62, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def _lock(fd: int) -> None:
        # A lock prevents reading too, so the locked byte is far beyond the end of the file.
        os.lseek(fd, 2**62, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        # Not lockf: its locks belong to the process. A second search in the same process would get the lock
        # too, and closing the file after a read would end it. A lock of flock belongs to the open file
        # description.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _probe(fd: int) -> None:
        # Shared, so that probes do not refuse each other; a file that was opened for reading permits no other
        # lock on some network file systems.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(fd, fcntl.LOCK_UN)
