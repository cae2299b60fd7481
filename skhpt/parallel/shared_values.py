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


class SharedValue(NamedTuple):
    """Argument of a task in place of a large value.

    Attributes
    ----------
    token : str
        Unique name of the value.
    source : object
        Where the value is, in a form that the engine understands.
    """

    token: str
    source: Any


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
    """

    def __init__(self, seconds: float = SECONDS_TO_KEEP):
        self.seconds = seconds
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._timer: threading.Timer | None = None

    @contextmanager
    def resolved(self, args: Sequence[Any], load: Callable[[SharedValue], Any]) -> Iterator[list[Any]]:
        """Provide arguments with the values in place of each `SharedValue`; ``load(shared)`` returns a missing one."""
        with ExitStack() as uses:
            yield [
                uses.enter_context(self._used(arg, load)) if isinstance(arg, SharedValue) else arg
                for arg in args
            ]

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
        with self._lock:
            latest = time.monotonic() - self.seconds
            for token, entry in list(self._entries.items()):
                if not entry.n_users and entry.last_used <= latest:
                    del self._entries[token]
            self._timer = None
            self._watch()

    def _watch(self) -> None:
        """Look for unused values later, as long as there are values."""
        if self._timer is None and self._entries:
            self._timer = threading.Timer(self.seconds, self.drop_unused)
            self._timer.daemon = True
            self._timer.start()

    def drop(self, tokens: Sequence[str]) -> None:
        """Drop values that no search uses any more; a task that still uses one keeps it."""
        with self._lock:
            for token in tokens:
                self._entries.pop(token, None)

    def __contains__(self, token: str) -> bool:
        with self._lock:
            return token in self._entries and self._entries[token].is_loaded

    def __len__(self) -> int:
        return len(self._entries)


#: The values of this process.
value_cache = ValueCache()
