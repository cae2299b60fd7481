"""Cost of logging a search to MLflow, and of MLflow's autologging.

Searches of 200 candidates whose fits compute for a fixed time, without callbacks and with the logger, in turn. Run with
``python tests/benchmarks/mlflow_logging.py [--seconds 0.02] [--store file|sqlite] [--repeats 3] [--autologging]``.
"""

import argparse
import contextlib
import logging
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import mlflow
import mlflow.sklearn
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from skhpt import GridSearch, RandomSearch
from skhpt.callbacks import MLflowLogger


class Busy(ClassifierMixin, BaseEstimator):
    """Classifier whose fit multiplies matrices for some seconds of CPU time."""

    def __init__(self, seconds=0.02, a=0.0, b=0.0):
        self.seconds, self.a, self.b = seconds, a, b

    def fit(self, X, y):
        matrix, end = np.ones((200, 200)), time.thread_time() + self.seconds
        while time.thread_time() < end:
            matrix = matrix @ matrix / 200
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def seconds_of(search, X, y):
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def cost_of_the_logger(uri, args):
    X, y = load_digits(return_X_y=True)
    space = {"a": list(np.linspace(0, 1, 100)), "b": list(np.linspace(0, 1, 100))}

    def search():
        return RandomSearch(
            Busy(args.seconds), space, n_iter=200, random_state=0, n_jobs=args.jobs, reuse=False
        )

    search().set_params(n_iter=4).set_callbacks(MLflowLogger(tracking_uri=uri)).fit(
        X[:200], y[:200]
    )  # imports
    ratios = []
    for _ in range(args.repeats):
        plain = seconds_of(search(), X[:200], y[:200])
        logger = MLflowLogger(tracking_uri=uri, log_report=not args.without_report)
        logged = seconds_of(search().set_callbacks(logger), X[:200], y[:200])
        ratios.append(logged / plain)
        print(f"without {plain:6.2f} s, with the logger {logged:6.2f} s, ratio {ratios[-1]:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")


def cost_of_autologging(uri, args):
    X, y = load_digits(return_X_y=True)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    experiment = mlflow.set_experiment("autologging").experiment_id
    grid = {"C": [0.1, 1, 10, 100], "gamma": [1e-4, 1e-3, 1e-2]}
    for _ in range(args.repeats):
        for is_on in (False, True):
            mlflow.sklearn.autolog(disable=not is_on, silent=True)
            for make in (GridSearchCV, GridSearch):
                n_before = len(client.search_runs([experiment]))
                seconds = seconds_of(make(SVC(), grid), X[:600], y[:600])
                n_runs = len(client.search_runs([experiment])) - n_before
                print(
                    f"autologging {'on ' if is_on else 'off'}  {make.__name__:12}  {seconds:6.2f} s  {n_runs} runs"
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.02)
    parser.add_argument("--store", choices=["file", "sqlite"], default="file")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=None)
    parser.add_argument("--without-report", action="store_true")
    parser.add_argument("--autologging", action="store_true")
    args = parser.parse_args()
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # MLflow writes there
        path = Path(folder)
        uri = (path / "runs").as_uri() if args.store == "file" else f"sqlite:///{path}/runs.db"
        cost = cost_of_autologging if args.autologging else cost_of_the_logger
        cost(uri, args)


if __name__ == "__main__":
    main()
