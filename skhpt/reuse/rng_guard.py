"""Whether somebody has drawn from numpy's global generator: a question that is asked several times per candidate.

Its state takes a tenth of a millisecond to get. A look at its memory tells in no time that it is the same as before.
"""

from __future__ import annotations

import ctypes
import pickle
from typing import Any

import numpy as np
from numpy.random import MT19937

_N_BYTES = 625 * 4  # 624 words, and the position in them


class GlobalRngWatch:
    """Numpy's global generator, watched by one thread."""

    def __init__(self) -> None:
        self._memory: bytes | None = None
        self._state: Any = None

    def state(self) -> Any:
        """Return its state; the same object if it was not drawn from since."""
        memory = _memory()
        if memory is None or memory != self._memory or self._has_spare():
            self._memory, self._state = memory, np.random.get_state(legacy=False)
        return self._state

    def has_moved(self, before: Any) -> bool:
        """Tell whether its state is another one than some time ago."""
        now = self.state()
        return now is not before and pickle.dumps(now) != pickle.dumps(before)

    def restore(self, before: Any) -> None:
        """Put it back where it was."""
        if self.has_moved(before):
            np.random.set_state(before)
            self._memory = None  # a spare number may have come back

    def _has_spare(self) -> bool:
        """Tell whether it holds a normal number that was drawn already, and could be taken without leaving a trace."""
        return bool(self._state["has_gauss"])


def _memory() -> bytes | None:
    """Return a copy of the state in memory, or None if it is not the usual generator."""
    generator = np.random.mtrand._rand._bit_generator
    if type(generator) is not MT19937:
        return None
    return ctypes.string_at(generator.ctypes.state_address, _N_BYTES)
