"""Long ranges and arrays as choices, and products of lists that are too large to list."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import ParameterSampler

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, RandomSearch, Space
from tests.estimators import Null

X, Y = np.zeros((12, 1)), np.arange(12) % 2
LONG = {
    "range": range(2**40),
    "descending range": range(10**9, -5, -3),
    "array": np.arange(0, 1, 1e-6),
    "shuffled array": np.random.RandomState(0).permutation(300_000),
    "array of small floats": np.linspace(0, 1, 150_000, dtype=np.float32),
    "list of integers": list(range(-7, 200_000)),
    "list of floats": (np.arange(120_000) / 7).tolist(),
    "list of names": [f"name {i}" for i in range(110_000)],
    "numbers and None": [*range(110_000), None],
}


@pytest.mark.parametrize("values", LONG.values(), ids=LONG)
def test_draws_equal_those_of_scikit_learn(values):
    params = {"x": values}
    expected = [point["x"] for point in ParameterSampler(params, 5, random_state=1)]
    actual = [point["x"] for point in Space(params).sample(5, 1)]
    assert actual == expected
    assert {type(value) for value in actual} <= {int, float, str}
    mixed = params | {"y": stats.uniform()}
    assert Space(mixed).sample(3, 2) == [dict(point) for point in ParameterSampler(mixed, 3, random_state=2)]


@pytest.mark.parametrize("values", LONG.values(), ids=LONG)
def test_values_round_trip(values):
    space = Space({"x": values})
    points = [*space.sample(20, 0), {"x": Space({"x": values[:1]}).grid()[0]["x"]}]
    assert space.decode(space.encode(points)) == points
    assert all(map(space.contains, points))
    assert not any(map(space.contains, [{"x": -99}, {"x": "a"}, {"x": True}, {"x": 0.1234567}]))
    assert space.size == len(values)


def test_an_index_of_pandas_that_is_a_range_is_not_listed():
    assert Space({"x": pd.RangeIndex(5, 10**15, 5)}).sample(2, 0) == Space({"x": range(5, 10**15, 5)}).sample(
        2, 0
    )
    assert Space({"x": pd.RangeIndex(3)}).grid() == [{"x": 0}, {"x": 1}, {"x": 2}]


def test_ordered_numbers_keep_their_order():
    space = Space({"x": LONG["shuffled array"]})
    assert [point["x"] for point in space.decode(np.array([[0.0], [0.5], [1.0]]))] == [0, 150_000, 299_999]


def searches(space):
    """Searches of all kinds but a grid search, each with a journal."""
    shared = {"cv": 2, "random_state": 0, "scoring": lambda estimator, X, y: 0.0}
    return [
        RandomSearch(Null(), space, n_iter=3, **shared),
        RandomSearch(Null(), space, n_iter=3, sampler="halton", unique=True, **shared),
        BayesSearchCV(Null(), space, n_iter=6, **shared),
        HyperbandSearchCV(Null(), space, n_candidates=3, resource="n_samples", **shared),
    ]


@pytest.mark.parametrize(
    "values", [range(2**33), np.arange(0, 9, 5e-5), range(2**63 - 1)], ids=["32", "array", "63"]
)
def test_searches_over_long_lists_can_be_resumed(values, tmp_path):
    for i, search in enumerate(searches({"value": values})):
        search.set_params(journal=tmp_path / f"{i}.journal").fit(X, Y)
        params = search.cv_results_["params"]
        assert search.fit(X, Y).cv_results_["params"] == params
        assert (tmp_path / f"{i}.journal").stat().st_size < 20_000


HUGE = {
    "two seeds": {"value": range(2**40), "cost": range(2**40)},
    "branches": [{"value": range(2**40), "cost": range(2**35)}, {"value": [1, 2]}],
}


@pytest.mark.parametrize("space", HUGE.values(), ids=HUGE)
def test_products_beyond_the_largest_index_can_be_searched(space):
    points = Space(space).sample(20, 0)
    assert len({repr(point) for point in points}) == 20
    assert points == Space(space).sample(20, 0)
    assert all(map(Space(space).contains, points))
    Space(space, constraint=lambda params: params["value"] % 2 == 0).sample(3, 0)


@pytest.mark.parametrize(
    "space, number",
    [
        ({"value": range(10**8)}, "100,000,000"),
        (HUGE["two seeds"], f"{2**80:,}"),
        ({"value": list(range(400)), "other": list(range(400)), "third": list(range(400))}, "64,000,000"),
        ([{"value": range(10**7)}, {"value": [1]}], "10,000,001"),
    ],
)
def test_a_grid_that_is_too_large_is_refused_with_its_size(space, number):
    for ask in (Space(space).grid, lambda: GridSearch(Null(), space, cv=2)._points(Space(space), [], None)):
        with pytest.raises(ValueError, match=f"the grid has {number} points.*Use RandomSearch"):
            ask()


def test_more_choices_than_an_index_can_count_are_refused():
    with pytest.raises(ValueError, match=r"Parameter 'x' has more than \d+ choices.*Use a distribution"):
        Space({"x": range(2**64)})
