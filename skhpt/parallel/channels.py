"""Channels: the items that a task yields, on their way from its worker to this process.

A task is a generator function. The items that it yields reach this process at once, if both are on the same
machine; the value that it returns comes at the end. So results that are ready survive the end of their
worker.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

#: A generator function that workers run.
Task = Callable[..., Generator[Any, None, Any]]


class Begun(NamedTuple):
    """Item that a task yields before each part of its work.

    Attributes
    ----------
    candidate : int
        Id of the part: the candidate that is about to be fitted.
    at : float
        Monotonic time in seconds, which is the same in all processes.
    """

    candidate: int
    at: float


@dataclass(frozen=True)
class TaskUpdate:
    """Everything that is new about a task.

    Attributes
    ----------
    task_id : int
        The task.
    items : list
        The items that it has yielded since the last update.
    is_done : bool
        Whether this is the last update: the task has returned, raised an error or lost its worker.
    result : object
        The value that it has returned.
    error : BaseException or None
        The error that it has raised.
    lost : {"", "crashed", "timeout", "cancelled"}
        How it has lost its worker: not at all; the worker died; the worker was killed because a fit took too
        long; or the task was cancelled because a worker died that may have run another task.
    n_deaths : int
        Workers that died of this task, if no other task was running; 0 if one was.
    """

    task_id: int
    items: list[Any] = field(default_factory=list)
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None
    lost: Literal["", "crashed", "timeout", "cancelled"] = ""
    n_deaths: int = 0


class Channel(Protocol):
    """The worker's end of a channel: it takes the items that a task yields."""

    def send(self, item: Any) -> None:
        """Send an item."""
        ...


class Inbox(Protocol):
    """The end of all channels in the process that reads them."""

    def channel(self, task_id: int) -> Channel:
        """Open the channel of a task."""
        ...

    def read(self) -> dict[int, list[Any]]:
        """Return the items that tasks have sent since the last time."""
        ...

    def forget(self, task_id: int) -> None:
        """Close the channel of a task that is done."""
        ...


class NullInbox:
    """Inbox for workers on other machines, which reads nothing: items come with the result of the task."""

    def channel(self, task_id: int) -> Channel:
        return _NullChannel()

    def read(self) -> dict[int, list[Any]]:
        return {}

    def forget(self, task_id: int) -> None:
        pass


class _NullChannel:
    def send(self, item: Any) -> None:
        pass


class ThreadInbox:
    """Inbox for workers that are threads of this process."""

    def __init__(self) -> None:
        self._channels: dict[int, _ListChannel] = {}

    def channel(self, task_id: int) -> Channel:
        return self._channels.setdefault(task_id, _ListChannel())

    def read(self) -> dict[int, list[Any]]:
        items_of = {task_id: channel.take() for task_id, channel in self._channels.items()}
        return {task_id: items for task_id, items in items_of.items() if items}

    def forget(self, task_id: int) -> None:
        self._channels.pop(task_id, None)


class _ListChannel:
    def __init__(self) -> None:
        self._items: list[Any] = []
        self._n_taken = 0

    def send(self, item: Any) -> None:
        self._items.append(item)

    def take(self) -> list[Any]:
        """Return the items that are new; without a lock, because the list only grows."""
        items = self._items[self._n_taken :]
        self._n_taken += len(items)
        return items


class FileInbox:
    """Inbox for worker processes on this machine: one file for each task, which survives the worker that writes it.

    Parameters
    ----------
    folder : path
        An existing folder that only this search uses.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._offsets: dict[int, int] = {}  # by task id: bytes that were read

    def channel(self, task_id: int) -> Channel:
        return _FileChannel(str(self.folder / str(task_id)))

    def read(self) -> dict[int, list[Any]]:
        items_of = {}
        with suppress(FileNotFoundError):  # of the folder, if another program has removed it
            for entry in os.scandir(self.folder):
                if items := self._read_file(entry):
                    items_of[int(entry.name)] = items
        return items_of

    def _read_file(self, entry: os.DirEntry[str]) -> list[Any]:
        task_id = int(entry.name)
        offset = self._offsets.get(task_id, 0)
        if entry.stat().st_size <= offset:
            return []
        items = []
        with open(entry.path, "rb") as file:
            file.seek(offset)
            # The last item is still being written.
            with suppress(EOFError, pickle.UnpicklingError, AttributeError):
                while True:
                    items.append(pickle.load(file))
                    self._offsets[task_id] = file.tell()
        return items

    def forget(self, task_id: int) -> None:
        self._offsets.pop(task_id, None)
        (self.folder / str(task_id)).unlink(missing_ok=True)


class _FileChannel:
    def __init__(self, path: str):
        self.path = path

    def send(self, item: Any) -> None:
        # If the disk is full, the item comes with the result of the task.
        with suppress(OSError), open(self.path, "ab", buffering=0) as file:
            file.write(pickle.dumps(item, protocol=5))


def work(task: Task, channel: Channel, *args: Any) -> Any:
    """Run a task to its end and send the items that it yields. This is the function that workers run."""
    with _without_interrupts() if isinstance(channel, _FileChannel) else nullcontext():
        steps = task(*args)
        while True:
            try:
                item = next(steps)
            except StopIteration as end:
                return end.value
            channel.send(item)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C, which a terminal sends to all processes: the main process decides about the workers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
