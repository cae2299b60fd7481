"""`default_space`: what it depends on, how the spaces of steps are combined, and what it refuses."""

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import RFE, SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skhpt import Space
from skhpt.spaces import default_space
from skhpt.spaces.composition import MAX_BRANCHES
from tests.estimators import Null
from tests.spaces.cases import TEXTS


class OwnForest(RandomForestClassifier):
    """A subclass of an estimator that is known, without one of its parameters."""

    def __init__(self, max_features=1.0, bootstrap=True, criterion="gini"):
        super().__init__(max_features=max_features, bootstrap=bootstrap, criterion=criterion)


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    return rng.normal(size=(100, 8)), rng.randint(0, 3, 100)


def support(space, name):
    low, high = space[name].support()
    return float(low), float(high)


def names(space):
    return [set(branch) for branch in (space if isinstance(space, list) else [space])]


def test_it_is_a_plain_dict_or_a_list_of_dicts_that_a_space_accepts(data):
    space = default_space(KNeighborsClassifier(), *data)
    assert type(space) is dict
    assert list(space) == ["n_neighbors", "weights", "p"]
    branches = default_space(SVC(), *data)
    assert type(branches) is list
    assert all(type(branch) is dict for branch in branches)
    assert Space(branches).size == np.inf


def test_parameters_of_a_kernel_are_in_a_branch_of_their_own(data):
    assert names(default_space(SVC(), *data)) == [
        {"kernel", "C", "gamma"},
        {"kernel", "C"},
        {"kernel", "C", "gamma", "degree", "coef0"},
    ]


def test_it_prints_as_code_that_makes_it(data):
    from skhpt.distributions import quantized, truncated_lognormal, truncated_normal  # noqa: F401

    text = repr(default_space(make_pipeline(PCA(), RandomForestClassifier()), *data))
    space = eval(text)
    assert repr(space) == text
    assert Space(space).sample(3, 0) == Space(
        default_space(make_pipeline(PCA(), RandomForestClassifier()), *data)
    ).sample(3, 0)


def test_it_is_the_same_for_the_same_data(data):
    pipeline = make_pipeline(StandardScaler(), PCA(), SVC())
    assert repr(default_space(pipeline, *data)) == repr(default_space(pipeline, *data))


def test_the_estimator_is_not_changed(data):
    estimator = SVC(C=7.0, kernel="linear")
    before = repr(estimator)
    default_space(make_pipeline(PCA(), estimator), *data)
    assert repr(estimator) == before


def test_a_parameter_that_the_estimator_sets_is_searched(data):
    assert "C" in default_space(LogisticRegression(C=7.0), *data)


@pytest.mark.parametrize("kernel", ["precomputed", lambda a, b: a @ b.T])
def test_a_kernel_of_the_user_stays(kernel, data):
    assert names(default_space(SVC(kernel=kernel), *data)) == [{"C"}]
    assert names(default_space(KernelRidge(kernel=kernel), *data)) == [{"alpha"}]


# -- data ------------------------------------------------------------------------------------------------------


def test_components_are_limited_by_features_and_by_half_of_the_rows(data):
    X, y = data
    assert support(default_space(PCA(), X, y), "n_components")[1] == 8
    assert support(default_space(PCA(), X[:12], y[:12]), "n_components")[1] == 6
    assert support(default_space(PCA(), X[:12], y[:12], n_train=4), "n_components")[1] == 4
    assert support(default_space(PCA(svd_solver="arpack"), X, y), "n_components")[1] == 7
    assert support(default_space(PCA()), "n_components")[1] < 1  # a share of the variance


def test_neighbors_are_limited_by_rows(data):
    X, y = data
    assert support(default_space(KNeighborsClassifier(), X[:20], y[:20]), "n_neighbors") == (1, 5)


def test_costs_of_a_regression_have_the_unit_of_y(data):
    X, y = data
    thousand, one = (default_space(SVR(), X, scale * (y - 1.0)) for scale in (1000.0, 1.0))
    for name in ("C", "epsilon"):
        ratio = thousand[0][name].ppf(0.5) / one[0][name].ppf(0.5)
        assert ratio == pytest.approx(1000, rel=0.1)
    log = TransformedTargetRegressor(SVR(), func=np.log, inverse_func=np.exp)
    inner = default_space(log, X, np.exp(y))
    assert inner[0]["regressor__C"].ppf(0.5) == pytest.approx(one[0]["C"].ppf(0.5), rel=0.2)


