"""Backend for a Dask cluster, which submits tasks through the cluster's client.

Through joblib's backend for Dask, a task is lost without any error if the worker that holds its data dies
while the data is being sent.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from weakref import ref

from joblib import parallel_config

from skhpt._compat import bind_context
from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.backends import Backend, Interruptible
from skhpt.parallel.channels import NullInbox, Task, TaskUpdate, work

#: Bytes from which an argument is sent to the workers once, instead of with every task.
SCATTER_BYTES = 1_000
#: Seconds that the cluster has to bring back at least one worker.
SECONDS_TO_RETURN = 60


class DaskBackend(Backend):
    """Backend on the client of a Dask cluster, with one future of Dask per task.

    Parameters
    ----------
    backend : joblib's DaskDistributedBackend
        The active backend.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    """

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible):
        super().__init__(interruptible)
        self._client = backend.client
        self._options = backend.submit_kwargs
        self._pending: dict[Any, int] = {}  # task ids, by future of Dask
        self._done: SimpleQueue[Any] = SimpleQueue()  # futures that came to an end
        # Large arguments, with the futures of their copies, by id()
        self._scattered: dict[int, tuple[Any, Any]] = {}

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        """Tell whether a backend is joblib's backend for Dask."""
        return type(backend).__name__ == "DaskDistributedBackend"

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        on_worker = bind_context(_work_on_cluster)
        future = self._client.submit(
            on_worker, function, *map(self._scatter, args), pure=False, **self._options
        )
        self._pending[future] = task_id
        future.add_done_callback(self._done.put)

    def _scatter(self, arg: Any) -> Any:
        """Return what to send for an argument: itself, or a reference to the copies that the workers have."""
        from dask.sizeof import sizeof

        if not _is_data(arg) or sizeof(arg) <= SCATTER_BYTES:
            return arg
        if id(arg) not in self._scattered:
            # A copy for each worker: a worker that dies takes its copy with it.
            [copies] = self._client.scatter([arg], broadcast=True, hash=False, timeout=SECONDS_TO_RETURN)
            self._scattered[id(arg)] = (arg, copies)
        return self._scattered[id(arg)][1]

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        if not self._pending:
            return []
        done = []
        with suppress(Empty):
            with self.interruptible():
                done.append(self._done.get(timeout=seconds))
            while True:
                done.append(self._done.get_nowait())
        return [self._end(future) for future in done if future in self._pending]

    def _end(self, future: Any) -> TaskUpdate:
        """Return the last update of a task."""
        task_id = self._pending.pop(future)
        try:
            return TaskUpdate.last(task_id, [], future.result())
        except CancelledError:  # the data is gone, with all workers that had it, and maybe the result too
            n_deaths = 1
        except Exception as error:
            if type(error).__name__ != "KilledWorker":
                return TaskUpdate(task_id, is_done=True, error=error)
            n_deaths = _deaths_allowed() + 1
        self._scattered.clear()
        return TaskUpdate(task_id, is_done=True, lost="cancelled", n_deaths=n_deaths)

    # A cluster does not say which tasks have begun, so `stop_submitting` cancels none.

    def abort(self) -> None:
        self._client.cancel(list(self._pending), force=True)
        self._pending.clear()

    def close(self) -> None:
        self._scattered.clear()


def _is_data(arg: Any) -> bool:
    """Tell data from lists and tuples made for one task, which have no weak references; joblib does the same."""
    try:
        return ref(arg) is not None
    except TypeError:
        return False


def _work_on_cluster(task: Task, *args: Any) -> Any:
    """Run a task so that estimators with an ``n_jobs`` of their own find the cluster, as with joblib's backend."""
    with parallel_config("dask"):
        return work(task, NullInbox().channel(0), *args)


def _deaths_allowed() -> int:
    """Return the number of workers that may die of a task before Dask gives up the task at the next death."""
    from dask import config

    return int(config.get("distributed.scheduler.allowed-failures"))
