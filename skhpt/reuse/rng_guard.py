"""Draws from numpy's global generator: detection, measurement, and the draws that shared fits do not make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

#: State of the generator, as ``numpy.random.get_state(legacy=False)`` returns it.
RngState: TypeAlias = dict[str, Any]

#: Words of 32 bits that the Mersenne Twister makes at a time; its key has as many.
_N_WORDS = 624
#: Most words that are counted, in blocks of `_N_WORDS`.
_MAX_BLOCKS = 20


@contextmanager
def global_rng_kept() -> Iterator[None]:
    """Return a context after which numpy's global generator has the state that it had before."""
    before = _state()
    try:
        yield
    finally:
        if not _are_equal(before, _state()):
            np.random.set_state(before)


def _state() -> RngState:
    state: Any = np.random.get_state(legacy=False)
    return dict(state)


class GlobalRngWatch:
    """Watch of numpy's global generator.

    Parameters
    ----------
    is_active : bool, default=True
        Whether code is involved that may draw. To read the state takes about 40 microseconds, a tenth of the
        time of the smallest fits, so that it is not read otherwise.
    """

    def __init__(self, is_active: bool = True):
        self.is_active = is_active

    def state(self) -> RngState | None:
        """Return the state of the generator; None if the watch is not active."""
        return _state() if self.is_active else None

    def n_drawn_since(self, before: RngState | None) -> int | None:
        """Count the words of 32 bits that were drawn since an earlier state; None if they cannot be counted.

        Integers are made of words. Draws of normal numbers cannot be counted, because some of these numbers
        are kept for the next draw. The words of other bit generators than the Mersenne Twister cannot be
        counted either.
        """
        return 0 if before is None else _n_words(before, _state())

    def has_moved(self, before: RngState | None) -> bool:
        """Tell whether the state differs from an earlier one."""
        return before is not None and not _are_equal(before, _state())

    def restore(self, before: RngState | None) -> None:
        """Set the generator to an earlier state."""
        if before is not None and self.has_moved(before):
            np.random.set_state(before)


class OwedDraws:
    """Draws from the global generator that candidates would have made one after another, in scikit-learn's order.

    Shared fits are made in another order than separate ones, and fewer of them. The draws of shared fits do
    not affect the fits, but they move the generator for the fits after them. Before a fit is made separately,
    the generator is therefore set to the state that it would have if all fits before it had been made
    separately.
    """

    def __init__(self) -> None:
        self._before: RngState | None = None
        self._n_words: dict[tuple[int, int], int] = {}  # by candidate and fold

    def begin(self) -> None:
        """Keep the state of the generator before the first of some shared fits."""
        if self._before is None:
            self._before = _state()

    def add(self, candidate: int, split: int, n_words: int) -> None:
        """Add the draws of a candidate on a fold, in words of 32 bits."""
        if n_words:
            self._n_words[candidate, split] = n_words

    def settle(self, candidate: int | None = None, split: int = 0) -> None:
        """Make the draws of the candidates and folds that come before one of them; by default, all draws."""
        if self._before is not None:
            np.random.set_state(self._before)
            self._before = None
        until = (np.inf if candidate is None else candidate, split)
        due = [key for key in self._n_words if key < until]
        if due:
            _draw_words(sum(self._n_words.pop(key) for key in due))


def _draw_words(n: int) -> None:
    np.random.randint(0, 2**32, size=n, dtype=np.uint32)


def _are_equal(one: RngState, other: RngState) -> bool:
    if any(one[name] != other[name] for name in ("bit_generator", "has_gauss", "gauss")):
        return False
    if one["bit_generator"] != "MT19937":
        return bool(one["state"] == other["state"])
    return one["state"]["pos"] == other["state"]["pos"] and _have_equal_keys(one, other)


def _have_equal_keys(one: RngState, other: RngState) -> bool:
    return bool(one["state"]["key"].tobytes() == other["state"]["key"].tobytes())


def _n_words(before: RngState, after: RngState) -> int | None:
    """Count the words between two states of the generator; `after` is the present state."""
    if _are_equal(before, after):
        return 0
    is_counted = before["bit_generator"] == after["bit_generator"] == "MT19937"
    if not is_counted or (before["has_gauss"], before["gauss"]) != (after["has_gauss"], after["gauss"]):
        return None
    n_words: int = after["state"]["pos"] - before["state"]["pos"]
    if _have_equal_keys(before, after):
        return n_words if n_words > 0 else None
    return _n_words_of_blocks(before, after, n_words)


def _n_words_of_blocks(before: RngState, after: RngState, n_words: int) -> int | None:
    """Count the words between two states with different keys, by drawing them again."""
    np.random.set_state(before)
    try:
        n_drawn = 0
        for n_blocks in range(1, _MAX_BLOCKS + 1):
            n = n_words + n_blocks * _N_WORDS
            _draw_words(n - n_drawn)
            n_drawn = n
            if _are_equal(_state(), after):
                return n
        return None
    finally:
        np.random.set_state(after)
