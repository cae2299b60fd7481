"""How much work sharing fits saves: GridSearch against scikit-learn's GridSearchCV, which fits everything afresh.

    python tests/benchmarks/reuse.py [--only NAME ...] [--repeats 3] [--n-jobs 1 2]

Each search runs in a process of its own, the two of a pair one after the other. Printed are the medians of
the ratios, theirs to ours, of CPU time and of wall time, the fits that were asked for and made, and the peak
memory of both. It stops if a single score differs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch

Workload = tuple[Any, Any, Any, Any]  # estimator, grid, X, y


def pipe(**steps: Any) -> Pipeline:
    return Pipeline(list(steps.items()))


def documents(n: int = 1000, length: int = 250, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Draw texts of two kinds from a vocabulary with Zipf's law."""
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i:05d}" for i in range(20_000)])
    y = rng.integers(0, 2, n)
    ranks = np.minimum(rng.zipf(1.3, (n, length)), len(words)) - 1
    ranks = np.where((rng.random((n, length)) < 0.1) & (ranks > 20), ranks // 2 * 2 + y[:, None], ranks)
    return [" ".join(row) for row in words[np.minimum(ranks, len(words) - 1)]], y


def mixed(n: int = 2000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw a table of text, numbers with gaps, and categories."""
    rng = np.random.default_rng(seed)
    texts, y = documents(n, 60, seed)
    frame = pd.DataFrame(rng.normal(size=(n, 12)) + 0.3 * y[:, None], columns=[f"n{i}" for i in range(12)])
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    for i in range(4):
        frame[f"c{i}"] = rng.choice([f"k{j}" for j in range(10 + 20 * i)], n)
    return frame.assign(text=texts), y


def numbers_and_categories() -> ColumnTransformer:
    numeric = pipe(impute=SimpleImputer(), scale=StandardScaler())
    return ColumnTransformer(
        [
            ("num", numeric, [f"n{i}" for i in range(12)]),
            ("cat", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), [f"c{i}" for i in range(4)]),
        ]
    )


def text() -> Workload:
    model = pipe(tfidf=TfidfVectorizer(), best=SelectKBest(), clf=LogisticRegression())
    common = {"tfidf__min_df": [2, 5], "tfidf__sublinear_tf": [False, True], "best__k": [500, 1000, 2000]}
    grid = [
        common | {"clf__C": [0.1, 1.0, 10.0, 100.0]},
        common | {"clf": [SGDClassifier(random_state=0)], "clf__alpha": [1e-5, 1e-4, 1e-3]},
    ]
    return model, grid, *documents()


def pca_svc() -> Workload:
    model = pipe(scale=StandardScaler(), pca=PCA(svd_solver="full"), svc=SVC())
    grid = {"pca__n_components": [10, 20, 30], "svc__C": [0.1, 1, 10, 100], "svc__gamma": ["scale", 0.01]}
    return model, grid, *load_digits(return_X_y=True)


def pca_logistic() -> Workload:
    X, y = make_classification(2000, 400, n_informative=20, random_state=0)
    model = pipe(scale=StandardScaler(), pca=PCA(svd_solver="full"), clf=LogisticRegression())
    return model, {"pca__n_components": [5, 10, 20, 40], "clf__C": [0.01, 0.1, 1, 10, 100]}, X, y


def boosting() -> Workload:
    X, y = mixed()
    model = pipe(columns=numbers_and_categories(), clf=HistGradientBoostingClassifier(random_state=0))
    grid = {
        "clf__max_iter": [20, 40, 60, 80, 100],
        "clf__learning_rate": [0.05, 0.2],
        "clf__max_leaf_nodes": [7, 15],
    }
    return model, grid, X, y


def boosting_of_one_size() -> Workload:
    model, _, X, y = boosting()
    return model, {"clf__learning_rate": [0.03, 0.1, 0.3], "clf__max_leaf_nodes": [5, 7, 15, 31]}, X, y


def forest() -> Workload:
    X, y = make_classification(1500, 30, n_informative=10, random_state=0)
    grid = {"n_estimators": [20, 40, 60, 80, 100], "max_depth": [4, 8, None]}
    return RandomForestClassifier(random_state=0), grid, X, y


def svc() -> Workload:
    X, y = load_digits(return_X_y=True)
    return SVC(), {"C": [0.1, 1, 10, 100, 1000], "gamma": [1e-4, 3e-4, 1e-3, 3e-3]}, X, y


def logistic() -> Workload:
    return LogisticRegression(max_iter=1000), {"C": list(np.logspace(-3, 3, 60))}, *load_iris(return_X_y=True)


def neighbours() -> Workload:
    model = pipe(scale=StandardScaler(), knn=KNeighborsClassifier())
    return (
        model,
        {"knn__n_neighbors": list(range(1, 33, 2)), "knn__weights": ["uniform", "distance"]},
        *load_digits(return_X_y=True),
    )


def polynomials() -> Workload:
    model = pipe(poly=PolynomialFeatures(), scale=StandardScaler(), ridge=Ridge())
    grid = {"poly__degree": [2, 3], "ridge__alpha": list(np.logspace(-3, 3, 12))}
    return model, grid, *load_diabetes(return_X_y=True)


def best_features() -> Workload:
    X, y = make_classification(3000, 100, n_informative=20, random_state=0)
    X[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    model = pipe(impute=SimpleImputer(), scale=StandardScaler(), best=SelectKBest(), clf=LogisticRegression())
    return model, {"best__k": [5, 10, 20, 40], "clf__C": [0.01, 0.1, 1, 10]}, X, y


def lightgbm() -> Workload:
    from lightgbm import LGBMClassifier

    X, y = make_classification(3000, 30, n_informative=10, random_state=0)
    grid = {"n_estimators": [25, 50, 75, 100], "learning_rate": [0.05, 0.2], "num_leaves": [7, 31]}
    return LGBMClassifier(random_state=0, n_jobs=1, verbose=-1), grid, X, y


def text_in_columns() -> Workload:
    columns = numbers_and_categories()
    columns.transformers = [*columns.transformers, ("text", TfidfVectorizer(), "text")]
    columns.sparse_threshold = 1.0
    grid = {
        "columns__text__min_df": [2, 5],
        "columns__num__impute__strategy": ["mean", "median"],
        "clf__alpha": [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3],
    }
    return pipe(columns=columns, clf=SGDClassifier(random_state=0)), grid, *mixed()


WORKLOADS: dict[str, tuple[str, Callable[[], Workload], str]] = {
    "a": ("Tfidf, SelectKBest, LogisticRegression or SGD", text, "10"),
    "b": ("scaler, PCA, SVC", pca_svc, ""),
    "b2": ("scaler, PCA, LogisticRegression", pca_logistic, "6"),
    "c": ("ColumnTransformer, HistGradientBoosting of 5 sizes", boosting, "3"),
    "c1": ("the same, of one size", boosting_of_one_size, ""),
    "d": ("RandomForest of 5 sizes", forest, "2.7"),
    "e": ("SVC", svc, "1"),
    "e2": ("LogisticRegression on iris", logistic, "1"),
    "knn": ("scaler, kNN", neighbours, "8"),
    "poly": ("polynomials, scaler, Ridge", polynomials, ""),
    "best": ("imputer, scaler, SelectKBest, LogisticRegression", best_features, ""),
    "lgbm": ("LightGBM of 4 sizes", lightgbm, ""),
    "columns": ("ColumnTransformer with text, SGD", text_in_columns, "4"),
}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def usage() -> tuple[float, float]:
    """Return seconds of CPU and the peak of memory, in MiB, of this process and its children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both), max(one.ru_maxrss for one in both) / 1024


def measure(name: str, tool: str, n_jobs: int) -> dict[str, Any]:
    """Run one search in this process."""
    from joblib.externals.loky import get_reusable_executor

    warnings.simplefilter("ignore")
    estimator, grid, X, y = WORKLOADS[name][1]()
    search = {"ours": GridSearch, "theirs": GridSearchCV}[tool](
        estimator, grid, cv=5, refit=False, n_jobs=n_jobs
    )
    if n_jobs > 1:  # workers that are there already, and have imported what they need
        clone(search).set_params(estimator=LogisticRegression(), param_grid={"C": [1, 2, 3, 4]}).fit(
            *load_iris(return_X_y=True)
        )
    cpu, start = usage()[0], time.perf_counter()
    search.fit(X, y)
    wall = time.perf_counter() - start
    if n_jobs > 1:
        get_reusable_executor().shutdown(wait=True)
    scores = [list(search.cv_results_[f"split{i}_test_score"]) for i in range(5)]
    result = {"wall": wall, "cpu": usage()[0] - cpu, "memory": usage()[1], "scores": scores}
    if tool == "ours":
        result |= {"asked": search.reuse_report_.plan.n_fits_asked, "made": search.reuse_report_.n_fits}
    return result | {"n": len(scores[0])}


def run(name: str, tool: str, n_jobs: int) -> dict[str, Any]:
    """Run one search in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, tool, str(n_jobs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(name: str, n_jobs: int, repeats: int) -> str:
    """Return a line of the table."""
    pairs = [(run(name, "theirs", n_jobs), run(name, "ours", n_jobs)) for _ in range(repeats)]
    for theirs, ours in pairs:
        assert theirs["scores"] == ours["scores"], f"{name}: the scores differ"
    cpu, wall = (
        float(np.median([theirs[key] / ours[key] for theirs, ours in pairs])) for key in ("cpu", "wall")
    )
    theirs, ours = pairs[0]
    what, _, target = WORKLOADS[name]
    return (
        f"| {name} | {what} | {ours['n']} | {n_jobs} | {ours['asked']} | {ours['made']} | {cpu:.2f} | {wall:.2f} "
        f"| {target} | {theirs['memory']:.0f} | {ours['memory']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, tool, n_jobs = options.measure
        print(json.dumps(measure(name, tool, int(n_jobs))))
        return
    print(
        "| | workload | candidates | n_jobs | fits asked for | fits made | CPU | wall | target | MiB theirs | ours |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in options.only:
        for n_jobs in options.n_jobs:
            print(compare(name, n_jobs, options.repeats), flush=True)


if __name__ == "__main__":
    main()
