"""The model of Bayesian optimisation."""

import numpy as np
import pytest
from scipy import stats

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.strategies.encoding import Encoder
from skhpt.strategies.surrogate import DEPTH, MAX_SEEN, Surrogate, log_times, mean_scores
from skhpt.trial import Candidate, FoldScore, Trial
from tests.strategies import history_of, sobol_trials, trial_of

# -- the modelled quantities ---------------------------------------------------------------------------------


def test_means_are_corrected_for_the_difficulty_of_skipped_folds():
    trials = [trial_of(0, 0.5, 0.9, 0.9), trial_of(1, 0.6, 1.0, 1.0), trial_of(2, 0.4, None, None)]
    trials.append(trial_of(3, 0.4, 0.6, None))
    difficulty = 0.8 / 3  # of the first fold, compared with the mean of all
    np.testing.assert_allclose(mean_scores(trials)[:3], [2.3 / 3, 2.6 / 3, 0.4 + difficulty])
    np.testing.assert_allclose(mean_scores(trials)[3], 0.5 + 2.45 / 3 - 0.75)
    np.testing.assert_allclose(log_times(trials), 0)


def test_the_correction_depends_on_the_evaluated_folds():
    trials = [trial_of(0, 0.1, 0.9, 0.5), trial_of(1, 0.2, 1.0, 0.6)]
    trials += [trial_of(2, None, 1.0, None), trial_of(3, 0.2, None, None)]
    np.testing.assert_allclose(mean_scores(trials), [0.5, 0.6, 0.6, 0.6])


def test_without_complete_trials_means_are_not_corrected():
    np.testing.assert_allclose(mean_scores([trial_of(2, 0.4, None, None)]), [0.4])
    np.testing.assert_allclose(
        mean_scores([trial_of(2, None, 1.0, None), trial_of(3, 0.2, None, None)]), [1.0, 0.2]
    )


def test_failed_folds_have_no_mean_and_no_time():
    failed = Trial(
        Candidate(0, {}), (FoldScore(0, 0, None, state="failed"), FoldScore(0, 1, 0.5, fit_time=1.0))
    )
    assert np.isnan(mean_scores([failed, trial_of(1, 0.5, 0.5)])).tolist() == [True, False]
    assert np.isnan(log_times([failed])).all()


# -- the model -----------------------------------------------------------------------------------------------


def test_scores_of_raced_trials_are_modelled():
    trials = [trial_of(0, 0.5, 0.9, x=0.2), trial_of(1, 0.3, None, x=0.9)]
    trials += [trial_of(2, 0.6, 0.9, x=0.1), trial_of(3, 0.4, 0.8)]
    surrogate = Surrogate(Encoder(Space({"x": stats.uniform()})), trials, mean_scores)
    means, _ = surrogate.predict_score([{"x": 0.1}, {"x": 0.9}])
    assert means[0] > means[1] + 0.1


def test_scores_are_expected_to_be_lower_at_the_bounds_but_times_are_not():
    space = Space({"x": stats.uniform(), "y": stats.uniform(), "z": [3], "w": list("ab"), "v": [1, 2, 4]})
    surrogate = Surrogate(Encoder(space), sobol_trials(space, [1.0]), mean_scores)
    assert surrogate.posterior.depth == DEPTH / 2  # four parameters are free: x, y, w and v
    times = Surrogate(Encoder(space), sobol_trials(space, [1.0] * 8), log_times, kind="cost")
    assert times.posterior.depth == 0
    inside, corner = ({"x": u, "y": u, "z": 3, "w": "a", "v": 2} for u in (0.45, 0.99))
    assert np.greater(*surrogate.predict(space.encode([inside, corner]))[0])


def test_the_hyperparameters_are_fitted_to_the_scores_less_the_prior_mean():
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    trials = sobol_trials(space, [0.0] * 16)
    u = space.encode([trial.candidate.params for trial in trials])
    h = ((2 * u - 1) ** 2).sum(axis=1)
    low_at_bounds = Surrogate(Encoder(space), sobol_trials(space, (-h).tolist()), mean_scores)
    high_at_bounds = Surrogate(Encoder(space), sobol_trials(space, h.tolist()), mean_scores)
    assert (low_at_bounds.posterior.lengths > high_at_bounds.posterior.lengths).all()


