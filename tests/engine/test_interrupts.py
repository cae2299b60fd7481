"""Ctrl-C raises where it is allowed, and waits elsewhere."""

import signal
from contextlib import suppress

import pytest

from skhpt.engine.interrupts import Interrupts

pytestmark = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is not signal.default_int_handler, reason="another handler is installed"
)


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def test_it_raises_where_it_is_allowed():
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.allowed():
            press_ctrl_c()
        assert interrupts.n == 1


def test_elsewhere_it_waits_until_it_is_allowed():
    with Interrupts() as interrupts:
        press_ctrl_c()
        press_ctrl_c()
        with pytest.raises(KeyboardInterrupt), interrupts.allowed():
            raise AssertionError("not reached")
        assert interrupts.n == 2
        with interrupts.allowed():  # both presses have raised
            pass


def test_an_estimator_that_catches_it_does_not_hide_it():
    with (
        Interrupts() as interrupts,
        pytest.raises(KeyboardInterrupt),
        interrupts.allowed(),
        suppress(KeyboardInterrupt),
    ):
        press_ctrl_c()


def test_the_handler_is_restored():
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_user_stays():
    presses = []
    before = signal.signal(signal.SIGINT, lambda number, frame: presses.append(number))
    try:
        with Interrupts() as interrupts:
            press_ctrl_c()
        assert (presses, interrupts.n) == ([signal.SIGINT], 0)
    finally:
        signal.signal(signal.SIGINT, before)
