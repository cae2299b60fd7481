"""Resources: epochs, parameters of the estimator, and whether training has converged."""

import numpy as np
import pytest
from sklearn.decomposition import NMF, PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt.fitting.resources import EpochResource, ParameterResource
from tests.fitting.training import X, Y, name, output, parameter, target, trained

EPOCHS = [
    MLPClassifier(hidden_layer_sizes=(8,), batch_size=32, random_state=0),
    MLPRegressor(hidden_layer_sizes=(8,), batch_size=32, random_state=0),
    SGDClassifier(random_state=0),
    SGDRegressor(random_state=0),
]
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_convergence():
    for resource, converged in ((3, False), (1000, True)):
        model = trained(ParameterResource("max_iter", 1000), LogisticRegression(), Y, [resource])
        assert ParameterResource("max_iter", 1000).has_converged(model, resource) == converged
        model = trained(
            ParameterResource("x__max_iter", 1000), make_named(LogisticRegression()), Y, [resource]
        )
        assert ParameterResource("x__max_iter", 1000).has_converged(model, resource) == converged
    stopped = trained(
        ParameterResource("n_estimators", 500), GradientBoostingClassifier(n_iter_no_change=1), Y, [500]
    )
    assert ParameterResource("n_estimators", 500).has_converged(stopped, 500)


def make_named(estimator):
    return Pipeline([("x", estimator)])
