"""A search as a script, whose driver and workers are to be killed: ``python preemptible.py ENGINE FOLDER``.

Each fit that begins leaves a line in ``FOLDER/fits``: the candidate, the fold, and the process. The fits of one
candidate then wait until there is a file ``FOLDER/open``, so that it is certain which fits are running. The results end
up in ``FOLDER/results.json``.
"""

import json
import os
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import KFold

from skhpt import GridSearch
from tests.stories.interruptible import results

N_CANDIDATES, N_SPLITS = 40, 3
#: The candidate whose fits wait: so far on that several candidates are sent in one task.
WAITING = 20
#: Seconds that a fit takes at least. Ray's workers send the scores of shorter fits in groups.
SECONDS = 0.01
#: Rows with their numbers, which say what the fold is.
X, y = np.arange(30.0).reshape(-1, 1), np.arange(30) % 2


class Waiting(ClassifierMixin, BaseEstimator):
    """Says which fit begins, and waits if `value` is that of the candidate whose fits wait."""

    def __init__(self, value=0, folder=""):
        self.value = value
        self.folder = folder

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        split = next((i for i in range(N_SPLITS) if i * 30 / N_SPLITS not in X[:, 0]), None)
        if split is None:  # the refit
            return self
        with open(Path(self.folder, "fits"), "a") as file:
            file.write(f"{self.value} {split} {os.getpid()}\n")
        time.sleep(SECONDS)
        while self.value == WAITING and not Path(self.folder, "open").exists():
            time.sleep(0.01)
        return self

    def score(self, X, y):
        return self.value + X[0, 0] / 100


def make(folder, **params):
    """Make the search."""
    estimator, cv = Waiting(folder=str(folder)), KFold(N_SPLITS)
    return GridSearch(estimator, {"value": list(range(N_CANDIDATES))}, cv=cv, reuse=False, **params)


@contextmanager
def _dask():
    from distributed import Client

    with Client(os.environ["CLUSTER"]), parallel_config("dask"):
        yield


@contextmanager
def _ray():
    import ray
    from ray.util.joblib import register_ray

    ray.init(address=os.environ["CLUSTER"], log_to_driver=False)
    register_ray()
    with parallel_config("ray"):
        yield


#: Contexts in which a search uses an engine, and parameters of the search.
ENGINES = {
    "serial": (nullcontext, {}),
    "threads": (lambda: parallel_config("threading", n_jobs=2), {}),
    "loky": (lambda: parallel_config("loky", n_jobs=2), {}),
    "multiprocessing": (lambda: parallel_config("multiprocessing", n_jobs=2), {}),
    "processes": (lambda: parallel_config("loky", n_jobs=2), {"fit_timeout": 600}),
    "dask": (_dask, {}),
    "ray": (_ray, {}),
}


def main(engine, folder):
    """Run the search and write what came of it."""
    warnings.simplefilter("ignore")
    context, params = ENGINES[engine]
    with context():
        search = make(folder, journal=Path(folder, "search.jsonl"), **params).fit(X, y)
    Path(folder, "results.json").write_text(json.dumps(results(search)))


if __name__ == "__main__":
    main(*sys.argv[1:])
