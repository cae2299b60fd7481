"""Real tuning problems, in terms that every tool can translate: an estimator, data, a metric and a space.

The data is what scikit-learn ships or generates, cut to a few hundred rows so that a cross-validation takes
some tens of milliseconds. A third of the rows is held out: no search sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier


@dataclass(frozen=True)
class Real:
    """A float between two bounds, uniform, or log-uniform."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Int:
    """An integer between two bounds, both included, uniform, or log-uniform."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Cat:
    """One of some values."""

    values: tuple[Any, ...]


Branch = dict[str, Real | Int | Cat]


@dataclass(frozen=True)
class Problem:
    """Something to tune.

    Attributes
    ----------
    name : str
        Unique.
    estimator : estimator
        What the parameters are set on.
    load : callable
        Returns X and y.
    scoring : str
        Name of the metric.
    branches : tuple of dict
        The space: one dict, or several, of which each candidate uses one.
    classifier : bool
        Whether the folds are stratified.
    """

    name: str
    estimator: Any
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    scoring: str
    branches: tuple[Branch, ...]
    classifier: bool = True

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows to search on and rows held out: X_train, X_test, y_train, y_test."""
        X, y = self.load()
        return train_test_split(
            X, y, test_size=1 / 3, random_state=0, stratify=y if self.classifier else None
        )

    @cached_property
    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The five folds that every tool is scored on."""
        X, _, y, _ = self.data
        return list(
            (StratifiedKFold if self.classifier else KFold)(5, shuffle=True, random_state=0).split(X, y)
        )

    def score(self, params: dict[str, Any]) -> np.ndarray:
        """Score the five folds; NaN where the fit fails."""
        X, _, y, _ = self.data
        estimator = clone(self.estimator).set_params(**clone(params, safe=False))
        return cross_val_score(estimator, X, y, scoring=self.scoring, cv=self.folds)

    def held_out(self, params: dict[str, Any]) -> float:
        """Refit on all rows of the search, and score the rest."""
        X, X_test, y, y_test = self.data
        estimator = clone(self.estimator).set_params(**clone(params, safe=False)).fit(X, y)
        return float(get_scorer(self.scoring)(estimator, X_test, y_test))


def loading(load: Callable[..., Any], n: int) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Shuffle what scikit-learn ships and take the first n rows."""

    def loader() -> tuple[np.ndarray, np.ndarray]:
        X, y = load(return_X_y=True)
        rows = np.random.RandomState(1).permutation(len(y))[:n]
        return X[rows], y[rows]

    return loader


cancer, wine, diabetes = (
    loading(load, n)
    for load, n in (
        (datasets.load_breast_cancer, 569),
        (datasets.load_wine, 178),
        (datasets.load_diabetes, 442),
    )
)
digits = loading(datasets.load_digits, 450)


def noisy() -> tuple[np.ndarray, np.ndarray]:
    """Three classes, a fifth of the labels wrong, most features useless."""
    return datasets.make_classification(
        450, 20, n_informative=5, n_redundant=3, n_classes=3, flip_y=0.2, class_sep=1.2, random_state=3
    )


def rare() -> tuple[np.ndarray, np.ndarray]:
    """Two classes, one of them rare."""
    return datasets.make_classification(600, 15, n_informative=6, weights=[0.88], flip_y=0.03, random_state=4)


def moons() -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles."""
    return datasets.make_moons(450, noise=0.3, random_state=5)


def hastie() -> tuple[np.ndarray, np.ndarray]:
    """Whether ten normal numbers lie outside a sphere (Hastie, Tibshirani and Friedman, example 10.2)."""
    X, y = datasets.make_hastie_10_2(600, random_state=6)
    return X, (y > 0).astype(int)


def friedman() -> tuple[np.ndarray, np.ndarray]:
    """Friedman's first regression problem, with noise."""
    return datasets.make_friedman1(400, n_features=10, noise=1.0, random_state=7)


def sparse_linear() -> tuple[np.ndarray, np.ndarray]:
    """Few of many coefficients matter."""
    X, y = datasets.make_regression(200, 60, n_informative=8, noise=40.0, random_state=8)
    return X, y


