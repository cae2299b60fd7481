"""Signatures that are kept are the ones that would be read."""

import inspect
import pickle

from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt.fitting.signatures import remember_signatures


class Own(BaseEstimator):
    def __init__(self, part=None):
        self.part = part


def test_signatures_of_all_parts_are_kept_and_stay_the_same():
    classes = (LogisticRegression, Ridge, StandardScaler, FeatureUnion)
    before = [str(inspect.signature(kind)) for kind in classes]
    pipeline = make_pipeline(FeatureUnion([("scale", StandardScaler())]), Own(LogisticRegression()))
    remember_signatures(pipeline, [Ridge()], {"not": "an estimator"}, Ridge, 3)
    assert [str(inspect.signature(kind)) for kind in classes] == before
    assert all("__signature__" in vars(kind.__init__) for kind in classes)
    assert repr(pickle.loads(pickle.dumps(pipeline))) == repr(clone(pipeline))


def test_classes_of_others_are_left_alone():
    remember_signatures(Own())
    assert "__signature__" not in vars(Own.__init__)
