"""What accidents cost: the journal's price, and GridSearch beside GridSearchCV when workers die, hang or are killed.

Run by hand, on Linux: ``python tests/benchmarks/reliability.py [journal] [read] [accidents] [kills]``. It prints

- ``journal``: the time of 10,000 folds that take no time, with a journal as a multiple of that without one, and what
  part of a search the journal takes, of folds that take no time and of a small tree's;
- ``read``: the time and the memory that it takes to read journals, each time in a process of its own: all of it
  (``read_journal``), with the scores (``read_source``), again when nothing is new (``refresh``), then also the best
  candidate, and to resume the search;
- ``accidents``: which scores are kept when one thing goes wrong, each case in a process of its own that is given up
  after some seconds;
- ``kills``: what searches end with that are killed at random moments, again and again, until they are done.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import sklearn
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.tree import DecisionTreeClassifier

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from overhead import NullClassifier  # noqa: E402

from skhpt import GridSearch, Space  # noqa: E402
from skhpt.history import History  # noqa: E402
from skhpt.inspection import read_source  # noqa: E402
from skhpt.journal import (  # noqa: E402
    Header,
    Journal,
    JournalFollower,
    SpaceCodec,
    open_journal,
    read_journal,
)
from skhpt.search import base  # noqa: E402
from skhpt.trial import Candidate, FoldScore, Predictions  # noqa: E402
from tests.estimators import Fatal  # noqa: E402
from tests.stories.interruptible import make, members, results  # noqa: E402

# -- the price of the journal --------------------------------------------------------------------------------


N_CANDIDATES = 2_000
NULL = NullClassifier(), {"value": list(range(N_CANDIDATES))}
TREE = (
    DecisionTreeClassifier(random_state=0),
    {"min_impurity_decrease": np.linspace(0, 0.02, N_CANDIDATES).tolist()},
)


def spent(n_jobs, journal=None, searched=NULL):
    """Return wall-clock seconds and CPU seconds of this process for one search, over folds that take no time."""
    X, y = load_iris(return_X_y=True)
    search = GridSearch(*searched, n_jobs=n_jobs, refit=False, journal=journal)
    wall, cpu = time.perf_counter(), time.process_time()
    search.fit(X, y)
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


def price_of_the_journal(n_jobs, repeats):
    """Print what 10,000 folds of a null classifier take with and without a journal, and how long a line takes."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        spent(n_jobs)  # which starts the workers
        for i in range(repeats):
            journals = (None, f"{folder}/{i}")
            first = i % 2  # each comes first as often as the other
            taken = {k: spent(n_jobs, journals[k]) for k in (first, 1 - first)}
            pairs.append((taken[0], taken[1]))
    without, with_one = (np.array(some) for some in zip(*pairs, strict=True))
    ratios = with_one / without
    for k, what in enumerate(["wall clock", "CPU"] if n_jobs == 1 else ["wall clock"]):
        a, b, ratio = (np.median(some[:, k]) for some in (without, with_one, ratios))
        low, high = ratios[:, k].min(), ratios[:, k].max()
        print(
            f"n_jobs={n_jobs}, {what}: without {a:.2f} s, with {b:.2f} s, ratio {ratio:.3f} ({low:.2f} to {high:.2f})",
            flush=True,
        )


@contextmanager
def clocked(things):
    """Count the seconds within some functions, which are named by their owners, in the list that this yields."""
    within = [0.0]

    def wrapped(function):
        def timed(*args, **kwargs):
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                within[0] += time.perf_counter() - start

        return timed

    kept = [(owner, name, getattr(owner, name)) for owner, name in things]
    for owner, name, function in kept:
        setattr(owner, name, wrapped(function))
    try:
        yield within
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def share_of_the_journal(searched, repeats):
    """Print which part of one and the same search is spent in its journal; that does not depend on the hour."""
    shares = []
    doors = [
        (base, "resume"),
        *((Journal, name) for name in ("asked", "scored", "finished", "record_event", "close")),
    ]
    with tempfile.TemporaryDirectory() as folder, clocked(doors) as within:
        for i in range(repeats):
            within[0] = 0.0
            wall, _ = spent(1, f"{folder}/{i}", searched)
            shares.append(within[0] / (wall - within[0]))
    low, high = min(shares), max(shares)
    shown = f"{np.median(shares):.3f} ({low:.3f} to {high:.3f})"
    print(f"n_jobs=1, {type(searched[0]).__name__}: seconds in the journal by all others {shown}", flush=True)


