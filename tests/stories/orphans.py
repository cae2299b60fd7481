"""A search as a script, to be killed at a certain moment: ``python orphans.py MOMENT BACKEND``.

It prints a line when the moment has come: the processes that must not outlive it. Then it waits to be killed.
"""

import subprocess
import sys
import time
import warnings

from joblib import parallel_config
from sklearn.datasets import load_iris

from skhpt import GridSearch
from tests.estimators import Null


def wait_to_be_killed():
    time.sleep(600)


class StartsProcess(Null):
    """Starts a process in each fit of a fold, and says which; the refit waits to be killed if `value` is 1."""

    def fit(self, X, y):
        if len(X) < 150:
            process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            sys.stdout.write(f"{process.pid}\n")
            sys.stdout.flush()
        elif self.value:
            sys.stdout.write("killable\n")
            sys.stdout.flush()
            wait_to_be_killed()
        return super().fit(X, y)


class HangsAfterFold(StartsProcess):
    """Hangs in the second candidate."""

    def fit(self, X, y):
        super().fit(X, y)
        if self.value == 2:
            sys.stdout.write("killable\n")
            sys.stdout.flush()
            wait_to_be_killed()
        return self


def main(moment, backend):
    """Run a search up to a moment."""
    warnings.simplefilter("ignore")
    estimator, values = {
        "fit": (HangsAfterFold(), [0, 2]),
        "refit": (StartsProcess(), [1]),
        "end": (StartsProcess(), [0]),
    }[moment]
    options = {"fit_timeout": 600} if backend == "processes" else {}
    with parallel_config("loky" if backend == "processes" else backend, n_jobs=2):
        GridSearch(estimator, {"value": values}, cv=2, **options).fit(*load_iris(return_X_y=True))
    print("killable", flush=True)
    wait_to_be_killed()


if __name__ == "__main__":
    main(*sys.argv[1:])
