"""Journals: what a search writes is read when the search is resumed, and another search is refused."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import SVC

from skhpt.journal import Header, open_journal, read_header
from skhpt.journal.records import MAGIC
from skhpt.trial import Candidate, FoldScore
from tests.journal.examples import CODEC, FINGERPRINT, HEADER, candidates, write


def test_a_journal_has_a_line_for_its_header_and_each_step(path):
    data = write(path)
    assert data.startswith(MAGIC + b"2,")
    assert data.count(b"\n") == 1 + 2 + 10


def test_a_journal_is_resumed(path):
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
        path.write_bytes(data)
    assert read_header(path) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a torn first line is removed
        open_journal(path, HEADER, CODEC).close()
    assert read_header(path) is None


def test_the_header_is_read_before_the_journal_is_opened(path):
    write(path)
    assert read_header(path) == HEADER


def test_a_file_of_another_kind_is_refused(path):
    path.write_bytes(b"a,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match="is not a journal of skhpt"):
        read_header(path)


def test_metadata_are_read_as_they_were_written(path):
    rng = np.random.RandomState(0)
    metadata = {
        "n_splits": 3,
        "state": rng.get_state(legacy=False),
        "folds": [(np.arange(3), np.arange(2))],
        "x": math.nan,
    }
    with open_journal(path, Header(FINGERPRINT, metadata), CODEC) as journal:
        journal.asked(candidates(1))
    with open_journal(path, HEADER, CODEC) as journal:
        again = np.random.RandomState(1)
        again.set_state(journal.metadata["state"])
        assert again.randint(1000) == rng.randint(1000)
        np.testing.assert_array_equal(journal.metadata["folds"][0][1], [0, 1])


def test_the_last_score_counts_if_a_fold_was_evaluated_twice(path):
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1))
        for fold in [FoldScore(0, 0, None, state="crashed"), FoldScore(0, 1, 0.5), FoldScore(0, 0, 0.25)]:
            journal.scored(fold)
    with open_journal(path, HEADER, CODEC) as journal:
        assert journal.folds == [FoldScore(0, 1, 0.5), FoldScore(0, 0, 0.25)]


def test_a_round_is_one_line_and_an_empty_round_is_none(path):
    before = write(path)
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked([])
        journal.asked(candidates(5, first=4))
    assert path.read_bytes()[len(before) :].count(b"\n") == 1


def test_ids_must_continue_those_of_the_journal(path):
    before = write(path)
    with open_journal(path, HEADER, CODEC) as journal:
        with pytest.raises(ValueError, match="candidate 0 was asked for where 4 is next"):
            journal.asked(candidates(1))
        with pytest.raises(ValueError, match="candidate 4 was never asked for"):
            journal.scored(FoldScore(4, 0, 1.0))
        with pytest.raises(TypeError):
            journal.asked([Candidate(4, {"C": SVC(), "kernel": "rbf"})])
    assert path.read_bytes() == before


def test_ids_of_earlier_trials_come_first(path):
    with open_journal(path, HEADER, CODEC, n_earlier_trials=5) as journal:
        journal.asked([Candidate(5, {"C": 0.5, "kernel": "rbf"}, parent=3)])
        journal.scored(FoldScore(5, 0, 0.5))
        with pytest.raises(ValueError, match="candidate 4 was never"):
            journal.scored(FoldScore(4, 0, 0.5))
    with open_journal(path, HEADER, CODEC, n_earlier_trials=5) as journal:
        assert [candidate.id for candidate in journal.candidates] == [5]
    with pytest.raises(ValueError, match="follows 5 trials of earlier searches, but this search follows 0"):
        open_journal(path, HEADER, CODEC)


def test_another_search_is_refused_with_the_differences(path):
    long = "Pipeline(" + ", ".join(f"step_{i}=SVC(C={i})" for i in range(300)) + ")"
    changed = long.replace("C=150", "C=999")
    before = write(path, header=Header(FINGERPRINT | {"estimator": long, "search": "Grid", "old": ""}, {}))
    fingerprint = FINGERPRINT | {"estimator": changed, "search": "Random", "new": "x"}
    with pytest.raises(ValueError) as caught:
        open_journal(path, Header(fingerprint, {}), CODEC)
    text = str(caught.value)
    assert "data" not in text
    assert "C=150" in text
    assert "C=999" in text
    assert "step_120" not in text
    assert "search: Grid became Random" in text
    assert "old: only in the file" in text
    assert "new: only in the search" in text
    assert len(text) < 800
    assert path.read_bytes() == before


def test_invalid_headers_are_refused_before_a_file_is_created(path, tmp_path):
    for header in (Header({"a": 1}, {}), Header({}, {"a": SVC()}), Header({}, {"n_splits": "3"})):
        with pytest.raises((TypeError, ValueError)):
            open_journal(path, header, CODEC)
    assert list(tmp_path.iterdir()) == []
