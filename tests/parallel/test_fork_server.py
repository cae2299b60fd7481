"""The fork server: workers start without imports, die alone, and what they started dies with them."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from skhpt.parallel import fork_server
from skhpt.parallel._joblib import TerminatedWorkerError
from skhpt.parallel.fork_server import ForkedWorker, ForkServer, ServerLostError
from skhpt.parallel.process_tree import start_time

pytestmark = pytest.mark.skipif(not fork_server.IS_AVAILABLE, reason="needs Linux")


@pytest.fixture(scope="module")
def server():
    server = ForkServer({"SKHPT_TEST": "1"})
    yield server
    server.close()


@pytest.fixture
def worker(server):
    worker = ForkedWorker(server, {})
    yield worker
    worker.kill()


def until(condition):
    while not condition():
        time.sleep(0.01)


def environment():
    return os.environ["SKHPT_TEST"], os.getpid(), os.getpgid(0)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_runs_one_task_after_another_in_a_process_of_its_own(worker):
    for _ in range(2):
        variable, pid, group = worker.submit(environment).result(60)
        assert (variable, [pid], group) == ("1", worker.pids(), pid)
        assert pid != os.getpid()


def test_functions_of_no_module_can_be_sent(worker):
    assert worker.submit(lambda: 6 * 7).result(60) == 42


def test_a_task_that_cannot_be_sent_is_an_error(worker):
    with pytest.raises(TypeError):
        worker.submit((x for x in "abc").__next__).result(60)


def test_an_output_that_cannot_be_sent_is_the_failure_of_the_task(worker):
    [failure] = worker.submit(lambda: (x for x in "abc")).result(60)
    assert isinstance(failure.error, TypeError)


def test_the_death_of_a_worker_is_an_error_and_another_one_is_ready(server, worker):
    with pytest.raises(TerminatedWorkerError):
        worker.submit(die).result(60)
    other = ForkedWorker(server, {})
    assert other.submit(lambda: 1).result(60) == 1
    other.kill()


def test_a_worker_that_died_while_it_had_no_task_refuses_the_next_one(worker):
    worker.submit(lambda: 1).result(60)
    os.kill(worker.pids()[0], signal.SIGKILL)
    until(worker._connection.poll)
    with pytest.raises(TerminatedWorkerError):
        worker.submit(lambda: 1)


def start_process_and_die():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(os.environ["SKHPT_PID"], "w") as file:
        file.write(str(process.pid))
    die()


def test_what_a_worker_started_is_killed_even_after_its_death(tmp_path, monkeypatch):
    server = ForkServer({"SKHPT_PID": str(tmp_path / "pid")})
    worker = ForkedWorker(server, {})
    try:
        with pytest.raises(TerminatedWorkerError):
            worker.submit(start_process_and_die).result(60)
        worker.kill()
        until(lambda: start_time(int((tmp_path / "pid").read_text())) is None)
    finally:
        server.close()


def draw():
    import random

    return np.random.uniform(), random.random()


def test_workers_draw_different_numbers_from_the_global_generators(server):
    workers = [ForkedWorker(server, {}) for _ in range(2)]
    draws = [worker.submit(draw).result(60) for worker in workers]
    assert len({number for pair in draws for number in pair}) == 4
    for worker in workers:
        worker.kill()


def test_no_process_is_left_when_the_server_is_closed_and_a_lost_server_is_told_from_a_lost_worker():
    server = ForkServer()
    worker = ForkedWorker(server, {})
    worker.submit(lambda: 1).result(60)
    pids = [server.pid, *worker.pids()]
    server.close()
    until(lambda: all(start_time(pid) is None for pid in pids))
    with pytest.raises(ServerLostError):
        ForkedWorker(server, {}).submit(lambda: 1).result(60)


def sleep_long():
    with open(os.environ["SKHPT_PID"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)


def test_workers_end_when_the_process_of_the_search_is_gone(tmp_path):
    server = ForkServer({"SKHPT_PID": str(tmp_path / "pid")})
    worker = ForkedWorker(server, {})
    try:
        future = worker.submit(sleep_long)
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        server._connection.close()
        with pytest.raises(TerminatedWorkerError):
            future.result(60)
        until(lambda: start_time(server.pid) is None)
    finally:
        server.close()


def test_a_process_without_stderr_and_with_odd_search_paths_has_workers(tmp_path):
    program = f"""
import pathlib, sys
sys.path.append(pathlib.Path("/"))
from skhpt.parallel.fork_server import ForkedWorker, ForkServer
server = ForkServer()
number = ForkedWorker(server, {{}}).submit(lambda: 42).result(60)
server.close()
open({str(tmp_path / "number")!r}, "w").write(str(number))
"""
    subprocess.run(["sh", "-c", f'"{sys.executable}" - 2>&-'], input=program, text=True, check=True)
    assert (tmp_path / "number").read_text() == "42"
