"""What callbacks and a journal cost: a search of 200 candidates without them, and with them.

Run by hand: ``OMP_NUM_THREADS=1 python tests/benchmarks/callbacks.py``, with ``--help`` for options.
Each fit takes about as long as is said, on the processor. The searches are interleaved, so the speed of the machine
cancels out: the table has the medians, and the medians of the ratios to the search without callbacks that ran just
before. On a busy machine only the processor time says something. MLflow writes to files or to a SQLite database.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris

from skhpt import RandomSearch
from skhpt.callbacks import MLflowLogger, SearchProgress


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Busy(ClassifierMixin, BaseEstimator):
    """Computes for some milliseconds; its score depends on `value`."""

    def __init__(self, value=0.0, milliseconds=20.0):
        self.value = value
        self.milliseconds = milliseconds

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        end = time.thread_time() + self.milliseconds / 1000
        while time.thread_time() < end:
            np.dot(X.T, X)
        return self

    def predict(self, X):
        return np.where(X[:, 0] > 5 + self.value, 1, 0)


def variants(uri):
    """Names, callbacks and whether there is a journal."""
    progress = SearchProgress(file=Terminal())
    yield "none", [], False
    yield "SearchProgress", [progress], False
    yield "SearchProgress, MLflowLogger and a journal", [progress, MLflowLogger(tracking_uri=uri)], True


def seconds(n_candidates, milliseconds, n_jobs, callbacks, journal):
    """Seconds of processor time, and wall-clock seconds, of one search."""
    search = RandomSearch(
        Busy(milliseconds=milliseconds),
        {"value": uniform(0, 2)},
        n_iter=n_candidates,
        random_state=0,
        journal=journal,
        n_jobs=n_jobs,
    )
    start = np.array([time.process_time(), time.perf_counter()])
    search.set_callbacks(*callbacks).fit(*load_iris(return_X_y=True))
    return np.array([time.process_time(), time.perf_counter()]) - start


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--store", choices=["file", "sqlite"], default="file")
    arguments = parser.parse_args()
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    logging.disable(logging.WARNING)
    taken = {}
    for repeat in range(arguments.repeats + 1):  # the first one imports packages
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # MLflow writes there
            path = Path(folder)
            uri = (path / "runs").as_uri() if arguments.store == "file" else f"sqlite:///{path}/runs.db"
            seconds(1, 1.0, 1, [MLflowLogger(tracking_uri=uri)], None)  # makes the store
            for name, callbacks, has_journal in variants(uri):
                journal = path / "search.jsonl" if has_journal else None
                n = arguments.candidates if repeat else 3
                run = seconds(n, arguments.milliseconds, arguments.n_jobs, callbacks, journal)
                if repeat:
                    taken.setdefault(name, []).append(run)
    print(
        f"{arguments.candidates} candidates, 5 folds of {arguments.milliseconds} ms, n_jobs={arguments.n_jobs}, "
        f"MLflow with a {arguments.store} store"
    )
    print(f"{'callbacks':45} {'processor':>12} {'ratio':>7} {'wall clock':>12} {'ratio':>7}")
    for name, runs in taken.items():
        cpu, wall = np.median(runs, axis=0)
        cpu_ratio, wall_ratio = np.median(np.array(runs) / taken["none"], axis=0)
        print(f"{name:45} {cpu:10.2f} s {cpu_ratio:7.3f} {wall:10.2f} s {wall_ratio:7.3f}")


if __name__ == "__main__":
    main()
