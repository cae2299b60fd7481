"""What holds for every display: it is drawn again, and needs matplotlib only then."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skhpt import plots
from skhpt.plots._display import Display
from tests.plots.conftest import numbered, table

DISPLAYS = [getattr(plots, name) for name in plots.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("display", DISPLAYS)
def test_it_is_drawn_and_drawn_again(display, hyperband_search):
    drawn = display.from_search(hyperband_search)
    assert isinstance(drawn, Display)
    first = drawn.figure_
    assert first.axes
    assert drawn.plot() is drawn
    assert drawn.figure_ is not first
    drawn.figure_.canvas.draw()


@pytest.mark.parametrize(
    "name", ["SearchHistoryDisplay", "SearchSliceDisplay", "SearchPairDisplay", "ParetoDisplay"]
)
def test_a_long_name_of_a_metric_fits_into_the_figure(name):
    results = table(
        [{"C": 1.0, "p": "a"}, {"C": 2.0, "p": "b"}], [0.1, 0.2], metric="long_name_of_a_metric_" * 3
    )
    display = getattr(plots, name).from_search({**results, "mean_fit_time": np.array([1.0, 2.0])})
    display.figure_.canvas.draw()
    labels = [label for ax in display.figure_.axes for label in (ax.xaxis.label, ax.yaxis.label)]
    [label] = [label for label in labels if "long_name" in label.get_text()]
    box, figure = label.get_window_extent(), display.figure_.bbox
    assert figure.x0 <= box.x0 <= box.x1 <= figure.x1
    assert figure.y0 <= box.y0 <= box.y1 <= figure.y1


def test_a_legend_of_many_long_labels_leaves_room_for_the_axes():
    sources = {f"{'a long label of a search ' * 3} {i}": numbered([0.1, 0.2]) for i in range(6)}
    display = plots.SearchHistoryDisplay.from_searches(sources)
    display.figure_.canvas.draw()
    assert display.ax_.get_window_extent().width > 0.8 * display.figure_.bbox.width
    assert display.ax_.get_legend().get_window_extent().x1 <= display.figure_.bbox.x1


def test_a_legend_does_not_cover_the_factor_of_large_scores():
    results = {**numbered([-1e6, -2e6, -3e6]), "mean_fit_time": np.array([1.0, 2.0, 3.0])}
    ax = plots.ParetoDisplay.from_search(results).ax_
    ax.figure.canvas.draw()
    factor = ax.yaxis.get_offset_text()
    assert factor.get_text() == "1e6"
    assert not factor.get_window_extent().overlaps(ax.get_legend().get_window_extent())


@pytest.mark.parametrize("display", DISPLAYS)
def test_no_setting_of_matplotlib_is_changed(display, hyperband_search):
    before = dict(plt.rcParams)
    display.from_search(hyperband_search)
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_the_error_names_the_extra(display, hyperband_search, monkeypatch):
    for module in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_NoMatplotlib(), *sys.meta_path])
    with pytest.raises(
        ImportError, match=rf"{display.__name__} needs the package matplotlib.*skhpt\[plots\]"
    ):
        display.from_search(hyperband_search)


class _NoMatplotlib:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("display", DISPLAYS)
def test_what_is_no_search_is_an_error(display):
    with pytest.raises(TypeError, match="source must be"):
        display.from_search(3)
