"""The model of Bayesian optimisation: a Gaussian process of the scores, or of the times, of all points of a space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np

from skhpt._typing import Params
from skhpt.gp import regression
from skhpt.gp.kernel import Embedding
from skhpt.gp.output_warping import OutputWarping
from skhpt.strategies.encoding import Encoder
from skhpt.trial import Trial

#: Means and standard deviations, of shape (m,), and the gradients of both, of shape (m, D).
Prediction: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

#: The modelled quantity: ``target(trials)`` returns a number for each trial, NaN for a failed one.
Target: TypeAlias = Callable[[Sequence[Trial]], np.ndarray]

#: Relative noise variance of scores from other folds or data; that of the scores of this search is 1.
FOREIGN_NOISE = 2.0
#: Maximum number of observations for the fit of the hyperparameters, and for the posterior.
MAX_FITTED, MAX_SEEN = 200, 1000
#: Expected depth of the prior mean of the scores, in standard deviations, for one parameter; it is divided by
#: the square root of the number of parameters.
DEPTH = 0.5
#: Columns with at most this many values are not moved along the gradient.
FEW_VALUES = 30
#: Nodes and weights of the expectation of a function of a standard normal number (Gauss-Hermite quadrature).
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
#: Transformation of each kind of target.
_WARPINGS: dict[str, Callable[[np.ndarray], OutputWarping]] = {
    "score": OutputWarping.fit,
    "cost": OutputWarping.linear,
    "label": lambda y: OutputWarping.identity(),
}


class Surrogate:
    """Gaussian process on the unit cube, fitted to transformed values of a target.

    Parameters
    ----------
    encoder : Encoder
        Map from trials to points of the cube. Trials outside of its space are left out.
    trials : sequence of Trial
        Observations of this search. Trials without a finite value of the target are left out.
    target : callable
        Modelled quantity, such as `mean_scores`.
    prior : sequence of Trial, default=()
        Observations from other folds or data. They are transformed on their own: only their order and their
        relative distances count.
    theta : ndarray, default=None
        Hyperparameters of the Gaussian process; fitted to the observations if None.
    kind : {"score", "cost", "label"}, default="score"
        Kind of the target. Scores are transformed such that high scores count, and expected to be lower at
        the bounds of the columns; costs are standardised; labels stay as they are.

    Raises
    ------
    ValueError
        If no trial has a value.

    Attributes
    ----------
    posterior : Posterior
        Posterior of the transformed target.
    acquisition_posterior : Posterior
        Posterior for acquisition functions: no variance at observed and pending points.
    best : float
        Highest mean of `acquisition_posterior` at these points.
    warping : OutputWarping
        Transformation of the target.
    u, y : ndarray of shape (n, D) and (n,)
        Observed points and transformed values.
    """

    def __init__(
        self,
        encoder: Encoder,
        trials: Sequence[Trial],
        target: Target,
        *,
        prior: Sequence[Trial] = (),
        theta: np.ndarray | None = None,
        kind: str = "score",
    ):
        self.space = encoder.space
        self.embedding = Embedding.of_columns(
            [(column.dimension.n_names, column.dimension.size) for column in self.space.columns]
        )
        warp = _WARPINGS[kind]
        own_u, own_y, own_v, own_warping = _observations(encoder, trials, target, warp=warp)
        prior_u, prior_y, prior_v, prior_warping = _observations(encoder, prior, target, warp=warp)
        self.warping = own_warping if len(own_y) else prior_warping
        y = np.concatenate([own_y, prior_y])
        if not len(y):
            raise ValueError("there is nothing to predict from: no candidate in the space has a score")
        rows = _most_informative(y, MAX_SEEN)
        self.y = y[rows]
        self.u = np.concatenate([own_u, prior_u])[rows]
        self._v = np.concatenate([own_v, FOREIGN_NOISE * prior_v])[rows]
        self._remaining_v = np.where(rows < len(own_y), 0.0, self._v)
        self._Z = self.embedding(self.u)
        self._theta_prior = regression.Prior.of_dimension(self.embedding.n_columns, self.space.n_free)
        depth = DEPTH / np.sqrt(max(self.space.n_free, 1)) if kind == "score" else 0.0
        theta = self._fit_theta(depth) if theta is None else theta
        self.posterior = regression.condition(
            self.embedding, theta, self._Z, y=self.y, v=self._v, depth=depth
        )
        self._pending: Sequence[Params] = ()

    def _fit_theta(self, depth: float) -> np.ndarray:
        rows = _most_informative(self.y, MAX_FITTED)
        return regression.fit_theta(
            self.embedding, self._Z[rows], self.y[rows], v=self._v[rows], prior=self._theta_prior, depth=depth
        )

    @property
    def noise(self) -> float:
        """Noise variance of the transformed target."""
        return float(np.exp(self.posterior.theta[-1]) * self.posterior.scale**2)

    @cached_property
    def theta_covariance_root(self) -> np.ndarray:
        """Square root of the covariance of the hyperparameters around those of the posterior, (D + 1, D + 1)."""
        rows = _most_informative(self.y, MAX_FITTED)
        return regression.theta_covariance_root(
            self.embedding, self.posterior.theta, self._Z[rows], v=self._v[rows], prior=self._theta_prior
        )

    def impute(self, pending: Sequence[Params]) -> None:
        """Take pending points as observations of the posterior mean: the variance around them shrinks."""
        self._pending = pending
        vars(self).pop("acquisition_posterior", None)
        vars(self).pop("best", None)

    @cached_property
    def acquisition_posterior(self) -> regression.Posterior:
        """Posterior for acquisition functions: no variance at observed and pending points."""
        u = self.space.encode(self._pending) if self._pending else self.u[:0]
        return regression.reinterpolate(self.posterior, v=self._remaining_v, pending=self.embedding(u))

    @cached_property
    def best(self) -> float:
        """Highest mean of `acquisition_posterior` at the observed and pending points."""
        return float(self.acquisition_posterior.predict_mean(self.acquisition_posterior.Z).max())

    def predict(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations of `acquisition_posterior` at the space's points nearest to `u`."""
        return self.acquisition_posterior.predict(self.embedding(self.space.snap(u)))

    def near(self, start: np.ndarray) -> Callable[[np.ndarray], Prediction]:
        """Return a function that predicts at points near `start`, for gradient steps along columns of many values.

        The function maps points of the cube, as many as in `start`, to means, standard deviations, and the
        gradients of both. Columns of few values stay as they are in `start`; there the gradients are zero.
        """
        snapped = self.space.snap(start)
        Z_start = self.embedding(snapped)
        dimensions = [column.dimension for column in self.space.columns]
        has_many_values = [dim.n_names == 0 and dim.size > FEW_VALUES for dim in dimensions]
        columns = np.flatnonzero(np.array(has_many_values, dtype=bool))
        coordinates = np.searchsorted(self.embedding.owner, columns)
        is_moved = ~np.isnan(snapped[:, columns])

        def predict(u: np.ndarray) -> Prediction:
            Z = Z_start.copy()
            Z[:, coordinates] = np.where(is_moved, u[:, columns], Z_start[:, coordinates])
            mean, std, *Z_gradients = self.acquisition_posterior.predict_with_gradients(Z)
            mean_gradient, std_gradient = np.zeros(u.shape), np.zeros(u.shape)
            for gradient, Z_gradient in zip((mean_gradient, std_gradient), Z_gradients, strict=True):
                gradient[:, columns] = np.where(is_moved, Z_gradient[:, coordinates], 0)
            return mean, std, mean_gradient, std_gradient

        return predict

    def predict_score(self, points: Sequence[Params]) -> tuple[np.ndarray, np.ndarray]:
        """Return medians of the target at points of the space, and root mean square deviations from them.

        The deviations are those of a score that is evaluated at the point: they include the noise. The
        distribution of a score is skewed, so its median is a better prediction than its mean.
        """
        mean, std = self.posterior.predict(self.embedding(self.space.encode(points)))
        std = np.hypot(std, np.sqrt(self.noise))
        median = self.warping.inverse(mean)
        scores = self.warping.inverse(mean[:, None] + std[:, None] * _NODES)
        deviations = np.abs(scores - median[:, None])
        largest = np.maximum(deviations.max(axis=1, initial=0.0), np.finfo(float).tiny)
        # Squares of large numbers overflow.
        return median, largest * np.sqrt((deviations / largest[:, None]) ** 2 @ _WEIGHTS)

    def incumbents(self, rng: np.random.Generator, n: int = 8) -> np.ndarray:
        """Return the best observed points of the cube; columns that do not belong to their branch are drawn."""
        u: np.ndarray = self.u[np.argsort(-self.y, kind="stable")[:n]]
        return np.where(np.isnan(u), rng.random(u.shape), u)


