"""How good is the best candidate after how many CPU seconds? Search tools on real tasks.

Run by hand::

    python tests/benchmarks/time_to_quality.py run --seeds 3
    python tests/benchmarks/time_to_quality.py run --seeds 2 --tools optuna_hyperband flaml_cfo  # in their environment
    python tests/benchmarks/time_to_quality.py report
    python tests/benchmarks/time_to_quality.py picture docs/pictures/time_to_quality.png

`run` adds lines to ``results/time_to_quality.jsonl``, one for each task, tool and seed that is not there yet. The
budget of a tool is the CPU time (`time.process_time`) that `RandomizedSearchCV` takes for 60 candidates on five
folds, with the same task and seed; no tool refits. A tool is stopped at the end of its budget, or
with ``--until`` earlier: then its scores after that are not known. The incumbent is
what the tool would return if it were stopped: with fewer resources or folds for a part of the candidates, the
best of those that have most. Afterwards, outside of the budget, incumbents are scored on the five folds and on
held-out rows.

The report has, at shares of the budget, the score of the incumbent minus the final score of `RandomizedSearchCV`
(mean over the seeds), in hundredths; the mean rank of the tools; and the share of the budget from which on the
CV score is at least that of `RandomizedSearchCV`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from problems import Cat, Int
from quality_tasks import BY_NAME, DEVELOPMENT, TASKS, VALIDATION, Task
from scipy.stats import rankdata
from sklearn.base import clone, is_classifier

RESULTS = Path(__file__).parent / "results" / "time_to_quality.jsonl"
BASELINE, N_ITER = "randomized", 60
SHARES = (0.05, 0.1, 0.3, 1.0)
#: Candidates of searches that are stopped by the budget.
MANY = 1215


class OutOfBudget(BaseException):
    """Raised in an objective to end a tool."""


class Trajectory:
    """Incumbents of a run.

    Parameters
    ----------
    task : Task
        The task.
    seconds : float
        The budget in CPU seconds.

    Attributes
    ----------
    incumbents : list of (float, dict, float or None)
        CPU seconds, parameters, and the mean score on all folds with full training, if it is known.
    trains_epochs : bool
        Whether candidates are trained by `partial_fit`.
    max_resources : int
        All of the resource, for searches that have one.
    """

    def __init__(self, task: Task, seconds: float):
        self.task, self.seconds = task, seconds
        self.incumbents: list[tuple[float, dict[str, Any], float | None]] = []
        self.trains_epochs = False
        self.max_resources = 0
        self._best: tuple[Any, ...] = ()
        self._start = time.process_time()

    @property
    def cpu(self) -> float:
        """CPU seconds since the begin."""
        return time.process_time() - self._start

    def note(
        self, params: dict[str, Any], rank: tuple[Any, ...], score: float | None, cpu: float | None = None
    ) -> None:
        """Note a candidate, which is the incumbent if its rank is higher than all before."""
        if rank > self._best and not np.isnan(rank[-1]):
            self._best = rank
            self.incumbents.append((self.cpu if cpu is None else cpu, params, score))

    def check(self) -> None:
        """End the tool if its budget is used up."""
        if self.cpu >= self.seconds:
            raise OutOfBudget


# -- scikit-learn --------------------------------------------------------------------------------------------


class TimedScorer:
    """Scorer that notes the CPU time of its calls."""

    def __init__(self, scorer: Any):
        self.scorer = scorer
        self.times: list[float] = []

    def __call__(self, *arguments: Any) -> float:
        score = self.scorer(*arguments)
        self.times.append(time.process_time())
        return float(score)


def randomized(task: Task, seed: int, run: Trajectory) -> None:
    """RandomizedSearchCV, 60 candidates: the baseline, without a limit."""
    from sklearn.model_selection import RandomizedSearchCV

    scorer = TimedScorer(task.scorer)
    start = time.process_time() - run.cpu
    search = RandomizedSearchCV(
        task.make(), task.distributions, n_iter=N_ITER, random_state=seed, **_options(task, scorer)
    )
    X, _, y, _ = task.data
    search.fit(X, y)
    for i, (params, score) in enumerate(_rows(search)):
        run.note(params, (score,), score, scorer.times[(i + 1) * len(task.folds) - 1] - start)


def sklearn_halving(task: Task, seed: int, run: Trajectory) -> None:
    """HalvingRandomSearchCV: rows as the resource, or 27 candidates from a ninth of the trees or iterations."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    scorer, resource = TimedScorer(task.scorer), {}
    if task.resource and task.resource.endswith(("n_estimators", "max_iter")):
        most = task.make().get_params()[task.resource]
        resource = {
            "resource": task.resource,
            "max_resources": most,
            "min_resources": most // 9,
            "n_candidates": 27,
        }
    start = time.process_time() - run.cpu
    search = HalvingRandomSearchCV(
        task.make(), task.distributions, random_state=seed, **resource, **_options(task, scorer)
    )
    X, _, y, _ = task.data
    search.fit(X, y)
    rungs, rows = search.cv_results_["iter"], _rows(search)
    n_calls = len(scorer.times) // len(rows)
    for rung in range(rungs[-1] + 1):
        members = np.flatnonzero(rungs == rung)
        at = scorer.times[(members[-1] + 1) * n_calls - 1] - start
        params, score = max((rows[i] for i in members), key=lambda row: np.nan_to_num(row[1], nan=-np.inf))
        params = {name: value for name, value in params.items() if name != task.resource}
        run.note(params, (rung, score), None, at)


