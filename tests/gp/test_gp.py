"""The Gaussian process against scikit-learn's, the acquisition against integrals, the warp against its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from skhpt.gp import regression
from skhpt.gp.acquisition import ACQUISITIONS, log_expected_improvement, upper_confidence_bound
from skhpt.gp.bfgs import bfgs
from skhpt.gp.kernel import Embedding, matern, matern_and_slope
from skhpt.gp.optimize import maximize
from skhpt.gp.output_warping import OutputWarping
from skhpt.gp.regression import Prior, condition, fit, log_evidence

N, D = 25, 3
RNG = np.random.default_rng(0)
U = RNG.random((N, D))
Y = np.sin(5 * U[:, 0]) + U[:, 1] ** 2 + 0.1 * RNG.standard_normal(N)
THETA = np.log([0.3, 0.8, 2.0, 0.05])
ONES = np.ones(N)
ORDERED = Embedding((0, 0, 0))
floats = st.floats(-50, 50)


def scikit_learns(posterior):
    """The same process, with the same mean and scale."""
    lengths, tau = np.exp(THETA[:-1]), np.exp(THETA[-1])
    kernel = ConstantKernel(posterior.scale**2) * Matern(lengths, nu=2.5) + WhiteKernel(posterior.scale**2 * tau)
    return GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(U, Y - posterior.mean)


def test_posterior_is_scikit_learns():
    posterior = condition(ORDERED, THETA, ORDERED(U), Y, ONES)
    new = RNG.random((40, D))
    mean, std = posterior.predict(ORDERED(new))
    their_mean, their_std = scikit_learns(posterior).predict(new, return_std=True)
    noise = posterior.scale**2 * np.exp(THETA[-1])  # theirs is of a noisy score
    np.testing.assert_allclose(mean - posterior.mean, their_mean, atol=1e-8)
    np.testing.assert_allclose(std, np.sqrt(their_std**2 - noise), atol=1e-8)


def test_evidence_and_its_gradient_are_scikit_learns():
    posterior = condition(ORDERED, THETA, ORDERED(U), Y, ONES)
    value, slope = log_evidence(THETA, ORDERED.column_distances(ORDERED(U)), Y, ONES)
    theirs = scikit_learns(posterior)
    their_value, their_slope = theirs.log_marginal_likelihood(theirs.kernel_.theta, eval_gradient=True)
    names = [h.name for h in theirs.kernel_.hyperparameters for _ in range(h.n_elements)]
    assert names == ["k1__k1__constant_value"] + ["k1__k2__length_scale"] * D + ["k2__noise_level"]
    np.testing.assert_allclose(slope, their_slope[1:], atol=1e-8)
    scale2 = posterior.scale**2
    fit_term = 0.5 * (Y - posterior.mean) @ posterior.alpha / scale2
    constant = fit_term + N / 2 * np.log(2 * np.pi) - (regression._A + 1) * np.log(scale2)
    np.testing.assert_allclose(value, their_value + constant, atol=1e-8)


def test_gradients_are_those_of_the_function():
    embedding = Embedding((0, 3, 0))
    Z = embedding(U)
    S, v = embedding.column_distances(Z), RNG.uniform(0.5, 2, N)
    prior = Prior.of_dimension(D, D)
    for function in (lambda theta: log_evidence(theta, S, Y, v), prior.log_density):
        numeric = [(function(THETA + h)[0] - function(THETA - h)[0]) / 2e-5 for h in 1e-5 * np.eye(D + 1)]
        np.testing.assert_allclose(function(THETA)[1], numeric, rtol=1e-5, atol=1e-7)
    q = np.linspace(0.01, 9, 50)
    numeric = (matern(q + 1e-6) - matern(q - 1e-6)) / 2e-6
    np.testing.assert_allclose(matern_and_slope(q)[1], numeric, rtol=1e-6)


def test_fit_finds_the_maximum_and_the_column_that_matters():
    Z, prior = ORDERED(U), Prior.of_dimension(D, D)
    S = ORDERED.column_distances(Z)
    theta = fit(ORDERED, Z, Y, ONES, prior, n_steps=200, tolerance=1e-12)
    _, slope = log_evidence(theta, S, Y, ONES)
    np.testing.assert_allclose(slope + prior.log_density(theta)[1], 0, atol=1e-2)
    assert np.exp(theta[0]) < np.exp(theta[2])  # the first column matters most, the last not at all


def test_the_spread_of_theta_is_what_scores_are_expected_to_tell():
    """The information is the curvature of the divergence between the scores at two thetas, `s` at its best value."""
    Z, v, prior = ORDERED(U), RNG.uniform(0.5, 2, N), Prior.of_dimension(D, D)
    S = ORDERED.column_distances(Z)

    def covariance(theta):
        return matern(np.tensordot(np.exp(-2 * theta[:-1]), S, axes=1)) + np.diag(np.exp(theta[-1]) * v)

    def divergence(theta, truth=covariance(THETA)):
        K = covariance(theta)
        return 0.5 * (N * np.log(np.trace(np.linalg.solve(K, truth)) / N) + np.linalg.slogdet(K)[1])

    steps = 1e-3 * np.eye(D + 1)
    curvature = [
        [sum(si * sj * divergence(THETA + si * i + sj * j) for si in (-1, 1) for sj in (-1, 1)) / 4e-6 for i in steps]
        for j in steps
    ]
    root = regression.theta_covariance_root(ORDERED, THETA, Z, v, prior)
    np.testing.assert_allclose(np.linalg.inv(root @ root.T), curvature + np.diag(prior.std**-2), rtol=1e-3, atol=1e-3)


def test_nothing_seen_leaves_theta_as_wide_as_its_prior():
    prior = Prior.of_dimension(D, D)
    root = regression.theta_covariance_root(ORDERED, THETA, ORDERED(U[:1]), np.ones(1), prior)
    np.testing.assert_allclose(root @ root.T, np.diag(prior.std**2), atol=1e-12)


def test_unlike_levels_are_equally_far_apart():
    embedding = Embedding((4,))
    (S,) = embedding.column_distances(embedding((np.arange(4)[:, None] + 0.5) / 4))
    np.testing.assert_allclose(S, (1 - np.eye(4)) * S.max())


@pytest.mark.parametrize("n_levels", [0, 1, 2, 5])
def test_levels_are_as_far_apart_as_numbers_on_average(n_levels):
    embedding, u = Embedding((n_levels,)), (np.arange(400)[:, None] + 0.5) / 400
    assert embedding.column_distances(embedding(u)).mean() == pytest.approx(1 / 6 if n_levels != 1 else 0, abs=1e-4)


@given(st.lists(st.sampled_from([0, 2, 5]), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_covariances_are_positive_semi_definite_whatever_is_missing(levels, seed):
    rng = np.random.default_rng(seed)
    u = rng.random((12, len(levels)))
    u[rng.random(u.shape) < 0.3] = np.nan
    embedding = Embedding(tuple(levels))
    Z, w = embedding(u), rng.uniform(0.1, 100, len(levels))
    q = embedding.distances(Z, Z, w)
    assert np.linalg.eigvalsh(matern(q)).min() > -1e-9
    np.testing.assert_allclose(q, np.tensordot(w, embedding.column_distances(Z), axes=1), atol=1e-9)


@pytest.mark.parametrize("scores", [np.zeros(8), np.arange(8.0)])
def test_duplicates_do_not_break_it(scores):
    Z = ORDERED(np.repeat(U[:2], 4, axis=0))
    posterior = condition(ORDERED, np.log([1.0, 1, 1, 1e-12]), Z, scores, np.ones(8))
    mean, std = posterior.predict(Z)
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_nothing_is_left_to_find_out_where_points_were_seen_or_are_pending():
    posterior = condition(ORDERED, THETA, ORDERED(U), Y, ONES)
    pending, new = ORDERED(RNG.random((3, D))), ORDERED(RNG.random((40, D)))
    doubtful = np.arange(N) == 0  # scored on other folds
    acquisition_posterior = regression.reinterpolate(posterior, doubtful, pending)
    mean, std = acquisition_posterior.predict(new)
    believed, belief = posterior.predict(new)
    np.testing.assert_allclose(mean, believed, atol=1e-12)
    assert (std < belief).all()
    _, std = acquisition_posterior.predict(np.vstack([ORDERED(U), pending]))
    assert std[1:].max() < 2e-3
    assert std[0] > 0.05


def test_less_is_expected_of_the_edges():
    embedding = Embedding((0, 3))
    u = np.array([[0.5, 0.5], [0.5, 0.9], [np.nan, 0.1], [1.0, 0.5], [0.0, 0.5]])
    flat = condition(embedding, np.zeros(3), embedding(u[:1]), np.ones(1), np.ones(1))
    bowl = condition(embedding, np.zeros(3), embedding(u[:1]), np.ones(1), np.ones(1), depth=0.3)
    np.testing.assert_allclose(bowl.expect(embedding(u)), [1, 1, 1, 0.7, 0.7])
    np.testing.assert_allclose(bowl.predict(embedding(u))[1], flat.predict(embedding(u))[1])


def test_scores_in_the_shape_of_the_bowl_leave_nothing_to_model():
    Z, prior = ORDERED(U), Prior.of_dimension(D, D)
    scores = Y - 3 * regression.boundary_penalty(ORDERED, Z)
    np.testing.assert_allclose(fit(ORDERED, Z, scores, ONES, prior, depth=3.0), fit(ORDERED, Z, Y, ONES, prior))
    posterior = condition(ORDERED, THETA, Z, scores, ONES, depth=3.0)
    new = ORDERED(RNG.random((9, D)))
    believed = condition(ORDERED, THETA, Z, Y, ONES).expect(new) - 3 * regression.boundary_penalty(ORDERED, new)
    np.testing.assert_allclose(posterior.expect(new), believed)


def test_gradients_of_the_prediction():
    embedding = Embedding((0, 3, 0))
    posterior = condition(embedding, THETA, embedding(U), Y, ONES, depth=0.7)
    new = embedding(RNG.random((6, D)))
    _, _, mean_slope, std_slope = posterior.predict_with_slope(new)
    for p in range(new.shape[1]):
        h = 1e-6 * np.eye(new.shape[1])[p]
        up, down = posterior.predict(new + h), posterior.predict(new - h)
        np.testing.assert_allclose(mean_slope[:, p], (up[0] - down[0]) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(std_slope[:, p], (up[1] - down[1]) / 2e-6, atol=1e-6)


# -- acquisition -------------------------------------------------------------------------------------------------------


@given(st.floats(-3, 3), st.floats(0.05, 3), st.floats(-3, 3))
def test_expected_improvement_is_an_integral(mean, std, best):
    value, _ = integrate.quad(
        lambda t: max(t - best, 0) * stats.norm.pdf(t, mean, std), best, max(best, mean) + 12 * std, epsabs=1e-14
    )
    ours = np.exp(log_expected_improvement(np.array([mean]), np.array([std]), best)[0])
    assert ours == pytest.approx(value, rel=1e-6, abs=1e-12)


@given(st.sampled_from(sorted(ACQUISITIONS)), st.floats(-30, 10), st.floats(0.05, 3))
def test_slopes_of_acquisitions(name, mean, std):
    function, function_and_slope = ACQUISITIONS[name]
    m, s, h = np.array([mean]), np.array([std]), 1e-6
    value, by_mean, by_std = function_and_slope(m, s, 0.0)
    np.testing.assert_array_equal(value, function(m, s, 0.0))
    around = [function(m + a, s + b, 0.0)[0] for a, b in ((h, 0), (-h, 0), (0, h), (0, -h))]
    assert by_mean[0] == pytest.approx((around[0] - around[1]) / (2 * h), rel=1e-4, abs=1e-6)
    assert by_std[0] == pytest.approx((around[2] - around[3]) / (2 * h), rel=1e-4, abs=1e-4)


def test_one_point_in_forty_is_above_its_upper_confidence_bound():
    (bound,) = upper_confidence_bound(np.array([0.3]), np.array([2.0]), 0.0)
    assert stats.norm.sf(bound, 0.3, 2.0) == pytest.approx(1 / 40, rel=1e-3)


def test_expected_improvement_far_in_the_tail():
    z = -np.logspace(-1, 8, 400)
    values = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()
    far = z < -100  # the asymptotic series, two terms
    series = stats.norm.logpdf(z[far]) - 2 * np.log(-z[far]) + np.log1p(-3 / z[far] ** 2)
    np.testing.assert_allclose(values[far], series, rtol=1e-9)


# -- warp --------------------------------------------------------------------------------------------------------------


@given(st.lists(floats, min_size=2, max_size=30))
def test_warps_are_monotone_and_can_be_undone(scores):
    y = np.sort(scores)
    warp = OutputWarping.fit(y)
    warped = warp(y)
    assert np.isfinite(warped).all()
    assert (np.diff(warped) >= 0).all()
    if warped.any():
        np.testing.assert_allclose(warp.inverse(warped), y, atol=1e-9 * np.ptp(y))
        beyond = warp.inverse(np.array([warped[0] - 1, warped[-1] + 1]))
        assert beyond[0] < y[0]
        assert beyond[1] > y[-1]
    np.testing.assert_allclose(warped.mean(), 0, atol=1e-9)
    assert warped.std() == pytest.approx(1) or np.ptp(y) < 1e-9


def test_outliers_below_do_not_drown_the_others():
    y = np.append(np.linspace(0.8, 0.9, 20), [-1e6, -1e9])
    assert np.diff(OutputWarping.fit(y)(np.array([0.8, 0.9])))[0] > 1


def test_huge_and_equal_scores():
    warp = OutputWarping.fit(np.array([-1e160, -2e160, -1.0, -2.0]))
    assert np.isfinite(warp.inverse(warp.levels)).all()
    np.testing.assert_array_equal(OutputWarping.fit(np.full(5, 0.98)).inverse(np.array([-3.0, 3.0])), 0.98)
    y = np.array([-2.0, 0.0, 5.0])
    np.testing.assert_allclose(OutputWarping.linear(y)(y), (y - y.mean()) / y.std())


def test_small_gains_at_the_top_can_be_seen():
    y = np.append(np.linspace(0.0, 0.9, 10), [0.950, 0.951, 0.952, 0.953])
    standardised = (y - y.mean()) / y.std()
    assert OutputWarping.fit(y)(y)[-1] - OutputWarping.fit(y)(y)[-4] > 10 * (standardised[-1] - standardised[-4])


# -- ascent ------------------------------------------------------------------------------------------------------------


def narrow_valley(x):
    """Rosenbrock's function, upside down."""
    a, b = x.T
    slope = np.array([2 * (1 - a) + 400 * a * (b - a**2), -200 * (b - a**2)])
    return -((1 - a) ** 2) - 100 * (b - a**2) ** 2, slope.T


