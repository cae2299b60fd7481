"""Digests of what searches return, to compare two versions of the package.

Prints one line per case: its name, a digest, the number of candidates, the best row, the best score and the
reason why the search ended. The digest is of the candidates (with the order of their parameters), of every
score in full precision, of states, ranks, the best row, the refitted model's predictions and the number of
shared fits. Times, warnings and printed texts are left out.

Two versions are compared with two checkouts, in one environment, from any folder::

    PYTHONPATH=/path/to/old python /path/to/new/tests/benchmarks/identical.py > old.txt
    PYTHONPATH=/path/to/new python /path/to/new/tests/benchmarks/identical.py > new.txt
    diff old.txt new.txt

Where a line differs, ``python tests/benchmarks/identical.py --values NAME`` prints the values of that case,
for another ``diff``. Names (or parts of names) of cases restrict a run to these cases. All cases take about a
minute.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import parallel_config
from scipy import sparse
from scipy.stats import loguniform, randint, uniform
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

import skhpt
from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch

Values = dict[str, Any]
Case = Callable[[], Values]

#: All cases by name, in the order in which they run.
CASES: dict[str, Case] = {}
#: Columns of ``cv_results_`` that depend on the speed of the machine.
TIMES = ("fit_time", "score_time", "refit_time")


def case(function: Case) -> Case:
    """Add a function to the cases, under its own name."""
    CASES[function.__name__.replace("_", "-")] = function
    return function


# -- what is compared ----------------------------------------------------------------------------------------


def as_text(value: Any) -> str:
    """Write a value with all digits; dicts keep the order of their items."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {as_text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, np.ma.MaskedArray):
        return as_text(value.tolist())
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape} {as_text(value.tolist())}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ", ".join(map(as_text, value)) + ")"
    return f"{type(value).__name__} {value!r}"


def folds_of(search: Any) -> list[Any]:
    """Return what each fold of each trial came to, in the order of the history."""
    return [
        (fold.candidate, fold.split, fold.state, fold.test_score, fold.train_score)
        for trial in search.history_
        for fold in trial.folds
    ]


def outcome(search: Any, X: Any = None) -> Values:
    """Return all of a fitted search that must not depend on the version of the package."""
    table = search.cv_results_
    values = {f"cv_results_[{name}]": column for name, column in table.items() if not name.endswith(TIMES)}
    values["asked"] = [trial.candidate.params for trial in search.history_]
    values["states"] = [trial.state for trial in search.history_]
    values["folds"] = folds_of(search)
    values["n_fits"] = search.reuse_report_.n_fits
    for name in ("n_splits_", "best_index_", "best_score_", "best_params_", "stop_reason_", "multimetric_"):
        values[name] = getattr(search, name, "none")
    if X is not None and hasattr(search, "best_estimator_"):
        values["predictions"] = search.predict(X)
    return values


def fitted(search: Any, data: Any) -> Values:
    """Fit a search, and return its outcome."""
    return outcome(search.fit(*data), data[0])


def with_corrected_score(search: Any, data: Any) -> Values:
    """Fit a search that keeps predictions, and return what follows from them too."""
    values = fitted(search, data)
    values["corrected_score_"] = tuple(search.corrected_score_)
    values["out_of_fold"] = search.out_of_fold_predictions()
    return values


# -- problems ------------------------------------------------------------------------------------------------

IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)
CANCER = tuple(part[:250] for part in load_breast_cancer(return_X_y=True))
DIABETES = load_diabetes(return_X_y=True)
DIGITS = (load_digits().data[:300] / 16, load_digits().target[:300])

