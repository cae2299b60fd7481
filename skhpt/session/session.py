"""The values that ``fit`` prepares before the first fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from skhpt._typing import Params, RandomState
from skhpt.fingerprint import Fingerprint
from skhpt.fitting.job import Setup
from skhpt.history import History
from skhpt.journal import Journal
from skhpt.session.fidelity import Fidelity
from skhpt.session.folds import Folds
from skhpt.session.inputs import Inputs
from skhpt.session.previous import Start
from skhpt.session.search_callbacks import RunningCallbacks
from skhpt.session.sklearn_callbacks import Callbacks
from skhpt.space.space import Space
from skhpt.space.summary import SpaceSummary, summarize_space


@dataclass(frozen=True)
class DrawnPoints:
    """Points that a search has drawn.

    Attributes
    ----------
    points : list of dict
        The points.
    draws : dict
        What determines the draws, as JSON.
    """

    points: list[Params]
    draws: dict[str, Any]


@dataclass(frozen=True)
class Session:
    """The values that a search works with.

    Attributes
    ----------
    inputs : Inputs
        The data, and how an estimator is scored on it.
    folds : Folds
        The folds that every candidate is scored on.
    space : Space or None
        The search space; None for a search over given candidates.
    fidelity : Fidelity
        The training that candidates get.
    setup : Setup
        Settings that all fits have in common; they travel to the workers.
    fingerprint : Fingerprint
        Description of everything besides the candidates that scores depend on.
    callbacks : Callbacks
        scikit-learn's callbacks of the search.
    search_callbacks : RunningCallbacks
        The callbacks of this package.
    start : Start
        Trials of earlier searches and of earlier fits, and those that are not used.
    history : History
        Trials of `start`; the search adds its own.
    n_reported : int
        Number of trials of the history whose failures were reported by an earlier fit.
    random_state : int, RandomState or None
        Source of random numbers.
    resolved_params : dict
        Values that "auto" stands for in this fit, by the name of the parameter of the search. A resumed search
        keeps those of its journal.
    drawn : DrawnPoints or None
        Points that were drawn before the folds; None if candidates are chosen later.
    journal : Journal or None
        The open journal; None if the search has none.
    """

    inputs: Inputs
    folds: Folds
    space: Space | None
    fidelity: Fidelity
    setup: Setup
    fingerprint: Fingerprint
    callbacks: Callbacks
    search_callbacks: RunningCallbacks
    start: Start
    history: History
    n_reported: int
    random_state: RandomState = None
    resolved_params: Params = field(default_factory=dict)
    drawn: DrawnPoints | None = None
    journal: Journal | None = None

    @cached_property
    def space_summary(self) -> SpaceSummary:
        """The search space as plain values; empty for a search over given candidates."""
        return [] if self.space is None else summarize_space(self.space)

    @property
    def search_space(self) -> Space:
        """The search space of a search that has one."""
        if self.space is None:
            raise TypeError("a search over given candidates has no space")
        return self.space
