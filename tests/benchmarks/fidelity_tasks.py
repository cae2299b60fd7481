"""Tasks on which little training predicts much, more or less: for the benchmarks of HyperbandSearchCV.

The data ships with scikit-learn, statsmodels (Fair's survey of extramarital affairs) or, as text, with Python
packages: their docstrings, by the package that they come from. A part of the rows is held out from the
search.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


@dataclass(frozen=True)
class Task:
    """An estimator, its space and data, and the resource to spend."""

    name: str
    load: Callable[[], tuple[Any, Any]]
    make: Callable[[], Any]
    space: dict[str, Any]
    resource: str
    max_resources: int | str
    scoring: str = "accuracy"
    train_size: float = 0.5

    @cached_property
    def data(self) -> tuple[Any, Any, Any, Any]:
        """Rows for the search and rows held out: X, X_held_out, y, y_held_out."""
        X, y = self.load()
        stratify = y if self.scoring == "accuracy" else None
        return train_test_split(X, y, train_size=self.train_size, random_state=0, stratify=stratify)

    def held_out(self, model: Any) -> float:
        """Score a fitted model on the rows that were held out."""
        _, X, _, y = self.data
        return float(get_scorer(self.scoring)(model, X, y))


def digits() -> tuple[Any, Any]:
    """1,797 images of digits."""
    return load_digits(return_X_y=True)


def cancer() -> tuple[Any, Any]:
    """569 tumours."""
    return load_breast_cancer(return_X_y=True)


def diabetes() -> tuple[Any, Any]:
    """442 patients."""
    return load_diabetes(return_X_y=True)


def affairs() -> tuple[Any, Any]:
    """6,366 answers to Redbook's survey; who had an affair."""
    from statsmodels.datasets import fair

    data = fair.load_pandas()
    return data.exog.to_numpy(), (data.endog > 0).to_numpy().astype(int)


def docstrings() -> tuple[Any, Any]:
    """Docstrings of four packages as words, weighed by tf-idf; which package."""
    texts, labels = [], []
    for label, package in enumerate(("numpy", "scipy", "sklearn", "pandas")):
        found = sorted({text for text in _docstrings(package) if len(text) > 200})
        texts += found
        labels += [label] * len(found)
    X = TfidfVectorizer(
        min_df=3, token_pattern=r"[a-z]{3,}", stop_words=["numpy", "scipy", "sklearn", "pandas"]
    )
    return X.fit_transform(texts), np.array(labels)


def _docstrings(package: str) -> Any:
    root = importlib.import_module(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for info in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda name: None):
            if any(part.startswith("_") or part in ("tests", "conftest") for part in info.name.split(".")):
                continue
            try:
                module = importlib.import_module(info.name)
            except Exception:  # some parts want what is not installed
                continue
            for _, thing in inspect.getmembers(
                module, lambda thing: inspect.isclass(thing) or callable(thing)
            ):
                if (getattr(thing, "__module__", "") or "").startswith(package) and isinstance(
                    thing.__doc__, str
                ):
                    yield thing.__doc__


def lightgbm() -> Any:
    """LightGBM's classifier, which goes on with its training only in its own way, and so is trained anew."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=90, subsample_freq=1, random_state=0, n_jobs=1, verbose=-1)


SVC_SPACE = {
    "svc__C": loguniform(1e-3, 1e4),
    "svc__gamma": loguniform(1e-6, 1e1),
    "svc__kernel": ["rbf", "sigmoid", "poly"],
    "svc__degree": randint(2, 5),
}
TASKS = [
    Task(
        "mlp-digits",
        digits,
        lambda: make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=27, random_state=0)),
        {
            "mlpclassifier__learning_rate_init": loguniform(1e-4, 1e-1),
            "mlpclassifier__alpha": loguniform(1e-6, 1e1),
            "mlpclassifier__batch_size": [16, 32, 64, 128],
            "mlpclassifier__activation": ["relu", "tanh", "logistic"],
            "mlpclassifier__beta_1": uniform(0.5, 0.49),
        },
        "epochs",
        27,
    ),
    Task(
        "histgb-affairs",
        affairs,
        lambda: HistGradientBoostingClassifier(max_iter=81, early_stopping=False, random_state=0),
        {
            "learning_rate": loguniform(0.005, 1),
            "max_leaf_nodes": randint(2, 64),
            "min_samples_leaf": randint(1, 100),
            "l2_regularization": loguniform(1e-4, 1e2),
            "max_features": uniform(0.1, 0.9),
        },
        "max_iter",
        81,
        "roc_auc",
        0.3,
    ),
    Task(
        "forest-diabetes",
        diabetes,
        lambda: RandomForestRegressor(54, random_state=0),
        {
            "max_depth": randint(1, 20),
            "max_features": uniform(0.05, 0.95),
            "min_samples_leaf": randint(1, 30),
            "max_samples": uniform(0.1, 0.9),
        },
        "n_estimators",
        54,
        "r2",
        0.7,
    ),
    Task(
        "trees-digits",
        digits,
        lambda: ExtraTreesClassifier(54, random_state=0),
        {
            "max_depth": randint(2, 20),
            "max_features": loguniform(0.02, 1),
            "min_samples_leaf": randint(1, 20),
            "criterion": ["gini", "entropy"],
        },
        "n_estimators",
        54,
    ),
    Task(
        "sgd-docstrings",
        docstrings,
        lambda: SGDClassifier(max_iter=27, random_state=0),
        {
            "loss": ["hinge", "log_loss", "modified_huber"],
            "penalty": ["l2", "l1", "elasticnet"],
            "alpha": loguniform(1e-8, 1e-1),
            "learning_rate": ["optimal", "constant", "invscaling", "adaptive"],
            "eta0": loguniform(1e-3, 1e2),
        },
        "epochs",
        27,
        train_size=0.4,
    ),
    Task(
        "svc-cancer",
        cancer,
        lambda: make_pipeline(StandardScaler(), SVC(max_iter=100_000)),
        SVC_SPACE,
        "folds",
        "auto",
    ),
    Task(
        "svc-digits",
        digits,
        lambda: make_pipeline(StandardScaler(), SVC(max_iter=100_000)),
        SVC_SPACE,
        "n_samples",
        "auto",
    ),
    Task(
        "lightgbm-affairs",
        affairs,
        lightgbm,
        {
            "learning_rate": loguniform(0.005, 1),
            "num_leaves": randint(2, 64),
            "min_child_samples": randint(1, 100),
            "reg_lambda": loguniform(1e-4, 1e2),
            "colsample_bytree": uniform(0.1, 0.9),
            "subsample": uniform(0.2, 0.8),
        },
        "n_estimators",
        90,
        "roc_auc",
        0.3,
    ),
]
BY_NAME = {task.name: task for task in TASKS}
