"""What is believed of every point of a space, in terms of points and of scores or times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from skhpt._typing import Params
from skhpt.gp import regression
from skhpt.gp.kernel import Embedding
from skhpt.gp.output_warping import OutputWarping
from skhpt.space.space import Column
from skhpt.strategies.encoding import Encoder
from skhpt.trial import Trial

#: Means, standard deviations, of shape (m,), and their gradients, of shape (m, D).
Prediction = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

#: What is modelled: ``target(trials)`` has a number for each, NaN for those that failed.
Target = Callable[[Sequence[Trial]], np.ndarray]

#: Noise variance of scores from other folds or data, where that of this search's own is 1.
FOREIGN_NOISE = 2.0
#: Of more observations than this, only the most telling ones count for the hyperparameters, and for the posterior.
MAX_FITTED, MAX_SEEN = 200, 1000
#: By how much worse the ends of an ordered column are expected to be than its middle, in standard deviations of the
#: scores; divided by the square root of the number of parameters.
DEPTH = 0.5
#: Along a column of so few values a gradient says little about the next one.
FEW_VALUES = 30


class Surrogate:
    """A Gaussian process on the unit cube, of warped scores or of anything else that trials have.

    Parameters
    ----------
    places : Places
        Where trials lie in the cube; those that are no points of its space are left out.
    trials : sequence of Trial
        What was seen.
    target : callable
        What is modelled, such as `mean_scores`.
    prior : sequence of Trial, default=()
        What was seen elsewhere; its scores count by their order and relative distances, not by their level.
    theta : ndarray, default=None
        Hyperparameters; found for these observations if None.
    is_score : bool, default=True
        Whether it is a score: warped, for the high ones count, and expected to be lower at the ends of columns.

    Attributes
    ----------
    posterior : Posterior
        What is believed of the scores.
    outlook : Posterior
        The same, of what there is to find out: nothing where points were seen or are pending.
    best : float
        The highest expected score of these points, warped.
    """

    def __init__(
        self,
        places: Encoder,
        trials: Sequence[Trial],
        target: Target,
        prior: Sequence[Trial] = (),
        theta: np.ndarray | None = None,
        is_score: bool = True,
    ):
        self.space = places.space
        self.embedding = Embedding(tuple(column.dimension.n_levels for column in self.space.columns))
        own_u, trials = _inside(places, trials)
        foreign_u, prior = _inside(places, prior)
        warp = OutputWarping.fit if is_score else OutputWarping.linear
        own_warp, own = _warped(target(trials), warp)
        foreign_warp, foreign = _warped(target(prior), warp) if prior or not trials else (own_warp, own[:0])
        self.warp = own_warp if trials else foreign_warp
        self.u = np.array([*own_u, *foreign_u]).reshape(-1, len(self.space.columns))
        self.y = np.concatenate([own, foreign])
        v = np.concatenate([_noise(trials), FOREIGN_NOISE * _noise(prior)])
        rows = _most_telling(self.y, MAX_SEEN)
        self.u, self.y, self._v = self.u[rows], self.y[rows], v[rows]
        self._Z = self.embedding(self.u)
        self._theta_prior = regression.Prior.of_dimension(len(self.embedding.levels), self.space.n_free)
        self._depth = DEPTH / np.sqrt(max(self.space.n_free, 1)) if is_score else 0.0
        theta = self._fit() if theta is None else theta
        self.posterior = regression.condition(self.embedding, theta, self._Z, self.y, self._v, self._depth)
        self._remaining = np.where(rows < len(own), 0.0, self._v)
        self._look(self.u[:0])

    def _fit(self) -> np.ndarray:
        rows = _most_telling(self.y, MAX_FITTED)
        seen = self._Z[rows], self.y[rows], self._v[rows]
        return regression.fit(self.embedding, *seen, self._theta_prior, self._depth)

    @cached_property
    def theta_spread(self) -> np.ndarray:
        """How far the hyperparameters may be from those of the posterior: the square root of their covariance."""
        rows, theta = _most_telling(self.y, MAX_FITTED), self.posterior.theta
        return regression.theta_covariance_root(self.embedding, theta, self._Z[rows], self._v[rows], self._theta_prior)

    def _look(self, pending: np.ndarray) -> None:
        self.acquisition_posterior = regression.reinterpolate(self.posterior, self._remaining, self.embedding(pending))
        self.best = float(self.acquisition_posterior.expect(self.acquisition_posterior.Z).max())

    def fantasize(self, points: Sequence[Params]) -> None:
        """Take it that pending points score what is expected of them: their surroundings lose their novelty."""
        if points:
            self._look(self.space.encode(points))

    def predict(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the warped score of the actual points next to points of the cube."""
        return self.acquisition_posterior.predict(self.embedding(self.space.snap(u)))

    def around(self, start: np.ndarray) -> Callable[[np.ndarray], Prediction]:
        """Return a function that predicts around some points, along columns of many values, all else as it is there.

        It maps points of the cube, as many as there are in `start`, to means, standard deviations, and the gradients of
        both, which are zero along the other columns.
        """
        snapped = self.space.snap(start)
        Z_start = self.embedding(snapped)
        columns = np.array([i for i, column in enumerate(self.space.columns) if _has_many_values(column)], dtype=int)
        coordinates = np.searchsorted(self.embedding.owner, columns)
        moves = ~np.isnan(snapped[:, columns])

        def predict(u: np.ndarray) -> Prediction:
            Z = Z_start.copy()
            Z[:, coordinates] = np.where(moves, u[:, columns], Z_start[:, coordinates])
            mean, std, *slopes = self.acquisition_posterior.predict_with_slope(Z)
            mean_slope, std_slope = np.zeros(u.shape), np.zeros(u.shape)
            for out, slope in zip((mean_slope, std_slope), slopes, strict=True):
                out[:, columns] = np.where(moves, slope[:, coordinates], 0)
            return mean, std, mean_slope, std_slope

        return predict

    def predict_score(self, points: Sequence[Params]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the score of points: the median and half of what lies within one sigma."""
        mean, std = self.posterior.predict(self.embedding(self.space.encode(points)))
        low, middle, high = (self.warp.inverse(mean + step * std) for step in (-1, 0, 1))
        return middle, (high - low) / 2

    def incumbents(self, rng: np.random.Generator, n: int = 8) -> np.ndarray:
        """Return the best points that were seen, in the cube; what does not belong to their branch is drawn."""
        u = self.u[np.argsort(-self.y, kind="stable")[:n]]
        return np.where(np.isnan(u), rng.random(u.shape), u)


def _has_many_values(column: Column) -> bool:
    return column.dimension.n_levels == 0 and column.dimension.size > FEW_VALUES


def _inside(places: Encoder, trials: Sequence[Trial]) -> tuple[list[np.ndarray], list[Trial]]:
    """Leave out trials that are no points of the space; return where the others are."""
    both = zip(places(trials), trials, strict=True)
    inside = [(place.u, trial) for place, trial in both if place.u is not None]
    return [u for u, _ in inside], [trial for _, trial in inside]


def _warped(means: np.ndarray, fit: Callable[[np.ndarray], OutputWarping]) -> tuple[OutputWarping, np.ndarray]:
    """Warp scores; what failed is as bad as the worst that did not."""
    ok = np.isfinite(means)
    warp = fit(means[ok] if ok.any() else np.zeros(1))
    return warp, warp(np.where(ok, means, -np.inf))


def mean_scores(trials: Sequence[Trial], metric: str | None = None) -> np.ndarray:
    """Mean scores of trials over their folds, of one metric, or of the only or first one; NaN without a score.

    Folds are not equally hard. If a trial was evaluated on some only, their mean is moved by as much as it misled, on
    average, about the trials that were evaluated on all.
    """
    n_splits = max((len(trial.folds) for trial in trials), default=0)
    scores, was_seen = np.full((len(trials), n_splits), np.nan), np.zeros((len(trials), n_splits), dtype=bool)
    for i, trial in enumerate(trials):
        for fold in trial.evaluated:
            scores[i, fold.split], was_seen[i, fold.split] = fold.score(metric), True
    whole = scores[~np.isnan(scores).any(axis=1)]
    ease = whole.mean(axis=0) - whole.mean() if len(whole) else np.zeros(n_splits)  # of each fold
    misled = np.where(was_seen.all(axis=1, keepdims=True), 0.0, ease)
    with np.errstate(invalid="ignore"):  # where there is no fold there is no mean
        return np.where(was_seen, scores - misled, 0.0).sum(axis=1) / was_seen.sum(axis=1)


def log_times(trials: Sequence[Trial]) -> np.ndarray:
    """Logarithms of the seconds that a fold of each trial took; NaN where one failed."""
    rows = [trial.evaluated for trial in trials]
    seconds = [np.mean([np.nan if f.test_score is None else f.fit_time + f.score_time for f in row]) for row in rows]
    return np.log(np.maximum(seconds, 1e-6))


def _noise(trials: Sequence[Trial]) -> np.ndarray:
    """Relative noise variances of the mean scores of trials: 1, and more if some folds were skipped."""
    return np.array([len(trial.folds) / len(trial.evaluated) for trial in trials], dtype=float)


def _most_telling(y: np.ndarray, n: int) -> np.ndarray:
    """Rows of at most `n` observations: the best half of them, and some of all the others, evenly spaced by rank."""
    order = np.argsort(-y, kind="stable")
    if len(y) <= n:
        return np.arange(len(y))
    rest = order[n // 2 :]
    spaced = rest[np.linspace(0, len(rest) - 1, n - n // 2).round().astype(int)]
    return np.sort(np.concatenate([order[: n // 2], spaced]))
