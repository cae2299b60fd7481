"""Shared values: each process loads a value once, keeps it while a task uses it, and then for some time."""

import gc
import threading
import time
from weakref import ref

import pytest

from skhpt.parallel.shared_values import SharedValue, ValueCache

X, Y = SharedValue("x", None), SharedValue("y", None)


class Value:
    pass


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_threads_load_a_value_once():
    cache, loaded, values = ValueCache(), [], []
    everyone = threading.Barrier(4)

    def load(shared):
        loaded.append(shared)
        return Value()

    def use():
        everyone.wait(60)
        with cache.resolved([1, X], load) as (one, value):
            assert one == 1
            values.append(value)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert loaded == [X]
    assert len(values) == 4
    assert len(set(map(id, values))) == 1


def test_after_an_exception_the_value_is_loaded_again():
    cache = ValueCache()

    def fail(shared):
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"), cache.resolved([Y, X], fail):
        pass
    assert "x" not in cache
    with cache.resolved([X], lambda shared: 7) as values:
        assert values == [7]
    assert "x" in cache


def test_a_value_is_dropped_some_time_after_its_last_use():
    cache = ValueCache(seconds=0.05)
    with cache.resolved([X], lambda shared: Value()) as [value]:
        alive = ref(value)
        cache.seconds = 0.0
        cache.drop_unused()
        assert "x" in cache  # in use
    cache.seconds = 0.05
    del value
    wait_until(lambda: len(cache) == 0)
    gc.collect()
    assert alive() is None


def test_the_values_of_a_search_that_was_killed_are_gone_while_another_one_runs():
    cache = ValueCache(seconds=0.1)
    with cache.resolved([X], lambda shared: 1):
        pass
    with cache.resolved([Y], lambda shared: 2):
        wait_until(lambda: "x" not in cache)
        assert "y" in cache


def test_a_task_keeps_a_value_that_is_dropped():
    cache = ValueCache()
    with cache.resolved([X], lambda shared: Value()) as values:
        cache.drop(["x", "unknown"])
        assert "x" not in cache
        assert isinstance(values[0], Value)
    assert len(cache) == 0
