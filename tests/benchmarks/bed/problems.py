"""Problems of the bed: spaces as users write them, inside the master ranges of a kind, on one data set each.

Users' ranges are wide, seldom centred on good values, sometimes linear where a logarithm would be better, and
leave out some choices. Each problem draws its own, from a seed that its name gives.
"""

from __future__ import annotations

import math
import zlib
from functools import cached_property
from typing import Any

import numpy as np
from problems import Branch, Cat, Int, Real
from sklearn.base import BaseEstimator

from bed import tables
from bed.emulator import emulator
from bed.kinds import BY_KIND, KINDS

#: Families that development never sees, and data sets that it never sees.
VALIDATION_FAMILIES = ("neighbours", "high dimension")
VALIDATION_DATA = tuple(sorted({name for kind in KINDS for name in kind.data})[1::3])
#: Share of parameters with a linear range where the master range is logarithmic.
LINEAR_INT, LINEAR_FLOAT = 0.3, 0.1


class Emulated(BaseEstimator):
    """Estimator whose score on a fold is that of an emulator, with the parameters of a problem.

    Parameters
    ----------
    case : tuple
        Kind and data set, and rows of the table to leave out, if there are any.
    **params : dict
        Parameters that are tuned, with the values of the estimator as it is.
    """

    def __init__(self, case: tuple[Any, ...] = ("", ""), **params: Any):
        self.case = case
        self.params = params

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters."""
        return {"case": self.case, **self.params}

    def set_params(self, **params: Any) -> Emulated:
        """Set tuned parameters."""
        self.params = {**self.params, **params}
        return self

    def fit(self, X: np.ndarray, y: np.ndarray) -> Emulated:
        """Predict the scores."""
        return self

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the score of the fold that the rows belong to."""
        return float(emulator(*self.case)(self.tuned)[0][int(X[0, 0])])

    @property
    def tuned(self) -> dict[str, Any]:
        """Parameters of the branch that the candidate belongs to."""
        step = self.params.get("m")
        for branch in BY_KIND[self.case[0]].branches:
            if step is None or type(branch["m"].values[0]) is type(step):
                return {name: self.params[name] for name in branch if name in self.params}
        raise ValueError(f"no branch has the step {step!r}")


class Problem:
    """A problem of the bed, with the interface of `problems.Problem`.

    Parameters
    ----------
    kind, data : str
        Kind and data set.
    without : tuple of int, default=()
        Rows of the table that the emulator does not see.
    """

    scoring = None

    def __init__(self, kind: str, data: str, without: tuple[int, ...] = ()):
        self.case = (kind, data, without) if without else (kind, data)
        self.kind = BY_KIND[kind]
        self.name = f"{kind}:{data}"
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        self.branches = tuple(user_branch(branch, rng) for branch in self.kind.branches)
        rows = np.repeat(np.arange(tables.N_FOLDS), 2)
        self.data = rows[:, None], None, np.zeros(len(rows)), None
        self.folds = [(np.flatnonzero(rows != i), np.flatnonzero(rows == i)) for i in range(tables.N_FOLDS)]

    @property
    def half(self) -> str:
        """Development or validation."""
        is_new = self.kind.family in VALIDATION_FAMILIES or self.case[1] in VALIDATION_DATA
        return "validation" if is_new else "development"

    @cached_property
    def estimator(self) -> Emulated:
        """The estimator as it is."""
        own = self.kind.estimator.get_params(deep=True)
        names = {name for branch in self.kind.branches for name in branch}
        return Emulated(self.case, **{name: own[name] for name in sorted(names) if name in own})

    def score(self, params: dict[str, Any]) -> np.ndarray:
        """Return the fold scores of a candidate."""
        return emulator(*self.case)(params)[0]

    def held_out(self, params: dict[str, Any]) -> float:
        """Return the held-out score of a candidate."""
        return emulator(*self.case)(params)[1]

    def seconds(self, params: dict[str, Any]) -> float:
        """Return the time of the folds of a candidate."""
        return emulator(*self.case)(params)[2]


def problems(half: str = "all") -> list[Problem]:
    """Return the problems whose tables exist."""
    found = [Problem(*case) for case in tables.stored()]
    return [problem for problem in found if half in ("all", problem.half)]


def user_branch(branch: Branch, rng: np.random.Generator) -> Branch:
    """Draw the ranges that a user might write, inside the master ranges of a branch."""
    return {name: _user_range(dimension, rng) for name, dimension in branch.items()}


def _user_range(dimension: Real | Int | Cat, rng: np.random.Generator) -> Real | Int | Cat:
    """Return a part of a master range: half to all of it, anywhere inside."""
    if isinstance(dimension, Cat):
        n = len(dimension.values)
        kept = max(2, n - int(rng.random() < 0.3)) if n > 1 else 1
        return Cat(tuple(dimension.values[i] for i in sorted(rng.permutation(n)[:kept])))
    low, high = (math.log(end) if dimension.log else end for end in (dimension.low, dimension.high))
    width = (high - low) * rng.uniform(0.5, 1.0)
    start = low + rng.random() * (high - low - width)
    low, high = (math.exp(end) if dimension.log else end for end in (start, start + width))
    is_linear = rng.random() < (LINEAR_INT if isinstance(dimension, Int) else LINEAR_FLOAT)
    if isinstance(dimension, Int):
        low = max(dimension.low, math.floor(low))
        return Int(low, min(dimension.high, max(low + 1, math.ceil(high))), dimension.log and not is_linear)
    digits = [float(f"{end:.2g}") for end in (low, high)]
    low, high = max(dimension.low, digits[0]), min(dimension.high, digits[1])
    return Real(low, high, dimension.log and not is_linear)
