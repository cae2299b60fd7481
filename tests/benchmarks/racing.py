"""What racing saves: a search with and without, on the same candidates and folds.

Run by hand: ``OMP_NUM_THREADS=1 python tests/benchmarks/racing.py``. It prints the share of folds that were
evaluated, the time as a ratio, and what the best score lost.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
import warnings

import numpy as np
from problems import BY_NAME
from sklearn.model_selection import KFold, StratifiedKFold
from tools import scipy_space

from skhpt import BayesSearchCV, RandomSearch

PROBLEMS = [
    "svc-digits",
    "svr-diabetes",
    "knn-digits",
    "forest-cancer",
    "histgb-diabetes",
    "tree-noisy",
    "svc-kernels",
]


def run(make, problem, racing, seed, n_iter=30, n_splits=10):
    """Return the seconds, the share of folds evaluated and the best score of one search."""
    X, _, y, _ = problem.data
    cv = (StratifiedKFold if problem.classifier else KFold)(n_splits, shuffle=True, random_state=0)
    search = make(problem.estimator, scipy_space(problem), n_iter=n_iter, random_state=seed, racing=racing)
    search.set_params(scoring=problem.scoring, cv=cv, refit=False)
    start = time.perf_counter()
    search.fit(X, y)
    seconds = time.perf_counter() - start
    evaluated = [fold.state != "skipped" for trial in search.history_ for fold in trial.folds]
    return seconds, np.mean(evaluated), search.best_score_


def main(n_seeds=2):
    """Print a line for each problem and search."""
    warnings.simplefilter("ignore")
    print(f"{'problem':18} {'search':14} {'folds':>6} {'time':>6} {'best score':>11} {'with racing':>12}")
    for name in PROBLEMS:
        for make in (RandomSearch, BayesSearchCV):
            runs = [
                (run(make, BY_NAME[name], False, seed), run(make, BY_NAME[name], True, seed))
                for seed in range(n_seeds)
            ]
            whole, raced = np.mean(runs, axis=0)
            scores = f"{whole[2]:11.4f} {raced[2]:12.4f}"
            print(
                f"{name:18} {make.__name__:14} {raced[1]:6.0%} {raced[0] / whole[0]:6.2f} {scores}",
                flush=True,
            )


if __name__ == "__main__":
    main()
