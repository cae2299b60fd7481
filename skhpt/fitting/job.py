"""Values that a worker gets and returns: the setup of a search, a fold, the candidates to evaluate, and the outcome."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from socket import gethostname
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from skhpt._typing import ArrayLike, ErrorScore, Estimator, Params, Scorer
from skhpt.fitting.checkpoints import CheckpointKey, Checkpoints, InMemory, TaskCheckpoints
from skhpt.fitting.resources import FullTraining
from skhpt.fitting.slicing import FoldData
from skhpt.trial import Candidate, FoldScore


@dataclass(frozen=True)
class Setup:
    """Settings that all fits of a search have in common, besides the data.

    Attributes
    ----------
    estimator : estimator
        Estimator that is cloned for every fit.
    scorer : callable
        ``scorer(estimator, X, y) -> float or dict``, or scikit-learn's multimetric scorer.
    fit_params, score_params : dict
        Parameters of ``fit`` and of the scorer; entries with a row per sample are sliced like X.
    return_train_score : bool
        Whether to score the training part too.
    return_predictions : bool
        Whether to keep the predictions for the test part.
    error_score : "raise" or float
        Score of a failed candidate, or "raise" if a failure raises.
    verbose : int
        Level of ``verbose`` as in scikit-learn: above 1 each fit is reported.
    training : FullTraining
        Training that the resource of a candidate buys.
    checkpoints : Checkpoints
        Models of candidates whose training may continue.
    may_change_models : bool
        Whether the scorer may change the models that it scores.
    may_share : bool
        Whether candidates may use the same slices of the data, because neither the estimator nor the scorer
        writes to them.
    key : str
        Identifier of the search in the cache of slices.
    pid : int
        Process of the search: only there Ctrl-C and signal handlers of the user end a fit.
    host : str
        Name of the machine of the search.
    """

    estimator: Estimator
    scorer: Scorer
    fit_params: Params = field(default_factory=dict)
    score_params: Params = field(default_factory=dict)
    return_train_score: bool = False
    return_predictions: bool = False
    error_score: ErrorScore = float("nan")
    verbose: int = 0
    training: FullTraining = field(default_factory=FullTraining)
    checkpoints: Checkpoints = field(default_factory=lambda: Checkpoints(InMemory()))
    may_change_models: bool = False
    may_share: bool = False
    key: str = field(default_factory=lambda: uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=gethostname)


class Fold(NamedTuple):
    """A fold of a search.

    Attributes
    ----------
    X, y : array-like
        All rows of the data; `y` may be None.
    setup : Setup
        Settings of the search.
    scorer : callable
        Scorer with the same scores as ``setup.scorer``.
    split : int
        Number of the fold.
    train, test : ndarray of int
        Rows of the training part and of the test part.
    checkpoints : TaskCheckpoints
        Checkpoints that the task reads and saves.
    """

    X: ArrayLike
    y: ArrayLike
    setup: Setup
    scorer: Scorer
    split: int
    train: Any
    test: Any
    checkpoints: TaskCheckpoints


class FoldObserver(Protocol):
    """Observer of one candidate on one fold, such as scikit-learn's callbacks."""

    def begin(self, fold: FoldData) -> None:
        """Observe the beginning of the fold."""
        ...

    def fitting(self, estimator: Estimator, fold: FoldData) -> AbstractContextManager[Any]:
        """Observe the beginning of the fold, and return a context in which the estimator is fitted."""
        ...

    def end(self, fold: FoldData) -> None:
        """Observe the end of the fold, whether it failed or not."""
        ...


class NullObserver:
    """Observer that does nothing."""

    def begin(self, fold: FoldData) -> None:
        pass

    def fitting(self, estimator: Estimator, fold: FoldData) -> AbstractContextManager[Any]:
        return nullcontext()

    def end(self, fold: FoldData) -> None:
        pass


@dataclass(frozen=True)
class Job:
    """A candidate to evaluate on one fold.

    Attributes
    ----------
    candidate : Candidate
        The candidate.
    label : str
        Label in the printed report, such as " 1/5" for the first fold; empty unless verbose.
    observer : FoldObserver
        Observer of the beginning and the end.
    checkpoint : bytes or None
        Pickled checkpoint of the candidate's parent, if the worker may be out of reach of the stored one.
    """

    candidate: Candidate
    label: str = ""
    observer: FoldObserver = field(default_factory=NullObserver)
    checkpoint: bytes | None = field(default=None, repr=False)


@dataclass
class Outcome:
    """Result of a task: several candidates on one fold.

    Attributes
    ----------
    split : int
        Number of the fold.
    scores : list of FoldScore
        Scores of all candidates that were not declined.
    declined : list of (Candidate, str)
        Candidates that must be evaluated separately, with the reason.
    begun : list of int
        Ids of those candidates among them whose observers were told of the beginning of the fold.
    postponed : list of int
        Ids of the candidates that the task has left to another task.
    offenders : dict of str to str
        Names of steps that candidates cannot share, with the reason.
    n_draws : dict of int to int
        Words of 32 bits that separate fits would have drawn from numpy's global generator, by candidate id.
    n_fits : int or None
        Number of fits of steps without inner steps; None if no fit was shared.
    seconds : float
        Duration of the task.
    checkpoints : dict of CheckpointKey to bytes
        Pickled checkpoints that the worker could not store.
    """

    split: int
    scores: list[FoldScore] = field(default_factory=list)
    declined: list[tuple[Candidate, str]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    postponed: list[int] = field(default_factory=list)
    offenders: dict[str, str] = field(default_factory=dict)
    n_draws: dict[int, int] = field(default_factory=dict)
    n_fits: int | None = None
    seconds: float = 0.0
    checkpoints: dict[CheckpointKey, bytes] = field(default_factory=dict, repr=False)

    def without_large_items(self) -> Outcome:
        """Return the outcome with small scores, for backends that have sent what the task has yielded."""
        return replace(self, scores=[replace(score, predictions=None) for score in self.scores])
