"""Draw every display for every kind of search: ``python tests/plots/gallery.py FOLDER`` writes the pictures to look at.

With the names of displays or cases as further arguments only these are drawn, and with ``--dark`` on black.
"""

import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch


def table(params, scores):
    scores = np.asarray(scores, dtype=float)
    folds = scores[:, None] + np.random.default_rng(1).normal(0, 0.02, (len(scores), 3)) * np.abs(
        scores[:, None]
    )
    columns = {f"split{k}_test_score": folds[:, k] for k in range(3)}
    return {
        "params": list(params),
        "mean_test_score": folds.mean(1),
        "std_test_score": folds.std(1),
        **columns,
    }


def synthetic(n, scores=None, n_params=3):
    rng = np.random.default_rng(0)
    names = ["C", "gamma", "n_estimators", *(f"step__param_{i}" for i in range(3, n_params))][:n_params]
    params = []
    for _ in range(n):
        point = {"C": float(10 ** rng.uniform(-3, 3)), "gamma": float(rng.uniform(0, 1))}
        point |= {"n_estimators": int(rng.integers(10, 500))}
        point |= {name: float(rng.uniform(0, 1)) for name in names[3:]}
        params.append({name: point[name] for name in names})
    if scores is None:
        x = np.array([[np.log10(p["C"]), p["gamma"]] for p in params])
        scores = 0.9 - 0.03 * (x[:, 0] - 1) ** 2 - 0.2 * (x[:, 1] - 0.4) ** 2 + rng.normal(0, 0.01, n)
    return table(params, scores)


def one_candidate():
    return synthetic(1)


def equal_scores():
    return synthetic(12, np.full(12, 0.75)) | {f"split{k}_test_score": np.full(12, 0.75) for k in range(3)}


def all_failed():
    return synthetic(8, np.full(8, np.nan))


def some_failed():
    scores = np.random.default_rng(0).uniform(0.7, 0.9, 40)
    scores[::5] = np.nan
    return synthetic(40, scores)


def very_low_scores():
    return synthetic(30, -np.random.default_rng(0).lognormal(3, 4, 30))


def large_negative_scores():
    return synthetic(30, -1e6 * (1 + np.random.default_rng(0).random(30)))


def ten_thousand():
    return synthetic(10_000)


def thirty_parameters():
    return synthetic(120, n_params=30)


def identity(values):
    return values


@cache
def long_names():
    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), FunctionTransformer(), LogisticRegression(max_iter=500))
    space = {
        "standardscaler": [
            StandardScaler(),
            StandardScaler(with_mean=False),
            MinMaxScaler((0, 2)),
            "passthrough",
        ],
        "functiontransformer__func": [None, np.sqrt, np.cbrt, identity],
        "logisticregression__class_weight": [None, "balanced", {0: 1, 1: 2}, {0: 2, 1: 1}],
        "logisticregression__fit_intercept": [True, False],
        "logisticregression__C": loguniform(1e-3, 1e3),
    }
    return RandomSearch(pipeline, space, n_iter=40, random_state=0, cv=3).fit(X, y)


@cache
def bayes():
    X, y = load_breast_cancer(return_X_y=True)
    space = {
        "max_depth": [None, 2, 4, 8, 16],
        "min_samples_leaf": randint(1, 40),
        "ccp_alpha": loguniform(1e-5, 0.1),
        "criterion": ["gini", "entropy", "log_loss"],
        "max_features": uniform(0.1, 0.9),
    }
    tree = DecisionTreeClassifier(random_state=0)
    return BayesSearchCV(tree, space, n_iter=40, random_state=0, cv=5, scoring="roc_auc", racing=True).fit(
        X, y
    )


@cache
def branches():
    X, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), Ridge())
    space = [
        {"ridge": [Ridge()], "ridge__alpha": loguniform(1e-3, 1e3)},
        {"ridge": [ElasticNet()], "ridge__alpha": loguniform(1e-3, 1e1), "ridge__l1_ratio": uniform(0, 1)},
        {
            "ridge": [SVR(), SVR(kernel="sigmoid")],
            "ridge__C": loguniform(0.1, 1e3),
            "ridge__gamma": ["scale", 0.01, 0.1, 1],
        },
    ]
    return BayesSearchCV(pipeline, space, n_iter=45, random_state=0, cv=5).fit(X, y)


