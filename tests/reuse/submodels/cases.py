"""Cases of the contract that every sub-model keeps, and the check of a case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import ensemble, feature_selection, linear_model, naive_bayes
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import FixedThresholdClassifier, KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from skhpt.reuse.submodels import SubModel, submodels_of

METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")


@dataclass
class Case:
    """An estimator, values of the parameters that a single fit serves, and the kind of data (see `make_data`)."""

    estimator: Any
    values: list[dict[str, Any]]
    data: str = "classes"
    is_close: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(sorted(self.values[0]))

    def __repr__(self) -> str:
        return re.sub(r" at 0x[0-9a-f]+|\s+", "", f"{self.estimator}-{self.data}")[:60]


# -- the check -----------------------------------------------------------------------------------------------


def check_views(case: Case) -> None:
    """Check that each view of a shared fit predicts the same as a separate fit."""
    X, y, X_new = make_data(case.data)
    estimators = [clone(case.estimator).set_params(**params) for params in case.values]
    submodel = submodel_of(case)
    assert all(submodel in submodels_of(estimator) for estimator in estimators)
    widest = clone(case.estimator).set_params(**submodel.widest(estimators, submodel.parameters))
    if is_transformer(case.estimator) and submodel.uses_plain_fit:
        model, output = widest, widest.fit_transform(X, y)
    else:
        model, output = submodel.fit(widest, X, y), None
    assert_equal = assert_close if case.is_close else assert_same
    n_views = 0
    for estimator in estimators:
        view = submodel.view(model, clone(estimator))
        if view is None:
            continue
        n_views += 1
        separate = clone(estimator)
        if is_transformer(estimator):
            assert_equal(submodel.output(view, output, X), separate.fit_transform(X, y))
        else:
            separate.fit(X, y)
        assert type(view) is type(separate)
        assert view.get_params(deep=False).keys() == separate.get_params(deep=False).keys()
        for method in METHODS:
            if has_method(separate, method):
                for rows in (X_new, X, X_new[:1]):
                    assert_equal(getattr(view, method)(rows), getattr(separate, method)(rows))
    assert n_views > 0


def submodel_of(case: Case) -> SubModel:
    """Return the sub-model of a case."""
    submodels = []
    for submodel in submodels_of(case.estimator):
        if tuple(sorted(submodel.parameters)) == case.parameters and submodel.is_close == case.is_close:
            submodels.append(submodel)
    [submodel] = submodels
    return submodel


def is_transformer(estimator: Any) -> bool:
    """Tell whether an estimator transforms and does not predict."""
    return hasattr(estimator, "fit_transform") and not (is_classifier(estimator) or is_regressor(estimator))


def has_method(estimator: Any, method: str) -> bool:
    if method == "transform" and getattr(estimator, "solver", "") == "lsqr":
        return False  # LinearDiscriminantAnalysis has the method, but raises an error
    return hasattr(estimator, method)


def assert_same(actual: Any, expected: Any) -> None:
    actual, expected = to_array(actual), to_array(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def assert_close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=1e-7)


def to_array(values: Any) -> np.ndarray:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


# -- data ----------------------------------------------------------------------------------------------------


def make_data(kind: str) -> tuple[Any, Any, Any]:
    """Return X and y to fit on, and other rows of X."""
    if kind == "text":
        return make_texts()
    X, y = load_iris(return_X_y=True) if "numbers" not in kind else load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    if kind == "counts":
        X = np.round(np.abs(X) * 3)
    if kind == "sparse":
        X = sparse.csr_matrix(X)
    if "scaled" in kind:
        X = StandardScaler().fit_transform(X)
    if "far" in kind:
        X = X + 1e5
    if "single" in kind:
        X = X.astype(np.float32)
    if "wide" in kind:
        X, y = np.hstack([X[:30] ** power for power in (1, 2, 3)]), y[:30]
    if kind == "two classes":
        X, y = X[y < 2], y[y < 2]
    if "two numbers" in kind:
        y = np.column_stack([y, y**2])
    n = X.shape[0] * 2 // 3
    return X[:n], y[:n], X[n:]


def make_texts() -> tuple[list[str], None, list[str]]:
    """Return documents to fit on, and others: with ties, with unknown words, and empty."""
    rng = np.random.default_rng(0)
    words = np.array([f"{syllable}{i}" for i in range(12) for syllable in ("Ka", "lo", "mé")])
    documents = [" ".join(words[rng.zipf(1.5, size=n) % len(words)]) for n in rng.integers(0, 25, size=30)]
    return documents, None, [*documents[:3], "nothing known", "", *("new " + text for text in documents[3:6])]


# -- the cases -----------------------------------------------------------------------------------------------


def each(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def svm_values(name: str, *values: Any, **others: Any) -> list[dict[str, Any]]:
    return [
        {name: value, "tol": tol, "shrinking": tol < 1e-3, **others}
        for value in values
        for tol in (1e-3, 1e-5)
    ]


LIMITS = [
    {"min_df": min_df, "max_df": max_df, "max_features": max_features, "binary": binary}
    for min_df, max_df, max_features, binary in (
        (1, 1.0, None, False),
        (1, 1.0, None, True),
        (1, 1, None, False),
        (1.0, 1.0, 4, False),
        (3, 0.5, 4, True),
        (3, 2, None, False),
        (0.2, 0.9, 100, False),
    )
]
WEIGHTS = [
    limits | {"norm": norm, "use_idf": use_idf, "smooth_idf": smooth_idf, "sublinear_tf": not use_idf}
    for limits in LIMITS
    for norm, use_idf, smooth_idf in (("l2", True, True), ("l1", False, True), (None, True, False))
]

ALPHAS = each("alpha", 1e-3, 1, 100.0)
SMOOTHINGS = [{"alpha": alpha, "fit_prior": prior} for alpha in (1e-10, 0.5, 20) for prior in (True, False)]
SHRINKAGES = each("shrinkage", None, 0, 0.3, 1.0)

NEIGHBORS = [
    {"n_neighbors": n_neighbors, "weights": weights}
    for n_neighbors in (1, 4, 13, 30)
    for weights in ("uniform", "distance", None, np.exp)
]
COMPONENTS = each("n_components", 0, 1, 3, None, 0.6, 0.999, "mle")
LEVELS = each("alpha", 1e-30, 1e-3, 0.5)
IMPORTANCES = [
    {"max_features": n, "threshold": level} for n in (None, 2) for level in (None, "1.2*median", 0.1)
]
PRUNINGS = each("ccp_alpha", 0, 0.001, 0.03, 1e9)
REGRESSORS = [("mean", linear_model.Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]
CLASSIFIERS = [("bayes", naive_bayes.GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=2))]
LAST_CLASSIFIERS = each(
    "final_estimator", naive_bayes.GaussianNB(), DecisionTreeClassifier(max_depth=1), None
)
LAST_REGRESSORS = each(
    "final_estimator", None, linear_model.Ridge(copy_X=False), DecisionTreeRegressor(max_depth=1)
)

CASES = [
    Case(ensemble.RandomForestClassifier(random_state=0), each("n_estimators", 3, 7, 12)),
    Case(
        ensemble.RandomForestClassifier(random_state=0, n_jobs=2, max_samples=0.5), each("n_estimators", 3, 7)
    ),
    Case(ensemble.RandomForestRegressor(random_state=0), each("n_estimators", 3, 7, 12), "numbers"),
    Case(ensemble.RandomForestRegressor(random_state=0), each("n_estimators", 3, 7), "two numbers"),
    Case(ensemble.ExtraTreesClassifier(random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.ExtraTreesRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.BaggingClassifier(random_state=0, max_features=0.6), each("n_estimators", 3, 7)),
    Case(ensemble.BaggingRegressor(random_state=0, max_samples=0.6), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.IsolationForest(random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.AdaBoostClassifier(random_state=0), each("n_estimators", 3, 7, 12)),
    Case(ensemble.AdaBoostClassifier(DecisionTreeClassifier(), random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.AdaBoostRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.GradientBoostingClassifier(random_state=0, subsample=0.7), each("n_estimators", 3, 7, 12)),
    Case(
        ensemble.GradientBoostingClassifier(random_state=0, n_iter_no_change=2, tol=0.02),
        each("n_estimators", 3, 20, 200),
    ),
    Case(ensemble.GradientBoostingRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.HistGradientBoostingClassifier(random_state=0), each("max_iter", 3, 7, 12)),
    Case(
        ensemble.HistGradientBoostingClassifier(random_state=0, early_stopping=True, scoring="accuracy"),
        each("max_iter", 3, 20, 60),
    ),
    Case(ensemble.HistGradientBoostingRegressor(random_state=0), each("max_iter", 3, 7), "numbers"),
    Case(SVC(), svm_values("C", 0.1, 1, 1e4, class_weight="balanced")),
    Case(SVC(gamma=1, break_ties=True), svm_values("C", 0.1, 1, 1e4, class_weight={0: 2}), "counts"),
    Case(SVC(gamma="auto"), svm_values("C", 0.1, 1, 1e4, class_weight=None), "two classes"),
    Case(SVC(), svm_values("C", 0.1, 1, 1e4, class_weight=None), "far single"),
    Case(NuSVC(), svm_values("nu", 0.1, 0.3, 0.999, class_weight=None)),
    Case(SVR(), svm_values("C", 0.1, 1, 1e4, epsilon=0.0), "numbers"),
    Case(SVR(gamma=0), svm_values("C", 0.1, 1, epsilon=1.0), "far numbers"),
    Case(NuSVR(), svm_values("C", 0.1, 1, 1e3, nu=0.3), "numbers"),
    Case(OneClassSVM(), svm_values("nu", 0.1, 0.3, 0.5), "counts"),
    Case(CountVectorizer(), LIMITS, "text"),
    Case(CountVectorizer(analyzer="char_wb", ngram_range=(1, 2), dtype=np.uint8), LIMITS, "text"),
    Case(TfidfVectorizer(), WEIGHTS, "text"),
    Case(TfidfVectorizer(tokenizer=str.split, token_pattern=None, dtype=np.float32), WEIGHTS, "text"),
    Case(naive_bayes.MultinomialNB(), SMOOTHINGS, "counts"),
    Case(naive_bayes.MultinomialNB(class_prior=[0.2, 0.3, 0.5]), SMOOTHINGS, "sparse"),
    Case(naive_bayes.ComplementNB(norm=True), SMOOTHINGS, "counts"),
    Case(naive_bayes.BernoulliNB(binarize=2.0), SMOOTHINGS, "sparse"),
    Case(naive_bayes.CategoricalNB(min_categories=30), SMOOTHINGS, "counts"),
    Case(naive_bayes.GaussianNB(), each("var_smoothing", 0, 1e-9, 0.3)),
    Case(naive_bayes.GaussianNB(), each("var_smoothing", 1e-9, 0.3), "single"),
    Case(linear_model.Ridge(), ALPHAS, "numbers"),
    Case(linear_model.Ridge(), ALPHAS, "single numbers"),
    Case(linear_model.Ridge(), ALPHAS, "wide two numbers"),
    Case(linear_model.Ridge(fit_intercept=False, solver="cholesky"), ALPHAS, "two numbers"),
    Case(linear_model.Ridge(solver="svd"), ALPHAS, "wide two numbers"),
    Case(linear_model.RidgeClassifier(), ALPHAS),
    Case(linear_model.RidgeClassifier(class_weight="balanced"), ALPHAS, "two classes"),
    Case(KernelRidge(kernel="rbf"), ALPHAS, "numbers"),
    Case(KernelRidge(kernel="poly"), ALPHAS, "two numbers"),
    Case(KernelRidge(kernel="laplacian"), ALPHAS, "sparse"),
    Case(PLSRegression(), each("n_components", 1, 2, 5, 99), "numbers"),
    Case(PLSRegression(scale=False), each("n_components", 1, 2, 5), "wide two numbers"),
    Case(LinearDiscriminantAnalysis(solver="lsqr"), SHRINKAGES),
    Case(LinearDiscriminantAnalysis(solver="lsqr", priors=[0.3, 0.7]), SHRINKAGES, "two classes"),
    Case(LinearDiscriminantAnalysis(solver="eigen", n_components=1), SHRINKAGES),
    *[
        Case(linear_model.LogisticRegression(solver=solver), each("max_iter", 2, 500, 1000))
        for solver in ("lbfgs", "newton-cg", "newton-cholesky")
    ],
    Case(
        linear_model.LogisticRegression(solver="saga", tol=0.01, random_state=0),
        each("max_iter", 2, 200, 400),
        "sparse",
    ),
    Case(
        linear_model.LogisticRegression(solver="liblinear", dual=True, random_state=0),
        each("max_iter", 1, 500, 5000),
        "two classes",
    ),
    Case(linear_model.Lasso(), each("max_iter", 1, 50, 500), "two numbers"),
    Case(
        linear_model.ElasticNet(selection="random", random_state=0), each("max_iter", 1, 50, 500), "numbers"
    ),
    Case(linear_model.MultiTaskElasticNet(), each("max_iter", 1, 50, 500), "two numbers"),
    Case(linear_model.PoissonRegressor(solver="newton-cholesky"), each("max_iter", 1, 50, 100), "numbers"),
    Case(linear_model.SGDClassifier(random_state=0, early_stopping=True), each("max_iter", 1, 500, 1000)),
    Case(
        linear_model.SGDRegressor(random_state=0, average=True, tol=1.0),
        each("max_iter", 1, 900, 1000),
        "numbers",
    ),
    Case(linear_model.Perceptron(random_state=0), each("max_iter", 1, 500, 1000), "sparse"),
    Case(MLPClassifier((5,), random_state=0, solver="lbfgs", tol=0.1), each("max_iter", 1, 500, 1000)),
    Case(
        MLPRegressor(hidden_layer_sizes=(5,), random_state=0, tol=1e9, n_iter_no_change=2),
        each("max_iter", 1, 9, 90),
        "two numbers",
    ),
    Case(LinearSVC(random_state=0, tol=0.01), each("max_iter", 1, 5000, 10000)),
    Case(LinearSVR(random_state=0), each("max_iter", 1, 500, 1000), "numbers"),
    Case(KNeighborsClassifier(), NEIGHBORS),
    Case(KNeighborsClassifier(algorithm="ball_tree", p=3), NEIGHBORS, "counts"),
    *[
        Case(KNeighborsClassifier(algorithm="brute", metric=metric), NEIGHBORS, kind)
        for metric, kind in (
            ("minkowski", "classes"),
            ("euclidean", "counts"),
            ("manhattan", "counts"),
            ("cosine", "sparse"),
            ("minkowski", "single"),
        )
    ],
    Case(KNeighborsRegressor(), NEIGHBORS, "numbers"),
    Case(KNeighborsRegressor(algorithm="brute"), NEIGHBORS, "two numbers"),
    Case(PCA(), COMPONENTS),
    Case(PCA(svd_solver="full", whiten=True), COMPONENTS, "single"),
    Case(PCA(svd_solver="full"), each("n_components", 1, 3, 0.6), "wide two numbers"),
    Case(PCA(svd_solver="covariance_eigh"), COMPONENTS, "numbers"),
    Case(feature_selection.SelectKBest(), each("k", 1, 3, "all", 9)),
    Case(feature_selection.SelectKBest(feature_selection.chi2), each("k", 1, 3, "all"), "sparse"),
    Case(
        feature_selection.SelectKBest(partial(feature_selection.mutual_info_classif, random_state=0)),
        each("k", 1, 3, "all"),
    ),
    Case(feature_selection.SelectPercentile(), each("percentile", 20, 50, 75.5, 100), "single"),
    Case(feature_selection.SelectFpr(feature_selection.f_regression), LEVELS, "numbers"),
    Case(feature_selection.SelectFdr(feature_selection.f_regression), LEVELS, "numbers"),
    Case(feature_selection.SelectFwe(), LEVELS),
    Case(feature_selection.VarianceThreshold(), each("threshold", 0, 0.3, 1, 99)),
    Case(feature_selection.VarianceThreshold(), each("threshold", 0, 0.0), "sparse"),
    Case(feature_selection.SelectFromModel(DecisionTreeRegressor(random_state=0)), IMPORTANCES, "numbers"),
    *[
        Case(
            feature_selection.RFE(linear_model.Ridge(), step=step),
            each("n_features_to_select", *targets),
            "numbers",
        )
        for step, targets in ((1, (1, 2, 5, 10)), (3, range(1, 11)), (0.4, (2, 0.3, None, 5, 1.0)))
    ],
    Case(DecisionTreeClassifier(random_state=0), PRUNINGS),
    Case(ExtraTreeClassifier(random_state=0), PRUNINGS, "sparse"),
    Case(DecisionTreeRegressor(random_state=0), each("ccp_alpha", 1.0, 1e6), "two numbers"),
    Case(ensemble.RandomForestClassifier(5, random_state=0), PRUNINGS),
    Case(ensemble.ExtraTreesRegressor(5, random_state=0), each("ccp_alpha", 1.0, 50.0), "numbers"),
    Case(ensemble.VotingClassifier(CLASSIFIERS), each("weights", None, [1, 3], np.array([0.6, 0]))),
    Case(ensemble.VotingClassifier(CLASSIFIERS, voting="soft"), each("weights", None, (1, 3), [1])),
    Case(ensemble.VotingRegressor(REGRESSORS), each("weights", None, [1, 3]), "numbers"),
    Case(
        FixedThresholdClassifier(naive_bayes.GaussianNB()),
        each("threshold", "auto", 1e-9, 0.9),
        "two classes",
    ),
    Case(ensemble.StackingClassifier(CLASSIFIERS), LAST_CLASSIFIERS),
    Case(
        ensemble.StackingClassifier(CLASSIFIERS, passthrough=True, cv=KFold(3)),
        LAST_CLASSIFIERS,
        "two classes",
    ),
    Case(ensemble.StackingRegressor(REGRESSORS, passthrough=True), LAST_REGRESSORS, "numbers"),
    Case(linear_model.MultiTaskLasso(), each("max_iter", 1, 50, 500), "two numbers"),
    Case(linear_model.HuberRegressor(), each("max_iter", 1, 500, 1000), "scaled numbers"),
    Case(linear_model.GammaRegressor(), each("max_iter", 1, 50, 100), "numbers"),
    Case(linear_model.TweedieRegressor(power=1.5), each("max_iter", 1, 50, 100), "numbers"),
    Case(linear_model.SGDOneClassSVM(random_state=0), each("max_iter", 1, 500, 1000)),
    Case(ExtraTreeRegressor(random_state=0), each("ccp_alpha", 1.0, 1e6), "numbers"),
    Case(ensemble.RandomForestRegressor(5, random_state=0), each("ccp_alpha", 1.0, 50.0), "two numbers"),
    Case(ensemble.ExtraTreesClassifier(5, random_state=0), PRUNINGS, "sparse"),
]


for kernel in ("poly", "sigmoid"):
    options = {"kernel": kernel, "coef0": 0.5, "gamma": 0.1}
    CASES += [
        Case(SVC(**options), svm_values("C", 0.1, 10.0, class_weight=None), "scaled classes", is_close=True),
        Case(
            NuSVC(**options), svm_values("nu", 0.1, 0.3, class_weight=None), "scaled classes", is_close=True
        ),
        Case(SVR(**options), svm_values("C", 0.1, 10.0, epsilon=0.1), "scaled numbers", is_close=True),
        Case(NuSVR(**options), svm_values("C", 0.1, 10.0, nu=0.3), "scaled numbers", is_close=True),
        Case(OneClassSVM(**options), svm_values("nu", 0.1, 0.3), "scaled classes", is_close=True),
    ]

#: Package, class, parameters and kind of data.
BOOSTERS: list[tuple[str, str, dict[str, Any], str]] = [
    ("lightgbm", "LGBMClassifier", {"boosting_type": "goss"}, "classes"),
    ("lightgbm", "LGBMClassifier", {"subsample": 0.6, "subsample_freq": 2, "random_state": 1}, "classes"),
    ("lightgbm", "LGBMRegressor", {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1}, "numbers"),
    ("lightgbm", "LGBMRegressor", {"linear_tree": True, "colsample_bytree": 0.5}, "numbers"),
    ("xgboost", "XGBClassifier", {"subsample": 0.6}, "classes"),
    ("xgboost", "XGBClassifier", {"objective": "multi:softmax", "num_parallel_tree": 2}, "classes"),
    ("xgboost", "XGBRegressor", {}, "two numbers"),
]
#: Class and kind of data. Scikit-learn 1.8 deprecates these classes, so that tests ignore its warnings.
DEPRECATED = [("PassiveAggressiveClassifier", "classes"), ("PassiveAggressiveRegressor", "scaled numbers")]
