"""Small tuning problems to develop on: what `ablation.py` decides by, so that the problems of `tuning.py` stay unseen.

Data of 150 to 250 rows and estimators that take milliseconds, in the terms of `problems.py`; none of them is
one of the problems there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problems import Cat, Int, Problem, Real, loading, scaled
from sklearn import datasets
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def log(low: float, high: float) -> Real:
    """A log-uniform float."""
    return Real(low, high, log=True)


def made(make: Callable[..., Any], **arguments: Any) -> Callable[[], Any]:
    """Make data later."""
    return lambda: make(**arguments)


iris, wine = loading(datasets.load_iris, 150), loading(datasets.load_wine, 178)
cancer, diabetes = loading(datasets.load_breast_cancer, 240), loading(datasets.load_diabetes, 250)
digits = loading(datasets.load_digits, 240)
friedman2 = made(datasets.make_friedman2, n_samples=220, noise=50.0, random_state=1)
friedman3 = made(datasets.make_friedman3, n_samples=220, noise=0.1, random_state=1)
circles = made(datasets.make_circles, n_samples=240, noise=0.25, factor=0.5, random_state=2)
shells = made(datasets.make_gaussian_quantiles, n_samples=240, n_features=6, n_classes=3, random_state=3)
rare = made(
    datasets.make_classification,
    n_samples=240,
    n_features=12,
    n_informative=4,
    weights=[0.8],
    flip_y=0.05,
    random_state=5,
)
noisy = made(
    datasets.make_classification,
    n_samples=240,
    n_features=20,
    n_informative=6,
    n_classes=3,
    flip_y=0.1,
    random_state=6,
)

PROBLEMS = [
    Problem(
        "svc-wine", scaled(SVC()), wine, "accuracy", ({"m__C": log(1e-3, 1e3), "m__gamma": log(1e-5, 10)},)
    ),
    Problem(
        "svc-circles",
        SVC(max_iter=2000),
        circles,
        "accuracy",
        (
            {
                "C": log(1e-3, 1e3),
                "gamma": log(1e-4, 100),
                "kernel": Cat(("rbf", "poly", "sigmoid")),
                "coef0": Real(-1, 1),
            },
        ),
    ),
    Problem(
        "svc-hard",
        scaled(SVC()),
        noisy,
        "f1_macro",
        ({"m__C": log(1e-2, 1e3), "m__gamma": log(1e-4, 1), "m__class_weight": Cat((None, "balanced"))},),
    ),
    Problem(
        "svr-f2",
        scaled(SVR()),
        friedman2,
        "r2",
        ({"m__C": log(1e-2, 1e4), "m__gamma": log(1e-4, 10), "m__epsilon": log(0.1, 100)},),
        False,
    ),
    Problem(
        "krr-f3",
        scaled(KernelRidge()),
        friedman3,
        "neg_mean_squared_error",
        (
            {
                "m__kernel": Cat(("rbf", "laplacian", "polynomial", "sigmoid")),
                "m__alpha": log(1e-6, 10),
                "m__gamma": log(1e-3, 10),
            },
        ),
        False,
    ),
    Problem(
        "knn-pipe",
        Pipeline([("s", StandardScaler()), ("k", SelectKBest()), ("m", KNeighborsClassifier())]),
        cancer,
        "roc_auc",
        (
            {
                "s": Cat((StandardScaler(), MinMaxScaler(), RobustScaler(), "passthrough")),
                "k__k": Int(2, 30),
                "m__n_neighbors": Int(1, 60, log=True),
                "m__weights": Cat(("uniform", "distance")),
                "m__p": Real(1, 3),
            },
        ),
    ),
    Problem(
        "knnr-dia",
        scaled(KNeighborsRegressor()),
        diabetes,
        "neg_mean_absolute_error",
        ({"m__n_neighbors": Int(1, 80), "m__weights": Cat(("uniform", "distance")), "m__p": Real(1, 4)},),
        False,
    ),
    Problem(
        "tree-dig",
        DecisionTreeClassifier(random_state=0),
        digits,
        "neg_log_loss",
        (
            {
                "max_depth": Int(1, 20),
                "min_samples_leaf": Int(1, 40, log=True),
                "max_features": Real(0.05, 1),
                "criterion": Cat(("gini", "entropy")),
                "ccp_alpha": log(1e-5, 0.1),
            },
        ),
    ),
    Problem(
        "tree-f2",
        DecisionTreeRegressor(random_state=0),
        friedman2,
        "r2",
        (
            {
                "max_depth": Int(1, 20),
                "min_samples_leaf": Int(1, 40, log=True),
                "min_samples_split": Int(2, 60, log=True),
                "max_features": Real(0.1, 1),
                "splitter": Cat(("best", "random")),
                "criterion": Cat(("squared_error", "absolute_error")),
            },
        ),
        False,
    ),
    Problem(
        "lin-branches",
        Pipeline([("s", StandardScaler()), ("p", PolynomialFeatures()), ("m", Ridge())]),
        diabetes,
        "r2",
        (
            {"p__degree": Int(1, 2), "m": Cat((Ridge(),)), "m__alpha": log(1e-3, 1e5)},
            {"p__degree": Int(1, 2), "m": Cat((Lasso(max_iter=300),)), "m__alpha": log(1e-3, 1e2)},
            {
                "p__degree": Int(1, 2),
                "m": Cat((SVR(kernel="linear"),)),
                "m__C": log(1e-2, 10),
                "m__epsilon": log(0.1, 50),
            },
        ),
        False,
    ),
    Problem(
        "sgd-imb",
        scaled(SGDClassifier(max_iter=20, tol=None, random_state=0)),
        rare,
        "f1",
        (
            {
                "m__alpha": log(1e-6, 1),
                "m__loss": Cat(("hinge", "log_loss", "modified_huber")),
                "m__penalty": Cat(("l1", "l2", "elasticnet")),
                "m__l1_ratio": Real(0, 1),
                "m__eta0": log(1e-4, 1),
                "m__learning_rate": Cat(("optimal", "constant", "adaptive")),
                "m__class_weight": Cat((None, "balanced")),
            },
        ),
    ),
    Problem(
        "mlp-gq",
        scaled(MLPClassifier(max_iter=8, random_state=0)),
        shells,
        "accuracy",
        (
            {
                "m__hidden_layer_sizes": Cat(((8,), (32,), (16, 8))),
                "m__alpha": log(1e-6, 10),
                "m__learning_rate_init": log(1e-4, 0.3),
                "m__batch_size": Int(16, 128, log=True),
                "m__activation": Cat(("relu", "tanh")),
            },
        ),
    ),
    Problem(
        "nys-gq",
        Pipeline(
            [("s", StandardScaler()), ("n", Nystroem(random_state=0)), ("m", LogisticRegression(max_iter=60))]
        ),
        shells,
        "neg_log_loss",
        (
            {
                "n__gamma": log(1e-3, 3),
                "n__n_components": Int(5, 80, log=True),
                "n__kernel": Cat(("rbf", "laplacian", "polynomial")),
                "m__C": log(1e-3, 1e3),
            },
        ),
    ),
    Problem(
        "disc-iris",
        scaled(LinearDiscriminantAnalysis()),
        iris,
        "neg_log_loss",
        (
            {"m": Cat((LinearDiscriminantAnalysis(solver="lsqr"),)), "m__shrinkage": log(1e-4, 1)},
            {"m": Cat((QuadraticDiscriminantAnalysis(),)), "m__reg_param": log(1e-4, 1)},
            {"m": Cat((GaussianNB(),)), "m__var_smoothing": log(1e-10, 1)},
            {"m": Cat((KNeighborsClassifier(),)), "m__n_neighbors": Int(3, 60, log=True)},
        ),
    ),
    Problem(
        "gbr-f3",
        GradientBoostingRegressor(n_estimators=15, random_state=0),
        friedman3,
        "r2",
        (
            {
                "learning_rate": log(0.01, 1),
                "max_depth": Int(1, 8),
                "subsample": Real(0.3, 1),
                "max_features": Real(0.1, 1),
                "min_samples_leaf": Int(1, 30, log=True),
            },
        ),
        False,
    ),
    Problem(
        "et-hard",
        ExtraTreesClassifier(6, random_state=0),
        noisy,
        "roc_auc_ovr",
        (
            {
                "max_depth": Int(1, 20, log=True),
                "max_features": Real(0.05, 1),
                "min_samples_leaf": Int(1, 20, log=True),
                "criterion": Cat(("gini", "entropy")),
                "bootstrap": Cat((True, False)),
            },
        ),
    ),
]
