"""From candidates to tasks: which candidates travel together to which fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from skhpt.reuse.grouping import SharedCandidate, pieces
from skhpt.trial import Candidate

#: Seconds of work that a task should hold, so that sending it costs little beside it.
TASK_SECONDS = 0.1
#: Tasks per worker that must remain, so that all workers finish at about the same time.
TASKS_PER_SLOT = 4


#: Tasks per worker to divide candidates into that share fits: few, for each has to make what it shares.
SHARED_TASKS_PER_SLOT = 3


@dataclass(frozen=True, slots=True)
class Task:
    """Candidates to evaluate, one after another, on one fold; `shared` says what they have in common, if they do."""

    split: int
    candidates: Sequence[Candidate]
    shared: Sequence[SharedCandidate] = ()

    def without(self, ids: AbstractSet[int]) -> Task:
        """Leave out some candidates."""
        if ids.isdisjoint(candidate.id for candidate in self.candidates):
            return self
        shared = [one for one in self.shared if one.candidate.id not in ids]
        return Task(self.split, [candidate for candidate in self.candidates if candidate.id not in ids], shared)


def tasks(candidates: Sequence[tuple[Candidate, Sequence[int]]], n_splits: int) -> Iterator[Task]:
    """Make one task per fold for candidates that travel together, each given with the folds to evaluate it on."""
    for split in range(n_splits):
        if some := [candidate for candidate, splits in candidates if split in splits]:
            yield Task(split, some)


def shared_tasks(shared: Sequence[SharedCandidate], n_splits: int, n_slots: int) -> Iterator[Task]:
    """Make tasks for candidates that share fits, such that nothing is fitted twice unless workers would be idle.

    Parameters
    ----------
    shared : sequence of Shared
        Candidates in their order.
    n_splits, n_slots : int
        Folds, and workers. One worker, which is this process, gets the smallest tasks possible.
    """
    n_wanted = math.inf if n_slots == 1 else math.ceil(SHARED_TASKS_PER_SLOT * n_slots / n_splits)
    whole = [(piece, split) for piece in pieces(shared, n_wanted) for split in range(n_splits)]
    n_last = len(whole) % n_slots if len(whole) < SHARED_TASKS_PER_SLOT * n_slots else 0
    n_parts = _n_parts(n_last, n_slots)
    for i, (piece, split) in enumerate(whole):
        is_last = i >= len(whole) - n_last
        for part in pieces(piece, n_parts, n_least=n_parts) if is_last else [piece]:
            if some := [one for one in part if split in one.candidate.missing(n_splits)]:
                yield Task(split, [one.candidate for one in some], some)


def _n_parts(n_tasks: int, n_slots: int) -> int:
    """Say into how many parts to cut each of the last tasks, too few for all workers, so that they are done soonest.

    A worker makes what the candidates of its part share with those of other parts. It would have been idle otherwise;
    but that takes time, so one part more must save a hundredth of what the task would take in one piece.
    """
    return min(range(1, n_slots + 1), key=lambda n: math.ceil(n_tasks * n / n_slots) / n + 0.01 * n)


def chunk_size(seconds_per_fold: float | None, n_candidates: int, n_splits: int, n_slots: int) -> int:
    """Say how many candidates should travel together.

    Parameters
    ----------
    seconds_per_fold : float or None
        What one fold of one candidate takes; None if nothing is known yet.
    n_candidates, n_splits : int
        Candidates that wait, and folds of each.
    n_slots : int
        Workers. With one worker, which is this process, there is nothing to send: 1.

    Returns
    -------
    size : int
        At least 1.
    """
    if n_slots == 1 or seconds_per_fold is None:
        return 1
    worthwhile = TASK_SECONDS / max(seconds_per_fold, 1e-6)
    balanced = n_candidates * n_splits / (TASKS_PER_SLOT * n_slots)
    return max(1, int(min(worthwhile, balanced)))
