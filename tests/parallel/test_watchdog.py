"""Workers and their folders do not outlive a process that is killed."""

import subprocess
import sys
import time

import pytest

PROGRAM = """
import subprocess, sys, time
from skhpt.parallel.watchdog import Watchdog

worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
watchdog = Watchdog()
watchdog.watch([worker.pid], sys.argv[1:])
if sys.argv[1:]:
    print("ready", flush=True)
    time.sleep(600)
watchdog.stop()
print(worker.poll())
worker.kill()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a killed process closes no pipes there")
def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate(timeout=60)  # returns when the worker, which has the same output, has ended too
    for _ in range(600):
        if not folder.exists():
            break
        time.sleep(0.1)
    assert not folder.exists()


def test_a_watchdog_that_is_stopped_kills_nothing():
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, check=True, timeout=120
    ).stdout
    assert output == b"None\n"
