"""Views of journals: without the objects of the user, while a search writes, and without changes of the file."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import SVC

from skhpt import Space
from skhpt.history import History
from skhpt.journal import Header, ListCodec, SpaceCodec, open_journal, read_journal
from skhpt.journal.records import MAGIC
from skhpt.results.cv_results import cv_results
from skhpt.strategies.racing import Race
from skhpt.trial import Candidate, FoldScore, Trial

SPACE = Space({"x": [1, 2], "svc": [SVC(), SVC(C=2)], "f": [len]})
CODEC = SpaceCodec(SPACE)
HEADER = Header({"data": "X"}, {"n_splits": 2})


def candidate(i, **rest):
    return Candidate(i, {"x": 1 + i % 2, "svc": SVC(C=2), "f": len}, **rest)


def fold(i, split, score, **rest):
    return FoldScore(i, split, score, fit_time=0.25, **rest)


@pytest.fixture
def journal(path):
    """Journal whose first candidate is finished, while the second one has one of two folds."""
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked([candidate(0), candidate(1)])
        for score in (fold(0, 0, 0.5), fold(1, 1, 1.0), fold(0, 1, 0.75)):
            journal.scored(score)
        yield journal


def test_a_journal_is_read_while_it_is_written(journal, path):
    before = path.read_bytes()
    view = read_journal(path)
    assert (len(view.history), view.history.n_finished, view.n_pending, view.n_splits) == (2, 1, 1, 2)
    assert [score.test_score for score in view.history[0].folds] == [0.5, 0.75]
    assert view.history.folds_of(1) == {1: fold(1, 1, 1.0)}
    assert view.best_params == {"x": 1, "svc": "SVC(C=2)", "f": "len"}
    assert view.best_score == 0.625
    assert (view.parts, view.facts, view.metrics) == ({"data": "X"}, {"n_splits": 2}, ["score"])
    assert "1 candidates finished, 1 pending" in repr(view)
    assert path.read_bytes() == before
    journal.scored(fold(1, 0, 1.0))
    assert read_journal(path).best_score == 1.0
    assert view.best_score == 0.625


def test_the_leaderboard_is_that_of_the_search(journal, path):
    journal.scored(fold(1, 0, 0.5))
    view = read_journal(path)
    frame = view.leaderboard()
    assert list(frame.index) == [1, 0]
    assert list(frame.columns) == [
        "rank_test_score",
        "mean_test_score",
        "std_test_score",
        "mean_fit_time",
        "state",
        "param_x",
        "param_svc",
        "param_f",
    ]
    assert list(frame["mean_test_score"]) == [0.75, 0.625]
    assert list(view.leaderboard(n=1).index) == [1]
    assert view.leaderboard_text(n=1).splitlines()[2].split()[:3] == ["1", "1", "0.7500"]
    for n in (0, 1.5):
        with pytest.raises(ValueError, match="n must be"):
            view.leaderboard(n)


def test_a_journal_without_finished_candidates(path):
    for data in (b"", MAGIC):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="nothing was written to this journal yet"):
            read_journal(path)
    path.unlink()
    with open_journal(path, HEADER, CODEC) as journal:
        journal.asked([candidate(0)])
        view = read_journal(path)
    assert view.leaderboard().empty
    assert view.leaderboard_text() == "no candidate is finished yet"
    with pytest.raises(ValueError, match="no candidate is finished yet"):
        view.best_params


BEGINNINGS = {
    "first line": (),
    "a round": ([0, 1],),
    "a fold": ([0, 1], fold(0, 0, 0.5)),
    "a fold of the second candidate": ([0, 1], fold(1, 0, 0.5), fold(1, 1, 0.5)),
    "a failed fold": ([0], FoldScore(0, 0, None, state="failed", error="...")),
    "a trial": ([0, 1], fold(0, 0, 0.5), fold(0, 1, 0.5)),
    "several metrics": ([0], *(fold(0, split, {"a": 0.5, "b": 1.0}) for split in (0, 1))),
    "a failed trial": ([0], *(FoldScore(0, split, None, state="failed", error="...") for split in (0, 1))),
    "a trial without a finite score": ([0], *(fold(0, split, np.nan) for split in (0, 1))),
}


def check_every_method(path):
    """Call all that a view has; return the number of finished candidates."""
    view = read_journal(path)
    frame, n = view.leaderboard(), view.history.n_finished
    metrics = sorted(view.metrics, key=lambda name: name != view.facts.get("refit_metric"))
    scores = [f"{kind}_test_{metric}" for metric in metrics for kind in ("mean", "std")]
    columns = [f"rank_test_{metrics[0]}", *scores, "mean_fit_time", "state"]
    assert list(frame.columns)[: len(columns)] == columns
    assert frame.index.name == "candidate"
    names = dict.fromkeys(f"param_{name}" for trial in view.history for name in trial.candidate.params)
    assert [name for name in frame.columns if name.startswith("param_")] == list(names)
    assert (len(frame), view.n_pending) == (n, len(view.history) - n)
    assert repr(view).endswith(f"{n} candidates finished, {view.n_pending} pending>")
    assert len(view.leaderboard_text().splitlines()) == (n + 2 if n else 1)
    assert all(event.what for event in view.events)
    for name in ("best_params", "best_score", "cv_results_"):
        if n == 0:
            with pytest.raises(ValueError, match="no candidate is finished yet"):
                getattr(view, name)
        else:
            assert getattr(view, name) is not None
    return n


@pytest.mark.parametrize("steps", BEGINNINGS.values(), ids=BEGINNINGS)
@pytest.mark.parametrize("metrics", [None, ["a", "b"]])
def test_a_journal_is_read_at_any_moment(path, steps, metrics):
    header = Header({}, {"n_splits": 2, "metrics": metrics, "refit_metric": metrics and "b"})
    with open_journal(path, header, CODEC) as journal:
        for step in steps:
            if isinstance(step, list):
                journal.asked([candidate(i) for i in step])
            else:
                journal.scored(step)
        check_every_method(path)


def test_an_incomplete_last_line_is_left_out(journal, path):
    journal.scored(fold(1, 0, 0.5))
    journal.record_event("stopped", reason="completed")
    data, cut = path.read_bytes(), path.with_name("other")
    n_finished = []
    for end in [*range(data.index(b"\n") + 1, len(data), 13), len(data)]:
        cut.write_bytes(data[:end])
        n_finished.append(check_every_method(cut))
    assert sorted(set(n_finished)) == [0, 1, 2]
    assert n_finished == sorted(n_finished)


def test_reading_neither_locks_nor_unlocks_the_file(journal, path):
    read_journal(path)
    with pytest.raises(BlockingIOError):
        open_journal(path, HEADER, CODEC)


def test_another_process_needs_no_objects_of_the_search(journal, path):
    code = f"from skhpt.journal import read_journal; print(read_journal({str(path)!r}).leaderboard_text())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == read_journal(path).leaderboard_text()


@pytest.mark.parametrize("data", [b"a,b\n", b"a,b", b"\0\1", MAGIC + b'2, "skhpt": "9"}\n', MAGIC + b"1}\n"])
def test_files_of_other_kinds_are_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=str(path)):
        read_journal(path)
    with pytest.raises(FileNotFoundError):
        read_journal(path.with_name("missing"))


def test_several_metrics_rank_candidates(path):
    facts = {"n_splits": 1, "metrics": ["a", "b"], "refit_metric": "b", "error_score": -1.0}
    with open_journal(path, Header({}, facts), CODEC) as journal:
        journal.asked([candidate(i) for i in range(3)])
        journal.scored(FoldScore(0, 0, None, state="failed", error="..."))
        assert read_journal(path).metrics == ["a", "b"]
        assert read_journal(path).best_score == -1.0
        journal.scored(fold(1, 0, {"a": 1.0, "b": np.nan}))
        journal.scored(fold(2, 0, {"a": 0.5, "b": 0.25}))
    view = read_journal(path)
    assert (view.best_score, view.best_params["x"]) == (0.25, 1)
    assert list(view.leaderboard(metric="a").index) == [1, 2, 0]
    assert list(view.leaderboard().index) == [2, 0, 1]
    with pytest.raises(ValueError, match=r"metric must be one of \['a', 'b'\], got 'c'"):
        view.leaderboard_text(metric="c")


def test_eliminated_trials_and_preset_folds_are_finished(path):
    header = Header({}, {"n_splits": 3})
    skip = FoldScore(1, 2, None, state="skipped")
    with open_journal(path, header, CODEC) as journal:
        journal.asked([candidate(0), candidate(1, preset_folds=(skip,)), candidate(2)])
        scored = [fold(0, 0, 0.5), fold(0, 2, 0.5), fold(1, 0, 0.5), fold(1, 1, 0.75), fold(2, 0, 0.5)]
        for score in scored:
            journal.scored(score)
        lost = (scored[0], *(FoldScore(0, split, None, state="skipped") for split in (1, 2)))
        journal.finished(Trial(candidate(0), lost))
    history = read_journal(path).history
    assert history[0].folds == lost
    assert history[1].folds == (*scored[2:4], skip)
    assert [candidate.id for candidate in history.pending] == [2]


def test_a_candidate_with_several_resources_has_one_row(path):
    def info(number, resource):
        return {"candidate_id": number, "n_resources": resource, "n_folds": 1}

    with open_journal(path, Header({}, {"n_splits": 1}), CODEC) as journal:
        journal.asked(
            [
                candidate(0, bracket_id=1, resource=1, info=info(0, 1)),
                candidate(1, bracket_id=0, resource=1, info=info(1, 1)),
                candidate(2, bracket_id=0, resource=3, info=info(1, 3), parent=1),
                candidate(3, bracket_id=0, resource=1, info=info(2, 1)),
            ]
        )
        for score in (fold(1, 0, 0.5), fold(2, 0, 0.25), fold(3, 0, 0.75)):
            journal.scored(score)
    view = read_journal(path)
    # Bracket 0 does not wait for bracket 1.
    assert [trial.candidate.id for trial in view.history.finished] == [1, 2, 3]
    assert view.history[2].candidate.parent == 1
    assert list(view.leaderboard().index) == [1, 2]  # the highest resource, then the score
    assert list(view.leaderboard()["n_resources"]) == [3, 1]


def test_ids_continue_those_of_earlier_trials(path):
    with open_journal(path, HEADER, CODEC, n_earlier_trials=5) as journal:
        journal.asked([candidate(5, parent=2, preset_folds=(fold(5, 0, 0.5),)), candidate(6, parent=5)])
        journal.scored(fold(5, 1, 0.5))
    view = read_journal(path)
    assert [(trial.candidate.id, trial.candidate.parent) for trial in view.history] == [(0, None), (1, 0)]
    assert {score.candidate for score in view.history[0].folds} == {0}
    assert list(view.leaderboard().index) == [5]


def test_events_have_a_name_a_time_and_facts(journal, path):
    journal.record_event("stopped", reason="time is up")
    event = read_journal(path).events[0]
    assert (event.what, event.facts) == ("stopped", {"reason": "time is up"})
    assert datetime(2020, 1, 1, tzinfo=UTC) < read_journal(path).started <= event.time


def test_objects_of_listed_candidates_are_texts(path):
    listed = [{"C": 1, "svc": SVC(C=2)}, {"svc": len}]
    with open_journal(path, Header({}, {"n_splits": 1}), ListCodec(listed)) as journal:
        journal.asked([Candidate(i, params) for i, params in enumerate(listed)])
    assert [candidate.params for candidate in read_journal(path).history.pending] == [
        {"C": 1, "svc": "SVC(C=2)"},
        {"svc": "len"},
    ]


def test_without_metadata_the_folds_are_counted(path):
    with open_journal(path, Header({}, {}), CODEC) as journal:
        journal.asked([candidate(0), candidate(1)])
        for score in (fold(0, 0, 0.5), fold(0, 1, 0.5), fold(1, 0, 0.5)):
            journal.scored(score)
    assert (read_journal(path).n_splits, read_journal(path).n_pending) == (2, 1)


def test_a_view_has_the_history_of_the_search(path):
    """For any order in which folds arrive, with races and brackets."""
    from skhpt.engine import loop as engine
    from tests.engine.test_loop import FakeEvaluator

    rng = np.random.default_rng(0)
    scores = rng.normal(size=(30, 3))

    class Random(FakeEvaluator):
        def submit(self, candidates):
            self.pending += [
                FoldScore(asked.id, split, float(scores[asked.id, split]))
                for asked in candidates
                for split in range(3)
            ]

    class TwoBrackets:
        takes_long = False

        def ask(self, history):
            return [candidate(i, bracket_id=i % 2) for i in range(len(history), 30)][:10]

    history = History()
    with open_journal(path, Header({}, {"n_splits": 3}), CODEC) as journal:
        evaluator = Random(lambda n: int(rng.integers(n)))
        engine.run(TwoBrackets(), history, evaluator, n_splits=3, observer=journal, race=Race(None, np.nan))
    view = read_journal(path)
    assert any(trial.was_eliminated for trial in history)
    assert [trial.folds for trial in view.history] == [trial.folds for trial in history]
    expected = cv_results(history.finished, error_score=np.nan)["mean_test_score"]
    assert len(view.leaderboard(100)) == len(expected) == 30


@pytest.mark.skipif(os.name == "nt", reason="there is no such folder")
def test_only_files_are_opened():
    for not_a_file in (Path("/dev/null"), Path("/tmp")):
        with pytest.raises((ValueError, OSError)):
            open_journal(not_a_file, replace(HEADER), CODEC)


def test_a_notebook_shows_the_state_and_the_best_candidates(journal, path):
    view = read_journal(path)
    page = view._repr_html_()
    for text in ("running", "1 finished, 1 pending", "0.625", "SVC(C=2)", view.path):
        assert text in page
