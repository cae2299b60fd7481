"""Methods of `param_importances` compared, on a function whose importances are known and on two real searches.

Run by hand (Optuna has to be installed)::

    OMP_NUM_THREADS=1 python tests/benchmarks/importance.py

The reference of the function (Ishigami, with two parameters without effect) is computed from the function: total
Sobol indices, with the sum 1. The reference of a real problem is the same for a random forest that is fitted to 800
random candidates; their scores are kept in ``results/importance.json``. Each method gets 25, 50 and 100 of the random
candidates, drawn with ten seeds, or 50 candidates of `BayesSearchCV`. The error of a method is half the sum of the
absolute differences from the reference: 0 is equal, 1 is all importance for the wrong parameters.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from problems import BY_NAME, Cat, Int
from scipy import stats
from sklearn.ensemble import RandomForestRegressor

from skhpt import BayesSearchCV, Space
from skhpt.distributions import loguniform_int
from skhpt.inspection import param_importances
from skhpt.inspection.importance import METHODS

RESULTS = Path(__file__).parent / "results" / "importance.json"
PROBLEMS = ("svr-friedman", "extratrees-noisy")
N_REFERENCE, N_POINTS, N_SEEDS = 800, 20_000, 10
SIZES = (25, 50, 100)


# -- a function ------------------------------------------------------------------------------------------------


def ishigami(u):
    """Return the function of Ishigami and Homma (1990) at points of the unit cube, shape (n, 5)."""
    a, b, c = (2 * np.pi * (column - 0.5) for column in u.T[:3])
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def total_effects(function, u, other):
    """Return the total Sobol indices with the sum 1."""
    values = function(u)
    effects = []
    for column in range(u.shape[1]):
        changed = u.copy()
        changed[:, column] = other[:, column]
        effects.append(np.mean((values - function(changed)) ** 2) / 2)
    return np.array(effects) / np.sum(effects)


def sample_of_function(n, seed):
    """Return a table with noise of a tenth of the standard deviation of the function."""
    rng = np.random.default_rng(seed)
    u = rng.random((n, 5))
    scores = ishigami(u) + 0.37 * rng.normal(size=n)
    return as_table([dict(zip("abcde", row.tolist())) for row in u], scores)


# -- real problems ---------------------------------------------------------------------------------------------


def dimension(definition):
    """Return a parameter as skhpt takes it."""
    if isinstance(definition, Cat):
        return list(definition.values)
    if isinstance(definition, Int):
        return (
            loguniform_int(definition.low, definition.high)
            if definition.log
            else stats.randint(definition.low, definition.high + 1)
        )
    distribution = stats.loguniform if definition.log else stats.uniform
    width = definition.high if definition.log else definition.high - definition.low
    return distribution(definition.low, width)


def random_candidates(name):
    """Return the random candidates of a problem and their scores, from the file if it has them."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if name not in known:
        problem = BY_NAME[name]
        space = Space({key: dimension(each) for key, each in problem.branches[0].items()})
        params = space.sample(N_REFERENCE, random_state=0)
        scores = Parallel(2)(delayed(mean_score)(name, each) for each in params)
        known[name] = {"params": params, "scores": [round(float(score), 6) for score in scores]}
        RESULTS.write_text(json.dumps(known))
    return known[name]["params"], np.array(known[name]["scores"])


def mean_score(name, params):
    return np.mean(BY_NAME[name].score(params))


def as_codes(params, names):
    """Return values as numbers, shape (n, n_names): logarithms of positive ones, numbers of the choices of others."""
    columns = []
    for name in names:
        values = [each[name] for each in params]
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            column = np.array(values, dtype=float)
            columns.append(np.log(column) if column.min() > 0 else column)
        else:
            columns.append(np.array([sorted(set(map(repr, values))).index(repr(value)) for value in values]))
    return np.column_stack(columns).astype(float)


def reference_of_problem(params, scores, names):
    X = as_codes(params, names)
    forest = RandomForestRegressor(300, min_samples_leaf=2, n_jobs=2, random_state=0).fit(X, scores)
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.permutation(np.resize(column, N_POINTS)) for column in X.T], axis=1)
    other = np.stack([rng.permutation(np.resize(column, N_POINTS)) for column in X.T], axis=1)
    return total_effects(forest.predict, drawn, other)


def search_of_problem(name, seed):
    """Return 50 candidates of BayesSearchCV."""
    problem = BY_NAME[name]
    X, _, y, _ = problem.data
    space = {key: dimension(each) for key, each in problem.branches[0].items()}
    search = BayesSearchCV(
        problem.estimator, space, n_iter=50, cv=problem.folds, scoring=problem.scoring, random_state=seed,
        refit=False, n_jobs=2,
    )  # fmt: skip
    return search.fit(X, y)


def as_table(params, scores):
    return {"params": list(params), "mean_test_score": np.asarray(scores, dtype=float)}


# -- the comparison ----------------------------------------------------------------------------------------------


def compare(title, reference, names, sources):
    """Print errors and seconds of each method; `sources` has the tables of each column."""
    shown = ", ".join(
        f"{name} {value:.2f}" for name, value in sorted(zip(names, reference), key=lambda p: -p[1])
    )
    print(f"\n{title}: {shown}\n")
    print(f"| method | {' | '.join(sources)} | seconds |")
    print(f"|---|{'---|' * (len(sources) + 1)}")
    for method in METHODS:
        if method == "auto":
            continue
        cells, seconds = [], []
        for tables in sources.values():
            errors = []
            for table in tables:
                start = time.perf_counter()
                found = param_importances(table, method=method, params=names)
                seconds.append(time.perf_counter() - start)
                values = np.array([found[name] for name in names])
                errors.append(np.abs(values - reference).sum() / 2)
            cells.append(f"{np.mean(errors):.2f}")
        print(f"| {method} | {' | '.join(cells)} | {np.mean(seconds):.2f} |", flush=True)


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    reference = total_effects(ishigami, *rng.random((2, 200_000, 5)))
    tables = {f"{n} random": [sample_of_function(n, seed) for seed in range(N_SEEDS)] for n in SIZES}
    compare("Ishigami", reference, list("abcde"), tables)
    for name in PROBLEMS:
        params, scores = random_candidates(name)
        names = list(params[0])
        tables = {}
        for n in SIZES:
            rows = [np.random.default_rng(seed).permutation(len(params))[:n] for seed in range(N_SEEDS)]
            tables[f"{n} random"] = [as_table([params[i] for i in row], scores[row]) for row in rows]
        tables["50 of BayesSearchCV"] = [search_of_problem(name, seed) for seed in range(5)]
        compare(name, reference_of_problem(params, scores, names), names, tables)


if __name__ == "__main__":
    sys.exit(main())
