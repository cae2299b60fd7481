"""Backend for a Ray cluster, on the public interface of Ray: tasks, objects, and cancelling by force.

Ray's own backend for joblib keeps actors in a pool: the death of one of them ends the search, results come
back in rounds, and none of its actors can be ended while it works.
"""

from __future__ import annotations

import math
import pickle
import socket
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, NoReturn

from joblib import parallel_config

from skhpt._warnings import warn_user
from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase
from skhpt.parallel.backends import Interruptible
from skhpt.parallel.channels import Begun, TaskFailure, TaskUpdate
from skhpt.parallel.cluster import (
    MAX_TASK_SECONDS,
    SECONDS_UNTIL_WARNING,
    ClusterBackend,
    ClusterOptions,
)
from skhpt.parallel.cluster_call import Call, Output, stream_call
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.ray_resources import check_resources, n_slots, task_options
from skhpt.parallel.ray_signals import ending_at_once, handler_kept
from skhpt.parallel.ray_waiter import StreamWaiter
from skhpt.parallel.shared_values import ValueLostError

#: Seconds for which the head node may give no answer. Ray ends the process of the search after 60 seconds.
SECONDS_WITHOUT_HEAD = 30.0
#: Seconds for which a worker keeps items, so that many short fits do not each cost what it takes to send an
#: item (0.2 milliseconds in the worker and in the process of the search). No more work than that is lost with
#: a worker, beside the fit that it is running.
SECONDS_TO_GROUP = 0.005


class RayBackend(ClusterBackend):
    """Backend on a Ray cluster, with one task of Ray per task.

    A task of Ray is a generator, the items of which arrive while it runs. Ray does not repeat a task itself,
    so that nothing that has arrived is computed again.
    """

    engine = "Ray"

    def __init__(self, backend: ParallelBackendBase, interruptible: Interruptible, options: ClusterOptions):
        super().__init__(backend, interruptible, options)
        ray = _initialised()
        self._ray = ray
        self._task_options = _task_options(backend, options.fit_resources)
        if options.fit_resources:
            check_resources(_nodes(), self._task_options)
        self._function = ray.remote(**self._task_options, num_returns="streaming", max_retries=0)(_stream)
        self._waiter = StreamWaiter(ray.wait, self._check_session)
        self._streams: dict[int, Any] = {}  # generators of Ray, by task id
        self._task_ids: dict[Any, int] = {}  # by generator
        self._sources: dict[str, Any] = {}  # references to the shared values, by token
        context = ray.get_runtime_context()
        self._job_id, self._head = context.get_job_id(), context.gcs_address
        self._head_answered, self._has_warned_of_head = time.monotonic(), False

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        return type(backend).__module__ == "ray.util.joblib.ray_backend"

    @classmethod
    def count_slots(cls, backend: ParallelBackendBase, resources: FitResources) -> int:
        _initialised()
        return n_slots(_nodes(), _task_options(backend, resources))

    @property
    def task_seconds(self) -> float:
        """Seconds of work that a task should hold: many if Ray starts a process for each task, as it does with GPUs."""
        return MAX_TASK_SECONDS if self._task_options.get("num_gpus") else super().task_seconds

    def _count_slots(self) -> int:
        self._check_session()
        now = time.monotonic()
        if _answers(self._head):
            self._head_answered, self._has_warned_of_head = now, False
        elif now - self._head_answered > SECONDS_WITHOUT_HEAD:
            self._give_up(
                f"its head node {self._head} has not answered for {SECONDS_WITHOUT_HEAD:.0f} seconds"
            )
        else:
            self._warn_of_head(now - self._head_answered)
            return self._n_available  # asking the head node would block
        return n_slots(_nodes(), self._task_options)

    def _share(self, token: str, value: Any) -> Any:
        self._check_session()
        self._sources[token] = self._ray.put(value)
        return None

    def _send(self, task_id: int, call: Call) -> None:
        self._check_session()
        # References inside of a container are not replaced by their values.
        sources = {token: self._sources[token] for token in call.tokens}
        stream = self._function.remote(tuple(call), sources)
        self._streams[task_id], self._task_ids[stream] = stream, task_id

    def _receive(self, seconds: float) -> list[TaskUpdate]:
        self._check_session()
        try:
            return [self._take(stream) for stream in self._ready(seconds)]
        except SystemExit:  # Ray raises it if it is shut down in another thread
            self._check_session()
            raise

    def _ready(self, seconds: float) -> list[Any]:
        """Wait until a stream has an item or an end, no longer than so many seconds; return all such streams."""
        streams = list(self._task_ids)
        with self.interruptible():
            ready, others = self._waiter.wait(streams, seconds)
        if ready and others:
            ready += self._ray.wait(others, num_returns=len(others), timeout=0)[0]
        return list(ready)

    def _take(self, stream: Any) -> TaskUpdate:
        """Return the update for the next items of a stream that is ready."""
        task_id = self._task_ids[stream]
        try:
            items, output = pickle.loads(self._ray.get(next(stream)))
        except StopIteration:  # without an output
            self._drop(task_id)
            return self._lost(task_id, is_to_blame=False)
        except self._ray.exceptions.RayError as error:
            self._drop(task_id)
            return self._end_with_error(task_id, error)
        if output is None:
            return self._arrived(task_id, items, "")
        self._drop(task_id)
        return self._ended(task_id, output, items)

    def _end_with_error(self, task_id: int, error: Exception) -> TaskUpdate:
        """Return the last update of a task that Ray has ended with an error."""
        kinds = self._ray.exceptions
        if isinstance(error, kinds.WorkerCrashedError):
            return self._lost(task_id, is_to_blame=True)
        if isinstance(error, kinds.OutOfMemoryError):  # Ray ends one of the workers of the node
            del self._running[task_id]
            return TaskUpdate(task_id, is_done=True, lost="cancelled", n_deaths=1)
        gone = (
            kinds.NodeDiedError,
            kinds.LocalRayletDiedError,
            kinds.ObjectLostError,
            kinds.TaskCancelledError,
        )
        if isinstance(error, gone):
            return self._lost(task_id, is_to_blame=False)
        return self._failed(task_id, error)

    def _cancel(self, task_ids: Sequence[int]) -> None:
        for task_id in task_ids:
            stream = self._drop(task_id)
            if self._is_connected():
                self._ray.cancel(stream, force=True)

    def _forget_values(self, tokens: Sequence[str]) -> None:
        super()._forget_values(tokens)
        for token in tokens:
            self._sources.pop(token, None)

    def _end_worker(self, task_id: int) -> list[TaskUpdate]:
        self._cancel([task_id])
        return []

    def close(self) -> None:
        super().close()
        self._waiter.close()
        self._sources.clear()

    # -- private ---------------------------------------------------------------------------------------------

    def _warn_of_head(self, seconds: float) -> None:
        """Tell the user once that the head node does not answer.

        The error that ends a script is not shown, because Ray's own hook for such errors waits for the head
        node until Ray ends the process.
        """
        if seconds > SECONDS_UNTIL_WARNING and not self._has_warned_of_head:
            self._has_warned_of_head = True
            warn_user(
                f"the head node {self._head} of the Ray cluster has not answered for {SECONDS_UNTIL_WARNING:.0f} "
                f"seconds; after {SECONDS_WITHOUT_HEAD:.0f} seconds the search ends with an error, and its journal has "
                "the scores that came back"
            )

    def _drop(self, task_id: int) -> Any:
        """Forget the stream of a task; return it."""
        stream = self._streams.pop(task_id)
        del self._task_ids[stream]
        return stream

    def _is_connected(self) -> bool:
        """Tell whether this process is still connected to the cluster that the backend was made for."""
        ray = self._ray
        return bool(ray.is_initialized() and ray.get_runtime_context().get_job_id() == self._job_id)

    def _check_session(self) -> None:
        """Check that Ray was not shut down: most functions of Ray would silently start a new cluster."""
        if not self._is_lost and not self._is_connected():
            self._give_up("ray.shutdown() was called")

    def _give_up(self, reason: str) -> NoReturn:
        if self._is_connected():
            # Workers that still live would continue. Without a head, cancelling may block.
            streams = list(self._streams.values())
            Thread(target=_cancel_all, args=(self._ray, streams), daemon=True).start()
        self._streams.clear()
        self._task_ids.clear()
        super()._give_up(reason)


