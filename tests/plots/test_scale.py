"""Axes of parameters: numbers, names, None among numbers, missing values."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.inspection.search_data import MISSING, summarize_values
from skhpt.plots._scale import ParamScale
from skhpt.space.summary import ParamSummary, summarize_choices

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(-1e6, 1e6),
    st.text(max_size=30),
    st.just(MISSING),
)


def scale_of(values, summary=None):
    return ParamScale.from_values("p", values, summary or summarize_values(values))


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_every_value_has_a_place_inside_the_axis(values):
    scale = scale_of(values)
    for jitter in (False, True):
        places = scale.unit(scale.positions(values, jitter=jitter))
        assert ((places > 0) & (places < 1)).all()


@given(st.lists(VALUES, min_size=2, max_size=8, unique_by=repr))
def test_different_names_have_different_places(values):
    scale = scale_of(values)
    assert len(set(scale.places)) == len(scale.names)
    if scale.numbers is not None and scale.places:
        assert max(scale.places) < scale.numbers[0]


def test_a_logarithmic_range_has_a_logarithmic_axis():
    scale = scale_of([0.01, 1, 10], ParamSummary("float", 1e-3, 1e3, log=True))
    assert scale.kind == "log"
    np.testing.assert_allclose(np.diff(scale.unit(np.array([0.01, 0.1, 1, 10]))).std(), 0, atol=1e-12)
    exponents = np.log10([float(label) for label in scale.tick_labels()[1]])
    assert exponents.tolist() in ([-3, -1, 1, 3], [-3, -2, -1, 0, 1, 2, 3])  # by the version of matplotlib


def test_ticks_lie_within_a_range_over_many_decades():
    ticks, _ = scale_of([1e-8, 1.0], ParamSummary("float", 1e-8, 1e2, log=True)).tick_labels()
    assert len(ticks) >= 4
    assert 1e-8 * (1 - 1e-6) <= min(ticks) < max(ticks) <= 1e2 * (1 + 1e-6)


def test_values_without_a_definition_are_logarithmic_if_they_spread_over_decades():
    assert scale_of([10.0**k for k in range(-3, 4)]).kind == "log"
    assert scale_of([float(k) for k in range(1, 100)]).kind == "linear"


def test_none_among_numbers_lies_left_of_them():
    values = [None, 2, 4, 8]
    scale = scale_of(values, summarize_choices(values))
    assert scale.kind == "linear"
    assert scale.tick_labels() == ([scale.places[0], 2, 4, 8], ["None", "2", "4", "8"])
    assert scale.positions([None])[0] < 2


@pytest.mark.parametrize("values", [[True, False], ["gini", "entropy"], [None, 5], [(1, 2), (3, 4)]])
def test_names_have_places_of_the_same_distance(values):
    scale = scale_of(values, summarize_choices(values))
    assert scale.kind == "names"
    assert scale.places == (0, 1)


def test_numbers_of_a_list_have_ticks_that_do_not_overlap():
    for numbers, shown in (
        ([1, 2, 5, 100], [1, 100]),
        ([0.1, 1, 10], [0.1, 1, 10]),
        ([1, 50, 99, 100], [1, 50, 100]),
    ):
        ticks, _ = scale_of(numbers, summarize_choices(numbers)).tick_labels()
        assert ticks == shown


def test_integers_have_integer_ticks():
    ticks, _ = scale_of([1, 2, 3], ParamSummary("int", 1, 4)).tick_labels()
    assert all(float(tick).is_integer() for tick in ticks)


def test_long_names_are_shortened_and_stay_different():
    names = [f"VeryLongEstimatorName(with_parameter={i}, other=0)" for i in range(3)]
    _, texts = scale_of(names).tick_labels()
    assert len(set(texts)) == 3
    assert max(map(len, texts)) < 30


def test_functions_have_their_names():
    names = ["<function identity at 0x7f32>", "<ufunc 'sqrt'>", "<class 'a.b.Tree'>", "0.12345678"]
    assert scale_of(names).tick_labels()[1] == ["identity", "sqrt", "Tree", "0.123457"]


def test_of_many_names_only_some_have_ticks():
    positions, texts = scale_of([f"name {i}" for i in range(100)]).tick_labels()
    assert len(positions) == len(texts) <= 16


def test_texts_are_no_formulas():
    _, ax = plt.subplots()
    scale_of(["$a$", "b_c"]).apply(ax)
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.get_xticklabels()] == [r"\$a\$", "b_c"]


def test_texts_that_would_touch_are_rotated():
    _, (narrow, wide) = plt.subplots(ncols=2, width_ratios=[1, 8], figsize=(8, 3))
    scale = scale_of(["first estimator", "second estimator"])
    for ax, rotation in ((narrow, 40), (wide, 0)):
        scale.apply(ax)
        assert ax.get_xticklabels()[0].get_rotation() == rotation
