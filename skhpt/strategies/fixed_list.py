"""A fixed list of points, all asked for at once: grid, random and manual search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from skhpt.history import History
from skhpt.identity import params_key
from skhpt.trial import Candidate


class FixedList:
    """Ask for the points of a list, one after another.

    Parameters
    ----------
    points : sequence of dict
        Parameters of the candidates.
    n_known : int, default=0
        Trials that the history holds before the first point of the list.
    """

    def __init__(self, points: Sequence[dict[str, Any]], n_before: int = 0):
        self.points = points
        self.n_before = n_before

    @property
    def n_candidates(self) -> int:
        """Number of points in the list."""
        return len(self.points)

    def ask(self, history: History) -> list[Candidate]:
        """Return all points that the history has not come to yet."""
        n_asked = len(history) - self.n_before
        return [Candidate(len(history) + i, params) for i, params in enumerate(self.points[n_asked:])]


def untried(points: Iterable[dict[str, Any]], history: History) -> list[dict[str, Any]]:
    """Leave out the points that the history has already, each as often as it has it."""
    if not len(history):
        return list(points)
    tried = Counter(params_key(trial.candidate.params) for trial in history)
    rest = []
    for params in points:
        key = params_key(params)
        if tried[key]:
            tried[key] -= 1
        else:
            rest.append(params)
    return rest
