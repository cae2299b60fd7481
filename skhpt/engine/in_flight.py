"""Tasks in flight: submitted to the workers and not done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from skhpt.engine.tasks import Task
from skhpt.parallel.channels import Begun, TaskUpdate
from skhpt.trial import Candidate, FoldScore


@dataclass
class SubmittedTask:
    """A task in flight.

    Attributes
    ----------
    task : Task
        The task.
    scored : set of int
        Ids of the candidates whose scores are back.
    begun : Begun or None
        Candidate that is being evaluated, with the time when it was begun and the worker; None if it is not known.
    """

    task: Task
    scored: set[int] = field(default_factory=set)
    begun: Begun | None = None

    @property
    def current(self) -> int | None:
        """Id of the candidate that is being evaluated; None if it is not known."""
        return None if self.begun is None else self.begun.candidate

    @property
    def remaining(self) -> list[Candidate]:
        """The candidates whose scores are not back."""
        return [candidate for candidate in self.task.candidates if candidate.id not in self.scored]


class TasksInFlight:
    """All tasks in flight, by their task ids.

    Attributes
    ----------
    isolated : set of int
        Ids of tasks beside which no other may run.
    """

    def __init__(self) -> None:
        self.isolated: set[int] = set()
        self._submitted: dict[int, SubmittedTask] = {}

    def add(self, task_id: int, task: Task) -> None:
        """Add a task that was submitted."""
        self._submitted[task_id] = SubmittedTask(task)
        if task.is_isolated:
            self.isolated.add(task_id)

    def record(self, update: TaskUpdate) -> tuple[SubmittedTask, list[FoldScore]]:
        """Record an update of a task; return the task and the scores that are new."""
        submitted = self._submitted[update.task_id]
        scores = []
        for item in update.items:
            submitted.begun = item if isinstance(item, Begun) else None
            if isinstance(item, FoldScore):
                scores.append(item)
        # A score comes twice: as soon as it is known, and at the end with all scores of the task. The first one counts,
        # because the other one may lack its predictions.
        if update.result is not None:
            scores += update.result.scores
        new: dict[int, FoldScore] = {}
        for score in scores:
            if score.candidate not in submitted.scored:
                new.setdefault(score.candidate, score)
        submitted.scored |= new.keys()
        if update.is_done:
            del self._submitted[update.task_id]
            self.isolated.discard(update.task_id)
        return submitted, list(new.values())

    def n_running(self) -> Counter[int]:
        """Return the number of folds in flight, by candidate id."""
        return Counter(
            candidate.id for submitted in self._submitted.values() for candidate in submitted.task.candidates
        )
