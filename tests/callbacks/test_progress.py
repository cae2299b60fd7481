"""The progress bar: in a terminal, in a log file, in a notebook, and in what is stored of a search."""

import io
import os
import pickle
import re
import select
from dataclasses import replace

import joblib
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skhpt import GridSearch
from skhpt.callbacks import SearchCallback, SearchProgress
from skhpt.callbacks.progress import LogDisplay
from skhpt.history import History
from skhpt.results.status_tracker import StatusTracker, WorkPlan
from tests.callbacks.searches import SEARCHES, X, Y, make
from tests.estimators import FailsBelow

pytest.importorskip("tqdm")
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores"),
]


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def last_line(self):
        return re.split(r"[\r\n]+", self.getvalue().rstrip())[-1]


class EachTime(SearchProgress):
    """Shows each event, however soon it comes after the last one."""

    def on_search_begin(self, search, status):
        super().on_search_begin(search, status)
        self._displays[id(search)]._shown_at = -1e9

    def on_candidate_finished(self, search, trial, status):
        self._displays[id(search)]._shown_at = -1e9
        super().on_candidate_finished(search, trial, status)


@pytest.mark.parametrize("kind", SEARCHES)
def test_a_terminal_shows_a_bar(kind):
    terminal = Terminal()
    search = make(kind, EachTime(file=terminal)).fit(X, Y)
    n = len(search.history_)
    shown = terminal.getvalue()
    name = type(search).__name__
    assert f"|          | {name}: 0/" in shown
    assert re.search(rf"\|█+\S* *\| {name}: [1-9]+/\d+ ", shown)  # in between
    last = terminal.last_line()
    assert last.startswith(f"100%|██████████| {name}: {n}/")
    assert f"best {search.best_score_:.4f} by candidate " in last
    assert "folds" in last


def test_a_terminal_shows_the_rung_of_hyperband():
    terminal = Terminal()
    make("hyperband", EachTime(file=terminal)).fit(X, Y)
    assert re.search(r"trials, rung 1/1, folds=3, ", terminal.getvalue())


def test_a_terminal_shows_failures_and_why_a_search_ended():
    terminal = Terminal()
    make("grid", SearchProgress(file=terminal), patience=1).fit(X, Y)
    last = terminal.last_line()
    assert re.match(r" *\d\d%", last)
    assert " 1 failed, " in last
    assert last.endswith("ended: patience")


def test_a_bar_may_leave_nothing():
    terminal = Terminal()
    make("grid", SearchProgress(file=terminal, leave=False)).fit(X, Y)
    assert "| GridSearch: 5/5" in terminal.getvalue()
    assert not terminal.getvalue().split("\r")[-2].strip()  # it is overwritten


def test_each_search_has_its_own_bar():
    terminal = Terminal()
    inner = make("manual", SearchProgress(file=terminal, leave=False), refit=True)
    outer = GridSearch(inner, {"error_score": [0.0, 0.1]}, cv=2, refit=False)
    outer.set_callbacks(SearchProgress(file=terminal)).fit(X, Y)
    assert terminal.getvalue().count("| ManualSearch: 0/5 candidates") == 4
    assert terminal.last_line().startswith("100%|██████████| GridSearch: 2/2 candidates")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_clone_in_cross_val_score_shows_its_own_bar(n_jobs, capfd):
    search = make("grid", SearchProgress(), refit=True, cv=2)
    with joblib.parallel_config("threading"):
        cross_val_score(search, X, Y, cv=2, n_jobs=n_jobs)
    assert capfd.readouterr().err.count("GridSearch: 5/5 candidates") == 2


# -- log files -----------------------------------------------------------------------------------------------


def status_with(n_finished, n_planned=100):
    tracker = StatusTracker("GridSearch", n_splits=1)
    tracker.begin(History(), WorkPlan(n_trials=n_planned, work=float(n_planned)))
    return replace(tracker.status, n_finished=n_finished, done=n_finished / n_planned)


def test_a_log_file_gets_few_plain_lines():
    file, now = io.StringIO(), 0.0
    display = LogDisplay(file, status_with(0), clock=lambda: now)
    for n in range(1, 101):
        now += 2.0
        display.show(status_with(n))
        display.show(status_with(n))
    display.close(status_with(100))
    text = file.getvalue()
    assert "\r" not in text
    counts = [int(n) for n in re.findall(r"GridSearch: (\d+)/100", text)]
    assert counts == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


