"""What searches cost on engines with many workers: threads, loky, Dask and Ray; GridSearch beside GridSearchCV.

Run by hand, on Linux: ``python tests/benchmarks/engines.py PART [OPTION ...]``, with ``PART --help`` for the options.
The defaults end within a minute or so; the pages have the sizes of their tables. The parts are

- ``throughput``: fits that sleep, the two searches in turn: wall time as a multiple of the ideal, which is the number
  of fits times their seconds by the number of workers; how busy workers are; processor time of a fold by the kind of
  process; growth of the memory of the driver; seconds until the first fit ends;
- ``data``: how many times large data crosses the network;
- ``faults``: what searches end with when something is killed;
- ``bayes``: how busy workers are with many pending candidates;
- ``resume``: fits that are repeated when a search continues whose driver was killed;
- ``xgboost``: a search for the parameters of XGBoost, beside RandomizedSearchCV on the same cluster;
- ``picture``: the number of running fits over time, drawn to a file.

Workers have started before anything is measured. The bytes are those of the loopback device, so nothing else may use it
meanwhile: ``unshare -rn sh -c "ip link set lo up && python ..."`` gives a process a loopback device of its own.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import sklearn
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV

sys.path.insert(0, str(Path(__file__).parents[2]))

from skhpt import BayesSearchCV, GridSearch, RandomSearch
from tests.stories.interruptible import members

N_SPLITS = 5
OURS, THEIRS = "skhpt", "scikit-learn"
ENGINES = ["threads", "loky", "dask", "ray"]
REPOSITORY = Path(__file__).parents[2]


class Sleeping(ClassifierMixin, BaseEstimator):
    """Sleeps; its score is its value. It leaves a line with the times of each fit in a folder, if there is one.

    So the times are those of both searches, and of fits whose scores are lost. The line has the candidate, the fold,
    the process, the thread, and the times when the fit began and ended.
    """

    def __init__(self, value=0.0, seconds=0.1, folder=None):
        self.value = value
        self.seconds = seconds
        self.folder = folder

    def fit(self, X, y):
        begun = time.time()
        time.sleep(self.seconds)
        if self.folder is not None:
            worker = f"{os.getpid()} {threading.get_ident()}"
            # The targets of `make_data` are the numbers of the rows, so their sum says which fold is left out.
            line = f"{self.value} {np.sum(y)} {worker} {begun} {time.time()}\n"
            with open(Path(self.folder, str(os.getpid())), "a") as file:
                file.write(line)
        return self

    def score(self, X, y):
        return float(self.value)


def fits_in(folder):
    """Return candidate, fold, worker, begin and end of each fit that has ended, in the order of their ends."""
    lines = [line.split() for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
    fits = [(float(v), float(f), f"{p}.{t}", float(b), float(e)) for v, f, p, t, b, e in lines]
    return sorted(fits, key=lambda fit: fit[-1])


# -- processes -----------------------------------------------------------------------------------------------


def cpu_seconds(pid):
    """Return the processor time of a process; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory():
    """Return the memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def children(pid):
    """Return a process with all of its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def bytes_sent():
    """Return the bytes that have crossed the loopback device."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[0])
    return 0


# -- engines -------------------------------------------------------------------------------------------------


class Engine:
    """An engine with its workers; use it in a ``with`` block.

    Parameters
    ----------
    n_workers : int
        Number of fits that may run at the same time.
    n_processes : int, default=None
        Number of worker processes of Dask; by default one for each worker.
    """

    def __init__(self, n_workers, n_processes=None):
        self.n_workers = n_workers
        self.n_processes = n_processes or n_workers

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def config(self):
        """Return the context in which a search uses the engine."""
        return parallel_config(self.backend, n_jobs=self.n_workers)

    def processes(self):
        """Return the processes of the scheduler, and those of the workers."""
        return [], children(os.getpid())[1:]


class Threads(Engine):
    """Threads of this process."""

    backend = "threading"


class Loky(Engine):
    """Processes of joblib."""

    backend = "loky"

    def __enter__(self):
        joblib.Parallel(self.n_workers)(joblib.delayed(start_worker)() for _ in range(4 * self.n_workers))
        return self

    def __exit__(self, *exception):
        joblib.externals.loky.get_reusable_executor().shutdown(wait=True)


class Dask(Engine):
    """A Dask cluster: a scheduler and workers started by Dask's commands, each with a session of processes.

    Parameters
    ----------
    n_workers, n_processes : int
        As for `Engine`.
    is_separate : bool, default=False
        Whether each worker has a nanny in a process of its own, so that it can be killed.
    """

    def __init__(self, n_workers, n_processes=None, is_separate=False):
        super().__init__(n_workers, n_processes)
        self.is_separate = is_separate
        self.started = []

    def __enter__(self):
        from distributed import Client

        self.folder = tempfile.TemporaryDirectory()
        self.file = f"{self.folder.name}/scheduler.json"
        self.scheduler = self.start("scheduler", "--port", "0", "--no-dashboard")
        sizes = [1] * self.n_processes if self.is_separate else [self.n_processes]
        self.workers = [self.add_workers(size) for size in sizes]
        self.client = Client(scheduler_file=self.file, timeout=120)
        self.client.wait_for_workers(self.n_processes, timeout=600)
        self.client.run(start_worker)
        return self

    def add_workers(self, n_processes):
        """Start worker processes."""
        n_threads = self.n_workers // self.n_processes
        workers = ["--nworkers", str(n_processes), "--nthreads", str(n_threads)]
        return self.start("worker", *workers, "--no-dashboard", "--local-directory", self.folder.name)

    def start(self, command, *options):
        """Start a command of Dask."""
        line = [sys.executable, "-m", "dask", command, "--scheduler-file", self.file, *options]
        process = subprocess.Popen(
            line, cwd=REPOSITORY, start_new_session=True, env=environment(), stderr=subprocess.DEVNULL
        )
        self.started.append(process)
        return process

    def config(self):
        return parallel_config("dask")

    def processes(self):
        return members(self.scheduler.pid), [pid for one in self.workers for pid in members(one.pid)]

    def __exit__(self, *exception):
        with suppress(Exception):
            self.client.close(timeout=5)
        for process in self.started:
            end_session(process)
        self.folder.cleanup()


class Ray(Engine):
    """Ray on this machine, started by this process."""

    def __enter__(self):
        import ray
        from ray.util.joblib import register_ray

        os.environ |= environment()
        ray.init("local", num_cpus=self.n_workers, include_dashboard=False, log_to_driver=False)
        register_ray()
        start = ray.remote(start_worker)
        ray.get([start.remote() for _ in range(self.n_workers)])
        return self

    def config(self):
        return parallel_config("ray", n_jobs=self.n_workers)

    def processes(self):
        pids = children(os.getpid())[1:]
        workers = [pid for pid in pids if _is_ray_worker(pid)]
        return [pid for pid in pids if pid not in workers], workers

    def __exit__(self, *exception):
        import ray

        ray.shutdown()


def start_worker():
    """Import what a search needs, in a worker that other tasks leave alone for a moment."""
    import skhpt.fitting.fold  # noqa: F401

    time.sleep(0.2)


def _is_ray_worker(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().startswith("ray::")
    return False


CLASSES = {"threads": Threads, "loky": Loky, "dask": Dask, "ray": Ray}


def environment():
    """Return the environment of processes that import this repository."""
    path = f"{REPOSITORY}{os.pathsep}{Path(__file__).parent}"
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def end_session(process):
    """Kill all processes of a session."""
    for pid in members(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


# -- throughput ----------------------------------------------------------------------------------------------


def make_data(kind="dense", megabytes=0.01):
    """Return data of a size: dense, pandas or sparse."""
    n_rows = max(50, int(megabytes * 1e6 / 8 / 100))
    dense = np.arange(n_rows * 100, dtype=float).reshape(n_rows, 100)
    y = np.arange(n_rows)
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame(dense, columns=[f"x{i}" for i in range(100)]), y
    if kind == "sparse":
        from scipy.sparse import csr_matrix

        dense[:, 50:] = 0
        return csr_matrix(dense), y
    return dense, y


def grid_search(tool, n_folds, seconds, folder, **params):
    """Return a grid search of so many folds that sleep."""
    values = {"value": [float(i) for i in range(n_folds // N_SPLITS)]}
    search = {OURS: GridSearch, THEIRS: GridSearchCV}[tool]
    estimator = Sleeping(seconds=seconds, folder=str(folder))
    return search(estimator, values, cv=KFold(N_SPLITS), refit=False, **params)


def measure(engine, search, X, y, folder):
    """Run a search whose fits leave lines in a folder; return what it took, by name."""
    start = time.time()
    taken = measure_counted(engine, search, X, y, lambda: len(fits_in(folder)))
    fits = fits_in(folder)
    return taken | {
        "first": fits[0][-1] - start,
        "worked": sum(fit[-1] - fit[-2] for fit in fits),
        "fits": [[fit[-2] - start, fit[-1] - start] for fit in fits],
    }


def measure_counted(engine, search, X, y, n_fits):
    """Run a search; return what it took, by name; `n_fits` is the number of its fits, or a function that returns it."""
    spent = {pid: cpu_seconds(pid) for pids in engine.processes() for pid in pids}
    start, cpu, rss, sent = time.time(), time.process_time(), memory(), bytes_sent()
    with engine.config():
        search.fit(X, y)
    wall, cpu, sent = time.time() - start, time.process_time() - cpu, bytes_sent() - sent
    of_scheduler, of_workers = (
        sum(cpu_seconds(pid) - spent.get(pid, 0.0) for pid in pids) for pids in engine.processes()
    )
    n = n_fits() if callable(n_fits) else n_fits
    return {
        "wall": wall,
        "cpu": [1e3 * seconds / n for seconds in (cpu, of_scheduler, of_workers)],
        "memory": memory() - rss,
        "sent": sent,
    }


def run_in_turn(engine, n_folds, seconds, data, repeats, tools=(OURS, THEIRS)):
    """Yield a tool and what its search took, one tool after the other."""
    for _ in range(repeats):
        for tool in tools:
            with tempfile.TemporaryDirectory() as folder:
                yield tool, measure(engine, grid_search(tool, n_folds, seconds, folder), *data, folder)


def make_engine(name, arguments):
    """Return an engine, and its name in a table."""
    n, n_processes = arguments.workers, getattr(arguments, "processes", None)
    if name == "dask":
        n_processes = n_processes or n
        return Dask(n, n_processes), f"Dask, {n_processes} x {n // n_processes}"
    return CLASSES[name](n), f"{name}, {n}"


def throughput(arguments):
    """Print the table of throughput."""
    ideal = arguments.folds * arguments.seconds / arguments.workers
    print(
        f"{arguments.folds} folds of {arguments.seconds} s, {arguments.workers} workers, ideal {ideal:.1f} s"
    )
    head = ["engine", "search", "wall / ideal", "busy", "ms of CPU a fold: driver", "scheduler", "workers"]
    print_row([*head, "memory of the driver, MB", "first fit, s"], is_head=True)
    for name in arguments.engines:
        engine, label = make_engine(name, arguments)
        data = make_data()
        with engine:
            runs = run_in_turn(
                engine, arguments.folds, arguments.seconds, data, arguments.repeats, arguments.tools
            )
            for tool, run in runs:
                busy = run["worked"] / run["wall"] / arguments.workers
                shown = [f"{run['wall'] / ideal:.2f}", f"{busy:.0%}", *(f"{cpu:.1f}" for cpu in run["cpu"])]
                print_row([label, tool, *shown, f"{run['memory']:+.0f}", f"{run['first']:.1f}"])


def print_row(cells, is_head=False):
    """Print a row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)
    if is_head:
        print(f"|{'---|' * len(cells)}", flush=True)


