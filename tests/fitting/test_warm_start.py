"""Continued training: the result is that of a fit from scratch, bit for bit."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.decomposition import NMF, PCA
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
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from skhpt import register_continuation
from skhpt.fitting.checkpoints import Checkpoint
from skhpt.fitting.resources import EpochResource, ParameterResource
from skhpt.fitting.warm_start import continuation_of, registered_estimators

X, Y = load_iris(return_X_y=True)
TARGET = make_regression(150, random_state=0)[1]
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
EPOCHS = [
    MLPClassifier(hidden_layer_sizes=(8,), batch_size=32, random_state=0),
    MLPRegressor(hidden_layer_sizes=(8,), batch_size=32, random_state=0),
    SGDClassifier(random_state=0),
    SGDRegressor(random_state=0),
]


def parameter(name, maximum, estimator, continuation="auto"):
    return ParameterResource(name, maximum, continuation, continuation_of(estimator))


def can_continue(estimator, name):
    return parameter(name, 10**6, estimator).can_continue(estimator, 1)


def name(estimator):
    return type(estimator).__name__


def target(estimator):
    return TARGET if name(estimator).endswith("Regressor") else Y


def output(model):
    method = next(m for m in ("predict_proba", "decision_function", "predict", "transform") if hasattr(model, m))
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


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), PCA(3), e)], ids=["", "pipe"])
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


HEADS = [None, make_pipeline(StandardScaler()), PCA(3, svd_solver="full"), NMF(2, max_iter=9, random_state=0)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("head", HEADS, ids=name)
@pytest.mark.parametrize("estimator", EPOCHS, ids=name)
def test_continued_epochs_equal_a_fit_from_scratch(estimator, head):
    whole = make_pipeline(make_pipeline(head), estimator) if head else estimator
    y = target(estimator)
    training = EpochResource(np.unique(Y), 7, 9)
    continued, from_scratch = (trained(training, whole, y, resources) for resources in ([1, 3, 9], [9]))
    np.testing.assert_array_equal(output(continued), output(from_scratch))
    other_order = trained(EpochResource(np.unique(Y), 8, 9), whole, y, [9])
    assert not np.array_equal(output(other_order), output(from_scratch))


def test_epochs_use_all_classes_and_the_weights_of_their_rows():
    training = EpochResource(np.array([0, 1, 2, 3]), 0, 2)
    model = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    weights = np.r_[np.ones(100), np.zeros(50)]
    training.fit(model, X, Y, params={"sgdclassifier__sample_weight": weights}, resource=2)
    assert list(model.classes_) == [0, 1, 2, 3]
    unweighted = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
    training.fit(unweighted, X, Y, params={}, resource=2)
    assert not np.array_equal(output(model), output(unweighted))


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
        (make_pipeline(PCA(2), RandomForestClassifier(random_state=0)), "randomforestclassifier__n_estimators"),
        (
            make_pipeline(TargetEncoder(), RandomForestClassifier(random_state=0)),
            "randomforestclassifier__n_estimators",
        ),
        (make_pipeline(RandomTreesEmbedding(random_state=0), GaussianNB()), "randomtreesembedding__n_estimators"),
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


def test_inexact_continuations_only_on_request():
    estimator = MLPClassifier(random_state=0)
    assert ParameterResource("max_iter", 20, "warm_start").can_continue(estimator, 2)
    assert not ParameterResource("max_iter", 20, "warm_start").can_continue(estimator, 20)  # there is no more
    forest = RandomForestClassifier(random_state=0)
    assert not parameter("n_estimators", 20, forest, "never").can_continue(forest, 2)
    assert not parameter("n_estimators", 20, forest).can_continue(forest, 20)
    assert not EpochResource(None, 0, 9, "never").can_continue(estimator, 2)
    assert not EpochResource(None, 0, 9).can_continue(
        make_pipeline(PCA(2), MLPClassifier()), 2
    )  # another PCA each time


def test_a_forest_needs_no_seed_but_the_first_steps_of_its_pipeline_do():
    assert can_continue(RandomForestClassifier(), "n_estimators")
    assert not can_continue(make_pipeline(PCA(2), RandomForestClassifier()), "randomforestclassifier__n_estimators")


def test_registering():
    class Forest(RandomForestClassifier):
        pass

    assert not can_continue(Forest(), "n_estimators")
    register_continuation(Forest, "n_estimators", lambda forest: forest.bootstrap)
    assert can_continue(Forest(), "n_estimators")
    assert not can_continue(Forest(bootstrap=False), "n_estimators")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_convergence():
    for resource, converged in ((3, False), (1000, True)):
        model = trained(ParameterResource("max_iter", 1000), LogisticRegression(), Y, [resource])
        assert ParameterResource("max_iter", 1000).has_converged(model, resource) == converged
        model = trained(ParameterResource("x__max_iter", 1000), make_named(LogisticRegression()), Y, [resource])
        assert ParameterResource("x__max_iter", 1000).has_converged(model, resource) == converged
    stopped = trained(ParameterResource("n_estimators", 500), GradientBoostingClassifier(n_iter_no_change=1), Y, [500])
    assert ParameterResource("n_estimators", 500).has_converged(stopped, 500)


def make_named(estimator):
    return Pipeline([("x", estimator)])
