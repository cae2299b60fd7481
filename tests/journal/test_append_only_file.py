"""The file of a journal: torn lines, full disks, locks, forks, power cuts."""

import errno
import gc
import os
import signal
import subprocess
import sys
import warnings
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from skhpt import Space
from skhpt.journal import Header, SpaceCodec, open_journal
from skhpt.journal import append_only_file as file_module
from skhpt.journal.records import MAGIC
from skhpt.trial import Candidate, FoldScore, Trial

HEADER = Header({"data": "X"}, {"n_splits": 3})
CODEC = SpaceCodec(Space({"x": [1, 2]}))
CANDIDATES = [Candidate(0, {"x": 1}), Candidate(1, {"x": 2})]
FOLDS = [FoldScore(c, split, c + split / 3) for c in (0, 1) for split in range(3)]


def write(journal):
    """Write eight lines after the header."""
    journal.asked(CANDIDATES)
    for fold in FOLDS:
        journal.scored(fold)
    journal.record_event("stopped", reason="completed")


def reopen(path):
    """Return the candidates and folds of a file without a torn line."""
    with open_journal(path, HEADER, CODEC) as journal:
        return journal.candidates, journal.folds


# -- torn lines ----------------------------------------------------------------------------------------------


def test_a_file_cut_anywhere_is_resumed(path):
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(CANDIDATES)
        for fold in FOLDS[:2]:
            journal.scored(fold)
    data = path.read_bytes()
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        whole = data[:end].count(b"\n")
        n_cut = end - (data[:end].rfind(b"\n") + 1)
        message = f"{n_cut} bytes of line {whole + 1} were cut off"
        with pytest.warns(UserWarning, match=message) if n_cut else nullcontext():
            journal = open_journal(path, HEADER, CODEC)
        with journal:
            assert journal.is_resumed == (whole > 1)
            assert journal.n_bytes_cut == n_cut
            assert journal.candidates == (CANDIDATES if whole > 1 else [])
            assert journal.folds == FOLDS[: max(0, whole - 2)]
            if whole < 2:
                journal.asked(CANDIDATES)
            journal.scored(FOLDS[5])
        assert reopen(path) == (CANDIDATES, [*FOLDS[: max(0, whole - 2)], FOLDS[5]])


def test_zeros_at_the_end_are_removed(path):
    with open_journal(path, HEADER, CODEC) as journal:
        write(journal)
    data = path.read_bytes()
    for tail in (b"\0" * 5000, b'{"sco\0\0\0', b"\0\0\0d, 1}\n", b"\0\n\0\n\0"):
        path.write_bytes(data + tail)
        with pytest.warns(UserWarning, match=f"{len(tail)} bytes of line 10 were cut"):
            assert reopen(path) == (CANDIDATES, FOLDS)
        assert path.read_bytes() == data


@pytest.mark.parametrize("data", [b"", b"\0" * 100, MAGIC[:5] + b"\0", MAGIC, MAGIC + b"1, garbage"])
def test_a_journal_with_a_torn_first_line_is_begun_anew(path, data):
    path.write_bytes(data)
    with (
        pytest.warns(UserWarning, match="of line 1 were cut") if data else nullcontext(),
        open_journal(path, HEADER, CODEC) as journal,
    ):
        assert not journal.is_resumed
        write(journal)
    assert reopen(path) == (CANDIDATES, FOLDS)


