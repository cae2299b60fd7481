"""What is known of estimators whose one fit serves many candidates, one file for each reason why it does."""

from __future__ import annotations

from skhpt.work.submodels import text, trees  # noqa: F401, they register themselves
from skhpt.work.submodels.registry import SubModel, submodels_of

__all__ = ["SubModel", "submodels_of"]
