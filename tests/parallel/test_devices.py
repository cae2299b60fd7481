"""Devices: which GPUs there are, and how fits and workers of a cluster divide them."""

import math
import os
import stat
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.parallel import devices
from skhpt.parallel.devices import (
    DeviceWorker,
    assign_devices,
    devices_of_fits,
    devices_of_machine,
    find_devices,
    parse_listing,
    parse_visible,
)

GPU, MIG = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"


# -- which there are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, names",
    [
        ("0,1", ("0", "1")),
        (" 3 , 1,", ("3", "1")),
        (f"{GPU},{MIG}", (GPU, MIG)),
        ("MIG-GPU-1234/7/0", ("MIG-GPU-1234/7/0",)),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("2,-1,0", ("2",)),  # as the driver reads it
        ("0,0,1", ("0", "1")),
    ],
)
def test_the_devices_of_a_process_are_those_before_the_first_invalid_name(value, names, monkeypatch):
    assert parse_visible(value) == names
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert find_devices().names == names
    assert find_devices().source == f"CUDA_VISIBLE_DEVICES={value!r}"


def test_whole_gpus_have_indices_and_parts_have_uuids():
    assert parse_listing("") == parse_listing("No devices found.\n") == ()
    whole = f"GPU 0: NVIDIA H100 (UUID: {GPU})\nGPU 1: NVIDIA H100 (UUID: GPU-2)\n"
    assert parse_listing(whole) == ("0", "1")
    parts = f"  MIG 3g.40gb     Device  0: (UUID: {MIG})\n  MIG 3g.40gb     Device  1: (UUID: MIG-2)\n"
    assert parse_listing(f"GPU 0: NVIDIA H100 (UUID: {GPU})\n{parts}GPU 1: NVIDIA H100 (UUID: GPU-2)\n") == (
        MIG,
        "MIG-2",
        "GPU-2",
    )


