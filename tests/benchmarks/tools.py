"""Search tools, each driven through its own public interface, on the problems of `problems.py`.

A tool is a function ``tool(problem, seed, n) -> Run``. It is imported only when it runs: each may live in an
environment of its own. All score the same five folds; a candidate's score is their mean.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from problems import Cat, Int, Problem, Real


@dataclass
class Run:
    """What a tool evaluated, in order, and the seconds that it spent on anything but evaluating."""

    params: list[dict[str, Any]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Objective:
    """What tools call: scores a candidate and keeps the record."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.run = Run()
        self._start = time.perf_counter()
        self._evaluating = 0.0

    def __call__(self, params: dict[str, Any]) -> float:
        start = time.perf_counter()
        score = float(np.mean(self.problem.score(params)))
        self._evaluating += time.perf_counter() - start
        self.run.params.append(params)
        self.run.scores.append(score)
        return score

    def finished(self) -> Run:
        """Return the record."""
        self.run.seconds = time.perf_counter() - self._start - self._evaluating
        return self.run


# -- ours ----------------------------------------------------------------------------------------------------


def scipy_space(problem: Problem) -> list[dict[str, Any]]:
    """Translate a problem's space to lists and SciPy distributions."""
    from scipy.stats import loguniform, randint, uniform

    from skhpt.distributions import loguniform_int

    def translate(one: Real | Int | Cat) -> Any:
        if isinstance(one, Cat):
            return list(one.values)
        if isinstance(one, Int):
            return loguniform_int(one.low, one.high) if one.log else randint(one.low, one.high + 1)
        return loguniform(one.low, one.high) if one.log else uniform(one.low, one.high - one.low)

    return [{name: translate(one) for name, one in branch.items()} for branch in problem.branches]


def random(problem: Problem, seed: int, n: int) -> Run:
    """RandomSearch, which draws what scikit-learn's RandomizedSearchCV draws."""
    from skhpt import RandomSearch

    return _searched(
        RandomSearch(problem.estimator, scipy_space(problem), n_iter=n, random_state=seed), problem
    )


def skhpt(problem: Problem, seed: int, n: int, options: dict[str, Any] | None = None) -> Run:
    """BayesSearchCV, with its defaults or with other parameters."""
    from skhpt import BayesSearchCV

    search = BayesSearchCV(problem.estimator, scipy_space(problem), n_iter=n, random_state=seed)
    return _searched(search.set_params(**options or {}), problem)


def skhpt_pending(problem: Problem, seed: int, n: int) -> Run:
    """BayesSearchCV with four candidates in flight."""
    from skhpt import BayesSearchCV

    search = BayesSearchCV(
        problem.estimator, scipy_space(problem), n_iter=n, random_state=seed, max_pending=4
    )
    return _searched(search, problem)


def skhpt_ucb(problem: Problem, seed: int, n: int) -> Run:
    """BayesSearchCV with an upper confidence bound."""
    from skhpt import BayesSearchCV

    search = BayesSearchCV(
        problem.estimator, scipy_space(problem), n_iter=n, random_state=seed, acquisition="ucb"
    )
    return _searched(search, problem)


def _searched(search: Any, problem: Problem) -> Run:
    X, _, y, _ = problem.data
    search.set_params(scoring=problem.scoring, cv=problem.folds, refit=False)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    seconds = time.perf_counter() - start
    folds = [fold for trial in search.history_ for fold in trial.folds]
    evaluating = sum(fold.fit_time + fold.score_time for fold in folds)
    results = search.cv_results_
    return Run(list(results["params"]), results["mean_test_score"].tolist(), seconds - evaluating)


# -- others --------------------------------------------------------------------------------------------------


def optuna_tpe(problem: Problem, seed: int, n: int) -> Run:
    """Optuna's default sampler."""
    import optuna

    return _optuna(problem, n, optuna.samplers.TPESampler(seed=seed))


def optuna_gp(problem: Problem, seed: int, n: int) -> Run:
    """Optuna's Gaussian process."""
    import optuna

    return _optuna(problem, n, optuna.samplers.GPSampler(seed=seed))


def _optuna(problem: Problem, n: int, sampler: Any) -> Run:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    objective = Objective(problem)

    def value(trial: Any) -> float:
        several = len(problem.branches) > 1
        i = trial.suggest_categorical("branch", list(range(len(problem.branches)))) if several else 0
        params = {}
        for name, one in problem.branches[i].items():
            label = f"{i} {name}" if several else name
            if isinstance(one, Cat):
                params[name] = one.values[trial.suggest_categorical(label, list(range(len(one.values))))]
            elif isinstance(one, Int):
                params[name] = trial.suggest_int(label, one.low, one.high, log=one.log)
            else:
                params[name] = trial.suggest_float(label, one.low, one.high, log=one.log)
        return objective(params)

    optuna.create_study(direction="maximize", sampler=sampler).optimize(value, n_trials=n)
    return objective.finished()


