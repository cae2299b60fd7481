"""The task queue: which candidates form a task, and which task is next."""

from collections import Counter
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from skhpt.engine.tasks import TASKS_PER_SLOT, RacingTaskQueue, Task, TaskQueue, chunk_size
from skhpt.trial import Candidate, FoldScore


def all_tasks(queue):
    tasks = []
    while (task := queue.next()) is not None:
        tasks.append((task.split, [candidate.id for candidate in task.candidates]))
    return tasks


def make_queue(n_splits, n_slots=1, seconds_per_fold=None):
    queue = TaskQueue(n_splits, SimpleNamespace(n_slots=n_slots, is_serial=n_slots == 1, task_seconds=0.1))
    if seconds_per_fold is not None:
        queue.learn_duration(seconds_per_fold)
    return queue


@given(st.floats(0, 100), st.integers(1, 10_000), st.integers(1, 20), st.integers(1, 64))
def test_tasks_are_small_enough_to_keep_all_workers_busy(seconds, n_candidates, n_splits, n_slots):
    size = chunk_size(
        seconds, task_seconds=0.1, n_candidates=n_candidates, n_splits=n_splits, n_slots=n_slots
    )
    assert 1 <= size <= n_candidates * n_splits
    assert size == 1 or n_candidates * n_splits / size >= TASKS_PER_SLOT * n_slots


def test_only_short_fits_are_sent_together():
    def size(seconds, n_slots=2):
        return chunk_size(seconds, task_seconds=0.1, n_candidates=1000, n_splits=5, n_slots=n_slots)

    assert size(1.0) == 1
    assert size(0.01) == 10
    assert size(0.0) == 625


def test_one_task_per_fold_that_is_not_preset():
    preset = (FoldScore(1, 0, 0.5), FoldScore(1, 2, 0.5))
    queue = make_queue(3, n_slots=2, seconds_per_fold=1e-6)
    queue.add([Candidate(i, {}) for i in range(20)])
    queue.add([Candidate(20, {}, preset_folds=preset)])
    tasks = all_tasks(queue)
    assert sorted((i, split) for split, ids in tasks for i in ids) == [
        *((i, split) for i in range(20) for split in range(3)),
        (20, 1),
    ]
    assert len(tasks) < 61


def test_with_one_worker_all_folds_of_a_candidate_come_before_the_next_candidate():
    queue = make_queue(2)
    queue.add([Candidate(0, {}), Candidate(1, {})])
    assert all_tasks(queue) == [(0, [0]), (1, [0]), (0, [1]), (1, [1])]


def test_earlier_brackets_come_first_whenever_their_candidates_were_added():
    queue = make_queue(1)
    queue.add([Candidate(i, {}, bracket_id=i // 2) for i in range(6)])
    assert queue.next().candidates[0].id == 0
    queue.add(
        [Candidate(6, {}, bracket_id=0), Candidate(7, {}, bracket_id=1), Candidate(8, {}, bracket_id=0)]
    )
    assert [ids for _, ids in all_tasks(queue)] == [[1], [6], [8], [2], [3], [7], [4], [5]]


def test_retried_tasks_come_first_and_isolated_ones_before_them():
    queue = make_queue(1)
    queue.add([Candidate(0, {})])
    queue.retry([Task(0, [Candidate(1, {})]), Task(0, [Candidate(2, {})])])
    queue.retry([Task(0, [Candidate(3, {})], is_isolated=True)])
    assert all_tasks(queue) == [(0, [3]), (0, [1]), (0, [2]), (0, [0])]


def test_a_dropped_candidate_is_not_retried_either():
    queue = make_queue(2)
    queue.add([Candidate(0, {}), Candidate(1, {})])
    assert queue.next().candidates[0].id == 0
    queue.drop(0)
    queue.retry([Task(0, [Candidate(0, {})]), Task(1, [Candidate(0, {})], is_isolated=True)])
    assert all_tasks(queue) == [(0, [1]), (1, [1])]


def test_in_a_race_candidates_begin_before_the_second_fold_of_one_of_them():
    n_running = Counter()
    queue = RacingTaskQueue(
        3, SimpleNamespace(n_slots=2, is_serial=False, task_seconds=0.1), lambda: n_running
    )
    queue.add([Candidate(i, {}) for i in range(3)])
    first = queue.next()
    n_running[first.candidates[0].id] += 1
    second = queue.next()
    assert (first.candidates[0].id, second.candidates[0].id) == (0, 1)
    assert (first.split, second.split) == (0, 0)
    queue.drop(1)
    n_running.clear()
    assert [ids for _, ids in all_tasks(queue)] == [[0], [0], [2], [2], [2]]
