"""Fresh copies with other parameters are what `clone` and `set_params` make."""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from skhpt.fitting.cloning import fast_clone, fast_set_params


class Strange(BaseEstimator):
    def __init__(self, part=None):
        self.part = part

    def set_params(self, **params):
        return self


def state(value):
    """All that an estimator holds, in a form that can be compared."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value), {name: state(one) for name, one in vars(value).items()}
    if isinstance(value, (list, tuple)):
        return type(value), [state(one) for one in value]
    if isinstance(value, (np.random.RandomState, np.ndarray)):
        return repr(value.__getstate__() if isinstance(value, np.random.RandomState) else value)
    return value


def ids(value):
    """Identities of all that can be changed."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return {id(value)}.union(*map(ids, vars(value).values()))
    return {id(value)}.union(*map(ids, value)) if isinstance(value, list) else set()


PIPELINE = Pipeline(
    [
        ("columns", ColumnTransformer([("text", TfidfVectorizer(), "t"), ("drop", "drop", ["n"])])),
        ("both", FeatureUnion([("scale", StandardScaler()), ("same", "passthrough")])),
        ("clf", AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), random_state=np.random.RandomState(0))),
    ]
)
CASES = [
    (PIPELINE, {"columns__text__min_df": 2, "both__scale__with_mean": False, "clf__estimator__max_depth": 3}),
    (PIPELINE, {"clf": SVC(), "clf__C": 3.0}),
    (PIPELINE, {"clf__estimator": LogisticRegression(), "clf__estimator__C": 3.0}),
    (PIPELINE, {"both": "passthrough", "columns__sparse_threshold": 1.0, "verbose": True}),
    (PIPELINE, {"steps": [("clf", SVC())], "clf__C": 3.0}),
    (PIPELINE, {"columns__text__no_such": 2}),
    (PIPELINE, {"no_such__C": 2}),
    (PIPELINE, {"columns__drop__C": 2}),
    (TransformedTargetRegressor(Ridge()), {"regressor__alpha": np.float64(3.0)}),
    (VotingClassifier([("svc", SVC()), ("lr", LogisticRegression())]), {"svc__C": 3, "lr__C": 2, "lr": "drop"}),
    (RandomForestClassifier(class_weight={0: 1, 1: 2}), {"max_depth": 3}),
    (Strange(SVC()), {"part__C": 3.0}),
    (StandardScaler().set_output(transform="pandas"), {"with_mean": False}),
    (Ridge().fit([[0.0], [1.0]], [0, 1]), {"alpha": 2.0}),
]


@pytest.mark.parametrize("estimator, params", CASES)
def test_copies_are_the_same_and_share_nothing(estimator, params):
    def made(copy, change):
        try:
            return state(change(copy(estimator), copy(dict(params))))
        except Exception as error:
            return type(error), re.sub(" at 0x[0-9A-F]+", "", str(error))

    before = state(estimator)
    usual = made(lambda one: clone(one, safe=False), lambda one, others: one.set_params(**others))
    assert made(fast_clone, fast_set_params) == usual
    assert state(estimator) == before
    assert not ids(fast_clone(estimator)) & ids(estimator)


def test_every_estimator_is_copied_as_clone_does():
    for name, kind in all_estimators():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                estimator = kind()
            except TypeError:  # it needs other estimators
                continue
            assert state(fast_clone(estimator)) == state(clone(estimator)), name
