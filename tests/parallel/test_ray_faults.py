"""Searches on a Ray cluster in which something goes wrong."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import ShuffleSplit

from skhpt import GridSearch, read_journal
from skhpt.parallel import cluster
from skhpt.parallel import ray as ray_backend
from skhpt.parallel.cluster import ClusterLostError
from skhpt.parallel.ray_signals import handler_kept
from tests.estimators import EXCEPTIONS, Failing, Fatal, Null, Raising
from tests.ray_cluster import RAY_OPTIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of Ray, which differ in each release
    pytest.mark.skipif(os.name == "nt", reason="has no such signals"),
]


def fit(iris, values, estimator=None, cv=ShuffleSplit(1, random_state=0), journal=None, **options):
    """Fit a search on the cluster."""
    search = GridSearch(
        Fatal() if estimator is None else estimator,
        {"value": values},
        cv=cv,
        refit=False,
        journal=journal,
        **options,
    )
    with parallel_config("ray"):
        return search.fit(*iris)


def n_trials(journal):
    """Return the number of finished trials in a journal, which may not exist yet."""
    try:
        return len(read_journal(journal).trials)
    except (FileNotFoundError, ValueError):
        return 0


def wait_for_trials(journal, n):
    """Wait until a journal has so many finished trials."""
    end = time.monotonic() + 200
    while n_trials(journal) < n and time.monotonic() < end:
        time.sleep(0.2)


def states(search):
    return [[fold.state for fold in trial.folds] for trial in search.history_]


def test_a_worker_that_is_killed_once_costs_a_retry(ray_cluster, iris, tmp_path):
    search = fit(iris, [10, 1, 20], Fatal(once=str(tmp_path / "once")))
    assert states(search) == [["ok"]] * 3
    assert search.history_[1].folds[0].retries == 1
    here = GridSearch(Fatal(once=str(tmp_path / "once")), {"value": [10, 1, 20]}, cv=search.cv, refit=False)
    np.testing.assert_array_equal(
        here.fit(*iris).cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


@pytest.mark.slow
def test_a_candidate_that_kills_its_workers_is_given_up_and_a_fit_that_hangs_is_stopped(ray_cluster, iris):
    with pytest.warns(FitFailedWarning):
        search = fit(iris, [10, 1, 2, 20], max_retries=1, fit_timeout=3.0)
    assert states(search) == [["ok"], ["crashed"], ["timeout"], ["ok"]]
    assert "fit_timeout=3.0" in search.history_[2].folds[0].error


@pytest.mark.slow
def test_failures_of_all_kinds_come_back_as_values(ray_cluster, iris):
    names = [name for name in EXCEPTIONS if name != "interrupt"]
    with pytest.warns(FitFailedWarning):
        search = fit(iris, [*names, "no failure"], Raising())
    assert states(search) == [["failed"]] * len(names) + [["ok"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["error", "arguments", "lock", "harm"])
def test_failures_of_all_kinds_are_raised_if_the_user_says_so(ray_cluster, iris, name):
    kind = Exception if name in ("lock", "harm") else type(EXCEPTIONS[name]())
    with pytest.raises(kind):
        fit(iris, [name], Raising(), error_score="raise")
    fit(iris, [0], Failing())  # the cluster is still good


class Terminated(Null):
    """Its first fit is asked to end, as a machine that is shut down asks its processes."""

    def __init__(self, value=0, once=""):
        super().__init__(value)
        self.once = once

    def fit(self, X, y):
        if not Path(self.once).exists():
            Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return super().fit(X, y)


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_is_no_failure_of_its_fit(ray_cluster, iris, tmp_path):
    search = fit(iris, [1, 2], Terminated(once=str(tmp_path / "once")))
    assert states(search) == [["ok"]] * 2
    assert sorted(trial.folds[0].retries for trial in search.history_) == [0, 1]


class Sleepy(Null):
    def fit(self, X, y):
        time.sleep(3600 if self.value else 0)
        return super().fit(X, y)


@pytest.mark.slow
def test_a_search_ends_when_its_time_is_up(ray_cluster, iris, tmp_path):
    search = fit(iris, [0, 0, *range(1, 9)], Sleepy(), max_time=8.0)
    assert search.stop_reason_ == "max_time"
    assert states(search)[:2] in ([["ok"]] * 2, [])  # a worker may take longer to start
    fit(iris, [0])  # the processors are free again


@pytest.mark.slow
def test_ctrl_c_keeps_what_came_back(ray_cluster, iris, tmp_path):
    journal = tmp_path / "journal.jsonl"

    def press():
        wait_for_trials(journal, 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    search = fit(iris, [0, 0, *range(1, 9)], Sleepy(), journal=journal, on_interrupt="keep")
    assert search.stop_reason_ == "interrupted"
    assert len(search.history_) >= 2


@pytest.mark.slow
def test_a_worker_with_other_versions_is_an_error_that_names_them(ray_cluster, iris, monkeypatch):
    monkeypatch.setattr(cluster, "own_versions", lambda: {"scikit-learn": "0.1"})
    with pytest.raises(RuntimeError, match=r"other versions: scikit-learn .* instead of 0\.1"):
        fit(iris, [0])


def test_errors_of_ray_say_whose_fault_a_loss_is(ray_cluster):
    from contextlib import nullcontext

    from joblib import Parallel
    from ray import exceptions

    from skhpt.parallel._joblib import active_backend
    from skhpt.parallel.cluster import ClusterOptions, RunningTask

    with parallel_config("ray"):
        backend = ray_backend.RayBackend(active_backend(Parallel()), nullcontext, ClusterOptions())
    reasons = {
        "crashed": exceptions.WorkerCrashedError(),
        "cancelled": exceptions.OutOfMemoryError("too much"),
        "preempted": exceptions.NodeDiedError("gone"),
        "": exceptions.RaySystemError("broken"),
    }
    for lost, error in reasons.items():
        backend._running[0] = RunningTask()
        update = backend._end_with_error(0, error)
        assert (update.lost, update.error is error) == (lost, not lost)
    backend.close()


def test_a_head_node_that_does_not_answer_is_an_error(ray_cluster, iris, monkeypatch):
    monkeypatch.setattr(ray_backend, "SECONDS_WITHOUT_HEAD", 1.0)
    monkeypatch.setattr(ray_backend, "_answers", lambda address: False)
    with pytest.raises(ClusterLostError, match=r"has not answered for 1 seconds.*run the same script again"):
        fit(iris, [1, 2], Sleepy())
    monkeypatch.undo()
    fit(iris, [0, 0])  # the processors are free again


# -- clusters that end ---------------------------------------------------------------------------------------


@pytest.fixture
def own_cluster():
    """Provide a cluster of several nodes, which this test may destroy."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster
    from ray.util.joblib import register_ray

    ray.shutdown()  # the cluster that tests share
    with warnings.catch_warnings(action="ignore"), handler_kept():
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **NODE_OPTIONS})
        ray.init(address=nodes.address, log_to_driver=False, logging_level=RAY_OPTIONS["logging_level"])
    register_ray()
    yield nodes
    ray.shutdown()
    nodes.shutdown()


