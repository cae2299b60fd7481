"""Temporary files: only their owner can read them, and nothing that another user has planted is unpickled."""

import os
import pickle
import stat
from pathlib import Path

import pytest

from skhpt.fitting.checkpoints import CheckpointKey, OnDisk, TaskCheckpoints
from skhpt.parallel import private_files
from skhpt.parallel.channels import FileInbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="has no such permissions")


@pytest.fixture(autouse=True)
def nothing_is_masked():
    """Set the umask that protects nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_messages_and_checkpoints_can_be_read_by_their_owner_only(tmp_path):
    inbox = FileInbox(tmp_path / "inbox")
    inbox.folder.mkdir()
    inbox.channel(3).send("item")
    assert mode(tmp_path / "inbox" / "3") == 0o600
    assert inbox.read() == {3: ["item"]}
    store = OnDisk(str(tmp_path))
    store.put(CheckpointKey(0, 1), b"data")
    (path,) = tmp_path.glob("*.pickle")
    assert mode(path) == 0o600
    assert store.get(CheckpointKey(0, 1)) == b"data"


def plant_link(path, content):
    path.with_name("elsewhere").write_bytes(content)
    path.symlink_to(path.with_name("elsewhere"))


def plant_pipe(path, content):
    os.mkfifo(path)


def plant_file_of_another_user(path, content):
    path.write_bytes(content)


@pytest.mark.parametrize("plant", [plant_link, plant_pipe, plant_file_of_another_user])
def test_what_another_user_has_planted_is_not_unpickled(plant, tmp_path, monkeypatch):
    trap = pickle.dumps(Trap(tmp_path / "sprung"))
    folder = tmp_path / "inbox"
    folder.mkdir()
    if plant is plant_file_of_another_user:
        monkeypatch.setattr(private_files, "owner_of", lambda folder: os.geteuid() + 1)
    inbox = FileInbox(folder)
    plant(folder / "7", trap)
    assert inbox.read() == {}
    checkpoints = TaskCheckpoints(OnDisk(str(tmp_path)))
    plant(tmp_path / "0-1.pickle", trap)
    assert checkpoints.load(CheckpointKey(0, 1)) is None
    assert not (tmp_path / "sprung").exists()


def test_nothing_is_written_through_a_link(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "7").symlink_to(victim)
    inbox = FileInbox(folder)
    inbox.channel(7).send("item")  # comes with the result of the task instead
    assert victim.read_bytes() == b"mine"
    assert inbox.read() == {}


def test_a_file_with_another_name_is_ignored(tmp_path):
    inbox = FileInbox(tmp_path)
    (tmp_path / "notes.txt").write_bytes(b"hello")
    inbox.channel(1).send("item")
    assert inbox.read() == {1: ["item"]}
