"""Candidates as points of the unit cube."""

import numpy as np
from scipy import stats

from skhpt import Space
from skhpt.strategies.encoding import Encoder
from skhpt.trial import Candidate, Trial


def trials_at(*points):
    return [Trial(Candidate(i, params)) for i, params in enumerate(points)]


def test_candidates_have_the_points_that_the_space_gives_them():
    space = Space({"x": stats.uniform(0, 2), "c": ["a", "b"]})
    encoded = Encoder(space)(trials_at({"x": 0.5, "c": "a"}, {"x": 2.0, "c": "b"}))
    np.testing.assert_allclose([each.u for each in encoded], [[0.25, 0.25], [0.75, 1.0]])


def test_candidates_outside_of_the_space_have_no_point():
    encoded = Encoder(Space({"x": stats.uniform()}))(trials_at({"x": 5.0}, {"y": 0.5}, {"x": 0.5}))
    assert [each.u is None for each in encoded] == [True, True, False]


def test_equal_parameters_have_equal_keys():
    first, second, other = Encoder(Space({"x": [1, 2]}))(trials_at({"x": 1}, {"x": 1}, {"x": 2}))
    assert first.key == second.key != other.key


def test_each_candidate_is_encoded_once():
    space = Space({"x": [1, 2]})
    encoder, trials = Encoder(space), trials_at({"x": 1})
    assert encoder(trials)[0] is encoder(trials)[0]
