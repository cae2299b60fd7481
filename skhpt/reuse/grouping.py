"""Plan of a round: the fits that its candidates share, and the order to evaluate them in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from skhpt._typing import Params
from skhpt.reuse.steps import FitGraph, Step, is_in
from skhpt.reuse.submodels import SubModel
from skhpt.trial import Candidate


@dataclass(frozen=True)
class SubModelGroup:
    """Steps that are served by one fit of a sub-model.

    Attributes
    ----------
    fit_id : int
        Id of that fit.
    submodel : SubModel
        The sub-model.
    widest : dict
        Parameters of that fit, as far as they differ from those of the steps.
    """

    fit_id: int
    submodel: SubModel
    widest: Params


@dataclass(frozen=True, slots=True)
class SharedStep:
    """Step of a candidate whose fit other candidates can use.

    Attributes
    ----------
    path : str
        Parameter name of the step; empty for the estimator itself.
    fit_id : int
        Id of its fit; the same for steps with the same fit.
    group : SubModelGroup or None
        Group of the step, if a sub-model serves it.
    is_settled : bool
        Whether its fitted state is known to stay as it is when it transforms or predicts.
    """

    path: str
    fit_id: int
    group: SubModelGroup | None = None
    is_settled: bool = True

    @property
    def fit_ids(self) -> tuple[int, ...]:
        """Ids of the cached fits that this step may reuse."""
        return (self.fit_id,) if self.group is None else (self.group.fit_id, self.fit_id)


@dataclass(frozen=True)
class SharedCandidate:
    """Candidate that shares fits with others.

    Attributes
    ----------
    candidate : Candidate
        The candidate.
    steps : tuple of SharedStep
        Steps whose fits it shares, children before their parents.
    sort_key : tuple of int
        Candidates are evaluated in this order; those that share many fits are neighbours.
    fit_graph : FitGraph
        Outline of its fit graph.
    """

    candidate: Candidate
    steps: tuple[SharedStep, ...]
    sort_key: tuple[int, ...]
    fit_graph: FitGraph

    @property
    def model_id(self) -> int:
        """Id of the fit of the last step, if other candidates share it; -1 otherwise."""
        last = self.steps[-1]
        return last.fit_id if last.path == self.fit_graph.steps[-1].path else -1

    def n_fits_of(self, path: str | None = None) -> int:
        """Count the fits that a shared step needs, without those of shared steps inside it.

        By default, count the fits of all steps that are not shared.
        """
        others = [step.path for step in self.steps if step.path != path and is_in(step.path, path or "")]
        return self.fit_graph.n_fits(path or "", without=others)


class RoundPlan:
    """Plan of the fits of a round of candidates.

    Parameters
    ----------
    candidates : sequence of Candidate
        The candidates.
    fit_graphs : sequence of FitGraph
        Their fit graphs, in the same order.

    Attributes
    ----------
    shared : list of SharedCandidate
        Candidates that share fits, in the order of their evaluation.
    separate : list of Candidate
        The other candidates.
    fits : dict of str to (int, int)
        Number of candidates with each step, and number of fits that serve them on a fold, by the name of the
        step. Steps that contain others are left out.
    """

    def __init__(self, candidates: Sequence[Candidate], fit_graphs: Sequence[FitGraph]):
        steps = [step for graph in fit_graphs if not graph.reason for step in graph.steps]
        self._n_uses = Counter(step.key for step in steps)
        self._fit_ids: dict[Hashable, int] = {}
        self._groups = self._find_groups(steps)
        self.shared: list[SharedCandidate] = []
        self.separate: list[Candidate] = []
        for candidate, graph in zip(candidates, fit_graphs, strict=True):
            shared_steps = () if graph.reason else self._shared_steps(graph)
            if shared_steps:
                sort_key = self._sort_key(graph)
                self.shared.append(SharedCandidate(candidate, shared_steps, sort_key, graph.outline()))
            else:
                self.separate.append(candidate)
        self.shared.sort(key=lambda candidate: candidate.sort_key)
        self.fits = self._count_fits(fit_graphs)

    def _count_fits(self, fit_graphs: Sequence[FitGraph]) -> dict[str, tuple[int, int]]:
        fit_ids: dict[str, list[int]] = defaultdict(list)
        for graph in fit_graphs:
            for step in graph.steps:
                if step.has_children:
                    continue
                ids = fit_ids[step.name]
                # Negative ids stand for fits that are not shared: each is counted.
                ids.append(-1 - len(ids) if graph.reason else self._served_by(step))
        return {name: (len(ids), len(set(ids))) for name, ids in fit_ids.items()}

    def _served_by(self, step: Step) -> int:
        """Return the id of the fit that serves a step."""
        group = self._groups.get(step.key)
        return self._fit_id(step.key) if group is None else group.fit_id

    def _shared_steps(self, graph: FitGraph) -> tuple[SharedStep, ...]:
        """Return the steps of a fit graph whose fits are used more than once."""
        n_uses = {step.path: self._n_uses[step.key] for step in graph.steps}
        shared: list[SharedStep] = []
        for step in graph.steps:
            # A child is shared by itself only if it has more uses than its parent.
            n_uses_of_parent = 1 if step.parent is None else n_uses[step.parent]
            if n_uses[step.path] > n_uses_of_parent or step.key in self._groups:
                group = self._groups.get(step.key)
                shared.append(SharedStep(step.path, self._fit_id(step.key), group, step.is_settled))
        return tuple(shared)

    def _sort_key(self, graph: FitGraph) -> tuple[int, ...]:
        sort_key: list[int] = []
        for step in graph.chain:
            sort_key += [self._served_by(step), self._fit_id(step.key)]
        return tuple(sort_key)

    def _fit_id(self, key: Hashable) -> int:
        return self._fit_ids.setdefault(key, len(self._fit_ids))

    def _find_groups(self, steps: Iterable[Step]) -> dict[Hashable, SubModelGroup]:
        """Return the group of each step that has one, by the key of the step.

        Of several possible groups, exact sub-models come before close ones, then large groups before small
        ones.
        """
        members: dict[tuple[SubModel, Hashable], dict[Hashable, Step]] = defaultdict(dict)
        for step in steps:
            for group_key in step.group_keys:
                members[group_key][step.key] = step
        groups: dict[Hashable, SubModelGroup] = {}
        for group_key, by_key in sorted(
            members.items(), key=lambda item: (item[0][0].is_close, -len(item[1]))
        ):
            left = [step for step in by_key.values() if step.key not in groups]
            if len(left) > 1:
                with suppress(Exception):  # a function of a user's sub-model failed
                    submodel = group_key[0]
                    widest = submodel.widest([step.estimator for step in left], submodel.parameters)
                    group = SubModelGroup(self._fit_id(group_key), submodel, widest)
                    groups |= {step.key: group for step in left}
        return groups


def pieces(
    shared: Sequence[SharedCandidate], n_pieces: float, n_least: int = 1
) -> list[list[SharedCandidate]]:
    """Cut an ordered list of candidates into pieces of about equal length, where this causes no additional fits.

    Parameters
    ----------
    shared : sequence of SharedCandidate
        Candidates in order.
    n_pieces : float
        Number of pieces to make, if there are enough places to cut.
    n_least : int, default=1
        Number of pieces to make even if shared steps of the chain are fitted once in each piece. A group of a
        sub-model is never cut.

    Returns
    -------
    pieces : list of list of SharedCandidate
        The candidates, in order.
    """
    costs, is_in_group = _costs_of_cuts(shared)
    free = [i for i, cost in enumerate(costs, start=1) if cost == 0]
    cuts = _evenly(free, len(shared), n_pieces)
    if len(cuts) + 1 < n_least:
        allowed = [(cost, i) for i, cost in enumerate(costs, start=1) if not is_in_group[i - 1]]
        lowest = min((cost for cost, i in allowed if i not in cuts), default=0)
        cuts = _evenly([i for cost, i in allowed if cost <= lowest], len(shared), n_least)
    bounds = [0, *cuts, len(shared)]
    return [list(shared[start:stop]) for start, stop in pairwise(bounds)]


def _costs_of_cuts(shared: Sequence[SharedCandidate]) -> tuple[list[int], list[bool]]:
    """Return, for each place between two candidates, the fits that both sides use, and whether a group is cut."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    of_groups: set[int] = set()
    for i, candidate in enumerate(shared):
        for step in candidate.steps:
            if step.group:
                of_groups.add(step.group.fit_id)
            for fit_id in step.fit_ids:
                first.setdefault(fit_id, i)
                last[fit_id] = i
    n_places = max(0, len(shared) - 1)
    costs, is_in_group = [0] * n_places, [False] * n_places
    for fit_id, start in first.items():
        for i in range(start, last[fit_id]):
            costs[i] += 1
            is_in_group[i] |= fit_id in of_groups
    return costs, is_in_group


def _evenly(places: Sequence[int], length: int, n_pieces: float) -> list[int]:
    """Choose the places to cut a list such that its pieces have about equal length."""
    if len(places) + 1 <= n_pieces:
        return list(places)
    chosen: set[int] = set()
    for i in range(1, int(n_pieces)):
        ideal = i * length / n_pieces
        chosen.add(min(places, key=lambda place: abs(place - ideal)))
    return sorted(chosen)
