"""Tasks: candidates that are evaluated one after another on one fold, and the queue that decides which task is next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from skhpt.fitting import fold
from skhpt.trial import Candidate

#: Tasks per worker that must remain, so that all workers finish at about the same time.
TASKS_PER_SLOT = 4


class Slots(Protocol):
    """Object that knows the number of workers: the pool."""

    @property
    def n_slots(self) -> int:
        """Number of tasks that run at the same time."""
        ...

    @property
    def is_serial(self) -> bool:
        """Whether there are no workers: this thread runs each task as soon as it waits."""
        ...

    @property
    def task_seconds(self) -> float:
        """Seconds of work that a task should hold, so that sending it costs little in comparison."""
        ...


@dataclass(frozen=True)
class Task:
    """Candidates to evaluate, one after another, on one fold.

    Attributes
    ----------
    split : int
        The fold.
    candidates : sequence of Candidate
        The candidates.
    is_isolated : bool
        Whether the task must run while no other task does, because one of several tasks has killed a worker.
    function : callable
        Function that the worker calls.
    extra_arguments : tuple
        Arguments of `function` after those that all tasks have.
    is_shared : bool
        Whether the candidates share fits.
    """

    split: int
    candidates: Sequence[Candidate]
    is_isolated: bool = False

    function: ClassVar[Callable[..., fold.Steps]] = staticmethod(fold.evaluate)
    extra_arguments: ClassVar[tuple[Any, ...]] = ()
    is_shared: ClassVar[bool] = False

    def without(self, ids: set[int]) -> Task:
        """Return the task without some candidates."""
        if ids.isdisjoint(candidate.id for candidate in self.candidates):
            return self
        return replace(
            self, candidates=[candidate for candidate in self.candidates if candidate.id not in ids]
        )

    def only(self, ids: set[int]) -> Task:
        """Return the task with only some of its candidates."""
        return self.without({candidate.id for candidate in self.candidates} - ids)


def bracket_of(task: Task) -> int:
    """Return the id of the bracket of the first candidate of a task."""
    return task.candidates[0].bracket_id


class TaskQueue:
    """Candidates that wait to be evaluated, and the tasks made of them: by bracket, then first in, first out.

    So a search that is stopped early has completed its first brackets; workers that these leave idle begin the
    others.

    Parameters
    ----------
    n_splits : int
        Number of folds.
    pool : Slots
        The workers. Tasks hold so much work that all workers stay busy and finish at about the same time.

    Attributes
    ----------
    isolated : deque of Task
        Tasks to submit first, each while no other task runs.
    seconds_per_fold : float or None
        Mean duration of a fold, recent folds counting more; None before the first fold is back.
    """

    def __init__(self, n_splits: int, pool: Slots):
        self.n_splits = n_splits
        self.pool = pool
        self.isolated: deque[Task] = deque()
        self.seconds_per_fold: float | None = None
        self._waiting: deque[tuple[Candidate, Sequence[int]]] = deque()  # with the folds to evaluate it on
        self._tasks: deque[Task] = deque()
        self._dropped: set[int] = set()

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Queue candidates, each on its missing folds."""
        for candidate in candidates:
            is_in_order = not self._waiting or self._waiting[-1][0].bracket_id <= candidate.bracket_id
            self._waiting.append((candidate, candidate.missing(self.n_splits)))
            if not is_in_order:
                self._waiting = deque(sorted(self._waiting, key=lambda waiting: waiting[0].bracket_id))

    def retry(self, tasks: Sequence[Task]) -> None:
        """Queue tasks again, before all others."""
        tasks = _without(self._dropped, tasks)
        self.isolated.extend(task for task in tasks if task.is_isolated)
        self._tasks.extendleft(task for task in reversed(tasks) if not task.is_isolated)

    def postpone(self, task: Task) -> None:
        """Queue the rest of a task after the other tasks of its bracket."""
        if task.is_isolated:
            self.isolated.append(task)
        else:
            self._tasks = deque(sorted([*self._tasks, *_without(self._dropped, [task])], key=bracket_of))

    def drop(self, candidate: int) -> None:
        """Forget the folds of a candidate that are not submitted, and those that would be retried later."""
        if candidate not in self._dropped:
            self._dropped.add(candidate)
            self._waiting = deque(waiting for waiting in self._waiting if waiting[0].id != candidate)
            self._tasks = deque(_without({candidate}, self._tasks))
            self.isolated = deque(_without({candidate}, self.isolated))

    def next(self) -> Task | None:
        """Take the task to submit next; None if nothing waits."""
        if self.isolated:
            return self.isolated.popleft()
        if self._waiting and (not self._tasks or self._is_before_tasks(self._waiting[0][0])):
            self._make_tasks()
        return self._tasks.popleft() if self._tasks else None

    def close(self) -> None:
        """End the queue, which may still have tasks."""

    def learn_duration(self, seconds: float) -> None:
        """Update the mean duration of a fold."""
        mean = self.seconds_per_fold
        self.seconds_per_fold = seconds if mean is None else 0.9 * mean + 0.1 * seconds

    def _make_tasks(self) -> None:
        """Make the tasks of the next candidates, one for each fold."""
        n_waiting = len(self._waiting)
        size = 1
        if not self.pool.is_serial and self.seconds_per_fold is not None:
            size = chunk_size(
                self.seconds_per_fold,
                task_seconds=self.pool.task_seconds,
                n_candidates=n_waiting,
                n_splits=self.n_splits,
                n_slots=self.pool.n_slots,
            )
        chunk = [self._waiting.popleft() for _ in range(min(size, n_waiting))]
        tasks = []
        for split in range(self.n_splits):
            candidates = [candidate for candidate, splits in chunk if split in splits]
            if candidates:
                tasks.append(Task(split, candidates))
        if self._tasks and self._is_before_tasks(chunk[0][0]):
            self._tasks.extendleft(reversed(tasks))
        else:
            self._tasks.extend(tasks)

    def _is_before_tasks(self, candidate: Candidate) -> bool:
        """Tell whether a candidate belongs to an earlier bracket than the next task."""
        return candidate.bracket_id < bracket_of(self._tasks[0])


