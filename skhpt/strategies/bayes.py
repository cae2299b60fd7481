"""Bayesian optimisation: candidates that maximise an acquisition function of a model of the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from skhpt._typing import Params
from skhpt.gp.acquisition import (
    ACQUISITIONS,
    EXPLORING,
    Acquisition,
    log_success_probability,
    negative_mean,
)
from skhpt.gp.optimize import ValueAndGradient, maximize_acquisition
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.space.drawing import draw
from skhpt.space.space import Space
from skhpt.strategies.constrained import maximize_by_walking
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.surrogate import MeanScores, Surrogate, Target, log_times, successes
from skhpt.trial import Candidate, Trial

#: Largest finite space in which the acquisition is computed for all points.
MAX_ENUMERATED = 2_000
#: Every second proposal draws the hyperparameters of the model; every sixth one, which draws them too,
#: explores.
DRAW_EVERY, EXPLORE_EVERY = 2, 6
#: Weight of the logarithm of the probability that a candidate works. With 1, failures would cost nothing but
#: the chance of an improvement.
CAUTION = 1.5
#: While no trial has a score, number of draws of which the one that most probably works is proposed. More of
#: them would lie at the bounds, which are far from all points.
N_BLIND = 4
#: Share of random points that a constraint allows, of so many, below which proposals walk from allowed points.
RARE, N_TRIED = 1 / 16, 64


class BayesianOptimization:
    """Strategy that asks for an initial design, then for points that maximise an acquisition function.

    With the most probable hyperparameters alone, a search may stay on a plateau: a column that has no effect
    there is never varied again. (There are functions on which such a search does not converge, and some
    exploration is the remedy: Bull 2011, arXiv:1101.3501.) Therefore every second proposal draws the
    hyperparameters from their posterior, and every sixth maximises an upper confidence bound of three
    standard deviations.

    Failed trials have no score. A second model tells where candidates work: the logarithm of the probability
    of it is added to the acquisition function. So one working trial is enough to look around it, and failures
    by chance do not make good scores look bad.

    Where a constraint rejects almost every point, proposals are found by walking from allowed points.

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
    takes_long = True

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
        self._mean_score = MeanScores(metric)
        self._successes = partial(successes, target=self._mean_score)
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
        """Return an untried point with a high acquisition; None if no untried point was found."""
        rng = np.random.default_rng((self.seed, len(seen) + len(pending)))
        trials = [*seen, *pending]
        if not self._inside([*seen, *prior]):
            # Nothing to learn from: max_pending exceeds the design, or the earlier trials are from another
            # space.
            return next(iter(self._draw(1, rng, trials)), None)
        acquisition = self._acquisition(seen, pending, prior=prior, rng=rng)
        if not acquisition.knows_scores:
            return _best_of(self._draw(N_BLIND, rng, trials), acquisition)
        tried = {encoded.key for encoded in self._encoder(trials)}
        if self.space.size <= MAX_ENUMERATED:
            untried = [params for params in self.space.points() if params_key(params) not in tried]
            return _best_of(untried, acquisition)
        u = self._maximize(acquisition, trials, rng)
        for block in np.split(u, range(1, len(u), 16)):  # mostly the first point is untried
            for params in self.space.decode(self.space.snap(block)):
                if params_key(params) not in tried and self.space.allows(params):
                    return params
        return next(iter(self._draw(1, rng, trials)), None)

    def _maximize(
        self, acquisition: _AcquisitionSum, trials: list[Trial], rng: np.random.Generator
    ) -> np.ndarray:
        """Return points of the cube with high acquisition, the highest first."""
        space, surrogate = self.space, acquisition.surrogate
        if space.constraint is not None:
            is_rare = space.allows_codes(rng.random((N_TRIED, len(space.columns)))).mean() < RARE
            points = [trial.candidate.params for trial in trials] if is_rare else []
            start = space.allowed_codes(points, rng)
            if len(start):
                return maximize_by_walking(acquisition.value, space.allows_codes, start, rng=rng)
        return maximize_acquisition(
            acquisition.value,
            acquisition.near,
            surrogate.incumbents(rng),
            lengths=surrogate.posterior.lengths,
            rng=rng,
            is_allowed=None if space.constraint is None else self._allows_snapped,
        )

    def _allows_snapped(self, u: np.ndarray) -> np.ndarray:
        return self.space.allows_codes(self.space.snap(u))

    def _acquisition(
        self, seen: list[Trial], pending: list[Trial], *, prior: Sequence[Trial], rng: np.random.Generator
    ) -> _AcquisitionSum:
        """Return the acquisition function of this proposal."""
        terms = []
        knows_scores = self._has_value(self._mean_score, [*seen, *prior])
        if knows_scores:
            terms.append(self._improvement(seen, pending, prior=prior, rng=rng))
            if self.cost_aware and self._has_value(log_times, seen):
                terms.append(self._cost(seen))
        has_failed = [(self._successes(self._inside(part)) < 0).any() for part in (seen, prior)]
        if any(has_failed):
            terms.append(self._success(seen, pending, prior=prior))
        return _AcquisitionSum(tuple(terms), knows_scores)

    def _improvement(
        self, seen: list[Trial], pending: list[Trial], *, prior: Sequence[Trial], rng: np.random.Generator
    ) -> _AcquisitionTerm:
        """Return the acquisition function of the scores; a cost-aware search does not explore."""
        n = len(seen) + len(pending)
        draws_theta, explores = n % DRAW_EVERY == DRAW_EVERY - 1, n % EXPLORE_EVERY == EXPLORE_EVERY - 1
        surrogate = self._surrogate(seen, self._mean_score, rng=rng if draws_theta else None, prior=prior)
        surrogate.impute([trial.candidate.params for trial in pending])
        explores = explores and not (self.cost_aware and any(trial.folds for trial in seen))
        return _AcquisitionTerm(surrogate, EXPLORING if explores else ACQUISITIONS[self.acquisition])

    def _cost(self, seen: list[Trial]) -> _AcquisitionTerm:
        """Return minus the expected logarithm of the time.

        Its weight falls to zero in the course of the search (Lee et al. 2020, arXiv:2003.10870).
        """
        cooling = max(0.0, 1 - len(seen) / self.n_candidates)
        times = self._surrogate(seen, log_times, rng=None, kind="cost")
        # One level of the model is this difference of log seconds.
        return _AcquisitionTerm(times, partial(negative_mean, weight=cooling * times.warping.std))

    def _success(
        self, seen: list[Trial], pending: list[Trial], *, prior: Sequence[Trial]
    ) -> _AcquisitionTerm:
        """Return the logarithm of the probability that a candidate works."""
        model = self._surrogate(seen, self._successes, rng=None, prior=prior, kind="label")
        model.impute([trial.candidate.params for trial in pending])
        return _AcquisitionTerm(model, partial(log_success_probability, noise=model.noise, weight=CAUTION))

    def _surrogate(
        self,
        seen: list[Trial],
        target: Target,
        *,
        rng: np.random.Generator | None,
        prior: Sequence[Trial] = (),
        kind: str = "score",
    ) -> Surrogate:
        """Return the model of a target, with the most probable hyperparameters, or drawn ones if there is an `rng`.

        The hyperparameters are fitted again whenever the number of trials has grown by a tenth.
        """
        # A function of the number of trials alone, so that `ask` does not depend on earlier calls.
        n_fitted = len(seen) - len(seen) % max(1, len(seen) // 10)
        early = seen[:n_fitted]
        if not self._has_value(target, [*early, *prior]):
            early = seen
        fitted_to = [*early, *prior]
        if target not in self._fitted or list(map(id, self._fitted[target][0])) != list(map(id, fitted_to)):
            model = Surrogate(self._encoder, early, target, prior=prior, kind=kind)
            self._fitted[target] = fitted_to, model
        _, model = self._fitted[target]
        theta = model.posterior.theta
        if rng is not None:
            theta = theta + model.theta_covariance_root @ rng.standard_normal(len(theta))
        return Surrogate(self._encoder, seen, target, prior=prior, theta=theta, kind=kind)

    def _inside(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that lie in the space."""
        encoded = self._encoder(trials)
        return [trial for trial, each in zip(trials, encoded, strict=True) if each.u is not None]

    def _has_value(self, target: Target, trials: Sequence[Trial]) -> bool:
        """Tell whether a trial in the space has a value of a target."""
        return bool(np.isfinite(target(self._inside(trials))).any())

    def _draw(self, n: int, rng: np.random.Generator, trials: Sequence[Trial]) -> list[Params]:
        """Draw up to n points that no trial has."""
        tried = [trial.candidate.params for trial in trials]
        random_state = np.random.RandomState(rng.integers(2**31))
        return draw(self.space, n, random_state, unique=True, exclude=tried).points


@dataclass(frozen=True)
class _AcquisitionTerm:
    """Acquisition function of points of the cube, of the posterior of one model."""

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
class _AcquisitionSum:
    """Sum of acquisition functions; the model of the first one chooses where the maximisation starts."""

    terms: tuple[_AcquisitionTerm, ...]
    knows_scores: bool

    @property
    def surrogate(self) -> Surrogate:
        """Model of the first term."""
        return self.terms[0].surrogate

    def value(self, u: np.ndarray) -> np.ndarray:
        """Return the values at points of shape (n, D)."""
        total: np.ndarray = np.sum([term.value(u) for term in self.terms], axis=0)
        return total

    def near(self, start: np.ndarray) -> ValueAndGradient:
        """Return the function with its gradient for points near `start`."""
        functions = [term.near(start) for term in self.terms]

        def value_and_gradient(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            values, gradients = zip(*(function(u) for function in functions), strict=True)
            return np.sum(values, axis=0), np.sum(gradients, axis=0)

        return value_and_gradient


def _best_of(points: Sequence[Params], acquisition: _AcquisitionSum) -> Params | None:
    """Return the point with the highest acquisition, likely points first; None if there are no points."""
    if not points:
        return None
    space = acquisition.surrogate.space
    u = space.encode(points)
    are_likely = space.are_likely(u)
    rows = np.flatnonzero(are_likely if are_likely.any() else ~are_likely)
    return points[int(rows[np.argmax(acquisition.value(u[rows]))])]
