"""The resources that a fit needs: what is accepted, and how it is read."""

import math
from collections import UserDict

import numpy as np
import pytest

from skhpt.parallel.fit_resources import NO_RESOURCES, FitResources, check_fit_resources


def test_nothing_is_needed_by_default():
    assert check_fit_resources(None) == check_fit_resources({}) == NO_RESOURCES
    assert not NO_RESOURCES
    assert (NO_RESOURCES.cpus, NO_RESOURCES.gpus, NO_RESOURCES.others) == (None, 0.0, {})


def test_amounts_are_read_by_name():
    resources = check_fit_resources(UserDict({"gpu": 0.5, "Cpu": np.int64(2), "memory": 8e9}))
    assert resources == FitResources({"GPU": 0.5, "CPU": 2.0, "memory": 8e9})
    assert (resources.gpus, resources.cpus, resources.others) == (0.5, 2.0, {"memory": 8e9})
    assert str(resources) == "GPU=0.5, CPU=2, memory=8e+09"


@pytest.mark.parametrize("value", ["GPU", ["GPU"], 2, {1: 2}, {"GPU": "1"}, {"GPU": None}, {"GPU": True}])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="None or a dict of names and amounts"):
        check_fit_resources(value)


@pytest.mark.parametrize("amount", [0, -1, math.inf, math.nan, -0.0])
def test_amounts_that_are_not_positive_numbers_are_refused(amount):
    with pytest.raises(ValueError, match="positive amounts, got memory="):
        check_fit_resources({"memory": amount})


def test_other_values_without_a_meaning_are_refused():
    with pytest.raises(ValueError, match=r"a whole number of GPUs, got GPU=1\.5"):
        check_fit_resources({"GPU": 1.5})
    with pytest.raises(ValueError, match="GPU twice"):
        check_fit_resources({"GPU": 1, "gpu": 1})
