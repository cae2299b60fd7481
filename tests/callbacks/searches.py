"""Searches with fits that take no time, and a callback that writes down what it is told."""

from __future__ import annotations

import numpy as np
from scipy import stats

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch
from skhpt.callbacks import SearchCallback
from tests.estimators import FailsBelow

X, Y = np.zeros((12, 1)), np.arange(12) % 2
VALUES = [0.6, 0.9, 0.1, 0.7, 0.95]  # the third one fails
UNIFORM = {"value": stats.uniform(0.3, 0.7)}

#: By name: a function that makes a search of about five candidates.
SEARCHES = {
    "grid": lambda **k: GridSearch(FailsBelow(), {"value": VALUES}, **k),
    "random": lambda **k: RandomSearch(FailsBelow(), UNIFORM, n_iter=5, random_state=0, **k),
    "bayes": lambda **k: BayesSearchCV(FailsBelow(), UNIFORM, n_iter=5, random_state=0, **k),
    "hyperband": lambda **k: HyperbandSearchCV(
        FailsBelow(), UNIFORM, resource="folds", n_candidates=9, random_state=0, **k
    ),
    "manual": lambda **k: ManualSearch(FailsBelow(), [{"value": value} for value in VALUES], **k),
}


def make(kind, *callbacks, **params):
    """Make a search of a kind, on three folds."""
    return SEARCHES[kind](**{"cv": 3, "refit": False, **params}).set_callbacks(*callbacks)


class Recorder(SearchCallback):
    """Writes down the hooks, with what they are given."""

    def __init__(self):
        self.events = []

    def names(self):
        return [name for name, *_ in self.events]

    def of(self, name):
        return [event for event in self.events if event[0] == name]

    def on_search_begin(self, search, status):
        self.events.append(("begin", search, status))

    def on_folds_finished(self, search, folds, status):
        self.events.append(("folds", folds, status))

    def on_candidate_finished(self, search, trial, status):
        self.events.append(("candidate", trial, status))

    def on_new_best(self, search, trial, status):
        self.events.append(("best", trial, status))

    def on_search_end(self, search, status, error=None):
        self.events.append(("end", error, status))


class Raises(Recorder):
    """Raises an error in one of its hooks, after it was called some times."""

    def __init__(self, hook, error, after=0):
        super().__init__()
        self.error = error
        self.n_left = after
        setattr(self, hook, self.fail)

    def fail(self, *arguments):
        self.n_left -= 1
        if self.n_left < 0:
            raise self.error
