"""SearchPairDisplay: pairs of parameters, their surfaces, and the grid."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skhpt.plots import SearchPairDisplay
from tests.plots.conftest import numbered, table


@pytest.fixture(scope="module")
def smooth_table():
    rng = np.random.default_rng(0)
    params = [{"a": float(10**u), "b": float(v)} for u, v in rng.uniform(0, 2, (60, 2))]
    return table(params, [np.log10(point["a"]) + 3 * point["b"] for point in params])


def test_two_parameters_share_one_axes(bayes_search):
    display = SearchPairDisplay.from_search(bayes_search, params=["ccp_alpha", "min_samples_leaf"])
    assert len(display.axes_) == 1
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("ccp_alpha", "min_samples_leaf")
    assert display.ax_.get_xscale() == "log"
    x, y = display.points_[0].get_offsets().T
    params = bayes_search.cv_results_["params"]
    np.testing.assert_allclose(x, [point["ccp_alpha"] for point in params])
    np.testing.assert_allclose(y, [point["min_samples_leaf"] for point in params])


def test_the_surface_is_what_the_surrogate_predicts(bayes_search):
    pair = ("ccp_alpha", "min_samples_leaf")
    surface = SearchPairDisplay.from_search(bayes_search, params=pair).surfaces[pair]
    assert surface.kind == "surrogate"
    point = {**bayes_search.best_params_, pair[0]: surface.x[3], pair[1]: int(surface.y[5])}
    assert surface.scores[5, 3] == pytest.approx(bayes_search.predict_score(point)[0])


def test_several_parameters_form_a_triangle(bayes_search):
    display = SearchPairDisplay.from_search(bayes_search)
    assert len(display.axes_) == 6
    names = list(display.scales)
    assert display.pairs[0] == (names[0], names[1])
    assert display.pairs[-1] == (names[2], names[3])


def test_observed_scores_are_averaged_only_where_candidates_are(smooth_table):
    surface = SearchPairDisplay.from_search(smooth_table).surfaces["a", "b"]
    assert surface.kind == "average"
    is_known = np.isfinite(surface.scores)
    assert 0.5 < is_known.mean() <= 1
    expected = np.log10(surface.x) + 3 * surface.y[:, None]
    assert np.abs(surface.scores - expected)[is_known].mean() < 0.4


def test_the_average_is_left_out_far_from_all_candidates():
    rng = np.random.default_rng(0)
    params = [{"a": float(x), "b": float(y)} for x, y in rng.uniform(1, 2, (40, 2))]
    params.append({"a": 1.5, "b": 4.0})
    surface = SearchPairDisplay.from_search(table(params, range(41))).surfaces["a", "b"]
    is_known = np.isfinite(surface.scores)
    assert is_known[:10].all()
    assert not is_known[31].any()  # between the others and the last candidate
    assert 0 < is_known[-1].mean() < 0.5


def test_few_candidates_have_no_surface():
    rng = np.random.default_rng(0)
    params = [{"a": float(x), "b": float(y)} for x, y in rng.uniform(size=(5, 2))]
    display = SearchPairDisplay.from_search(table(params, range(5)))
    assert display.surfaces == {}
    assert display.surfaces_ == [None]


def test_names_by_names_are_a_matrix_of_the_best_scores():
    params = [{"u": u, "v": v} for u, v in [*product("abc", "xy"), ("a", "x")]]
    display = SearchPairDisplay.from_search(table(params, [1, 2, 3, 4, 5, np.nan, 9]))
    surface = display.surfaces["u", "v"]
    np.testing.assert_array_equal(surface.scores, [[9, 3, 5], [2, 4, np.nan]])
    assert [text.get_text() for text in display.ax_.texts] == ["9", "3", "5", "2", "4"]


def test_candidates_without_one_of_the_parameters_are_left_out(branch_search):
    display = SearchPairDisplay.from_search(branch_search, params=["C", "gamma"])
    n_with = sum("gamma" in params for params in branch_search.cv_results_["params"])
    assert len(display.points_[0].get_offsets()) == n_with
    assert display.ax_.get_title() == f"{n_with} of 12 candidates"


def test_failed_candidates_are_crosses():
    params = [{"a": float(i), "b": float(i % 3)} for i in range(6)]
    display = SearchPairDisplay.from_search(table(params, [1, np.nan, 2, 3, np.nan, 4]))
    cross = next(line for line in display.ax_.lines if line.get_marker() == "x")
    np.testing.assert_array_equal(cross.get_xdata(), [1, 4])


def test_all_failed_and_equal_scores_are_drawn():
    params = [{"a": float(i), "b": float(i % 3)} for i in range(4)]
    for scores in ([np.nan] * 4, [0.5] * 4):
        SearchPairDisplay.from_search(table(params, scores)).figure_.canvas.draw()


def test_axes_are_given_as_a_list(bayes_search):
    _, axes = plt.subplots(2, 3)
    display = SearchPairDisplay.from_search(bayes_search, ax=axes)
    assert list(display.axes_) == list(axes.ravel())
    with pytest.raises(ValueError, match="ax must be one Axes or 6 of them, got 2"):
        SearchPairDisplay.from_search(bayes_search, ax=axes[0, :2])


def test_at_least_two_parameters_are_needed():
    with pytest.raises(ValueError, match="source must have at least 2 parameters to show, got \\['C'\\]"):
        SearchPairDisplay.from_search(numbered([0.5, 0.6]))
    with pytest.raises(ValueError, match="params must name at least 2 parameters, got \\['C'\\]"):
        SearchPairDisplay.from_search(numbered([0.5, 0.6]), params="C")
    with pytest.raises(ValueError, match="params must be among"):
        SearchPairDisplay.from_search(numbered([0.5, 0.6]), params=["C", "D"])
