"""Bayesian optimisation: candidates that maximise an acquisition function of a model of the scores."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from skhpt._typing import Params
from skhpt.gp.acquisition import ACQUISITIONS, EXPLORING, Acquisition
from skhpt.gp.optimize import ValueAndGradient, maximize_acquisition
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.space.space import Space
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.surrogate import Surrogate, Target, log_times, mean_scores
from skhpt.trial import Candidate, Trial

#: Largest finite space in which the acquisition is computed for all points.
MAX_ENUMERATED = 2_000
#: Every second proposal draws the hyperparameters of the model; every sixth one, which draws them too,
#: explores.
DRAW_EVERY, EXPLORE_EVERY = 2, 6


class BayesianOptimization:
    """Strategy that asks for an initial design, then for points that maximise an acquisition function.

    With the most probable hyperparameters alone, a search may stay on a plateau: a column that has no effect
    there is never varied again. (There are functions on which such a search does not converge, and some
    exploration is the remedy: Bull 2011, arXiv:1101.3501.) Therefore every second proposal draws the
    hyperparameters from their posterior, and every sixth maximises an upper confidence bound of three
    standard deviations.

    The proposal of trial k depends on the results of the trials up to k - `max_pending`, whether or not later
    results are known already, so the proposals are the same for any number of workers.

    Parameters
    ----------
    space : Space
        Search space.
    n_candidates : int
        Number of trials of this search, without trials of earlier searches.
    design : sequence of dict
        Points to begin with.
    metric : str, default=None
        Name of the score to maximise; None for the only or first one.
    seed : int
        Seed of all draws.
    max_pending : int, default=1
        Maximum number of unfinished trials.
    acquisition : {"log_ei", "ucb"}, default="log_ei"
        Acquisition function: the logarithm of the expected improvement, or an upper confidence bound.
    cost_aware : bool, default=False
        Whether the expected logarithm of the time is subtracted from the logarithm of the expected
        improvement.
    """

    uses_prior = True

    def __init__(
        self,
        space: Space,
        n_candidates: int,
        design: Sequence[Params],
        *,
        metric: str | None = None,
        seed: int,
        max_pending: int = 1,
        acquisition: str = "log_ei",
        cost_aware: bool = False,
    ):
        self.space = space
        self.n_candidates = n_candidates
        self.design = design[:n_candidates]
        self.metric = metric
        self.seed = seed
        self.max_pending = max_pending
        self.acquisition = acquisition
        self.cost_aware = cost_aware
        self._encoder = Encoder(space)
        self._mean_score = partial(mean_scores, metric=metric)
        # By target: the trials that the hyperparameters were last fitted to, and the fitted model.
        self._fitted: dict[Target, tuple[list[Trial], Surrogate]] = {}

    def ask(self, history: History) -> list[Candidate]:
        """Return the rest of the design, or all points that can be proposed from the finished trials."""
        asked: list[Trial] = list(history)
        while (n_own := len(asked) - history.n_earlier_trials) < self.n_candidates:
            if n_own < len(self.design):
                params: Params | None = self.design[n_own]
            else:
                # The last trials count as pending even if they are finished.
                n_seen = max(len(asked) - self.max_pending + 1, history.n_earlier_trials)
                if history.n_finished < n_seen:
                    break
                params = self._propose(asked[:n_seen], asked[n_seen:], history.prior)
            if params is None:
                break
            asked.append(Trial(Candidate(len(asked), params)))
        return [trial.candidate for trial in asked[len(history) :]]

    def _propose(self, seen: list[Trial], pending: list[Trial], prior: Sequence[Trial]) -> Params | None:
        """Return an untried point with a high acquisition; None if there is no untried point."""
        rng = np.random.default_rng((self.seed, len(seen) + len(pending)))
        tried = {encoded.key for encoded in self._encoder([*seen, *pending])}
        if not any(encoded.u is not None for encoded in self._encoder([*seen, *prior])):
            # Nothing to learn from: max_pending exceeds the design, or the earlier trials are from another
            # space.
            return self._draw(rng, [*seen, *pending])
        if self.space.size <= MAX_ENUMERATED:
            untried = [params for params in self.space.points() if params_key(params) not in tried]
            if not untried:
                return None
            u = self.space.encode(untried)
            are_likely = self.space.are_likely(u)
            rows = np.flatnonzero(are_likely if are_likely.any() else ~are_likely)
            values = self._acquisition(seen, pending, prior=prior, rng=rng).value(u[rows])
            return untried[int(rows[np.argmax(values)])]
        acquisition = self._acquisition(seen, pending, prior=prior, rng=rng)
        incumbents, lengths = acquisition.surrogate.incumbents(rng), acquisition.surrogate.posterior.lengths
        u = maximize_acquisition(acquisition.value, acquisition.near, incumbents, lengths=lengths, rng=rng)
        for block in np.split(u, range(1, len(u), 16)):  # mostly the first point is untried
            for params in self.space.decode(self.space.snap(block)):
                if params_key(params) not in tried and self.space.allows(params):
                    return params
        return self._draw(rng, [*seen, *pending])

    def _acquisition(
        self, seen: list[Trial], pending: list[Trial], *, prior: Sequence[Trial], rng: np.random.Generator
    ) -> _SurrogateAcquisition:
        """Return the acquisition function of this proposal; a cost-aware one does not explore."""
        n = len(seen) + len(pending)
        draws_theta, explores = n % DRAW_EVERY == DRAW_EVERY - 1, n % EXPLORE_EVERY == EXPLORE_EVERY - 1
        surrogate = self._surrogate(seen, self._mean_score, rng=rng if draws_theta else None, prior=prior)
        if pending:
            surrogate.impute([trial.candidate.params for trial in pending])
        if self.cost_aware and any(trial.folds for trial in seen):
            # The weight of the time falls to zero in the course of the search (Lee et al. 2020,
            # arXiv:2003.10870).
            cooling = max(0.0, 1 - len(seen) / self.n_candidates)
            times = self._surrogate(seen, log_times, rng=None, is_score=False)
            # One level of the model is this difference of log seconds.
            time_weight = cooling * times.warping.std
            log_ei = ACQUISITIONS["log_ei"]
            return _AcquisitionPerSecond(surrogate, log_ei, times=times, time_weight=time_weight)
        return _SurrogateAcquisition(surrogate, EXPLORING if explores else ACQUISITIONS[self.acquisition])

    def _surrogate(
        self,
        seen: list[Trial],
        target: Target,
        *,
        rng: np.random.Generator | None,
        prior: Sequence[Trial] = (),
        is_score: bool = True,
    ) -> Surrogate:
        """Return the model of a target, with the most probable hyperparameters, or drawn ones if there is an `rng`.

        The hyperparameters are fitted again whenever the number of trials has grown by a tenth.
        """
        # A function of the number of trials alone, so that `ask` does not depend on earlier calls.
        n_fitted = len(seen) - len(seen) % max(1, len(seen) // 10)
        early = seen[:n_fitted]
        if not any(encoded.u is not None for encoded in self._encoder([*early, *prior])):
            early = seen
        fitted_to = [*early, *prior]
        if target not in self._fitted or list(map(id, self._fitted[target][0])) != list(map(id, fitted_to)):
            model = Surrogate(self._encoder, early, target, prior=prior, is_score=is_score)
            self._fitted[target] = fitted_to, model
        _, model = self._fitted[target]
        theta = model.posterior.theta
        if rng is not None:
            theta = theta + model.theta_covariance_root @ rng.standard_normal(len(theta))
        return Surrogate(self._encoder, seen, target, prior=prior, theta=theta, is_score=is_score)

    def _draw(self, rng: np.random.Generator, trials: list[Trial]) -> Params | None:
        """Draw a point that no trial has; None if there is no other."""
        tried = [trial.candidate.params for trial in trials]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an exhausted space: the search is complete then
            drawn = self.space.sample(1, int(rng.integers(2**31)), unique=True, exclude=tried)
        return drawn[0] if drawn else None


@dataclass(frozen=True)
class _SurrogateAcquisition:
    """Acquisition function of points of the cube."""

    surrogate: Surrogate
    acquisition: Acquisition

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return the values at points of shape (n, D)."""
        mean, std = self.surrogate.predict(u)
        value, _, _ = self.acquisition(mean, std, self.surrogate.best)
        return value

    def near(self, start: np.ndarray) -> ValueAndGradient:
        """Return the function with its gradient for points near `start`."""
        predict = self.surrogate.near(start)

        def value_and_gradient(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            mean, std, mean_gradient, std_gradient = predict(u)
            value, by_mean, by_std = self.acquisition(mean, std, self.surrogate.best)
            return value, by_mean[:, None] * mean_gradient + by_std[:, None] * std_gradient

        return value_and_gradient


@dataclass(frozen=True)
class _AcquisitionPerSecond(_SurrogateAcquisition):
    """Acquisition function less the weighted expected logarithm of the time."""

    times: Surrogate
    time_weight: float

    def value(self, u: np.ndarray) -> np.ndarray:
        mean_time, _ = self.times.predict(u)
        return super().value(u) - self.time_weight * mean_time

    def near(self, start: np.ndarray) -> ValueAndGradient:
        improvement, predict_time = super().near(start), self.times.near(start)

        def value_and_gradient(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, gradient = improvement(u)
            mean, _, mean_gradient, _ = predict_time(u)
            return value - self.time_weight * mean, gradient - self.time_weight * mean_gradient

        return value_and_gradient
