"""Spaces in the notation of scikit-optimize."""

import pytest
from scipy import stats

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.space.skopt import translate
from tests.space.examples import Categorical, Integer, Real


@pytest.mark.parametrize(
    "definition, equivalent",
    [
        ((1e-3, 1e3, "log-uniform"), stats.loguniform(1e-3, 1e3)),
        ((0.0, 2.0, "uniform"), stats.uniform(0.0, 2.0)),
        ((1, 9, "uniform"), stats.randint(1, 10)),
        ((1, 9, "log-uniform"), loguniform_int(1, 9)),
        (Real(1, 10, "log-uniform"), stats.loguniform(1, 10)),
        (Real(1, 10), stats.uniform(1, 9)),
        (Integer(1, 9), stats.randint(1, 10)),
        (Categorical(("a", "b")), ["a", "b"]),
        ((1, 9), (1, 9)),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_dimensions_of_scikit_optimize_have_equivalents(definition, equivalent):
    actual, expected = Space(translate([{"x": definition}])), Space({"x": equivalent})
    assert actual.columns[0].dimension.same_as(expected.columns[0].dimension)


@pytest.mark.parametrize(
    "definition, message",
    [
        (("rbf", "linear", "uniform"), "must be numbers in order"),
        ((2.0, 1.0, "uniform"), "must be numbers in order"),
        (Real(1, 2, "normal"), r"the prior of \(1, 2, 'normal'\) must be one of"),
    ],
)
def test_invalid_bounds_and_priors_are_refused(definition, message):
    with pytest.raises(ValueError, match=message):
        translate({"x": definition})
