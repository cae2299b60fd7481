"""A Ray cluster on this machine with two processors, which all tests share."""

import logging
import warnings

import pytest

from skhpt.parallel.ray_signals import handler_kept

#: Options of a small Ray cluster on this machine that does not print.
RAY_OPTIONS = {
    "include_dashboard": False,
    "log_to_driver": False,
    "logging_level": logging.CRITICAL,
    "object_store_memory": 80 * 2**20,
}


@pytest.fixture(scope="session")
def ray_of_the_session():
    """Provide the package Ray, and end its cluster after all tests."""
    ray = pytest.importorskip("ray")
    yield ray
    ray.shutdown()


@pytest.fixture
def ray_cluster(ray_of_the_session):
    """Provide the package Ray, connected to a cluster: it is started if there is none, or if a test has ended it."""
    from ray.util.joblib import register_ray

    if not ray_of_the_session.is_initialized():
        with warnings.catch_warnings(action="ignore"), handler_kept():
            resources = {"num_cpus": 2, "num_gpus": 2, "resources": {"licence": 1}}  # not real GPUs
            ray_of_the_session.init("local", **resources, **RAY_OPTIONS)
    register_ray()
    return ray_of_the_session


def needs_ray(item):
    """Tell whether a test runs on the Ray cluster."""
    call = getattr(item, "callspec", None)
    params = {} if call is None else call.params
    return "ray_cluster" in getattr(item, "fixturenames", ()) or "ray" in (
        params.get("case"),
        params.get("engine"),
    )
