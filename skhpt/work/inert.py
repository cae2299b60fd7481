"""Parameters that have no effect, given the others."""

from __future__ import annotations

from typing import Any


def without_inert(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator without those that nothing depends on as it is configured."""
    return estimator.get_params(deep=False)
