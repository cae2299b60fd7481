"""Temporary folders: only their owner has access, and those of processes that are gone are removed."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from skhpt.parallel import folders
from skhpt.parallel.folders import make_folder, remove_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="nothing is removed there")

PROGRAM = "from skhpt.parallel.folders import make_folder; print(make_folder())"


@pytest.fixture(autouse=True)
def parent(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folders._remove_left_behind.cache_clear()
    return tmp_path


def left_behind():
    """Return the folder of a process that has ended."""
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    ).stdout
    return Path(output.strip())


def test_only_the_owner_has_access():
    folder = Path(make_folder())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    remove_folder(str(folder))
    assert not folder.exists()


def test_the_folder_of_a_process_that_is_gone_is_removed_with_its_files(parent):
    old = left_behind()
    (old / "a").mkdir()
    (old / "a" / "b").write_text("c")
    folder = make_folder()
    assert os.listdir(parent) == [Path(folder).name]


def test_folders_of_others_stay(parent):
    own = Path(make_folder())
    folders._remove_left_behind.cache_clear()
    prefix, machine, pid, time, _ = own.name.split("-")
    others = [
        f"{prefix}-{'0' * 8}-{pid}1-{time}-a",  # of another machine
        "skhpt-a1b2c3d4",  # of somebody who does not say who
        "skhpt-results",
        f"skhpt-{machine}-none-{time}-a",
    ]
    for name in others:
        (parent / name).mkdir()
    (parent / f"{prefix}-{machine}-{pid}-0-link").symlink_to(parent / "skhpt-results")
    make_folder()
    assert own.exists()
    assert all((parent / name).exists() for name in others)


def test_the_folder_of_an_earlier_process_with_the_same_id_is_removed(parent):
    prefix, machine, pid, time, rest = Path(make_folder()).name.split("-")
    if not time:
        pytest.skip("start times are not known")
    folders._remove_left_behind.cache_clear()
    old = parent / f"{prefix}-{machine}-{pid}-{int(time) - 1}-{rest}"
    old.mkdir()
    make_folder()
    assert not old.exists()
