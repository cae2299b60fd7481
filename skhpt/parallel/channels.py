"""What workers say while they are at a task, and what this process makes of it.

A task is a generator function: what it yields reaches this process at once, wherever both run on one machine, and what
it returns comes at the end. So folds that are done survive whatever happens to the rest of their task.
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

#: A generator function: the task that workers run.
Task = Callable[..., Generator[Any, None, Any]]


class Begun(NamedTuple):
    """A candidate is about to be fitted; `at` is the monotonic time, which is the same in all processes."""

    candidate: int
    at: float


@dataclass(frozen=True)
class TaskUpdate:
    """What is new of a task.

    Attributes
    ----------
    task_id : int
        The task.
    items : list
        What it has yielded since the last news.
    is_done : bool
        Whether this is the last one can hear of it: it has returned, raised an error or lost its worker.
    result : object
        What it has returned.
    error : BaseException or None
        What it has raised.
    lost : {"", "crashed", "timeout", "cancelled"}
        What became of its worker: nothing, it died, it was killed after too long a fit, or it may as well have been
        another one that died: one with what this task needs, or with which it had to wait.
    n_deaths : int
        Workers that died of this task, if no other was under way; 0 if one was.
    """

    task_id: int
    items: list[Any] = field(default_factory=list)
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None
    lost: Literal["", "crashed", "timeout", "cancelled"] = ""
    n_deaths: int = 0


class Channel(Protocol):
    """The worker's end: takes what a task yields."""

    def send(self, item: Any) -> None: ...


class Inbox(Protocol):
    """The end of all channels in the process that reads them."""

    def channel(self, task_id: int) -> Channel: ...

    def read(self) -> dict[int, list[Any]]:
        """Return what tasks have sent since the last time."""
        ...

    def forget(self, task_id: int) -> None:
        """Close the channel of a task that is done."""
        ...


class NullInbox:
    """For workers on other machines: what they yield comes with what they return."""

    def channel(self, task_id: int) -> Channel:
        return _Silence()

    def read(self) -> dict[int, list[Any]]:
        return {}

    def forget(self, task_id: int) -> None:
        pass


class _Silence:
    def send(self, item: Any) -> None:
        pass


class ThreadInbox:
    """For workers that are threads of this process."""

    def __init__(self) -> None:
        self._lists: dict[int, _List] = {}

    def channel(self, task_id: int) -> Channel:
        return self._lists.setdefault(task_id, _List())

    def read(self) -> dict[int, list[Any]]:
        taken = {task_id: one.take() for task_id, one in self._lists.items()}
        return {task_id: items for task_id, items in taken.items() if items}

    def forget(self, task_id: int) -> None:
        self._lists.pop(task_id, None)


class _List:
    def __init__(self) -> None:
        self._items: list[Any] = []
        self._n_taken = 0

    def send(self, item: Any) -> None:
        self._items.append(item)

    def take(self) -> list[Any]:
        items = self._items[self._n_taken :]
        self._n_taken += len(items)
        return items


class FileInbox:
    """For worker processes on this machine: one file for each task, which survives the worker that writes it.

    Parameters
    ----------
    folder : path
        An existing folder of this search's own.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._offsets: dict[int, int] = {}

    def channel(self, task_id: int) -> Channel:
        return _File(str(self.folder / str(task_id)))

    def read(self) -> dict[int, list[Any]]:
        with suppress(FileNotFoundError):  # the folder, if somebody tidied up behind our back
            taken = {int(entry.name): self._read_one(entry) for entry in os.scandir(self.folder)}
            return {task_id: items for task_id, items in taken.items() if items}
        return {}

    def _read_one(self, entry: os.DirEntry[str]) -> list[Any]:
        offset = self._offsets.setdefault(int(entry.name), 0)
        if entry.stat().st_size <= offset:
            return []
        items = []
        with open(entry.path, "rb") as file:
            file.seek(offset)
            with suppress(EOFError, pickle.UnpicklingError, AttributeError):  # the last one is not written to its end
                while True:
                    items.append(pickle.load(file))
                    self._offsets[int(entry.name)] = file.tell()
        return items

    def forget(self, task_id: int) -> None:
        self._offsets.pop(task_id, None)
        (self.folder / str(task_id)).unlink(missing_ok=True)


class _File:
    def __init__(self, path: str):
        self.path = path

    def send(self, item: Any) -> None:
        with suppress(OSError), open(self.path, "ab", buffering=0) as file:  # a full disk costs the early news only
            file.write(pickle.dumps(item, protocol=5))


def work(task: Task, channel: Channel, *args: Any) -> Any:
    """Run a task to its end. This is what workers do."""
    with _deaf_to_interrupts() if isinstance(channel, _File) else nullcontext():
        steps = task(*args)
        while True:
            try:
                item = next(steps)
            except StopIteration as end:
                return end.value
            channel.send(item)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C, which a terminal sends to all processes: the one that reads decides what comes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
