"""Journal and resume: a search that was stopped anywhere ends as if nothing had happened, and repeats nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import randint, uniform
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import ShuffleSplit
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, ManualSearch, RandomSearch
from skhpt.journal import read_journal
from tests.estimators import Null
from tests.stories.interruptible import MAKERS, make, members, results


def n_fits(folder):
    return len((folder / "fits").read_text().splitlines()) if (folder / "fits").exists() else 0


def fit(kind, folder, **params):
    """Run a search, on top of what the folder holds already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(kind, folder, **params).fit(*load_iris(return_X_y=True))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Run each kind of search once, when it is first asked for."""
    known = {}

    def run(kind):
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            search = fit(kind, folder)
            journal = (folder / "search.jsonl").read_bytes()
            known[kind] = results(search), n_fits(folder), journal
        return known[kind]

    return run


@pytest.mark.parametrize("kind", MAKERS)
def test_a_second_run_has_nothing_left_to_do(kind, undisturbed, tmp_path):
    expected, _, journal = undisturbed(kind)
    (tmp_path / "search.jsonl").write_bytes(journal)
    search = fit(kind, tmp_path)
    assert results(search) == expected
    assert n_fits(tmp_path) == 1  # the refit
    assert b"scored" not in (tmp_path / "search.jsonl").read_bytes()[len(journal) :]
    view = read_journal(tmp_path / "search.jsonl")
    assert [event.what for event in view.events] == ["begun", "ended", "resumed", "begun", "ended"]
    assert (view.state, view.stop_reason) == ("ended", "completed")
    assert len(view.trials) == len(search.cv_results_["params"])


@pytest.mark.parametrize("kind", MAKERS)
def test_cut_anywhere_it_ends_as_if_nothing_had_happened(kind, undisturbed, tmp_path):
    expected, n_expected, journal = undisturbed(kind)
    ends = np.flatnonzero(np.frombuffer(journal, dtype=np.uint8) == ord("\n")) + 1
    cuts = {int(end) + offset for end in ends[:: max(1, len(ends) // 4)] for offset in (0, 20)}
    for cut in sorted(cut for cut in cuts if cut <= len(journal)):
        (tmp_path / "fits").unlink(missing_ok=True)
        (tmp_path / "search.jsonl").write_bytes(journal[:cut])
        n_kept = journal[:cut].count(b'{"scored"')
        assert results(fit(kind, tmp_path)) == expected, cut
        if kind not in ("hyperband", "racing"):  # where models are gone, or another fold comes first
            n_lost = 0 if journal[:cut].endswith(b"\n") else 1
            assert n_fits(tmp_path) <= n_expected - n_kept + n_lost, cut


def test_cut_at_every_byte(iris, tmp_path):
    path = tmp_path / "search.jsonl"

    def run():
        options = {"n_iter": 2, "cv": 2, "random_state": 0, "refit": False}
        search = RandomSearch(Null(), {"value": randint(0, 9)}, journal=path, **options)
        return search.fit(*iris).cv_results_["mean_test_score"].tolist()

    expected, journal = run(), path.read_bytes()
    begun = journal.find(b"\n")
    for cut in [*range(0, begun, 97), *range(begun, len(journal), 3)]:
        path.write_bytes(journal[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert run() == expected
        end = path.read_bytes()
        whole = journal[: journal[:cut].rfind(b"\n") + 1]
        assert whole.count(b"\n") < 2 or end.startswith(whole)  # a mere beginning is begun anew
        assert all(json.loads(line) for line in end.splitlines())


def test_folds_and_draws_without_a_seed_are_remembered(iris, tmp_path):
    def run():
        space = {"value": randint(0, 10_000)}
        cv = ShuffleSplit(3)
        search = RandomSearch(Null(), space, n_iter=4, cv=cv, journal=tmp_path / "j", refit=False).fit(*iris)
        return search.cv_results_

    first, second = run(), run()
    assert first["params"] == second["params"]
    np.testing.assert_array_equal(first["mean_test_score"], second["mean_test_score"])


def test_bayes_without_a_seed_goes_on_as_it_would_have(iris, tmp_path):
    def run(n_iter):
        space = {"value": randint(0, 10_000)}
        search = BayesSearchCV(Null(), space, n_iter=n_iter, journal=tmp_path / "j", refit=False)
        return search.fit(*iris).cv_results_["params"]

    short = run(6)
    long = run(8)
    assert long[:6] == short
    assert run(8) == long


def test_a_random_state_is_drawn_from_as_it_would_have_been(iris, tmp_path):
    def run(journal):
        state = np.random.RandomState(7)
        search = RandomSearch(
            Null(), {"value": randint(0, 10**6)}, n_iter=4, random_state=state, journal=journal
        )
        return search.set_params(refit=False).fit(*iris).cv_results_["params"], state.randint(10**6)

    assert run(None) == run(tmp_path / "j") == run(tmp_path / "j")


def test_a_journal_of_another_search_is_refused_with_the_difference(iris, tmp_path):
    X, y = iris
    path = tmp_path / "j"
    changes = {
        "space": {"param_grid": {"C": [1, 3]}},
        "estimator": {"estimator__gamma": 0.5},
        "scoring": {"scoring": "f1_macro"},
        "folds": {"cv": 4},
        "search": {"resolution": 7},
    }

    def search():
        return GridSearch(SVC(), {"C": [1, 2]}, cv=3, journal=path)

    search().fit(X, y)
    before = path.read_bytes()
    for part, change in changes.items():
        with pytest.raises(ValueError, match=rf"(?s)journal of another search.*\n  {part}: .* became "):
            search().set_params(**change).fit(X, y)
    with pytest.raises(ValueError, match=r"(?s)data: .*150, 4.* became .*150, 3"):
        search().fit(X[:, :3], y)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="is not a journal"):
        search().set_params(journal=__file__).fit(X, y)


def test_more_candidates_go_on_with_the_same_journal(iris, tmp_path):
    def run(n_iter, journal=tmp_path / "j"):
        search = RandomSearch(SVC(), {"C": uniform(1, 9)}, n_iter=n_iter, random_state=0, journal=journal)
        return search.fit(*iris)

    run(3)
    table = run(6).cv_results_
    assert table["params"] == run(6, None).cv_results_["params"]


def test_manual_tries_are_remembered_across_sessions(iris, tmp_path, capsys):
    path = tmp_path / "j"
    first = ManualSearch(SVC(), [{"C": 1}], journal=path)
    first.evaluate(*iris, C=2)
    second = ManualSearch(SVC(), [{"C": 1}], journal=path)
    second.evaluate(*iris, C=2)
    assert "tried before" in capsys.readouterr().out
    second.evaluate(*iris, C=3)
    third = ManualSearch(SVC(), [{"C": 1}], journal=path, warm_start=True).fit(*iris)
    assert [params["C"] for params in third.cv_results_["params"]] == [2, 3, 1]


def test_a_warm_start_goes_on_with_its_journal(iris, tmp_path):
    search = GridSearch(SVC(), {"C": [1, 2]}, warm_start=True).fit(*iris)
    search.set_params(journal=tmp_path / "j").fit(*iris)  # what is known is written down too
    again = GridSearch(SVC(), {"C": [1, 2]}, journal=tmp_path / "j").fit(*iris)
    assert again.cv_results_["params"] == [{"C": 1}, {"C": 2}]
    assert (tmp_path / "j").read_bytes().count(b'{"scored"') == 10
    other = tmp_path / "other"
    GridSearch(SVC(), {"C": [1, 2]}, journal=other, max_time=60).fit(*iris)
    other.write_bytes(b"".join(other.read_bytes().splitlines(True)[:1]))
    search.set_params(journal=other).fit(*iris)  # it was only begun
    assert other.read_bytes().count(b'{"scored"') == 10


def test_a_search_that_came_to_nothing_leaves_the_journal_to_the_next_one(iris, tmp_path):
    with pytest.raises(ValueError, match="gama"):
        GridSearch(SVC(), {"gama": [1]}, journal=tmp_path / "j").fit(*iris)
    first = GridSearch(SVC(), {"gamma": [1]}, journal=tmp_path / "j").fit(*iris)
    assert read_journal(tmp_path / "j").best_score == first.best_score_


def test_a_journal_that_begins_with_other_candidates_is_that_of_another_search(iris, tmp_path):
    ManualSearch(SVC(), [{"C": 5}, {"C": 6}, {"C": 7}], journal=tmp_path / "j").fit(*iris)
    search = ManualSearch(SVC(), [{"C": 1}, {"C": 2}]).fit(*iris)
    search.set_params(journal=tmp_path / "j")
    with pytest.raises(ValueError, match="does not begin with the 2 candidates"):
        search.evaluate(*iris, C=3)
    assert [trial.candidate.params["C"] for trial in search.history_] == [1, 2]
    GridSearch(SVC(), {"C": [1]}, journal=tmp_path / "other").fit(*iris)  # and nothing is locked
    ManualSearch(SVC(), [{"C": 5}, {"C": 6}, {"C": 7}], journal=tmp_path / "j").fit(*iris)


def test_two_searches_cannot_write_to_one_journal(iris, tmp_path):
    path = tmp_path / "j"

    def scoring(estimator, X, y):
        with pytest.raises(OSError, match="another search"):
            GridSearch(SVC(), {"C": [1]}, journal=path, cv=2).fit(*iris)
        return 1.0

    GridSearch(SVC(), {"C": [1]}, journal=path, cv=2, scoring=scoring).fit(*iris)


# -- other processes -----------------------------------------------------------------------------------------


def start(kind, folder, *options):
    """Start a search in a process, and in a session, of its own."""
    call = f"from tests.stories import interruptible; interruptible.main{(kind, str(folder), *options)}"
    return subprocess.Popen(
        [sys.executable, "-c", call],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_lines(path, n, process):
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < n):
        time.sleep(0.002)


def wait_until_gone(session, patience=30.0):
    end = time.monotonic() + patience
    while members(session) and time.monotonic() < end:
        time.sleep(0.05)
    return members(session)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "kind, n_jobs, kills",
    [("bayes", 1, (8, 15)), pytest.param("grid", 2, (9,), marks=pytest.mark.slow)],
)
def test_killed_again_and_again(kind, n_jobs, kills, undisturbed, tmp_path):
    expected, n_expected, _ = undisturbed(kind)
    path, n_kills = tmp_path / "search.jsonl", 0
    for n_lines in kills:
        process = start(kind, tmp_path, "seconds=0.02", f"n_jobs={n_jobs}")
        wait_for_lines(path, n_lines, process)
        n_kills += process.poll() is None
        process.kill()
        process.communicate()
        assert wait_until_gone(process.pid) == []  # no worker survives
        assert not list(tmp_path.glob("skhpt-*"))
    assert results(fit(kind, tmp_path)) == expected
    in_flight = 1 if n_jobs == 1 else 2 * n_jobs
    assert n_expected <= n_fits(tmp_path) <= n_expected + n_kills * in_flight


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
def test_ctrl_c_in_a_terminal(undisturbed, tmp_path):
    process = start("grid", tmp_path, "seconds=0.3", "n_jobs=2")
    wait_for_lines(tmp_path / "search.jsonl", 6, process)
    os.killpg(process.pid, signal.SIGINT)  # to all its processes
    process.communicate()
    assert wait_until_gone(process.pid) == []
    outcome = json.loads((tmp_path / "results.json").read_text())
    assert (outcome["stop_reason"], outcome["refitted"]) == ("interrupted", True)
    assert 1 <= len(outcome["params"]) < 6
    assert results(fit("grid", tmp_path)) == undisturbed("grid")[0]


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
@pytest.mark.parametrize("name, n_jobs", [("SIGTERM", 2), ("SIGHUP", 1)])
def test_a_request_to_end_leaves_a_whole_journal_and_no_process(name, n_jobs, undisturbed, tmp_path):
    process = start("grid", tmp_path, "seconds=0.3", f"n_jobs={n_jobs}")
    wait_for_lines(tmp_path / "search.jsonl", 6, process)
    process.send_signal(getattr(signal, name))
    process.communicate()
    assert process.returncode == -getattr(signal, name)
    assert wait_until_gone(process.pid) == []
    assert not list(tmp_path.glob("skhpt-*"))
    last = read_journal(tmp_path / "search.jsonl").events[-1]
    assert (last.what, last.facts) == ("ended", {"reason": "interrupted"})
    assert results(fit("grid", tmp_path)) == undisturbed("grid")[0]


class SearchInside(SVC):
    """Makes a search when it is fitted, and somebody presses Ctrl-C in that search."""

    def fit(self, X, y):
        inner = GridSearch(Interrupted(), {"C": [1, 2]}, cv=2).fit(X, y)
        inner.best_estimator_.fail_if_reached()


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_ctrl_c_in_a_search_inside_a_fit_ends_the_outer_search(iris):
    search = GridSearch(SearchInside(), {"C": [1, 2]}, on_interrupt="keep")
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*iris)  # no candidate was finished
    assert search.stop_reason_ == "interrupted"


class Interrupted(SVC):
    """Somebody presses Ctrl-C while it is fitted with C=2."""

    def fit(self, X, y):
        if self.C == 2:
            signal.raise_signal(signal.SIGINT)
        return super().fit(X, y)


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
@pytest.mark.parametrize("on_interrupt", ["refit", "keep", "raise"])
def test_ctrl_c_keeps_the_results(on_interrupt, iris, tmp_path):
    search = GridSearch(Interrupted(), {"C": [1, 2, 3]}, journal=tmp_path / "j", on_interrupt=on_interrupt)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if on_interrupt == "raise":
            with pytest.raises(KeyboardInterrupt):
                search.fit(*iris)
        else:
            search.fit(*iris)
    assert [str(one.message) for one in said] == ["the search ended after 1 candidates: interrupted"]
    assert (search.stop_reason_, search.best_params_) == ("interrupted", {"C": 1})
    assert hasattr(search, "best_estimator_") == (on_interrupt == "refit")
    assert (tmp_path / "j").read_bytes().count(b'{"scored"') == 5


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_ctrl_c_that_the_estimator_catches_is_no_score(iris, tmp_path):
    class Stubborn(Interrupted):
        def fit(self, X, y):
            try:
                return super().fit(X, y)
            except KeyboardInterrupt:  # as MLPClassifier does
                return SVC.fit(self, X, 1 - y.clip(max=1))

    search = GridSearch(Stubborn(), {"C": [1, 2, 3]}, journal=tmp_path / "j")
    with pytest.warns(UserWarning, match="ended after 1 candidates: interrupted"):
        search.fit(*iris)
    assert (tmp_path / "j").read_bytes().count(b'{"scored"') == 5


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_ctrl_c_during_the_refit_keeps_the_results(iris):
    class Impatient(SVC):
        def fit(self, X, y):
            if len(X) == 150:
                signal.raise_signal(signal.SIGINT)
            return super().fit(X, y)

    search = GridSearch(Impatient(), {"C": [1, 2]})
    with pytest.raises(KeyboardInterrupt):
        search.fit(*iris)
    assert len(search.cv_results_["params"]) == 2


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_ctrl_c_twice_stops_now(iris, tmp_path):
    class Twice(GridSearch):
        def _set_results(self, session):
            signal.raise_signal(signal.SIGINT)
            super()._set_results(session)

    search = Twice(Interrupted(), {"C": [1, 2, 3]}, journal=tmp_path / "j")
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*iris)
    assert [trial.state for trial in search.history_] == ["ok", "pending", "pending"]
    assert (tmp_path / "j").read_bytes().count(b'{"scored"') == 5


def test_a_full_disk_is_no_reason_to_stop(iris, tmp_path, monkeypatch):
    write, n = os.write, 0

    def fail(fd, data):
        nonlocal n
        n += 1
        if n == 4:
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", fail)
    search = GridSearch(SVC(), {"C": [1, 2]}, journal=tmp_path / "j")
    with pytest.warns(UserWarning, match="(?s)No space left.*in memory"):
        search.fit(*iris)
    monkeypatch.undo()
    assert search.stop_reason_ == "completed"
    before = search.cv_results_["mean_test_score"]
    again = GridSearch(SVC(), {"C": [1, 2]}, journal=tmp_path / "j").fit(*iris)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], before)


def test_every_error_is_kept_even_if_the_first_one_stops_the_search(iris, tmp_path):
    class Picky(SVC):
        def fit(self, X, y):
            if self.C == 2:
                raise ArithmeticError("no luck")
            return super().fit(X, y)

    search = GridSearch(Picky(), {"C": [1, 2, 3]}, journal=tmp_path / "j", error_score="raise")
    with pytest.raises(ArithmeticError, match="no luck"):
        search.fit(*iris)
    assert (tmp_path / "j").read_bytes().count(b'{"scored"') == 5
    search.set_params(error_score=0.0)
    with pytest.warns(FitFailedWarning, match="5 fits failed"):
        search.fit(*iris)
    assert search.cv_results_["mean_test_score"][1] == 0
    search.set_params(error_score="raise")
    with pytest.raises(RuntimeError, match=r"(?s)journal=.* has a failure.*no luck"):
        search.fit(*iris)
    shutil.rmtree(tmp_path)