class RacingTaskQueue(TaskQueue):
    """Queue for a race: several candidates begin before the second fold of one of them is submitted.

    Parameters
    ----------
    n_splits, pool : int, Slots
        As for `TaskQueue`.
    n_running : callable
        ``n_running()`` returns the number of folds that are being evaluated, by candidate id.
    """

    def __init__(self, n_splits: int, pool: Slots, n_running: Callable[[], Counter[int]]):
        super().__init__(n_splits, pool)
        self._n_running = n_running

    def next(self) -> Task | None:
        if self.isolated:
            return self.isolated.popleft()
        while self._waiting and len({task.candidates[0].id for task in self._tasks}) < self.pool.n_slots:
            self._make_tasks()
        if not self._tasks:
            return None
        n_running = self._n_running()
        task = min(self._tasks, key=lambda task: n_running[task.candidates[0].id])
        self._tasks.remove(task)
        return task


def _without(ids: set[int], tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks without some candidates; tasks that become empty are left out."""
    remaining = [task.without(ids) for task in tasks]
    return [task for task in remaining if task.candidates]


def chunk_size(
    seconds_per_fold: float, *, task_seconds: float, n_candidates: int, n_splits: int, n_slots: int
) -> int:
    """Return the number of candidates to put into one task.

    Parameters
    ----------
    seconds_per_fold : float
        Duration of one fold of one candidate.
    task_seconds : float
        Seconds of work that a task should hold.
    n_candidates, n_splits : int
        Candidates that wait, and folds of each.
    n_slots : int
        Workers.

    Returns
    -------
    size : int
        At least 1.
    """
    worthwhile = task_seconds / max(seconds_per_fold, 1e-6)
    balanced = n_candidates * n_splits / (TASKS_PER_SLOT * n_slots)
    return max(1, int(min(worthwhile, balanced)))
