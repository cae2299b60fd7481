"""Ensembles of the best candidates beside the best candidate: held-out losses, number of fits and prediction time.

Run by hand::

    OMP_NUM_THREADS=1 python tests/benchmarks/ensemble.py run --seeds 5
    python tests/benchmarks/ensemble.py report

Each run splits the data by its seed, searches 30 candidates on five folds with stored out-of-fold predictions, refits
the candidates that some rule selects, and scores their weighted mean on held-out rows. `run` adds a line to
``results/ensemble.jsonl`` for each problem, seed and search, and leaves out what is there already. `report` prints the
loss of each rule relative to that of the winner: the geometric mean over problems of the ratio of mean losses, with
95 % bootstrap intervals over problems.

Losses: one minus accuracy, F1, ROC AUC, average precision or R2; log loss, and errors of regression, as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import datasets
import development
import numpy as np
import problems
from problems import FOREST, HISTGB, LOG_C, LOG_GAMMA, Cat, Int, Problem, Real, scaled
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVC, SVR
from tools import scipy_space

from skhpt import BayesSearchCV, RandomSearch
from skhpt.fitting.predictions import predictions_of
from skhpt.fitting.scorers import fast_scorer
from skhpt.results.prediction_scorers import CandidatePredictions, SequentialScorer
from skhpt.results.predictions import Pooled, pool

RESULTS = Path(__file__).parent / "results" / "ensemble.jsonl"
N_CANDIDATES = 30
SEARCHES = {"bayes": BayesSearchCV, "random": RandomSearch}

# -- problems ------------------------------------------------------------------------------------------------


def data(name: str, n: int = 300) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Load rows of a data set: n for the search and as many for the truth."""

    def loader() -> tuple[np.ndarray, np.ndarray]:
        X, y = datasets.load(name)
        rows = np.random.RandomState(1).permutation(len(y))[: 2 * n]
        return X[rows], y[rows]

    return loader


def families_of_classifiers() -> tuple[dict[str, Any], ...]:
    return (
        {"m": Cat((LogisticRegression(max_iter=200),)), "m__C": LOG_C},
        {
            "m": Cat((KNeighborsClassifier(),)),
            "m__n_neighbors": Int(1, 50, log=True),
            "m__weights": Cat(("uniform", "distance")),
        },
        {
            "m": Cat((RandomForestClassifier(15, random_state=0),)),
            "m__max_features": Real(0.05, 1.0),
            "m__min_samples_leaf": Int(1, 20, log=True),
        },
    )


def families_of_regressors() -> tuple[dict[str, Any], ...]:
    return (
        {"m": Cat((Ridge(),)), "m__alpha": Real(1e-3, 1e4, log=True)},
        {"m": Cat((KNeighborsRegressor(),)), "m__n_neighbors": Int(1, 50, log=True)},
        {
            "m": Cat((ExtraTreesRegressor(15, random_state=0),)),
            "m__max_features": Real(0.05, 1.0),
            "m__min_samples_leaf": Int(1, 20, log=True),
        },
    )


def classification(name: str, kind: str, scoring: str) -> Problem:
    estimator, branches = {
        "families": (scaled(LogisticRegression()), families_of_classifiers()),
        "svc": (scaled(SVC()), ({"m__C": LOG_C, "m__gamma": LOG_GAMMA},)),
        "forest": (RandomForestClassifier(15, random_state=0), (FOREST,)),
        "histgb": (HistGradientBoostingClassifier(random_state=0), (HISTGB,)),
        "knn": (
            scaled(KNeighborsClassifier()),
            ({"m__n_neighbors": Int(1, 60, log=True), "m__p": Real(1, 3)},),
        ),
    }[kind]
    return Problem(f"{kind}-{name}-{scoring}", estimator, data(name), scoring, branches)