def _observations(
    encoder: Encoder, trials: Sequence[Trial], target: Target, *, warp: Callable[[np.ndarray], OutputWarping]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, OutputWarping]:
    """Return points, transformed values and relative noise variances of the trials inside the space.

    Trials without a finite value are left out: a failure says nothing of the score, `successes` is its
    target. The noise variance is 1, and larger if folds were skipped.
    """
    encoded = encoder(trials)
    inside = [i for i, each in enumerate(encoded) if each.u is not None]
    values = target([trials[i] for i in inside])
    rows = [i for i, value in zip(inside, values, strict=True) if np.isfinite(value)]
    n_columns = len(encoder.space.columns)
    if not rows:
        zero = np.zeros(1)
        return np.empty((0, n_columns)), np.empty(0), np.empty(0), OutputWarping(zero, zero, std=0.0)
    u = np.array([encoded[i].u for i in rows]).reshape(len(rows), n_columns)
    v = np.array([len(trials[i].folds) / len(trials[i].evaluated) for i in rows], dtype=float)
    values = values[np.isfinite(values)]
    warping = warp(values)
    return u, warping(values), v, warping


def successes(trials: Sequence[Trial], target: Target) -> np.ndarray:
    """Return 1 for each trial that has a finite value of a target, and -1 for each trial that failed."""
    return np.where(np.isfinite(target(trials)), 1.0, -1.0)


