"""Subsamples of rows: nested, stratified, of whole groups, of the most recent rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.fitting.subsample import Subsample, allocate

counts = st.lists(st.integers(1, 60), min_size=1, max_size=8).map(np.array)


@given(counts, st.data())
def test_quotas_are_proportional_to_counts(counts, data):
    n = data.draw(st.integers(1, int(counts.sum())))
    quotas = allocate(counts, n)
    assert quotas.sum() == n
    assert (quotas <= counts).all()
    if n >= len(counts):
        assert (quotas >= 1).all()
    exact = counts * n / counts.sum()
    assert (np.abs(quotas - exact) < 1 + len(counts)).all()
    if (exact >= 1).all():
        assert (np.abs(quotas - exact) < 1).all()  # largest remainders


@given(counts, st.integers(2, 4), st.integers(0, 3))
def test_smaller_subsamples_are_part_of_larger_ones(counts, factor, split):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    train = np.arange(len(labels))[::-1] * 2
    choose = Subsample(0, np.repeat(labels[::-1], 2))
    n, before = len(counts), set()
    while n < len(train):
        rows = choose(train, n, split)
        assert len(rows) == n
        assert before <= set(rows)
        assert list(rows) == [row for row in train if row in set(rows)]  # in their order
        n, before = n * factor, set(rows)
    np.testing.assert_array_equal(choose(train, len(train), split), train)


def test_a_rare_class_keeps_a_row():
    labels = np.array([0] * 96 + [1] * 4)
    for split in range(20):
        assert labels[Subsample(0, labels)(np.arange(100), 8, split)].sum() == 1


def test_without_classes_rows_are_drawn():
    rows = Subsample(3)(np.arange(100), 30, 0)
    assert len(set(rows)) == 30
    assert not np.array_equal(rows, Subsample(3)(np.arange(100), 30, 1))


@pytest.mark.parametrize("n", [1, 7, 20, 33])
def test_groups_are_not_divided(n):
    groups = np.repeat(np.arange(10), 5)
    rows = Subsample(0, groups=groups)(np.arange(50), n, 0)
    chosen, sizes = np.unique(groups[rows], return_counts=True)
    assert (sizes == 5).all()
    assert len(chosen) == max(1, n // 5)


def test_the_most_recent_rows_are_the_last():
    np.testing.assert_array_equal(Subsample(0, most_recent=True)(np.arange(10, 30), 5, 0), np.arange(25, 30))
