"""``list``: the searches of a folder as a table."""

from __future__ import annotations

import argparse

from skhpt.inspection.journals import read_journals


def list_searches(options: argparse.Namespace) -> int:
    """Print the table; return 1 if a journal cannot be read."""
    journals = read_journals(options.folder)
    print(journals)
    return int(bool(journals.unreadable))
