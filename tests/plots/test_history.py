"""SearchHistoryDisplay: the best so far, marks of candidates, several searches, both x axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from skhpt import read_journal
from skhpt.plots import SearchHistoryDisplay
from tests.plots.conftest import numbered


def ydata(artist):
    return np.asarray(artist.get_ydata(), dtype=float)


def test_the_line_is_the_best_score_so_far():
    display = SearchHistoryDisplay.from_search(numbered([0.5, 0.4, np.nan, 0.7, 0.6]))
    np.testing.assert_allclose(ydata(display.lines_["search"]), [0.5, 0.5, 0.5, 0.7, 0.7])
    np.testing.assert_array_equal(display.points_["search"].get_offsets()[:, 0], [0, 1, 3, 4])


def test_the_band_is_the_spread_of_the_best_candidate_over_the_folds():
    display = SearchHistoryDisplay.from_search(numbered([0.5, 0.7]))
    y = display.bands_["search"].get_paths()[0].vertices[:, 1]
    assert (y.min(), y.max()) == (pytest.approx(0.49), pytest.approx(0.71))


def test_failed_candidates_are_crosses_at_the_lower_edge():
    display = SearchHistoryDisplay.from_search(numbered([0.5, np.nan, 0.6, np.nan]))
    crosses = next(line for line in display.ax_.lines if line.get_marker() == "x")
    np.testing.assert_array_equal(crosses.get_xdata(), [1, 3])
    assert ydata(crosses).max() < 0.1  # of the height of the axes


def test_a_search_whose_candidates_all_failed_says_so():
    display = SearchHistoryDisplay.from_search(numbered([np.nan] * 3))
    assert [text.get_text() for text in display.ax_.texts] == ["no candidate has a score"]


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [-1e6, -2e6, -1.5e6]])
def test_every_score_lies_inside_the_axes(scores):
    display = SearchHistoryDisplay.from_search(numbered(scores))
    low, high = display.ax_.get_ylim()
    assert low < min(scores)
    assert high > max(scores)


def test_a_score_far_below_the_others_is_a_triangle_at_the_edge():
    display = SearchHistoryDisplay.from_search(numbered([-1e6, 0.5, 0.55, 0.6, 0.65, 0.7]))
    triangles = next(line for line in display.ax_.lines if line.get_marker() == "v")
    np.testing.assert_array_equal(triangles.get_xdata(), [0])
    assert display.ax_.get_ylim()[0] > -10


def test_incomplete_trials_of_hyperband_are_faint_and_do_not_count(hyperband_search):
    display = SearchHistoryDisplay.from_search(hyperband_search)
    best = ydata(display.lines_["HyperbandSearchCV"])
    assert np.isnan(best[0])  # the first rung is incomplete
    assert best[-1] == pytest.approx(hyperband_search.best_score_)
    complete = display.points_["HyperbandSearchCV"]
    (incomplete,) = (points for points in display.ax_.collections[:-1] if points is not complete)
    assert incomplete.get_alpha() < complete.get_alpha()
    assert len(incomplete.get_offsets()) + len(complete.get_offsets()) == len(hyperband_search.history_)


def test_a_metric_is_chosen_by_name(branch_search):
    display = SearchHistoryDisplay.from_search(branch_search)
    assert display.metric == "f1"
    display = SearchHistoryDisplay.from_search(branch_search, metric="accuracy")
    best = branch_search.cv_results_["mean_test_accuracy"].max()
    assert ydata(display.lines_["RandomSearch"])[-1] == pytest.approx(best)
    assert "accuracy" in display.ax_.get_ylabel()


def test_seconds_increase_from_the_start(branch_search):
    curve = SearchHistoryDisplay.from_search(branch_search, x="seconds").curves["RandomSearch"]
    assert curve.x[0] > 0
    assert (np.diff(curve.x) >= 0).all()


def test_candidates_of_an_earlier_search_are_at_the_start(branch_search):
    later = clone(branch_search).set_params(previous=branch_search, random_state=1)
    later.fit(*load_iris(return_X_y=True))
    n_earlier = later.history_.n_earlier_trials
    curve = SearchHistoryDisplay.from_search(later, x="seconds").curves["RandomSearch"]
    assert n_earlier > 0
    assert (curve.x[:n_earlier] == 0).all()
    assert (curve.x[n_earlier:] > 0).all()


def test_a_source_without_times_has_no_seconds():
    with pytest.raises(ValueError, match="x='seconds' needs the times of the fits"):
        SearchHistoryDisplay.from_search(numbered([0.5]), x="seconds")


def test_several_searches_share_axes_and_have_a_legend(branch_search):
    X, y = load_iris(return_X_y=True)
    grid = GridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, scoring=["f1_macro"], refit=False
    )
    sources = {"_grid": numbered([0.5], metric="f1"), "random": branch_search}
    display = SearchHistoryDisplay.from_searches(sources, metric="f1")
    assert [text.get_text().strip() for text in display.ax_.get_legend().get_texts()][:2] == [
        "_grid",
        "random",
    ]
    colors = {line.get_color() for line in display.lines_.values()}
    assert len(colors) == 2
    with pytest.raises(ValueError, match="metric must be one of"):
        SearchHistoryDisplay.from_searches({"grid": grid.fit(X, y), "random": branch_search}, metric="f1")


def test_a_journal_has_the_same_history_as_its_search(tmp_path, iris):
    from skhpt import RandomSearch

    path = tmp_path / "run.jsonl"
    space = {"max_depth": [1, 2, 3, 4]}
    search = RandomSearch(DecisionTreeClassifier(), space, n_iter=3, random_state=0, cv=2, journal=path)
    search.fit(*iris)
    of_search = SearchHistoryDisplay.from_search(search).curves["RandomSearch"]
    for source in (path, str(path), read_journal(path)):
        of_journal = SearchHistoryDisplay.from_search(source).curves["run"]
        np.testing.assert_allclose(of_journal.scores, of_search.scores)
    seconds = SearchHistoryDisplay.from_search(path, x="seconds")
    assert (seconds.curves["run"].x > 0).all()
    low, high = seconds.ax_.get_xlim()
    assert sum(low <= tick <= high for tick in seconds.ax_.get_xticks()) >= 2  # parts of a second too


def test_candidates_have_whole_numbers_on_the_axis():
    for n in (1, 2, 30):
        display = SearchHistoryDisplay.from_search(numbered([0.5] * n))
        ticks = display.ax_.get_xticks()
        assert all(float(tick).is_integer() for tick in ticks)


def test_ten_thousand_candidates_are_an_image_inside_a_vector_graphic(tmp_path):
    scores = np.random.default_rng(0).normal(size=10_000)
    display = SearchHistoryDisplay.from_search(numbered(scores))
    display.figure_.savefig(tmp_path / "history.svg")
    assert (tmp_path / "history.svg").stat().st_size < 300_000


def test_keywords_reach_matplotlib():
    display = SearchHistoryDisplay.from_search(
        numbered([0.5, 0.6]),
        line_kw={"color": "k", "linewidth": 5},
        point_kw={"s": 99},
        spread="candidates",
    )
    assert display.lines_["search"].get_linewidth() == 5
    assert display.points_["search"].get_sizes() == [99]
    assert len(display.bands_) == 1


def test_bad_arguments_are_named(branch_search):
    with pytest.raises(ValueError, match="metric must be one of"):
        SearchHistoryDisplay.from_search(branch_search, metric="r2")
    with pytest.raises(ValueError, match="x must be 'candidates' or 'seconds', got 'time'"):
        SearchHistoryDisplay.from_search(branch_search, x="time")
    with pytest.raises(ValueError, match="spread must be"):
        SearchHistoryDisplay.from_search(branch_search, spread="all")
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes or None, got str"):
        SearchHistoryDisplay.from_search(branch_search, ax="left")
    with pytest.raises(ValueError, match="sources must be a dict"):
        SearchHistoryDisplay.from_searches({})
    with pytest.raises(TypeError, match="source must be"):
        SearchHistoryDisplay.from_search(3)


def test_a_given_axes_is_drawn_on_and_no_figure_is_made():
    figure, ax = plt.subplots()
    display = SearchHistoryDisplay.from_search(numbered([0.5, 0.6]), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert len(plt.get_fignums()) == 1
