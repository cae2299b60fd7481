"""Lists of numbers, with and without names among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skhpt import BayesSearchCV, RandomSearch, Space
from skhpt.identity import value_key
from skhpt.space.parsing import make_dimension
from tests.estimators import Null

X, Y = np.zeros((8, 1)), [0, 1] * 4


def order_of(values):
    """Return the values in the order of their codes, and the number of names."""
    dimension = make_dimension("x", values)
    u = (np.arange(len(values)) + 0.5) / len(values)
    return dimension.decode(u), dimension.n_names


@pytest.mark.parametrize(
    "values, order, n_names",
    [
        ([1, 2, 4], [1, 2, 4], 0),
        ([0.9, 0.5, 0.1], [0.9, 0.5, 0.1], 0),
        ([5, 1, 3, 2], [1, 2, 3, 5], 0),
        (np.array([0.5, 0.1, 0.3]), [0.1, 0.3, 0.5], 0),
        ([None, 2, 4, 8], [None, 2, 4, 8], 1),
        ([2, 4, 8, None], [None, 2, 4, 8], 1),
        ([0.1, "scale", 1.0, 10.0, "auto"], ["scale", "auto", 0.1, 1.0, 10.0], 2),
        (["sqrt", 0.9, 0.2, 0.5, "log2", None], ["sqrt", "log2", None, 0.2, 0.5, 0.9], 3),
        ([8, False, 4, 2], [False, 8, 4, 2], 1),
        ([0.5, 1.0, 2, 5, None], [None, 0.5, 1.0, 2, 5], 1),  # ascending: fractions and counts on one scale
        ([10, 5, 0.5, 0.1], [10, 5, 0.5, 0.1], 0),
        ([5, 0.5, 10, 0.1], [5, 0.5, 10, 0.1], 4),  # a mixture without order: names
        ([float("nan"), 1, 2, 3], [float("nan"), 1, 2, 3], 1),
        ([None, 5, 10], [None, 5, 10], 3),
        ([1, 50], [1, 50], 2),
        ([True, False], [True, False], 2),
        (["a", "b", "c"], ["a", "b", "c"], 3),
    ],
    ids=str,
)
def test_three_numbers_have_an_order_whatever_else_is_in_the_list(values, order, n_names):
    actual, actual_n_names = order_of(values)
    assert list(map(value_key, actual)) == list(map(value_key, order))
    assert actual_n_names == n_names


items = st.one_of(
    st.integers(-50, 50), st.floats(-5, 5), st.booleans(), st.none(), st.sampled_from(["a", "b"])
)


@given(st.lists(items, min_size=1, max_size=12))
def test_values_round_trip_and_codes_are_snapped(values):
    space = Space({"x": values})
    points = space.grid()
    again = space.decode(space.encode(points))
    assert [value_key(point["x"]) for point in again] == [value_key(point["x"]) for point in points]
    u = np.linspace(0, 1, 40)[:, None]
    snapped = space.snap(u)
    np.testing.assert_array_equal(space.snap(snapped), snapped)
    for point, other in zip(space.decode(u), space.decode(snapped), strict=True):
        assert value_key(point["x"]) == value_key(other["x"])


def test_the_middle_of_a_list_is_that_of_its_numbers():
    assert make_dimension("x", [None, 1, 2, 3]).middle() == 2
    assert make_dimension("x", [9, 1, "auto", 5, 3, 7]).middle() == 5
    assert make_dimension("x", ["a", "b", "c"]).middle() == "b"


class Pair(Null):
    """An estimator with two parameters."""

    def __init__(self, value=0, other=0.5):
        self.value = value
        self.other = other


def regret(search, values, score, **parameters):
    """Mean difference between the best score of all values and that of some searches."""
    best = max(map(score, values))
    found = []
    for seed in range(3):
        one = search(
            Pair(),
            {"value": values, "other": stats.uniform()},  # infinite: not every point is computed
            scoring=lambda estimator, X, y: score(estimator.value),
            cv=2,
            random_state=seed,
            refit=False,
            **parameters,
        ).fit(X, Y)
        found.append(one.cv_results_["mean_test_score"].max())
    return best - np.mean(found)


SCORES = {
    "None is deep": ([None, *range(1, 60)], lambda depth: -abs((60 if depth is None else depth) - 41) / 20),
    "a fraction or a rule": (
        ["sqrt", *np.linspace(0.02, 1, 50).tolist(), "log2"],
        lambda share: -4 * abs((0.1 if isinstance(share, str) else share) - 0.77),
    ),
    "shuffled": (
        np.random.RandomState(1).permutation(np.geomspace(0.01, 100, 50)),
        lambda c: -abs(np.log(c / 7)),
    ),
}


@pytest.mark.parametrize("values, score", SCORES.values(), ids=SCORES)
def test_a_search_uses_the_order_of_the_numbers(values, score):
    bayes = regret(BayesSearchCV, values, score, n_iter=14)
    assert bayes < 0.5 * regret(RandomSearch, values, score, n_iter=14)


def test_a_search_finds_a_good_name():
    values = [*range(1, 50), None]
    assert regret(BayesSearchCV, values, lambda value: 1.0 if value is None else value / 100, n_iter=14) < 0.2