# -- data ----------------------------------------------------------------------------------------------------


def size_of(X):
    """Return the bytes of the data."""
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(deep=True).sum())
    if hasattr(X, "indptr"):
        return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return X.nbytes


def data(arguments):
    """Print how many times the data crossed the network."""
    print(
        f"{arguments.megabytes} MB, {arguments.workers} workers, {arguments.folds} folds of {arguments.seconds} s"
    )
    head = ["engine", "search", "data", "times that the data was sent", "MB sent", "wall, s", "first fit, s"]
    print_row([*head, "memory of the driver, MB"], is_head=True)
    for name in arguments.engines:
        engine, label = make_engine(name, arguments)
        with engine:
            for kind in arguments.kinds:
                X, y = make_data(kind, arguments.megabytes)
                runs = run_in_turn(
                    engine, arguments.folds, arguments.seconds, (X, y), arguments.repeats, arguments.tools
                )
                for tool, run in runs:
                    times = [f"{run['sent'] / size_of(X):.2f}", f"{run['sent'] / 1e6:.0f}"]
                    seconds = [f"{run['wall']:.1f}", f"{run['first']:.1f}"]
                    print_row([label, tool, kind, *times, *seconds, f"{run['memory']:+.0f}"])


# -- faults --------------------------------------------------------------------------------------------------


