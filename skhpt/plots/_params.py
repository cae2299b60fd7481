"""Which parameters a display shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from skhpt.inspection.search_data import MISSING, SearchData
from skhpt.space.summary import is_number

#: Number of groups of numbers.
MAX_GROUPS = 5


def shown_params(data: SearchData, params: Sequence[str] | str | None, *, at_least: int) -> list[str]:
    """Return the parameters that a display is asked to show, by default those with several values.

    If fewer than `at_least` vary, others are added in the order of the space.
    """
    names = data.checked_params(params)
    if params is None:
        names += [name for name in data.summaries if name not in names][: max(0, at_least - len(names))]
    if len(names) < at_least:
        plural = "s" * (at_least != 1)
        if params is None:
            raise ValueError(f"source must have at least {at_least} parameter{plural} to show, got {names}")
        raise ValueError(f"params must name at least {at_least} parameter{plural}, got {names}")
    return names


def most_relevant(data: SearchData, metric: str, names: Sequence[str], n: int) -> list[str]:
    """Return up to `n` of the names, in their order: those on which the ranks of the scores depend most.

    The measure is the share of the variance of the ranks that lies between groups of values (the correlation ratio),
    corrected for the number of groups. It needs no model and is fast, but sees no interactions.
    """
    if len(names) <= n:
        return list(names)
    scores = data.scores(metric)
    rows = np.flatnonzero(np.isfinite(scores)).tolist()
    ranks = rankdata(scores[rows])
    shares = []
    for name in names:
        values = data.values(name)
        shares.append(_explained_share(_groups([values[i] for i in rows]), ranks))
    chosen = np.sort(np.argsort(-np.array(shares), kind="stable")[:n])
    return [names[int(i)] for i in chosen]


def _groups(values: Sequence[object]) -> np.ndarray:
    """Return the group of each value: a fifth of the numbers, or a name."""
    is_number_ = np.array([is_number(value) for value in values], dtype=bool)
    groups = np.zeros(len(values), dtype=int)
    if is_number_.any():
        numbers = np.array([value for value in values if is_number(value)], dtype=float)
        places = (rankdata(numbers) - 1) / len(numbers)
        groups[is_number_] = np.floor(places * MAX_GROUPS)
    names = {text: MAX_GROUPS + i for i, text in enumerate(dict.fromkeys(map(_key, values)))}
    for i in np.flatnonzero(~is_number_).tolist():
        groups[i] = names[_key(values[i])]
    return groups


def _key(value: object) -> str:
    return "missing" if value is MISSING else repr(value)


def _explained_share(groups: np.ndarray, ranks: np.ndarray) -> float:
    """Return the adjusted share of the variance of the ranks that the groups explain."""
    n, n_groups = len(ranks), len(set(groups))
    total = float(((ranks - ranks.mean()) ** 2).sum()) if n else 0.0
    if n <= n_groups or total == 0:
        return 0.0
    within = sum(float(((ranks[groups == g] - ranks[groups == g].mean()) ** 2).sum()) for g in set(groups))
    return 1 - (within / (n - n_groups)) / (total / (n - 1))
