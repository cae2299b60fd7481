"""The parameter `initial_points` of BayesSearchCV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, Final, Literal

from skhpt._compat import num_samples
from skhpt._typing import Estimator, Params
from skhpt.session.inputs import Inputs
from skhpt.space.dimensions import Choice, Dimension
from skhpt.space.space import Space
from skhpt.spaces import portfolio
from skhpt.strategies.initial_design import filled, portfolio_points

#: Value of the parameter that stands for the portfolio of the estimator.
PORTFOLIO: Final = "portfolio"
#: Largest number of points of a portfolio.
N_POINTS = 5
#: Largest number of rows for which portfolios are used: ten times as many as they were learned with.
MAX_ROWS = 2400


def initial_points(
    given: Sequence[Params] | Literal["portfolio"] | None, space: Space, inputs: Inputs, n_initial: int
) -> list[Params]:
    """Return the points that a search begins with, besides the estimator as it is.

    Parameters
    ----------
    given : sequence of dict, "portfolio" or None
        What the user gave.
    space : Space
        The search space.
    inputs : Inputs
        The estimator and the data.
    n_initial : int
        Number of points of the initial design that are still to be evaluated, one of which is the estimator as
        it is. It limits the number of points of a portfolio.

    Raises
    ------
    TypeError
        If a point is no dict.
    ValueError
        If a point does not lie in the space, or if the constraint rejects it.
    """
    if given is None or (isinstance(given, str) and num_samples(inputs.X) > MAX_ROWS):
        return []
    if isinstance(given, str):
        find = partial(portfolio, X=inputs.X, y=inputs.y)
        points = [p for p in points_of_portfolios(space, inputs.estimator, find) if space.allows(p)]
        return points[: max(0, min(N_POINTS, n_initial - 1))]
    own = inputs.estimator.get_params(deep=True)
    return [_completed(point, own, space) for point in given]


def _completed(point: Any, own: Params, space: Space) -> Params:
    """Return a point of the space with the values of a dict; raise if there is none."""
    if not isinstance(point, Mapping):
        raise TypeError(f"initial_points must be a list of dicts of parameters, got the element {point!r}")
    names = set().union(*space.branches)
    if unknown := sorted(map(str, point.keys() - names)):
        raise ValueError(
            f"initial_points: {', '.join(unknown)} of {point!r} is not one of the parameters {sorted(names)}"
        )
    whole = dict(point)
    for branch in space.branches:
        if point.keys() <= branch.keys():
            whole = space.own_values(filled({}, own | dict(point), branch) | dict(point))
            if space.contains(whole):
                return whole
    raise ValueError(f"initial_points: not in the space: {space.why_outside(whole)}")


def points_of_portfolios(
    space: Space, estimator: Estimator, find: Callable[[Estimator], list[Params]]
) -> list[Params]:
    """Return points of the portfolio of an estimator: the first of each branch, the second of each branch, ...

    Parameters
    ----------
    space : Space
        The search space. If it replaces estimators by others, there are no points.
    estimator : estimator
        The estimator that the parameters are set on.
    find : callable
        ``find(estimator)`` returns the configurations of an estimator, such as `skhpt.spaces.portfolio`.
    """
    if any(map(_has_estimators, space.branches)):
        return []
    configurations, own = find(estimator), estimator.get_params(deep=True)
    parts = [portfolio_points(configurations, own, branch) for branch in space.branches]
    points = [point for each in zip_longest(*parts) for point in each if point is not None]
    return [point for i, point in enumerate(points) if point not in points[:i]]


def _has_estimators(branch: Mapping[str, Dimension]) -> bool:
    """Tell whether a choice of a branch is an estimator."""
    for dimension in branch.values():
        values = dimension.values if isinstance(dimension, Choice) else ()
        if isinstance(values, list) and any(hasattr(value, "get_params") for value in values):
            return True
    return False
