"""Run a search on a Ray cluster, lose a worker in the middle, and see in a picture which worker did what.

The cluster is this machine; with ``ray.init("auto")`` on a node of it, it is one of many machines, and the rest stays
the same. Run the script with ``python examples/ray_cluster.py timeline.png``; it needs Ray and matplotlib
(``pip install "skhpt[ray,plots,progress]"``).
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

import ray
from joblib import parallel_config
from ray.util.joblib import register_ray
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import RandomSearch
from skhpt.callbacks import SearchCallback, SearchProgress
from skhpt.plots import TimelineDisplay


class WorkerKiller(SearchCallback):
    """Kills a worker process when a third of the folds are back; Ray starts another one."""

    def __init__(self):
        self.n_folds = 0

    def on_folds_finished(self, search, folds, status):
        n_before, self.n_folds = self.n_folds, self.n_folds + len(folds)
        if n_before < 30 <= self.n_folds:
            pid = int(folds[-1].worker.split("/")[-1])
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            print(f"Worker {pid} was killed.")


def main():
    folder = Path(tempfile.mkdtemp())
    picture = sys.argv[1] if len(sys.argv) > 1 else folder / "timeline.png"
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    pipeline = make_pipeline(StandardScaler(), SVC())
    space = {"svc__C": loguniform(1e-1, 1e3), "svc__gamma": loguniform(1e-4, 1e-1)}
    search = RandomSearch(pipeline, space, n_iter=20, random_state=0, journal=folder / "search.jsonl")

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False)
    search.set_callbacks(SearchProgress(file=sys.stdout), WorkerKiller())
    with parallel_config("ray"):
        search.fit(X, y)
    ray.shutdown()

    n_folds = sum(fold.state == "ok" for trial in search.history_ for fold in trial.folds)
    print(f"\n{n_folds} of {20 * 5} folds have a score. The journal is {folder / 'search.jsonl'}")
    TimelineDisplay.from_search(search).figure_.savefig(picture)
    print(f"The workers over time: {picture}")
    print("\nThe best candidates:")
    print(search.leaderboard_text(5))


if __name__ == "__main__":
    main()
