"""Shared values on a Dask cluster: each worker process is given a value once, when it lacks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from skhpt.parallel.dask_worker import load_values, pack

#: Seconds to wait until a worker has taken a value.
SECONDS_TO_SCATTER = 10.0


@dataclass
class Load:
    """Values that a worker is given.

    Attributes
    ----------
    future : distributed.Future
        The task of Dask that puts the values into the process.
    tokens : set of str
        The values.
    task_ids : list of int
        Tasks that wait for it.
    """

    future: Any
    tokens: set[str]
    task_ids: list[int] = field(default_factory=list)


class DaskValues:
    """Shared values, and which worker has which of them.

    The values are sent to one worker. A task that depends on them loads them into each process that lacks
    them, so Dask moves them between the workers.

    Parameters
    ----------
    client : distributed.Client
        The client.
    new_key : callable
        Returns a new key for a task of Dask with this name.
    when_loaded : callable
        Called in the thread of the client, with the address of a worker and the future of its load, when that
        is done.
    """

    def __init__(
        self, client: Any, new_key: Callable[[str], Any], when_loaded: Callable[[str, Any], None]
    ) -> None:
        self._client = client
        self._new_key = new_key
        self._when_loaded = when_loaded
        self._packed: dict[str, list[Any]] = {}  # by token
        self._sources: dict[str, Any] = {}  # futures of the packed values, by token
        self._loads: dict[str, Load] = {}  # by address
        self._given: dict[str, set[str]] = {}  # tokens by address

    def add(self, token: str, value: Any) -> None:
        """Keep a value until a worker lacks it; an error of pickling is raised here."""
        self._packed[token] = pack(value)

    def load(self, task_id: int, worker: str, missing: Iterable[str], visible_devices: str | None) -> None:
        """Give a worker the values that it lacks, and those that it was not given yet.

        Parameters
        ----------
        task_id : int
            Task that waits for them.
        worker : str
            Address of the worker.
        missing : iterable of str
            Tokens of the values that it lacks.
        visible_devices : str or None
            The ``CUDA_VISIBLE_DEVICES`` of its process from now on; None leaves them.

        Raises
        ------
        Exception
            If the worker, or the connection, is gone.
        """
        if worker not in self._loads:
            tokens = {*missing, *(self._packed.keys() - self._given.get(worker, set()))}
            sources = {token: self._source(token, worker) for token in tokens}
            future = self._client.submit(
                load_values,
                sources,
                visible_devices,
                key=self._new_key("load"),
                workers=[worker],
                priority=1,
                pure=False,
            )
            future.add_done_callback(lambda future: self._when_loaded(worker, future))
            self._loads[worker] = Load(future, tokens)
        self._loads[worker].task_ids.append(task_id)

    def end_load(self, worker: str, future: Any = None) -> Load | None:
        """Forget the load of a worker and return it; None if it has none, or not this future."""
        load = self._loads.get(worker)
        if load is None or (future is not None and load.future is not future):
            return None
        del self._loads[worker]
        if load.future.status == "finished":
            self._given.setdefault(worker, set()).update(load.tokens)
        return load

    def end_lost_loads(self) -> tuple[list[Load], list[Any]]:
        """Forget the values that were lost with the workers that had them: Dask forgets the tasks that need them.

        Returns
        -------
        loads : list of Load
            Loads that wait for such values.
        futures : list of distributed.Future
            The lost values, to be cancelled.
        """
        lost = {token for token, source in self._sources.items() if source.status != "finished"}
        workers = [worker for worker, load in self._loads.items() if lost.intersection(load.tokens)]
        loads = [load for worker in workers if (load := self.end_load(worker)) is not None]
        return loads, [self._sources.pop(token) for token in lost]

    def end_worker(self, worker: str) -> Load | None:
        """Forget what a worker has that is gone; return its load."""
        self._given.pop(worker, None)
        return self.end_load(worker)

    def waiting_tasks(self) -> set[int]:
        """Return the tasks that wait for values."""
        return {task_id for load in self._loads.values() for task_id in load.task_ids}

    def close(self) -> list[Any]:
        """Forget everything; return the futures that were held."""
        held = [load.future for load in self._loads.values()] + list(self._sources.values())
        self._packed.clear()
        self._sources.clear()
        self._loads.clear()
        return held

    def _source(self, token: str, worker: str) -> Any:
        """Return the future of a shared value, which is sent to a worker unless another one has it."""
        source = self._sources.get(token)
        if source is None or source.status != "finished":
            [source] = self._client.scatter(
                [self._packed[token]], workers=[worker], hash=False, timeout=SECONDS_TO_SCATTER
            )
            self._sources[token] = source
        return source
