"""What may be tried: named dimensions, in one branch or several, mapped to the unit cube."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from scipy.stats import qmc
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state

from skhpt._typing import Constraint, Params
from skhpt._warnings import warn_user
from skhpt.identity import native, params_key
from skhpt.space.constraint import is_allowed
from skhpt.space.dimensions import MAX_LISTED, Choice, Dimension
from skhpt.space.parsing import make_dimension

Sampler = Literal["random", "sobol", "halton"]

#: Draws in a row that a constraint may reject before the search for another point is given up.
PATIENCE = 10_000


class Space:
    """A search space: a dict of lists and distributions, or a list of such dicts.

    A list of dicts is a space with branches: each candidate uses the parameters of one branch only.

    Parameters
    ----------
    params : dict or list of dict
        Maps parameter names to

        - a list, tuple or 1-d array of choices (any Python objects), or
        - a distribution: a frozen one of `scipy.stats`, one of its newer objects (``stats.Normal(...)``,
          ``stats.truncate(...)``), one of `skhpt.distributions`, or any object with ``ppf`` or ``icdf``.
          An object that has only ``rvs`` can be sampled with ``method="random"``, and nothing else.
    constraint : callable, default=None
        ``constraint(params) -> bool`` says whether a candidate may be tried; `sample` and `grid` keep to it.

    Attributes
    ----------
    branches : tuple of dict of str to Dimension
        The dimensions of each branch.
    columns : tuple of Column
        The axes of the unit cube. With several branches the first one chooses the branch; branches that define a
        parameter alike share its column.
    size : float
        Number of points, without regard to the constraint; `inf` with a continuous distribution.

    Raises
    ------
    TypeError, ValueError
        If `params` or one of its values cannot be searched, or `constraint` is not callable.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skhpt import Space
    >>> space = Space([{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": loguniform(1e-4, 1)}])
    >>> space.size
    inf
    >>> space.grid(resolution=3)[-1]
    {'gamma': 1.0, 'kernel': 'rbf'}
    >>> point = {"kernel": "rbf", "gamma": 0.01}
    >>> space.encode([point]).round(2)
    array([[0.75,  nan, 0.5 , 0.5 ]])
    """

    def __init__(self, params: Mapping[str, Any] | Iterable[Mapping[str, Any]], constraint: Constraint | None = None):
        if constraint is not None and not callable(constraint):
            raise TypeError(f"constraint must be a callable (params -> bool) or None, got {constraint!r}")
        self.constraint = constraint
        self.branches = tuple(
            {name: make_dimension(name, branch[name]) for name in sorted(branch)} for branch in _as_branches(params)
        )
        self.columns, self._places = _make_columns(self.branches)

    @cached_property
    def size(self) -> float:
        """Number of points."""
        return sum(math.prod((dim.size for dim in branch.values()), start=1) for branch in self.branches)

    @property
    def n_free(self) -> int:
        """Number of parameters that a candidate is free to choose, at most; the choice of a branch is one too."""
        free = max((sum(dim.size > 1 for dim in branch.values()) for branch in self.branches), default=0)
        return free + (len(self.branches) > 1)

    def __repr__(self) -> str:
        return f"Space({[{name: dim.definition for name, dim in b.items()} for b in self.branches]!r})"

    # -- points --------------------------------------------------------------------------------------------------

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Tell whether a candidate lies in the space and meets the constraint."""
        return bool(self._owners([params])[0] >= 0) and self.allows(dict(params))

    def allows(self, point: Params) -> bool:
        """Tell whether a point of the space meets the constraint."""
        return self.constraint is None or is_allowed(self.constraint, point)

    def branch_of(self, params: Mapping[str, Any]) -> int:
        """Return the number of the first branch that a candidate belongs to, whatever the constraint.

        Raises
        ------
        ValueError
            If the candidate does not lie in the space.
        """
        branch = int(self._owners([params])[0])
        if branch < 0:
            raise ValueError(f"not in the space: {params!r}")
        return branch

    def grid(self, resolution: int | Mapping[str, int] = 5) -> list[Params]:
        """List the points of a grid, in the order of `sklearn.model_selection.ParameterGrid`.

        Parameters
        ----------
        resolution : int or dict of str to int, default=5
            Number of values of each distribution (of a parameter): evenly spaced quantiles, with the finite ends of
            its support included. A discrete distribution with fewer values gives them all.

        Returns
        -------
        points : list of dict

        Raises
        ------
        ValueError
            If the constraint rejects every point, or `resolution` is not positive or names an unknown parameter.
        """
        everything = self._full_grid(resolution)
        points = [point for point in everything if self.allows(point)]
        if not points and self.branches:
            raise ValueError(f"constraint rejects all {len(everything)} points of the grid")
        return points

    def points(self) -> list[Params]:
        """List all points of a finite space that the constraint allows.

        Raises
        ------
        ValueError
            If the space is not finite, or too large to be listed.
        """
        if self.size > MAX_LISTED:
            raise ValueError(f"only a space of up to {MAX_LISTED} points can be listed, this one has {self.size}")
        return [point for point in self._full_grid(MAX_LISTED) if self.allows(point)]

    def sample(
        self,
        n: int,
        random_state: Any = None,
        *,
        method: Sampler = "random",
        unique: bool = False,
        exclude: Iterable[Mapping[str, Any]] = (),
    ) -> list[Params]:
        """Draw points from the prior.

        Parameters
        ----------
        n : int
            Number of points.
        random_state : int, numpy.random.RandomState or None, default=None
            Source of randomness.
        method : {"random", "sobol", "halton"}, default="random"
            ``"random"`` draws what `sklearn.model_selection.ParameterSampler` draws: lists alone are sampled without
            replacement. The others are scrambled low-discrepancy sequences (`scipy.stats.qmc`), which spread the
            points evenly over the cube.
        unique : bool, default=False
            Whether a point may come only once.
        exclude : iterable of dict, default=()
            Points that count as drawn already if `unique` is true.

        Returns
        -------
        points : list of dict
            `n` points, or fewer, with a warning, if the space has no more.

        Raises
        ------
        ValueError
            If the constraint rejects everything that is drawn, or there is no such method.
        """
        if method not in get_args(Sampler):
            raise ValueError(f"method must be one of {get_args(Sampler)}, got {method!r}")
        rng = check_random_state(random_state)
        if method == "random" and self.constraint is None and not unique:
            points = list(self._random_draws(int(min(n, self.size)) if self.is_all_lists() else n, rng))
        else:
            seen = {params_key(point) for point in exclude} if unique else set()
            points = self._pick(n, self._draws(method, rng), rng, unique or self.is_all_lists(), seen)
        if not points and self.constraint is not None and not exclude:
            raise ValueError(
                "constraint rejects every candidate that was drawn. Try it on a candidate that you know to be good."
            )
        if len(points) < n:
            warn_user(self._what_is_missing(n, len(points), exclude))
        return points

    def _what_is_missing(self, n: int, n_found: int, exclude: Iterable[Any]) -> str:
        if self.size > MAX_LISTED:
            return (
                f"{n} candidates were asked for (n_iter), but only {n_found} were found before {PATIENCE} draws in a "
                "row were rejected by the constraint or known already."
            )
        if self.constraint is not None or exclude:
            return f"{n} candidates were asked for (n_iter), but the space has only {n_found} left to try."
        return (  # scikit-learn's words
            f"The total space of parameters {n_found} is smaller than n_iter={n}. Running {n_found} iterations. For "
            "exhaustive searches, use GridSearch."
        )

    # -- the unit cube -------------------------------------------------------------------------------------------

    def encode(self, points: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Map points to the unit cube.

        Parameters
        ----------
        points : sequence of dict
            Points of the space.

        Returns
        -------
        u : ndarray of shape (len(points), len(columns))
            NaN where a column does not belong to the point's branch.

        Raises
        ------
        ValueError
            If a point does not lie in the space.
        """
        owner = self._owners(points)
        if (owner < 0).any():
            raise ValueError(f"not in the space: {points[owner.tolist().index(-1)]!r}")
        return self._encode(points, owner)

    def locate(self, points: Sequence[Mapping[str, Any]]) -> list[np.ndarray | None]:
        """Encode candidates one by one, whatever the constraint; None stands for those that are not in the space."""
        owner = self._owners(points)
        return [u if is_inside else None for u, is_inside in zip(self._encode(points, owner), owner >= 0, strict=True)]

    def _encode(self, points: Sequence[Mapping[str, Any]], owner: np.ndarray) -> np.ndarray:
        u = np.full((len(points), len(self.columns)), np.nan)
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(owner == i)
            if len(self.branches) > 1:
                u[rows, 0] = (i + 0.5) / len(self.branches)
            for name, dimension in branch.items():
                u[rows, self._places[i][name]] = dimension.encode([points[int(row)][name] for row in rows])
        return u

    def decode(self, u: np.ndarray) -> list[Params]:
        """Map an array of shape (n, len(columns)), with entries in [0, 1], to `n` points."""
        u = np.asarray(u, dtype=float)
        owner = np.zeros(len(u), dtype=int)
        if len(self.branches) > 1:
            owner = np.clip((u[:, 0] * len(self.branches)).astype(int), 0, len(self.branches) - 1)
        points: list[Params] = [{} for _ in u]
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(owner == i)
            for name, dimension in branch.items():
                for row, value in zip(rows, dimension.decode(u[rows, self._places[i][name]]), strict=True):
                    points[row][name] = value
        return points

    def snap(self, u: np.ndarray) -> np.ndarray:
        """Move points of the cube to the places of actual points; NaN where a column does not belong to the branch."""
        u = np.array(u, dtype=float)
        if len(self.branches) == 1:
            for column, i in zip(u.T, range(len(self.columns)), strict=True):
                column[:] = self.columns[i].dimension.snap(column)
            return u
        snapped = np.full_like(u, np.nan)
        snapped[:, 0] = self.columns[0].dimension.snap(u[:, 0])
        owner = (snapped[:, 0] * len(self.branches)).astype(int)
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(owner == i)
            for name, dimension in branch.items():
                place = self._places[i][name]
                snapped[rows, place] = dimension.snap(u[rows, place])
        return snapped

    # -- drawing -------------------------------------------------------------------------------------------------

    def _random_draws(self, n: int, rng: np.random.RandomState) -> Iterator[Params]:
        """Yield what ParameterSampler draws, as native values."""
        samplers = [{name: dim.sampler() for name, dim in branch.items()} for branch in self.branches]
        for point in ParameterSampler(samplers, n, random_state=rng):
            yield {name: native(value) for name, value in point.items()}

    def _draws(self, method: Sampler, rng: np.random.RandomState) -> Iterator[Params]:
        """Yield draws for as long as anybody could ask (from lists alone: each point once)."""
        if method == "random" or not self.columns:
            return self._random_draws(int(min(self.size, MAX_LISTED)) if self.is_all_lists() else sys.maxsize, rng)
        engine = {"sobol": qmc.Sobol, "halton": qmc.Halton}[method]
        sequence = engine(len(self.columns), scramble=True, seed=rng.randint(2**31 - 1))
        sizes = (2**k for k in chain([4], range(4, 24)))  # 16, 32, 64, ... in all: Sobol is balanced in powers of 2
        return chain.from_iterable(self.decode(sequence.random(size)) for size in sizes)

    def _pick(
        self, n: int, draws: Iterator[Params], rng: np.random.RandomState, unique: bool, seen: set[Any]
    ) -> list[Params]:
        """Take `n` allowed draws; when they become rare, take what is left from a list of the whole space."""
        picked: list[Params] = []

        def offer(point: Params) -> bool:
            key = params_key(point) if unique else None
            if len(picked) == n or key in seen or not self.allows(point):
                return False
            if unique:
                seen.add(key)
            picked.append(point)
            return True

        misses, patience = 0, min(PATIENCE, 20 * self.size)
        for point in draws:
            misses = 0 if offer(point) else misses + 1
            if len(picked) == n or misses >= patience:
                break
        if len(picked) < n and self.size <= MAX_LISTED:
            everything = self._full_grid(MAX_LISTED)
            for i in rng.permutation(len(everything)):
                offer(everything[i])
        return picked

    def _full_grid(self, resolution: int | Mapping[str, int]) -> ParameterGrid:
        per_name = _check_resolution(resolution, {name for branch in self.branches for name in branch})
        return ParameterGrid([{name: dim.grid(per_name(name)) for name, dim in b.items()} for b in self.branches])

    def is_all_lists(self) -> bool:
        """Tell whether every parameter is a choice among listed values."""
        return all(isinstance(dim, Choice) for branch in self.branches for dim in branch.values())

    def _owners(self, points: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return for each point the index of the first branch that it belongs to, -1 if it belongs to none."""
        owner = np.full(len(points), -1)
        for i, branch in enumerate(self.branches):
            rows = np.array([r for r, p in enumerate(points) if owner[r] < 0 and p.keys() == branch.keys()], dtype=int)
            for name, dimension in branch.items():
                rows = rows[dimension.are_values([points[row][name] for row in rows])]
            owner[rows] = i
        return owner


@dataclass(frozen=True)
class Column:
    """One axis of the unit cube: a parameter, or (name None) the choice of the branch."""

    name: str | None
    dimension: Dimension


def _make_columns(branches: tuple[dict[str, Dimension], ...]) -> tuple[tuple[Column, ...], list[dict[str, int]]]:
    """Lay out the cube: the columns, and for each branch the column of each of its parameters."""
    names = [f"branch {i}" for i in range(len(branches))]  # not numbers, which would be in order
    columns = [Column(None, Choice(names))] if len(branches) > 1 else []
    places: list[dict[str, int]] = []
    for branch in branches:
        places.append({})
        for name, dimension in branch.items():
            shared = (i for i, c in enumerate(columns) if c.name == name and c.dimension.same_as(dimension))
            places[-1][name] = next(shared, len(columns))
            if places[-1][name] == len(columns):
                columns.append(Column(name, dimension))
    return tuple(columns), places


def _as_branches(params: Any) -> list[Mapping[str, Any]]:
    if isinstance(params, str) or not isinstance(params, Iterable):
        raise TypeError(f"Parameter space should be a dict or a list, got: {params!r} of type {type(params).__name__}")
    branches = [params] if isinstance(params, Mapping) else list(params)
    for branch in branches:
        if not isinstance(branch, Mapping):
            raise TypeError(f"Parameter space is not a dict ({branch!r})")
    for name in chain.from_iterable(branches):
        if not isinstance(name, str):
            raise TypeError(f"parameter names must be strings, got {name!r}")
    return branches


def _check_resolution(resolution: Any, names: set[str]) -> Callable[[str], int]:
    """Check `resolution`, and make it a function of the parameter's name."""
    per_name = resolution if isinstance(resolution, Mapping) else {}
    for name, n in per_name.items() if per_name else [("", resolution)]:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            where = f"resolution[{name!r}]" if name else "resolution"
            raise ValueError(f"{where} must be a positive integer (or a dict of them), got {n!r}")
    if unknown := set(per_name) - names:
        raise ValueError(f"resolution names {sorted(unknown)}, but the space has {sorted(names)}")
    return lambda name: per_name.get(name, 5) if per_name else resolution
