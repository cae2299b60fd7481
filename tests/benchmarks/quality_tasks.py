"""Tasks for `time_to_quality.py` and `ladders.py`: real data, spaces as users write them, fits of about 20 ms.

Ranges are wide and are not centred on good values. The tasks differ in their estimator and in their data set.
The defaults of the searches were chosen on the tasks of `DEVELOPMENT`; those of `VALIDATION` were looked at
once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import datasets
import numpy as np
from problems import Cat, Int, Real
from sklearn.base import is_classifier
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

N_FOLDS = 5


@dataclass(frozen=True)
class Task:
    """An estimator, its space, and its data.

    Attributes
    ----------
    estimator, dataset : str
        Their names.
    make : callable
        Returns the estimator.
    space : dict of str to Real, Int or Cat
        Ranges of the parameters.
    n_rows : int
        Largest number of rows for the search; at most 1000 others are held out.
    scoring : str
        Name of the metric.
    resource : str, default=None
        Parameter of the estimator that is its number of trees or iterations, for tools that ask for one.
    """

    estimator: str
    dataset: str
    make: Callable[[], Any]
    space: dict[str, Any]
    n_rows: int
    scoring: str = "accuracy"
    resource: str | None = None

    @property
    def name(self) -> str:
        """Name of the task."""
        return f"{self.estimator}-{self.dataset}"

    @cached_property
    def data(self) -> tuple[Any, Any, Any, Any]:
        """Rows for the search and rows held out: X, X_held_out, y, y_held_out."""
        X, X_out, y, y_out = datasets.split(self.dataset, self.n_rows)
        if not is_classifier(self.make()):  # without a scale, MLPRegressor and SGDRegressor fail
            mean, scale = y.mean(), y.std()
            y, y_out = (y - mean) / scale, (y_out - mean) / scale
        return X, X_out, y, y_out

    @cached_property
    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The folds of all searches: those of scikit-learn's default."""
        X, _, y, _ = self.data
        return list(check_cv(N_FOLDS, y, classifier=is_classifier(self.make())).split(X, y))

    @cached_property
    def scorer(self) -> Any:
        """Scorer of the metric."""
        return get_scorer(self.scoring)

    @property
    def distributions(self) -> dict[str, Any]:
        """The space in lists and SciPy's distributions."""
        from scipy.stats import loguniform, randint, uniform

        from skhpt.distributions import loguniform_int

        space: dict[str, Any] = {}
        for name, one in self.space.items():
            if isinstance(one, Cat):
                space[name] = list(one.values)
            elif isinstance(one, Int):
                space[name] = loguniform_int(one.low, one.high) if one.log else randint(one.low, one.high + 1)
            else:
                space[name] = (
                    loguniform(one.low, one.high) if one.log else uniform(one.low, one.high - one.low)
                )
        return space


def _scaled(*steps: tuple[str, Any]) -> Pipeline:
    return Pipeline([("scaler", StandardScaler()), *steps])


def _lightgbm() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=60, subsample_freq=1, random_state=0, n_jobs=1, verbose=-1)


def _xgboost() -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=60, random_state=0, n_jobs=1)


DEVELOPMENT = (
    Task(
        "mlp",
        "vowel",
        lambda: _scaled(("mlp", MLPClassifier(hidden_layer_sizes=(16,), max_iter=18, random_state=0))),
        {
            "mlp__learning_rate_init": Real(1e-5, 1.0, log=True),
            "mlp__alpha": Real(1e-7, 1e2, log=True),
            "mlp__batch_size": Cat((50, 100, 200)),
            "mlp__activation": Cat(("relu", "tanh", "logistic")),
            "mlp__beta_1": Real(0.5, 0.99),
        },
        400,
        resource="mlp__max_iter",
    ),
    Task(
        "histgb",
        "phoneme",
        lambda: HistGradientBoostingClassifier(max_iter=27, early_stopping=False, random_state=0),
        {
            "learning_rate": Real(1e-3, 1.0, log=True),
            "max_leaf_nodes": Int(2, 128, log=True),
            "min_samples_leaf": Int(1, 200, log=True),
            "l2_regularization": Real(1e-6, 1e3, log=True),
            "max_features": Real(0.1, 1.0),
        },
        600,
        "roc_auc",
        resource="max_iter",
    ),
    Task(
        "forest",
        "wage2",
        lambda: RandomForestRegressor(27, random_state=0),
        {
            "max_depth": Int(1, 30),
            "max_features": Real(0.05, 1.0),
            "min_samples_leaf": Int(1, 100, log=True),
            "max_samples": Real(0.1, 1.0),
        },
        400,
        "r2",
        resource="n_estimators",
    ),
    Task(
        "lightgbm",
        "german",
        _lightgbm,
        {
            "learning_rate": Real(1e-3, 1.0, log=True),
            "num_leaves": Int(2, 128, log=True),
            "min_child_samples": Int(1, 200, log=True),
            "reg_lambda": Real(1e-6, 1e3, log=True),
            "colsample_bytree": Real(0.1, 1.0),
            "subsample": Real(0.2, 1.0),
        },
        660,
        "roc_auc",
        resource="n_estimators",
    ),
    Task(
        "sgd",
        "spambase",
        lambda: _scaled(("sgd", SGDClassifier(max_iter=100, random_state=0))),
        {
            "sgd__loss": Cat(("hinge", "log_loss", "modified_huber")),
            "sgd__penalty": Cat(("l2", "l1", "elasticnet")),
            "sgd__alpha": Real(1e-8, 1.0, log=True),
            "sgd__learning_rate": Cat(("optimal", "constant", "invscaling", "adaptive")),
            "sgd__eta0": Real(1e-4, 1e1, log=True),
        },
        2000,
        resource="sgd__max_iter",
    ),
    Task(
        "logistic",
        "splice",
        lambda: _scaled(
            ("select", SelectKBest()), ("pca", PCA()), ("logistic", LogisticRegression(max_iter=500))
        ),
        {
            "select__k": Cat((10, 20, 40, "all")),
            "pca__n_components": Cat((0.5, 0.8, 0.95, None)),
            "logistic__C": Real(1e-6, 1e6, log=True),
            "logistic__class_weight": Cat((None, "balanced")),
        },
        2000,
    ),
    Task(
        "svc",
        "vehicle",
        lambda: _scaled(("svc", SVC(max_iter=20_000))),
        {
            "svc__C": Real(1e-4, 1e5, log=True),
            "svc__gamma": Real(1e-6, 1e2, log=True),
            "svc__kernel": Cat(("rbf", "sigmoid", "poly")),
            "svc__degree": Int(2, 5),
        },
        564,
    ),
)

