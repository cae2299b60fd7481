"""What tasks need of the nodes of a Ray cluster, without Ray."""

import pytest

from skhpt.parallel.fit_resources import NO_RESOURCES, check_fit_resources
from skhpt.parallel.ray_resources import check_resources, n_slots, task_options

SMALL, LARGE = {"CPU": 4.0}, {"CPU": 16.0, "GPU": 2.0, "memory": 8e9, "licence": 1.0}


@pytest.mark.parametrize(
    ("needs", "n"),
    [
        ({}, 20),
        ({"CPU": 2}, 10),
        ({"CPU": 3}, 6),
        ({"CPU": 0.1}, 200),
        ({"GPU": 0.5}, 4),
        ({"GPU": 0.4}, 4),  # a part is of one GPU
        ({"GPU": 0.3}, 6),
        ({"GPU": 2}, 1),
        ({"GPU": 1, "CPU": 16}, 1),
        ({"memory": 3e9}, 2),
        ({"licence": 1}, 1),
        ({"licence": 2}, 0),
        ({"CPU": 32}, 0),
    ],
)
def test_each_node_runs_as_many_tasks_as_its_scarcest_resource_allows(needs, n):
    assert n_slots([SMALL, LARGE], task_options(None, check_fit_resources(needs))) == n


def test_tasks_without_any_need_are_as_many_as_processors():
    assert n_slots([SMALL, LARGE], {"num_cpus": 0}) == 20
    assert n_slots([SMALL, LARGE], {"num_cpus": 0, "num_gpus": 0.5}) == 4
    assert n_slots([], {}) == 0


def test_words_of_ray_and_of_the_search_are_combined():
    remote_args = {"num_gpus": 0.5, "runtime_env": {}, "resources": {"licence": 1}}
    options = task_options(remote_args, check_fit_resources({"GPU": 0.5, "cpu": 2, "memory": 1e9, "TPU": 1}))
    assert options == {
        "num_gpus": 0.5,
        "runtime_env": {},
        "resources": {"licence": 1, "TPU": 1.0},
        "num_cpus": 2.0,
        "memory": 10**9,
    }
    assert remote_args["resources"] == {"licence": 1}
    assert task_options({"accelerator_type": "T4"}, NO_RESOURCES) == {"accelerator_type": "T4"}
    assert n_slots([LARGE, {**LARGE, "accelerator_type:T4": 1.0}], {"accelerator_type": "T4"}) == 16


def test_different_amounts_of_a_resource_are_an_error():
    with pytest.raises(ValueError, match=r"fit_resources has GPU=1 and ray_remote_args GPU=0\.5"):
        task_options({"num_gpus": 0.5}, check_fit_resources({"GPU": 1}))
    with pytest.raises(ValueError, match="ray_remote_args must not have max_retries"):
        task_options({"max_retries": 3}, NO_RESOURCES)


def test_what_no_node_has_is_an_error_once_there_is_a_node():
    options = task_options(None, check_fit_resources({"GPU": 4}))
    with pytest.raises(ValueError, match="needs CPU=1, GPU=4: the nodes have CPU=16, GPU=2; CPU=4, GPU=0"):
        check_resources([SMALL, LARGE, SMALL], options)
    check_resources([], options)
    check_resources([{"CPU": 0.0}], options)  # the head node of a cluster whose workers are yet to come
    check_resources([SMALL, LARGE], task_options(None, check_fit_resources({"GPU": 2})))
