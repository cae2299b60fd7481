"""One fit that serves many: every view equals, to the last bit, the model that was fitted alone."""

from __future__ import annotations

import pickle
import re
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import ensemble, feature_selection, linear_model, naive_bayes
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.covariance import EmpiricalCovariance
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import FixedThresholdClassifier, KFold, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from skhpt.reuse.submodels import submodels_of

METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")


@dataclass
class Case:
    """An estimator, some values of the parameters that one fit is to serve, and the kind of data."""

    estimator: Any
    values: list[dict[str, Any]]
    data: str = "classes"

    def __repr__(self) -> str:
        return re.sub(r" at 0x[0-9a-f]+|\s+", "", f"{self.estimator}-{self.data}")[:60]


def each(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def machines(name: str, *values: Any, **others: Any) -> list[dict[str, Any]]:
    return [{name: value, "tol": tol, "shrinking": tol < 1e-3, **others} for value in values for tol in (1e-3, 1e-5)]


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
IMPORTANCES = [{"max_features": n, "threshold": level} for n in (None, 2) for level in (None, "1.2*median", 0.1)]
PRUNINGS = each("ccp_alpha", 0, 0.001, 0.03, 1e9)
REGRESSORS = [("mean", linear_model.Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]
CLASSIFIERS = [("bayes", naive_bayes.GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=2))]
LAST_CLASSIFIERS = each("final_estimator", naive_bayes.GaussianNB(), DecisionTreeClassifier(max_depth=1), None)
LAST_REGRESSORS = each("final_estimator", None, linear_model.Ridge(copy_X=False), DecisionTreeRegressor(max_depth=1))

CASES = [
    Case(ensemble.RandomForestClassifier(random_state=0), each("n_estimators", 3, 7, 12)),
    Case(ensemble.RandomForestClassifier(random_state=0, n_jobs=2, max_samples=0.5), each("n_estimators", 3, 7)),
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
    Case(SVC(), machines("C", 0.1, 1, 1e4, class_weight="balanced")),
    Case(SVC(gamma=1, break_ties=True), machines("C", 0.1, 1, 1e4, class_weight={0: 2}), "counts"),
    Case(SVC(gamma="auto"), machines("C", 0.1, 1, 1e4, class_weight=None), "two classes"),
    Case(SVC(), machines("C", 0.1, 1, 1e4, class_weight=None), "far single"),
    Case(NuSVC(), machines("nu", 0.1, 0.3, 0.999, class_weight=None)),
    Case(SVR(), machines("C", 0.1, 1, 1e4, epsilon=0.0), "numbers"),
    Case(SVR(gamma=0), machines("C", 0.1, 1, epsilon=1.0), "far numbers"),
    Case(NuSVR(), machines("C", 0.1, 1, 1e3, nu=0.3), "numbers"),
    Case(OneClassSVM(), machines("nu", 0.1, 0.3, 0.5), "counts"),
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
    Case(linear_model.ElasticNet(selection="random", random_state=0), each("max_iter", 1, 50, 500), "numbers"),
    Case(linear_model.MultiTaskElasticNet(), each("max_iter", 1, 50, 500), "two numbers"),
    Case(linear_model.PoissonRegressor(solver="newton-cholesky"), each("max_iter", 1, 50, 100), "numbers"),
    Case(linear_model.SGDClassifier(random_state=0, early_stopping=True), each("max_iter", 1, 500, 1000)),
    Case(linear_model.SGDRegressor(random_state=0, average=True, tol=1.0), each("max_iter", 1, 900, 1000), "numbers"),
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
        Case(feature_selection.RFE(linear_model.Ridge(), step=step), each("n_features_to_select", *targets), "numbers")
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
    Case(FixedThresholdClassifier(naive_bayes.GaussianNB()), each("threshold", "auto", 1e-9, 0.9), "two classes"),
    Case(ensemble.StackingClassifier(CLASSIFIERS), LAST_CLASSIFIERS),
    Case(ensemble.StackingClassifier(CLASSIFIERS, passthrough=True, cv=KFold(3)), LAST_CLASSIFIERS, "two classes"),
    Case(ensemble.StackingRegressor(REGRESSORS, passthrough=True), LAST_REGRESSORS, "numbers"),
]


def data(kind: str) -> tuple[Any, Any, Any]:
    """Return X and y to fit on, and other rows of X."""
    if kind == "text":
        return texts()
    X, y = load_iris(return_X_y=True) if "numbers" not in kind else load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    if kind == "counts":
        X = np.round(np.abs(X) * 3)
    if kind == "sparse":
        X = sparse.csr_matrix(X)
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


def texts() -> tuple[list[str], None, list[str]]:
    """Return documents to fit on, and others, with ties, unknown words and nothing in some."""
    rng = np.random.default_rng(0)
    words = np.array([f"{syllable}{i}" for i in range(12) for syllable in ("Ka", "lo", "mé")])
    documents = [" ".join(words[rng.zipf(1.5, size=n) % len(words)]) for n in rng.integers(0, 25, size=30)]
    return documents, None, [*documents[:3], "nothing known", "", *("new " + text for text in documents[3:6])]


def assert_same(one: Any, other: Any) -> None:
    one, other = (thing.toarray() if sparse.issparse(thing) else np.asarray(thing) for thing in (one, other))
    assert one.dtype == other.dtype
    np.testing.assert_array_equal(one, other)


def can(estimator: Any, method: str) -> bool:
    return hasattr(estimator, method) and not (method == "transform" and getattr(estimator, "solver", "") == "lsqr")


@pytest.mark.filterwarnings("ignore:scipy.optimize.*iprint:DeprecationWarning")  # scikit-learn 1.6, newer scipy
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_view_is_the_model_that_was_fitted_alone(case: Case) -> None:
    X, y, X_new = data(case.data)
    estimators = [clone(case.estimator).set_params(**params) for params in case.values]
    names = tuple(sorted(case.values[0]))
    [submodel] = [one for one in submodels_of(case.estimator) if tuple(sorted(one.parameters)) == names]
    assert all(submodel in submodels_of(estimator) for estimator in estimators)
    widest = clone(case.estimator).set_params(**submodel.widest(estimators, submodel.parameters))
    predicts = is_classifier(case.estimator) or is_regressor(case.estimator)  # and may transform besides
    transforms = hasattr(case.estimator, "fit_transform") and not predicts
    if transforms and submodel.fit.__name__ == "plain_fit":
        model, output = widest, widest.fit_transform(X, y)
    else:
        model, output = submodel.fit(widest, X, y), None
    n_views = 0
    for estimator in estimators:
        view = submodel.view(model, clone(estimator))
        if view is None:
            continue
        n_views += 1
        alone = clone(estimator)
        if transforms:
            assert_same(submodel.output(view, output, X), alone.fit_transform(X, y))
        else:
            alone.fit(X, y)
        assert type(view) is type(alone)
        assert view.get_params(deep=False).keys() == alone.get_params(deep=False).keys()
        for method in METHODS:
            if can(alone, method):
                for rows in (X_new, X, X_new[:1]):
                    assert_same(getattr(view, method)(rows), getattr(alone, method)(rows))
    assert n_views > 0


def test_vectorizers_agree_in_the_order_of_entries_and_of_words() -> None:
    documents, _, others = texts()
    base = TfidfVectorizer()
    [submodel] = submodels_of(base)
    corpus = submodel.fit(clone(base), documents, None)
    for params in (*WEIGHTS, {"max_features": 3}):
        alone = clone(base).set_params(**params)
        if (view := submodel.view(corpus, clone(alone))) is None:
            continue
        pairs = [(submodel.output(view, None, documents), alone.fit_transform(documents))]
        copies = (view, deepcopy(view), pickle.loads(pickle.dumps(view)))
        pairs += [(one.transform(rows), alone.transform(rows)) for one in copies for rows in (others, documents)]
        for one, other in pairs:
            assert type(one) is type(other)
            for name in ("data", "indices", "indptr"):
                assert_same(getattr(one, name), getattr(other, name))
        assert list(view.vocabulary_.items()) == list(alone.vocabulary_.items())
    assert_same(clone(view).fit(others).transform(documents), clone(alone).fit(others).transform(documents))
    assert_same(view.fit(others).transform(documents), alone.fit(others).transform(documents))


def test_a_vectorizer_that_cannot_be_fitted_says_so_itself() -> None:
    documents, _, _ = texts()
    [submodel] = submodels_of(CountVectorizer())
    corpus = submodel.fit(CountVectorizer(), documents, None)
    assert submodel.view(corpus, CountVectorizer(min_df=1000)) is None
    assert submodel.view(corpus, CountVectorizer(min_df=5, max_df=4)) is None
    assert submodel.view(submodel.fit(CountVectorizer(), [*documents, np.nan], None), CountVectorizer()) is None
    assert not submodels_of(CountVectorizer(vocabulary=["a"]))
    assert not submodels_of(CountVectorizer(input="filename"))


BOOSTERS = [
    ("lightgbm", "LGBMClassifier", {"boosting_type": "goss"}, "classes"),
    ("lightgbm", "LGBMClassifier", {"subsample": 0.6, "subsample_freq": 2, "random_state": 1}, "classes"),
    ("lightgbm", "LGBMRegressor", {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1}, "numbers"),
    ("lightgbm", "LGBMRegressor", {"linear_tree": True, "colsample_bytree": 0.5}, "numbers"),
    ("xgboost", "XGBClassifier", {"subsample": 0.6}, "classes"),
    ("xgboost", "XGBClassifier", {"objective": "multi:softmax", "num_parallel_tree": 2}, "classes"),
    ("xgboost", "XGBRegressor", {}, "two numbers"),
]
OF_BOOSTERS_NOT = [
    ("lightgbm", "LGBMClassifier", {"boosting_type": "dart"}),
    ("lightgbm", "LGBMClassifier", {"boosting": "dart"}),
    ("lightgbm", "LGBMRegressor", {"early_stopping_rounds": 3}),
    ("lightgbm", "LGBMRegressor", {"num_trees": 7}),
    ("lightgbm", "LGBMRegressor", {"n_estimators": 0}),
    ("xgboost", "XGBClassifier", {"booster": "dart"}),
    ("xgboost", "XGBClassifier", {"booster": "gblinear"}),
    ("xgboost", "XGBRegressor", {"early_stopping_rounds": 3}),
    ("xgboost", "XGBRegressor", {"random_state": np.random.RandomState(0)}),
    ("xgboost", "XGBRFRegressor", {}),
]


@pytest.mark.parametrize("package, name, params, kind", BOOSTERS)
def test_the_first_rounds_of_a_booster_are_a_smaller_one(package: str, name: str, params: Any, kind: str) -> None:
    shown = {"verbose": -1} if package == "lightgbm" else {}
    estimator = getattr(pytest.importorskip(package), name)(n_estimators=5, n_jobs=1, **shown, **params)
    test_a_view_is_the_model_that_was_fitted_alone(Case(estimator, each("n_estimators", 3, 7, 12), kind))
    X, y, _ = data(kind)
    [submodel] = submodels_of(estimator)
    view = submodel.view(submodel.fit(clone(estimator).set_params(n_estimators=9), X, y), clone(estimator))
    assert_same(pickle.loads(pickle.dumps(view)).predict(X), clone(estimator).fit(X, y).predict(X))


@pytest.mark.parametrize("package, name, params", OF_BOOSTERS_NOT)
def test_boosters_whose_first_rounds_are_no_smaller_one(package: str, name: str, params: Any) -> None:
    estimator = getattr(pytest.importorskip(package), name)(**{"n_estimators": 5, **params})
    assert not submodels_of(estimator)


def test_a_booster_that_stops_growing_is_fitted_alone() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    X, y, _ = data("numbers")
    [submodel] = submodels_of(lightgbm.LGBMRegressor())
    model = submodel.fit(lightgbm.LGBMRegressor(n_estimators=9, min_split_gain=1e9, verbose=-1), X, y)
    assert model.n_estimators_ < 9
    assert submodel.view(model, clone(model).set_params(n_estimators=8)) is None
    assert_same(submodel.view(model, clone(model)).predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", [linear_model.Lasso(), linear_model.Perceptron(random_state=0)], ids=repr)
def test_a_limit_that_was_come_near_serves_nobody_else(estimator: Any) -> None:
    X, y, _ = data("classes")
    [submodel] = submodels_of(estimator)
    model = clone(estimator).set_params(max_iter=1000).fit(X, y)
    taken = int(np.max(model.n_iter_))
    assert 1 < taken < 999
    limits = (taken - 1, taken, taken + 1, 1000)
    views = [submodel.view(model, clone(estimator).set_params(max_iter=limit)) for limit in limits]
    assert [view is None for view in views] == [True, True, False, False]
    assert [view.max_iter for view in views[2:]] == [taken + 1, 1000]


UNSHARED = [
    (linear_model.Ridge(solver="lsqr"), "alpha"),
    (linear_model.Ridge(positive=True), "alpha"),
    (linear_model.Ridge(alpha=[1.0, 2.0]), "alpha"),
    (KernelRidge(kernel="precomputed"), "alpha"),
    (KernelRidge(kernel=np.vdot), "alpha"),
    (LinearDiscriminantAnalysis(), "shrinkage"),
    (LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), "shrinkage"),
    (LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=EmpiricalCovariance()), "shrinkage"),
    (PLSRegression(copy=False), "n_components"),
    (naive_bayes.MultinomialNB(alpha=[1.0, 2.0]), "alpha"),
    (linear_model.Lasso(copy_X=False), "max_iter"),
    (linear_model.SGDClassifier(warm_start=True), "max_iter"),
    (KNeighborsClassifier(metric="precomputed"), "n_neighbors"),
    (KNeighborsClassifier(metric=np.vdot), "n_neighbors"),
    (KNeighborsRegressor(metric_params={"w": [1.0] * 4}), "n_neighbors"),
    (KNeighborsRegressor(n_neighbors=None), "n_neighbors"),
    (PCA(svd_solver="randomized"), "n_components"),
    (PCA(copy=False), "n_components"),
    (feature_selection.SelectKBest(feature_selection.mutual_info_classif), "k"),
    (feature_selection.SelectFromModel(linear_model.Ridge(), max_features=len), "threshold"),
    (feature_selection.SelectFromModel(linear_model.Ridge(), prefit=True), "threshold"),
    (ensemble.RandomForestClassifier(oob_score=True), "ccp_alpha"),
    (ensemble.ExtraTreesClassifier(warm_start=True), "ccp_alpha"),
    (ensemble.VotingClassifier(CLASSIFIERS, n_jobs=2), "weights"),
    (ensemble.StackingClassifier(CLASSIFIERS, cv=KFold(3, shuffle=True)), "final_estimator"),
    (ensemble.StackingRegressor(REGRESSORS, cv=ShuffleSplit(3)), "final_estimator"),
]


