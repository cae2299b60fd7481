"""Base class of the backends of clusters, whose workers may be on other machines and may come and go.

It has what the engines have in common: the number of workers at each moment, waiting for the first workers,
the duration of tasks, fits that take too long, and the losses of tasks and their causes. A subclass calls its
engine.
"""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar, NoReturn
from uuid import uuid4
from weakref import ref

from skhpt._warnings import warn_user
from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.backends import Backend, Interruptible
from skhpt.parallel.channels import Begun, Task, TaskUpdate
from skhpt.parallel.clocks import HostClocks
from skhpt.parallel.cluster_call import Call, Output, make_call
from skhpt.parallel.fit_resources import NO_RESOURCES, FitResources
from skhpt.parallel.shared_values import SharedValue, make_token
from skhpt.parallel.versions import own_versions

#: Bytes from which an argument is sent to each worker once, instead of with every task.
SHARED_BYTES = 1_000
#: Seconds between two looks at the state of the cluster.
CHECK_SECONDS = 1.0
#: Seconds without a worker after which the user is told.
SECONDS_UNTIL_WARNING = 10.0
#: Duration of a task in multiples of what sending it costs, and its bounds in seconds.
TASK_PER_COST, MIN_TASK_SECONDS, MAX_TASK_SECONDS = 20.0, 0.1, 3.0
#: Work to queue for each worker, in seconds: an adaptive cluster asks for more workers by the work that is
#: queued.
QUEUED_SECONDS = 10.0
#: Bounds of the number of tasks to queue for each worker, and the least number for the whole cluster.
MIN_TASKS_PER_SLOT, MAX_TASKS_PER_SLOT, MIN_QUEUED = 2, 20, 8


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """What a search asks of a cluster.

    Attributes
    ----------
    n_jobs : int or None
        Greatest number of tasks at the same time; None or a negative number for as many as the cluster can
        run.
    fit_timeout : float or None
        Seconds after which a fit is given up and its worker process ended.
    fit_resources : FitResources
        Resources that each fit needs.
    """

    n_jobs: int | None = None
    fit_timeout: float | None = None
    fit_resources: FitResources = NO_RESOURCES


class ClusterLostError(RuntimeError):
    """The cluster is gone for good, and the tasks with it."""

    def __init__(self, engine: str, reason: str):
        super().__init__(
            f"the {engine} cluster is gone: {reason}. The scores that came back before are in the journal, if the "
            "search has one: run the same script again to continue from there."
        )


@dataclass
class RunningTask:
    """A task that was sent.

    Attributes
    ----------
    worker : str
        Name of the worker, as the engine knows it; empty before the first item.
    candidate : int or None
        Id of the candidate that was begun last; None before the first.
    since : float
        Monotonic time at which the item arrived that says so; infinite before the first.
    """

    worker: str = ""
    candidate: int | None = None
    since: float = math.inf


