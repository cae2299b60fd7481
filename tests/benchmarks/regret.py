"""BayesSearchCV, its variants and other tools on the emulated problems of `bed`: regret and held-out scores by family.

Run by hand, other tools in an environment that has them (and skhpt, numpy, scipy and scikit-learn)::

    python tests/benchmarks/regret.py tables --jobs 2       # hours; reads them from bed/tables if they exist
    python tests/benchmarks/regret.py emulators
    python tests/benchmarks/regret.py run skhpt --seeds 10 --jobs 2
    python tests/benchmarks/regret.py report --half validation
    python tests/benchmarks/regret.py picture docs/pictures/regret_by_family.png

`run` stores the scores of all candidates of a tool, and the held-out scores and seconds of the best so far, for
all problems and seeds; with ``--set NAME=VALUE`` BayesSearchCV with other parameters, stored as ``--name``.
`report` prints, at 15, 30 and 50 evaluations, the regret (0 is the best score that any run of any tool has
found, 1 the median of random search with as many evaluations; the mean over seeds, capped at 3), the rank, the
held-out score minus that of random search in standard deviations of random search over seeds, and the seconds
of the evaluations as a multiple of those of random search: all with 95 % bootstrap intervals over problems.
Below is the regret by family. `picture` draws it after each evaluation, where 1 is random search after 50.
"""

from __future__ import annotations

import argparse
import ast
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from bed import tables
from bed.emulator import quality
from bed.problems import Problem, problems
from joblib import Parallel, delayed
from scipy.stats import rankdata
from tools import TOOLS, skhpt
from tuning import LABELS, interval

RESULTS = Path(__file__).parent / "results" / "regret"
N_EVALUATIONS, BUDGETS = 50, (5, 10, 15, 30, 50)


