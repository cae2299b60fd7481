"""SearchSliceDisplay: an axes for each parameter, the surrogate, branches, limits on the number of axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from skhpt.plots import SearchSliceDisplay
from tests.plots.conftest import numbered, table


def test_each_parameter_has_an_axes_on_its_own_scale(bayes_search):
    display = SearchSliceDisplay.from_search(bayes_search)
    scales = {ax.get_xlabel(): ax.get_xscale() for ax in display.axes_}
    assert scales == {
        "ccp_alpha": "log", "criterion": "linear", "max_depth": "linear", "min_samples_leaf": "linear",
    }  # fmt: skip
    assert len({ax.get_ylim() for ax in display.axes_}) == 1


def test_points_are_the_scores_by_value(bayes_search):
    display = SearchSliceDisplay.from_search(bayes_search, params="ccp_alpha")
    expected = [params["ccp_alpha"] for params in bayes_search.cv_results_["params"]]
    x, y = display.points_[0].get_offsets().T
    np.testing.assert_allclose(x, expected)
    np.testing.assert_allclose(y, bayes_search.cv_results_["mean_test_score"])


def test_the_best_candidate_has_a_star(bayes_search):
    display = SearchSliceDisplay.from_search(bayes_search, params=["ccp_alpha"])
    (star,) = display.stars_
    assert star.get_xdata()[0] == bayes_search.best_params_["ccp_alpha"]
    assert star.get_ydata()[0] == pytest.approx(bayes_search.best_score_)


def test_the_line_is_what_the_surrogate_predicts_from_the_best_candidate(bayes_search):
    display = SearchSliceDisplay.from_search(bayes_search, params=["ccp_alpha", "criterion"])
    line = display.lines_[0]
    x, y = line.get_xdata()[30], line.get_ydata()[30]
    assert y == pytest.approx(bayes_search.predict_score({**bayes_search.best_params_, "ccp_alpha": x})[0])
    predicted = display.lines_[1].get_ydata()
    for place, name in enumerate(["gini", "entropy", "log_loss"]):
        expected = bayes_search.predict_score({**bayes_search.best_params_, "criterion": name})[0]
        assert predicted[place] == pytest.approx(expected)


def test_there_is_no_line_without_a_surrogate(bayes_search, branch_search):
    for display in (
        SearchSliceDisplay.from_search(bayes_search, surrogate=False),
        SearchSliceDisplay.from_search(bayes_search.cv_results_),
        SearchSliceDisplay.from_search(branch_search),
    ):
        assert set(display.lines_) == {None}


def test_candidates_of_other_branches_are_left_out_and_counted(branch_search):
    display = SearchSliceDisplay.from_search(branch_search, params="gamma")
    n_with = sum("gamma" in params for params in branch_search.cv_results_["params"])
    assert len(display.points_[0].get_offsets()) == n_with
    assert display.ax_.get_title() == f"{n_with} of 12 candidates"


def test_the_surrogate_of_a_branch_starts_from_the_best_candidate_of_this_branch(iris):
    from scipy.stats import loguniform
    from sklearn.svm import SVC

    from skhpt import BayesSearchCV

    space = [
        {"kernel": ["linear"], "C": loguniform(0.01, 100)},
        {"kernel": ["rbf"], "C": loguniform(0.01, 100), "gamma": loguniform(1e-3, 1)},
    ]
    search = BayesSearchCV(SVC(), space, n_iter=8, random_state=0, cv=2).fit(*iris)
    display = SearchSliceDisplay.from_search(search, params=["gamma"])
    assert search.cv_results_["params"][display.slices["gamma"].surrogate.base]["kernel"] == "rbf"


def test_of_thirty_parameters_those_that_matter_are_shown():
    rng = np.random.default_rng(0)
    params = [{f"p{i}": float(x) for i, x in enumerate(rng.uniform(size=30))} for _ in range(80)]
    source = table(params, [point["p7"] - (point["p20"] - 0.5) ** 2 for point in params])
    display = SearchSliceDisplay.from_search(source)
    assert len(display.axes_) == 12
    assert {"p7", "p20"} <= set(display.slices)
    assert any("12 of 30 parameters" in text.get_text() for text in display.figure_.findobj(Text))
    assert len(SearchSliceDisplay.from_search(source, params=[f"p{i}" for i in range(14)]).axes_) == 14


def test_a_single_candidate_and_equal_scores_have_limits_around_them():
    for scores in ([0.5], [0.5, 0.5], [0.0, 0.0]):
        low, high = SearchSliceDisplay.from_search(numbered(scores)).ax_.get_ylim()
        assert low < scores[0] < high


def test_a_search_whose_candidates_all_failed_says_so():
    display = SearchSliceDisplay.from_search(numbered([np.nan, np.nan, np.nan]))
    assert display.stars_ == [None]
    assert [text.get_text() for text in display.ax_.texts] == ["no candidate has a score"]


def test_incomplete_trials_are_drawn_and_not_counted_as_complete(hyperband_search):
    display = SearchSliceDisplay.from_search(hyperband_search)
    n_complete = (display.status == "complete").sum()
    assert 0 < n_complete < len(hyperband_search.history_)
    assert len(display.points_[0].get_offsets()) == n_complete


def test_axes_are_given_as_a_list_or_as_one_that_is_divided(branch_search):
    _, axes = plt.subplots(1, 3)
    display = SearchSliceDisplay.from_search(branch_search, ax=axes)
    assert list(display.axes_) == list(axes)
    figure, ax = plt.subplots()
    display = SearchSliceDisplay.from_search(branch_search, ax=ax)
    assert len(display.axes_) == 3
    assert display.figure_ is figure
    with pytest.raises(ValueError, match="ax must be one Axes or 3 of them, got 2"):
        SearchSliceDisplay.from_search(branch_search, ax=axes[:2])


def test_unknown_names_are_named(branch_search):
    with pytest.raises(ValueError, match=r"params must be among .*, got 'depth'"):
        SearchSliceDisplay.from_search(branch_search, params=["depth"])
    with pytest.raises(ValueError, match="metric must be one of"):
        SearchSliceDisplay.from_search(branch_search, metric="r2")
    with pytest.raises(ValueError, match=r"params must name at least 1 parameter, got \[\]"):
        SearchSliceDisplay.from_search(branch_search, params=[])
    with pytest.raises(ValueError, match=r"source must have at least 1 parameter to show, got \[\]"):
        SearchSliceDisplay.from_search({"params": [{}, {}], "mean_test_score": [0.5, 0.6]})