NODE_OPTIONS = {"include_dashboard": False, "object_store_memory": 80 * 2**20}


@pytest.mark.slow
def test_nodes_join_and_go_away_and_none_is_to_blame(own_cluster, iris, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "SECONDS_UNTIL_WARNING", 0.5)
    nodes, journal = own_cluster, tmp_path / "journal.jsonl"
    node_options = {"num_cpus": 2, "object_store_memory": NODE_OPTIONS["object_store_memory"]}
    options = {"journal": journal, "max_retries": 1, "max_time": 240.0}
    with warnings.catch_warnings(record=True, action="always") as caught, ThreadPoolExecutor(1) as executor:
        search = executor.submit(fit, iris, list(range(24)), Slow(), **options)
        time.sleep(3)
        first = nodes.add_node(**node_options)  # in the main thread, because it installs handlers of signals
        wait_for_trials(journal, 3)
        nodes.add_node(**node_options)
        nodes.remove_node(first, allow_graceful=False)
    assert any("has had no worker" in str(warning.message) for warning in caught)
    assert states(search.result()) == [["ok"]] * 24


class Slow(Null):
    def fit(self, X, y):
        time.sleep(0.5)
        return super().fit(X, y)


@pytest.mark.slow
def test_a_shutdown_under_the_search_is_an_error_and_the_search_can_go_on(own_cluster, iris, tmp_path):
    ray = pytest.importorskip("ray")
    own_cluster.add_node(num_cpus=2, object_store_memory=80 * 2**20)
    journal = tmp_path / "journal.jsonl"

    def shut_down():
        wait_for_trials(journal, 2)
        ray.shutdown()

    thread = threading.Thread(target=shut_down)
    thread.start()
    with pytest.raises(ClusterLostError, match=r"shutdown\(\) was called.*run the same script again"):
        fit(iris, list(range(12)), Slow(), journal=journal, max_time=240.0)
    thread.join()
    assert n_trials(journal) >= 2
    search = GridSearch(
        Slow(), {"value": list(range(12))}, cv=ShuffleSplit(1, random_state=0), refit=False, journal=journal
    )
    assert states(search.fit(*iris)) == [["ok"]] * 12


#: A script that loses the head node of its cluster.
HEADLESS = """
import os, signal, subprocess, sys, threading
import ray
from joblib import parallel_config
from ray.util.joblib import register_ray
from sklearn.datasets import load_iris
from skhpt import GridSearch
from skhpt.parallel import ray as ray_backend
from skhpt.parallel.cluster import ClusterLostError
from tests.ray_cluster import RAY_OPTIONS
from tests.parallel.test_ray_faults import Slow, wait_for_trials

ray_backend.SECONDS_WITHOUT_HEAD = 5.0
ray.init("local", num_cpus=2, **RAY_OPTIONS)
register_ray()
journal = sys.argv[1]

def behead():
    wait_for_trials(journal, 2)
    for line in subprocess.check_output(["ps", "-eo", "pid=,ppid=,comm="], text=True).splitlines():
        pid, parent, name = line.split()[:3]
        if int(parent) == os.getpid() and name.startswith(sys.argv[2]):
            os.kill(int(pid), signal.SIGKILL)

threading.Thread(target=behead, daemon=True).start()
search = GridSearch(Slow(), {"value": list(range(500))}, cv=2, refit=False, journal=journal)
try:
    with parallel_config("ray"):
        search.fit(*load_iris(return_X_y=True))
except ClusterLostError as error:  # Ray's own hook for errors that end a script would wait for the head node
    print(error, flush=True)
    os._exit(3)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names of processes")
@pytest.mark.parametrize("process", ["gcs_server", "raylet"])
def test_a_head_node_that_is_gone_is_an_error_and_no_hang(iris, tmp_path, process):
    pytest.importorskip("ray")
    journal = tmp_path / "journal.jsonl"
    script = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HEADLESS, str(journal), process],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert script.returncode
    if process == "gcs_server":  # without the other process, Ray ends that of the search
        assert script.returncode == 3, script.stderr
        assert "the Ray cluster is gone: its head node" in script.stdout
    assert n_trials(journal) >= 2
