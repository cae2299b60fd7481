"""Inboxes: items arrive once and in order, whole or not at all."""

import pickle
import shutil

import pytest

from skhpt.parallel.channels import FileInbox, NullInbox, ThreadInbox, work


@pytest.fixture(params=["threads", "files"])
def inbox(request, tmp_path):
    return ThreadInbox() if request.param == "threads" else FileInbox(tmp_path)


def test_items_arrive_once_and_in_order(inbox):
    first, second = inbox.channel(1), inbox.channel(2)
    first.send("a")
    first.send({"b": 2})
    assert inbox.read() == {1: ["a", {"b": 2}]}
    second.send("c")
    first.send("d")
    assert inbox.read() == {1: ["d"], 2: ["c"]}
    assert inbox.read() == {}


def test_a_task_that_is_done_is_forgotten(inbox):
    inbox.channel(1).send("a")
    inbox.forget(1)
    assert inbox.read() == {}
    inbox.forget(1)
    inbox.channel(1).send("b")
    assert inbox.read() == {1: ["b"]}


def test_an_item_that_is_being_written_arrives_when_it_is_complete(tmp_path):
    inbox = FileInbox(tmp_path)
    inbox.channel(7).send("a")
    data = pickle.dumps(["b"] * 100)
    with open(tmp_path / "7", "ab") as file:
        file.write(data[:50])
        file.flush()
        assert inbox.read() == {7: ["a"]}
        assert inbox.read() == {}
        file.write(data[50:])
    assert inbox.read() == {7: [["b"] * 100]}


def test_a_folder_that_was_removed_loses_items_without_an_error(tmp_path):
    inbox = FileInbox(tmp_path / "inbox")
    inbox.folder.mkdir()
    channel = inbox.channel(1)
    shutil.rmtree(inbox.folder)
    channel.send("a")
    assert inbox.read() == {}


def test_work_sends_items_and_returns_the_result(inbox):
    def task(x):
        yield x
        yield x + 1
        return x * x

    assert work(task, inbox.channel(1), 3) == 9
    assert inbox.read() == {1: [3, 4]}
    assert work(task, NullInbox().channel(1), 3) == 9
    assert NullInbox().read() == {}
