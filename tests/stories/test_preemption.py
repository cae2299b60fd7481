"""Preemption: the driver or workers are asked to end, then killed; nothing that was finished is repeated."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from skhpt.journal import read_journal
from skhpt.parallel.ray_signals import handler_kept
from tests.stories import preemptible
from tests.stories.interruptible import members, results

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")

#: Seconds that anything may take, so that a hang fails.
PATIENCE = 120.0
N_WORKERS = {"serial": 1}
#: The fixtures with the clusters of engines, and marks of their tests: warnings of Dask and Ray differ in
#: each release.
CLUSTERS = {"dask": "dask_address", "ray": "ray_address"}
CLUSTER_MARKS = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def wait_until(condition, what):
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


class Run:
    """A search in a process of its own, in a folder."""

    def __init__(self, engine, folder, **environment):
        self.engine, self.folder = engine, folder
        self._environment = os.environ | environment
        self.process = None

    def start(self):
        """Start the script, in a session of its own."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.stories.preemptible", self.engine, str(self.folder)],
            cwd=Path(__file__).parents[2],
            env=self._environment,
            start_new_session=True,
        )

    def end(self):
        """Kill whatever is left."""
        if self.process is not None:
            for pid in members(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def finish(self):
        """Let the waiting fits continue, and wait for the end of the search."""
        (self.folder / "open").touch()
        assert self.process.wait(PATIENCE) == 0

    @property
    def begun(self):
        """The fits that have begun, in their order: candidate, fold and process."""
        path = self.folder / "fits"
        lines = path.read_text().splitlines() if path.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    @property
    def waiting(self):
        """The fits that wait: candidate, fold and process."""
        return [fit for fit in self.begun if fit[0] == preemptible.WAITING]

    @property
    def recorded(self):
        """Candidate and fold of each score in the journal."""
        path = self.folder / "search.jsonl"
        if not path.exists():
            return set()
        history = read_journal(path).history
        finished = {(trial.candidate.id, fold.split) for trial in history.finished for fold in trial.folds}
        pending = {(one.id, split) for one in history.pending for split in history.folds_of(one.id)}
        return finished | pending  # the id of a candidate is its value

    def wait_until_only_waiting_fits_run(self):
        """Wait until each worker has a fit that waits, and the scores of all others are in the journal."""
        n_workers = N_WORKERS.get(self.engine, 2)
        wait_until(lambda: len(self.waiting) == n_workers, "all workers have a fit that waits")
        finished = {fit[:2] for fit in self.begun} - {fit[:2] for fit in self.waiting}
        assert len(finished) > 2 * n_workers
        wait_until(lambda: self.recorded == finished, "the scores are in the journal")

    def check_results(self):
        """Check that the results are those of a search that nothing has happened to."""
        search = preemptible.make(self.folder, refit=False).fit(preemptible.X, preemptible.y)
        expected = results(search)
        assert json.loads((self.folder / "results.json").read_text()) == expected


@pytest.fixture(scope="module")
def dask_address():
    """Address of a Dask cluster with two workers, each a process."""
    pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    options = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def ray_address(ray_cluster):
    """Address of a Ray cluster with two processors."""
    return ray_cluster.get_runtime_context().gcs_address


@pytest.fixture
def start(tmp_path, request):
    """Start a search in a process of its own, on the cluster of its engine if it has one."""
    runs = []

    def start(engine, address=None):
        if address is None and engine in CLUSTERS:
            address = request.getfixturevalue(CLUSTERS[engine])
        run = Run(engine, tmp_path, **({} if address is None else {"CLUSTER": address}))
        runs.append(run)
        run.start()
        return run

    yield start
    for run in runs:
        run.end()


def check_that_only(run, expected, n_before):
    """Check that of the fits that were begun first, no others were begun again than some expected ones."""
    begun = [fit[:2] for fit in run.begun]
    before, after = Counter(begun[:n_before]), Counter(begun[n_before:])
    assert max(before.values()) == 1
    assert before.keys() & after.keys() <= set(expected)
    assert len(before | after) == preemptible.N_CANDIDATES * preemptible.N_SPLITS
    return after


# -- the driver ----------------------------------------------------------------------------------------------


def ask_to_end(run):
    """Ask the driver to end."""
    run.process.terminate()
    # The handler of Ray ends the process with the number of the signal as its status.
    expected = signal.SIGTERM if run.engine == "ray" else -signal.SIGTERM
    assert run.process.wait(PATIENCE) == expected


def ask_all_to_end(run):
    """Ask the driver and all of its processes to end, as the manager of a machine does."""
    os.killpg(run.process.pid, signal.SIGTERM)
    assert run.process.wait(PATIENCE) == -signal.SIGTERM


def kill(run):
    """Kill the driver."""
    run.process.kill()
    run.process.wait(PATIENCE)


def ask_then_kill(run):
    """Ask the driver to end, and kill what is left of it after five seconds."""
    run.process.terminate()
    time.sleep(5)
    kill(run)


LOCAL_ENGINES = ["serial", "threads", "loky", "multiprocessing", "processes"]
#: Some of the combinations of an engine and an end.
QUICK = [("serial", kill)]


def combinations():
    """Return all engines and ends; most of them are slow tests."""
    for preempt in (ask_to_end, ask_all_to_end, kill, ask_then_kill):
        for engine in LOCAL_ENGINES:
            marks = [] if (engine, preempt) in QUICK else [pytest.mark.slow]
            yield pytest.param(engine, preempt, marks=marks, id=f"{engine}-{preempt.__name__}")
        for engine in CLUSTERS if preempt is not ask_all_to_end else ():  # the driver has no processes
            yield pytest.param(engine, preempt, marks=CLUSTER_MARKS, id=f"{engine}-{preempt.__name__}")


@pytest.mark.parametrize("engine, preempt", list(combinations()))
def test_a_search_whose_driver_ends_repeats_only_fits_that_were_running(engine, preempt, start):
    run = start(engine)
    run.wait_until_only_waiting_fits_run()
    running, n_before = {fit[:2] for fit in run.waiting}, len(run.begun)
    preempt(run)
    wait_until(lambda: not members(run.process.pid), "the processes of the search have ended")
    run.start()
    run.finish()
    after = check_that_only(run, running, n_before)
    # A worker of a cluster may end the task that it had begun for the first driver.
    assert engine in CLUSTERS or max(after.values()) == 1
    run.check_results()


# -- workers -------------------------------------------------------------------------------------------------


#: Seconds between the request to end and the kill.
SECONDS = [0.5, *(pytest.param(seconds, marks=pytest.mark.slow) for seconds in (0.0, 5.0))]


def end_process(pid, seconds):
    """Ask a process to end, kill it after some seconds, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), "the process is gone")


def is_alive(pid):
    """Tell whether there is a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end_worker(run, seconds):
    """End the worker of the first fit that waits; return the folds that may be repeated."""
    candidate, split, pid = run.waiting[0]
    waiting = {fit[:2] for fit in run.waiting}
    # Dask itself starts a task again at once whose worker is gone. If another worker is free before the
    # search has cancelled the task, that worker repeats folds whose scores are there.
    task = {fit[:2] for fit in run.begun if fit[1:] == (split, pid)}
    end_process(pid, seconds)
    # A shared pool of joblib ends all workers when one of them dies.
    folds = {"loky": waiting, "multiprocessing": waiting, "dask": task}
    return folds.get(run.engine, {(candidate, split)})


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize(
    "engine",
    [
        "processes",
        pytest.param("loky", marks=pytest.mark.slow),
        *(pytest.param(engine, marks=CLUSTER_MARKS) for engine in CLUSTERS),
    ],
)
def test_a_search_whose_worker_ends_repeats_only_what_it_was_running(engine, seconds, start):
    run = start(engine)
    run.wait_until_only_waiting_fits_run()
    n_before = len(run.begun)
    running = end_worker(run, seconds)
    run.finish()
    after = check_that_only(run, running, n_before)
    # The other worker of a shared pool may begin a fit before the pool ends it.
    n_twice = sum(after.values()) - len(after)
    assert n_twice <= {"loky": 1, "dask": len(running)}.get(engine, 0)
    run.check_results()


# -- a node --------------------------------------------------------------------------------------------------


@pytest.fixture
def ray_nodes():
    """A Ray cluster of a head and another node, each with one processor."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with handler_kept():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_a_search_on_ray_goes_on_without_a_node(seconds, start, ray_nodes):
    run = start("ray", ray_nodes.address)
    run.wait_until_only_waiting_fits_run()
    running, n_before = {fit[:2] for fit in run.waiting}, len(run.begun)
    [node] = ray_nodes.worker_nodes
    end_process(node.all_processes["raylet"][0].process.pid, seconds)
    run.finish()
    check_that_only(run, running, n_before)
    run.check_results()
