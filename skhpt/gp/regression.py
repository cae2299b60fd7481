"""Gaussian process regression: posterior of the score everywhere, given scores at points of the cube.

The model is ``y = m - b h(u) + s (f(u) + e)``, with a Gaussian process ``f`` of variance 1 and independent
noise ``e``. The prior mean ``m - b h(u)`` is a concave quadratic, as in Snoek et al. (2015,
arXiv:1502.05700): users choose ranges such that good values lie inside. Without it a search evaluates too
many points at the bounds, where the posterior variance is largest (Siivola et al. 2018, arXiv:1704.00963).

===========  ==========  ==================================================================================
``y``        (n,)        scores
``v``        (n,)        relative noise variances, about 1 on average
``theta``    (D + 1,)    hyperparameters: logarithms of the length scales and of the noise variance ``tau``
``K``        (n, n)      ``k + diag(tau v)``, the covariance of ``y`` up to ``s^2``
``h``        (n,)        boundary penalty: the sum of ``(2 u - 1)^2`` over the ordered columns
``b``        float       depth of the prior mean: how much lower it is at either end of a column; estimated, so
                         that it gives way where scores rise towards an end
``m, s``     float       mean and scale of the scores; both follow from theta in closed form
``alpha``    (n,)        ``K^-1 (y + b h - m)``
===========  ==========  ==================================================================================

Reference: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from skhpt.gp.bfgs import maximize_bfgs
from skhpt.gp.kernel import Embedding, matern, matern_and_derivative

#: Noise variance of scores without noise, so that close points need not agree to the last digit.
NUGGET = 1e-6
#: Numbers that are added to the diagonal, in turn, until a Cholesky factor exists: duplicates make K
#: singular.
_JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)
#: Parameters of the inverse-gamma prior of s^2, which is worth four scores of variance 1. The mode is
#: SCALE_RATE / (SCALE_SHAPE + 1).
SCALE_SHAPE, SCALE_RATE = 1.0, 2.0


@dataclass(frozen=True)
class Prior:
    """Prior of theta: independent normal distributions.

    Attributes
    ----------
    mean, std : ndarray of shape (D + 1,)
        Means and standard deviations: the length scales, then the noise variance.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of_dimension(cls, n_columns: int, n_free: int, noise: float = 0.1, noise_std: float = 1.0) -> Prior:
        """Return a prior whose length scales grow with the square root of the dimension.

        The prior of a length scale is log-normal with parameters ``sqrt(2) + log(D) / 2`` and ``sqrt(3)``
        (Hvarfner et al. 2024, arXiv:2402.02229). They use the mode of the length scale itself: that is the
        mode of a normal distribution of its logarithm, shifted by the variance, 3. The dimension is the
        number of columns in which a point may differ from others, `n_free`.
        """
        lengths = np.full(n_columns, np.sqrt(2) - 3 + np.log(max(n_free, 1)) / 2)
        return cls(np.append(lengths, np.log(noise)), np.append(np.full(n_columns, np.sqrt(3)), noise_std))

    def log_density(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the logarithm of the density, up to a constant, and its gradient."""
        z = (theta - self.mean) / self.std
        return -0.5 * float(z @ z), -z / self.std


@dataclass(frozen=True)
class Posterior:
    """Posterior of the noiseless score.

    Attributes
    ----------
    embedding : Embedding
        Embedding of the cube.
    theta : ndarray of shape (D + 1,)
        Logarithms of the length scales and of the noise variance.
    w : ndarray of shape (D,)
        Weights of the columns.
    Z : ndarray of shape (n, P)
        Embedded observed points.
    factor : ndarray of shape (n, n)
        Lower Cholesky factor of K, or of another covariance matrix of the observed points; it gives the
        variance.
    alpha : ndarray of shape (n,)
        ``K^-1 (y + b h - m)``; it gives the mean.
    mean, scale, depth : float
        ``m``, ``s`` and ``b``.
    """

    embedding: Embedding
    theta: np.ndarray
    w: np.ndarray
    Z: np.ndarray
    factor: np.ndarray
    alpha: np.ndarray
    mean: float
    scale: float
    depth: float

    @property
    def lengths(self) -> np.ndarray:
        """Length scales of the columns, shape (D,)."""
        lengths: np.ndarray = np.exp(self.theta[:-1])
        return lengths

    def predict(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations at embedded points: two arrays of shape (m,)."""
        k = matern(self.embedding.distances(self.Z, Z, self.w))
        reduced, _ = lapack.dtrtrs(self.factor, k, lower=1)
        variance = np.maximum(1 - np.einsum("ij,ij->j", reduced, reduced), 1e-12)  # eq. 2.26 of the reference
        return self._prior_mean(Z) + k.T @ self.alpha, self.scale * np.sqrt(variance)

    def predict_mean(self, Z: np.ndarray) -> np.ndarray:
        """Return the means that `predict` gives."""
        k = matern(self.embedding.distances(Z, self.Z, self.w))
        mean: np.ndarray = self._prior_mean(Z) + k @ self.alpha  # eq. 2.25
        return mean

    def predict_with_gradients(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return means and standard deviations as `predict` does, and their gradients, two arrays of shape (m, P).

        With ``dk/dz = 2 dk/dq w (z - z_i)``: ``dmean/dz = sum_i alpha_i dk_i/dz`` and
        ``dvariance/dz = -2 sum_i (K^-1 k)_i dk_i/dz``.
        """
        k, dk_dq = matern_and_derivative(self.embedding.distances(self.Z, Z, self.w))
        weights, _ = lapack.dpotrs(self.factor, k, lower=1)  # K^-1 k
        variance = np.maximum(1 - np.einsum("ij,ij->j", k, weights), 1e-12)
        std = self.scale * np.sqrt(variance)
        w = self.w[self.embedding.owner]

        def weighted_gradient(coefficients: np.ndarray) -> np.ndarray:
            """Return ``sum_i coefficients_ij dk_ij/dz_j``, with coefficients of shape (n, m)."""
            c = coefficients * dk_dq
            gradient: np.ndarray = 2 * w * (c.sum(axis=0)[:, None] * Z - c.T @ self.Z)
            return gradient

        mean_gradient = weighted_gradient(np.broadcast_to(self.alpha[:, None], k.shape))
        mean_gradient -= self.depth * 4 * (2 * Z - 1) * self.embedding.is_ordered
        std_gradient = -(self.scale**2 / std)[:, None] * weighted_gradient(weights)
        return self._prior_mean(Z) + k.T @ self.alpha, std, mean_gradient, std_gradient

    def _prior_mean(self, Z: np.ndarray) -> np.ndarray:
        """Return ``m - b h``, the mean far from all observed points."""
        prior_mean: np.ndarray = self.mean - self.depth * self.embedding.boundary_penalty(Z)
        return prior_mean


def fit_theta(
    embedding: Embedding,
    Z: np.ndarray,
    y: np.ndarray,
    *,
    v: np.ndarray,
    prior: Prior,
    depth: float = 0.0,
    n_steps: int = 40,
    tolerance: float = 1e-2,
) -> np.ndarray:
    """Find the theta of highest posterior density.

    Parameters
    ----------
    embedding : Embedding
        Embedding of the cube.
    Z : ndarray of shape (n, P)
        Embedded points.
    y : ndarray of shape (n,)
        Their scores, standardised.
    v : ndarray of shape (n,)
        Their relative noise variances.
    prior : Prior
        Prior of theta; the maximisation starts at its mean.
    depth : float, default=0.0
        Depth of the prior mean of the scores.
    n_steps : int, default=40
        Maximum number of steps.
    tolerance : float, default=1e-2
        Predicted gain of the log density below which the maximisation ends.

    Returns
    -------
    theta : ndarray of shape (D + 1,)
    """
    S, y = embedding.column_distances(Z), y + depth * embedding.boundary_penalty(Z)

    def log_density(thetas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        evidence, evidence_gradient = log_evidence(thetas[0], S, y, v=v)
        log_prior, prior_gradient = prior.log_density(thetas[0])
        return np.array([evidence + log_prior]), (evidence_gradient + prior_gradient)[None, :]

    theta: np.ndarray = maximize_bfgs(
        log_density,
        prior.mean[None, :],
        low=prior.mean - 4 * prior.std,
        high=prior.mean + 4 * prior.std,
        scale=prior.std,
        n_steps=n_steps,
        tolerance=tolerance,
    )[0]
    return theta


def theta_covariance_root(
    embedding: Embedding, theta: np.ndarray, Z: np.ndarray, *, v: np.ndarray, prior: Prior
) -> np.ndarray:
    """Return a square root of the covariance of theta, under a normal approximation of its posterior.

    The precision is that of the prior plus the information that n scores are expected to give (Laplace's
    approximation takes that of the observed scores instead), ``tr(A_i A_j) / 2 - tr(A_i) tr(A_j) / (2 n)``
    with ``A_i = K^-1 dK/dtheta_i`` (Mardia and Marshall 1984, doi:10.1093/biomet/71.1.135; the second term is
    for `s`, which follows theta, without its prior). Unlike the curvature of the evidence it is positive
    definite everywhere.

    Parameters
    ----------
    embedding, Z, v, prior
        As for `fit_theta`.
    theta : ndarray of shape (D + 1,)
        Theta of highest posterior density.

    Returns
    -------
    root : ndarray of shape (D + 1, D + 1)
        ``theta + root @ z``, with independent standard normal z, is a draw from the posterior of theta.
    """
    S = embedding.column_distances(Z)
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    K, dk_dq = matern_and_derivative(np.tensordot(w, S, axes=1))
    K.flat[:: len(K) + 1] += tau * v
    inverse = _inverse(cholesky(K))
    by_length = [inverse @ (-2 * w_d * S_d * dk_dq) for w_d, S_d in zip(w, S, strict=True)]
    A = np.array([*by_length, inverse * (tau * v)])
    traces = np.einsum("iaa->i", A)
    flat, flat_T = A.reshape(len(A), -1), A.transpose(0, 2, 1).reshape(len(A), -1)
    information = (flat @ flat_T.T - np.outer(traces, traces) / len(K)) / 2
    precision = information + np.diag(prior.std**-2)
    root: np.ndarray = np.linalg.inv(np.linalg.cholesky(precision)).T
    return root


def condition(
    embedding: Embedding,
    theta: np.ndarray,
    Z: np.ndarray,
    *,
    y: np.ndarray,
    v: np.ndarray,
    depth: float = 0.0,
) -> Posterior:
    """Return the posterior given scores `y`, with relative noise variances `v`, at embedded points `Z`.

    `depth` is the mean and the standard deviation of the prior of the depth ``b``.
    """
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    K = matern(embedding.distances(Z, Z, w))
    K.flat[:: len(K) + 1] += tau * v
    factor, h = cholesky(K), embedding.boundary_penalty(Z)
    if depth:
        depth = _most_probable_depth(factor, y, h, depth)
    mean, alpha, scale2 = _profile(factor, y + depth * h)
    return Posterior(
        embedding=embedding,
        theta=theta,
        w=w,
        Z=Z,
        factor=factor,
        alpha=alpha,
        mean=mean,
        scale=np.sqrt(scale2),
        depth=depth,
    )


def reinterpolate(posterior: Posterior, *, v: np.ndarray, pending: np.ndarray) -> Posterior:
    """Return a posterior with the same mean, and hardly any variance at observed and pending points.

    The score of a candidate on given folds is a fixed number: a second evaluation gives no information,
    however noisy the scores are (re-interpolation of Forrester, Keane and Bressloff 2006,
    doi:10.2514/1.20068). Pending points are observations whose scores are the posterior mean, which leaves
    the mean as it is (kriging believer).

    Parameters
    ----------
    posterior : Posterior
        Posterior after n observations.
    v : ndarray of shape (n,)
        Relative noise variances that remain, such as that of scores from other folds.
    pending : ndarray of shape (k, P)
        Embedded pending points.
    """
    Z, zeros = np.vstack([posterior.Z, pending]), np.zeros(len(pending))
    K = matern(posterior.embedding.distances(Z, Z, posterior.w))
    K.flat[:: len(K) + 1] += NUGGET + np.exp(posterior.theta[-1]) * np.append(v, zeros)
    return replace(posterior, Z=Z, factor=cholesky(K), alpha=np.append(posterior.alpha, zeros))


def log_evidence(
    theta: np.ndarray, S: np.ndarray, y: np.ndarray, *, v: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the logarithm of the likelihood of `y`, with `m` and `s` at their best values, and its gradient in theta.

    `y` stands for ``y + b h``. That `m` and `s` follow theta does not change the gradient: they are
    stationary.
    """
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    n = len(y)
    S = S.reshape(len(w), n * n)
    K, dk_dq = matern_and_derivative((w @ S).reshape(n, n))
    K.flat[:: n + 1] += tau * v
    factor = cholesky(K)
    _, alpha, scale2 = _profile(factor, y)
    evidence = -np.log(factor.diagonal()).sum() - (n / 2 + SCALE_SHAPE + 1) * np.log(scale2)
    # Rasmussen and Williams 2006, eq. 5.9: tr(G dK/dp) / 2 is the derivative in any parameter p.
    G = alpha[:, None] * (alpha / scale2) - _inverse(factor)
    by_length = -w * (S @ (G * dk_dq).ravel())  # dw/dlog(length) = -2 w
    by_noise = 0.5 * tau * (G.diagonal() @ v)
    return float(evidence), np.append(by_length, by_noise)


def _profile(factor: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the best `m` (generalised least squares), ``alpha`` with it, and the best ``s^2``."""
    solved, _ = lapack.dpotrs(factor, np.array([np.ones(len(y)), y]).T, lower=1)  # K^-1 (1, y)
    mean = float(solved[:, 1].sum() / solved[:, 0].sum())
    alpha = solved[:, 1] - mean * solved[:, 0]
    scale2 = float((y - mean) @ alpha / 2 + SCALE_RATE) / (len(y) / 2 + SCALE_SHAPE + 1)
    return mean, alpha, scale2


def _most_probable_depth(factor: np.ndarray, y: np.ndarray, h: np.ndarray, prior: float) -> float:
    """Return the most probable ``b``, but not less than 0; its prior is normal, with mean and deviation `prior`.

    It minimises ``(y + b h - m)^T K^-1 (y + b h - m) / s^2 + (b - prior)^2 / prior^2`` over b and m, with the
    scale that belongs to the mean of the prior (Rasmussen and Williams 2006, section 2.7).
    """
    _, _, scale2 = _profile(factor, y + prior * h)
    columns = np.array([np.ones(len(y)), y, h])
    solved, _ = lapack.dpotrs(factor, columns.T, lower=1)
    products = columns @ solved
    products = products - np.outer(products[:, 0], products[0]) / products[0, 0]  # without the mean
    precision = 1 / prior**2 + products[2, 2] / scale2
    return float(max(0.0, (1 / prior - products[2, 1] / scale2) / precision))


def cholesky(K: np.ndarray) -> np.ndarray:
    """Return the lower Cholesky factor of K, after adding as little as necessary to the diagonal."""
    factor: np.ndarray
    for jitter in _JITTERS:
        factor, info = lapack.dpotrf(K + jitter * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0:
            return factor
    raise np.linalg.LinAlgError("the covariance matrix is not positive definite")


def _inverse(factor: np.ndarray) -> np.ndarray:
    """Return ``K^-1`` from the lower Cholesky factor of K."""
    lower, _ = lapack.dpotri(factor, lower=1)  # above the diagonal it has the zeros of the factor
    inverse: np.ndarray = lower + lower.T
    inverse.flat[:: len(inverse) + 1] /= 2
    return inverse