@pytest.mark.parametrize(("estimator", "name"), UNSHARED, ids=lambda one: re.sub(r" at 0x[0-9a-f]+|\s+", "", str(one)))
def test_what_may_differ_is_not_shared(estimator: Any, name: str) -> None:
    assert not any(name in known.parameters for known in submodels_of(estimator))


def test_ridge_shares_nothing_where_another_solver_may_be_chosen() -> None:
    X, y, _ = data("sparse")
    [submodel] = submodels_of(linear_model.Ridge())
    assert submodel.view(submodel.fit(linear_model.Ridge(), X, y), linear_model.Ridge()) is None
    singular = np.ones((20, 3))
    equations = submodel.fit(linear_model.Ridge(), singular, np.arange(20))
    assert submodel.view(equations, linear_model.Ridge(alpha=0)) is None
    assert submodel.view(equations, linear_model.Ridge(alpha=1)) is not None


@pytest.mark.parametrize(
    ("metric", "kind"), [("euclidean", "counts"), ("manhattan", "counts"), ("euclidean", "classes")]
)
def test_neighbours_are_of_the_rows_that_are_asked_about(metric: str, kind: str) -> None:
    X, y, X_new = data(kind)
    base = KNeighborsClassifier(metric=metric, algorithm="brute")
    [submodel] = submodels_of(base)
    neighbors = submodel.fit(clone(base).set_params(n_neighbors=30), X, y)
    rows = X_new.copy()
    for params in NEIGHBORS[::5]:
        alone = clone(base).set_params(**params).fit(X, y)
        view = submodel.view(neighbors, clone(alone))
        rows[:] = np.roll(rows, 7, axis=0)  # somebody changes them
        for one in (view, deepcopy(view), pickle.loads(pickle.dumps(view))):
            for asked in (rows, rows[:9], rows.tolist(), np.asfortranarray(rows), rows.astype(np.float32), X.copy()):
                assert_same(one.predict(asked), alone.predict(asked))
                assert_same(one.predict_proba(asked), alone.predict_proba(asked))
        assert_same(view.kneighbors(None, 3)[1], alone.kneighbors(None, 3)[1])
    assert len(neighbors.searches) == 4


