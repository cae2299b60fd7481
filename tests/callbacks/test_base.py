"""What callbacks are told, in which order, and what they cannot do to a search."""

import pickle
import time
import warnings
from collections import Counter

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skhpt import GridSearch, ManualSearch, RandomSearch
from skhpt.callbacks import SearchCallback
from skhpt.journal import read_journal
from skhpt.results.status_tracker import StatusTracker
from tests.callbacks.searches import SEARCHES, VALUES, Raises, Recorder, X, Y, make
from tests.estimators import FailsBelow

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores"),
]
HOOKS = ["on_search_begin", "on_folds_finished", "on_candidate_finished", "on_new_best", "on_search_end"]
for_every_search = pytest.mark.parametrize("kind", SEARCHES)


def scores(search):
    return search.cv_results_["mean_test_score"].tolist()


# -- laws ----------------------------------------------------------------------------------------------------


@for_every_search
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_events_come_in_order(kind, n_jobs):
    recorder = Recorder()
    with joblib.parallel_config("threading"):
        make(kind, recorder, n_jobs=n_jobs, max_retries=0).fit(X, Y)
    names = recorder.names()
    assert names[0] == "begin"
    assert names[-1] == "end"
    assert names.count("begin") == names.count("end") == 1
    assert all(names[i - 1] == "candidate" for i, name in enumerate(names) if name == "best")


@for_every_search
def test_each_trial_and_each_fold_is_told_of_once(kind):
    recorder = Recorder()
    search = make(kind, recorder).fit(X, Y)
    told = Counter(trial.candidate.id for _, trial, _ in recorder.of("candidate"))
    assert told == Counter(range(len(search.history_)))
    folds = [(fold.candidate, fold.split) for _, folds, _ in recorder.of("folds") for fold in folds]
    assert len(folds) == len(set(folds)) == recorder.events[-1][2].n_folds


@for_every_search
def test_new_best_scores_increase_up_to_the_best(kind):
    recorder = Recorder()
    search = make(kind, recorder).fit(X, Y)
    best = [status.best.score for _, _, status in recorder.of("best")]
    assert kind == "hyperband" or best == sorted(set(best))  # a higher rung comes first
    assert best[-1] == search.best_score_
    assert recorder.events[-1][2].best.params == search.best_params_


@for_every_search
def test_the_last_status_is_that_of_the_results(kind):
    recorder = Recorder()
    search = make(kind, recorder).fit(X, Y)
    error, status = recorder.events[-1][1:]
    assert error is None
    assert status.stop_reason == search.stop_reason_ == "completed"
    assert status.n_finished == len(search.history_) <= status.n_planned
    assert status.n_failed == sum(trial.state == "failed" for trial in search.history_)
    assert (status.n_pending, status.n_busy, status.seconds_left) == (0, 0, 0.0)


@for_every_search
def test_what_is_finished_never_decreases_and_is_never_more_than_planned(kind):
    recorder = Recorder()
    make(kind, recorder).fit(X, Y)
    statuses = [status for *_, status in recorder.events]
    for name in ("n_finished", "n_folds", "done", "elapsed"):
        values = [getattr(status, name) for status in statuses]
        assert values == sorted(values)
    assert all(0 <= status.done <= 1 for status in statuses)
    assert statuses[-1].done == 1


# -- what callbacks do not change ----------------------------------------------------------------------------


class Slow(SearchCallback):
    def on_folds_finished(self, search, folds, status):
        time.sleep(0.002 * (folds[0].candidate % 3))


@for_every_search
def test_a_slow_callback_does_not_change_the_results(kind):
    with joblib.parallel_config("threading", n_jobs=2):
        slow, plain = (make(kind, *callbacks).fit(X, Y) for callbacks in ([Slow()], []))
    assert scores(slow) == pytest.approx(scores(plain), nan_ok=True)


def test_callbacks_are_neither_parameters_nor_part_of_the_journal(tmp_path):
    searches = []
    for name, callbacks in {"with": [Recorder()], "without": []}.items():
        searches.append(make("grid", *callbacks, journal=tmp_path / name).fit(X, Y))
    assert searches[0].get_params().keys() == searches[1].get_params().keys()
    assert read_journal(tmp_path / "with").parts == read_journal(tmp_path / "without").parts


