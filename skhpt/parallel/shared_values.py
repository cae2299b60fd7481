"""Values that many tasks of a search use, such as the data: a process of a cluster loads each of them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Seconds for which a worker keeps a value that no task uses.
SECONDS_TO_KEEP = 300.0
#: The same while tasks of another search run.
SECONDS_TO_KEEP_OLDER = 30.0


class SharedValue(NamedTuple):
    """Argument of a task in place of a large value.

    Attributes
    ----------
    token : str
        Unique name of the value, which begins with that of its search: `make_token`.
    source : object
        Where the value is, in a form that the engine understands.
    """

    token: str
    source: Any


def make_token(search: str, value: str) -> str:
    """Return the token of a value of a search; both have unique names without a point."""
    return f"{search}.{value}"


def _search_of(token: str) -> str:
    return token.partition(".")[0]


class ValueLostError(Exception):
    """The engine has lost a shared value, with the workers that had it."""


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    is_loaded: bool = False
    n_users: int = 0
    last_used: float = 0.0


class ValueCache:
    """Values that the tasks of this process share. Threads may use it at the same time; each value is loaded once.

    Parameters
    ----------
    seconds : float, default=SECONDS_TO_KEEP
        Seconds for which a value is kept that no task uses.
    seconds_older : float, default=SECONDS_TO_KEEP_OLDER
        Seconds for which the values of a search are kept that has no task while another search has its values
        here.
    """

    def __init__(self, seconds: float = SECONDS_TO_KEEP, seconds_older: float = SECONDS_TO_KEEP_OLDER):
        self.seconds, self.seconds_older = seconds, seconds_older
        self._callbacks: list[Callable[[Any], None]] = []
        self._dropped_early: set[str] = set()  # searches; one that comes back runs beside another one
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._timer: threading.Timer | None = None

    @contextmanager
    def resolved(self, args: Sequence[Any], load: Callable[[SharedValue], Any]) -> Iterator[list[Any]]:
        """Provide arguments with the values in place of each `SharedValue`; ``load(shared)`` returns a missing one."""
        with ExitStack() as uses:
            values = [
                uses.enter_context(self._used(arg, load)) if isinstance(arg, SharedValue) else arg
                for arg in args
            ]
            self._drop_older({_search_of(arg.token) for arg in args if isinstance(arg, SharedValue)})
            yield values

    @contextmanager
    def _used(self, shared: SharedValue, load: Callable[[SharedValue], Any]) -> Iterator[Any]:
        with self._lock:
            entry = self._entries.setdefault(shared.token, _Entry())
            entry.n_users += 1
        try:
            with entry.lock:
                if not entry.is_loaded:
                    entry.value, entry.is_loaded = load(shared), True
            yield entry.value
        finally:
            with self._lock:
                entry.n_users -= 1
                entry.last_used = time.monotonic()
                self._watch()

    def drop_unused(self) -> None:
        """Drop the values that no task has used for some time."""
        latest = time.monotonic() - self.seconds
        with self._lock:
            unused = [token for token in self._entries if self._is_unused(token, latest)]
        self.drop(unused)
        with self._lock:
            self._timer = None
            self._watch()

    def _drop_older(self, current: set[str]) -> None:
        """Drop the values of searches that have no task here any more, after those of a current one are loaded."""
        latest = time.monotonic() - self.seconds_older
        with self._lock:
            others: dict[str, list[str]] = {}
            for token in self._entries:
                if (search := _search_of(token)) not in current | self._dropped_early:
                    others.setdefault(search, []).append(token)
            older = {
                search: tokens
                for search, tokens in others.items()
                if all(self._is_unused(token, latest) for token in tokens)
            }
            self._dropped_early |= older.keys()
        for tokens in older.values():
            self.drop(tokens)

    def _is_unused(self, token: str, latest: float) -> bool:
        entry = self._entries[token]
        return not entry.n_users and entry.last_used <= latest

    def _watch(self) -> None:
        """Look for unused values later, as long as there are values."""
        if self._timer is None and self._entries:
            self._timer = threading.Timer(self.seconds, self.drop_unused)
            self._timer.daemon = True
            self._timer.start()

    def drop(self, tokens: Sequence[str]) -> None:
        """Drop values that no search uses any more; a task that still uses one keeps it."""
        with self._lock:
            dropped = [self._entries.pop(token) for token in tokens if token in self._entries]
        for entry in dropped:
            for callback in self._callbacks:
                callback(entry.value)

    def when_dropped(self, callback: Callable[[Any], None]) -> None:
        """Let ``callback(value)`` be called for each value that is dropped, to drop what was made of it."""
        self._callbacks.append(callback)

    def __contains__(self, token: str) -> bool:
        with self._lock:
            return token in self._entries and self._entries[token].is_loaded

    def __len__(self) -> int:
        return len(self._entries)


#: The values of this process.
value_cache = ValueCache()