def child(tool, scheduler_file, folder, n_folds, seconds, case):
    """Run a search on a Dask cluster as a script, and write what came of it."""
    from distributed import Client

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    params = {"journal": f"{folder}/search.jsonl"} if tool == OURS else {}
    search = grid_search(tool, int(n_folds), float(seconds), f"{folder}/fits", **params)
    if case == HANGS:
        search.estimator = Hanging(seconds=float(seconds), folder=f"{folder}/fits")
        if tool == OURS:
            search.fit_timeout = 5.0
    begun, error = time.time(), ""
    try:
        with Client(scheduler_file=scheduler_file, timeout=60), parallel_config("dask"):
            print("begun", flush=True)
            search.fit(*make_data())
    except BaseException as problem:
        error = f"{type(problem).__name__}: {str(problem).splitlines()[0][:80]}"
    table = getattr(search, "cv_results_", {})
    scores = np.array([table.get(f"split{i}_test_score", []) for i in range(N_SPLITS)])
    n_right = int((scores == table["param_value"].astype(float)).sum()) if table else 0
    outcome = {"n": n_right, "seconds": time.time() - begun, "error": error}
    Path(folder, "outcome").write_text(json.dumps(outcome))


class Hanging(Sleeping):
    """Its third candidate hangs."""

    def fit(self, X, y):
        if self.value == 2:
            time.sleep(1e6)
        return super().fit(X, y)


