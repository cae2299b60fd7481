"""From candidates to tasks: which candidates travel together to which fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skhpt.trial import Candidate

#: Seconds of work that a task should hold, so that sending it costs little beside it.
TASK_SECONDS = 0.1
#: Tasks per worker that must remain, so that all workers finish at about the same time.
TASKS_PER_SLOT = 4


@dataclass(frozen=True, slots=True)
class Task:
    """Candidates to evaluate, one after another, on one fold."""

    split: int
    candidates: Sequence[Candidate]


def tasks(candidates: Sequence[Candidate], n_splits: int) -> Iterator[Task]:
    """Make one task per fold for candidates that travel together, without those whose fold is settled."""
    missing = [(candidate, candidate.missing(n_splits)) for candidate in candidates]
    for split in range(n_splits):
        if some := [candidate for candidate, splits in missing if split in splits]:
            yield Task(split, some)


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