def _cancel_all(ray: Any, streams: Sequence[Any]) -> None:
    """Cancel tasks as far as Ray still can."""
    with suppress(Exception):
        for stream in streams:
            ray.cancel(stream, force=True)


def _initialised() -> Any:
    """Return the package Ray, after it is connected to a cluster as its own backend for joblib does it."""
    import ray
    from ray.util.client import ray as client

    if client.is_connected():
        raise RuntimeError(
            "a search cannot use Ray Client (an address that begins with ray://), which knows no tasks that send items "
            "while they run: run the script on a node of the cluster, for example as a job of `ray job submit`"
        )
    if not ray.is_initialized():
        with handler_kept():
            ray.init()  # the cluster of the environment variable RAY_ADDRESS, or a new one on this machine
    return ray


def _nodes() -> list[Mapping[str, float]]:
    """Return the resources of each node."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _task_options(backend: ParallelBackendBase, resources: FitResources) -> dict[str, Any]:
    return task_options(getattr(backend, "ray_remote_args", None), resources)


def _answers(address: str) -> bool:
    """Tell whether a server accepts connections at an address."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


# -- in a worker ---------------------------------------------------------------------------------------------


def _stream(call: tuple[Any, ...], sources: dict[str, Any]) -> Iterator[bytes]:
    """Run a call in a worker; yield pickled pairs of items, in groups, and the output, which is None before the end."""
    import ray

    def load(shared: Any) -> Any:
        try:
            return ray.get(sources[shared.token])
        except ray.exceptions.ObjectLostError as error:
            raise ValueLostError from error

    # Estimators with an `n_jobs` use threads, as in the workers of joblib's backends.
    with ending_at_once(), parallel_config("threading", n_jobs=None, nesting_level=1):
        yield from _grouped(stream_call(Call(*call), load))


def _grouped(steps: Generator[Any, None, Output]) -> Iterator[bytes]:
    group, last = [], -math.inf
    while True:
        try:
            group.append(next(steps))
        except StopIteration as end:
            yield _pickled(group, _without_large_items(end.value))
            return
        # An item that says that a fit begins is the last one for as long as the fit takes.
        if isinstance(group[-1], Begun) and time.monotonic() - last > SECONDS_TO_GROUP:
            yield _pickled(group, None)
            group, last = [], time.monotonic()


def _without_large_items(output: Output) -> Output:
    """Return the output without what was sent before, such as the predictions of scores."""
    reduce = getattr(output.result, "without_large_items", None)
    return output if reduce is None else output._replace(result=reduce())


def _pickled(items: list[Any], output: Output | None) -> bytes:
    """Return items and output as bytes; if they cannot be pickled, the error is the output."""
    try:
        return bytes(_joblib.dumps((items, output)))
    except BaseException as error:
        return bytes(_joblib.dumps(([], Output(TaskFailure(error)))))