HANGS = "one fit hangs on each fold"


def kill_worker(engine, process):
    """Kill one worker process; its nanny starts another."""
    os.kill(worker_pids(engine)[0], signal.SIGKILL)


def kill_nanny(engine, process):
    """Kill one worker process with its nanny."""
    end_session(engine.workers[0])


def kill_workers(engine, process):
    """Kill all worker processes; their nannies start others."""
    for pid in worker_pids(engine):
        os.kill(pid, signal.SIGKILL)


def replace_workers(engine, process):
    """Kill all workers with their nannies, and start others five seconds later."""
    for one in engine.workers:
        end_session(one)
    time.sleep(5)
    engine.workers = [engine.add_workers(1) for _ in range(engine.n_workers)]


def add_workers(engine, process):
    """Start as many workers again."""
    engine.workers += [engine.add_workers(1) for _ in range(engine.n_workers)]


def restart_workers(engine, process):
    """Restart all workers, as a user would."""
    engine.client.restart()


def kill_scheduler(engine, process):
    """Kill the scheduler."""
    engine.scheduler.kill()


def nothing(engine, process):
    """Do nothing."""


#: What happens, and whether it happens at once; otherwise when a quarter of the fits have ended.
FAULTS = {
    "nothing": (nothing, False),
    "a worker is killed": (kill_worker, False),
    "a worker is killed at the start": (kill_worker, True),
    "a worker and its nanny are killed": (kill_nanny, False),
    "all workers are killed": (kill_workers, False),
    "all workers are gone, others come 5 s later": (replace_workers, False),
    "the same, at the start": (replace_workers, True),
    "workers are added": (add_workers, False),
    "the workers are restarted": (restart_workers, False),
    "the scheduler is killed": (kill_scheduler, False),
    HANGS: (nothing, False),
}


