"""Waiting for streams of Ray in a thread of its own, without Ray."""

import threading
from functools import partial

import pytest

from skhpt.parallel.ray_waiter import StreamWaiter

SECONDS = 60.0


@pytest.fixture
def open_waiter():
    waiters = []

    def open_waiter(wait, check=lambda: None):
        waiters.append(StreamWaiter(wait, check))
        return waiters[-1]

    yield open_waiter
    for waiter in waiters:
        waiter.close()


def test_streams_that_are_ready_are_returned_by_the_thread_of_the_search(open_waiter):
    threads = []

    def wait(streams, timeout):
        threads.append(threading.current_thread())
        return streams[:1], streams[1:]

    assert open_waiter(wait).wait(["a", "b"], SECONDS) == (["a"], ["b"])
    assert threads == [threading.current_thread()]


def test_others_are_waited_for_in_another_thread(open_waiter):
    def wait(streams, timeout):
        return (streams, []) if timeout else ([], streams)

    waiter = open_waiter(wait)
    for _ in range(3):
        assert waiter.wait(["a"], SECONDS) == (["a"], [])
    assert waiter.wait(["a"], 0.0) == ([], ["a"])


def test_a_shutdown_is_seen_although_ray_never_returns(open_waiter):
    blocked = threading.Event()

    def wait(streams, timeout):
        if timeout:
            blocked.wait(SECONDS)
        return [], streams

    def check():
        raise ConnectionError("shut down")

    with pytest.raises(ConnectionError, match="shut down"):
        open_waiter(wait, check).wait(["a"], SECONDS)
    blocked.set()


@pytest.mark.parametrize("kind", [SystemExit, RuntimeError])
def test_errors_are_raised_by_the_thread_of_the_search(open_waiter, kind):
    def wait(error, streams, timeout):
        if timeout:
            raise error
        return [], streams

    waiter = open_waiter(partial(wait, kind("gone")))
    for _ in range(2):
        with pytest.raises(kind, match="gone"):
            waiter.wait(["a"], SECONDS)
