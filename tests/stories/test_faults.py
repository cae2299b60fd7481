"""Dead workers, hanging fits, deadlines and Ctrl-C: the search ends, and has the scores of all that could be scored."""

import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.svm import SVC

from skhpt import GridSearch
from tests.estimators import EXCEPTIONS, Fatal, Raising
from tests.stories.interruptible import members

HARM = {"dies": 1, "sleeps": 2, "loops": 3}
GOOD = [10, 20, 30, 40, 50, 60]
RETRIED = "evaluated again because their worker died"


def fit(iris, values, n_jobs=2, **params):
    search = GridSearch(Fatal(), {"value": values}, n_jobs=n_jobs, refit=False, **{"cv": KFold(2), **params})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(*iris)


def scores(search):
    return np.array([search.cv_results_[f"split{i}_test_score"] for i in range(2)])


def states(search):
    return [[fold.state for fold in trial.folds] for trial in search.history_]


def test_a_candidate_that_kills_its_workers_is_given_up_and_all_others_are_scored(iris):
    search = fit(iris, [*GOOD[:3], 1, *GOOD[3:]], error_score=-7.0)
    assert states(search)[3] == ["crashed"] * 2
    assert search.cv_results_["mean_test_score"][3] == -7
    assert all("max_retries" in fold.error for fold in search.history_[3].folds)
    assert search.best_params_ == {"value": 60}
    np.testing.assert_array_equal(np.delete(scores(search), 3, axis=1), scores(fit(iris, GOOD, n_jobs=1)))


def test_a_worker_that_dies_by_chance_costs_a_retry(iris, tmp_path):
    log = tmp_path / "log"
    search = GridSearch(
        Fatal(log=str(log), once=str(tmp_path / "once")),
        {"value": [1, *GOOD]},
        cv=KFold(2),
        n_jobs=2,
        refit=False,
    )
    with pytest.warns(UserWarning, match="folds were evaluated again because their worker died"):
        search.fit(*iris)
    assert states(search) == [["ok"] * 2] * 7
    n_retries = sum(fold.retries for trial in search.history_ for fold in trial.folds)
    assert 1 <= n_retries <= 2  # in the other worker a fold was under way, maybe
    assert len(log.read_text().splitlines()) <= 14 + n_retries


@pytest.mark.parametrize("harm, n_jobs", [("sleeps", 1), ("loops", 2)])
def test_a_fit_that_hangs_is_stopped(iris, harm, n_jobs):
    search = fit(
        iris, [10, HARM[harm], 20], n_jobs=n_jobs, fit_timeout=0.5, cv=ShuffleSplit(1, random_state=0)
    )
    assert states(search) == [["ok"], ["timeout"], ["ok"]]
    assert (
        search.history_[1].folds[0].error == "TimeoutError: the fit was stopped after fit_timeout=0.5 seconds"
    )
    assert np.isfinite(search.cv_results_["mean_test_score"][[0, 2]]).all()


