"""The memory: what is written comes back the same, and what was not written by us is refused."""

import json
import math
import pickle
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import loguniform, randint, uniform
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skhpt import Space
from skhpt.identity import params_key, value_key
from skhpt.journal import Header, ListCodec, SpaceCodec, open_journal, read_stored
from skhpt.journal.append_only_file import AppendOnlyFile
from skhpt.journal.json_values import encode_line as as_line
from skhpt.journal.json_values import pack, unpack
from skhpt.journal.records import MAGIC, candidate_from, candidate_record, fold_from, fold_record
from skhpt.trial import Candidate, FoldScore, Predictions

PARTS = {"data": "X ndarray (3, 2) #1234", "folds": "3 folds #5678"}
HEADER = Header(PARTS, {"n_splits": 3})
CODEC = SpaceCodec(Space({"C": uniform(0, 1), "kernel": ["linear", "rbf"]}))


def through_json(record):
    return json.loads(as_line(record))


def candidates(n, first=0):
    return [Candidate(i, {"C": i / 7, "kernel": "rbf"}) for i in range(first, first + n)]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "search.jsonl")


def write(path, n_rounds=2, header=HEADER):
    """Write a journal of rounds of two candidates with three folds; the very last fold is missing."""
    with open_journal(path, header, CODEC) as journal:
        for i in range(0, 2 * n_rounds, 2):
            journal.asked(candidates(2, i))
            for fold in [FoldScore(c, split, c + split / 3) for c in (i, i + 1) for split in range(3)][:-1]:
                journal.scored(fold)
    with open(path, "rb") as file:
        return file.read()


# -- values ------------------------------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**1000), 2**1000) | st.floats() | st.text(),
    lambda some: (
        st.lists(some, max_size=3)
        | st.lists(some, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.booleans()), some, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_values_round_trip(value):
    assert value_key(unpack(through_json({"x": pack(value)})["x"])) == value_key(value)


@pytest.mark.parametrize("value", [{"float": "nan"}, {"choice": 1}, {"dict": {}}, "nan", ["tuple"], {"text": "a"}])
def test_what_looks_like_a_mark_is_none(value):
    assert unpack(pack(value)) == value


def test_numpy_scalars_become_python_values():
    values = [np.float64(0.1), np.float32(0.5), np.int64(2**60), np.bool_(True), np.str_("a")]
    back = unpack(pack(values))
    assert back == [0.1, 0.5, 2**60, True, "a"]
    assert [type(value) for value in back] == [float, float, int, bool, str]


@pytest.mark.parametrize("value", [object(), SVC(), {1, 2}, b"x", 1j, np.arange(3), 2**2000, np.datetime64(1, "s")])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="cannot be written"):
        pack([value])


@given(
    hnp.arrays(
        hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.floating_dtypes() | hnp.unicode_string_dtypes(max_len=3),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_arrays_round_trip(array):
    back = unpack(through_json(pack(array, arrays=True)))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_arrays_of_labels_and_slices_round_trip():
    labels = np.array([["a", None], [1, 2.5]], dtype=object)
    back = unpack(through_json(pack(labels, arrays=True)))
    assert (back.dtype, back.tolist()) == (object, labels.tolist())
    array = np.arange(12).reshape(3, 4)[::2, ::-1]
    np.testing.assert_array_equal(unpack(pack(array, arrays=True)), array)
    with pytest.raises(TypeError):
        pack(np.array([SVC()], dtype=object), arrays=True)
    with pytest.raises(TypeError):
        pack(np.array([(1, 2)], dtype="i4,i4"), arrays=True)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"float": "1.5"},
        {"float": "nan", "tuple": []},
        {"tuple": 3},
        {"dict": [[1]]},
        {"dict": [[[1], 2]]},
        {"dict": 3},
        {"code": "print()"},
        1e999,
        10**400,
        {"array": "", "dtype": "|O8", "shape": [0]},
        {"array": "AAAA", "dtype": "<f8", "shape": [3]},
        {"array": "%%", "dtype": "<f8", "shape": [0]},
        {"array": "", "dtype": "<f7", "shape": [0]},
        {"array": "", "dtype": "<f8", "shape": [-1]},
        {"array": "", "dtype": "<f8", "shape": [0, 2**39, 2**39]},
        {"array": "", "dtype": "<U999999999", "shape": [0, 1e5]},
        {"array": "/////w==", "dtype": "<U1", "shape": [1]},
        {"array": "", "dtype": "<f8", "shape": [0] * 40},
        {"objects": [1], "shape": [2]},
        {"objects": [{"array": "", "dtype": "object", "shape": [0]}], "shape": [1]},
    ],
    ids=lambda written: str(written)[:40],
)
def test_what_was_not_packed_is_refused(written):
    with pytest.raises(ValueError):
        unpack([written])


