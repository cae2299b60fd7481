"""Backend whose worker processes can be killed one by one: each runs one task at a time.

When a worker of a shared pool dies, the pool ends all of them, and it is not known which task was the cause.
Here it is known, and other tasks are not affected. The workers are started for one search only: on Linux by a
fork server, elsewhere each by an executor of loky. A worker with devices of its own is always a new process:
a GPU cannot be used after a fork by a process whose parent has used it, and packages may use it when they are
imported.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase, ProcessPoolExecutor, TerminatedWorkerError
from skhpt.parallel.backends import Backend, Interruptible, make_batch
from skhpt.parallel.channels import Begun, FileInbox, Task, TaskUpdate
from skhpt.parallel.devices import VISIBLE_DEVICES
from skhpt.parallel.folders import make_folder, remove_folder
from skhpt.parallel.fork_server import IS_AVAILABLE, ForkedWorker, ForkServer, ServerLostError
from skhpt.parallel.local_workers import LocalWorkers

#: Seconds between two looks into the inbox.
POLL_SECONDS = 0.05


class Worker(Protocol):
    """A process that runs one task at a time."""

    def submit(self, batch: Callable[[], Any]) -> Future[Any]:
        """Run a batch; return the future of its output."""
        ...

    def pids(self) -> list[int]:
        """Return the process."""
        ...

    def kill(self) -> None:
        """Kill the process, with those that it has started; return when it is gone."""
        ...


class ExecutorWorker:
    """A process of an executor of loky.

    Parameters
    ----------
    options : dict
        Options of the executor.
    """

    def __init__(self, options: dict[str, Any]):
        self._executor = ProcessPoolExecutor(max_workers=1, **options)

    def submit(self, batch: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = self._executor.submit(batch)
        return future

    def pids(self) -> list[int]:
        return _joblib.executor_pids(self._executor)

    def kill(self) -> None:
        _joblib.end_executor(self._executor)


@dataclass(frozen=True, eq=False)
class _Process:
    """A worker with the devices that it uses; None for those of this process."""

    worker: Worker
    devices: str | None


@dataclass
class _Running:
    """A task that a process runs; `since` is the time when its present fit began, None before the first fit."""

    process: _Process
    batch: Callable[[], Any]
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
    workers : LocalWorkers
        Number of processes, and what each of them may use.
    fit_timeout : float, default=None
        Seconds after which a fit is given up and its process killed; None for never.
    """

    is_watched = True
    n_slots = 1

    def __init__(
        self,
        backend: ParallelBackendBase,
        interruptible: Interruptible,
        *,
        workers: LocalWorkers,
        fit_timeout: float | None = None,
    ):
        super().__init__(interruptible)
        self.n_slots = workers.n_workers
        self.fit_timeout = fit_timeout
        self._backend = backend
        self._folder = Path(make_folder())
        # The workers share the options, so that a large array is written to the folder once, not once per
        # process.
        self._arrays = str(self._folder / "arrays")
        self._options = _joblib.memory_map_options(self._arrays)
        self._options["env"] = _joblib.worker_environment(backend, workers.n_workers, workers.n_threads)
        self._inbox = FileInbox(self._folder / "inbox")
        self._inbox.folder.mkdir()
        self._server: ForkServer | None = None
        if IS_AVAILABLE and not workers.devices:
            with suppress(OSError):  # it cannot be started; then each worker is an executor
                self._server = ForkServer(self._options["env"])
        self._can_fork = self._server is not None
        self._idle: list[_Process] = []
        # One entry for each process that can still be started.
        self._free_devices: list[str | None] = list(workers.devices) or [None] * workers.n_workers
        self._running: dict[int, _Running] = {}
        self._queue: deque[tuple[int, Callable[[], list[Any]]]] = deque()

    @property
    def max_pending(self) -> int:
        return self.n_slots

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
            self._end_process(running.process)
        self._running.clear()

    def close(self) -> None:
        for process in self._idle:
            self._end_process(process)
        self._idle.clear()
        if self._server is not None:
            self._server.close()
        _joblib.forget_memory_maps(self._arrays)
        remove_folder(str(self._folder))

    def pids(self) -> Iterable[int]:
        processes = [*self._idle, *(running.process for running in self._running.values())]
        return [pid for process in processes for pid in process.worker.pids()]

    def helper_pids(self) -> Iterable[int]:
        return [] if self._server is None else [self._server.pid]

    def folders(self) -> Iterable[str]:
        return [str(self._folder)]

    def _start_tasks(self) -> None:
        """Give the next tasks to processes that have none."""
        while self._queue and len(self._running) < self.max_pending:
            process = self._idle.pop() if self._idle else self._start_process()
            task_id, batch = self._queue[0]
            try:
                self._running[task_id] = _Running(process, batch, process.worker.submit(batch))
                self._queue.popleft()
            except TerminatedWorkerError:  # the process died while it had no task
                self._end_process(process)
            except OSError:  # it could not be started
                self._end_process(process)
                raise

    def _start_process(self) -> _Process:
        devices = self._free_devices[0]
        process = _Process(self._new_worker(devices), devices)
        del self._free_devices[0]
        return process

    def _new_worker(self, devices: str | None) -> Worker:
        if self._server is not None and self._can_fork:
            return ForkedWorker(self._server, self._options["job_reducers"])
        if devices is None:
            return ExecutorWorker(self._options)
        environment = {**(self._options["env"] or {}), VISIBLE_DEVICES: devices}
        return ExecutorWorker({**self._options, "env": environment})

    def _end_process(self, process: _Process) -> None:
        """Kill a process, if it still exists; its devices are free when it is gone."""
        process.worker.kill()
        self._free_devices.append(process.devices)

    def _look(self) -> list[TaskUpdate]:
        """Return the updates that are there, after killing the processes of fits that take too long."""
        self._requeue_lost_by_server()
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

    def _requeue_lost_by_server(self) -> None:
        """Queue tasks again that the fork server could not begin; from now on do without the server."""
        for task_id, running in list(self._running.items()):
            if running.future.done() and isinstance(running.future.exception(), ServerLostError):
                self._can_fork = False
                del self._running[task_id]
                self._end_process(running.process)
                self._queue.appendleft((task_id, running.batch))
        if not self._can_fork:
            self._start_tasks()

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
            self._end_process(running.process)
            return TaskUpdate(task_id, items, is_done=True, lost="crashed", n_deaths=1)
        self._idle.append(running.process)
        if error is not None:
            return TaskUpdate(task_id, items, is_done=True, error=error)
        return TaskUpdate.last(task_id, items, running.future.result()[0])

    def _time_out(self, task_id: int, items: list[Any]) -> TaskUpdate:
        """Kill the process of a task; return the last update of the task."""
        self._end_process(self._running.pop(task_id).process)
        self._inbox.forget(task_id)
        return TaskUpdate(task_id, items, is_done=True, lost="timeout")