def regression(name: str, kind: str, scoring: str) -> Problem:
    estimator, branches = {
        "families": (scaled(Ridge()), families_of_regressors()),
        "svr": (
            scaled(SVR()),
            ({"m__C": LOG_C, "m__gamma": LOG_GAMMA, "m__epsilon": Real(1e-3, 1, log=True)},),
        ),
        "forest": (
            RandomForestRegressor(15, random_state=0),
            ({name: values for name, values in FOREST.items() if name != "criterion"},),
        ),
        "histgb": (HistGradientBoostingRegressor(random_state=0), (HISTGB,)),
        "linear": (
            scaled(ElasticNet(max_iter=2000)),
            ({"m__alpha": Real(1e-4, 10, log=True), "m__l1_ratio": Real(0.01, 1.0)},),
        ),
        "mlp": (
            scaled(MLPRegressor(max_iter=30, random_state=0)),
            (
                {
                    "m__hidden_layer_sizes": Cat(((16,), (64,), (32, 16))),
                    "m__alpha": Real(1e-6, 10, log=True),
                    "m__learning_rate_init": Real(1e-4, 0.3, log=True),
                    "m__activation": Cat(("relu", "tanh")),
                },
            ),
        ),
    }[kind]
    return Problem(f"{kind}-{name}-{scoring}", estimator, data(name), scoring, branches, classifier=False)


PROBLEMS = [
    *problems.PROBLEMS,
    *development.PROBLEMS,
    classification("german", "families", "neg_log_loss"),
    classification("heart", "families", "accuracy"),
    classification("vehicle", "families", "accuracy"),
    classification("vowel", "forest", "accuracy"),
    classification("pima", "families", "roc_auc"),
    classification("sonar", "knn", "accuracy"),
    classification("splice", "forest", "neg_log_loss"),
    classification("australian", "histgb", "neg_log_loss"),
    classification("saheart", "knn", "f1"),
    classification("bupa", "forest", "f1"),
    classification("contraceptive", "histgb", "f1_macro"),
    classification("spambase", "forest", "roc_auc"),
    classification("segment", "families", "f1_macro"),
    classification("mammographic", "forest", "accuracy"),
    classification("ionosphere", "svc", "accuracy"),
    classification("phoneme", "svc", "f1"),
    classification("bands", "svc", "roc_auc"),
    classification("texture", "svc", "accuracy"),
    regression("hprice2", "families", "r2"),
    regression("wage1", "families", "neg_root_mean_squared_error"),
    regression("gpa2", "histgb", "r2"),
    regression("airfare", "forest", "r2"),
    regression("bwght2", "linear", "neg_mean_squared_error"),
    regression("beauty", "svr", "r2"),
    regression("card", "families", "neg_mean_absolute_error"),
    regression("401k", "histgb", "neg_mean_absolute_error"),
    regression("catholic", "mlp", "neg_root_mean_squared_error"),
    regression("fertil2", "families", "r2"),
]  # fmt: skip
BY_NAME = {problem.name: problem for problem in PROBLEMS}


def metric_kind(scoring: str, method: str) -> str:
    """Return the group of a problem in the report."""
    if method == "decision_function":
        return "decision values"
    if scoring in ("r2", "neg_root_mean_squared_error", "neg_mean_squared_error", "neg_mean_absolute_error"):
        return "regression"
    if scoring.startswith("f1"):
        return "F1"
    return "accuracy" if scoring == "accuracy" else "probabilities"


# -- one run -------------------------------------------------------------------------------------------------


class Library:
    """Predictions of candidates for the same rows, and the scores of their weighted means."""

    def __init__(self, pooled: Sequence[Pooled], y: np.ndarray, scoring: str, classifier: bool):
        self.pooled, self.y = pooled, y
        self.kind = "classifier" if classifier else "regressor"
        self.classes = np.unique(y) if classifier else None
        self.scorer = fast_scorer(get_scorer(scoring))
        self.method = pooled[0].method
        self.values = np.stack([each.values for each in pooled])  # (n_candidates, n_rows, ...)

    def score(self, weights: np.ndarray) -> float:
        """Return the score of the mean with these weights."""
        mean = np.tensordot(weights / weights.sum(), self.values, axes=1)
        return self.score_values(np.clip(mean, 0, 1) if self.method == "predict_proba" else mean)

    def score_values(self, values: np.ndarray, labels: np.ndarray | None = None) -> float:
        pooled = Pooled(values, self.method, self.labels(values) if labels is None else labels)
        predictions = CandidatePredictions([pooled], self.y, self.kind, self.classes, {})
        return SequentialScorer(predictions, self.scorer, "score").score(0, np.arange(len(self.y)))

    def labels(self, values: np.ndarray) -> np.ndarray:
        if self.classes is None:
            return values
        if values.ndim == 1:
            return self.classes[(values > 0).astype(int)]
        return self.classes[values.argmax(axis=1)]

    def votes(self, weights: np.ndarray) -> float:
        """Return the score of the labels that most candidates predict."""
        counts = sum(
            weight * (each.labels[:, np.newaxis] == self.classes)
            for weight, each in zip(weights, self.pooled, strict=True)
            if weight
        )
        return self.score_values(counts[:, 1] - counts[:, 0] if counts.shape[1] == 2 else counts)


