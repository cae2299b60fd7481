"""``report``: a page about one search or several."""

from __future__ import annotations

import argparse

from skhpt.cli.journals import journal_files
from skhpt.reporting import report


def write_report(options: argparse.Namespace) -> int:
    """Write the page, and print its path."""
    files = journal_files(options.paths)
    if not files:
        raise ValueError(f"no journals in {', '.join(options.paths)}")
    sources = {name: path for path, name in files}
    source = files[0][0] if len(files) == 1 else sources
    print(report(source, options.output, metric=options.metric, title=options.title))
    return 0
