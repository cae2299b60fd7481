"""BayesSearchCV beside other tools on real tuning problems.

Run by hand, each tool in an environment that has it (ours needs skhpt, the others this folder alone)::

    python tests/benchmarks/tuning.py run skhpt --jobs 2
    python tests/benchmarks/tuning.py report
    python tests/benchmarks/tuning.py plot regret.svg

`run` adds to ``results/TOOL.jsonl``, one line for each problem and seed, and leaves out what is there
already. `report` prints, at 15, 30 and 50 evaluations, the mean of the normalised regret (0 is the best score
that any run of any tool has found, 1 the median of random search with as many evaluations; capped at 3), its
median and the problem where it is worst, the mean rank, the score on held-out rows of the best candidate so
far, minus that of random search, in units of its standard deviation over seeds, and the milliseconds per
suggestion; with 95 % bootstrap intervals over problems. At the end it prints what each tool reaches with 30
evaluations on the scale of 50. `plot` draws the regret after each evaluation on that scale.
"""

from __future__ import annotations

import argparse
import json
import os
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from joblib import Parallel, delayed
from problems import BY_NAME
from scipy.stats import rankdata
from tools import TOOLS

RESULTS = Path(__file__).parent / "results"
BUDGETS = (15, 30, 50)
PACKAGES = {
    "optuna_tpe": "optuna",
    "optuna_gp": "optuna",
    "skopt_gp": "scikit-optimize",
    "hebo": "HEBO",
    "smac": "smac",
}


def record(tool, problem, seed, n):
    """Run a tool and return what is kept of it."""
    run = TOOLS[tool](BY_NAME[problem], seed, n)
    scores = np.array(run.scores)
    held_out = {}
    for budget in BUDGETS:
        if np.isfinite(scores[:budget]).any():
            best = int(np.nanargmax(scores[:budget]))
            held_out[budget] = round(BY_NAME[problem].held_out(run.params[best]), 6)
    return {
        "problem": problem,
        "seed": seed,
        "seconds": round(run.seconds / len(scores), 5),
        "held_out": held_out,
        "scores": [round(score, 6) for score in run.scores],
    }


