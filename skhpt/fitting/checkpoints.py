"""Checkpoints: models that are stored until the training of their candidates continues.

Workers that are processes store them in files. A worker that cannot reach the files, because it is on another machine,
returns its checkpoints with its scores, and gets those that it needs with its tasks.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from skhpt._typing import Estimator
from skhpt.parallel import _joblib, private_files

#: Largest size of all checkpoints in bytes. Beyond it the oldest ones are deleted, and trained again when
#: needed.
MAX_NBYTES = 2 * 2**30
#: Largest size in bytes of a checkpoint that is sent between machines. A larger one is trained again.
MAX_SENT_NBYTES = 64 * 2**20


@dataclass(frozen=True)
class Checkpoint:
    """A fitted model, and the amount of the resource that it was trained with."""

    model: Estimator
    resource: int


class CheckpointKey(NamedTuple):
    """Id of the trial and number of the fold that a model belongs to."""

    trial: int
    split: int


class CheckpointStore(Protocol):
    """Store of pickled checkpoints. It may lose them at any time."""

    def put(self, key: CheckpointKey, data: bytes) -> None:
        """Store a pickled checkpoint; raise `OSError` if this process cannot write to the store."""
        ...

    def get(self, key: CheckpointKey) -> bytes | None:
        """Return a pickled checkpoint; None if it is missing."""
        ...

    def drop(self, key: CheckpointKey) -> None:
        """Remove a pickled checkpoint, if it is there."""
        ...


class Checkpoints:
    """Checkpoints of a search.

    Parameters
    ----------
    store : CheckpointStore
        Store of the pickled checkpoints.
    """

    def __init__(self, store: CheckpointStore):
        self.store = store
        self._are_sent = False  # whether a worker is known that cannot reach the store

    @property
    def folders(self) -> list[str]:
        """Folders of this machine that contain checkpoints."""
        return [str(self.store.folder)] if isinstance(self.store, OnDisk) else []

    def receive(self, checkpoints: Mapping[CheckpointKey, bytes]) -> None:
        """Store the checkpoints that a worker has returned because it cannot reach the store."""
        for key, data in checkpoints.items():
            self._are_sent = True
            with suppress(OSError):
                self.store.put(key, data)

    def to_send(self, key: CheckpointKey) -> bytes | None:
        """Return the pickled checkpoint to send with a task; None if there is none, or if workers reach the store."""
        if not self._are_sent:
            return None
        with suppress(OSError):
            data = self.store.get(key)
            return data if data is None or len(data) <= MAX_SENT_NBYTES else None
        return None

    def drop(self, key: CheckpointKey) -> None:
        """Remove a checkpoint, because the training that continues it is done."""
        with suppress(OSError):
            self.store.drop(key)


class TaskCheckpoints:
    """Checkpoints that a task of a worker reads and saves.

    Parameters
    ----------
    store : CheckpointStore
        Store of the search, which may be out of reach.
    received : mapping of CheckpointKey to bytes
        Pickled checkpoints that came with the task.

    Attributes
    ----------
    unsaved : dict of CheckpointKey to bytes
        Pickled checkpoints to return with the outcome of the task, because the store is out of reach.
    """

    def __init__(self, store: CheckpointStore, received: Mapping[CheckpointKey, bytes] | None = None):
        self.store = store
        self.received = received or {}
        self.unsaved: dict[CheckpointKey, bytes] = {}

    def save(self, key: CheckpointKey, checkpoint: Checkpoint) -> None:
        """Store a checkpoint, if it can be pickled."""
        with suppress(Exception):
            data = bytes(_joblib.dumps(checkpoint))  # by value, as the class of the estimator came here
            try:
                self.store.put(key, data)
            except OSError:
                if len(data) <= MAX_SENT_NBYTES:
                    self.unsaved[key] = data

    def load(self, key: CheckpointKey) -> Checkpoint | None:
        """Return a checkpoint; None if it is missing. It stays in the store, in case this worker is lost."""
        with suppress(Exception):
            data = self.received.get(key) or self.store.get(key)
            if data is not None:
                checkpoint: Checkpoint = pickle.loads(data)
                return checkpoint
        return None


class InMemory:
    """Store in memory, for workers that are threads of this process. A copy in another process is empty.

    Parameters
    ----------
    max_nbytes : int, default=MAX_NBYTES
        Largest size of all checkpoints in bytes.
    """

    def __init__(self, max_nbytes: int = MAX_NBYTES):
        self.max_nbytes = max_nbytes
        self._lock = threading.Lock()
        self._pickled: OrderedDict[CheckpointKey, bytes] = OrderedDict()
        self._nbytes = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return InMemory, (self.max_nbytes,)

    def put(self, key: CheckpointKey, data: bytes) -> None:
        """Store a pickled checkpoint."""
        with self._lock:
            self._remove(key)
            self._pickled[key] = data
            self._nbytes += len(data)
            while self._nbytes > self.max_nbytes:
                self._nbytes -= len(self._pickled.popitem(last=False)[1])

    def get(self, key: CheckpointKey) -> bytes | None:
        """Return a pickled checkpoint."""
        with self._lock:
            return self._pickled.get(key)

    def drop(self, key: CheckpointKey) -> None:
        """Remove a pickled checkpoint."""
        with self._lock:
            self._remove(key)

    def _remove(self, key: CheckpointKey) -> None:
        self._nbytes -= len(self._pickled.pop(key, b""))


class OnDisk:
    """Store in files, for workers that are other processes. Another machine lacks the folder unless it is shared.

    Parameters
    ----------
    folder : str
        An existing folder that no other search uses.
    max_nbytes : int, default=MAX_NBYTES
        Largest size of all checkpoints in bytes.
    """

    def __init__(self, folder: str, max_nbytes: int = MAX_NBYTES):
        self.folder = Path(folder)
        self.max_nbytes = max_nbytes

    def put(self, key: CheckpointKey, data: bytes) -> None:
        """Write a pickled checkpoint to its file."""
        path = self._path(key)
        unfinished = path.with_suffix(f".{uuid4().hex}")  # process ids of other machines may be the same
        with private_files.open_to_append(unfinished) as file:
            file.write(data)
        unfinished.replace(path)
        self._make_room()

    def get(self, key: CheckpointKey) -> bytes | None:
        """Read a pickled checkpoint."""
        path = self._path(key)
        if not path.exists():
            return None
        with private_files.open_to_read(path, private_files.owner_of(self.folder)) as file:
            return file.read()

    def drop(self, key: CheckpointKey) -> None:
        """Delete the file of a checkpoint."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: CheckpointKey) -> Path:
        return self.folder / f"{key.trial}-{key.split}.pickle"

    def _make_room(self) -> None:
        files = []
        for entry in os.scandir(self.folder):
            with suppress(FileNotFoundError):  # another worker has deleted it
                files.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
        excess = sum(size for _, size, _ in files) - self.max_nbytes
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            Path(path).unlink(missing_ok=True)
            excess -= size
