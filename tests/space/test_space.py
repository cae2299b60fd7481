"""Spaces: encoding, parity with scikit-learn's samplers, constraints, bad input."""

import math
import re
import warnings
from collections import UserString

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.model_selection import ParameterGrid, ParameterSampler

from skhpt import Space
from skhpt.distributions import quantized
from skhpt.identity import params_key
from skhpt.space.random_walk import random_walk
from tests.space.examples import DISCRETE

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


def test_contains_checks_names_values_and_constraint():
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


@pytest.mark.parametrize(
    "point, reason",
    [
        (
            {"C": 100.0, "n": 3, "kind": "a"},
            r"C=100.0 is not a number from 0.1 to 10, distributed as loguniform",
        ),
        ({"C": 1.0, "n": 2.5, "kind": "a"}, r"n=2.5 is not an integer from 1 to 9, distributed as randint"),
        ({"C": 1.0, "n": 3, "kind": "c"}, r"kind='c' is not one of \['a', 'b', None\]"),
        ({"C": 1.0, "n": 3}, r"'kind' is missing, which is one of \['a', 'b', None\]"),
        ({"C": 1.0, "n": 3, "kind": "a", "x": 1}, r"'x' is not one of its parameters \['C', 'kind', 'n'\]"),
        ({"C": "a", "n": None, "kind": "a"}, r"C='a' is not .*; n=None is not an integer"),
        ({"C": 9.0, "n": 3, "kind": "a"}, r"the constraint rejects it"),
    ],
)
def test_a_point_outside_is_explained(point, reason):
    definitions = {"C": stats.loguniform(0.1, 10), "n": stats.randint(1, 10), "kind": ["a", "b", None]}
    space = Space(definitions, constraint=lambda params: params["C"] < 5)
    assert re.search(reason, space.why_outside(point))
    assert space.why_outside({"C": 1.0, "n": 3, "kind": None}) is None
    if "constraint" not in reason:
        with pytest.raises(ValueError, match=reason):
            space.encode([point])


def test_a_point_outside_is_explained_by_the_branch_that_fits_best():
    reason = Space(BRANCHES).why_outside({"kernel": "rbf", "C": 1.0, "gamma": 5})
    assert reason.endswith("branch 1 of the space: gamma=5 is not one of [0.1, 1]")


def test_size_is_the_number_of_points():
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
def test_a_grid_of_lists_equals_that_of_scikit_learn(grid):
    assert list(map(repr, Space(grid).grid())) == list(map(repr, ParameterGrid(grid)))


@given(
    list_spaces | st.lists(list_spaces, min_size=1, max_size=3),
    st.booleans(),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
)
def test_draws_equal_those_of_scikit_learn(params, with_distribution, n, seed):
    if with_distribution:
        extra = {"x": stats.loguniform(1e-3, 1), "k": stats.randint(0, 9)}
        other = {"x": stats.poisson(3), "k": ["sqrt", 0.5]}  # other kinds of definitions in the last branch
        params = (
            [branch | extra for branch in params[:-1]] + [params[-1] | other]
            if isinstance(params, list)
            else (params | extra)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a space smaller than n
        expected = list(ParameterSampler(params, n, random_state=seed))
        actual = Space(params).sample(n, seed)
    assert len(actual) == len(expected)
    assert list(map(params_key, actual)) == list(map(params_key, expected))


def test_a_grid_has_evenly_spaced_quantiles():
    def grid(dist, resolution):
        return [point["x"] for point in Space({"x": dist}).grid(resolution)]

    assert grid(stats.uniform(0, 1), 5) == [0, 0.25, 0.5, 0.75, 1]
    assert grid(stats.loguniform(1e-3, 1e3), 7) == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10, 100, 1000])
    half_a_step_away = [0.1, 0.3, 0.5, 0.7, 0.9]
    for dist in (stats.expon(), stats.lognorm(1), stats.beta(2, 3)):  # density of 0 or infinity at 0
        assert grid(dist, 5) == pytest.approx(dist.ppf(half_a_step_away))
    assert grid(stats.norm(), 5) == pytest.approx(stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert grid(stats.randint(2, 5), 5) == [2, 3, 4]
    assert grid(stats.randint(0, 100), 5) == [0, 24, 49, 74, 99]
    assert grid(stats.poisson(3), 4) == stats.poisson(3).ppf([0.125, 0.375, 0.625, 0.875]).tolist()
    assert grid(stats.norm(7, 2), 1) == [7]
    assert grid(DISCRETE["values"], 5) == [0.5, 2, 7]
    assert [type(value) for value in grid(stats.randint(0, 100), 5)] == [int] * 5


def test_each_parameter_may_have_its_own_resolution():
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
    # A longer sample continues a shorter one.
    assert points[:10] == space.sample(10, 0, method=method)


@pytest.mark.parametrize("method", ["random", "sobol", "halton"])
def test_unique_points_are_drawn_until_the_space_is_exhausted(method):
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
        {"a": stats.randint(0, 200), "b": stats.randint(0, 200)},
        constraint=lambda p: p["a"] * p["b"] == 39601,
    )
    with pytest.warns(UserWarning, match="only 1 left"):
        assert space.sample(2, 0) == [{"a": 199, "b": 199}]


