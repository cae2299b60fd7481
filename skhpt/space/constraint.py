"""Constraint of the user on candidates."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from skhpt._typing import Constraint, Params


def is_allowed(constraint: Constraint, params: Params) -> bool:
    """Tell whether a constraint allows a candidate.

    Raises
    ------
    ValueError
        If the constraint raises an exception.
    TypeError
        If the constraint returns neither True nor False.
    """
    try:
        allowed = constraint(dict(params))
    except Exception as error:
        raise ValueError(
            f"constraint raised {type(error).__name__} ({error}) for the candidate {params!r}"
        ) from error
    if not isinstance(allowed, (bool, np.bool_)):
        raise TypeError(f"constraint must return True or False, got {allowed!r} for the candidate {params!r}")
    return bool(allowed)


def constraint_name(constraint: Constraint) -> str:
    """Return the name of a constraint for messages: that of a function with the place of its definition."""
    name = getattr(constraint, "__name__", None) or repr(constraint)
    code = getattr(constraint, "__code__", None)
    if code is None:
        return str(name)
    return f"{name} ({PurePath(code.co_filename).name}, line {code.co_firstlineno})"
