"""Detection of draws from numpy's global generator."""

from __future__ import annotations

import pickle

import numpy as np


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

    def state(self) -> bytes:
        """Return the state of the generator, pickled; no bytes if the watch is not active."""
        return pickle.dumps(np.random.get_state(legacy=False)) if self.is_active else b""

    def has_moved(self, before: bytes) -> bool:
        """Tell whether the state differs from an earlier one."""
        return self.state() != before

    def restore(self, before: bytes) -> None:
        """Set the generator to an earlier state."""
        if self.has_moved(before):
            np.random.set_state(pickle.loads(before))