def mean_scores(trials: Sequence[Trial], metric: str | None = None) -> np.ndarray:
    """Return the mean scores of trials over their folds, corrected for the difficulty of skipped folds.

    The correction of a trial with skipped folds adds to each of its scores the overall mean of the trials
    with all scores, less their mean on that fold.

    Parameters
    ----------
    trials : sequence of Trial
        Finished trials.
    metric : str, default=None
        Name of the score; None for the only or first one.

    Returns
    -------
    means : ndarray of shape (n_trials,)
        NaN where an evaluated fold has no score.
    """
    return MeanScores(metric)(trials)


class MeanScores:
    """Target `mean_scores` for repeated calls: the scores of each trial are read only once.

    Parameters
    ----------
    metric : str, default=None
        Name of the score; None for the only or first one.
    """

    def __init__(self, metric: str | None = None):
        self.metric = metric
        # By id() of the trial. Each value holds its trial, so that no id is used twice.
        self._rows: dict[int, tuple[Trial, np.ndarray]] = {}

    def __call__(self, trials: Sequence[Trial]) -> np.ndarray:
        """Return the mean scores of trials."""
        scores, was_evaluated = self._table(trials)
        n_splits = scores.shape[1]
        complete = scores[~np.isnan(scores).any(axis=1)]
        # Of each fold.
        easiness = complete.mean(axis=0) - complete.mean() if len(complete) else np.zeros(n_splits)
        correction = np.where(was_evaluated.all(axis=1, keepdims=True), 0.0, easiness)
        with np.errstate(invalid="ignore"):  # 0 / 0 without folds
            total = np.where(was_evaluated, scores - correction, 0.0).sum(axis=1)
            means: np.ndarray = total / was_evaluated.sum(axis=1)
        return means

    def _table(self, trials: Sequence[Trial]) -> tuple[np.ndarray, np.ndarray]:
        """Return scores, and which were evaluated: two arrays of shape (n_trials, n_splits)."""
        rows = [self._row(trial) for trial in trials]
        n_splits = max((row.shape[1] for row in rows), default=0)
        missing = np.array([[np.nan], [0.0]])
        padded = [
            row
            if row.shape[1] == n_splits
            else np.hstack([row, missing.repeat(n_splits - row.shape[1], axis=1)])
            for row in rows
        ]
        table = np.concatenate(padded).reshape(-1, 2, n_splits) if padded else np.empty((0, 2, 0))
        return table[:, 0], table[:, 1] > 0

    def _row(self, trial: Trial) -> np.ndarray:
        """Return the scores of a trial by split, and 1 for each fold that was evaluated: shape (2, n_splits)."""
        known = self._rows.get(id(trial))
        if known is None:
            row = np.zeros((2, max((fold.split + 1 for fold in trial.folds), default=0)))
            row[0] = np.nan
            for fold in trial.evaluated:
                row[:, fold.split] = fold.score(self.metric), 1
            known = self._rows[id(trial)] = trial, row
        return known[1]


def log_times(trials: Sequence[Trial]) -> np.ndarray:
    """Return the logarithm of the mean time of a fold of each trial, in seconds; NaN where a fold failed."""
    seconds = []
    for trial in trials:
        times = [np.nan if f.test_score is None else f.fit_time + f.score_time for f in trial.evaluated]
        seconds.append(np.mean(times))
    return np.log(np.maximum(seconds, 1e-6))


def _most_informative(y: np.ndarray, n: int) -> np.ndarray:
    """Return the rows of at most `n` observations: n / 2 with the best values, the others evenly spaced by rank."""
    order = np.argsort(-y, kind="stable")
    if len(y) <= n:
        return np.arange(len(y))
    rest = order[n // 2 :]
    spaced = rest[np.linspace(0, len(rest) - 1, n - n // 2).round().astype(int)]
    return np.sort(np.concatenate([order[: n // 2], spaced]))
