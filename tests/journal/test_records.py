"""Records of candidates and folds: read as they were written, without default values."""

import dataclasses
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skhpt.journal.json_values import encode
from skhpt.journal.records import (
    candidate_from,
    candidate_record,
    fold_from,
    fold_record,
    fold_text,
    usual_fold_from,
    without_predictions,
)
from skhpt.trial import Candidate, FoldScore, Predictions
from tests.journal.examples import CODEC, PLAIN_VALUES, through_json

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
    info=st.dictionaries(st.text(), PLAIN_VALUES, max_size=3),
    bracket_id=st.integers(0, 5),
    parent=st.none() | st.integers(0, 8),
    preset_folds=st.lists(FOLDS, max_size=2).map(tuple),
)


@given(FOLDS)
@example(FoldScore(0, 0, {"a": math.nan, "float": math.inf, "b": 0}, -math.inf, math.inf, math.nan))
def test_folds_round_trip(fold):
    # repr, as NaN is not equal to itself.
    assert repr(fold_from(through_json(fold_record(fold)))) == repr(fold)


TIMES = st.just(0.0) | st.floats(0, 4e9)
WORKERS = st.sampled_from(["", "1234", "1234.5678", "host-2.de/12", 'a"b\\', "é"])


def everything(fold):
    """Return all fields of a fold, also those that are not compared."""
    return [repr(getattr(fold, field.name)) for field in dataclasses.fields(fold)]


USUAL_FOLDS = st.builds(
    FoldScore,
    candidate=st.integers(0, 10**6),
    split=st.integers(0, 99),
    test_score=st.floats() | st.dictionaries(st.text(max_size=3), st.floats(), max_size=2),
    train_score=st.none() | st.floats(),
    fit_time=st.floats(0, 100),
    score_time=st.floats(0, 100),
    started=TIMES,
    ended=TIMES,
    worker=WORKERS,
)


@given(FOLDS | USUAL_FOLDS)
def test_the_template_of_usual_folds_writes_and_reads_as_the_general_way_does(fold):
    text, general = fold_text(fold), encode(fold_record(fold))
    assert text == general if not fold.worker else json.loads(text) == json.loads(general)
    usual = usual_fold_from(text.encode())
    assert usual is None or everything(usual) == everything(fold_from(json.loads(text)))


@pytest.mark.parametrize(
    "number",
    ["0.5", "-0.0", "1e-05", "1.5e-300", "5e-324", "1e+16", "123456789.125", "-1.7976931348623157e+308"],
)
def test_the_template_is_used_for_every_finite_float(number):
    text = f'{{"scored": 3, "split": 1, "test": {number}, "fit_time": 0.25, "score_time": 1e-05}}'
    fold = FoldScore(3, 1, float(number), None, 0.25, 1e-05)
    assert repr(usual_fold_from(text.encode())) == repr(fold)
    assert fold_text(fold) == text


@pytest.mark.parametrize("number", ["1", "-1", "1e999", "NaN", "null", '"a"', ".5", "1.", "0x1", "1_0.0"])
def test_other_numbers_are_read_the_general_way(number):
    text = f'{{"scored": 3, "split": 1, "test": {number}, "fit_time": 0.25, "score_time": 1e-05}}'
    assert usual_fold_from(text.encode()) is None


@given(CANDIDATES)
def test_candidates_round_trip(candidate):
    record = through_json(candidate_record(candidate, CODEC.encode(candidate.params)))
    assert repr(candidate_from(record, CODEC)) == repr(candidate)


def test_times_are_rounded_to_a_tenth_of_a_millisecond():
    fold = FoldScore(3, 1, 0.5, None, 0.25, 1e-05, started=1.8e9 + 1 / 3, ended=1.8e9 + 2 / 3, worker="12.34")
    text = fold_text(fold)
    assert text.endswith('"started": 1800000000.3333, "ended": 1800000000.6667, "worker": "12.34"}')
    for read in (usual_fold_from(text.encode()), fold_from(json.loads(text))):
        assert (read.started, read.ended, read.worker) == (1800000000.3333, 1800000000.6667, "12.34")


@pytest.mark.parametrize("worker", ["1234", "1234.5678", "host-2.example.org/12.34"])
def test_the_template_is_used_for_every_worker(worker):
    fold = FoldScore(3, 1, 0.5, None, 0.25, 1e-05, started=1.8e9, ended=1.8e9, worker=worker)
    assert usual_fold_from(fold_text(fold).encode()).worker == worker


def test_predictions_are_cut_off_and_nothing_else_is():
    fold = FoldScore(3, 1, 0.5, state="failed", error='a, "predictions": {', predictions=None)
    text = encode(fold_record(fold)).encode()
    assert without_predictions(text) == text
    with_some = encode(fold_record(replace(fold, predictions=Predictions(np.arange(3), "predict")))).encode()
    assert without_predictions(with_some) == text


def test_default_values_are_left_out():
    assert fold_record(FoldScore(3, 1, 0.5, fit_time=0.25)) == {
        "scored": 3,
        "split": 1,
        "test": 0.5,
        "fit_time": 0.25,
    }
    assert candidate_record(Candidate(3, {}), {"params": {}}) == {"id": 3, "point": {"params": {}}}


def test_text_that_is_not_valid_unicode_survives():
    fold = FoldScore(0, 0, None, state="failed", error="\ud800 é \x00 \n")
    assert fold_from(through_json(fold_record(fold))) == fold


def test_scores_of_numpy_types_become_python_numbers():
    fold = fold_from(
        fold_record(FoldScore(0, 0, {"a": np.float64(0.5), "b": np.longdouble(2)}, np.float32(0.25)))
    )
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
