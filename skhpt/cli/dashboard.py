"""``dashboard``: searches in Optuna's dashboard, which grow while they run."""

from __future__ import annotations

import argparse
import errno
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from skhpt._optional import import_optional
from skhpt.cli.journals import journal_files
from skhpt.export.optuna_study import StudyWriter
from skhpt.inspection.search_data import read_source
from skhpt.journal import JournalFollower

#: Seconds between two looks at the journals.
INTERVAL = 1.0


def dashboard(options: argparse.Namespace) -> int:
    """Serve the dashboard until Ctrl-C."""
    optuna = import_optional("optuna", "the dashboard")
    optuna_dashboard = import_optional("optuna_dashboard", "the dashboard")
    storage = optuna.storages.InMemoryStorage()
    feed = Feed(options.paths, storage, tell=lambda line: print(line, flush=True))
    feed.refresh()
    with _make_server(options.host, options.port, optuna_dashboard.wsgi(storage)) as server:
        address = f"http://{options.host}:{server.server_port}"
        print(f"{feed.n_searches} searches at {address} (Ctrl-C to quit)", flush=True)
        stop = threading.Event()
        thread = threading.Thread(target=feed.follow, args=(stop,), daemon=True)
        thread.start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            stop.set()
            thread.join()
    return 0


# -- searches ------------------------------------------------------------------------------------------------


@dataclass
class _Followed:
    """A journal and its study."""

    follower: JournalFollower
    name: str
    writer: StudyWriter | None = None
    is_running: bool = True
    file_state: tuple[int, int] | None = None  # size and time of the last change
    started: datetime | None = None
    is_hidden: bool = False


class Feed:
    """Copies journals to the studies of a storage, again and again.

    Parameters
    ----------
    paths : sequence of str
        Journals and folders of journals. Journals that appear in a folder later are copied too.
    storage : optuna.storages.BaseStorage
        The storage.
    tell : callable
        ``tell(line)`` is called with a line about each new search, and about each file that cannot be read.
    """

    def __init__(self, paths: Sequence[str], storage: Any, tell: Callable[[str], None]):
        self._paths = paths
        self._storage = storage
        self._tell = tell
        self._followed: dict[str, _Followed] = {}
        self._told: set[str] = set()

    @property
    def n_searches(self) -> int:
        """Number of searches in the storage."""
        return sum(each.writer is not None and not each.is_hidden for each in self._followed.values())

    def follow(self, stop: threading.Event) -> None:
        """Refresh until an event is set."""
        while not stop.wait(INTERVAL):
            try:
                self.refresh()
            except OSError as error:  # a folder has been removed
                self._tell_once(str(error))

    def refresh(self) -> None:
        """Copy what is new; raise OSError if a folder or file that was named does not exist."""
        for path, name in journal_files(self._paths):
            if path not in self._followed:
                self._followed[path] = _Followed(JournalFollower(path), self._free_name(name))
        for followed in self._followed.values():
            if not followed.is_hidden:
                self._refresh(followed)

    def _refresh(self, followed: _Followed) -> None:
        try:
            self._copy(followed)
        except KeyError:  # someone has deleted the study in the dashboard
            followed.is_hidden = True
        except (
            OSError,
            ValueError,
            RuntimeError,
        ) as error:  # the last one if a trial is changed in the dashboard
            self._tell_once(f"{followed.name}: {error}")

    def _copy(self, followed: _Followed) -> None:
        status = os.stat(followed.follower.path)
        file_state = status.st_size, status.st_mtime_ns
        if file_state == followed.file_state and not followed.is_running:
            return
        view = followed.follower.refresh()
        data = read_source(view)
        if followed.writer is None or followed.started != view.started:
            if followed.writer is not None:  # another search has replaced the file
                followed.name = self._free_name(followed.name)
            followed.writer = StudyWriter(data, self._storage, followed.name)
            followed.started = view.started
            followed.follower.warn_of_damage()
        followed.writer.write(data)
        followed.is_running, followed.file_state = view.state == "running", file_state

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._tell(line)

    def _free_name(self, name: str) -> str:
        """Return a name that no study has."""
        taken = {followed.name for followed in self._followed.values()}
        names = [name, *(f"{name} ({i})" for i in range(2, len(taken) + 3))]
        return next(each for each in names if each not in taken)


# -- the server ----------------------------------------------------------------------------------------------


class _Server(ThreadingMixIn, WSGIServer):
    """Server whose requests do not wait for each other."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """Handler that does not print each request."""

    def log_message(self, *_: Any) -> None:
        pass


def _make_server(host: str, port: int, app: Any) -> WSGIServer:
    try:
        return make_server(host, port, app, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = (
                f"port {port} of {host} is in use; choose another one with --port (0 takes any free one)"
            )
            raise OSError(error.errno, message) from error
        raise OSError(error.errno, f"cannot listen at {host}, port {port}: {error.strerror}") from error
