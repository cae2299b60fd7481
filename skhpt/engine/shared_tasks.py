"""Tasks of candidates that share fits."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from skhpt._typing import Estimator
from skhpt.engine.tasks import Slots, Task, TaskQueue, bracket_of
from skhpt.reuse.grouping import SharedCandidate, pieces
from skhpt.reuse.planner import ReusePlanner
from skhpt.reuse.shared_evaluation import SharingPolicy, evaluate_shared
from skhpt.trial import Candidate

#: Tasks per worker to divide candidates into that share fits: few, because each task makes its own shared
#: fits.
SHARED_TASKS_PER_SLOT = 3


@dataclass(frozen=True)
class SharedTask(Task):
    """Task of candidates that share fits.

    Attributes
    ----------
    shared : sequence of SharedCandidate
        The candidates, with the steps that they share.
    policy : SharingPolicy
        Conditions of sharing.
    """

    shared: Sequence[SharedCandidate] = ()
    policy: SharingPolicy | None = None

    function: ClassVar[Any] = staticmethod(evaluate_shared)
    is_shared: ClassVar[bool] = True

    @property
    def extra_arguments(self) -> tuple[Any, ...]:  # type: ignore[override]
        return (self.shared, self.policy)

    def without(self, ids: set[int]) -> SharedTask:
        return self.with_shared([member for member in self.shared if member.candidate.id not in ids])

    def with_shared(self, shared: Sequence[SharedCandidate]) -> SharedTask:
        """Return the task with other candidates."""
        return replace(self, candidates=[member.candidate for member in shared], shared=shared)


class SharedTaskQueue(TaskQueue):
    """Queue that groups candidates with shared fits into tasks.

    Parameters
    ----------
    n_splits, pool : int, Slots
        As for `TaskQueue`.
    planner : ReusePlanner
        Decides which candidates share fits.
    estimator : estimator
        The estimator of the search.
    """

    def __init__(self, n_splits: int, pool: Slots, *, planner: ReusePlanner, estimator: Estimator):
        super().__init__(n_splits, pool)
        self._planner = planner
        self._estimator = estimator

    def add(self, candidates: Sequence[Candidate]) -> None:
        by_bracket: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            by_bracket[candidate.bracket_id].append(candidate)
        for bracket in by_bracket.values():
            self._add_bracket(bracket)

    def _add_bracket(self, candidates: Sequence[Candidate]) -> None:
        """Queue candidates of one bracket; those of different brackets share no fits, so that one ends first."""
        shared, separate = self._planner.split(self._estimator, candidates, self.n_splits)
        if shared:
            tasks = shared_tasks(
                shared,
                n_splits=self.n_splits,
                n_slots=self.pool.n_slots,
                is_serial=self.pool.is_serial,
                policy=self._planner.policy,
            )
            self._tasks = deque(sorted([*self._tasks, *tasks], key=bracket_of))
        super().add(separate)

    def next(self) -> Task | None:
        if self._tasks and self._tasks[0].is_shared:
            self._drop_refused()
        if not self._tasks and (declined := self._planner.take_declined()):
            self._add_declined(declined)
        task = super().next()
        if task is not None and self.pool.is_serial:
            self._prepare_generator(task)
        return task

    def close(self) -> None:
        if self.pool.is_serial:
            self._planner.owed_draws.settle()

    def _prepare_generator(self, task: Task) -> None:
        """Let a separate fit draw from numpy's global generator what scikit-learn's search would draw for it.

        Only the draws of this process are known. Without workers, the task runs at once.
        """
        if task.is_shared:
            self._planner.owed_draws.begin()
        else:
            self._planner.owed_draws.settle(task.candidates[0].id, task.split)

    def _drop_refused(self) -> None:
        """Remove from the next task the candidates for which sharing was refused since it was made."""
        while self._tasks and isinstance(task := self._tasks[0], SharedTask):
            self._tasks.popleft()
            if shared := self._planner.drop_refused(task.shared, task.split):
                self._tasks.appendleft(task.with_shared(shared))
                return

    def _add_declined(self, declined: Sequence[tuple[Candidate, Sequence[int]]]) -> None:
        """Queue candidates for which sharing was refused, with their folds: each is evaluated separately."""
        self._waiting = deque(sorted([*declined, *self._waiting], key=_place))


def _place(waiting: tuple[Candidate, Sequence[int]]) -> tuple[int, int]:
    """Return the place of a candidate in the queue."""
    return waiting[0].bracket_id, waiting[0].id


def shared_tasks(
    shared: Sequence[SharedCandidate],
    *,
    n_splits: int,
    n_slots: int,
    is_serial: bool,
    policy: SharingPolicy,
) -> Iterator[Task]:
    """Make tasks of candidates that share fits; no fit is made twice unless workers would be idle otherwise.

    Parameters
    ----------
    shared : sequence of SharedCandidate
        Candidates in their order.
    n_splits, n_slots : int
        Folds, and workers.
    is_serial : bool
        Whether there are no workers but this process, which gets the smallest tasks possible.
    policy : SharingPolicy
        Conditions of sharing.
    """
    n_wanted = math.inf if is_serial else math.ceil(SHARED_TASKS_PER_SLOT * n_slots / n_splits)
    whole = [(piece, split) for piece in pieces(shared, n_wanted) for split in range(n_splits)]
    n_last = len(whole) % n_slots if len(whole) < SHARED_TASKS_PER_SLOT * n_slots else 0
    n_parts = _n_parts(n_last, n_slots)
    for i, (piece, split) in enumerate(whole):
        is_last = i >= len(whole) - n_last
        for part in pieces(piece, n_parts, n_least=n_parts) if is_last else [piece]:
            missing = [member for member in part if split in member.candidate.missing(n_splits)]
            if missing:
                candidates = [member.candidate for member in missing]
                yield SharedTask(split, candidates, shared=missing, policy=policy)


def _n_parts(n_tasks: int, n_slots: int) -> int:
    """Return the number of parts to cut each of the last tasks into, which are too few for all workers.

    Each part repeats the fits that its candidates share with other parts. Its worker would be idle otherwise,
    but the fits take time, so an additional part must save a hundredth of the duration of the uncut task.
    """
    return min(range(1, n_slots + 1), key=lambda n: math.ceil(n_tasks * n / n_slots) / n + 0.01 * n)
