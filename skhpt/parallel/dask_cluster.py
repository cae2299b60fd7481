"""The workers of a Dask cluster: how many tasks they can run at the same time, and whether they suit a search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skhpt.parallel.fit_resources import CPU
from skhpt.parallel.versions import describe_difference, own_versions

#: Part of a resource by which the sum of shares such as 0.1 may differ from a whole.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class DaskWorker:
    """A worker process of a Dask cluster.

    Attributes
    ----------
    name : str
        Name that the user or Dask has given to it.
    n_threads : int
        Number of its threads.
    resources : mapping of str to float
        Resources that it was started with.
    has_nanny : bool
        Whether a process watches it and can restart it.
    """

    name: str
    n_threads: int
    resources: Mapping[str, float] = field(default_factory=dict)
    has_nanny: bool = True

    def n_slots(self, needs: Mapping[str, float]) -> int:
        """Return the number of tasks with such needs that it can run at the same time."""
        shares = [self.resources.get(name, 0.0) / amount + TOLERANCE for name, amount in needs.items()]
        return math.floor(min([self.n_threads, *shares]))


def read_workers(client: Any, seconds: float) -> dict[str, DaskWorker]:
    """Ask the scheduler for its workers; return them by address."""
    identity = client.sync(client.scheduler.identity, callback_timeout=seconds)
    return {
        address: DaskWorker(
            name=str(worker["name"]),
            n_threads=worker["nthreads"],
            resources=worker.get("resources", {}),
            has_nanny=bool(worker.get("nanny")),
        )
        for address, worker in identity["workers"].items()
    }


def needs_of(
    amounts: Mapping[str, float], submitted: Mapping[str, float] | None, workers: Iterable[DaskWorker]
) -> dict[str, float]:
    """Return the resources of Dask that a task needs.

    Each task of Dask takes a thread of its worker. So a fit that needs one processor needs no resource,
    unless workers declare a resource with the name CPU.

    Parameters
    ----------
    amounts : mapping of str to float
        What a fit needs.
    submitted : mapping of str to float or None
        The option `resources` of `Client.submit`, given to `parallel_config`; it counts where both name a
        resource.
    workers : iterable of DaskWorker
        The present workers.
    """
    needs = dict(amounts)
    if needs.get(CPU, math.inf) <= 1 and not any(CPU in worker.resources for worker in workers):
        del needs[CPU]
    return needs | dict(submitted or {})


def check_resources(workers: Mapping[str, DaskWorker], needs: Mapping[str, float]) -> None:
    """Raise ValueError if there are workers, but none that has what a task needs."""
    if not needs or not workers or any(worker.n_slots(needs) for worker in workers.values()):
        return
    needed = ", ".join(f"{name}={amount:g}" for name, amount in needs.items())
    kinds = sorted({_describe(worker.resources) for worker in workers.values()})
    raise ValueError(
        f"no worker of the Dask cluster has the resources that a fit needs, {needed}; the workers have "
        f'{" or ".join(kinds)}. Start workers with them: dask worker ... --resources "{needed}", or '
        f"LocalCluster(resources={dict(needs)})"
    )


def _describe(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={amount:g}" for name, amount in resources.items()) or "none"


def check_nannies(workers: Mapping[str, DaskWorker]) -> None:
    """Raise ValueError if a worker cannot be restarted, which `fit_timeout` takes."""
    without = [address for address, worker in workers.items() if not worker.has_nanny]
    if without:
        raise ValueError(
            "fit_timeout needs workers that can be restarted: worker processes with a nanny, as `dask worker` and "
            f"LocalCluster(processes=True) start them; the worker {without[0]} has none"
        )


def describe_versions(answers: Mapping[str, Any]) -> str:
    """Return a text on the workers that lack this package or have other versions; empty if there is none.

    Parameters
    ----------
    answers : mapping of str to dict or Exception
        The versions of each worker, by address.
    """
    ours = own_versions()
    texts = []
    for address, answer in answers.items():
        if is_without_package(answer):
            texts.append(f"{address} has no skhpt")
        elif isinstance(answer, dict) and (difference := describe_difference(ours, answer)):
            texts.append(f"{address} has {difference}")
    return "; ".join(texts)


def is_without_package(error: Any) -> bool:
    """Tell whether an error means that a worker lacks this package."""
    return isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] == "skhpt"
