"""Summaries of spaces: the scales of integers."""

import math

import pytest
from scipy.stats import randint, uniform

from skhpt import Space
from skhpt.distributions import loguniform_int
from skhpt.space.summary import ParamSummary, summarize_space, summary_from_json, summary_to_json


@pytest.mark.parametrize("low, high", [(1, 10), (1, 20), (2, 40), (5, 60), (10, 1000)])
def test_integers_have_a_logarithmic_scale_exactly_if_their_distribution_has_one(low, high):
    [summary] = summarize_space(Space({"log": loguniform_int(low, high), "even": randint(low, high + 1)}))
    assert (summary["log"].low, summary["log"].high) == (low, high)
    assert summary["log"].log
    assert not summary["even"].log


def test_a_summary_is_read_as_it_was_written():
    summary = summarize_space(
        Space({"log": loguniform_int(1, 9), "even": uniform(0, 1), "list": [None, 1, "a"]})
    )
    assert summary_from_json(summary_to_json(summary)) == summary


@pytest.mark.parametrize("low, high", [(2.0, 1.0), (0.0, math.inf), (math.nan, 1.0), (None, 1.0)])
def test_what_is_no_range_is_read_as_no_range(low, high):
    [branch] = summary_from_json([{"C": {"kind": "float", "low": low, "high": high}}])
    assert branch == {"C": ParamSummary("float")}


def test_a_logarithmic_scale_needs_positive_numbers():
    [branch] = summary_from_json([{"C": {"kind": "float", "low": 0.0, "high": 1.0, "log": True}}])
    assert branch == {"C": ParamSummary("float", 0.0, 1.0)}


@pytest.mark.parametrize(
    "record",
    [
        5,
        {},
        {"kind": "text"},
        {"kind": []},
        {"kind": "float", "low": "a"},
        {"kind": "float", "low": 10**400, "high": 1},
        {"kind": "float", "log": 1},
        {"kind": "categorical", "choices": 5},
        {"kind": "categorical", "choices": [[1]]},
        {"kind": "categorical", "n_choices": -1},
        {"kind": "float", "more": 1},
    ],
)
def test_an_invalid_summary_is_refused(record):
    with pytest.raises(ValueError, match="not the summary"):
        summary_from_json([{"C": record}])
