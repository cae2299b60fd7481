"""Private names of joblib, loky and multiprocessing: no other file of the package uses them.

joblib has no public interface to send tasks to a backend one by one, nor to end its workers. The functions of
this module do both. Where a version of joblib or a backend lacks a private name, they do as much as is
possible without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from queue import Empty
from threading import Thread
from typing import Any

from joblib import Parallel, cpu_count
from joblib._memmapping_reducer import (
    get_memmapping_reducers,  # large arrays travel as memory maps
    resource_tracker,  # process that reports files as leaked if they still exist at the end
)
from joblib._parallel_backends import (  # kinds of backends, and the type of any other
    LokyBackend,
    MultiprocessingBackend,
    ParallelBackendBase,
    SequentialBackend,
)
from joblib._utils import eval_expr  # value of `pre_dispatch`
from joblib.externals.loky import (
    ProcessPoolExecutor,  # processes that may die alone
    reusable_executor,  # workers that later calls use again
)
from joblib.externals.loky.backend.reduction import dumps  # form of tasks and exceptions on their way
from joblib.externals.loky.process_executor import TerminatedWorkerError  # error of a task whose worker died
from joblib.parallel import (
    BatchedCalls,  # form in which a backend takes tasks
    get_active_backend,  # the backend and the number of jobs of `parallel_config`
)

from skhpt.parallel.process_tree import find_trees, kill, kill_trees

__all__ = [
    "BatchedCalls",
    "LokyBackend",
    "MultiprocessingBackend",
    "ParallelBackendBase",
    "ProcessPoolExecutor",
    "SequentialBackend",
    "TerminatedWorkerError",
    "cpu_count",
    "dumps",
    "eval_expr",
]

#: Program of loky's workers, as their command line shows it.
WORKER_MODULE = "joblib.externals.loky.backend.popen_loky_posix"
#: Seconds that a worker of a `multiprocessing.Pool` gets to end before it is killed.
SECONDS_TO_END = 1.0
#: Seconds that a live worker of a `multiprocessing.Pool` needs at most to hand over a result.
SECONDS_TO_HAND_OVER = 5.0


def active_backend(parallel: Parallel) -> ParallelBackendBase:
    """Return the backend that the user chose with `joblib.parallel_config`."""
    return parallel._backend


def configured_n_jobs() -> int | None:
    """Return the `n_jobs` of the active `joblib.parallel_config`; None if it does not say any."""
    n_jobs: int | None = get_active_backend()[1]
    return n_jobs


def temp_folder(parallel: Parallel) -> str | None:
    """Return the folder for temporary files that the user chose; None if there is none.

    As in joblib, it is the `temp_folder` of the active `joblib.parallel_config`, or else that of the
    environment.
    """
    # The second name is the one before joblib 1.5.
    options = getattr(parallel, "_backend_kwargs", None) or parallel._backend_args
    configured = options.get("temp_folder")
    folder = configured or os.environ.get("JOBLIB_TEMP_FOLDER")
    return str(folder) if folder else None


def begin_calls(parallel: Parallel) -> None:
    """Begin a series of calls on the backend; `Parallel` ends the series."""
    parallel._backend.start_call()
    parallel._calling = True  # without it, Parallel does not call stop_call at the end


def returns_results_by_callback(backend: ParallelBackendBase) -> bool:
    """Tell whether a backend calls back with the result of each task."""
    return bool(getattr(backend, "supports_retrieve_callback", False))


def submit_batch(backend: ParallelBackendBase, batch: BatchedCalls, callback: Callable[[Any], None]) -> Any:
    """Submit a batch of calls; return the backend's handle."""
    # Since joblib 1.5; it warns and calls apply_async.
    inherited = getattr(ParallelBackendBase, "submit", None)
    has_submit = getattr(type(backend), "submit", None) is not inherited
    submit = backend.submit if has_submit else backend.apply_async
    return submit(batch, callback=callback)


def retrieve_result(backend: ParallelBackendBase, handle: Any) -> Any:
    """Wait for the result of a task, given the handle of a backend that does not call back with results."""
    retrieve = getattr(backend, "retrieve_result", None)  # joblib 1.4 has none, and asks the handle
    return handle.get() if retrieve is None else retrieve(handle)


def has_threads(backend: ParallelBackendBase) -> bool:
    """Tell whether the workers of a backend are threads of this process."""
    return bool(getattr(backend, "supports_sharedmem", False))


def has_processes(backend: ParallelBackendBase) -> bool:
    """Tell whether the workers of a backend are processes of this machine."""
    return isinstance(backend, LokyBackend) or is_multiprocessing(backend)


def is_multiprocessing(backend: ParallelBackendBase) -> bool:
    """Tell whether a backend has a pool of `multiprocessing`: backends derived from joblib's may have another one."""
    pool = getattr(backend, "_pool", None)
    if not isinstance(backend, MultiprocessingBackend):
        return False
    if pool is None:  # it is not opened, or closed
        return type(backend) is MultiprocessingBackend
    return isinstance(pool, Pool) and not isinstance(pool, ThreadPool)


def worker_environment(
    backend: ParallelBackendBase, n_workers: int, n_threads: int | None = None
) -> dict[str, str] | None:
    """Return the environment variables of workers, which limit the threads of libraries for linear algebra.

    A number that the user has chosen for the backend comes first. If there is none at all, workers of loky
    share the processors, and others have the variables of this process.
    """
    if n_threads is not None and getattr(backend, "inner_max_num_threads", None) is None:
        backend = LokyBackend(inner_max_num_threads=n_threads)
    prepare = getattr(backend, "_prepare_worker_env", None)
    return prepare(n_workers) if prepare is not None and isinstance(backend, LokyBackend) else None


