"""HyperbandSearchCV beside random search and scikit-learn's successive halving: how good, for how much training.

Run by hand::

    python tests/benchmarks/fidelity.py run --seeds 10 --jobs 2
    python tests/benchmarks/fidelity.py report

`run` adds to ``results/fidelity.jsonl``, one line for each task, tool and seed, and leaves out what is there
already. Every tool has one process, and refits its best candidate. The report compares with
`RandomizedSearchCV` (60 candidates on five folds) of the same seed: its CPU seconds as a multiple of the
tool's (medians over seeds), and by how many hundredths the CV score, and the score on held-out rows, of what
the tool chose is higher (means over seeds and their standard errors). Below, for each tool, the medians over
tasks, and on how many tasks the held-out score is worse by more than two standard errors, or better.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from fidelity_tasks import BY_NAME, TASKS
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV, cross_val_score

from skhpt import HyperbandSearchCV, RandomSearch

RESULTS = Path(__file__).parent / "results" / "fidelity.jsonl"
N_ITER = 60
HEADS = (
    f"{'CPU s':>8} {'saved':>7} {'full fits':>10} {'CV score':>9} {'gain':>13} {'held out':>9} {'gain':>13}"
)


def ours(task, seed, schedule, **options):
    """HyperbandSearchCV with its defaults, and the training that it took."""
    search = HyperbandSearchCV(
        task.make(),
        task.space,
        resource=task.resource,
        max_resources=task.max_resources,
        schedule=schedule,
        scoring=task.scoring,
        random_state=seed,
        **options,
    )
    return search, lambda search: search.plan_.full_fits


def ladder(task, seed):
    """The default."""
    return ours(task, seed, "ladder")


def ladder_bayes(task, seed):
    """The ladder with proposals of a model."""
    return ours(task, seed, "ladder", sampler="bayes")


def ladder_120(task, seed):
    """The ladder with more candidates: about a fifth of the CPU time of random search."""
    return ours(task, seed, "ladder", n_candidates=120)


def hyperband(task, seed):
    """Hyperband's brackets."""
    return ours(task, seed, "hyperband")


def halving(task, seed):
    """One bracket."""
    return ours(task, seed, "halving")


def random_search(task, seed):
    """RandomSearch."""
    search = RandomSearch(task.make(), task.space, n_iter=N_ITER, scoring=task.scoring, random_state=seed)
    return search, lambda search: 5 * N_ITER


def randomized(task, seed):
    """scikit-learn's random search."""
    search = RandomizedSearchCV(
        task.make(), task.space, n_iter=N_ITER, scoring=task.scoring, random_state=seed
    )
    return search, lambda search: 5 * N_ITER


def sklearn_halving(task, seed):
    """scikit-learn's successive halving: its defaults for samples; else 27 candidates from a ninth of the parameter."""
    options = {}
    if task.resource not in ("epochs", "folds", "n_samples"):
        maximum = task.max_resources
        options = {
            "resource": task.resource,
            "max_resources": maximum,
            "min_resources": maximum // 9,
            "n_candidates": 27,
        }
    search = HalvingRandomSearchCV(
        task.make(), task.space, scoring=task.scoring, random_state=seed, **options
    )

    def full_fits(search):
        most = search.max_resources_
        return 5 * sum(n * r / most for n, r in zip(search.n_candidates_, search.n_resources_, strict=True))

    return search, full_fits


TOOLS = {
    tool.__name__: tool
    for tool in (
        randomized,
        random_search,
        ladder,
        ladder_120,
        ladder_bayes,
        hyperband,
        halving,
        sklearn_halving,
    )
}


def record(name, tool, seed):
    """Run a tool on a task and return what is kept of it."""
    warnings.simplefilter("ignore")
    task = BY_NAME[name]
    X, _, y, _ = task.data
    search, full_fits = TOOLS[tool](task, seed)
    start = time.process_time()
    search.fit(X, y)
    seconds = time.process_time() - start
    score = search.best_score_
    if tool == "sklearn_halving":  # its own is that of a part of the rows, or not that of all folds
        score = cross_val_score(clone(search.best_estimator_), X, y, scoring=task.scoring).mean()
    return {
        "task": name,
        "tool": tool,
        "seed": seed,
        "cpu": round(seconds, 3),
        "full_fits": round(full_fits(search), 2),
        "score": round(float(score), 6),
        "held_out": round(task.held_out(search.best_estimator_), 6),
    }


def load():
    """Read results."""
    return (
        [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
        if RESULTS.exists()
        else []
    )


def run(tasks, tools, n_seeds, jobs):
    """Evaluate what is missing and add it to the results."""
    done = {(row["task"], row["tool"], row["seed"]) for row in load()}
    cases = [(task, tool, seed) for seed in range(n_seeds) for task in tasks for tool in tools]
    missing = [case for case in cases if case not in done]
    print(f"{len(missing)} runs")
    RESULTS.parent.mkdir(exist_ok=True)
    rows = Parallel(jobs, return_as="generator_unordered")(delayed(record)(*case) for case in missing)
    with RESULTS.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            file.flush()


def report():
    """Print a table for each task, and one over all."""
    rows = {(row["task"], row["tool"], row["seed"]): row for row in load()}
    summary = {tool: [] for tool in TOOLS}
    for task in BY_NAME:
        seeds = sorted({seed for name, tool, seed in rows if name == task and tool == "randomized"})
        print(f"\n{task[:16]:16} " + HEADS)
        for tool in TOOLS:
            if not (here := [rows[task, tool, seed] for seed in seeds if (task, tool, seed) in rows]):
                continue
            base = [rows[task, "randomized", row["seed"]] for row in here]
            saved = np.median([one["cpu"] / row["cpu"] for one, row in zip(base, here, strict=True)])
            score, held_out = (gain(base, here, what) for what in ("score", "held_out"))
            means = {
                what: np.mean([row[what] for row in here])
                for what in ("cpu", "full_fits", "score", "held_out")
            }
            print(
                f"{tool:16} {means['cpu']:8.1f} {saved:6.1f}x {means['full_fits']:10.1f} {means['score']:9.4f} "
                f"{written(score)} {means['held_out']:9.4f} {written(held_out)}   {len(here)} seeds"
            )
            summary[tool].append((saved, *score, *held_out))
    print(f"\n{'all tasks':16} {'saved':>7} {'CV gain':>8} {'held-out gain':>14} {'worse':>6} {'better':>7}")
    for tool, values in summary.items():
        if values:
            saved, score, _, held_out, errors = np.array(values).T
            worse, better = (held_out < -2 * errors).sum(), (held_out > 2 * errors).sum()
            medians = f"{np.median(saved):6.1f}x {np.median(score):+8.2f} {np.median(held_out):+14.2f}"
            print(f"{tool:16} {medians} {worse:6} {better:7}")


def gain(base, rows, what):
    """Mean difference to the base, in hundredths, and its standard error."""
    gains = np.array([100 * (row[what] - one[what]) for one, row in zip(base, rows, strict=True)])
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan


def written(value):
    """Write a gain and its error."""
    return f"{value[0]:+6.2f} ±{value[1]:5.2f}"


def main():
    """Run, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--tasks", nargs="+", choices=list(BY_NAME), default=[task.name for task in TASKS])
    runner.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    runner.add_argument("--seeds", type=int, default=10)
    runner.add_argument("--jobs", type=int, default=1)
    commands.add_parser("report")
    arguments = parser.parse_args()
    if arguments.command == "report":
        report()
    else:
        run(arguments.tasks, arguments.tools, arguments.seeds, arguments.jobs)


if __name__ == "__main__":
    main()