RARE = {
    "sum": ({f"w{i}": stats.uniform() for i in range(4)}, lambda p: abs(sum(p.values()) - 1) < 1e-3),
    "curve": (
        {"x": stats.uniform(), "y": stats.uniform()},
        lambda p: abs((p["x"] - 0.5) ** 2 + (p["y"] - 0.5) ** 2 - 0.09) < 1e-4,
    ),
    "logarithms": (
        {"C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-3, 1e3)},
        lambda p: 0.9999 < p["C"] * p["gamma"] < 1.0001,
    ),
    "large integers": (
        {"a": stats.randint(0, 10**6), "b": stats.randint(0, 10**6)},
        lambda p: abs(p["a"] - p["b"]) <= 5,
    ),
    "one branch": (
        [{"kind": ["a"], "x": stats.uniform()}, {"kind": ["b"], "x": stats.norm(), "y": stats.norm()}],
        lambda p: p["kind"] == "b" and abs(p["x"] - p["y"]) < 1e-4,
    ),
}


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("method", ["random", "sobol"])
@pytest.mark.parametrize("name", RARE)
def test_points_of_a_tight_constraint_are_found(name, method, unique, monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.PATIENCE", 100)
    params, constraint = RARE[name]
    points = Space(params, constraint).sample(12, 0, method=method, unique=unique)
    assert all(map(constraint, points))
    assert len({params_key(point) for point in points}) == 12


def test_a_walk_keeps_the_distribution():
    """Uniform on a triangle of the cube: the mean of its first coordinate is a third of its width."""

    def is_allowed(u):
        return u.sum(axis=1) < 0.2

    rng = np.random.default_rng(0)
    u = random_walk(is_allowed, np.full((1, 3), 1e-3), n=600, n_sweeps=100, rng=rng)
    assert is_allowed(u).all()
    np.testing.assert_allclose(u.mean(axis=0), 0.2 / 4, atol=0.004)
    np.testing.assert_allclose(u.std(axis=0), 0.2 * np.sqrt(3 / 80), atol=0.004)


def test_the_same_points_of_a_tight_constraint_for_the_same_seed(monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.PATIENCE", 100)
    space = Space(*RARE["sum"])
    assert space.sample(5, 0) == space.sample(5, 0) != space.sample(5, 1)


@pytest.mark.parametrize(
    "constraint", [lambda p: p["a"] == p["b"], lambda p: p["a"] * p["b"] == 0.1, lambda p: False]
)
def test_a_constraint_that_draws_cannot_meet_is_named(constraint, monkeypatch):
    monkeypatch.setattr("skhpt.space.drawing.MAX_CUBE_DRAWS", 10_000)
    space = Space({"a": stats.uniform(0, 1), "b": stats.uniform(1, 1)}, constraint)
    with pytest.raises(
        ValueError,
        match=r"<lambda> \(test_space.py, line \d+\) rejected all 20,000 draws.*an equality of numbers",
    ):
        space.sample(3, 0)


def test_a_constraint_is_called_a_limited_number_of_times():
    n_calls = 0

    def never(params):
        nonlocal n_calls
        n_calls += 1
        return False

    with pytest.raises(ValueError, match=r"never \(test_space.py, line"):
        Space({"a": stats.uniform()}, never).sample(50, 0, method="sobol")
    assert n_calls < 600_000


def test_a_constraint_cannot_change_the_candidate():
    space = Space({"a": [1, 2]}, constraint=lambda p: p.clear() is None)
    assert space.grid() == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"x": stats.uniform}, TypeError, r"'x' is the distribution family scipy.stats.uniform: freeze it"),
        ({"x": stats.beta}, TypeError, r"such as scipy.stats.beta\(a=..., b=..., loc=..., scale=...\)"),
        (
            {"x": "abc"},
            TypeError,
            "needs to be a list or a numpy array, but got 'abc' .*A SciPy distribution",
        ),
        ({"x": 3}, TypeError, "but got 3 .of type int. instead. Single values need to be wrapped"),
        ({"x": []}, ValueError, "'x' need to be a non-empty sequence"),
        ({"x": np.ones((2, 2))}, ValueError, "'x' should be one-dimensional"),
        ({"x": np.array(1.0)}, ValueError, "'x' should be one-dimensional"),
        ({"x": np.ma.array([1, 2], mask=[0, 1])}, ValueError, "'x' has masked values"),
        ({"x": bytearray(b"ab")}, TypeError, "'x' needs to be a list .*of type bytearray"),
        ({"x": memoryview(b"ab")}, TypeError, "'x' needs to be a list .*of type memoryview"),
        ({"x": UserString("rbf")}, TypeError, "'x' needs to be a list .*of type UserString"),
        ({"x": {1, 2}}, TypeError, "'x' needs to be a list .*of type set"),
        ({"x": {"low": 1, "high": 2}}, TypeError, "'x' needs to be a list .*of type dict"),
        ({"x": (i for i in [1])}, TypeError, "'x' needs to be a list .*of type generator"),
        ({"x": None}, TypeError, "'x' needs to be a list .*got None"),
        ({"x": np.float64(1)}, TypeError, "'x' needs to be a list .*of type float64"),
        ({"x": ("log-uniform")}, TypeError, "'x' needs to be a list .*got 'log-uniform'"),
        ({"x": pd.Series([], dtype=float)}, ValueError, "'x' need to be a non-empty sequence"),
        ({"x": range(0)}, ValueError, "'x' need to be a non-empty sequence"),
        ({"x": pd.DataFrame({"a": [1]})}, ValueError, "'x' should be one-dimensional"),
        ([["x", [1]]], TypeError, r"is not a dict .*Write \{name: values\}"),
        ({"x": stats.norm(0, -1)}, ValueError, "'x' has no median: are its arguments valid"),
        (3, TypeError, "should be a dict or a list, got: 3"),
        ("abc", TypeError, "should be a dict or a list, got: 'abc'"),
        ([{"x": [1]}, 3], TypeError, r"is not a dict \(3\)"),
        ({3: [1]}, TypeError, "parameter names must be strings, got 3"),
    ],
)
def test_bad_spaces_are_refused(params, error, message):
    with pytest.raises(error, match=message):
        Space(params)


