"""Summaries of spaces: the scales of integers."""

import pytest
from scipy.stats import randint

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.space.summary import summarize_space


@pytest.mark.parametrize("low, high", [(1, 10), (1, 20), (2, 40), (5, 60), (10, 1000)])
def test_integers_have_a_logarithmic_scale_exactly_if_their_distribution_has_one(low, high):
    [summary] = summarize_space(Space({"log": loguniform_int(low, high), "even": randint(low, high + 1)}))
    assert (summary["log"].low, summary["log"].high) == (low, high)
    assert summary["log"].log
    assert not summary["even"].log
