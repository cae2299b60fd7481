"""Resources that one fit needs, such as half a GPU and two processors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

#: Names with a meaning of their own; all other names are those that an engine gives to its resources.
CPU, GPU = "CPU", "GPU"


@dataclass(frozen=True)
class FitResources:
    """Resources that one fit needs.

    Attributes
    ----------
    amounts : mapping of str to float
        Positive amounts by the name of the resource. Without a name there is no requirement.
    """

    amounts: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.amounts)

    def __str__(self) -> str:
        return ", ".join(f"{name}={amount:g}" for name, amount in self.amounts.items())

    @property
    def cpus(self) -> float | None:
        """Processors of one fit; None if it is not said."""
        return self.amounts.get(CPU)

    @property
    def gpus(self) -> float:
        """GPUs of one fit, or the share of one GPU."""
        return self.amounts.get(GPU, 0.0)

    @property
    def others(self) -> dict[str, float]:
        """The resources other than processors and GPUs."""
        return {name: amount for name, amount in self.amounts.items() if name not in (CPU, GPU)}


#: No requirement.
NO_RESOURCES = FitResources()


def check_fit_resources(value: Any) -> FitResources:
    """Return the resources that the parameter `fit_resources` of a search describes.

    Raises
    ------
    TypeError
        If it is not a mapping of names to numbers.
    ValueError
        If an amount is not positive and finite, or not a whole number of GPUs above one.
    """
    if value is None:
        return NO_RESOURCES
    accepted = 'None or a dict of names and amounts, such as {"GPU": 0.5, "CPU": 2}'
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"fit_resources must be {accepted}, got {value!r}")
    amounts: dict[str, float] = {}
    for name, amount in value.items():
        if not isinstance(amount, Real) or isinstance(amount, bool):
            raise TypeError(f"fit_resources must be {accepted}, got {value!r}: {amount!r} is not a number")
        if not 0 < float(amount) < math.inf:
            raise ValueError(f"fit_resources must have positive amounts, got {name}={amount!r}")
        canonical = name.upper() if name.upper() in (CPU, GPU) else name
        if canonical in amounts:
            raise ValueError(f"fit_resources has {canonical} twice, got {value!r}")
        amounts[canonical] = float(amount)
    gpus = amounts.get(GPU, 0.0)
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(
            f"fit_resources must have a part of one GPU or a whole number of GPUs, got GPU={gpus:g}"
        )
    return FitResources(amounts)
