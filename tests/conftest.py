"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings
from sklearn.datasets import load_iris

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
