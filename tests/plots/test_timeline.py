"""TimelineDisplay: bars of the folds, rows of the workers, utilization, pauses, failures."""

import os
import time

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier

from skhpt import GridSearch, HyperbandSearchCV
from skhpt.inspection import SearchData
from skhpt.plots import TimelineDisplay
from skhpt.plots.timeline import FoldBar
from skhpt.trial import Candidate, FoldScore, Trial
from tests.plots.conftest import numbered, plt


def fold(start, end, worker="1", state="ok", split=0, retries=0):
    """Return a fold of candidate 0, with times in seconds after a moment."""
    score = 1.0 if state == "ok" else None
    times = {} if start is None else {"started": 1e9 + start, "ended": 1e9 + end}
    return FoldScore(0, split, score, state=state, worker=worker, retries=retries, **times)


def display_of(*folds):
    trials = [Trial(Candidate(i, {}), (each,)) for i, each in enumerate(folds)]
    data = SearchData(
        label="search", search="", trials=trials, params=[{}] * len(trials), metrics=["score"], metric="score",
        space=[], n_splits=1,
    )  # fmt: skip
    return TimelineDisplay.from_search(data)


def extents(display, state="ok"):
    """Return row, start and end of the bars of a state."""
    boxes = [path.get_extents() for path in display.bars_[state].get_paths()]
    return sorted((round((box.y0 + box.y1) / 2), round(box.x0, 3), round(box.x1, 3)) for box in boxes)


def test_each_fold_is_a_bar_in_the_row_of_its_worker():
    display = display_of(fold(0, 2, "7"), fold(1, 3, "8"), fold(2.5, 4, "7"))
    assert extents(display) == [(0, 0, 2), (0, 2.5, 4), (1, 1, 3)]
    assert display.row_names == ["worker 1", "worker 2"]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == display.row_names


def test_utilization_is_the_share_of_the_time_in_which_workers_work():
    display = display_of(fold(0, 4, "7"), fold(0, 1, "8"))
    assert display.utilization_ == pytest.approx(5 / 8)
    assert display.ax_.get_title(loc="left") == "2 folds, workers 62% busy"


def test_a_process_that_replaces_a_killed_one_continues_its_row():
    display = display_of(
        fold(0, 1, "7"), fold(0, 4, "8"), fold(1, 2, "", "timeout"), fold(2.1, 3, "9"), fold(3, 4, "9")
    )
    assert display.row_names == ["worker 1", "worker 2"]
    assert extents(display, "timeout") == [(0, 1, 2)]
    assert extents(display) == [(0, 0, 1), (0, 2.1, 3), (0, 3, 4), (1, 0, 4)]


def test_hosts_are_sorted_by_their_names():
    display = display_of(fold(0, 1, "b/7"), fold(0, 1, "a/7"), fold(0, 1, "7"))
    assert display.row_names == ["worker 1", "a/worker 1", "b/worker 1"]
    assert [(bar.row, bar.worker) for bar in sorted(display.bars, key=lambda bar: bar.row)] == [
        (0, "7"), (1, "a/7"), (2, "b/7")
    ]  # fmt: skip


def test_states_have_their_colours_and_a_legend_with_numbers():
    display = display_of(
        fold(0, 1), fold(1, 2, state="failed"), fold(2, 3, "", "crashed"), fold(3, 4, "2", retries=1)
    )
    colors = {state: tuple(bars.get_facecolor()[0]) for state, bars in display.bars_.items()}
    assert len(set(colors.values())) == 4
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["ok (1)", "ok after a retry (1)", "failed (1)", "crashed (1)"]
    assert display_of(fold(0, 1)).ax_.get_legend() is None


def test_a_pause_between_two_sessions_is_cut_out():
    display = display_of(fold(0, 10, "7"), fold(3610, 3620, "8"))
    assert display.pauses == [(pytest.approx(10.3), pytest.approx(3600))]
    assert extents(display) == [(0, 0, 10), (0, 10.6, 20.6)]
    assert [text.get_text() for text in display.ax_.texts] == ["paused 1 h"]
    assert display.utilization_ == pytest.approx(1)


def test_idle_workers_are_no_pause():
    display = display_of(fold(0, 1, "7"), fold(2.5, 3.5, "7"))
    assert display.pauses == []
    assert display.utilization_ == pytest.approx(2 / 3.5)


def test_a_gap_longer_than_all_work_is_a_pause_of_the_same_worker():
    display = display_of(fold(0, 1, "7"), fold(9, 10, "7"))
    assert [pause for _, pause in display.pauses] == [pytest.approx(8)]
    assert display.row_names == ["worker 1"]


def test_folds_that_are_kept_from_a_lower_rung_or_skipped_have_one_bar():
    first = fold(0, 1, "7")
    assert len(display_of(first, first, fold(1, 1.5, "7", "skipped", split=1)).bars) == 1


