"""The first points of a search, chosen before any score is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.identity import value_key
from skhpt.space.dimensions import Dimension
from skhpt.space.space import Space

#: Factor between a number of a configuration and that of the estimator from which they are not alike.
FAR = 5


def n_initial_points(space: Space) -> int:
    """Return the number of points to begin with: the number of free parameters plus 2, from 4 to 10."""
    return int(np.clip(space.n_free + 2, 4, 10))


def default_points(own: Params, space: Space, chosen: Sequence[Params] = ()) -> list[Params]:
    """Return points that are likely to be good: the estimator as it is, chosen ones, the middle of each branch.

    Parameters
    ----------
    own : dict
        The estimator's own parameters. The first point takes its values from `own` where these lie in the
        space and not in an improbable tail, in the branch with the largest share of such values, and
        otherwise from the middle of the distributions and lists.
    space : Space
        Search space.
    chosen : sequence of dict, default=()
        Further points of the space.

    Returns
    -------
    points : list of dict
        Points without duplicates, all allowed by the constraint.
    """
    middles, own_parts = [], []
    for branch in space.branches:
        middles.append({name: dimension.middle() for name, dimension in branch.items()})
        own_parts.append(_own_part(own, branch))
    shares = [len(part) / max(1, len(middle)) for middle, part in zip(middles, own_parts, strict=True)]
    as_it_is = [middles[i] | own_parts[i] for i in np.argsort(-np.array(shares), kind="stable")]
    first = [point for point in as_it_is if space.allows(point)][:1]
    return _distinct([*first, *(point for point in [*chosen, *middles] if space.allows(point))], space)


def portfolio_points(
    configurations: Sequence[Params], own: Params, branch: dict[str, Dimension]
) -> list[Params]:
    """Return the points of a branch that stand for configurations of a portfolio.

    A configuration is left out if the value of a parameter that is not searched is far from the estimator's own
    one. Those with the fewest parameters that are not searched come first. A value that does not lie in the
    branch is replaced by the nearest one (`Dimension.nearest`), or, like parameters that a configuration lacks,
    by the estimator's own value, or else by the middle.

    Parameters
    ----------
    configurations : sequence of dict
        Configurations, the most useful first.
    own : dict
        The estimator's own parameters.
    branch : dict of str to Dimension
        Branch of a search space.

    Returns
    -------
    points : list of dict
        Points of the branch, some of which may be equal.
    """
    fitting = [params for params in configurations if _agrees(params, own, branch)]
    fitting.sort(key=lambda params: len(params.keys() - branch.keys()))
    return [filled(params, own, branch) for params in fitting]


def filled(params: Params, own: Params, branch: dict[str, Dimension]) -> Params:
    """Return a point of a branch near given values, with own values or middles in place of others."""
    point = {name: dimension.middle() for name, dimension in branch.items()} | _own_part(own, branch)
    for name, value in params.items():
        if name in branch and (near := branch[name].nearest(value)):
            point[name] = near[0]
    return point


def _agrees(params: Params, own: Params, branch: dict[str, Dimension]) -> bool:
    """Tell whether a configuration searches something, and otherwise is like the estimator in a branch."""
    for name, value in params.items():
        if name not in branch:
            if name in own and not _is_like(value, own[name]):
                return False
        elif branch[name].size == 1 and not _is_like(value, branch[name].middle()):
            return False
    return not params.keys().isdisjoint(branch)


def _is_like(value: Any, other: Any) -> bool:
    """Tell whether the effects of two values of a parameter may be alike.

    Numbers are, unless they are apart by a factor of `FAR` or more. A number is also compared with what says how
    it is computed, such as None or "scale", which tells nothing. Other values must be equal.
    """
    if isinstance(value, tuple) and isinstance(other, tuple) and len(value) == len(other):
        return all(map(_is_like, value, other))
    if not _is_number(value):
        return bool(value_key(value) == value_key(other))
    if not _is_number(other) or min(value, other) <= 0:
        return not isinstance(other, bool)
    return bool(max(value / other, other / value) < FAR)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _distinct(points: list[Params], space: Space) -> list[Params]:
    """Leave out points that equal an earlier one but for rounding, such as 1 and the middle of 0.1 to 10."""
    places = [tuple(np.round(np.nan_to_num(u, nan=-1), 9)) for u in space.encode(points)]
    return [point for i, point in enumerate(points) if places[i] not in places[:i]]


def _own_part(own: Params, branch: dict[str, Dimension]) -> Params:
    """Return the own parameters that lie in a branch.

    Parameters of a step that the branch replaces by another step are left out.
    """
    part: Params = {}
    for name in sorted(branch, key=lambda name: name.count("__")):
        steps = {name[:i] for i in range(len(name)) if name.startswith("__", i)}
        if name in own and steps & branch.keys() <= part.keys():
            for value in branch[name].matching(own[name]):
                if branch[name].is_likely(value):
                    part[name] = value
    return part