def worker_pids(engine):
    """Return the worker processes of Dask: the children of nannies that are not helpers of `multiprocessing`."""
    pids = [pid for one in engine.workers for pid in members(one.pid) if pid != one.pid]
    return [pid for pid in pids if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]


def start_child(*arguments):
    """Start this script as a child, in a session of its own, and wait until its search begins."""
    command = [sys.executable, __file__, *map(str, arguments)]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    process.stdout.readline()
    return process


def one_fault(tool, case, arguments):
    """Let something happen to a search; return the scores that are right, fits, seconds and the error."""
    happen, is_at_once = FAULTS[case]
    with tempfile.TemporaryDirectory() as folder, Dask(arguments.workers, is_separate=True) as engine:
        fits = Path(folder, "fits")
        fits.mkdir()
        process = start_child("child", tool, engine.file, folder, arguments.folds, arguments.seconds, case)
        end = time.monotonic() + arguments.limit
        while not is_at_once and len(fits_in(fits)) < arguments.folds / 4 and time.monotonic() < end:
            time.sleep(0.05)
        happen(engine, process)
        try:
            process.wait(arguments.limit)
            one = json.loads(Path(folder, "outcome").read_text())
        except subprocess.TimeoutExpired:
            one = {"n": 0, "seconds": arguments.limit, "error": "hangs"}
        finally:
            end_session(process)
        n_kept = n_recorded(Path(folder, "search.jsonl"))
        return one, len(fits_in(fits)), n_kept


def n_recorded(path):
    """Return the number of scores in a journal."""
    return path.read_text().count('{"scored"') if path.exists() else 0


def faults(arguments):
    """Print the table of faults on Dask."""
    print(f"Dask, {arguments.workers} workers, {arguments.folds} folds of {arguments.seconds} s")
    head = ["what", "search", "scores right", "in the journal", "fits that ended", "seconds", "error"]
    print_row(head, is_head=True)
    for case in arguments.cases or FAULTS:
        for tool in arguments.tools:
            one, n_fits, n_kept = one_fault(tool, case, arguments)
            kept = str(n_kept) if tool == OURS else ""
            print_row([case, tool, str(one["n"]), kept, str(n_fits), f"{one['seconds']:.1f}", one["error"]])


# -- busy workers of BayesSearchCV ---------------------------------------------------------------------------


class Uneven(Sleeping):
    """Sleeps for a time that depends on its parameters, as fits do."""

    def __init__(self, value=0.0, other=0.0, seconds=0.1, folder=None):
        super().__init__(value, seconds, folder)
        self.other = other

    def fit(self, X, y):
        seconds, self.seconds = self.seconds, self.seconds * (0.5 + self.value)
        super().fit(X, y)
        self.seconds = seconds
        return self

    def score(self, X, y):
        return -((self.value - 0.3) ** 2) - (self.other - 0.6) ** 2


def bayes(arguments):
    """Print how busy workers are with many pending candidates."""
    from scipy.stats import uniform

    print(f"{arguments.workers} workers, one fold a candidate of about {arguments.seconds} s")
    print_row(
        ["engine", "candidates", "busy", "ms of CPU of the driver a candidate", "wall, s"], is_head=True
    )
    for name in arguments.engines:
        engine, label = make_engine(name, arguments)
        with engine:
            for n in arguments.candidates:
                with tempfile.TemporaryDirectory() as folder:
                    search = BayesSearchCV(
                        Uneven(seconds=arguments.seconds, folder=folder),
                        {"value": uniform(0, 1), "other": uniform(0, 1)},
                        n_iter=n, max_pending=arguments.workers, random_state=0, refit=False,
                        cv=[(np.arange(25), np.arange(25, 50))],
                    )  # fmt: skip
                    run = measure(engine, search, *make_data(), folder)
                busy = run["worked"] / run["wall"] / arguments.workers
                print_row([label, str(n), f"{busy:.0%}", f"{run['cpu'][0]:.1f}", f"{run['wall']:.1f}"])