def test_folds_that_were_never_begun_have_no_bar():
    display = display_of(fold(0, 1, "7"), fold(0.5, 0.5, "", "crashed"))
    assert list(display.bars_) == ["ok"]


def test_long_searches_have_minutes_or_hours():
    assert display_of(fold(0, 1)).ax_.get_xlabel() == "seconds since the first fit"
    assert extents(display_of(fold(0, 1200))) == [(0, 0, 20)]
    assert display_of(fold(0, 1200)).ax_.get_xlabel() == "minutes since the first fit"
    assert extents(display_of(fold(0, 72000))) == [(0, 0, 20)]


def test_a_source_without_times_is_an_error():
    with pytest.raises(ValueError, match=r"source must know the times of its fits: .* 'search' does not"):
        TimelineDisplay.from_search(numbered([1, 2]))
    with pytest.raises(ValueError, match="source must know the times"):
        display_of(fold(None, None))


def test_ten_thousand_folds_are_few_artists():
    bars = [
        FoldBar(i, i + 1, i % 8, str(i % 8), "failed" if i % 100 == 0 else "ok", i, 0) for i in range(10_000)
    ]
    display = TimelineDisplay(bars, row_names=[f"worker {i}" for i in range(8)], busy_share=1.0).plot()
    assert {state: len(each.get_paths()) for state, each in display.bars_.items()} == {
        "ok": 9900,
        "failed": 100,
    }
    assert display.bars_["ok"].get_rasterized()
    assert len(display.ax_.collections) == 2


def test_many_workers_have_no_texts():
    bars = [FoldBar(0, 1, i, str(i), "ok", 0, 0) for i in range(100)]
    display = TimelineDisplay(bars, row_names=[f"worker {i}" for i in range(100)], busy_share=1.0).plot()
    assert display.ax_.get_ylabel() == "worker"
    assert display.figure_.get_size_inches()[1] <= 12


def test_it_draws_on_given_axes():
    _, ax = plt.subplots()
    bars = [FoldBar(0, 1, 0, "1", "ok", 0, 0)]
    display = TimelineDisplay(bars, row_names=["w"], busy_share=1.0)
    assert display.plot(ax=ax, bar_kw={"facecolors": "red"}).ax_ is ax
    assert tuple(display.bars_["ok"].get_facecolor()[0]) == (1, 0, 0, 1)


# -- real searches ---------------------------------------------------------------------------------------------


class Misbehaving(ClassifierMixin, BaseEstimator):
    """Classifier that sleeps, fails or kills its process."""

    def __init__(self, kind="ok"):
        self.kind = kind

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.kind == "failed":
            raise ValueError("bad")
        if self.kind == "timeout":
            time.sleep(60)
        if self.kind == "crashed":
            os._exit(1)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


@pytest.mark.filterwarnings("ignore")
def test_timeouts_and_killed_workers_have_bars_where_they_happened(tmp_path):
    kinds = ["ok", "failed", "timeout", "crashed"]
    search = GridSearch(
        Misbehaving(),
        {"kind": kinds},
        n_jobs=2,
        cv=2,
        fit_timeout=0.5,
        max_retries=1,
        refit=False,
        journal=tmp_path / "journal.jsonl",
    ).fit(*load_iris(return_X_y=True))
    display = TimelineDisplay.from_search(search)
    assert set(display.bars_) == set(kinds)
    of_journal = TimelineDisplay.from_search(tmp_path / "journal.jsonl")
    assert {(bar.candidate, bar.split, bar.state) for bar in of_journal.bars} == {
        (bar.candidate, bar.split, bar.state) for bar in display.bars
    }
    for bar in display.bars:
        assert kinds[bar.candidate] == bar.state
        assert bar.end >= bar.start >= 0
    timeouts = [bar.end - bar.start for bar in display.bars if bar.state == "timeout"]
    assert min(timeouts) > 0.49
    assert 0 < display.utilization_ <= 1


def test_threads_have_rows():
    with joblib.parallel_backend("threading", n_jobs=2):
        search = GridSearch(DummyClassifier(), {"constant": range(20)}, cv=2, reuse=False, refit=False)
        search.fit(*load_iris(return_X_y=True))
    display = TimelineDisplay.from_search(search)
    assert len(display.bars) == 40
    assert 1 <= len(display.row_names) <= 2
    assert all("." in bar.worker for bar in display.bars)


def test_rungs_have_a_bar_for_each_fit(hyperband_search):
    display = TimelineDisplay.from_search(hyperband_search)
    results = hyperband_search.cv_results_
    n_fits = sum(len(trial.evaluated) for trial in hyperband_search.history_.finished)
    assert len(results["rung"]) <= len(display.bars) <= n_fits
    assert isinstance(hyperband_search, HyperbandSearchCV)
