"""ParallelCoordinatesDisplay: lines of candidates, their order, names and missing values."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skhpt.plots import ParallelCoordinatesDisplay
from tests.plots.conftest import numbered, table


def heights(display):
    return np.array([segment[:, 1] for segment in display.lines_.get_segments()])


def test_each_candidate_is_a_line_and_the_best_lies_on_top(bayes_search):
    display = ParallelCoordinatesDisplay.from_search(bayes_search)
    lines = heights(display)
    assert lines.shape == (14, 5)  # four parameters and the score
    assert (np.diff(lines[:, -1]) >= 0).all()
    assert ((lines >= 0) & (lines <= 1)).all()
    assert display.best_line_.get_ydata()[-1] == 1


def test_the_axes_are_named_in_the_given_order(bayes_search):
    display = ParallelCoordinatesDisplay.from_search(bayes_search, params=["max_depth", "ccp_alpha"])
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["max_depth", "ccp_alpha", "score"]


def test_a_missing_parameter_has_its_own_place(branch_search):
    display = ParallelCoordinatesDisplay.from_search(branch_search, params=["gamma"])
    assert "(missing)" in [text.get_text() for text in display.ax_.texts]
    is_missing = ["gamma" not in params for params in branch_search.cv_results_["params"]]
    assert (heights(display)[:, 0] < 0.15).sum() >= sum(is_missing)
    assert np.isfinite(heights(display)).all()


def test_failed_candidates_have_lines_without_a_score():
    display = ParallelCoordinatesDisplay.from_search(numbered([0.5, np.nan, 0.6]))
    assert len(display.lines_.get_segments()) == 2
    assert [len(segment) for segment in display.failed_lines_.get_segments()] == [1]


def test_all_failed_one_candidate_and_equal_scores_are_drawn():
    display = ParallelCoordinatesDisplay.from_search(numbered([np.nan, np.nan]))
    assert display.best_line_ is None
    assert display.ax_.get_title() == "no candidate has a score"
    for scores in ([0.5], [0.5, 0.5]):
        assert heights(ParallelCoordinatesDisplay.from_search(numbered(scores)))[:, -1] == pytest.approx(0.5)


def test_incomplete_trials_are_fainter(hyperband_search):
    display = ParallelCoordinatesDisplay.from_search(hyperband_search)
    assert len(set(display.lines_.get_colors()[:, 3])) == 2


def test_of_thirty_parameters_ten_are_shown():
    rng = np.random.default_rng(0)
    params = [{f"p{i}": float(x) for i, x in enumerate(rng.uniform(size=30))} for _ in range(40)]
    display = ParallelCoordinatesDisplay.from_search(table(params, [point["p20"] for point in params]))
    assert len(display.scales) == 10
    assert "p20" in display.scales
    assert "10 of 30 parameters" in display.ax_.get_title()


def test_a_given_axes_is_drawn_on(branch_search):
    _, ax = plt.subplots()
    assert ParallelCoordinatesDisplay.from_search(branch_search, ax=ax).ax_ is ax
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes"):
        ParallelCoordinatesDisplay.from_search(branch_search, ax=3)
