"""Cost of MLflow's autologging: searches with and without it, in turn.

Run with ``OMP_NUM_THREADS=1 python tests/benchmarks/autologging.py [--repeats 3]``. The cost of `MLflowLogger` is in
``callbacks.py``.
"""

import argparse
import contextlib
import logging
import os
import tempfile
import time
import warnings
from pathlib import Path

import mlflow
import mlflow.sklearn
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from skhpt import GridSearch


def seconds_of(search, X, y):
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def compare(uri, n_repeats):
    """Print the seconds of each search, and the number of runs that MLflow has of it."""
    X, y = load_digits(return_X_y=True)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    experiment = mlflow.set_experiment("autologging").experiment_id
    grid = {"C": [0.1, 1, 10, 100], "gamma": [1e-4, 1e-3, 1e-2]}
    for _ in range(n_repeats):
        for is_on in (False, True):
            mlflow.sklearn.autolog(disable=not is_on, silent=True)
            for make in (GridSearchCV, GridSearch):
                n_before = len(client.search_runs([experiment]))
                seconds = seconds_of(make(SVC(), grid), X[:600], y[:600])
                n_runs = len(client.search_runs([experiment])) - n_before
                state = "on" if is_on else "off"
                print(f"autologging {state:3}  {make.__name__:12}  {seconds:6.2f} s  {n_runs} runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # MLflow writes there
        compare((Path(folder) / "runs").as_uri(), arguments.repeats)


if __name__ == "__main__":
    main()
