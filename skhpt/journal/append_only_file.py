"""A file that grows by whole lines, and that one search at a time writes to."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakSet

from skhpt._warnings import warn_user

Clock = Callable[[], float]

#: A second of waiting for the disk is followed by so many without: what is safe from a power cut costs about a
#: quarter of a percent of the time. What is safe from the end of the process costs nothing more, for that every line
#: is with the system at once.
SYNC_PAUSE = 400
#: Seconds between two looks at whether the file is still there, and nobody else has written to it.
LOOK_PAUSE = 0.02
#: What the system says if a file is locked, and if there are no locks.
_LOCKED = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class AppendOnlyFile:
    """A file that is opened, locked and appended to.

    If it cannot be written to any more, whatever the reason, it says so in a warning and lets go of the file; from then
    on nothing is written, and what was written stays readable.

    Parameters
    ----------
    path : str
        Where it is; it is made if it is not there.
    clock : callable, default=time.monotonic
        Seconds, to tell how long the disk takes.

    Raises
    ------
    OSError
        If it cannot be opened for writing; `BlockingIOError` if somebody else writes to it.
    ValueError
        If it is no file.
    """

    _fd: int | None = None

    def __init__(self, path: str, clock: Clock = time.monotonic):
        self.path = path
        self._clock = clock
        self._next_sync = self._next_look = -float("inf")
        self._is_torn = False  # whether a line may have been begun at the end
        self._fd = _open(path)
        _OPEN.add(self)
        try:
            _lock_or_warn(self._fd, path)
            self._size = os.fstat(self._fd).st_size
            # Some file systems do not count links; there a file that was deleted cannot be told.
            self._counts_links = os.fstat(self._fd).st_nlink > 0
        except BaseException:
            self.release()
            raise

    def __del__(self) -> None:
        self.release()

    @property
    def is_open(self) -> bool:
        """Whether it is still written to."""
        return self._fd is not None

    def read(self) -> bytes:
        """Return all that is in it."""
        assert self._fd is not None
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()

    def cut(self, size: int) -> None:
        """Forget what comes after so many bytes."""
        if self._fd is None:
            return
        try:
            os.ftruncate(self._fd, size)
            self._size = size
        except OSError as error:
            self._give_up(error)

    def append(self, lines: bytes) -> None:
        """Append one line or several, each with a newline at its end."""
        if self._fd is None:
            return
        try:
            if self._is_torn:
                self._drop_torn_line(self._fd)
            now = self._clock()
            if now >= self._next_look:
                self._check_that_it_is_ours(self._fd)
                self._next_look = now + LOOK_PAUSE
            self._is_torn = True  # until the last byte is written, also if Ctrl-C comes in between
            n = os.write(self._fd, lines)  # unbuffered: from now on it does not matter how this process ends
            if n < len(lines):
                n += self._write_rest(self._fd, lines[n:])
            self._size += n
            self._is_torn = False
            if now >= self._next_sync:
                self._sync(self._fd)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Wait until everything is on the disk, and let others write to it."""
        if self._fd is None:
            return
        try:
            if self._is_torn:
                self._drop_torn_line(self._fd)
            self._check_that_it_is_ours(self._fd)
            self._sync(self._fd)
        except OSError as error:
            self._give_up(error)
        self.release()

    def release(self) -> None:
        """Close the file without more ado; that ends the lock, unless a parent process still has it."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with suppress(OSError):
                os.close(fd)

    def _write_rest(self, fd: int, rest: bytes) -> int:
        """Write what the system did not take at once; return how many bytes that is."""
        n = 0
        while n < len(rest):
            if (more := os.write(fd, rest[n:])) == 0:
                raise OSError(errno.EIO, "nothing was written")
            n += more
        return n

    def _drop_torn_line(self, fd: int) -> None:
        """Cut off what was written of a line that did not get to its end."""
        os.ftruncate(fd, self._size)
        self._is_torn = False

    def _check_that_it_is_ours(self, fd: int) -> None:
        state = os.fstat(fd)
        if state.st_nlink == 0 and self._counts_links:
            raise OSError(errno.ENOENT, "it was deleted")
        if state.st_size != self._size:
            raise OSError(errno.EBUSY, "something else has written to it")

    def _sync(self, fd: int) -> None:
        start = self._clock()
        os.fsync(fd)
        end = self._clock()
        self._next_sync = end + SYNC_PAUSE * (end - start)

    def _give_up(self, error: OSError) -> None:
        if self._fd is not None and self._is_torn:
            with suppress(OSError):
                self._drop_torn_line(self._fd)
        self.release()
        warn_user(
            f"the journal {self.path} can no longer be written to ({error.strerror or error}): the search goes on in "
            "memory, without it. What was written to it before stays readable."
        )


#: The files that are open in this process.
_OPEN: WeakSet[AppendOnlyFile] = WeakSet()


def _let_go_in_child() -> None:
    """Close the files in a forked child, which would keep them locked after the end of its parent."""
    # Without unlocking them first: parent and child share the lock, so that would end the parent's.
    for file in list(_OPEN):
        file.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


def _open(path: str) -> int:
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"journal= must be the path of a file, got {path!r}, which is something else")
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        hint = " (is there such a folder?)" if error.errno == errno.ENOENT else ""
        raise OSError(error.errno, f"journal= cannot be written to: {error.strerror}{hint}", path) from error


def _lock_or_warn(fd: int, path: str) -> None:
    try:
        _lock(fd)
    except OSError as error:
        if error.errno in _LOCKED:
            raise BlockingIOError(
                error.errno, "journal= is in use: another search is writing to it, here or in another process", path
            ) from None
        warn_user(
            f"the journal {path} is where files cannot be locked ({error.strerror}): see to it that no other search "
            "writes to it at the same time."
        )


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        # A lock keeps others from reading too, so it is put far beyond what anybody will ever read.
        os.lseek(fd, 2**62, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        # Not lockf: its locks belong to the process, so a second search in the same one would get it too, and whoever
        # reads the file and closes it would end it. A lock of flock belongs to what was opened here.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
