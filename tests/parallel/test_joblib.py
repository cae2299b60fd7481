"""What the private names of joblib are used for, on joblib itself."""

import multiprocessing
import time

from joblib import Parallel

from skhpt.parallel import _joblib


def test_a_worker_that_died_while_it_handed_over_a_result_does_not_block_the_end(monkeypatch):
    monkeypatch.setattr(_joblib, "SECONDS_TO_HAND_OVER", 0.1)
    with Parallel(n_jobs=2, backend="multiprocessing") as parallel:
        backend = _joblib.active_backend(parallel)
        workers = [
            child for child in multiprocessing.active_children() if child.pid in _joblib.worker_pids(backend)
        ]
        assert len(workers) == 2
        # As a worker does that is killed before it releases the lock.
        backend._pool._outqueue._wlock.acquire()
        _joblib.abort_workers(backend)
    assert not any(worker.is_alive() for worker in workers)


def test_loky_ends_its_workers_although_tasks_are_waiting():
    with Parallel(n_jobs=2, backend="loky") as parallel:
        backend = _joblib.active_backend(parallel)
        _joblib.begin_calls(parallel)
        handles = []
        for _ in range(20):
            batch = _joblib.BatchedCalls([(time.sleep, (60,), {})], backend.get_nested_backend())
            handles.append(_joblib.submit_batch(backend, batch, lambda handle: None))
        cancelled = [handle for handle in handles if handle.cancel()]
        assert cancelled
        _joblib.abort_workers(backend)
        assert _joblib.worker_pids(backend) == []
        _joblib.abort_workers(backend)  # there are none to end any more
