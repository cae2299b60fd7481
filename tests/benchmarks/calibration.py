"""Whether `BayesSearchCV.predict_score` is as certain as it should be.

Run by hand: ``python tests/benchmarks/calibration.py``. For each problem, a search predicts the scores of
points that it has not seen: draws from the space, and the ten points that it evaluates next. A prediction
covers a score if the score is within so many standard deviations of the mean; for a normal distribution 68 %
of scores are within one, and 95 % within two. `z` is the root mean square of the distances, in standard
deviations (1 if calibrated), and `error` the median distance, in units of the standard deviation of the
scores of all draws: how good the predictions are, however certain.
"""

from __future__ import annotations

import argparse
import os
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from problems import BY_NAME
from tools import scipy_space

from skhpt import BayesSearchCV, Space

#: Problems whose candidates take a few hundredths of a second.
PROBLEMS = (
    "svc-cancer",
    "logistic-cancer",
    "elasticnet-sparse",
    "poly-ridge-diabetes",
    "kernelridge-friedman",
    "knn-moons",
    "knn-diabetes",
    "tree-noisy",
    "discriminants-wine",
)
N_CANDIDATES = (15, 30, 50)
N_NEXT = 10
#: Kinds of new points.
KINDS = ("draws", "next")


def scores_of(problem, points):
    """Return the mean score of each point; NaN where a fit fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([problem.score(point).mean() for point in points])


def fitted(problem, n, seed):
    """Return a search with n candidates."""
    X, _, y, _ = problem.data
    search = BayesSearchCV(problem.estimator, scipy_space(problem), n_iter=n, random_state=seed)
    search.set_params(scoring=problem.scoring, cv=problem.folds, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(X, y)


def distances(name, seed, n_draws):
    """Return the distances in standard deviations and the absolute errors, by number of candidates and kind."""
    problem = BY_NAME[name]
    draws = Space(scipy_space(problem)).sample(n_draws, 10_000 + seed)
    draw_scores = scores_of(problem, draws)
    unit = np.nanstd(draw_scores)
    last = fitted(problem, max(N_CANDIDATES) + N_NEXT, seed).cv_results_
    rows = {}
    for n in N_CANDIDATES:
        search = fitted(problem, n, seed)
        nexts = slice(n, n + N_NEXT)
        new = {
            "draws": (draws, draw_scores),
            "next": (list(last["params"][nexts]), last["mean_test_score"][nexts]),
        }
        for kind, (points, scores) in new.items():
            works = np.isfinite(scores)
            mean, std = (part[works] for part in search.predict_score(points))
            error = np.abs(scores[works] - mean)
            rows[n, kind] = (error / std, error / unit)
    return name, rows


def line(label, cells):
    """Format the coverage and the errors of one row of the table."""
    z, error = (np.concatenate(part) for part in zip(*cells, strict=True))
    return (
        f"{label:24} {np.mean(z <= 1):8.1%} {np.mean(z <= 2):8.1%} {np.sqrt(np.mean(np.minimum(z, 10) ** 2)):6.2f} "
        f"{np.median(error):7.3f}"
    )


def main():
    """Print the coverage for each problem, number of candidates and kind of point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    cases = [(name, seed) for name in PROBLEMS for seed in range(options.seeds)]
    done = Parallel(options.jobs)(delayed(distances)(*case, options.draws) for case in cases)
    print(f"{'':24} {'1 std':>8} {'2 std':>8} {'z':>6} {'error':>7}")
    for kind in KINDS:
        for n in N_CANDIDATES:
            print(line(f"{kind} after {n}", [rows[n, kind] for _, rows in done]))
    for name in PROBLEMS:
        cells = [cell for problem, rows in done if problem == name for cell in rows.values()]
        print(line(name, cells))


if __name__ == "__main__":
    main()