def _options(task: Task, scoring: Any) -> dict[str, Any]:
    return {"cv": task.folds, "scoring": scoring, "refit": False}


def _rows(search: Any) -> list[tuple[dict[str, Any], float]]:
    results = search.cv_results_
    return list(zip(results["params"], results["mean_test_score"], strict=True))


# -- ours ----------------------------------------------------------------------------------------------------


def _follow(search: Any, task: Task, run: Trajectory) -> None:
    """Run one of our searches until it ends or the budget is used up."""
    from skhpt import HyperbandSearchCV
    from skhpt.callbacks import SearchCallback

    class Follow(SearchCallback):
        def on_candidate_finished(self, search: Any, trial: Any, status: Any) -> None:
            info, score = trial.candidate.info, trial.mean_score()
            if trial.state != "eliminated":
                is_complete = all(fold.state != "skipped" for fold in trial.folds)
                if "n_resources" not in info:
                    run.note(trial.candidate.params, (score,), score)
                else:
                    is_full = is_complete and info["n_resources"] == run.max_resources
                    rank = info["n_resources"], info["n_folds"], score
                    run.note(trial.candidate.params, rank, score if is_full else None)
            if run.cpu >= run.seconds:
                raise KeyboardInterrupt

    X, _, y, _ = task.data
    search.set_params(on_interrupt="keep", **_options(task, task.scoring))
    if isinstance(search, HyperbandSearchCV):
        plan = search.plan(X, y)
        run.trains_epochs = plan.resource == "epochs"
        run.max_resources = plan.max_resources
        run._start = time.process_time()
    search.set_callbacks(Follow()).fit(X, y)


def random_search(task: Task, seed: int, run: Trajectory, **options: Any) -> None:
    """RandomSearch, whose candidates share fits."""
    from skhpt import RandomSearch

    search = RandomSearch(task.make(), task.distributions, n_iter=MANY, random_state=seed, **options)
    _follow(search, task, run)


def random_racing(task: Task, seed: int, run: Trajectory) -> None:
    """RandomSearch with a race."""
    random_search(task, seed, run, racing=True)


def bayes(task: Task, seed: int, run: Trajectory, **options: Any) -> None:
    """BayesSearchCV."""
    from skhpt import BayesSearchCV

    search = BayesSearchCV(task.make(), task.distributions, n_iter=MANY, random_state=seed, **options)
    _follow(search, task, run)


