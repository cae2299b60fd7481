"""Gaussian process regression, compared with scikit-learn's."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from skhpt.gp import regression
from skhpt.gp.kernel import Embedding, matern
from skhpt.gp.regression import (
    Prior,
    condition,
    fit_theta,
    log_evidence,
    reinterpolate,
    theta_covariance_root,
)

N, D = 25, 3
RNG = np.random.default_rng(0)
U = RNG.random((N, D))
Y = np.sin(5 * U[:, 0]) + U[:, 1] ** 2 + 0.1 * RNG.standard_normal(N)
THETA = np.log([0.3, 0.8, 2.0, 0.05])
ONES = np.ones(N)
ORDERED = Embedding((0, 0, 0))


def sklearn_regressor(posterior):
    """Scikit-learn's regressor of the same process, with the same mean and scale."""
    lengths, tau = np.exp(THETA[:-1]), np.exp(THETA[-1])
    kernel = ConstantKernel(posterior.scale**2) * Matern(lengths, nu=2.5) + WhiteKernel(
        posterior.scale**2 * tau
    )
    return GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(U, Y - posterior.mean)


def test_the_posterior_equals_that_of_scikit_learn():
    posterior = condition(ORDERED, THETA, ORDERED(U), y=Y, v=ONES)
    new = RNG.random((40, D))
    mean, std = posterior.predict(ORDERED(new))
    their_mean, their_std = sklearn_regressor(posterior).predict(new, return_std=True)
    noise = posterior.scale**2 * np.exp(THETA[-1])  # scikit-learn predicts a noisy score
    np.testing.assert_allclose(mean - posterior.mean, their_mean, atol=1e-8)
    np.testing.assert_allclose(std, np.sqrt(their_std**2 - noise), atol=1e-8)


def test_the_evidence_and_its_gradient_equal_those_of_scikit_learn():
    posterior = condition(ORDERED, THETA, ORDERED(U), y=Y, v=ONES)
    value, gradient = log_evidence(THETA, ORDERED.column_distances(ORDERED(U)), Y, v=ONES)
    theirs = sklearn_regressor(posterior)
    their_value, their_gradient = theirs.log_marginal_likelihood(theirs.kernel_.theta, eval_gradient=True)
    names = [h.name for h in theirs.kernel_.hyperparameters for _ in range(h.n_elements)]
    assert names == ["k1__k1__constant_value"] + ["k1__k2__length_scale"] * D + ["k2__noise_level"]
    np.testing.assert_allclose(gradient, their_gradient[1:], atol=1e-8)
    scale2 = posterior.scale**2
    fit_term = 0.5 * (Y - posterior.mean) @ posterior.alpha / scale2
    constant = fit_term + N / 2 * np.log(2 * np.pi) - (regression.SCALE_SHAPE + 1) * np.log(scale2)
    np.testing.assert_allclose(value, their_value + constant, atol=1e-8)


def test_the_gradients_of_the_evidence_and_of_the_prior():
    embedding = Embedding((0, 3, 0))
    Z = embedding(U)
    S, v = embedding.column_distances(Z), RNG.uniform(0.5, 2, N)
    prior = Prior.of_dimension(D, D)
    for function in (lambda theta: log_evidence(theta, S, Y, v=v), prior.log_density):
        numeric = [(function(THETA + h)[0] - function(THETA - h)[0]) / 2e-5 for h in 1e-5 * np.eye(D + 1)]
        np.testing.assert_allclose(function(THETA)[1], numeric, rtol=1e-5, atol=1e-7)


def test_the_fit_finds_the_maximum_and_the_column_that_matters():
    Z, prior = ORDERED(U), Prior.of_dimension(D, D)
    S = ORDERED.column_distances(Z)
    theta = fit_theta(ORDERED, Z, Y, v=ONES, prior=prior, n_steps=200, tolerance=1e-12)
    _, gradient = log_evidence(theta, S, Y, v=ONES)
    np.testing.assert_allclose(gradient + prior.log_density(theta)[1], 0, atol=1e-2)
    assert np.exp(theta[0]) < np.exp(theta[2])  # the first column has the largest effect, the last one none


def test_the_covariance_of_theta_is_the_inverse_of_the_expected_information():
    """The information is the curvature of the divergence between the scores at two thetas, `s` at its best value."""
    Z, v, prior = ORDERED(U), RNG.uniform(0.5, 2, N), Prior.of_dimension(D, D)
    S = ORDERED.column_distances(Z)

    def covariance(theta):
        return matern(np.tensordot(np.exp(-2 * theta[:-1]), S, axes=1)) + np.diag(np.exp(theta[-1]) * v)

    def divergence(theta, truth=covariance(THETA)):
        K = covariance(theta)
        return 0.5 * (N * np.log(np.trace(np.linalg.solve(K, truth)) / N) + np.linalg.slogdet(K)[1])

    def second_difference(i, j):
        signs = [(a, b) for a in (-1, 1) for b in (-1, 1)]
        return sum(a * b * divergence(THETA + a * i + b * j) for a, b in signs) / 4e-6

    steps = 1e-3 * np.eye(D + 1)
    curvature = np.array([[second_difference(i, j) for i in steps] for j in steps])
    root = theta_covariance_root(ORDERED, THETA, Z, v=v, prior=prior)
    np.testing.assert_allclose(
        np.linalg.inv(root @ root.T), curvature + np.diag(prior.std**-2), rtol=1e-3, atol=1e-3
    )