def run(tool, problems, n_seeds, n, jobs):
    """Evaluate what is missing and add it to the results."""
    path = RESULTS / f"{tool}.jsonl"
    RESULTS.mkdir(exist_ok=True)
    done = {(row["problem"], row["seed"]) for row in load(path)}
    missing = [
        (problem, seed) for seed in range(n_seeds) for problem in problems if (problem, seed) not in done
    ]
    package = PACKAGES.get(tool, "skhpt")
    print(f"{tool} ({package} {metadata.version(package)}): {len(missing)} runs")
    rows = Parallel(jobs, return_as="generator_unordered")(
        delayed(record)(tool, *case, n) for case in missing
    )
    with path.open("a", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            file.flush()


def load(path):
    """Read results."""
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def report(tools, without=()):
    """Print the tables of some tools, over the problems and seeds that all of them have."""
    data, cases = read(tools)
    cases = [(problem, seed) for problem, seed in cases if problem not in without]
    problems = sorted({problem for problem, _ in cases})
    top = {p: max(max_score(rows, p) for rows in data.values()) for p in problems}
    print(f"{len(problems)} problems, {len(cases)} runs of each tool, 95 % intervals over problems")
    for budget in BUDGETS:
        print(f"\nafter {budget} evaluations")
        print(f"{'':15} {'regret':>22} {'median':>8} {'worst':>28} {'rank':>20} {'held out':>24} {'ms':>8}")
        best = {tool: best_so_far(rows, cases, budget) for tool, rows in data.items()}
        ranks = dict(zip(data, rankdata([-best[tool] for tool in data], axis=0), strict=True))
        for tool, rows in data.items():
            regret, rank, held_out = regrets(best[tool], best["random"], top, cases), [], []
            for problem in problems:
                here = [i for i, (name, _) in enumerate(cases) if name == problem]
                rank.append(ranks[tool][here].mean())
                ours, randoms = (held(rows, cases, here, budget) for rows in (rows, data["random"]))
                held_out.append((ours - randoms).mean() / (randoms.std() or 1.0))
            milliseconds = 1000 * np.mean([rows[case]["seconds"] for case in cases])
            capped, worst = np.minimum(regret, 3.0), f"{max(regret):.2f} {problems[int(np.argmax(regret))]}"
            print(
                f"{tool:15} {interval(capped):>22} {np.median(regret):>8.2f} {worst:>28} {interval(rank):>20} "
                f"{interval(held_out):>24} {milliseconds:8.1f}"
            )
    print("\nregret after 30 evaluations where 1 is random search after 50")
    for tool, rows in data.items():
        early = regrets(best_so_far(rows, cases, 30), best_so_far(data["random"], cases, 50), top, cases)
        print(f"{tool:15} {interval(np.minimum(early, 3.0)):>22}")


def regrets(best, randoms, top, cases):
    """Mean regret on each problem: 0 is the best that was ever found, 1 the median of random search."""
    out = []
    for problem in sorted({name for name, _ in cases}):
        here = [i for i, (name, _) in enumerate(cases) if name == problem]
        scale = top[problem] - np.median(randoms[here])
        out.append(np.mean(top[problem] - best[here]) / scale if scale > 0 else 0.0)
    return out


#: Panels of the picture: tools, by as many seeds as all of them have.
PANELS = (
    ("random", "smac", "skopt_gp", "optuna_tpe", "optuna_gp", "skhpt"),
    ("random", "skhpt_pending", "skhpt"),
)
LABELS = {
    "random": ("random search", "0.6"),
    "smac": ("SMAC3", "tab:brown"),
    "skopt_gp": ("scikit-optimize", "tab:green"),
    "optuna_tpe": ("Optuna, TPE", "tab:orange"),
    "optuna_gp": ("Optuna, Gaussian process", "tab:red"),
    "skhpt_pending": ("BayesSearchCV, max_pending=4", "tab:cyan"),
    "skhpt": ("BayesSearchCV", "tab:blue"),
}


def plot(path):
    """Draw the mean regret after each evaluation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    budgets = np.arange(5, max(BUDGETS) + 1)
    for axes, tools in zip(figure.subplots(1, len(PANELS), sharey=True), PANELS, strict=True):
        data, cases = read(tools)
        top = {p: max(max_score(rows, p) for rows in data.values()) for p, _ in cases}
        at_the_end = best_so_far(data["random"], cases, max(BUDGETS))
        for tool, rows in data.items():
            curve = [regrets(best_so_far(rows, cases, n), at_the_end, top, cases) for n in budgets]
            label, color = LABELS[tool]
            axes.plot(
                budgets,
                np.minimum(curve, 3.0).mean(axis=1),
                label=label,
                color=color,
                lw=2.5 if tool == "skhpt" else 1.5,
            )
        axes.set(xlabel="evaluations", title=f"{len({seed for _, seed in cases})} seeds", ylim=(0, 2.5))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8, loc="upper right")
    figure.axes[0].set_ylabel("regret; 1 is random search after 50")
    figure.savefig(path)


def read(tools):
    """Return the results of some tools, by problem and seed, and the cases that all of them have."""
    data = {
        tool: {(row["problem"], row["seed"]): row for row in load(RESULTS / f"{tool}.jsonl")}
        for tool in tools
    }
    return data, sorted(set.intersection(*(set(rows) for rows in data.values())))


def best_so_far(rows, cases, budget):
    """Best score within a budget, for each case."""
    return np.array([np.nanmax(rows[case]["scores"][:budget]) for case in cases])


def max_score(rows, problem):
    """Best score that a tool has ever found on a problem."""
    return max(np.nanmax(row["scores"]) for (name, _), row in rows.items() if name == problem)


def held(rows, cases, here, budget):
    """Scores on held-out rows."""
    return np.array([rows[cases[i]]["held_out"].get(str(budget), np.nan) for i in here])


def interval(values, n=2000):
    """Write a mean with its bootstrap interval."""
    values = np.asarray(values)
    means = values[np.random.RandomState(0).randint(len(values), size=(n, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.2f}, {high:.2f}]"


def main():
    """Run a tool, report, or draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("tool", choices=list(TOOLS))
    runner.add_argument("--problems", nargs="+", choices=list(BY_NAME), default=list(BY_NAME))
    runner.add_argument("--seeds", type=int, default=10)
    runner.add_argument("--evaluations", type=int, default=50)
    runner.add_argument("--jobs", type=int, default=1)
    reporter = commands.add_parser("report")
    there = [tool for tool in TOOLS if (RESULTS / f"{tool}.jsonl").exists()]
    reporter.add_argument("tools", nargs="*", default=there)
    reporter.add_argument("--without", nargs="+", choices=list(BY_NAME), default=[], metavar="PROBLEM")
    commands.add_parser("plot").add_argument("path")
    arguments = parser.parse_args()
    if arguments.command == "report":
        report(arguments.tools, arguments.without)
    elif arguments.command == "plot":
        plot(arguments.path)
    else:
        run(arguments.tool, arguments.problems, arguments.seeds, arguments.evaluations, arguments.jobs)


if __name__ == "__main__":
    main()