# -- parameters --------------------------------------------------------------------------------------------------------


def a_function():
    pass


class Stranger:
    """Can only be drawn from."""

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


def test_choices_come_back_as_the_users_own_objects():
    point = {"svc": SVC(C=2), "f": len, "C": 0.5}
    codec = SpaceCodec(BRANCHED)
    assert codec.encode(point) == {"params": {"svc": {"choice": 1}, "f": {"choice": 2}, "C": 0.5}}
    assert codec.decode(codec.encode(point))["svc"] is BRANCHED.branches[0]["svc"].values[1]
    other = {"svc": SVC(C=2), "f": a_function, "C": 5e4}
    assert codec.encode(other)["branch"] == 1
    assert codec.decode(codec.encode(other))["svc"] is BRANCHED.branches[1]["svc"].values[0]


@pytest.mark.parametrize("value", [None, True, 2**60, -0.0, math.inf, math.nan, "x", [1, (2,)], (), np.float64(0.5)])
def test_what_a_stranger_draws_round_trips(value):
    codec = SpaceCodec(Space({"a": Stranger(value)}))
    assert params_key(codec_round_trip(codec, {"a": value})) == params_key({"a": value})


@pytest.mark.parametrize("value", [SVC(), np.array(3.0), 1j, [SVC()], {1}])
def test_what_a_stranger_draws_must_be_plain(value):
    with pytest.raises(TypeError, match=r"distribution of parameter 'a' cannot be written: .*a list of choices"):
        SpaceCodec(Space({"a": Stranger(value)})).encode({"a": value})


def test_a_list_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(TypeError, match="parameter 'a'"):
        SpaceCodec(Space({"a": Stranger(0)})).encode({"a": value})


@pytest.mark.parametrize("params", [{"C": 0.5}, {"C": 0.5, "kernel": "poly"}, {"C": "x", "kernel": "rbf"}])
def test_what_is_not_in_the_space_is_refused(params):
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


def test_only_what_is_not_plain_is_written_as_a_place():
    codec = ListCodec(LISTED)
    assert codec.encode(LISTED[4])["params"] == {
        "svc": {"choice": 0},
        "weights": {"dict": {"choice": 0}},
        "steps": {"choice": 0},
    }
    assert codec.encode({"svc": "anything", "new": 3}) == {"params": {"svc": "anything", "new": 3}}


@pytest.mark.parametrize("params", [{"svc": SVC(C=3)}, {"kernel": abs}, {"new": np.arange(3)}])
def test_what_was_not_listed_must_be_plain(params):
    with pytest.raises(ValueError, match=f"parameter '{next(iter(params))}' cannot be written: .*must be among"):
        ListCodec(LISTED).encode(params)


class Silent:
    def __repr__(self):
        raise RuntimeError


def test_texts_of_choices():
    space = Space({"a": [1, "x", lambda: 0, lambda: 1, SVC(C=2), Silent(), "y" * 500], "C": uniform(0, 1)})
    texts = SpaceCodec(space).texts()[0]["a"]
    assert list(SpaceCodec(space).texts()[0]) == ["a"]
    assert texts[:2] == [1, "x"]
    assert texts[2]["text"] != texts[3]["text"]
    assert texts[4:6] == [{"text": "SVC(C=2)"}, {"text": "<Silent>"}]
    assert len(texts[6]["text"]) < 250
    assert ListCodec(LISTED).texts()[0]["svc"] == [{"text": "SVC()"}, {"text": "SVC(C=2)"}]