def test_neighbours_are_searched_once() -> None:
    X, y, X_new = data("numbers")
    [submodel] = submodels_of(KNeighborsRegressor())
    neighbors = submodel.fit(KNeighborsRegressor(9), X, y)
    views = [
        submodel.view(neighbors, KNeighborsRegressor(k, weights=w)) for k in (1, 9) for w in ("uniform", "distance")
    ]
    before = neighbors.model._tree.get_n_calls()
    views[0].predict(X_new.copy())
    once = neighbors.model._tree.get_n_calls()
    assert once > before
    for view in views:
        view.predict(X_new)
    assert neighbors.model._tree.get_n_calls() == once


def test_so_many_neighbours_that_there_is_no_tree_serve_nobody_else() -> None:
    X, y, _ = data("classes")
    [submodel] = submodels_of(KNeighborsClassifier())
    neighbors = submodel.fit(KNeighborsClassifier(len(X) + 1), X, y)
    assert submodel.view(neighbors, KNeighborsClassifier(3)) is None
    with pytest.raises(ValueError, match="n_neighbors = 101"):
        submodel.view(neighbors, KNeighborsClassifier(101)).predict(X)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_components_lie_in_memory_as_they_do_alone(solver: str) -> None:
    pandas = pytest.importorskip("pandas")
    X, _, _ = data("numbers")
    frame = pandas.DataFrame(X, columns=list("abcdefghij"))
    base = PCA(svd_solver=solver).set_output(transform="pandas")
    [submodel] = submodels_of(base)
    whole = submodel.fit(clone(base), frame, None)
    for params in COMPONENTS:
        alone = clone(base).set_params(**params)
        own = alone.fit_transform(frame)
        view = submodel.view(whole, clone(alone))
        for output in (submodel.output(view, None, frame), submodel.output(view, None, frame)):
            pandas.testing.assert_frame_equal(output, own, check_exact=True)
            assert output.to_numpy().strides == own.to_numpy().strides
        assert view.components_.strides == alone.components_.strides
        assert view.noise_variance_ == alone.noise_variance_
        assert view.score(frame) == alone.score(frame)


