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


# -- failures ------------------------------------------------------------------------------------------------


def failing_history(points, works, score):
    """A history in which some trials fail."""
    trials = []
    for i, params in enumerate(points):
        fold = FoldScore(i, 0, score(**params)) if works(**params) else FoldScore(i, 0, None, state="failed")
        trials.append(Trial(Candidate(i, params), (fold,)))
    return History(trials)


def test_one_candidate_that_works_is_enough_to_look_around_it():
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    points = [*space.sample(11, 0, method="sobol"), {"x": 0.8, "y": 0.3}]
    history = failing_history(points, lambda x, y: (x, y) == (0.8, 0.3), lambda x, y: -5.0)
    proposals = [proposal(space, history, seed=seed) for seed in range(8)]
    distances = [np.hypot(point["x"] - 0.8, point["y"] - 0.3) for point in proposals]
    assert np.median(distances) < 0.35


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_two_candidates_with_almost_equal_scores_are_better_than_failures(scale):
    space = Space({"x": stats.uniform()})
    points = [{"x": x} for x in (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.9, 0.95)]
    history = failing_history(points, lambda x: x > 0.6, lambda x: scale * (1 + 1e-6 * x))
    proposals = [proposal(space, history, seed=seed)["x"] for seed in range(5)]
    assert min(proposals) > 0.58


def test_a_choice_that_always_fails_is_left_alone():
    space = Space([{"kind": [kind], "x": stats.uniform()} for kind in "abc"])
    points = [{"kind": kind, "x": x} for x in (0.2, 0.5, 0.8) for kind in "abc"]
    history = failing_history(
        points, lambda kind, x: kind != "b", lambda kind, x: (kind == "c") - abs(x - 0.5)
    )
    assert {proposal(space, history, seed=seed)["kind"] for seed in range(5)} == {"c"}


def test_failures_by_chance_do_not_move_the_search_away_from_good_scores():
    space = Space({"x": stats.uniform()})
    points = [{"x": x} for x in np.linspace(0.02, 0.98, 25).tolist()]
    by_chance = {round(points[i]["x"], 9) for i in (3, 12, 20)}  # the twelfth is the best
    history = failing_history(points, lambda x: round(x, 9) not in by_chance, lambda x: -((x - 0.5) ** 2))
    proposals = [proposal(space, history, seed=seed)["x"] for seed in range(6)]
    assert np.abs(np.array(proposals) - 0.5).max() < 0.05


def test_while_everything_fails_proposals_keep_away_from_failures_and_not_only_at_the_bounds():
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    points = [{"x": x, "y": y} for x in (0.1, 0.3) for y in (0.1, 0.4, 0.7, 0.9)]
    history = failing_history(points, lambda x, y: False, lambda x, y: 0.0)
    proposals = [tuple(proposal(space, history, seed=seed).values()) for seed in range(20)]
    assert np.mean(proposals, axis=0)[0] > 0.55
    assert np.min([np.min(proposals, axis=1), 1 - np.max(proposals, axis=1)], axis=0).max() > 0.1


def test_failures_of_earlier_searches_count():
    space = Space({"x": stats.uniform()})
    prior = list(failing_history([{"x": x} for x in np.linspace(0, 0.6, 9).tolist()], lambda x: False, None))
    history = History([trial_of(0, 0.5, x=0.9), trial_of(1, 0.4, x=0.8)], prior=prior)
    assert min(proposal(space, history, seed=seed)["x"] for seed in range(5)) > 0.6


# -- constraints ---------------------------------------------------------------------------------------------


def test_proposals_move_along_a_narrow_band():
    space = Space(
        {"x": stats.uniform(), "y": stats.loguniform(1, 10)},
        constraint=lambda params: abs(params["x"] - np.log10(params["y"])) < 1e-5,
    )
    points = [{"x": x, "y": 10.0**x} for x in (0.1, 0.2, 0.3)]
    trials = list(history_of(points, lambda x, y: -((x - 0.7) ** 2)))
    for _ in range(12):
        params = proposal(space, History(trials))
        assert space.contains(params)
        trials.append(Trial(Candidate(len(trials), params), (FoldScore(0, 0, -((params["x"] - 0.7) ** 2)),)))
    assert max(trial.folds[0].test_score for trial in trials) > -1e-3


def test_a_constraint_that_excludes_the_optimum_is_met_at_its_edge():
    space = Space({"x": stats.uniform(), "y": stats.uniform()}, constraint=lambda params: params["x"] < 0.5)
    points = Space({"x": stats.uniform(0, 0.5), "y": stats.uniform()}).sample(12, 0, method="sobol")
    history = history_of(points, lambda x, y: x - (y - 0.5) ** 2)
    proposals = [proposal(space, history, seed=seed) for seed in range(4)]
    assert np.median([params["x"] for params in proposals]) > 0.45
