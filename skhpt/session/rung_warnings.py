"""What a user should know of the rungs after a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skhpt._warnings import warn_user

#: A rung whose correlation with the next one is lower than this, by more than its error, misleads. Among the best third
#: of a rung a correlation of 0.4 is left of one of 0.65. Of fewer pairs nothing is said.
LOW_CORRELATION, MIN_PAIRS = 0.2, 20


def warn_of_misleading_rungs(
    correlations: Sequence[tuple[float, int]], resource: str, n_resources: Sequence[int]
) -> None:
    """Warn of rungs whose order is not that of the next one.

    Parameters
    ----------
    correlations : list of (float, int)
        What `skhpt.strategies.rung_statistics.rung_correlations` returns.
    resource : str
        Name of the resource.
    n_resources : list of int
        What each level has of it.
    """
    for n_here, n_next, (rho, n) in zip(n_resources, n_resources[1:], correlations, strict=False):
        # One standard error of a correlation of nothing is 1 / sqrt(n - 1).
        if n_here < n_next and n >= MIN_PAIRS and rho + 1 / np.sqrt(n - 1) < LOW_CORRELATION:
            warn_user(
                f"with {resource}={n_here} candidates rank differently than on the next rung: the correlation is "
                f"{rho:.2f}, over {n} candidates. A larger min_resources than {n_resources[0]} makes the choice safer."
            )


def warn_that_nobody_finished(resource: str, n_resources: int) -> None:
    """Warn that the best candidate is one that did not get all of the resource."""
    warn_user(
        "no candidate has a score with all of the resource and all folds, so the best one is that of a lower rung, "
        f"with {resource}={n_resources}. The texts of the errors are in history_."
    )
