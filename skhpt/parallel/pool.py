"""Pool of workers: submit tasks, and wait for updates of whichever task has some first.

`joblib.Parallel` takes a list of tasks and returns when all are done. That suits a grid, but not a search
that chooses candidates while others are being evaluated. A pool keeps one session open for a whole search, on
the backend that the user chose with `joblib.parallel_config` (processes, threads, Dask, Ray, ...): data is
sent and workers are started only once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from joblib import Parallel, effective_n_jobs

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase, SequentialBackend
from skhpt.parallel.backends import Backend, BatchBackend, FutureBackend, SerialBackend
from skhpt.parallel.channels import Task, TaskUpdate
from skhpt.parallel.dask import DaskBackend
from skhpt.parallel.processes import ProcessBackend
from skhpt.parallel.watchdog import watchdog


def n_workers(n_jobs: int | None) -> int:
    """Return the number of workers that `n_jobs` means on the active backend."""
    return int(effective_n_jobs(n_jobs))


def shares_memory(n_jobs: int | None, fit_timeout: float | None = None) -> bool:
    """Tell whether the workers are in this process."""
    backend = _joblib.active_backend(Parallel(n_jobs=n_jobs))
    if fit_timeout is not None or (DaskBackend.serves(backend) and n_jobs != 1):
        return False
    return n_workers(n_jobs) == 1 or _joblib.has_threads(backend)


class Pool:
    """Workers that are kept for a whole search; use it in a ``with`` block.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Number of workers, as in `joblib.Parallel`; None means that of `joblib.parallel_config`, or else 1.
    pre_dispatch : int, str or None, default="2*n_jobs"
        Greatest number of pending tasks, as in `joblib.Parallel`.
    fit_timeout : float, default=None
        Seconds after which a fit is given up; it takes processes of this machine, even for a single worker.
    interruptible : callable, default=nullcontext
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`: this process waits or works in it.
    folders : iterable of str, default=()
        Other folders to remove if this process is killed.

    Attributes
    ----------
    backend : Backend
        Sends tasks to the workers.
    n_slots : int
        Number of tasks that run at the same time.
    is_serial : bool
        Whether there are no workers: this thread runs each task as soon as it waits.
    n_pending : int
        Number of tasks that are submitted and not done.
    n_free : float
        Number of tasks that can be submitted before the next `wait`.

    Raises
    ------
    ValueError
        If there is a `fit_timeout`, but the workers are threads, or on other machines.
    """

    backend: Backend
    n_slots: int

    def __init__(
        self,
        n_jobs: int | None = None,
        *,
        pre_dispatch: int | str | None = "2*n_jobs",
        fit_timeout: float | None = None,
        interruptible: Callable[[], AbstractContextManager[Any]] = nullcontext,
        folders: Iterable[str] = (),
    ):
        self._parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self._fit_timeout = fit_timeout
        self._interruptible = interruptible
        self._folders = set(folders)
        self._pending: set[int] = set()  # task ids
        self._n_submitted = 0
        self._is_stopped = False

    def __enter__(self) -> Pool:
        self._parallel.__enter__()
        _joblib.remove_unused_folders(self._parallel)
        backend = _joblib.active_backend(self._parallel)
        self.n_slots = int(backend.effective_n_jobs(self._parallel.n_jobs))
        if self._n_jobs is not None and self._n_jobs > 0:  # Dask counts its cluster whatever n_jobs is
            self.n_slots = min(self.n_slots, self._n_jobs)
        try:
            self.backend = self._choose_backend(backend)
        except BaseException:
            _joblib.end_calls(self._parallel)
            raise
        self._max_pending = min(self.backend.max_pending, _max_pending(self._pre_dispatch, self.n_slots))
        self._watch()
        return self

    def _choose_backend(self, backend: ParallelBackendBase) -> Backend:
        # The only worker of a cluster may die without this process.
        is_cluster = DaskBackend.serves(backend) and self._n_jobs != 1
        is_serial = isinstance(backend, SequentialBackend) or (self.n_slots == 1 and not is_cluster)
        if self._fit_timeout is not None:
            if not is_serial and not _joblib.has_processes(backend):
                raise ValueError(
                    f"fit_timeout={self._fit_timeout} needs workers that are processes of this machine, such as those "
                    f"of joblib's backend 'loky'; the active backend is {type(backend).__name__}"
                )
            return self._process_backend()
        if is_serial:
            return SerialBackend(self._interruptible)
        if DaskBackend.serves(backend):
            return DaskBackend(backend, self._interruptible)
        if FutureBackend.serves(backend):
            return FutureBackend(self._parallel, self._interruptible)
        return BatchBackend(self._parallel, self._interruptible)

    def _process_backend(self) -> ProcessBackend:
        backend = _joblib.active_backend(self._parallel)
        return ProcessBackend(
            backend, self._interruptible, n_workers=self.n_slots, fit_timeout=self._fit_timeout
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if self._pending:
                self.backend.abort()
        finally:
            _joblib.end_calls(self._parallel)
            self.backend.close()  # last, because no worker writes any more
            watchdog.forget(self)

    @property
    def is_serial(self) -> bool:
        return isinstance(self.backend, SerialBackend)

    @property
    def n_pending(self) -> int:
        return len(self._pending)

    @property
    def n_free(self) -> float:
        return 0 if self._is_stopped else self._max_pending - len(self._pending)

    def submit(self, function: Task, *args: Any) -> int:
        """Submit a task, ``function(*args)``; return its id."""
        task_id = self._n_submitted
        self._n_submitted += 1
        self._pending.add(task_id)
        self.backend.submit(task_id, function, args)
        return task_id

    def wait(self, seconds: float | None = None) -> list[TaskUpdate]:
        """Wait for updates of tasks, but no longer than so many seconds; none if no task is pending."""
        self._watch()
        updates = self.backend.wait(seconds)
        for update in updates:
            if update.is_done:
                self._pending.remove(update.task_id)
        if self.backend.is_broken:
            self._replace_backend()
        return updates

    def _watch(self) -> None:
        """Let workers and folders end with this process."""
        if self.backend.is_watched or self._folders:
            pids = {*self.backend.pids(), *self.backend.helper_pids()}
            watchdog.watch(self, pids, {*self._folders, *self.backend.folders()})

    def _replace_backend(self) -> None:
        """Continue with processes that die separately, so that the cause of the next death is known."""
        self.backend.abort()
        self.backend.close()
        self.backend = self._process_backend()
        self._max_pending = min(self._max_pending, self.backend.max_pending)

    def stop_submitting(self) -> None:
        """Begin no further tasks, as far as possible; tasks that have begun come to their end."""
        self._is_stopped = True
        self._pending.difference_update(self.backend.stop_submitting())


def _max_pending(pre_dispatch: int | str | None, n_slots: int) -> float:
    """Return the number of tasks that `pre_dispatch` allows."""
    if pre_dispatch is None or pre_dispatch == "all":
        return math.inf
    if isinstance(pre_dispatch, str):
        pre_dispatch = _joblib.eval_expr(pre_dispatch.replace("n_jobs", str(n_slots)))
    return max(1, int(pre_dispatch))