def price_of_a_line(n=10_000):
    """Print how long it takes to write a line."""
    with tempfile.TemporaryDirectory() as folder:
        codec = SpaceCodec(Space({"value": [0]}))
        with open_journal(f"{folder}/lines", Header({}, {"n_splits": 1}), codec) as journal:
            journal.asked([Candidate(0, {"value": 0})])
            fold = FoldScore(0, 0, 1 / 3, None, 0.0123456789, 0.00123456789)
            fold = replace(fold, started=START, ended=START + 1 / 7, worker="1234")
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(n):
                journal.scored(fold)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"a line: {wall / n * 1e6:.1f} us, of them {cpu / n * 1e6:.1f} us of this process")


# -- a large journal -----------------------------------------------------------------------------------------

LARGE_SPACE = Space(
    {"C": loguniform(1e-3, 1e3), "kernel": ["rbf", "linear", "poly"], "degree": randint(1, 9)}
)
LARGE_HEADER = Header({}, {"n_splits": 5})


START = 1_795_970_000.0


def write_large_journal(path, n, n_in_round=100, predictions=None):
    """Write a journal of so many candidates with five folds each."""
    rng = np.random.default_rng(0)
    C, degree, kernel = (rng.random(n) + 0.1).tolist(), rng.integers(1, 9, n).tolist(), rng.integers(0, 3, n)
    kernels = [LARGE_SPACE.branches[0]["kernel"].values[i] for i in kernel]
    numbers = rng.random((n, 5, 3)).tolist()
    with open_journal(path, LARGE_HEADER, SpaceCodec(LARGE_SPACE)) as journal:
        for first in range(0, n, n_in_round):
            ids = range(first, min(n, first + n_in_round))
            points = [{"C": C[i], "degree": degree[i], "kernel": kernels[i]} for i in ids]
            journal.asked([Candidate(i, point) for i, point in zip(ids, points, strict=True)])
            for i in ids:
                for split, (score, fit_time, score_time) in enumerate(numbers[i]):
                    journal.scored(
                        FoldScore(
                            i,
                            split,
                            score,
                            None,
                            fit_time / 100,
                            score_time / 100,
                            predictions=predictions,
                            started=START + i / 7,
                            ended=START + i / 7 + 1 / 9,
                            worker=str(1234 + i % 4),
                        )
                    )


def read(how, path):
    """Read a journal as a search or as a view does, and print CPU seconds and peak memory in MB."""
    before, cpu = peak_memory(), time.process_time()
    if how == "read_journal":
        read_journal(path)
    elif how == "read_source":
        data = read_source(path)
        data.scores(), data.best_index
    elif how == "refresh":
        follower = JournalFollower(path)
        follower.refresh()
        cpu = time.process_time()
        follower.refresh()
    elif how == "best":
        follower = JournalFollower(path)
        follower.refresh()
        cpu = time.process_time()
        assert follower.refresh().best_params
    else:
        with open_journal(path, LARGE_HEADER, SpaceCodec(LARGE_SPACE)) as journal:
            history = History()
            history.add(journal.candidates)
            for fold in journal.folds:
                history.add_fold(fold)
    cpu = time.process_time() - cpu
    print(json.dumps([cpu, peak_memory() - before]))


