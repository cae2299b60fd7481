"""How tasks reach the workers of a Dask cluster: straight through its client.

On joblib's own way there a task is lost without a word if the worker that holds the data dies while it is being sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from weakref import ref

from joblib import parallel_config
from joblib._parallel_backends import ParallelBackendBase

from skhpt._compat import bind_context
from skhpt.parallel.backends import Interruptible
from skhpt.parallel.channels import NullInbox, Task, TaskUpdate, work

#: Bytes from which an argument is given to the workers once, instead of with every task.
BYTES_TO_GIVE = 1_000
#: Seconds that the cluster has to bring back at least one worker.
SECONDS_TO_RETURN = 60


class DaskBackend:
    """Dask's client, one future of Dask per task.

    Parameters
    ----------
    backend : joblib's DaskDistributedBackend
        The active backend.
    interruptible : callable
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`.
    """

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible):
        self._client = backend.client
        self._options = backend.submit_kwargs
        self._interruptible = interruptible
        self._jobs: dict[Any, int] = {}  # futures under way, with their task_ids
        self._back: SimpleQueue[Any] = SimpleQueue()  # futures that came to an end
        self._given: dict[int, tuple[Any, Any]] = {}  # large arguments by identity, and where the workers find them

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        """Tell whether a backend is joblib's door to Dask."""
        return type(backend).__name__ == "DaskDistributedBackend"

    def submit(self, task_id: int, function: Task, args: tuple[Any, ...]) -> None:
        on_worker = bind_context(_on_worker)
        job = self._client.submit(on_worker, function, *map(self._give, args), pure=False, **self._options)
        self._jobs[job] = task_id
        job.add_done_callback(self._back.put)

    def _give(self, arg: Any) -> Any:
        """Return what to send for an argument: itself, or where the workers have it already."""
        from dask.sizeof import sizeof

        if not _lasts(arg) or sizeof(arg) <= BYTES_TO_GIVE:
            return arg
        if id(arg) not in self._given:
            # A copy for each worker, as one that dies takes its own along.
            [future] = self._client.scatter([arg], broadcast=True, hash=False, timeout=SECONDS_TO_RETURN)
            self._given[id(arg)] = (arg, future)
        return self._given[id(arg)][1]

    def wait(self, seconds: float | None) -> list[TaskUpdate]:
        if not self._jobs:
            return []
        back = []
        with suppress(Empty):
            with self._interruptible():
                back.append(self._back.get(timeout=seconds))
            while True:
                back.append(self._back.get_nowait())
        return [self._end(job) for job in back if job in self._jobs]

    def _end(self, job: Any) -> TaskUpdate:
        task_id = self._jobs.pop(job)
        try:
            return TaskUpdate(task_id, is_done=True, result=job.result())
        except CancelledError:  # the data is gone, with all workers that had it, and maybe the result too
            n_deaths = 1
        except Exception as error:
            if type(error).__name__ != "KilledWorker":
                return TaskUpdate(task_id, is_done=True, error=error)
            n_deaths = _deaths_allowed() + 1
        self._given.clear()
        return TaskUpdate(task_id, is_done=True, lost="cancelled", n_deaths=n_deaths)

    def stop_submitting(self) -> Iterable[int]:
        return []  # a cluster does not tell what has begun

    def abort(self) -> None:
        self._client.cancel(list(self._jobs), force=True)
        self._jobs.clear()

    def close(self) -> None:
        self._given.clear()

    def pids(self) -> Iterable[int]:
        return ()

    def folders(self) -> Iterable[str]:
        return ()


def _lasts(arg: Any) -> bool:
    """Tell data from what is made for a single task, such as lists and tuples; joblib goes by the same sign."""
    try:
        return ref(arg) is not None
    except TypeError:
        return False


def _on_worker(task: Task, *args: Any) -> Any:
    """Run a task where estimators with an ``n_jobs`` of their own find the cluster, as on joblib's way."""
    with parallel_config("dask"):
        return work(task, NullInbox().channel(0), *args)


def _deaths_allowed() -> int:
    """Return how many workers may die of a task before Dask gives it up at the next one."""
    from dask import config

    return int(config.get("distributed.scheduler.allowed-failures"))
