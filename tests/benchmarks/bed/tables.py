"""Tables of real evaluations: random candidates of a kind, the same on all its data sets."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from datasets import CLASSIFICATION, split
from problems import Problem
from sklearn.model_selection import KFold, StratifiedKFold
from tools import scipy_space

from bed.kinds import BY_KIND, KINDS, Kind
from skhpt import ManualSearch
from skhpt.space.space import Space

FOLDER = Path(os.environ.get("SKHPT_BED", Path(__file__).parent / "tables"))
N_SEARCH, N_HELD_OUT, N_FOLDS = 240, 600, 5


@dataclass(frozen=True)
class Table:
    """Evaluations of one kind on one data set.

    Attributes
    ----------
    kind : Kind
        What was evaluated.
    data : str
        Name of the data set.
    scores : ndarray of shape (n, 5)
        Scores of the folds; NaN where a fit failed.
    held_out : ndarray of shape (n,)
        Scores on held-out rows after training on all rows of the search.
    seconds : ndarray of shape (n,)
        Time of the five folds.
    """

    kind: Kind
    data: str
    scores: np.ndarray
    held_out: np.ndarray
    seconds: np.ndarray

    @property
    def name(self) -> str:
        """Kind and data set."""
        return f"{self.kind.name}:{self.data}"

    @cached_property
    def params(self) -> list[dict[str, Any]]:
        """The candidates, the same for all data sets of the kind."""
        return candidates(self.kind.name)[: len(self.scores)]


def cases() -> list[tuple[str, str]]:
    """Return kind and data set of each table, the data sets of a kind one after another."""
    rounds = max(len(kind.data) for kind in KINDS)
    return [(kind.name, kind.data[i]) for i in range(rounds) for kind in KINDS if i < len(kind.data)]


@cache
def candidates(kind: str) -> list[dict[str, Any]]:
    """Return the random candidates of a kind."""
    one = BY_KIND[kind]
    return Space(_master(one)).sample(one.n, np.random.RandomState(0), unique=False)


def _master(kind: Kind) -> list[dict[str, Any]]:
    return scipy_space(Problem(kind.name, kind.estimator, lambda: ([], []), kind.scoring, kind.branches))


def rows(data: str) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return X, y and six splits: five folds of the rows of the search, and all of them against held-out rows.

    Numbers to predict are standardised, so that ranges of parameters in their units fit all data sets.
    """
    X, X_held_out, y, y_held_out = split(data, N_SEARCH, N_HELD_OUT)
    is_classification = data in CLASSIFICATION
    if not is_classification:
        y, y_held_out = (y - y.mean()) / y.std(), (y_held_out - y.mean()) / y.std()
    folds = (StratifiedKFold if is_classification else KFold)(N_FOLDS, shuffle=True, random_state=0)
    splits = list(folds.split(X, y))
    n, total = len(y), len(y) + len(y_held_out)
    splits.append((np.arange(n), np.arange(n, total)))
    return np.vstack([X, X_held_out]), np.append(y, y_held_out), splits


def make(kind: str, data: str) -> str:
    """Evaluate the candidates of a kind on a data set, and store the table."""
    warnings.simplefilter("ignore")
    one = BY_KIND[kind]
    X, y, splits = rows(data)
    points = candidates(kind)

    search = ManualSearch(one.estimator, points, scoring=one.scoring, cv=splits, refit=False)
    search.fit(X, y)
    results = search.cv_results_
    scores = np.column_stack([results[f"split{i}_test_score"] for i in range(N_FOLDS + 1)])
    times = np.array(
        [sum(fold.fit_time + fold.score_time for fold in trial.folds[:N_FOLDS]) for trial in search.history_]
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{kind}.{data}.npz"
    np.savez_compressed(path, scores=scores.astype(np.float32), seconds=times.astype(np.float32))
    return f"{kind}:{data} {times.sum():.0f} s"


@cache
def load(kind: str, data: str) -> Table:
    """Read a table."""
    stored = np.load(FOLDER / f"{kind}.{data}.npz")
    scores = stored["scores"].astype(float)
    return Table(
        BY_KIND[kind], data, scores[:, :N_FOLDS], scores[:, N_FOLDS], stored["seconds"].astype(float)
    )


def stored() -> list[tuple[str, str]]:
    """Return kind and data set of the tables that exist."""
    return [case for case in cases() if (FOLDER / f"{case[0]}.{case[1]}.npz").exists()]
