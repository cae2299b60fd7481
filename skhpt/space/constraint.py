"""Whether a candidate may be tried, as the user's `constraint` says."""

from __future__ import annotations

import numpy as np

from skhpt._typing import Constraint, Params


def is_allowed(constraint: Constraint, params: Params) -> bool:
    """Ask a constraint about a candidate; say which one if it has no answer.

    Raises
    ------
    ValueError
        If the constraint raises.
    TypeError
        If it returns neither True nor False.
    """
    try:
        allowed = constraint(dict(params))
    except Exception as error:
        raise ValueError(f"constraint raised {type(error).__name__} ({error}) for the candidate {params!r}") from error
    if not isinstance(allowed, (bool, np.bool_)):
        raise TypeError(f"constraint must return True or False, got {allowed!r} for the candidate {params!r}")
    return bool(allowed)
