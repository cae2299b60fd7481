"""Fixtures of the tests of searches."""

import pytest

from tests.estimators import Counting


@pytest.fixture
def counting():
    """An estimator that counts its fits; its score is its value."""
    Counting.n_fits = 0
    return Counting()