def bayes_cost_aware(task: Task, seed: int, run: Trajectory) -> None:
    """BayesSearchCV that prefers cheap candidates."""
    bayes(task, seed, run, cost_aware=True)


def ladder(task: Task, seed: int, run: Trajectory, **options: Any) -> None:
    """HyperbandSearchCV with its defaults."""
    from skhpt import HyperbandSearchCV

    _follow(HyperbandSearchCV(task.make(), task.distributions, random_state=seed, **options), task, run)


def ladder_27(task: Task, seed: int, run: Trajectory) -> None:
    """HyperbandSearchCV with fewer candidates."""
    ladder(task, seed, run, n_candidates=27)


def ladder_243(task: Task, seed: int, run: Trajectory) -> None:
    """HyperbandSearchCV with more candidates."""
    ladder(task, seed, run, n_candidates=243)


def ladder_all(task: Task, seed: int, run: Trajectory) -> None:
    """HyperbandSearchCV with candidates for the whole budget."""
    ladder(task, seed, run, n_candidates=MANY)


def ladder_random(task: Task, seed: int, run: Trajectory) -> None:
    """HyperbandSearchCV without default points and without a model."""
    ladder(task, seed, run, sampler="random")


# -- others --------------------------------------------------------------------------------------------------


def _fold_score(task: Task, params: dict[str, Any], split: int) -> float:
    """Train and score a candidate on a fold."""
    X, _, y, _ = task.data
    train, test = task.folds[split]
    model = clone(task.make()).set_params(**params).fit(X[train], y[train])
    return float(task.scorer(model, X[test], y[test]))


def _cv_score(task: Task, params: dict[str, Any]) -> float:
    return float(np.mean([_fold_score(task, params, split) for split in range(len(task.folds))]))


def optuna_hyperband(task: Task, seed: int, run: Trajectory) -> None:
    """Optuna: TPE, and the pruner of Hyperband after each fold."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        params = {name: _suggest(trial, name, one) for name, one in task.space.items()}
        scores: list[float] = []
        for split in range(len(task.folds)):
            scores.append(_fold_score(task, params, split))
            run.check()
            trial.report(np.mean(scores), split + 1)
            if split + 1 < len(task.folds) and trial.should_prune():
                raise optuna.TrialPruned
        score = float(np.mean(scores))
        run.note(params, (score,), score)
        return score

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=len(task.folds)),
        study_name=f"{task.name} {seed}",  # the pruner draws from it
    )
    study.optimize(objective, n_trials=10 * MANY)


def _suggest(trial: Any, name: str, one: Any) -> Any:
    if isinstance(one, Cat):
        return one.values[trial.suggest_categorical(name, list(range(len(one.values))))]
    suggest = trial.suggest_int if isinstance(one, Int) else trial.suggest_float
    return suggest(name, one.low, one.high, log=one.log)


def flaml_cfo(task: Task, seed: int, run: Trajectory) -> None:
    """FLAML tune: CFO."""
    _flaml(task, seed, run, "CFO")


def flaml_blendsearch(task: Task, seed: int, run: Trajectory) -> None:
    """FLAML tune: BlendSearch."""
    _flaml(task, seed, run, "BlendSearch")


def _flaml(task: Task, seed: int, run: Trajectory, name: str) -> None:
    import flaml
    from flaml import tune

    logging.disable(logging.WARNING)

    def domain(one: Any) -> Any:
        if isinstance(one, Cat):
            return tune.choice(list(range(len(one.values))))  # values of several types become texts
        if isinstance(one, Int):
            return (tune.lograndint if one.log else tune.randint)(one.low, one.high + 1)
        return (tune.loguniform if one.log else tune.uniform)(one.low, one.high)

    def evaluate(config: dict[str, Any]) -> dict[str, float]:
        params = _values(task, config)
        score = _cv_score(task, params)
        run.note(params, (score,), score)
        run.check()
        return {"score": score}

    space = {key: domain(one) for key, one in task.space.items()}
    options = {"metric": "score", "mode": "max", "space": space, "seed": seed, "time_budget_s": 10_000}
    tune.run(
        evaluate,
        search_alg=getattr(flaml, name)(**options),
        num_samples=-1,
        time_budget_s=10_000,
        use_ray=False,
        verbose=0,
    )


def _values(task: Task, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a candidate in which the values of lists are given by their positions."""
    return {
        name: one.values[int(given[name])] if isinstance(one, Cat) else type(one.low)(given[name])
        for name, one in task.space.items()
    }


