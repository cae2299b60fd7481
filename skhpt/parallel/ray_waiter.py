"""Waiting for streams of Ray in a thread of its own.

If Ray is shut down by another thread, `ray.wait` may never return. The thread of the search therefore waits
in Python, where it can see that, and Ctrl-C reaches it at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

#: Seconds between two looks at whether Ray was shut down.
CHECK_SECONDS = 0.5
#: What `ray.wait` has returned, or the exception that it has raised.
Reply = tuple[Any, BaseException | None]


class StreamWaiter:
    """Waits for streams of Ray.

    Parameters
    ----------
    wait : callable
        `ray.wait`.
    check : callable
        Raises an exception if Ray was shut down.
    """

    def __init__(self, wait: Callable[..., tuple[list[Any], list[Any]]], check: Callable[[], None]):
        self._wait = wait
        self._check = check
        self._requests: SimpleQueue[Any] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def wait(self, streams: list[Any], seconds: float) -> tuple[list[Any], list[Any]]:
        """Wait until a stream is ready, no longer than so many seconds; return the ready ones and the others."""
        ready, others = self._wait(streams, timeout=0)
        if ready or seconds <= 0:
            return ready, others
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self._wait, self._requests), daemon=True)
            self._thread.start()
        replies: SimpleQueue[Any] = SimpleQueue()
        end = time.monotonic() + seconds
        self._requests.put((streams, end, replies))
        return self._reply(replies)

    def close(self) -> None:
        """End the thread, as soon as it has nothing to wait for."""
        self._requests.put(None)
        self._thread = None

    def _reply(self, replies: SimpleQueue[Any]) -> tuple[list[Any], list[Any]]:
        while True:
            try:
                found, error = replies.get(timeout=CHECK_SECONDS)
            except Empty:
                self._check()
                continue
            if error is not None:
                raise error
            return found[0], found[1]


def _serve(wait: Callable[..., Any], requests: SimpleQueue[Any]) -> None:
    """Answer requests until one of them is None."""
    while (request := requests.get()) is not None:
        streams, end, replies = request
        reply: Reply
        try:
            reply = wait(streams, timeout=max(0.0, end - time.monotonic())), None
        except BaseException as error:  # Ray raises SystemExit when it is shut down
            reply = None, error
        replies.put(reply)
        del streams, request, replies, reply  # a reference keeps a task of Ray alive
