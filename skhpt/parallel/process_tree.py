"""Process trees: find processes together with those that they have started, and kill them.

It imports nothing but the standard library, because the watchdog runs it without any package.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress

#: Seconds that a killed process has to end: it may wait for a disk.
SECONDS_TO_DIE = 5.0
#: A process: its id, and its start time, by which it is told from a later process with the same id. The time
#: is empty where it is not known.
Processes = dict[int, str]


def start_time(pid: int) -> str | None:
    """Return the start time of a process; None if there is no such process, empty if the time is not known."""
    if not os.path.isdir("/proc/self"):
        return ""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else None


def find_trees(pids: Iterable[int], *, with_roots: bool = True) -> Processes:
    """Return processes that exist, with those that they have started, and so on."""
    roots = set(pids)
    found, parents = set(roots), _parents()
    while new := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= new
    found -= {os.getpid()} if with_roots else {os.getpid(), *roots}
    times = {pid: start_time(pid) for pid in found}
    return {pid: started for pid, started in times.items() if started is not None}


def kill(processes: Processes) -> None:
    """Kill processes that still exist, and wait until they are gone."""
    for pid, started in processes.items():
        if start_time(pid) == started:
            _kill_one(pid)
    end = time.monotonic() + SECONDS_TO_DIE
    while time.monotonic() < end and any(t and start_time(pid) == t for pid, t in processes.items()):
        time.sleep(0.005)


def kill_trees(pids: Iterable[int], *, with_roots: bool = True) -> None:
    """Kill processes, with those that they have started."""
    killed: Processes = {}
    # Again, for those that were started in the meantime.
    while new := {p: t for p, t in find_trees(pids, with_roots=with_roots).items() if killed.get(p) != t}:
        _stop(new)
        killed |= new
    kill(killed)


def _stop(processes: Processes) -> None:
    """Let processes start no further ones; a stopped process can be killed."""
    if os.name != "nt":
        for pid in processes:
            with suppress(OSError):
                os.kill(pid, signal.SIGSTOP)


def _kill_one(pid: int) -> None:
    with suppress(OSError):
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        else:
            os.kill(pid, signal.SIGKILL)


def _parents() -> dict[int, int]:
    """Return the parent of each process of this machine; none where it is not known."""
    if os.name == "nt":
        return {}
    if os.path.isdir("/proc/self"):
        stats = {int(name): _stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}
        return {pid: int(fields[1]) for pid, fields in stats.items() if fields}
    with suppress(OSError):
        lines = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)
        pairs = [line.split() for line in lines.stdout.splitlines()]
        return {int(pid): int(parent) for pid, parent in pairs}
    return {}


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the state on; none if the process is gone."""
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()
    return []
