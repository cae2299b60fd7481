"""Fits with resources on one machine: how many workers there are, and which devices and threads each of them has."""

import os
import signal
import time
from collections import defaultdict

import numpy as np
import pytest
from joblib import cpu_count, parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin

from skhpt import BayesSearchCV, GridSearch
from skhpt.parallel import devices, local_workers
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.local_workers import LocalWorkers, plan_local_workers
from skhpt.parallel.pool import Pool, n_workers, shares_memory

# -- how many --------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch):
    """A machine with eight processors and two devices."""
    monkeypatch.setattr(local_workers, "cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")


@pytest.mark.parametrize(
    "n_jobs, n_effective, amounts, workers",
    [
        (4, 4, {}, LocalWorkers(4)),
        (4, 4, {"GPU": 0.5}, LocalWorkers(4, None, ("0", "1", "0", "1"))),
        (3, 3, {"GPU": 0.5}, LocalWorkers(3, None, ("0", "1", "0"))),
        (-1, 8, {"GPU": 0.5}, LocalWorkers(4, None, ("0", "1", "0", "1"))),
        (-1, 8, {"GPU": 0.01}, LocalWorkers(8, None, ("0", "1") * 4)),
        (None, 1, {"GPU": 1}, LocalWorkers(1, None, ("0",))),
        (4, 4, {"GPU": 2}, LocalWorkers(1, None, ("0,1",))),
        (-1, 8, {"CPU": 3}, LocalWorkers(2, 3)),
        (-1, 8, {"CPU": 0.5}, LocalWorkers(16, 1)),
        (-2, 7, {"CPU": 1}, LocalWorkers(7, 1)),
        (5, 5, {"CPU": 1}, LocalWorkers(5, 1)),
        (-1, 8, {"CPU": 4, "GPU": 0.25}, LocalWorkers(2, 4, ("0", "1"))),
        (-1, 8, {"CPU": 1, "GPU": 1}, LocalWorkers(2, 1, ("0", "1"))),
    ],
)
def test_all_resources_bound_the_number_of_workers(machine, n_jobs, n_effective, amounts, workers):
    assert plan_local_workers(n_jobs, n_effective, FitResources(amounts)) == workers


@pytest.mark.parametrize(
    "amounts, message",
    [
        ({"GPU": 3}, "GPU=3, but there are only the GPUs 0, 1 .CUDA_VISIBLE_DEVICES='0,1'"),
        ({"CPU": 9}, "CPU=9, but this machine has 8 processors"),
        ({"memory": 1}, "fit_resources has memory, but without a cluster fits can only need CPU and GPU"),
    ],
)
def test_more_than_this_machine_has_is_an_error(machine, amounts, message):
    with pytest.raises(ValueError, match=message):
        plan_local_workers(2, 2, FitResources(amounts))


def test_a_machine_without_devices_is_an_error_before_any_fit(monkeypatch):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    space, needs = {"number": [1, 2]}, {"GPU": 1}
    for search in (
        GridSearch(Recording(), space, fit_resources=needs),
        BayesSearchCV(Recording(), space, n_iter=2, fit_resources=needs),
    ):
        with pytest.raises(ValueError, match=r"GPU=1, but there is no GPU .CUDA_VISIBLE_DEVICES='-1'"):
            search.fit(X, y)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(devices, "devices_of_machine", lambda: ())
    with pytest.raises(ValueError, match=r"there is no GPU .CUDA_VISIBLE_DEVICES is not set; looked for in"):
        plan_local_workers(2, 2, FitResources({"GPU": 1}))


def test_the_number_of_workers_is_known_before_they_start(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    halves = FitResources({"GPU": 0.5})
    assert [n_workers(n_jobs, halves) for n_jobs in (None, 1, 3, 9)] == [1, 1, 3, 4]
    assert n_workers(-1, halves) == min(4, cpu_count())
    with parallel_config(n_jobs=2):
        assert n_workers(None, halves) == 2
    assert shares_memory(1)
    assert not shares_memory(1, fit_resources=halves)
    assert not shares_memory(1, fit_timeout=1)
    with parallel_config("threading", n_jobs=2):
        assert shares_memory(None)


def test_threads_are_an_error(machine):
    with parallel_config("threading", n_jobs=2):
        pool = Pool(fit_resources=FitResources({"GPU": 1}))
        with pytest.raises(ValueError, match=r"fit_resources={'GPU': 1} needs workers that are processes"):
            pool.__enter__()


# -- which devices and threads -----------------------------------------------------------------------------------


def look(x):
    yield x
    time.sleep(0.2)
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]


