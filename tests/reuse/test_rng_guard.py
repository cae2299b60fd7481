"""Numpy's global generator is seen to move, however little is drawn."""

import numpy as np
import pytest

from skhpt.reuse.rng_guard import GlobalRngWatch


@pytest.fixture(autouse=True)
def _same_generator_afterwards():
    before = np.random.get_state()
    yield
    np.random.set_state(before)


@pytest.mark.parametrize("draw", [np.random.rand, np.random.randn, lambda: np.random.randint(2), np.random.bytes])
@pytest.mark.parametrize("n_before", [0, 1, 3, 700])
def test_a_draw_is_seen(draw, n_before):
    np.random.seed(0)
    np.random.randn(n_before)
    watched = GlobalRngWatch()
    before = watched.state()
    assert not watched.has_moved(before)
    draw(1) if draw is np.random.bytes else draw()
    assert watched.has_moved(before)
    watched.restore(before)
    assert not watched.has_moved(before)
    assert str(np.random.get_state(legacy=False)) == str(before)


def test_the_second_of_two_normal_numbers_is_seen():
    np.random.seed(0)
    np.random.randn()  # draws two of them and keeps one
    watched = GlobalRngWatch()
    before = watched.state()
    np.random.randn()
    assert watched.has_moved(before)


def test_another_generator_is_seen_too():
    np.random.seed(0)
    usual, other = np.random.mtrand._rand._bit_generator, np.random.PCG64(0)
    np.random.set_bit_generator(other)
    try:
        watched = GlobalRngWatch()
        before = watched.state()
        assert not watched.has_moved(before)
        np.random.rand()
        assert watched.has_moved(before)
    finally:
        np.random.set_bit_generator(usual)
