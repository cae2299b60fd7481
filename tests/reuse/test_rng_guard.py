"""A draw from numpy's global generator is detected, however small it is."""

import numpy as np
import pytest

from skhpt.reuse.rng_guard import GlobalRngWatch, OwedDraws, global_rng_kept


@pytest.fixture(autouse=True)
def _same_generator_afterwards():
    before = np.random.get_state()
    yield
    np.random.set_state(before)


@pytest.mark.parametrize(
    "draw", [np.random.rand, np.random.randn, lambda: np.random.randint(2), np.random.bytes]
)
@pytest.mark.parametrize("n_before", [0, 1, 3, 700])
def test_a_draw_is_detected_and_can_be_taken_back(draw, n_before):
    np.random.seed(0)
    np.random.randn(n_before)
    watch = GlobalRngWatch()
    before, state = watch.state(), np.random.get_state(legacy=False)
    assert not watch.has_moved(before)
    draw(1) if draw is np.random.bytes else draw()
    assert watch.has_moved(before)
    watch.restore(before)
    assert not watch.has_moved(before)
    assert str(np.random.get_state(legacy=False)) == str(state)


def test_the_second_of_two_normal_numbers_is_detected():
    np.random.seed(0)
    np.random.randn()  # draws two numbers and keeps one of them
    watch = GlobalRngWatch()
    before = watch.state()
    np.random.randn()
    assert watch.has_moved(before)


def test_draws_from_another_bit_generator_are_detected():
    np.random.seed(0)
    usual = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(0))
    try:
        watch = GlobalRngWatch()
        before = watch.state()
        assert not watch.has_moved(before)
        np.random.rand()
        assert watch.has_moved(before)
    finally:
        np.random.set_bit_generator(usual)


def test_a_watch_that_is_not_active_reads_nothing():
    watch = GlobalRngWatch(is_active=False)
    before = watch.state()
    np.random.rand()
    assert not watch.has_moved(before)


@pytest.mark.parametrize("n_before", [0, 1, 600, 700])
@pytest.mark.parametrize("n", [1, 3, 600, 5000])
def test_words_are_counted(n_before, n):
    np.random.seed(0)
    np.random.randint(2**31 - 1, size=n_before)
    watch = GlobalRngWatch()
    before = watch.state()
    np.random.randint(2**31 - 1, size=n)
    after = watch.state()
    assert watch.n_drawn_since(before) == n
    assert not watch.has_moved(after)


@pytest.mark.parametrize(
    "draw", [np.random.randn, lambda: np.random.set_state(np.random.RandomState(1).get_state())]
)
def test_other_changes_cannot_be_counted(draw):
    np.random.seed(0)
    watch = GlobalRngWatch()
    before = watch.state()
    draw()
    assert watch.n_drawn_since(before) is None


def test_draws_are_made_in_the_order_of_candidates_and_folds():
    np.random.seed(0)
    owed = OwedDraws()
    owed.begin()
    np.random.rand(7)  # of shared fits, in another order
    owed.add(2, 0, 3)
    owed.add(0, 1, 1)
    owed.add(0, 0, 2)
    owed.settle(1, 0)
    found = [np.random.rand()]
    owed.settle()
    found.append(np.random.rand())
    expected = np.random.RandomState(0)
    expected.randint(0, 2**32, size=3, dtype=np.uint32)
    assert found[0] == expected.rand()
    expected.randint(0, 2**32, size=3, dtype=np.uint32)
    assert found[1] == expected.rand()


def test_the_generator_is_kept():
    np.random.seed(0)
    with global_rng_kept():
        np.random.randn()
    assert np.random.rand() == np.random.RandomState(0).rand()
