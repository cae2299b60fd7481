"""joblib's active backend as an executor: submit a task, hear of it, wait for whichever comes first.

`joblib.Parallel` takes a whole list of tasks and returns when all are done, which suits a grid and nothing that decides
on the way. Here one session stays open for the whole search, on the backend that the user chose with
`joblib.parallel_config` (processes, threads, Dask, Ray, ...), so the data travels once and the workers stay warm.

How tasks reach the workers, `ways`, `isolated` and `cluster` know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from joblib import Parallel, effective_n_jobs
from joblib._parallel_backends import LokyBackend, MultiprocessingBackend, ParallelBackendBase, SequentialBackend
from joblib._utils import eval_expr
from joblib.parallel import BatchedCalls

from skhpt.parallel.backends import Backend, BatchBackend, FutureBackend, SerialBackend, make_batch
from skhpt.parallel.channels import Channel, Task, TaskUpdate
from skhpt.parallel.dask import DaskBackend
from skhpt.parallel.processes import ProcessBackend
from skhpt.parallel.watchdog import Watchdog


def n_workers(n_jobs: int | None) -> int:
    """Return how many workers `n_jobs` means on the active backend."""
    return int(effective_n_jobs(n_jobs))


def shares_memory(n_jobs: int | None, fit_timeout: float | None = None) -> bool:
    """Tell whether the workers are in this process."""
    if fit_timeout is not None:
        return False
    parallel = Parallel(n_jobs=n_jobs)
    return n_workers(n_jobs) == 1 or bool(getattr(parallel._backend, "supports_sharedmem", False))


class Pool:
    """Workers that are kept for a whole search; use it in a ``with`` block.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Workers to use, as in `joblib.Parallel`; None means what `joblib.parallel_config` says, else 1.
    pre_dispatch : int, str or None, default="2*n_jobs"
        Tasks in flight at most, as in `joblib.Parallel`.
    fit_timeout : float, default=None
        Seconds after which a fit is given up; it takes processes of this machine, even for a single worker.
    interruptible : callable, default=nullcontext
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`: this process waits or works in it.
    folders : iterable of str, default=()
        What else is to be removed if this process is killed.

    Attributes
    ----------
    n_slots : int
        Tasks that run at the same time.
    n_pending : int
        Tasks that were submitted and did not come to an end yet.
    n_free : float
        Tasks that can be submitted before the next `wait`.

    Raises
    ------
    ValueError
        If there is a `fit_timeout`, but the workers are threads, or on other machines.
    """

    def __init__(
        self,
        n_jobs: int | None = None,
        *,
        pre_dispatch: Any = "2*n_jobs",
        fit_timeout: float | None = None,
        interruptible: Callable[[], AbstractContextManager[Any]] = nullcontext,
        folders: Iterable[str] = (),
    ):
        self._folders = folders
        self._parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self._fit_timeout = fit_timeout
        self._interruptible = interruptible
        self._tickets: set[int] = set()  # of tasks that are pending
        self._n_submitted = 0
        self._stopped = False
        self._watchdog = Watchdog()

    def __enter__(self) -> Pool:
        self._parallel.__enter__()
        backend = self._parallel._backend
        self.n_slots = backend.effective_n_jobs(self._parallel.n_jobs)
        if self._n_jobs is not None and self._n_jobs > 0:  # Dask counts its cluster whatever n_jobs is
            self.n_slots = min(self.n_slots, self._n_jobs)
        try:
            self._backend_adapter = self._find_way(backend)
        except BaseException:
            self._parallel.__exit__(None, None, None)
            raise
        self._limit = (
            1 if isinstance(self._backend_adapter, SerialBackend) else _in_flight(self._pre_dispatch, self.n_slots)
        )
        if isinstance(self._backend_adapter, ProcessBackend):
            self._limit = min(self._limit, self.n_slots)
        return self

    def _find_way(self, backend: ParallelBackendBase) -> Backend:
        alone = self.n_slots == 1 or isinstance(backend, SequentialBackend)
        if self._fit_timeout is not None:
            if not alone and not isinstance(backend, (LokyBackend, MultiprocessingBackend)):
                raise ValueError(
                    f"fit_timeout={self._fit_timeout} needs workers that are processes of this machine, as joblib's "
                    f"backend 'loky' has them; the active backend is {type(backend).__name__}"
                )
            return self._isolate()
        if alone:
            return SerialBackend(self._interruptible)
        if DaskBackend.serves(backend):
            return DaskBackend(backend, self._interruptible)
        if FutureBackend.serves(backend):
            return FutureBackend(self._parallel, self._interruptible)
        return BatchBackend(self._parallel, self._interruptible)

    def _isolate(self) -> ProcessBackend:
        backend = self._parallel._backend
        env = backend._prepare_worker_env(self.n_slots) if isinstance(backend, LokyBackend) else None

        def batch(function: Task, args: tuple[Any, ...], channel: Channel) -> BatchedCalls:
            return make_batch(backend, function, args, channel)

        return ProcessBackend(self.n_slots, batch, self._interruptible, self._fit_timeout, env)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if self._tickets:
                self._backend_adapter.abort()
        finally:
            self._watchdog.stop()
            self._parallel.__exit__(kind, error, trace)
            self._backend_adapter.close()  # now that nobody writes any more

    @property
    def n_pending(self) -> int:
        return len(self._tickets)

    @property
    def n_free(self) -> float:
        return 0 if self._stopped else self._limit - self.n_pending

    def submit(self, function: Task, *args: Any) -> int:
        """Queue a task, ``function(*args)``; return its task_id."""
        task_id, self._n_submitted = self._n_submitted, self._n_submitted + 1
        self._tickets.add(task_id)
        self._backend_adapter.submit(task_id, function, args)
        return task_id

    def wait(self, seconds: float | None = None) -> list[TaskUpdate]:
        """Wait until there is news of a task, but no longer than so many seconds; none if no task is under way."""
        self._watchdog.watch(self._backend_adapter.pids(), {*self._folders, *self._backend_adapter.folders()})
        updates = self._backend_adapter.wait(seconds)
        for one in updates:
            if one.is_done:
                self._tickets.remove(one.task_id)
        if (
            any(one.lost for one in updates)
            and isinstance(self._backend_adapter, FutureBackend)
            and self._backend_adapter.is_broken
        ):
            self._backend_adapter.abort()
            self._backend_adapter.close()
            self._backend_adapter = self._isolate()  # if it happens again it shall be known to whom
            self._limit = min(self._limit, self.n_slots)  # and no more of what that one has asked for shall be begun
        return updates

    def stop_submitting(self) -> None:
        """Begin no further tasks, as far as possible; the others come to their end."""
        self._stopped = True
        self._tickets.difference_update(self._backend_adapter.stop_submitting())


def _in_flight(pre_dispatch: Any, n_slots: int) -> float:
    if pre_dispatch is None or pre_dispatch == "all":
        return math.inf
    if isinstance(pre_dispatch, str):
        pre_dispatch = eval_expr(pre_dispatch.replace("n_jobs", str(n_slots)))
    return max(1, int(pre_dispatch))
