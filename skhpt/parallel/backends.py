"""How tasks reach the workers of joblib's active backend, and how this process hears of them.

joblib has no public door for streaming tasks to a backend. The private names that it takes are all here, in
`isolated` and in `cluster`.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, suppress
from queue import Empty
from threading import Thread
from typing import Any, Protocol

from joblib import Parallel, delayed
from joblib._parallel_backends import LokyBackend, MultiprocessingBackend, ParallelBackendBase
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import BatchedCalls

from skhpt._compat import bind_context
from skhpt.parallel.channels import Begun, Channel, FileInbox, Inbox, NullInbox, Task, TaskUpdate, ThreadInbox, work

#: Seconds between two looks at what workers have sent before they are done.
POLL = 0.2
#: Seconds that a pool gets to tell of all its tasks that they are lost.
SECONDS_TO_BREAK = 10
#: Seconds that nobody who is alive needs to hand over a result when all is to end.
SECONDS_TO_LET_GO = 5.0

Interruptible = Callable[[], AbstractContextManager[Any]]


class Backend(Protocol):
    """How tasks reach the workers."""

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None: ...

    def wait(self, seconds: float | None) -> list[TaskUpdate]: ...

    def stop_submitting(self) -> Iterable[int]:
        """Forget the tasks that have not begun; return their task_ids."""
        ...

    def abort(self) -> None: ...

    def close(self) -> None: ...

    def pids(self) -> Iterable[int]:
        """Return the worker processes that are this search's own to kill."""
        ...

    def folders(self) -> Iterable[str]:
        """Return the folders that are this search's own to remove."""
        ...


class SerialBackend:
    """One worker, this thread: a task goes on by one step whenever it is waited for."""

    def __init__(self, interruptible: Interruptible):
        self._interruptible = interruptible
        self._queue: deque[tuple[int, Generator[Any, None, Any]]] = deque()

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        self._queue.append((task_id, function(*args)))

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        if not self._queue:
            return []
        task_id, steps = self._queue[0]
        try:
            with self._interruptible():
                while isinstance(item := next(steps), Begun):  # an error is raised right here
                    pass
            return [TaskUpdate(task_id, [item])]
        except StopIteration as end:
            self._queue.popleft()
            return [TaskUpdate(task_id, is_done=True, result=end.value)]

    def stop_submitting(self) -> Iterable[int]:
        queue, self._queue = self._queue, deque()
        return [task_id for task_id, _ in queue]

    def abort(self) -> None:
        self._queue.clear()

    def close(self) -> None:
        pass

    def pids(self) -> Iterable[int]:
        return ()

    def folders(self) -> Iterable[str]:
        return ()


