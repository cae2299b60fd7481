"""Sharing fits changes no score: each case is compared with scikit-learn's own search, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import randint
from sklearn import ensemble
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpt import RandomSearch
from tests.estimators import Picky
from tests.reuse.comparison import (
    CLASSES,
    COLUMN_TRANSFORMER,
    DEPTHS,
    FOREST,
    FOREST_AFTER_SCALER,
    FRAME,
    LAST_TREES,
    LOGISTIC,
    NUMBERS,
    TABLE,
    TREE,
    TREES,
    WEIGHTS,
    Case,
    assert_same_scores,
    assert_same_scores_and_savings,
    pipe,
)

UNSORTED = sparse.csr_matrix(CLASSES[0])[:, [3, 1, 0, 2]]
UNSORTED = sparse.csr_matrix((UNSORTED.data, UNSORTED.indices, UNSORTED.indptr), shape=UNSORTED.shape)

CASES = {
    "forest": Case(FOREST, TREES),
    "forest behind a scaler": FOREST_AFTER_SCALER,
    "several metrics": Case(
        pipe(StandardScaler(), FOREST),
        LAST_TREES,
        options={"scoring": ["accuracy", "f1_macro", "roc_auc_ovr"]},
    ),
    "sample weights": Case(FOREST, TREES, fit_params={"sample_weight": WEIGHTS}),
    "sample weights for a step": Case(
        pipe(StandardScaler(), FOREST), LAST_TREES, fit_params={"b__sample_weight": WEIGHTS}
    ),
    "sample weights for a shared step": Case(
        pipe(StandardScaler(), TREE), {"b__max_depth": DEPTHS}, fit_params={"a__sample_weight": WEIGHTS}
    ),
    "groups": Case(
        pipe(StandardScaler(), FOREST),
        LAST_TREES,
        options={"cv": GroupKFold(3)},
        fit_params={"groups": np.arange(150) % 7},
    ),
    "chain of groups": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), FOREST),
        {"b__n_components": [1, 2, 3], "c__n_estimators": [2, 5]},
    ),
    "target transformed outside": Case(
        TransformedTargetRegressor(
            pipe(StandardScaler(), DecisionTreeRegressor(random_state=0)), transformer=MinMaxScaler()
        ),
        {"regressor__b__max_depth": DEPTHS},
        NUMBERS,
    ),
    "target transformed inside": Case(
        pipe(StandardScaler(), TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp)),
        {"b__regressor__alpha": [0.1, 1, 10]},
        NUMBERS,
    ),
    "pipelines in pipelines": Case(
        pipe(pipe(StandardScaler(), PCA(3, svd_solver="full")), pipe(MinMaxScaler(), FOREST)),
        {"a__b__whiten": [False, True], "b__b__n_estimators": [2, 5], "b__b__max_depth": [2, None]},
    ),
    "feature union": Case(
        pipe(FeatureUnion([("pca", PCA(2, svd_solver="full")), ("best", SelectKBest())]), TREE),
        {"a__best__k": [1, 2, 3], "a__pca__whiten": [False, True], "b__max_depth": DEPTHS},
    ),
    "union with one branch that varies": Case(
        pipe(FeatureUnion([("pca", PCA(2, svd_solver="full")), ("double", Picky())]), TREE),
        {"a__double__factor": [1.0, 2.0, 3.0]},
    ),
    "column transformer": COLUMN_TRANSFORMER,
    "column transformer with pandas output": Case(
        pipe(
            ColumnTransformer([("num", StandardScaler(), ["a", "b"])], remainder="drop").set_output(
                transform="pandas"
            ),
            TREE,
        ),
        {"a__num__with_mean": [True, False], "b__max_depth": DEPTHS},
        TABLE,
    ),
    "pandas output of a whole pipeline": Case(
        pipe(StandardScaler(), PCA(svd_solver="full"), TREE).set_output(transform="pandas"),
        {"b__n_components": [1, 2], "c__max_depth": DEPTHS},
        (FRAME[list("abcd")], CLASSES[1]),
    ),
    "columns that are dropped or passed through": Case(
        pipe(
            ColumnTransformer([("num", StandardScaler(), [0, 1]), ("rest", "passthrough", [2])]),
            TREE,
        ),
        {"a__num": [StandardScaler(), "drop", "passthrough"], "b__max_depth": DEPTHS},
    ),
    "target encoder": Case(
        pipe(TargetEncoder(random_state=0), TREE), {"b__max_depth": DEPTHS}, (FRAME[["kind"]], CLASSES[1])
    ),
    "sparse data": Case(
        pipe(SelectKBest(k=3), LOGISTIC),
        {"a__k": [1, 2], "b__C": [0.1, 1]},
        (sparse.csr_matrix(CLASSES[0]), CLASSES[1]),
    ),
    "sparse data, unsorted": Case(
        pipe(SelectKBest(k=3), LOGISTIC),
        {"a__k": [1, 2], "b__C": [0.1, 1]},
        (UNSORTED, CLASSES[1]),
        saves=False,
    ),
    "text": Case(
        pipe(TfidfVectorizer(), SelectKBest(k=3), LOGISTIC),
        {"a__min_df": [1, 0.5], "a__sublinear_tf": [False, True], "b__k": [2, 3], "c__C": [0.1, 1]},
        (list(FRAME["text"]), CLASSES[1]),
    ),
    "kernel matrix": Case(
        SVC(),
        [{"kernel": ["precomputed"], "C": [1, 10, 10]}, {"kernel": ["linear"], "C": [1, 2, 2]}],
        (CLASSES[0] @ CLASSES[0].T, CLASSES[1]),
    ),
    "random search": Case(
        pipe(StandardScaler(), FOREST),
        {"b__n_estimators": randint(2, 9), "b__max_depth": [2, None]},
        options={"n_iter": 12, "random_state": 0},
        searches=(RandomizedSearchCV, RandomSearch),
    ),
    "pruning": Case(TREE, {"ccp_alpha": [0.0, 0.01, 0.1]}),
    "neighbours with ties": Case(
        pipe(StandardScaler(), KNeighborsClassifier()),
        {"b__n_neighbors": [1, 2, 3, 5, 8], "b__weights": ["uniform", "distance"]},
        (np.round(CLASSES[0]), CLASSES[1]),
    ),
    "no target": Case(
        pipe(StandardScaler(), PCA(svd_solver="full")), {"b__n_components": [1, 2, 3]}, (CLASSES[0],)
    ),
    "the same candidates again": Case(TREE, {"max_depth": [1, 2, 1, 1, 2]}),
    "parameters without effect": Case(SVC(), {"kernel": ["linear"], "gamma": [0.1, 1.0, 10.0], "C": [1, 2]}),
    "pipeline with memory=None": Case(pipe(StandardScaler(), FOREST, memory=None), LAST_TREES),
    "early stopping": Case(
        ensemble.GradientBoostingClassifier(random_state=0, n_iter_no_change=2, tol=0.01),
        {"n_estimators": [2, 10, 50]},
    ),
    "iterations after convergence": Case(
        Lasso(), {"max_iter": [100, 1000, 10_000], "alpha": [0.1, 1]}, NUMBERS
    ),
    "votes": Case(
        ensemble.VotingClassifier([("tree", TREE), ("nb", GaussianNB())], voting="soft"),
        {"weights": [None, [1, 2], [2, 1]], "tree__max_depth": DEPTHS},
    ),
    "stack": Case(
        ensemble.StackingClassifier([("tree", TREE), ("nb", GaussianNB())], LogisticRegression()),
        {"final_estimator__C": [0.1, 1.0, 10.0]},
    ),
    "steps that are replaced": Case(
        pipe(StandardScaler(), TREE),
        {"a": [StandardScaler(), MinMaxScaler(), "passthrough", None], "b": [TREE, GaussianNB(), LOGISTIC]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn(name: str) -> None:
    assert_same_scores_and_savings(CASES[name])


STEPS = {
    "scale": [StandardScaler(), MinMaxScaler(), "passthrough", StandardScaler(with_mean=False)],
    "reduce": [
        PCA(2, svd_solver="full"),
        SelectKBest(k=2),
        FeatureUnion([("p", PCA(1)), ("k", SelectKBest(k=1))]),
        None,
    ],
}
MODELS = [
    (DecisionTreeClassifier(random_state=1), {"max_depth": [1, 2, None], "ccp_alpha": [0.0, 0.02]}),
    (ensemble.RandomForestClassifier(random_state=1, max_depth=2), {"n_estimators": [1, 3, 4]}),
    (KNeighborsClassifier(), {"n_neighbors": [1, 3, 6], "weights": ["uniform", "distance"]}),
    (GaussianNB(), {"var_smoothing": [1e-9, 0.1]}),
    (
        ensemble.GradientBoostingClassifier(random_state=1, max_depth=1),
        {"n_estimators": [1, 3], "subsample": [0.7, 1.0]},
    ),
    (SVC(kernel="linear"), {"C": [0.1, 1.0], "gamma": [0.1, 1.0]}),
]


@st.composite
def searches(draw: st.DrawFn) -> Case:
    """Draw a pipeline, a grid over its steps and parameters, folds, metrics and weights."""
    model, params = draw(st.sampled_from(MODELS))
    nested = draw(st.booleans())
    head = [(name, draw(st.sampled_from(choices))) for name, choices in STEPS.items()]
    steps = [("head", Pipeline(head)), ("model", model)] if nested else [*head, ("model", model)]
    grid = {f"model__{name}": values for name, values in params.items() if draw(st.booleans())}
    for name, choices in STEPS.items():
        if draw(st.booleans()):
            grid[f"head__{name}" if nested else name] = draw(
                st.lists(st.sampled_from(choices), min_size=1, max_size=3)
            )
    scoring = draw(st.sampled_from([None, "f1_macro", ["accuracy", "balanced_accuracy"]]))
    options = {"cv": draw(st.integers(2, 3)), "scoring": scoring, "return_train_score": draw(st.booleans())}
    weighs = draw(st.booleans()) and not isinstance(model, KNeighborsClassifier)
    rows = np.random.default_rng(draw(st.integers(0, 9))).permutation(150)[:60]
    weights = {"model__sample_weight": WEIGHTS[rows]} if weighs else {}
    data = tuple(part[rows] for part in CLASSES)
    return Case(Pipeline(steps), grid, data, options=options, fit_params=weights)


@settings(max_examples=10)
@given(searches())
def test_any_pipeline_has_the_scores_of_scikit_learn(case: Case) -> None:
    assert_same_scores(case)
