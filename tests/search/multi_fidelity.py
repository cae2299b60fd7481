"""Estimators and spaces for tests of HyperbandSearchCV."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOREST = RandomForestClassifier(9, random_state=0)
DEPTHS = {"max_depth": stats.randint(1, 9), "max_features": stats.uniform(0.1, 0.9)}
SGD = make_pipeline(StandardScaler(), SGDClassifier(max_iter=9, tol=None, random_state=0))
ALPHAS = {
    "sgdclassifier__alpha": stats.loguniform(1e-6, 1e1),
    "sgdclassifier__eta0": stats.loguniform(1e-3, 10),
}
QUALITIES = {"quality": stats.uniform(0, 1), "start": stats.uniform(0, 1)}
SCHEDULES = ["ladder", "hyperband", "halving"]


class Grower(ClassifierMixin, BaseEstimator):
    """Its score is its quality, less what it lacks of training; it counts its fits, and can continue its training."""

    def __init__(self, quality=0.5, size=9, start=0.0):
        self.quality = quality
        self.size = size
        self.start = start

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return self.quality - self.start / self.size


def same(one, other, but=()):
    """Compare tables of results, times and the columns `but` aside."""
    one, other = (pd.DataFrame(results) for results in (one, other))
    columns = [name for name in one if "time" not in name and name not in but]
    pd.testing.assert_frame_equal(one[columns], other[columns])
