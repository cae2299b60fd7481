"""Draws of points of a space that its constraint allows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.stats import qmc
from sklearn.model_selection import ParameterSampler

from skhpt._typing import Params
from skhpt.identity import native
from skhpt.space.constraint import constraint_name
from skhpt.space.random_walk import random_walk
from skhpt.space.sampling import Selection, draw_from_product
from skhpt.space.value_table import MAX_LISTED

if TYPE_CHECKING:
    from skhpt.space.space import Space

Sampler = Literal["random", "sobol", "halton"]

#: Number of successive draws that may be rejected before draws are made in another way, or sampling stops.
PATIENCE = 10_000
#: Maximum number of draws from the cube after that, and number of draws at a time.
MAX_CUBE_DRAWS, CUBE_BLOCK = 500_000, 5_000
#: Number of random walks, and number of steps of each of their points. A walk of 400 steps from one point
#: comes to all of a band in two dimensions whose width is a millionth of its length.
MAX_WALKS, WALK_SWEEPS = 2, 400


def draw(
    space: Space,
    n: int,
    rng: np.random.RandomState,
    *,
    method: Sampler = "random",
    unique: bool = False,
    exclude: Sequence[Mapping[str, Any]] = (),
) -> Selection:
    """Draw points as `Space.sample` does, without a warning or an error if there are fewer than `n`.

    Where the constraint rejects almost everything, further points are found by a random walk from those
    that are known: the points drawn so far, `exclude`, and the middle of each branch.

    Parameters
    ----------
    space : Space
        The space.
    n : int
        Number of points.
    rng : numpy.random.RandomState
        Source of randomness.
    method : {"random", "sobol", "halton"}, default="random"
        As for `Space.sample`.
    unique : bool, default=False
        Whether all points must differ from each other.
    exclude : sequence of dict, default=()
        Points that are not drawn if `unique` is true.

    Returns
    -------
    selection : Selection
        The points, and the number of draws that the constraint rejected.
    """
    is_without_replacement = space.is_all_lists()
    selection = Selection(n, space.allows, is_unique=unique or is_without_replacement)
    if unique:
        selection.exclude(exclude)
    if method == "random" and space.constraint is None and not unique and not space.is_huge_product():
        n_draws = int(min(n, space.size)) if is_without_replacement else n
        selection.points += _random_draws(space, n_draws, rng)
        return selection
    _fill(space, selection, method, rng)
    if selection.is_full:
        return selection
    if space.size <= MAX_LISTED:
        _fill_from_list(space, selection, rng)
    elif space.constraint is not None and space.has_cube:
        _fill_from_cube(space, selection, rng)
        _fill_by_walking(space, selection, exclude, rng)
    return selection


def check_some(space: Space, drawn: Selection) -> None:
    """Raise if the constraint has rejected every draw.

    Parameters
    ----------
    space : Space
        The space.
    drawn : Selection
        What `draw` has returned.

    Raises
    ------
    ValueError
        If there is no point but a constraint.
    """
    if space.constraint is None or drawn.points or drawn.is_full:
        return
    raise ValueError(
        f"constraint rejects every candidate that was drawn: {constraint_name(space.constraint)} rejected all "
        f"{drawn.n_rejected:,} draws. Try it on a candidate that you know to be good.{_hint_at_equalities(space)}"
    )


def why_fewer(space: Space, n: int, drawn: Selection, parameter: str) -> str:
    """Say why a search has fewer candidates than it was asked for.

    Parameters
    ----------
    space : Space
        The space.
    n : int
        Number of candidates that were asked for.
    drawn : Selection
        What `draw` has returned.
    parameter : str
        Name of the parameter that asks for them.

    Returns
    -------
    message : str
        One or two sentences.
    """
    n_found = len(drawn.points)
    asked = f"{n} candidates were asked for ({parameter}), but"
    if space.constraint is None and space.size == n_found and parameter == "n_iter":  # scikit-learn's words
        return (
            f"The total space of parameters {n_found} is smaller than n_iter={n}. Running {n_found} "
            "iterations. For exhaustive searches, use GridSearch."
        )
    if space.can_be_exhausted:
        return f"{asked} the space has only {n_found} left to try."
    if space.constraint is None:
        return f"{asked} only {n_found} were found before {PATIENCE} draws in a row were known already."
    draws = f", which rejected {drawn.n_rejected:,} draws" if drawn.n_rejected else ""
    return (
        f"{asked} only {n_found} were found that meet the constraint {constraint_name(space.constraint)}{draws}."
        f"{_hint_at_equalities(space)}"
    )


def _hint_at_equalities(space: Space) -> str:
    if space.can_be_exhausted:
        return ""
    return (
        " If it asks for an equality of numbers (a == b), draws hardly ever meet it: allow a tolerance, or let "
        "the estimator derive one parameter from the others."
    )


def _random_draws(space: Space, n: int, rng: np.random.RandomState) -> Iterator[Params]:
    """Yield the draws of ParameterSampler, with numpy scalars as Python values."""
    for point in ParameterSampler(_samplers(space), n, random_state=rng):
        yield {name: native(value) for name, value in point.items()}


def _samplers(space: Space) -> list[dict[str, Any]]:
    """Return the lists and distributions of each branch, as ParameterSampler accepts them."""
    samplers = []
    for branch in space.branches:
        samplers.append({name: dimension.sampler() for name, dimension in branch.items()})
    return samplers


def _draws(space: Space, method: Sampler, rng: np.random.RandomState) -> Iterator[Params]:
    """Yield draws without end."""
    if space.is_all_lists() and (method == "random" or not space.columns):
        # ParameterSampler yields all points of a product of lists in the order of the product.
        return draw_from_product(_samplers(space), rng)
    if method == "random" or not space.columns:
        return _random_draws(space, sys.maxsize, rng)
    engine = {"sobol": qmc.Sobol, "halton": qmc.Halton}[method]
    sequence = engine(len(space.columns), scramble=True, seed=rng.randint(2**31 - 1))
    # The total is 16, 32, 64, ...: Sobol sequences are balanced in powers of 2.
    sizes = (2**k for k in chain([4], range(4, 24)))
    return chain.from_iterable(space.decode(sequence.random(size)) for size in sizes)


def _fill(space: Space, selection: Selection, method: Sampler, rng: np.random.RandomState) -> None:
    """Draw points until a selection is full or most draws are rejected."""
    n_rejected, patience = 0, min(PATIENCE, 20 * space.size)
    for point in _draws(space, method, rng):
        n_rejected = 0 if selection.offer(point) else n_rejected + 1
        if selection.is_full or n_rejected >= patience:
            break


def _fill_from_list(space: Space, selection: Selection, rng: np.random.RandomState) -> None:
    """Offer all points of a finite space, in random order."""
    full_grid = space.full_grid(MAX_LISTED)
    for i in rng.permutation(len(full_grid)):
        selection.offer(full_grid[i])


def _fill_from_cube(space: Space, selection: Selection, rng: np.random.RandomState) -> None:
    """Draw many points of the cube at once, which is faster than `_fill`, until a selection is full."""
    for _ in range(MAX_CUBE_DRAWS // CUBE_BLOCK):
        points = space.decode(rng.random_sample((CUBE_BLOCK, len(space.columns))))
        allowed = [point for point in points if space.allows(point)]
        selection.n_rejected += len(points) - len(allowed)
        for point in allowed:
            selection.offer(point)
        if selection.is_full:
            break


def _fill_by_walking(
    space: Space, selection: Selection, known: Sequence[Mapping[str, Any]], rng: np.random.RandomState
) -> None:
    """Fill a selection with points that a random walk from the selected and known points comes to."""
    middles = []
    for branch in space.branches:
        middles.append({name: dimension.middle() for name, dimension in branch.items()})
    generator = np.random.default_rng(rng.randint(2**31))
    start = space.allowed_codes([*selection.points, *known, *middles], generator)
    if not len(start):
        return
    # Each point only once, because points that a walk does not move away from would be drawn many times.
    selection.require_unique()
    for _ in range(MAX_WALKS):
        u = random_walk(space.allows_codes, start, n=selection.n_missing, n_sweeps=WALK_SWEEPS, rng=generator)
        for point in space.decode(u):
            selection.offer(point)
        if selection.is_full:
            break
