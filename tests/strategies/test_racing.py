"""The rule of the race."""

import numpy as np

from skhpt.strategies.racing import Race
from skhpt.trial import Candidate, FoldScore, Trial
from tests.strategies import trial_of


def eliminated_after(race, *scores):
    return race.eliminated_after([FoldScore(9, i, score) for i, score in enumerate(scores)])


def test_a_candidate_is_eliminated_when_its_mean_is_below_the_highest_worst_fold():
    race = Race()
    race.learn([trial_of(0, 0.5, 0.9, 0.9)])
    assert eliminated_after(race, 0.5) is None
    assert eliminated_after(race, 0.4) == 1
    assert eliminated_after(race, 0.6, 0.3) == 2
    assert eliminated_after(race, 0.6, 0.5, 0.9) is None
    race.learn([trial_of(0, 0.5, 0.9, 0.9), trial_of(1, 0.6, 0.6, 0.6)])
    assert eliminated_after(race, 0.55, 1.0) == 1


def test_only_candidates_with_all_folds_set_the_standard():
    race = Race()
    assert eliminated_after(race, 0.0) is None
    race.learn([trial_of(0, 0.9, 0.2, None)])
    assert eliminated_after(race, 0.0) is None


def test_a_fold_without_a_score_eliminates():
    race = Race()
    race.learn([trial_of(0, 0.6, 0.6, 0.6)])
    assert eliminated_after(race, None) == 1
    assert eliminated_after(race, 0.7, np.nan) == 2


def test_equal_candidates_are_not_eliminated():
    for level in (0.1, 0.7, 0.95, 14 / 15, -3e5):
        race = Race()
        race.learn([trial_of(0, *[level] * 9)])
        assert eliminated_after(race, *[level] * 9) is None


def test_the_error_score_counts_if_it_is_a_number():
    race = Race()
    race.learn([trial_of(0, 0.9, np.nan)])
    assert eliminated_after(race, 0.1, np.nan) is None
    race = Race(error_score=0.0)
    race.learn([trial_of(0, 0.9, np.nan)])
    assert eliminated_after(race, 0.1, np.nan) is None  # 0.05 on average, no lower than 0
    race = Race(error_score="raise")
    race.learn([trial_of(0, 0.9, 0.8)])
    assert eliminated_after(race, np.nan) == 1


def test_the_race_is_by_one_of_several_metrics():
    race = Race("f1")
    race.learn([Trial(Candidate(0, {}), (FoldScore(0, 0, {"accuracy": 0.9, "f1": 0.5}),))])
    assert eliminated_after(race, {"accuracy": 0.0, "f1": 0.6}) is None
    assert eliminated_after(race, {"accuracy": 1.0, "f1": 0.4}) == 1
