"""A cluster of Dask on this machine with two workers, each a process."""

import logging

import pytest

from tests.parallel.simulated_cluster import Clock


@pytest.fixture(scope="module")
def client():
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    options = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def cluster(client):
    # A test before may have killed one.
    client.wait_for_workers(2)
    return client


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("cluster", "clocks"):
        monkeypatch.setattr(f"skhpt.parallel.{module}.time", clock)
    return clock
