"""Warnings that point at the user's line, however deep in the package they are raised."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: Packages whose frames are passed over: the user called them, or they called this package. A context manager that
#: decorates a method has a frame of contextlib.
_INTERNAL = ("skhpt", "sklearn", "joblib", "contextlib")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, with the first frame outside this package, scikit-learn and joblib as the place of the warning.

    Parameters
    ----------
    message : str
        Text of the warning.
    category : type, default=UserWarning
        Class of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_internal(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_internal(module: str) -> bool:
    return module.partition(".")[0] in _INTERNAL


class _InThread:
    """Pattern for a filter of warnings that matches every text, in one thread only."""

    #: What scikit-learn's `Parallel` takes for the pattern when it copies the filters: it matches nothing.
    pattern = "(?!)"

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def match(self, text: str) -> bool:
        """Tell whether the caller is this thread."""
        return threading.get_ident() == self._thread


@contextmanager
def warnings_ignored(category: type[Warning] = Warning) -> Iterator[None]:
    """Ignore the warnings of a category in this thread; by default all.

    `warnings.catch_warnings` replaces the list of filters, which belongs to the process, and puts the old one back:
    of two threads that do so at the same time, one may put back the list of the other, and all warnings stay
    switched off. Here a filter is added that no other thread sees, and taken out of the list that it was added
    to.
    """
    filters: list[Any] = warnings.filters  # type: ignore[assignment]
    ours = ("ignore", _InThread(), category, None, 0)
    filters.insert(0, ours)
    try:
        yield
    finally:
        with suppress(ValueError):  # the user has reset the filters
            filters.remove(ours)
