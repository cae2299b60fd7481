"""Checkpoints: stored models, which may be lost at any time."""

import os
import pickle

import pytest

from skhpt.fitting.checkpoints import CheckpointKey, Checkpoints, InMemory, OnDisk


@pytest.fixture(params=["memory", "disk"])
def make_store(request, tmp_path):
    return (
        (lambda limit: InMemory(limit))
        if request.param == "memory"
        else (lambda limit: OnDisk(tmp_path, limit))
    )


def test_a_checkpoint_is_removed_when_it_is_taken(make_store):
    checkpoints = Checkpoints(make_store(10_000))
    checkpoints.save(CheckpointKey(1, 0), {"model": 1})
    assert checkpoints.take(CheckpointKey(1, 1)) is None
    assert checkpoints.take(CheckpointKey(1, 0)) == {"model": 1}
    assert checkpoints.take(CheckpointKey(1, 0)) is None


def test_the_oldest_checkpoints_are_deleted_first(make_store, tmp_path):
    checkpoints = Checkpoints(make_store(2500))
    for i in range(4):
        checkpoints.save(CheckpointKey(i, 0), bytes(1000))
        if (path := tmp_path / f"{i}-0.pickle").exists():
            os.utime(path, (i, i))
    assert [checkpoints.take(CheckpointKey(i, 0)) is not None for i in range(4)] == [False, False, True, True]
    checkpoints.save(CheckpointKey(9, 0), bytes(3000))
    assert checkpoints.take(CheckpointKey(9, 0)) is None


def test_a_model_that_cannot_be_pickled_or_read_is_lost(make_store, tmp_path):
    checkpoints = Checkpoints(make_store(10_000))
    checkpoints.save(CheckpointKey(0, 0), lambda: None)
    assert checkpoints.take(CheckpointKey(0, 0)) is None
    checkpoints.store.put(CheckpointKey(1, 0), b"not a pickle")
    assert checkpoints.take(CheckpointKey(1, 0)) is None


def test_a_missing_folder_loses_checkpoints():
    checkpoints = Checkpoints(OnDisk("/nowhere/at/all"))
    checkpoints.save(CheckpointKey(0, 0), 1)
    assert checkpoints.take(CheckpointKey(0, 0)) is None


def test_a_copy_of_the_store_in_memory_is_empty():
    store = InMemory()
    store.put(CheckpointKey(0, 0), b"x")
    assert pickle.loads(pickle.dumps(store)).pop(CheckpointKey(0, 0)) is None
    assert store.pop(CheckpointKey(0, 0)) == b"x"