class ClusterBackend(Backend):
    """Base class of the backends of clusters.

    Parameters
    ----------
    backend : ParallelBackendBase
        The backend of joblib that the user chose; it says how to reach the cluster.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    options : ClusterOptions
        What the search asks of the cluster.
    """

    #: Name of the engine in messages.
    engine: ClassVar[str]

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible, options: ClusterOptions):
        super().__init__(interruptible)
        self.options = options
        self._search_name = uuid4().hex
        self._running: dict[int, RunningTask] = {}
        self._shared: dict[int, tuple[Any, SharedValue]] = {}  # large arguments by id()
        self._n_available = 0
        self._next_check = -math.inf
        self._outage: Outage | None = None
        self._is_lost = False  # the cluster
        self._clocks = HostClocks()
        self._costs: deque[float] = deque(maxlen=50)  # seconds
        self._durations: deque[float] = deque(maxlen=50)  # of tasks, in seconds

    # -- what an engine defines ------------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def serves(backend: ParallelBackendBase) -> bool:
        """Tell whether a backend of joblib is that of this engine."""

    @classmethod
    @abstractmethod
    def count_slots(cls, backend: ParallelBackendBase, resources: FitResources) -> int:
        """Return the number of tasks with these resources that the cluster can run now at the same time."""

    @abstractmethod
    def _count_slots(self) -> int:
        """Return the number of tasks that the cluster can run now at the same time; raise if it is gone for good."""

    @abstractmethod
    def _share(self, token: str, value: Any) -> Any:
        """Make a value available to all workers; return the source of its `SharedValue`."""

    @abstractmethod
    def _send(self, task_id: int, call: Call) -> None:
        """Send a call to the cluster."""

    @abstractmethod
    def _receive(self, seconds: float) -> list[TaskUpdate]:
        """Wait for updates of tasks, no longer than so many seconds.

        Items arrive through `_arrived` and outputs through `_ended`. Ctrl-C may raise only where nothing that
        has arrived can be lost: the subclass waits in a context of `interruptible`.
        """

    @abstractmethod
    def _cancel(self, task_ids: Sequence[int]) -> None:
        """Cancel tasks; nothing more is heard of them."""

    def _has_returned(self, task_id: int) -> bool:
        """Tell whether a task has ended, as far as is known, while what it has returned is still on its way."""
        return False

    @abstractmethod
    def _end_worker(self, task_id: int) -> list[TaskUpdate]:
        """End the process that runs a task, and the task; return updates of other tasks that this process ran."""

    # -- backend ---------------------------------------------------------------------------------------------

    @property
    def n_slots(self) -> int:
        """Number of tasks that run at the same time; 1 while there is no worker, so that a task waits for it."""
        self._check_slots()
        return int(max(1, min(self._n_available, self.max_pending)))

    @property
    def max_pending(self) -> float:
        """Greatest number of tasks at the cluster, which runs as many of them as it can."""
        n_jobs = self.options.n_jobs
        return n_jobs if n_jobs is not None and n_jobs > 0 else math.inf

    @property
    def default_pending(self) -> int:
        """Number of tasks to keep pending: some seconds of work for each slot, as far as its tasks are known."""
        seconds = median(self._durations) if self._durations else math.inf
        per_slot = QUEUED_SECONDS / max(seconds, 1e-3)
        per_slot = min(MAX_TASKS_PER_SLOT, max(MIN_TASKS_PER_SLOT, per_slot))
        return max(MIN_QUEUED, math.ceil(per_slot * self.n_slots))

    @property
    def task_seconds(self) -> float:
        """Seconds of work that a task should hold: a multiple of what a task costs on this engine."""
        cost = median(self._costs) if self._costs else 0.0
        return min(MAX_TASK_SECONDS, max(MIN_TASK_SECONDS, TASK_PER_COST * cost))

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        call = make_call(own_versions(), function, [self._shared_value(arg) for arg in args])
        self._running[task_id] = RunningTask()
        self._send(task_id, call)

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        end = math.inf if seconds is None else time.monotonic() + seconds
        while self._running:
            left = max(0.0, end - time.monotonic())
            updates = self._receive(min(left, CHECK_SECONDS))
            updates += self._end_overdue()
            if updates or left <= 0:
                return updates
            self._check_slots()  # it raises if the cluster is gone, so no update may wait meanwhile
        return []

    def stop_submitting(self) -> Iterable[int]:
        """Cancel the tasks of which no item has arrived."""
        task_ids = [
            task_id
            for task_id, running in self._running.items()
            if running.candidate is None and not self._has_returned(task_id)
        ]
        self._forget(task_ids)
        return task_ids

    def abort(self) -> None:
        self._forget(list(self._running))

    def close(self) -> None:
        self._shared.clear()

    # -- for subclasses --------------------------------------------------------------------------------------

    def _arrived(self, task_id: int, items: Sequence[Any], worker: str) -> TaskUpdate:
        """Return the update for items that have arrived from a worker while the task runs."""
        self._clocks.correct(items)
        return TaskUpdate(task_id, self._taken(task_id, items, worker))

    def _ended(self, task_id: int, output: Output, items: Sequence[Any] = (), worker: str = "") -> TaskUpdate:
        """Return the last update of a task that has returned an output, with the items that came with it.

        The scores in the result may be the same objects as items.
        """
        self._clocks.correct([*items, *getattr(output.result, "scores", ())])
        own_items = self._taken(task_id, items, worker)
        if output.is_value_lost:
            self._forget_values(output.missing)
            return self._lost(task_id, is_to_blame=False)
        del self._running[task_id]
        self._durations.append(output.seconds)
        if output.idle_seconds is not None:
            self._costs.append(output.idle_seconds)
        return TaskUpdate.last(task_id, own_items, output.result)

    def _failed(self, task_id: int, error: BaseException) -> TaskUpdate:
        """Return the last update of a task for which the engine has raised an exception."""
        del self._running[task_id]
        return TaskUpdate(task_id, is_done=True, error=error)

    def _lost(self, task_id: int, *, is_to_blame: bool) -> TaskUpdate:
        """Return the last update of a task whose worker is gone.

        Parameters
        ----------
        task_id : int
            The task.
        is_to_blame : bool
            Whether it is certain that the worker died of this task. Which candidate it died of is certain
            only if the task has one candidate: otherwise the remaining ones are tried again, each in a task
            of its own.
        """
        del self._running[task_id]
        if not is_to_blame:
            return TaskUpdate(task_id, is_done=True, lost="preempted")
        return TaskUpdate(task_id, is_done=True, lost="crashed", n_deaths=1, may_lack_items=True)

    def _give_up(self, reason: str) -> NoReturn:
        """Raise an error because the cluster is gone for good; from then on no task is pending."""
        self._is_lost = True
        self._running.clear()
        raise ClusterLostError(self.engine, reason)

    # -- private ---------------------------------------------------------------------------------------------

    def _taken(self, task_id: int, items: Sequence[Any], worker: str) -> list[Any]:
        """Return items with times of this process, after what they say about their task was noted."""
        running, now = self._running[task_id], time.monotonic()
        running.worker = worker or running.worker
        own_items = []
        for item in items:
            if isinstance(item, Begun):  # the clock of another machine means nothing here
                running.candidate, running.since = item.candidate, now
                item = item._replace(at=now)
            own_items.append(item)
        return own_items

    def _shared_value(self, arg: Any) -> Any:
        """Return what to send for an argument: itself, or a `SharedValue` for a large one."""
        if not _is_data(arg) or _nbytes(arg) <= SHARED_BYTES:
            return arg
        if id(arg) not in self._shared:
            token = make_token(self._search_name, uuid4().hex)
            self._shared[id(arg)] = (arg, SharedValue(token, self._share(token, arg)))
        return self._shared[id(arg)][1]

    def _forget_values(self, tokens: Sequence[str]) -> None:
        """Forget shared values that are lost, so that the next task makes them available again."""
        self._shared = {key: entry for key, entry in self._shared.items() if entry[1].token not in tokens}

    def _forget(self, task_ids: Sequence[int]) -> None:
        if task_ids:
            self._cancel(task_ids)
        for task_id in task_ids:
            del self._running[task_id]

    def _check_slots(self) -> None:
        """Count the slots, if it was not done just now."""
        if self._is_lost or time.monotonic() < self._next_check:
            return
        self._n_available = self._count_slots()
        self._next_check = time.monotonic() + CHECK_SECONDS
        if self._n_available:
            self._outage = None
        else:
            self._outage = self._outage or Outage(time.monotonic())
            self._check_outage(self._outage, time.monotonic() - self._outage.since)

    def _check_outage(self, outage: Outage, seconds: float) -> None:
        """Tell the user once that there has been no worker for some time; a subclass may raise an error."""
        if outage.has_warned or seconds < SECONDS_UNTIL_WARNING:
            return
        outage.has_warned = True
        needs = f" with {self.options.fit_resources}" if self.options.fit_resources else ""
        warn_user(
            f"the {self.engine} cluster has had no worker{needs} for {SECONDS_UNTIL_WARNING:.0f} seconds; "
            "the search continues as soon as there is one"
        )

    def _end_overdue(self) -> list[TaskUpdate]:
        """End the processes of fits that take too long; return the updates of their tasks."""
        if self.options.fit_timeout is None:
            return []
        latest = time.monotonic() - self.options.fit_timeout
        overdue = [task_id for task_id, running in self._running.items() if running.since < latest]
        updates = []
        for task_id in overdue:
            # It may have ended with the worker of another one.
            if task_id in self._running and not self._has_returned(task_id):
                updates += self._end_worker(task_id)
                del self._running[task_id]
                updates.append(TaskUpdate(task_id, is_done=True, lost="timeout", may_lack_items=True))
        return updates


@dataclass
class Outage:
    """A time without a worker.

    Attributes
    ----------
    since : float
        Monotonic time of its beginning.
    has_warned : bool
        Whether the user was told.
    """

    since: float
    has_warned: bool = False


def _is_data(arg: Any) -> bool:
    """Tell data from lists and tuples made for one task, which have no weak references; joblib does the same."""
    try:
        return ref(arg) is not None
    except TypeError:
        return False


def _nbytes(arg: Any) -> int:
    """Return the approximate size of a value in bytes."""
    nbytes = getattr(arg, "nbytes", None)  # of arrays
    if isinstance(nbytes, int):
        return nbytes
    return SHARED_BYTES + 1  # of other objects nothing is known, and each of them is the same for all tasks
