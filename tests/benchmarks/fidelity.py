"""HyperbandSearchCV beside random search and scikit-learn's successive halving: how good, for how much training.

Run by hand::

    python tests/benchmarks/fidelity.py run --seeds 10 --jobs 2
    python tests/benchmarks/fidelity.py report

`run` adds to ``results/fidelity.jsonl``, one line for each task, tool and seed, and leaves out what is there already.
Every tool has one process, and refits its best candidate. The report compares with `RandomizedSearchCV` (60 candidates
on five folds) of the same seed: its CPU seconds as a multiple of the tool's, medians over seeds; by how much the CV
score and the score on held-out rows of what the tool chose are better, in standard deviations of those scores over
seeds of `RandomizedSearchCV`, means over seeds; and the tool's training in full fits.
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
HEADS = f"{'CPU s':>8} {'saved':>7} {'full fits':>10} {'CV score':>9} {'gain':>6} {'held out':>9} {'gain':>6}"


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
    search = RandomizedSearchCV(task.make(), task.space, n_iter=N_ITER, scoring=task.scoring, random_state=seed)
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
    search = HalvingRandomSearchCV(task.make(), task.space, scoring=task.scoring, random_state=seed, **options)

    def full_fits(search):
        most = search.max_resources_
        return 5 * sum(n * r / most for n, r in zip(search.n_candidates_, search.n_resources_, strict=True))

    return search, full_fits


TOOLS = {
    tool.__name__: tool
    for tool in (randomized, ladder, hyperband, halving, sklearn_halving, ladder_bayes, random_search)
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
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()] if RESULTS.exists() else []


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
        if not seeds:
            continue
        base = [rows[task, "randomized", seed] for seed in seeds]
        stds = [np.std([row[what] for row in base]) or 1e-9 for what in ("score", "held_out")]
        print(f"\n{len(seeds)} seeds")
        print(f"{task[:16]:16} " + HEADS)
        for tool in TOOLS:
            if not (here := [rows[task, tool, seed] for seed in seeds if (task, tool, seed) in rows]):
                continue
            pairs = [(rows[task, "randomized", row["seed"]], row) for row in here]
            saved = np.median([one["cpu"] / row["cpu"] for one, row in pairs])
            gains = [
                np.mean([row[what] - one[what] for one, row in pairs]) / std
                for what, std in zip(("score", "held_out"), stds, strict=True)
            ]
            means = {what: np.mean([row[what] for row in here]) for what in ("cpu", "full_fits", "score", "held_out")}
            print(
                f"{tool:16} {means['cpu']:8.1f} {saved:6.1f}x {means['full_fits']:10.1f} {means['score']:9.4f} "
                f"{gains[0]:+6.2f} {means['held_out']:9.4f} {gains[1]:+6.2f}"
            )
            summary[tool].append((saved, *gains))
    print("\nmedian over tasks")
    print(f"{'':16} {'saved':>7} {'CV gain':>8} {'held-out gain':>14}")
    for tool, values in summary.items():
        if values:
            saved, score, held_out = np.median(values, axis=0)
            print(f"{tool:16} {saved:6.1f}x {score:+8.2f} {held_out:+14.2f}")


def main():
    """Run, or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