def test_a_decomposition_is_not_shared_where_it_may_be_randomized() -> None:
    [submodel] = submodels_of(PCA())
    rng = np.random.default_rng(0)
    assert submodel.view(submodel.fit(PCA(), rng.random((600, 90)), None), PCA(3)) is None
    assert submodel.view(submodel.fit(PCA(), rng.random((500, 90)), None), PCA(3)) is not None
    assert submodel.view(submodel.fit(PCA(), rng.random((500, 90)), None), PCA(91)) is None


def test_an_elimination_ends_as_it_does_alone() -> None:
    X, y, _ = data("numbers")
    for step in (1, 3, 4, 0.25):
        base = feature_selection.RFE(linear_model.Ridge(), step=step)
        [submodel] = submodels_of(base)
        elimination = submodel.fit(clone(base).set_params(n_features_to_select=2), X, y)
        for target in range(1, 12):
            view = submodel.view(elimination, clone(base).set_params(n_features_to_select=target))
            if not 2 <= target <= 10:
                assert view is None
                continue
            alone = clone(base).set_params(n_features_to_select=target).fit(X, y)
            assert_same(view.ranking_, alone.ranking_)
            assert_same(view.support_, alone.support_)
            assert_same(view.estimator_.coef_, alone.estimator_.coef_)
            assert view.n_features_ == alone.n_features_


