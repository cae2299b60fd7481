"""Inboxes: items arrive once and in order, whole or not at all."""

import pickle
import shutil

import pytest

from skhpt.parallel.channels import FileInbox, NullInbox, TaskFailure, ThreadInbox, is_remote, text_of, work
from tests.estimators import EXCEPTIONS, HasNoText, NeedsArguments


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


# -- exceptions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_of_any_kind_is_an_output(name):
    def task():
        yield 1
        raise EXCEPTIONS[name]()

    inbox = ThreadInbox()
    output = work(task, inbox.channel(1))
    assert inbox.read() == {1: [1]}
    assert type(output.error) is type(EXCEPTIONS[name]())
    assert not is_remote(output.error)


def sent(error):
    """Return an exception as it arrives in another process."""
    try:
        raise error
    except BaseException as raised:
        return pickle.loads(pickle.dumps(TaskFailure(raised))).error


@pytest.mark.parametrize(
    "error",
    [ArithmeticError("no"), SystemExit(3), KeyboardInterrupt(), StopIteration(4), HasNoText()],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_arrives_with_its_traceback(error):
    received = sent(error)
    assert (type(received), received.args) == (type(error), error.args)
    assert is_remote(received)
    assert "raise error" in str(received.__cause__)


def test_an_exception_arrives_although_its_constructor_needs_more_than_its_message():
    received = sent(NeedsArguments("no luck", "fit"))
    assert isinstance(received, NeedsArguments)
    assert (str(received), received.where) == ("no luck in fit", "fit")


class HoldsBuffer(OSError):
    def __init__(self):
        super().__init__("no file")
        self.buffer = memoryview(b"abc")


class HoldsGenerator(KeyboardInterrupt):
    def __init__(self):
        self.generator = (x for x in "abc")

    def __str__(self):
        return "no more"


@pytest.mark.parametrize(
    "error, kind",
    [(EXCEPTIONS["lock"](), ValueError), (HoldsBuffer(), OSError), (HoldsGenerator(), RuntimeError),
     (EXCEPTIONS["harm"](), Exception)],
    ids=["lock", "buffer", "generator", "harm"],
)  # fmt: skip
def test_in_place_of_an_exception_that_cannot_be_pickled_its_name_and_traceback_arrive(error, kind):
    received = sent(error)
    assert isinstance(received, kind)
    if type(received) is kind:
        assert type(error).__name__ in str(received)
    assert "raise error" in str(received.__cause__)


def test_the_text_of_an_exception_whose_own_text_fails():
    class Mute(Exception):
        def __str__(self):
            raise SystemExit

        __repr__ = __str__

    assert "Mute" in text_of(Mute())