def test_distributions_in_a_list_are_choices_with_a_warning():
    with pytest.warns(UserWarning, match="A choice of parameter 'x' is a distribution"):
        assert Space({"x": [stats.uniform(0, 1), None]}).size == 2


@pytest.mark.skipif(not hasattr(stats, "Normal"), reason="needs SciPy's newer distributions")
def test_a_distribution_class_is_refused():
    with pytest.raises(TypeError, match=r"'x' is the class Normal: make an instance, Normal\(...\)"):
        Space({"x": stats.Normal})


def test_a_constraint_must_be_callable():
    with pytest.raises(TypeError, match=r"constraint must be a callable .* got 3"):
        Space({"x": [1]}, constraint=3)


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match=r"method must be one of .*'sobol'.* got 'lhs'"):
        Space({"x": [1]}).sample(1, method="lhs")


def test_sampling_stops_with_a_warning_if_most_draws_are_rejected():
    answers = iter([True, True])
    space = Space({"x": stats.uniform()}, constraint=lambda params: next(answers, False))
    with pytest.warns(
        UserWarning, match=r"only 2 were found that meet the constraint <lambda> \(test_space.py, line"
    ):
        assert len(space.sample(3, 0)) == 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "params",
    [
        {"a": list(range(1000))},
        {"a": range(1000), "b": ["x", "y", "z"]},
        [{"a": range(500), "b": [0]}, {"a": range(500, 1000)}],
        {"a": range(1000), "b": range(2**62)},
    ],
    ids=["list", "range and names", "branches", "huge product"],
)
def test_draws_from_lists_with_a_constraint_are_spread_over_the_lists(params, seed):
    points = Space(params, constraint=lambda point: point["a"] != 3).sample(40, seed)
    assert len({params_key(point) for point in points}) == 40
    assert 8 < sum(point["a"] >= 500 for point in points) < 32
