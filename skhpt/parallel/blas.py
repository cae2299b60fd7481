"""Threads of the BLAS library in the process of the search.

The matrices of a search are small: threads of BLAS would mostly wait for each other, and longer than they
compute where other work keeps the processors busy. The last digits of a product depend on the number of
threads too, so one thread also makes proposals independent of the number of processors.

The number is a setting of the whole process. So a search in a thread that is not the main one, such as a fit
of another search, leaves it alone: its limit would end in the middle of the work of others.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from skhpt._compat import one_blas_thread


def one_blas_thread_if_main() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread; the thread that enters it may be another one."""
    is_main = threading.current_thread() is threading.main_thread()
    return one_blas_thread() if is_main else nullcontext()
