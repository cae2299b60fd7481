"""Ctrl-C, kept waiting until it does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """Turns Ctrl-C into `KeyboardInterrupt` where this process waits or works, but not while it takes notes.

    Use it in a ``with`` block. In a thread other than the main one, or if somebody has a handler of their own, it
    leaves everything as it is.

    Attributes
    ----------
    n : int
        How often Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.n = 0
        self._n_raised = 0
        self._is_allowed = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let Ctrl-C raise in here, or at the end; one that came before does so at once.

        Some estimators catch it and take what they have for a fit. That is none, so it is raised again.
        """
        self._is_allowed = True
        try:
            self._raise_if_due()
            n = self._n_raised
            yield
            if self._n_raised > n:
                raise KeyboardInterrupt
        finally:
            self._is_allowed = False

    def _take(self, number: int, frame: Any) -> None:
        self.n += 1
        if self._is_allowed:
            self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._n_raised < self.n:
            self._n_raised = self.n
            raise KeyboardInterrupt
