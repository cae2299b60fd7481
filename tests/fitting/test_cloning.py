"""`fast_clone` returns what `clone` returns."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from skhpt.fitting.cloning import fast_clone


def state(value):
    """All attributes of an estimator, in a form that can be compared."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value), {name: state(attribute) for name, attribute in vars(value).items()}
    if isinstance(value, (list, tuple)):
        return type(value), [state(item) for item in value]
    if isinstance(value, np.random.RandomState):
        return repr(value.__getstate__())
    return repr(value) if isinstance(value, np.ndarray) else value


def ids(value):
    """Identities of all objects that can be changed."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return {id(value)}.union(*map(ids, vars(value).values()))
    return {id(value)}.union(*map(ids, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "estimator",
    [
        Pipeline(
            [
                ("columns", ColumnTransformer([("text", TfidfVectorizer(), "t"), ("drop", "drop", ["n"])])),
                ("both", FeatureUnion([("scale", StandardScaler()), ("same", "passthrough")])),
                ("clf", AdaBoostClassifier(DecisionTreeClassifier(), random_state=np.random.RandomState(0))),
            ]
        ),
        RandomForestClassifier(class_weight={0: 1, 1: 2}),
        StandardScaler().set_output(transform="pandas"),
        Ridge().fit([[0.0], [1.0]], [0, 1]),
        SVC(kernel=np.dot),
        "passthrough",
        [Ridge(), None],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_clone_has_equal_parameters_and_shares_nothing(estimator):
    before = state(estimator)
    copied = fast_clone(estimator)
    assert state(copied) == state(clone(estimator, safe=False))
    assert state(estimator) == before
    assert not ids(copied) & ids(estimator)


def test_every_estimator_is_cloned_as_clone_does():
    for name, kind in all_estimators():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                estimator = kind()
            except TypeError:  # its constructor requires other estimators
                continue
            assert state(fast_clone(estimator)) == state(clone(estimator)), name
