"""Plan of a round: the fits that candidates share, their order, and where that order may be cut."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt.reuse.grouping import RoundPlan, SharedCandidate, pieces
from skhpt.reuse.steps import fit_graph
from skhpt.trial import Candidate

MODEL = Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier(random_state=0))])
FOREST = RandomForestClassifier(random_state=0)


def round_plan(estimator: Any, *points: dict[str, Any]) -> RoundPlan:
    candidates = [Candidate(i, point) for i, point in enumerate(points)]
    return RoundPlan(candidates, [fit_graph(estimator, point) for point in points])


def test_candidates_with_a_common_sub_model_are_shared_and_others_are_separate() -> None:
    plan = round_plan(
        FOREST,
        {"n_estimators": 5},
        {"n_estimators": 9},
        {"max_depth": 2},
        {"n_estimators": 7, "bootstrap": False},
    )
    assert [shared.candidate.id for shared in plan.shared] == [0, 1]
    group = plan.shared[0].steps[0].group
    assert group is not None
    assert group.widest == {"n_estimators": 9}
    assert [candidate.id for candidate in plan.separate] == [2, 3]


def test_candidates_that_share_many_fits_are_neighbours() -> None:
    points = [
        {"scale__with_mean": mean, "clf__max_depth": depth} for depth in (1, 2, 3) for mean in (True, False)
    ]
    shared = round_plan(MODEL, *points).shared
    assert [one.candidate.params["scale__with_mean"] for one in shared] == [True] * 3 + [False] * 3


def test_planned_fits_are_counted() -> None:
    plan = round_plan(MODEL, *({"clf__max_depth": depth} for depth in (1, 2, 3)))
    assert plan.fits == {"scale: StandardScaler": (3, 1), "clf: DecisionTreeClassifier": (3, 3)}
    assert all(shared.n_fits_of("scale") == 1 and shared.n_fits_of() == 1 for shared in plan.shared)


grids = st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=14)


def fit_ids(piece: list[SharedCandidate]) -> set[int]:
    return {fit_id for shared in piece for step in shared.steps for fit_id in step.fit_ids}


@given(grids, st.integers(1, 8))
def test_pieces_are_in_order_and_repeat_no_fit(grid: list[tuple[bool, int, int]], n_pieces: int) -> None:
    points = [
        {"scale__with_mean": mean, "clf__max_depth": depth, "clf__max_features": n} for mean, depth, n in grid
    ]
    shared = round_plan(MODEL, *points).shared
    cut = pieces(shared, n_pieces)
    assert [one for piece in cut for one in piece] == shared
    assert len(cut) <= max(1, n_pieces)
    assert sum(len(fit_ids(piece)) for piece in cut) == len(fit_ids(shared))


def test_candidates_with_a_common_step_may_be_cut_but_not_those_with_a_common_sub_model() -> None:
    with_common_step = round_plan(MODEL, *({"clf__max_depth": depth} for depth in range(1, 9))).shared
    assert len(pieces(with_common_step, 4)) == 1
    assert [len(piece) for piece in pieces(with_common_step, 4, n_least=4)] == [2, 2, 2, 2]
    with_common_model = round_plan(FOREST, *({"n_estimators": n} for n in range(1, 9))).shared
    assert len(pieces(with_common_model, 4, n_least=4)) == 1
