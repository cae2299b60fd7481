"""The signatures of scikit-learn's own classes, read once.

To learn the names of an estimator's parameters, scikit-learn has Python read the signature of its constructor, each
time that it is cloned, checked or told its parameters. That is half of what a tiny fit takes. Python looks for a
signature that was read before in ``__signature__``, so this is where it is put.
"""

from __future__ import annotations

import inspect
from typing import Any


def remember_signatures(*things: Any) -> None:
    """Keep the signatures of the classes of estimators and of those within them; anything else is passed over."""
    left, seen = list(things), set()
    while left:
        thing = left.pop()
        if id(thing) in seen:  # an estimator may hold a list that holds it
            continue
        seen.add(id(thing))
        if hasattr(thing, "get_params") and not isinstance(thing, type):
            _remember(type(thing))
            left += thing.get_params(deep=False).values()
        elif type(thing) in (list, tuple):
            left += thing


def _remember(kind: type) -> None:
    init = getattr(kind.__init__, "deprecated_original", kind.__init__)  # type: ignore[misc]
    if inspect.isfunction(init) and init.__module__.startswith("sklearn.") and "__signature__" not in vars(init):
        vars(init)["__signature__"] = inspect.signature(init)
