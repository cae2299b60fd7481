"""Files that a command is about."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from skhpt.journal import is_journal


def journal_files(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Return files, and the journals of folders, each with a name that is different from all others.

    Parameters
    ----------
    paths : sequence of str
        Files, which are taken as they are, and folders, of which other files and subfolders are left out.

    Raises
    ------
    OSError
        If there is no such file or folder.
    """
    files = [os.path.abspath(file) for path in paths for file in _files(path)]
    found: dict[str, str] = {}
    for file in dict.fromkeys(files):
        name = os.path.basename(file).removesuffix(".jsonl")
        found[file] = name if name not in found.values() else file
    return list(found.items())


def _files(path: str) -> Iterator[str]:
    """Yield a file, or the journals of a folder."""
    if not os.path.isdir(path):
        os.stat(path)  # raises if there is none
        yield path
        return
    for name in sorted(os.listdir(path)):
        file = os.path.join(path, name)
        if os.path.isfile(file) and is_journal(file):
            yield file
