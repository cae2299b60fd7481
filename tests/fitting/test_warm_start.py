"""Continued training: the result is that of a fit from scratch, bit for bit."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from skhpt import register_continuation
from skhpt.fitting.warm_start import registered_estimators
from tests.fitting.training import X, Y, name, output, parameter, target, trained

EXACT = [
    RandomForestClassifier(random_state=0),
    RandomForestRegressor(random_state=0, max_samples=0.5),
    ExtraTreesClassifier(random_state=0, bootstrap=True, oob_score=False),
    ExtraTreesRegressor(random_state=0),
    BaggingClassifier(random_state=0, max_features=0.5),
    BaggingRegressor(random_state=0, bootstrap_features=True),
    IsolationForest(random_state=0),
    RandomTreesEmbedding(random_state=0),
    GradientBoostingClassifier(random_state=0, subsample=0.5, max_features=2),
    GradientBoostingRegressor(random_state=0, subsample=0.7),
    HistGradientBoostingClassifier(random_state=0, max_features=0.5),
    HistGradientBoostingRegressor(random_state=0, max_features=0.3),
]


def can_continue(estimator, name):
    return parameter(name, 10**6, estimator).can_continue(estimator, 1)


@pytest.mark.parametrize(
    "wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), PCA(3), e)], ids=["", "pipe"]
)
@pytest.mark.parametrize("estimator", EXACT, ids=name)
def test_continued_training_equals_a_fit_from_scratch(estimator, wrap):
    resource = "max_iter" if name(estimator).startswith("Hist") else "n_estimators"
    whole = wrap(clone(estimator))
    if whole is not estimator and hasattr(whole, "steps"):
        whole.set_params(pca__random_state=0)
        resource = f"{whole.steps[-1][0]}__{resource}"
    training = parameter(resource, 20, whole)
    assert can_continue(whole, resource)
    continued = trained(training, whole, target(estimator), [2, 6, 20])
    from_scratch = trained(training, whole, target(estimator), [20])
    np.testing.assert_array_equal(output(continued), output(from_scratch))


def test_every_registered_estimator_is_tested():
    registered = {kind for kind in registered_estimators() if kind.__module__.startswith("sklearn.")}
    assert {type(estimator) for estimator in EXACT} == registered


@pytest.mark.parametrize(
    ("estimator", "resource"),
    [
        (MLPClassifier(random_state=0), "max_iter"),
        (LogisticRegression(random_state=0), "max_iter"),
        (RandomForestClassifier(random_state=0), "max_depth"),
        (RandomForestClassifier(random_state=np.random.RandomState(0)), "n_estimators"),
        (GradientBoostingClassifier(random_state=0, n_iter_no_change=2), "n_estimators"),
        (HistGradientBoostingClassifier(random_state=0, early_stopping=True), "max_iter"),
        (BaggingClassifier(random_state=0, oob_score=True), "n_estimators"),
        (RandomForestClassifier(random_state=0, class_weight="balanced"), "n_estimators"),
        (
            make_pipeline(PCA(2), RandomForestClassifier(random_state=0)),
            "randomforestclassifier__n_estimators",
        ),
        (
            make_pipeline(TargetEncoder(), RandomForestClassifier(random_state=0)),
            "randomforestclassifier__n_estimators",
        ),
        (
            make_pipeline(RandomTreesEmbedding(random_state=0), GaussianNB()),
            "randomtreesembedding__n_estimators",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else name(value),
)
def test_training_that_would_not_be_exact_does_not_continue(estimator, resource):
    assert not can_continue(estimator, resource)


def test_early_stopping_that_only_a_fitted_model_knows_of():
    estimator = HistGradientBoostingClassifier(random_state=0)
    assert can_continue(estimator, "max_iter")
    model = clone(estimator).set_params(max_iter=2).fit(np.repeat(X, 70, axis=0), np.repeat(Y, 70))
    assert not can_continue(model, "max_iter")


def test_a_forest_needs_no_seed_but_the_first_steps_of_its_pipeline_do():
    assert can_continue(RandomForestClassifier(), "n_estimators")
    assert not can_continue(
        make_pipeline(PCA(2), RandomForestClassifier()), "randomforestclassifier__n_estimators"
    )


def test_registering():
    class Forest(RandomForestClassifier):
        pass

    assert not can_continue(Forest(), "n_estimators")
    register_continuation(Forest, "n_estimators", lambda forest: forest.bootstrap)
    assert can_continue(Forest(), "n_estimators")
    assert not can_continue(Forest(bootstrap=False), "n_estimators")
