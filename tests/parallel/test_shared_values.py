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


def use(cache, *tokens):
    """Use values as a task does; return weak references to them."""
    with cache.resolved([SharedValue(token, None) for token in tokens], lambda shared: Value()) as values:
        return [ref(value) for value in values]


def test_the_values_of_an_older_search_go_when_those_of_another_one_are_loaded():
    cache = ValueCache(seconds=1e6, seconds_older=0.0)
    older = use(cache, "a.x", "a.y")
    use(cache, "b.x")
    gc.collect()
    assert [alive() for alive in older] == [None, None]
    use(cache, "b.y")
    assert "b.x" in cache  # another value of the same search


def test_the_values_of_an_older_search_stay_while_it_has_a_task_or_had_one_just_now():
    cache = ValueCache(seconds=1e6, seconds_older=0.0)
    use(cache, "a.y")
    with cache.resolved([SharedValue("a.x", None)], lambda shared: Value()):
        use(cache, "b.x")
        assert "a.x" in cache
        assert "a.y" in cache
    recent = ValueCache(seconds=1e6, seconds_older=1e6)
    use(recent, "a.x")
    use(recent, "b.x")
    assert "a.x" in recent


def test_of_two_searches_side_by_side_each_value_is_loaded_twice_at_most():
    cache = ValueCache(seconds=1e6, seconds_older=0.0)
    for search in "abababab":
        use(cache, f"{search}.x")
    assert "a.x" in cache
    assert "b.x" in cache


def test_what_was_made_of_a_value_is_dropped_with_it():
    cache, dropped = ValueCache(seconds=1e6, seconds_older=0.0), []
    cache.when_dropped(dropped.append)
    [value] = use(cache, "a.x")
    use(cache, "b.x")
    assert dropped == [value()]
    cache.seconds = 0.0
    cache.drop_unused()
    assert len(dropped) == 2
