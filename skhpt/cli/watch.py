"""``watch``: progress and best candidates of a search that another process runs."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from typing import TextIO

from skhpt.cli.text import ago_text, time_text
from skhpt.inspection.status import status_of_journal
from skhpt.journal import JournalFollower, JournalView
from skhpt.results.status import status_line


def watch(options: argparse.Namespace) -> int:
    """Print the progress until the search ends; return 1 if it has failed or its process has died."""
    follower = JournalFollower(options.path)
    view = follower.refresh()
    follower.warn_of_damage()
    if options.metric is not None and options.metric not in view.metrics:
        raise ValueError(f"--metric must be one of {view.metrics}, got {options.metric!r}")
    screen = TerminalScreen(sys.stdout) if sys.stdout.isatty() else LineScreen(sys.stdout)
    try:
        while view.state == "running" and not options.once:
            screen.show(progress_line(view), _leaderboard(view, options))
            time.sleep(options.interval)
            view = follower.refresh()
    except KeyboardInterrupt:
        print()
        return 0
    screen.close(f"{progress_line(view)}\n{end_line(view)}".rstrip(), _leaderboard(view, options))
    return int(view.state == "dead" or view.stop_reason == "error")


def progress_line(view: JournalView) -> str:
    """Return the progress of a search as a line."""
    return f"{view.search}: {status_line(status_of_journal(view))}"


def end_line(view: JournalView) -> str:
    """Return how a search has ended; an empty text while it runs."""
    if view.state == "running":
        return ""
    if view.state == "dead":
        sign = f"{time_text(view.last_sign)} ({ago_text(view.last_sign)})"
        return f"dead: its process ended before the search; last sign of life {sign}"
    return f"ended at {time_text(view.last_sign)}: {view.stop_reason}"


def _leaderboard(view: JournalView, options: argparse.Namespace) -> str:
    return view.leaderboard_text(options.n, options.metric)


class LineScreen:
    """Output to a file or pipe: a line whenever the progress has changed, and the leaderboard at the end."""

    def __init__(self, file: TextIO):
        self._file = file
        self._last = ""

    def show(self, line: str, leaderboard: str) -> None:
        if line != self._last:
            print(line, file=self._file, flush=True)
        self._last = line

    def close(self, line: str, leaderboard: str) -> None:
        print(f"{line}\n\n{leaderboard}", file=self._file, flush=True)


class TerminalScreen(LineScreen):
    """Output to a terminal, which replaces what it has shown before."""

    def __init__(self, file: TextIO):
        super().__init__(file)
        self._n_lines = 0

    def show(self, line: str, leaderboard: str) -> None:
        width, height = shutil.get_terminal_size()
        # A line that the terminal folds, or that scrolls away, could not be replaced.
        rows = [text[: width - 1] for text in leaderboard.splitlines()]
        lines = [*textwrap.wrap(line, width - 1), "", *rows][: height - 1]
        self._write("\n".join(lines) + "\n")
        self._n_lines = len(lines)

    def close(self, line: str, leaderboard: str) -> None:
        self._write(f"{line}\n\n{leaderboard}\n")

    def _write(self, text: str) -> None:
        back = (
            f"\x1b[{self._n_lines}F\x1b[J" if self._n_lines else ""
        )  # to the first line, and clear what follows
        self._file.write(back + text)
        self._file.flush()
