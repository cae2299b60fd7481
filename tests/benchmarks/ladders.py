"""Which ladder? Variants of the schedule, simulated on tables of real scores.

Run by hand::

    # Hours of fits, once: results/ladders/TASK.npz.
    python tests/benchmarks/ladders.py table --configurations 160
    python tests/benchmarks/ladders.py report

A table has the score of each configuration with a ninth, a third and all of the resource on five folds, and
that on held-out rows with all of it. The report replays each variant on many random draws of configurations,
as many as a budget allows, and prints the regret of its choice, in its CV score and on the held-out rows: 0
is the best configuration of the table, 1 the median of random search with the same budget.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from fidelity_tasks import BY_NAME, TASKS
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv

from skhpt import Space
from skhpt.fitting.checkpoints import Checkpoint
from skhpt.fitting.resources import EpochResource, ParameterResource, SampleResource
from skhpt.fitting.subsample import Subsample
from skhpt.fitting.warm_start import continuation_of
from skhpt.strategies.schedule import survivors

TABLES = Path(__file__).parent / "results" / "ladders"
N_FOLDS, N_LEVELS, FACTOR = 5, 3, 3


def training_of(task, y, n_rows):
    """Return what the task's resource buys, and its levels."""
    classes = np.unique(y) if task.scoring != "r2" else None
    maximum = n_rows if task.max_resources == "auto" else task.max_resources
    training = {
        "epochs": lambda: EpochResource(classes, 0, maximum),
        "n_samples": lambda: SampleResource(Subsample(0, y), n_rows, maximum),
        "folds": lambda: SampleResource(Subsample(0, y), n_rows, maximum),
    }.get(
        task.resource, lambda: ParameterResource(task.resource, maximum, known=continuation_of(task.make()))
    )()
    return training, [maximum // FACTOR**i for i in range(N_LEVELS - 1, -1, -1)]


def scores_of(task, params):
    """Score a configuration on all levels and folds, and on the held-out rows."""
    warnings.simplefilter("ignore")
    X, _, y, _ = task.data
    score = get_scorer(task.scoring)
    splits = list(check_cv(N_FOLDS, y, classifier=task.scoring != "r2").split(X, y))
    training, steps = training_of(task, y, min(len(train) for train, _ in splits))
    table = np.full((N_LEVELS, N_FOLDS), np.nan)
    for split, (train, test) in enumerate(splits):
        checkpoint = None
        for i, resource in enumerate(steps):
            fresh = clone(task.make()).set_params(**params)
            rows = training.rows(split, train, resource)
            model = training.prepare(fresh, resource, checkpoint)
            training.fit(model, X[rows], y[rows], params={}, resource=resource, checkpoint=checkpoint)
            table[i, split] = score(model, X[test], y[test])
            checkpoint = Checkpoint(model, resource) if training.can_continue(model, resource) else None
    whole = training.prepare(clone(task.make()).set_params(**params), steps[-1], None)
    training.fit(whole, X, y, params={}, resource=steps[-1])
    return table, task.held_out(whole)


def make_table(task, n, jobs):
    """Fill the table of a task."""
    path = TABLES / f"{task.name}.npz"
    if path.exists():
        return
    points = Space(task.space).sample(n, 0)
    rows = Parallel(jobs)(delayed(scores_of)(task, params) for params in points)
    TABLES.mkdir(parents=True, exist_ok=True)
    scores, held_out = (np.array(part, dtype=np.float32) for part in zip(*rows, strict=True))
    np.savez_compressed(
        path, scores=scores, held_out=held_out, continues=task.resource not in ("n_samples", "folds")
    )
    print(f"{task.name}: best {scores[:, -1].mean(axis=1).max():.4f}", flush=True)


# -- variants
# ---------------------------------------------------------------------------------------------------------- A
# variant is a list of rungs (level, folds), where the folds are given as a function of the bracket's number.


def one_fold(b):
    """The same fold on every rung."""
    return [(0, [b]), (1, [b]), (2, [b]), (2, range(N_FOLDS))]


def other_folds(b):
    """Another fold on every rung."""
    return [(0, [b]), (1, [b + 1]), (2, [b + 2]), (2, range(N_FOLDS))]


def two_folds(b):
    """The same two folds on every rung."""
    return [(0, [b, b + 1]), (1, [b, b + 1]), (2, [b, b + 1]), (2, range(N_FOLDS))]


def more_folds(b):
    """One more fold on every rung."""
    return [(0, [b]), (1, [b, b + 1]), (2, [b, b + 1, b + 2]), (2, range(N_FOLDS))]


def all_folds(b):
    """Successive halving: all folds on every rung."""
    return [(0, range(N_FOLDS)), (1, range(N_FOLDS)), (2, range(N_FOLDS))]


def from_third(b):
    """A ladder that begins with a third of the resource."""
    return [(1, [b]), (2, [b]), (2, range(N_FOLDS))]


def only_folds(b):
    """Nothing but folds."""
    return [(2, [b]), (2, [b, b + 1]), (2, range(N_FOLDS))]


def random_search(b):
    """All on all folds."""
    return [(2, range(N_FOLDS))]


VARIANTS = {
    "random search": (random_search, FACTOR, None),
    "halving": (all_folds, FACTOR, None),
    "one fold": (one_fold, FACTOR, None),
    "one fold, brackets of 27": (one_fold, FACTOR, 27),
    "one fold, brackets of 81": (one_fold, FACTOR, 81),
    "one fold, one of 2": (one_fold, 2, None),
    "one fold, one of 4": (one_fold, 4, None),
    "other folds": (other_folds, FACTOR, None),
    "two folds": (two_folds, FACTOR, None),
    "more folds": (more_folds, FACTOR, None),
    "from a third": (from_third, FACTOR, None),
    "folds only": (only_folds, FACTOR, None),
}


def play(scores, order, rungs, factor, continues):
    """Run one bracket; return the candidates of the last rung and the cost in full fits."""
    shares = [1 / 9, 1 / 3, 1.0]
    alive, cost, done = list(order), 0.0, {}
    for i, (level, folds) in enumerate(rungs):
        folds = [fold % N_FOLDS for fold in folds]
        n = survivors(len(order), len(rungs), factor)[i]
        alive = alive[:n]
        for fold in folds:
            before = done.get(fold, 0.0)
            known = before if continues or before == shares[level] else 0.0
            cost += n * (shares[level] - known)
            done[fold] = shares[level]
        means = scores[alive][:, level][:, folds].mean(axis=1)
        means = np.where(np.isnan(means), -np.inf, means)
        alive = [alive[j] for j in np.argsort(-means, kind="stable")]
    return alive, cost


def choose(scores, order, variant, continues, budget):
    """Run as many candidates as the budget allows; return the choice."""
    make, factor, size = variant
    final = scores[:, -1].mean(axis=1)
    if size is None:
        low, n = 1, len(order) + 1  # what fits and what does not
        while n - low > 1:
            middle = (low + n) // 2
            fits = play(scores, order[:middle], make(0), factor, continues)[1] <= budget
            low, n = (middle, n) if fits else (low, middle)
        n = low
        return play(scores, order[:n], make(0), factor, continues)[0][0]
    finalists, spent, b = [], 0.0, 0
    while b * size < len(order):
        part = order[b * size : (b + 1) * size]
        alive, cost = play(scores, part, make(b), factor, continues)
        if finalists and spent + cost > budget:
            break
        finalists.append(alive[0])
        spent += cost
        b += 1
    return max(finalists, key=lambda i: final[i])


def report(budgets, n_orders):
    """Print the regrets."""
    paths = sorted(TABLES.glob("*.npz"))
    for budget in budgets:
        print(
            f"\nbudget of {budget} evaluations on {N_FOLDS} folds; regret in CV / held out, mean of {n_orders} draws"
        )
        print(f"{'':26}" + "".join(f"{path.stem[:17]:>18}" for path in paths) + f"{'mean':>14}")
        table = {}
        for path in paths:
            data = np.load(path)
            scores, held_out = data["scores"].astype(float), data["held_out"].astype(float)
            final = scores[:, -1].mean(axis=1)
            rng = np.random.default_rng(0)
            orders = [rng.permutation(len(final)) for _ in range(n_orders)]
            for name, variant in VARIANTS.items():
                continues = bool(data["continues"])
                chosen = [choose(scores, order, variant, continues, budget * N_FOLDS) for order in orders]
                table[name, path.stem] = np.array([(final[i], held_out[i]) for i in chosen])
            best = np.nanmax(final), held_out[int(np.nanargmax(final))]
            base = np.median(table["random search", path.stem][:, 0])
            for name in VARIANTS:
                gaps = np.array(best) - table[name, path.stem]
                table[name, path.stem] = gaps.mean(axis=0) / max(best[0] - base, 1e-9)
        for name in VARIANTS:
            rows = np.array([table[name, path.stem] for path in paths])
            cells = "".join(f"{f'{cv:.2f} / {out:.2f}':>18}" for cv, out in rows)
            print(f"{name:26}{cells}{f'{rows[:, 0].mean():.2f} / {rows[:, 1].mean():.2f}':>14}")


def main():
    """Make tables, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("table")
    maker.add_argument("--tasks", nargs="+", choices=list(BY_NAME), default=[task.name for task in TASKS])
    maker.add_argument("--configurations", type=int, default=160)
    maker.add_argument("--jobs", type=int, default=1)
    reporter = commands.add_parser("report")
    reporter.add_argument("--budgets", nargs="+", type=int, default=[8, 16])
    reporter.add_argument("--draws", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.command == "table":
        for name in arguments.tasks:
            make_table(BY_NAME[name], arguments.configurations, arguments.jobs)
    else:
        report(arguments.budgets, arguments.draws)


if __name__ == "__main__":
    main()