class FutureBackend:
    """Straight to the backend's ``submit``, one future per task."""

    def __init__(self, parallel: Parallel, interruptible: Interruptible):
        self._parallel = parallel
        self._interruptible = interruptible
        self._backend = backend = parallel._backend
        self._submit = getattr(backend, "submit", None) or backend.apply_async  # joblib < 1.5
        self._pending: dict[Future[Any], int] = {}  # with their task_ids
        self._jobs: dict[int, Any] = {}  # what the backend gave for them
        self._pickle_cache: dict[Any, Any] = {}
        self._inbox, self._folder = self._open_inbox()
        self.is_broken = False
        backend.start_call()
        parallel._calling = True  # so that Parallel calls stop_call at the end

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        """Tell whether a backend hands back results through a callback, which makes a future possible."""
        has_door = hasattr(backend, "submit") or hasattr(backend, "apply_async")
        return has_door and bool(getattr(backend, "supports_retrieve_callback", False))

    def _open_inbox(self) -> tuple[Inbox, str | None]:
        if isinstance(self._backend, (LokyBackend, MultiprocessingBackend)):
            folder = tempfile.mkdtemp(prefix="skhpt-")
            return FileInbox(folder), folder
        return (ThreadInbox() if getattr(self._backend, "supports_sharedmem", False) else NullInbox()), None

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        future: Future[Any] = Future()
        channel = self._inbox.channel(task_id)
        batch = make_batch(self._backend, function, args, channel, self._before_pickling, self._pickle_cache)

        def done(out: Any) -> None:
            try:
                result = self._backend.retrieve_result_callback(out)
            except BaseException as error:
                _fail(future, error)
            else:
                future.set_result(result[0])

        self._pending[future] = task_id
        try:
            self._jobs[task_id] = self._submit(batch, callback=done)
        except TerminatedWorkerError as error:  # a worker died just now
            self._jobs[task_id] = None
            _fail(future, error)

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        end = None if seconds is None else time.monotonic() + seconds
        while self._pending:
            left = math.inf if end is None else max(0.0, end - time.monotonic())
            step = min(left, math.inf if isinstance(self._inbox, NullInbox) else POLL)
            with self._interruptible():
                wait(self._pending, None if step == math.inf else step, FIRST_COMPLETED)
            done = [future for future in self._pending if future.done()]
            inbox = self._inbox.read()
            if any(isinstance(future.exception(), TerminatedWorkerError) for future in done):
                self._break()
                done = list(self._pending)
            updates = [self._end(future, inbox) for future in done]
            updates += [TaskUpdate(task_id, items) for task_id, items in inbox.items() if task_id in self._jobs]
            if updates or left <= 0:
                return updates
        return []

    def _end(self, future: Future[Any], inbox: dict[int, list[Any]]) -> TaskUpdate:
        task_id = self._pending.pop(future)
        self._jobs.pop(task_id)
        self._inbox.forget(task_id)
        items, error = inbox.pop(task_id, []), future.exception()
        if isinstance(error, TerminatedWorkerError):
            return TaskUpdate(task_id, items, is_done=True, lost="crashed")
        return TaskUpdate(task_id, items, is_done=True, error=error, result=None if error else future.result())

    def _break(self) -> None:
        """Count all tasks as lost: with one worker of a shared pool, all are."""
        self.is_broken = True
        wait(self._pending, SECONDS_TO_BREAK)
        for future in self._pending:
            _fail(future, TerminatedWorkerError("another worker died"))

    def stop_submitting(self) -> Iterable[int]:
        if not isinstance(self._backend, LokyBackend):
            return []
        waiting = [future for future, task_id in self._pending.items() if _cancel(self._jobs[task_id])]
        task_ids = [self._pending.pop(future) for future in waiting]
        for task_id in task_ids:
            self._jobs.pop(task_id)
        return task_ids

    def abort(self) -> None:
        self._pending.clear()
        # When loky kills its workers it trips over tasks that it has not handed to them yet, and kills none.
        workers: Any = getattr(self._backend, "_workers", None)
        waiting: Any = getattr(workers, "_work_ids", None)
        with suppress(Empty):
            while waiting is not None:
                waiting.get_nowait()
        items = getattr(workers, "_pending_work_items", {})
        for number in [number for number, item in list(items.items()) if item.future.cancelled()]:
            items.pop(number, None)
        if isinstance(self._backend, MultiprocessingBackend):
            _abort_pool(self._backend)
        else:
            self._backend.abort_everything(ensure_ready=False)

    def close(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def pids(self) -> Iterable[int]:
        if isinstance(self._backend, LokyBackend):
            return list(getattr(self._backend._workers, "_processes", None) or ())
        if isinstance(self._backend, MultiprocessingBackend):
            return [one.pid for one in self._backend._pool._pool]
        return ()

    def folders(self) -> Iterable[str]:
        return [self._folder] if self._folder else []

    def _before_pickling(self) -> None:
        """Let loky put memory maps of large arrays into this session's own folder, as `Parallel.__call__` does."""
        workers: Any = getattr(self._backend, "_workers", None)
        if hasattr(workers, "_temp_folder_manager"):
            workers._temp_folder_manager.set_current_context(self._parallel._id)


class BatchBackend:
    """Through the public door: everything that is queued goes out together and comes back together."""

    def __init__(self, parallel: Parallel, interruptible: Interruptible):
        self._parallel = parallel
        self._interruptible = interruptible
        self._queue: dict[int, Any] = {}

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        self._queue[task_id] = delayed(bind_context(work))(function, NullInbox().channel(task_id), *args)

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        queue, self._queue = self._queue, {}
        with self._interruptible():
            results = self._parallel(queue.values())
        return [
            TaskUpdate(task_id, is_done=True, result=result) for task_id, result in zip(queue, results, strict=True)
        ]

    def stop_submitting(self) -> Iterable[int]:
        queue, self._queue = self._queue, {}
        return queue

    def abort(self) -> None:
        self._queue.clear()

    def close(self) -> None:
        pass

    def pids(self) -> Iterable[int]:
        return ()

    def folders(self) -> Iterable[str]:
        return ()


def make_batch(
    backend: ParallelBackendBase,
    function: Task,
    args: tuple[Any, ...],
    channel: Channel,
    before_pickling: Callable[[], None] | None = None,
    cache: dict[Any, Any] | None = None,
) -> BatchedCalls:
    """Return what a worker of a backend is to call to run a task."""
    task: tuple[Any, ...] = (bind_context(work), (function, channel, *args), {})
    return BatchedCalls([task], backend.get_nested_backend(), before_pickling, cache)


def _abort_pool(backend: MultiprocessingBackend) -> None:
    """Kill the workers of a `multiprocessing.Pool`.

    One that dies while it hands over a result leaves its lock closed, and the pool, which has a last word for the same
    pipe, would wait for it forever: a lock that is not free for so long is opened.
    """
    lock = backend._pool._outqueue._wlock
    killing = Thread(target=backend.abort_everything, kwargs={"ensure_ready": False}, daemon=True)
    killing.start()
    killing.join(SECONDS_TO_LET_GO)
    while killing.is_alive() and lock is not None:  # None on Windows
        lock.acquire(timeout=SECONDS_TO_LET_GO)
        lock.release()
        killing.join(SECONDS_TO_LET_GO)
    killing.join()


def _fail(future: Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _cancel(job: Any) -> bool:
    return isinstance(job, Future) and job.cancel()
