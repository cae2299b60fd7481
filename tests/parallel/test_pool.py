"""joblib's backends as an executor: results, errors, limits, configuration, the public fallback."""

import math
import multiprocessing
import os
import signal
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from joblib import parallel_config

from skhpt.parallel import _joblib, backends
from skhpt.parallel.pool import Pool

BACKENDS = ["sequential", "threading", "loky", "multiprocessing"]


def square(x):
    yield x
    return x * x


def fail(x):
    yield x
    raise ArithmeticError(f"no {x}")


def configuration():
    yield from ()
    return sklearn.get_config()["assume_finite"], os.getpid(), threading.get_ident()


def drain(pool, n):
    """Collect `n` results, in the order of arrival."""
    results = []
    while len(results) < n:
        news = pool.wait()
        assert news
        for one in news:
            if one.error:
                raise one.error
            results += [one.result] if one.is_done else []
    return results


@pytest.fixture(params=[*BACKENDS, "rounds"])
def backend(request, monkeypatch):
    """A joblib backend, or one that lacks what a future needs."""
    if request.param == "rounds":
        monkeypatch.setattr(backends.FutureBackend, "serves", staticmethod(lambda backend: False))
    with parallel_config("threading" if request.param == "rounds" else request.param, n_jobs=2):
        yield request.param


def test_every_task_comes_back(backend):
    with Pool() as pool:
        for x in range(10):
            pool.submit(square, x)
        assert sorted(drain(pool, 10)) == [x * x for x in range(10)]
        assert pool.wait() == []
        pool.submit(square, 10)  # the session stays open
        assert drain(pool, 1) == [100]


def test_errors_come_back_too(backend):
    with pytest.raises(ArithmeticError, match="no 3"), Pool() as pool:
        pool.submit(fail, 3)
        drain(pool, 1)
    with Pool() as pool:  # and the next session works
        pool.submit(square, 2)
        assert drain(pool, 1) == [4]


def test_a_worker_that_died_with_the_lock_of_its_results_holds_up_nothing(monkeypatch):
    monkeypatch.setattr(_joblib, "SECONDS_TO_HAND_OVER", 0.1)
    with parallel_config("multiprocessing", n_jobs=2), Pool() as pool:
        pool.submit(square, 3)
        assert drain(pool, 1) == [9]
        workers = [child for child in multiprocessing.active_children() if child.pid in pool.backend.pids()]
        pool.submit(time.sleep, 60)
        pool.backend._backend._pool._outqueue._wlock.acquire()
    assert len(workers) == 2
    assert not any(worker.is_alive() for worker in workers)


def test_what_is_pending_at_the_end_is_dropped(backend):
    with Pool() as pool:
        for x in range(4):
            pool.submit(square, x)
    with Pool() as pool:
        pool.submit(square, 7)
        assert drain(pool, 1) == [49]


def test_scikit_learns_configuration_travels_along(backend):
    with sklearn.config_context(assume_finite=True), Pool() as pool:
        pool.submit(configuration)
        (assume_finite, process, thread) = drain(pool, 1)[0]
    assert assume_finite
    assert (process == os.getpid()) == (backend not in ("loky", "multiprocessing"))
    assert (thread == threading.get_ident()) == (backend == "sequential") or process != os.getpid()


def test_slots_and_limits(backend):
    with Pool() as pool:
        n_slots = 1 if backend == "sequential" else 2
        assert (pool.n_slots, pool.n_free) == (n_slots, 2 * n_slots if n_slots > 1 else 1)
        pool.submit(square, 1)
        assert pool.n_free == (3 if n_slots > 1 else 0)
        drain(pool, 1)
        assert pool.n_free == (4 if n_slots > 1 else 1)


@pytest.mark.parametrize("pre_dispatch, limit", [("all", math.inf), (None, math.inf), (3, 3), ("3*n_jobs", 6), (0, 1)])
def test_pre_dispatch(pre_dispatch, limit):
    with parallel_config("threading", n_jobs=2), Pool(pre_dispatch=pre_dispatch) as pool:
        assert pool.n_free == limit


@pytest.mark.parametrize("n_jobs, n_slots", [(None, 1), (1, 1), (2, 2), (3, 3), (-1, joblib.cpu_count())])
def test_n_jobs_means_what_it_means_in_joblib(n_jobs, n_slots):
    with Pool(n_jobs) as pool:
        assert pool.n_slots == n_slots
    with parallel_config("threading", n_jobs=5), Pool(n_jobs) as pool:
        assert pool.n_slots == (5 if n_jobs is None else n_slots)


def test_one_worker_runs_a_task_when_it_is_waited_for():
    ran = []

    def two_steps():
        ran.append(1)
        yield "half way"
        ran.append(2)

    with Pool() as pool:
        pool.submit(two_steps)
        assert ran == []
        (news,) = pool.wait()
        assert (ran, news.items, news.is_done) == ([1], ["half way"], False)
        drain(pool, 1)
        assert ran == [1, 2]


def nested():
    yield from ()
    return n_nested()


def n_nested():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return joblib.effective_n_jobs(2)


def test_workers_do_not_start_workers_of_their_own():
    with parallel_config("loky", n_jobs=2), Pool() as pool:
        pool.submit(nested)
        streamed = drain(pool, 1)[0]
        assert streamed == joblib.Parallel(2)(joblib.delayed(n_nested)() for _ in range(2))[0]


def test_large_arrays_reach_processes_as_memory_maps_made_once():
    X = np.random.RandomState(0).rand(300_000)  # 2.4 MB, above joblib's limit of 1 MB
    with parallel_config("loky", n_jobs=2), Pool() as pool:
        for _ in range(6):
            pool.submit(describe, X)
        described = drain(pool, 6)
    assert {kind for kind, _, _ in described} == {"memmap"}
    assert len({file for _, file, _ in described}) == 1
    assert {total for _, _, total in described} == {float(X.sum())}


def describe(X):
    yield from ()
    return type(X).__name__, str(X.filename), float(X.sum())


def sleep(x):
    yield x
    time.sleep(3600)


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_a_worker_that_dies_while_it_has_nothing_to_do_is_replaced():
    with Pool(1, fit_timeout=60) as pool:
        pool.submit(nested)
        drain(pool, 1)
        [pid] = pool.backend.pids()
        os.kill(pid, signal.SIGKILL)
        pool.backend._idle[0]._executor_manager_thread.join()  # now it is known
        pool.submit(nested)
        assert len(drain(pool, 1)) == 1


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_workers_that_hang_are_gone_at_the_end_even_if_tasks_were_taken_back():
    with Pool(2, pre_dispatch="all") as pool:
        for x in range(20):
            pool.submit(sleep, x)
        while not any(one.items for one in pool.wait(1.0)):
            pass
        pids = list(pool.backend.pids())
        pool.stop_submitting()
        assert 0 < pool.n_pending < 20
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