def test_candidates_share_fits(iris):
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    def fit(*callbacks):
        search = GridSearch(make_pipeline(PCA(2), SVC()), {"svc__C": [1, 2, 3]}, cv=2, refit=False)
        return search.set_callbacks(*callbacks).fit(*iris).reuse_report_

    assert fit(Recorder()).n_fits == fit().n_fits < fit().plan.n_fits_asked


def test_clones_share_the_callbacks_and_pickles_carry_them():
    search = make("grid", Raises("on_new_best", OSError("full")))
    assert clone(search)._search_callbacks is search._search_callbacks
    with pytest.warns(match="full"):
        pickle.loads(pickle.dumps(make("grid", Fails()))).fit(X, Y)


class Fails(SearchCallback):
    def on_new_best(self, search, trial, status):
        raise OSError("full")


def test_each_search_inside_cross_val_score_tells_the_callback():
    recorder = Recorder()
    with pytest.warns():  # tests of three rows
        cross_val_score(make("manual", recorder, refit=True, cv=2), X, Y, cv=2, error_score="raise")
    assert recorder.names().count("begin") == recorder.names().count("end") == 2


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_that_raises_does_not_lose_the_search(hook, n_jobs):
    broken, recorder = Raises(hook, RuntimeError("server is down")), Recorder()
    search = make("grid", broken, recorder)
    with joblib.parallel_config("threading", n_jobs=n_jobs), pytest.warns() as caught:
        search.fit(X, Y)
    ours = [str(w.message) for w in caught if "callback" in str(w.message)]
    assert len(ours) == 1
    assert f"Raises.{hook} failed" in ours[0]
    assert "in fail" in ours[0]  # with the traceback
    assert scores(search) == pytest.approx(scores(make("grid").fit(X, Y)), nan_ok=True)
    assert recorder.names().count("candidate") == len(VALUES)  # other callbacks are still told


class Changes(SearchCallback):
    """Changes what it is given."""

    def on_candidate_finished(self, search, trial, status):
        trial.candidate.params.clear()
        trial.candidate.info.clear()
        if status.best:
            status.best.params.clear()


@for_every_search
def test_a_callback_that_changes_parameters_does_not_change_the_results(kind):
    search, plain = make(kind, Changes()).fit(X, Y), make(kind).fit(X, Y)
    assert search.cv_results_["params"] == plain.cv_results_["params"]
    np.testing.assert_array_equal(scores(search), scores(plain))


class Unequal(Raises):
    """Cannot be compared, as a dataclass with arrays."""

    def __eq__(self, other):
        raise ValueError("the truth value is ambiguous")

    __hash__ = None


def test_a_callback_that_raises_and_cannot_be_compared_does_not_lose_the_search():
    first, second = Unequal("on_search_end", RuntimeError()), Unequal("on_folds_finished", RuntimeError())
    with pytest.warns(UserWarning, match="failed; the callback is not called again") as warned:
        make("grid", first, second).fit(X, Y)
    assert len([each for each in warned if "RuntimeError" in str(each.message)]) == 2
    assert "candidate" in first.names()
    assert "candidate" not in second.names()


def test_without_callbacks_the_status_costs_nothing(monkeypatch):
    for name in ("asked", "scored", "finished"):
        monkeypatch.setattr(StatusTracker, name, lambda *_: pytest.fail("the status was kept up to date"))
    assert len(make("grid").fit(X, Y).history_) == len(VALUES)


