"""Which fits the candidates of a round have in common, and in what order these are best evaluated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from skhpt.reuse.steps import FitGraph, Step, is_in
from skhpt.reuse.submodels import SubModel
from skhpt.trial import Candidate


@dataclass(frozen=True)
class SubModelGroup:
    """Parts that one fit serves.

    Attributes
    ----------
    number : int
        Tells it from others.
    submodel : SubModel
        How they are served.
    widest : dict
        Parameters of the one fit.
    """

    number: int
    submodel: SubModel
    widest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SharedStep:
    """A part of a candidate whose fit others can use.

    Attributes
    ----------
    path : str
        Its parameter name; empty for the estimator itself.
    node : int
        Parts with the same number have the same fit.
    family : Family or None
        Which fit serves it, besides its own.
    """

    path: str
    node: int
    family: SubModelGroup | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the fits that it can use."""
        return (self.node,) if self.family is None else (self.family.number, self.node)


@dataclass(frozen=True)
class SharedCandidate:
    """A candidate, and the parts of it whose fits others can use.

    Attributes
    ----------
    candidate : Candidate
        The candidate.
    shares : tuple of Share
        These parts, what is inside others first.
    place : tuple of int
        Candidates with much in common have neighbouring places.
    recipe : FitGraph
        All its parts, in outline.
    """

    candidate: Candidate
    shares: tuple[SharedStep, ...]
    place: tuple[int, ...]
    fit_graph: FitGraph

    @property
    def model(self) -> int:
        """The number of the whole, if others have the same; -1 if not."""
        last = self.shares[-1]
        return last.node if last.path == self.fit_graph.parts[-1].path else -1

    def n_fits_of(self, path: str | None = None) -> int:
        """Count the fits that come with making a shared part's fit, or, by default, with the rest."""
        others = [share.path for share in self.shares if share.path != path and is_in(share.path, path or "")]
        return self.fit_graph.n_fits(path or "", without=others)


