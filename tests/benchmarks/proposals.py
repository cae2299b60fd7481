"""What a proposal of BayesSearchCV costs, by the number of results that are known.

Run by hand: ``OMP_NUM_THREADS=1 python tests/benchmarks/proposals.py``. Six parameters: four continuous ones, an
integer and a choice. The strategy is asked for one candidate, again and again, as in a search that goes on.
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
from skhpt.strategies.bayes import Bayes
from skhpt.trial import Candidate, FoldScore, History, Trial

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


def score(params, noise):
    """Score a point: a smooth hill, a ridge, a bad choice, and noise."""
    hill = -((np.log10(params["a"]) - 1) ** 2) - 4 * (params["b"] - 0.3) ** 2
    return hill - abs(np.log(params["d"] / 30)) / 3 - (params["e"] != "y") + 0.05 * noise


def main(sizes=(20, 40, 100, 200, 500, 1000, 2000), n_repeats=9):
    """Print the median milliseconds of a proposal for each number of results."""
    print(f"Python {platform.python_version()}, numpy {np.__version__}, SciPy {scipy.__version__}, one thread")
    points = SPACE.sample(max(sizes), 0)
    noise = np.random.RandomState(0).standard_normal(max(sizes))
    scores = [score(params, e) for params, e in zip(points, noise, strict=True)]
    print(f"{'results':>8} {'ms, all new':>12} {'ms, going on':>13}")
    for n in sizes:
        trials = [
            Trial(Candidate(i, points[i]), tuple(FoldScore(i, split, scores[i]) for split in range(5)))
            for i in range(n)
        ]
        first, again = [], []
        for seed in range(n_repeats):
            strategy = Bayes(SPACE, 5000, [], None, seed)
            for seconds in (first, again):
                start = time.perf_counter()
                strategy.ask(History(trials))
                seconds.append(time.perf_counter() - start)
        print(f"{n:8} {1000 * np.median(first):12.1f} {1000 * np.median(again):13.1f}")


if __name__ == "__main__":
    main()