def skopt_gp(problem: Problem, seed: int, n: int) -> Run:
    """scikit-optimize's gp_minimize; it knows no branches, so each point has the parameters of all."""
    from skopt import gp_minimize, space

    warnings.simplefilter("ignore")
    objective = Objective(problem)

    def axis(label: str, one: Real | Int | Cat) -> Any:
        if isinstance(one, Cat):
            return space.Categorical(list(range(len(one.values))), name=label)
        kind = space.Integer if isinstance(one, Int) else space.Real
        return kind(one.low, one.high, prior="log-uniform" if one.log else "uniform", name=label)

    labels = _flat(problem)

    def loss(values: list[Any]) -> float:
        return _loss(objective(_chosen(problem, dict(zip(labels, values, strict=True)))))

    gp_minimize(loss, [axis(label, one) for label, one in labels.items()], n_calls=n, random_state=seed)
    return objective.finished()


def hebo(problem: Problem, seed: int, n: int) -> Run:
    """HEBO; it knows no branches either."""
    import pandas as pd
    import torch
    from hebo.design_space.design_space import DesignSpace
    from hebo.optimizers.hebo import HEBO

    warnings.simplefilter("ignore")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    np.random.seed(seed)
    objective = Objective(problem)

    def axis(label: str, one: Real | Int | Cat) -> dict[str, Any]:
        if isinstance(one, Cat):
            return {"name": label, "type": "cat", "categories": list(range(len(one.values)))}
        kind = ("pow_int" if one.log else "int") if isinstance(one, Int) else ("pow" if one.log else "num")
        return {"name": label, "type": kind, "lb": one.low, "ub": one.high}

    space = DesignSpace().parse([axis(label, one) for label, one in _flat(problem).items()])
    optimizer = HEBO(space, scramble_seed=seed)
    for _ in range(n):
        asked: pd.DataFrame = optimizer.suggest(1)
        score = objective(_chosen(problem, asked.iloc[0].to_dict()))
        optimizer.observe(asked, np.array([[_loss(score)]]))
    return objective.finished()


def smac(problem: Problem, seed: int, n: int) -> Run:
    """SMAC3's facade for hyperparameters, with the branches as conditions."""
    import logging
    import tempfile

    from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer
    from smac import HyperparameterOptimizationFacade, Scenario

    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    objective = Objective(problem)

    def axis(label: str, one: Real | Int | Cat) -> Any:
        if isinstance(one, Cat):
            return Categorical(label, list(range(len(one.values))))
        return (Integer if isinstance(one, Int) else Float)(label, (one.low, one.high), log=one.log)

    axes = {label: axis(label, one) for label, one in _flat(problem).items()}
    space = ConfigurationSpace(seed=seed)
    space.add(list(axes.values()))
    for label, one in axes.items():
        if "branch" in axes and label != "branch":
            space.add(EqualsCondition(one, axes["branch"], int(label.split()[0])))

    def loss(config: Any, seed: int = 0) -> float:
        return _loss(objective(_chosen(problem, dict(config))))

    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(space, deterministic=True, n_trials=n, seed=seed, output_directory=folder)
        facade = HyperparameterOptimizationFacade(scenario, loss, overwrite=True, logging_level=False)
        facade.optimize()
    return objective.finished()


def _flat(problem: Problem) -> dict[str, Real | Int | Cat]:
    """Write the space as one table: which branch, and the parameters of all branches, each under a name of its own."""
    axes: dict[str, Real | Int | Cat] = {}
    if len(problem.branches) > 1:
        axes["branch"] = Cat(tuple(range(len(problem.branches))))
    for i, branch in enumerate(problem.branches):
        axes |= {f"{i} {name}": one for name, one in branch.items()}
    return axes


def _chosen(problem: Problem, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the branch that a row of that table chooses."""
    i = int(given.get("branch", 0))
    params = {}
    for name, one in problem.branches[i].items():
        value = given[f"{i} {name}"]
        params[name] = one.values[int(value)] if isinstance(one, Cat) else type(one.low)(value)
    return params


def _loss(score: float) -> float:
    """Turn a score into what is minimised; a failure is worse than anything."""
    return -score if np.isfinite(score) else 1e6


TOOLS: dict[str, Callable[[Problem, int, int], Run]] = {
    tool.__name__: tool
    for tool in (random, skhpt, skhpt_pending, skhpt_ucb, optuna_tpe, optuna_gp, skopt_gp, hebo, smac)
}
