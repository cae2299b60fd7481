"""Space and its dimensions: round trips, parity with scikit-learn's samplers, constraints, bad input."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.svm import SVC

from skhpt import Space
from skhpt.distributions import loguniform_int, quantized, truncated_lognormal, truncated_normal
from skhpt.identity import params_key, value_key
from skhpt.space.parsing import make_dimension
from skhpt.space.scipy_adapter import closed_form, source_repr

CONTINUOUS = {
    "uniform": stats.uniform(-2, 5),
    "loguniform": stats.loguniform(1e-6, 1e3),
    "norm": stats.norm(3, 2),
    "lognorm": stats.lognorm(1.5, scale=0.1),
    "expon": stats.expon(scale=10),
    "gamma": stats.gamma(2, scale=3),
    "beta": stats.beta(0.5, 0.5),
    "truncnorm": stats.truncnorm(-1, 3),
    "cauchy": stats.cauchy(),
    "pareto": stats.pareto(0.2),
    "histogram": stats.rv_histogram(np.histogram([1, 2, 2, 3, 9])),
    "truncated_normal": truncated_normal(0.5, 0.2, 0, 1),
    "truncated_lognormal": truncated_lognormal(1, 2, 0.01, 10),
}
DISCRETE = {
    "randint": stats.randint(-3, 8),
    "poisson": stats.poisson(4),
    "binom": stats.binom(12, 0.3),
    "geom": stats.geom(0.2),
    "values": stats.rv_discrete(values=([0.5, 2, 7], [0.2, 0.5, 0.3])),
    "loguniform_int": loguniform_int(1, 500),
    "quantized": quantized(stats.norm(0, 1), 0.1),
    "quantized_int": quantized(stats.uniform(8, 100), 8),
}
if hasattr(stats, "Normal"):  # SciPy's newer distributions, from 1.15
    CONTINUOUS |= {
        "Normal": stats.Normal(mu=1.0, sigma=2.0),
        "truncate": stats.truncate(stats.Normal(), lb=0.0, ub=2.0),
        "Uniform": stats.Uniform(a=1.0, b=3.0),
        "exp": stats.exp(stats.Normal()),
        "made": stats.make_distribution(stats.loguniform)(a=1e-3, b=1e3),
    }
if hasattr(stats, "Binomial"):
    DISCRETE["Binomial"] = stats.Binomial(n=10, p=0.3)
CHOICES = [1, True, 1.0, None, "x", (50,), (100, 50), SVC(C=3), LogisticRegression(), len, np.array([1, 2]), [1]]

levels = st.floats(0, 1)


@given(st.sampled_from(sorted(CONTINUOUS)), levels)
def test_continuous_round_trip(name, u):
    dimension = make_dimension("x", CONTINUOUS[name])
    (x,) = dimension.decode(np.array([u]))
    assert type(x) is float
    assert math.isfinite(x)
    assert dimension.are_values([x])[0]
    (again,) = dimension.decode(dimension.encode([x]))
    # The cdf has a spacing of 1e-16 near 1: what that is in x depends on how thin the tail is there.
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
def test_plain_arithmetic_agrees_with_scipy(dist):
    plain, u = closed_form(dist), np.linspace(0, 1, 101)
    x = dist.ppf(u)
    np.testing.assert_allclose(plain.ppf(u), x, rtol=1e-9)
    np.testing.assert_allclose(plain.cdf(x), dist.cdf(x), rtol=1e-9, atol=1e-12)
    assert dist.support()[0] <= plain.ppf(u).min() <= plain.ppf(u).max() <= dist.support()[1]


def test_a_distribution_that_has_only_the_name_is_left_alone():
    class Own(stats.rv_continuous):
        def _cdf(self, x):
            return x**2

    dist = Own(a=0, b=1, name="uniform")()
    assert closed_form(dist) is dist


@given(st.sampled_from(sorted(DISCRETE)), levels)
def test_discrete_round_trip_is_exact(name, u):
    dimension = make_dimension("x", DISCRETE[name])
    (x,) = dimension.decode(np.array([u]))
    assert type(x) is (float if name in ("values", "quantized") else int)
    if 1e-14 < u < 1 - 1e-14:  # beyond, steps of the cdf are lost in rounding
        assert dimension.are_values([x])[0]
        assert dimension.decode(dimension.encode([x])) == [x]


@given(st.sampled_from(sorted(CONTINUOUS | DISCRETE)), st.integers(0, 2**32 - 1))
def test_whatever_is_drawn_survives_the_round_trip(name, seed):
    space = Space({"x": (CONTINUOUS | DISCRETE)[name]})
    points = space.sample(5, seed)
    for drawn, again in zip(points, space.decode(space.encode(points)), strict=True):
        assert type(drawn["x"]) is type(again["x"])
        assert again["x"] == (drawn["x"] if name in DISCRETE else pytest.approx(drawn["x"], rel=1e-9, abs=1e-12))


@pytest.mark.parametrize("name", sorted(CONTINUOUS | DISCRETE))
def test_the_prior_is_uniform_in_the_cube(name):
    space = Space({"x": (CONTINUOUS | DISCRETE)[name]})
    u = space.encode(space.sample(2000, 0))[:, 0]
    if name in CONTINUOUS:
        assert stats.kstest(u, "uniform").pvalue > 1e-3
    else:
        assert u.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", sorted(CONTINUOUS | DISCRETE))
def test_infinite_tails_stay_finite(name):
    ends = make_dimension("x", (CONTINUOUS | DISCRETE)[name]).decode(np.array([0.0, 1e-320, 1 - 2**-53, 1.0]))
    assert np.isfinite(ends).all()
    assert ends == sorted(ends)


def test_choices_keep_their_types_apart():
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


def test_choices_own_equal_cells():
    dimension = make_dimension("x", ["a", "b", "c", "d"])
    assert dimension.decode(np.array([0, 0.24, 0.25, 0.74, 0.75, 1])) == ["a", "a", "b", "c", "d", "d"]
    assert dimension.encode(["a", "d"]).tolist() == [0.125, 0.875]


@pytest.mark.parametrize("values", [np.array([1, 2]), np.array([0.5]), np.array(["a"]), np.array([True]), range(3)])
def test_arrays_become_native_values(values):
    drawn = Space({"x": values}).grid()
    assert [type(point["x"]) in (int, float, str, bool) for point in drawn] == [True] * len(values)


def test_only_rvs():
    class Dice:
        def rvs(self, random_state):
            return random_state.randint(1, 7)

    space = Space({"x": Dice()})
    assert {point["x"] for point in space.sample(100, 0)} == {1, 2, 3, 4, 5, 6}
    for quantile_needed in (space.grid, lambda: space.sample(1, method="sobol"), lambda: space.encode([{"x": 1}])):
        with pytest.raises(TypeError, match="'x' has rvs but neither ppf nor icdf"):
            quantile_needed()


# -- spaces ------------------------------------------------------------------------------------------------------------

BRANCHES = [
    {"kernel": ["linear"], "C": stats.loguniform(0.1, 10)},
    {"kernel": ["rbf", "poly"], "C": stats.loguniform(0.1, 10), "gamma": [0.1, 1]},
    {},
]


def test_branches_round_trip_and_share_columns():
    space = Space(BRANCHES)
    assert [column.name for column in space.columns] == [None, "C", "kernel", "gamma", "kernel"]
    points = space.sample(50, 0)
    u = space.encode(points)
    assert u.shape == (50, 5)
    assert [set(point) for point in space.decode(u)] == [set(point) for point in points]
    for point, again in zip(points, space.decode(u), strict=True):
        assert again == pytest.approx(point)
    linear = [point.get("kernel") == "linear" for point in points]
    np.testing.assert_array_equal(np.isnan(u[:, 3]), [("gamma" not in point) for point in points])
    np.testing.assert_array_equal(np.isnan(u[linear]), [[False, False, False, True, True]] * sum(linear))


def test_contains():
    space = Space(BRANCHES, constraint=lambda p: p.get("C", 0) < 5)
    assert space.contains({"kernel": "rbf", "C": 1.0, "gamma": 0.1})
    assert space.contains({})
    assert [space.branch_of(point) for point in ({}, {"kernel": "rbf", "C": 9.0, "gamma": 0.1})] == [2, 1]
    for outside in (
        {"kernel": "linear", "C": 1.0, "gamma": 0.1},
        {"kernel": "rbf", "C": 100.0, "gamma": 0.1},
        {"kernel": "rbf", "C": 6.0, "gamma": 0.1},
        {"kernel": "rbf", "C": True, "gamma": 0.1},
        {"kernel": "linear"},
    ):
        assert not space.contains(outside)
    with pytest.raises(ValueError, match=r"not in the space: \{'kernel': 'sigmoid'"):
        space.encode([{"kernel": "sigmoid", "C": 1.0}])
    with pytest.raises(ValueError, match=r"not in the space: \{'kernel': 'sigmoid'"):
        space.branch_of({"kernel": "sigmoid", "C": 1.0})


def test_size():
    assert Space({"a": [1, 2], "b": stats.randint(0, 5)}).size == 10
    assert Space([{"a": [1, 2]}, {"b": [1]}, {}]).size == 4
    assert Space({"a": stats.poisson(3)}).size == math.inf
    assert Space({"a": [1], "b": stats.uniform()}).size == math.inf
    assert Space({"a": quantized(stats.uniform(0, 1), 0.1)}).size == 11
    assert Space({"a": DISCRETE["values"]}).size == 3
    assert Space({"a": stats.randint(0, 10**9)}).size == math.inf


lists = st.lists(st.integers(-5, 5) | st.booleans() | st.sampled_from(["a", "b"]), min_size=1, max_size=4)
list_spaces = st.dictionaries(st.sampled_from(["a", "b", "c"]), lists, min_size=0, max_size=3)


@given(list_spaces | st.lists(list_spaces, min_size=1, max_size=3))
def test_a_grid_of_lists_is_scikit_learns(grid):
    assert list(map(repr, Space(grid).grid())) == list(map(repr, ParameterGrid(grid)))


@given(
    list_spaces | st.lists(list_spaces, min_size=1, max_size=3),
    st.booleans(),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
)
def test_draws_are_scikit_learns(params, with_distribution, n, seed):
    if with_distribution:
        extra = {"x": stats.loguniform(1e-3, 1), "k": stats.randint(0, 9)}
        other = {"x": stats.poisson(3), "k": ["sqrt", 0.5]}  # of other kinds in the last branch
        params = (
            [branch | extra for branch in params[:-1]] + [params[-1] | other]
            if isinstance(params, list)
            else (params | extra)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a space smaller than n
        theirs = list(ParameterSampler(params, n, random_state=seed))
        ours = Space(params).sample(n, seed)
    assert len(ours) == len(theirs)
    assert list(map(params_key, ours)) == list(map(params_key, theirs))


def test_grid_takes_evenly_spaced_quantiles():
    def grid(dist, resolution):
        return [point["x"] for point in Space({"x": dist}).grid(resolution)]

    assert grid(stats.uniform(0, 1), 5) == [0, 0.25, 0.5, 0.75, 1]
    assert grid(stats.loguniform(1e-3, 1e3), 7) == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10, 100, 1000])
    half_a_step_away = [0.1, 0.3, 0.5, 0.7, 0.9]
    for dist in (stats.expon(), stats.lognorm(1), stats.beta(2, 3)):  # 0 is no value like any other
        assert grid(dist, 5) == pytest.approx(dist.ppf(half_a_step_away))
    assert grid(stats.norm(), 5) == pytest.approx(stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert grid(stats.randint(2, 5), 5) == [2, 3, 4]
    assert grid(stats.randint(0, 100), 5) == [0, 24, 49, 74, 99]
    assert grid(stats.poisson(3), 4) == stats.poisson(3).ppf([0.125, 0.375, 0.625, 0.875]).tolist()
    assert grid(stats.norm(7, 2), 1) == [7]
    assert grid(DISCRETE["values"], 5) == [0.5, 2, 7]
    assert [type(value) for value in grid(stats.randint(0, 100), 5)] == [int] * 5


def test_resolution_per_parameter():
    space = Space({"x": stats.uniform(), "y": stats.uniform(), "z": [1, 2]})
    assert len(space.grid({"x": 2})) == 2 * 5 * 2
    with pytest.raises(ValueError, match=r"resolution names \['w'\], but the space has \['x', 'y', 'z'\]"):
        space.grid({"w": 2})
    with pytest.raises(ValueError, match=r"resolution\['x'\] must be a positive integer"):
        space.grid({"x": 0})
    with pytest.raises(ValueError, match="resolution must be a positive integer"):
        space.grid(2.5)


@pytest.mark.parametrize("method", ["sobol", "halton"])
def test_low_discrepancy_sequences_spread_the_points(method):
    space = Space({"x": stats.loguniform(1e-3, 1), "n": stats.randint(0, 4), "c": ["a", "b"]})
    points = space.sample(64, 0, method=method)
    u = space.encode(points)[:, 2]
    assert np.histogram(u, bins=16, range=(0, 1))[0].tolist() == pytest.approx([4] * 16, abs=2)
    assert sum(point["c"] == "a" for point in points) == pytest.approx(32, abs=2)
    assert points == space.sample(64, 0, method=method)
    assert points != space.sample(64, 1, method=method)
    assert points[:10] == space.sample(10, 0, method=method)  # a longer sample goes on where a shorter one ended


@pytest.mark.parametrize("method", ["random", "sobol", "halton"])
def test_unique_points_until_the_space_is_exhausted(method):
    space = Space([{"a": stats.randint(0, 7), "b": [1, 2]}, {"a": [True, 1, 1.0]}])
    points = space.sample(17, 0, method=method, unique=True)
    assert len({params_key(point) for point in points}) == 17
    with pytest.warns(UserWarning, match="total space of parameters 17 is smaller than n_iter=18"):
        assert len(space.sample(18, 0, method=method, unique=True)) == 17
    with pytest.warns(UserWarning, match="only 7 left"):
        rest = space.sample(10, 0, method=method, unique=True, exclude=points[:10])
    assert {params_key(point) for point in rest} == {params_key(point) for point in points[10:]}


@pytest.mark.parametrize("method", ["random", "sobol", "halton"])
@pytest.mark.parametrize("unique", [True, False])
def test_constraint_holds_for_every_draw(method, unique):
    space = Space({"a": stats.uniform(), "b": stats.uniform()}, constraint=lambda p: p["a"] + p["b"] < 0.3)
    points = space.sample(40, 0, method=method, unique=unique)
    assert len(points) == 40
    assert all(p["a"] + p["b"] < 0.3 for p in points)


def test_constraint_on_lists_samples_without_replacement():
    space = Space({"a": list(range(10)), "b": list(range(10))}, constraint=lambda p: p["a"] == p["b"])
    points = space.sample(10, 0)
    assert sorted(p["a"] for p in points) == list(range(10))
    assert len(space.grid()) == 10
    with pytest.warns(UserWarning, match="only 10 left"):
        space.sample(11, 0)


def test_a_constraint_that_rejects_everything_is_an_error():
    for params in ({"a": stats.uniform()}, {"a": [1, 2]}, [{"a": stats.randint(0, 5)}, {"b": [1]}]):
        space = Space(params, constraint=lambda p: False)
        with pytest.raises(ValueError, match="constraint rejects every candidate"):
            space.sample(3, 0)
        with pytest.raises(ValueError, match=r"constraint rejects all \d+ points"):
            space.grid()


def test_a_rare_constraint_is_found_by_listing_a_finite_space():
    space = Space(
        {"a": stats.randint(0, 200), "b": stats.randint(0, 200)}, constraint=lambda p: p["a"] * p["b"] == 39601
    )
    with pytest.warns(UserWarning, match="only 1 left"):
        assert space.sample(2, 0) == [{"a": 199, "b": 199}]


def test_a_constraint_cannot_change_the_candidate():
    space = Space({"a": [1, 2]}, constraint=lambda p: p.clear() is None)
    assert space.grid() == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"x": stats.uniform}, TypeError, r"'x' is the distribution family scipy.stats.uniform: freeze it"),
        ({"x": stats.beta}, TypeError, r"such as scipy.stats.beta\(a=..., b=..., loc=..., scale=...\)"),
        ({"x": "abc"}, TypeError, "needs to be a list or a numpy array, but got 'abc' .*A SciPy distribution"),
        ({"x": 3}, TypeError, "but got 3 .of type int. instead. Single values need to be wrapped"),
        ({"x": []}, ValueError, "'x' need to be a non-empty sequence"),
        ({"x": np.ones((2, 2))}, ValueError, "'x' should be one-dimensional"),
        ({"x": stats.norm(0, -1)}, ValueError, "'x' has no median: are its arguments valid"),
        (3, TypeError, "should be a dict or a list, got: 3"),
        ("abc", TypeError, "should be a dict or a list, got: 'abc'"),
        ([{"x": [1]}, 3], TypeError, r"is not a dict \(3\)"),
        ({3: [1]}, TypeError, "parameter names must be strings, got 3"),
    ],
)
def test_bad_spaces(params, error, message):
    with pytest.raises(error, match=message):
        Space(params)


@pytest.mark.skipif(not hasattr(stats, "Normal"), reason="needs SciPy's newer distributions")
def test_a_distribution_class_is_refused():
    with pytest.raises(TypeError, match=r"'x' is the class Normal: make an instance, Normal\(...\)"):
        Space({"x": stats.Normal})


def test_a_constraint_must_be_callable():
    with pytest.raises(TypeError, match=r"constraint must be a callable .* got 3"):
        Space({"x": [1]}, constraint=3)


def test_values_of_a_custom_discrete_distribution_keep_their_kind():
    dist = stats.rv_discrete(values=([0.25, 1, 2], [0.0005, 0.5, 0.4995]))
    points = Space({"x": dist}).sample(5000, 0)
    assert {point["x"] for point in points} == {0.25, 1.0, 2.0}
    assert Space({"x": dist}).grid(5) == [{"x": 0.25}, {"x": 1.0}, {"x": 2.0}]


def test_heavy_tails_are_not_summed_up():
    space = Space({"x": stats.zipf(2.5), "y": getattr(stats, "betanbinom", stats.betabinom)(5, 3, 4)})
    (point,) = space.decode(np.array([[0.5, 0.5]]))
    assert space.decode(space.encode([point])) == [point]
    assert len(space.sample(3, 0)) == 3


def test_a_series_is_a_list():
    assert Space({"x": pd.Series([1, 2])}).grid() == [{"x": 1}, {"x": 2}]


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match=r"method must be one of .*'sobol'.* got 'lhs'"):
        Space({"x": [1]}).sample(1, method="lhs")


def test_a_rare_constraint_says_so():
    answers = iter([True, True])
    space = Space({"x": stats.uniform()}, constraint=lambda params: next(answers, False))
    with pytest.warns(UserWarning, match="10000 draws in a row were rejected"):
        assert len(space.sample(3, 0)) == 2
