"""Settings of the last fit, for methods that describe its results after `set_params`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skhpt._typing import Constraint, ErrorScore, Estimator, Refit, SpaceDefinition
from skhpt.fitting.resources import FullTraining
from skhpt.session.validation import metric_of_refit
from skhpt.space.summary import SpaceSummary


@dataclass(frozen=True)
class FittedSettings:
    """Parameters of a search that its results depend on, as they were at the last fit.

    Attributes
    ----------
    estimator : estimator
        The estimator, not fitted.
    refit : bool, str or callable
        The parameter `refit`.
    param_distributions : dict or list of dict, or None
        The search space; None for a search that has none.
    constraint : callable or None
        The constraint.
    error_score : "raise" or float
        Score of a failed fit.
    n_planned : int or None
        Number of trials at the end, at most; None if it is not known.
    space : list of dict of str to ParamSummary
        The search space as plain values; empty for a search over given candidates.
    fingerprint : dict of str to str
        Descriptions of what scores depend on; those of the journal, if there is one.
    training : FullTraining
        Training of a candidate with all of the resource.
    test_ratio : float
        Number of rows of a test part, divided by that of its training part, in the mean over the folds; NaN in a
        pickle of an earlier version.
    """

    estimator: Estimator
    refit: Refit
    param_distributions: SpaceDefinition | None = None
    constraint: Constraint | None = None
    error_score: ErrorScore = math.nan
    n_planned: int | None = None
    space: SpaceSummary = ()
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    training: FullTraining = field(default_factory=FullTraining)
    test_ratio: float = math.nan

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the state of a pickle; one of an earlier version lacks the last fields."""
        vars(self).update(vars(FittedSettings(**state)))

    @property
    def metric(self) -> str | None:
        """Name of the metric that candidates were compared by; None for the only or first metric."""
        return metric_of_refit(self.refit)
