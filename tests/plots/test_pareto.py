"""ParetoDisplay: the front, its line, the best candidate, both kinds of axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from skhpt.plots import ParetoDisplay
from skhpt.plots.pareto import pareto_front
from tests.plots.conftest import numbered, plt, table


def timed(scores, times):
    return {**numbered(scores), "mean_fit_time": np.asarray(times, dtype=float)}


def two_metrics(a, b):
    return {**numbered(a, metric="a"), **table([{"C": float(i + 1)} for i in range(len(b))], b, metric="b")}


def xy(line):
    return np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_the_front_has_exactly_the_points_that_no_other_beats(points):
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    unbeaten = [
        i
        for i in range(len(x))
        if not any(x[j] >= x[i] and y[j] >= y[i] and (x[j] > x[i] or y[j] > y[i]) for j in range(len(x)))
    ]
    front = pareto_front(x, y)
    assert sorted(front) == unbeaten
    assert (np.diff(x[front]) >= 0).all()


def test_a_shorter_fit_time_and_a_higher_score_are_better():
    display = ParetoDisplay.from_search(timed([0.5, 0.7, 0.6, 0.9, 0.8], [1, 2, 3, 4, 5]))
    assert display.front_["search"].tolist() == [0, 1, 3]
    np.testing.assert_allclose(xy(display.lines_["search"]), [[1, 0.5], [2, 0.7], [4, 0.9]])
    assert display.lines_["search"].get_drawstyle() == "steps-post"
    assert display.ax_.get_xlabel() == "mean fit time in seconds"


def test_of_two_metrics_more_is_better():
    display = ParetoDisplay.from_search(two_metrics([1, 2, 3, 0], [3, 2, 1, 0]), x="b")
    assert display.front_["search"].tolist() == [2, 1, 0]
    assert display.lines_["search"].get_drawstyle() == "steps-pre"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("mean b", "mean a")


def test_the_best_candidate_is_the_one_that_the_search_has_chosen(branch_search):
    display = ParetoDisplay.from_search(branch_search, x="accuracy")
    best = branch_search.cv_results_
    i = branch_search.best_index_
    expected = [[best["mean_test_accuracy"][i], best["mean_test_f1"][i]]]
    np.testing.assert_allclose(xy(display.best_["RandomSearch"]), expected)


def test_of_a_table_the_best_candidate_has_the_best_score():
    display = ParetoDisplay.from_search(timed([0.5, 0.9, np.nan], [1, 2, 1]))
    np.testing.assert_allclose(xy(display.best_["search"]), [[2, 0.9]])


def test_candidates_without_both_values_are_left_out():
    display = ParetoDisplay.from_search(two_metrics([1, np.nan, 3], [1, 5, np.nan]), x="b")
    np.testing.assert_allclose(xy(display.points_["search"]), [[1, 1]])
    assert display.front_["search"].tolist() == [0]


def test_candidates_with_less_than_the_full_resource_are_left_out(hyperband_search):
    display = ParetoDisplay.from_search(hyperband_search)
    n_complete = hyperband_search.plan_.brackets[0].rungs[-1].n_candidates
    assert len(display.points_["HyperbandSearchCV"].get_xdata()) <= 2 * n_complete


def test_values_far_below_the_others_are_triangles_at_the_edges():
    a, b = [0.9, 0.8, 0.7, 0.85, -1e6], [0.1, 0.2, 0.3, -500.0, 0.4]
    display = ParetoDisplay.from_search(two_metrics(a, b), x="b")
    assert len(display.points_["search"].get_xdata()) == 3
    marks = {line.get_marker(): xy(line) for line in display.ax_.lines if line.get_marker() in ("v", "<")}
    np.testing.assert_allclose(marks["v"], [[0.4, 0.025]])  # the height is a share of the axes
    np.testing.assert_allclose(marks["<"], [[0.025, 0.85]])
    assert display.ax_.get_xlim()[0] > 0
    assert display.ax_.get_ylim()[0] > 0.6
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["Pareto front", "best candidate", "below the axes", "left of the axes"]


def test_equal_candidates_are_all_on_the_front():
    assert ParetoDisplay.from_search(timed([0.9, 0.9, 0.5], [1, 1, 2])).front_["search"].tolist() == [0, 1]


def test_times_over_orders_of_magnitude_have_a_logarithmic_axis():
    assert ParetoDisplay.from_search(timed([1, 2], [0.1, 10])).ax_.get_xscale() == "log"
    assert ParetoDisplay.from_search(timed([1, 2], [1, 2])).ax_.get_xscale() == "linear"
    assert ParetoDisplay.from_search(timed([1, 2], [0, 100])).ax_.get_xscale() == "linear"


def test_a_logarithmic_axis_has_few_ticks():
    display = ParetoDisplay.from_search(timed([1, 2], [0.0015, 0.04]))
    display.figure_.canvas.draw()
    texts = [label.get_text() for label in display.ax_.get_xticklabels(which="both")]
    assert texts == ["0.003", "0.01", "0.03"]


def test_one_candidate_is_the_front():
    display = ParetoDisplay.from_search(timed([0.5], [1]))
    assert display.front_["search"].tolist() == [0]


def test_a_search_whose_candidates_all_failed_says_so():
    display = ParetoDisplay.from_search(timed([np.nan, np.nan], [1, 1]))
    assert [text.get_text() for text in display.ax_.texts] == ["no candidate has a score"]
    assert len(display.front_["search"]) == 0


def test_values_of_parameters_are_written_next_to_the_front():
    source = timed([0.5, 0.6, 0.4], [1, 20, 3])
    display = ParetoDisplay.from_search(source, params="C")
    assert [text.get_text() for text in display.ax_.texts] == ["C=2", "C=1"]  # the best first
    close = ParetoDisplay.from_search(timed([0.5, 0.5000001, 1.0], [1, 1.0000001, 30]), params=["C"])
    assert [text.get_text() for text in close.ax_.texts] == ["C=3", "C=1"]
    assert not ParetoDisplay.from_search(source).ax_.texts


def test_several_searches_have_their_fronts():
    display = ParetoDisplay.from_searches({"a": timed([1, 2], [1, 2]), "b": timed([3, 1], [1, 2])})
    assert {label: rows.tolist() for label, rows in display.front_.items()} == {"a": [0, 1], "b": [0]}
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["a", "b"]


def test_a_search_of_scikit_learn_is_a_source():
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]})
    search.fit(*load_iris(return_X_y=True))
    display = ParetoDisplay.from_search(search)
    np.testing.assert_allclose(
        display.points_["GridSearchCV"].get_xdata(), search.cv_results_["mean_fit_time"]
    )


def test_ten_thousand_candidates_are_one_rasterized_artist():
    rng = np.random.default_rng(0)
    display = ParetoDisplay.from_search(timed(rng.random(10_000), rng.random(10_000)))
    assert display.points_["search"].get_rasterized()
    assert len(display.points_["search"].get_xdata()) == 10_000


def test_bad_arguments_are_named(branch_search):
    with pytest.raises(ValueError, match=r"x must be 'fit_time' or one of \['accuracy', 'f1'\], got 'auc'"):
        ParetoDisplay.from_search(branch_search, x="auc")
    with pytest.raises(ValueError, match="x must be 'fit_time' or another metric than 'f1'"):
        ParetoDisplay.from_search(branch_search, x="f1")
    with pytest.raises(ValueError, match="params must be among"):
        ParetoDisplay.from_search(branch_search, params=["alpha"])
    with pytest.raises(ValueError, match="sources must be a dict"):
        ParetoDisplay.from_searches({})


def test_it_draws_on_given_axes(branch_search):
    _, ax = plt.subplots()
    assert ParetoDisplay.from_search(branch_search, ax=ax, point_kw={"marker": "s"}).ax_ is ax
