"""Gaussian process regression: from scores at points of the cube to a belief about scores everywhere.

The model: ``y = m - b h(u) + s (f(u) + e)``, with ``f`` a Gaussian process of variance 1 and ``e`` independent noise.
Its prior mean is a bowl upside down, as that of Snoek et al. (2015, arXiv:1502.05700): who chooses a range puts what is
likely to be good inside. Without it a search sees too much of the edges, where a model is least certain (Siivola et al.
2018, arXiv:1704.00963).

===========  ==========  ==================================================================================
``y``        (n,)        scores
``v``        (n,)        relative noise variances, about 1 on average
``theta``    (D + 1,)    logarithms of the length scales and of the noise variance ``tau``
``K``        (n, n)      ``k + diag(tau v)``, the covariance of ``y`` up to ``s^2``
``h``        (n,)        how near the edges points are, the sum of ``(2 u - 1)^2`` over their ordered columns
``b``        float       depth of the bowl, at either end of a column
``m, s``     float       mean and scale of the scores; both follow from theta in closed form
``alpha``    (n,)        ``K^-1 (y + b h - m)``
===========  ==========  ==================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from skhpt.gp.bfgs import bfgs
from skhpt.gp.kernel import Embedding, matern, matern_and_slope

#: Noise variance where there is none, so that neighbours do not have to agree to the last digit.
NUGGET = 1e-6
#: Added to the diagonal until a Cholesky factor exists: duplicates make the matrix singular.
_JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)


@dataclass(frozen=True)
class Prior:
    """What is believed of theta before any score is seen: independent normal distributions of the logarithms.

    Attributes
    ----------
    mean, std : ndarray of shape (D + 1,)
        Means and standard deviations: the length scales, then the noise variance.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of_dimension(cls, n_columns: int, n_free: int, noise: float = 0.1, noise_std: float = 1.0) -> Prior:
        """Length scales that grow with the square root of the dimension (Hvarfner et al. 2024, arXiv:2402.02229).

        Their prior is log-normal with parameters ``sqrt(2) + log(D) / 2`` and ``sqrt(3)``. The mode of the length scale
        itself, which they use, is that of a normal distribution of its logarithm shifted by the variance, 3. The
        dimension that counts is the number of columns in which a point may differ from others, `n_free`.
        """
        lengths = np.full(n_columns, np.sqrt(2) - 3 + np.log(max(n_free, 1)) / 2)
        return cls(np.append(lengths, np.log(noise)), np.append(np.full(n_columns, np.sqrt(3)), noise_std))

    def log_density(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Logarithm of the density, up to a constant, and its gradient."""
        z = (theta - self.mean) / self.std
        return -0.5 * float(z @ z), -z / self.std


@dataclass(frozen=True)
class Posterior:
    """The belief about scores after some were seen.

    Attributes
    ----------
    embedding : Embedding
        Of the columns of the cube.
    theta : ndarray of shape (D + 1,)
        Logarithms of the length scales and of the noise variance.
    Z : ndarray of shape (n, P)
        Embedded points that were seen.
    factor : ndarray of shape (n, n)
        Lower Cholesky factor of K, or of another covariance matrix of the points seen; it makes the uncertainty.
    alpha : ndarray of shape (n,)
        ``K^-1 (y + b h - m)``.
    mean, scale, depth : float
        ``m``, ``s`` and ``b``.
    """

    embedding: Embedding
    theta: np.ndarray
    Z: np.ndarray
    factor: np.ndarray
    alpha: np.ndarray
    mean: float
    scale: float
    depth: float

    @property
    def lengths(self) -> np.ndarray:
        """Length scales of the columns."""
        return np.exp(self.theta[:-1])

    @property
    def w(self) -> np.ndarray:
        """Weights of the columns."""
        return np.exp(-2 * self.theta[:-1])

    def predict(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the noiseless score at embedded points: two arrays of shape (m,)."""
        k = matern(self.embedding.distances(self.Z, Z, self.w))
        reduced = _solve_lower(self.factor, k)
        variance = np.maximum(1 - np.einsum("ij,ij->j", reduced, reduced), 1e-12)
        return self._prior_mean(Z) + k.T @ self.alpha, self.scale * np.sqrt(variance)

    def expect(self, Z: np.ndarray) -> np.ndarray:
        """Mean as `predict` gives it."""
        return self._prior_mean(Z) + matern(self.embedding.distances(Z, self.Z, self.w)) @ self.alpha

    def _prior_mean(self, Z: np.ndarray) -> np.ndarray:
        """``m - b h``, what is expected where nothing was seen near by."""
        return self.mean - self.depth * boundary_penalty(self.embedding, Z)

    def predict_with_slope(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Mean and standard deviation as `predict` gives them, and their gradients, two arrays of shape (m, P).

        With ``dk/dz = 2 dk/dq w (z - z_i)``: ``dmean/dz = sum_i alpha_i dk_i/dz`` and
        ``dvariance/dz = -2 sum_i (K^-1 k)_i dk_i/dz``.
        """
        k, slope = matern_and_slope(self.embedding.distances(self.Z, Z, self.w))
        weights = _solve(self.factor, k)
        variance = np.maximum(1 - np.einsum("ij,ij->j", k, weights), 1e-12)
        std = self.scale * np.sqrt(variance)
        w = self.w[self.embedding.owner]

        def along(coefficients: np.ndarray) -> np.ndarray:
            """Sum ``coefficients_ij dk_ij/dz_j`` over the n points seen."""
            c = coefficients * slope
            return 2 * w * (c.sum(axis=0)[:, None] * Z - c.T @ self.Z)

        mean_slope = along(np.broadcast_to(self.alpha[:, None], k.shape))
        mean_slope -= self.depth * 4 * (2 * Z - 1) * self.embedding.is_ordered
        std_slope = -(self.scale**2 / std)[:, None] * along(weights)
        return self._prior_mean(Z) + k.T @ self.alpha, std, mean_slope, std_slope


def boundary_penalty(embedding: Embedding, Z: np.ndarray) -> np.ndarray:
    """Return `h` of embedded points, the sum over ordered columns of 0 in the middle to 1 at either end."""
    return (2 * Z - 1) ** 2 @ embedding.is_ordered


def fit(
    embedding: Embedding,
    Z: np.ndarray,
    y: np.ndarray,
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
        Of the columns of the cube.
    Z : ndarray of shape (n, P)
        Embedded points.
    y : ndarray of shape (n,)
        Their scores, standardised.
    v : ndarray of shape (n,)
        Their relative noise variances.
    prior : Prior
        Of theta; the search starts at its mean.
    depth : float, default=0.0
        Depth of the bowl.
    n_steps : int, default=40
        Steps of the ascent at most.
    tolerance : float, default=1e-2
        It ends when no step promises to raise the log density by as much as this.

    Returns
    -------
    theta : ndarray of shape (D + 1,)
    """
    S, y = embedding.column_distances(Z), y + depth * boundary_penalty(embedding, Z)

    def log_density(thetas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        evidence, slope = log_evidence(thetas[0], S, y, v)
        belief, belief_slope = prior.log_density(thetas[0])
        return np.array([evidence + belief]), (slope + belief_slope)[None, :]

    low, high = prior.mean - 4 * prior.std, prior.mean + 4 * prior.std
    return bfgs(log_density, prior.mean[None, :], low, high, prior.std, n_steps=n_steps, tolerance=tolerance)[0]


def theta_covariance_root(
    embedding: Embedding, theta: np.ndarray, Z: np.ndarray, v: np.ndarray, prior: Prior
) -> np.ndarray:
    """How far theta may be from the best one: the square root of its covariance, if it is taken to be normal.

    The precision is that of the prior plus the information that n scores are expected to give (Laplace's approximation
    would take that of the scores themselves), which is
    ``tr(A_i A_j) / 2 - tr(A_i) tr(A_j) / (2 n)`` with ``A_i = K^-1 dK/dtheta_i`` (Mardia and Marshall 1984,
    doi:10.1093/biomet/71.1.135; the second term is for `s`, which follows theta, without its prior). Unlike the
    curvature of the evidence it is positive definite everywhere.

    Parameters
    ----------
    embedding, Z, v, prior
        As for `fit`.
    theta : ndarray of shape (D + 1,)
        Where `fit` got to.

    Returns
    -------
    root : ndarray of shape (D + 1, D + 1)
        ``theta + root @ z``, with independent standard normal z, is a draw of what theta may be.
    """
    S = embedding.column_distances(Z)
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    k, slope = matern_and_slope(np.tensordot(w, S, axes=1))
    k.flat[:: len(k) + 1] += tau * v
    inverse = _inverse(cholesky(k))
    A = np.array([*(inverse @ (-2 * w_d * S_d * slope) for w_d, S_d in zip(w, S, strict=True)), inverse * (tau * v)])
    traces = np.einsum("iaa->i", A)
    flat, flat_T = A.reshape(len(A), -1), A.transpose(0, 2, 1).reshape(len(A), -1)
    information = (flat @ flat_T.T - np.outer(traces, traces) / len(k)) / 2
    return np.linalg.inv(np.linalg.cholesky(information + np.diag(prior.std**-2))).T


def reinterpolate(posterior: Posterior, v: np.ndarray, pending: np.ndarray) -> Posterior:
    """Keep the mean, but be sure of it where points were seen.

    The score of a candidate on given folds is a fixed number: to look again is to learn nothing, however rough the
    scores are. What looks like noise is a property of the place (the re-interpolation of Forrester, Keane and Bressloff
    2006, doi:10.2514/1.20068).

    Parameters
    ----------
    posterior : Posterior
        The belief after n points.
    v : ndarray of shape (n,)
        Relative noise variances that remain, such as that of scores from other folds.
    pending : ndarray of shape (k, P)
        Embedded points that count as seen, with the scores that are expected of them.
    """
    Z, nothing = np.vstack([posterior.Z, pending]), np.zeros(len(pending))
    K = matern(posterior.embedding.distances(Z, Z, posterior.w))
    K.flat[:: len(K) + 1] += NUGGET + np.exp(posterior.theta[-1]) * np.append(v, nothing)
    return replace(posterior, Z=Z, factor=cholesky(K), alpha=np.append(posterior.alpha, nothing))


def condition(
    embedding: Embedding, theta: np.ndarray, Z: np.ndarray, y: np.ndarray, v: np.ndarray, depth: float = 0.0
) -> Posterior:
    """Condition the process on scores `y`, with noise `v`, at embedded points `Z`."""
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    K = matern(embedding.distances(Z, Z, w))
    K.flat[:: len(K) + 1] += tau * v
    factor = cholesky(K)
    mean, alpha, scale2 = _profile(factor, y + depth * boundary_penalty(embedding, Z))
    return Posterior(embedding, theta, Z, factor, alpha, mean, np.sqrt(scale2), depth)


def log_evidence(theta: np.ndarray, S: np.ndarray, y: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray]:
    """Logarithm of the likelihood of `y`, with `m` and `s` at their best values, and its gradient in theta.

    `y` stands for ``y + b h`` here.
    With ``G = alpha alpha^T / s^2 - K^-1`` the derivative in any parameter p is ``tr(G dK/dp) / 2`` (Rasmussen and
    Williams 2006, equation 5.9); that `m` and `s` follow theta adds nothing, for they are stationary.
    """
    w, tau = np.exp(-2 * theta[:-1]), np.exp(theta[-1])
    n = len(y)
    S = S.reshape(len(w), n * n)
    k, slope = matern_and_slope((w @ S).reshape(n, n))
    k.flat[:: n + 1] += tau * v
    factor = cholesky(k)
    _, alpha, scale2 = _profile(factor, y)
    evidence = -np.log(factor.diagonal()).sum() - (n / 2 + _A + 1) * np.log(scale2)
    G = alpha[:, None] * (alpha / scale2) - _inverse(factor)
    by_length = -w * (S @ (G * slope).ravel())  # dw/dlog(length) = -2 w
    by_noise = 0.5 * tau * (G.diagonal() @ v)
    return float(evidence), np.append(by_length, by_noise)


#: Inverse-gamma prior of s^2, worth four scores of variance 1: mode _B / (_A + 1).
_A, _B = 1.0, 2.0


def _profile(factor: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the best `m`, ``alpha`` with it, and the best ``s^2``."""
    solved = _solve(factor, np.array([np.ones(len(y)), y]).T)
    mean = float(solved[:, 1].sum() / solved[:, 0].sum())
    alpha = solved[:, 1] - mean * solved[:, 0]
    scale2 = float((y - mean) @ alpha / 2 + _B) / (len(y) / 2 + _A + 1)
    return mean, alpha, scale2


def cholesky(K: np.ndarray) -> np.ndarray:
    """Lower Cholesky factor; as much is added to the diagonal as it takes for one to exist."""
    for jitter in _JITTERS:
        factor, info = lapack.dpotrf(K + jitter * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0:
            return factor
    raise np.linalg.LinAlgError("the covariance matrix is not positive definite")


def _solve(factor: np.ndarray, b: np.ndarray) -> np.ndarray:
    return lapack.dpotrs(factor, b, lower=1)[0]


def _solve_lower(factor: np.ndarray, b: np.ndarray) -> np.ndarray:
    return lapack.dtrtrs(factor, b, lower=1)[0]


def _inverse(factor: np.ndarray) -> np.ndarray:
    half = lapack.dpotri(factor, lower=1)[0]  # above its diagonal it has the zeros of the factor
    whole = half + half.T
    whole.flat[:: len(whole) + 1] /= 2
    return whole