@cache
def several_metrics():
    X, y = load_breast_cancer(return_X_y=True)
    svc = make_pipeline(StandardScaler(), SVC())
    space = {
        "svc__C": loguniform(0.01, 100),
        "svc__gamma": loguniform(1e-4, 1),
        "svc__kernel": ["rbf", "sigmoid"],
    }
    scoring = ["accuracy", "roc_auc"]
    return BayesSearchCV(svc, space, n_iter=30, random_state=0, cv=5, scoring=scoring, refit="roc_auc").fit(
        X, y
    )


@cache
def hyperband():
    X, y = load_breast_cancer(return_X_y=True)
    space = {
        "max_depth": randint(2, 20),
        "max_features": loguniform(0.02, 1),
        "criterion": ["gini", "entropy"],
    }
    forest = ExtraTreesClassifier(27, random_state=0)
    return HyperbandSearchCV(forest, space, random_state=0, schedule="hyperband").fit(X, y)


@cache
def scikit_learn_grid():
    X, y = load_breast_cancer(return_X_y=True)
    grid = {"svc__C": [0.01, 0.1, 1, 10, 100], "svc__gamma": [1e-4, 1e-3, 1e-2, 1e-1]}
    return GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid).fit(X, y)


@cache
def scikit_learn_halving():
    X, y = load_breast_cancer(return_X_y=True)
    space = {"max_depth": randint(2, 20), "max_features": loguniform(0.02, 1), "bootstrap": [True, False]}
    forest = ExtraTreesClassifier(random_state=0)
    search = HalvingRandomSearchCV(
        forest, space, resource="n_estimators", max_resources=27, n_candidates=27, random_state=0, cv=3
    )
    return search.fit(X, y)


def csv_table():
    import pandas as pd

    path = Path(tempfile.mkdtemp(), "results.csv")
    pd.DataFrame(several_metrics().cv_results_).to_csv(path, index=False)
    return pd.read_csv(path)


def running_journal():
    X, y = load_diabetes(return_X_y=True)
    path = Path(tempfile.mkdtemp(), "boosting.jsonl")
    space = {
        "learning_rate": loguniform(0.01, 1),
        "max_depth": [None, 2, 3, 4],
        "max_leaf_nodes": randint(4, 32),
    }
    boosting = HistGradientBoostingRegressor(max_iter=20)
    RandomSearch(boosting, space, n_iter=12, random_state=0, cv=3, journal=path, refit=False).fit(X, y)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-9]))  # as if it was still running
    return path


CASES = [
    one_candidate, equal_scores, all_failed, some_failed, very_low_scores, large_negative_scores, ten_thousand,
    thirty_parameters, long_names, bayes, branches, several_metrics, hyperband, scikit_learn_grid,
    scikit_learn_halving, csv_table, running_journal,
]  # fmt: skip


def main(folder, names, is_dark):
    import matplotlib.pyplot as plt

    from skhpt import plots

    if is_dark:
        plt.style.use("dark_background")
    displays = [
        getattr(plots, name) for name in plots.__all__ if hasattr(getattr(plots, name), "from_search")
    ]
    chosen_displays = [display for display in displays if display.__name__ in names] or displays
    chosen_cases = [case for case in CASES if case.__name__ in names] or CASES
    for case in chosen_cases:
        source = case()
        for display in chosen_displays:
            path = folder / f"{display.__name__}-{case.__name__}.png"
            start = time.perf_counter()
            try:
                figure = display.from_search(source).figure_
            except ValueError as error:
                print(f"{path.stem}: {error}")
                continue
            figure.savefig(path)
            plt.close(figure)
            print(f"{path.stem}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    flags = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    folder, *names = [argument for argument in sys.argv[1:] if argument not in flags]
    Path(folder).mkdir(parents=True, exist_ok=True)
    main(Path(folder), names, "--dark" in flags)
