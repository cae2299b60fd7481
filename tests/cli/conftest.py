"""Searches in processes of their own: one that runs, one that was killed, one that was interrupted, one that ended."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skhpt import read_journal

ROOT = Path(__file__).parents[2]
SEARCH = """
import sys, time
import numpy as np
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from skhpt import RandomSearch

class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, a=0.0):
        self.a = a
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        time.sleep(float(sys.argv[3]))
        return self
    def predict(self, X):
        return np.zeros(len(X))
    def score(self, X, y):
        return self.a

X, y = np.arange(24.0).reshape(12, 2), np.array([0, 1] * 6)
search = RandomSearch(Slow(), {"a": uniform(0, 1)}, n_iter=int(sys.argv[2]), cv=2, random_state=0, journal=sys.argv[1])
search.fit(X, y)
"""


def start_search(path, n_candidates, seconds):
    """Start a search in another process, which can be interrupted."""
    command = [sys.executable, "-c", SEARCH, str(path), str(n_candidates), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def wait_until(is_true):
    """Wait for something that another process does."""
    for _ in range(3000):
        if is_true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen within a minute")


def n_finished(path):
    try:
        return len(read_journal(path).trials)
    except (OSError, ValueError):
        return 0


@pytest.fixture(scope="package")
def runs(tmp_path_factory):
    """Folder of journals, and of files that are none."""
    folder = tmp_path_factory.mktemp("runs")
    names = ("running", "killed", "interrupted")
    processes = {name: start_search(folder / f"{name}.jsonl", 2000, 0.05) for name in names}
    processes["ended"] = start_search(folder / "ended.jsonl", 3, 0)
    try:
        for name in processes:
            wait_until(lambda: n_finished(folder / f"{name}.jsonl") >= 2)
        processes["killed"].kill()
        processes["interrupted"].send_signal(signal.SIGINT)
        for name in ("killed", "interrupted", "ended"):
            processes[name].wait(timeout=60)
        (folder / "notes.txt").write_text("not a journal\n")
        (folder / "empty.jsonl").write_text("")
        yield folder
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
