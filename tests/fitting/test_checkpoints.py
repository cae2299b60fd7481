"""Checkpoints: stored models, which may be lost at any time, or out of reach of a worker."""

import os
import pickle

import pytest

from skhpt.fitting import checkpoints as module
from skhpt.fitting.checkpoints import CheckpointKey, Checkpoints, InMemory, OnDisk, TaskCheckpoints

NOWHERE = OnDisk("/nowhere/at/all")


@pytest.fixture(params=["memory", "disk"])
def make_store(request, tmp_path):
    return (
        (lambda limit: InMemory(limit))
        if request.param == "memory"
        else (lambda limit: OnDisk(tmp_path, limit))
    )


def test_a_checkpoint_stays_until_its_continued_training_is_done(make_store):
    checkpoints = TaskCheckpoints(make_store(10_000))
    checkpoints.save(CheckpointKey(1, 0), {"model": 1})
    assert checkpoints.load(CheckpointKey(1, 1)) is None
    assert checkpoints.load(CheckpointKey(1, 0)) == {"model": 1}
    assert checkpoints.load(CheckpointKey(1, 0)) == {"model": 1}  # the worker of the first one was lost
    for _ in range(2):
        Checkpoints(checkpoints.store).drop(CheckpointKey(1, 0))
        assert checkpoints.load(CheckpointKey(1, 0)) is None
    assert checkpoints.unsaved == {}


def test_the_oldest_checkpoints_are_deleted_first(make_store, tmp_path):
    checkpoints = TaskCheckpoints(make_store(2500))
    for i in range(4):
        checkpoints.save(CheckpointKey(i, 0), bytes(1000))
        if (path := tmp_path / f"{i}-0.pickle").exists():
            os.utime(path, (i, i))
    there = [checkpoints.load(CheckpointKey(i, 0)) is not None for i in range(4)]
    assert there == [False, False, True, True]
    checkpoints.save(CheckpointKey(9, 0), bytes(3000))
    assert checkpoints.load(CheckpointKey(9, 0)) is None


def test_a_checkpoint_that_is_saved_twice_counts_once(make_store):
    store = make_store(2500)
    for _ in range(3):
        TaskCheckpoints(store).save(CheckpointKey(0, 0), bytes(1000))
    TaskCheckpoints(store).save(CheckpointKey(1, 0), bytes(1000))
    assert TaskCheckpoints(store).load(CheckpointKey(0, 0)) == bytes(1000)


def test_a_model_that_cannot_be_pickled_or_read_is_lost(make_store):
    checkpoints = TaskCheckpoints(make_store(10_000))
    checkpoints.save(CheckpointKey(0, 0), (_ for _ in ()))
    assert checkpoints.load(CheckpointKey(0, 0)) is None
    checkpoints.store.put(CheckpointKey(1, 0), b"not a pickle")
    assert checkpoints.load(CheckpointKey(1, 0)) is None
    assert checkpoints.unsaved == {}


def test_a_model_of_a_class_that_cannot_be_imported_is_stored(make_store):
    class Local:
        trees = 3

    checkpoints = TaskCheckpoints(make_store(10_000))
    checkpoints.save(CheckpointKey(0, 0), Local())
    assert checkpoints.load(CheckpointKey(0, 0)).trees == 3


def test_what_cannot_be_written_is_returned_and_comes_with_a_later_task(make_store):
    search = Checkpoints(make_store(10_000))
    key, later = CheckpointKey(0, 2), CheckpointKey(1, 2)
    assert search.to_send(key) is None
    TaskCheckpoints(search.store).save(later, "reached the store")
    assert search.to_send(later) is None  # so far every worker reaches the store
    elsewhere = TaskCheckpoints(NOWHERE)
    elsewhere.save(key, "model")
    search.receive(elsewhere.unsaved)
    for each, model in ((key, "model"), (later, "reached the store")):
        assert TaskCheckpoints(NOWHERE, {each: search.to_send(each)}).load(each) == model
        assert TaskCheckpoints(search.store).load(each) == model
    search.drop(key)
    assert search.to_send(key) is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="may write to every folder")
def test_a_folder_that_cannot_be_written_to_is_out_of_reach(tmp_path):
    tmp_path.chmod(0o500)
    checkpoints = TaskCheckpoints(OnDisk(str(tmp_path)))
    checkpoints.save(CheckpointKey(0, 0), 1)
    assert list(checkpoints.unsaved) == [CheckpointKey(0, 0)]


def test_large_models_are_not_sent(make_store, monkeypatch):
    monkeypatch.setattr(module, "MAX_SENT_NBYTES", 1000)
    checkpoints = TaskCheckpoints(NOWHERE)
    checkpoints.save(CheckpointKey(0, 0), bytes(1000))
    checkpoints.save(CheckpointKey(1, 0), bytes(10))
    assert list(checkpoints.unsaved) == [CheckpointKey(1, 0)]
    search = Checkpoints(make_store(10_000))
    search.receive(checkpoints.unsaved)
    TaskCheckpoints(search.store).save(CheckpointKey(0, 0), bytes(1000))
    assert search.to_send(CheckpointKey(0, 0)) is None
    assert search.to_send(CheckpointKey(1, 0))


def test_without_its_folder_a_search_trains_again():
    search = Checkpoints(NOWHERE)
    search.receive({CheckpointKey(0, 0): b"data"})
    assert search.to_send(CheckpointKey(0, 0)) is None
    search.drop(CheckpointKey(0, 0))
    assert TaskCheckpoints(NOWHERE).load(CheckpointKey(0, 0)) is None


def test_a_copy_of_the_store_in_memory_is_empty():
    store = InMemory()
    store.put(CheckpointKey(0, 0), b"x")
    assert pickle.loads(pickle.dumps(store)).get(CheckpointKey(0, 0)) is None
    assert store.get(CheckpointKey(0, 0)) == b"x"
