"""Backend for a Dask cluster, which submits tasks through the cluster's client.

Through joblib's backend for Dask, a task is lost without any error if the worker that holds its data dies
while the data is being sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from joblib import parallel_config

from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.backends import Interruptible
from skhpt.parallel.channels import NullInbox, TaskUpdate
from skhpt.parallel.cluster import ClusterBackend, ClusterOptions
from skhpt.parallel.cluster_call import Call, Output, run_call
from skhpt.parallel.fit_resources import FitResources


class DaskBackend(ClusterBackend):
    """Backend on the client of a Dask cluster, with one future of Dask per task."""

    engine = "Dask"

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible, options: ClusterOptions):
        super().__init__(backend, interruptible, options)
        self._client = backend.client
        self._submit_options = backend.submit_kwargs
        self._futures: dict[int, Any] = {}  # by task id
        self._task_ids: dict[Any, int] = {}  # by future
        self._done: SimpleQueue[Any] = SimpleQueue()  # futures that came to an end
        self._sources: dict[str, Any] = {}  # futures of the shared values, by token

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        return type(backend).__name__ == "DaskDistributedBackend"

    @classmethod
    def count_slots(cls, backend: ParallelBackendBase, resources: FitResources) -> int:
        return sum(backend.client.nthreads().values())

    def _count_slots(self) -> int:
        return sum(self._client.nthreads().values())

    def _share(self, token: str, value: Any) -> Any:
        [source] = self._client.scatter([value], hash=False, timeout=60)
        self._sources[token] = source
        return None

    def _send(self, task_id: int, call: Call) -> None:
        future = self._client.submit(
            _run_on_worker, tuple(call), self._sources, pure=False, **self._submit_options
        )
        self._futures[task_id], self._task_ids[future] = future, task_id
        future.add_done_callback(self._done.put)

    def _receive(self, seconds: float) -> list[TaskUpdate]:
        done = []
        with suppress(Empty):
            done.append(self._done.get(timeout=seconds))
            while True:
                done.append(self._done.get_nowait())
        return [self._end(future) for future in done if future in self._task_ids]

    def _end(self, future: Any) -> TaskUpdate:
        """Return the last update of a task."""
        task_id = self._task_ids.pop(future)
        del self._futures[task_id]
        try:
            return self._ended(task_id, future.result())
        except CancelledError:
            return self._lost(task_id, is_to_blame=False)
        except Exception as error:
            if type(error).__name__ != "KilledWorker":
                return self._failed(task_id, error)
            return self._lost(task_id, is_to_blame=True, n_deaths=_deaths_allowed() + 1)

    def _cancel(self, task_ids: Sequence[int]) -> None:
        futures = [self._futures.pop(task_id) for task_id in task_ids]
        for future in futures:
            del self._task_ids[future]
        self._client.cancel(futures, force=True)

    def _end_worker(self, task_id: int) -> list[TaskUpdate]:
        raise NotImplementedError

    def close(self) -> None:
        super().close()
        self._sources.clear()


def _run_on_worker(call: tuple[Any, ...], sources: dict[str, Any]) -> Output:
    """Run a task so that estimators with an ``n_jobs`` of their own find the cluster, as with joblib's backend."""
    with parallel_config("dask"):
        return run_call(Call(*call), NullInbox().channel(0), lambda shared: sources[shared.token])


def _deaths_allowed() -> int:
    """Return the number of workers that may die of a task before Dask gives up the task at the next death."""
    from dask import config

    return int(config.get("distributed.scheduler.allowed-failures"))
