"""Arguments of the command line, and what is printed of errors and warnings."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from skhpt.cli.dashboard import dashboard
from skhpt.cli.list_searches import list_searches
from skhpt.cli.report import write_report
from skhpt.cli.watch import watch
from skhpt.journal import version

#: Ports that a dashboard can be told to use.
_MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        The arguments; by default those of the process.

    Returns
    -------
    status : int
        0 if all is well, 1 after an error, which is one line on stderr, or if a watched search has failed. Wrong usage
        exits with 2.
    """
    options = make_parser().parse_args(arguments)
    try:
        with _warnings_as_lines():
            return int(options.run(options))
    except BrokenPipeError:  # as of ``| head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, ValueError) as error:
        print(f"skhpt: error: {error_text(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as of a process that Ctrl-C has ended


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m skhpt",
        description="Look at searches through their journals, while they run or after they have ended.",
    )
    parser.add_argument("--version", action="version", version=f"skhpt {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = _add(commands, list_searches, "list", "list the searches of a folder")
    command.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="folder of journals (default: .)"
    )

    command = _add(commands, watch, "watch", "follow a search until it ends")
    command.add_argument("path", metavar="FILE", help="journal of the search")
    command.add_argument("--once", action="store_true", help="print the progress once")
    command.add_argument(
        "-n", type=_positive_int, default=10, metavar="N", help="number of candidates to show (default: 10)"
    )
    command.add_argument("--metric", help="metric that ranks the candidates")
    command.add_argument(
        "--interval", type=_positive, default=1.0, metavar="SECONDS", help="time between updates (default: 1)"
    )

    command = _add(commands, write_report, "report", "write a page about a search, or about several")
    command.add_argument("paths", nargs="+", metavar="PATH", help="journal, or a folder of journals")
    command.add_argument(
        "-o", "--output", default="report.html", metavar="PAGE", help="HTML file (default: report.html)"
    )
    command.add_argument("--metric", help="metric that ranks the candidates")
    command.add_argument("--title", help="title of the page")

    command = _add(commands, dashboard, "dashboard", "show searches in Optuna's dashboard, live")
    command.add_argument(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="folder of journals, or a journal (default: .)",
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    command.add_argument("--port", type=_port, default=8080, help="0 takes any free port (default: 8080)")
    return parser


def error_text(error: Exception) -> str:
    """Return an error as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _add(commands: Any, run: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    parser.set_defaults(run=run)
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return number


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text}")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be between 0 and {_MAX_PORT}, got {text}")
    return number


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print each warning once, as a line without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _print_warning
        yield


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"skhpt: warning: {' '.join(str(message).split())}", file=sys.stderr)
