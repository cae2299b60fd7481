"""joblib's active backend as an executor: submit a task, get a future, wait for whichever comes first.

`joblib.Parallel` takes a whole list of tasks and returns when all are done, which suits a grid and nothing that decides
on the way. Here one session stays open for the whole search, on the backend that the user chose with
`joblib.parallel_config` (processes, threads, Dask, Ray, ...), so the data travels once and the workers stay warm.

joblib has no public door for this. The private names that it takes are all in `_Streaming`; a backend without them is
served in rounds by the public one (`_Rounds`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from queue import Empty
from typing import Any, Protocol

from joblib import Parallel, delayed, effective_n_jobs
from joblib._parallel_backends import ParallelBackendBase, SequentialBackend
from joblib._utils import eval_expr
from joblib.parallel import BatchedCalls

from skhpt._compat import bind_context


def n_workers(n_jobs: int | None) -> int:
    """Return how many workers `n_jobs` means on the active backend."""
    return int(effective_n_jobs(n_jobs))


def shares_memory(n_jobs: int | None) -> bool:
    """Tell whether the workers of the active backend are in this process."""
    parallel = Parallel(n_jobs=n_jobs)
    return n_workers(n_jobs) == 1 or bool(getattr(parallel._backend, "supports_sharedmem", False))


class Pool:
    """Workers for one search; use it in a ``with`` block.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Workers to use, as in `joblib.Parallel`; None means what `joblib.parallel_config` says, else 1.
    pre_dispatch : int, str or None, default="2*n_jobs"
        Tasks in flight at most, as in `joblib.Parallel`.

    Attributes
    ----------
    n_slots : int
        Tasks that run at the same time.
    n_pending : int
        Tasks that were submitted and did not come back yet.
    n_free : float
        Tasks that can be submitted before the next `wait`.
    """

    def __init__(self, n_jobs: int | None = None, pre_dispatch: Any = "2*n_jobs"):
        self._parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self.n_pending = 0

    def __enter__(self) -> Pool:
        self._parallel.__enter__()
        backend = self._parallel._backend
        self.n_slots = backend.effective_n_jobs(self._parallel.n_jobs)
        if self._n_jobs is not None and self._n_jobs > 0:  # Dask counts its cluster whatever n_jobs is
            self.n_slots = min(self.n_slots, self._n_jobs)
        if self.n_slots == 1 or isinstance(backend, SequentialBackend):
            self._way: _Way = _Inline()
        elif _Streaming.serves(backend):
            self._way = _Streaming(self._parallel)
        else:
            self._way = _Rounds(self._parallel)
        self._limit = 1 if isinstance(self._way, _Inline) else _in_flight(self._pre_dispatch, self.n_slots)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if self.n_pending:
                self._way.abort()
        finally:
            self._parallel.__exit__(kind, error, trace)

    @property
    def n_free(self) -> float:
        return self._limit - self.n_pending

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Queue ``function(*args)``."""
        self.n_pending += 1
        self._way.submit(function, args)

    def wait(self) -> list[Future[Any]]:
        """Wait until at least one task is done; return the futures of all that are, and forget them."""
        done = self._way.wait()
        self.n_pending -= len(done)
        return done


class _Way(Protocol):
    """How tasks reach the workers."""

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None: ...

    def wait(self) -> list[Future[Any]]: ...

    def abort(self) -> None: ...


class _Inline:
    """One worker, this thread: a task runs when it is waited for."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._queue.append((function, args))

    def wait(self) -> list[Future[Any]]:
        if not self._queue:
            return []
        function, args = self._queue.popleft()
        future: Future[Any] = Future()
        future.set_result(function(*args))  # an error is raised right here
        return [future]

    def abort(self) -> None:
        self._queue.clear()


class _Streaming:
    """Straight to the backend's ``submit``, one future per task."""

    def __init__(self, parallel: Parallel):
        self._parallel = parallel
        self._backend = backend = parallel._backend
        self._submit = getattr(backend, "submit", None) or backend.apply_async  # joblib < 1.5
        self._pending: set[Future[Any]] = set()
        self._pickle_cache: dict[Any, Any] = {}
        backend.start_call()
        parallel._calling = True  # so that Parallel calls stop_call at the end

    @staticmethod
    def serves(backend: ParallelBackendBase) -> bool:
        """Tell whether a backend hands back results through a callback, which makes a future possible."""
        has_door = hasattr(backend, "submit") or hasattr(backend, "apply_async")
        return has_door and bool(getattr(backend, "supports_retrieve_callback", False))

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        future: Future[Any] = Future()
        task: tuple[Any, ...] = (bind_context(function), args, {})
        batch = BatchedCalls([task], self._backend.get_nested_backend(), self._before_pickling, self._pickle_cache)

        def done(out: Any) -> None:
            try:
                result = self._backend.retrieve_result_callback(out)
            except BaseException as error:
                _fail(future, error)
            else:
                future.set_result(result[0])

        self._pending.add(future)
        job = self._submit(batch, callback=done)
        if isinstance(job, Future):  # Dask tells of a lost worker here only

            def watch(job: Future[Any]) -> None:
                if not job.cancelled() and (error := job.exception()) is not None:
                    _fail(future, error)

            job.add_done_callback(watch)

    def wait(self) -> list[Future[Any]]:
        if not self._pending:
            return []
        done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
        return list(done)

    def abort(self) -> None:
        self._pending.clear()
        # When loky kills its workers it trips over tasks that it has not handed to them yet.
        waiting: Any = getattr(getattr(self._backend, "_workers", None), "_work_ids", None)
        with suppress(Empty):
            while waiting is not None:
                waiting.get_nowait()
        self._backend.abort_everything(ensure_ready=False)

    def _before_pickling(self) -> None:
        """Let loky put memory maps of large arrays into this session's own folder, as `Parallel.__call__` does."""
        workers: Any = getattr(self._backend, "_workers", None)
        if hasattr(workers, "_temp_folder_manager"):
            workers._temp_folder_manager.set_current_context(self._parallel._id)


class _Rounds:
    """Through the public door: everything that is queued goes out together and comes back together."""

    def __init__(self, parallel: Parallel):
        self._parallel = parallel
        self._queue: list[Any] = []

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._queue.append(delayed(bind_context(function))(*args))

    def wait(self) -> list[Future[Any]]:
        queue, self._queue = self._queue, []
        done: list[Future[Any]] = []
        for result in self._parallel(queue):
            done.append(Future())
            done[-1].set_result(result)
        return done

    def abort(self) -> None:
        self._queue.clear()


def _fail(future: Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _in_flight(pre_dispatch: Any, n_slots: int) -> float:
    if pre_dispatch is None or pre_dispatch == "all":
        return math.inf
    if isinstance(pre_dispatch, str):
        pre_dispatch = eval_expr(pre_dispatch.replace("n_jobs", str(n_slots)))
    return max(1, int(pre_dispatch))
