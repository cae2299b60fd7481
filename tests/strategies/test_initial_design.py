"""The default points of a search."""

import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC

from skhpt import Space
from skhpt.strategies.initial_design import default_points, n_initial_points, portfolio_points


def test_the_number_of_initial_points_grows_with_that_of_the_parameters():
    spaces = [Space({f"x{i}": [1, 2] for i in range(n)} | {"fixed": [1]}) for n in (0, 2, 5, 30)]
    assert [n_initial_points(space) for space in spaces] == [4, 4, 7, 10]


def test_own_values_are_found_by_equality():
    space = Space({"C": [1, 10, 100], "k": stats.randint(1, 21), "l": stats.uniform(), "kind": [True, "bad"]})
    (first, _) = default_points({"C": 1.0, "k": np.float64(5), "l": np.float64(0.25), "kind": 1.0}, space)
    assert first == {"C": 1, "k": 5, "l": 0.25, "kind": "bad"}
    assert [type(first[name]) for name in "Ckl"] == [int, int, float]


def test_the_first_point_is_in_the_branch_with_the_largest_share_of_own_values():
    C = stats.loguniform(0.1, 10)
    space = Space(
        [{"clf": [SVC()], "clf__C": C}, {"C": C, "k": [7], "l": [8]}, {"clf": ["other"], "clf__C": C}]
    )
    assert default_points({"C": 5.0, "k": 1, "l": 2}, space)[0] == {"C": 5.0, "k": 7, "l": 8}
    wide = Space([{"C": C, "k": [1, 2], "l": [3], "a": [7], "b": [7]}, {"C": C, "k": [1, 2]}])
    assert default_points({"C": 5.0, "k": 1, "l": 3}, wide)[0] == {"C": 5.0, "k": 1}


def test_own_parameters_of_a_replaced_step_are_left_out():
    C = stats.loguniform(0.1, 10)
    space = Space(
        [{"clf": [SVC()], "clf__C": C}, {"C": C, "k": [7], "l": [8]}, {"clf": ["other"], "clf__C": C}]
    )
    assert default_points({"clf": SVC(), "clf__C": 5.0, "C": 5.0}, space)[0]["clf__C"] == 5.0
    assert default_points({"clf": "other", "clf__C": 5.0}, space)[0] == {"clf": "other", "clf__C": 5.0}
    assert default_points({"clf": "another one", "clf__C": 5.0}, space)[0] == default_points({}, space)[0]


def test_the_middle_of_each_branch_comes_next():
    space = Space([{"kind": [kind], "C": stats.loguniform(1e-3, 1e3), "k": [1, 4, 7]} for kind in "abcd"])
    first, *middles = default_points({"C": 3.0, "k": 2, "kind": "d"}, space)
    assert first == {"kind": "d", "C": 3.0, "k": 4}
    assert middles == [{"kind": kind, "C": pytest.approx(1), "k": 4} for kind in "abcd"]


@pytest.mark.parametrize(
    "dist", [stats.loguniform(1e-3, 1e3), stats.loguniform(1e-2, 1e2), stats.uniform(0, 2), stats.norm(1, 3)]
)
def test_a_middle_that_is_the_own_value_but_for_rounding_is_left_out(dist):
    assert default_points({"C": 1}, Space({"C": dist})) == [{"C": 1}]
    assert len(default_points({"C": 1.01}, Space({"C": dist}))) == 2


def test_chosen_points_come_between_the_estimator_as_it_is_and_the_middles():
    space = Space({"C": stats.loguniform(1e-3, 1e3)}, constraint=lambda params: params["C"] < 100)
    points = default_points({"C": 3.0}, space, [{"C": 7.0}, {"C": 300.0}, {"C": 3.0}])
    assert points == [{"C": 3.0}, {"C": 7.0}, {"C": pytest.approx(1)}]


def branch(**definition):
    return Space(definition).branches[0]


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        (stats.loguniform(1e-3, 1e3), 50.0, 50.0),
        (stats.loguniform(1e-2, 1e2), 1e4, 10**1.6),
        (stats.uniform(10, 10), 1e-4, 11),
        ([0.1, 1.0, 10.0, 100.0], 50.0, 100.0),
        ([1, 10, 100], 20.0, 10),
        (stats.randint(1, 101), 500, 90),
        (range(1, 2**40), 10**13, 7),
        (["a", "b"], "b", "b"),
        (["a", "b"], "c", "a"),
        (stats.randint(1, 101), 0.3, 7),
        (stats.uniform(0, 1), 3, 0.25),
        ([None, 2, 4, 8], 16, 8),
    ],
)
def test_a_configuration_is_moved_into_the_space(definition, value, expected):
    own = {"x": {"a": "a", "c": "a"}.get(value, 0.25 if hasattr(definition, "cdf") and value == 3 else 7)}
    (point,) = portfolio_points([{"x": value}], own, branch(x=definition))
    assert point == {"x": pytest.approx(expected) if isinstance(expected, float) else expected}
    assert Space({"x": definition}).contains(point)


def test_what_a_configuration_lacks_has_the_own_value_or_the_middle():
    one = branch(C=stats.loguniform(1e-3, 1e3), k=stats.randint(1, 21), l=[1, 2, 3])
    assert portfolio_points([{"C": 5.0}], {"C": 1.0, "k": 4, "l": 9}, one) == [{"C": 5.0, "k": 4, "l": 2}]


@pytest.mark.parametrize(
    ("params", "own", "is_used"),
    [
        ({"C": 5.0, "kernel": "poly"}, {"kernel": "rbf"}, False),
        ({"C": 5.0, "kernel": "rbf"}, {"kernel": "rbf"}, True),
        ({"C": 5.0, "trees": 40}, {"trees": 100}, True),
        ({"C": 5.0, "trees": 10}, {"trees": 100}, False),
        ({"C": 5.0, "depth": 10}, {"depth": None}, True),
        ({"C": 5.0, "gamma": 0.1}, {"gamma": "scale"}, True),
        ({"C": 5.0, "alpha": 0.1}, {"alpha": 0.0}, True),
        ({"C": 5.0, "layers": (32, 16)}, {"layers": (100, 20)}, True),
        ({"C": 5.0, "layers": (32, 16)}, {"layers": (100,)}, False),
        ({"C": 5.0, "whiten": True}, {}, True),
        ({"C": 5.0, "fixed": "a"}, {}, True),
        ({"C": 5.0, "fixed": "b"}, {}, False),
        ({"alpha": 0.1}, {"alpha": 0.1}, False),
    ],
)
def test_a_configuration_must_be_like_the_estimator_where_nothing_is_searched(params, own, is_used):
    points = portfolio_points([params], own, branch(C=stats.loguniform(1e-3, 1e3), fixed=["a"]))
    assert points == ([{"C": 5.0, "fixed": "a"}] if is_used else [])


def test_configurations_without_other_parameters_come_first():
    configurations = [{"C": 1.0, "other": 1}, {"C": 2.0}, {"C": 3.0, "k": 4}, {"C": 4.0, "other": 1}]
    points = portfolio_points(configurations, {}, branch(C=stats.loguniform(1e-3, 1e3), k=[3, 4, 5]))
    assert [point["C"] for point in points] == [2.0, 3.0, 1.0, 4.0]
