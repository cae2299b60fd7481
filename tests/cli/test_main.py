import io
import os
import re
import runpy
import sys
import warnings

import pytest

from skhpt import read_journal
from skhpt.cli.main import main
from skhpt.cli.watch import TerminalScreen
from tests.cli.conftest import n_finished, start_search, wait_until


def run(capsys, *arguments):
    """Return the status of a command, its output, and its messages."""
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


# -- list ----------------------------------------------------------------------------------------------------


def test_list_shows_every_journal_of_a_folder(capsys, runs):
    status, output, messages = run(capsys, "list", runs)
    assert status == 1  # one cannot be read
    assert "empty.jsonl: nothing was written to this journal yet" in messages
    states = {line.split()[0]: line for line in output.splitlines()[2:]}
    assert states.pop("empty").split() == ["empty", "unreadable"]
    assert re.search(r"RandomSearch +running +\d+ of 2000 +0\.\d+ +score +\d{4}-", states["running"])
    assert re.search(r"RandomSearch +dead ", states["killed"])
    assert re.search(r"RandomSearch +ended \(interrupted\) ", states["interrupted"])
    assert re.search(r"RandomSearch +ended +3 of 3 ", states["ended"])
    assert len(states) == 4
    assert len({line.split()[-1] for line in states.values()}) == 1  # all are on the same data and folds


def test_list_fits_into_a_terminal(monkeypatch, capsys, runs):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    _, output, _ = run(capsys, "list", runs)
    assert output.split()[:4] == ["name", "search", "state", "done"]
    assert max(map(len, output.splitlines())) <= 80


def test_list_of_an_empty_folder(capsys, tmp_path):
    assert run(capsys, "list", tmp_path) == (0, "no journals\n", "")


# -- watch ---------------------------------------------------------------------------------------------------


def test_watch_follows_a_search_until_it_ends(capsys, tmp_path):
    path = tmp_path / "search.jsonl"
    with start_search(path, 8, 0.05):
        wait_until(lambda: n_finished(path) >= 1)
        status, output, messages = run(capsys, "watch", path, "--interval", "0.02")
    assert (status, messages) == (0, "")
    counts = [int(n) for n in re.findall(r"RandomSearch: (\d+)/8 candidates", output)]
    assert counts == sorted(counts)
    assert counts[-1] == 8
    assert re.search(r"\nended at .*: completed\n\nrank ", output)
    assert output.rstrip().endswith(read_journal(path).leaderboard_text())


def test_watch_once_prints_the_present_state(capsys, runs):
    status, output, _ = run(capsys, "watch", runs / "running.jsonl", "--once", "-n", 2)
    assert status == 0
    assert re.match(r"RandomSearch: \d+/2000 candidates, .* best 0\.\d+ by candidate \d+ \(a=", output)
    assert len(output.splitlines()) == 6  # progress, an empty line, and a table of two rows


@pytest.mark.parametrize(
    "name, expected, line",
    [
        ("ended", 0, "ended at .*: completed"),
        ("interrupted", 0, "ended at .*: interrupted"),
        ("killed", 1, r"dead: its process ended before the search; last sign of life \d{4}-.* ago\)"),
    ],
)
def test_watch_says_how_a_search_has_ended(capsys, runs, name, expected, line):
    status, output, _ = run(capsys, "watch", runs / f"{name}.jsonl")
    assert status == expected
    assert re.search(rf"\n{line}\n", output)


def test_watch_in_a_terminal_replaces_what_it_has_shown(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda *fallback: os.terminal_size((10, 6)))
    file = io.StringIO()
    screen = TerminalScreen(file)
    screen.show("a line that is long", "rank score params\n----\n1\n2")
    screen.show("next", "rank\n----\n1\n2")
    screen.close("end", "rank\n----\n1\n2")
    first = "a line\nthat is\nlong\n\nrank scor\n"
    assert file.getvalue() == (
        f"{first}\x1b[5F\x1b[Jnext\n\nrank\n----\n1\n\x1b[5F\x1b[Jend\n\nrank\n----\n1\n2\n"
    )


# -- report --------------------------------------------------------------------------------------------------


def test_report_writes_a_page(capsys, runs, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    status, output, _ = run(capsys, "report", runs / "ended.jsonl", "-o", page, "--title", "The title")
    assert (status, output) == (0, f"{page}\n")
    assert "The title" in page.read_text()


def test_report_of_a_folder_compares_its_searches(capsys, runs, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    assert run(capsys, "report", runs, "-o", page)[0] == 0
    text = page.read_text()
    assert all(name in text for name in ("running", "killed", "interrupted", "ended"))


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["list", "{runs}/nothing"], "{runs}/nothing: No such file or directory"),
        (["list", "{runs}/ended.jsonl"], "{runs}/ended.jsonl: Not a directory"),
        (["watch", "{runs}/nothing.jsonl"], "{runs}/nothing.jsonl: No such file or directory"),
        (
            ["watch", "{runs}/notes.txt"],
            "{runs}/notes.txt is not a journal of skhpt, or its first line is damaged",
        ),
        (["watch", "{runs}/empty.jsonl"], "{runs}/empty.jsonl: nothing was written to this journal yet"),
        (["watch", "{runs}"], "{runs} is not a journal of skhpt: it is not a file"),
        (["watch", "{runs}/ended.jsonl", "--metric", "auc"], "--metric must be one of ['score'], got 'auc'"),
        (
            ["report", "{runs}/notes.txt"],
            "{runs}/notes.txt is not a journal of skhpt, or its first line is damaged",
        ),
        (["report", "{runs}/nothing"], "{runs}/nothing: No such file or directory"),
        (["dashboard", "{runs}/nothing"], "{runs}/nothing: No such file or directory"),
    ],
)
def test_errors_are_one_line(capsys, runs, arguments, message):
    status, output, messages = run(capsys, *(argument.format(runs=runs) for argument in arguments))
    assert (status, output) == (1, "")
    assert messages == f"skhpt: error: {message.format(runs=runs)}\n"


def test_a_folder_without_journals_has_no_report(capsys, tmp_path):
    assert run(capsys, "report", tmp_path) == (1, "", f"skhpt: error: no journals in {tmp_path}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["wach", "x"],
        ["watch"],
        ["watch", "x", "--interval", "0"],
        ["watch", "x", "-n", "none"],
        ["dashboard", "x", "--port", "70000"],
    ],
)
def test_wrong_usage_has_the_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: python -m skhpt" in capsys.readouterr().err


def test_warnings_are_lines(capsys, runs, tmp_path):
    lines = (runs / "ended.jsonl").read_text().splitlines(keepends=True)
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("".join([*lines[:-2], lines[-2].replace("0.", "1.", 1), lines[-1]]))
    with warnings.catch_warnings():
        _, output, messages = run(capsys, "watch", damaged)
    assert messages.startswith("skhpt: warning: the journal ")
    assert len(messages.splitlines()) == 1
    assert "rank" in output


def test_a_missing_package_is_named_with_its_extra(capsys, runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    status, _, messages = run(capsys, "dashboard", runs)
    assert status == 1
    assert messages == (
        "skhpt: error: the dashboard needs the package optuna: install it with pip install 'skhpt[dashboard]'\n"
    )


def test_the_module_is_a_command(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["skhpt", "--help"])
    with pytest.raises(SystemExit) as raised:
        runpy.run_module("skhpt", run_name="__main__")
    assert raised.value.code == 0
    output = capsys.readouterr().out
    assert all(name in output for name in ("list", "watch", "report", "dashboard"))
