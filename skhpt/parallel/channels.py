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
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from skhpt.parallel import _joblib, private_files

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
    worker : str
        Name of the worker; empty if it is not known.
    """

    candidate: int
    at: float
    worker: str = ""


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
        The exception that it has raised.
    lost : {"", "crashed", "timeout", "cancelled", "preempted"}
        How it has lost its worker: not at all; the worker died; the worker was killed because a fit took too
        long; the task was cancelled because a worker died that may have run another task; or the worker is
        gone for a reason other than the task, or it is not known which candidate of the task was the cause.
    n_deaths : int
        Workers that died of this task, if no other task was running; 0 if one was.
    may_lack_items : bool
        Whether the worker may have sent more items before it was lost, so that the last one may not say which
        part of the task it was working on.
    """

    task_id: int
    items: list[Any] = field(default_factory=list)
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None
    lost: Literal["", "crashed", "timeout", "cancelled", "preempted"] = ""
    n_deaths: int = 0
    may_lack_items: bool = False

    @classmethod
    def last(cls, task_id: int, items: list[Any], output: Any) -> TaskUpdate:
        """Return the last update of a task, for which `work` has returned an output."""
        if isinstance(output, TaskFailure):
            return cls(task_id, items, is_done=True, error=output.error)
        return cls(task_id, items, is_done=True, result=output)


class RemoteTraceback(Exception):
    """Traceback of an exception in another process, which is the cause of the exception in this process."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class TaskFailure:
    """Output of a task that has raised an exception: a value, so that no backend has to deal with exceptions.

    Any exception can be sent to another process. If it cannot be pickled, or if the copy cannot be made
    there, an exception of the built-in class that it is derived from arrives in its place, with its name and
    traceback.

    Parameters
    ----------
    error : BaseException
        The exception.
    """

    def __init__(self, error: BaseException):
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        error = self.error
        # The parts are for a class that cannot be called with the arguments of `Exception.__init__`.
        parts = (type(error), error.args, vars(error))
        return _receive_failure, (_pickled(error), _pickled(parts), _built_in_base(error), text_of(error))


def is_remote(error: BaseException) -> bool:
    """Tell whether an exception was raised in another process."""
    return isinstance(error.__cause__, RemoteTraceback)


def _receive_failure(whole: bytes, parts: bytes, base: type[Exception], text: str) -> TaskFailure:
    """Return the failure of a task in another process."""
    error = _unpickled(whole) or _assembled(parts)
    if error is None:
        last_line = text.rstrip().rpartition("\n")[2]
        error = base(
            f"{last_line}\n\nThis stands for an exception that cannot be pickled. Its traceback:\n{text}"
        )
    error.__cause__ = RemoteTraceback(text)
    return TaskFailure(error)


def _pickled(value: Any) -> bytes:
    """Return a value as bytes; no bytes if it cannot be pickled."""
    try:
        return bytes(_joblib.dumps(value))
    except BaseException:  # of the user's ``__reduce__``
        return b""


def _unpickled(data: bytes) -> BaseException | None:
    try:
        error = pickle.loads(data)
    except BaseException:  # of the user's ``__init__``
        return None
    return error if isinstance(error, BaseException) else None


def _assembled(data: bytes) -> BaseException | None:
    """Return an exception that is made of its class, its arguments and its attributes, without ``__init__``."""
    try:
        kind, args, attributes = pickle.loads(data)
        error: BaseException = kind.__new__(kind)
        error.args = args
        error.__dict__.update(attributes)
    except BaseException:
        return None
    return error


def _built_in_base(error: BaseException) -> type[Exception]:
    """Return the built-in class that an exception is derived from, if its exceptions consist of a message."""
    base = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
    with suppress(TypeError):
        if issubclass(base, Exception) and str(base("message")) == "message":
            return base
    return RuntimeError


def text_of(error: BaseException) -> str:
    """Return the traceback of an exception, even if its own ``__str__`` fails."""
    with suppress(Exception):
        return "".join(traceback.format_exception(error))
    return f"{type(error).__qualname__}: <its text cannot be printed>\n"


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
        self._owner: int | None = None  # of the folder, which may be created later

    def channel(self, task_id: int) -> Channel:
        return _FileChannel(str(self.folder / str(task_id)))

    def read(self) -> dict[int, list[Any]]:
        items_of = {}
        with suppress(FileNotFoundError):  # of the folder, if another program has removed it
            for entry in os.scandir(self.folder):
                if entry.name.isdecimal() and (items := self._read_file(entry)):
                    items_of[int(entry.name)] = items
        return items_of

    def _read_file(self, entry: os.DirEntry[str]) -> list[Any]:
        task_id = int(entry.name)
        offset = self._offsets.get(task_id, 0)
        if entry.stat(follow_symlinks=False).st_size <= offset:
            return []
        if self._owner is None:
            self._owner = private_files.owner_of(self.folder)
        try:
            file = private_files.open_to_read(entry.path, self._owner)
        except OSError:  # nothing of another user is unpickled; the items come with the result of the task
            return []
        items = []
        with file:
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
        with suppress(OSError), private_files.open_to_append(self.path, buffering=0) as file:
            file.write(pickle.dumps(item, protocol=5))


def work(task: Task, channel: Channel, *args: Any) -> Any:
    """Run a task to its end and send the items that it yields. This is the function that workers run.

    Returns
    -------
    output : object
        The value that the task returns; a `TaskFailure` if it raises an exception of whatever kind.
    """
    with _without_interrupts() if isinstance(channel, _FileChannel) else nullcontext():
        steps = task(*args)
        try:
            while True:
                try:
                    item = next(steps)
                except StopIteration as end:
                    return end.value
                channel.send(item)
        except BaseException as error:
            return TaskFailure(raised_by_task(error))


def raised_by_task(error: BaseException) -> BaseException:
    """Return the exception that the code of a task has raised: a generator turns `StopIteration` into another one."""
    is_turned = type(error) is RuntimeError and isinstance(error.__cause__, StopIteration)
    return error.__cause__ if is_turned and error.__cause__ is not None else error


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
