import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from skhpt.cli.dashboard import Feed
from skhpt.cli.main import main
from skhpt.export import to_optuna
from tests.cli.conftest import ROOT, wait_until

optuna = pytest.importorskip("optuna")
pytest.importorskip("optuna_dashboard")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def storage():
    return optuna.storages.InMemoryStorage()


def trials_of(storage, name):
    return storage.get_all_trials(storage.get_study_id_from_name(name))


# -- the copies of the journals --------------------------------------------------------------------------------


def test_a_feed_copies_all_searches_with_their_states(runs, storage):
    lines = []
    feed = Feed([str(runs)], storage, lines.append)
    feed.refresh()
    states = {study.study_name: study.user_attrs["state"] for study in storage.get_all_studies()}
    assert states == {
        "ended": "ended (completed)",
        "interrupted": "ended (interrupted)",
        "killed": "dead",
        "running": "running",
    }
    assert (feed.n_searches, lines) == (4, [])


def test_a_running_search_grows(runs, storage):
    feed = Feed([str(runs / "running.jsonl")], storage, print)
    feed.refresh()
    n = len(trials_of(storage, "running"))
    wait_until(lambda: feed.refresh() or len(trials_of(storage, "running")) > n)
    states = {trial.state.name for trial in trials_of(storage, "running")}
    assert states <= {"COMPLETE", "RUNNING"}


def test_copies_in_steps_equal_a_copy_of_the_whole(runs, storage, tmp_path):
    lines = (runs / "ended.jsonl").read_text().splitlines(keepends=True)
    feed = Feed([str(tmp_path)], storage, print)
    for n in range(2, len(lines) + 1):
        (tmp_path / "search.jsonl").write_text("".join(lines[:n]))
        feed.refresh()
    expected = to_optuna(runs / "ended.jsonl").trials
    assert [trial.values for trial in trials_of(storage, "search")] == [trial.values for trial in expected]
    for trial in trials_of(storage, "search"):
        assert trial.datetime_start <= trial.datetime_complete


def test_files_that_appear_and_that_cannot_be_read(runs, storage, tmp_path):
    lines = []
    feed = Feed([str(tmp_path)], storage, lines.append)
    feed.refresh()
    assert feed.n_searches == 0
    shutil.copy(runs / "ended.jsonl", tmp_path / "late.jsonl")
    (tmp_path / "newer.jsonl").write_text('{"journal": "skhpt", "format": 99}\n')
    (tmp_path / "notes.txt").write_text("not a journal")
    feed.refresh()
    feed.refresh()
    assert [study.study_name for study in storage.get_all_studies()] == ["late"]
    assert len(lines) == 1
    assert lines[0].startswith("newer: ")


def test_a_trial_that_is_failed_in_the_dashboard_stays_so(runs, storage, tmp_path):
    lines = (runs / "ended.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "search.jsonl").write_text("".join(lines[:4]))
    feed = Feed([str(tmp_path)], storage, print)
    feed.refresh()
    open_trial = next(trial for trial in trials_of(storage, "search") if not trial.state.is_finished())
    storage.set_trial_state_values(open_trial._trial_id, optuna.trial.TrialState.FAIL)
    (tmp_path / "search.jsonl").write_text("".join(lines))
    feed.refresh()
    states = [trial.state.name for trial in trials_of(storage, "search")]
    assert sorted(states) == ["COMPLETE", "COMPLETE", "FAIL"]


def test_a_folder_that_is_removed_is_told_once(storage, tmp_path):
    class Stop(threading.Event):
        n_waits = 0

        def wait(self, timeout=None):
            self.n_waits += 1
            return self.n_waits > 3

    lines = []
    Feed([str(tmp_path / "gone")], storage, lines.append).follow(Stop())
    assert len(lines) == 1


def test_a_file_that_is_replaced_is_another_study(runs, storage, tmp_path):
    feed = Feed([str(tmp_path)], storage, print)
    for name in ("ended", "killed"):
        shutil.copy(runs / f"{name}.jsonl", tmp_path / "search.jsonl")
        feed.refresh()
    assert [study.study_name for study in storage.get_all_studies()] == ["search", "search (2)"]


def test_what_was_deleted_in_the_dashboard_does_not_come_back(runs, storage):
    feed = Feed([str(runs)], storage, print)
    feed.refresh()
    storage.delete_study(storage.get_study_id_from_name("running"))
    feed.refresh()
    feed.refresh()
    assert feed.n_searches == 3
    assert len(storage.get_all_studies()) == 3


# -- the server ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(runs):
    """Address of a dashboard in another process, which Ctrl-C ends."""
    command = [sys.executable, "-m", "skhpt", "dashboard", str(runs), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        line = process.stdout.readline()
        found = re.match(r"4 searches at (http://127\.0\.0\.1:\d+) \(Ctrl-C to quit\)\n", line)
        assert found, line
        yield found[1]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def get(address, path):
    with urllib.request.urlopen(address + path, timeout=60) as response:
        return json.load(response)


def test_the_dashboard_shows_a_running_search_grow(address):
    studies = {
        each["study_name"]: each["study_id"] for each in get(address, "/api/studies")["study_summaries"]
    }
    assert set(studies) == {"running", "killed", "interrupted", "ended"}
    path = f"/api/studies/{studies['running']}"
    n = len(get(address, path)["trials"])
    wait_until(lambda: len(get(address, path)["trials"]) > n)


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
def test_a_browser_shows_the_searches_and_a_trial(address):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/dashboard")
        page.get_by_text(re.compile(r"\d+\. running")).click()
        page.get_by_role("heading", name="Best Trial").wait_for()
        page.goto(f"{page.url}/trials")
        count = page.get_by_text(re.compile(r"^\d+ Trials$"))
        first = count.inner_text()
        wait_until(lambda: count.inner_text() != first)
        page.get_by_text("Trial 1", exact=True).click()
        page.get_by_role("heading", name=re.compile(r"^Trial 1 \(")).wait_for()
        text = page.inner_text("body")
        assert "fold_scores" in text
        assert "Invalid" not in text
        browser.close()


def test_a_port_in_use_is_an_error(capsys, runs):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert main(["dashboard", str(runs), "--port", str(port)]) == 1
    messages = capsys.readouterr().err
    assert messages.startswith(
        f"skhpt: error: port {port} of 127.0.0.1 is in use; choose another one with --port"
    )


def test_the_thread_of_a_feed_ends(runs, storage):
    feed, stop = Feed([str(runs)], storage, print), threading.Event()
    stop.set()
    feed.follow(stop)
    assert feed.n_searches == 0