def worker_pids(backend: ParallelBackendBase) -> list[int]:
    """Return the worker processes of a backend that are on this machine."""
    if isinstance(backend, LokyBackend):
        return executor_pids(backend._workers)
    if is_multiprocessing(backend):
        return [process.pid for process in getattr(backend._pool, "_pool", ())]
    return []


def executor_pids(executor: ProcessPoolExecutor | None) -> list[int]:
    """Return the processes of an executor of loky."""
    return list(getattr(executor, "_processes", None) or ())


def shared_worker_pids() -> list[int]:
    """Return the processes of the executor of loky that all calls in this process share, at work or idle."""
    return executor_pids(reusable_executor._executor)


def memory_map_options(folder: str) -> dict[str, Any]:
    """Return options of executors of loky that write each large array to a folder once and send it as a memory map."""
    jobs, results = get_memmapping_reducers(temp_folder_resolver=lambda: folder, unlink_on_gc_collect=False)[
        :2
    ]
    return {"job_reducers": jobs, "result_reducers": results}


def forget_memory_maps(folder: str) -> None:
    """Tell loky that the memory maps in a folder will be removed: otherwise it reports them as leaked."""
    with suppress(OSError):  # no array was large enough
        for path in Path(folder).iterdir():
            resource_tracker.unregister(str(path), "file")


def use_own_folder(parallel: Parallel) -> None:
    """Let loky put memory maps of large arrays into the folder of this `Parallel`, as `Parallel.__call__` does."""
    manager = getattr(getattr(parallel._backend, "_workers", None), "_temp_folder_manager", None)
    if manager is not None:
        manager.set_current_context(parallel._id)
        # joblib makes a folder in shared memory as the umask has it, and restricts only other folders.
        with suppress(AttributeError, OSError):
            os.chmod(manager.resolve_temp_folder_name(), 0o700)


def remove_unused_folders(parallel: Parallel) -> None:
    """Remove folders of memory maps that nothing will use.

    For each call, joblib makes a manager of such folders, with a folder that no call uses, and forgets it if
    it uses the workers of the last call again. The folders stay until the end of this process. If joblib
    needs a folder that is missing, it makes it.
    """
    manager = getattr(getattr(parallel._backend, "_workers", None), "_temp_folder_manager", None)
    if manager is None:
        return
    unused, *used = map(Path, manager._cached_temp_folders.values())  # the first one is that of the manager
    for folder in unused.parent.glob(f"joblib_memmapping_folder_{os.getpid()}_*"):
        if folder not in used:
            with suppress(OSError):  # it is not empty, or a call in another thread has removed it
                folder.rmdir()


def abort_workers(backend: ParallelBackendBase) -> None:
    """End the workers of a backend, with the tasks that they run; there may be none any more."""
    if is_multiprocessing(backend):
        _abort_multiprocessing(backend)
        return
    if isinstance(backend, LokyBackend):
        if backend._workers is None:
            return
        _forget_unsent_tasks(backend._workers)
    kill_trees(worker_pids(backend), with_roots=False)
    backend.abort_everything(ensure_ready=False)


def _forget_unsent_tasks(executor: ProcessPoolExecutor) -> None:
    """Remove the tasks that loky has not sent to a worker: otherwise it fails on them, and kills no worker."""
    task_ids = getattr(executor, "_work_ids", None)
    with suppress(Empty):
        while task_ids is not None:
            task_ids.get_nowait()
    items = getattr(executor, "_pending_work_items", {})
    cancelled = [task_id for task_id, item in list(items.items()) if item.future.cancelled()]
    for task_id in cancelled:
        items.pop(task_id, None)


def end_calls(parallel: Parallel) -> None:
    """End a series of calls on the backend, as ``Parallel.__exit__`` does; workers stay only with loky."""
    if is_multiprocessing(parallel._backend):
        kill_trees(worker_pids(parallel._backend), with_roots=False)
    parallel.__exit__(None, None, None)


def end_executor(executor: ProcessPoolExecutor) -> None:
    """Kill the workers of an executor of loky, with the processes that they have started."""
    kill_trees(executor_pids(executor), with_roots=False)
    executor.shutdown(wait=True, kill_workers=True)


def _abort_multiprocessing(backend: MultiprocessingBackend) -> None:
    """End the workers of a `multiprocessing.Pool`: by SIGTERM, and if that has no effect, by SIGKILL.

    A worker that is killed while it takes a task or returns a result leaves the lock of that queue closed.
    The pool uses both queues at its end, and would wait for the locks forever. So locks that stay closed are
    opened.
    """
    trees = find_trees(worker_pids(backend))
    locks = _locks_of(backend)
    ending = Thread(target=backend.abort_everything, kwargs={"ensure_ready": False}, daemon=True)
    ending.start()
    ending.join(SECONDS_TO_END)
    kill(trees)
    ending.join(SECONDS_TO_HAND_OVER)
    while ending.is_alive() and locks:
        for lock in locks:
            lock.acquire(timeout=SECONDS_TO_HAND_OVER)
            with suppress(ValueError):  # it was opened just now
                lock.release()
        ending.join(SECONDS_TO_HAND_OVER)
    ending.join()


def _locks_of(backend: MultiprocessingBackend) -> list[Any]:
    """Return the locks that the workers of a `multiprocessing.Pool` use; on Windows there is only the first one."""
    tasks, results = (getattr(backend._pool, name, None) for name in ("_inqueue", "_outqueue"))
    locks = [getattr(tasks, "_rlock", None), getattr(results, "_wlock", None)]
    return [lock for lock in locks if lock is not None]
