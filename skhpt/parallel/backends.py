"""Backends: they send tasks to the workers and return the updates of the workers.

`Backend` is the base class. Further backends are in `processes`, `dask` and `ray`. `Pool` chooses among all
of them.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from joblib import Parallel, cpu_count

from skhpt._compat import bind_context
from skhpt.parallel import _joblib
from skhpt.parallel._joblib import BatchedCalls, LokyBackend, ParallelBackendBase, TerminatedWorkerError
from skhpt.parallel.blas import one_blas_thread_if_main
from skhpt.parallel.channels import (
    Begun,
    Channel,
    FileInbox,
    Inbox,
    NullInbox,
    Task,
    TaskUpdate,
    ThreadInbox,
    raised_by_task,
    work,
)
from skhpt.parallel.folders import make_folder, remove_folder
from skhpt.parallel.retrieval import fail, make_retrieval

#: Seconds of work that a task should hold on this machine.
TASK_SECONDS = 0.1
#: Seconds between two looks into the inbox.
POLL_SECONDS = 0.2
#: Seconds that a broken pool gets to report all of its tasks as lost.
SECONDS_TO_BREAK = 10

#: Returns a context in which Ctrl-C may raise `KeyboardInterrupt`: this process waits or works in it.
Interruptible = Callable[[], AbstractContextManager[Any]]


class Backend(ABC):
    """Base class of backends: tasks in, updates out.

    A subclass has `submit`, `wait` and `abort`, and overrides the other methods where there is something to
    do.

    Parameters
    ----------
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.

    Attributes
    ----------
    n_slots : int
        Number of tasks that run at the same time, at least 1.
    max_pending : float
        Tasks that may be submitted and not done at the same time.
    default_pending : int
        Number of tasks to keep pending, unless the user has chosen another one.
    task_seconds : float
        Seconds of work that a task should hold, so that sending it costs little in comparison.
    is_watched : bool
        Whether the backend may have processes or folders that must not outlive this process.
    is_broken : bool
        Whether the workers are gone, and all tasks with them.
    works_in_background : bool
        Whether tasks run while this thread does something else than to wait.
    shares_memory : bool
        Whether tasks run in other threads of this process.
    """

    works_in_background = True
    shares_memory = False
    is_watched = False
    is_broken = False

    def __init__(self, interruptible: Interruptible):
        self.interruptible = interruptible

    @property
    @abstractmethod
    def n_slots(self) -> int:
        """Number of tasks that run at the same time."""

    @property
    def max_pending(self) -> float:
        """Tasks that may be submitted and not done at the same time."""
        return math.inf

    @property
    def default_pending(self) -> int:
        """Number of tasks to keep pending: that of joblib."""
        return 2 * self.n_slots

    @property
    def task_seconds(self) -> float:
        """Seconds of work that a task should hold."""
        return TASK_SECONDS

    @abstractmethod
    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        """Queue a task, ``function(*args)``."""

    @abstractmethod
    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        """Wait for updates, but no longer than so many seconds if possible; none if no task is pending.

        The last update of each task has ``is_done=True``. An exception of a task is in its last update; only
        a `KeyboardInterrupt` in this thread is raised.
        """

    def stop_submitting(self) -> Iterable[int]:
        """Cancel the tasks that have not begun, as far as possible; return their ids: they get no update any more."""
        return ()

    @abstractmethod
    def abort(self) -> None:
        """Cancel all tasks; as far as possible, end the workers that run them."""

    def close(self) -> None:  # noqa: B027  (most backends have nothing to release)
        """Release what the backend has taken; called last."""

    def pids(self) -> Iterable[int]:
        """Return the worker processes that are to be killed if this process dies."""
        return ()

    def helper_pids(self) -> Iterable[int]:
        """Return other processes that are to be killed then."""
        return ()

    def folders(self) -> Iterable[str]:
        """Return the folders that are to be removed if this process dies."""
        return ()


class SerialBackend(Backend):
    """Backend without workers: each `wait` runs the first task in this thread, up to the next item that it yields."""

    works_in_background = False
    n_slots = 1
    max_pending = 1

    def __init__(self, interruptible: Interruptible):
        super().__init__(interruptible)
        self._queue: deque[tuple[int, Generator[Any, None, Any]]] = deque()

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        self._queue.append((task_id, function(*args)))

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        if not self._queue:
            return []
        task_id, steps = self._queue[0]
        try:
            with self.interruptible():
                while isinstance(item := next(steps), Begun):
                    pass
            return [TaskUpdate(task_id, [item])]
        except StopIteration as end:
            self._queue.popleft()
            return [TaskUpdate(task_id, is_done=True, result=end.value)]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._queue.popleft()
            return [TaskUpdate(task_id, is_done=True, error=raised_by_task(error))]

    def stop_submitting(self) -> Iterable[int]:
        task_ids = [task_id for task_id, _ in self._queue]
        self._queue.clear()
        return task_ids

    def abort(self) -> None:
        self._queue.clear()


class FutureBackend(Backend):
    """Backend on any backend of joblib, with one future per task: threads, loky, multiprocessing, Spark, your own.

    Parameters
    ----------
    parallel : joblib.Parallel
        It is inside its ``with`` block.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    """

    is_watched = True
    n_slots = 1

    def __init__(self, parallel: Parallel, interruptible: Interruptible):
        super().__init__(interruptible)
        self._parallel = parallel
        self._backend = _joblib.active_backend(parallel)
        self.n_slots = int(self._backend.effective_n_jobs(parallel.n_jobs))
        self.shares_memory = _joblib.has_threads(self._backend)
        self._pending: dict[Future[Any], int] = {}  # task ids
        self._handles: dict[int, Any] = {}  # of the backend, by task id
        self._pickle_cache: dict[Any, Any] = {}
        self._inbox, self._folder = self._open_inbox()
        _joblib.begin_calls(parallel)
        self._retrieval = make_retrieval(self._backend)
        self._releases = self._limit_blas()

    def _limit_blas(self) -> ExitStack:
        """If workers are threads that occupy all processors, give each one thread of BLAS, as loky does."""
        releases = ExitStack()
        if self.shares_memory and self.n_slots >= cpu_count():
            releases.enter_context(one_blas_thread_if_main())
        return releases

    def _open_inbox(self) -> tuple[Inbox, str | None]:
        if _joblib.has_processes(self._backend):
            folder = make_folder()
            return FileInbox(folder), folder
        return (ThreadInbox() if _joblib.has_threads(self._backend) else NullInbox()), None

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        future: Future[Any] = Future()
        batch = make_batch(
            self._backend,
            function,
            args,
            channel=self._inbox.channel(task_id),
            before_pickling=lambda: _joblib.use_own_folder(self._parallel),
            pickle_cache=self._pickle_cache,
        )

        self._pending[future] = task_id
        self._handles[task_id] = None
        try:
            self._handles[task_id] = self._retrieval.submit(batch, future)
        except Exception as error:  # such as TerminatedWorkerError, if a worker died just now
            fail(future, error)

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        end = math.inf if seconds is None else time.monotonic() + seconds
        longest = math.inf if isinstance(self._inbox, NullInbox) else POLL_SECONDS
        while self._pending:
            left = max(0.0, end - time.monotonic())
            step = min(left, longest)
            with self.interruptible():
                wait(self._pending, None if step == math.inf else step, FIRST_COMPLETED)
            updates = self._look()
            if updates or left <= 0:
                return updates
        return []

    def _look(self) -> list[TaskUpdate]:
        """Return the updates that are there."""
        done = [future for future in self._pending if future.done()]
        if any(isinstance(future.exception(), TerminatedWorkerError) for future in done):
            self._break()
            done = list(self._pending)
        # Last: a task that is done, and a worker that is ended, has sent everything.
        inbox = self._inbox.read()
        updates = [self._end(future, inbox) for future in done]
        updates += [
            TaskUpdate(task_id, items) for task_id, items in inbox.items() if task_id in self._handles
        ]
        return updates

    def _end(self, future: Future[Any], inbox: dict[int, list[Any]]) -> TaskUpdate:
        """Return the last update of a task."""
        task_id = self._pending.pop(future)
        self._handles.pop(task_id)
        self._inbox.forget(task_id)
        items, error = inbox.pop(task_id, []), future.exception()
        if isinstance(error, TerminatedWorkerError):
            return TaskUpdate(task_id, items, is_done=True, lost="crashed")
        if error is not None:
            return TaskUpdate(task_id, items, is_done=True, error=error)
        return TaskUpdate.last(task_id, items, future.result())

    def _break(self) -> None:
        """Count all tasks as lost: if one worker of a shared pool dies, the pool ends all of them."""
        self.is_broken = True
        wait(self._pending, SECONDS_TO_BREAK)
        for future in self._pending:
            fail(future, TerminatedWorkerError("another worker died"))

    def stop_submitting(self) -> Iterable[int]:
        if not isinstance(self._backend, LokyBackend):
            return []
        cancelled = [future for future, task_id in self._pending.items() if _cancel(self._handles[task_id])]
        task_ids = [self._pending.pop(future) for future in cancelled]
        for task_id in task_ids:
            self._handles.pop(task_id)
        return task_ids

    def abort(self) -> None:
        self._pending.clear()
        _joblib.abort_workers(self._backend)

    def close(self) -> None:
        self._retrieval.close()
        self._releases.close()
        if self._folder:
            remove_folder(self._folder)

    def pids(self) -> Iterable[int]:
        return _joblib.worker_pids(self._backend)

    def folders(self) -> Iterable[str]:
        return [self._folder] if self._folder else []


def make_batch(
    backend: ParallelBackendBase,
    function: Task,
    args: tuple[Any, ...],
    *,
    channel: Channel,
    before_pickling: Callable[[], None] | None = None,
    pickle_cache: dict[Any, Any] | None = None,
) -> BatchedCalls:
    """Return the callable with which a worker of a backend of joblib runs a task."""
    call: tuple[Any, ...] = (bind_context(work), (function, channel, *args), {})
    return BatchedCalls([call], backend.get_nested_backend(), before_pickling, pickle_cache)


def _cancel(handle: Any) -> bool:
    return isinstance(handle, Future) and handle.cancel()
