"""Where a search begins: what is likely to be good before any score is seen."""

from __future__ import annotations

import numpy as np

from skhpt._typing import Params
from skhpt.identity import params_key
from skhpt.space.dimensions import Dimension
from skhpt.space.space import Space


def n_initial_points(space: Space) -> int:
    """Return how many points to begin with: a few more than a candidate is free to choose parameters."""
    return int(np.clip(space.n_free + 2, 4, 10))


def default_points(own: Params, space: Space) -> list[Params]:
    """List what is likely to be good: the estimator as it is, and the middle of each branch.

    Parameters
    ----------
    own : dict
        The estimator's own parameters. The first point has as many of them as lie in the space, in the branch where
        that is the largest part; the others are in the middle of their distributions and lists.
    space : Space
        The space.

    Returns
    -------
    points : list of dict
        Each once, and none that the constraint forbids.
    """
    middles = [{name: dimension.middle() for name, dimension in branch.items()} for branch in space.branches]
    own_parts = [_own_part(own, branch) for branch in space.branches]
    shares = [len(part) / max(1, len(middle)) for middle, part in zip(middles, own_parts, strict=True)]
    as_it_is = [middles[i] | own_parts[i] for i in np.argsort(-np.array(shares), kind="stable")]
    allowed = [point for point in as_it_is if space.allows(point)]
    likely = [*allowed[:1], *filter(space.allows, middles)]
    return list({params_key(point): point for point in likely}.values())


def _own_part(own: Params, branch: dict[str, Dimension]) -> Params:
    """Return the own parameters that lie in a branch; not those of a step that the branch puts another one in for."""
    part: Params = {}
    for name in sorted(branch, key=lambda name: name.count("__")):
        steps = {name[:i] for i in range(len(name)) if name.startswith("__", i)}
        if name in own and steps & branch.keys() <= part.keys():
            for value in branch[name].matching(own[name]):
                part[name] = value
    return part