def smac_multi_fidelity(task: Task, seed: int, run: Trajectory) -> None:
    """SMAC3's multi-fidelity facade: trees or iterations as the budget; without them, folds."""
    from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
    from smac import MultiFidelityFacade, Scenario

    logging.disable(logging.ERROR)

    def axis(name: str, one: Any) -> Any:
        if isinstance(one, Cat):
            return Categorical(name, list(range(len(one.values))))
        return (Integer if isinstance(one, Int) else Float)(name, (one.low, one.high), log=one.log)

    def loss(config: Any, seed: int = 0, budget: float = 0) -> float:
        params = _values(task, dict(config))
        if task.resource:
            score = _cv_score(task, {**params, task.resource: round(budget)})
        else:
            score = float(np.mean([_fold_score(task, params, split) for split in range(round(budget))]))
        run.note(params, (round(budget), score), score if round(budget) == most else None)
        run.check()
        return 1e6 if np.isnan(score) else -score

    most = task.make().get_params()[task.resource] if task.resource else len(task.folds)
    space = ConfigurationSpace(seed=seed)
    space.add([axis(name, one) for name, one in task.space.items()])
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space,
            deterministic=True,
            n_trials=10 * MANY,
            min_budget=max(1, most // 9),
            max_budget=most,
            seed=seed,
            output_directory=folder,
        )
        MultiFidelityFacade(scenario, loss, overwrite=True, logging_level=False).optimize()


TOOLS: dict[str, Callable[[Task, int, Trajectory], None]] = {
    tool.__name__: tool
    for tool in (
        randomized,
        sklearn_halving,
        optuna_hyperband,
        flaml_cfo,
        flaml_blendsearch,
        smac_multi_fidelity,
        random_search,
        random_racing,
        bayes,
        bayes_cost_aware,
        ladder,
        ladder_27,
        ladder_243,
        ladder_all,
        ladder_random,
    )
}
PEERS = ("optuna_hyperband", "flaml_cfo", "flaml_blendsearch", "smac_multi_fidelity")


# -- scores of the incumbents --------------------------------------------------------------------------------


class Quality:
    """Scores of fully trained candidates, each computed once."""

    def __init__(self, task: Task, trains_epochs: bool):
        self.task, self.trains_epochs = task, trains_epochs
        self._held_out: dict[str, float] = {}

    def fitted(self, params: dict[str, Any], X: Any, y: Any) -> Any:
        """Fit a candidate as its search would refit it."""
        model = clone(self.task.make()).set_params(**params)
        if not self.trains_epochs:
            return model.fit(X, y)
        from skhpt.fitting.resources import EpochResource

        most = model.get_params()[self.task.resource]
        classes = np.unique(y) if is_classifier(model) else None
        EpochResource(classes, 0, most).fit(model, X, y, params={}, resource=most)
        return model

    def cv(self, params: dict[str, Any]) -> float:
        """Return the mean score on the folds."""
        X, _, y, _ = self.task.data
        scores = []
        for train, test in self.task.folds:
            scores.append(self.task.scorer(self.fitted(params, X[train], y[train]), X[test], y[test]))
        return float(np.mean(scores))

    def held_out(self, params: dict[str, Any]) -> float:
        """Return the score on the held-out rows, after training with all other rows."""
        if repr(params) not in self._held_out:
            X, X_out, y, y_out = self.task.data
            self._held_out[repr(params)] = float(self.task.scorer(self.fitted(params, X, y), X_out, y_out))
        return self._held_out[repr(params)]


