"""What all tests share."""

import os

for _pool in ("OMP", "OPENBLAS", "MKL"):  # read when numpy is imported; the tests use all cores already
    os.environ.setdefault(f"{_pool}_NUM_THREADS", "1")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402

settings.register_profile(
    "default",
    deadline=None,  # no test depends on the clock
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def iris():
    return load_iris(return_X_y=True)
