"""When may a search of BayesSearchCV stop? Rules that end it early, on the emulated problems of `bed`.

Run by hand::

    python tests/benchmarks/stopping.py run --half development      # 2 minutes; then the same with validation
    python tests/benchmarks/stopping.py report --half development
    python tests/benchmarks/stopping.py report --half validation

`run` stores the scores and the held-out scores of 100 candidates of each problem, and after each candidate the expected
improvement of the next one, with hyperparameters drawn from their posterior, and the standard error of the best score
over the folds. `report` prints for each rule the number of candidates with which it ends the search (30 at least), and
its loss: the score of the best candidate of all 100 minus that of the rule, divided by the best of all minus the
median of the first ten; and the loss on held-out rows.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bed.problems import Problem, problems
from tools import scipy_space

from skhpt import BayesSearchCV
from skhpt.gp.acquisition import log_expected_improvement
from skhpt.identity import params_key
from skhpt.space.space import Space
from skhpt.strategies.bayes import (
    MAX_ENUMERATED,
    BayesianOptimization,
    _AcquisitionSum,
    _AcquisitionTerm,
)

RESULTS = Path(__file__).parent / "results" / "stopping.npz"
N_CANDIDATES, N_MIN = 100, 30

#: Maps scores, and expected improvements in units of the standard error, both of shape (n,), to a number of candidates.
Rule = Callable[[np.ndarray, np.ndarray], int]


def record(problem: Problem, seed: int) -> np.ndarray:
    """Return scores, held-out scores, expected improvements and standard errors, shape (4, N_CANDIDATES)."""
    X, _, y, _ = problem.data
    branches = scipy_space(problem)
    search = BayesSearchCV(
        problem.estimator, branches, n_iter=N_CANDIDATES, random_state=seed, cv=problem.folds, refit=False
    ).fit(X, y)
    results = search.cv_results_
    columns = np.full((4, N_CANDIDATES), np.nan)
    n = len(results["params"])
    columns[0, :n] = results["mean_test_score"]
    columns[1, :n] = [problem.held_out(params) for params in results["params"]]
    space = Space(branches)
    strategy = BayesianOptimization(space, N_CANDIDATES, [], seed=0)
    for i in range(N_MIN - 11, n):
        best = int(np.nanargmax(columns[0, : i + 1]))
        columns[2, i] = improvement(strategy, space, search.history_[: i + 1])
        columns[3, i] = results["std_test_score"][best] / np.sqrt(len(problem.folds) - 1)
    return columns


def improvement(strategy, space, seen) -> float:
    """Return the largest expected improvement of a candidate, in units of the score, with drawn hyperparameters."""
    rng = np.random.default_rng(len(seen))
    model = strategy._surrogate(seen, strategy._mean_score, rng=rng)
    acquisition = _AcquisitionSum((_AcquisitionTerm(model, log_expected_improvement),), True)
    if space.size <= MAX_ENUMERATED:
        tried = {encoded.key for encoded in strategy._encoder(seen)}
        points = [params for params in space.points() if params_key(params) not in tried]
        u = space.encode(points) if points else np.empty((0, len(space.columns)))
    else:
        u = strategy._maximize(acquisition, seen, rng)[:1]
    value = acquisition.value(u).max() if len(u) else -np.inf
    return float(np.exp(value) * model.warping.std)


def run(half: str, seed: int) -> None:
    """Record all problems of a half."""
    warnings.simplefilter("ignore")
    stored = dict(np.load(RESULTS)) if RESULTS.exists() else {}
    for problem in problems(half):
        stored[problem.name] = record(problem, seed).astype(np.float32)
    np.savez_compressed(RESULTS, **stored)


def after(n: int) -> Rule:
    """End after n candidates."""
    return lambda scores, gains: n


def patience(n: int) -> Rule:
    """End after n candidates in a row without a better score."""

    def rule(scores: np.ndarray, gains: np.ndarray) -> int:
        best, without = -np.inf, 0
        for i, score in enumerate(scores):
            best, without = (score, 0) if score > best else (best, without + 1)
            if without >= n and i + 1 >= N_MIN:
                return i + 1
        return len(scores)

    return rule


def small_improvement(share: float, n: int = 10) -> Rule:
    """End when the mean of the last n expected improvements is below a share of the standard error."""

    def rule(scores: np.ndarray, gains: np.ndarray) -> int:
        for i in range(N_MIN - 1, len(scores)):
            if gains[i - n + 1 : i + 1].mean() < share:
                return i + 1
        return len(scores)

    return rule


RULES: dict[str, Rule] = {
    **{f"{n} candidates": after(n) for n in (30, 50, 70, 80)},
    **{f"patience={n}": patience(n) for n in (10, 20, 30, 40)},
    **{
        f"improvement < {share} SE": small_improvement(share)
        for share in (0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
    },
}


def report(half: str) -> None:
    """Print the number of candidates and the losses of each rule."""
    stored = np.load(RESULTS)
    tables = [stored[problem.name].astype(float) for problem in problems(half) if problem.name in stored]
    print(f"{len(tables)} problems ({half})")
    print(
        f"{'':24} {'candidates':>16} {'loss, mean':>11} {'median':>7} {'max':>6} {'> 0.1':>6} {'held out':>9}"
    )
    for name, rule in RULES.items():
        rows = np.array([row for table in tables if (row := outcome(table, rule)) is not None])
        n, loss, held_out = rows.T
        large = 100 * np.mean(loss > 0.1)
        print(
            f"{name:24} {n.mean():8.0f} ({np.median(n):3.0f}) {loss.mean():13.3f} {np.median(loss):7.3f} "
            f"{loss.max():6.2f} {large:4.0f} % {held_out.mean():+9.3f}"
        )


def outcome(table: np.ndarray, rule: Rule) -> tuple[float, float, float] | None:
    """Return the number of candidates, the loss, and the loss on held-out rows in standard deviations of candidates."""
    scores, held_out, gains, errors = table[:, ~np.isnan(table[0])]
    n = rule(scores, gains / np.maximum(errors, 1e-12))
    best, chosen = int(scores.argmax()), int(scores[:n].argmax())
    scale = scores[best] - np.median(scores[:10])
    if scale < 1e-9:
        return None
    return (
        n,
        (scores[best] - scores[chosen]) / scale,
        (held_out[best] - held_out[chosen]) / (held_out.std() + 1e-12),
    )


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["run", "report"])
    parser.add_argument("--half", choices=["development", "validation", "all"], default="all")
    parser.add_argument("--seed", type=int, default=100)
    given = parser.parse_args()
    if given.command == "run":
        run(given.half, given.seed)
    else:
        report(given.half)


if __name__ == "__main__":
    main()
