"""A fixed list of points, all asked for at once: grid, random and manual search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from skhpt._typing import Params
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.trial import Candidate


class FixedList:
    """Strategy that asks for the points of a list in their order.

    Parameters
    ----------
    points : sequence of dict
        Parameters of the candidates.
    n_before : int, default=0
        Number of trials in the history before the first point of the list.
    """

    uses_prior = False

    def __init__(self, points: Sequence[Params], n_before: int = 0):
        self.points = points
        self.n_before = n_before

    @property
    def n_candidates(self) -> int:
        """Number of points in the list."""
        return len(self.points)

    def ask(self, history: History) -> list[Candidate]:
        """Return all points of the list that are not in the history yet."""
        n_asked = len(history) - self.n_before
        return [Candidate(len(history) + i, params) for i, params in enumerate(self.points[n_asked:])]


def untried(points: Iterable[Params], history: History) -> list[Params]:
    """Return the points that are not in the history; a point that occurs n times there is left out n times."""
    if not len(history):
        return list(points)
    n_tried = Counter(params_key(trial.candidate.params) for trial in history)
    rest = []
    for params in points:
        key = params_key(params)
        if n_tried[key]:
            n_tried[key] -= 1
        else:
            rest.append(params)
    return rest