# -- continuing after a kill ---------------------------------------------------------------------------------


def searching(engine, folder, n_folds, seconds, n_workers, scheduler_file=""):
    """Run a search with a journal as a script, on an engine."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    search = grid_search(
        OURS, int(n_folds), float(seconds), f"{folder}/fits", journal=f"{folder}/search.jsonl"
    )
    if engine == "dask":
        from distributed import Client

        with Client(scheduler_file=scheduler_file, timeout=60), parallel_config("dask"):
            print("begun", flush=True)
            search.fit(*make_data())
        return
    with CLASSES[engine](int(n_workers)) as one, one.config():
        print("begun", flush=True)
        search.fit(*make_data())


def killed_and_continued(arguments, name, number, scheduler_file):
    """Kill a search after half of its fits, and run it again; return counts."""
    with tempfile.TemporaryDirectory() as folder:
        fits = Path(folder, "fits")
        fits.mkdir()
        script = ["searching", name, folder, arguments.folds, arguments.seconds, arguments.workers]
        script += [scheduler_file] if scheduler_file else []
        process = start_child(*script)
        while len(fits_in(fits)) < arguments.folds / 2 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        end_session(process)
        time.sleep(1 + arguments.seconds)  # workers of a cluster finish what they have begun
        n_before, n_kept = len(fits_in(fits)), n_recorded(Path(folder, "search.jsonl"))
        process = start_child(*script)
        process.wait()
        counts = Counter(fit[:2] for fit in fits_in(fits))
        return n_before, n_kept, sum(n > 1 for n in counts.values()), len(counts)


def resume(arguments):
    """Print how many fits are repeated when a search continues whose driver was ended."""
    print(f"{arguments.folds} folds of {arguments.seconds} s, {arguments.workers} workers")
    head = ["engine", "signal", "fits that ended before", "in the journal", "fits made again", "fits in all"]
    print_row(head, is_head=True)
    for name in arguments.engines:
        engine = Dask(arguments.workers) if name == "dask" else Engine(arguments.workers)
        with engine:
            for number in (signal.SIGTERM, signal.SIGKILL):
                counts = killed_and_continued(arguments, name, number, getattr(engine, "file", ""))
                print_row([name, number.name, *map(str, counts)])


# -- XGBoost -------------------------------------------------------------------------------------------------


def xgboost(arguments):
    """Print what a search for parameters of XGBoost takes, beside RandomizedSearchCV, on the same Dask cluster."""
    from scipy.stats import loguniform, randint
    from xgboost import XGBClassifier

    rng = np.random.default_rng(0)
    n_rows = int(arguments.megabytes * 1e6 / 8 / 100)
    X = rng.standard_normal((n_rows, 100))
    y = (X[:, :5].sum(axis=1) + rng.standard_normal(n_rows) > 0).astype(int)
    space = {"learning_rate": loguniform(1e-2, 1), "max_depth": randint(2, 7), "subsample": [0.5, 1.0]}
    model = XGBClassifier(n_estimators=arguments.trees, n_jobs=1, tree_method="hist", random_state=0)
    params = {"n_iter": arguments.candidates, "cv": 3, "random_state": 0, "refit": False}
    print(f"{arguments.megabytes} MB, {arguments.workers} Dask workers, {3 * arguments.candidates} fits")
    head = ["search", "wall, s", "times that the data was sent", "MB sent", "ms of CPU a fold: driver"]
    print_row([*head, "scheduler", "workers", "memory of the driver, MB", "best score"], is_head=True)
    with Dask(arguments.workers) as engine:
        for _ in range(arguments.repeats):
            for tool, kind in ((OURS, RandomSearch), (THEIRS, RandomizedSearchCV)):
                search = kind(model, space, **params)
                run = measure_counted(engine, search, X, y, 3 * arguments.candidates)
                sent = [f"{run['sent'] / X.nbytes:.2f}", f"{run['sent'] / 1e6:.0f}"]
                cpu = [f"{one:.0f}" for one in run["cpu"]]
                best = f"{search.best_score_:.6f}"
                print_row([tool, f"{run['wall']:.1f}", *sent, *cpu, f"{run['memory']:+.0f}", best])


# -- picture -------------------------------------------------------------------------------------------------


def running_over(fits, times):
    """Return how many fits run at each time."""
    begun, ended = (np.sort([fit[i] for fit in fits]) for i in (0, 1))
    return np.searchsorted(begun, times, "right") - np.searchsorted(ended, times, "right")


def picture(arguments):
    """Draw the number of running fits over time, for each engine and search."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    n_engines = len(arguments.engines)
    figure, axes = plt.subplots(
        n_engines, 1, figsize=(8, 1.2 + 1.9 * n_engines), sharex=True, squeeze=False, layout="constrained"
    )
    for ax, name in zip(axes[:, 0], arguments.engines, strict=True):
        engine, label = make_engine(name, arguments)
        with engine:
            runs = list(run_in_turn(engine, arguments.folds, arguments.seconds, make_data(), 1))
        for (tool, run), color in zip(runs, ("#1f77b4", "#d62728"), strict=True):
            times = np.linspace(0, run["wall"], 2_000)
            ax.plot(times, running_over(run["fits"], times), color=color, linewidth=1, label=tool)
        ideal = arguments.folds * arguments.seconds / arguments.workers
        ax.axvline(ideal, color="gray", linestyle="--", linewidth=1, label="ideal end")
        ax.axhline(arguments.workers, color="gray", linewidth=0.5)
        ax.set_ylim(0, 1.1 * arguments.workers)
        ax.set_title(label, loc="left", fontsize="medium")
        ax.set_ylabel("running fits")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[-1, 0].set_xlabel("seconds")
    axes[-1, 0].set_xlim(0)
    axes[0, 0].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    figure.savefig(arguments.file, dpi=120)
    print(arguments.file)