@pytest.mark.parametrize("hook", HOOKS)
def test_where_warnings_are_errors_a_callback_that_raises_does_not_lose_the_search(hook):
    recorder = Recorder()
    search = make("grid", Raises(hook, RuntimeError("server is down")), recorder, error_score=0, refit=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Raises")
        with pytest.raises(UserWarning, match=f"Raises.{hook} failed"):
            search.fit(X, Y)
    assert search.stop_reason_ == "completed"
    assert search.best_estimator_.get_params() == {"value": 0.95}
    assert recorder.names().count("candidate") == len(VALUES)
    assert recorder.names()[-1] == "end"


@pytest.mark.parametrize(
    "hook, after", [("on_folds_finished", 4), ("on_candidate_finished", 1), ("on_new_best", 0)]
)
def test_a_keyboard_interrupt_of_a_hook_has_the_effect_of_ctrl_c(hook, after):
    recorder = Recorder()
    search = make("random", Raises(hook, KeyboardInterrupt(), after), recorder, reuse=False)
    with pytest.warns(match="interrupted"):
        search.fit(X, Y)
    assert search.stop_reason_ == recorder.events[-1][2].stop_reason == "interrupted"
    n_told = sum(len(folds) for _, folds, _ in recorder.of("folds"))
    assert 3 <= sum(len(trial.folds) for trial in search.history_.finished) <= n_told < 15
    assert n_told == recorder.events[-1][2].n_folds


def test_a_keyboard_interrupt_before_the_first_fit_is_raised():
    recorder = Recorder()
    search = make("grid", recorder, Raises("on_search_begin", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert recorder.names() == ["begin", "end"]


def test_the_end_of_a_search_is_told_with_its_error():
    recorder = Recorder()
    with pytest.raises(ArithmeticError) as raised:
        make("grid", recorder, error_score="raise").fit(X, Y)
    _, error, status = recorder.events[-1]
    assert error is raised.value
    assert status.stop_reason == "error"


def test_the_end_of_a_search_is_told_with_ctrl_c_that_is_raised():
    recorder = Recorder()
    search = make(
        "grid", Raises("on_candidate_finished", KeyboardInterrupt()), recorder, on_interrupt="raise"
    )
    with pytest.warns(match="interrupted"), pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    _, error, status = recorder.events[-1]
    assert isinstance(error, KeyboardInterrupt)
    assert status.stop_reason == "interrupted"
    assert search.cv_results_["params"]  # results are kept


def test_the_end_is_told_after_a_refit_that_fails():
    class FailsOnAll(FailsBelow):
        def fit(self, X, y):
            if len(X) == 12:
                raise ArithmeticError("all rows")
            return super().fit(X, y)

    recorder = Recorder()
    search = ManualSearch(FailsOnAll(), [{"value": 0.7}], cv=3).set_callbacks(recorder)
    with pytest.raises(ArithmeticError, match="all rows"):
        search.fit(X, Y)
    assert recorder.names()[-1] == "end"
    assert recorder.names().count("end") == 1
    assert str(recorder.events[-1][1]) == "all rows"


@pytest.mark.parametrize("params", [{"cv": 1}, {"param_grid": {"valeu": [1]}}, {"param_grid": {"value": []}}])
def test_bad_input_is_told_neither_as_begin_nor_as_end(params):
    recorder = Recorder()
    with pytest.raises(ValueError):
        make("grid", recorder).set_params(**params).fit(X, Y)
    assert not recorder.events


def test_only_callbacks_are_accepted():
    with pytest.raises(
        TypeError, match=r"of skhpt\.callbacks\.SearchCallback, got <built-in function print>"
    ):
        make("grid").set_callbacks(print)
    with pytest.raises(TypeError, match=r"separate arguments, such as set_callbacks\(a, b\), got \["):
        make("grid").set_callbacks([SearchCallback()])
    with pytest.raises(TypeError, match="got the class SearchCallback: add"):
        make("grid").set_callbacks(SearchCallback)


# -- ends and beginnings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, reason", [({"target_score": 0.65}, "target_score"), ({"patience": 1}, "patience")]
)
def test_limits_are_the_reason_why_a_search_ends(params, reason):
    recorder = Recorder()
    search = make("random", recorder, **params).set_params(n_iter=20).fit(X, Y)
    assert search.stop_reason_ == recorder.events[-1][2].stop_reason == reason
    assert recorder.events[-1][2].done < 1


def test_a_time_limit_bounds_the_time_that_is_left():
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="max_time"):
        make("grid", recorder, max_time=1e-9).fit(X, Y)
    assert recorder.events[0][2].seconds_left <= 1e-9
    assert recorder.events[-1][2].stop_reason == "error"


def test_candidates_of_a_journal_are_in_the_first_status_and_not_told_of_again(tmp_path):
    path = tmp_path / "search.jsonl"
    for kind in SEARCHES:
        path.unlink(missing_ok=True)
        first = make(kind, journal=path).fit(X, Y)
        recorder = Recorder()
        again = make(kind, recorder, journal=path).fit(X, Y)
        assert recorder.names() == ["begin", "end"], kind
        for _, _, status in recorder.events:
            assert status.n_resumed == status.n_finished == len(first.history_)
            assert status.resumed_from == str(path)
            assert status.best.score == again.best_score_
        assert recorder.events[-1][2].n_folds == recorder.events[0][2].n_folds


@pytest.mark.parametrize("n_lines_lost", [1, 4, 9])
def test_a_search_that_goes_on_tells_of_the_rest(tmp_path, n_lines_lost):
    path = tmp_path / "search.jsonl"
    make("random", journal=path).fit(X, Y)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines[: -1 - n_lines_lost]))
    recorder = Recorder()
    search = make("random", recorder, journal=path).fit(X, Y)
    begin, end = recorder.events[0][2], recorder.events[-1][2]
    assert begin.n_folds + sum(len(folds) for _, folds, _ in recorder.of("folds")) == end.n_folds == 15
    told = [trial.candidate.id for _, trial, _ in recorder.of("candidate")]
    assert begin.n_resumed + len(told) == 5
    assert told == [trial.candidate.id for trial in search.history_][begin.n_resumed :]
    assert begin.n_folds_resumed == begin.n_folds - 3 * begin.n_resumed


