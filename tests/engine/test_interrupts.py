"""Ctrl-C and requests to end raise where they are allowed, and wait elsewhere."""

import os
import signal
import subprocess
import sys
import threading
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


# -- requests to end -----------------------------------------------------------------------------------------

ENDING = ["SIGTERM", "SIGHUP"]
needs_posix = pytest.mark.skipif(os.name == "nt", reason="has no such signals")

PROGRAM = """
import signal, sys, time
from skhpt.engine.interrupts import Interrupts

number = getattr(signal, sys.argv[1])
with Interrupts() as interrupts:
    try:
        with interrupts.allowed():
            signal.raise_signal(number)
    except KeyboardInterrupt:
        print("clean", interrupts.n)
print("not reached")
"""


@needs_posix
@pytest.mark.parametrize("name", ENDING)
def test_a_request_to_end_ends_the_process_with_its_own_status_after_the_block(name):
    done = subprocess.run([sys.executable, "-c", PROGRAM, name], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -getattr(signal, name)
    assert done.stdout == b"clean 1\n"


@needs_posix
@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None], ids=["ignored", "own"])
def test_requests_to_end_that_the_user_handles_are_left_alone(name, handler):
    number = getattr(signal, name)
    before = signal.signal(number, handler)
    try:
        with Interrupts() as interrupts, interrupts.allowed():
            assert signal.getsignal(number) is handler
            signal.raise_signal(number)
        assert interrupts.n == 0
    finally:
        signal.signal(number, before)


@needs_posix
@pytest.mark.parametrize("name", ENDING)
def test_the_default_action_is_restored_also_after_an_exception(name):
    number = getattr(signal, name)
    with pytest.raises(ArithmeticError), Interrupts():
        assert signal.getsignal(number) is not signal.SIG_DFL
        raise ArithmeticError
    assert signal.getsignal(number) is signal.SIG_DFL


@needs_posix
@pytest.mark.parametrize("name", ENDING)
def test_the_handler_of_ray_runs_after_the_block(name):
    def exit_as_ray_does(number, frame):
        sys.exit(number)

    exit_as_ray_does.__module__ = "ray._private.worker"
    number = getattr(signal, name)
    before = signal.signal(number, exit_as_ray_does)
    recorded = []
    try:
        with pytest.raises(SystemExit) as exit, Interrupts() as interrupts:
            signal.raise_signal(number)
            recorded.append("score")
            with pytest.raises(KeyboardInterrupt), interrupts.allowed():
                pass
        assert recorded == ["score"]
        assert exit.value.code == number
        assert signal.getsignal(number) is exit_as_ray_does
    finally:
        signal.signal(number, before)


@needs_posix
def test_a_forked_process_has_the_handlers_of_before():
    with Interrupts():
        pid = os.fork()
        if pid == 0:
            is_restored = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            os._exit(
                0 if is_restored and signal.getsignal(signal.SIGINT) is signal.default_int_handler else 1
            )
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def test_a_search_inside_a_fit_has_no_handler_of_its_own():
    with Interrupts() as outer, outer.allowed():
        handler = signal.getsignal(signal.SIGINT)
        with Interrupts() as inner:
            assert inner.is_inner
            assert signal.getsignal(signal.SIGINT) is handler
        assert signal.getsignal(signal.SIGINT) is handler
    assert not outer.is_inner


def test_nothing_changes_in_another_thread():
    handlers = []

    def run():
        with Interrupts():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.SIG_DFL]
