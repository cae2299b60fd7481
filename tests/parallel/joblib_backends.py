"""Backends as people register them with joblib, each with no more than joblib asks of it."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool

from joblib import register_parallel_backend
from joblib.parallel import MultiprocessingBackend, ParallelBackendBase

#: joblib 1.4 knows only the old name of `submit`.
HAS_SUBMIT = hasattr(ParallelBackendBase, "submit")


class Minimal(ParallelBackendBase):
    """The methods that joblib's documentation asks for, on an executor."""

    supports_retrieve_callback = True
    executor = None

    def effective_n_jobs(self, n_jobs):
        return n_jobs

    def submit(self, func, callback=None):
        self.executor = self.executor or ThreadPoolExecutor(2)
        future = self.executor.submit(func)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out):
        return out.result()

    def terminate(self):
        if self.executor is not None:
            self.executor.shutdown(cancel_futures=True)
            self.executor = None  # a later call starts another one

    if not HAS_SUBMIT:
        apply_async = submit


class OldName(ParallelBackendBase):
    """A backend written for joblib before 1.5."""

    supports_retrieve_callback = True
    pool = None

    def effective_n_jobs(self, n_jobs):
        return n_jobs

    def apply_async(self, func, callback=None):
        self.pool = self.pool or ThreadPool(2)
        return self.pool.apply_async(func, callback=callback, error_callback=callback)

    def retrieve_result_callback(self, out):
        if isinstance(out, BaseException):
            raise out
        return out

    def terminate(self):
        if self.pool is not None:
            self.pool.terminate()
            self.pool = None


class WithoutCallbacks(OldName):
    """As joblib-spark: it calls back when a task has succeeded, and never for a task that fails."""

    supports_retrieve_callback = False
    retrieve_result_callback = ParallelBackendBase.retrieve_result_callback

    def apply_async(self, func, callback=None):
        self.pool = self.pool or ThreadPool(2)
        return self.pool.apply_async(func, callback=callback)


class Silent(WithoutCallbacks):
    """It never calls back."""

    def apply_async(self, func, callback=None):
        return super().apply_async(func)


class ForeignPool:
    """A pool with the interface of `multiprocessing.Pool`, but none of its attributes, as that of Ray."""

    def __init__(self, n_workers):
        pool = ThreadPool(n_workers)
        self.apply_async, self.close, self.terminate = pool.apply_async, pool.close, pool.terminate


class LookAlike(MultiprocessingBackend):
    """Derived from joblib's backend for multiprocessing, as that of Ray, with a pool of another kind."""

    def configure(self, n_jobs=1, parallel=None, **options):
        self.parallel = parallel
        self._pool = ForeignPool(n_jobs)
        return n_jobs


class FailsToSubmit(Minimal):
    """It cannot submit every second task."""

    n_calls = 0

    def submit(self, func, callback=None):
        self.n_calls += 1
        if self.n_calls % 2 == 0:
            raise ConnectionError("the queue is closed")
        return super().submit(func, callback)

    if not HAS_SUBMIT:
        apply_async = submit


class LosesTask(Minimal):
    """It fails every second task by an error of its own."""

    n_calls = 0

    def retrieve_result_callback(self, out):
        self.n_calls += 1
        if self.n_calls % 2 == 0:
            raise ConnectionError("the machine is gone")
        return super().retrieve_result_callback(out)


class LosesTaskWithoutCallback(WithoutCallbacks):
    """It fails every second task by an error of its own, and does not call back."""

    n_calls = 0

    def apply_async(self, func, callback=None):
        self.n_calls += 1
        return super().apply_async(func if self.n_calls % 2 else lose, callback)


def lose():
    raise ConnectionError("the machine is gone")


KINDS = {
    "minimal": Minimal,
    "old name": OldName,
    "without callbacks": WithoutCallbacks,
    "silent": Silent,
    "look-alike": LookAlike,
    "fails to submit": FailsToSubmit,
    "loses task": LosesTask,
    "loses task without callback": LosesTaskWithoutCallback,
}
for name, kind in KINDS.items():
    register_parallel_backend(name, kind)