def greedy(
    library: Library, order: np.ndarray, n_steps: int, start: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return the weights after each step of ensemble selection with replacement (Caruana et al. 2004)."""
    weights, history = np.zeros(len(order)) if start is None else start.copy(), []
    for step in range(n_steps):
        scores = np.full(len(order), -np.inf)
        for i in order if step or start is not None else order[:1]:
            scores[i] = library.score(weights + np.eye(len(order))[i])
        best = scores[order].max()
        weights[next(i for i in order if scores[i] >= best - 1e-12)] += 1
        history.append(weights.copy())
    return history


def greedy_on_loss(
    losses: Callable[[np.ndarray, int], np.ndarray],
    n_candidates: int,
    n_members: int | None = None,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return the weights of the best of 25 steps of the same selection, by a loss of all candidates at once.

    ``losses(weights, step)`` returns the loss of the mean with each candidate added. `start` has the weights of the
    candidates to begin with, which are some of the steps.
    """
    weights = np.zeros(n_candidates) if start is None else start.copy()
    best, best_loss = weights.copy(), np.inf
    for step in range(int(weights.sum()), 25):
        each = losses(weights, step)
        if n_members is not None and np.count_nonzero(weights) == n_members:
            each = np.where(weights > 0, each, np.inf)
        weights[int(np.argmin(each))] += 1
        if each.min() < best_loss:
            best, best_loss = weights.copy(), each.min()
    return best


def squared_error(library: Library) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return the losses by squared error, of probabilities the Brier score, from the products of residuals."""
    y = library.y if library.classes is None else library.y[:, np.newaxis] == library.classes
    residuals = (library.values - y).reshape(len(library.values), -1)
    gram = residuals @ residuals.T
    return lambda weights, step: (
        (2 * gram @ weights + weights @ gram @ weights + np.diag(gram)) / (step + 1) ** 2
    )


def log_loss(library: Library) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return the losses by log loss."""
    rows, codes = np.arange(len(library.y)), np.searchsorted(library.classes, library.y)
    p = library.values[:, rows, codes]
    return lambda weights, step: -np.log(np.maximum((weights @ p + p) / (step + 1), 1e-15)).mean(axis=1)


def normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()


def first(order: Sequence[int], n: int, total: int, weights: Sequence[float] | None = None) -> np.ndarray:
    chosen = np.zeros(total)
    chosen[list(order[:n])] = 1 if weights is None else weights[: len(order[:n])]
    return chosen


def rules(library: Library, scores: np.ndarray, stds: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights that each rule gives to the candidates."""
    n = len(scores)
    order = np.argsort(-scores, kind="stable")
    seen: set[bytes] = set()
    different = [i for i in order if (key := library.values[i].tobytes()) not in seen and not seen.add(key)]
    steps = greedy(library, order, 25)
    spread = stds[order[0]] / np.sqrt(5) or 1.0
    losses = {}
    if library.method != "decision_function":
        losses["squared error"] = squared_error(library)
        losses["log loss"] = log_loss(library) if library.classes is not None else losses["squared error"]
    of_losses = {}
    for name, each in losses.items():
        of_losses[f"greedy on {name}"] = greedy_on_loss(each, n)
        for size in (5, 10):
            of_losses[f"greedy on {name}, {size} members"] = greedy_on_loss(each, n, size)
    mean_of_5 = first(different, 5, n)
    for name, each in losses.items():
        of_losses[f"greedy on {name} from mean of 5"] = greedy_on_loss(each, n, start=mean_of_5)
        of_losses[f"mean of 5 and greedy on {name}"] = mean_of_5 + 20 * normalised(greedy_on_loss(each, n))
    return of_losses | {
        "greedy 25 from mean of 5": greedy(library, order, 20, start=mean_of_5)[-1],
        "winner": first(order, 1, n),
        "mean of 3": first(different, 3, n),
        "mean of 5": mean_of_5,
        "mean of 10": first(different, 10, n),
        "mean of 5, also equal ones": first(order, 5, n),
        "5 by rank": first(different, 5, n, [5, 4, 3, 2, 1]),
        "10 by rank": first(different, 10, n, list(range(10, 0, -1))),
        "10 by score": first(different, 10, n, np.exp((scores[different] - scores[order[0]]) / spread)),
        "greedy 5": steps[4],
        "greedy 10": steps[9],
        "greedy 25": steps[24],
        "mean of 5 and greedy 20": mean_of_5 + steps[19],
    }


def record(name: str, seed: int, search_name: str) -> dict[str, Any]:
    """Search, refit what the rules select, and score on held-out rows."""
    warnings.simplefilter("ignore")
    problem = BY_NAME[name]
    X, y = problem.load()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.4, random_state=seed, stratify=y if problem.classifier else None
    )
    folds = (StratifiedKFold if problem.classifier else KFold)(5, shuffle=True, random_state=seed)
    search = SEARCHES[search_name](
        problem.estimator, scipy_space(problem), n_iter=N_CANDIDATES, random_state=seed,
        scoring=problem.scoring, cv=folds, return_predictions=True,
    )  # fmt: skip
    start = time.process_time()
    search.fit(X, y)
    search_seconds = time.process_time() - start
    scores, stds = search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"]
    rows = np.flatnonzero(np.isfinite(scores))
    trials = [search.history_[i] for i in rows]
    classes = np.unique(y) if problem.classifier else None
    split = list(folds.split(X, y))
    test = np.concatenate([test for _, test in split])
    pooled = [pool([fold.predictions for fold in trial.folds], classes) for trial in trials]
    methods = [each.method for each in pooled]
    if len(set(methods)) > 1:  # candidates with and without probabilities
        best = methods[int(np.argmax(scores[rows]))]
        keep = np.array([method == best for method in methods])
        rows, pooled = rows[keep], [each for each, kept in zip(pooled, keep, strict=True) if kept]
        trials = [search.history_[i] for i in rows]
    library = Library(pooled, y[test], problem.scoring, problem.classifier)
    weights = rules(library, scores[rows], stds[rows])
    used = sorted({int(i) for each in weights.values() for i in np.flatnonzero(each)})
    members, fit_seconds, predict_seconds = {}, {}, {}
    for i in used:
        start = time.process_time()
        member = (
            clone(problem.estimator).set_params(**clone(trials[i].candidate.params, safe=False)).fit(X, y)
        )
        middle = time.process_time()
        members[i] = pool([predictions_of(member, X_test)], classes)
        fit_seconds[i], predict_seconds[i] = middle - start, time.process_time() - middle
    held_out = Library([members[i] for i in used], y_test, problem.scoring, problem.classifier)
    result: dict[str, Any] = {
        "problem": name, "seed": seed, "search": search_name, "scoring": problem.scoring, "method": library.method,
        "search_seconds": round(search_seconds, 3), "scores": {}, "fits": {}, "fit_seconds": {}, "predict_seconds": {},
    }  # fmt: skip
    for rule, each in weights.items():
        part = each[used]
        chosen = np.flatnonzero(each)
        result["scores"][rule] = round(held_out.score(part), 6)
        result["fits"][rule] = len(chosen)
        result["fit_seconds"][rule] = round(sum(fit_seconds[i] for i in chosen), 4)
        result["predict_seconds"][rule] = round(sum(predict_seconds[i] for i in chosen), 5)
        if uses_labels(problem.scoring) and rule in ("mean of 5", "greedy 25"):
            result["scores"][f"votes, {rule}"] = round(held_out.votes(part), 6)
    if library.method == "decision_function":
        result["scores"]["calibrated mean of 5"] = round(
            calibrated(library, held_out, weights["mean of 5"], used), 6
        )
    return result


def uses_labels(scoring: str) -> bool:
    return scoring == "accuracy" or scoring.startswith("f1")


def calibrated(library: Library, held_out: Library, weights: np.ndarray, used: list[int]) -> float:
    """Return the held-out score of the mean of probabilities that a sigmoid of out-of-fold decision values gives."""
    total = 0.0
    for i in np.flatnonzero(weights):
        inside, outside = library.values[i], held_out.values[used.index(i)]
        if inside.ndim == 1:
            inside, outside = inside[:, np.newaxis], outside[:, np.newaxis]
        model = LogisticRegression(C=1e3, max_iter=200).fit(inside, library.y)
        total = total + model.predict_proba(outside)
    return held_out.score_values(total[:, 1] - total[:, 0] if total.shape[1] == 2 else total)


def run(names: Sequence[str], n_seeds: int, searches: Sequence[str]) -> None:
    """Run what is missing and add it to the results."""
    done = {(row["problem"], row["seed"], row["search"]) for row in read()}
    cases = [(name, seed, search) for search in searches for seed in range(n_seeds) for name in names]
    with RESULTS.open("a", encoding="utf-8") as file:
        for case in cases:
            if case not in done:
                file.write(json.dumps(record(*case)) + "\n")
                file.flush()


# -- report --------------------------------------------------------------------------------------------------


def read() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def loss(score: float, scoring: str) -> float:
    return -score if scoring.startswith("neg_") else 1 - score


def interval(ratios: np.ndarray) -> tuple[float, float, float]:
    """Return the geometric mean of ratios less one, in percent, and its 95 % bootstrap interval."""
    logs = np.log(ratios)
    rng = np.random.default_rng(0)
    means = logs[rng.integers(len(logs), size=(4000, len(logs)))].mean(axis=1)
    return tuple(100 * np.expm1([logs.mean(), *np.percentile(means, [2.5, 97.5])]))


def report(search: str, base: str) -> None:
    """Print the table of losses and the table of costs."""
    rows = [row for row in read() if row["search"] == search]
    names = list(dict.fromkeys(row["problem"] for row in rows))
    print(f"\n{search}: {len(names)} problems, {len(rows)} runs")
    groups: dict[str, dict[str, list[float]]] = {}
    for name in names:
        here = [row for row in rows if row["problem"] == name]
        kind = metric_kind(here[0]["scoring"], here[0]["method"])
        mean = {
            rule: np.mean([loss(row["scores"][rule], row["scoring"]) for row in here])
            for rule in here[0]["scores"] if all(rule in row["scores"] for row in here)
        }  # fmt: skip
        for rule, value in mean.items():
            for group in (kind, "all but decision values") if kind != "decision values" else (kind,):
                ratio = (value + 1e-4) / (mean[base] + 1e-4)
                groups.setdefault(group, {}).setdefault(rule, []).append(ratio)
    for group, table in groups.items():
        print(f"\n{group}: {len(table['winner'])} problems, loss relative to that of the {base}")
        for rule, ratios in table.items():
            middle, low, high = interval(np.array(ratios))
            better = np.mean(np.array(ratios) < 1)
            share = f"{100 * better:3.0f} % of {len(ratios)}"
            print(f"{rule:36} {middle:+6.1f} %  [{low:+5.1f}, {high:+5.1f}]  better on {share}")
    print(
        "\nmedian cost: fits, refit time and prediction time (times that of the winner), refit / search time"
    )
    for rule in dict.fromkeys(rule for row in rows for rule in row["fits"]):
        here = [row for row in rows if rule in row["fits"]]
        fits = np.mean([row["fits"][rule] for row in here])
        times = [
            np.median([row[key][rule] / max(row[key]["winner"], 1e-4) for row in here])
            for key in ("fit_seconds", "predict_seconds")
        ]
        share = np.median([row["fit_seconds"][rule] / row["search_seconds"] for row in here])
        print(f"{rule:36} {fits:5.1f} {times[0]:6.1f} {times[1]:6.1f} {100 * share:6.1f} %")


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["run", "report"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--searches", nargs="+", choices=list(SEARCHES), default=list(SEARCHES))
    parser.add_argument("--problems", nargs="+", choices=list(BY_NAME), default=list(BY_NAME))
    parser.add_argument("--base", default="winner", help="rule that losses are relative to")
    given = parser.parse_args()
    if given.command == "run":
        run(given.problems, given.seeds, given.searches)
    for search in given.searches:
        report(search, given.base)


if __name__ == "__main__":
    main()