PIPELINE = Pipeline(
    [("scale", StandardScaler()), ("reduce", PCA(random_state=0)), ("clf", LogisticRegression())]
)
PIPELINE_GRID = {"reduce__n_components": [2, 4], "clf__C": [0.1, 1.0, 10.0], "scale__with_std": [True, False]}
SVC_SPACE = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1.0)}
MIXED_SPACE = [
    {"kernel": ["linear"], "C": loguniform(1e-2, 1e2)},
    {"kernel": ["rbf", "sigmoid"], "C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1.0)},
    {"kernel": ["poly"], "degree": [2, 3, 4], "coef0": uniform(0, 1)},
]
TREE_SPACE = {
    "max_depth": randint(1, 12),
    "min_samples_leaf": skhpt.distributions.loguniform_int(1, 40),
    "criterion": ["gini", "entropy", "log_loss"],
    "ccp_alpha": skhpt.distributions.quantized(uniform(0, 0.05), 0.005),
}
FOREST_SPACE = {"max_depth": randint(1, 9), "max_features": [1, 2, 4], "min_samples_leaf": randint(1, 9)}
FOLDS = KFold(3, shuffle=True, random_state=0)


# -- grids ---------------------------------------------------------------------------------------------------


@case
def grid_pipeline_shared() -> Values:
    return fitted(GridSearch(PIPELINE, PIPELINE_GRID), WINE)


@case
def grid_pipeline_reuse_false() -> Values:
    return fitted(GridSearch(PIPELINE, PIPELINE_GRID, reuse=False), WINE)


@case
def grid_pipeline_two_workers() -> Values:
    return fitted(GridSearch(PIPELINE, PIPELINE_GRID, n_jobs=2), WINE)


@case
def grid_pipeline_two_threads() -> Values:
    with parallel_config("threading", n_jobs=2):
        return fitted(GridSearch(PIPELINE, PIPELINE_GRID), WINE)


@case
def grid_in_own_process() -> Values:
    return fitted(GridSearch(SVC(), {"C": [0.1, 1, 10]}, fit_timeout=300), IRIS)


@case
def grid_steps_as_parameters() -> Values:
    grid = {"reduce": [PCA(3, random_state=0), SelectKBest(k=3), "passthrough"], "clf": [SVC(), GaussianNB()]}
    return fitted(GridSearch(PIPELINE, grid, return_train_score=True), WINE)


@case
def grid_list_of_dicts_two_metrics() -> Values:
    grid = [{"C": [0.1, 1, 10]}, {"kernel": ["poly"], "degree": [2, 3]}]
    return fitted(GridSearch(SVC(), grid, scoring=["accuracy", "f1_macro"], refit="f1_macro"), IRIS)


@case
def grid_of_distributions() -> Values:
    return fitted(GridSearch(SVC(), SVC_SPACE, resolution={"C": 4, "gamma": 3}, cv=FOLDS), IRIS)


@case
def grid_constraint() -> Values:
    grid = {"C": [0.1, 1, 10], "gamma": [0.01, 0.1, 1]}
    return fitted(GridSearch(SVC(), grid, constraint=lambda params: params["C"] * params["gamma"] < 1), IRIS)


@case
def grid_failing_candidates() -> Values:
    grid = {"C": [-1.0, 1.0, 10.0], "kernel": ["rbf", "nonsense"]}
    return fitted(GridSearch(SVC(), grid, error_score=0.25, return_train_score=True), IRIS)


@case
def grid_failing_candidates_two_workers() -> Values:
    return fitted(GridSearch(SVC(), {"C": [-1.0, 1.0, 10.0]}, n_jobs=2), IRIS)


@case
def grid_sub_models_exact() -> Values:
    grid = {"n_neighbors": [1, 3, 5, 9], "weights": ["uniform", "distance"], "p": [1, 2]}
    return fitted(GridSearch(KNeighborsClassifier(), grid, return_train_score=True), CANCER)


@case
def grid_sub_models_close() -> Values:
    values = fitted(
        GridSearch(Ridge(), {"alpha": np.logspace(-3, 3, 9), "fit_intercept": [True, False]}), DIABETES
    )
    close = GridSearch(
        KernelRidge(kernel="rbf"), {"alpha": [0.01, 0.1, 1.0], "gamma": [0.1, 1.0]}, reuse="close"
    )
    return values | {f"close {name}": value for name, value in fitted(close, DIABETES).items()}


@case
def grid_pruned_trees() -> Values:
    grid = {"ccp_alpha": [0.0, 0.005, 0.01, 0.02], "max_depth": [2, 4, None]}
    return fitted(GridSearch(DecisionTreeClassifier(random_state=0), grid), CANCER)


@case
def grid_global_random_numbers() -> Values:
    np.random.seed(3)
    return fitted(GridSearch(ExtraTreesClassifier(5), {"max_depth": [1, 3, None]}, cv=ShuffleSplit(3)), IRIS)


@case
def grid_sample_weights() -> Values:
    weights = np.linspace(0.1, 2.0, len(IRIS[0]))
    search = GridSearch(SVC(), {"C": [0.1, 1, 10]}).fit(*IRIS, sample_weight=weights)
    return outcome(search, IRIS[0])


@case
def grid_warm_start_grows() -> Values:
    search = GridSearch(SVC(), {"C": [0.1, 1]}, warm_start=True, cv=FOLDS).fit(*IRIS)
    search.set_params(param_grid={"C": [1, 10], "kernel": ["rbf", "linear"]})
    return fitted(search, IRIS)


@case
def grid_target_score_and_patience() -> Values:
    values = fitted(GridSearch(SVC(), {"C": [1e-3, 0.1, 1, 10]}, target_score=0.95), IRIS)
    patient = GridSearch(SVC(), {"C": [1, 1e-3, 1e-2, 10]}, patience=2)
    return values | {f"patience {name}": value for name, value in fitted(patient, IRIS).items()}


@case
def grid_rules_of_select() -> Values:
    grid = {"max_depth": [7, 5, 4, 3, 2, 1], "min_samples_leaf": [1, 5]}
    rules = [
        skhpt.select.one_standard_error(by=["max_depth", "-min_samples_leaf"]),
        skhpt.select.within_percent(1, by="max_depth"),
    ]
    values = {}
    for i, rule in enumerate(rules):
        search = GridSearch(DecisionTreeClassifier(random_state=0), grid, refit=rule)
        values |= {f"{i} {name}": value for name, value in fitted(search, WINE).items()}
    return values


@case
def grid_callable_refit() -> Values:
    def refit(table: Any) -> int:
        return int(np.argmin(table["mean_test_score"]))

    return fitted(GridSearch(SVC(), {"C": [0.001, 1]}, refit=refit), IRIS)


# -- one fit that serves several candidates ------------------------------------------------------------------

NEIGHBORS = KNeighborsClassifier()
WORDS = (
    [" ".join(f"pixel{i}is{value:.0f}" for i, value in enumerate(16 * row)) for row in DIGITS[0]],
    DIGITS[1],
)
#: Models that candidates share only up to rounding.
SHARED_CLOSELY = ("svr", "svc-poly", "lasso", "lda", "pls")
#: Estimator, grid and data of searches whose candidates share one model.
SHARED_MODELS = {
    "forest": (
        RandomForestClassifier(random_state=0),
        {"n_estimators": [3, 7, 12], "ccp_alpha": [0.0, 0.01]},
        IRIS,
    ),
    "bagging": (BaggingClassifier(random_state=0), {"n_estimators": [3, 7]}, IRIS),
    "adaboost": (AdaBoostClassifier(random_state=0), {"n_estimators": [3, 7]}, IRIS),
    "gradient-boosting": (GradientBoostingClassifier(random_state=0), {"n_estimators": [3, 7]}, IRIS),
    "hist-boosting": (HistGradientBoostingClassifier(random_state=0), {"max_iter": [3, 7]}, IRIS),
    "lasso": (Lasso(), {"max_iter": [1000, 2000], "alpha": [0.1, 1.0]}, DIABETES),
    "ridge-classifier": (RidgeClassifier(), {"alpha": [0.1, 1.0, 10.0]}, CANCER),
    "kernel-ridge": (KernelRidge(kernel="poly"), {"alpha": [0.1, 1.0], "degree": [2, 3]}, DIABETES),
    "pls": (PLSRegression(), {"n_components": [1, 2, 4]}, DIABETES),
    "lda": (
        LinearDiscriminantAnalysis(solver="eigen"),
        {"shrinkage": [0.1, 0.5], "n_components": [1, 2]},
        WINE,
    ),
    "svr": (SVR(), {"C": [1.0, 10.0], "gamma": [0.1, 1.0]}, DIABETES),
    "svc-poly": (SVC(kernel="poly"), {"C": [0.1, 1.0], "degree": [2, 3], "coef0": [0.0, 1.0]}, IRIS),
    "neighbors-kd-tree": (KNeighborsClassifier(algorithm="kd_tree"), {"n_neighbors": [1, 5, 9]}, IRIS),
    "multinomial-bayes": (MultinomialNB(), {"alpha": [0.1, 1.0], "fit_prior": [True, False]}, DIGITS),
    "voting": (VotingClassifier([("a", GaussianNB()), ("b", NEIGHBORS)]), {"weights": [None, [1, 2]]}, IRIS),
    "stacking": (
        StackingClassifier([("a", GaussianNB()), ("b", NEIGHBORS)]),
        {"final_estimator": [GaussianNB(), DecisionTreeClassifier(max_depth=1)]},
        IRIS,
    ),
    "threshold": (FixedThresholdClassifier(GaussianNB()), {"threshold": [0.2, 0.5, 0.8]}, CANCER),
    "pca": (make_pipeline(PCA(random_state=0), GaussianNB()), {"pca__n_components": [2, 4, 0.9]}, WINE),
    "select": (make_pipeline(SelectKBest(), GaussianNB()), {"selectkbest__k": [2, 4, 8]}, WINE),
    "words": (
        make_pipeline(TfidfVectorizer(), MultinomialNB()),
        {
            "tfidfvectorizer__min_df": [1, 3],
            "tfidfvectorizer__use_idf": [True, False],
            "multinomialnb__alpha": [0.1, 1],
        },
        WORDS,
    ),
}


def shared_model(name: str, **params: Any) -> Case:
    """Return the case of an estimator whose candidates share fits."""
    estimator, grid, data = SHARED_MODELS[name]
    return lambda: fitted(GridSearch(estimator, grid, cv=FOLDS, return_train_score=True, **params), data)


CASES |= {f"shared-{name}": shared_model(name) for name in SHARED_MODELS}
CASES |= {f"shared-close-{name}": shared_model(name, reuse="close") for name in SHARED_CLOSELY}


# -- kinds of data -------------------------------------------------------------------------------------------


@case
def data_frame() -> Values:
    X, y = load_iris(return_X_y=True, as_frame=True)
    scale = ColumnTransformer([("scale", StandardScaler(), list(X.columns[:2]))], remainder="passthrough")
    grid = {"columntransformer__scale__with_mean": [True, False], "svc__C": [0.1, 10.0]}
    return fitted(GridSearch(make_pipeline(scale, SVC()), grid), (X, y))


@case
def data_sparse() -> Values:
    grid = {"multinomialnb__alpha": [0.1, 1.0], "selectkbest__k": [10, 20]}
    data = (sparse.csr_matrix(DIGITS[0]), DIGITS[1])
    return fitted(GridSearch(make_pipeline(SelectKBest(chi2), MultinomialNB()), grid), data)


@case
def data_groups() -> Values:
    X, y = IRIS
    search = RandomSearch(
        SVC(), SVC_SPACE, n_iter=5, random_state=0, cv=GroupKFold(3), return_predictions=True
    )
    search.fit(X, y, groups=np.arange(len(X)) // 5)
    return outcome(search, X) | {"corrected_score_": tuple(search.corrected_score_)}


@case
def data_in_time() -> Values:
    options = {"resource": "n_samples", "n_candidates": 9, "random_state": 0, "cv": TimeSeriesSplit(3)}
    return with_ladder(HyperbandSearchCV(Ridge(), {"alpha": loguniform(1e-3, 1e2)}, **options), DIABETES)


@case
def data_without_target() -> Values:
    search = GridSearch(PCA(random_state=0), {"n_components": [1, 2, 3]}, cv=FOLDS).fit(IRIS[0])
    return outcome(search) | {"transformed": search.transform(IRIS[0])}


@case
def data_with_two_targets() -> Values:
    y = np.column_stack([DIABETES[1], DIABETES[0][:, 2]])
    return fitted(
        BayesSearchCV(Ridge(), {"alpha": loguniform(1e-3, 1e2)}, n_iter=8, random_state=0), (DIABETES[0], y)
    )


# -- random draws --------------------------------------------------------------------------------------------


def random_search(sampler: str, **params: Any) -> Any:
    """Make a search over trees."""
    tree = DecisionTreeClassifier(random_state=0)
    return RandomSearch(tree, TREE_SPACE, n_iter=16, sampler=sampler, random_state=1, cv=FOLDS, **params)


@case
def random() -> Values:
    return fitted(random_search("random"), CANCER)


@case
def random_unique() -> Values:
    space = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}
    tree = DecisionTreeClassifier(random_state=0)
    return fitted(RandomSearch(tree, space, n_iter=5, unique=True, random_state=0), IRIS)


@case
def random_sobol() -> Values:
    return fitted(random_search("sobol"), CANCER)


@case
def random_halton() -> Values:
    return fitted(random_search("halton", return_train_score=True), CANCER)


@case
def random_list_of_dicts() -> Values:
    return fitted(RandomSearch(SVC(), MIXED_SPACE, n_iter=15, random_state=2), IRIS)


@case
def random_state_object() -> Values:
    state = np.random.RandomState(7)
    values = fitted(RandomSearch(SVC(), SVC_SPACE, n_iter=5, random_state=state), IRIS)
    return values | {"next draw": state.randint(10**6)}


@case
def random_racing() -> Values:
    return fitted(RandomSearch(SVC(), MIXED_SPACE, n_iter=15, random_state=3, racing=True), IRIS)


@case
def random_racing_two_workers() -> Values:
    return fitted(RandomSearch(SVC(), MIXED_SPACE, n_iter=15, random_state=3, racing=True, n_jobs=2), IRIS)


@case
def random_pipeline_shared() -> Values:
    space = {"reduce__n_components": [2, 4, 6], "clf__C": loguniform(1e-2, 1e2)}
    return fitted(RandomSearch(PIPELINE, space, n_iter=12, random_state=0), WINE)


@case
def random_previous() -> Values:
    first = RandomSearch(SVC(), SVC_SPACE, n_iter=4, random_state=0, cv=FOLDS).fit(*IRIS)
    return fitted(RandomSearch(SVC(), SVC_SPACE, n_iter=4, random_state=1, cv=FOLDS, previous=first), IRIS)


@case
def random_warm_start_grows() -> Values:
    search = RandomSearch(SVC(), SVC_SPACE, n_iter=4, random_state=0, warm_start=True).fit(*IRIS)
    return fitted(search.set_params(n_iter=9), IRIS)


@case
def random_with_journal() -> Values:
    with TemporaryDirectory() as folder:
        journal = os.path.join(folder, "search.jsonl")
        fitted(RandomSearch(SVC(), MIXED_SPACE, n_iter=6, random_state=2, journal=journal), IRIS)
        values = fitted(RandomSearch(SVC(), MIXED_SPACE, n_iter=9, random_state=2, journal=journal), IRIS)
        view = skhpt.read_journal(journal)
        return values | {"read": (view.best_params, view.best_score, [trial.state for trial in view.history])}


@case
def random_corrected_score() -> Values:
    search = RandomSearch(SVC(), SVC_SPACE, n_iter=8, random_state=0, return_predictions=True)
    return with_corrected_score(search, CANCER)


@case
def random_corrected_score_regression() -> Values:
    space = {"alpha": loguniform(1e-4, 1e2), "fit_intercept": [True, False]}
    search = RandomSearch(Ridge(), space, n_iter=8, random_state=0, return_predictions=True, scoring="r2")
    return with_corrected_score(search, DIABETES)


@case
def space_samples_and_codes() -> Values:
    values: Values = {}
    for name, params in (("tree", TREE_SPACE), ("mixed", MIXED_SPACE)):
        space = skhpt.Space(params)
        for method in ("random", "sobol", "halton"):
            points = space.sample(8, 0, method=method)
            codes = space.encode(points)
            values[f"{name} {method}"] = (points, codes, space.decode(codes))
        values[f"{name} grid"] = space.grid(resolution=2)
    return values


# -- manual candidates ---------------------------------------------------------------------------------------


@case
def manual() -> Values:
    candidates = [{"C": 0.1}, {"C": 3, "kernel": "linear"}, {}]
    return fitted(ManualSearch(SVC(), candidates, return_train_score=True), IRIS)


@case
def manual_evaluate() -> Values:
    search = ManualSearch(SVC(), [{"C": 0.1}, {"C": 3, "kernel": "linear"}, {}]).fit(*IRIS)
    scores = [search.evaluate(*IRIS, C=c, gamma=0.5) for c in (1, 10, 1)]
    return outcome(search, IRIS[0]) | {"scores": scores}


@case
def manual_evaluate_before_fit() -> Values:
    search = ManualSearch(SVC(), [{"C": 1}, {"C": 5}], warm_start=True)
    scores = [search.evaluate(*IRIS, C=c) for c in (2, 5)]
    return fitted(search, IRIS) | {"scores": scores}


@case
def manual_corrected_score() -> Values:
    candidates = [{"var_smoothing": 10.0**-k} for k in range(1, 7)]
    search = ManualSearch(GaussianNB(), candidates, return_predictions=True, scoring="neg_log_loss")
    return with_corrected_score(search, IRIS)


# -- Bayesian optimisation -----------------------------------------------------------------------------------


def bayes_search(space: Any = SVC_SPACE, **params: Any) -> Any:
    """Make a search over support vector machines."""
    return BayesSearchCV(SVC(), space, **{"n_iter": 16, "random_state": 0, "cv": FOLDS} | params)


def with_expected_scores(search: Any, data: Any) -> Values:
    """Fit a search, and return what its surrogate expects of its candidates too."""
    values = fitted(search, data)
    return values | {"predict_score": search.predict_score(search.cv_results_["params"])}


@case
def bayes() -> Values:
    return with_expected_scores(bayes_search(), IRIS)


@case
def bayes_two_workers() -> Values:
    return fitted(bayes_search(n_jobs=2), IRIS)


@case
def bayes_racing() -> Values:
    return fitted(bayes_search(racing=True, cv=5, n_iter=18), CANCER)


@case
def bayes_max_pending() -> Values:
    return fitted(bayes_search(max_pending=3), IRIS)


@case
def bayes_max_pending_two_workers() -> Values:
    return fitted(bayes_search(max_pending=3, n_jobs=2), IRIS)


@case
def bayes_branches() -> Values:
    return with_expected_scores(bayes_search(MIXED_SPACE, n_iter=20), IRIS)


@case
def bayes_trees() -> Values:
    tree = DecisionTreeClassifier(random_state=0)
    return fitted(BayesSearchCV(tree, TREE_SPACE, n_iter=18, random_state=0, n_initial=6, cv=FOLDS), CANCER)


@case
def bayes_ucb() -> Values:
    return fitted(bayes_search(acquisition="ucb"), IRIS)


@case
def bayes_two_metrics() -> Values:
    return fitted(bayes_search(scoring=["accuracy", "neg_mean_squared_error"], refit="accuracy"), IRIS)


@case
def bayes_finite_space() -> Values:
    return fitted(bayes_search({"C": [0.1, 0.3, 1, 3, 10, 30], "kernel": ["rbf", "linear", "poly"]}), IRIS)


@case
def bayes_small_space() -> Values:
    return fitted(bayes_search({"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}), IRIS)


@case
def bayes_constraint() -> Values:
    return fitted(bayes_search(constraint=lambda params: params["C"] * params["gamma"] < 1), IRIS)


@case
def bayes_failing_candidates() -> Values:
    space = {"C": loguniform(1e-2, 1e2), "kernel": ["rbf", "nonsense"]}
    return fitted(bayes_search(space, error_score=0.0), IRIS)


@case
def bayes_previous_same_folds() -> Values:
    first = bayes_search(n_iter=9).fit(*IRIS)
    return fitted(bayes_search(n_iter=5, previous=first, random_state=1), IRIS)


@case
def bayes_previous_other_folds() -> Values:
    first = RandomSearch(SVC(), SVC_SPACE, n_iter=9, random_state=0).fit(*IRIS)
    return with_expected_scores(bayes_search(n_iter=8, previous=first), IRIS)


@case
def bayes_previous_table() -> Values:
    first = RandomSearch(SVC(), SVC_SPACE, n_iter=9, random_state=0).fit(*IRIS)
    return fitted(bayes_search(n_iter=8, previous=first.cv_results_), IRIS)


@case
def bayes_warm_start_grows() -> Values:
    search = bayes_search(n_iter=9, warm_start=True).fit(*IRIS)
    return fitted(search.set_params(n_iter=13), IRIS)


@case
def bayes_corrected_score_and_rule() -> Values:
    rule = skhpt.select.one_standard_error(by="C", metric="score")
    search = bayes_search(return_predictions=True, refit=rule)
    return with_corrected_score(search, WINE)


@case
def bayes_pipeline() -> Values:
    space = {"reduce__n_components": randint(2, 12), "clf__C": loguniform(1e-3, 1e3)}
    return fitted(BayesSearchCV(PIPELINE, space, n_iter=14, random_state=0, return_train_score=True), WINE)


# -- Hyperband -----------------------------------------------------------------------------------------------


def hyperband_search(**params: Any) -> Any:
    """Make a search over forests, which continue their training."""
    given = {
        "resource": "n_estimators",
        "max_resources": 9,
        "n_candidates": 9,
        "random_state": 0,
        "cv": FOLDS,
    }
    return HyperbandSearchCV(RandomForestClassifier(random_state=0), FOREST_SPACE, **given | params)


def with_ladder(search: Any, data: Any) -> Values:
    """Fit a search, and return what was planned too."""
    values = fitted(search, data)
    values["plan"] = list(search.plan(*data))
    names = (
        "resource_",
        "min_resources_",
        "max_resources_",
        "n_iterations_",
        "n_resources_",
        "n_candidates_",
    )
    return values | {name: getattr(search, name) for name in (*names, "rung_correlations_")}


@case
def hyperband_ladder() -> Values:
    return with_ladder(hyperband_search(), IRIS)


@case
def hyperband_ladder_two_workers() -> Values:
    return with_ladder(hyperband_search(n_jobs=2), IRIS)


@case
def hyperband_brackets() -> Values:
    return with_ladder(hyperband_search(schedule="hyperband"), IRIS)


@case
def hyperband_halving() -> Values:
    return with_ladder(hyperband_search(schedule="halving", return_train_score=True), IRIS)


@case
def hyperband_never_continued() -> Values:
    return with_ladder(hyperband_search(continuation="never"), IRIS)


@case
def hyperband_boosting() -> Values:
    boosting = HistGradientBoostingClassifier(max_iter=9, random_state=0)
    space = {"learning_rate": loguniform(0.02, 0.5), "max_leaf_nodes": randint(3, 16)}
    return with_ladder(HyperbandSearchCV(boosting, space, n_candidates=9, random_state=0, cv=FOLDS), CANCER)


@case
def hyperband_epochs() -> Values:
    network = MLPClassifier((8,), max_iter=9, random_state=0)
    space = {"alpha": loguniform(1e-5, 1e-1), "learning_rate_init": loguniform(1e-3, 1e-1)}
    search = HyperbandSearchCV(network, space, resource="epochs", n_candidates=9, random_state=0, cv=FOLDS)
    return with_ladder(search, DIGITS)


@case
def hyperband_epochs_of_sgd() -> Values:
    sgd = SGDClassifier(max_iter=9, random_state=0)
    search = HyperbandSearchCV(
        sgd, {"alpha": loguniform(1e-5, 1e-1)}, resource="epochs", random_state=0, cv=FOLDS
    )
    return with_ladder(search.set_params(n_candidates=9), CANCER)


@case
def hyperband_samples() -> Values:
    search = HyperbandSearchCV(
        SVC(), SVC_SPACE, resource="n_samples", n_candidates=9, random_state=0, cv=FOLDS
    )
    return with_ladder(search, DIGITS)


@case
def hyperband_folds() -> Values:
    search = HyperbandSearchCV(SVC(), SVC_SPACE, resource="folds", n_candidates=12, random_state=0, cv=9)
    return with_ladder(search, IRIS)


@case
def hyperband_folds_shared() -> Values:
    space = {"reduce__n_components": [2, 4, 6], "clf__C": loguniform(1e-2, 1e2)}
    search = HyperbandSearchCV(PIPELINE, space, resource="folds", n_candidates=12, random_state=0, cv=9)
    return with_ladder(search, WINE)


@case
def hyperband_sampler_bayes() -> Values:
    options = {"sampler": "bayes", "factor": 2, "max_resources": 4, "n_candidates": 32}
    return with_ladder(hyperband_search(**options), IRIS)


@case
def hyperband_failing_candidates() -> Values:
    forest = ExtraTreesClassifier(random_state=0)
    space = {"max_depth": randint(1, 9), "criterion": ["gini", "nonsense"]}
    options = {
        "resource": "n_estimators",
        "max_resources": 9,
        "n_candidates": 12,
        "random_state": 0,
        "cv": FOLDS,
    }
    return with_ladder(HyperbandSearchCV(forest, space, error_score=0.0, **options), IRIS)


@case
def hyperband_warm_start_grows() -> Values:
    options = {"warm_start": True, "factor": 2, "max_resources": 4, "n_candidates": 16}
    search = hyperband_search(**options).fit(*IRIS)
    return with_ladder(search.set_params(n_candidates=32), IRIS)


@case
def hyperband_previous() -> Values:
    first = hyperband_search().fit(*IRIS)
    return with_ladder(hyperband_search(random_state=1, previous=first), IRIS)


@case
def hyperband_corrected_score_and_rule() -> Values:
    rule = skhpt.select.within_percent(2, by="max_depth")
    return with_corrected_score(hyperband_search(return_predictions=True, refit=rule), IRIS)


@case
def hyperband_two_metrics() -> Values:
    return with_ladder(hyperband_search(scoring=["f1_macro", "accuracy"], refit="accuracy"), IRIS)


# -- output --------------------------------------------------------------------------------------------------


def run(function: Case) -> Values:
    """Run a case with one thread, without its warnings and prints."""
    with threadpool_limits(1), warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return function()


def line_of(name: str, values: Values) -> str:
    """Return the line of a case."""
    digest = hashlib.sha256(as_text(values).encode()).hexdigest()[:16]
    told = [f"{name:40} {digest}", f"n={len(values.get('asked', ()))}"]
    for key in ("best_index_", "best_score_", "stop_reason_"):
        told.append(f"{key.strip('_')}={values.get(key)}")
    return " ".join(told)


def chosen(names: Iterable[str]) -> dict[str, Case]:
    """Return the cases whose name contains one of the given texts; all if none is given."""
    names = list(names)
    return {
        name: function for name, function in CASES.items() if not names or any(text in name for text in names)
    }


def main() -> None:
    """Print the cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", help="texts that names of cases contain")
    parser.add_argument("--values", action="store_true", help="print the values too, one a line")
    arguments = parser.parse_args()
    print(f"skhpt from {os.path.dirname(skhpt.__file__)}", file=sys.stderr)
    for name, function in chosen(arguments.cases).items():
        values = run(function)
        print(line_of(name, values), flush=True)
        if arguments.values:
            print(*(f"  {key}: {as_text(value)}" for key, value in values.items()), sep="\n")


if __name__ == "__main__":
    main()
