"""What a fit or a scorer raises is its failure, unless it ends the search."""

import functools
import os
import signal
import sys

import pytest

from skhpt.fitting.failures import ControlFlow, is_failure

HERE, ELSEWHERE = os.getpid(), -1
needs_alarm = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="has no such signal")


@pytest.mark.parametrize(
    "kind", [ValueError, MemoryError, StopIteration, SystemExit, GeneratorExit, BaseException]
)
@pytest.mark.parametrize("pid", [HERE, ELSEWHERE], ids=["here", "elsewhere"])
def test_exceptions_of_any_class_are_failures(kind, pid):
    assert is_failure(kind("no"), pid)


def test_ctrl_c_is_a_failure_only_where_nobody_presses_it():
    assert not is_failure(KeyboardInterrupt(), HERE)
    assert is_failure(KeyboardInterrupt(), ELSEWHERE)


def test_exceptions_of_skhpt_itself_are_no_failures():
    class Stop(ControlFlow):
        pass

    assert not is_failure(Stop(), HERE)
    assert not is_failure(Stop(), ELSEWHERE)


class Exits:
    def __call__(self, number, frame):
        sys.exit(3)

    def method(self, number, frame):
        sys.exit(3)


def exits(number, frame, extra=None):
    sys.exit(3)


@needs_alarm
@pytest.mark.parametrize(
    "handler",
    [exits, Exits(), Exits().method, functools.partial(exits, extra=1), lambda *args: sys.exit(3)],
    ids=["function", "object", "method", "partial", "lambda"],
)
def test_the_exit_of_a_signal_handler_ends_the_search(handler):
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(SystemExit) as caught:
            signal.raise_signal(signal.SIGALRM)
        assert not is_failure(caught.value, HERE)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert is_failure(caught.value, HERE)