VALIDATION = (
    Task(
        "extra_trees",
        "satimage",
        lambda: ExtraTreesClassifier(27, random_state=0),
        {
            "max_depth": Int(1, 30),
            "max_features": Real(0.02, 1.0, log=True),
            "min_samples_leaf": Int(1, 100, log=True),
            "criterion": Cat(("gini", "entropy")),
        },
        500,
        resource="n_estimators",
    ),
    Task(
        "gradient_boosting",
        "mammographic",
        lambda: GradientBoostingClassifier(n_estimators=27, random_state=0),
        {
            "learning_rate": Real(1e-3, 1.0, log=True),
            "max_depth": Int(1, 8),
            "min_samples_leaf": Int(1, 200, log=True),
            "max_features": Real(0.1, 1.0),
            "subsample": Real(0.2, 1.0),
        },
        500,
        resource="n_estimators",
    ),
    Task(
        "xgboost",
        "hprice2",
        _xgboost,
        {
            "learning_rate": Real(1e-3, 1.0, log=True),
            "max_depth": Int(1, 10),
            "min_child_weight": Real(1e-2, 1e2, log=True),
            "reg_lambda": Real(1e-6, 1e3, log=True),
            "colsample_bytree": Real(0.1, 1.0),
            "subsample": Real(0.2, 1.0),
        },
        340,
        "r2",
        resource="n_estimators",
    ),
    Task(
        "knn",
        "penbased",
        lambda: _scaled(("pca", PCA()), ("knn", KNeighborsClassifier())),
        {
            "pca__n_components": Cat((2, 4, 8, 16)),
            "knn__n_neighbors": Int(1, 200, log=True),
            "knn__weights": Cat(("uniform", "distance")),
            "knn__p": Cat((1, 2, 3)),
        },
        1500,
    ),
    Task(
        "sgd_regressor",
        "card",
        lambda: _scaled(("sgd", SGDRegressor(max_iter=100, random_state=0))),
        {
            "sgd__loss": Cat(("squared_error", "huber", "epsilon_insensitive")),
            "sgd__penalty": Cat(("l2", "l1", "elasticnet")),
            "sgd__alpha": Real(1e-8, 1.0, log=True),
            "sgd__learning_rate": Cat(("constant", "invscaling", "adaptive")),
            "sgd__eta0": Real(1e-6, 1e-1, log=True),
        },
        1500,
        "r2",
        resource="sgd__max_iter",
    ),
    Task(
        "mlp_regressor",
        "fertil2",
        lambda: _scaled(("mlp", MLPRegressor(hidden_layer_sizes=(16,), max_iter=18, random_state=0))),
        {
            "mlp__learning_rate_init": Real(1e-5, 1.0, log=True),
            "mlp__alpha": Real(1e-7, 1e2, log=True),
            "mlp__batch_size": Cat((50, 100, 200)),
            "mlp__activation": Cat(("relu", "tanh", "logistic")),
            "mlp__beta_1": Real(0.5, 0.99),
        },
        500,
        "r2",
        resource="mlp__max_iter",
    ),
    Task(
        "histgb_regressor",
        "gpa2",
        lambda: HistGradientBoostingRegressor(max_iter=27, early_stopping=False, random_state=0),
        {
            "learning_rate": Real(1e-3, 1.0, log=True),
            "max_leaf_nodes": Int(2, 128, log=True),
            "min_samples_leaf": Int(1, 200, log=True),
            "l2_regularization": Real(1e-6, 1e3, log=True),
            "max_features": Real(0.1, 1.0),
        },
        800,
        "r2",
        resource="max_iter",
    ),
    Task(
        "svr",
        "beauty",
        lambda: _scaled(("svr", SVR(max_iter=20_000))),
        {
            "svr__C": Real(1e-4, 1e4, log=True),
            "svr__gamma": Real(1e-6, 1e2, log=True),
            "svr__epsilon": Real(1e-4, 1.0, log=True),
            "svr__kernel": Cat(("rbf", "sigmoid", "linear")),
        },
        600,
        "r2",
    ),
)
TASKS = DEVELOPMENT + VALIDATION
BY_NAME = {task.name: task for task in TASKS}
