"""Plans of multi-fidelity searches: numbers of candidates, resources and cost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.strategies.schedule import Plan, folds_only, halving, hyperband, ladder, levels

FOLDS = folds_only(None, n_splits=5, factor=3, largest=81)


def table(brackets):
    return [[(rung.n_candidates, rung.resource) for rung in bracket.rungs] for bracket in brackets]


def plan_of(brackets, maximum, n_splits=1, continues=True, resource="max_iter"):
    return Plan(resource, maximum, n_splits, brackets, continues)


def test_hyperband_has_the_brackets_of_the_paper():
    brackets = hyperband(None, levels(1, 81, 3), n_splits=1, factor=3)
    assert table(brackets) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]
    assert [bracket.first_iter for bracket in brackets] == [0, 1, 2, 3, 4]
    assert plan_of(brackets, 81, continues=False).full_fits * 81 == pytest.approx(1902)


@pytest.mark.parametrize(("maximum", "models", "calls"), [(9, 17, 69), (27, 49, 357), (81, 143, 1581)])
def test_hyperband_has_the_cost_of_the_paper_if_training_continues(maximum, models, calls):
    plan = plan_of(hyperband(None, levels(1, maximum, 3), n_splits=1, factor=3), maximum)
    assert plan.n_candidates == models
    assert plan.full_fits * maximum == pytest.approx(calls)


@pytest.mark.parametrize("power", range(12))
def test_levels_are_exact(power):
    assert levels(1, 3**power, 3) == [3**i for i in range(power + 1)]  # log(243, 3) is 4.999...


def test_the_last_level_is_the_maximum():
    assert levels(10, 100, 3) == [11, 33, 100]
    assert levels(12, 100, 3) == [33, 100]
    assert levels(50, 100, 3) == [100]


def test_a_ladder_increases_the_resource_and_then_the_number_of_folds():
    brackets = ladder(None, [10, 30, 90], n_splits=5, factor=3, largest=81)
    (bracket,) = brackets
    assert [(r.n_candidates, r.resource, r.n_folds) for r in bracket.rungs] == [
        (81, 10, 1),
        (27, 30, 1),
        (9, 90, 1),
        (3, 90, 5),
    ]
    assert plan_of(brackets, 90, 5).full_fits == pytest.approx(9 + 6 + 6 + 12)
    assert plan_of(brackets, 90, 5, continues=False).full_fits == pytest.approx(9 + 9 + 9 + 12)


def test_each_bracket_of_a_ladder_begins_with_another_fold():
    brackets = ladder(200, [1, 3], n_splits=2, factor=3, largest=81)
    assert [bracket.rungs[0].n_candidates for bracket in brackets] == [81, 81, 38]
    assert [bracket.splits(0, 2) for bracket in brackets] == [[0], [1], [0]]
    assert all(bracket.splits(2, 2) == [0, 1] for bracket in brackets)


def test_a_ladder_on_one_fold_ends_with_the_resource():
    assert table(ladder(9, [1, 3], n_splits=1, factor=3, largest=81)) == [[(9, 1), (3, 3)]]


def test_folds_as_the_resource():
    plan = plan_of(FOLDS, 5, 5, continues=False, resource="folds")
    assert [(row["n_candidates"], row["n_folds"]) for row in plan] == [(27, 1), (9, 2), (3, 5)]
    assert plan.full_fits == pytest.approx(27 + 9 + 9)


def test_a_printed_plan():
    lines = str(plan_of(halving(None, [1, 3], n_splits=5, factor=3), 3, 5)).splitlines()
    assert lines[0].split() == ["bracket", "rung", "candidates", "max_iter", "folds", "full", "fits"]
    assert lines[2].split() == ["0", "0", "9", "1", "5", "15.0"]
    assert lines[4] == "total: 25.0 full fits; all 9 candidates on 5 folds would take 45, 1.8 times as many"
    assert "  folds  full fits" in str(plan_of(FOLDS, 5, 5, continues=False, resource="folds"))


@given(
    st.sampled_from(["ladder", "hyperband", "halving", "folds"]),
    st.integers(1, 500),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 10),
    st.integers(2, 5),
)
def test_every_plan_ends_with_the_whole_resource_on_all_folds(kind, n, minimum, maximum, n_splits, factor):
    steps = levels(min(minimum, maximum), maximum, factor)
    make = {
        "ladder": lambda: ladder(n, steps, n_splits=n_splits, factor=factor, largest=81),
        "hyperband": lambda: hyperband(n, steps, n_splits=n_splits, factor=factor),
        "halving": lambda: halving(n, steps, n_splits=n_splits, factor=factor),
        "folds": lambda: folds_only(n, n_splits=n_splits, factor=factor, largest=81),
    }[kind]
    brackets = make()
    plan = plan_of(brackets, maximum, n_splits, resource="folds" if kind == "folds" else "max_iter")
    assert plan.n_candidates == n
    assert plan.full_fits > 0
    for bracket in brackets:
        rungs = bracket.rungs
        assert rungs[-1].n_folds == n_splits
        assert rungs[-1].resource == (n_splits if kind == "folds" else maximum)
        for low, high in pairwise(rungs):
            assert low.n_candidates >= high.n_candidates >= 1
            assert (low.resource, low.n_folds) < (high.resource, high.n_folds)
            assert set(bracket.splits(0, n_splits)) <= set(range(n_splits))
    assert len(str(plan).splitlines()) == 3 + len(list(plan))
