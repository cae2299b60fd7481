"""What candidates have in common, and where their line is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt.engine.shared_tasks import shared_tasks
from skhpt.reuse.grouping import RoundPlan, SharedCandidate, pieces
from skhpt.reuse.shared_evaluation import SharingPolicy
from skhpt.reuse.steps import fit_graph
from skhpt.trial import Candidate

MODEL = Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier(random_state=0))])
FOREST = RandomForestClassifier(random_state=0)


def round_of(estimator: Any, *points: dict[str, Any]) -> RoundPlan:
    candidates = [Candidate(i, point) for i, point in enumerate(points)]
    return RoundPlan(candidates, [fit_graph(estimator, point) for point in points])


def test_a_recipe_lists_the_parts_in_the_order_of_their_fits() -> None:
    nested = Pipeline([("head", Pipeline([("a", StandardScaler()), ("b", "passthrough")])), ("model", MODEL)])
    parts = fit_graph(nested, {"model__clf__max_depth": 3}).steps
    assert [part.path for part in parts] == ["head__a", "head", "model__scale", "model__clf"]
    assert [part.parent for part in parts] == ["head", None, None, None]
    assert [part.has_children for part in parts] == [False, True, False, False]
    assert parts[-1].estimator.max_depth == 3
    assert MODEL.get_params()["clf__max_depth"] is None  # nothing was set on the user's own


def test_keys_follow_what_came_before() -> None:
    one, other = fit_graph(MODEL, {"scale__with_mean": True}), fit_graph(MODEL, {"scale__with_mean": False})
    same = fit_graph(MODEL, {"scale__with_mean": True, "clf__max_depth": None})
    assert one.steps[0].key != other.steps[0].key
    assert one.steps[1].key != other.steps[1].key
    assert [part.key for part in one.steps] == [part.key for part in same.steps]


def test_candidates_are_doubted_for_a_reason() -> None:
    assert fit_graph(MODEL.set_params(memory=None), {}).reason == ""
    assert "memory" in fit_graph(Pipeline(MODEL.steps, memory="somewhere"), {}).reason
    assert "copy=False" in fit_graph(MODEL, {"scale__copy": False}).reason
    assert "not valid" in fit_graph(FOREST, {"n_estimators": -1}).reason
    assert "not valid" in fit_graph(FOREST, {"nothing": 1}).reason


def test_unseeded_parts_are_known_but_for_those_that_draw_in_vain() -> None:
    unseeded = fit_graph(Pipeline([("scale", StandardScaler()), ("clf", DecisionTreeClassifier())]), {})
    assert list(unseeded.unseeded) == ["clf"]
    assert not fit_graph(MODEL, {}).unseeded
    svc = fit_graph(SVC(), {})
    assert not svc.unseeded
    assert svc.irrelevant_draws == {""}


def test_shared_prefixes_families_and_loners_are_told_apart() -> None:
    common = round_of(
        FOREST, {"n_estimators": 5}, {"n_estimators": 9}, {"max_depth": 2}, {"n_estimators": 7, "bootstrap": False}
    )
    assert [one.candidate.id for one in common.shared] == [0, 1]
    family = common.shared[0].steps[0].group
    assert family is not None
    assert family.widest == {"n_estimators": 9}
    assert [candidate.id for candidate in common.separate] == [2, 3]


def test_fits_are_counted_as_they_are_planned() -> None:
    common = round_of(MODEL, *({"clf__max_depth": depth} for depth in (1, 2, 3)))
    assert common.fits == {"scale: StandardScaler": (3, 1), "clf: DecisionTreeClassifier": (3, 3)}
    assert all(one.n_fits_of("scale") == 1 and one.n_fits_of() == 1 for one in common.shared)


grids = st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=14)


def numbers(piece: list[SharedCandidate]) -> set[int]:
    return {number for one in piece for share in one.steps for number in share.fit_ids}


@given(grids, st.integers(1, 8), st.integers(1, 8), st.integers(1, 5))
def test_pieces_are_in_order_and_repeat_nothing_unless_they_must(
    grid: list[tuple[bool, int, int]], n_pieces: int, n_slots: int, n_splits: int
) -> None:
    points = [{"scale__with_mean": mean, "clf__max_depth": depth, "clf__max_features": n} for mean, depth, n in grid]
    shared = round_of(MODEL, *points).shared
    cut = pieces(shared, n_pieces)
    assert [one for piece in cut for one in piece] == shared
    assert len(cut) <= max(1, n_pieces)
    assert sum(len(numbers(piece)) for piece in cut) == len(numbers(shared))
    tasks = list(shared_tasks(shared, n_splits=n_splits, n_slots=n_slots, policy=SharingPolicy()))
    evaluated = sorted((candidate.id, task.split) for task in tasks for candidate in task.candidates)
    assert evaluated == sorted((one.candidate.id, split) for one in shared for split in range(n_splits))


def test_more_workers_than_folds_divide_a_trunk_but_never_a_family() -> None:
    trunk = round_of(MODEL, *({"clf__max_depth": depth} for depth in range(1, 9))).shared
    assert len(pieces(trunk, 4)) == 1
    assert [len(piece) for piece in pieces(trunk, 4, n_least=4)] == [2, 2, 2, 2]
    family = round_of(FOREST, *({"n_estimators": n} for n in range(1, 9))).shared
    assert len(pieces(family, 4, n_least=4)) == 1


@pytest.mark.parametrize(
    "n_splits, n_slots, sizes",
    [
        (5, 1, [12] * 5),
        (5, 2, [12] * 4 + [6] * 2),  # the last fold is shared by both
        (5, 4, [12] * 4 + [3] * 4),
        (4, 2, [12] * 4),
        (5, 8, [4] * 15),  # two rounds of a third are less than one of a whole or two of halves
        (3, 12, [3] * 12),
    ],
)
def test_the_last_folds_are_divided_among_workers_that_would_be_idle(n_splits, n_slots, sizes) -> None:
    trunk = round_of(MODEL, *({"clf__max_depth": depth} for depth in range(1, 13))).shared
    tasks = shared_tasks(trunk, n_splits=n_splits, n_slots=n_slots, policy=SharingPolicy())
    assert [len(task.candidates) for task in tasks] == sizes
