"""How busy searches keep many workers.

Run by hand: ``python tests/benchmarks/busy.py`` simulates the brackets of a ladder; nothing is fitted: the evaluator
of the tests has the clock, and the times are uneven. It prints the share of their time that 16 workers work, by the
number of candidates and the size of the brackets.

``python tests/benchmarks/busy.py pending`` simulates a search with a number of pending candidates in the same way, and
prints this share for several numbers of workers. Proposals take no time.

``python tests/benchmarks/busy.py budget`` prints the time of a search of 50 candidates in the same way, in units of the
mean time of a candidate on one worker.

``python tests/benchmarks/busy.py threading`` (or ``loky``) runs searches whose fits sleep 0.3 s on 30 workers, which
takes minutes, and prints for each: wall time as a ratio to the ideal (folds times seconds by workers), the share of
this time that the workers work, and the processor time of this process per candidate. Further arguments choose rows:
``bayes``, ``hyperband``, ``random``, ``grid``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from joblib import parallel_config
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, RandomSearch
from skhpt.engine import loop as engine
from skhpt.history import History
from skhpt.strategies.hyperband import Hyperband
from skhpt.strategies.schedule import ladder
from skhpt.trial import Candidate
from tests.strategies.test_hyperband import SimulatedEvaluator, noisy_score, plan_of, points, uneven_seconds

#: Seconds of a fit, number of workers, number of folds.
SECONDS, N_WORKERS, N_SPLITS = 0.3, 30, 5
X, Y = np.arange(40.0)[:, None], np.arange(40) % 2
SPACE = {name: uniform() for name in "abcd"}
GRID = {name: np.linspace(0, 1, n).tolist() for name, n in zip("abcd", (6, 5, 5, 8), strict=True)}


class Sleeper(ClassifierMixin, BaseEstimator):
    """Classifier that needs time and no processor; its score depends on its parameters."""

    def __init__(self, a=0.5, b=0.5, c=0.5, d=0.5, n_estimators=27):
        self.a, self.b, self.c, self.d, self.n_estimators = a, b, c, d, n_estimators

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        time.sleep(SECONDS)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return -((self.a - 0.3) ** 2 + (self.b - 0.6) ** 2 + (self.c - 0.2) ** 2 + 0.1 * self.d)


def bayes(n):
    """Return a row: a Bayesian search with as many pending candidates as workers."""
    return f"bayes, {n} candidates", BayesSearchCV(
        Sleeper(), SPACE, n_iter=n, max_pending=N_WORKERS, random_state=0
    )


def hyperband(n):
    """Return a row: a ladder of numbers of trees."""
    search = HyperbandSearchCV(
        Sleeper(),
        SPACE,
        n_candidates=n,
        resource="n_estimators",
        min_resources=3,
        max_resources=27,
        random_state=0,
    )
    return f"hyperband, {n} candidates", search


#: Rows by name.
ROWS = {
    "bayes": [bayes(n) for n in (120, 240, 500)],
    "hyperband": [hyperband(n) for n in (243, 1215)],
    "random": [("random, 1200 candidates", RandomSearch(Sleeper(), SPACE, n_iter=1200, random_state=0))],
    "grid": [("grid, 1200 candidates", GridSearch(Sleeper(), GRID))],
}


def measured(search):
    """Return wall by ideal, share of busy time, and milliseconds of this process per candidate."""
    search.set_params(cv=N_SPLITS, refit=False)
    start, cpu = time.perf_counter(), time.process_time()
    search.fit(X, Y)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    folds = [fold for trial in search.history_ for fold in trial.folds if fold.fit_time > 0]
    ideal = len(folds) * SECONDS / N_WORKERS
    worked = sum(fold.fit_time + fold.score_time for fold in folds)
    return wall / ideal, worked / (N_WORKERS * wall), 1000 * cpu / len(search.history_)


def print_searches(backend, names):
    """Print a row for each search."""
    print(f"{backend}, {N_WORKERS} workers, fits of {SECONDS} s, {N_SPLITS} folds")
    print(f"{'search':28} {'wall / ideal':>12} {'busy':>5} {'ms / candidate':>14}")
    with parallel_config(backend, n_jobs=N_WORKERS):
        for name in names or ROWS:
            for label, search in ROWS[name]:
                ratio, share, ms = measured(search)
                print(f"{label:28} {ratio:12.2f} {share:5.2f} {ms:14.1f}", flush=True)


def print_brackets(n_workers=16, n_splits=5, sizes=(27, 81, 243)):
    """Print the table of simulated brackets."""
    print(f"{'candidates':>10} " + " ".join(f"{f'brackets of {size}':>16}" for size in sizes))
    for n in (81, 243, 486, 972):
        shares = []
        for size in sizes:
            plan = plan_of(ladder(n, [3, 9, 27], n_splits=n_splits, factor=3, largest=size), n_splits, 27)
            evaluator = SimulatedEvaluator(n_workers, uneven_seconds, noisy_score, n_splits)
            engine.run(Hyperband(plan, points(n)), History(), evaluator, n_splits=n_splits)
            shares.append(evaluator.worked / (n_workers * evaluator.now))
        print(f"{n:10} " + " ".join(f"{share:16.2f}" for share in shares))


class Pending:
    """Strategy that keeps so many candidates pending, as `BayesSearchCV` does."""

    uses_prior, takes_long = False, False

    def __init__(self, max_pending, n_candidates=200, n_initial=0):
        self.max_pending = max_pending
        self.n_candidates = n_candidates
        self.n_initial = n_initial

    def ask(self, history):
        n = min(self.n_candidates, max(self.n_initial, history.n_finished + self.max_pending))
        return [Candidate(i, {"x": i}) for i in range(len(history), n)]


def uneven_candidates(candidate, split):
    """Time that differs between candidates by a factor of about two, and between folds by a tenth."""
    rng, of_fold = np.random.default_rng(candidate.id), np.random.default_rng((candidate.id, split))
    return rng.lognormal(0, 0.7) * of_fold.lognormal(0, 0.1)


def print_pending(n_splits=5, n_pending=(1, 2, 3, 4, 6, 7, 8, 12, 16)):
    """Print the share of busy time by workers and pending candidates, equal and uneven times."""
    print(f"{'workers':>7} {'times':>7} " + " ".join(f"{n:>5}" for n in n_pending))
    for n_workers in (2, 4, 5, 8, 10, 16, 20, 30):
        for name, seconds in (("equal", lambda candidate, split: 1.0), ("uneven", uneven_candidates)):
            shares = []
            for n in n_pending:
                evaluator = SimulatedEvaluator(n_workers, seconds, lambda candidate, split: 0.0, n_splits)
                engine.run(Pending(n), History(), evaluator, n_splits=n_splits)
                shares.append(evaluator.worked / (n_workers * evaluator.now))
            print(f"{n_workers:7} {name:>7} " + " ".join(f"{share:5.2f}" for share in shares))


def print_budget(n_splits=5, n_candidates=50, n_pending=(1, 4, 8, 13, 16, 26)):
    """Print the time of a search by workers and pending candidates, with 10 candidates to begin with."""
    print(f"{'workers':>7} " + " ".join(f"{n:>5}" for n in n_pending))
    for n_workers in (8, 16, 32, 64, 128):
        times = []
        for n in n_pending:
            evaluator = SimulatedEvaluator(
                n_workers, uneven_candidates, lambda candidate, split: 0.0, n_splits
            )
            engine.run(Pending(n, n_candidates, 10), History(), evaluator, n_splits=n_splits)
            times.append(evaluator.now * n_candidates / (evaluator.worked))
        print(f"{n_workers:7} " + " ".join(f"{each:5.1f}" for each in times))


if __name__ == "__main__":
    if sys.argv[1:] == ["pending"]:
        print_pending()
    elif sys.argv[1:] == ["budget"]:
        print_budget()
    elif len(sys.argv) > 1:
        print_searches(sys.argv[1], sys.argv[2:])
    else:
        print_brackets()
