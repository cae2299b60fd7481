"""Devices: the GPUs of this machine, and which of them each fit or each worker may use.

A process uses the devices that its variable ``CUDA_VISIBLE_DEVICES`` names, by index or by UUID. So
estimators need no parameter for it: the variable is set before a process runs anything.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

#: Variable with the devices that a process may use.
VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
#: Command that lists the devices of a machine, and the seconds that it gets.
LISTING, SECONDS_TO_LIST = ("nvidia-smi", "-L"), 15.0
#: Folder of the driver with one entry for each GPU.
DRIVER_FOLDER = "/proc/driver/nvidia/gpus"
#: Relative error of 1 / amount, so that three fits with GPU=0.3333333333333333 fit on one device.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Devices:
    """The devices that this process may use.

    Attributes
    ----------
    names : tuple of str
        Indices or UUIDs, as in ``CUDA_VISIBLE_DEVICES``.
    source : str
        Where they were looked for, as part of a sentence.
    """

    names: tuple[str, ...]
    source: str


def find_devices() -> Devices:
    """Return the devices of ``CUDA_VISIBLE_DEVICES``, or else those of this machine."""
    value = os.environ.get(VISIBLE_DEVICES)
    if value is not None:
        return Devices(parse_visible(value), f"{VISIBLE_DEVICES}={value!r}")
    source = f"{VISIBLE_DEVICES} is not set; looked for in the output of {' '.join(LISTING)} and in {DRIVER_FOLDER}"
    return Devices(devices_of_machine(), source)


def parse_visible(value: str) -> tuple[str, ...]:
    """Return the devices that a value of ``CUDA_VISIBLE_DEVICES`` names: those before the first invalid one."""
    names: dict[str, None] = {}
    for part in value.split(","):
        name = part.strip()
        if not re.fullmatch(r"\d+|(GPU|MIG)-.+", name):  # such as -1, which hides the devices after it
            break
        names[name] = None
    return tuple(names)


@cache
def devices_of_machine() -> tuple[str, ...]:
    """Return the devices that the driver of this machine knows."""
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            LISTING,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_LIST,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return parse_listing(listed.stdout)
    with suppress(OSError):
        return tuple(map(str, range(len(os.listdir(DRIVER_FOLDER)))))
    return ()


def parse_listing(text: str) -> tuple[str, ...]:
    """Return the devices that ``nvidia-smi -L`` lists: indices, or UUIDs if a GPU is divided (MIG)."""
    found = re.findall(r"^([ \t]*)\w+ .*\(UUID: ([\w/-]+)\)", text, flags=re.MULTILINE)
    if not any(indent for indent, _ in found):
        return tuple(str(index) for index in range(len(found)))
    names: list[str] = []
    for indent, uuid in found:
        # The GPU of this part cannot be used as a whole.
        if indent and names and names[-1].startswith("GPU-"):
            names.pop()
        names.append(uuid)
    return tuple(names)


def devices_of_fits(devices: Sequence[str], gpus: float) -> list[str]:
    """Return the ``CUDA_VISIBLE_DEVICES`` of each fit, for as many fits as can run at the same time.

    Parameters
    ----------
    devices : sequence of str
        The devices that all fits together may use.
    gpus : float
        GPUs of one fit: a part of one, or a whole number.

    Returns
    -------
    visible : list of str
        The first fits have different devices.
    """
    if gpus <= 1:
        fits_per_device = math.floor((1 + ROUNDING) / gpus)
        return [*devices] * fits_per_device
    size = int(gpus)
    starts = range(0, len(devices) - size + 1, size)
    return [",".join(devices[start : start + size]) for start in starts]


# -- workers of a cluster --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeviceWorker:
    """A worker process of a cluster, and the devices that it sees.

    Attributes
    ----------
    address : str
        Names the worker.
    host : str
        Names its machine, or whatever else has devices of its own.
    devices : tuple of str
        The devices that its own ``CUDA_VISIBLE_DEVICES`` names, or else those of its machine.
    gpus : float
        Amount of GPUs that it declares to the cluster.
    """

    address: str
    host: str
    devices: tuple[str, ...]
    gpus: float

    @property
    def n_devices(self) -> int:
        """Number of devices that it needs: a part of one is one."""
        return min(len(self.devices), math.ceil(self.gpus - ROUNDING))


def assign_devices(
    workers: Iterable[DeviceWorker], assigned: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Divide the devices of each host among its workers.

    A worker that sees no more devices than it declares keeps them. Another one gets the devices with the
    least load among those that it sees, and the first ones in its own order if the loads are equal: dask-cuda
    gives each worker of a host the same devices, beginning with its own. Larger workers choose first, so that
    the smaller ones fill the gaps.

    Parameters
    ----------
    workers : iterable of DeviceWorker
        The workers that there are now.
    assigned : mapping of str to str, default=None
        An earlier result, which stays as it is for the workers that are still there.

    Returns
    -------
    visible : dict of str to str
        The ``CUDA_VISIBLE_DEVICES`` of each worker by its address, without the workers that have or declare
        none.
    """
    assigned = assigned or {}
    # GPUs that are declared, by host and device.
    loads: defaultdict[tuple[str, str], float] = defaultdict(float)
    visible: dict[str, str] = {}
    for worker in sorted((w for w in workers if w.n_devices > 0), key=lambda w: _turn(w, assigned)):
        names = assigned.get(worker.address) or _choose(worker, loads)
        visible[worker.address] = names
        for name in names.split(","):
            loads[worker.host, name] += worker.gpus / (names.count(",") + 1)
    return visible


def _turn(worker: DeviceWorker, assigned: Mapping[str, str]) -> tuple[bool, bool, float]:
    """Return the place of a worker in the order of choice: those that have no choice come first."""
    has_choice = len(worker.devices) > worker.n_devices
    return worker.address not in assigned, has_choice, -worker.gpus


def _choose(worker: DeviceWorker, loads: defaultdict[tuple[str, str], float]) -> str:
    """Return the devices for a worker, given the amounts that other workers use."""
    amount = worker.gpus / worker.n_devices

    def preference(device: str) -> tuple[bool, float]:
        load = loads[worker.host, device]
        return load + amount > 1 + ROUNDING, round(load, 6)

    return ",".join(sorted(worker.devices, key=preference)[: worker.n_devices])
