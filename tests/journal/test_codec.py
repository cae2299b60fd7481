"""Codecs: the parameters of candidates as JSON, with an index for each object that JSON cannot hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import loguniform, randint, uniform
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skhpt import Space
from skhpt.identity import params_key
from skhpt.journal import ListCodec, SpaceCodec
from tests.journal.examples import CODEC, through_json


def a_function():
    pass


class OnlyRvs:
    """Distribution that can only be sampled."""

    def __init__(self, value):
        self.value = value

    def rvs(self, random_state=None):
        return self.value


BRANCHED = Space(
    [
        {"svc": [SVC(), SVC(C=2), None], "f": [a_function, "a_function", len], "C": loguniform(1e-3, 1e3)},
        {"svc": [SVC(C=2), LogisticRegression()], "f": [a_function], "C": loguniform(1e4, 1e5)},
        {"a": [1, True, 1.0, "1", (1,), [1], np.array([1]), {"choice": 0}], "n": randint(1, 2**62)},
    ]
)


def codec_round_trip(codec, params):
    return codec.decode(through_json({"x": codec.encode(params)})["x"])


@given(st.integers(0, 2**31))
def test_points_of_a_space_round_trip(seed):
    for params in BRANCHED.sample(5, seed):
        back = codec_round_trip(SpaceCodec(BRANCHED), params)
        assert params_key(back) == params_key(params)
        assert list(back) == list(params)  # in the same order, which is that of the columns of the results
        for name in back:
            assert type(back[name]) is type(params[name])


def test_choices_are_read_as_the_objects_of_the_user():
    point = {"svc": SVC(C=2), "f": len, "C": 0.5}
    codec = SpaceCodec(BRANCHED)
    assert codec.encode(point) == {"params": {"svc": {"choice": 1}, "f": {"choice": 2}, "C": 0.5}}
    assert codec.decode(codec.encode(point))["svc"] is BRANCHED.branches[0]["svc"].values[1]
    other = {"svc": SVC(C=2), "f": a_function, "C": 5e4}
    assert codec.encode(other)["branch"] == 1
    assert codec.decode(codec.encode(other))["svc"] is BRANCHED.branches[1]["svc"].values[0]


@pytest.mark.parametrize(
    "value", [None, True, 2**60, -0.0, math.inf, math.nan, "x", [1, (2,)], (), np.float64(0.5)]
)
def test_draws_of_any_plain_type_round_trip(value):
    codec = SpaceCodec(Space({"a": OnlyRvs(value)}))
    assert params_key(codec_round_trip(codec, {"a": value})) == params_key({"a": value})


@pytest.mark.parametrize("value", [SVC(), np.array(3.0), 1j, [SVC()], {1}])
def test_draws_that_are_not_plain_are_refused(value):
    with pytest.raises(
        TypeError, match=r"distribution of parameter 'a' cannot be written: .*a list of choices"
    ):
        SpaceCodec(Space({"a": OnlyRvs(value)})).encode({"a": value})


def test_a_list_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(TypeError, match="parameter 'a'"):
        SpaceCodec(Space({"a": OnlyRvs(0)})).encode({"a": value})


@pytest.mark.parametrize("params", [{"C": 0.5}, {"C": 0.5, "kernel": "poly"}, {"C": "x", "kernel": "rbf"}])
def test_candidates_outside_the_space_are_refused(params):
    with pytest.raises((TypeError, ValueError)):
        CODEC.encode(params)


LISTED = [
    {},
    {"kernel": "rbf", "class_weight": {0: 1, "b": 2.5}},
    {"kernel": a_function, "svc": SVC()},
    {"kernel": len, "svc": SVC(C=2), "weights": np.arange(3)},
    {"svc": SVC(), "weights": {"choice": 0}, "steps": [("a", SVC())]},
]


@pytest.mark.parametrize("params", LISTED)
def test_listed_candidates_round_trip(params):
    codec = ListCodec(LISTED)
    assert params_key(codec_round_trip(codec, params)) == params_key(params)


def test_only_objects_are_written_as_an_index():
    codec = ListCodec(LISTED)
    assert codec.encode(LISTED[4])["params"] == {
        "svc": {"choice": 0},
        "weights": {"dict": {"choice": 0}},
        "steps": {"choice": 0},
    }
    assert codec.encode({"svc": "anything", "new": 3}) == {"params": {"svc": "anything", "new": 3}}


@pytest.mark.parametrize("params", [{"svc": SVC(C=3)}, {"kernel": abs}, {"new": np.arange(3)}])
def test_objects_that_are_not_listed_are_refused(params):
    with pytest.raises(
        ValueError, match=f"parameter '{next(iter(params))}' cannot be written: .*must be among"
    ):
        ListCodec(LISTED).encode(params)


class WithoutRepr:
    def __repr__(self):
        raise RuntimeError


def test_choices_have_texts():
    space = Space(
        {"a": [1, "x", lambda: 0, lambda: 1, SVC(C=2), WithoutRepr(), "y" * 500], "C": uniform(0, 1)}
    )
    texts = SpaceCodec(space).texts()[0]["a"]
    assert list(SpaceCodec(space).texts()[0]) == ["a"]
    assert texts[:2] == [1, "x"]
    assert texts[2]["text"] != texts[3]["text"]
    assert texts[4:6] == [{"text": "SVC(C=2)"}, {"text": "<WithoutRepr>"}]
    assert len(texts[6]["text"]) < 250
    assert ListCodec(LISTED).texts()[0]["svc"] == [{"text": "SVC()"}, {"text": "SVC(C=2)"}]
