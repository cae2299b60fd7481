"""Fork server: a process that has imported what tasks need, and makes workers of itself within milliseconds.

A worker that dies is replaced at once, without importing anything again. The server itself never runs a task,
so it has no threads or locks that a fork could break. It is used on Linux only: system libraries of macOS may
not be used after a fork.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from skhpt.parallel import _joblib
from skhpt.parallel.channels import TaskFailure
from skhpt.parallel.process_tree import kill_trees, start_time

#: Whether this system has what a fork server needs.
IS_AVAILABLE = sys.platform == "linux"
#: Program of the server: the search path of modules is that of this process.
_PROGRAM = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides about the workers
sys.path[:] = json.loads(sys.argv[2])
from skhpt.parallel.fork_server import serve
serve(int(sys.argv[1]))
"""


class ServerLostError(RuntimeError):
    """The fork server has died, or could not be started; the task has not begun."""


class ForkServer:
    """The end of the server in this process.

    Parameters
    ----------
    environment : mapping of str to str, default=None
        Environment variables of the workers, besides those of this process.
    """

    def __init__(self, environment: Mapping[str, str] | None = None):
        self._lock = threading.Lock()  # workers are started in threads
        here, there = socket.socketpair()
        arguments = [str(there.fileno()), json.dumps([path for path in sys.path if isinstance(path, str)])]
        self._process = subprocess.Popen(
            [spawn.get_executable(), "-c", _PROGRAM, *arguments],
            env={**os.environ, **(environment or {})},
            pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL,
        )
        there.close()
        self._connection = Connection(here.detach())

    @property
    def pid(self) -> int:
        """The process of the server, which has started all workers."""
        return self._process.pid

    def fork(self, task: bytes) -> tuple[Connection, int]:
        """Start a worker that can run a task; return the connection with it, and its process."""
        here, there = socket.socketpair()
        with self._lock, there:
            try:
                self._connection.send_bytes(task)
                send_handle(self._connection, there.fileno(), self.pid)
                pid = int(self._connection.recv_bytes())
            except (OSError, EOFError) as error:
                here.close()
                raise ServerLostError from error
        return Connection(here.detach()), pid

    def close(self) -> None:
        """Kill the server and all of its workers."""
        kill_trees([self.pid])
        self._process.wait()
        self._connection.close()


class ForkedWorker:
    """A worker that runs one task at a time, started with its first task.

    Parameters
    ----------
    server : ForkServer
        Starts the process.
    reducers : mapping
        How tasks are pickled: large arrays as memory maps.
    """

    def __init__(self, server: ForkServer, reducers: Mapping[type, Callable[..., Any]]):
        self._server = server
        self._reducers = reducers
        self._connection: Connection | None = None
        self._pid: int | None = None

    def submit(self, batch: Callable[[], Any]) -> Future[Any]:
        """Run a batch; return the future of its output. Raise if the process died while it had no task."""
        if self._connection is not None and self._connection.poll():  # an end, since no output is due
            raise _joblib.TerminatedWorkerError("the worker process died")
        future: Future[Any] = Future()
        try:
            task = bytes(_joblib.dumps(batch, reducers=self._reducers))
        except Exception as error:
            future.set_exception(error)
        else:
            threading.Thread(target=self._run, args=(task, future), daemon=True).start()
        return future

    def _run(self, task: bytes, future: Future[Any]) -> None:
        """Send a task and wait for its output."""
        try:
            if self._connection is None:
                self._connection, self._pid = self._server.fork(task)
            self._connection.send_bytes(task)
            output = pickle.loads(self._connection.recv_bytes())
        except (OSError, EOFError):
            future.set_exception(_joblib.TerminatedWorkerError("the worker process died"))
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(output)

    def pids(self) -> list[int]:
        """Return the process, if it is started and has not died."""
        if self._pid is None or start_time(self._pid) is None:
            return []
        return [self._pid]

    def kill(self) -> None:
        """Kill the process, if it still exists, with those that it has started."""
        if self._pid is not None:
            kill_trees([self._pid])
            with suppress(OSError):  # nothing is left of its group
                os.killpg(self._pid, signal.SIGKILL)


# -- in the server -------------------------------------------------------------------------------------------


def serve(handle: int) -> None:
    """Fork workers on request, until the connection is closed; then kill those that still run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no worker is waited for
    server = Connection(handle)
    has_imported = False
    while True:
        try:
            task = server.recv_bytes()
            worker = Connection(recv_handle(server))
        except (OSError, EOFError):
            kill_trees([os.getpid()], with_roots=False)
            return
        if not has_imported:
            with suppress(BaseException):  # the worker will report it
                pickle.loads(task)
            has_imported = True
        pid = _fork()
        if pid == 0:
            server.close()
            _run_tasks(worker)
        worker.close()
        server.send_bytes(str(pid).encode())


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads: those of libraries for linear algebra can be forked
        return os.fork()


def _run_tasks(connection: Connection) -> None:
    """Run tasks until the connection is closed, and end this process."""
    try:
        os.setpgid(
            0, 0
        )  # a group with the processes that it starts, which can be killed even after its death
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with suppress(RuntimeError, ValueError, OSError):  # there may be no stderr
            faulthandler.enable()
        _draw_other_numbers()
        reducers = _joblib.memory_map_options("")["result_reducers"]
        while True:
            output = _output_of(connection.recv_bytes())
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):
                    stream.flush()
            connection.send_bytes(_pickled(output, reducers))
    finally:
        os._exit(0)


def _draw_other_numbers() -> None:
    """Give a worker global random numbers of its own, as a new process has."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _output_of(task: bytes) -> Any:
    try:
        return pickle.loads(task)()
    except BaseException as error:
        return [TaskFailure(error)]


def _pickled(output: Any, reducers: Mapping[type, Callable[..., Any]]) -> bytes:
    try:
        return bytes(_joblib.dumps(output, reducers=reducers))
    except BaseException as error:
        return bytes(_joblib.dumps([TaskFailure(error)]))
