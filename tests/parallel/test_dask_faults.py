"""What goes wrong on a Dask cluster: every search ends with the right scores, or with a clear error."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config

from skhpt import BayesSearchCV, GridSearch, read_journal
from skhpt.callbacks import SearchCallback
from skhpt.parallel import cluster
from skhpt.parallel.cluster import ClusterLostError
from skhpt.parallel.cluster_call import VersionError
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.pool import Pool
from tests.estimators import Fatal, Null

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask, which differ in each release

N = 24  # candidates, each on two folds
OPTIONS = {"dashboard_address": None, "silence_logs": logging.CRITICAL}


class Slow(Null):
    """Takes some time to fit."""

    def __init__(self, value=0, seconds=0.1):
        super().__init__(value)
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        return super().fit(X, y)

    def score(self, X, y):
        return float(self.value)


class Gated(Slow):
    """The later candidates wait until there is a file, so that the search does not end before."""

    def __init__(self, value=0, seconds=0.1, path=""):
        super().__init__(value, seconds)
        self.path = path

    def fit(self, X, y):
        end = time.monotonic() + 120
        while self.value >= N // 2 and not os.path.exists(self.path) and time.monotonic() < end:
            time.sleep(0.02)
        return super().fit(X, y)


class Data(np.ndarray):
    """Array that leaves a line in a file for every process that it is unpickled in."""

    log = ""

    def __reduce__(self):
        return restored, (np.asarray(self), self.log)


def restored(array, log):
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\n")
    data = array.view(Data)
    data.log = log
    return data


def unpickled_by(data):
    """Return the processes that have unpickled data."""
    return {int(pid) for pid in Path(data.log).read_text().split()}


@contextmanager
def local_cluster(n_workers, **options):
    options = {"threads_per_worker": 1, **OPTIONS, **options}
    with (
        # On a busy machine a worker that was killed takes long to come back; the cluster must not forget it
        # meanwhile.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "5 minutes"}),
        distributed.LocalCluster(n_workers=n_workers, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def two_workers():
    with local_cluster(2) as client:
        yield client


@pytest.fixture
def client(two_workers):
    two_workers.wait_for_workers(2, timeout=120)
    return two_workers


class FirstScores(SearchCallback):
    """Says when the first scores of a search are back."""

    def __init__(self):
        self.are_back = threading.Event()

    def on_folds_finished(self, search, folds, status):
        self.are_back.set()


def fit(X, y, estimator=None, n=N, *, first_scores=None, config=None, **options):
    """Run a search on the active cluster."""
    with parallel_config("dask", **(config or {})):
        search = GridSearch(estimator or Slow(), {"value": list(range(n))}, cv=2, refit=False, **options)
        return search.set_callbacks(first_scores or FirstScores()).fit(X, y)


def check_all_right(search, n=N):
    assert search.cv_results_["mean_test_score"].tolist() == list(range(n))
    assert {fold.state for trial in search.history_ for fold in trial.folds} == {"ok"}


@contextmanager
def meanwhile(function):
    """Run a function after the first scores of a search; yield the callback that the search needs for it."""
    first_scores, errors = FirstScores(), []

    def run():
        try:
            assert first_scores.are_back.wait(300)
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield first_scores
    thread.join(300)
    assert not thread.is_alive()
    assert not errors


def wait_until(condition):
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def pids(client):
    return list(client.run(os.getpid).values())


def kill(pids):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# -- workers that die, join and leave ------------------------------------------------------------------------


def test_a_worker_that_is_killed_costs_no_score_and_each_process_gets_the_data_once(client, iris, tmp_path):
    X, y = iris
    data = np.ascontiguousarray(X).view(Data)
    data.log = str(tmp_path / "unpickled")
    before, path = pids(client), tmp_path / "open"

    def replace():
        kill(before[:1])
        wait_until(lambda: unpickled_by(data) - set(before))
        path.touch()

    with meanwhile(replace) as first_scores:
        check_all_right(fit(data, y, Gated(path=str(path)), first_scores=first_scores))
    processes = Path(data.log).read_text().split()
    assert len(set(processes)) == len(processes)
    assert unpickled_by(data) - set(before)  # the process that has replaced the killed one


@pytest.mark.slow
def test_all_workers_are_killed_and_come_back(client, iris):
    processes = pids(client)
    with meanwhile(lambda: kill(processes)) as first_scores:
        check_all_right(fit(*iris, first_scores=first_scores))


@pytest.mark.slow
def test_the_cluster_is_restarted(client, iris):
    with meanwhile(lambda: client.restart(timeout=60)) as first_scores:
        check_all_right(fit(*iris, first_scores=first_scores))


def test_only_the_fold_that_hangs_is_marked(client, iris, tmp_path):
    # 3 blocks the whole process, and with it the scores of earlier fits that it has not sent yet.
    estimator = Fatal(once=str(tmp_path / "once"))
    with parallel_config("dask"):
        search = GridSearch(estimator, {"value": [10, 3, 20, 30]}, cv=2, refit=False, fit_timeout=6.0).fit(
            *iris
        )
    states = [sorted(fold.state for fold in trial.folds) for trial in search.history_]
    assert states == [["ok"] * 2, ["ok", "timeout"], ["ok"] * 2, ["ok"] * 2]


def test_nothing_is_left_on_the_scheduler(client, iris):
    def keys():
        return client.run_on_scheduler(lambda dask_scheduler: [str(key) for key in dask_scheduler.tasks])

    fit(*iris, n=2)
    # The client tells the scheduler a moment later; nor is anything left of the searches before, during which
    # workers died and the client was restarted.
    wait_until(lambda: not keys())


# -- what is said before anything is fitted ------------------------------------------------------------------


def test_a_resource_that_no_worker_has_is_said(client, iris):
    with pytest.raises(
        ValueError, match=r"no worker of the Dask cluster has .* GPU=1; the workers have none"
    ):
        fit(*iris, fit_resources={"GPU": 1})
    with pytest.raises(ValueError, match=r"needs, TPU=2; .*--resources"):
        fit(*iris, config={"resources": {"TPU": 2}})
    check_all_right(fit(*iris, n=2, fit_resources={"CPU": 1}), n=2)


def test_other_versions_are_said_with_the_worker_and_the_package(client, iris, monkeypatch):
    from skhpt.parallel import dask_cluster, versions

    ours = {**versions.own_versions(), "scikit-learn": "0.1"}
    monkeypatch.setattr(dask_cluster, "own_versions", lambda: ours)
    with pytest.raises(VersionError, match=r"tcp://.* has scikit-learn .* instead of 0\.1"):
        fit(*iris)


@pytest.mark.parametrize("kind", [GridSearch, BayesSearchCV])
def test_a_client_that_was_closed_before_is_an_error(iris, kind):
    search = kind(Null(), {"value": [0, 1, 2]})
    with local_cluster(1, processes=False) as client, parallel_config("dask"):
        client.close()
        with pytest.raises(ClusterLostError, match="was closed"):
            search.fit(*iris)


def test_fit_timeout_needs_a_nanny(iris):
    with local_cluster(1, processes=False), pytest.raises(ValueError, match="with a nanny"):
        fit(*iris, fit_timeout=10)


# -- clusters that change ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_search_begins_before_the_first_worker_and_workers_join_and_retire(iris, tmp_path):
    X, y = iris
    data = np.ascontiguousarray(X).view(Data)
    data.log = str(tmp_path / "unpickled")
    path = tmp_path / "open"
    with local_cluster(0) as client:

        def change():
            client.cluster.scale(3)
            wait_until(lambda: len(unpickled_by(data)) == 3)
            client.cluster.scale(1)
            wait_until(lambda: len(client.scheduler_info()["workers"]) == 1)
            path.touch()

        threading.Timer(2, client.cluster.scale, [1]).start()
        with meanwhile(change) as first_scores:
            check_all_right(fit(data, y, Gated(path=str(path)), first_scores=first_scores))
    processes = Path(data.log).read_text().split()
    assert len(set(processes)) == len(processes) == 3


def test_tasks_that_are_sent_before_the_first_worker_have_their_resources():
    def needs():
        return client.run_on_scheduler(
            lambda dask_scheduler: [task.resource_restrictions for task in dask_scheduler.tasks.values()]
        )

    with (
        local_cluster(0, processes=False) as client,
        parallel_config("dask"),
        Pool(fit_resources=FitResources({"GPU": 1, "CPU": 1})) as pool,
    ):
        pool.submit(iter, [])
        wait_until(needs)
        assert needs() == [{"GPU": 1}]


@pytest.mark.slow
def test_an_adaptive_cluster_grows(iris):
    with local_cluster(0) as client:
        client.cluster.adapt(minimum=0, maximum=2, interval="200ms")
        workers = set()

        def look():
            while len(workers) < 2:
                workers.update(client.scheduler_info()["workers"])
                time.sleep(0.1)

        with meanwhile(look) as first_scores:
            check_all_right(fit(*iris, Slow(seconds=0.3), n=60, first_scores=first_scores), n=60)


@pytest.mark.slow
def test_workers_that_are_gone_for_good_end_the_search_when_the_user_says(iris, tmp_path):
    journal = tmp_path / "journal"
    with local_cluster(1) as client:
        with (
            meanwhile(lambda: client.cluster.scale(0)) as first_scores,
            pytest.raises(TimeoutError, match="no worker"),
        ):
            fit(
                *iris,
                n=200,
                journal=journal,
                first_scores=first_scores,
                config={"wait_for_workers_timeout": 30},
            )
        client.cluster.scale(1)
        check_all_right(fit(*iris, n=200, journal=journal), n=200)


@pytest.mark.slow
def test_resources_bound_what_runs_at_the_same_time(iris, tmp_path):
    with local_cluster(2, threads_per_worker=4, resources={"GPU": 1}):
        for options in ({"fit_resources": {"GPU": 0.5}}, {"config": {"resources": {"GPU": 0.5}}}):
            log = tmp_path / str(len(options))
            log.mkdir(exist_ok=True)
            search = fit(*iris, Slow(seconds=0.2), n=20, **options)
            check_all_right(search, n=20)
            assert most_at_once(search) <= 4


class Device(Gated):
    """Has the GPU that it may use as its score."""

    def score(self, X, y):
        return float(os.environ["CUDA_VISIBLE_DEVICES"])


@pytest.mark.slow
def test_each_worker_of_a_machine_gets_a_device_of_its_own(iris):
    with local_cluster(2, resources={"GPU": 1}, env={"CUDA_VISIBLE_DEVICES": "4,7"}):
        search = fit(*iris, Device(seconds=0.0, path=os.devnull), n=40, fit_resources={"GPU": 1})
    assert {fold.test_score for trial in search.history_ for fold in trial.folds} == {4, 7}


@pytest.mark.slow
def test_a_worker_that_joins_later_gets_a_device_too(iris, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "CHECK_SECONDS", 600)  # the search has not looked at the workers since then
    path = tmp_path / "open"
    options = {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": "4,7"}}
    with local_cluster(1, **options) as client:

        def join():
            client.cluster.scale(2)
            client.wait_for_workers(2, timeout=120)
            path.touch()

        with meanwhile(join) as first_scores:
            search = fit(*iris, Device(path=str(path)), fit_resources={"GPU": 1}, first_scores=first_scores)
    assert {fold.test_score for trial in search.history_ for fold in trial.folds} == {4, 7}


@pytest.mark.slow
def test_a_death_counts_at_the_address_of_a_worker_that_was_ended(iris, port):
    search = GridSearch(Fatal(), {"value": [10, 2, 1]}, cv=2, refit=False, fit_timeout=6.0, max_retries=1)
    with local_cluster(1, worker_port=port), parallel_config("dask"):
        search.fit(*iris)
    assert [trial.state for trial in search.history_] == ["ok", "timeout", "crashed"]


def most_at_once(search):
    """Return the greatest number of folds that were fitted at the same time, by the clock of each worker."""
    folds = [fold for trial in search.history_ for fold in trial.folds]
    return max(sum(other.started <= fold.started < other.ended - 0.05 for other in folds) for fold in folds)


@pytest.mark.slow
def test_innocent_tasks_of_other_threads_are_not_blamed(iris):
    with local_cluster(2, threads_per_worker=2), parallel_config("dask"):
        search = GridSearch(
            Fatal(), {"value": [10, 1, 20, 30, 40, 50]}, cv=2, refit=False, max_retries=1
        ).fit(*iris)
    states = [{fold.state for fold in trial.folds} for trial in search.history_]
    assert states == [{"ok"}, {"crashed"}, {"ok"}, {"ok"}, {"ok"}, {"ok"}]


@pytest.mark.slow
def test_data_reach_each_process_once_with_an_eager_memory_manager(iris, tmp_path):
    X, y = iris
    data = np.ascontiguousarray(X).view(Data)
    data.log = str(tmp_path / "unpickled")
    with (
        dask.config.set({"distributed.scheduler.active-memory-manager.interval": "50ms"}),
        local_cluster(2, threads_per_worker=2) as client,
    ):
        big = np.zeros((150, 100_000))  # 120 MB
        fit(big, y, n=10)
        n_bytes = client.run(
            lambda dask_worker: sum(log["total"] for log in dask_worker.transfer_incoming_log)
        )
        assert sum(n_bytes.values()) < 1.1 * big.nbytes  # one worker has it from this process
        check_all_right(fit(data, y))
    unpickled = Path(data.log).read_text().split()
    assert len(set(unpickled)) == len(unpickled) == 2


# -- the scheduler -------------------------------------------------------------------------------------------


@contextmanager
def command_line_cluster(tmp_path, port):
    """Start a scheduler and two workers; yield the scheduler, a function that starts others, the address."""
    programs = []
    address = f"tcp://127.0.0.1:{port}"
    options = {
        "dask_scheduler": ["--port", str(port), "--host", "127.0.0.1", "--no-dashboard"],
        "dask_worker": [address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)],
    }

    def start(program):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *options[program]]
        programs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return programs[-1]

    try:
        scheduler = start("dask_scheduler")
        for _ in range(2):
            start("dask_worker")
        yield scheduler, start, address
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            with suppress(subprocess.TimeoutExpired):
                program.wait(30)
            program.kill()


@pytest.fixture
def port():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.slow
def test_a_killed_scheduler_ends_the_search_and_the_journal_has_what_came_back(iris, tmp_path, port):
    journal = tmp_path / "journal"
    with (
        command_line_cluster(tmp_path, port) as (scheduler, _, address),
        distributed.Client(address, timeout=60) as client,
    ):
        client.wait_for_workers(2, timeout=120)
        with (
            meanwhile(scheduler.kill) as first_scores,
            pytest.raises(ClusterLostError, match="the scheduler has ended"),
        ):
            fit(*iris, n=2000, journal=journal, first_scores=first_scores)
    assert read_journal(journal).history


@pytest.mark.slow
def test_the_search_goes_on_with_a_scheduler_that_was_restarted(iris, tmp_path, port):
    with (
        command_line_cluster(tmp_path, port) as (scheduler, start, address),
        distributed.Client(address, timeout=60) as client,
    ):
        client.wait_for_workers(2, timeout=120)

        def restart():
            scheduler.kill()
            scheduler.wait()
            start("dask_scheduler")
            start("dask_worker")

        with meanwhile(restart) as first_scores:
            check_all_right(fit(*iris, n=300, first_scores=first_scores), n=300)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["client", "cluster"])
def test_a_client_or_cluster_that_is_closed_ends_the_search(iris, what):
    with warnings.catch_warnings(action="ignore"), local_cluster(1) as client:
        close = client.close if what == "client" else client.cluster.close
        with meanwhile(close) as first_scores, pytest.raises(ClusterLostError, match="was closed"):
            fit(*iris, n=2000, first_scores=first_scores)