# -- records -----------------------------------------------------------------------------------------------------------

NUMBERS = st.floats() | st.integers(-(2**70), 2**70)
SCORES = NUMBERS | st.dictionaries(st.text(), NUMBERS, min_size=1, max_size=3)
FOLDS = st.builds(
    FoldScore,
    candidate=st.integers(0, 9),
    split=st.integers(0, 2),
    test_score=st.none() | SCORES,
    train_score=st.none() | SCORES,
    fit_time=st.floats(0),
    score_time=st.floats(0),
    state=st.sampled_from(["ok", "failed", "timeout", "crashed", "skipped"]),
    error=st.none() | st.text(),
    resumed_from=st.integers(0, 100),
    converged=st.booleans(),
)
CANDIDATES = st.builds(
    Candidate,
    id=st.just(9),
    params=st.fixed_dictionaries({"C": st.floats(0, 1), "kernel": st.sampled_from(["linear", "rbf"])}),
    resource=st.none() | st.integers(1, 1000),
    info=st.dictionaries(st.text(), PLAIN, max_size=3),
    bracket_id=st.integers(0, 5),
    parent=st.none() | st.integers(0, 8),
    preset_folds=st.lists(FOLDS, max_size=2).map(tuple),
)


@given(FOLDS)
@example(FoldScore(0, 0, {"a": math.nan, "float": math.inf, "b": 0}, -math.inf, math.inf, math.nan))
def test_folds_round_trip(fold):
    assert repr(fold_from(through_json(fold_record(fold)))) == repr(fold)  # repr, as NaN is not equal to itself


@given(CANDIDATES)
def test_candidates_round_trip(candidate):
    record = through_json(candidate_record(candidate, CODEC.encode(candidate.params)))
    assert repr(candidate_from(record, CODEC)) == repr(candidate)


def test_defaults_are_left_out():
    assert fold_record(FoldScore(3, 1, 0.5, fit_time=0.25)) == {"scored": 3, "split": 1, "test": 0.5, "fit_time": 0.25}
    assert candidate_record(Candidate(3, {}), {"params": {}}) == {"id": 3, "point": {"params": {}}}


def test_text_that_is_not_valid_unicode_survives():
    fold = FoldScore(0, 0, None, state="failed", error="\ud800 é \x00 \n")
    assert fold_from(through_json(fold_record(fold))) == fold


def test_scores_of_numpy_become_pythons():
    fold = fold_from(fold_record(FoldScore(0, 0, {"a": np.float64(0.5), "b": np.longdouble(2)}, np.float32(0.25))))
    assert (fold.test_score, fold.train_score) == ({"a": 0.5, "b": 2.0}, 0.25)
    assert type(fold.test_score["b"]) is type(fold.train_score) is float


def test_predictions_are_written_as_arrays():
    predictions = Predictions(np.eye(2), "predict_proba", np.array(["a", "b"], dtype=object))
    record = through_json(fold_record(FoldScore(0, 0, 0.5, predictions=predictions)))
    back = fold_from(record).predictions
    assert type(back) is Predictions
    np.testing.assert_array_equal(back.values, predictions.values)
    assert (back.method, back.classes.tolist(), back.labels) == ("predict_proba", ["a", "b"], None)
    record["predictions"]["dict"]["other"] = 1
    with pytest.raises(ValueError, match="predictions"):
        fold_from(record)


# -- going on ----------------------------------------------------------------------------------------------------------


def test_a_journal_begins_with_what_it_is(path):
    data = write(path)
    assert data.startswith(MAGIC + b"1,")
    assert data.count(b"\n") == 1 + 2 + 10


