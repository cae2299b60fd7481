"""The status that another process reads from a journal."""

import pytest

from skhpt import Space
from skhpt.inspection import status_of_journal
from skhpt.journal import Header, SpaceCodec, open_journal, read_journal
from skhpt.trial import Candidate, FoldScore
from tests.callbacks.searches import SEARCHES, Recorder, X, Y, make

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores"),
]
#: Fields that another process knows.
COUNTS = (
    "search",
    "metric",
    "n_finished",
    "n_planned",
    "n_splits",
    "n_pending",
    "n_folds",
    "n_failed",
    "n_eliminated",
)


class Watcher(Recorder):
    """Reads the journal whenever it is told of a candidate."""

    def on_candidate_finished(self, search, trial, status):
        self.events.append((status, status_of_journal(read_journal(search.journal))))


@pytest.mark.parametrize("kind", SEARCHES)
def test_it_is_the_status_that_the_search_has(kind, tmp_path):
    watcher = Watcher()
    make(kind, watcher, journal=tmp_path / "search.jsonl", reuse=False).fit(X, Y)
    pairs = [event for event in watcher.events if len(event) == 2]
    assert len(pairs) >= 5
    for own, read in pairs:
        for name in COUNTS:
            assert getattr(read, name) == getattr(own, name), name
        assert read.best == own.best
        assert read.done == pytest.approx(own.done)
        assert (read.rung, read.stop_reason) == (own.rung, "")
        assert (read.seconds_left is None) == (own.seconds_left is None)


@pytest.mark.parametrize("kind", SEARCHES)
def test_it_is_the_status_at_the_end(kind, tmp_path):
    path = tmp_path / "search.jsonl"
    for n_resumed in (0, None):
        recorder = Recorder()
        search = make(kind, recorder, journal=path).fit(X, Y)
        own, read = recorder.events[-1][-1], status_of_journal(read_journal(path))
        for name in (*COUNTS, "n_resumed", "n_folds_resumed", "resumed_from", "best", "done", "seconds_left"):
            assert getattr(read, name) == getattr(own, name), name
        assert read.stop_reason == "completed"
        assert read.n_resumed == (len(search.history_) if n_resumed is None else n_resumed)


def test_a_race_counts_eliminated_candidates(tmp_path):
    search = make("random", journal=tmp_path / "search.jsonl", racing=True).set_params(n_iter=12, cv=4)
    search.fit(X, Y)
    status = status_of_journal(read_journal(tmp_path / "search.jsonl"))
    assert status.n_eliminated == sum(trial.was_eliminated for trial in search.history_) > 0
    assert status.best.params == search.best_params_


def test_a_search_ends_that_had_nothing_to_evaluate(tmp_path):
    make("manual", previous=make("manual").fit(X, Y), journal=tmp_path / "search.jsonl").fit(X, Y)
    view = read_journal(tmp_path / "search.jsonl")
    assert (view.state, view.stop_reason, view.n_planned) == ("ended", "completed", 5)
    assert status_of_journal(view).n_resumed == 5


def test_a_dead_search_says_so(tmp_path):
    path = tmp_path / "search.jsonl"
    make("grid", journal=path).fit(X, Y)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines[:-6] if '"ended"' not in line))
    status = status_of_journal(read_journal(path))
    assert status.stop_reason == "dead"
    assert status.n_finished < status.n_planned == 5


@pytest.mark.parametrize("kind", SEARCHES)
def test_candidates_have_one_number_in_the_status_the_leaderboard_and_the_results(kind, tmp_path):
    watcher = Watcher()
    search = make(kind, watcher, journal=tmp_path / "search.jsonl", reuse=False).fit(X, Y)
    best = watcher.of("end")[0][-1].best
    table = search.cv_results_
    row = list(table["candidate_id"]).index(best.number) if "candidate_id" in table else best.number
    assert table["params"][row] == best.params
    view = read_journal(tmp_path / "search.jsonl")
    for source in (search, view):
        board = source.leaderboard()
        assert board.index[0] == best.number
        assert source.leaderboard_text(1).splitlines()[-1].split()[1] == str(best.number)


@pytest.mark.parametrize("plan", [[[0, 0, 4, 1, 1]], [[0, 0, 4, 1, 1], [0, 1, 1, 2, 1]]])
def test_a_plan_without_the_rungs_of_the_candidates_is_left_out(plan, tmp_path):
    codec = SpaceCodec(Space({"C": [1, 2]}))
    path = tmp_path / "search.jsonl"
    info = {"bracket": 1, "rung": 2, "n_resources": 5, "n_folds": 2, "candidate_id": 0}
    with open_journal(path, Header({}, {"n_splits": 1}), codec) as journal:
        journal.begin(n_planned=7, plan=plan)
        journal.asked([Candidate(0, {"C": 1}, info=info)])
        journal.scored(FoldScore(0, 0, 0.5))
    status = status_of_journal(read_journal(path))
    assert (status.n_finished, status.n_planned, status.rung) == (1, 7, "")