# -- the command ---------------------------------------------------------------------------------------------


def main():
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(required=True, dest="part")

    def part(function, engines=None, tools=True, **defaults):
        one = parts.add_parser(function.__name__, help=function.__doc__.splitlines()[0])
        one.set_defaults(function=function)
        for name, value in {"workers": 4, **defaults}.items():
            kind = type(value[0] if isinstance(value, list) else value)
            several = {"nargs": "+"} if isinstance(value, list) else {}
            one.add_argument(f"--{name}", type=kind, default=value, help=f"default: {value}", **several)
        if engines:
            one.add_argument("--engines", nargs="+", choices=ENGINES, default=engines)
            one.add_argument("--processes", type=int, help="worker processes of Dask; default: all workers")
        if tools:
            one.add_argument("--tools", nargs="+", choices=[OURS, THEIRS], default=[OURS, THEIRS])
        return one

    part(throughput, ENGINES, folds=200, seconds=0.1, repeats=1)
    part(
        data,
        ["loky", "dask", "ray"],
        folds=60,
        seconds=0.1,
        repeats=1,
        megabytes=20.0,
        kinds=["dense", "pandas", "sparse"],
    )
    cases = part(faults, folds=100, seconds=0.1, limit=60.0)
    cases.add_argument("--cases", nargs="+", choices=list(FAULTS))
    part(bayes, ["threads"], tools=False, workers=8, seconds=0.1, candidates=[60])
    part(resume, ENGINES, tools=False, folds=120, seconds=0.05)
    part(xgboost, tools=False, megabytes=20.0, candidates=8, trees=20, repeats=1)
    part(picture, ENGINES, tools=False, folds=200, seconds=0.1, file="docs/pictures/engines.png")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    versions = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, joblib {joblib.__version__}"
    print(f"Python {platform.python_version()}, {versions}, {joblib.cpu_count()} processors\n")
    arguments.function(arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    elif sys.argv[1:2] == ["searching"]:
        searching(*sys.argv[2:])
    else:
        main()
