"""Tasks of candidates that share fits: each candidate is evaluated once on each fold, and no worker is idle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt.engine.shared_tasks import shared_tasks
from skhpt.reuse.grouping import RoundPlan, SharedCandidate
from skhpt.reuse.shared_evaluation import SharingPolicy
from skhpt.reuse.steps import fit_graph
from skhpt.trial import Candidate

MODEL = Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier(random_state=0))])


def shared_candidates(*points: dict[str, object]) -> list[SharedCandidate]:
    candidates = [Candidate(i, point) for i, point in enumerate(points)]
    return RoundPlan(candidates, [fit_graph(MODEL, point) for point in points]).shared


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 3)), min_size=2, max_size=14),
    st.integers(1, 8),
    st.integers(1, 5),
)
def test_each_candidate_is_evaluated_once_on_each_fold(
    grid: list[tuple[bool, int]], n_slots: int, n_splits: int
) -> None:
    shared = shared_candidates(*({"scale__with_mean": mean, "clf__max_depth": depth} for mean, depth in grid))
    tasks = list(
        shared_tasks(
            shared, n_splits=n_splits, n_slots=n_slots, is_serial=n_slots == 1, policy=SharingPolicy()
        )
    )
    evaluated = sorted((candidate.id, task.split) for task in tasks for candidate in task.candidates)
    assert evaluated == sorted((one.candidate.id, split) for one in shared for split in range(n_splits))


@pytest.mark.parametrize(
    "n_splits, n_slots, sizes",
    [
        (5, 1, [12] * 5),
        (5, 2, [12] * 4 + [6] * 2),  # both workers share the last fold
        (5, 4, [12] * 4 + [3] * 4),
        (4, 2, [12] * 4),
        (5, 8, [4] * 15),  # two rounds of thirds take less time than one round of wholes, or two of halves
        (3, 12, [3] * 12),
    ],
)
def test_the_last_folds_are_divided_among_workers_that_would_be_idle(
    n_splits: int, n_slots: int, sizes: list[int]
) -> None:
    shared = shared_candidates(*({"clf__max_depth": depth} for depth in range(1, 13)))
    tasks = shared_tasks(
        shared, n_splits=n_splits, n_slots=n_slots, is_serial=n_slots == 1, policy=SharingPolicy()
    )
    assert [len(task.candidates) for task in tasks] == sizes
