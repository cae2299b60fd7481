"""How candidates are bundled into tasks."""

from hypothesis import given
from hypothesis import strategies as st

from skhpt.engine.tasks import TASKS_PER_SLOT, chunk_size, tasks
from skhpt.trial import Candidate


@given(st.floats(0, 100), st.integers(1, 10_000), st.integers(1, 20), st.integers(1, 64))
def test_chunks_leave_enough_tasks_for_all_workers(seconds, n_candidates, n_splits, n_slots):
    size = chunk_size(seconds, n_candidates=n_candidates, n_splits=n_splits, n_slots=n_slots)
    assert 1 <= size <= n_candidates * n_splits
    assert size == 1 or n_candidates * n_splits / size >= TASKS_PER_SLOT * n_slots


def test_only_short_fits_travel_together():
    assert chunk_size(1.0, n_candidates=1000, n_splits=5, n_slots=2) == 1
    assert chunk_size(0.01, n_candidates=1000, n_splits=5, n_slots=2) == 10
    assert chunk_size(0.0, n_candidates=1000, n_splits=5, n_slots=2) == 625
    assert chunk_size(None, n_candidates=1000, n_splits=5, n_slots=2) == 1
    assert chunk_size(0.001, n_candidates=1000, n_splits=5, n_slots=1) == 1


def test_one_task_per_fold_that_is_not_settled():
    one, other = Candidate(0, {}), Candidate(1, {})
    done = [(task.split, list(task.candidates)) for task in tasks([(one, [0, 1, 2]), (other, [1])], 3)]
    assert done == [(0, [one]), (1, [one, other]), (2, [one])]
    assert not list(tasks([(other, [1])], 1))