def record(task: Task, tool: str, seed: int, seconds: float, until: float = 1.0) -> dict[str, Any]:
    """Run a tool until a share of its budget, score its incumbents and return what is kept."""
    warnings.simplefilter("ignore")
    run = Trajectory(task, until * seconds)
    with suppress(OutOfBudget):
        TOOLS[tool](task, seed, run)
    total = run.cpu
    quality = Quality(task, run.trains_epochs)
    scored = [(cpu, quality.cv(params) if cv is None else cv) for cpu, params, cv in run.incumbents]
    budget = total if tool == BASELINE else seconds
    held_out = []
    for share in SHARES:
        i = _position([cpu for cpu, _ in scored], share * budget)
        held_out.append(round(quality.held_out(run.incumbents[i][1]), 6))
    return {
        "task": task.name,
        "tool": tool,
        "seed": seed,
        "budget": round(budget, 4),
        "cpu": round(total, 4),
        "incumbents": [[round(cpu, 4), round(cv, 6)] for cpu, cv in scored],
        "held_out": held_out,
        "until": 1.0 if total < until * seconds else until,
    }


def _position(times: list[float], cpu: float) -> int:
    """Return the number of the incumbent at a time; the first one before there is any."""
    return max(0, int(np.searchsorted(times, cpu, side="right")) - 1)


