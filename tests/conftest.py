"""What all tests share."""

import os
import signal
import threading

for _pool in ("OMP", "OPENBLAS", "MKL"):  # read when numpy is imported; the tests use all cores already
    os.environ.setdefault(f"{_pool}_NUM_THREADS", "1")

# A shell ignores Ctrl-C for what it runs in the background, as `nohup` ignores SIGHUP, and processes inherit that.
if threading.current_thread() is threading.main_thread():
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402

from tests.ray_cluster import needs_ray, ray_cluster, ray_of_the_session  # noqa: E402, F401

always = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no test depends on the clock
settings.register_profile("default", always, derandomize=True, max_examples=12)
settings.register_profile("thorough", always, max_examples=500)  # pytest --hypothesis-profile=thorough
settings.register_profile("fuzz", always, max_examples=2000)
settings.load_profile("default")


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)


def pytest_collection_modifyitems(items):
    """Move the tests on the Ray cluster to the end, so that no other test forks a process with the threads of Ray."""
    items.sort(key=needs_ray)