def test_the_width_of_a_kernel_depends_on_the_spread_of_the_features(data):
    X, y = data
    raw, scaled, wide = (
        default_space(estimator, values, y)[0]
        for estimator, values in [(SVC(), X), (make_pipeline(MinMaxScaler(), SVC()), X), (SVC(), 10 * X)]
    )
    assert raw["gamma"].ppf(0.5) / wide["gamma"].ppf(0.5) == pytest.approx(100, rel=0.2)
    assert scaled["svc__gamma"].ppf(0.5) > raw["gamma"].ppf(0.5)


@pytest.mark.parametrize(
    "convert",
    [pd.DataFrame, sparse.csr_matrix, sparse.coo_array, np.ndarray.tolist],
    ids=lambda f: f.__name__,
)
def test_it_takes_data_of_any_kind(convert, data):
    X, y = data
    assert repr(default_space(SVC(), convert(X), list(y))) == repr(default_space(SVC(), X, y))


def test_data_that_cannot_be_read_leave_the_space_without_them(data):
    X = [[["a"], "b"]] * 10
    assert names(default_space(make_pipeline(PCA(), SVC()), X)) == names(
        default_space(make_pipeline(PCA(), SVC()), data[0])
    )


def test_missing_values_and_texts_in_a_frame_are_no_obstacle():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0, 4.0], "b": ["x", None, "y", "z"]})
    assert "svc__C" in default_space(make_pipeline(SVC()), X, [0, 1, 0, 1])[0]


def test_rare_words_are_left_out_only_if_a_word_remains():
    y = np.arange(len(TEXTS)) % 2
    assert default_space(CountVectorizer(), TEXTS, y)["min_df"] == [1, 2, 5]  # "the" is in each text
    assert default_space(CountVectorizer(), ["a cat", "the dog", "an ox"] * 9)["min_df"] == [1]
    assert "min_df" not in default_space(TfidfVectorizer(stop_words=["the"]), TEXTS, y)


# -- composite estimators --------------------------------------------------------------------------------------


def test_the_space_of_a_pipeline_has_the_names_of_its_steps(data):
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("reduce", PCA()),
            ("svm", SVC()),
        ]
    )
    space = default_space(pipeline, *data)
    assert names(space)[1] == {"reduce__n_components", "svm__kernel", "svm__C"}


def test_a_step_that_is_not_known_or_passes_through_stays_as_it_is(data):
    pipeline = make_pipeline("passthrough", Null(), KNeighborsClassifier())
    assert names(default_space(pipeline, *data)) == [
        {"kneighborsclassifier__n_neighbors", "kneighborsclassifier__weights", "kneighborsclassifier__p"}
    ]


def test_a_selection_after_a_reduction_keeps_to_the_smallest_number_of_features(data):
    space = default_space(make_pipeline(PCA(), SelectKBest(), LogisticRegression()), *data)
    assert support(space, "selectkbest__k")[1] == support(space, "pca__n_components")[0]


