"""What a search costs besides its fits: GridSearch beside GridSearchCV, with fits that take no time.

Run by hand: ``python tests/benchmarks/overhead.py [n_jobs ...]``. It prints seconds, the ratio GridSearch /
GridSearchCV of interleaved runs (the machine's speed cancels out), and for a growing grid the time and the
memory per candidate.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import tracemalloc

import joblib
import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skhpt import GridSearch


class NullClassifier(ClassifierMixin, BaseEstimator):
    """Learns nothing, predicts one class."""

    def __init__(self, value=0):
        self.value = value

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def workloads():
    """Name, estimator, data, grid and further arguments of each comparison."""
    iris = load_iris(return_X_y=True)
    frame = load_iris(return_X_y=True, as_frame=True)
    digits = load_digits(return_X_y=True)
    values = {"value": list(range(100))}
    yield "null, iris", NullClassifier(), iris, values, {}
    yield "null, iris as a DataFrame", NullClassifier(), frame, values, {}
    yield "null, digits", NullClassifier(), digits, values, {}
    yield "null, iris, f1_macro", NullClassifier(), iris, values, {"scoring": "f1_macro"}
    yield "GaussianNB, iris", GaussianNB(), iris, {"var_smoothing": list(np.logspace(-12, 0, 100))}, {}
    yield "Ridge, iris", Ridge(), iris, {"alpha": list(np.logspace(-3, 3, 100))}, {}
    yield "kNN, iris", KNeighborsClassifier(), iris, {"n_neighbors": list(range(1, 51))}, {}
    yield (
        "LogisticRegression, iris",
        LogisticRegression(max_iter=1000),
        iris,
        {"C": list(np.logspace(-3, 1, 30))},
        {},
    )
    yield "SVC, digits", SVC(), digits, {"C": [0.1, 1.0, 10.0, 100.0]}, {}


def seconds(search, X, y):
    """Wall-clock seconds of one fit."""
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def compare(n_jobs, repeats):
    """Print one line per workload: median seconds of each and the median of the paired ratios."""
    print(f"\nn_jobs={n_jobs}, median of {repeats} interleaved runs")
    print(
        f"{'workload':28} {'fits':>5} {'GridSearchCV':>13} {'GridSearch':>11} {'ratio':>6} {'us per fit':>11}"
    )
    for name, estimator, (X, y), grid, arguments in workloads():
        arguments = {"n_jobs": n_jobs, "refit": False} | arguments
        n_fits = 5 * len(next(iter(grid.values())))
        theirs, ours = [], []
        for _ in range(repeats + 1):
            theirs.append(seconds(GridSearchCV(estimator, grid, **arguments), X, y))
            ours.append(seconds(GridSearch(estimator, grid, **arguments), X, y))
        theirs, ours = theirs[1:], ours[1:]  # the first run starts the workers
        ratio = statistics.median(b / a for a, b in zip(theirs, ours, strict=True))
        a, b = statistics.median(theirs), statistics.median(ours)
        print(f"{name:28} {n_fits:5} {a:11.3f} s {b:9.3f} s {ratio:6.2f} {b / n_fits * 1e6:11.0f}")


def many_folds(n_candidates=1200):
    """Print the time for 6,000 trivial folds on two workers, where GridSearchCV's cost is quadratic."""
    X, y = load_iris(return_X_y=True)
    grid = {"value": list(range(n_candidates))}
    ours = seconds(GridSearch(NullClassifier(), grid, n_jobs=2, refit=False), X, y)
    theirs = seconds(GridSearchCV(NullClassifier(), grid, n_jobs=2, refit=False), X, y)
    print(
        f"\n{n_candidates * 5} trivial folds, n_jobs=2: GridSearchCV {theirs:.1f} s, GridSearch {ours:.1f} s, "
        f"{theirs / ours:.1f} times faster"
    )


def many_candidates(sizes=(2_500, 5_000, 10_000, 20_000)):
    """Print time and memory per candidate of growing grids: flat if both are linear."""
    X, y = load_iris(return_X_y=True)
    print("\ncandidates  seconds  us per candidate  kB kept per candidate (a run of its own, traced)")
    for n in sizes:
        grid = {"value": list(range(n))}
        taken = seconds(GridSearch(NullClassifier(), grid, cv=2, refit=False), X, y)
        tracemalloc.start()
        search = GridSearch(NullClassifier(), grid, cv=2, refit=False).fit(X, y)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del search
        print(f"{n:10} {taken:8.2f} {taken / n * 1e6:17.0f} {kept / n / 1024:22.2f}")


def main():
    """Run everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("n_jobs", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    versions = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, joblib {joblib.__version__}"
    print(f"Python {platform.python_version()}, {versions}, {joblib.cpu_count()} processors")
    for n_jobs in arguments.n_jobs:
        compare(n_jobs, arguments.repeats)
    many_folds()
    many_candidates()


if __name__ == "__main__":
    main()
