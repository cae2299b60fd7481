"""Kinds of tuning problems: an estimator, master ranges that are wider than users write them, and data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightgbm import LGBMClassifier
from problems import Branch, Cat, Int, Real, scaled
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR


@dataclass(frozen=True)
class Kind:
    """An estimator and its master ranges.

    Attributes
    ----------
    name, family : str
        Unique name, and the group of kinds that reports speak of.
    estimator : estimator
        What is tuned.
    scoring : str
        Metric.
    branches : tuple of dict
        Master ranges.
    data : tuple of str
        Names of data sets in `datasets`.
    n : int
        Number of evaluated candidates of each table.
    """

    name: str
    family: str
    estimator: Any
    scoring: str
    branches: tuple[Branch, ...]
    data: tuple[str, ...]
    n: int


def log(low: float, high: float) -> Real:
    """A log-uniform float."""
    return Real(low, high, log=True)


def log_int(low: int, high: int) -> Int:
    """A log-uniform integer."""
    return Int(low, high, log=True)


def both(values: Any = (True, False)) -> Cat:
    """A choice."""
    return Cat(tuple(values))


C, GAMMA = log(1e-4, 1e5), log(1e-6, 1e2)
SVM = {
    "m__kernel": both(("rbf", "poly", "sigmoid", "linear")),
    "m__C": log(1e-3, 1e3),
    "m__gamma": log(1e-5, 10),
    "m__degree": Int(2, 5),
    "m__coef0": Real(-1, 3),
    "m__class_weight": both((None, "balanced")),
    "m__shrinking": both(),
}
KERNEL_RIDGE = {
    "m__kernel": both(("rbf", "laplacian", "polynomial", "linear")),
    "m__alpha": log(1e-6, 1e3),
    "m__gamma": log(1e-5, 10),
    "m__degree": Int(1, 4),
    "m__coef0": Real(0, 3),
}
LEAVES = {
    "num_leaves": log_int(2, 64),
    "min_child_samples": log_int(1, 80),
    "learning_rate": log(1e-3, 1),
    "reg_lambda": log(1e-6, 1e2),
    "colsample_bytree": Real(0.1, 1),
    "n_estimators": log_int(2, 60),
}
MANY_LEAVES = LEAVES | {
    "subsample": Real(0.3, 1),
    "reg_alpha": log(1e-6, 1e2),
    "min_split_gain": log(1e-6, 10),
    "max_depth": Int(1, 12),
    "max_bin": log_int(4, 255),
    "extra_trees": both(),
}
FOREST = {
    "max_depth": log_int(1, 30),
    "max_features": Real(0.02, 1),
    "min_samples_leaf": log_int(1, 60),
    "min_samples_split": log_int(2, 100),
    "bootstrap": both(),
    "ccp_alpha": log(1e-6, 0.1),
}
NETWORK = {
    "m__hidden_layer_sizes": both(((8,), (32,), (96,), (32, 16))),
    "m__alpha": log(1e-7, 1e2),
    "m__learning_rate_init": log(1e-5, 1),
    "m__batch_size": log_int(8, 200),
    "m__activation": both(("relu", "tanh", "logistic")),
    "m__beta_1": Real(0.3, 0.99),
}
SGD = {
    "m__loss": both(("hinge", "log_loss", "modified_huber", "perceptron")),
    "m__penalty": both(("l1", "l2", "elasticnet")),
    "m__alpha": log(1e-8, 10),
    "m__l1_ratio": Real(0, 1),
    "m__learning_rate": both(("optimal", "constant", "invscaling", "adaptive")),
    "m__eta0": log(1e-5, 10),
    "m__power_t": Real(0.1, 1),
    "m__class_weight": both((None, "balanced")),
}
NEIGHBOURS = {
    "reduce__n_components": Real(0.3, 0.999),
    "reduce__whiten": both(),
    "m__n_neighbors": log_int(1, 120),
    "m__weights": both(("uniform", "distance")),
    "m__p": Real(1, 4),
}
SCALE = ("scale", StandardScaler())

KINDS = (
    Kind("svc-rbf", "smooth SVM", scaled(SVC(max_iter=20_000)), "accuracy", ({"m__C": C, "m__gamma": GAMMA},),
         ("pima", "ionosphere", "vehicle", "vowel", "banana", "digits", "sonar", "german"), 900),
    Kind("svr", "smooth SVM", scaled(SVR(max_iter=20_000)), "r2",
         ({"m__C": log(1e-3, 1e3), "m__gamma": GAMMA, "m__epsilon": log(1e-4, 2)},),
         ("hprice2", "friedman1", "fringe", "401ksubs", "diabetes", "airfare"), 1200),
    Kind("svc-kernels", "mixed, inert", scaled(SVC(max_iter=20_000)), "f1_macro", (SVM,),
         ("saheart", "segment", "heart", "texture", "phoneme", "contraceptive", "bands"), 1200),
    Kind("kernel-ridge", "mixed, inert", scaled(KernelRidge()), "r2", (KERNEL_RIDGE,),
         ("friedman2", "wage1", "beauty", "econmath", "fertil2", "meap93"), 1200),
    Kind("lightgbm", "boosting", LGBMClassifier(n_jobs=1, random_state=0, verbose=-1), "neg_log_loss", (LEAVES,),
         ("pima", "satimage", "spambase", "mammographic", "ring", "vehicle"), 800),
    Kind("histgb", "boosting", HistGradientBoostingClassifier(random_state=0), "roc_auc",
         ({"learning_rate": log(1e-3, 1), "max_iter": log_int(2, 40), "max_leaf_nodes": log_int(2, 40),
           "min_samples_leaf": log_int(1, 80), "l2_regularization": log(1e-6, 1e3), "max_features": Real(0.1, 1)},),
         ("german", "magic", "saheart"), 500),
    Kind("gradient-boosting", "boosting", GradientBoostingRegressor(random_state=0), "r2",
         ({"n_estimators": log_int(2, 60), "learning_rate": log(1e-3, 1), "max_depth": Int(1, 8),
           "subsample": Real(0.2, 1), "max_features": Real(0.05, 1), "min_samples_leaf": log_int(1, 60)},),
         ("friedman1", "hprice2", "airfare", "card", "attend"), 600),
    Kind("forest", "forests", RandomForestClassifier(12, random_state=0), "accuracy",
         (FOREST | {"criterion": both(("gini", "entropy"))},),
         ("vowel", "splice", "sonar", "contraceptive", "australian", "magic"), 450),
    Kind("extra-trees", "forests", ExtraTreesRegressor(12, random_state=0), "neg_root_mean_squared_error", (FOREST,),
         ("wage1", "friedman3", "fertil2", "elem94_95", "labsup"), 600),
    Kind("mlp", "neural networks", scaled(MLPClassifier(max_iter=10, random_state=0)), "accuracy", (NETWORK,),
         ("digits", "ionosphere", "twonorm", "german", "segment", "tic-tac-toe"), 450),
    Kind("mlp-regressor", "neural networks", scaled(MLPRegressor(max_iter=10, random_state=0)), "r2",
         ({name: values for name, values in NETWORK.items() if name != "m__beta_1"},),
         ("friedman1", "hprice2", "wage2", "beauty"), 450),
    Kind("sgd", "linear, SGD", scaled(SGDClassifier(max_iter=20, tol=None, random_state=0)), "f1_macro", (SGD,),
         ("phoneme", "spambase", "heart", "movement_libras", "bupa", "satimage"), 1200),
    Kind("elastic-net", "linear, SGD",
         Pipeline([SCALE, ("poly", PolynomialFeatures(include_bias=False)), ("m", ElasticNet(max_iter=300))]), "r2",
         ({"poly__degree": Int(1, 2), "poly__interaction_only": both(), "m__alpha": log(1e-5, 10),
           "m__l1_ratio": Real(0, 1), "m__fit_intercept": both()},),
         ("diabetes", "attend", "401k", "gpa2", "meap93"), 600),
    Kind("knn", "neighbours", Pipeline([SCALE, ("reduce", PCA(random_state=0)), ("m", KNeighborsClassifier())]),
         "neg_log_loss", (NEIGHBOURS | {"m__n_neighbors": log_int(5, 120)},),
         ("texture", "ring", "hastie", "mammographic", "penbased"), 1000),
    Kind("knn-regressor", "neighbours",
         Pipeline([SCALE, ("reduce", PCA(random_state=0)), ("m", KNeighborsRegressor())]), "r2",
         (NEIGHBOURS,), ("fringe", "friedman1", "econmath", "airfare"), 1000),
    Kind("nystroem", "pipelines",
         Pipeline([SCALE, ("map", Nystroem(random_state=0)), ("m", LogisticRegression(max_iter=60))]), "neg_log_loss",
         ({"map__kernel": both(("rbf", "laplacian", "sigmoid")), "map__gamma": log(1e-5, 10),
           "map__n_components": log_int(3, 120), "m__C": log(1e-4, 1e4), "m__class_weight": both((None, "balanced"))},),
         ("pima", "banana", "digits", "phoneme", "hastie"), 600),
    Kind("poly-ridge", "pipelines",
         Pipeline([SCALE, ("poly", PolynomialFeatures()), ("select", SelectKBest()), ("m", Ridge())]), "r2",
         ({"poly__degree": Int(1, 3), "poly__interaction_only": both(), "select__k": log_int(1, 60),
           "m__alpha": log(1e-4, 1e6), "m__fit_intercept": both()},),
         ("friedman3", "hprice2", "friedman2", "catholic"), 600),
    Kind("any-classifier", "branches", scaled(SVC()), "accuracy",
         ({"m": Cat((SVC(max_iter=20_000),)), "m__C": log(1e-3, 1e4), "m__gamma": log(1e-5, 10)},
          {"m": Cat((KNeighborsClassifier(),)), "m__n_neighbors": log_int(1, 100), "m__p": Real(1, 3)},
          {"m": Cat((RandomForestClassifier(10, random_state=0),)), "m__max_depth": log_int(1, 20),
           "m__max_features": Real(0.05, 1), "m__min_samples_leaf": log_int(1, 40)},
          {"m": Cat((LogisticRegression(max_iter=60),)), "m__C": log(1e-5, 1e4)},
          {"m": Cat((LinearDiscriminantAnalysis(solver="lsqr"),)), "m__shrinkage": log(1e-5, 1)}),
         ("vehicle", "sonar", "twonorm", "bands", "wine", "saheart"), 1000),
    Kind("any-regressor", "branches", scaled(SVR()), "neg_root_mean_squared_error",
         ({"m": Cat((SVR(max_iter=20_000),)), "m__C": log(1e-3, 1e3), "m__gamma": log(1e-5, 10),
           "m__epsilon": log(1e-3, 2)},
          {"m": Cat((ElasticNet(),)), "m__alpha": log(1e-5, 10), "m__l1_ratio": Real(0.01, 1)},
          {"m": Cat((KNeighborsRegressor(),)), "m__n_neighbors": log_int(1, 100), "m__p": Real(1, 3)},
          {"m": Cat((ExtraTreesRegressor(10, random_state=0),)), "m__max_depth": log_int(1, 20),
           "m__max_features": Real(0.05, 1), "m__min_samples_leaf": log_int(1, 40)}),
         ("diabetes", "wage1", "friedman1", "catholic"), 1000),
    Kind("many-parameters", "high dimension", LGBMClassifier(n_jobs=1, random_state=0, verbose=-1, subsample_freq=1),
         "roc_auc", (MANY_LEAVES,), ("german", "spambase", "ionosphere", "phoneme", "bupa"), 900),
    Kind("long-pipeline", "high dimension",
         Pipeline([SCALE, ("reduce", PCA(random_state=0)), ("select", SelectKBest(k="all")),
                   ("m", SVC(max_iter=20_000))]), "accuracy",
         ({"scale__with_mean": both(), "scale__with_std": both(), "reduce__n_components": Real(0.4, 0.999),
           "reduce__whiten": both(), "m__C": log(1e-4, 1e4), "m__gamma": log(1e-6, 10),
           "m__kernel": both(("rbf", "poly", "sigmoid")), "m__degree": Int(2, 4), "m__coef0": Real(0, 2),
           "m__class_weight": both((None, "balanced")), "m__tol": log(1e-5, 1e-1)},),
         ("vowel", "german", "cancer", "heart", "splice"), 900),
)  # fmt: skip
BY_KIND = {kind.name: kind for kind in KINDS}
