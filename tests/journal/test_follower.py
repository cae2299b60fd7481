"""A journal that grows is read from where the last reading ended, and again if it is another file."""

import os

import pytest

from skhpt.journal import JournalFollower, open_journal, read_journal
from skhpt.journal.reader import JournalReader
from skhpt.trial import FoldScore
from tests.journal.examples import CODEC, HEADER, candidates, write


def content(view):
    """Return all that a view has, without what was probed."""
    return (
        [repr(trial) for trial in view.trials],
        [repr(trial) for trial in view.history],
        [view.history.folds_of(candidate.id) for candidate in view.history.pending],
        view.params,
        view.events,
        view.last_sign,
        view.n_splits,
    )


@pytest.fixture
def n_lines(monkeypatch):
    """Count the lines that are decoded."""
    counted = []
    read_line = JournalReader._read_line
    monkeypatch.setattr(
        JournalReader, "_read_line", lambda *args: counted.append(1) or read_line(*args), raising=True
    )
    return counted


def test_only_new_lines_are_read(path, n_lines):
    data = write(path)
    ends = [i + 1 for i, byte in enumerate(data) if byte == 10]
    path.write_bytes(data[: ends[0]])
    follower = JournalFollower(path)
    follower.refresh()
    for n, end in enumerate(ends[1:], start=1):
        with open(path, "ab") as file:
            file.write(data[path.stat().st_size : end])
        view = follower.refresh()
        assert len(n_lines) == n
    assert content(view) == content(read_journal(path))
    assert len(view.trials) == 1


def test_cut_anywhere_it_agrees_with_a_whole_reading(path, tmp_path):
    data, growing = write(path), tmp_path / "growing.jsonl"
    growing.write_bytes(data[: data.index(b"\n") + 1])
    follower = JournalFollower(growing)
    for end in range(data.index(b"\n") + 1, len(data), 17):
        with open(growing, "ab") as file:
            file.write(data[growing.stat().st_size : end])
        assert content(follower.refresh()) == content(read_journal(growing))


def test_a_file_that_is_replaced_or_has_shrunk_is_read_anew(path, tmp_path):
    data = write(path)
    follower = JournalFollower(path)
    assert len(follower.refresh().trials) == 1
    path.write_bytes(data[: len(data) // 2])
    assert content(follower.refresh()) == content(read_journal(path))
    other = tmp_path / "other.jsonl"
    with open_journal(other, HEADER, CODEC) as journal:
        journal.asked(candidates(50))
        for i in range(50):
            journal.scored(*(FoldScore(i, split, 0.5) for split in range(3)))
    os.replace(other, path)
    assert len(follower.refresh().trials) == 50


def test_another_journal_in_the_same_file_is_read_anew(path, tmp_path):
    follower = JournalFollower(path)
    write(path)
    follower.refresh()
    size, started = path.stat().st_size, follower.refresh().started
    data = write(tmp_path / "other.jsonl")
    for other in (data, data + data[data.rindex(b"\n", 0, -1) + 1 :]):
        with open(path, "rb+") as file:
            file.write(other)
            file.truncate()
        assert follower.refresh().started > started
    assert abs(len(data) - size) < 20


def test_a_follower_survives_that_there_is_no_journal_yet(path):
    follower = JournalFollower(path)
    with pytest.raises(FileNotFoundError):
        follower.refresh()
    path.touch()
    for _ in range(2):
        with pytest.raises(ValueError, match="nothing was written"):
            follower.refresh()
    write(path)
    assert len(follower.refresh().trials) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_or_a_folder_in_its_place_is_refused(path):
    write(path)
    follower = JournalFollower(path)
    follower.refresh()
    for make in (os.mkfifo, os.mkdir):
        path.unlink()
        make(path)
        with pytest.raises(ValueError, match="is not a file"):
            follower.refresh()
