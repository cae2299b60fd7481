"""ParamImportanceDisplay: bars, their order, several metrics and searches."""

import numpy as np
import pytest

from skhpt.inspection import param_importances
from skhpt.plots import ParamImportanceDisplay
from tests.plots.conftest import numbered, plt, table


def widths(display, label):
    return [bar.get_width() for bar in display.bars_[label]]


def tick_texts(display):
    return [text.get_text() for text in display.ax_.get_yticklabels()]


def test_the_bars_are_the_importances_largest_at_the_top(bayes_search):
    display = ParamImportanceDisplay.from_search(bayes_search)
    expected = param_importances(bayes_search)
    assert display.names_ == tick_texts(display) == list(expected)
    assert widths(display, "score") == pytest.approx(list(expected.values()))
    centres = [bar.get_y() + bar.get_height() / 2 for bar in display.bars_["score"]]
    assert centres == pytest.approx(range(4))
    low, high = display.ax_.get_ylim()
    assert low > high


def test_several_metrics_have_their_own_bars(branch_search):
    display = ParamImportanceDisplay.from_search(branch_search, metric=["accuracy", "f1"])
    for metric in ("accuracy", "f1"):
        importances = param_importances(branch_search, metric=metric)
        assert widths(display, metric) == pytest.approx([importances[name] for name in display.names_])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["accuracy", "f1"]


def test_searches_with_different_parameters_share_the_axes(bayes_search, branch_search):
    display = ParamImportanceDisplay.from_searches({"tree": bayes_search, "svm": branch_search})
    assert set(display.names_) == {*param_importances(bayes_search), *param_importances(branch_search)}
    is_of_svm = np.array([name in ("C", "kernel", "gamma") for name in display.names_])
    assert not np.array(widths(display, "tree"))[is_of_svm].any()


def test_the_method_is_handed_on(bayes_search):
    display = ParamImportanceDisplay.from_search(bayes_search, method="length_scales", params=["criterion"])
    assert display.importances == {"score": {"criterion": 1.0}}


def test_the_least_important_parameters_are_left_out():
    importances = {f"p{i}": i / 780 for i in range(40)}
    display = ParamImportanceDisplay({"score": importances}).plot()
    assert display.names_ == [f"p{i}" for i in range(39, 9, -1)]
    assert ParamImportanceDisplay({"score": importances}).plot(max_params=2).names_ == ["p39", "p38"]
    with pytest.raises(ValueError, match="max_params must be at least 1, got 0"):
        display.plot(max_params=0)


def test_long_names_and_special_characters_are_shown_as_they_are():
    names = ["columntransformer__" * 4 + "alpha", "_private", "a$b$"]
    display = ParamImportanceDisplay({"s": dict.fromkeys(names, 1 / 3)}).plot()
    display.figure_.canvas.draw()
    texts = tick_texts(display)
    assert max(map(len, texts)) <= 33
    assert texts[0].startswith("columntransformer__")
    assert texts[0].endswith("alpha")


def test_parameters_without_importance_have_empty_bars():
    display = ParamImportanceDisplay.from_search(numbered([1.0] * 5))
    assert widths(display, "score") == [0]
    assert display.ax_.get_xlim()[1] > 0


def test_a_search_without_varying_parameters_says_so():
    display = ParamImportanceDisplay.from_search(table([{"C": 1}] * 5, [1, 2, 3, 4, 5]))
    assert [text.get_text() for text in display.ax_.texts][-1] == "no parameter has several values"


def test_bad_arguments_are_named(bayes_search):
    with pytest.raises(ValueError, match="sources must be a dict of at least one search"):
        ParamImportanceDisplay.from_searches({})
    with pytest.raises(ValueError, match="at least 4 candidates with a score, got 2"):
        ParamImportanceDisplay.from_search(numbered([1, 2]))
    with pytest.raises(ValueError, match="metric must be one of"):
        ParamImportanceDisplay.from_search(bayes_search, metric=["auc"])


def test_it_draws_on_given_axes_with_given_colours(bayes_search):
    _, ax = plt.subplots()
    display = ParamImportanceDisplay.from_search(bayes_search, ax=ax, bar_kw={"color": "red"})
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.bars_["score"][0].get_facecolor() == (1, 0, 0, 1)
