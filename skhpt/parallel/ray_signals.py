"""The handlers of SIGTERM that Ray installs: they raise `SystemExit` wherever the process happens to be."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def is_of_ray(handler: Any) -> bool:
    """Tell whether the handler of a signal is one that Ray has installed."""
    return str(getattr(handler, "__module__", "")).startswith("ray.")


@contextmanager
def handler_kept() -> Iterator[None]:
    """Restore the handler of SIGTERM at the end, which `ray.init` replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        _install(before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let SIGTERM end this worker of Ray at once.

    `SystemExit` would be caught as a failure of the fit, and the fold of a machine that is shut down would
    not be tried again.
    """
    before = signal.getsignal(signal.SIGTERM)
    if not is_of_ray(before):
        yield
        return
    _install(signal.SIG_DFL)
    try:
        yield
    finally:
        _install(before)


def _install(handler: Any) -> None:
    """Install a handler of SIGTERM, if it is one of Python and in the thread that may do so."""
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