@pytest.fixture
def no_devices(monkeypatch, tmp_path):
    """A machine without a driver, and without the variable; returns a folder for commands."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(devices, "DRIVER_FOLDER", str(tmp_path / "gpus"))
    devices_of_machine.cache_clear()
    yield tmp_path
    devices_of_machine.cache_clear()


def test_a_machine_without_a_driver_has_no_device(no_devices):
    assert find_devices().names == ()
    assert "nvidia-smi -L" in find_devices().source


@pytest.mark.skipif(os.name == "nt", reason="has no such scripts")
def test_devices_are_those_that_the_driver_lists(no_devices):
    command = no_devices / "nvidia-smi"
    command.write_text(f"#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: {GPU})'\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    assert find_devices().names == ("0",)


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 9\n", "#!/bin/sh\nexec /bin/sleep 60\n"])
@pytest.mark.skipif(os.name == "nt", reason="has no such scripts")
def test_devices_are_counted_in_the_folder_of_the_driver_if_they_cannot_be_listed(
    no_devices, script, monkeypatch
):
    monkeypatch.setattr(devices, "SECONDS_TO_LIST", 0.2)
    command = no_devices / "nvidia-smi"
    command.write_text(script)
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (no_devices / "gpus" / name).mkdir(parents=True)
    assert find_devices().names == ("0", "1")


# -- fits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gpus, visible",
    [
        (1, ["a", "b", "c"]),
        (0.5, ["a", "b", "c", "a", "b", "c"]),
        (0.6, ["a", "b", "c"]),
        (1 / 3, ["a", "b", "c"] * 3),
        (0.3333, ["a", "b", "c"] * 3),
        (2, ["a,b"]),
        (3, ["a,b,c"]),
        (4, []),
    ],
)
def test_devices_of_the_fits_that_run_at_the_same_time(gpus, visible):
    assert devices_of_fits(["a", "b", "c"], gpus) == visible


@given(n_devices=st.integers(0, 9), gpus=st.floats(0.05, 1) | st.integers(1, 9))
def test_no_device_is_given_to_more_fits_than_allowed(n_devices, gpus):
    visible = devices_of_fits([f"GPU-{i}" for i in range(n_devices)], gpus)
    used = Counter(name for names in visible for name in names.split(","))
    assert all(n * min(gpus, 1) <= 1 + 1e-5 for n in used.values())
    assert all(len(names.split(",")) == math.ceil(gpus) for names in visible)
    for n in range(len(visible)):  # any number of fits uses the devices evenly
        first = Counter(name for names in visible[:n] for name in names.split(","))
        assert not first or max(first.values()) - min(first.values()) <= 1


# -- workers of a cluster ----------------------------------------------------------------------------------------


def workers(*devices_and_gpus, host="a"):
    return [
        DeviceWorker(f"tcp://{host}:{i}", host, tuple(names), gpus)
        for i, (names, gpus) in enumerate(devices_and_gpus)
    ]


def visible_of(*devices_and_gpus):
    found = workers(*devices_and_gpus)
    visible = assign_devices(found)
    return [visible.get(worker.address) for worker in found]


@pytest.mark.parametrize(
    "seen_and_declared, visible",
    [
        ([("01", 2), ("01", 2)], ["0,1", "0,1"]),  # each may use all that it sees
        ([("0", 1), ("0", 1)], ["0", "0"]),  # such as steps of a SLURM job, whose devices have the same index
        ([("01", 1), ("01", 1)], ["0", "1"]),
        ([("0123", 2), ("0123", 2)], ["0,1", "2,3"]),
        ([("012", 1), ("120", 1), ("201", 1)], ["0", "1", "2"]),  # dask-cuda
        ([("201", 1), ("012", 1)], ["2", "0"]),
        ([("01", 0.5)] * 4, ["0", "1", "0", "1"]),
        ([("01", 0.5), ("01", 0.5), ("01", 1)], ["1", "1", "0"]),
        ([("01", 1), ("0", 1)], ["1", "0"]),  # the second one has no choice
        ([("01", 4)], ["0,1"]),
        ([("01", 0), ("", 1), ("01", 1)], [None, None, "0"]),
        ([("01", 1)] * 3, ["0", "1", "0"]),  # more than there is: still evenly
    ],
)
def test_workers_of_a_host_divide_its_devices(seen_and_declared, visible):
    assert visible_of(*seen_and_declared) == visible


def test_hosts_have_devices_of_their_own():
    found = workers(("01", 1)) + workers(("01", 1), host="b")
    assert set(assign_devices(found).values()) == {"0"}


def test_a_worker_that_replaces_another_gets_its_device():
    first, second, third = workers(("01", 1), ("01", 1), ("01", 1))
    visible = assign_devices([first, second])
    assert assign_devices([third, second], visible) == {second.address: "1", third.address: "0"}


AMOUNTS = st.sampled_from([0.25, 0.5, 1])
HOSTS = st.sampled_from(["a", "b"])


@given(
    n_devices=st.integers(1, 4),
    drawn=st.lists(st.tuples(HOSTS, AMOUNTS), max_size=12),
    n_new=st.integers(0, 12),
)
def test_no_device_is_over_its_capacity_and_no_worker_changes_its_devices(n_devices, drawn, n_new):
    names = tuple(map(str, range(n_devices)))
    kept, declared = [], defaultdict(float)
    for i, (host, gpus) in enumerate(drawn):
        if declared[host] + gpus <= n_devices:  # no more than the host has
            declared[host] += gpus
            kept.append(DeviceWorker(str(i), host, names, gpus))
    visible = assign_devices(kept)
    loads = Counter()
    for worker in kept:
        loads[worker.host, visible[worker.address]] += worker.gpus
    assert all(load <= 1 for load in loads.values())
    n_new = min(n_new, len(kept))
    earlier = assign_devices(kept[n_new:])
    later = assign_devices(kept, earlier)
    assert later.keys() == visible.keys()
    assert earlier.items() <= later.items()
