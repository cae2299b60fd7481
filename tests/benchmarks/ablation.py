"""What each ingredient of BayesSearchCV gives: the search without it, on the problems of `development.py`.

Run by hand: ``python tests/benchmarks/ablation.py --jobs 2``. It prints the mean regret after 10, 15, 20 and
30 evaluations (0 is the best score that any variant has found, 1 the median of random search after 15; capped
at 3), and over all evaluations from the tenth on, with the difference to the whole search and its standard
error over runs, which are paired: same folds, and same first points but where the start is what varies.
"""

from __future__ import annotations

import argparse
import os
import warnings
from contextlib import ExitStack
from functools import partial
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from development import PROBLEMS
from joblib import Parallel, delayed
from scipy.special import ndtri
from sklearn.model_selection import KFold, StratifiedKFold
from tools import scipy_space

from skhpt import BayesSearchCV, RandomSearch
from skhpt.gp import kernel, optimize, regression
from skhpt.gp.bfgs import maximize_bfgs
from skhpt.gp.output_warping import OutputWarping
from skhpt.search import bayes as search
from skhpt.strategies import bayes, surrogate
from skhpt.strategies.surrogate import Surrogate

N_EVALUATIONS = 30
BY_NAME = {problem.name: problem for problem in PROBLEMS}


def winsorised_only(y):
    """Return a transformation of scores without their ranks."""
    first, third = np.quantile(y, [0.25, 0.75])
    fence = first - 1.5 * (third - first) if third > first else y.min()
    winsorised = OutputWarping.linear(np.maximum(y, fence))
    scores = np.unique(y)
    return OutputWarping(scores, winsorised(np.maximum(scores, fence)), winsorised.std)


def ranks_only(y):
    """Return a transformation of scores to standardised normal scores."""
    ordered = np.sort(y)
    n_below, n_up_to = np.searchsorted(ordered, y), np.searchsorted(ordered, y, side="right")
    normal = ndtri((n_below + n_up_to) / (2 * len(y)))
    scores, rows = np.unique(y, return_index=True)
    return OutputWarping(scores, OutputWarping.linear(normal)(normal)[rows], 1.0)


def no_reinterpolation(posterior, v, pending):
    """Return the posterior with its noise."""
    return posterior


def improve_on_the_highest_score(self, pending, impute=Surrogate.impute):
    """Take the highest score as the best, not the highest mean."""
    impute(self, pending)
    self.best = float(self.y.max())


def matern_3_2(q):
    """Return the Matern-3/2 covariance."""
    return matern_3_2_and_derivative(q)[0]


def matern_3_2_and_derivative(q):
    """Return the Matern-3/2 covariance and its derivative in q."""
    r = np.sqrt(3 * q)
    return (1 + r) * np.exp(-r), -1.5 * np.exp(-r)


def equal_scales(value_and_gradient, start, **options):
    """Maximise as if all columns had the same length scale."""
    return maximize_bfgs(value_and_gradient, start, **options | {"scale": 0.03})


def estimator_only(own, space, default_points=search.default_points):
    """Leave out the middles of the branches."""
    return default_points(own, space)[:1]


less_noise = partial(regression.Prior.of_dimension, noise=0.01, noise_std=1.5)
#: What each variant puts in the place of what: owner, name, value.
VARIANTS = {
    "whole": [],
    "most probable hyperparameters": [(bayes, "DRAW_EVERY", 1000)],
    "drawn hyperparameters": [(bayes, "DRAW_EVERY", 1)],
    "nothing to explore": [(bayes, "EXPLORE_EVERY", 1000)],
    "neither draws nor exploration": [(bayes, "DRAW_EVERY", 1000), (bayes, "EXPLORE_EVERY", 1000)],
    "scores by height only": [(OutputWarping, "fit", winsorised_only)],
    "scores by rank only": [(OutputWarping, "fit", ranks_only)],
    "no re-interpolation": [(regression, "reinterpolate", no_reinterpolation)],
    "less noise expected": [(regression.Prior, "of_dimension", less_noise)],
    "improve on the luckiest": [(Surrogate, "impute", improve_on_the_highest_score)],
    "Matern-3/2": [
        (regression, "matern", matern_3_2),
        (regression, "matern_and_derivative", matern_3_2_and_derivative),
    ],
    "without gradients": [(optimize, "maximize_bfgs", lambda value_and_gradient, start, **_: start)],
    "gradients in units of the cube": [(optimize, "maximize_bfgs", equal_scales)],
    "a start of 4 points": [(search, "n_initial_points", lambda space: 4)],
    "Sobol points only": [(search, "default_points", lambda own, space: [])],
    "the estimator and Sobol points": [(search, "default_points", estimator_only)],
    "as much expected of the edges": [(surrogate, "DEPTH", 0.0)],
    "levels far apart": [(kernel, "_hot", lambda n: np.sqrt(0.5))],
}


def best_so_far(name, problem, seed):
    """Return the best score after each evaluation of one search."""
    warnings.simplefilter("ignore")
    problem = BY_NAME[problem]
    make = RandomSearch if name == "random" else BayesSearchCV
    one = make(problem.estimator, scipy_space(problem), n_iter=N_EVALUATIONS, random_state=seed, refit=False)
    one.set_params(scoring=problem.scoring)
    one.set_params(cv=(StratifiedKFold if problem.classifier else KFold)(3, shuffle=True, random_state=0))
    with ExitStack() as stack:
        for change in VARIANTS.get(name, []):
            stack.enter_context(patch.object(*change))
        one.fit(*problem.load())
    scores = np.nan_to_num(one.cv_results_["mean_test_score"], nan=-np.inf)
    return np.maximum.accumulate(np.append(scores, np.full(N_EVALUATIONS - len(scores), -np.inf)))


def main():
    """Run the variants and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--problems", nargs="+", choices=list(BY_NAME), default=list(BY_NAME))
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    given = parser.parse_args()
    names = list(dict.fromkeys(["random", "whole", *given.variants]))
    cases = [
        (name, problem, seed) for problem in given.problems for name in names for seed in range(given.seeds)
    ]
    runs = dict(zip(cases, Parallel(given.jobs)(delayed(best_so_far)(*case) for case in cases), strict=True))
    regret = {name: np.empty((len(given.problems), given.seeds, N_EVALUATIONS)) for name in names}
    for i, problem in enumerate(given.problems):
        top = max(run[-1] for (_, where, _), run in runs.items() if where == problem)
        scale = top - np.median([runs["random", problem, seed][14] for seed in range(given.seeds)])
        for name in names:
            for seed in range(given.seeds):
                regret[name][i, seed] = np.minimum((top - runs[name, problem, seed]) / (scale or 1.0), 3.0)
    print(f"{len(given.problems)} problems, {given.seeds} seeds, {N_EVALUATIONS} evaluations")
    print(f"{'':31} {'at 10':>6} {'15':>6} {'20':>6} {'30':>6} {'10 to 30':>9} {'difference':>16}")
    for name in names:
        figures = " ".join(f"{regret[name][..., n - 1].mean():6.3f}" for n in (10, 15, 20, 30))
        area, whole = (regret[each][..., 9:].mean(axis=2).ravel() for each in (name, "whole"))
        error = (area - whole).std() / np.sqrt(len(area))
        print(f"{name:31} {figures} {area.mean():9.3f} {(area - whole).mean():+8.3f} +- {error:.3f}")


if __name__ == "__main__":
    main()
