"""Locks that readers probe, and the state of a search where files cannot be locked."""

import errno
import os
import socket
import subprocess
import sys
import threading

import pytest

from skhpt.journal import append_only_file as file_module
from skhpt.journal import is_journal, open_journal, read_journal
from skhpt.journal.append_only_file import AppendOnlyFile, is_locked
from skhpt.journal.liveness import MAX_SILENCE, state_of
from tests.journal.examples import CODEC, HEADER, candidates, write

HERE = {"host": socket.gethostname(), "pid": os.getpid()}


def test_a_file_is_locked_while_it_is_open_for_writing(path):
    path.touch()
    assert is_locked(str(path)) is False
    file = AppendOnlyFile(str(path))
    assert is_locked(str(path)) is True
    file.close()
    assert is_locked(str(path)) is False


def test_a_probe_does_not_unlock_a_file(path):
    with open_journal(path, HEADER, CODEC):
        assert is_locked(str(path))
        with pytest.raises(BlockingIOError):
            AppendOnlyFile(str(path))


@pytest.mark.skipif(os.name == "nt", reason="there are no shared locks")
def test_a_search_begins_although_a_reader_probes_the_lock_at_that_moment(path):
    import fcntl

    path.touch()
    fd = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    assert is_locked(str(path)) is False  # another probe
    threading.Timer(0.05, os.close, [fd]).start()
    AppendOnlyFile(str(path)).close()


def test_a_reader_needs_no_permission_to_write(path):
    write(path)
    path.chmod(0o444)
    assert is_locked(str(path)) is False
    assert read_journal(path).state == "dead"


def test_a_file_system_that_cannot_lock_is_not_known_to_be_locked(path, monkeypatch):
    def refuse(fd):
        raise OSError(errno.ENOLCK, "no locks")

    path.touch()
    monkeypatch.setattr(file_module, "_probe", refuse)
    assert is_locked(str(path)) is None


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_lock_tells_the_state(is_ended):
    options = {"is_ended": is_ended, "process": HERE, "last_time": 0.0}
    assert state_of(True, **options) == "running"
    assert state_of(False, **options) == ("ended" if is_ended else "dead")


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    "process, silence, expected",
    [
        (HERE, 10 * MAX_SILENCE, "running"),
        ({"host": "elsewhere", "pid": 1}, 1.0, "running"),
        ({"host": "elsewhere", "pid": 1}, MAX_SILENCE + 1, "dead"),
        ({}, 1.0, "running"),
        ({}, MAX_SILENCE + 1, "dead"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="processes cannot be probed")
def test_without_locks_the_process_or_the_last_line_tells_the_state(process, silence, expected):
    clock = lambda: 1000.0 + silence  # noqa: E731
    assert state_of(None, is_ended=False, process=process, last_time=1000.0, clock=clock) == expected
    assert state_of(None, is_ended=True, process=process, last_time=1000.0, clock=clock) == "ended"


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be probed")
def test_without_locks_a_search_whose_process_has_ended_is_dead():
    process = HERE | {"pid": ended_process()}
    assert state_of(None, is_ended=False, process=process, last_time=1e12) == "dead"


def test_a_line_after_the_end_means_that_the_search_went_on(path):
    states = []
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1))
        journal.end("completed")
    states.append(read_journal(path).stop_reason)
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked(candidates(1, first=1))
    states.append(read_journal(path).state)
    assert states == ["completed", "dead"]


def test_a_journal_is_recognised_by_its_first_bytes(path):
    write(path)
    assert is_journal(path)
    for data in (b"", b"a,b\n", b'{"journal": "other"}\n'):
        path.write_bytes(data)
        assert not is_journal(path)