def test_failures_are_summed_up_and_if_nothing_else_is_left_it_is_an_error(iris):
    search = GridSearch(Fatal(), {"value": [1]}, cv=KFold(2), n_jobs=2, max_retries=0)
    with (
        pytest.raises(ValueError, match=r"(?s)All the 2 fits failed.*TerminatedWorkerError"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        search.fit(*iris)


# -- exceptions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fit", "score"])
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky", "multiprocessing"])
def test_whatever_a_fit_raises_is_a_failure_of_that_fit(iris, backend, where):
    in_this_process = backend in ("sequential", "threading")
    bad = [name for name in EXCEPTIONS if name != "interrupt" or not in_this_process]
    search = GridSearch(Raising(where=where), {"value": [0, *bad, 1]}, cv=KFold(2), refit=False)
    with parallel_config(backend, n_jobs=2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*iris)
    assert search.stop_reason_ == "completed"
    assert states(search) == [["ok"] * 2, *[["failed"] * 2] * len(bad), ["ok"] * 2]
    for name, trial in zip(bad, search.history_[1:-1], strict=True):
        assert type(EXCEPTIONS[name]()).__name__ in trial.folds[0].error


@pytest.mark.parametrize("scoring", [["accuracy", "f1_macro"], "accuracy"])
def test_a_prediction_that_exits_is_a_failure(iris, scoring):
    search = GridSearch(
        Raising(where="predict"), {"value": [0, "exit", "base"]}, scoring=scoring, cv=2, refit=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*iris)
    assert states(search) == [["ok"] * 2, ["failed"] * 2, ["failed"] * 2]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_parameters_that_cannot_be_set_are_failures_whatever_is_raised(iris, n_jobs):
    bad = ["error", "exit", "base", "generator", "memory"]
    search = GridSearch(
        Raising(where="set_params"), {"value": [0, *bad, 1]}, cv=2, refit=False, n_jobs=n_jobs
    )
    with parallel_config("threading"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(*iris)
    assert states(search) == [["ok"] * 2, *[["failed"] * 2] * len(bad), ["ok"] * 2]


@pytest.mark.parametrize("name", EXCEPTIONS)
@pytest.mark.parametrize("backend", ["sequential", "multiprocessing"])
def test_failures_that_are_to_be_raised_are_raised_as_they_are(iris, backend, name, tmp_path):
    if name == "interrupt" and backend == "sequential":
        pytest.skip("as if Ctrl-C was pressed")
    search = GridSearch(
        Raising(), {"value": [0, name]}, cv=KFold(2), refit=False, error_score="raise", journal=tmp_path / "j"
    )
    with parallel_config(backend, n_jobs=2), pytest.raises(BaseException) as caught:
        search.fit(*iris)
    original = EXCEPTIONS[name]()
    if backend == "sequential" or name not in ("lock", "harm"):  # these cannot be sent
        assert type(caught.value) is type(original)
    assert type(original).__name__ in "".join(traceback.format_exception(caught.value))
    # Unfinished candidates may have folds too.
    n_folds = sum(len(trial.folds) for trial in search.history_.finished)
    assert (tmp_path / "j").read_text().count('"scored"') >= n_folds


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="has no such signal")
def test_the_exit_of_a_signal_handler_of_the_user_ends_the_search(iris):
    class Alarmed(Raising):
        def fit(self, X, y):
            signal.raise_signal(signal.SIGALRM)
            return super().fit(X, y)

    before = signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(3))
    try:
        with pytest.raises(SystemExit):
            GridSearch(Alarmed(), {"value": [0]}).fit(*iris)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_fit_timeout_needs_processes(iris):
    with (
        parallel_config("threading"),
        pytest.raises(ValueError, match="fit_timeout=2 needs workers that are processes"),
    ):
        fit(iris, [10], fit_timeout=2)


# -- what is left of a search --------------------------------------------------------------------------------


def start_orphans(moment, backend, folder):
    """Start a search, and return it at that moment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stories.orphans", moment, backend],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    while process.stdout.readline() not in (b"killable\n", b""):
        pass
    return process


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "moment, backend",
    [("fit", "multiprocessing"), pytest.param("refit", "loky", marks=pytest.mark.slow)],
)
def test_nothing_is_left_of_a_search_that_is_killed(moment, backend, tmp_path):
    process = start_orphans(moment, backend, tmp_path)
    n_before = len(members(process.pid))
    assert n_before > 1
    process.kill()
    process.communicate()
    end = time.monotonic() + 60
    while (members(process.pid) or os.listdir(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert members(process.pid) == []
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="folders are elsewhere")
def test_searches_on_loky_leave_no_folder_in_shared_memory():
    X, y = np.random.RandomState(0).rand(30_000, 5), np.arange(30_000) % 2
    for _ in range(3):
        GridSearch(Fatal(), {"value": [10, 20]}, cv=2, n_jobs=2, refit=False).fit(X, y)
    assert not [name for name in os.listdir("/dev/shm") if f"folder_{os.getpid()}_" in name]


class IgnoresEnd(Fatal):
    """Ignores the polite request to end, and hangs."""

    def fit(self, X, y):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(self.log).write_text(str(os.getpid()))
        time.sleep(600)


@pytest.mark.skipif(os.name == "nt", reason="has no such signals")
def test_a_fit_that_ignores_sigterm_does_not_outlive_max_time(iris, tmp_path):
    search = GridSearch(IgnoresEnd(log=str(tmp_path / "pid")), {"value": [10, 20]}, cv=2, max_time=0.5)
    with (
        parallel_config("multiprocessing", n_jobs=2),
        pytest.raises(RuntimeError, match="was over before any"),
    ):
        search.fit(*iris)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# -- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_target_score_ends_the_search_at_the_same_candidate_for_any_number_of_workers(iris, n_jobs):
    search = GridSearch(Fatal(), {"value": GOOD}, cv=KFold(3), n_jobs=n_jobs, target_score=29.0).fit(*iris)
    assert (search.stop_reason_, len(search.cv_results_["params"])) == ("target_score", 3)
    assert search.best_estimator_.value == 30


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_patience(iris, n_jobs):
    values = [20, 30, 10, 20, 15, 70]
    search = GridSearch(Fatal(), {"value": values}, cv=KFold(3), n_jobs=n_jobs, patience=3).fit(*iris)
    assert (search.stop_reason_, search.cv_results_["params"][-1]) == ("patience", {"value": 15})


def test_a_warm_start_goes_on_after_a_stop(iris, tmp_path):
    log = tmp_path / "log"
    search = GridSearch(
        Fatal(log=str(log)), {"value": GOOD}, cv=KFold(3), target_score=29.0, warm_start=True, refit=False
    ).fit(*iris)
    search.set_params(target_score=None).fit(*iris)
    assert (search.stop_reason_, len(search.cv_results_["params"])) == ("completed", 6)
    assert len(log.read_text().splitlines()) == 18


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_out_of_time(iris, n_jobs):
    search = GridSearch(Fatal(), {"value": GOOD}, cv=KFold(3), n_jobs=n_jobs, max_time=1e-9)
    with pytest.raises(RuntimeError, match="max_time=1e-09 was over before any candidate was finished"):
        search.fit(*iris)
    assert search.stop_reason_ == "max_time"


@pytest.mark.parametrize("limit", [{"target_score": 0.5}, {"patience": 1}])
def test_of_several_metrics_one_must_count(iris, limit):
    search = GridSearch(SVC(), {"C": [1]}, scoring=["accuracy", "f1_macro"], refit=False, **limit)
    with pytest.raises(
        ValueError, match=r"refit must name one of \['accuracy', 'f1_macro'\], got refit=False"
    ):
        search.fit(*iris)


def test_time_is_longer_than_nothing(iris):
    with pytest.raises(ValueError, match="max_time must be positive"):
        GridSearch(SVC(), {"C": [1]}, max_time=timedelta(-1)).fit(*iris)


@pytest.mark.parametrize(
    "name, value", [("max_time", -1), ("patience", 0), ("fit_timeout", 0), ("on_interrupt", "no")]
)
def test_bad_limits(iris, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of GridSearch must be"):
        GridSearch(Fatal(), {"value": [1]}, **{name: value}).fit(*iris)
