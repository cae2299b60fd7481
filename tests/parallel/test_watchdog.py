"""Workers, what they have started, and folders do not outlive a process that is killed."""

import subprocess
import sys
import time

import pytest

from skhpt.parallel.watchdog import Watchdog

PROGRAM = """
import subprocess, sys, time
from skhpt.parallel.watchdog import watchdog

sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
worker = subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run({sleep})"])
watchdog.watch("search", [worker.pid], sys.argv[1:])
if sys.argv[1:]:
    print("ready", flush=True)
    time.sleep(600)
watchdog.forget("search")
print(worker.poll())
worker.kill()
"""


def wait_until(condition):
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="a killed process closes no pipes there")
def test_a_worker_and_what_it_started_end_with_the_process_that_started_it(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate(timeout=60)  # returns when all that have the same output have ended too
    assert wait_until(lambda: not folder.exists())


def test_a_watchdog_that_is_stopped_kills_nothing(tmp_path):
    output = tmp_path / "output"  # a file, because the process that the worker started lives on
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=file, start_new_session=True)
        process.wait(timeout=120)
    assert output.read_bytes() == b"None\n"
    subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)


@pytest.fixture
def worker():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_one_process_watches_for_all_searches(worker):
    watchdog = Watchdog()
    watchdog.watch(1, [worker.pid])
    first = watchdog._process
    watchdog.watch(2, [worker.pid])
    watchdog.forget(1)
    assert watchdog._process is first
    watchdog.stop()
    assert first.returncode == 0
    assert worker.poll() is None


PROGRAM_WITHOUT_WORK = """
import subprocess, sys
from skhpt.parallel.watchdog import watchdog

worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
watchdog.watch(1, [worker.pid])
first = watchdog._process
worker.kill()
worker.communicate()
print(first.wait(timeout=60))
watchdog.watch(1, [], folders=["no folder"])
print(watchdog._process is first, watchdog._process.poll())
watchdog.stop()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="does not look there")
def test_a_watchdog_ends_when_nothing_is_left_and_another_one_is_started():
    # In a process of its own, because the process of the tests can have idle workers of joblib.
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM_WITHOUT_WORK], capture_output=True, text=True, check=True, timeout=120
    )
    assert process.stdout.splitlines() == ["0", "False None"]