def test_going_on(path):
    with open_journal(path, HEADER, CODEC) as journal:
        assert (journal.is_resumed, journal.candidates, journal.folds) == (False, [], [])
        journal.asked(asked := candidates(2))
        journal.scored(fold := FoldScore(1, 2, 0.5))
        journal.record_event("stopped", reason="time is up", left=(1, 2.5))
    with open_journal(path, replace(HEADER, metadata={"n_splits": 4}), CODEC) as journal:
        assert (journal.is_resumed, journal.candidates, journal.folds) == (True, asked, [fold])
        assert (journal.metadata, journal.n_bytes_cut) == ({"n_splits": 3}, 0)
        journal.asked(candidates(1, first=2))
        journal.scored(FoldScore(2, 0, 0.5))
    with open_journal(path, HEADER, CODEC) as journal:
        assert (len(journal.candidates), len(journal.folds)) == (3, 2)


@pytest.mark.parametrize("data", [None, b"", MAGIC, b"\0" * 10])
def test_nothing_is_stored_before_there_are_candidates(path, data):
    if data is not None:
        Path(path).write_bytes(data)
    assert read_stored(path) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a torn first line is removed
        open_journal(path, HEADER, CODEC).close()
    assert read_stored(path) is None


def test_a_stored_journal_is_read_once(path, monkeypatch):
    write(path)
    stored = read_stored(path)
    assert stored.header == HEADER
    monkeypatch.setattr(AppendOnlyFile, "read", None)
    with open_journal(path, HEADER, CODEC, stored=stored) as journal:
        assert (len(journal.candidates), len(journal.folds)) == (4, 10)


def test_a_stored_journal_is_read_again_if_the_file_has_changed(path):
    write(path)
    stored = read_stored(path)
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1, first=4))
    with open_journal(path, HEADER, CODEC, stored=stored) as journal:
        assert len(journal.candidates) == 5
    Path(path).unlink()
    with open_journal(path, HEADER, CODEC, stored=stored) as journal:
        assert not journal.is_resumed


def test_files_that_are_not_journals_are_not_read(path):
    Path(path).write_bytes(b"a,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match="is not a journal of skhpt"):
        read_stored(path)


def test_facts_come_back(path):
    rng = np.random.RandomState(0)
    facts = {
        "n_splits": 3,
        "state": rng.get_state(legacy=False),
        "folds": [(np.arange(3), np.arange(2))],
        "x": math.nan,
    }
    with open_journal(path, Header(PARTS, facts), CODEC) as journal:
        journal.asked(candidates(1))
    with open_journal(path, HEADER, CODEC) as journal:
        again = np.random.RandomState(1)
        again.set_state(journal.metadata["state"])
        assert again.randint(1000) == rng.randint(1000)
        np.testing.assert_array_equal(journal.metadata["folds"][0][1], [0, 1])


def test_of_a_fold_that_comes_twice_the_last_counts(path):
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1))
        for fold in [FoldScore(0, 0, None, state="crashed"), FoldScore(0, 1, 0.5), FoldScore(0, 0, 0.25)]:
            journal.scored(fold)
    with open_journal(path, HEADER, CODEC) as journal:
        assert journal.folds == [FoldScore(0, 1, 0.5), FoldScore(0, 0, 0.25)]


def test_a_round_is_one_line_and_no_round_none(path):
    before = write(path)
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked([])
        journal.asked(candidates(5, first=4))
    with open(path, "rb") as file:
        assert file.read()[len(before) :].count(b"\n") == 1


def test_only_what_goes_on_where_it_ends_is_written(path):
    before = write(path)
    with open_journal(path, HEADER, CODEC) as journal:
        with pytest.raises(ValueError, match="candidate 0 was asked for where 4 is next"):
            journal.asked(candidates(1))
        with pytest.raises(ValueError, match="candidate 4 was never asked for"):
            journal.scored(FoldScore(4, 0, 1.0))
        with pytest.raises(TypeError):
            journal.asked([Candidate(4, {"C": SVC(), "kernel": "rbf"})])
    with open(path, "rb") as file:
        assert file.read() == before


