"""The pool: results, errors, numbers of workers and tasks, on each backend of joblib."""

import math
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
from sklearn.tree import DecisionTreeClassifier

from skhpt import GridSearch
from skhpt.parallel import fork_server
from skhpt.parallel.pool import Pool
from skhpt.parallel.process_tree import kill_trees
from tests.parallel import joblib_backends  # noqa: F401

BACKENDS = ["sequential", "threading", "loky", "multiprocessing"]
#: Backends that people register.
OTHERS = ["minimal", "old name", "without callbacks", "silent", "look-alike"]


def square(x):
    yield x
    return x * x


def fail(x):
    yield x
    raise ArithmeticError(f"no {x}")


def configuration():
    yield from ()
    return sklearn.get_config()["assume_finite"], os.getpid(), threading.get_ident()


def results_of(pool, n):
    """Wait for `n` results, in the order in which they come back."""
    results = []
    while len(results) < n:
        updates = pool.wait()
        assert updates
        for update in updates:
            if update.error:
                raise update.error
            results += [update.result] if update.is_done else []
    return results


@pytest.fixture(params=[*BACKENDS, *OTHERS])
def backend(request):
    with parallel_config(request.param, n_jobs=2):
        yield request.param


def test_every_task_comes_back(backend):
    with Pool() as pool:
        for x in range(10):
            pool.submit(square, x)
        assert sorted(results_of(pool, 10)) == [x * x for x in range(10)]
        assert pool.wait() == []
        pool.submit(square, 10)  # the session stays open
        assert results_of(pool, 1) == [100]


def test_an_error_of_a_task_is_raised_or_returned(backend):
    with pytest.raises(ArithmeticError, match="no 3"), Pool() as pool:
        pool.submit(fail, 3)
        results_of(pool, 1)
    with Pool() as pool:  # and the next session works
        pool.submit(square, 2)
        assert results_of(pool, 1) == [4]


def test_pending_tasks_are_aborted_at_the_end(backend):
    with Pool() as pool:
        for x in range(4):
            pool.submit(square, x)
    with Pool() as pool:
        pool.submit(square, 7)
        assert results_of(pool, 1) == [49]


def test_workers_have_the_configuration_of_scikit_learn(backend):
    with sklearn.config_context(assume_finite=True), Pool() as pool:
        pool.submit(configuration)
        (assume_finite, process, thread) = results_of(pool, 1)[0]
    assert assume_finite
    assert (process == os.getpid()) == (backend not in ("loky", "multiprocessing"))
    assert (thread == threading.get_ident()) == (backend == "sequential") or process != os.getpid()


def test_numbers_of_workers_and_of_free_tasks(backend):
    with Pool() as pool:
        n_slots = 1 if backend == "sequential" else 2
        assert (pool.n_slots, pool.n_free) == (n_slots, 2 * n_slots if n_slots > 1 else 1)
        pool.submit(square, 1)
        assert pool.n_free == (3 if n_slots > 1 else 0)
        results_of(pool, 1)
        assert pool.n_free == (4 if n_slots > 1 else 1)


@pytest.mark.parametrize(
    "pre_dispatch, limit", [("all", math.inf), (None, math.inf), (3, 3), ("3*n_jobs", 6), (0, 1)]
)
def test_pre_dispatch_limits_the_pending_tasks(pre_dispatch, limit):
    with parallel_config("threading", n_jobs=2), Pool(pre_dispatch=pre_dispatch) as pool:
        assert pool.n_free == limit


@pytest.mark.parametrize("pre_dispatch, per_slot", [("n_jobs", 1), ("2*n_jobs", 2), ("3*n_jobs", 3)])
def test_pre_dispatch_follows_the_number_of_slots(pre_dispatch, per_slot):
    with parallel_config("threading", n_jobs=2), Pool(pre_dispatch=pre_dispatch) as pool:
        for n_slots in (2, 7, 1):  # as on a cluster
            pool.backend.n_slots = n_slots
            assert (pool.n_slots, pool.n_free) == (n_slots, per_slot * n_slots)


@pytest.mark.parametrize("n_jobs, n_slots", [(None, 1), (1, 1), (2, 2), (3, 3), (-1, joblib.cpu_count())])
def test_n_jobs_has_the_meaning_of_joblib(n_jobs, n_slots):
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
        [update] = pool.wait()
        assert (ran, update.items, update.is_done) == ([1], ["half way"], False)
        results_of(pool, 1)
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
        streamed = results_of(pool, 1)[0]
        assert streamed == joblib.Parallel(2)(joblib.delayed(n_nested)() for _ in range(2))[0]


@pytest.mark.parametrize("fit_timeout", [None, 60])
def test_large_arrays_reach_processes_as_memory_maps_made_once(fit_timeout):
    X = np.random.RandomState(0).rand(300_000)  # 2.4 MB, above joblib's limit of 1 MB
    with parallel_config("loky", n_jobs=2), Pool(fit_timeout=fit_timeout) as pool:
        for _ in range(6):
            pool.submit(describe, X)
        described = results_of(pool, 6)
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
        results_of(pool, 1)
        [pid] = pool.backend.pids()
        os.kill(pid, signal.SIGKILL)
        while pool.backend.pids():  # until the death is noticed
            time.sleep(0.01)
        pool.submit(nested)
        assert len(results_of(pool, 1)) == 1


@pytest.mark.skipif(not fork_server.IS_AVAILABLE, reason="needs Linux")
def test_tasks_that_the_fork_server_could_not_begin_are_run_without_it():
    with Pool(1, fit_timeout=60) as pool:
        [server] = pool.backend.helper_pids()
        kill_trees([server])
        pool.submit(square, 3)
        assert results_of(pool, 1) == [9]


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_workers_that_hang_are_killed_at_the_end_even_if_tasks_were_cancelled():
    with Pool(2, pre_dispatch="all") as pool:
        for x in range(20):
            pool.submit(sleep, x)
        while not any(update.items for update in pool.wait(1.0)):
            pass
        pids = list(pool.backend.pids())
        pool.stop_submitting()
        assert 0 < pool.n_pending < 20
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("name", ["fails to submit", "loses task", "loses task without callback"])
def test_an_error_of_the_backend_is_that_of_one_task(name):
    with parallel_config(name, n_jobs=2), Pool() as pool:
        errors, results = [], []
        for x in range(4):
            pool.submit(square, x)
        while pool.n_pending:
            for update in pool.wait(60):
                (errors if update.error else results).append(update.error or update.result)
    assert [type(error) for error in errors] == [ConnectionError] * 2
    assert len(results) == 2


@pytest.mark.parametrize("name", ["without callbacks", "minimal", "look-alike"])
def test_results_of_other_backends_come_back_one_by_one(name):
    release = threading.Event()

    def wait(x):
        yield from ()
        return release.wait(60) if x == 0 else x

    with parallel_config(name, n_jobs=2), Pool(pre_dispatch="all") as pool:
        for x in range(5):
            pool.submit(wait, x)
        assert sorted(results_of(pool, 4)) == [1, 2, 3, 4]  # while the first one waits
        release.set()
        assert results_of(pool, 1) == [True]


def test_a_search_goes_through_any_backend_of_joblib():
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    for name in OTHERS:
        with parallel_config(name, n_jobs=2):
            search = GridSearch(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=2).fit(X, y)
        assert len(search.history_) == 3
    with parallel_config("loses task", n_jobs=2), pytest.raises(ConnectionError):
        GridSearch(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=2).fit(X, y)
