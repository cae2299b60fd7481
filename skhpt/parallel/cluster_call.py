"""A call of a task on a worker of a cluster: what is sent, how the worker runs it, and what comes back."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from skhpt._compat import bind_context
from skhpt.parallel import _joblib
from skhpt.parallel.channels import Channel, Task, TaskFailure, raised_by_task
from skhpt.parallel.shared_values import SharedValue, ValueLostError, value_cache
from skhpt.parallel.versions import describe_difference, own_versions


class VersionError(RuntimeError):
    """A worker has other versions of packages than the process of the search."""


class Call(NamedTuple):
    """A call of a task. It is a tuple of simple values, which a worker with other versions can read too.

    Attributes
    ----------
    versions : dict of str to str
        Versions of packages in the process of the search.
    payload : bytes
        The pickled function and arguments.
    tokens : tuple of str
        Names of the shared values among the arguments.
    """

    versions: dict[str, str]
    payload: bytes
    tokens: tuple[str, ...] = ()


class Output(NamedTuple):
    """What a worker returns for a call.

    Attributes
    ----------
    result : object
        The value that the task returned; a `TaskFailure` if it raised an exception.
    seconds : float
        Duration of the call.
    idle_seconds : float or None
        Time for which the worker had nothing to do before the call; None for its first call. While tasks are
        queued, this is what a task costs on the engine beyond the work in it.
    is_value_lost : bool
        Whether the call could not begin, because a shared value is lost.
    missing : tuple of str
        Tokens of all shared values of the call that the process did not have then.
    """

    result: Any
    seconds: float = 0.0
    idle_seconds: float | None = None
    is_value_lost: bool = False
    missing: tuple[str, ...] = ()


def make_call(versions: dict[str, str], function: Task, args: Sequence[Any]) -> Call:
    """Return the call of a task; large arguments are `SharedValue` objects."""
    payload = bytes(_joblib.dumps((bind_context(_advance), function, list(args))))
    return Call(versions, payload, tuple(arg.token for arg in args if isinstance(arg, SharedValue)))


def run_call(call: Call, channel: Channel, load: Callable[[SharedValue], Any]) -> Output:
    """Run a call in a worker.

    Parameters
    ----------
    call : Call
        The call.
    channel : Channel
        Takes the items that the task yields.
    load : callable
        ``load(shared)`` returns a shared value that this process does not have yet. It raises
        `ValueLostError` if the engine has lost the value.
    """
    steps = stream_call(call, load)
    while True:
        try:
            item = next(steps)
        except StopIteration as end:
            output: Output = end.value
            return output
        channel.send(item)


def stream_call(call: Call, load: Callable[[SharedValue], Any]) -> Generator[Any, None, Output]:
    """Run a call in a worker, as `run_call` does: a generator of the items that the task yields."""
    start = time.monotonic()
    idle_seconds = None if _last.end is None else start - _last.end
    try:
        if difference := describe_difference(call.versions, own_versions()):
            return Output(TaskFailure(VersionError(f"a worker has other versions: {difference}")))
        try:
            advance, function, args = pickle.loads(call.payload)
            with value_cache.resolved(args, load) as values:
                result = yield from _run_task(advance, function(*values))
        except ValueLostError:
            shared = [arg for arg in args if isinstance(arg, SharedValue)]
            missing = [value.token for value in shared if value.token not in value_cache]
            return Output(None, is_value_lost=True, missing=tuple(missing))
        except GeneratorExit:  # of this generator: an exception of the task is a value
            raise
        except BaseException as error:  # the arguments cannot be read here
            result = TaskFailure(error)
        return Output(result, time.monotonic() - start, idle_seconds)
    finally:
        _last.end = time.monotonic()


def _run_task(
    advance: Callable[..., tuple[bool, Any]], steps: Generator[Any, None, Any]
) -> Generator[Any, None, Any]:
    """Yield the items of a task, and return its result or a `TaskFailure`, both in the context of the search."""
    while True:
        is_end, value = advance(steps)
        if is_end:
            return value
        yield value


def _advance(steps: Generator[Any, None, Any]) -> tuple[bool, Any]:
    """Run a task up to the next item; return whether it has ended instead, and the item or the result."""
    try:
        return False, next(steps)
    except StopIteration as end:
        return True, end.value
    except BaseException as error:
        return True, TaskFailure(raised_by_task(error))


class _Last(threading.local):
    """The end of the last call of this thread."""

    end: float | None = None


_last = _Last()