def test_a_killed_search_is_resumed(path):
    code = (
        "import os, signal; from tests.journal.test_append_only_file import *\n"
        f"journal = open_journal({str(path)!r}, HEADER, CODEC); write(journal); os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert process.returncode == -signal.SIGKILL
    assert reopen(path) == (CANDIDATES, FOLDS)


# -- failures ------------------------------------------------------------------------------------------------


class Disk:
    """Replacement of system calls, which fails as given."""

    def __init__(self, monkeypatch, **failures):
        self.n_calls = dict.fromkeys(("write", "ftruncate", "fsync"), 0)
        self.failures = failures  # functions of the number and the arguments of a call, by its name
        for name in self.n_calls:
            monkeypatch.setattr(file_module.os, name, self._call(name, getattr(os, name)))

    def _call(self, name, call):
        def replacement(*args):
            if name == "write" and args[0] < 3:
                return call(*args)
            self.n_calls[name] += 1
            fail = self.failures.get(name)
            return (fail(self.n_calls[name], call, *args) if fail else None) or call(*args)

        return replacement


def check_that_writing_stops(path, meanwhile=lambda: None, **options):
    with open_journal(path, HEADER, CODEC, **options) as journal:
        meanwhile()
        write(journal)
        assert not journal.is_open
        journal.scored(FOLDS[0])
        journal.record_event("more")


def fails(code, n, n_bytes=0):
    """Fail from call number n on; write some bytes first, as a full disk does."""

    def fail(number, call, *args):
        if number == n and n_bytes:
            return call(args[0], args[1][:n_bytes])
        if number >= n:
            raise OSError(code, os.strerror(code))
        return None

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("n_bytes", [0, 7])
def test_a_search_continues_without_its_journal_if_writing_fails(path, monkeypatch, code, n, n_bytes):
    with monkeypatch.context() as patch:
        Disk(patch, write=fails(code, n, n_bytes))
        with pytest.warns(UserWarning, match="continues in memory") as caught:
            check_that_writing_stops(path)
    assert len(caught) == 1
    assert str(path) in str(caught[0].message)
    assert os.strerror(code) in str(caught[0].message)
    data = path.read_bytes()
    assert data.count(b"\n") == n - 1
    assert data == b"" or data.endswith(b"\n")
    with open_journal(path, HEADER, CODEC) as journal:  # no line is torn, and the file is not locked
        assert journal.folds == FOLDS[: max(0, n - 3)]


def test_a_torn_line_is_removed_when_the_search_is_resumed(path, monkeypatch):
    with monkeypatch.context() as patch:
        Disk(patch, write=fails(errno.ENOSPC, 4, 7), ftruncate=fails(errno.EIO, 1))
        with (
            pytest.warns(UserWarning, match="continues in memory"),
            open_journal(path, HEADER, CODEC) as journal,
        ):
            write(journal)
    with pytest.warns(UserWarning, match="7 bytes of line 4 were cut"):
        assert reopen(path) == (CANDIDATES, FOLDS[:1])


def test_writing_stops_if_a_torn_line_cannot_be_removed(path, monkeypatch):
    path.write_bytes(MAGIC)
    Disk(monkeypatch, ftruncate=fails(errno.EIO, 1))
    with (
        pytest.warns(UserWarning, match="continues in memory") as caught,
        open_journal(path, HEADER, CODEC) as journal,
    ):
        write(journal)
    assert len(caught) == 1
    assert path.read_bytes() == MAGIC


@pytest.mark.parametrize("n", [1, 2])
def test_writing_stops_if_a_sync_fails(path, monkeypatch, n):
    Disk(monkeypatch, fsync=fails(errno.EIO, n))
    with pytest.warns(UserWarning, match="continues in memory") as caught:
        check_that_writing_stops(path, clock=lambda: 0.0)  # a sync takes no time, so each line is synced
    assert len(caught) == 1


def test_partial_writes_are_completed(path, monkeypatch):
    Disk(monkeypatch, write=lambda number, call, fd, data: call(fd, data[:3]))
    with open_journal(path, HEADER, CODEC) as journal:
        write(journal)
    assert reopen(path) == (CANDIDATES, FOLDS)


def test_writing_stops_if_no_bytes_are_written(path, monkeypatch):
    monkeypatch.setattr(file_module.os, "write", lambda fd, data: 0)
    with pytest.warns(UserWarning, match="nothing was written"):
        open_journal(path, HEADER, CODEC).close()


def test_a_keyboard_interrupt_leaves_no_torn_line(path, monkeypatch):
    def interrupt(number, call, fd, data):
        if number == 4:
            call(fd, data[:5])
            raise KeyboardInterrupt
        return None

    with monkeypatch.context() as patch:
        Disk(patch, write=interrupt)
        with open_journal(path, HEADER, CODEC) as journal:
            journal.asked(CANDIDATES)
            journal.scored(FOLDS[0])
            with pytest.raises(KeyboardInterrupt):
                journal.scored(FOLDS[1])
            journal.scored(FOLDS[2])
    assert reopen(path) == (CANDIDATES, [FOLDS[0], FOLDS[2]])


@pytest.mark.skipif(os.name == "nt", reason="there a file that is open cannot be deleted")
@pytest.mark.parametrize("replace", [False, True])
def test_writing_stops_if_the_file_was_deleted(path, replace, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    delete = path.unlink if not replace else lambda: (tmp_path / "other").rename(path)
    with pytest.warns(
        UserWarning, match=r"search\.jsonl can no longer be written to \(it was deleted\)"
    ) as caught:
        check_that_writing_stops(path, delete, clock=count().__next__)
    assert len(caught) == 1
    assert path.read_bytes() == b"other" if replace else not path.exists()


def test_writing_stops_if_another_process_writes_to_the_file(path):
    with pytest.warns(UserWarning, match="something else has written to it"):
        check_that_writing_stops(
            path, lambda: path.write_bytes(path.read_bytes() + b"hello"), clock=count().__next__
        )
    assert path.read_bytes().endswith(b"hello")


def test_a_file_that_was_deleted_is_noticed_at_the_end(path):
    with (
        pytest.warns(UserWarning, match="it was deleted"),
        open_journal(path, HEADER, CODEC, clock=lambda: 0.0),
    ):
        path.unlink()


def test_paths_that_cannot_be_written_to_are_refused(path, tmp_path, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"journal= cannot be written to: .*is there such a folder.*missing"
    ):
        open_journal(tmp_path / "missing" / "search.jsonl", HEADER, CODEC)
    with pytest.raises(ValueError, match=f"journal= must be the path of a file, got '{tmp_path}'"):
        open_journal(tmp_path, HEADER, CODEC)
    with pytest.raises(TypeError):
        open_journal(3, HEADER, CODEC)
    for code, kind in [(errno.EACCES, PermissionError), (errno.EROFS, OSError), (errno.ENOSPC, OSError)]:
        monkeypatch.setattr(file_module.os, "open", fails(code, 0).__get__(1))
        with pytest.raises(kind, match=r"journal= cannot be written to: .*search\.jsonl"):
            open_journal(path, HEADER, CODEC)


# -- the disk ------------------------------------------------------------------------------------------------


def test_syncs_take_about_a_quarter_of_a_percent_of_the_time(path, monkeypatch):
    now, waited = [0.0], []

    def slow_fsync(number, call, fd):
        now[0] += 0.5
        waited.append(now[0])

    Disk(monkeypatch, fsync=slow_fsync)
    with open_journal(path, HEADER, CODEC, clock=lambda: now[0]) as journal:
        journal.asked(CANDIDATES)
        assert len(waited) == 1  # the first line, at once
        for _ in range(4000):
            now[0] += 1.0
            journal.scored(FOLDS[0])
        assert 0.0022 * now[0] < 0.5 * len(waited) < 0.0028 * now[0]
        before = len(waited)
    assert len(waited) == before + 1  # at the end, once more


# -- locks ---------------------------------------------------------------------------------------------------


def test_a_second_search_is_refused(path):
    with open_journal(path, HEADER, CODEC) as journal:
        write(journal)
        with pytest.raises(BlockingIOError, match=r"journal= is in use: another search .*search\.jsonl"):
            open_journal(path, HEADER, CODEC)
        path.read_bytes()  # reading and closing it does not end the lock
        code = (
            f"from tests.journal.test_append_only_file import *; open_journal({str(path)!r}, HEADER, CODEC)"
        )
        there = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "BlockingIOError" in there.stderr
    assert reopen(path) == (CANDIDATES, FOLDS)


def test_a_refused_file_is_not_kept_locked(path):
    with open_journal(path, HEADER, CODEC) as journal:
        write(journal)
    for _ in range(2):
        with pytest.raises(ValueError, match="another search"):
            open_journal(path, Header({"data": "Y"}, {}), CODEC)
    assert reopen(path) == (CANDIDATES, FOLDS)


def test_a_journal_is_unlocked_when_it_is_garbage_collected(path):
    journal = open_journal(path, HEADER, CODEC)
    write(journal)
    del journal
    gc.collect()
    assert reopen(path) == (CANDIDATES, FOLDS)


def test_after_closing_nothing_is_written(path):
    journal = open_journal(path, HEADER, CODEC)
    journal.close()
    before = path.read_bytes()
    journal.close()
    write(journal)
    assert path.read_bytes() == before


def test_a_file_system_without_locks_gives_a_warning(path, monkeypatch):
    def flock(fd, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", flock)
    with pytest.warns(UserWarning, match="cannot be locked \\(No locks available\\): make sure"):
        journal = open_journal(path, HEADER, CODEC)
    with journal:
        write(journal)
    monkeypatch.undo()
    assert reopen(path) == (CANDIDATES, FOLDS)


def in_child(function):
    """Run a function in a forked child, and return its exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of Python warn of forks beside threads
        child = os.fork()
    if child == 0:
        try:
            function()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_child_neither_writes_nor_keeps_nor_ends_the_lock(path):
    read_end, write_end = os.pipe()
    ready_read, ready_write = os.pipe()
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(CANDIDATES)

        def child():
            assert not journal.is_open
            journal.scored(FOLDS[0])
            journal.close()

        assert in_child(child) == 0
        with pytest.raises(BlockingIOError):  # the lock is still there
            open_journal(path, HEADER, CODEC)
        journal.scored(FOLDS[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            living = os.fork()
        if living == 0:
            os.write(ready_write, b"x")
            os.read(read_end, 1)
            os._exit(0)
        os.read(ready_read, 1)  # the child has closed the file by now
    try:
        assert reopen(path) == (CANDIDATES, FOLDS[1:2])  # while a child lives on
    finally:
        os.write(write_end, b"x")
        os.waitpid(living, 0)
        for end in (read_end, write_end, ready_read, ready_write):
            os.close(end)


# -- races ------------------------------------------------------------------------------------------


def test_only_eliminated_trials_are_written(path):
    skipped = tuple(FoldScore(0, split, None, state="skipped") for split in (1, 2))
    planned = Candidate(1, {"x": 1}, preset_folds=(FoldScore(1, 2, None, state="skipped"),))
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked([CANDIDATES[0], planned])
        before = path.read_bytes()
        journal.finished(Trial(CANDIDATES[1], tuple(FOLDS[3:])))
        journal.finished(Trial(planned, (FOLDS[3], FOLDS[4], planned.preset_folds[0])))
        assert path.read_bytes() == before
        journal.finished(Trial(CANDIDATES[0], (FOLDS[0], *skipped)))
        assert path.read_bytes()[len(before) :].startswith(b'{"finished": 0, "n_folds": 1, "time": ')
