"""Portfolios of `skhpt.spaces.portfolio`: learns them from the tables of the bed, and measures what they save.

Run by hand, with the tables of ``regret.py tables``::

    python tests/benchmarks/portfolios.py learn
    python tests/benchmarks/portfolios.py run --half validation --seeds 3
    python tests/benchmarks/portfolios.py report --half validation
    python tests/benchmarks/portfolios.py real

`learn` writes ``skhpt/spaces/portfolios/*.json``. For each kind of estimator it chooses configurations one after
another: each is the one that lowers the regret of the best configuration so far the most, on average over all
data sets and over random users' ranges, where values outside are moved to the ranges as `BayesSearchCV` does.
The estimator as it is counts as the first configuration. The regret is the mean of that of the tables and that of
smoothed emulators, for which the luck of a configuration on one data set counts less.

`run` compares BayesSearchCV with portfolios of several lengths and without one. The portfolios are learned without
the data set that they are tested on, and the emulator of the test has none of their configurations in its
table. `report` prints the regret (0 is the best score that a run has found, 1 the median of random search with as
many evaluations; the mean over seeds, capped at 3) and the held-out score minus that without a portfolio, in
standard deviations of the candidates of random search, with 95 % bootstrap intervals over problems. `real` prints the
regret of the first candidates with the stored portfolios, and of those in the stored runs of ``tuning.py``, which
had none, on its real problems.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
import zlib
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
import tools
import tuning
from bed import tables
from bed.emulator import Emulator, Features, emulator
from bed.kinds import BY_KIND
from bed.problems import Problem, problems, user_branch
from problems import PROBLEMS, Cat, Int
from tools import scipy_space
from tuning import interval, load

import skhpt
from skhpt import BayesSearchCV
from skhpt.search.initial_points import points_of_portfolios
from skhpt.space.space import Space
from skhpt.spaces import portfolio
from skhpt.spaces.configurations import UNITS, configurations_of
from skhpt.spaces.data import DataSummary
from skhpt.strategies.initial_design import n_initial_points

FOLDER = Path(skhpt.__file__).parent / "spaces" / "portfolios"
RESULTS = Path(__file__).parent / "results" / "portfolios.npz"
#: Length of a portfolio, number of users' ranges, and number of configurations of each data set to choose from.
SIZE, N_SPACES, N_BEST = 8, 16, 50
#: Least numbers of rows in a leaf of the emulators whose regrets are averaged: one that reproduces the tables,
#: and a smooth one, for which the luck of single configurations counts less.
LEAVES = (1, 6)
N_RANDOM, N_EVALUATIONS, BUDGETS = 200, 30, (3, 5, 10, 15, 30)
#: Parameters that are left out: one that changes the time, not the score, and one that means nothing on the bed,
#: where numbers to predict have a mean of 0.
LEFT_OUT = {"m__shrinking", "m__fit_intercept"}
WIDTH, COST = "1 / var(X)", "std(y)"


@dataclass(frozen=True)
class Source:
    """What is learned from the tables of a kind.

    Attributes
    ----------
    classes : tuple of str
        Classes of the model that the portfolio is for: that of the kind, and those that `real` has shown it to suit.
    steps : dict of str to str
        Classes by the prefix of the parameters.
    units : dict of str to str
        Units of parameters, keys of `UNITS`.
    requires : tuple of str
        Classes that the pipeline must have, because the parameters of the model depend on them.
    package : str
        Package of the classes.
    """

    classes: tuple[str, ...]
    steps: dict[str, str]
    units: dict[str, str]
    requires: tuple[str, ...] = ()
    package: str = "sklearn"


def _model(*classes, steps=None, requires=(), package="sklearn", **units):
    """Return the source of a kind whose model is the step "m", or the estimator itself."""
    steps = {"m": classes[0], "": classes[0]} | (steps or {})
    return Source(classes, steps, units, requires, package)


SOURCES = {
    "svc-rbf": _model("SVC", m__gamma=WIDTH),
    "svc-kernels": _model("SVC", m__gamma=WIDTH),
    "svr": _model("SVR", m__gamma=WIDTH, m__C=COST, m__epsilon=COST),
    "lightgbm": _model("LGBMClassifier", package="lightgbm"),
    "many-parameters": _model("LGBMClassifier", package="lightgbm"),
    "histgb": _model("HistGradientBoostingClassifier"),
    "gradient-boosting": _model("GradientBoostingRegressor"),
    "forest": _model("RandomForestClassifier"),
    "extra-trees": _model("ExtraTreesRegressor", "RandomForestRegressor", ccp_alpha="var(y)"),
    "knn-regressor": _model("KNeighborsRegressor", steps={"reduce": "PCA"}),
    "nystroem": _model(
        "LogisticRegression", requires=("Nystroem",), map__gamma=WIDTH, steps={"map": "Nystroem"}
    ),
    "poly-ridge": _model("Ridge", steps={"poly": "PolynomialFeatures", "select": "SelectKBest"}),
}


# -- learning ------------------------------------------------------------------------------------------------


class Scores:
    """Scores of configurations of a kind in users' ranges, on all of its data sets.

    Attributes
    ----------
    members : list of tuple
        Configurations to choose from: the data set among whose best they are, the row in its table, and their
        values, numbers in their units.
    regret : dict of str to ndarray of shape (N_SPACES, n_members)
        Regret on each data set: 0 is the best member or random configuration, 1 the median of the best of five
        random ones.
    default : dict of str to ndarray of shape (N_SPACES,)
        Regret of the estimator as it is.
    """

    def __init__(self, kind):
        self.kind, source = BY_KIND[kind], SOURCES[kind]
        names = [data for name, data in tables.stored() if name == kind]
        units = {data: _units(source.units, data) for data in names}
        own = self.kind.estimator.get_params(deep=True)
        rng = np.random.default_rng(zlib.crc32(kind.encode()))
        ranges = [user_branch(self.kind.branches[0], rng) for _ in range(N_SPACES)]
        drawn = [Space(_scipy(self.kind, branch)).sample(N_RANDOM, i) for i, branch in enumerate(ranges)]
        self.members = [member for data in names for member in _best(kind, data, units[data])]
        self.regret, self.default = {}, {}
        for data in names:
            members = [
                moved(_raw(params, units[data]), branch, own)
                for branch in ranges
                for _, _, params in self.members
            ]
            both = [self._regrets(data, leaf, members, drawn, own, ranges) for leaf in LEAVES]
            self.regret[data] = np.mean([regret for regret, _ in both], axis=0)
            self.default[data] = np.mean([default for _, default in both], axis=0)

    def _regrets(self, data, leaf, members, drawn, own, ranges):
        """Return the regrets of members and of the estimator as it is, by an emulator with leaves of some size."""
        predict = Emulator(tables.load(self.kind.name, data), min_samples_leaf=leaf).mean_scores
        scores = predict(members).reshape(N_SPACES, -1)
        randoms = predict([params for each in drawn for params in each]).reshape(N_SPACES, -1)
        default = predict([moved({}, branch, own) for branch in ranges])
        top = np.maximum(scores.max(axis=1), randoms.max(axis=1))
        of_five = np.median(randoms.reshape(N_SPACES, -1, 5).max(axis=2), axis=1)
        scale = np.maximum(top - of_five, 1e-9)
        return np.minimum((top[:, None] - scores) / scale[:, None], 3), np.minimum((top - default) / scale, 3)

    def portfolio(self, without=()):
        """Return the members of a portfolio, chosen greedily, without some data sets."""
        train = [data for data in self.regret if data not in without]
        allowed = [i for i, (data, _, _) in enumerate(self.members) if data in train]
        best = {data: self.default[data] for data in train}
        chosen = []
        for _ in range(SIZE):
            means = [
                np.minimum(best[data][:, None], self.regret[data][:, allowed]).mean(axis=0) for data in train
            ]
            i = allowed[int(np.argmin(np.mean(means, axis=0)))]
            chosen.append(i)
            best = {data: np.minimum(best[data], self.regret[data][:, i]) for data in train}
        return [self.members[i] for i in chosen], float(np.mean([each.mean() for each in best.values()]))


@cache
def scores_of(kind):
    """Return the scores of a kind."""
    return Scores(kind)


def _best(kind, data, units):
    table = tables.load(kind, data)
    means = np.nan_to_num(table.scores.mean(axis=1), nan=-np.inf)
    inert = Features(table.kind).inert
    for row in np.argsort(-means, kind="stable")[:N_BEST]:
        without = LEFT_OUT | inert(table.params[row])
        params = {name: value for name, value in table.params[row].items() if name not in without}
        yield (
            data,
            int(row),
            {name: value / units[name] if name in units else value for name, value in params.items()},
        )


def _raw(params, units):
    """Return a configuration in the units of a data set."""
    return {name: value * units[name] if name in units else value for name, value in params.items()}


@cache
def _summary(data):
    """Return the summary of the rows of a data set, standardised as they are in the bed."""
    X, _, _ = tables.rows(data)
    return DataSummary(n_features=X.shape[1])


def _units(units, data):
    return {name: UNITS[unit](_summary(data)) for name, unit in units.items()}


def _scipy(kind, branch):
    """Translate the ranges of a user."""
    return scipy_space(replace_branches(kind, (branch,)))


@dataclass(frozen=True)
class replace_branches:  # what `scipy_space` needs of a problem
    kind: object
    branches: tuple


def moved(params, branch, own):
    """Return a configuration in the ranges of a user, as `skhpt.strategies.initial_design.filled` does, but faster."""
    point = {}
    for name, dimension in branch.items():
        value, fallback = params.get(name), own.get(name)
        if isinstance(dimension, Cat):
            values = [each for each in (value, fallback) if each in dimension.values]
            point[name] = values[0] if values else dimension.values[len(dimension.values) // 2]
        elif value is not None:
            point[name] = _inside(value, dimension)
        elif _is_number(fallback) and dimension.low <= fallback <= dimension.high:
            point[name] = fallback
        else:
            point[name] = _level(0.5, dimension)
    return point


def _inside(value, dimension):
    if dimension.low <= value <= dimension.high:
        return value
    return _level(0.1 if value < dimension.low else 0.9, dimension)


def _level(level, dimension):
    """Return a quantile of a range."""
    low, high = dimension.low, dimension.high
    value = low * (high / low) ** level if dimension.log else low + level * (high - low)
    return round(value) if isinstance(dimension, Int) else value


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def learn(kinds):
    """Write the portfolios."""
    FOLDER.mkdir(exist_ok=True)
    for kind in kinds:
        scores = scores_of(kind)
        members, regret = scores.portfolio()
        content = stored(kind, members) | {
            "provenance": {
                "command": f"python tests/benchmarks/portfolios.py learn {kind}",
                "date": str(date.today()),
                "versions": {"skhpt": skhpt.__version__, "scikit-learn": sklearn.__version__, **_other(kind)},
                "data": list(scores.regret),
                "metric": scores.kind.scoring,
                "n_evaluations": sum(len(tables.load(kind, data).scores) for data in scores.regret),
                "learned_from": SOURCES[kind].classes[0],
                "regret": round(regret, 3),
            }
        }
        lines = [f" {json.dumps(name)}: {_text(value)}" for name, value in content.items()]
        (FOLDER / f"{kind}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"{kind:20} {len(scores.regret)} data sets, regret {regret:.3f}", flush=True)


def _text(value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def _other(kind):
    if SOURCES[kind].package == "sklearn":
        return {}
    return {SOURCES[kind].package: __import__(SOURCES[kind].package).__version__}


def stored(kind, members):
    """Return the part of a file that `skhpt.spaces.configurations` uses."""
    source = SOURCES[kind]
    return {
        "estimators": list(source.classes),
        "package": source.package,
        "requires": list(source.requires),
        "units": {_key(source, name): unit for name, unit in source.units.items()},
        "members": [
            {_key(source, name): _tidy(value) for name, value in params.items()} for _, _, params in members
        ],
    }


def _key(source, name):
    prefix, _, parameter = name.rpartition("__")
    return f"{source.steps[prefix]}.{parameter}"


def _tidy(value):
    if isinstance(value, float):
        return float(f"{value:.2g}")
    return list(value) if isinstance(value, tuple) else value


# -- measuring -----------------------------------------------------------------------------------------------


def points_without(problem):
    """Return the points that BayesSearchCV begins with, learned without the data set, and their rows of the table."""
    kind, data = problem.case[:2]
    X, y, splits = tables.rows(data)
    train, rows = splits[-1][0], []

    def find(estimator):
        model, by_class = (
            type(estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator).__name__,
            {},
        )
        for name, source in SOURCES.items():
            n_others = sum(each == name and other != data for each, other in tables.stored())
            if model in source.classes and n_others > 1:
                members, _ = scores_of(name).portfolio(without=(data,))
                by_class.setdefault((source.package, model), []).append(stored(name, members))
                rows.extend(row for _, row, _ in members if name == kind)
        return configurations_of(by_class, estimator, X[train], y[train])

    points = points_of_portfolios(Space(scipy_space(problem)), problem.kind.estimator, find)
    return points, tuple(sorted(set(rows)))


def run(half, lengths, n_seeds, n_evaluations, path, kinds=tuple(BY_KIND)):
    """Run all lengths of portfolios on the problems of a half, and store scores and held-out scores."""
    warnings.simplefilter("ignore")
    found = {"names": [], "scores": [], "held_out": [], "random": [], "random_held_out": [], "n_points": []}
    tested = [problem for problem in problems(half) if problem.case[0] in kinds]
    for i in np.random.RandomState(0).permutation(
        len(tested)
    ):  # so that results of a part are representative
        problem = tested[i]
        points, rows = points_without(problem)
        if not points:
            continue
        problem = Problem(*problem.case, without=rows)
        scores, held_out = _runs(problem, points, lengths, n_seeds, n_evaluations)
        drawn = [Space(scipy_space(problem)).sample(n_evaluations, seed) for seed in range(20)]
        randoms = [[np.mean(problem.score(params)) for params in each] for each in drawn]
        found["names"].append(problem.name)
        found["scores"].append(scores)
        found["held_out"].append(held_out)
        found["random"].append(randoms)
        found["random_held_out"].append([problem.held_out(params) for params in drawn[0]])
        found["n_points"].append(len(points))
        emulator.cache_clear()
        np.savez_compressed(path, lengths=lengths, **found)
        print(
            problem.name,
            len(points),
            [f"{np.max(each[:, :5], axis=1).mean():.3f}" for each in scores],
            flush=True,
        )


def _runs(problem, points, lengths, n_seeds, n_evaluations):
    """Return scores, shape (n_lengths, n_seeds, n_evaluations), and held-out scores at the budgets."""
    X, _, y, _ = problem.data
    n_most = n_initial_points(Space(scipy_space(problem))) - 1
    scores = np.full((len(lengths), n_seeds, n_evaluations), np.nan)
    held_out = np.full((len(lengths), n_seeds, len(BUDGETS)), np.nan)
    for i, length in enumerate(lengths):
        for seed in range(n_seeds):
            search = BayesSearchCV(
                problem.estimator,
                scipy_space(problem),
                n_iter=n_evaluations,
                random_state=seed,
                initial_points=points[: min(length, n_most)],
                cv=problem.folds,
                refit=False,
            ).fit(X, y)
            results = search.cv_results_
            scores[i, seed, : len(results["params"])] = results["mean_test_score"]
            for j, budget in enumerate(BUDGETS):
                best = int(np.nanargmax(scores[i, seed, :budget]))
                held_out[i, seed, j] = problem.held_out(results["params"][best])
    return scores, held_out


def report(half, path):
    """Print regrets and held-out scores."""
    data = dict(np.load(path))
    by_name = {problem.name: problem for problem in problems(half)}
    rows = [i for i, name in enumerate(data["names"]) if str(name) in by_name]
    families = np.array([by_name[str(data["names"][i])].kind.family for i in rows])
    scores, randoms = data["scores"][rows], data["random"][rows]
    lengths, n = data["lengths"], scores.shape[3]
    top = np.maximum(np.nanmax(scores, axis=(1, 2, 3)), randoms.max(axis=(1, 2)))
    spread = np.nanstd(data["random_held_out"][rows], axis=1) + 1e-9
    print(f"{len(rows)} problems ({half}), {scores.shape[2]} seeds, 95 % intervals over problems")
    by_budget = {}
    for j, budget in enumerate(BUDGETS):
        if budget > n:
            break
        scale = top - np.median(randoms[:, :, :budget].max(axis=2), axis=1)
        best = np.nanmax(scores[:, :, :, :budget], axis=3).mean(axis=2)
        regret = np.minimum((top[:, None] - best) / np.where(scale > 1e-9, scale, np.inf)[:, None], 3)
        by_budget[budget] = regret
        held_out = data["held_out"][rows][:, :, :, j].mean(axis=2)
        gain = np.clip((held_out - held_out[:, :1]) / spread[:, None], -3, 3)
        print(
            f"\nafter {budget} evaluations\n{'points':>8} {'regret':>20} {'difference':>22} {'held out':>22}"
        )
        for i, length in enumerate(lengths):
            columns = (regret[:, i], regret[:, i] - regret[:, 0], gain[:, i])
            print(f"{length:>8} " + " ".join(f"{interval(column):>21}" for column in columns))
    print("\nregret by family, after " + ", ".join(map(str, by_budget)))
    for family in dict.fromkeys(families):
        here = families == family
        print(f"{family} ({here.sum()})")
        for i, length in enumerate(lengths):
            print(
                f"    {length:>3} " + "  ".join(f"{each[here, i].mean():.2f}" for each in by_budget.values())
            )


# -- real problems -------------------------------------------------------------------------------------------


def real(n_seeds=3):
    """Compare first candidates on the problems of ``tuning.py`` with those of its stored runs, without portfolios."""
    warnings.simplefilter("ignore")
    randoms, earlier = (load(tuning.RESULTS / f"{tool}.jsonl") for tool in ("random", "skhpt"))
    differences = {3: [], 5: []}
    for problem in PROBLEMS:
        X, _, y, _ = problem.data
        find = partial(portfolio, X=X, y=y)
        if not points_of_portfolios(Space(scipy_space(problem)), problem.estimator, find):
            continue
        of_problem = [
            [row["scores"] for row in runs if row["problem"] == problem.name] for runs in (randoms, earlier)
        ]
        random, without = (np.array([scores[:50] for scores in each]) for each in of_problem)
        now = np.array([tools.skhpt(problem, seed, max(differences)).scores for seed in range(n_seeds)])
        top = max(np.nanmax(each) for each in (random, without, now))
        line = f"{problem.name:28}"
        for budget, pairs in differences.items():
            scale = top - np.median(np.nanmax(random[:, :budget], axis=1))
            best = [np.nanmax(each[:, :budget], axis=1).mean() for each in (without, now)]
            pairs.append(np.minimum((top - np.array(best)) / scale, 3) if scale > 1e-9 else np.zeros(2))
            line += f"  {budget}: {pairs[-1][0]:.2f} {pairs[-1][1]:.2f}"
        print(line, flush=True)
    for budget, pairs in differences.items():
        before, after = np.transpose(pairs)
        print(
            f"\nafter {budget}, {len(pairs)} problems: regret {interval(before)} without, {interval(after)} with"
        )
        print(f"difference {interval(after - before)}")


def main():
    """Learn, run or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("learn").add_argument("kinds", nargs="*", default=list(SOURCES))
    commands.add_parser("real")
    runner, reporter = commands.add_parser("run"), commands.add_parser("report")
    runner.add_argument("--points", type=int, nargs="+", default=[0, 5], help="lengths of portfolios")
    runner.add_argument("--kinds", nargs="+", choices=list(BY_KIND), default=list(BY_KIND))
    runner.add_argument("--seeds", type=int, default=3)
    runner.add_argument("--evaluations", type=int, default=N_EVALUATIONS)
    for command in (runner, reporter):
        command.add_argument("--half", choices=("development", "validation", "all"), default="all")
        command.add_argument("--results", default=RESULTS)
    given = parser.parse_args()
    if given.command == "learn":
        learn(given.kinds)
    elif given.command == "real":
        real()
    elif given.command == "run":
        run(given.half, given.points, given.seeds, given.evaluations, given.results, given.kinds)
    else:
        report(given.half, given.results)


if __name__ == "__main__":
    main()