def peak_memory():
    """Return the peak memory of this process in MB; that of getrusage would include the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def cost_of_reading(repeats):
    """Print what it takes to read journals."""
    predictions = Predictions(np.random.default_rng(0).random((100, 10)), "predict_proba", np.arange(10))
    for n, kept in ((2_000, None), (2_000, predictions), (154_000, None)):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/large.jsonl"
            write_large_journal(path, n, predictions=kept)
            size = os.path.getsize(path) / 1e6
            print(
                f"\n{n} candidates, {5 * n} folds, {'with' if kept else 'without'} predictions, {size:.0f} MB"
            )
            for how in ("read_journal", "read_source", "refresh", "best", "resume"):
                taken = []
                for _ in range(repeats):
                    command = [sys.executable, __file__, "reading", how, path]
                    taken.append(json.loads(subprocess.check_output(command)))
                cpu, memory = np.median(taken, axis=0)
                print(f"{how}: {cpu:.3f} s of CPU, {memory:.0f} MB of memory", flush=True)


# -- accidents -----------------------------------------------------------------------------------------------

GOOD = [10, 20, 30, 40, 50, 60, 70]
N_FOLDS = 5
#: What is wrong with one of eight candidates, as `Fatal` takes it, and whether only its first fit is so.
HARMS = {
    "one fit kills its worker, once": (1, True),
    "one candidate always kills its worker": (1, False),
    "one fit sleeps for ever": (2, True),
    "one fit loops in C for ever": (3, True),
}
CTRL_C, KILL, ORPHANS = (
    "Ctrl-C in the middle",
    "killed in the middle, run again",
    "killed while a worker hangs",
)
TOOLS = {"GridSearch": GridSearch, "GridSearchCV": GridSearchCV}


class Slow(Fatal):
    """Takes a tenth of a second, if it comes to an end."""

    def fit(self, X, y):
        super().fit(X, y)
        time.sleep(0.1)
        return self


def search_for_case(tool, case, folder):
    """Make the search of a case."""
    harm, once = (2, True) if case == ORPHANS else HARMS.get(case, (0, False))
    estimator = Slow(log=f"{folder}/fits", once=f"{folder}/once" if once else None)
    own = {"fit_timeout": 1.0} if harm in (2, 3) and case != ORPHANS else {}
    own |= {"journal": f"{folder}/search.jsonl"} if case == KILL else {}
    values = [*GOOD[:3], harm or 80, *GOOD[3:]]
    return TOOLS[tool](
        estimator, {"value": values}, cv=KFold(N_FOLDS), n_jobs=2, **(own if tool == "GridSearch" else {})
    )


def child(tool, case, folder):
    """Run a case, and write how many scores it ends with."""
    warnings.simplefilter("ignore")
    # Where this runs in the background it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    search, error = search_for_case(tool, case, folder), ""
    start = time.perf_counter()
    try:
        search.fit(*load_iris(return_X_y=True))
    except BaseException as problem:
        error = type(problem).__name__
    table = getattr(search, "cv_results_", {})
    scores = [table.get(f"split{i}_test_score", []) for i in range(N_FOLDS)]
    n_scores = sum(int(np.isfinite(some).sum()) for some in scores)
    outcome = {"n_scores": n_scores, "error": error, "seconds": time.perf_counter() - start}
    Path(folder, "outcome").write_text(json.dumps(outcome))


def start(*arguments):
    """Start this script as a child, in a session of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def n_fits(folder):
    """Return how many fits were begun."""
    path = Path(folder, "fits")
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def wait_until(condition, process, patience=60.0):
    """Wait until something is so, or a process has ended."""
    end = time.monotonic() + patience
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def end(process):
    """Kill all that is left of a child."""
    for pid in members(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def outcome_of(process, folder, limit):
    """Wait for a child and say what came of it: scores kept, seconds and error."""
    try:
        process.wait(limit)
        one = json.loads(Path(folder, "outcome").read_text())
        return f"{one['n_scores']} of 40", f"{one['seconds']:.1f}", one["error"]
    except subprocess.TimeoutExpired:
        return "0 of 40", f"> {limit:.0f}", "hangs"
    finally:
        end(process)


def one_case(tool, case, folder, limit):
    """Let something happen to a search, and say what came of it."""
    process = start("child", tool, case, folder)
    if case == CTRL_C:
        wait_until(lambda: n_fits(folder) >= 20, process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    if case == KILL:
        wait_until(lambda: n_fits(folder) >= 20, process)
        process.kill()
        end(process)
        *kept, _ = outcome_of(start("child", tool, case, folder), folder, limit)
        return *kept, f"{n_fits(folder)} fits in all"  # with the refit
    if case == ORPHANS:
        wait_until(lambda: Path(folder, "once").exists() and n_fits(folder) > 20, process)
        process.kill()
        process.wait()
        time.sleep(3)
        n_left = len(members(process.pid))
        end(process)
        return "", "", f"{n_left} processes left after 3 s"
    return outcome_of(process, folder, limit)


def accidents(limit):
    """Print the table of accidents."""
    print(f"\n| {'case':38} | {'tool':12} | scores kept | seconds | {'':28} |")
    for case in (*HARMS, CTRL_C, KILL, ORPHANS):
        for tool in TOOLS:
            with tempfile.TemporaryDirectory() as folder:
                kept, taken, note = one_case(tool, case, folder, limit)
            print(f"| {case:38} | {tool:12} | {kept:>11} | {taken:>7} | {note:28} |", flush=True)


# -- killed again and again ----------------------------------------------------------------------------------


def searching(kind, folder, n_jobs):
    """Run a search of `interruptible`, with a line on standard output when it begins, and write its results."""
    warnings.simplefilter("ignore")
    search, data = make(kind, folder, seconds=0.05, n_jobs=int(n_jobs)), load_iris(return_X_y=True)
    print("begun", flush=True)
    search.fit(*data)
    Path(folder, "results").write_text(json.dumps(results(search)))


def run_to_the_end(kind, n_jobs, folder, delay=None):
    """Start a search until it is done; each is killed after a random time if there is a delay."""
    n_kills = 0
    while True:
        process = start("searching", kind, folder, n_jobs)
        process.stdout.readline()
        try:
            process.wait(delay and random.uniform(0, delay))
        except subprocess.TimeoutExpired:
            n_kills += 1
        process.kill()
        end(process)
        if Path(folder, "results").exists():
            return n_kills, n_fits(folder), Path(folder, "results").read_text()


def kills(repeats):
    """Print how searches end that are killed at random moments."""
    random.seed(0)
    print(f"\n| {'search':9} | n_jobs | searches | kills | fits, undisturbed | fits, killed | same results |")
    for kind, n_jobs, delay in [
        ("grid", 1, 0.5),
        ("grid", 2, 6.0),
        ("random", 1, 0.5),
        ("bayes", 1, 0.5),
        ("hyperband", 1, 0.5),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            _, n_expected, expected = run_to_the_end(kind, n_jobs, folder)
        runs = []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                runs.append(run_to_the_end(kind, n_jobs, folder, delay))
        n_kills, n_all = (sum(run[i] for run in runs) for i in (0, 1))
        same = all(run[2] == expected for run in runs)
        counts = f"{repeats:8} | {n_kills:5} | {n_expected * repeats:17} | {n_all:12}"
        print(f"| {kind:9} | {n_jobs:6} | {counts} | {'yes' if same else 'NO':12} |", flush=True)


def main():
    """Run everything that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["journal", "read", "accidents", "kills"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds until a case is given up")
    arguments = parser.parse_args()
    versions = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, joblib {joblib.__version__}"
    print(f"Python {platform.python_version()}, {versions}, {joblib.cpu_count()} processors")
    if "journal" in arguments.parts:
        print(f"\n10,000 folds of a null classifier, median of {arguments.repeats} interleaved runs")
        price_of_a_line()
        share_of_the_journal(NULL, arguments.repeats)
        share_of_the_journal(TREE, arguments.repeats)
        price_of_the_journal(1, arguments.repeats)
        price_of_the_journal(2, arguments.repeats)
    if "read" in arguments.parts:
        cost_of_reading(arguments.repeats)
    if "accidents" in arguments.parts:
        accidents(arguments.limit)
    if "kills" in arguments.parts:
        kills(arguments.repeats)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    elif sys.argv[1:2] == ["reading"]:
        read(*sys.argv[2:])
    elif sys.argv[1:2] == ["searching"]:
        searching(*sys.argv[2:])
    else:
        main()
