"""What a task needs of a node of a Ray cluster, and the number of tasks that nodes can run at the same time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from skhpt.parallel.fit_resources import CPU, GPU, FitResources

#: Options of Ray's tasks for resources that have a name of their own on the nodes.
OPTION_OF = {CPU: "num_cpus", GPU: "num_gpus", "memory": "memory"}
#: Options of Ray's tasks that the search sets itself.
OWN_OPTIONS = ("num_returns", "max_retries", "retry_exceptions")


def task_options(remote_args: Mapping[str, Any] | None, resources: FitResources) -> dict[str, Any]:
    """Return the options of Ray's tasks.

    Parameters
    ----------
    remote_args : mapping or None
        Options in the words of Ray, which the user gave as `ray_remote_args` to `joblib.parallel_config`.
    resources : FitResources
        Resources that each fit needs.

    Raises
    ------
    ValueError
        If both say a different amount of a resource, or if the search sets an option itself.
    """
    options = dict(remote_args or {})
    if own := [name for name in OWN_OPTIONS if name in options]:
        raise ValueError(f"ray_remote_args must not have {', '.join(own)}, which the search sets itself")
    said = amounts_of(options)
    for name, amount in resources.amounts.items():
        if said.get(name, amount) != amount:
            raise ValueError(
                f"fit_resources has {name}={amount:g} and ray_remote_args {name}={said[name]:g}: give only one of them"
            )
        if name in OPTION_OF:
            options[OPTION_OF[name]] = int(amount) if name == "memory" else amount
        else:
            options["resources"] = {**(options.get("resources") or {}), name: amount}
    return options


def amounts_of(options: Mapping[str, Any]) -> dict[str, float]:
    """Return the amounts that options of Ray's tasks ask for, by the names that the nodes give to resources."""
    amounts = {name: options.get(option) for name, option in OPTION_OF.items()}
    amounts.update(options.get("resources") or {})
    if accelerator := options.get("accelerator_type"):
        amounts[f"accelerator_type:{accelerator}"] = 0.001  # as Ray does
    return {name: float(amount) for name, amount in amounts.items() if amount is not None}


def n_slots(nodes: Iterable[Mapping[str, float]], options: Mapping[str, Any]) -> int:
    """Return the number of tasks that nodes can run at the same time.

    Parameters
    ----------
    nodes : iterable of mapping
        The amounts of resources of each node, by name.
    options : mapping
        Options of the tasks. A task without other needs takes one processor.
    """
    needs = {name: amount for name, amount in ({CPU: 1.0} | amounts_of(options)).items() if amount > 0}
    needs = needs or {CPU: 1.0}  # a task that asks for nothing: one for each processor is enough
    return sum(min(_n_times(node.get(name, 0.0), name, needs[name]) for name in needs) for node in nodes)


def _n_times(available: float, name: str, amount: float) -> int:
    """Return how many times a node has an amount of a resource; a part of a GPU is always of one GPU."""
    if name == GPU and amount < 1:
        return int(available) * _floor(1 / amount)
    return _floor(available / amount)


def _floor(quotient: float) -> int:
    return math.floor(quotient + 1e-9)


def check_resources(nodes: Iterable[Mapping[str, float]], options: Mapping[str, Any]) -> None:
    """Check that some node can run a task, if there is already a node that can run anything.

    Raises
    ------
    ValueError
        If no node has what the task needs.
    """
    nodes = [node for node in nodes if node.get(CPU, 0.0) >= 1]
    if not nodes or n_slots(nodes, options):
        return
    needs = {CPU: 1.0} | amounts_of(options)
    descriptions = sorted({_describe(node, needs) for node in nodes})
    raise ValueError(
        f"no node of the Ray cluster can run a fit that needs {_describe(needs, needs)}: the nodes have "
        f"{'; '.join(descriptions)}. If such nodes are added on demand, ask for one before the search "
        "(ray.autoscaler.sdk.request_resources), or say the need in parallel_config('ray', ray_remote_args=...), for "
        "which the search waits."
    )


def _describe(amounts: Mapping[str, float], names: Iterable[str]) -> str:
    """Return a text of the amounts of the given resources and of others that a cluster gives a name to."""
    return ", ".join(f"{name}={amounts.get(name, 0.0):g}" for name in names)
