"""No orphans: worker processes and their files end with the process that started them, even if that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

#: Waits until its standard input is closed or its parent is another one, then kills the processes that it was told of
#: last, and removes the folders.
_SCRIPT = """
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
told = text.decode().split("\\n")
pids, folders = json.loads(told[-2]) if len(told) > 1 else ([], [])
for pid in pids:
    try:
        os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    except OSError:
        pass
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


class Watchdog:
    """A small process that outlives this one just as long as it takes to kill the workers.

    A worker that is in the middle of a fit does not notice that nobody waits for it any more.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._told: tuple[set[int], set[str]] = (set(), set())

    def watch(self, pids: Iterable[int], folders: Iterable[str] = ()) -> None:
        """Say which processes, and which folders, are to end with this one."""
        if (new := (set(pids), set(folders))) == self._told:
            return
        self._told = new
        with suppress(OSError):  # it is a precaution, no more
            if self._process is None:
                self._process = _start()
            assert self._process.stdin is not None
            self._process.stdin.write((json.dumps([sorted(some) for some in new]) + "\n").encode())
            self._process.stdin.flush()

    def stop(self) -> None:
        """End the guard; the workers go on."""
        self.watch([])
        if self._process is not None:
            with suppress(OSError):
                self._process.communicate()
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(os.getpid())]
    # In a session of its own, so that Ctrl-C in a terminal does not reach it.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
