"""Another process knows whether a search is running, has ended or is dead, without disturbing it."""

import os
import signal
import socket
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from skhpt import GridSearch, read_journal
from skhpt.journal import JournalFollower
from tests.stories.test_resume import fit, start, wait_for_lines, wait_until_gone


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
def test_the_state_of_a_search_that_is_stopped_killed_resumed_and_interrupted(tmp_path):
    path = tmp_path / "search.jsonl"
    begin = datetime.now(UTC)
    first = start("grid", tmp_path, "seconds=0.05")
    wait_for_lines(path, 5, first)
    view = read_journal(path)
    assert (view.state, view.stop_reason, view.n_planned) == ("running", "", 6)
    assert (view.pid, view.host) == (first.pid, socket.gethostname())
    assert begin < view.started < view.last_sign < datetime.now(UTC)

    first.send_signal(signal.SIGSTOP)  # as Ctrl-Z does
    os.waitid(os.P_PID, first.pid, os.WSTOPPED | os.WNOWAIT)
    follower = JournalFollower(path)
    assert [follower.refresh().state for _ in range(2)] == ["running"] * 2
    assert follower.refresh().last_sign == follower.refresh().last_sign
    first.kill()
    assert wait_until_gone(first.pid) == [] or first.wait() == -signal.SIGKILL
    first.communicate()
    dead = follower.refresh()
    assert (dead.state, dead.stop_reason) == ("dead", "")

    second = start("grid", tmp_path, "seconds=0.05")
    wait_for_lines(path, path.read_bytes().count(b"\n") + 3, second)
    view = follower.refresh()
    assert (view.state, view.pid) == ("running", second.pid)
    second.send_signal(signal.SIGINT)
    second.communicate()
    view = follower.refresh()
    assert (view.state, view.stop_reason) == ("ended", "interrupted")
    assert view.last_sign > dead.last_sign

    search = fit("grid", tmp_path)
    view = follower.refresh()
    assert (view.state, view.stop_reason, view.pid) == ("ended", "completed", os.getpid())
    assert (view.best_params, view.best_score) == (search.best_params_, search.best_score_)
    assert len(view.trials) == view.n_planned == 6


def test_a_search_that_an_exception_ends_says_so(tmp_path):
    path = tmp_path / "search.jsonl"
    search = GridSearch(SVC(), {"C": [1, -1]}, error_score="raise", journal=path)
    with pytest.raises(ValueError, match="'C' parameter"):
        search.fit(*load_iris(return_X_y=True))
    view = read_journal(path)
    assert (view.state, view.stop_reason) == ("ended", "error")
    assert "'C' parameter" in view.events[-1].facts["error"]


def test_a_choice_that_fails_ends_a_search_with_an_error(tmp_path):
    path = tmp_path / "search.jsonl"
    search = GridSearch(SVC(), {"C": [1]}, refit=lambda results: 1 / 0, journal=path)
    with pytest.raises(ZeroDivisionError):
        search.fit(*load_iris(return_X_y=True))
    assert read_journal(path).state == "ended"


def test_a_search_is_running_for_its_own_process(tmp_path):
    path, states = tmp_path / "search.jsonl", []

    class Watching(SVC):
        def fit(self, X, y):
            if path.exists() and path.stat().st_size:
                states.append(read_journal(path).state)
            return super().fit(X, y)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the class can be imported nowhere
        GridSearch(Watching(), {"C": [1]}, journal=path, refit=False).fit(*load_iris(return_X_y=True))
    assert states == ["running"] * 5
    assert read_journal(path).state == "ended"


def test_a_larger_search_has_a_new_plan(tmp_path):
    from scipy.stats import uniform

    from skhpt import RandomSearch

    path = tmp_path / "search.jsonl"
    for n_iter in (2, 3):
        search = RandomSearch(SVC(), {"C": uniform(0.1, 1)}, n_iter=n_iter, random_state=0, journal=path)
        search.fit(*load_iris(return_X_y=True))
        assert read_journal(path).n_planned == n_iter
