"""Checkpoints: models that are stored until the training of their candidates continues."""

from __future__ import annotations

import os
import pickle
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from skhpt._typing import Estimator
from skhpt.parallel import private_files

#: Largest size of all checkpoints in bytes. Beyond it the oldest ones are deleted, and trained again when
#: needed.
MAX_NBYTES = 2 * 2**30


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
        """Store a pickled checkpoint."""
        ...

    def pop(self, key: CheckpointKey) -> bytes | None:
        """Remove a pickled checkpoint and return it; None if it is missing."""
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

    @property
    def folders(self) -> list[str]:
        """Folders of this machine that contain checkpoints."""
        return [str(self.store.folder)] if isinstance(self.store, OnDisk) else []

    def save(self, key: CheckpointKey, checkpoint: Checkpoint) -> None:
        """Store a checkpoint, if it can be pickled."""
        with suppress(Exception):
            self.store.put(key, pickle.dumps(checkpoint, protocol=5))

    def take(self, key: CheckpointKey) -> Checkpoint | None:
        """Remove a checkpoint and return it; None if it is missing."""
        with suppress(Exception):
            if (data := self.store.pop(key)) is not None:
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
            self._pickled[key] = data
            self._nbytes += len(data)
            while self._nbytes > self.max_nbytes:
                self._nbytes -= len(self._pickled.popitem(last=False)[1])

    def pop(self, key: CheckpointKey) -> bytes | None:
        """Remove a pickled checkpoint and return it."""
        with self._lock:
            data = self._pickled.pop(key, None)
            self._nbytes -= len(data or b"")
            return data


class OnDisk:
    """Store in files, for workers that are other processes. On another machine the folder may be missing.

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
        unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        unfinished.unlink(missing_ok=True)  # of a worker with the same id that was killed
        with private_files.open_to_append(unfinished) as file:
            file.write(data)
        unfinished.replace(path)
        self._make_room()

    def pop(self, key: CheckpointKey) -> bytes | None:
        """Read a pickled checkpoint and delete its file."""
        path = self._path(key)
        if not path.exists():
            return None
        with private_files.open_to_read(path, private_files.owner_of(self.folder)) as file:
            data = file.read()
        path.unlink(missing_ok=True)
        return data

    def _path(self, key: CheckpointKey) -> Path:
        return self.folder / f"{key.trial}-{key.split}.pickle"

    def _make_room(self) -> None:
        files = sorted(
            (entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder)
        )
        excess = sum(size for _, size, _ in files) - self.max_nbytes
        for _, size, path in files:
            if excess <= 0:
                return
            Path(path).unlink(missing_ok=True)
            excess -= size