@pytest.mark.parametrize("high", [5.0, 0.5])
def test_an_ascent_gets_where_scipy_gets(high):
    start = np.array([[-0.5, 0.3], [0.0, 0.0], [0.4, 0.5]])
    theirs = minimize(lambda x: -narrow_valley(x[None])[0][0], [0, 0], bounds=[(-5, high)] * 2, tol=1e-12).x
    found = bfgs(narrow_valley, start, -5.0, high, 0.3, n_steps=100)
    np.testing.assert_allclose(found, np.tile(theirs, (3, 1)), atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4))
def test_an_ascent_never_leads_down_or_out_of_the_box(seed, d, m):
    rng = np.random.default_rng(seed)
    A, c = rng.standard_normal((d, d)), rng.standard_normal(d)

    def waves(x):
        return np.sin(x @ A).sum(axis=1) + x @ c, np.cos(x @ A) @ A.T + c

    start, scale = rng.random((m, d)), rng.random(d) + 0.01
    values = [waves(bfgs(waves, start, 0.0, 1.0, scale, n))[0] for n in range(8)]
    assert (np.diff(values, axis=0) >= 0).all()
    found = bfgs(waves, start, 0.0, 1.0, 0.3, 200)
    assert ((found >= 0) & (found <= 1)).all()
    slope = waves(found)[1]  # all that is left of it points out of the box
    inward = np.where(((found <= 0) & (slope < 0)) | ((found >= 1) & (slope > 0)), 0, slope)
    assert np.abs(inward).max() < 1e-4


def test_every_point_goes_its_own_way():
    start = np.random.default_rng(0).random((5, 2))
    together = bfgs(narrow_valley, start, 0.0, 2.0, 0.1, n_steps=9)
    alone = [bfgs(narrow_valley, one[None], 0.0, 2.0, 0.1, n_steps=9)[0] for one in start]
    np.testing.assert_allclose(together, alone)


# -- maximize ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_columns", [1, 2, 6, 15])
def test_the_maximum_is_found(n_columns):
    target = np.linspace(0.1, 0.9, n_columns)

    def value(u):  # so steep that no gain is too small to be worth a step
        return -1e10 * ((u - target) ** 2).sum(axis=1)

    def value_and_slope(u):
        return value(u), 2e10 * (target - u)

    best = maximize(
        value, lambda start: value_and_slope, np.full((1, n_columns), 0.5), np.ones(n_columns), np.random.default_rng(0)
    )
    assert np.abs(best[0] - target).max() < 1e-6
    assert (np.diff(value(best)) <= 0).all()
    assert ((best >= 0) & (best <= 1)).all()
