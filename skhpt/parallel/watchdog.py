"""Watchdog: worker processes and their files end with the process that started them, even if that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

#: Program of the watchdog. It waits until its standard input is closed or its parent has changed. Then it
#: kills the processes, and removes the folders, of the last line that it has read.
_PROGRAM = """
import json, os, select, shutil, signal, sys
parent, text = int(sys.argv[1]), b""
while True:
    if os.name == "nt" or select.select([0], [], [], 0.5)[0]:
        more = os.read(0, 65536)
        if not more:
            break
        text = (text + more)[-65536:]
    elif os.getppid() != parent:
        break
lines = text.decode().split("\\n")
pids, folders = json.loads(lines[-2]) if len(lines) > 1 else ([], [])
for pid in pids:
    try:
        os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    except OSError:
        pass
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


class Watchdog:
    """Process that kills the workers after this process has ended.

    It is needed because a worker that is fitting does not notice the end of this process.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: tuple[set[int], set[str]] = (set(), set())

    def watch(self, pids: Iterable[int], folders: Iterable[str] = ()) -> None:
        """Set the processes and folders that are to end with this process."""
        watched = (set(pids), set(folders))
        if watched == self._watched:
            return
        self._watched = watched
        with suppress(OSError):  # the watchdog is only a precaution
            if self._process is None:
                self._process = _start()
            assert self._process.stdin is not None
            self._process.stdin.write((json.dumps([sorted(group) for group in watched]) + "\n").encode())
            self._process.stdin.flush()

    def stop(self) -> None:
        """End the watchdog; the workers stay alive."""
        self.watch([])
        if self._process is not None:
            with suppress(OSError):
                self._process.communicate()
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(os.getpid())]
    # In a session of its own, so that Ctrl-C in a terminal does not reach it.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