def die():
    yield from ()
    os.kill(os.getpid(), signal.SIGKILL)


def updates_of(pool, n):
    """Wait for the last updates of `n` tasks."""
    last = []
    while len(last) < n:
        updates = pool.wait(120)
        assert updates, "nothing came back"
        last += [update for update in updates if update.is_done]
    return last


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_a_process_that_dies_gives_its_devices_back(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    monkeypatch.setattr(local_workers, "cpu_count", lambda: 4)
    with Pool(2, fit_resources=FitResources({"GPU": 1, "CPU": 2})) as pool:
        assert pool.n_slots == 2
        for x in range(2):
            pool.submit(look, x)
        results = [update.result for update in updates_of(pool, 2)]
        assert {visible for _, visible, _ in results} == {"GPU-a", "GPU-b"}
        assert {threads for _, _, threads in results} == {"2"}
        pool.submit(die)
        assert updates_of(pool, 1)[0].lost == "crashed"
        for x in range(2):
            pool.submit(look, x)
        later = [update.result for update in updates_of(pool, 2)]
        assert {visible for _, visible, _ in later} == {"GPU-a", "GPU-b"}
        assert len({pid for pid, _, _ in later} - {pid for pid, _, _ in results}) == 1


class Recording(ClassifierMixin, BaseEstimator):
    """Writes its devices and the time of its fit to a file; the fit of one number kills its process or hangs."""

    def __init__(self, folder="", number=0, killing=-1, hanging=-1):
        self.folder, self.number, self.killing, self.hanging = folder, number, killing, hanging

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        path = f"{self.folder}/{os.getpid()}"
        with open(path, "a") as file:
            file.write(f"{os.environ['CUDA_VISIBLE_DEVICES']} begin {time.monotonic()}\n")
            file.flush()
            if self.number == self.killing:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(3600 if self.number == self.hanging else 0.3)
            file.write(f"{os.environ['CUDA_VISIBLE_DEVICES']} end {time.monotonic()}\n")
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def fits_on_devices(folder):
    """Return the intervals of all fits by device; a fit without an end has that of its last sign of life."""
    intervals = defaultdict(list)
    for path in folder.iterdir():
        begun = None
        for line in path.read_text().splitlines():
            device, what, at = line.split()
            if what == "begin":
                begun = (device, float(at))
            else:
                intervals[device].append((begun[1], float(at)))
                begun = None
        if begun is not None:
            intervals[begun[0]].append((begun[1], begun[1]))
    return intervals


def most_at_once(intervals):
    return max(sum(begin <= at <= end for begin, end in intervals) for at, _ in intervals)


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.parametrize(
    "faults",
    [{}, pytest.param({"killing": 2, "hanging": 5}, marks=pytest.mark.slow)],
    ids=["no faults", "a death and a timeout"],
)
def test_a_search_uses_each_device_for_as_many_fits_as_allowed(faults, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    search = GridSearch(
        Recording(str(tmp_path), **faults),
        {"number": list(range(8))},
        cv=[(np.arange(14), np.arange(14, 20))],  # one fold, because each new process takes seconds
        n_jobs=4,
        fit_resources={"GPU": 0.5},
        fit_timeout=5.0 if faults else None,
        max_retries=0,
        error_score=0.0,
        refit=False,
    ).fit(X, y)
    outcomes = [trial.outcome for trial in search.history_]
    expected = {faults.get("killing"): "crashed", faults.get("hanging"): "timeout"}
    assert outcomes == [expected.get(number, "ok") for number in range(8)]
    used = fits_on_devices(tmp_path)
    assert set(used) == {"0", "1"}
    assert all(most_at_once(intervals) <= 2 for intervals in used.values())
