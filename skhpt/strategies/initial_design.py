"""The first points of a search, chosen before any score is known."""

from __future__ import annotations

import numpy as np

from skhpt._typing import Params
from skhpt.space.dimensions import Dimension
from skhpt.space.space import Space


def n_initial_points(space: Space) -> int:
    """Return the number of points to begin with: the number of free parameters plus 2, from 4 to 10."""
    return int(np.clip(space.n_free + 2, 4, 10))


def default_points(own: Params, space: Space) -> list[Params]:
    """Return points that are likely to be good: the estimator as it is, and the middle of each branch.

    Parameters
    ----------
    own : dict
        The estimator's own parameters. The first point takes its values from `own` where these lie in the
        space and not in an improbable tail, in the branch with the largest share of such values, and
        otherwise from the middle of the distributions and lists.
    space : Space
        Search space.

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
    allowed = [point for point in as_it_is if space.allows(point)]
    return _distinct([*allowed[:1], *(point for point in middles if space.allows(point))], space)


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