def test_candidates_from_elsewhere_come_first(path):
    with open_journal(path, HEADER, CODEC, n_earlier_trials=5) as journal:
        journal.asked([Candidate(5, {"C": 0.5, "kernel": "rbf"}, parent=3)])
        journal.scored(FoldScore(5, 0, 0.5))
        with pytest.raises(ValueError, match="candidate 4 was never"):
            journal.scored(FoldScore(4, 0, 0.5))
    with open_journal(path, HEADER, CODEC, n_earlier_trials=5) as journal:
        assert [candidate.id for candidate in journal.candidates] == [5]
    with pytest.raises(ValueError, match=r"begun with 5 .* here they are 0"):
        open_journal(path, HEADER, CODEC)


def test_another_search_is_refused_with_the_places_that_differ(path):
    long = "Pipeline(" + ", ".join(f"step_{i}=SVC(C={i})" for i in range(300)) + ")"
    changed = long.replace("C=150", "C=999")
    before = write(path, header=Header(PARTS | {"estimator": long, "search": "Grid", "old": ""}, {}))
    parts = PARTS | {"estimator": changed, "search": "Random", "new": "x"}
    with pytest.raises(ValueError) as caught:
        open_journal(path, Header(parts, {}), CODEC)
    text = str(caught.value)
    assert "data" not in text
    assert "C=150" in text
    assert "C=999" in text
    assert "step_120" not in text
    assert "search: Grid became Random" in text
    assert "old: only there" in text
    assert "new: only here" in text
    assert len(text) < 800
    with open(path, "rb") as file:
        assert file.read() == before


def test_a_newer_format_says_which_version_it_needs(path):
    data = write(path).replace(b'"format": 1,', b'"format": 2,')
    data = b'{"journal": "skhpt", "format": 2, "skhpt": "7.8.9", "anything": 1}\n' + data.split(b"\n", 1)[1]
    refused(path, data, r"line 1: its format is 2, which needs skhpt 7\.8\.9 or newer")


def test_headers_that_cannot_be_read_again_are_refused_before_there_is_a_file(path, tmp_path):
    for header in (Header({"a": 1}, {}), Header({}, {"a": SVC()}), Header({}, {"n_splits": "3"})):
        with pytest.raises((TypeError, ValueError)):
            open_journal(path, header, CODEC)
    assert list(tmp_path.iterdir()) == []


# -- what was not written by us ----------------------------------------------------------------------------------------


def refused(path, data, match):
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(ValueError, match=match) as caught:
        open_journal(path, HEADER, CODEC)
    assert path in str(caught.value)
    with open(path, "rb") as file:
        assert file.read() == data


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": np.arange(1000)}),
        b"a,b,c\n1,2,3\n",
        b"a,b,c",
        b"\n",
        b'{"journal": "another"}\n',
        b'{"journal": "another"',
        b"[]\n",
        b"\xef\xbb\xbf" + MAGIC,
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b"x" + b"\0" * 100,
        b" " + MAGIC,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_foreign_files_are_refused(path, data):
    refused(path, data, "is not a journal of skhpt")


@pytest.mark.parametrize(
    "line",
    [
        MAGIC + b"1}",
        MAGIC + b"true}",
        MAGIC + b"1e999}",
        MAGIC + b"1" * 5000 + b"}",
        MAGIC + b"[" * 100_000,
        MAGIC + b'1, "parts": {"a": 1}, "facts": {}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": [], "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {}, "time": 1, "n_known": -1}',
        MAGIC + b'1, "parts": {}, "facts": {}, "time": 1e300, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"n_splits": 1e9}, "time": 1, "n_known": 0}',
        MAGIC + b'1, "parts": {}, "facts": {"n_splits": 1000000000}, "time": 1, "n_known": 0}',
    ],
    ids=lambda line: line[len(MAGIC) :][:60].decode(),
)
def test_hostile_headers_are_refused(path, line):
    refused(path, line + b"\n", "line 1: ")


