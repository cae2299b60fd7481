"""State of a search, as another process sees it: its lock, its last line and its process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from socket import gethostname
from typing import Any, Literal

State = Literal["running", "ended", "dead"]

#: Seconds without a line after which a search on another machine counts as dead, where locks cannot be tested.
MAX_SILENCE = 3600.0


def state_of(
    is_locked: bool | None,
    *,
    is_ended: bool,
    process: Mapping[str, Any],
    last_time: float,
    clock: Callable[[], float] = time.time,
) -> State:
    """Return the state of a search.

    Parameters
    ----------
    is_locked : bool or None
        Whether the journal was locked before it was read; None if the file system cannot tell. Then a search runs
        if its process exists on this machine, or if another machine has written a line within the last hour.
    is_ended : bool
        Whether the last line says that the search has ended.
    process : dict
        Facts of the journal about the process that writes: ``pid`` and ``host``.
    last_time : float
        Time of the last line, in Unix seconds.
    clock : callable, default=time.time
        Returns the time.
    """
    if is_locked is None and not is_ended:
        is_locked = _may_run(process, clock() - last_time)
    if is_locked:
        return "running"
    return "ended" if is_ended else "dead"


def _may_run(process: Mapping[str, Any], silence: float) -> bool:
    pid = process.get("pid")
    is_here = process.get("host") == gethostname() and os.name != "nt"  # there, os.kill would end the process
    if not is_here or not isinstance(pid, int) or pid <= 0:
        return silence < MAX_SILENCE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        pass
    return True
