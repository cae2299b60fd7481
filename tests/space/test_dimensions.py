"""Dimensions: encoding of the values of one parameter, for all kinds of lists and distributions."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skhpt import Space
from skhpt.identity import value_key
from skhpt.space.parsing import make_dimension
from skhpt.space.scipy_adapter import closed_form, source_repr
from tests.space.examples import CONTINUOUS, DISCRETE

CHOICES = [
    1,
    True,
    1.0,
    None,
    "x",
    (50,),
    (100, 50),
    SVC(C=3),
    LogisticRegression(),
    len,
    np.array([1, 2]),
    [1],
]

levels = st.floats(0, 1)


@given(st.sampled_from(sorted(CONTINUOUS)), levels)
def test_continuous_values_round_trip(name, u):
    dimension = make_dimension("x", CONTINUOUS[name])
    (x,) = dimension.decode(np.array([u]))
    assert type(x) is float
    assert math.isfinite(x)
    assert dimension.are_values([x])[0]
    (again,) = dimension.decode(dimension.encode([x]))
    # The cdf has a spacing of 1e-16 near 1; the corresponding spacing of x depends on the tail.
    low, high = dimension.decode(np.clip([u - 1e-12, u + 1e-12], 0, 1))
    assert low <= again <= high or again == pytest.approx(x, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "dist",
    [
        *(stats.uniform(), stats.uniform(-3, 5), stats.uniform(loc=1e6, scale=1)),
        *(stats.loguniform(1e-12, 1e12), stats.loguniform(1, 2), stats.loguniform(1, 10, loc=5, scale=3)),
        *(stats.loguniform(1, 10, scale=3), stats.reciprocal(1e-300, 1e300), stats.norm()),
    ],
    ids=source_repr,
)
def test_the_closed_form_of_uniform_distributions_agrees_with_scipy(dist):
    fast, u = closed_form(dist), np.linspace(0, 1, 101)
    x = dist.ppf(u)
    np.testing.assert_allclose(fast.ppf(u), x, rtol=1e-9)
    np.testing.assert_allclose(fast.cdf(x), dist.cdf(x), rtol=1e-9, atol=1e-12)
    assert dist.support()[0] <= fast.ppf(u).min() <= fast.ppf(u).max() <= dist.support()[1]


def test_another_distribution_with_the_name_of_a_uniform_one_is_unchanged():
    class Own(stats.rv_continuous):
        def _cdf(self, x):
            return x**2

    dist = Own(a=0, b=1, name="uniform")()
    assert closed_form(dist) is dist


@given(st.sampled_from(sorted(DISCRETE)), levels)
def test_discrete_values_round_trip_exactly(name, u):
    dimension = make_dimension("x", DISCRETE[name])
    (x,) = dimension.decode(np.array([u]))
    assert type(x) is (float if name in ("values", "quantized") else int)
    if 1e-14 < u < 1 - 1e-14:  # beyond, steps of the cdf are lost in rounding
        assert dimension.are_values([x])[0]
        assert dimension.decode(dimension.encode([x])) == [x]


@given(st.sampled_from(sorted(CONTINUOUS | DISCRETE)), st.integers(0, 2**32 - 1))
def test_draws_round_trip(name, seed):
    space = Space({"x": (CONTINUOUS | DISCRETE)[name]})
    points = space.sample(5, seed)
    for drawn, again in zip(points, space.decode(space.encode(points)), strict=True):
        assert type(drawn["x"]) is type(again["x"])
        assert again["x"] == (
            drawn["x"] if name in DISCRETE else pytest.approx(drawn["x"], rel=1e-9, abs=1e-12)
        )


@pytest.mark.parametrize("name", sorted(CONTINUOUS | DISCRETE))
def test_encoded_draws_are_uniform(name):
    space = Space({"x": (CONTINUOUS | DISCRETE)[name]})
    u = space.encode(space.sample(2000, 0))[:, 0]
    if name in CONTINUOUS:
        assert stats.kstest(u, "uniform").pvalue > 1e-3
    else:
        assert u.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", sorted(CONTINUOUS | DISCRETE))
def test_values_of_infinite_tails_are_finite(name):
    ends = make_dimension("x", (CONTINUOUS | DISCRETE)[name]).decode(np.array([0.0, 1e-320, 1 - 2**-53, 1.0]))
    assert np.isfinite(ends).all()
    assert ends == sorted(ends)


def test_choices_of_different_types_are_different():
    dimension = make_dimension("x", CHOICES)
    again = dimension.decode(dimension.encode(CHOICES))
    assert [value_key(value) for value in again] == [value_key(value) for value in CHOICES]
    assert [type(value) for value in again[:3]] == [int, bool, float]
    assert again[7] is CHOICES[7]  # the user's own object
    assert not dimension.are_values([2])[0]
    assert not dimension.are_values(["y"])[0]
    assert [dimension.index(value) for value in CHOICES] == list(range(len(CHOICES)))
    with pytest.raises(ValueError, match="'y' is not one of the choices"):
        dimension.index("y")


def test_choices_have_intervals_of_equal_length():
    dimension = make_dimension("x", ["a", "b", "c", "d"])
    assert dimension.decode(np.array([0, 0.24, 0.25, 0.74, 0.75, 1])) == ["a", "a", "b", "c", "d", "d"]
    assert dimension.encode(["a", "d"]).tolist() == [0.125, 0.875]


@pytest.mark.parametrize(
    "values", [np.array([1, 2]), np.array([0.5]), np.array(["a"]), np.array([True]), range(3)]
)
def test_values_of_arrays_become_python_values(values):
    drawn = Space({"x": values}).grid()
    assert [type(point["x"]) in (int, float, str, bool) for point in drawn] == [True] * len(values)


def test_an_object_with_only_rvs_can_be_sampled():
    class Dice:
        def rvs(self, random_state):
            return random_state.randint(1, 7)

    space = Space({"x": Dice()})
    assert {point["x"] for point in space.sample(100, 0)} == {1, 2, 3, 4, 5, 6}
    for quantile_needed in (
        space.grid,
        lambda: space.sample(1, method="sobol"),
        lambda: space.encode([{"x": 1}]),
    ):
        with pytest.raises(TypeError, match="'x' has rvs but neither ppf nor icdf"):
            quantile_needed()


def test_a_discrete_distribution_of_given_values_has_exactly_these():
    dist = stats.rv_discrete(values=([0.25, 1, 2], [0.0005, 0.5, 0.4995]))
    points = Space({"x": dist}).sample(5000, 0)
    assert {point["x"] for point in points} == {0.25, 1.0, 2.0}
    assert Space({"x": dist}).grid(5) == [{"x": 0.25}, {"x": 1.0}, {"x": 2.0}]


def test_quantiles_of_heavy_tails_are_fast():
    space = Space({"x": stats.zipf(2.5), "y": getattr(stats, "betanbinom", stats.betabinom)(5, 3, 4)})
    (point,) = space.decode(np.array([[0.5, 0.5]]))
    assert space.decode(space.encode([point])) == [point]
    assert len(space.sample(3, 0)) == 3


def test_a_series_is_a_list_of_choices():
    assert Space({"x": pd.Series([1, 2])}).grid() == [{"x": 1}, {"x": 2}]
