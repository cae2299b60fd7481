"""Failures: which exceptions of a fit or a scorer become values, and which ones end the search."""

from __future__ import annotations

import os
import signal
import traceback
from types import CodeType
from typing import Any


class ControlFlow(BaseException):
    """Base of exceptions with which skhpt leaves a fit: they are no failures, and pass through foreign code."""


def is_failure(error: BaseException, search_pid: int) -> bool:
    """Tell whether an exception of a fit or a scorer is a failure of it, whatever its class.

    Parameters
    ----------
    error : BaseException
        The exception, as it was caught.
    search_pid : int
        Process of the search.

    Returns
    -------
    is_failure : bool
        False for exceptions that end the search: skhpt's own, and those of Ctrl-C and of the user's signal
        handlers, which only occur in the process of the search.
    """
    if isinstance(error, Exception):
        return True
    if isinstance(error, ControlFlow):
        return False
    if os.getpid() != search_pid:
        return True
    return not isinstance(error, KeyboardInterrupt) and not _is_raised_by_handler(error)


def _is_raised_by_handler(error: BaseException) -> bool:
    """Tell whether a signal handler of the user has raised an exception, such as ``sys.exit`` on SIGTERM."""
    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))


def _code_of(handler: Any) -> CodeType | None:
    """Return the code of a signal handler: a function, a method, a partial function or a callable object."""
    handler = getattr(handler, "func", handler)
    code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None
