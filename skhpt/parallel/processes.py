"""Workers that are killed one by one: each a process on its own, with one task at a time.

When a worker of a shared pool dies, all others are lost with it, and nobody knows whose task it was. Here it is known,
and nobody else is hurt. The price is that the workers are started for this search alone.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib._memmapping_reducer import get_memmapping_reducers
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from skhpt.parallel.channels import Begun, Channel, FileInbox, TaskUpdate

#: Seconds between two looks at what workers have sent.
POLL = 0.05


@dataclass
class _Running:
    """A task under way; `since` is when its present fit began, if it has."""

    executor: ProcessPoolExecutor
    future: Future[Any]
    since: float | None = None


class ProcessBackend:
    """Processes of their own for the tasks of one search.

    Parameters
    ----------
    n_slots : int
        Processes.
    make_batch : callable
        ``make_batch(function, args, channel)`` returns what a worker is to call.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    fit_timeout : float, default=None
        Seconds after which a fit is given up, and its process killed; None for never.
    env : dict, default=None
        Environment variables of the processes.
    """

    def __init__(
        self,
        n_slots: int,
        make_batch: Callable[[Any, tuple[Any, ...], Channel], Callable[[], list[Any]]],
        interruptible: Callable[[], AbstractContextManager[Any]],
        fit_timeout: float | None = None,
        env: dict[str, str] | None = None,
    ):
        self.n_slots = n_slots
        self.fit_timeout = fit_timeout
        self._make_batch = make_batch
        self._interruptible = interruptible
        self._folder = Path(tempfile.mkdtemp(prefix="skhpt-"))
        self._inbox = FileInbox(self._folder / "mail")
        self._inbox.folder.mkdir()
        arrays = str(self._folder / "arrays")  # large ones travel once, as memory maps
        reducers = get_memmapping_reducers(temp_folder_resolver=lambda: arrays, unlink_on_gc_collect=False)
        self._options = {"max_workers": 1, "job_reducers": reducers[0], "result_reducers": reducers[1], "env": env}
        self._idle: list[ProcessPoolExecutor] = []
        self._running: dict[int, _Running] = {}
        self._queue: deque[tuple[int, Callable[[], list[Any]]]] = deque()

    def submit(self, task_id: int, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._queue.append((task_id, self._make_batch(function, args, self._inbox.channel(task_id))))
        self._fill()

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        end = None if seconds is None else time.monotonic() + seconds
        self._fill()
        while self._running:
            left = POLL if end is None else min(POLL, max(0.0, end - time.monotonic()))
            with self._interruptible():
                wait([one.future for one in self._running.values()], left, FIRST_COMPLETED)
            if (updates := self._look()) or (end is not None and time.monotonic() >= end):
                return updates
        return []

    def stop_submitting(self) -> Iterable[int]:
        queue, self._queue = self._queue, deque()
        return [task_id for task_id, _ in queue]

    def abort(self) -> None:
        self._queue.clear()
        for one in self._running.values():
            one.executor.shutdown(wait=True, kill_workers=True)
        self._running.clear()

    def close(self) -> None:
        for executor in self._idle:
            executor.shutdown(wait=True, kill_workers=True)
        self._idle.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def pids(self) -> Iterable[int]:
        executors = [*self._idle, *(one.executor for one in self._running.values())]
        return [pid for executor in executors for pid in list(executor._processes or ())]

    def folders(self) -> Iterable[str]:
        return [str(self._folder)]

    def _fill(self) -> None:
        """Give the next tasks to processes that have none."""
        while self._queue and len(self._running) < self.n_slots:
            executor = self._idle.pop() if self._idle else ProcessPoolExecutor(**self._options)
            task_id, batch = self._queue[0]
            try:
                self._running[task_id] = _Running(executor, executor.submit(batch))
                self._queue.popleft()
            except TerminatedWorkerError:  # it died while it had nothing to do
                executor.shutdown(wait=True, kill_workers=True)

    def _look(self) -> list[TaskUpdate]:
        """Find out what is new, and what takes too long."""
        ended = {task_id for task_id, one in self._running.items() if one.future.done()}
        inbox = self._inbox.read()  # after that: what is done has sent everything
        for task_id, items in inbox.items():
            if task_id in self._running and (begun := [item.at for item in items if isinstance(item, Begun)]):
                self._running[task_id].since = begun[-1]
        updates = [self._end(task_id, inbox.pop(task_id, [])) for task_id in ended]
        updates += [self._kill(task_id, inbox.pop(task_id, [])) for task_id in self._overdue()]
        with suppress(OSError):  # no process could be started: it is tried again, and raised, when the news is safe
            self._fill()
        return updates + [TaskUpdate(task_id, items) for task_id, items in inbox.items() if task_id in self._running]

    def _overdue(self) -> list[int]:
        if self.fit_timeout is None:
            return []
        latest = time.monotonic() - self.fit_timeout
        return [task_id for task_id, one in self._running.items() if one.since is not None and one.since < latest]

    def _end(self, task_id: int, items: list[Any]) -> TaskUpdate:
        one = self._running.pop(task_id)
        self._inbox.forget(task_id)
        error = one.future.exception()
        if isinstance(error, TerminatedWorkerError):
            one.executor.shutdown(wait=True, kill_workers=True)
            return TaskUpdate(task_id, items, is_done=True, lost="crashed", n_deaths=1)
        self._idle.append(one.executor)
        if error is not None:
            return TaskUpdate(task_id, items, is_done=True, error=error)
        return TaskUpdate(task_id, items, is_done=True, result=one.future.result()[0])

    def _kill(self, task_id: int, items: list[Any]) -> TaskUpdate:
        one = self._running.pop(task_id)
        one.executor.shutdown(wait=True, kill_workers=True)
        self._inbox.forget(task_id)
        return TaskUpdate(task_id, items, is_done=True, lost="timeout")
