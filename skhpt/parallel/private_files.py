"""Files of temporary folders that are pickled and unpickled: no other user may read, replace or plant them.

The folders come from `tempfile.mkdtemp`: random names, and access for their owner only. The functions of this
module do not rely on that alone.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

_NOT_INHERITED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
#: Without it, the attempt to open a pipe that another user has put in place of a file would block.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_OWNER_ONLY = 0o600


def owner_of(folder: str | Path) -> int:
    """Return the id of the user who owns a folder; 0 on Windows."""
    return os.stat(folder).st_uid


def open_to_append(path: str | Path, buffering: int = -1) -> BinaryIO:
    """Open a file that only its owner can read; create it if it does not exist."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK | _NOT_INHERITED
    return open(os.open(path, flags, _OWNER_ONLY), "ab", buffering)


def open_to_read(path: str | Path, owner: int) -> BinaryIO:
    """Open a file that belongs to a user.

    Raises
    ------
    OSError
        If the file does not exist or is a link.
    PermissionError
        If it is not a regular file, or belongs to another user.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT | _NOT_INHERITED)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != owner:
        os.close(descriptor)
        raise PermissionError(f"{path} is not a file of the user {owner}")
    return open(descriptor, "rb")
