"""Ctrl-C and requests to end, delayed until a `KeyboardInterrupt` loses no result."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from skhpt.parallel.ray_signals import is_of_ray

#: Signals that ask a process to end, such as before the end of a preemptible machine or of a terminal. Windows
#: lacks some.
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
#: Handlers that are replaced, by signal.
_REPLACED = {signal.SIGINT: signal.default_int_handler, **dict.fromkeys(_ENDING, signal.SIG_DFL)}


class Interrupts:
    """Handler of Ctrl-C: it raises `KeyboardInterrupt` while this process waits or works, not while it records.

    So no interrupt falls between a score and its line in the journal. Use it in a ``with`` block. It changes
    nothing in a thread other than the main one, and leaves signals alone for which the user has installed
    another handler.

    SIGTERM and SIGHUP, which ask the process to end, have the same effect. The process ends at the end of the
    ``with`` block, as it would have ended at once otherwise. The handler that `ray.init` installs, which raises
    `SystemExit`, is treated like the default action.

    Attributes
    ----------
    n : int
        Number of times that Ctrl-C was pressed, or that the process was asked to end.
    is_inner : bool
        Whether this search runs inside a fit of another one, whose handler is installed.
    """

    def __init__(self) -> None:
        self.n = 0
        self.is_inner = False
        self._n_raised = 0
        self._is_allowed = False
        self._before: dict[int, Any] = {}  # the handlers to restore, by signal
        self._ending: int | None = None  # signal that asked this process to end

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self.is_inner = bool(_installed)
            for number, default in _REPLACED.items():
                handler = signal.getsignal(number)
                if handler is default or (number in _ENDING and is_of_ray(handler)):
                    self._before[number] = signal.signal(number, self._handle)
            _installed.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        if self in _installed:
            _installed.remove(self)
        self.restore()
        if self._ending is not None:
            _end_process(self._ending)

    def restore(self) -> None:
        """Restore the handlers that were installed before."""
        while self._before:
            signal.signal(*self._before.popitem())

    def press(self) -> None:
        """Have the effect of Ctrl-C: the next `allowed` raises."""
        self.n += 1

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
        if number in _ENDING:
            self._ending = number
        if self._is_allowed:
            self._raise()

    def _raise(self) -> None:
        self._n_raised = self.n
        raise KeyboardInterrupt


#: Open ``with`` blocks of the main thread, the innermost search last.
_installed: list[Interrupts] = []


def _restore_in_child() -> None:
    """Restore the handlers in a process that this one forks: they only concern the process of the search."""
    while _installed:
        _installed.pop().restore()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_restore_in_child)


def _end_process(number: int) -> None:
    """End this process as the handler of before does, so that its parent finds the same exit status."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    signal.raise_signal(number)
    raise SystemExit(128 + number)  # the first process of a container ignores default actions
