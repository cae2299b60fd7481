"""Backend for a Dask cluster, which submits tasks through the cluster's client.

Shared values do not travel with the tasks. A task that reaches a process without them returns at once and
says so; then the values are sent to one worker, a task of its own that depends on them loads them into the
process that lacked them, and the task is sent again. Dask moves the values between the workers. So each
process gets a value once, whether it was there at the beginning or joins later, and no task is lost with the
worker that had the values.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.backends import Interruptible
from skhpt.parallel.channels import TaskUpdate
from skhpt.parallel.cluster import ClusterBackend, ClusterLostError, ClusterOptions, Outage, RunningTask
from skhpt.parallel.cluster_call import Call, VersionError
from skhpt.parallel.dask_cluster import (
    DaskWorker,
    check_nannies,
    check_resources,
    describe_versions,
    is_without_package,
    needs_of,
    read_workers,
)
from skhpt.parallel.dask_events import events_of
from skhpt.parallel.dask_values import DaskValues, Load
from skhpt.parallel.dask_worker import MESSAGE, Order, Returned, SentItem, run_on_worker
from skhpt.parallel.devices import DeviceWorker, assign_devices
from skhpt.parallel.fit_resources import GPU, FitResources
from skhpt.parallel.versions import own_versions

#: Seconds to wait for an answer of the scheduler. A scheduler that is busy, or gone, must not block the
#: search.
SECONDS_TO_ANSWER = 10.0
#: Seconds to wait for results: a fit may block the worker that has them, until `fit_timeout` ends it.
SECONDS_TO_GATHER = 30.0
#: Reason of the error if a client is closed, or has not reached the scheduler for some time.
WHY_LOST = "the scheduler has ended, or the client or the cluster was closed"
#: Deaths of workers for which a candidate, or an unknown one, is only suspected.
MAX_UNCERTAIN_DEATHS = 10
#: The `wait_for_workers_timeout` of joblib's backend unless the user says another: a search then waits
#: without limit.
DEFAULT_WAIT = 10


@dataclass
class _SentTask:
    """A task that was sent.

    Attributes
    ----------
    call : Call
        The call.
    future : distributed.Future or None
        The future of Dask; None while a worker is given the values that it lacks for the task.
    run : str
        Name of the run whose items have arrived.
    numbers : set of int
        Numbers of those items.
    old_runs : set of str
        Runs that Dask has repeated.
    is_alone : bool
        Whether this run is known to have begun while no other run was in its process.
    """

    call: Call
    future: Any
    run: str = ""
    numbers: set[int] = field(default_factory=set)
    old_runs: set[str] = field(default_factory=set)
    is_alone: bool = False


class _LoadEnded(NamedTuple):
    worker: str
    future: Any


class _Gathered(NamedTuple):
    """What tasks have returned, or that it could not be had.

    Attributes
    ----------
    tasks : dict
        Futures of Dask by task id.
    returned : list or None
        What each task returned, in the same order; None if one of them was lost.
    """

    tasks: dict[int, Any]
    returned: list[tuple[Any, ...]] | None


class DaskBackend(ClusterBackend):
    """Backend on the client of a Dask cluster, with one future of Dask per task."""

    engine = "Dask"

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible, options: ClusterOptions):
        super().__init__(backend, interruptible, options)
        self._client = backend.client
        self._check_client(backend)
        self._submit_options = dict(backend.submit_kwargs)
        self._search = uuid4().hex
        self._sent: dict[int, _SentTask] = {}  # by task id
        self._n_sent = 0
        self._inbox: SimpleQueue[Any] = SimpleQueue()  # (task id, future) pairs that are done, and events
        self._has_messages = threading.Event()
        self._values = DaskValues(self._client, self._new_key, lambda *loaded: self._put(_LoadEnded(*loaded)))
        self._gone: set[str] = set()  # addresses
        self._devices: dict[str, DeviceWorker] = {}  # by address
        self._assigned: dict[str, str] = {}  # visible GPUs, by address
        self._workers: dict[str, DaskWorker] = {}  # by address
        self._needs = self._find_needs()  # resources of Dask
        self._had_slots = False
        timeout = getattr(backend, "wait_for_workers_timeout", DEFAULT_WAIT)
        self._longest_wait = timeout if timeout and timeout != DEFAULT_WAIT else math.inf
        self._ended_workers: set[str] = set()
        self._deaths: Counter[int | None] = Counter()  # with other tasks, by the candidate that was running
        self._was_lost = False  # the connection
        self._events = events_of(self._client)
        self._count_slots()
        self._check_versions()
        self._check_connection()
        self._events.add(self._client, self._search, self._put)
        self._has_left_slot = _leave_slot()

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        return type(backend).__name__ == "DaskDistributedBackend"

    # -- the cluster -----------------------------------------------------------------------------------------

    @classmethod
    def count_slots(cls, backend: ParallelBackendBase, resources: FitResources) -> int:
        cls._check_client(backend)
        workers = read_workers(backend.client, SECONDS_TO_ANSWER)
        needs = needs_of(resources.amounts, backend.submit_kwargs.get("resources"), workers.values())
        check_resources(workers, needs)
        return sum(worker.n_slots(needs) for worker in workers.values())

    @classmethod
    def _check_client(cls, backend: ParallelBackendBase) -> None:
        if _is_closed(backend.client):
            raise ClusterLostError(cls.engine, WHY_LOST)

    def _count_slots(self) -> int:
        if self._client.status == "running":
            # If the scheduler does not answer, what was true a second ago counts.
            with suppress(OSError, futures.TimeoutError, RuntimeError):
                self._look_at_workers()
        n_slots = sum(worker.n_slots(self._needs) for worker in self._workers.values())
        self._had_slots = self._had_slots or n_slots > 0
        return n_slots

    def _look_at_workers(self) -> None:
        """Ask for the workers; if there are others than before, check whether they suit the search."""
        before, self._workers = self._workers, read_workers(self._client, SECONDS_TO_ANSWER)
        self._devices = {
            address: known for address, known in self._devices.items() if address in self._workers
        }
        if self._workers.keys() <= before.keys():
            return
        self._needs = self._find_needs()
        if not self._had_slots:
            check_resources(self._workers, self._needs)
        if self.options.fit_timeout is not None:
            check_nannies(self._workers)

    def _find_needs(self) -> dict[str, float]:
        """Return the resources of Dask that a task needs, given the present workers."""
        submitted = self._submit_options.get("resources")
        return needs_of(self.options.fit_resources.amounts, submitted, self._workers.values())

    def _check_outage(self, outage: Outage, seconds: float) -> None:
        """Raise an error if there has been no worker for longer than the user wants to wait."""
        if seconds > self._longest_wait:
            raise TimeoutError(
                f"the Dask cluster has had no worker for the fits for wait_for_workers_timeout={self._longest_wait} "
                "seconds. What had come back is in the history, and in the journal if there is one"
            )
        super()._check_outage(outage, seconds)

    def _check_versions(self) -> None:
        """Compare the versions of the present workers; those that join later compare them with each task."""
        with suppress(OSError, futures.TimeoutError):  # a worker is busy and compares with its first task
            answers = self._client.run(own_versions, on_error="return", callback_timeout=SECONDS_TO_ANSWER)
            if text := describe_versions(answers):
                raise VersionError(f"workers of the Dask cluster differ from this process: {text}")

    def _check_connection(self) -> None:
        """Raise an error if the client is closed; after a new connection, subscribe to events again."""
        if _is_closed(self._client):
            self._give_up(WHY_LOST)
        if self._client.status != "running":
            self._was_lost = True
        elif self._was_lost:
            self._was_lost = False
            self._events.subscribe(self._client)

    # -- sending ---------------------------------------------------------------------------------------------

    def _share(self, token: str, value: Any) -> Any:
        self._values.add(token, value)

    def _send(self, task_id: int, call: Call) -> None:
        self._sent[task_id] = _SentTask(call, None)
        self._submit(task_id)

    def _submit(self, task_id: int) -> None:
        """Submit a task to Dask."""
        sent = self._sent[task_id]
        sent.future = None
        if self._client.status != "running":  # it is submitted after the next connection
            return
        is_prompt = self.options.fit_timeout is not None or bool(self._deaths)
        order = Order(self._search, self._events.topic, task_id, is_prompt, GPU in self._needs)
        options = dict(self._submit_options)
        if self._needs:
            options["resources"] = dict(self._needs)
        sent.future = self._client.submit(
            run_on_worker, tuple(sent.call), tuple(order), key=self._new_key(task_id), pure=False, **options
        )
        sent.future.add_done_callback(lambda future: self._put((task_id, future)))

    def _new_key(self, name: int | str) -> tuple[str, int | str, int]:
        """Return a key for Dask.

        Dask takes tasks with the same first part of the key for a group, and gives those of a large group to
        workers that are free, instead of queueing all of them at the workers.
        """
        self._n_sent += 1
        return f"skhpt-{self._search}", name, self._n_sent

    def _load(self, task_id: int, returned: Returned) -> None:
        """Give a worker the values that it lacks; the task is sent again when it has them."""
        sent = self._sent[task_id]
        sent.future = None
        worker = returned.worker
        if worker in self._gone:
            self._submit(task_id)
            return
        try:
            self._values.load(task_id, worker, returned.missing, self._visible_devices(returned))
        except Exception:  # the worker is gone, or the connection
            self._submit(task_id)

    def _visible_devices(self, returned: Returned) -> str | None:
        """Return the GPUs that a worker may use, which Dask does not divide among the workers of a machine."""
        if GPU not in self._needs:
            return None
        address, workers = returned.worker, self._workers
        if address not in workers:  # it has joined since the last look
            workers = read_workers(self._client, SECONDS_TO_ANSWER)
        gpus = workers[address].resources.get(GPU, 0.0)
        self._devices[address] = DeviceWorker(address, returned.host, returned.devices, gpus)
        self._assigned = assign_devices(self._devices.values(), self._assigned)
        return self._assigned.get(address)

    def _end_load(self, load: Load) -> list[TaskUpdate]:
        """Send the tasks again that waited for values; return the updates of those that cannot get them."""
        task_ids = [task_id for task_id in load.task_ids if task_id in self._sent]
        if load.future.status == "error":
            return [update for task_id in task_ids for update in self._end_with_error(task_id, load.future)]
        for task_id in task_ids:
            self._submit(task_id)
        return []

    def _end_lost_loads(self) -> list[TaskUpdate]:
        """Send the tasks again that wait for values which were lost with their workers."""
        if self._client.status != "running":
            return []
        loads, lost = self._values.end_lost_loads()
        self._cancel_on_scheduler(lost)
        return [update for load in loads for update in self._end_load(load)]

    # -- receiving -------------------------------------------------------------------------------------------

    def _put(self, message: Any) -> None:
        """Put a message into the inbox; it is called in other threads."""
        self._inbox.put(message)
        self._has_messages.set()

    def _take_messages(self) -> list[Any]:
        """Return all messages of the inbox."""
        self._has_messages.clear()
        messages = []
        with suppress(Empty):
            while True:
                messages.append(self._inbox.get_nowait())
        return messages

    def _receive(self, seconds: float) -> list[TaskUpdate]:
        with self.interruptible():
            self._has_messages.wait(seconds)
        arrived = self._take_messages()
        updates: list[TaskUpdate] = []
        done = {}
        for message in arrived:
            if isinstance(message, dict):
                updates += self._handle_event(message)
            elif isinstance(message, _LoadEnded):
                if (load := self._values.end_load(*message)) is not None:
                    updates += self._end_load(load)
            elif isinstance(message, _Gathered):
                updates += self._end_gathered(message)
            elif self._is_current(*message):
                done[message[0]] = message[1]
        updates += self._end_done(done)
        if not updates:
            self._check_connection()
        if not arrived:
            updates += self._repeat_lost()
        return updates + self._end_lost_loads()

    def _is_current(self, task_id: int, future: Any) -> bool:
        return task_id in self._sent and self._sent[task_id].future is future

    def _end_done(self, done: dict[int, Any]) -> list[TaskUpdate]:
        """Ask for what tasks have returned, all with one request; return the updates of those that failed."""
        finished = {task_id: future for task_id, future in done.items() if future.status == "finished"}
        if finished:
            self._gather(finished)
        updates = []
        for task_id, future in done.items():
            if task_id not in finished:
                updates += self._end(task_id, future, None)
        return updates

    def _gather(self, tasks: dict[int, Any]) -> None:
        """Ask for what tasks have returned, without waiting: the worker that has it may be blocked by another fit."""

        def pass_on(gathering: futures.Future[Any]) -> None:
            is_lost = gathering.cancelled() or gathering.exception() is not None
            self._put(_Gathered(tasks, None if is_lost else gathering.result()))

        gather = self._gather_in_client(list(tasks.values()))
        try:
            gathering = asyncio.run_coroutine_threadsafe(gather, self._client.loop.asyncio_loop)
        except RuntimeError:  # the loop is closed, as `_check_connection` finds
            gather.close()
        else:
            gathering.add_done_callback(pass_on)

    async def _gather_in_client(self, tasks: list[Any]) -> Any:
        return await asyncio.wait_for(self._client.gather(tasks, asynchronous=True), SECONDS_TO_GATHER)

    def _end_gathered(self, gathered: _Gathered) -> list[TaskUpdate]:
        nothing: list[Any] = [None] * len(gathered.tasks)
        returned = gathered.returned or nothing
        updates = []
        for (task_id, future), result in zip(gathered.tasks.items(), returned, strict=True):
            if self._is_current(task_id, future):
                updates += self._end(task_id, future, None if result is None else Returned(*result))
        return updates

    def _has_returned(self, task_id: int) -> bool:
        future = self._sent[task_id].future if task_id in self._sent else None
        return future is not None and bool(future.done())

    def _run_in_client(self, coroutine: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """Run a coroutine in the thread of the client, no longer than so many seconds."""
        try:
            running = asyncio.run_coroutine_threadsafe(coroutine, self._client.loop.asyncio_loop)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise
        try:
            return running.result(seconds)
        except futures.TimeoutError:
            running.cancel()
            raise

    def _end(self, task_id: int, future: Any, returned: Returned | None) -> list[TaskUpdate]:
        """Return the last update of a task, if it has ended and not only this run of it."""
        updates = self._end_run(task_id, future, returned)
        if not self._is_current(task_id, future):
            future.release()
        return updates

    def _end_run(self, task_id: int, future: Any, returned: Returned | None) -> list[TaskUpdate]:
        if returned is not None and returned.missing:
            self._load(task_id, returned)
            return []
        if returned is not None:
            return [self._end_with_result(task_id, returned)]
        if future.status == "error":
            return self._end_with_error(task_id, future)
        # `_repeat_lost` repeats it when all is quiet: a client that is being restarted cancels its futures
        # before it forgets how often each is used, and would never release a future that is made in between.
        if future.status == "cancelled":
            return []
        # Its result was lost: Dask makes it again.
        self._running[task_id].since = math.inf
        future.add_done_callback(lambda future: self._put((task_id, future)))
        return []

    def _end_with_result(self, task_id: int, returned: Returned) -> TaskUpdate:
        items, output = pickle.loads(returned.data)
        self._begin_run(task_id, returned.run)
        sent = self._sent.pop(task_id)
        rest = [item for number, item in enumerate(items) if number not in sent.numbers]
        return self._ended(task_id, output, rest, returned.worker)

    def _end_with_error(self, task_id: int, future: Any) -> list[TaskUpdate]:
        try:
            error = future.exception(timeout=SECONDS_TO_ANSWER)
        except Exception as other:
            error = other
        if type(error).__name__ == "KilledWorker":  # if this task was the cause, it is no longer here
            return self._repeat(task_id)
        del self._sent[task_id]
        return [self._failed(task_id, _without_package(error))]

    def _repeat(self, task_id: int) -> list[TaskUpdate]:
        """Run a task again that was lost without being the cause; if there are scores of it, only the rest."""
        if self._running[task_id].candidate is None:
            self._submit(task_id)
            return []
        del self._sent[task_id]
        return [self._lost(task_id, is_to_blame=False)]

    def _repeat_lost(self) -> list[TaskUpdate]:
        """Repeat the tasks that the scheduler does not know any more, for example because it was restarted."""
        loading = self._values.waiting_tasks()
        self._cancel_on_scheduler([sent.future for sent in self._sent.values() if _is_forgotten(sent.future)])
        updates = []
        for task_id, sent in list(self._sent.items()):
            if task_id not in loading if sent.future is None else _is_forgotten(sent.future):
                updates += self._repeat(task_id)
        return updates

    # -- events ----------------------------------------------------------------------------------------------

    def _handle_event(self, message: dict[str, Any]) -> list[TaskUpdate]:
        """Return the updates that an event of Dask leads to."""
        if message.get(MESSAGE) == self._search:
            return self._take_items(message)
        if message.get("action") == "add-worker":  # its address may be that of an earlier worker
            self._gone.discard(message["worker"])
            self._ended_workers.discard(message["worker"])
        if message.get("action") == "remove-worker":
            return self._end_tasks_of(message)
        return []

    def _take_items(self, message: dict[str, Any]) -> list[TaskUpdate]:
        """Return the updates for the items that a worker has sent."""
        items: dict[int, list[Any]] = {}
        for fields in pickle.loads(message["data"]):
            arrived = SentItem(*fields)
            if arrived.task_id in self._sent and self._begin_run(arrived.task_id, arrived.run):
                self._sent[arrived.task_id].numbers.add(arrived.number)
                self._sent[arrived.task_id].is_alone = arrived.is_alone
                items.setdefault(arrived.task_id, []).append(pickle.loads(arrived.data))
        return [self._arrived(task_id, new, message["worker"]) for task_id, new in items.items()]

    def _begin_run(self, task_id: int, run: str) -> bool:
        """Forget the earlier run of a task if this is another one; tell whether it is not the earlier one."""
        sent = self._sent[task_id]
        if run in sent.old_runs:
            return False
        if run != sent.run:
            sent.old_runs.add(sent.run)
            sent.run = run
            sent.numbers.clear()
            sent.is_alone = False
            self._running[task_id] = RunningTask()
        return True

    def _end_tasks_of(self, message: dict[str, Any]) -> list[TaskUpdate]:
        """Return the last updates of the tasks that ended with a worker. Dask itself runs all others again."""
        worker = message["worker"]
        self._gone.add(worker)
        updates = []
        if (load := self._values.end_worker(worker)) is not None:
            updates += self._end_load(load)
        keys = {_key(key) for key in message["processing-tasks"]}
        own = [
            task_id
            for task_id, sent in self._sent.items()
            if sent.future is not None and sent.future.key in keys
        ]
        begun = [task_id for task_id in own if self._running[task_id].worker == worker]
        if message["expected"] or worker in self._ended_workers:
            return updates + self._end_all(begun)
        if len(own) == 1 and len(keys) == 1 and self._is_culprit(own[0]):
            culprit = own[0]
        elif len(begun) == 1 and self._n_threads(worker) == 1:
            [culprit] = begun
        else:
            return updates + self._suspect(begun or own)
        self._cancel([culprit])
        return [*updates, self._lost(culprit, is_to_blame=True)]

    def _n_threads(self, address: str) -> int | None:
        worker = self._workers.get(address)
        return None if worker is None else worker.n_threads

    def _is_culprit(self, task_id: int) -> bool:
        """Tell whether a worker has died of the only task that Dask knew there.

        Runs of cancelled tasks continue, so another one may be the cause, unless the process had no other run
        when this task began. If that stays unknown, for example because the process dies before the task
        begins, a death counts after some others.
        """
        n_deaths = self._deaths[self._running[task_id].candidate]
        return self._sent[task_id].is_alone or n_deaths >= MAX_UNCERTAIN_DEATHS

    def _end_all(self, task_ids: Sequence[int]) -> list[TaskUpdate]:
        """Cancel tasks whose worker is gone for another reason; return their last updates."""
        self._cancel(task_ids)
        return [self._lost(task_id, is_to_blame=False) for task_id in task_ids]

    def _suspect(self, task_ids: Sequence[int]) -> list[TaskUpdate]:
        """Return the last updates of tasks one of which may have ended their worker.

        If a candidate was there twice, it is tried again alone, so that the next death is certain.
        """
        candidates = {task_id: self._running[task_id].candidate for task_id in task_ids}
        self._deaths.update(set(candidates.values()))
        self._cancel(task_ids)
        updates = []
        for task_id, candidate in candidates.items():
            del self._running[task_id]
            lost: Literal["cancelled", "preempted"] = (
                "cancelled" if self._deaths[candidate] > 1 else "preempted"
            )
            updates.append(TaskUpdate(task_id, is_done=True, lost=lost))
        return updates

    # -- ending ----------------------------------------------------------------------------------------------

    def _cancel(self, task_ids: Sequence[int]) -> None:
        sent = [self._sent.pop(task_id) for task_id in task_ids]
        self._cancel_on_scheduler([task.future for task in sent if task.future is not None])

    def _cancel_on_scheduler(self, cancelled: Sequence[Any]) -> None:
        """Cancel futures, also those that the client has forgotten, but not the scheduler."""
        if cancelled:
            with suppress(Exception):  # the connection is lost, and all tasks with it
                self._run_in_client(
                    self._client.cancel(cancelled, asynchronous=True, force=True), SECONDS_TO_ANSWER
                )

    def _end_worker(self, task_id: int) -> list[TaskUpdate]:
        worker = self._running[task_id].worker
        others = [
            other
            for other, running in self._running.items()
            if running.worker == worker and other != task_id and other in self._sent
        ]
        self._cancel([task_id])
        self._ended_workers.add(worker)
        updates = self._end_all(others)
        threading.Thread(target=_restart, args=(self._client, worker), daemon=True).start()
        return updates

    def close(self) -> None:
        super().close()
        self._events.remove(self._client, self._search)
        held = [sent.future for sent in self._sent.values()] + self._values.close()
        self._cancel_on_scheduler([future for future in held if _is_forgotten(future)])
        self._sent.clear()
        if self._has_left_slot:
            _return_to_slot()


def _is_closed(client: Any) -> bool:
    return client.status in ("closing", "closed")


def _leave_slot() -> bool:
    """If this thread runs a task of Dask, give its slot to other tasks until the search ends; tell whether it did.

    The tasks of a search inside of a task may need that slot.
    """
    from distributed import get_worker, secede

    try:
        get_worker()
        secede()
    except (ValueError, KeyError):  # this is no task, or it has left its slot before
        return False
    return True


def _return_to_slot() -> None:
    from distributed import rejoin

    rejoin()


def _restart(client: Any, worker: str) -> None:
    """Restart a worker process, whatever it is doing."""
    with suppress(Exception):
        client.restart_workers([worker], timeout=SECONDS_TO_GATHER, raise_for_error=False)


def _is_forgotten(future: Any) -> bool:
    """Tell whether the client has forgotten a future, as it does when it is restarted."""
    return future is not None and future.status == "cancelled"


def _key(key: Any) -> Any:
    """Return a key of Dask as it was before it was sent."""
    return tuple(key) if isinstance(key, list) else key


def _without_package(error: BaseException) -> BaseException:
    """Return the error to raise for an error of Dask: a clear one if a worker lacks this package."""
    if is_without_package(error):
        return RuntimeError("a worker of the Dask cluster has no skhpt: install it on all workers")
    return error
