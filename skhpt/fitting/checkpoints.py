"""Models that are half trained, kept until their candidates go on."""

from __future__ import annotations

import os
import pickle
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

#: Bytes of models that are kept; the oldest make room, and will be trained again if they are needed.
MAX_NBYTES = 2 * 2**30


class Key(NamedTuple):
    """Whose model it is."""

    trial: int
    split: int


class Store(Protocol):
    """Where pickled models are kept. It may lose them at any time."""

    def put(self, key: Key, data: bytes) -> None: ...

    def pop(self, key: Key) -> bytes | None: ...


class Checkpoints:
    """Half-trained models.

    Parameters
    ----------
    store : Store
        Where they are kept.
    """

    def __init__(self, store: Store):
        self.store = store

    @property
    def folders(self) -> list[str]:
        """Folders that they take, on this machine."""
        return [str(self.store.folder)] if isinstance(self.store, OnDisk) else []

    def save(self, key: Key, model: Any) -> None:
        """Keep a model, if it can be pickled."""
        with suppress(Exception):
            self.store.put(key, pickle.dumps(model, protocol=5))

    def take(self, key: Key) -> Any | None:
        """Return a model, once; None if it is not there any more."""
        with suppress(Exception):
            if (data := self.store.pop(key)) is not None:
                return pickle.loads(data)
        return None


class InMemory:
    """For workers that share this process's memory. A copy in another process is empty.

    Parameters
    ----------
    max_nbytes : int, default=MAX_NBYTES
        Bytes to keep at most.
    """

    def __init__(self, max_nbytes: int = MAX_NBYTES):
        self.max_nbytes = max_nbytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._nbytes = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return InMemory, (self.max_nbytes,)

    def put(self, key: Key, data: bytes) -> None:
        """Keep a pickled model."""
        with self._lock:
            self._kept[key] = data
            self._nbytes += len(data)
            while self._nbytes > self.max_nbytes:
                self._nbytes -= len(self._kept.popitem(last=False)[1])

    def pop(self, key: Key) -> bytes | None:
        """Give a pickled model away."""
        with self._lock:
            data = self._kept.pop(key, None)
            self._nbytes -= len(data or b"")
            return data


class OnDisk:
    """For workers in other processes: files in a folder, which other machines need not have.

    Parameters
    ----------
    folder : str
        An existing folder of this search's own.
    max_nbytes : int, default=MAX_NBYTES
        Bytes to keep at most.
    """

    def __init__(self, folder: str, max_nbytes: int = MAX_NBYTES):
        self.folder = Path(folder)
        self.max_nbytes = max_nbytes

    def put(self, key: Key, data: bytes) -> None:
        """Write a pickled model."""
        path = self._path(key)
        unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
        self._make_room()

    def pop(self, key: Key) -> bytes | None:
        """Read a pickled model, and delete the file."""
        path = self._path(key)
        if not path.exists():
            return None
        data = path.read_bytes()
        path.unlink(missing_ok=True)
        return data

    def _path(self, key: Key) -> Path:
        return self.folder / f"{key.trial}-{key.split}.pickle"

    def _make_room(self) -> None:
        files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self.folder))
        excess = sum(size for _, size, _ in files) - self.max_nbytes
        for _, size, path in files:
            if excess <= 0:
                return
            Path(path).unlink(missing_ok=True)
            excess -= size
