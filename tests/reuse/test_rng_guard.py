"""A draw from numpy's global generator is detected, however small it is."""

import numpy as np
import pytest

from skhpt.reuse.rng_guard import GlobalRngWatch


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
