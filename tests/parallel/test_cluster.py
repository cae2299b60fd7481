"""What the backends of clusters have in common, with an engine that is simulated: no processes, and a clock by hand."""

import gc
import pickle
import warnings
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.engine.evaluator import PoolEvaluator
from skhpt.fitting.job import Outcome, Setup
from skhpt.parallel.channels import Begun, TaskFailure
from skhpt.parallel.cluster import (
    MAX_TASK_SECONDS,
    MAX_TASKS_PER_SLOT,
    MIN_QUEUED,
    MIN_TASK_SECONDS,
    ClusterLostError,
)
from skhpt.parallel.fit_resources import FitResources
from skhpt.parallel.pool import Pool
from skhpt.parallel.shared_values import SharedValue
from skhpt.trial import Candidate, FoldScore
from tests.estimators import Null
from tests.parallel.simulated_cluster import Clock, SimulatedBackend

NO_SLOTS = "has had no worker"


def task(value):
    yield value


def seen(updates):
    """Return what updates say: task, items, result, loss."""
    return [(u.task_id, u.items, u.result, u.lost) for u in updates]


# -- items and results ---------------------------------------------------------------------------------------


def test_items_arrive_while_a_task_runs_with_the_time_of_this_process(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(1)
    backend.begin(2.0, 0)
    backend.finish(5.0, 0, items=["item"], result="done")
    assert seen(backend.wait(None)) == [(0, [Begun(7, 2.0, "w")], None, "")]
    [last] = backend.wait(None)
    assert (last.items, last.result, last.is_done, clock.now) == (["item"], "done", True, 5.0)
    assert backend.wait(None) == []  # nothing is pending


def test_items_that_come_with_the_result_have_the_time_of_this_process(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(1)
    backend.finish(5.0, 0, items=[Begun(7, 1e12)])
    assert backend.wait(None)[0].items == [Begun(7, 5.0)]


def test_an_exception_of_a_task_and_one_of_the_engine_come_with_the_last_update(clock):
    backend, error = SimulatedBackend(clock), OSError("of the engine")
    backend.submit_all(2)
    backend.finish(1.0, 0, result=TaskFailure(ValueError("of the task")))
    backend.later(2.0, lambda: [backend._failed(1, error)])
    of_task, of_engine = backend.wait_all()
    assert (of_task.task_id, str(of_task.error), of_task.is_done) == (0, "of the task", True)
    assert (of_engine.task_id, of_engine.error, of_engine.is_done) == (1, error, True)


def test_wait_ends_in_time_and_takes_what_is_there(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(1)
    backend.begin(10.0, 0)
    assert (backend.wait(3.5), clock.now) == ([], 3.5)
    assert (backend.wait(0.0), clock.now) == ([], 3.5)
    clock.now = 10.0
    assert len(backend.wait(0.0)) == 1


# -- losses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_to_blame", [True, False])
def test_a_task_that_is_lost_says_whether_it_is_to_blame(clock, is_to_blame):
    backend = SimulatedBackend(clock)
    backend.submit_all(1)
    backend.later(1.0, lambda: [backend._lost(0, is_to_blame=is_to_blame)])
    [update] = backend.wait_all()
    if is_to_blame:  # the item that says which candidate it was may have been lost with the worker
        assert (update.lost, update.n_deaths, update.may_lack_items) == ("crashed", 1, True)
    else:
        assert (update.lost, update.n_deaths, update.may_lack_items) == ("preempted", 0, False)


def test_a_fit_that_takes_too_long_ends_its_worker_once(clock):
    backend = SimulatedBackend(clock, fit_timeout=10.0)
    backend.submit_all(4)
    for task_id, worker in enumerate(["a", "a", "b"]):
        backend.begin(0.5, task_id, worker=worker)
    backend.begin(8.0, 2, candidate=8, worker="b")  # another fit of the same task
    backend.finish(15.0, 2)
    backend.finish(100.0, 3)  # it has not begun until then
    updates = [update for update in backend.wait_all() if update.is_done]
    assert [(u.task_id, u.lost) for u in updates] == [(1, "preempted"), (0, "timeout"), (2, ""), (3, "")]
    [(ended_at, task_id)] = backend.ended_at
    assert (task_id, 10.5 < ended_at < 12.0) == (0, True)


def test_what_has_arrived_counts_before_the_worker_of_a_fit_is_ended(clock):
    backend = SimulatedBackend(clock, fit_timeout=10.0)
    backend.submit_all(1)
    backend.begin(0.0, 0)
    backend.wait(None)
    clock.now = 1000.0  # this process was suspended
    backend.finish(0.0, 0)
    assert seen(backend.wait(None)) == [(0, [], "result", "")]
    assert backend.ended_at == []


# -- workers that come and go --------------------------------------------------------------------------------


def test_the_user_is_told_once_that_there_is_no_worker_and_again_when_all_are_gone_again(clock):
    needs = FitResources({"GPU": 1})
    backend = SimulatedBackend(clock, n_slots=0, fit_resources=needs)
    backend.submit_all(1)
    assert backend.n_slots == 1  # a task waits for the first worker

    def no_worker_for(seconds):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            backend.wait(seconds)
        return [str(warning.message) for warning in caught]

    assert no_worker_for(9.0) == []
    [text] = no_worker_for(30.0)
    assert NO_SLOTS in text
    assert str(needs) in text
    assert no_worker_for(1000.0) == []
    backend.n_slots_now = 1
    assert no_worker_for(30.0) == []
    backend.n_slots_now = 0
    assert no_worker_for(9.0) == []
    assert len(no_worker_for(30.0)) == 1


@pytest.mark.parametrize(("n_jobs", "expected"), [(None, [2, 1, 7]), (-1, [2, 1, 7]), (3, [2, 1, 3])])
def test_the_number_of_tasks_follows_the_cluster(clock, n_jobs, expected):
    backend = SimulatedBackend(clock, n_jobs=n_jobs)
    slots = []
    for n in [2, 0, 7]:
        backend.n_slots_now = n
        clock.now += 2.0
        slots.append(backend.n_slots)
    assert slots == expected
    assert backend.max_pending == (3 if n_jobs == 3 else np.inf)


def test_the_slots_are_not_counted_at_every_question(clock):
    backend = SimulatedBackend(clock)
    assert backend.n_slots == 2
    backend.n_slots_now = 5
    assert backend.n_slots == 2
    clock.now += 1.0
    assert backend.n_slots == 5


def test_an_error_while_slots_are_counted_is_raised(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(1)
    backend.n_slots_now = TimeoutError("no worker for an hour")
    with pytest.raises(TimeoutError, match="no worker for an hour"):
        backend.wait(None)
    clock.now += 2.0
    with pytest.raises(TimeoutError, match="no worker for an hour"):
        _ = backend.n_slots


def test_a_cluster_that_is_gone_for_good_says_so_once(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(2)
    backend.later(1.0, lambda: backend._give_up("it was stopped"))
    with pytest.raises(ClusterLostError, match="the Simulated cluster is gone: it was stopped"):
        backend.wait(None)
    backend.n_slots_now = OSError("not asked any more")
    clock.now += 10.0
    assert backend.wait(None) == []
    assert backend.n_slots == 1
    backend.abort()
    assert backend.cancelled == []


# -- size and number of tasks --------------------------------------------------------------------------------


def run_tasks(backend, **output):
    backend.submit(0, task, (0,))
    backend.finish(0.0, 0, **output)
    backend.wait(None)


SECONDS = st.floats(0.0, 1e5)


@given(st.lists(st.tuples(SECONDS, st.none() | SECONDS), max_size=60), st.integers(0, 500))
def test_the_number_and_the_size_of_tasks_stay_in_their_bounds(outputs, n_slots):
    backend = SimulatedBackend(Clock(), n_slots)
    for seconds, idle_seconds in outputs:
        run_tasks(backend, seconds=seconds, idle_seconds=idle_seconds)
    most = max(MIN_QUEUED, MAX_TASKS_PER_SLOT * n_slots)
    assert max(MIN_QUEUED, 2 * n_slots) <= backend.default_pending <= max(most, MAX_TASKS_PER_SLOT)
    assert MIN_TASK_SECONDS <= backend.task_seconds <= MAX_TASK_SECONDS


def test_the_shorter_the_tasks_the_more_are_queued(clock):
    backend = SimulatedBackend(clock, n_slots=10)
    pending = [backend.default_pending]
    for seconds in [60.0, 1.0, 0.1]:
        for _ in range(100):
            run_tasks(backend, seconds=seconds)
        pending.append(backend.default_pending)
    assert pending == [20, 20, 100, 200]


def test_the_more_a_task_costs_the_more_work_it_holds(clock):
    backend = SimulatedBackend(clock)
    sizes = [backend.task_seconds]
    for idle_seconds in [None, 0.001, 0.01, 0.05, 10.0]:
        for _ in range(100):
            run_tasks(backend, idle_seconds=idle_seconds)
        sizes.append(backend.task_seconds)
    assert sizes == pytest.approx([0.1, 0.1, 0.1, 0.2, 1.0, 3.0])


# -- the end of a search -------------------------------------------------------------------------------------


def test_only_tasks_that_have_not_begun_are_cancelled_when_a_search_stops(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(3)
    backend.begin(0.0, 1)
    backend.wait(None)
    assert list(backend.stop_submitting()) == backend.cancelled == [0, 2]
    backend.finish(1.0, 1)
    assert [update.task_id for update in backend.wait_all()] == [1]


def test_abort_cancels_all_tasks(clock):
    backend = SimulatedBackend(clock)
    backend.submit_all(2)
    backend.begin(0.0, 1)
    backend.wait(None)
    backend.abort()
    assert backend.cancelled == [0, 1]
    assert backend.wait(None) == []


# -- shared values -------------------------------------------------------------------------------------------


def arguments(call):
    return pickle.loads(call.payload)[2]


def test_a_large_argument_is_shared_once_and_a_small_one_sent(clock):
    backend, large, small = SimulatedBackend(clock), np.zeros(1000), np.zeros(3)
    for task_id in range(2):
        backend.submit(task_id, task, (large, small, [1]))
    [token] = backend.shared
    assert backend.shared[token] is large
    for call in backend.sent.values():
        shared, array, numbers = arguments(call)
        assert isinstance(shared, SharedValue)
        assert (shared.token, call.tokens) == (token, (token,))
        assert (list(array), numbers) == ([0, 0, 0], [1])


def test_a_value_that_is_lost_is_shared_again_with_the_next_task(clock):
    backend, lost, kept = SimulatedBackend(clock), np.zeros(1000), np.ones(1000)
    backend.submit(0, task, (lost, kept))
    token, other = backend.shared
    backend.finish(1.0, 0, result=None, is_value_lost=True, missing=(token,))
    [update] = backend.wait_all()
    assert (update.lost, update.is_done, update.n_deaths) == ("preempted", True, 0)
    backend.submit(1, task, (lost, kept))
    new, same = backend.sent[1].tokens
    assert (backend.shared[new] is lost, new != token, same) == (True, True, other)


def test_shared_values_are_released_at_the_end(clock):
    backend, value = SimulatedBackend(clock), np.zeros(1000)
    backend.submit(0, task, (value,))
    backend.shared.clear()
    alive = ref(value)
    del value
    gc.collect()
    assert alive() is not None  # another array could get its id
    backend.close()
    gc.collect()
    assert alive() is None


# -- with the evaluator --------------------------------------------------------------------------------------


class Evaluation:
    """An evaluator on a simulated cluster, which finishes each task one second after it was sent."""

    def __init__(self, backend, n_candidates):
        self.backend, self.pool = backend, Pool()
        self.pool.backend = backend
        self.evaluator = PoolEvaluator(
            self.pool, Setup(Null(), None), X=np.zeros((1000, 1)), y=None, splits=[([0], [1])]
        )
        backend.on_send = self.run
        self.evaluator.submit([Candidate(i, {}) for i in range(n_candidates)])

    def run(self, task_id):
        [job] = arguments(self.backend.sent[task_id])[-1]
        score = FoldScore(job.candidate.id, 0, 0.5, fit_time=1.0)
        self.backend.finish(1.0, task_id, result=Outcome(0, [score]))

    def collect(self):
        """Return the ids of the candidates whose scores come, in their order; and the error that ends the search."""
        ids = []
        try:
            while scores := self.evaluator.wait_for_folds():
                ids += [score.candidate for score in scores]
        except Exception as error:
            return ids, error
        return ids, None


def test_a_task_whose_value_was_lost_is_sent_again_with_the_value(clock):
    backend = SimulatedBackend(clock)
    evaluation = Evaluation(backend, n_candidates=3)

    def lose_the_first(task_id):
        if task_id:
            evaluation.run(task_id)
        else:
            tokens = backend.sent[0].tokens
            backend.finish(0.5, 0, result=None, is_value_lost=True, missing=tokens)

    backend.on_send = lose_the_first
    ids, error = evaluation.collect()
    assert (sorted(ids), error) == ([0, 1, 2], None)
    assert len(backend.shared) == 2 * len(backend.sent[0].tokens)


@pytest.mark.parametrize("error", [TimeoutError("no worker"), ClusterLostError("Simulated", "it ended")])
def test_scores_that_are_back_are_not_lost_with_the_cluster(clock, error):
    backend = SimulatedBackend(clock, n_slots=1)
    evaluation = Evaluation(backend, n_candidates=10)

    def run_and_end(task_id):
        evaluation.run(task_id)
        backend.n_slots_now = error  # found out as soon as the first scores are back

    backend.on_send = run_and_end
    ids, raised = evaluation.collect()
    assert raised is error
    assert ids == [0]
