"""Bayesian optimisation as a strategy: its proposals from given histories."""

import numpy as np
import pytest
from scipy import stats

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.history import History
from skhpt.strategies import bayes
from skhpt.strategies.bayes import BayesianOptimization
from skhpt.trial import Candidate, FoldScore, Trial
from tests.strategies import history_of, sobol_trials, trial_of


def proposal(space, history, n_candidates=10_000, seed=0, **options):
    """The parameters of the only candidate that is asked for, without an initial design."""
    (candidate,) = BayesianOptimization(space, n_candidates, [], seed=seed, **options).ask(history)
    return candidate.params


def test_the_design_comes_first_and_at_once():
    space = Space({"x": stats.uniform()})
    design = [{"x": x} for x in (0.1, 0.2, 0.3)]
    asked = BayesianOptimization(space, 9, design, seed=0, max_pending=1).ask(History())
    assert [candidate.params for candidate in asked] == design


def test_raced_trials_count():
    trials = [trial_of(0, 0.5, 0.9, x=0.2), trial_of(1, 0.3, None, x=0.9)]
    trials += [trial_of(2, 0.6, 0.9, x=0.1), trial_of(3, 0.4, 0.8)]
    assert proposal(Space({"x": stats.uniform()}), History(trials))["x"] < 0.5


def test_fast_points_are_preferred_at_the_beginning_of_a_cost_aware_search():
    space = Space({"x": stats.uniform()})
    history = History(
        Trial(Candidate(i, {"x": x}), (FoldScore(i, 0, -((x - 0.5) ** 2), fit_time=np.exp(8 * x)),))
        for i, x in enumerate(np.linspace(0.05, 0.95, 4).tolist())
    )
    plain = proposal(space, history, n_candidates=1000)["x"]
    early = proposal(space, history, n_candidates=1000, cost_aware=True)["x"]
    late = proposal(space, history, n_candidates=5, cost_aware=True)["x"]
    assert early < plain - 0.01
    assert abs(late - plain) < abs(early - plain)


def test_an_upper_confidence_bound_prefers_points_of_high_variance():
    space = Space({"x": stats.uniform()})
    history = history_of(({"x": x} for x in (0.05, 0.2, 0.25, 0.3, 0.35, 0.4)), lambda x: np.sin(12 * x))
    assert abs(proposal(space, history, acquisition="log_ei")["x"] - 0.14) < 0.05
    assert proposal(space, history, acquisition="ucb")["x"] > 0.6


def finite_history():
    """A space in which the acquisition is computed for all points, and 24 finished trials."""
    space = Space({"x": np.linspace(0, 1, 101).tolist(), "y": np.linspace(0, 1, 11).tolist()})
    return space, list(history_of(space.sample(24, 0), lambda x, y: -((x - 0.43) ** 2) - (y - 0.2) ** 2))


def test_every_second_proposal_draws_the_hyperparameters():
    """The other ones do not depend on the seed in a finite space."""
    space, trials = finite_history()
    depends_on_seed = []
    for n in range(12, 24):
        proposals = {tuple(proposal(space, History(trials[:n]), seed=seed).values()) for seed in range(6)}
        depends_on_seed.append(len(proposals) > 1)
    assert depends_on_seed[::2] == [False] * 6
    assert any(depends_on_seed[1::2])


def test_every_sixth_proposal_explores(monkeypatch):
    space, trials = finite_history()
    exploring = [proposal(space, History(trials[:n])) for n in range(12, 24)]
    monkeypatch.setattr(bayes, "EXPLORE_EVERY", 10_000)
    without = [proposal(space, History(trials[:n])) for n in range(12, 24)]
    assert [n for n, a, b in zip(range(12, 24), exploring, without, strict=True) if a != b] == [17, 23]


def test_a_column_without_effect_so_far_is_varied_again():
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    points = np.random.default_rng(2).random((15, 2)) * [1, 0.3]
    history = history_of(({"x": x, "y": y} for x, y in points.tolist()), lambda x, y: -((x - 0.5) ** 2))
    assert np.ptp([proposal(space, history, 16, seed)["y"] for seed in range(20)]) > 0.1


def test_pending_points_keep_a_distance():
    space = Space({"x": stats.uniform()})
    history = History(sobol_trials(space, [-1.0, -0.5, -0.1, -0.4, -0.8]), n_earlier_trials=5)
    asked = BayesianOptimization(space, 9, [], seed=0, max_pending=4).ask(history)
    assert len(asked) == 4
    assert np.diff(np.sort([candidate.params["x"] for candidate in asked])).min() > 0.005


@pytest.mark.parametrize(
    "scores",
    [
        [0.5] * 12,
        [np.nan] * 12,
        [np.nan, np.inf, -np.inf, 1.0] * 3,
        [0.0, -1e12, 1e-9] * 4,
        [1.0, 1.0 + 1e-15] * 6,
    ],
    ids=["equal", "nan", "infinite", "extreme", "almost equal"],
)
@pytest.mark.parametrize("n_columns", [1, 30])
def test_any_scores_are_allowed(scores, n_columns):
    space = Space({f"x{i}": stats.uniform() for i in range(n_columns)})
    history = History(sobol_trials(space, [None if score != score else score for score in scores]))
    assert space.contains(proposal(space, history))


def test_many_trials_are_allowed():
    space = Space({"x": stats.uniform(), "k": loguniform_int(1, 500)})
    history = History(sobol_trials(space, np.sin(np.arange(2000.0))))
    assert space.contains(proposal(space, history))


def test_the_first_trials_may_all_lie_outside_of_the_space():
    space = Space({"C": stats.uniform(0, 1)})
    outside = [Trial(Candidate(i, {"C": 5.0 + i}), (FoldScore(i, 0, 0.1),)) for i in range(28)]
    inside = Trial(Candidate(28, {"C": 0.5}), (FoldScore(28, 0, 0.5),))
    # The hyperparameters would be fitted to the first 28.
    history = History([*outside, inside], n_earlier_trials=29)
    assert space.contains(proposal(space, history, n_candidates=5))
