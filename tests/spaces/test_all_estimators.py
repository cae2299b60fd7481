"""Every estimator of scikit-learn with a default space: its candidates fit and score."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skhpt import Space
from skhpt.spaces import default_space
from tests.spaces.cases import TEXTS, WITHOUT_SPACE, data_for, estimators

CLASSIFIERS, REGRESSORS = estimators("classifier"), estimators("regressor")
TRANSFORMERS = {
    name: transformer
    for name, transformer in estimators("transformer").items()
    if name not in CLASSIFIERS.keys() | REGRESSORS.keys()
}
FOR_TWO_CLASSES = {
    "FixedThresholdClassifier",
    "TunedThresholdClassifierCV",
    "ClassifierChain",
    "MultiOutputClassifier",
}
TEXT_TRANSFORMERS = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}


def has_space(estimator):
    X, y = np.arange(200.0).reshape(40, 5), np.arange(40) % 2
    for each, data in [(estimator, ()), (make_pipeline(estimator, "passthrough"), (X, y))]:
        try:
            default_space(each, *data)
        except ValueError:
            continue
        return True
    return False


def tuned(by_name):
    return [name for name, estimator in by_name.items() if has_space(estimator)]


TUNED_CLASSIFIERS, TUNED_REGRESSORS, TUNED_TRANSFORMERS = map(tuned, (CLASSIFIERS, REGRESSORS, TRANSFORMERS))


def candidates_of(space, n, corners):
    """Random points, and the points with the lowest or the highest value of every parameter of a branch."""
    points = Space(space).sample(int(min(n, Space(space).size)), 0)
    for branch in Space(space).branches if corners else ():
        for u in (0.0, 1.0):
            points.append({name: dimension.decode(np.array([u]))[0] for name, dimension in branch.items()})
    return points


def check_candidates(estimator, X, y, *, n=3, corners=False, stratified):
    """Fit and score candidates of the default space on two folds; return False if the estimator itself fails."""
    folds = StratifiedKFold(2) if stratified else KFold(2, shuffle=True, random_state=0)
    splits = list(folds.split(X, y if np.ndim(y) == 1 else None))
    rows = np.asarray(X, dtype=object) if isinstance(X, list) else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for train, test in splits:
                clone(estimator).fit(rows[train], y[train]).score(rows[test], y[test])
        except ValueError:
            return False
        for params in candidates_of(default_space(estimator, X, y), n, corners):
            for train, test in splits:
                fitted = clone(estimator).set_params(**params).fit(rows[train], y[train])
                fitted.score(rows[test], y[test])
    return True


def in_pipelines(estimator, is_classifier):
    yield make_pipeline(StandardScaler(), PCA(random_state=0), estimator)
    yield make_pipeline(MinMaxScaler(), SelectKBest(f_classif if is_classifier else f_regression), estimator)


def check_pipelines(estimator, X, y, is_classifier):
    """Check many candidates of an estimator alone and in pipelines."""
    stratified = is_classifier and np.ndim(y) == 1
    for each in [estimator, *in_pipelines(estimator, is_classifier)]:
        check_candidates(each, X, y, corners=True, stratified=stratified)


@pytest.mark.parametrize("name", TUNED_CLASSIFIERS)
def test_candidates_of_a_classifier_fit(name):
    estimator = CLASSIFIERS[name]
    X, y = data_for(estimator, "binary" if name in FOR_TWO_CLASSES else "multiclass")
    assert check_candidates(estimator, X, y, n=1, stratified=np.ndim(y) == 1)


@pytest.mark.parametrize("name", TUNED_REGRESSORS)
def test_candidates_of_a_regressor_fit(name):
    data = data_for(REGRESSORS[name], "regression")
    assert check_candidates(REGRESSORS[name], *data, n=1, stratified=False)


@pytest.mark.parametrize("name", TUNED_TRANSFORMERS)
def test_candidates_of_a_transformer_fit(name):
    X, y = data_for(LogisticRegression(), "binary")
    X = TEXTS if name in TEXT_TRANSFORMERS else X
    pipeline = make_pipeline(TRANSFORMERS[name], LogisticRegression())
    assert check_candidates(pipeline, X, y, n=2, corners=True, stratified=True)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["binary", "multiclass"])
@pytest.mark.parametrize("name", TUNED_CLASSIFIERS)
def test_more_candidates_of_a_classifier_fit(name, data):
    check_pipelines(CLASSIFIERS[name], *data_for(CLASSIFIERS[name], data), is_classifier=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNED_REGRESSORS)
def test_more_candidates_of_a_regressor_fit(name):
    check_pipelines(REGRESSORS[name], *data_for(REGRESSORS[name], "regression"), is_classifier=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TUNED_TRANSFORMERS if name not in TEXT_TRANSFORMERS])
def test_more_candidates_of_a_transformer_fit(name):
    X, y = data_for(LogisticRegression(), "multiclass")
    for scaler in (StandardScaler(), MinMaxScaler()):
        pipeline = make_pipeline(scaler, TRANSFORMERS[name], SelectKBest(), LogisticRegression())
        check_candidates(pipeline, X, y, corners=True, stratified=True)
    X, y = data_for(Ridge(), "regression")
    check_candidates(make_pipeline(TRANSFORMERS[name], Ridge()), X, y, corners=True, stratified=False)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of classes that are deprecated
@pytest.mark.parametrize("name", sorted({**CLASSIFIERS, **REGRESSORS}))
def test_every_value_meets_the_constraints_of_the_parameter(name):
    estimator = {**CLASSIFIERS, **REGRESSORS}[name]
    if name in WITHOUT_SPACE:
        with pytest.raises(ValueError, match=f"no default space for {name}"):
            default_space(estimator)
        return
    data = data_for(estimator, "multiclass" if name in CLASSIFIERS else "regression")
    for X, y in [(None, None), data]:
        try:
            space = default_space(estimator, X, y)
        except ValueError:
            assert X is None  # such as the number of components
            continue
        for params in candidates_of(space, 5, corners=True):
            clone(estimator).set_params(**params)._validate_params()


def test_estimators_with_and_without_a_space():
    names = {*TUNED_CLASSIFIERS, *TUNED_REGRESSORS, *TUNED_TRANSFORMERS}
    assert not WITHOUT_SPACE & names
    assert len(names) > 100
