"""A call on a worker of a cluster: whatever happens there comes back as an output."""

import pickle

import pytest

from skhpt.parallel.channels import NullInbox, TaskFailure
from skhpt.parallel.cluster_call import Call, VersionError, make_call, run_call
from skhpt.parallel.shared_values import SharedValue, ValueLostError, value_cache
from skhpt.parallel.versions import own_versions

CHANNEL = NullInbox().channel(0)


def no_value(shared):
    raise ValueLostError(shared.token)


def call(task, *args, load=no_value):
    return run_call(make_call(own_versions(), task, args), CHANNEL, load)


def error_of(output):
    """Return the exception of an output, as it arrives in another process."""
    assert isinstance(output.result, TaskFailure)
    return pickle.loads(pickle.dumps(output.result)).error


def double(value):
    yield 1
    return 2 * value


def raising(error):
    raise error
    yield


def test_the_result_and_the_times_of_a_call():
    call(double, 3)
    output = call(double, 4)
    assert output.result == 8
    assert output.seconds >= 0
    assert output.idle_seconds >= 0


def test_other_versions_are_named_before_anything_is_read():
    other = own_versions() | {"scikit-learn": "0.1"}
    error = error_of(run_call(Call(other, b"not a pickle"), CHANNEL, no_value))
    assert isinstance(error, VersionError)
    assert "instead of 0.1" in str(error)


@pytest.mark.parametrize("payload", [b"not a pickle", b"cno_such_package\nname\n."])
def test_what_cannot_be_read_is_an_error_of_the_task(payload):
    assert isinstance(error_of(run_call(Call(own_versions(), payload), CHANNEL, no_value)), Exception)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit])
def test_whatever_a_task_raises_comes_back(kind):
    assert type(error_of(call(raising, kind("now")))) is kind


def test_a_lost_value_is_not_an_error_of_the_task():
    output = call(double, SharedValue("lost", None))
    assert (output.result, output.is_value_lost, output.missing) == (None, True, ("lost",))
    assert "lost" not in value_cache


def test_an_error_while_a_value_is_loaded_is_an_error_of_the_task():
    def load(shared):
        raise OSError("no space")

    assert str(error_of(call(double, SharedValue("unread", None), load=load))) == "no space"


def test_a_shared_value_is_loaded_once_and_dropped_with_its_search():
    loaded = []
    for _ in range(2):
        output = call(double, SharedValue("value", None), load=lambda shared: loaded.append(shared) or 5)
        assert output.result == 10
    assert len(loaded) == 1
    value_cache.drop(["value"])
    assert "value" not in value_cache
