"""Clocks of other machines: what their workers send gets the times of the clock of this machine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeGuard

#: Difference of two clocks in seconds from which times are corrected.
MIN_DIFFERENCE = 1.0
#: Number of arrivals from a host that are compared: a clock that was set right meanwhile is noticed after so
#: many.
N_ARRIVALS = 50


class Timed(Protocol):
    """Item with the times of its work, in Unix seconds, and the name of its worker."""

    started: float
    ended: float
    worker: str

    def set_times(self, *, started: float, ended: float, worker: str) -> None:
        """Set the times and the name."""
        ...


class HostClocks:
    """Differences between the clock of this machine and those of the hosts that items arrive from.

    A difference is the smallest delay between the end of the work there and the arrival of its item here: the
    way takes some time, never a negative one, so the smallest delay is closest to the difference of the
    clocks. That is the minimum filter of NTP (RFC 5905, section 10).
    """

    def __init__(self) -> None:
        self._delays: dict[str, deque[float]] = {}  # in seconds, by host

    def correct(self, items: Iterable[Any]) -> None:
        """Correct the times of items that have just arrived; items without times are left alone."""
        now = time.time()
        timed = list(_timed(items))
        self._learn(timed, now)
        for item in timed:
            # An item cannot have ended after its arrival; its duration stays as it is.
            change = min(self._difference(_host(item)), now - item.ended)
            if change:
                item.set_times(started=item.started + change, ended=item.ended + change, worker=item.worker)

    def _learn(self, items: Iterable[Timed], now: float) -> None:
        """Remember the smallest delay of each host among items that have arrived together."""
        delays: dict[str, float] = {}
        for item in items:
            if host := _host(item):
                delays[host] = min(now - item.ended, delays.get(host, now - item.ended))
        for host, delay in delays.items():
            self._delays.setdefault(host, deque(maxlen=N_ARRIVALS)).append(delay)

    def _difference(self, host: str) -> float:
        """Return what the clock of this machine is ahead of that of a host; 0 if that may be the way of the items."""
        delay = min(self._delays.get(host, (0.0,)))
        return delay if abs(delay) > MIN_DIFFERENCE else 0.0


def _timed(items: Iterable[Any]) -> Iterator[Timed]:
    """Yield each item that has times; once, also if it is there twice."""
    seen: set[int] = set()
    for item in items:
        if _has_times(item) and id(item) not in seen:
            seen.add(id(item))
            yield item


def _has_times(item: Any) -> TypeGuard[Timed]:
    return hasattr(item, "set_times") and item.ended > 0


def _host(item: Timed) -> str:
    """Return the host in the name of a worker, which is empty on the machine of the search."""
    return item.worker.rpartition("/")[0]
