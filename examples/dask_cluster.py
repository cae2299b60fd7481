"""Run a search on a Dask cluster, lose a worker in the middle, and see in a picture which worker did what.

The cluster is two processes of this machine; with ``Client("tcp://scheduler:8786")`` it is one of many machines, and
the rest stays the same. Run the script with ``python examples/dask_cluster.py timeline.png``; it needs Dask
and matplotlib (``pip install "skhpt[dask,plots,progress]"``).
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import RandomSearch
from skhpt.callbacks import SearchCallback, SearchProgress
from skhpt.plots import TimelineDisplay


class WorkerKiller(SearchCallback):
    """Kills a worker process when a third of the folds are back; its nanny starts another one."""

    def __init__(self, client):
        self.client = client
        self.n_folds = 0

    def on_folds_finished(self, search, folds, status):
        n_before, self.n_folds = self.n_folds, self.n_folds + len(folds)
        if n_before < 30 <= self.n_folds:
            pid = min(self.client.run(os.getpid).values())
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

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        search.set_callbacks(SearchProgress(file=sys.stdout), WorkerKiller(client))
        with parallel_config("dask"):
            search.fit(X, y)

    n_folds = sum(fold.state == "ok" for trial in search.history_ for fold in trial.folds)
    print(f"\n{n_folds} of {20 * 5} folds have a score. The journal is {folder / 'search.jsonl'}")
    TimelineDisplay.from_search(search).figure_.savefig(picture)
    print(f"The workers over time: {picture}")
    print("\nThe best candidates:")
    print(search.leaderboard_text(5))


if __name__ == "__main__":  # the worker processes import this script
    main()
