"""How the results of tasks come back from a backend of joblib: a future for each task, whatever the backend supports.

With `supports_retrieve_callback`, a backend calls back with an object that `retrieve_result_callback` turns
into the result. Without it, as joblib-spark, it calls back when a task is done, with an argument that has no
meaning; `retrieve_result` then waits for the result, given what `submit` has returned.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import BatchedCalls, ParallelBackendBase


class Retrieval(Protocol):
    """Submits tasks and retrieves their results."""

    def submit(self, batch: BatchedCalls, future: Future[Any]) -> Any:
        """Submit a task whose result the future is to have; return the handle of the backend."""
        ...

    def close(self) -> None:
        """Retrieve no further results."""
        ...


def make_retrieval(backend: ParallelBackendBase) -> Retrieval:
    """Return the way in which results come back from a backend."""
    if _joblib.returns_results_by_callback(backend):
        return CallbackRetrieval(backend)
    return ThreadRetrieval(backend)


class CallbackRetrieval:
    """Retrieval for backends that call back with results.

    Parameters
    ----------
    backend : ParallelBackendBase
        The backend, in a session of joblib.
    """

    def __init__(self, backend: ParallelBackendBase):
        self._backend = backend

    def submit(self, batch: BatchedCalls, future: Future[Any]) -> Any:
        def done(out: Any) -> None:
            _settle(future, self._backend.retrieve_result_callback, out)

        return _joblib.submit_batch(self._backend, batch, done)

    def close(self) -> None:
        pass


class ThreadRetrieval:
    """Retrieval for backends that only say when a task is done, in two threads.

    One of them retrieves the results of tasks that have called back. A backend may forget to call back for a
    task that fails, so the other one waits for the oldest task, as `joblib.Parallel` does.

    Parameters
    ----------
    backend : ParallelBackendBase
        The backend, in a session of joblib.
    """

    def __init__(self, backend: ParallelBackendBase):
        self._backend = backend
        self._lock = Lock()
        self._handles: dict[Future[Any], Any] = {}  # without those that a thread retrieves or has retrieved
        self._done: SimpleQueue[Future[Any] | None] = SimpleQueue()
        self._submitted: SimpleQueue[Future[Any] | None] = SimpleQueue()
        for queue in (self._done, self._submitted):
            # A thread may wait for a task that was aborted, for ever, so it must not keep this process alive.
            Thread(target=self._retrieve, args=(queue,), daemon=True).start()

    def submit(self, batch: BatchedCalls, future: Future[Any]) -> Any:
        with self._lock:  # a task may be done before its handle is known
            handle = _joblib.submit_batch(self._backend, batch, lambda *_: self._done.put(future))
            self._handles[future] = handle
        self._submitted.put(future)
        return handle

    def close(self) -> None:
        self._done.put(None)
        self._submitted.put(None)

    def _retrieve(self, queue: SimpleQueue[Future[Any] | None]) -> None:
        """Retrieve the results of the tasks in a queue, except those that the other thread retrieves."""
        while (future := queue.get()) is not None:
            with suppress(KeyError):
                with self._lock:
                    handle = self._handles.pop(future)
                _settle(future, partial(_joblib.retrieve_result, self._backend), handle)


def _settle(future: Future[Any], retrieve: Callable[[Any], Any], source: Any) -> None:
    """Give a future the only result of a batch, or the exception of the backend."""
    try:
        [result] = retrieve(source)
    except BaseException as error:
        fail(future, error)
    else:
        with suppress(InvalidStateError):  # it was given up
            future.set_result(result)


def fail(future: Future[Any], error: BaseException) -> None:
    """Give a future an exception, unless it is done."""
    with suppress(InvalidStateError):
        future.set_exception(error)