def test_the_covariance_of_theta_after_one_score_is_that_of_the_prior():
    prior = Prior.of_dimension(D, D)
    root = theta_covariance_root(ORDERED, THETA, ORDERED(U[:1]), v=np.ones(1), prior=prior)
    np.testing.assert_allclose(root @ root.T, np.diag(prior.std**2), atol=1e-12)


@pytest.mark.parametrize("scores", [np.zeros(8), np.arange(8.0)])
def test_duplicate_points_are_allowed(scores):
    Z = ORDERED(np.repeat(U[:2], 4, axis=0))
    posterior = condition(ORDERED, np.log([1.0, 1, 1, 1e-12]), Z, y=scores, v=np.ones(8))
    mean, std = posterior.predict(Z)
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_reinterpolation_leaves_the_mean_and_no_variance_at_observed_and_pending_points():
    posterior = condition(ORDERED, THETA, ORDERED(U), y=Y, v=ONES)
    pending, new = ORDERED(RNG.random((3, D))), ORDERED(RNG.random((40, D)))
    is_foreign = np.arange(N) == 0  # scored on other folds
    reinterpolated = reinterpolate(posterior, v=is_foreign, pending=pending)
    mean, std = reinterpolated.predict(new)
    mean_before, std_before = posterior.predict(new)
    np.testing.assert_allclose(mean, mean_before, atol=1e-12)
    assert (std < std_before).all()
    _, std = reinterpolated.predict(np.vstack([ORDERED(U), pending]))
    assert std[1:].max() < 2e-3
    assert std[0] > 0.05


def test_the_prior_mean_is_lower_at_the_bounds():
    embedding = Embedding((0, 3))
    u = np.array([[0.5, 0.5], [0.5, 0.9], [np.nan, 0.1], [1.0, 0.5], [0.0, 0.5]])
    flat = condition(embedding, np.zeros(3), embedding(u[:1]), y=np.ones(1), v=np.ones(1))
    bowl = condition(embedding, np.zeros(3), embedding(u[:1]), y=np.ones(1), v=np.ones(1), depth=0.3)
    np.testing.assert_allclose(bowl.predict_mean(embedding(u)), [1, 1, 1, 0.7, 0.7])
    np.testing.assert_allclose(bowl.predict(embedding(u))[1], flat.predict(embedding(u))[1])


def test_the_process_models_the_scores_less_the_prior_mean():
    Z, prior = ORDERED(U), Prior.of_dimension(D, D)
    scores = Y - 3 * ORDERED.boundary_penalty(Z)
    theta = fit_theta(ORDERED, Z, Y, v=ONES, prior=prior)
    np.testing.assert_allclose(fit_theta(ORDERED, Z, scores, v=ONES, prior=prior, depth=3.0), theta)
    posterior = condition(ORDERED, THETA, Z, y=scores, v=ONES, depth=3.0)
    rest = condition(ORDERED, THETA, Z, y=scores + posterior.depth * ORDERED.boundary_penalty(Z), v=ONES)
    new = ORDERED(RNG.random((9, D)))
    expected = rest.predict_mean(new) - posterior.depth * ORDERED.boundary_penalty(new)
    np.testing.assert_allclose(posterior.predict_mean(new), expected)


def test_the_depth_is_the_most_probable_one():
    Z, prior = ORDERED(U), 0.5
    h = ORDERED.boundary_penalty(Z)
    scores = Y - 0.8 * h
    K = matern(ORDERED.distances(Z, Z, np.exp(-2 * THETA[:-1]))) + np.exp(THETA[-1]) * np.eye(N)
    scale2 = condition(ORDERED, THETA, Z, y=scores + prior * h, v=ONES).scale ** 2

    def energy(parameters):
        depth, mean = parameters
        rest = scores + depth * h - mean
        return rest @ np.linalg.solve(K, rest) / scale2 + (depth / prior - 1) ** 2

    found = minimize(energy, [prior, 0.0], tol=1e-12).x[0]
    assert condition(ORDERED, THETA, Z, y=scores, v=ONES, depth=prior).depth == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize(("slope", "is_flat"), [(-2.0, False), (2.0, True)])
def test_the_depth_gives_way_where_scores_rise_towards_the_bounds(slope, is_flat):
    Z = ORDERED(U)
    scores = slope * ORDERED.boundary_penalty(Z)
    depth = condition(ORDERED, THETA, Z, y=scores, v=ONES, depth=0.5).depth
    assert depth == 0 if is_flat else depth > 1


def test_the_gradients_of_the_prediction():
    embedding = Embedding((0, 3, 0))
    posterior = condition(embedding, THETA, embedding(U), y=Y, v=ONES, depth=0.7)
    new = embedding(RNG.random((6, D)))
    mean, std, mean_gradient, std_gradient = posterior.predict_with_gradients(new)
    np.testing.assert_allclose((mean, std), posterior.predict(new))
    for p in range(new.shape[1]):
        h = 1e-6 * np.eye(new.shape[1])[p]
        up, down = posterior.predict(new + h), posterior.predict(new - h)
        np.testing.assert_allclose(mean_gradient[:, p], (up[0] - down[0]) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(std_gradient[:, p], (up[1] - down[1]) / 2e-6, atol=1e-6)
