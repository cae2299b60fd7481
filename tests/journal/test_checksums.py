"""Damaged journals: what was changed is left out and named, and no line counts that does not belong to the journal."""

import io
import itertools
import re
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.journal import Header, open_journal, read_journal
from skhpt.journal.reader import JournalReader
from skhpt.journal.records import MAGIC
from skhpt.trial import FoldScore
from tests.journal.examples import CODEC, HEADER, as_format_1, candidates, write

MESSAGE = r"line.* (\d+).* checksum"


def lines_of(path):
    return path.read_bytes().splitlines(True)


def read(path):
    """Return the candidates and folds of a journal, and what is said about lines of it."""
    return read_bytes(path.read_bytes())


def read_bytes(data):
    """Return the candidates and folds of a journal, given as bytes, and what is said about lines of it."""
    reader = JournalReader("search.jsonl", io.BytesIO(data))
    if reader.first_line is None:
        return [], [], "line 1 is torn"
    contents = reader.read(CODEC)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reader.warn_of_damage("What they held is evaluated again.")
    messages = [str(each.message) for each in caught]
    if reader.n_torn_bytes:
        messages.append(f"line {reader.n_lines + 1} is torn")
    return contents.candidates, contents.folds, " ".join(messages)


def check_damage(before, damaged):
    """Check that a damaged journal is refused, or read without anything that was not written."""
    try:
        candidates, folds, message = read_bytes(damaged)
    except ValueError as error:
        candidates, folds, message = [], [], str(error)
    candidates_before, folds_before, _ = before
    assert candidates == candidates_before[: len(candidates)]
    assert all(fold in folds_before for fold in folds)
    if (candidates, folds) != (candidates_before, folds_before):
        assert re.search(r"lines? \d+|its first line is damaged", message)


