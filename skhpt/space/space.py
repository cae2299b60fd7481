"""Search space: named dimensions in one or several branches, encoded as points of the unit cube."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, get_args

import numpy as np
from sklearn.model_selection import ParameterGrid
from sklearn.utils import check_random_state

from skhpt._html import box, paragraph, table
from skhpt._typing import Constraint, Params, RandomState, SpaceDefinition
from skhpt._warnings import warn_user
from skhpt.space import drawing
from skhpt.space.constraint import is_allowed
from skhpt.space.dimensions import Choice, Dimension, Sampled, short_repr
from skhpt.space.drawing import Sampler
from skhpt.space.parsing import checked_resolution, parse_branches
from skhpt.space.scipy_adapter import source_repr
from skhpt.space.value_table import MAX_LISTED

#: Largest number of points of a grid that is listed, without and with a constraint, which may leave few.
MAX_GRID, MAX_GRID_WITH_CONSTRAINT = 10**7, 10**9


class Space:
    """A search space: a dict of lists and distributions, or a list of such dicts.

    A list of dicts is a space with branches: each candidate has the parameters of one branch only.

    Parameters
    ----------
    params : dict or list of dict
        Maps each parameter name to

        - a list, tuple or 1-d array of choices (any Python objects); three or more numbers have an order, also
          if names such as None are among them,
        - a distribution: a frozen distribution of `scipy.stats`, one of its newer objects (``stats.Normal(...)``,
          ``stats.truncate(...)``), a distribution of `skhpt.distributions`, or any object with ``ppf`` or
          ``icdf``. An object that has only ``rvs`` supports ``sample(method="random")`` and nothing else, or
        - a range in the notation of scikit-optimize: ``(low, high, "uniform")``, ``(low, high, "log-uniform")``,
          ``Real``, ``Integer`` or ``Categorical``.
    constraint : callable, default=None
        ``constraint(params) -> bool`` tells whether a candidate is allowed. `sample` and `grid` return
        allowed candidates only.

    Attributes
    ----------
    definition : dict or list of dict
        The definition that the space was made of.
    branches : tuple of dict of str to Dimension
        Dimensions of each branch.
    columns : tuple of Column
        Axes of the unit cube. If there are several branches, the first column chooses the branch. Branches
        with equal definitions of a parameter share its column.
    size : float
        Number of points without the constraint; `inf` if a distribution is continuous.

    Raises
    ------
    TypeError, ValueError
        If `params` or one of its values is not a valid definition, or `constraint` is not callable.

    See Also
    --------
    skhpt.spaces.default_space : A space for an estimator and data.
    skhpt.distributions : Distributions that SciPy lacks.

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

    def __init__(self, params: SpaceDefinition, constraint: Constraint | None = None):
        if constraint is not None and not callable(constraint):
            raise TypeError(f"constraint must be a callable (params -> bool) or None, got {constraint!r}")
        self.definition = params
        self.constraint = constraint
        self.branches = parse_branches(params)
        self.columns, self._column_indices = _make_columns(self.branches)

    @cached_property
    def size(self) -> float:
        """Number of points."""
        size: float = 0
        for branch in self.branches:
            size += math.prod(dimension.size for dimension in branch.values())
        return size

    @property
    def n_free(self) -> int:
        """Largest number of parameters with several values in a branch; the choice of the branch counts too."""
        n_free = 0
        for branch in self.branches:
            n_free = max(n_free, sum(dimension.size > 1 for dimension in branch.values()))
        return n_free + (len(self.branches) > 1)

    def __repr__(self) -> str:
        branches = []
        for branch in self.branches:
            items = [f"{name!r}: {_definition_text(dimension)}" for name, dimension in branch.items()]
            branches.append(f"{{{', '.join(items)}}}")
        return f"Space({branches[0] if len(branches) == 1 else '[' + ', '.join(branches) + ']'})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a table for each branch."""
        n, parts = len(self.branches), []
        for i, branch in enumerate(self.branches, start=1):
            rows = [[name, _definition_text(dimension)] for name, dimension in branch.items()]
            caption = f"branch {i} of {n}" if n > 1 else ""
            parts.append(table(["parameter", "values"], rows, caption))
        if self.constraint is not None:
            parts.append(paragraph(f"constraint: {short_repr(self.constraint)}"))
        return box(f"Space of {self.size:,} points" if math.isfinite(self.size) else "Space", *parts)

    # -- points ----------------------------------------------------------------------------------------------

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Tell whether a candidate is in the space and meets the constraint.

        Parameters
        ----------
        params : dict
            Parameters of the candidate.

        Returns
        -------
        is_inside : bool
            Whether the candidate is an allowed point of the space.
        """
        return bool(self._branch_indices([params])[0] >= 0) and self.allows(dict(params))

    def allows(self, point: Params) -> bool:
        """Tell whether a point of the space meets the constraint.

        Parameters
        ----------
        point : dict
            Point of the space.

        Returns
        -------
        is_allowed : bool
            Whether the constraint allows the point.
        """
        return self.constraint is None or is_allowed(self.constraint, point)

    def own_values(self, params: Mapping[str, Any]) -> Params:
        """Return a candidate with equal values of the space, such as 7 for 7.0.

        Parameters
        ----------
        params : dict
            Parameters of the candidate.

        Returns
        -------
        point : dict
            The candidate as a point of the space; as it is if the space has no equal one.
        """
        for branch in self.branches:
            if branch.keys() == params.keys():
                matching = {name: dimension.matching(params[name]) for name, dimension in branch.items()}
                if all(matching.values()):
                    return {name: values[0] for name, values in matching.items()}
        return dict(params)

    def why_outside(self, params: Mapping[str, Any]) -> str | None:
        """Say why a candidate is not in the space, or not allowed by the constraint.

        Parameters
        ----------
        params : dict
            Parameters of the candidate.

        Returns
        -------
        reason : str or None
            The candidate, and for each of its parameters that is wrong the value and what is accepted; None if
            the candidate is in the space. In a space with branches, the branch with the fewest wrong
            parameters is described.
        """
        shown = short_repr(dict(params), max_length=500)
        if self._branch_indices([params])[0] >= 0:
            return None if self.allows(dict(params)) else f"{shown}: the constraint rejects it"
        if not self.branches:
            return f"{shown}: the space is an empty list"
        problems = [_problems(params, branch) for branch in self.branches]
        fewest = min(range(len(problems)), key=lambda i: len(problems[i]))
        where = f"branch {fewest} of the space: " if len(self.branches) > 1 else ""
        return f"{shown}: {where}{'; '.join(problems[fewest])}"

    def branch_of(self, params: Mapping[str, Any]) -> int:
        """Return the index of the first branch that a candidate belongs to; the constraint is ignored.

        Parameters
        ----------
        params : dict
            Parameters of the candidate.

        Returns
        -------
        index : int
            Index of the branch.

        Raises
        ------
        ValueError
            If the candidate is not in the space.
        """
        index = int(self._branch_indices([params])[0])
        if index < 0:
            raise ValueError(f"not in the space: {self.why_outside(params)}")
        return index

    def grid(self, resolution: int | Mapping[str, int] = 5) -> list[Params]:
        """Return the points of a grid, in the order of `sklearn.model_selection.ParameterGrid`.

        Parameters
        ----------
        resolution : int or dict of str to int, default=5
            Number of values of each distribution, or a dict of numbers by parameter. The values are evenly
            spaced quantiles and include the finite ends of the support. A discrete distribution with fewer
            values has all of them in the grid.

        Returns
        -------
        points : list of dict
            Points that the constraint allows.

        Raises
        ------
        ValueError
            If the constraint rejects every point, `resolution` is not positive or names an unknown
            parameter, or the grid has too many points to be listed.
        """
        full_grid = self.full_grid(resolution)
        n_points = sum(math.prod(map(len, branch.values())) for branch in full_grid.param_grid)
        most = MAX_GRID if self.constraint is None else MAX_GRID_WITH_CONSTRAINT
        if n_points > most:
            raise ValueError(
                f"the grid has {n_points:,} points, of which not more than {most:,} can be tried. Use RandomSearch or "
                "BayesSearchCV, or fewer values."
            )
        points = [point for point in full_grid if self.allows(point)]
        if not points and self.branches:
            raise ValueError(f"constraint rejects all {n_points} points of the grid")
        return points

    def points(self) -> list[Params]:
        """Return all points of a finite space.

        Returns
        -------
        points : list of dict
            Points that the constraint allows.

        Raises
        ------
        ValueError
            If the space is infinite or too large to list.
        """
        if self.size > MAX_LISTED:
            raise ValueError(
                f"only a space of up to {MAX_LISTED} points can be listed, this one has {self.size}"
            )
        return [point for point in self.full_grid(MAX_LISTED) if self.allows(point)]

    def sample(
        self,
        n: int,
        random_state: RandomState = None,
        *,
        method: Sampler = "random",
        unique: bool = False,
        exclude: Iterable[Mapping[str, Any]] = (),
    ) -> list[Params]:
        """Draw points from the distributions of the space.

        Parameters
        ----------
        n : int
            Number of points.
        random_state : int, numpy.random.RandomState or None, default=None
            Seed or random number generator.
        method : {"random", "sobol", "halton"}, default="random"
            ``"random"`` makes the same draws as `sklearn.model_selection.ParameterSampler`: a space of lists
            only is sampled without replacement. The other methods are scrambled low-discrepancy sequences
            (`scipy.stats.qmc`), which cover the cube evenly.
        unique : bool, default=False
            Whether all points must differ from each other.
        exclude : iterable of dict, default=()
            Points that are not drawn if `unique` is true.

        Returns
        -------
        points : list of dict
            `n` points; fewer points, with a warning, if the space has no more.

        Raises
        ------
        ValueError
            If the constraint rejects every draw, or `method` is unknown.

        Warns
        -----
        UserWarning
            If there are fewer than `n` points.
        """
        if method not in get_args(Sampler):
            raise ValueError(f"method must be one of {get_args(Sampler)}, got {method!r}")
        exclude = list(exclude)
        rng = check_random_state(random_state)
        drawn = drawing.draw(self, n, rng, method=method, unique=unique, exclude=exclude)
        if not exclude:
            drawing.check_some(self, drawn)
        if not drawn.is_full:
            warn_user(drawing.why_fewer(self, n, drawn, "n_iter"))
        return drawn.points

    @property
    def can_be_exhausted(self) -> bool:
        """Whether the space is finite and small enough that all of its points are listed when few are left."""
        return self.size <= MAX_LISTED

    @property
    def has_cube(self) -> bool:
        """Whether the points of the unit cube can be decoded: no parameter is an object that has only ``rvs``."""
        dimensions = chain.from_iterable(branch.values() for branch in self.branches)
        return not any(isinstance(dimension, Sampled) for dimension in dimensions)

    # -- the unit cube ---------------------------------------------------------------------------------------

    def encode(self, points: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Encode points as points of the unit cube.

        Parameters
        ----------
        points : sequence of dict
            Points of the space.

        Returns
        -------
        u : ndarray of shape (len(points), len(columns))
            NaN where a column does not belong to the branch of the point.

        Raises
        ------
        ValueError
            If a point is not in the space.
        """
        branch_indices = self._branch_indices(points)
        if (branch_indices < 0).any():
            first_outside = points[branch_indices.tolist().index(-1)]
            raise ValueError(f"not in the space: {self.why_outside(first_outside)}")
        return self._encode(points, branch_indices)

    def locate(self, points: Sequence[Mapping[str, Any]]) -> list[np.ndarray | None]:
        """Encode candidates, some of which may not be in the space; the constraint is ignored.

        Parameters
        ----------
        points : sequence of dict
            Parameters of candidates.

        Returns
        -------
        u : list of ndarray of shape (len(columns),) or None
            Encoded candidates; None for a candidate that is not in the space.
        """
        branch_indices = self._branch_indices(points)
        encoded = self._encode(points, branch_indices)
        return [u if index >= 0 else None for u, index in zip(encoded, branch_indices, strict=True)]

    def _encode(self, points: Sequence[Mapping[str, Any]], branch_indices: np.ndarray) -> np.ndarray:
        u = np.full((len(points), len(self.columns)), np.nan)
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(branch_indices == i)
            if len(self.branches) > 1:
                u[rows, 0] = (i + 0.5) / len(self.branches)
            for name, dimension in branch.items():
                values = [points[int(row)][name] for row in rows]
                u[rows, self._column_indices[i][name]] = dimension.encode(values)
        return u

    def decode(self, u: np.ndarray) -> list[Params]:
        """Decode points of the unit cube.

        Parameters
        ----------
        u : ndarray of shape (n, len(columns))
            Points of the cube, with entries in [0, 1].

        Returns
        -------
        points : list of dict
            `n` points of the space.
        """
        u = np.asarray(u, dtype=float)
        branch_indices = np.zeros(len(u), dtype=int)
        if len(self.branches) > 1:
            branch_indices = np.clip((u[:, 0] * len(self.branches)).astype(int), 0, len(self.branches) - 1)
        points: list[Params] = [{} for _ in u]
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(branch_indices == i)
            for name, dimension in branch.items():
                values = dimension.decode(u[rows, self._column_indices[i][name]])
                for row, value in zip(rows, values, strict=True):
                    points[row][name] = value
        return points

    def are_likely(self, u: np.ndarray) -> np.ndarray:
        """Tell which encoded points have no parameter in an improbable tail of its distribution.

        Parameters
        ----------
        u : ndarray of shape (n, len(columns))
            Encoded points of the space.

        Returns
        -------
        are_likely : ndarray of shape (n,)
            False for points that `snap` would move: such points are not proposed.
        """
        is_moved = ~np.isnan(u) & (np.abs(self.snap(u) - u) > 1e-12)
        return np.asarray(~is_moved.any(axis=1))

    def snap(self, u: np.ndarray) -> np.ndarray:
        """Round points of the unit cube to the codes of points of the space.

        Parameters
        ----------
        u : ndarray of shape (n, len(columns))
            Points of the cube, with entries in [0, 1].

        Returns
        -------
        snapped : ndarray of shape (n, len(columns))
            NaN where a column does not belong to the branch of the point.
        """
        u = np.array(u, dtype=float)
        if len(self.branches) == 1:
            for values, column in zip(u.T, self.columns, strict=True):
                values[:] = column.dimension.snap(values)
            return u
        snapped = np.full_like(u, np.nan)
        snapped[:, 0] = self.columns[0].dimension.snap(u[:, 0])
        branch_indices = (snapped[:, 0] * len(self.branches)).astype(int)
        for i, branch in enumerate(self.branches):
            rows = np.flatnonzero(branch_indices == i)
            for name, dimension in branch.items():
                column_index = self._column_indices[i][name]
                snapped[rows, column_index] = dimension.snap(u[rows, column_index])
        return snapped

    def allows_codes(self, u: np.ndarray) -> np.ndarray:
        """Tell which points of the cube the constraint allows.

        Parameters
        ----------
        u : ndarray of shape (n, len(columns))
            Points of the cube, with entries in [0, 1].

        Returns
        -------
        is_allowed : ndarray of shape (n,)
            Whether each decoded point is allowed.
        """
        if self.constraint is None:
            return np.ones(len(u), dtype=bool)
        return np.array([self.allows(point) for point in self.decode(u)], dtype=bool)

    def allowed_codes(self, points: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> np.ndarray:
        """Encode those of some candidates that the space and its constraint allow.

        Parameters
        ----------
        points : sequence of dict
            Parameters of candidates.
        rng : numpy.random.Generator
            Draws the columns that do not belong to the branch of a point.

        Returns
        -------
        u : ndarray of shape (n, len(columns))
            Points of the cube, without NaN, which decode to allowed points.
        """
        codes = [u for u in self.locate(points) if u is not None]
        u = np.array(codes).reshape(-1, len(self.columns))
        u = np.where(np.isnan(u), rng.random(u.shape), u)
        allowed: np.ndarray = u[self.allows_codes(u)]
        return allowed

    def full_grid(self, resolution: int | Mapping[str, int]) -> ParameterGrid:
        """Return the grid without the constraint, as a sequence whose points are made when they are asked for.

        Parameters
        ----------
        resolution : int or dict of str to int
            As for `grid`.

        Returns
        -------
        full_grid : ParameterGrid
            Points in the order of `grid`.
        """
        names = set().union(*self.branches)
        resolution_of = checked_resolution(resolution, names)
        grids = []
        for branch in self.branches:
            grids.append({name: dimension.grid(resolution_of(name)) for name, dimension in branch.items()})
        return ParameterGrid(grids)

    def is_all_lists(self) -> bool:
        """Tell whether every parameter is a choice among listed values.

        Returns
        -------
        is_all_lists : bool
            Whether no parameter has a distribution.
        """
        dimensions = chain.from_iterable(branch.values() for branch in self.branches)
        return all(isinstance(dimension, Choice) for dimension in dimensions)

    def is_huge_product(self) -> bool:
        """Tell whether a space of lists has more points than an index can count.

        Returns
        -------
        is_huge_product : bool
            Whether there are 2**63 points or more.
        """
        return self.is_all_lists() and self.size > sys.maxsize

    def _branch_indices(self, points: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return the index of the first branch that each point belongs to; -1 for a point outside the space."""
        indices = np.full(len(points), -1)
        for i, branch in enumerate(self.branches):
            has_names = [index < 0 and point.keys() == branch.keys() for index, point in zip(indices, points)]
            rows = np.flatnonzero(has_names)
            for name, dimension in branch.items():
                values = [points[int(row)][name] for row in rows]
                rows = rows[dimension.are_values(values)]
            indices[rows] = i
        return indices


def _problems(params: Mapping[str, Any], branch: Mapping[str, Dimension]) -> list[str]:
    """Return a sentence for each parameter of a candidate that does not fit a branch."""
    problems = []
    for name, dimension in branch.items():
        if name not in params:
            problems.append(f"{name!r} is missing, which is {dimension.description()}")
        elif not dimension.are_values([params[name]])[0]:
            problems.append(f"{name}={short_repr(params[name])} is not {dimension.description()}")
    for name in params:
        if name not in branch:
            problems.append(f"{name!r} is not one of its parameters {sorted(branch)}")
    return problems


@dataclass(frozen=True)
class Column:
    """Axis of the unit cube: a parameter, or the choice of the branch, whose name is None."""

    name: str | None
    dimension: Dimension


def _make_columns(
    branches: tuple[dict[str, Dimension], ...],
) -> tuple[tuple[Column, ...], list[dict[str, int]]]:
    """Return the columns of the cube, and for each branch the column index of each of its parameters."""
    columns = []
    if len(branches) > 1:
        names = [f"branch {i}" for i in range(len(branches))]  # text, because numbers would have an order
        columns.append(Column(None, Choice(names)))
    column_indices: list[dict[str, int]] = []
    for branch in branches:
        indices = {}
        for name, dimension in branch.items():
            indices[name] = _index_of_column(columns, name, dimension)
            if indices[name] == len(columns):
                columns.append(Column(name, dimension))
        column_indices.append(indices)
    return tuple(columns), column_indices


def _index_of_column(columns: list[Column], name: str, dimension: Dimension) -> int:
    """Return the index of the column of a parameter; the number of columns if there is none yet."""
    for i, column in enumerate(columns):
        if column.name == name and column.dimension.same_as(dimension):
            return i
    return len(columns)


def _definition_text(dimension: Dimension) -> str:
    """Return the definition of a dimension as the user wrote it, on one line, and not too long."""
    text = source_repr(dimension.definition) if not isinstance(dimension, Choice) else ""
    return text if 0 < len(text) <= 120 else short_repr(dimension.definition, max_length=120)