def load() -> list[dict[str, Any]]:
    """Read results."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def run(tasks: list[str], tools: list[str], n_seeds: int, until: float) -> None:
    """Run what is missing, tasks in turn, and add it to the results."""
    rows = {(row["task"], row["tool"], row["seed"]): row for row in load()}
    for name in tasks:
        task = BY_NAME[name]
        for seed in range(n_seeds):
            for tool in tools:
                if (name, tool, seed) in rows:
                    continue
                seconds = np.inf
                if tool != BASELINE:
                    if (name, BASELINE, seed) not in rows:
                        raise SystemExit(f"run {BASELINE} on {name} with seed {seed} first: it is the budget")
                    seconds = rows[name, BASELINE, seed]["budget"]
                _import(tool, task)
                rows[name, tool, seed] = row = record(task, tool, seed, seconds, until)
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(
                    f"{name:32} {tool:20} {seed} {row['cpu']:7.2f} {row['incumbents'][-1][1]:.4f}", flush=True
                )


_imported: set[tuple[str, str]] = set()


def _import(tool: str, task: Task) -> None:
    """Let a tool begin once on a task, so that no import is measured."""
    if (tool, task.name) not in _imported and tool != BASELINE:
        warnings.simplefilter("ignore")
        with suppress(OutOfBudget):
            TOOLS[tool](task, 0, Trajectory(task, 0.02))
        _imported.add((tool, task.name))


# -- report --------------------------------------------------------------------------------------------------


class Comparison:
    """Results as arrays: one row for each task and seed that all tools have.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks.
    """

    def __init__(self, tasks: tuple[Task, ...]):
        rows = {(row["task"], row["tool"], row["seed"]): row for row in load()}
        names = {task.name for task in tasks}
        self.rows = {key: row for key, row in rows.items() if key[0] in names}
        self.tools = [tool for tool in TOOLS if any(key[1] == tool for key in self.rows)]
        self.tasks = [task.name for task in tasks if any(key[0] == task.name for key in self.rows)]

    def seeds(self, task: str) -> list[int]:
        """Return the seeds of a task."""
        return sorted(seed for name, tool, seed in self.rows if name == task and tool == BASELINE)

    def base(self, task: str) -> dict[str, float]:
        """Return the final scores of the baseline, means over the seeds."""
        rows = [self.rows[task, BASELINE, seed] for seed in self.seeds(task)]
        return {
            "cv": float(np.mean([row["incumbents"][-1][1] for row in rows])),
            "held_out": float(np.mean([row["held_out"][-1] for row in rows])),
        }

    def values(self, task: str, tool: str, what: str) -> np.ndarray:
        """Return the scores of a tool at the shares: an array (seeds, shares)."""
        values = []
        for seed in self.seeds(task):
            if (row := self.rows.get((task, tool, seed))) is not None:
                held_out = np.where(np.array(SHARES) <= row["until"], row["held_out"], np.nan)
                values.append(held_out if what == "held_out" else [cv_at(row, s) for s in SHARES])
        return np.array(values, dtype=float).reshape(-1, len(SHARES))

    def gaps(self, task: str, tool: str, what: str) -> np.ndarray:
        """Return the mean gaps to the baseline at the shares, in hundredths."""
        values = self.values(task, tool, what)
        if not len(values):
            return np.full(len(SHARES), np.nan)
        return 100 * (values.mean(axis=0) - self.base(task)[what])

    def reached(self, task: str, tool: str) -> float:
        """Return the share of the budget from which on the score is that of the baseline, median over the seeds."""
        target, shares = self.base(task)["cv"], []
        for seed in self.seeds(task):
            if (row := self.rows.get((task, tool, seed))) is not None:
                share = np.inf
                for cpu, cv in reversed(row["incumbents"]):
                    if cv < target - 1e-6:
                        break
                    share = cpu / row["budget"]
                shares.append(share)
        return float(np.median(shares)) if shares else np.nan

    def ranks(self, what: str) -> dict[str, np.ndarray]:
        """Return the mean ranks at the shares of the tools that have results on all tasks."""
        tools = [tool for tool in self.tools if all(len(self.values(t, tool, what)) for t in self.tasks)]
        ranks = []
        for task in self.tasks:
            scores = np.array([self.values(task, tool, what).mean(axis=0) for tool in tools])
            ranks.append(rankdata(-np.round(scores, 6), axis=0, nan_policy="propagate"))
        return dict(zip(tools, np.mean(ranks, axis=0), strict=True))


def cv_at(row: dict[str, Any], share: float) -> float:
    """Return the CV score of the incumbent at a share of the budget; NaN after the end of the run."""
    if share > row["until"]:
        return np.nan
    times = [cpu for cpu, _ in row["incumbents"]]
    return float(row["incumbents"][_position(times, share * row["budget"])][1])


def report(tasks: tuple[Task, ...], by_task: bool) -> None:
    """Print tables."""
    results = Comparison(tasks)
    heads = "".join(f"{f'{share:.0%}':>8}" for share in SHARES)
    summary: dict[str, list[Any]] = defaultdict(list)
    for task in results.tasks:
        budgets = [results.rows[task, BASELINE, seed]["budget"] for seed in results.seeds(task)]
        base = results.base(task)
        if by_task:
            scores = f"{base['cv']:.4f}, held out {base['held_out']:.4f}"
            print(f"\n{task}: {np.mean(budgets):.1f} s, {scores}, {len(budgets)} seeds")
            print(f"{'':20}{'CV':<6}{heads}   {'held out':<8}{heads}{'reached':>9}{'CPU':>7}")
        for tool in results.tools:
            cv, held_out = (results.gaps(task, tool, what) for what in ("cv", "held_out"))
            reached = results.reached(task, tool)
            rows = [
                results.rows[task, tool, seed]
                for seed in results.seeds(task)
                if (task, tool, seed) in results.rows
            ]
            used = float(np.mean([row["cpu"] / row["budget"] for row in rows])) if rows else np.nan
            summary[tool].append((cv, held_out, reached, used))
            if by_task:
                print(f"{tool:26}{_cells(cv)}{'':11}{_cells(held_out)}{_share(reached):>9}{used:7.0%}")
    print(f"\n{len(results.tasks)} tasks, medians of the gaps in hundredths")
    print(f"{'':20}{'CV':<6}{heads}   {'held out':<8}{heads}{'reached':>9}{'tasks':>7}{'CPU':>7}")
    for tool, values in summary.items():
        cv, held_out, reached, used = (np.array(part, dtype=float) for part in zip(*values, strict=True))
        known = reached[~np.isnan(reached)]
        n_reached = f"{np.isfinite(known).sum()}/{len(known)}"
        print(
            f"{tool:26}{_cells(np.nanmedian(cv, axis=0))}{'':11}{_cells(np.nanmedian(held_out, axis=0))}"
            f"{_share(float(np.median(known))):>9}{n_reached:>7}{np.nanmedian(used):7.0%}"
        )
    print("\nmean gaps, in hundredths")
    for tool, values in summary.items():
        cv, held_out = (np.array(part, dtype=float) for part in list(zip(*values, strict=True))[:2])
        print(f"{tool:26}{_cells(np.nanmean(cv, axis=0))}{'':11}{_cells(np.nanmean(held_out, axis=0))}")
    print("\nmean ranks over the tasks")
    cv_ranks, held_out_ranks = results.ranks("cv"), results.ranks("held_out")
    for tool in cv_ranks:
        print(f"{tool:26}{_cells(cv_ranks[tool], sign='')}{'':11}{_cells(held_out_ranks[tool], sign='')}")


def _cells(values: np.ndarray, sign: str = "+") -> str:
    return "".join(f"{value:{sign}8.2f}" for value in values)


def _share(share: float) -> str:
    return "never" if np.isinf(share) else f"{share:.0%}"


def picture(path: str) -> None:
    """Draw the mean gap over the share of the budget."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = {
        "randomized": "RandomizedSearchCV",
        "sklearn_halving": "HalvingRandomSearchCV",
        "optuna_hyperband": "Optuna, TPE and HyperbandPruner",
        "flaml_blendsearch": "FLAML, BlendSearch",
        "ladder": "HyperbandSearchCV",
    }
    grid = np.geomspace(0.01, 1, 60)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    for ax, (title, tasks) in zip(
        axes, {"development": DEVELOPMENT, "validation": VALIDATION}.items(), strict=True
    ):
        results = Comparison(tasks)
        for tool, label in shown.items():
            curves = []
            for task in results.tasks:
                rows = [row for key, row in results.rows.items() if key[:2] == (task, tool)]
                if not rows:
                    continue
                mean = np.mean([[cv_at(row, share) for share in grid] for row in rows], axis=0)
                curves.append(100 * (mean - results.base(task)["cv"]))
            width = 2.5 if tool == "ladder" else 1.3
            if len(curves) == len(results.tasks):
                ax.plot(grid, np.median(curves, axis=0), label=label, linewidth=width)
        ax.axhline(0, color="0.6", linewidth=0.8)
        ax.set(xscale="log", title=f"{len(results.tasks)} {title} tasks", ylim=(-6, 1))
        ax.set_xticks([0.01, 0.03, 0.1, 0.3, 1], ["1 %", "3 %", "10 %", "30 %", "100 %"])
        ax.set_xlabel("share of the CPU time of RandomizedSearchCV(60)")
    axes[0].set_ylabel("CV score minus that of\nRandomizedSearchCV(60), hundredths")
    axes[1].legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, report, or draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--tasks", nargs="+", choices=list(BY_NAME), default=[task.name for task in TASKS])
    runner.add_argument(
        "--tools", nargs="+", choices=list(TOOLS), default=[tool for tool in TOOLS if tool not in PEERS]
    )
    runner.add_argument("--seeds", type=int, default=3)
    runner.add_argument(
        "--until", type=float, default=1.0, help="share of the budget at which tools are stopped"
    )
    reporter = commands.add_parser("report")
    reporter.add_argument("--tasks", choices=("development", "validation", "all"), default="all")
    reporter.add_argument("--summary", action="store_true", help="leave out the tables of single tasks")
    drawer = commands.add_parser("picture")
    drawer.add_argument("path")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.tasks, arguments.tools, arguments.seeds, arguments.until)
    elif arguments.command == "report":
        groups = {"development": DEVELOPMENT, "validation": VALIDATION, "all": TASKS}
        report(groups[arguments.tasks], not arguments.summary)
    else:
        picture(arguments.path)


if __name__ == "__main__":
    main()
