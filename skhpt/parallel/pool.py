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

from skhpt.parallel.backends import Inline, Rounds, Streaming, Way, make_batch
from skhpt.parallel.channels import Channel, News, Task
from skhpt.parallel.dask import Cluster
from skhpt.parallel.processes import Isolated
from skhpt.parallel.watchdog import Guard


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
        self._has_ceased = False
        self._guard = Guard()

    def __enter__(self) -> Pool:
        self._parallel.__enter__()
        backend = self._parallel._backend
        self.n_slots = backend.effective_n_jobs(self._parallel.n_jobs)
        if self._n_jobs is not None and self._n_jobs > 0:  # Dask counts its cluster whatever n_jobs is
            self.n_slots = min(self.n_slots, self._n_jobs)
        try:
            self._way = self._find_way(backend)
        except BaseException:
            self._parallel.__exit__(None, None, None)
            raise
        self._limit = 1 if isinstance(self._way, Inline) else _in_flight(self._pre_dispatch, self.n_slots)
        if isinstance(self._way, Isolated):
            self._limit = min(self._limit, self.n_slots)
        return self

    def _find_way(self, backend: ParallelBackendBase) -> Way:
        alone = self.n_slots == 1 or isinstance(backend, SequentialBackend)
        if self._fit_timeout is not None:
            if not alone and not isinstance(backend, (LokyBackend, MultiprocessingBackend)):
                raise ValueError(
                    f"fit_timeout={self._fit_timeout} needs workers that are processes of this machine, as joblib's "
                    f"backend 'loky' has them; the active backend is {type(backend).__name__}"
                )
            return self._isolate()
        if alone:
            return Inline(self._interruptible)
        if Cluster.serves(backend):
            return Cluster(backend, self._interruptible)
        if Streaming.serves(backend):
            return Streaming(self._parallel, self._interruptible)
        return Rounds(self._parallel, self._interruptible)

    def _isolate(self) -> Isolated:
        backend = self._parallel._backend
        env = backend._prepare_worker_env(self.n_slots) if isinstance(backend, LokyBackend) else None

        def batch(function: Task, args: tuple[Any, ...], channel: Channel) -> BatchedCalls:
            return make_batch(backend, function, args, channel)

        return Isolated(self.n_slots, batch, self._interruptible, self._fit_timeout, env)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if self._tickets:
                self._way.abort()
        finally:
            self._guard.dismiss()
            self._parallel.__exit__(kind, error, trace)
            self._way.close()  # now that nobody writes any more

    @property
    def n_pending(self) -> int:
        return len(self._tickets)

    @property
    def n_free(self) -> float:
        return 0 if self._has_ceased else self._limit - self.n_pending

    def submit(self, function: Task, *args: Any) -> int:
        """Queue a task, ``function(*args)``; return its ticket."""
        ticket, self._n_submitted = self._n_submitted, self._n_submitted + 1
        self._tickets.add(ticket)
        self._way.submit(ticket, function, args)
        return ticket

    def wait(self, seconds: float | None = None) -> list[News]:
        """Wait until there is news of a task, but no longer than so many seconds; none if no task is under way."""
        self._guard.watch(self._way.pids(), {*self._folders, *self._way.folders()})
        news = self._way.wait(seconds)
        for one in news:
            if one.is_done:
                self._tickets.remove(one.ticket)
        if any(one.lost for one in news) and isinstance(self._way, Streaming) and self._way.is_broken:
            self._way.abort()
            self._way.close()
            self._way = self._isolate()  # if it happens again it shall be known to whom
            self._limit = min(self._limit, self.n_slots)  # and no more of what that one has asked for shall be begun
        return news

    def cease(self) -> None:
        """Begin no further tasks, as far as possible; the others come to their end."""
        self._has_ceased = True
        self._tickets.difference_update(self._way.cease())


def _in_flight(pre_dispatch: Any, n_slots: int) -> float:
    if pre_dispatch is None or pre_dispatch == "all":
        return math.inf
    if isinstance(pre_dispatch, str):
        pre_dispatch = eval_expr(pre_dispatch.replace("n_jobs", str(n_slots)))
    return max(1, int(pre_dispatch))
