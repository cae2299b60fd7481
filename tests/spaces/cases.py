"""Every estimator of scikit-learn that can be made without data, and small data sets for them."""

import warnings

import numpy as np
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators, get_tags

#: Number of rows of the data sets.
N_ROWS = 60

#: Shares of all classes but the last, by the number of classes.
WEIGHTS = {2: [0.6], 3: [0.5, 0.3]}

#: Estimators that have nothing to tune, that tune themselves, or whose good values cannot be told from the data.
WITHOUT_SPACE = {
    *(
        "DummyClassifier",
        "DummyRegressor",
        "IsotonicRegression",
        "LinearRegression",
        "BayesianRidge",
        "ARDRegression",
    ),
    *("TheilSenRegressor", "RANSACRegressor", "LassoLarsIC", "CCA", "PLSCanonical", "PLSSVD"),
    *(
        "LogisticRegressionCV",
        "RidgeClassifierCV",
        "RidgeCV",
        "ElasticNetCV",
        "LassoCV",
        "LarsCV",
        "LassoLarsCV",
    ),
    *("MultiTaskElasticNetCV", "MultiTaskLassoCV", "OrthogonalMatchingPursuitCV"),
    *(
        "RadiusNeighborsClassifier",
        "RadiusNeighborsRegressor",
        "NuSVC",
    ),  # fail for values that suit other data
    *(
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "PowerTransformer",
        "FunctionTransformer",
    ),
}
#: Arguments of estimators that need some, and of those that take long.
ARGUMENTS = {
    "CalibratedClassifierCV": {"estimator": SVC(), "cv": 2},
    "CategoricalNB": {"min_categories": 20},
    "ClassifierChain": {"estimator": LogisticRegression()},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "GaussianRandomProjection": {"n_components": 3},
    "HashingVectorizer": {"n_features": 1000},
    "LatentDirichletAllocation": {"max_iter": 2},
    "MiniBatchSparsePCA": {"max_iter": 10},
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "MLPClassifier": {"max_iter": 5},
    "MLPRegressor": {"max_iter": 5},
    "MultiOutputClassifier": {"estimator": DecisionTreeClassifier()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": KNeighborsClassifier()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "SparseRandomProjection": {"n_components": 3},
    "QuantileRegressor": {"solver": "highs"},
    "RFE": {"estimator": SVC(kernel="linear")},
    "RegressorChain": {"estimator": Ridge()},
    "SelectFromModel": {"estimator": LogisticRegression()},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "SequentialFeatureSelector": {"estimator": LogisticRegression(), "cv": 2},
    "StackingClassifier": {
        "estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier())],
        "cv": 2,
    },
    "StackingRegressor": {"estimators": [("a", Ridge()), ("b", DecisionTreeRegressor())], "cv": 2},
    "TransformedTargetRegressor": {"regressor": Ridge(), "func": np.log1p, "inverse_func": np.expm1},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression(), "cv": 2},
    "VotingClassifier": {"estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier())]},
    "VotingRegressor": {"estimators": [("a", LinearRegression()), ("b", DecisionTreeRegressor())]},
}
TEXTS = [
    f"the {word} and the {other}" for word in ("cat", "dog", "hen", "ox") for other in ("tree", "sea", "sky")
] * 5


def make_estimator(kind):
    """Make an estimator of a class; None if it is not known how."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that are deprecated
            estimator = kind(**ARGUMENTS.get(kind.__name__, {}))
    except TypeError:
        return None
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=0)
    return estimator


def estimators(kind):
    """Return the estimators of a kind ("classifier", "regressor", "transformer") by name."""
    made = {name: make_estimator(each) for name, each in all_estimators(type_filter=kind)}
    return {name: estimator for name, estimator in made.items() if estimator is not None}


def positive(X):
    """Counts from 0 to about 10, which every estimator accepts."""
    return np.round(2 * (X - X.min(axis=0)))


def classification(n_classes):
    X, y = make_classification(
        N_ROWS,
        5,
        n_informative=4,
        n_redundant=0,
        n_classes=n_classes,
        weights=WEIGHTS[n_classes],
        random_state=0,
    )
    return positive(X), y


def regression():
    X, y = make_regression(N_ROWS, 5, noise=5.0, random_state=0)
    return positive(X), 1000 + y


DATA = {
    "binary": lambda: classification(2),
    "multiclass": lambda: classification(3),
    "regression": regression,
}


def data_for(estimator, name):
    """Return a data set in the form that an estimator takes."""
    X, y = DATA[name]()
    tags = get_tags(estimator)
    if tags.target_tags.multi_output and not tags.target_tags.single_output:
        y = np.column_stack([y, y[::-1]])
    if type(estimator).__name__ == "SelfTrainingClassifier":
        y = np.where(np.arange(len(y)) % 5 == 4, -1, y)
    return X, y
