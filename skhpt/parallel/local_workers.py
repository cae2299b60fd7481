"""Worker processes of this machine: how many of them fits with resources allow, and what each of them may use."""

from __future__ import annotations

from dataclasses import dataclass

from skhpt.parallel._joblib import cpu_count
from skhpt.parallel.devices import ROUNDING, devices_of_fits, find_devices
from skhpt.parallel.fit_resources import NO_RESOURCES, FitResources


@dataclass(frozen=True)
class LocalWorkers:
    """The worker processes of a search.

    Attributes
    ----------
    n_workers : int
        Number of processes, each of which runs one fit at a time.
    n_threads : int or None
        Threads of libraries in each process; None is joblib's choice.
    devices : tuple of str
        The ``CUDA_VISIBLE_DEVICES`` of each process; empty if fits need no GPU.
    """

    n_workers: int
    n_threads: int | None = None
    devices: tuple[str, ...] = ()


def plan_local_workers(
    n_jobs: int | None, n_effective: int, resources: FitResources = NO_RESOURCES
) -> LocalWorkers:
    """Return the workers that fits with these resources allow on this machine.

    Parameters
    ----------
    n_jobs : int or None
        The number that the user asked for.
    n_effective : int
        What joblib makes of it.
    resources : FitResources, default=NO_RESOURCES
        Resources that each fit needs.

    Raises
    ------
    ValueError
        If this machine has not enough for one fit.
    """
    if resources.others:
        raise ValueError(
            f"fit_resources has {', '.join(resources.others)}, but without a cluster fits can only need CPU and GPU; "
            'a Dask or Ray cluster is chosen by joblib.parallel_config("dask") or ("ray")'
        )
    n_workers, n_threads = n_effective, None
    if resources.cpus is not None:
        n_allowed = _n_by_processors(resources.cpus)
        n_workers = n_allowed if n_jobs == -1 else min(n_effective, n_allowed)
        n_threads = max(1, int(resources.cpus))
    if not resources.gpus:
        return LocalWorkers(n_workers, n_threads)
    devices = tuple(_devices_of_fits(resources.gpus)[:n_workers])
    return LocalWorkers(len(devices), n_threads, devices)


def _n_by_processors(cpus: float) -> int:
    """Return the number of fits that the processors of this machine allow."""
    n_allowed = int(cpu_count() * (1 + ROUNDING) / cpus)
    if not n_allowed:
        raise ValueError(f"fit_resources has CPU={cpus:g}, but this machine has {cpu_count()} processors")
    return n_allowed


def _devices_of_fits(gpus: float) -> list[str]:
    """Return the devices of each fit that can run at the same time on this machine."""
    devices = find_devices()
    if not devices.names:
        raise ValueError(f"fit_resources has GPU={gpus:g}, but there is no GPU ({devices.source})")
    visible = devices_of_fits(devices.names, gpus)
    if not visible:
        raise ValueError(
            f"fit_resources has GPU={gpus:g}, but there are only the GPUs {', '.join(devices.names)} ({devices.source})"
        )
    return visible
