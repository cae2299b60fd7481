"""The contract of backends: properties that hold however tasks reach the workers.

A new backend gets a line in `CASES`.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, parallel_config

from skhpt.parallel import _joblib
from skhpt.parallel._joblib import active_backend
from skhpt.parallel.backends import Backend, FutureBackend, SerialBackend
from skhpt.parallel.channels import Begun, TaskUpdate
from skhpt.parallel.cluster import ClusterOptions
from skhpt.parallel.dask import DaskBackend
from skhpt.parallel.local_workers import LocalWorkers
from skhpt.parallel.processes import ProcessBackend
from skhpt.parallel.ray import RayBackend
from tests.estimators import EXCEPTIONS
from tests.parallel import joblib_backends  # noqa: F401

# -- the backends --------------------------------------------------------------------------------------------


@contextmanager
def serial() -> Iterator[Backend]:
    yield SerialBackend(nullcontext)


def through_joblib(
    name: str, make: Callable[[Parallel], Backend]
) -> Callable[[], AbstractContextManager[Backend]]:
    @contextmanager
    def context() -> Iterator[Backend]:
        with parallel_config(name, n_jobs=2), Parallel(batch_size=1) as parallel:
            backend = make(parallel)
            try:
                yield backend
            finally:
                backend.abort()
        backend.close()

    return context


def futures(parallel: Parallel) -> Backend:
    return FutureBackend(parallel, nullcontext)


def processes(parallel: Parallel) -> Backend:
    return ProcessBackend(active_backend(parallel), nullcontext, workers=LocalWorkers(2))


def executors(parallel: Parallel) -> Backend:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skhpt.parallel.processes.IS_AVAILABLE", False)  # as on other systems than Linux
        return processes(parallel)


@contextmanager
def ray() -> Iterator[Backend]:
    with parallel_config("ray", n_jobs=2):  # the session of joblib would start actors of its own
        backend = RayBackend(active_backend(Parallel()), nullcontext, ClusterOptions(n_jobs=2))
    try:
        yield backend
    finally:
        backend.abort()
        backend.close()


def dask(parallel: Parallel) -> Backend:
    return DaskBackend(active_backend(parallel), nullcontext, ClusterOptions())


@dataclass(frozen=True)
class Case:
    """A backend, and the properties in which backends may differ.

    Attributes
    ----------
    open : callable
        Returns a context with the backend.
    sends_items : bool
        Whether the items that a task yields arrive before its result.
    waits_for_seconds : bool
        Whether `wait` returns after so many seconds although no task has an update.
    ends_workers : bool
        Whether `abort` ends workers that are at work.
    has_replaceable_workers : bool
        Whether a worker can die without this process.
    """

    open: Callable[[], AbstractContextManager[Backend]]
    sends_items: bool = True
    waits_for_seconds: bool = True
    ends_workers: bool = False
    has_replaceable_workers: bool = False


CASES = {
    "serial": Case(serial, waits_for_seconds=False),
    "threads": Case(through_joblib("threading", futures)),
    "loky": Case(through_joblib("loky", futures), ends_workers=True, has_replaceable_workers=True),
    "multiprocessing": Case(through_joblib("multiprocessing", futures), ends_workers=True),
    **{
        name: Case(through_joblib(name, futures), sends_items=False)
        for name in ("minimal", "old name", "without callbacks", "silent", "look-alike")
    },
    "processes": Case(through_joblib("loky", processes), ends_workers=True, has_replaceable_workers=True),
    "executors": Case(through_joblib("loky", executors), ends_workers=True, has_replaceable_workers=True),
    "dask": Case(through_joblib("dask", dask), has_replaceable_workers=True),
    "ray": Case(ray, has_replaceable_workers=True),
}
#: Dask and Ray warn of other things in each release. "executors" differs from "processes" in few lines.
MARKS = {
    "dask": [pytest.mark.filterwarnings("ignore")],
    "ray": [pytest.mark.filterwarnings("ignore")],
    "executors": [pytest.mark.slow],
}
#: The fixtures that start the clusters.
FIXTURES = {"dask": "cluster", "ray": "ray_cluster"}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param in FIXTURES:
        request.getfixturevalue(FIXTURES[request.param])
    return CASES[request.param]


@pytest.fixture
def backend(case: Case) -> Iterator[Backend]:
    with case.open() as backend:
        yield backend


# -- tasks ---------------------------------------------------------------------------------------------------


def square(x):
    yield Begun(0, time.monotonic())
    yield "half"
    yield x
    return x * x


def fail(name):
    yield name
    raise EXCEPTIONS[name]()


def sleep(seconds):
    yield "sleeping"
    time.sleep(seconds)
    return seconds


def hold(path):
    yield "holding"
    while not path.exists():
        time.sleep(0.01)
    return "released"


def die():
    yield "dying"
    time.sleep(0.3)  # so that the other worker has begun its task
    os.kill(os.getpid(), signal.SIGKILL)


class Outcome:
    """All updates of a task."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.last: TaskUpdate | None = None

    def add(self, update: TaskUpdate) -> None:
        assert self.last is None, "an update after the last one"
        self.items += [item for item in update.items if not isinstance(item, Begun)]
        self.last = update if update.is_done else None


def wait_for(backend: Backend, task_ids: set[int]) -> dict[int, Outcome]:
    """Wait until tasks are done."""
    outcomes = {task_id: Outcome() for task_id in task_ids}
    while any(outcome.last is None for outcome in outcomes.values()):
        updates = backend.wait(None)
        assert updates, "a task was lost without any update"
        for update in updates:
            outcomes[update.task_id].add(update)
    return outcomes


