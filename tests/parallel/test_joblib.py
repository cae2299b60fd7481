"""What the private names of joblib are used for, on joblib itself."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed

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


def ignore_the_end(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(path).touch()
    time.sleep(600)


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_workers_that_ignore_sigterm_are_killed(tmp_path):
    with Parallel(n_jobs=2, backend="multiprocessing") as parallel:
        backend = _joblib.active_backend(parallel)
        pids = _joblib.worker_pids(backend)
        batch = _joblib.BatchedCalls([(ignore_the_end, (tmp_path / "a",), {})], backend.get_nested_backend())
        _joblib.submit_batch(backend, batch, lambda result: None)
        while not (tmp_path / "a").exists():
            time.sleep(0.01)
        _joblib.abort_workers(backend)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def folders_of_memory_maps():
    return [
        name for name in os.listdir("/dev/shm") if name.startswith(f"joblib_memmapping_folder_{os.getpid()}_")
    ]


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="folders are elsewhere")
def test_no_folder_of_memory_maps_stays_that_nothing_uses():
    X = np.zeros(300_000)
    for _ in range(3):
        with Parallel(n_jobs=2, backend="loky") as parallel:
            _joblib.remove_unused_folders(parallel)
            assert parallel(delayed(np.sum)(X) for _ in range(2)) == [0.0, 0.0]
            in_use = folders_of_memory_maps()
            _joblib.remove_unused_folders(parallel)
            assert folders_of_memory_maps() == in_use
    assert folders_of_memory_maps() == []
    assert Parallel(n_jobs=2, backend="loky")(delayed(np.sum)(X) for _ in range(2)) == [0.0, 0.0]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="has no such files")
def test_workers_that_all_calls_share_are_known_by_their_program():
    Parallel(n_jobs=2, backend="loky")(delayed(abs)(x) for x in range(2))
    pids = _joblib.shared_worker_pids()
    assert len(pids) == 2
    for pid in pids:
        assert _joblib.WORKER_MODULE in Path(f"/proc/{pid}/cmdline").read_text().split("\0")