def test_a_stack_tells_of_a_final_estimator_of_the_wrong_kind() -> None:
    X, y, _ = data("classes")
    stack = ensemble.StackingClassifier(CLASSIFIERS)
    [submodel] = submodels_of(stack)
    model = submodel.fit(clone(stack).set_params(final_estimator=linear_model.Ridge()), X, y)
    with pytest.raises(ValueError, match="should be a classifier"):
        submodel.view(model, clone(stack).set_params(final_estimator=linear_model.Ridge()))


def test_a_machine_keeps_what_it_keeps_alone() -> None:
    pandas = pytest.importorskip("pandas")
    X, y, _ = data("classes")
    X = pandas.DataFrame(X, columns=list("abcd"))
    submodel = of_machines(SVC())
    view = submodel.view(submodel.fit(SVC(), X, y), SVC(C=3, random_state=0))
    alone = SVC(C=3, random_state=0).fit(X, y)
    assert vars(view).keys() == vars(alone).keys()
    for name, value in vars(alone).items():
        assert_same(getattr(view, name), value)
    assert_same(pickle.loads(pickle.dumps(view)).decision_function(X), alone.decision_function(X))


def test_machines_without_a_kernel_to_share(monkeypatch: Any) -> None:
    X, y, _ = data("classes")
    submodel = of_machines(SVC())
    assert submodel.view(submodel.fit(SVC(), sparse.csr_matrix(X), y), SVC()) is None
    assert submodel.view(submodel.fit(SVC(gamma=1e12), X, y), SVC(gamma=1e12)) is None
    kernel = of_machines(NuSVC()).fit(NuSVC(), X, y)
    assert of_machines(NuSVC()).view(kernel, NuSVC(nu=1, class_weight={0: 1e-9})) is None
    for one in (SVC(kernel="linear"), SVC(kernel="poly"), SVC(kernel=np.dot), SVC(probability=True)):
        assert of_machines(one) is None
    monkeypatch.setattr("skhpt.reuse.submodels.kernels._MAX_NBYTES", 8)
    assert submodel.fit(SVC(), X, y) is None


