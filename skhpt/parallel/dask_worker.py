"""What a worker of a Dask cluster runs: a call of a task, whose items are sent while the task runs."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Mapping
from socket import gethostname
from typing import Any, NamedTuple
from uuid import uuid4

from joblib import parallel_config

from skhpt.parallel import _joblib
from skhpt.parallel.channels import Begun, TaskFailure
from skhpt.parallel.cluster_call import Call, Output, run_call
from skhpt.parallel.devices import VISIBLE_DEVICES, find_devices
from skhpt.parallel.shared_values import SharedValue, ValueLostError, value_cache

#: Key of the messages of this package in a topic of Dask.
MESSAGE = "skhpt"
#: Seconds for which items are collected before they are sent. A task that ends earlier returns them with its
#: result.
SECONDS_TO_COLLECT = 0.2
#: Seconds after which Dask has handed over what is to be sent: it collects messages for 2 ms.
SECONDS_TO_SEND = 0.01
#: Bytes up to which an item is sent while its task runs. Others, with predictions, come with the result.
MAX_ITEM_BYTES = 10_000


class Order(NamedTuple):
    """What a worker is to do with a call.

    Attributes
    ----------
    search : str
        Name of the search.
    topic : str
        Topic of Dask to which items are sent.
    task_id : int
        The task.
    is_prompt : bool
        Whether the beginning of a fit is sent before the fit begins, because the fit may end the process or
        block it.
    needs_devices : bool
        Whether the fits use GPUs, so that a process that begins says which ones it sees.
    """

    search: str
    topic: str
    task_id: int
    is_prompt: bool = False
    needs_devices: bool = False


class SentItem(NamedTuple):
    """An item on its way.

    Attributes
    ----------
    task_id : int
        The task.
    run : str
        Name of this run of the task: Dask runs a task again if a worker is lost.
    number : int
        Number of the item among those of the run.
    data : bytes
        The pickled item.
    is_alone : bool
        Whether no other run was in the process when this one began: cancelled runs continue without
        the knowledge of Dask.
    """

    task_id: int
    run: str
    number: int
    data: bytes
    is_alone: bool


class Returned(NamedTuple):
    """What a run of a task returns.

    Attributes
    ----------
    worker : str
        Address of the worker.
    run : str
        Name of the run.
    missing : tuple of str
        Tokens of the shared values that the process lacks: the task has not begun.
    data : bytes
        The pickled items of the run, all of them, and its `Output`.
    host : str
        Name of the machine of a process that begins.
    devices : tuple of str
        GPUs that it sees.
    """

    worker: str
    run: str
    missing: tuple[str, ...] = ()
    data: bytes = b""
    host: str = ""
    devices: tuple[str, ...] = ()


def run_on_worker(call: tuple[Any, ...], order: tuple[Any, ...]) -> tuple[Any, ...]:
    """Run a call.

    Parameters
    ----------
    call, order : tuple
        Fields of a `Call` and of an `Order`.

    Returns
    -------
    returned : tuple
        Fields of a `Returned`.
    """
    from distributed import get_worker

    worker = get_worker()
    own_order = Order(*order)
    channel = _Channel(own_order, worker)
    try:
        # An estimator with an ``n_jobs`` of its own finds the cluster, as with joblib's backend; the others
        # use one thread.
        with parallel_config("dask", n_jobs=1):
            output = run_call(Call(*call), channel, _raise_lost)
    finally:
        items = channel.close()
    if output.is_value_lost:
        devices = find_devices().names if own_order.needs_devices else ()
        lacks = Returned(worker.address, channel.run, output.missing, host=gethostname(), devices=devices)
        return tuple(lacks)
    return tuple(Returned(worker.address, channel.run, (), _dumps(items, output)))


def _raise_lost(shared: SharedValue) -> Any:
    raise ValueLostError(shared.token)


def load_values(values: Mapping[str, list[Any]], visible_devices: str | None = None) -> None:
    """Put packed values, by token, into the cache of this process, and let it see only some GPUs of its machine."""
    if visible_devices is not None:
        os.environ[VISIBLE_DEVICES] = visible_devices
    shared = [SharedValue(token, None) for token in values]
    with value_cache.resolved(shared, lambda missing: unpack(values[missing.token])):
        pass


def _dumps(items: list[Any], output: Output) -> bytes:
    try:
        return bytes(_joblib.dumps((items, output)))
    except Exception as error:
        return bytes(_joblib.dumps(([], output._replace(result=TaskFailure(error)))))


#: The runs that this process is executing.
_runs: set[str] = set()


class _Channel:
    """Channel of a run of a task.

    Parameters
    ----------
    order : Order
        Where the items go.
    worker : distributed.Worker
        The worker.
    """

    def __init__(self, order: Order, worker: Any):
        self.order, self.worker = order, worker
        self.run = uuid4().hex[:12]
        self.is_alone = not _runs
        self._items: list[Any] = []
        _runs.add(self.run)

    def send(self, item: Any) -> None:
        number = len(self._items)
        self._items.append(item)
        outbox.put(self, number, item)
        if self.order.is_prompt and isinstance(item, Begun):
            outbox.send_now()
            time.sleep(SECONDS_TO_SEND)

    def close(self) -> list[Any]:
        """Return all items; those that are not sent yet are not sent any more."""
        outbox.forget(self)
        _runs.discard(self.run)
        return self._items


class Outbox:
    """The items of all tasks of this process that wait to be sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[_Channel, int, Any]] = []
        self._timer: threading.Timer | None = None

    def put(self, channel: _Channel, number: int, item: Any) -> None:
        """Send an item soon."""
        with self._lock:
            self._waiting.append((channel, number, item))
            if self._timer is None:
                self._timer = threading.Timer(SECONDS_TO_COLLECT, self.send_now)
                self._timer.daemon = True
                self._timer.start()

    def forget(self, channel: _Channel) -> None:
        """Do not send the items of a channel that still wait."""
        with self._lock:
            self._waiting = [waiting for waiting in self._waiting if waiting[0] is not channel]

    def send_now(self) -> None:
        """Send all items that wait, in one message for each worker and search."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        groups: dict[tuple[Any, str, str], list[tuple[Any, ...]]] = {}  # by worker, search and topic
        for channel, number, item in waiting:
            data = pickle.dumps(item, protocol=5)
            if len(data) <= MAX_ITEM_BYTES:
                order = channel.order
                sent = SentItem(order.task_id, channel.run, number, data, channel.is_alone)
                groups.setdefault((channel.worker, order.search, order.topic), []).append(tuple(sent))
        for (worker, search, topic), items in groups.items():
            data = pickle.dumps(items, protocol=5)
            worker.log_event(topic, {MESSAGE: search, "worker": worker.address, "data": data})


#: The items of this process.
outbox = Outbox()


def pack(value: Any) -> list[Any]:
    """Return a value as arrays of bytes: the pickled value and its buffers, which Dask sends without a copy.

    So Dask itself unpickles nothing of the user's, and an error of unpickling is an error of the task.
    """
    import cloudpickle
    import numpy as np

    buffers: list[pickle.PickleBuffer] = []
    data = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return [np.frombuffer(data, np.uint8), *(np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers)]


def unpack(arrays: list[Any]) -> Any:
    """Return a value from its arrays of bytes."""
    return pickle.loads(arrays[0], buffers=arrays[1:])
