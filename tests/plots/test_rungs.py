"""RungDisplay: paths of candidates through levels, promotions, brackets, other sources."""

import numpy as np
import pytest
from scipy.stats import randint
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier

from skhpt import HyperbandSearchCV
from skhpt.plots import RungDisplay
from skhpt.plots.rungs import RungPath
from tests.plots.conftest import numbered, plt


def path(levels, scores, bracket=0, first_row=0):
    rows = np.arange(first_row, first_row + len(levels))
    return RungPath(bracket=bracket, levels=np.array(levels), scores=np.array(scores, float), rows=rows)


def display_of(*paths, best_row=None, names=("1", "3", "9")):
    return RungDisplay(paths, level_names=names, metric="score", resource="epochs", best_row=best_row).plot()


def levels_and_scores(line):
    return [
        (round(float(x)), pytest.approx(float(y)))
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def test_promoted_candidates_have_lines_and_stopped_ones_are_hollow():
    display = display_of(path([0, 1, 2], [0.1, 0.2, 0.3]), path([0, 1], [0.2, 0.1]), path([0], [0.05]))
    segments = display.promotions_[0].get_segments()
    assert [np.round(segment[:, 0]).tolist() for segment in segments] == [[0, 1, 2], [0, 1]]
    assert [segment[:, 1].tolist() for segment in segments] == [[0.1, 0.2, 0.3], [0.2, 0.1]]
    assert levels_and_scores(display.stopped_[0]) == [(1, 0.1), (0, 0.05)]
    assert display.stopped_[0].get_markerfacecolor() == "none"
    assert levels_and_scores(display.finished_[0]) == [(2, 0.3)]


def test_each_candidate_keeps_its_place_beside_its_levels():
    display = display_of(*(path([0, 1, 2], [0.1, 0.2, 0.3]) for _ in range(50)))
    for segment in display.promotions_[0].get_segments():
        np.testing.assert_allclose(np.diff(segment[:, 0]), 1)
    starts = [segment[0, 0] for segment in display.promotions_[0].get_segments()]
    assert len(set(np.round(starts, 6))) == 50
    assert max(map(abs, starts)) <= 0.12


def test_the_best_candidate_is_marked():
    display = display_of(path([0, 1], [0.1, 0.2]), path([0, 1], [0.2, 0.5], first_row=2), best_row=3)
    assert levels_and_scores(display.best_) == [(0, 0.2), (1, 0.5)]
    assert display_of(path([0, 1], [0.1, 0.2])).best_ is None


def test_failures_are_crosses_at_the_lower_edge():
    display = display_of(path([0, 1], [0.1, np.nan]), path([0, 1], [0.1, 0.2]))
    [cross] = [line for line in display.ax_.lines if line.get_marker() == "x"]
    assert round(float(cross.get_xdata()[0])) == 1
    assert cross.get_ydata()[0] < 0.1  # of the height of the axes
    assert levels_and_scores(display.finished_[0]) == [(1, 0.2)]


def test_all_failed_says_so():
    display = display_of(path([0], [np.nan]), path([0], [np.nan]))
    assert [text.get_text() for text in display.ax_.texts] == ["no candidate has a score"]


def test_every_score_lies_inside_the_axes():
    for scores in ([0.5, 0.5], [0.0, 0.0], [-5.0, 3.0]):
        low, high = display_of(path([0, 1], scores)).ax_.get_ylim()
        assert low < min(scores) <= max(scores) < high


def test_brackets_have_axes_with_the_same_limits():
    display = display_of(path([0, 1], [0.1, 0.2]), path([1], [0.9], bracket=1))
    assert [ax.get_title() for ax in display.axes_] == ["bracket 0: 1 candidate", "bracket 1: 1 candidate"]
    assert len({ax.get_ylim() for ax in display.axes_}) == 1
    assert levels_and_scores(display.finished_[1]) == [(1, 0.9)]


def test_hyperband_shows_each_candidate_with_its_scores(hyperband_search):
    display = RungDisplay.from_search(hyperband_search)
    results = hyperband_search.cv_results_
    assert len(display.paths) == len(set(results["candidate_id"]))
    assert sum(len(path.rows) for path in display.paths) == len(results["rung"])
    for each in display.paths:
        np.testing.assert_array_equal(each.scores, results["mean_test_score"][each.rows])
        assert len(set(results["candidate_id"][each.rows])) == 1
        assert (np.diff(results["rung"][each.rows]) == 1).all()
    best = results["candidate_id"][hyperband_search.best_index_]
    assert len(display.best_.get_xdata()) == (results["candidate_id"] == best).sum()


def test_levels_name_the_resource_and_the_folds_if_these_vary(hyperband_search):
    names = RungDisplay.from_search(hyperband_search).level_names
    resources = hyperband_search.n_resources_
    assert names[0] == f"{resources[0]}\n1 fold"
    assert names[-1] == f"{resources[-1]}\n3 folds"


@pytest.fixture(scope="module")
def search_over_folds(tmp_path_factory):
    """A search whose resource is the number of folds, and its journal."""
    journal = tmp_path_factory.mktemp("journal") / "folds.jsonl"
    search = HyperbandSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": randint(1, 9), "min_samples_leaf": randint(1, 20)},
        resource="folds",
        n_candidates=9,
        cv=4,
        factor=2,
        random_state=0,
        journal=journal,
    ).fit(*load_iris(return_X_y=True))
    return search, journal


