"""Pool of workers: submit tasks, and wait for updates of whichever task has some first.

`joblib.Parallel` takes a list of tasks and returns when all are done. That suits a grid, but not a search
that chooses candidates while others are being evaluated. A pool keeps one session open for a whole search, on
the backend that the user chose with `joblib.parallel_config` (processes, threads, Dask, Ray, ...): data is
sent and workers are started only once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from joblib import Parallel, effective_n_jobs

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import ParallelBackendBase, SequentialBackend
from skhpt.parallel.backends import Backend, FutureBackend, SerialBackend
from skhpt.parallel.channels import Task, TaskUpdate
from skhpt.parallel.cluster import ClusterOptions
from skhpt.parallel.engines import engine_of, n_jobs_of
from skhpt.parallel.fit_resources import NO_RESOURCES, FitResources
from skhpt.parallel.folders import make_folder
from skhpt.parallel.local_workers import plan_local_workers
from skhpt.parallel.processes import ProcessBackend
from skhpt.parallel.watchdog import watchdog

#: The number of tasks to send ahead unless the user says another: each backend may choose what it means.
DEFAULT_PRE_DISPATCH = "2*n_jobs"


def n_workers(n_jobs: int | None, fit_resources: FitResources = NO_RESOURCES) -> int:
    """Return the number of workers that `n_jobs` means on the active backend, which may be 0 on a cluster."""
    backend = _joblib.active_backend(Parallel(n_jobs=n_jobs))
    n_wanted = n_jobs_of(n_jobs)
    if engine := engine_of(backend, n_wanted, fit_resources):
        n_slots = engine.count_slots(backend, fit_resources)
        return n_slots if n_wanted is None or n_wanted < 0 else min(n_slots, n_wanted)
    return plan_local_workers(n_wanted, int(effective_n_jobs(n_jobs)), fit_resources).n_workers


def shares_memory(
    n_jobs: int | None, fit_timeout: float | None = None, fit_resources: FitResources = NO_RESOURCES
) -> bool:
    """Tell whether the workers are in this process."""
    backend = _joblib.active_backend(Parallel(n_jobs=n_jobs))
    if needs_processes(fit_timeout, fit_resources) or engine_of(backend, n_jobs_of(n_jobs), fit_resources):
        return False
    return n_workers(n_jobs) == 1 or _joblib.has_threads(backend)


def make_shared_folder() -> str:
    """Make a folder for files of the workers: where the user says, which may be a folder of all machines.

    joblib's `parallel_config` has a parameter `temp_folder` for it, in place of the environment variable
    ``JOBLIB_TEMP_FOLDER``.
    """
    parent = _joblib.temp_folder(Parallel())
    with suppress(OSError):  # the folder does not exist; joblib would make it
        if parent is not None:
            os.makedirs(parent, exist_ok=True)
            return make_folder(parent)
    return make_folder()


def needs_processes(fit_timeout: float | None, fit_resources: FitResources) -> bool:
    """Tell whether fits need worker processes that are started for this search and can be killed one by one."""
    return fit_timeout is not None or bool(fit_resources)


class Pool:
    """Workers that are kept for a whole search; use it in a ``with`` block.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Number of workers, as in `joblib.Parallel`; None means that of `joblib.parallel_config`, or else 1.
    pre_dispatch : int, str or None, default="2*n_jobs"
        Greatest number of pending tasks, as in `joblib.Parallel`.
    fit_timeout : float, default=None
        Seconds after which a fit is given up; it takes processes, even for a single worker.
    fit_resources : FitResources, default=NO_RESOURCES
        Resources that each fit needs.
    interruptible : callable, default=nullcontext
        Returns a context in which Ctrl-C may raise `KeyboardInterrupt`: this process waits or works in it.
    folders : iterable of str, default=()
        Other folders to remove if this process is killed.

    Attributes
    ----------
    backend : Backend
        Sends tasks to the workers.
    n_slots : int
        Number of tasks that run at the same time, at least 1. On a cluster it may change at any moment.
    task_seconds : float
        Seconds of work that a task should hold, so that sending it costs little in comparison.
    is_serial : bool
        Whether there are no workers: this thread runs each task as soon as it waits.
    works_in_background : bool
        Whether tasks run while this thread does something else than to wait.
    shares_memory : bool
        Whether tasks run in other threads of this process.
    n_pending : int
        Number of tasks that are submitted and not done.
    n_free : float
        Number of tasks that can be submitted before the next `wait`.

    Raises
    ------
    ValueError
        If there is a `fit_timeout`, or fits need resources, but the workers are threads; if this machine or
        the cluster has not enough for one fit.
    """

    backend: Backend

    def __init__(
        self,
        n_jobs: int | None = None,
        *,
        pre_dispatch: int | str | None = DEFAULT_PRE_DISPATCH,
        fit_timeout: float | None = None,
        fit_resources: FitResources = NO_RESOURCES,
        interruptible: Callable[[], AbstractContextManager[Any]] = nullcontext,
        folders: Iterable[str] = (),
    ):
        self._parallel = Parallel(n_jobs=n_jobs, batch_size=1)
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self._fit_timeout = fit_timeout
        self._fit_resources = fit_resources
        self._interruptible = interruptible
        self._folders = set(folders)
        self._pending: set[int] = set()  # task ids
        self._n_submitted = 0
        self._is_stopped = False
        self._is_entered = False  # the session of joblib

    def __enter__(self) -> Pool:
        self.backend = self._open_cluster() or self._open_joblib()
        self._watch()
        return self

    def _open_cluster(self) -> Backend | None:
        """Return the backend of the active engine, whose backend of joblib is not used; None without an engine."""
        backend, n_jobs = _joblib.active_backend(self._parallel), n_jobs_of(self._n_jobs)
        engine = engine_of(backend, n_jobs, self._fit_resources)
        if engine is None:
            return None
        options = ClusterOptions(
            n_jobs=n_jobs, fit_timeout=self._fit_timeout, fit_resources=self._fit_resources
        )
        return engine(backend, self._interruptible, options)

    def _open_joblib(self) -> Backend:
        """Open a session of joblib; return the backend for it."""
        if n_jobs_of(self._n_jobs) == 1:  # joblib's backend for Dask would use the whole cluster
            self._parallel = Parallel(n_jobs=1, batch_size=1, backend="sequential")
        self._parallel.__enter__()
        self._is_entered = True
        try:
            _joblib.remove_unused_folders(self._parallel)
            return self._joblib_backend()
        except BaseException:
            self._close_joblib()
            raise

    def _joblib_backend(self) -> Backend:
        backend = _joblib.active_backend(self._parallel)
        is_serial = isinstance(backend, SequentialBackend) or self._n_effective(backend) == 1
        if needs_processes(self._fit_timeout, self._fit_resources):
            if not is_serial and not _joblib.has_processes(backend):
                raise ValueError(self._why_not(backend))
            return self._process_backend()
        if is_serial:
            return SerialBackend(self._interruptible)
        return FutureBackend(self._parallel, self._interruptible)

    def _process_backend(self) -> ProcessBackend:
        backend = _joblib.active_backend(self._parallel)
        workers = plan_local_workers(n_jobs_of(self._n_jobs), self._n_effective(backend), self._fit_resources)
        return ProcessBackend(backend, self._interruptible, workers=workers, fit_timeout=self._fit_timeout)

    def _n_effective(self, backend: ParallelBackendBase) -> int:
        """Return the number of workers that joblib makes of `n_jobs`."""
        return int(backend.effective_n_jobs(self._parallel.n_jobs))

    def _why_not(self, backend: ParallelBackendBase) -> str:
        """Return the error of a backend that has no processes which this process could end one by one."""
        needed = f"fit_timeout={self._fit_timeout}"
        if self._fit_timeout is None:
            needed = f"fit_resources={dict(self._fit_resources.amounts)}"
        return (
            f"{needed} needs workers that are processes: on one machine those of joblib's backend 'loky' "
            f"(the default), on a cluster those of Dask or Ray; the active backend is {type(backend).__name__}"
        )

    def _close_joblib(self) -> None:
        if self._is_entered:
            self._is_entered = False
            _joblib.end_calls(self._parallel)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if self._pending:
                self.backend.abort()
        finally:
            self._close_joblib()
            self.backend.close()  # last, because no worker writes any more
            watchdog.forget(self)

    @property
    def n_slots(self) -> int:
        return self.backend.n_slots

    @property
    def task_seconds(self) -> float:
        return self.backend.task_seconds

    @property
    def is_serial(self) -> bool:
        return isinstance(self.backend, SerialBackend)

    @property
    def works_in_background(self) -> bool:
        return self.backend.works_in_background

    @property
    def shares_memory(self) -> bool:
        return self.backend.shares_memory

    @property
    def n_pending(self) -> int:
        return len(self._pending)

    @property
    def n_free(self) -> float:
        return 0 if self._is_stopped else self._max_pending() - len(self._pending)

    def _max_pending(self) -> float:
        """Return the number of tasks that may be pending."""
        return min(self.backend.max_pending, self._pre_dispatched())

    def _pre_dispatched(self) -> float:
        """Return the number of tasks that `pre_dispatch` allows."""
        pre_dispatch = self._pre_dispatch
        if pre_dispatch is None or pre_dispatch == "all":
            return math.inf
        if pre_dispatch == DEFAULT_PRE_DISPATCH:
            return self.backend.default_pending
        if isinstance(pre_dispatch, str):
            pre_dispatch = _joblib.eval_expr(pre_dispatch.replace("n_jobs", str(self.n_slots)))
        return max(1, int(pre_dispatch))

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

    def stop_submitting(self) -> None:
        """Begin no further tasks, as far as possible; tasks that have begun come to their end."""
        self._is_stopped = True
        self._pending.difference_update(self.backend.stop_submitting())
