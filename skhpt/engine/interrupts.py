"""Ctrl-C, delayed until a `KeyboardInterrupt` loses no result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """Handler of Ctrl-C: it raises `KeyboardInterrupt` while this process waits or works, not while it records.

    So no interrupt falls between a score and its line in the journal. Use it in a ``with`` block. It changes
    nothing in a thread other than the main one, or if the user has installed another handler.

    Attributes
    ----------
    n : int
        Number of times that Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.n = 0
        self._n_raised = 0
        self._is_allowed = False
        self._before: Any = None  # the handler to restore

    def __enter__(self) -> Interrupts:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Return a context in which Ctrl-C raises; if it was pressed before, the context raises when it is entered.

        Some estimators catch `KeyboardInterrupt` and return a model that is not fully trained. Its score must
        not count, so the context raises again at its end.
        """
        self._is_allowed = True
        try:
            if self.n > self._n_raised:
                self._raise()
            n_raised = self._n_raised
            yield
            if self._n_raised > n_raised:
                raise KeyboardInterrupt
        finally:
            self._is_allowed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.n += 1
        if self._is_allowed:
            self._raise()

    def _raise(self) -> None:
        self._n_raised = self.n
        raise KeyboardInterrupt
