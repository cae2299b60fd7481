"""Bayesian optimisation: believe something about all points, and try the one that promises most."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.gp.acquisition import ACQUISITIONS, EXPLORING
from skhpt.gp.optimize import Climb, maximize
from skhpt.history import History
from skhpt.identity import params_key
from skhpt.space.space import Space
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.surrogate import Surrogate, Target, log_times, mean_scores
from skhpt.trial import Candidate, Trial

#: In a finite space of at most this many points the acquisition is computed for all of them.
MAX_ENUMERATED = 2_000
#: Of so many proposals one believes drawn hyperparameters, not the most probable ones; of so many one, which believes
#: drawn ones too, explores.
DRAW_EVERY, EXPLORE_EVERY = 2, 6


class BayesianOptimization:
    """Begin with a given design, then ask for the point of the highest expected improvement.

    A search that always takes the most probable hyperparameters, and always what then promises most, may never leave a
    plateau: a column that did not matter there would never matter again. (There are functions on which it does not
    converge; some exploration mends that: Bull 2011, arXiv:1101.3501.) So every second proposal draws the
    hyperparameters from what is believed of them, and every sixth goes where the score could be highest.

    Candidate k is proposed from the results of the trials up to k - `max_pending`, whether or not later ones are known
    by then, so the proposals are the same for any number of workers.

    Parameters
    ----------
    space : Space
        What may be tried.
    n_candidates : int
        How many trials of its own the history ends with.
    design : sequence of dict
        Points to begin with.
    metric : str or None
        Name of the score to maximise; None if there is a single one, or for the first.
    seed : int
        Seed of all draws.
    max_pending : int, default=1
        How many trials may be unfinished at the same time.
    acquisition : {"log_ei", "ucb"}, default="log_ei"
        What a point promises: the logarithm of the expected improvement, or an upper confidence bound.
    cost_aware : bool, default=False
        Whether the logarithm of the expected improvement is weighed against the time that it is expected to take.
    """

    def __init__(
        self,
        space: Space,
        n_candidates: int,
        design: Sequence[Params],
        metric: str | None,
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
        self._places = Encoder(space)
        self._mean_score = partial(mean_scores, metric=metric)
        self._learned: dict[Target, tuple[list[Trial], Surrogate]] = {}  # by target: trials, what they taught

    def ask(self, history: History) -> list[Candidate]:
        """Propose what the results so far allow: the whole design at once, then point after point."""
        asked: list[Trial] = list(history)
        while (params := self._next(asked, history)) is not None:
            asked.append(Trial(Candidate(len(asked), params)))
        return [trial.candidate for trial in asked[len(history) :]]

    def _next(self, asked: list[Trial], history: History) -> Params | None:
        """Return the next point, None if there is none, or none yet."""
        n_own = len(asked) - history.n_earlier_trials
        if n_own < len(self.design):
            return self.design[n_own]
        # The trials that may be looked at: all but the last few, which count as pending even if they are not.
        n_seen = max(len(asked) - self.max_pending + 1, history.n_earlier_trials)
        if n_own >= self.n_candidates or history.n_finished < n_seen:
            return None
        return self._propose(asked[:n_seen], asked[n_seen:], history.prior)

    def _propose(self, seen: list[Trial], pending: list[Trial], prior: Sequence[Trial]) -> Params | None:
        rng = np.random.default_rng((self.seed, len(seen) + len(pending)))
        tried = [trial.candidate.params for trial in [*seen, *pending]]
        known = {place.key for place in self._places([*seen, *pending])}
        if not any(place.is_inside for place in self._places([*seen, *prior])):
            return self._draw(rng, tried)  # more in flight than the design has, or an earlier search in another space
        if self.space.size <= MAX_ENUMERATED:
            left = [params for params in self.space.points() if params_key(params) not in known]
            if not left:
                return None
            value = self._acquire(seen, pending, prior, rng).value(self.space.encode(left))
            return left[int(np.argmax(value))]
        acquisition = self._acquire(seen, pending, prior, rng)
        incumbents, lengths = acquisition.surrogate.incumbents(rng), acquisition.surrogate.posterior.lengths
        promising = maximize(acquisition.value, acquisition.around, incumbents, lengths, rng)
        for some in np.split(promising, range(1, len(promising), 16)):  # the first will do, unless it is known
            for params in self.space.decode(self.space.snap(some)):
                if params_key(params) not in known and self.space.allows(params):
                    return params
        return self._draw(rng, tried)

    def _acquire(
        self, seen: list[Trial], pending: list[Trial], prior: Sequence[Trial], rng: np.random.Generator
    ) -> _Acquisition:
        """Say what points promise, as it is this proposal's turn to see it; weighed against time, none explores."""
        turn = len(seen) + len(pending)
        surrogate = self._surrogate(seen, self._mean_score, rng if _is_last(turn, DRAW_EVERY) else None, prior)
        surrogate.fantasize([trial.candidate.params for trial in pending])
        if self.cost_aware and any(trial.folds for trial in seen):
            # Cooled down to no weight at all in the course of the search (Lee et al. 2020, arXiv:2003.10870).
            cooling = max(0.0, 1 - len(seen) / self.n_candidates)
            times = self._surrogate(seen, log_times, None, is_score=False)
            return _AcquisitionPerSecond(surrogate, times, cooling)
        if _is_last(turn, EXPLORE_EVERY):
            return _Acquisition(surrogate, EXPLORING)
        return _Acquisition(surrogate, ACQUISITIONS[self.acquisition])

    def _surrogate(
        self,
        seen: list[Trial],
        target: Target,
        rng: np.random.Generator | None,
        prior: Sequence[Trial] = (),
        is_score: bool = True,
    ) -> Surrogate:
        """Model what was seen, with the most probable hyperparameters, or with a draw of them if there is an `rng`.

        What is believed of them is found anew whenever what was seen has grown by a tenth.
        """
        early = seen[: _last_milestone(len(seen))]
        if not any(place.is_inside for place in self._places([*early, *prior])):
            early = seen
        learned_from = [*early, *prior]
        if target not in self._learned or list(map(id, self._learned[target][0])) != list(map(id, learned_from)):
            self._learned[target] = learned_from, Surrogate(self._places, early, target, prior, is_score=is_score)
        _, model = self._learned[target]
        theta = model.posterior.theta
        if rng is not None:
            theta = theta + model.theta_spread @ rng.standard_normal(len(theta))
        return Surrogate(self._places, seen, target, prior, theta, is_score)

    def _draw(self, rng: np.random.Generator, tried: Sequence[Params]) -> Params | None:
        """Draw a point that was not tried; None if there is no other."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an exhausted space, which ends the search
            drawn = self.space.sample(1, int(rng.integers(2**31)), unique=True, exclude=tried)
        return drawn[0] if drawn else None


def _last_milestone(n: int) -> int:
    """Largest multiple of a tenth of `n`, up to `n`; it depends on `n` alone, so that asking twice is asking once."""
    return n - n % max(1, n // 10)


def _is_last(turn: int, n: int) -> bool:
    """Tell whether, of every n turns, this is the last."""
    return turn % n == n - 1


class _Acquisition:
    """What points of the cube promise."""

    def __init__(self, surrogate: Surrogate, functions: tuple[Callable[..., Any], ...] = ACQUISITIONS["log_ei"]):
        self.surrogate = surrogate
        self._value, self._value_and_slope = functions

    def value(self, u: np.ndarray) -> np.ndarray:
        return self._value(*self.surrogate.predict(u), self.surrogate.best)

    def around(self, start: np.ndarray) -> Climb:
        """Return the function with its gradient, around some points."""
        predict, best = self.surrogate.around(start), self.surrogate.best

        def value_and_slope(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            mean, std, mean_slope, std_slope = predict(u)
            value, by_mean, by_std = self._value_and_slope(mean, std, best)
            return value, by_mean[:, None] * mean_slope + by_std[:, None] * std_slope

        return value_and_slope


class _AcquisitionPerSecond(_Acquisition):
    """Logarithm of the expected improvement, less that of the expected time, weighed by `cooling`."""

    def __init__(self, surrogate: Surrogate, times: Surrogate, cooling: float):
        super().__init__(surrogate)
        self.times = times
        self.weight = cooling * times.warp.std  # of a warped logarithm of seconds

    def value(self, u: np.ndarray) -> np.ndarray:
        return super().value(u) - self.weight * self.times.predict(u)[0]

    def around(self, start: np.ndarray) -> Climb:
        gain, predict_time = super().around(start), self.times.around(start)

        def value_and_slope(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = gain(u)
            mean, _, mean_slope, _ = predict_time(u)
            return value - self.weight * mean, slope - self.weight * mean_slope

        return value_and_slope