def test_the_column_of_the_branch_is_nominal():
    space = Space([{"kind": [kind], "x": stats.uniform()} for kind in "abcde"])
    middles = space.encode([{"kind": kind, "x": 0.5} for kind in "abcde"])
    embedding = Surrogate(Encoder(space), sobol_trials(space, [1.0] * 8), mean_scores).embedding
    np.testing.assert_array_equal(embedding.boundary_penalty(embedding(middles)), 0)


def test_the_number_of_observations_is_limited_and_the_best_one_is_kept():
    space = Space({"x": stats.uniform(), "k": loguniform_int(1, 500)})
    scores = np.sin(np.arange(2000.0))
    surrogate = Surrogate(Encoder(space), sobol_trials(space, scores), mean_scores)
    assert len(surrogate.posterior.alpha) == MAX_SEEN
    assert surrogate.y.max() == pytest.approx(surrogate.warping(np.array([scores.max()]))[0])


def test_pending_points_leave_the_mean_and_lower_the_variance_around_them():
    space = Space({"x": stats.uniform()})
    surrogate = Surrogate(Encoder(space), sobol_trials(space, [0.1, 0.5, 0.3, 0.9]), mean_scores)
    u = np.array([[0.05], [0.06]])
    mean, std = surrogate.predict(u)
    surrogate.impute([{"x": 0.05}])
    mean_after, std_after = surrogate.predict(u)
    np.testing.assert_allclose(mean_after, mean, atol=1e-9)
    assert std_after[0] < 0.01
    assert (std_after < std).all()


def test_the_gradients_of_predictions_near_points():
    space = Space(
        [{"x": stats.uniform(), "c": ["a", "b"]}, {"x": stats.uniform(), "y": stats.norm(), "k": [1, 2]}]
    )
    surrogate = Surrogate(Encoder(space), sobol_trials(space, np.sin(np.arange(20.0)).tolist()), mean_scores)
    u = np.random.default_rng(0).uniform(0.1, 0.9, (8, len(space.columns)))
    predict = surrogate.near(u)
    mean, std, mean_gradient, std_gradient = predict(u)
    np.testing.assert_allclose((mean, std), surrogate.predict(u))
    for i, column in enumerate(space.columns):
        h = 1e-6 * np.eye(u.shape[1])[i]
        if column.name not in ("x", "y"):
            assert not mean_gradient[:, i].any()
            continue
        (up, up_std, *_), (down, down_std, *_) = predict(u + h), predict(u - h)
        np.testing.assert_allclose(mean_gradient[:, i], (up - down) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(std_gradient[:, i], (up_std - down_std) / 2e-6, atol=1e-6)


# -- predicted scores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.3])
def test_about_19_of_20_new_scores_lie_within_two_standard_deviations(noise):
    space = Space({"x": stats.uniform(), "y": stats.uniform()})
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)

        def score(x, y, rng=rng):
            return np.sin(5 * x) - (y - 0.4) ** 2 + noise * rng.standard_normal()

        trials = list(history_of(space.sample(30, seed), score))
        new = space.sample(25, 100 + seed)
        mean, std = Surrogate(Encoder(space), trials, mean_scores).predict_score(new)
        covered += (np.abs([score(**point) for point in new] - mean) < 2 * std).tolist()
    assert 0.92 < np.mean(covered) < 0.99


@pytest.mark.parametrize("scores", [[1e300, -1e300], [0.0, 5e-324], [1e300, 1.0], [3.0, 3.0]])
def test_predicted_scores_are_finite_for_any_scores(scores):
    space = Space({"x": stats.uniform()})
    surrogate = Surrogate(Encoder(space), sobol_trials(space, scores * 5, n_splits=1), mean_scores)
    mean, std = surrogate.predict_score(space.sample(9, 1))
    assert np.isfinite(mean).all()
    assert (std >= 0).all()


def test_failures_have_no_part_in_predicted_scores():
    space = Space({"x": stats.uniform()})
    trials = sobol_trials(space, [0.8 + 0.01 * i for i in range(8)])
    failed = [Trial(Candidate(8, {"x": 0.33}), (FoldScore(8, 0, None, state="failed"),))]
    points = [{"x": 0.3}, {"x": 0.9}]
    with_failure = Surrogate(Encoder(space), [*trials, *failed], mean_scores).predict_score(points)
    np.testing.assert_allclose(
        with_failure, Surrogate(Encoder(space), trials, mean_scores).predict_score(points)
    )
    with pytest.raises(ValueError, match="no candidate in the space has a score"):
        Surrogate(Encoder(space), failed, mean_scores)
