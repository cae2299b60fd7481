"""Threads of the BLAS library in the process of the search.

The matrices of a search are small: threads of BLAS would mostly wait for each other, and longer than they
compute where other work keeps the processors busy. The last digits of a product depend on the number of threads
too, so one thread also makes proposals independent of the number of processors.

The number is a setting of the whole process. So a search in a thread that is not the main one, such as a fit of
another search, leaves it alone: its limit would end in the middle of the work of others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread; the thread that enters it may be another one."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return _limited()


@contextmanager
def _limited() -> Iterator[None]:
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Return the libraries of this process; it takes milliseconds to find them."""
    return ThreadpoolController()
