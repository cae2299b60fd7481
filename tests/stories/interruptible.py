"""A search as a script, to be interrupted or killed: ``python interruptible.py KIND FOLDER [OPTION=VALUE ...]``.

Each fit leaves a line in ``FOLDER/fits``; the results end up in ``FOLDER/results.json``.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch


class Slow:
    """Counts fits, and takes its time."""

    def fit(self, X, y, sample_weight=None):
        with open(os.environ["FITS"], "a") as file:
            file.write("x\n")
        time.sleep(float(os.environ["SECONDS"]))
        return super().fit(X, y)


class SlowSVC(Slow, SVC):
    """A support vector machine."""


class SlowForest(Slow, RandomForestClassifier):
    """A forest."""


SPACE = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1), "kernel": ["rbf", "linear"]}
MAKERS = {
    "grid": lambda **k: GridSearch(SlowSVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}, **k),
    "random": lambda **k: RandomSearch(SlowSVC(), SPACE, n_iter=6, random_state=0, **k),
    "racing": lambda **k: RandomSearch(SlowSVC(), SPACE, n_iter=8, random_state=3, racing=True, **k),
    "manual": lambda **k: ManualSearch(SlowSVC(), [{"C": 0.1}, {"C": 3, "kernel": "linear"}, {}], **k),
    "bayes": lambda **k: BayesSearchCV(SlowSVC(), SPACE, n_iter=9, n_initial=4, random_state=0, **k),
    "pending": lambda **k: BayesSearchCV(
        SlowSVC(), SPACE, n_iter=9, n_initial=4, max_pending=3, random_state=0, **k
    ),
    "hyperband": lambda **k: HyperbandSearchCV(
        SlowForest(random_state=0),
        {"max_depth": randint(1, 9), "max_features": [1, 2, 4]},
        resource="n_estimators",
        max_resources=9,
        n_candidates=9,
        random_state=0,
        **k,
    ),
    "branches": lambda **k: GridSearch(
        SlowSVC(),
        [{"C": [1, 2]}, {"kernel": ["poly"], "degree": [2, 3]}],
        **{"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro", **k},
    ),
}


def make(kind, folder, seconds=0.0, **params):
    """Make a search of a kind."""
    os.environ |= {"FITS": str(Path(folder) / "fits"), "SECONDS": str(seconds)}  # which workers inherit
    params = {"journal": Path(folder) / "search.jsonl", "cv": KFold(3, shuffle=True, random_state=0)} | params
    return MAKERS[kind](**params)


def results(search):
    """Return what must be the same, however often the search was interrupted."""
    table = search.cv_results_
    scores = {name: repr(np.asarray(table[name]).tolist()) for name in table if "_test_" in name}
    return {"scores": scores, "params": list(map(repr, table["params"])), "best": repr(search.best_params_)}


def members(session):
    """Return the processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def main(kind, folder, *options):
    """Run a search and write what came of it."""
    search = make(
        kind, folder, **{name: json.loads(value) for name, value in (one.split("=") for one in options)}
    )
    warnings.simplefilter("ignore")
    search.fit(*load_iris(return_X_y=True))
    state = {"stop_reason": search.stop_reason_, "refitted": hasattr(search, "best_estimator_")}
    (Path(folder) / "results.json").write_text(json.dumps(results(search) | state))


if __name__ == "__main__":
    main(*sys.argv[1:])
