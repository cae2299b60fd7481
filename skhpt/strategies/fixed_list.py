"""A fixed list of points, all asked for at once: grid, random and manual search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

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
    infos : sequence of dict, default=()
        Facts about each point, which become columns of the results; none if it is empty.
    """

    uses_prior = False
    takes_long = False

    def __init__(self, points: Sequence[Params], n_before: int = 0, infos: Sequence[dict[str, Any]] = ()):
        self.points = points
        self.n_before = n_before
        self.infos = infos

    @property
    def n_candidates(self) -> int:
        """Number of points in the list."""
        return len(self.points)

    def ask(self, history: History) -> list[Candidate]:
        """Return all points of the list that are not in the history yet."""
        candidates = []
        for i in range(len(history) - self.n_before, len(self.points)):
            info = dict(self.infos[i]) if self.infos else {}
            candidates.append(Candidate(self.n_before + i, self.points[i], info=info))
        return candidates


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