def test_every_changed_byte_is_noticed(path):
    data = write(path)
    before = read(path)
    for i in range(len(data)):
        check_damage(before, data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Journal as bytes, the same for all examples."""
    return write(tmp_path_factory.mktemp("journal") / "search.jsonl")


@given(st.data())
def test_any_damage_is_noticed(whole, data):
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        stop = start + data.draw(st.integers(0, 30))
        damaged[start:stop] = data.draw(st.binary(max_size=30))
    check_damage(read_bytes(whole), bytes(damaged))


@pytest.mark.parametrize("number", [3, 5, 9])
def test_a_damaged_score_is_left_out_with_its_number(path, number):
    write(path)
    lines = lines_of(path)
    before = read(path)[1]
    changed = re.sub(rb'"test": [0-9.]+', b'"test": 0.875', lines[number - 1])
    path.write_bytes(b"".join([*lines[: number - 1], changed, *lines[number:]]))
    kept, folds, message = read(path)
    assert (len(kept), len(folds)) == (4, 9)
    assert all(fold in before for fold in folds)
    assert f"line {number} does not match its checksum" in message
    with pytest.warns(UserWarning, match=f"is damaged: line {number} does"):
        assert read_journal(path).n_pending >= 3


def test_what_was_evaluated_again_replaces_a_damaged_line(path):
    write(path)
    lines = lines_of(path)
    lines[4] = lines[4].replace(b'"split"', b'"splat"')
    path.write_bytes(b"".join(lines))
    with pytest.warns(UserWarning, match="line 5 does not match"):
        journal = open_journal(path, HEADER, CODEC)
    with journal:
        journal.scored(FoldScore(0, 2, 0.625))
    _, folds, message = read(path)
    assert FoldScore(0, 2, 0.625) in folds
    assert len(folds) == 10
    assert "line 5 does" in message  # the line is still there


def test_what_depends_on_a_damaged_round_is_left_out_too(path):
    write(path)
    lines = lines_of(path)
    lines[7] = lines[7].replace(b'"id": 2', b'"id": 7')
    path.write_bytes(b"".join(lines))
    kept, folds, message = read(path)
    assert (len(kept), {fold.candidate for fold in folds}) == (2, {0, 1})
    assert "line 8 does not match its checksum" in message
    assert "the lines that depend on it: 9 to 13. What they held is evaluated again" in message
    with pytest.warns(UserWarning, match="line 8"):
        journal = open_journal(path, HEADER, CODEC)
    with journal:
        journal.asked(candidates(2, first=2))
        journal.scored(FoldScore(2, 0, 0.5))
    kept, folds, _ = read(path)
    assert (len(kept), folds[-1]) == (4, FoldScore(2, 0, 0.5))


# -- lines that are whole, but not in their place ------------------------------------------------------------


def moved(lines):
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def repeated(lines):
    return [*lines[:4], lines[3], *lines[4:]]


def missing(lines):
    return [*lines[:4], *lines[5:]]


def missing_block(lines):
    return [*lines[:4], *lines[7:]]


def appended_twice(lines):
    return [*lines, *lines[3:6]]


def whole_journal_twice(lines):
    return [*lines, *lines]


@pytest.mark.parametrize(
    "change", [moved, repeated, missing, missing_block, appended_twice, whole_journal_twice]
)
def test_lines_in_another_place_are_noticed(path, change):
    write(path)
    before = read(path)
    path.write_bytes(b"".join(change(lines_of(path))))
    kept, folds, message = read(path)
    assert kept == before[0][: len(kept)]
    assert all(fold in before[1] for fold in folds)
    assert re.search(MESSAGE, message)
    assert len(folds) >= 2


def with_other_ends(lines):
    return [line.replace(b"\n", b"\r\n") for line in lines]


def with_mark(lines):
    return [b"\xef\xbb\xbf" + lines[0], *lines[1:]]


def with_empty_lines(lines):
    return [*lines[:4], b"\n", *lines[4:], b"\n", b"\n"]


def with_all_of_them(lines):
    return with_mark(with_other_ends(with_empty_lines(lines)))


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("change", [with_other_ends, with_mark, with_empty_lines, with_all_of_them])
def test_what_an_editor_does_to_ends_of_lines_costs_nothing(path, change, is_older):
    write(path)
    before = read(path)
    data = as_format_1(path.read_bytes()) if is_older else path.read_bytes()
    path.write_bytes(b"".join(change(data.splitlines(True))))
    assert read(path) == before
    with open_journal(path, HEADER, CODEC) as journal:
        assert journal.candidates == before[0]
        journal.record_event("ended")
    assert read(path) == before


@pytest.mark.parametrize("place", [2, 4, 13])
def test_a_line_of_another_journal_of_the_same_search_is_left_out(path, tmp_path, place):
    write(path)
    with open_journal(tmp_path / "other", HEADER, CODEC) as journal:
        journal.asked(candidates(4))
        journal.scored(*(FoldScore(i, split, 0.9) for i in range(4) for split in range(3)))
    other, lines = lines_of(tmp_path / "other"), lines_of(path)
    path.write_bytes(b"".join([*lines[:place], *other[2:6], *lines[place:]]))
    _, folds, message = read(path)
    assert len(folds) == 10
    assert 0.9 not in [fold.test_score for fold in folds]
    assert f"lines {place + 1} to {place + 4} do not match" in message


def test_a_journal_that_was_appended_to_another_is_left_out(path, tmp_path):
    write(path)
    with open_journal(tmp_path / "other", HEADER, CODEC) as journal:
        journal.asked(candidates(9))
        journal.scored(*(FoldScore(i, split, 0.9) for i in range(9) for split in range(3)))
    path.write_bytes(path.read_bytes() + (tmp_path / "other").read_bytes())
    kept, folds, message = read(path)
    assert (len(kept), len(folds)) == (4, 10)
    assert "lines 14 to 42 do not match" in message
    with pytest.warns(UserWarning, match="lines 14 to 42"):
        journal = open_journal(path, HEADER, CODEC)
    with journal:
        journal.scored(FoldScore(1, 2, 0.5))
    assert len(read(path)[1]) == 11  # the search went on after the other journal


def test_two_searches_that_ignore_the_lock_do_not_mix(path, monkeypatch):
    write(path)
    monkeypatch.setattr("skhpt.journal.append_only_file._lock", lambda fd: None)
    clock = itertools.count().__next__  # so that each line is preceded by a check
    one, two = (open_journal(path, HEADER, CODEC, clock=clock) for _ in range(2))
    one.scored(FoldScore(3, 2, 0.5))
    with pytest.warns(UserWarning, match="something else has written"):
        two.scored(FoldScore(3, 2, 0.75))
    one.close()
    _, folds, message = read(path)
    assert (folds[-1], message) == (FoldScore(3, 2, 0.5), "")


def test_lines_of_two_writers_do_not_mix(path):
    data = write(path)
    added = []
    for copy, score in ((path, 0.5), (path.with_name("copy"), 0.75)):
        copy.write_bytes(data)
        with open_journal(copy, HEADER, CODEC) as journal:
            journal.scored(FoldScore(1, 2, score))
            journal.scored(FoldScore(3, 2, score))
        added.append(lines_of(copy)[-2:])
    mixed = [line for pair in zip(*added, strict=True) for line in pair]
    path.write_bytes(data + b"".join(mixed))
    _, folds, message = read(path)
    scores = {(fold.candidate, fold.split): fold.test_score for fold in folds}
    assert "line 15 does not match" in message
    assert scores[1, 2] == 0.5
    assert (3, 2) not in scores  # there are two results, so it is evaluated again


def test_a_copy_of_a_journal_is_continued(path, tmp_path):
    data = write(path)
    for copy, score in ((path, 0.5), (tmp_path / "copy", 0.75)):
        copy.write_bytes(data)
        with open_journal(copy, HEADER, CODEC) as journal:
            journal.scored(FoldScore(3, 2, score))
        kept, folds, message = read(copy)
        assert (len(kept), folds[-1].test_score, message) == (4, score, "")


# -- earlier formats -----------------------------------------------------------------------------------------


def test_a_journal_without_checksums_is_continued_without_checksums(path):
    path.write_bytes(as_format_1(write(path)))
    assert b"crc" not in path.read_bytes()
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1, first=4))
        journal.scored(FoldScore(4, 0, 0.5))
    assert b"crc" not in path.read_bytes()
    assert path.read_bytes().startswith(MAGIC + b"1,")
    kept, folds, message = read(path)
    assert (len(kept), folds[-1], message) == (5, FoldScore(4, 0, 0.5), "")
    assert read_journal(path).n_pending == 4


def test_the_check_is_not_switched_off_by_a_changed_format(path):
    data = write(path).replace(b'"format": 2', b'"format": 1', 1)
    path.write_bytes(data)
    for open_it in (lambda: open_journal(path, HEADER, CODEC), lambda: read_journal(path)):
        with pytest.raises(ValueError, match=r"search\.jsonl, line 1: format 1 has neither id nor crc"):
            open_it()


def test_a_changed_header_is_refused(path):
    data = write(path, header=Header(HEADER.fingerprint, {"n_splits": 3, "error_score": 0.25}))
    path.write_bytes(data.replace(b"0.25", b"0.75", 1))
    for open_it in (lambda: open_journal(path, replace(HEADER), CODEC), lambda: read_journal(Path(path))):
        with pytest.raises(ValueError, match=r"search\.jsonl, line 1: the line does not match its checksum"):
            open_it()
