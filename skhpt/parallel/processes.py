"""Backend whose worker processes can be killed one by one: each has an executor of its own, with one task at a time.

When a worker of a shared pool dies, the pool ends all of them, and it is not known which task was the cause.
Here it is known, and other tasks are not affected. The price is that the workers are started for one search
only.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase, ProcessPoolExecutor, TerminatedWorkerError
from skhpt.parallel.backends import Backend, Interruptible, make_batch
from skhpt.parallel.channels import Begun, FileInbox, Task, TaskUpdate

#: Seconds between two looks into the inbox.
POLL_SECONDS = 0.05


@dataclass
class _Running:
    """A task that a process runs; `since` is the time when its present fit began, None before the first fit."""

    executor: ProcessPoolExecutor
    future: Future[Any]
    since: float | None = None


class ProcessBackend(Backend):
    """Backend with a number of processes that are started for one search.

    Parameters
    ----------
    backend : ParallelBackendBase
        Backend of joblib that says how its workers would be started.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    n_workers : int
        Processes.
    fit_timeout : float, default=None
        Seconds after which a fit is given up and its process killed; None for never.
    """

    is_watched = True

    def __init__(
        self,
        backend: ParallelBackendBase,
        interruptible: Interruptible,
        *,
        n_workers: int,
        fit_timeout: float | None = None,
    ):
        super().__init__(interruptible)
        self.max_pending = n_workers
        self.fit_timeout = fit_timeout
        self._backend = backend
        self._folder = Path(tempfile.mkdtemp(prefix="skhpt-"))
        # The executors share the options, so that a large array is written to the folder once, not once per
        # process.
        self._options = _joblib.memory_map_options(str(self._folder / "arrays"))
        self._options["env"] = _joblib.worker_environment(backend, n_workers)
        self._inbox = FileInbox(self._folder / "inbox")
        self._inbox.folder.mkdir()
        self._idle: list[ProcessPoolExecutor] = []
        self._running: dict[int, _Running] = {}
        self._queue: deque[tuple[int, Callable[[], list[Any]]]] = deque()

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        batch = make_batch(self._backend, function, args, channel=self._inbox.channel(task_id))
        self._queue.append((task_id, batch))
        self._start_tasks()

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        end = None if seconds is None else time.monotonic() + seconds
        self._start_tasks()
        while self._running:
            step = POLL_SECONDS if end is None else min(POLL_SECONDS, max(0.0, end - time.monotonic()))
            with self.interruptible():
                wait([running.future for running in self._running.values()], step, FIRST_COMPLETED)
            updates = self._look()
            if updates or (end is not None and time.monotonic() >= end):
                return updates
        return []

    def stop_submitting(self) -> Iterable[int]:
        task_ids = [task_id for task_id, _ in self._queue]
        self._queue.clear()
        return task_ids

    def abort(self) -> None:
        self._queue.clear()
        for running in self._running.values():
            _kill(running.executor)
        self._running.clear()

    def close(self) -> None:
        for executor in self._idle:
            _kill(executor)
        self._idle.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def pids(self) -> Iterable[int]:
        executors = [*self._idle, *(running.executor for running in self._running.values())]
        return [pid for executor in executors for pid in _joblib.executor_pids(executor)]

    def folders(self) -> Iterable[str]:
        return [str(self._folder)]

    def _start_tasks(self) -> None:
        """Give the next tasks to processes that have none."""
        while self._queue and len(self._running) < self.max_pending:
            executor = self._idle.pop() if self._idle else ProcessPoolExecutor(max_workers=1, **self._options)
            task_id, batch = self._queue[0]
            try:
                self._running[task_id] = _Running(executor, executor.submit(batch))
                self._queue.popleft()
            except TerminatedWorkerError:  # the process died while it had no task
                _kill(executor)

    def _look(self) -> list[TaskUpdate]:
        """Return the updates that are there, after killing the processes of fits that take too long."""
        done = [task_id for task_id, running in self._running.items() if running.future.done()]
        inbox = self._inbox.read()  # after `done`: a task that is done has sent everything
        for task_id, items in inbox.items():
            begun = [item.at for item in items if isinstance(item, Begun)]
            if begun and task_id in self._running:
                self._running[task_id].since = begun[-1]
        updates = [self._end(task_id, inbox.pop(task_id, [])) for task_id in done]
        updates += [self._time_out(task_id, inbox.pop(task_id, [])) for task_id in self._overdue()]
        # No process could be started: the next wait tries again, after these updates are safe.
        with suppress(OSError):
            self._start_tasks()
        return updates + [
            TaskUpdate(task_id, items) for task_id, items in inbox.items() if task_id in self._running
        ]

    def _overdue(self) -> list[int]:
        if self.fit_timeout is None:
            return []
        latest = time.monotonic() - self.fit_timeout
        return [
            task_id
            for task_id, running in self._running.items()
            if running.since is not None and running.since < latest
        ]

    def _end(self, task_id: int, items: list[Any]) -> TaskUpdate:
        """Return the last update of a task that is done, or whose process died."""
        running = self._running.pop(task_id)
        self._inbox.forget(task_id)
        error = running.future.exception()
        if isinstance(error, TerminatedWorkerError):
            _kill(running.executor)
            return TaskUpdate(task_id, items, is_done=True, lost="crashed", n_deaths=1)
        self._idle.append(running.executor)
        if error is not None:
            return TaskUpdate(task_id, items, is_done=True, error=error)
        return TaskUpdate.last(task_id, items, running.future.result()[0])

    def _time_out(self, task_id: int, items: list[Any]) -> TaskUpdate:
        """Kill the process of a task; return the last update of the task."""
        _kill(self._running.pop(task_id).executor)
        self._inbox.forget(task_id)
        return TaskUpdate(task_id, items, is_done=True, lost="timeout")


def _kill(executor: ProcessPoolExecutor) -> None:
    executor.shutdown(wait=True, kill_workers=True)