def test_spaces_of_columns_and_of_unions(data):
    X = pd.DataFrame(
        {"a": np.arange(200.0), "b": np.arange(200) % 7, "c": ["x", "y"] * 100, "d": (TEXTS * 4)[:200]}
    )
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), PCA()), ["a", "b"]),
        (OneHotEncoder(), ["c"]),
        (TfidfVectorizer(), "d"),
    )
    space = default_space(make_pipeline(columns, LogisticRegression()), X, X["b"] > 3)
    assert support(space, "columntransformer__pipeline__pca__n_components") == (1, 2)
    assert {"columntransformer__onehotencoder__min_frequency", "logisticregression__C"} <= set(space)
    union = FeatureUnion([("pca", PCA()), ("best", SelectKBest()), ("none", "drop")])
    assert names(default_space(union, *data)) == [{"pca__n_components", "best__k"}]
    by_number = ColumnTransformer([("pca", PCA(), slice(0, 3)), ("other", PCA(), lambda X: [3, 4])])
    space = default_space(by_number, *data)
    assert [support(space, f"{name}__n_components")[1] for name in ("pca", "other")] == [3, 2]


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (CalibratedClassifierCV(LogisticRegression()), {"method", "estimator__C"}),
        (OneVsRestClassifier(LogisticRegression()), {"estimator__C"}),
        (BaggingClassifier(LogisticRegression()), {"max_samples", "max_features", "estimator__C"}),
        (
            StackingClassifier(
                [("a", LogisticRegression()), ("b", Null())], final_estimator=LogisticRegression()
            ),
            {"passthrough", "a__C", "final_estimator__C"},
        ),
        (TransformedTargetRegressor(Ridge()), {"regressor__alpha"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_space_of_an_estimator_within_another(estimator, expected, data):
    assert names(default_space(estimator, *data)) == [expected]


def test_a_selection_by_coefficients_keeps_the_kernel_that_has_them(data):
    space = default_space(RFE(SVC(kernel="linear")), *data)
    assert space["estimator__kernel"] == ["linear"]
    assert "estimator__gamma" not in space


def test_there_are_no_more_branches_than_the_limit(data):
    stack = StackingClassifier([(f"svc{i}", SVC()) for i in range(4)])
    space = default_space(stack, *data)
    assert 8 <= len(space) <= MAX_BRANCHES
    assert all(branch["svc0__kernel"][0] in ("rbf", "linear") for branch in space)


def test_a_class_of_the_user_has_the_space_of_its_base_class(data):
    assert set(default_space(OwnForest(), *data)) == {"max_features"}


def test_a_search_within_an_estimator_stays_as_it_is(data):
    inner = RandomizedSearchCV(SVC(), {"C": [1, 2, 3]}, n_iter=2)
    assert names(default_space(make_pipeline(PCA(), inner), *data)) == [{"pca__n_components"}]


# -- refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), Null(), StandardScaler()], ids=lambda e: type(e).__name__
)
def test_an_estimator_without_a_space_is_named(estimator, data):
    with pytest.raises(ValueError, match=rf"no default space for {type(estimator).__name__}.*Write a space"):
        default_space(estimator, *data)


def test_a_class_is_no_estimator():
    with pytest.raises(TypeError, match="got the class SVC"):
        default_space(SVC)


def test_a_pipeline_without_a_space_names_its_steps(data):
    with pytest.raises(ValueError, match="for Pipeline with the steps StandardScaler, LinearRegression"):
        default_space(make_pipeline(StandardScaler(), LinearRegression()), *data)


# -- settings of the estimator on which other parameters depend -------------------------------------------------


def test_parameters_without_effect_or_in_conflict_are_left_out(data):
    assert "max_samples" not in default_space(RandomForestClassifier(bootstrap=False), *data)
    assert "learning_rate_init" not in default_space(MLPClassifier(solver="lbfgs"), *data)
    assert "l1_ratio" not in default_space(LogisticRegression(), *data)
    assert "p" not in default_space(KNeighborsClassifier(metric="cosine"), *data)


def test_probabilities_are_not_lost(data):
    assert default_space(SGDClassifier(loss="log_loss"), *data)["loss"] == ["log_loss", "modified_huber"]


# -- other packages ----------------------------------------------------------------------------------------------


def of_package(package, name, **params):
    """An estimator whose class looks like that of a package that need not be installed."""

    class Model(ClassifierMixin, BaseEstimator):
        def get_params(self, deep=True):
            return dict(params)

    Model.__module__, Model.__name__ = f"{package}.sklearn", name
    return Model()


@pytest.mark.parametrize("package", ["lightgbm", "xgboost", "catboost"])
def test_boosting_packages_are_known_by_the_names_of_their_classes(package, data):
    name = {"lightgbm": "LGBMClassifier", "xgboost": "XGBRegressor", "catboost": "CatBoostClassifier"}[
        package
    ]
    was_imported = package in sys.modules
    space = default_space(of_package(package, name), *data)
    assert "learning_rate" in space
    assert len(space) >= 5
    assert isinstance(sys.modules.get(package), ModuleType) == was_imported


def test_the_name_of_a_parameter_is_the_one_that_is_set(data):
    space = default_space(of_package("catboost", "CatBoostClassifier", n_estimators=50, max_depth=3), *data)
    assert {"n_estimators", "max_depth"} <= set(space)
    assert not {"iterations", "depth"} & set(space)
    space = default_space(of_package("lightgbm", "LGBMClassifier", num_iterations=5, n_estimators=100), *data)
    assert "n_estimators" not in space


@pytest.mark.parametrize(
    "name", ["LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor", "XGBRFClassifier"]
)
def test_candidates_of_boosting_packages_fit(name, data):
    module = pytest.importorskip("xgboost" if name.startswith("XGB") else "lightgbm")
    X, y = data
    quiet = {"verbose": -1} if name.startswith("LGBM") else {"verbosity": 0}
    for params in Space(default_space(getattr(module, name)(), X, y)).sample(2, 0):
        model = getattr(module, name)(n_jobs=1, **quiet).set_params(**params)
        assert model.fit(X, y).score(X, y) <= 1


def test_a_tree_within_a_pipeline_within_a_pipeline(data):
    outer = make_pipeline(make_pipeline(PCA(), StandardScaler()), DecisionTreeClassifier())
    assert {"pipeline__pca__n_components", "decisiontreeclassifier__max_depth"} <= set(
        default_space(outer, *data)
    )
