"""``list``: the searches of a folder as a table."""

from __future__ import annotations

import argparse
import shutil
import sys

from skhpt.inspection.journals import read_journals


def list_searches(options: argparse.Namespace) -> int:
    """Print the table, in a terminal not wider than this; return 1 if a journal cannot be read."""
    journals = read_journals(options.folder)
    print(journals.to_text(shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
    return int(bool(journals.unreadable))