class RoundPlan:
    """What the candidates of a round have in common.

    Parameters
    ----------
    candidates : sequence of Candidate
        The candidates.
    recipes : sequence of FitGraph
        Theirs.

    Attributes
    ----------
    shared : list of Shared
        Those that share fits, in the order to evaluate them in.
    alone : list of Candidate
        The others.
    fits : dict of str to (int, int)
        Of each part that has none inside, by name: how many candidates have it, and how many fits serve them on a fold.
    """

    def __init__(self, candidates: Sequence[Candidate], fit_graphs: Sequence[FitGraph]):
        parts = [part for fit_graph in fit_graphs if not fit_graph.doubt for part in fit_graph.parts]
        self._uses = Counter(part.key for part in parts)
        self._numbers: dict[Hashable, int] = {}
        self._families = self._find_families(parts)
        self.shared: list[SharedCandidate] = []
        self.alone: list[Candidate] = []
        for candidate, fit_graph in zip(candidates, fit_graphs, strict=True):
            if shares := () if fit_graph.doubt else self._shares(fit_graph):
                self.shared.append(SharedCandidate(candidate, shares, self._place(fit_graph), fit_graph.outline()))
            else:
                self.alone.append(candidate)
        self.shared.sort(key=lambda one: one.place)
        self.fits = self._count_fits(fit_graphs)

    def _count_fits(self, fit_graphs: Sequence[FitGraph]) -> dict[str, tuple[int, int]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for fit_graph in fit_graphs:
            for part in fit_graph.parts:
                if not part.has_parts:
                    family = None if fit_graph.doubt else self._families.get(part.key)
                    own = -1 - len(numbers[part.name]) if fit_graph.doubt else self._number(part.key)
                    numbers[part.name].append(own if family is None else family.number)
        return {name: (len(each), len(set(each))) for name, each in numbers.items()}

    def _shares(self, fit_graph: FitGraph) -> tuple[SharedStep, ...]:
        """Return the parts of a recipe whose fits are used more than once."""
        n_uses = {part.path: self._uses[part.key] for part in fit_graph.parts}
        shares: list[SharedStep] = []
        for part in fit_graph.parts:
            least = 1 if part.inside is None else n_uses[part.inside]  # what is inside comes with the whole
            if self._uses[part.key] > least or part.key in self._families:
                shares.append(SharedStep(part.path, self._number(part.key), self._families.get(part.key)))
        return tuple(shares)

    def _place(self, fit_graph: FitGraph) -> tuple[int, ...]:
        """Return where a recipe belongs in the order."""
        place: list[int] = []
        for part in fit_graph.chain:
            family = self._families.get(part.key)
            place += [self._number(part.key) if family is None else family.number, self._number(part.key)]
        return tuple(place)

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _find_families(self, parts: Sequence[Step]) -> dict[Hashable, SubModelGroup]:
        """Find the family of each part that has one, by its key; one that is exact comes before one that is close."""
        members: dict[tuple[SubModel, Hashable], dict[Hashable, Step]] = defaultdict(dict)
        for part in parts:
            for submodel, key in part.families:
                members[submodel, key][part.key] = part
        families: dict[Hashable, SubModelGroup] = {}
        for (submodel, key), those in sorted(members.items(), key=lambda item: (item[0][0].is_close, -len(item[1]))):
            left = [part for part in those.values() if part.key not in families]
            if len(left) > 1:
                with suppress(Exception):  # of a function that somebody registered
                    widest = submodel.widest([part.estimator for part in left], submodel.parameters)
                    family = SubModelGroup(self._number((submodel, key)), submodel, widest)
                    families |= {part.key: family for part in left}
        return families


def pieces(shared: Sequence[SharedCandidate], n_pieces: float, n_least: int = 1) -> list[list[SharedCandidate]]:
    """Cut an ordered list of candidates, evenly, where nothing is fitted twice because of it.

    Parameters
    ----------
    shared : sequence of Shared
        Candidates in order.
    n_pieces : float
        How many pieces to make, if there are places to cut.
    n_least : int, default=1
        How many to make even if parts of the chain, though not what serves a family, are fitted once in each piece.

    Returns
    -------
    pieces : list of list of Shared
        The candidates, in order.
    """
    costs, is_in_family = _costs_of_cuts(shared)
    free = [i for i, cost in enumerate(costs, start=1) if cost == 0]
    cuts = _evenly(free, len(shared), n_pieces)
    if len(cuts) + 1 < n_least:
        open_to = [(cost, i) for i, cost in enumerate(costs, start=1) if not is_in_family[i - 1]]
        cheapest = min((cost for cost, i in open_to if i not in cuts), default=0)
        cuts = _evenly([i for cost, i in open_to if cost <= cheapest], len(shared), n_least)
    bounds = [0, *cuts, len(shared)]
    return [list(shared[start:stop]) for start, stop in pairwise(bounds)]


def _costs_of_cuts(shared: Sequence[SharedCandidate]) -> tuple[list[int], list[bool]]:
    """Count, for each place between two candidates, what both sides use, and tell whether a family is among that."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    families: set[int] = set()
    for i, one in enumerate(shared):
        for share in one.shares:
            families |= {share.family.number} if share.family else set()
            for number in share.numbers:
                first.setdefault(number, i)
                last[number] = i
    costs, is_in_family = [0] * max(0, len(shared) - 1), [False] * max(0, len(shared) - 1)
    for number, start in first.items():
        for i in range(start, last[number]):
            costs[i] += 1
            is_in_family[i] |= number in families
    return costs, is_in_family


def _evenly(places: Sequence[int], length: int, n_pieces: float) -> list[int]:
    """Choose, of the places to cut a list, those that make pieces of about equal length."""
    if len(places) + 1 <= n_pieces:
        return list(places)
    chosen: set[int] = set()
    for i in range(1, int(n_pieces)):
        chosen.add(min(places, key=lambda place: abs(place - i * length / n_pieces)))
    return sorted(chosen)