POINT = '"point": {"params": {"C": 0.5, "kernel": {"choice": 1}}}'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"other": 1}',
        '{"scored": 0',
        "[" * 100_000,
        '{"event": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"event": "x", "time": 1, "facts": {"x": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"event": "x", "time": "now", "facts": {}}',
        '{"event": 1, "time": 1, "facts": {}}',
        '{"event": "x", "time": 1, "facts": 1}',
        '{"scored": ' + "9" * 5000 + ', "split": 0}',
        '{"scored": 7, "split": 0, "test": 1.0}',
        '{"scored": -1, "split": 0, "test": 1.0}',
        '{"scored": true, "split": 0, "test": 1.0}',
        '{"scored": 0, "split": 3, "test": 1.0}',
        '{"scored": 0, "split": -1, "test": 1.0}',
        '{"scored": 0, "test": 1.0}',
        '{"scored": 0, "split": 0, "test": "1.0"}',
        '{"scored": 0, "split": 0, "test": NaN}',
        '{"scored": 0, "split": 0, "test": 1e999}',
        '{"scored": 0, "split": 0, "test": {"dict": {"a": null}}}',
        '{"scored": 0, "split": 0, "train": [1]}',
        '{"scored": 0, "split": 0, "test": 1.0, "fit_time": null}',
        '{"scored": 0, "split": 0, "test": 1.0, "state": "great"}',
        '{"scored": 0, "split": 0, "test": 1.0, "state": []}',
        '{"scored": 0, "split": 0, "test": 1.0, "error": 5}',
        '{"scored": 0, "split": 0, "test": 1.0, "converged": 1}',
        '{"scored": 0, "split": 0, "test": 1.0, "resumed_from": "x"}',
        '{"scored": 0, "split": 0, "test": 1.0, "surprise": 1}',
        '{"asked": 1}',
        '{"asked": [1]}',
        '{"asked": [], "more": 1}',
        '{"asked": [{"id": 1}]}',
        '{"asked": [{"id": 0, POINT}]}',
        '{"asked": [{"id": 2, POINT}]}',
        '{"asked": [{"id": 1.0, POINT}]}',
        '{"asked": [{"id": 1, POINT, "note": []}]}',
        '{"asked": [{"id": 1, POINT, "lane": "x"}]}',
        '{"asked": [{"id": 1, POINT, "parent": 1}]}',
        '{"asked": [{"id": 1, POINT, "resource": "all"}]}',
        '{"asked": [{"id": 1, POINT, "settled": {}}]}',
        '{"asked": [{"id": 1, POINT, "settled": [{"split": 3}]}]}',
        '{"asked": [{"id": 1, "point": []}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": "rbf"}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": 2}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": -1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": true}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": 0.5, "kernel": {"choice": 1, "x": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": "0.5", "kernel": {"choice": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"params": {"C": {"choice": 0}, "kernel": {"choice": 1}}}}]}',
        '{"asked": [{"id": 1, "point": {"branch": 1, "params": {"C": 0.5, "kernel": {"choice": 1}}}}]}',
        '{"finished": 1, "n_folds": 1}',
        '{"finished": 0, "n_folds": 3}',
        '{"finished": 0}',
        '{"scored": 0, "split": 0, "test": 1.0}\0',
        "\udcff",
    ],
    ids=lambda line: line[:80],
)
def test_hostile_lines_are_refused_by_their_number(path, line):
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1))
    with open(path, "rb") as file:
        data = file.read()
    line = line.replace("POINT", POINT).encode("utf-8", "surrogateescape")
    refused(path, data + line + b"\n" + b'{"scored": 0, "split": 0, "test": 0.5}\n', "line 3: ")


@given(st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    path = str(tmp_path_factory.mktemp("journal") / "j")
    content = bytearray(re.sub(rb'"time": [0-9.]+', b'"time": 1.5', write(path)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with open(path, "wb") as file:
        file.write(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the last line may count as torn
        try:
            open_journal(path, HEADER, CODEC).close()
        except ValueError:
            with open(path, "rb") as file:
                assert file.read() == content
