"""Clusters of Dask and Ray on this machine with two workers, each a process."""

import logging
import warnings

import pytest

from skhpt.parallel.ray_signals import handler_kept


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


#: Options of a small Ray cluster on this machine that does not print.
RAY_OPTIONS = {
    "include_dashboard": False,
    "log_to_driver": False,
    "logging_level": logging.CRITICAL,
    "object_store_memory": 80 * 2**20,
}


@pytest.fixture(scope="module")
def ray_cluster():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    with warnings.catch_warnings(action="ignore"), handler_kept():
        ray.init("local", num_cpus=2, num_gpus=2, resources={"licence": 1}, **RAY_OPTIONS)  # not real GPUs
    register_ray()
    yield ray
    ray.shutdown()