def scaled(estimator: Any) -> Pipeline:
    """Put a scaler in front."""
    return Pipeline([("scale", StandardScaler()), ("m", estimator)])


LOG_C, LOG_GAMMA = Real(1e-3, 1e3, log=True), Real(1e-5, 10, log=True)
FOREST = {
    "max_depth": Int(1, 20, log=True),
    "max_features": Real(0.05, 1.0),
    "min_samples_leaf": Int(1, 30, log=True),
    "min_samples_split": Int(2, 40, log=True),
    "criterion": Cat(("gini", "entropy")),
    "bootstrap": Cat((True, False)),
}
HISTGB = {
    "learning_rate": Real(0.01, 1.0, log=True),
    "max_iter": Int(5, 60, log=True),
    "max_leaf_nodes": Int(2, 31, log=True),
    "min_samples_leaf": Int(2, 60, log=True),
    "l2_regularization": Real(1e-6, 100, log=True),
}

PROBLEMS = [
    Problem("svc-cancer", scaled(SVC()), cancer, "accuracy", ({"m__C": LOG_C, "m__gamma": LOG_GAMMA},)),
    Problem("svc-digits", SVC(), digits, "accuracy", ({"C": LOG_C, "gamma": Real(1e-6, 1, log=True)},)),
    Problem(
        "svc-rare",
        scaled(SVC()),
        rare,
        "f1",
        (
            {
                "m__C": LOG_C,
                "m__gamma": LOG_GAMMA,
                "m__class_weight": Cat((None, "balanced")),
                "m__shrinking": Cat((True, False)),
            },
        ),
    ),
    Problem(
        "svc-kernels",
        scaled(SVC()),
        noisy,
        "f1_macro",
        (
            {"m__kernel": Cat(("linear",)), "m__C": Real(1e-3, 10, log=True)},
            {"m__kernel": Cat(("rbf",)), "m__C": LOG_C, "m__gamma": LOG_GAMMA},
            {
                "m__kernel": Cat(("poly",)),
                "m__C": Real(1e-3, 10, log=True),
                "m__gamma": Real(1e-3, 1, log=True),
                "m__degree": Int(2, 4),
                "m__coef0": Real(0, 2),
            },
        ),
    ),
    Problem(
        "svr-diabetes",
        scaled(SVR()),
        diabetes,
        "r2",
        ({"m__C": Real(1e-1, 1e4, log=True), "m__gamma": LOG_GAMMA, "m__epsilon": Real(0.1, 100, log=True)},),
        False,
    ),
    Problem(
        "svr-friedman",
        scaled(SVR()),
        friedman,
        "neg_root_mean_squared_error",
        ({"m__C": Real(1e-2, 1e3, log=True), "m__gamma": LOG_GAMMA, "m__epsilon": Real(1e-3, 3, log=True)},),
        False,
    ),
    Problem(
        "kernelridge-friedman",
        scaled(KernelRidge()),
        friedman,
        "r2",
        (
            {
                "m__kernel": Cat(("rbf", "laplacian", "polynomial")),
                "m__alpha": Real(1e-5, 10, log=True),
                "m__gamma": Real(1e-3, 1, log=True),
                "m__degree": Int(2, 4),
                "m__coef0": Real(0, 2),
            },
        ),
        False,
    ),
    Problem(
        "knn-digits",
        Pipeline([("reduce", PCA(random_state=0)), ("m", KNeighborsClassifier())]),
        digits,
        "accuracy",
        (
            {
                "reduce__n_components": Int(2, 50, log=True),
                "m__n_neighbors": Int(1, 50, log=True),
                "m__weights": Cat(("uniform", "distance")),
                "m__p": Int(1, 3),
            },
        ),
    ),
    Problem(
        "knn-diabetes",
        scaled(KNeighborsRegressor()),
        diabetes,
        "r2",
        (
            {
                "m__n_neighbors": Int(1, 100, log=True),
                "m__weights": Cat(("uniform", "distance")),
                "m__p": Real(1, 3),
            },
        ),
        False,
    ),
    Problem(
        "knn-moons",
        KNeighborsClassifier(),
        moons,
        "neg_log_loss",
        ({"n_neighbors": Int(2, 150, log=True), "weights": Cat(("uniform", "distance")), "p": Cat((1, 2))},),
    ),
    Problem(
        "logistic-cancer",
        scaled(LogisticRegression(solver="liblinear", random_state=0)),
        cancer,
        "neg_log_loss",
        (
            {
                "m__C": Real(1e-4, 1e4, log=True),
                "m__l1_ratio": Cat((0.0, 1.0)),
                "m__class_weight": Cat((None, "balanced")),
                "m__intercept_scaling": Real(0.1, 10, log=True),
            },
        ),
    ),
    Problem(
        "elasticnet-sparse",
        ElasticNet(max_iter=2000),
        sparse_linear,
        "r2",
        ({"alpha": Real(1e-3, 1e2, log=True), "l1_ratio": Real(0.01, 1.0)},),
        False,
    ),
    Problem(
        "poly-ridge-diabetes",
        Pipeline([("scale", StandardScaler()), ("poly", PolynomialFeatures()), ("m", Ridge())]),
        diabetes,
        "r2",
        (
            {
                "poly__degree": Int(1, 2),
                "poly__interaction_only": Cat((True, False)),
                "m__alpha": Real(1e-3, 1e5, log=True),
                "m__fit_intercept": Cat((True, False)),
            },
        ),
        False,
    ),
    Problem("forest-cancer", RandomForestClassifier(10, random_state=0), cancer, "roc_auc", (FOREST,)),
    Problem(
        "forest-friedman",
        RandomForestRegressor(10, random_state=0),
        friedman,
        "r2",
        ({name: values for name, values in FOREST.items() if name != "criterion"},),
        False,
    ),
    Problem("extratrees-noisy", ExtraTreesClassifier(10, random_state=0), noisy, "accuracy", (FOREST,)),
    Problem(
        "histgb-noisy", HistGradientBoostingClassifier(random_state=0), hastie, "neg_log_loss", (HISTGB,)
    ),
    Problem(
        "histgb-diabetes", HistGradientBoostingRegressor(random_state=0), diabetes, "r2", (HISTGB,), False
    ),
    Problem(
        "boosting-rare",
        GradientBoostingClassifier(random_state=0),
        rare,
        "roc_auc",
        (
            {
                "n_estimators": Int(5, 60, log=True),
                "learning_rate": Real(0.01, 1, log=True),
                "max_depth": Int(1, 6),
                "subsample": Real(0.3, 1.0),
                "max_features": Real(0.1, 1.0),
                "min_samples_leaf": Int(1, 30, log=True),
            },
        ),
    ),
    Problem(
        "adaboost-hastie",
        AdaBoostClassifier(DecisionTreeClassifier(), random_state=0),
        hastie,
        "f1",
        (
            {
                "n_estimators": Int(5, 40, log=True),
                "learning_rate": Real(0.01, 2, log=True),
                "estimator__max_depth": Int(1, 5),
            },
        ),
    ),
    Problem(
        "tree-noisy",
        DecisionTreeClassifier(random_state=0),
        noisy,
        "accuracy",
        (
            {
                "criterion": Cat(("gini", "entropy", "log_loss")),
                "splitter": Cat(("best", "random")),
                "max_depth": Int(1, 20),
                "min_samples_leaf": Int(1, 50, log=True),
                "min_samples_split": Int(2, 100, log=True),
                "max_features": Real(0.1, 1.0),
                "ccp_alpha": Real(1e-5, 0.1, log=True),
                "class_weight": Cat((None, "balanced")),
            },
        ),
    ),
    Problem(
        "mlp-digits",
        make_pipeline(StandardScaler(), MLPClassifier(max_iter=12, random_state=0)),
        digits,
        "accuracy",
        (
            {
                "mlpclassifier__hidden_layer_sizes": Cat(((16,), (32,), (64,), (32, 16))),
                "mlpclassifier__alpha": Real(1e-6, 1, log=True),
                "mlpclassifier__learning_rate_init": Real(1e-4, 0.3, log=True),
                "mlpclassifier__batch_size": Int(16, 256, log=True),
                "mlpclassifier__activation": Cat(("relu", "tanh", "logistic")),
            },
        ),
    ),
    Problem(
        "mlp-friedman",
        scaled(MLPRegressor(max_iter=20, random_state=0)),
        friedman,
        "r2",
        (
            {
                "m__hidden_layer_sizes": Cat(((16,), (64,), (32, 16))),
                "m__alpha": Real(1e-6, 10, log=True),
                "m__learning_rate_init": Real(1e-4, 0.3, log=True),
                "m__batch_size": Int(16, 200, log=True),
                "m__activation": Cat(("relu", "tanh")),
                "m__beta_1": Real(0.5, 0.99),
            },
        ),
        False,
    ),
    Problem(
        "sgd-noisy",
        scaled(SGDClassifier(max_iter=30, tol=None, random_state=0)),
        noisy,
        "f1_macro",
        (
            {
                "m__alpha": Real(1e-6, 1, log=True),
                "m__loss": Cat(("hinge", "log_loss", "modified_huber", "squared_hinge")),
                "m__penalty": Cat(("l1", "l2", "elasticnet")),
                "m__l1_ratio": Real(0, 1),
                "m__eta0": Real(1e-4, 1, log=True),
                "m__learning_rate": Cat(("optimal", "constant", "invscaling", "adaptive")),
                "m__average": Cat((True, False)),
                "m__power_t": Real(0.1, 0.9),
            },
        ),
    ),
    Problem(
        "discriminants-wine",
        scaled(LinearDiscriminantAnalysis()),
        wine,
        "neg_log_loss",
        (
            {"m": Cat((LinearDiscriminantAnalysis(solver="lsqr"),)), "m__shrinkage": Real(1e-4, 1, log=True)},
            {"m": Cat((QuadraticDiscriminantAnalysis(),)), "m__reg_param": Real(1e-4, 1, log=True)},
            {"m": Cat((GaussianNB(),)), "m__var_smoothing": Real(1e-12, 1, log=True)},
            {"m": Cat((LogisticRegression(max_iter=500),)), "m__C": LOG_C},
        ),
    ),
    Problem(
        "any-classifier-digits",
        Pipeline([("reduce", PCA(random_state=0)), ("m", SVC())]),
        digits,
        "accuracy",
        (
            {
                "reduce__n_components": Int(2, 50, log=True),
                "m": Cat((SVC(),)),
                "m__C": LOG_C,
                "m__gamma": Real(1e-6, 1, log=True),
            },
            {
                "reduce__n_components": Int(2, 50, log=True),
                "m": Cat((KNeighborsClassifier(),)),
                "m__n_neighbors": Int(1, 50, log=True),
                "m__weights": Cat(("uniform", "distance")),
            },
            {
                "reduce__n_components": Int(2, 50, log=True),
                "m": Cat((RandomForestClassifier(15, random_state=0),)),
                "m__max_depth": Int(1, 20, log=True),
                "m__max_features": Real(0.05, 1.0),
                "m__min_samples_leaf": Int(1, 20, log=True),
            },
        ),
    ),
    Problem(
        "long-pipeline-rare",
        Pipeline(
            [
                ("scale", StandardScaler()),
                ("select", SelectKBest()),
                ("expand", Nystroem(random_state=0)),
                ("m", SGDClassifier(loss="log_loss", max_iter=20, tol=None, random_state=0)),
            ]
        ),
        rare,
        "average_precision",
        (
            {
                "scale__with_mean": Cat((True, False)),
                "scale__with_std": Cat((True, False)),
                "select__k": Int(2, 15),
                "expand__kernel": Cat(("rbf", "sigmoid", "polynomial")),
                "expand__gamma": Real(1e-3, 1, log=True),
                "expand__coef0": Real(0, 2),
                "expand__degree": Int(1, 3),
                "expand__n_components": Int(5, 100, log=True),
                "m__alpha": Real(1e-6, 0.1, log=True),
                "m__l1_ratio": Real(0, 1),
                "m__penalty": Cat(("l2", "elasticnet")),
                "m__class_weight": Cat((None, "balanced")),
            },
        ),
    ),
]
BY_NAME = {problem.name: problem for problem in PROBLEMS}