def test_folds_as_the_resource(search_over_folds):
    assert RungDisplay.from_search(search_over_folds[0]).level_names == ["1", "2", "4"]


def test_a_journal_gives_the_same_paths(search_over_folds):
    search, journal = search_over_folds
    expected, display = RungDisplay.from_search(search), RungDisplay.from_search(journal)
    assert [path.rows.tolist() for path in display.paths] == [path.rows.tolist() for path in expected.paths]
    for path, other in zip(display.paths, expected.paths, strict=True):
        np.testing.assert_allclose(path.scores, other.scores)
    assert display.level_names == expected.level_names


def test_the_journal_of_a_search_that_has_not_ended_gives_the_candidates_so_far(search_over_folds, tmp_path):
    lines = search_over_folds[1].read_text().splitlines(keepends=True)
    unfinished = tmp_path / "unfinished.jsonl"
    unfinished.write_text("".join(lines[: len(lines) // 2]))
    n_all = len(RungDisplay.from_search(search_over_folds[0]).paths)
    assert 0 < len(RungDisplay.from_search(unfinished).paths) <= n_all


def test_the_table_of_a_search_gives_the_same_paths(hyperband_search):
    expected = RungDisplay.from_search(hyperband_search)
    display = RungDisplay.from_search(dict(hyperband_search.cv_results_))
    assert [path.rows.tolist() for path in display.paths] == [path.rows.tolist() for path in expected.paths]
    assert display.level_names == expected.level_names
    np.testing.assert_allclose(display.best_.get_ydata(), expected.best_.get_ydata())


def test_successive_halving_of_scikit_learn_is_a_source():
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4, 5, 6]}, min_resources=30
    ).fit(*load_iris(return_X_y=True))
    display = RungDisplay.from_search(search)
    assert display.level_names == [str(n) for n in search.n_resources_]
    assert [len(path.rows) for path in display.paths].count(2) == search.n_candidates_[1]
    assert display.resource == "n_samples"


def test_a_search_without_rungs_is_an_error(bayes_search):
    for source in (bayes_search, numbered([1, 2])):
        with pytest.raises(ValueError, match="source must be a search with rungs, such as HyperbandSearchCV"):
            RungDisplay.from_search(source)


def test_an_unknown_metric_is_an_error(hyperband_search):
    with pytest.raises(ValueError, match="metric must be one of"):
        RungDisplay.from_search(hyperband_search, metric="auc")


def test_it_draws_on_given_axes():
    _, axes = plt.subplots(1, 2)
    paths = [path([0, 1], [0.1, 0.2]), path([1], [0.9], bracket=1)]
    display = RungDisplay(paths, level_names=["1", "3"], metric="score")
    assert list(display.plot(ax=axes).axes_) == list(axes)
    with pytest.raises(ValueError, match="ax must be one Axes or 2 of them, got 3"):
        display.plot(ax=plt.subplots(1, 3)[1])
