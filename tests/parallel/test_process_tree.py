"""Process trees: a process is killed with those that it has started, and no other process is."""

import os
import subprocess
import sys

import pytest

from skhpt.parallel.process_tree import find_trees, kill, kill_trees, start_time

pytestmark = pytest.mark.skipif(os.name == "nt", reason="has no signals")

#: Starts itself again so many times, each in a session of its own; the last one reads the end of the input.
PROGRAM = """
import subprocess, sys
n = int(sys.argv[1])
if n:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(n - 1), sys.argv[2]], start_new_session=True)
print("ready", flush=True)
import time; time.sleep(600)
"""


@pytest.fixture(params=[0, 1, 3])
def tree(request):
    """A process that has started a chain of others."""
    n = request.param
    arguments = [sys.executable, "-c", PROGRAM, str(n), PROGRAM]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    for _ in range(n + 1):
        assert process.stdout.readline() == b"ready\n"
    yield process, n
    kill_trees([process.pid])
    process.communicate()


def test_all_are_found(tree):
    process, n = tree
    assert len(find_trees([process.pid])) == n + 1
    assert process.pid not in find_trees([process.pid], with_roots=False)


def test_all_are_killed(tree):
    process, _ = tree
    kill_trees([process.pid])
    process.communicate(timeout=60)  # returns when all that have the same output have ended
    assert find_trees([process.pid]) == {}


def test_the_root_may_stay(tree):
    process, _ = tree
    kill_trees([process.pid], with_roots=False)
    assert process.poll() is None


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="start times are not known")
def test_a_later_process_with_the_same_id_is_not_killed(tree):
    process, _ = tree
    kill({process.pid: "1"})
    assert process.poll() is None


def test_this_process_is_never_killed():
    assert os.getpid() not in find_trees([os.getpid()])
    assert start_time(os.getpid()) is not None


def test_processes_that_are_gone_are_no_error():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    kill_trees([process.pid])
