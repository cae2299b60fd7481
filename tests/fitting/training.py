"""Data, and the training of estimators with a resource, for tests of resources and of continuations."""

import pickle

from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression

from skhpt.fitting.checkpoints import Checkpoint
from skhpt.fitting.resources import ParameterResource
from skhpt.fitting.warm_start import continuation_of

X, Y = load_iris(return_X_y=True)
TARGET = make_regression(150, random_state=0)[1]


def parameter(name, maximum, estimator, continuation="auto"):
    return ParameterResource(name, maximum, continuation, continuation_of(estimator))


def name(estimator):
    return type(estimator).__name__


def target(estimator):
    return TARGET if name(estimator).endswith("Regressor") else Y


def output(model):
    method = next(
        m for m in ("predict_proba", "decision_function", "predict", "transform") if hasattr(model, m)
    )
    found = getattr(model, method)(X)
    return found.toarray() if hasattr(found, "toarray") else found


def trained(training, estimator, y, resources):
    """Train to each resource in turn, and pickle the checkpoints in between."""
    checkpoint = None
    for resource in resources:
        model = training.prepare(clone(estimator), resource, checkpoint)
        training.fit(model, X, y, params={}, resource=resource, checkpoint=checkpoint)
        if training.can_continue(model, resource):
            checkpoint = pickle.loads(pickle.dumps(Checkpoint(model, resource)))
    return model
