"""What a proposal of BayesSearchCV costs, by the number of results that are known.

Run by hand: ``OMP_NUM_THREADS=1 python tests/benchmarks/proposals.py``. Six parameters: four continuous ones,
an integer and a choice. First a strategy that knows nothing of the results yet is asked, as after a warm
start, then the same one again and again while results come in, as in a search: the mean of what the next ten
proposals take.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import time

import numpy as np
import scipy
from scipy.stats import loguniform, uniform

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.history import History
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.trial import Candidate, FoldScore, Trial

SPACE = Space(
    {
        "a": loguniform(1e-3, 1e3),
        "b": uniform(),
        "c": uniform(),
        "d": loguniform_int(1, 300),
        "e": ["x", "y", "z"],
        "f": loguniform(1e-5, 1),
    }
)


#: Proposals of a search that goes on.
N_MORE = 10


def score(params, noise):
    """Score a point: a smooth hill, a ridge, a bad choice, and noise."""
    hill = -((np.log10(params["a"]) - 1) ** 2) - 4 * (params["b"] - 0.3) ** 2
    return hill - abs(np.log(params["d"] / 30)) / 3 - (params["e"] != "y") + 0.05 * noise


def seconds_of(strategy, trials):
    """Seconds of one proposal."""
    start = time.perf_counter()
    strategy.ask(History(trials))
    return time.perf_counter() - start


def main(sizes=(20, 40, 100, 200, 500, 1000, 2000), n_repeats=9):
    """Print the median milliseconds of a proposal for each number of results."""
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, SciPy {scipy.__version__}, one thread"
    )
    points = SPACE.sample(max(sizes) + N_MORE, 0)
    noise = np.random.RandomState(0).standard_normal(len(points))
    scores = [score(params, e) for params, e in zip(points, noise, strict=True)]
    print(f"{'results':>8} {'ms, all new':>12} {'ms, going on':>13}")
    for n in sizes:
        trials = [
            Trial(Candidate(i, points[i]), tuple(FoldScore(i, split, scores[i]) for split in range(5)))
            for i in range(n + N_MORE)
        ]
        first, again = [], []
        for seed in range(n_repeats):
            strategy = BayesianOptimization(SPACE, 5000, [], seed=seed)
            first.append(seconds_of(strategy, trials[:n]))
            again.append(np.mean([seconds_of(strategy, trials[: n + more]) for more in range(1, N_MORE + 1)]))
        print(f"{n:8} {1000 * np.median(first):12.1f} {1000 * np.median(again):13.1f}")


if __name__ == "__main__":
    main()
