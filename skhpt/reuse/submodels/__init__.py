"""What is known of estimators whose one fit serves many candidates, one file for each reason why it does."""

from __future__ import annotations

from skhpt.reuse.submodels import (  # noqa: F401, they register themselves
    bayes,
    boosters,
    converged,
    decomposition,
    kernels,
    linear,
    meta,
    neighbors,
    pruning,
    selection,
    text,
    trees,
)
from skhpt.reuse.submodels.registry import SubModel, register_submodel, submodels_of

__all__ = ["SubModel", "register_submodel", "submodels_of"]