def of_machines(machine: Any, is_close: bool = False) -> Any:
    known = [one for one in submodels_of(machine) if {"C", "nu"} & set(one.parameters) and one.is_close == is_close]
    return next(iter(known), None)


@pytest.mark.parametrize("kernel", ["poly", "sigmoid"])
@pytest.mark.parametrize("kind", [SVC, NuSVC, SVR, NuSVR, OneClassSVM])
def test_other_kernels_are_shared_where_close_will_do(kind: Any, kernel: str) -> None:
    X, y, _ = data("numbers" if kind in (SVR, NuSVR) else "classes")
    X = StandardScaler().fit_transform(X)
    base = kind(kernel=kernel, coef0=0.5, gamma=0.1)
    submodel = of_machines(base, is_close=True)
    shared = submodel.fit(clone(base), X, y)
    for params in ({"nu": 0.1}, {"nu": 0.3}) if "nu" in base.get_params() else ({"C": 0.1}, {"C": 10.0}):
        view, alone = (
            submodel.view(shared, clone(base).set_params(**params)),
            clone(base).set_params(**params).fit(X, y),
        )
        assert vars(view).keys() == vars(alone).keys()
        assert view.get_params() == alone.get_params()
        decide = "predict" if kind in (SVR, NuSVR) else "decision_function"
        np.testing.assert_allclose(getattr(view, decide)(X), getattr(alone, decide)(X), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("far", "params"), [(1e4, {}), (1e3, {}), (0.0, {"max_iter": 5000}), (1e4, {"degree": 200, "gamma": 1.0})]
)
def test_a_kernel_that_cannot_tell_rows_apart_is_not_shared(far: float, params: Any) -> None:
    X, y, _ = data("classes")
    machine = SVC(kernel="poly", **params)
    submodel = of_machines(machine, is_close=True)
    assert submodel is None or submodel.fit(machine, X + far, y) is None


@pytest.mark.parametrize("weights", [None, "uniform", "distance"])
@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_votes_are_counted_as_scikit_learn_counts_them(weights, algorithm):
    rng = np.random.default_rng(0)
    for kind in (np.float64, np.float32):
        X = rng.integers(0, 4, (300, 3)).astype(kind) * kind(0.1)
        y = np.array(["a", "b", "c", "d"])[rng.integers(0, 4, 300)]
        base = KNeighborsClassifier(weights=weights, algorithm=algorithm)
        [submodel] = submodels_of(base)
        neighbors = submodel.fit(clone(base).set_params(n_neighbors=40), X[:200], y[:200])
        for k in (1, 2, 9, 40):
            view = submodel.view(neighbors, clone(base).set_params(n_neighbors=k))
            alone = clone(base).set_params(n_neighbors=k).fit(X[:200], y[:200])
            for rows in (X[:200], X[200:], X[200:201]):
                assert_same(view.predict(rows), alone.predict(rows))
            assert view.predict.__name__ == "predict"
            assert_same(view.predict(None), alone.predict(None))