def submit(backend: Backend, function: Callable, *arguments: object) -> set[int]:
    """Submit a task for each argument; return the ids."""
    for task_id, argument in enumerate(arguments):
        backend.submit(task_id, function, (argument,))
    return set(range(len(arguments)))


# -- the contract --------------------------------------------------------------------------------------------


def test_every_task_comes_back_once_after_its_items(case: Case, backend: Backend) -> None:
    assert backend.wait(None) == []  # there is nothing to wait for
    outcomes = wait_for(backend, submit(backend, square, *range(5)))
    assert [outcomes[x].last.result for x in range(5)] == [x * x for x in range(5)]
    assert not any(outcome.last.error or outcome.last.lost for outcome in outcomes.values())
    for x, outcome in outcomes.items():
        assert outcome.items == (["half", x] if case.sends_items else [])
    assert backend.wait(None) == backend.wait(0.0) == []


def test_waiting_ends_after_so_many_seconds(case: Case, backend: Backend, tmp_path: Path) -> None:
    if not case.waits_for_seconds:
        pytest.skip("waiting is working")
    task_ids = submit(backend, hold, tmp_path / "released")
    for seconds in (0.0, 0.05):  # the task cannot end meanwhile
        updates = backend.wait(seconds)
        assert {item for update in updates for item in update.items} <= {"holding"}
        assert not any(update.is_done for update in updates)
    (tmp_path / "released").touch()
    assert wait_for(backend, task_ids)[0].last.result == "released"


def test_an_exception_of_whatever_kind_is_in_the_last_update(case: Case, backend: Backend) -> None:
    names = [name for name in EXCEPTIONS if name != "interrupt" or case.ends_workers]
    outcomes = wait_for(backend, submit(backend, fail, *names))
    for outcome, name in zip(outcomes.values(), names, strict=True):
        original = EXCEPTIONS[name]()
        kind = Exception if name in ("lock", "harm") else type(original)  # these two cannot be sent
        assert isinstance(outcome.last.error, kind)
        assert outcome.items == ([name] if case.sends_items else [])
    backend.submit(len(names), square, (3,))  # no worker is lost
    assert wait_for(backend, {len(names)})[len(names)].last.result == 9


def test_cancelled_tasks_get_no_update_and_the_others_come_to_their_end(backend: Backend) -> None:
    task_ids = submit(backend, sleep, *[0.05] * 8)
    cancelled = set(backend.stop_submitting())
    assert cancelled <= task_ids
    outcomes = wait_for(backend, task_ids - cancelled)
    assert all(outcome.last.result == 0.05 for outcome in outcomes.values())
    assert backend.wait(0.0) == []


def test_nothing_is_pending_after_an_abort(case: Case, backend: Backend) -> None:
    submit(backend, sleep, *[60.0 if case.ends_workers else 0.2] * 4)
    if case.waits_for_seconds and case.sends_items:
        while not any(update.items for update in backend.wait(1.0)):
            pass
    while len(list(backend.pids())) < (2 if case.ends_workers else 0):  # the second worker starts later
        backend.wait(0.1)
    pids = list(backend.pids())
    assert len(pids) == (2 if case.ends_workers else 0)
    backend.abort()
    assert backend.wait(0.0) == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_folders_are_removed_at_the_end(case: Case) -> None:
    with case.open() as backend:
        folders = [Path(folder) for folder in backend.folders()]
        assert all(folder.is_dir() for folder in folders)
    assert not any(folder.exists() for folder in folders)
    assert bool(folders) == case.ends_workers


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_a_task_whose_worker_dies_is_lost_and_not_without_an_update(case: Case, backend: Backend) -> None:
    if not case.has_replaceable_workers:
        pytest.skip("workers live as long as this process")
    backend.submit(0, die, ())
    backend.submit(1, sleep, (1.0,))
    outcomes = wait_for(backend, {0, 1})
    assert outcomes[0].last.lost in ("crashed", "cancelled")
    assert outcomes[0].last.error is None
    assert outcomes[1].last.lost or outcomes[1].last.result == 1.0
    if not backend.is_broken:  # else the pool replaces the backend
        backend.submit(2, square, (3,))
        assert wait_for(backend, {2})[2].last.result == 9


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_what_a_worker_sends_while_the_pool_ends_arrives(monkeypatch):
    with CASES["loky"].open() as backend:
        end_workers = backend._break

        def send_and_end_workers():
            backend._inbox.channel(1).send("late")
            end_workers()

        monkeypatch.setattr(backend, "_break", send_and_end_workers)
        backend.submit(0, die, ())
        backend.submit(1, sleep, (60.0,))
        assert "late" in wait_for(backend, {0, 1})[1].items


def sums(array):
    yield from ()
    return float(array.sum())


@pytest.mark.parametrize("open_backend", [processes, pytest.param(executors, marks=pytest.mark.slow)])
def test_memory_maps_of_large_arrays_are_not_reported_as_leaked(open_backend, monkeypatch):
    tracked = set()
    tracker = _joblib.resource_tracker
    register, unregister = tracker.register, tracker.unregister

    def track(name, kind):
        tracked.add(name) if kind == "file" else register(name, kind)

    def untrack(name, kind):  # locks of pools of other tests too
        tracked.remove(name) if kind == "file" else unregister(name, kind)

    monkeypatch.setattr(tracker, "register", track)
    monkeypatch.setattr(tracker, "unregister", untrack)
    with parallel_config("loky", n_jobs=2):
        backend = open_backend(Parallel(batch_size=1))
    outcome = wait_for(backend, submit(backend, sums, np.ones(200_000)))[0]
    assert outcome.last is not None
    assert outcome.last.result == 200_000
    assert tracked
    backend.close()
    assert not tracked
