"""Temporary folders, which do not outlive the process that makes them, even if it is killed.

The name of a folder contains the machine, the process and its start time. So the next search removes folders
of processes that are gone.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256

from skhpt.parallel.process_tree import start_time

_NAME = re.compile(r"skhpt-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<time>\d*)-")


def make_folder(parent: str | None = None) -> str:
    """Make a temporary folder to which only this user has access; return its path.

    Parameters
    ----------
    parent : str, default=None
        An existing folder to make it in; None for that of the system.
    """
    parent = tempfile.gettempdir() if parent is None else os.path.abspath(parent)
    _remove_left_behind(parent)
    time = start_time(os.getpid()) or ""
    return tempfile.mkdtemp(prefix=f"skhpt-{_machine()}-{os.getpid()}-{time}-", dir=parent)


def remove_folder(path: str) -> None:
    """Remove a folder and its files, as far as possible."""
    shutil.rmtree(path, ignore_errors=True)


@cache  # once in a process
def _remove_left_behind(parent: str) -> None:
    """Remove the folders of this user's processes on this machine that are gone."""
    if os.name == "nt":
        return
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if (owner := _NAME.match(entry.name)) and _is_left_behind(entry, owner):
                remove_folder(entry.path)


def _is_left_behind(entry: os.DirEntry[str], owner: re.Match[str]) -> bool:
    with suppress(OSError):
        is_own = (
            entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
        )
        return is_own and owner["machine"] == _machine() and not _exists(int(owner["pid"]), owner["time"])
    return False


def _exists(pid: int, time: str) -> bool:
    """Tell whether a process exists that was started at a time."""
    if time:
        return start_time(pid) == time
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # a process of another user
        return True
    return True


def _machine() -> str:
    """Return a code of this machine, or of the container in which process ids have their meaning."""
    namespace = ""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
    return sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]