def test_a_race_that_is_resumed_counts_the_same_candidates(tmp_path):
    path = tmp_path / "search.jsonl"
    recorder = Recorder()
    for _ in range(2):
        recorder.events.clear()
        search = make("random", recorder, journal=path, racing=True, n_jobs=1)
        search.set_params(n_iter=12, cv=4).fit(X, Y)
    assert "candidate" not in recorder.names()
    status = recorder.events[-1][2]
    assert status.n_resumed == status.n_finished == 12
    assert status.n_eliminated == sum(trial.was_eliminated for trial in search.history_)


def test_a_warm_start_tells_of_new_candidates_only():
    recorder = Recorder()
    search = make("grid", recorder, warm_start=True).fit(X, Y)
    recorder.events.clear()
    search.set_params(param_grid={"value": [*VALUES, 0.99]}).fit(X, Y)
    assert recorder.events[0][2].n_resumed == 5
    assert [trial.candidate.params for _, trial, _ in recorder.of("candidate")] == [{"value": 0.99}]
    assert recorder.events[-1][2].n_planned == 6


def test_the_point_of_a_manual_search_is_told_of(capsys):
    recorder = Recorder()
    search = make("manual", recorder).fit(X, Y)
    recorder.events.clear()
    search.evaluate(X, Y, value=0.97)
    assert recorder.names() == ["begin", "folds", "folds", "folds", "candidate", "best", "end"]
    recorder.events.clear()
    search.evaluate(X, Y, value=0.97)  # tried before
    assert not recorder.events


class Rounds(RandomSearch):
    def _run_search(self, evaluate_candidates):
        super()._run_search(evaluate_candidates)
        evaluate_candidates([{"value": 0.99}, {"value": 0.8}])


def test_rounds_that_a_subclass_chooses_are_one_search():
    recorder = Recorder()
    search = Rounds(FailsBelow(), {"value": [0.6, 0.7]}, n_iter=2, cv=3, refit=False)
    search.set_callbacks(recorder).fit(X, Y)
    assert recorder.names().count("begin") == recorder.names().count("end") == 1
    assert recorder.names().count("candidate") == 4
    assert all(status.n_planned is None and status.done is None for *_, status in recorder.events)
    assert all(not status.stop_reason for *_, status in recorder.events[:-1])
    assert recorder.events[-1][2].stop_reason == "completed"
