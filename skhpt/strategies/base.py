"""The Strategy protocol: candidates as a pure function of the history."""

from __future__ import annotations

from typing import Protocol

from skhpt.history import History
from skhpt.trial import Candidate


class Strategy(Protocol):
    """What to try next, as a pure function of the history."""

    def ask(self, history: History) -> list[Candidate]:
        """Propose candidates, with the ids ``len(history), len(history) + 1, ...``.

        It is asked again after each trial that finishes. An empty list means: nothing now, and, when no trial is
        pending, done. It draws, if it does, from a generator seeded by ``(seed, len(history))``, and never changes
        the history. What it proposes in a lane follows from the finished trials of that lane, and from lanes that are
        complete, alone.
        """
        ...
