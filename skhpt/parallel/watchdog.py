"""Watchdog: worker processes and their files end with the process that started them, even if that is killed.

One watchdog serves all searches of a process. It stays after a search as long as there are idle workers,
which joblib keeps for later.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from skhpt.parallel import _joblib

#: Program of the watchdog. It waits until its standard input is closed or its parent has changed. Then it
#: kills the processes of the last line that it has read, with the processes that these have started, and
#: removes the folders. It ends before if it is told so, or if nothing is left to watch.
_PROGRAM = r"""
import json, os, select, shutil, sys
parent, worker, text = int(sys.argv[1]), f"-m\0{sys.argv[2]}\0".encode(), b""
sys.path.insert(0, sys.argv[3])
from process_tree import kill_trees, start_time

def content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

def workers():  # others than the search knows: of the refit, or of a later call of joblib
    threads = f"/proc/{parent}/task"
    names = os.listdir(threads) if os.path.isdir(threads) else []
    children = b" ".join(content(f"{threads}/{name}/children") for name in names).split()
    return [int(pid) for pid in children if worker in content(f"/proc/{int(pid)}/cmdline")]

def alive(processes):
    return {pid: time for pid, time in processes.items() if time is not None and start_time(pid) == time}

watched, folders = {}, []
while True:
    if os.name == "nt" or select.select([0], [], [], 0.5)[0]:
        more = os.read(0, 65536)
        if not more:
            break
        *lines, text = (text + more).split(b"\n")
        if lines and json.loads(lines[-1]) is None:
            sys.exit()
        if lines:
            pids, folders = json.loads(lines[-1])
            watched = {pid: watched.get(pid) or start_time(pid) for pid in pids}
    elif os.getppid() != parent:
        break
    else:
        watched = alive(watched | {pid: start_time(pid) for pid in workers() if pid not in watched})
        if not watched and not folders:
            sys.exit()
kill_trees(alive(watched))
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


@dataclass
class Watched:
    """Processes and folders that are to end with this process."""

    pids: set[int] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


class Watchdog:
    """Process that kills workers, and removes folders, after this process has ended.

    It is needed because a worker that is fitting does not notice the end of this process. It is started with
    the first search that needs it. Each search has an entry, under a key of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._entries: dict[object, Watched] = {}
        self._sent = Watched()

    def watch(self, key: object, pids: Iterable[int], folders: Iterable[str] = ()) -> None:
        """Set the processes and folders of a search."""
        with self._lock:
            self._entries[key] = Watched(set(pids), set(folders))
            self._send()

    def forget(self, key: object) -> None:
        """Remove the entry of a search; the processes stay alive."""
        with self._lock:
            if self._entries.pop(key, None) is not None:
                self._send()

    def stop(self) -> None:
        """End the watchdog; the processes stay alive."""
        with self._lock:
            process, self._process, self._sent = self._process, None, Watched()
            if process is not None:
                with suppress(OSError):
                    process.communicate(b"null\n")

    def _send(self) -> None:
        """Tell the watchdog of all processes and folders; end it if there are none."""
        entries = self._entries.values()
        watched = Watched(
            {pid for entry in entries for pid in entry.pids} | set(_joblib.shared_worker_pids()),
            {folder for entry in entries for folder in entry.folders},
        )
        if watched == Watched():
            self.stop()
        elif watched != self._sent or not self._is_running():
            self._sent = watched
            with suppress(OSError):  # the watchdog is only a precaution
                self._write([sorted(watched.pids), sorted(watched.folders)])

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _write(self, message: object) -> None:
        if not self._is_running():
            self.stop()  # of an earlier one, which found nothing left to watch
            self._process = _start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(message) + "\n").encode())

    def leave_to_parent(self) -> None:
        """Forget the watchdog in a process that this one has forked."""
        self._lock = threading.RLock()
        if self._process is not None:
            self._process.returncode = 0  # there is nothing to wait for
            if self._process.stdin is not None:  # else the end of this process would not be noticed
                self._process.stdin.close()
        self._process, self._entries, self._sent = None, {}, Watched()


#: The watchdog of this process.
watchdog = Watchdog()
atexit.register(watchdog.stop)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=watchdog.leave_to_parent)


def _start() -> subprocess.Popen[bytes]:
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = [str(os.getpid()), _joblib.WORKER_MODULE, here]
    # In a session of its own, so that Ctrl-C in a terminal does not reach it.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, *arguments],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