@dataclass
class Runs:
    """Runs of one tool.

    Attributes
    ----------
    names : list of str
        Problems.
    scores : ndarray of shape (n_problems, n_seeds, N_EVALUATIONS)
        Mean score of each candidate, NaN beyond the end of a search.
    held_out, seconds : ndarray of shape (n_problems, n_seeds, len(BUDGETS))
        Held-out score of the best candidate within a budget, and seconds of all candidates within it.
    """

    names: list[str]
    scores: np.ndarray
    held_out: np.ndarray
    seconds: np.ndarray

    @classmethod
    def load(cls, tool: str) -> Runs:
        """Read the runs of a tool."""
        stored = np.load(RESULTS / f"{tool}.npz")
        return cls(
            list(stored["names"]), *(stored[name].astype(float) for name in ("scores", "held_out", "seconds"))
        )

    def save(self, tool: str) -> None:
        """Store the runs of a tool."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        arrays = {name: vars(self)[name].astype(np.float32) for name in ("scores", "held_out", "seconds")}
        np.savez_compressed(RESULTS / f"{tool}.npz", names=np.array(self.names), **arrays)

    def best(self, budget: int) -> np.ndarray:
        """Return the best score within a budget, of shape (n_problems, n_seeds)."""
        return np.nanmax(self.scores[:, :, :budget], axis=2)

    def of(self, names: list[str], n_seeds: int) -> Runs:
        """Return the runs on some problems, with the first seeds."""
        rows = [self.names.index(name) for name in names]
        return Runs(names, *(each[rows, :n_seeds] for each in (self.scores, self.held_out, self.seconds)))


def run_one(tool, case, seed, options):
    """Run a tool on a problem: scores of candidates, held-out scores and seconds at the budgets."""
    problem = Problem(*case)
    run = (
        TOOLS[tool](problem, seed, N_EVALUATIONS)
        if tool in TOOLS
        else skhpt(problem, seed, N_EVALUATIONS, options)
    )
    scores = np.full(N_EVALUATIONS, np.nan)
    scores[: len(run.scores)] = run.scores[:N_EVALUATIONS]
    seconds = np.cumsum([problem.seconds(params) for params in run.params])
    held_out = [problem.held_out(run.params[int(np.nanargmax(scores[:budget]))]) for budget in BUDGETS]
    return scores, held_out, [seconds[min(budget, len(seconds)) - 1] for budget in BUDGETS]


def run(tool, half, n_seeds, jobs, options):
    """Run a tool on all problems, and store the runs."""
    cases = [problem.case for problem in problems(half)]
    pairs = [(case, seed) for case in cases for seed in range(n_seeds)]
    rows = Parallel(jobs)(delayed(run_one)(tool, case, seed, options) for case, seed in pairs)
    arrays = [np.array(column).reshape(len(cases), n_seeds, -1) for column in zip(*rows, strict=True)]
    Runs([":".join(case) for case in cases], *arrays).save(tool)


def report(tools, half):
    """Print the tables, on the problems that all tools have."""
    runs = {tool: Runs.load(tool) for tool in tools}
    kept = [
        problem for problem in problems(half) if all(problem.name in each.names for each in runs.values())
    ]
    n_seeds = min(each.scores.shape[1] for each in runs.values())
    names, families = [p.name for p in kept], np.array([p.kind.family for p in kept])
    top = np.max([each.of(names, None).best(N_EVALUATIONS).max(axis=1) for each in runs.values()], axis=0)
    randoms = runs["random"].of(names, None)
    runs = {tool: each.of(names, n_seeds) for tool, each in runs.items()}
    print(f"{len(names)} problems ({half}), {n_seeds} seeds, 95 % intervals over problems")
    by_budget = {}
    for budget in BUDGETS[2:]:
        i = BUDGETS.index(budget)
        print(f"\nafter {budget} evaluations")
        print(f"{'':22} {'regret':>20} {'rank':>20} {'held out':>22} {'seconds':>20}")
        ranks = dict(zip(runs, rankdata([-each.best(budget) for each in runs.values()], axis=0), strict=True))
        by_budget[budget] = {tool: regrets(each, randoms, top, budget) for tool, each in runs.items()}
        spread = randoms.held_out[:, :, i].std(axis=1) + 1e-9
        for tool, each in runs.items():
            gain = (each.held_out[:, :, i].mean(axis=1) - randoms.held_out[:, :, i].mean(axis=1)) / spread
            times = each.seconds[:, :, i].mean(axis=1) / randoms.seconds[:, :, i].mean(axis=1)
            columns = (by_budget[budget][tool], ranks[tool].mean(axis=1), np.clip(gain, -3, 3), times)
            print(f"{tool:22} " + " ".join(f"{interval(column):>20}" for column in columns))
    print("\nregret by family, after " + ", ".join(map(str, BUDGETS[2:])))
    for family in dict.fromkeys(families):
        here = families == family
        print(f"{family} ({here.sum()})")
        for tool in runs:
            figures = "  ".join(f"{by_budget[budget][tool][here].mean():.2f}" for budget in by_budget)
            print(f"    {tool:22} {figures}")


def regrets(runs, randoms, top, budget):
    """Return the mean regret on each problem."""
    scale = top - np.median(randoms.best(budget), axis=1)
    regret = (top - runs.best(budget).mean(axis=1)) / np.where(scale > 1e-9, scale, np.inf)
    return np.minimum(regret, 3.0)


def picture(path, tools):
    """Draw the mean regret after each evaluation, for each family."""
    from matplotlib.figure import Figure

    runs = {tool: Runs.load(tool) for tool in tools}
    kept = [problem for problem in problems() if all(problem.name in each.names for each in runs.values())]
    names, families = [p.name for p in kept], np.array([p.kind.family for p in kept])
    runs = {tool: each.of(names, None) for tool, each in runs.items()}
    top = np.max([each.best(N_EVALUATIONS).max(axis=1) for each in runs.values()], axis=0)
    scale = top - np.median(runs["random"].best(N_EVALUATIONS), axis=1)
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    panels = figure.subplots(2, 5, sharex=True, sharey=True).ravel()
    evaluations = np.arange(3, N_EVALUATIONS + 1)
    for axes, family in zip(panels, sorted(set(families)), strict=True):
        here = (families == family) & (scale > 1e-9)
        for tool, each in runs.items():
            regret = [(top - each.best(n).mean(axis=1))[here] / scale[here] for n in evaluations]
            label, color = LABELS[tool]
            width = 2.5 if tool == "skhpt" else 1.5
            axes.plot(evaluations, np.minimum(regret, 3).mean(axis=1), label=label, color=color, lw=width)
        axes.set(title=f"{family} ({here.sum()})", ylim=(0, 3))
        axes.grid(alpha=0.3)
    for axes in panels[5:]:
        axes.set_xlabel("evaluations")
    for axes in panels[::5]:
        axes.set_ylabel("regret")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, dpi=100)


def emulators():
    """Print how well the emulators predict left-out candidates."""
    by_family = defaultdict(list)
    for problem in problems():
        figures = quality(*problem.case)
        by_family[problem.kind.family].append(figures)
        print(f"{problem.name:32} " + " ".join(f"{figure:5.2f}" for figure in figures), flush=True)
    print(f"\n{'rank correlation, median':32} {'all':>5} {'top':>5} held out")
    for family, figures in by_family.items():
        print(f"{family:32} " + " ".join(f"{figure:5.2f}" for figure in np.median(figures, axis=0)))


def main():
    """Make tables, run a tool, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tables").add_argument("--jobs", type=int, default=1)
    commands.add_parser("emulators")
    runner = commands.add_parser("run")
    runner.add_argument("tool")
    runner.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    runner.add_argument("--seeds", type=int, default=10)
    runner.add_argument("--jobs", type=int, default=1)
    reporter = commands.add_parser("report")
    reporter.add_argument("tools", nargs="*", default=sorted(path.stem for path in RESULTS.glob("*.npz")))
    commands.add_parser("picture").add_argument("path")
    for command in (runner, reporter):
        command.add_argument("--half", choices=("development", "validation", "all"), default="all")
    given = parser.parse_args()
    if given.command == "tables":
        missing = [case for case in tables.cases() if case not in tables.stored()]
        Parallel(given.jobs, verbose=10)(delayed(tables.make)(*case) for case in missing)
    elif given.command == "emulators":
        emulators()
    elif given.command == "run":
        options = {
            name: ast.literal_eval(value) for name, value in (each.split("=", 1) for each in given.set)
        }
        if given.tool not in TOOLS and not options:
            parser.error(f"{given.tool!r} is no tool: a variant needs --set; tools are {', '.join(TOOLS)}")
        run(given.tool, given.half, given.seeds, given.jobs, options)
    elif given.command == "picture":
        picture(given.path, ("random", "optuna_tpe", "optuna_gp", "skhpt"))
    else:
        report(given.tools, given.half)


if __name__ == "__main__":
    main()