def test_a_log_file_gets_a_line_each_minute_and_no_more_than_one_a_second():
    file, now = io.StringIO(), 0.0
    display = LogDisplay(file, status_with(0), clock=lambda: now)
    display.show(status_with(50))  # at once
    assert file.getvalue().count("\n") == 1
    for _ in range(12):
        now += 10.0
        display.show(status_with(1))
    assert file.getvalue().count("\n") == 3


def test_without_a_terminal_lines_are_written(capsys):
    make("grid", SearchProgress()).fit(X, Y)
    printed = capsys.readouterr()
    assert not printed.out
    lines = printed.err.splitlines()
    assert lines[0] == "GridSearch: 0/5 candidates, 00:00<?, 0 folds"
    assert lines[-1].startswith("GridSearch: 5/5 candidates, 1 failed, 00:0")


def test_a_notebook_shows_a_widget(monkeypatch):
    pytest.importorskip("ipywidgets")
    import tqdm.auto
    import tqdm.notebook

    made = []

    class Widget(tqdm.notebook.tqdm):
        def __init__(self, *args, **options):
            made.append(self)
            super().__init__(*args, **options, display=False)

    Widget.__module__ = "tqdm.notebook"
    monkeypatch.setattr(tqdm.auto, "tqdm", Widget)
    make("grid", SearchProgress()).fit(X, Y)
    left, bar, right = made[0].container.children
    assert left.value.strip("\u2007") == "100%"
    assert bar.bar_style == "success"
    assert right.value.replace("\u2007", " ").strip().startswith("GridSearch: 5/5 candidates")


# -- what is stored ------------------------------------------------------------------------------------------


class Dumps(SearchCallback):
    """Stores the search while it runs."""

    def __init__(self):
        self.stored = []

    def on_new_best(self, search, trial, status):
        self.stored.append(pickle.dumps(search))


def test_a_search_with_a_bar_can_be_stored_and_cloned_at_any_time(tmp_path):
    terminal, dumps = Terminal(), Dumps()
    search = make("grid", SearchProgress(file=terminal), dumps)
    before = pickle.loads(pickle.dumps(search))
    search.fit(X, Y)
    joblib.dump(search, tmp_path / "search.joblib")
    stored = [
        before,
        joblib.load(tmp_path / "search.joblib"),
        *map(pickle.loads, dumps.stored),
        clone(search),
    ]
    assert len(stored) == 6
    for other in stored:
        n = terminal.getvalue().count("5/5")
        other.fit(X, Y)
        bar = other._search_callbacks[0]
        assert not bar._displays
        assert (terminal.getvalue().count("5/5") > n) == (bar.file is terminal)  # a file is not stored


def test_a_file_that_is_closed_costs_a_warning():
    file = io.StringIO()
    progress = SearchProgress(file=file)

    class Closes(SearchCallback):
        def on_candidate_finished(self, search, trial, status):
            file.close()

    search = GridSearch(FailsBelow(), {"value": [0.5, 0.6]}, cv=3).set_callbacks(progress, Closes())
    with pytest.warns(match="SearchProgress.on_search_end failed"):
        search.fit(X, Y)
    assert search.best_score_ == pytest.approx(0.6)


def test_a_terminal_of_unknown_size_gets_lines():
    pty = pytest.importorskip("pty")  # not on Windows
    reader, writer = pty.openpty()  # a new one has 0 columns
    with os.fdopen(writer, "w") as terminal:
        make("grid", SearchProgress(file=terminal)).fit(X, Y)
        shown = ""
        while "15 folds" not in shown and select.select([reader], [], [], 5)[0]:
            shown += os.read(reader, 65536).decode()
    os.close(reader)
    assert shown.startswith("GridSearch: 0/")
    assert "\r\nGridSearch: 5/5 candidates" in shown


@pytest.mark.parametrize("options", [{"file": "log.txt"}, {"position": "top"}])
def test_wrong_arguments_are_errors_before_the_search(options):
    ((name, value),) = options.items()
    with pytest.raises(TypeError, match=f"{name} must be None or an? .*, got {value!r}"):
        SearchProgress(**options)
