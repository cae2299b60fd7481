"""The default points of a search."""

import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC

from skhpt import Space
from skhpt.strategies.initial_design import default_points, n_initial_points


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
