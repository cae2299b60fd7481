"""Journals of searches: one that runs in a process of its own, and those of killed, interrupted and ended ones."""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin

from skhpt import RandomSearch, read_journal

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


class Formula(ClassifierMixin, BaseEstimator):
    """Classifier that fits at once; its fifth fit is interrupted, if that is asked for."""

    n_fits = 0

    def __init__(self, a=0.0, is_interrupted=False):
        self.a, self.is_interrupted = a, is_interrupted

    def fit(self, X, y):
        Formula.n_fits += 1
        if self.is_interrupted and Formula.n_fits == 5:
            raise KeyboardInterrupt
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return self.a


def write_journals(folder):
    """Write journals of a search that ended, of one that was interrupted, and of one whose process was killed."""
    X, y = np.arange(24.0).reshape(12, 2), np.array([0, 1] * 6)
    for seed, name in enumerate(("ended", "interrupted", "killed")):
        Formula.n_fits = 0
        estimator, path = Formula(is_interrupted=name == "interrupted"), folder / f"{name}.jsonl"
        search = RandomSearch(
            estimator, {"a": uniform(0, 1)}, n_iter=3, cv=2, random_state=seed, journal=path
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the search ended after")
            search.fit(X, y)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))  # a process that is killed does not write the end


@pytest.fixture(scope="package")
def runs(tmp_path_factory):
    """Folder of journals, and of files that are none."""
    folder = tmp_path_factory.mktemp("runs")
    write_journals(folder)
    (folder / "notes.txt").write_text("not a journal\n")
    (folder / "empty.jsonl").write_text("")
    with start_search(folder / "running.jsonl", 2000, 0.05) as process:
        try:
            wait_until(lambda: n_finished(folder / "running.jsonl") >= 2)
            yield folder
        finally:
            process.kill()
