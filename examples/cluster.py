"""Run a search on Dask or Ray, lose a worker in the middle, and see in a picture which worker did what.

The cluster is two processes of this machine; on one of many machines only the line that connects to it
differs. Run the script with ``python examples/cluster.py dask timeline.png``, or with ``ray``. It needs ``pip
install "skhpt[dask,plots,progress]"``, or ``skhpt[ray,plots,progress]``.
"""

import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import RandomSearch
from skhpt.callbacks import SearchCallback, SearchProgress
from skhpt.plots import TimelineDisplay


@contextmanager
def dask_cluster():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster),  # Client("tcp://scheduler:8786") for one that runs already
        parallel_config("dask"),
    ):
        yield


@contextmanager
def ray_cluster():
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    with (
        ray.init("local", num_cpus=2, include_dashboard=False),  # ray.init("auto") for one that runs already
        parallel_config("ray"),
    ):
        yield


CLUSTERS = {"dask": dask_cluster, "ray": ray_cluster}


class WorkerKiller(SearchCallback):
    """Kills a worker process when a third of the folds are back; Dask or Ray starts another one."""

    def __init__(self):
        self.n_folds = 0

    def on_folds_finished(self, search, folds, status):
        n_before, self.n_folds = self.n_folds, self.n_folds + len(folds)
        if n_before < 30 <= self.n_folds:
            # The name of a worker is host/process.thread, without the host if it is this one.
            pid = int(folds[-1].worker.rpartition("/")[2].partition(".")[0])
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            print(f"Worker {pid} was killed.")


def main(engine="dask", picture=None):
    folder = Path(tempfile.mkdtemp())
    picture = picture or folder / "timeline.png"
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    pipeline = make_pipeline(StandardScaler(), SVC())
    space = {"svc__C": loguniform(1e-1, 1e3), "svc__gamma": loguniform(1e-4, 1e-1)}
    search = RandomSearch(pipeline, space, n_iter=20, random_state=0, journal=folder / "search.jsonl")
    search.set_callbacks(SearchProgress(file=sys.stdout), WorkerKiller())

    with CLUSTERS[engine]():
        search.fit(X, y)

    n_folds = sum(fold.state == "ok" for trial in search.history_ for fold in trial.folds)
    print(f"\n{n_folds} of {20 * 5} folds have a score. The journal is {folder / 'search.jsonl'}")
    TimelineDisplay.from_search(search).figure_.savefig(picture)
    print(f"The workers over time: {picture}")
    print("\nThe best candidates:")
    print(search.leaderboard_text(5))


if __name__ == "__main__":  # the worker processes of Dask import this script
    main(*sys.argv[1:])
