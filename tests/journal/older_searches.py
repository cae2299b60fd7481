"""Searches whose journals are kept in ``tests/journal/data``, so that every version is shown to resume them.

``python tests/journal/older_searches.py FOLDER PREFIX`` writes the journals with the package that is
imported, under the names ``PREFIX-NAME.jsonl``. Each search is interrupted by Ctrl-C in the middle and
resumed. After a change of the format of journals, write a new set; the files of earlier formats stay, as long
as these formats are read.
"""

import re
import signal
import sys
import warnings
from contextlib import suppress
from functools import wraps
from pathlib import Path

import numpy as np
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch

# Only estimators whose parameters and scores are the same in all versions of scikit-learn that are supported.
FOLDS = KFold(3, shuffle=True, random_state=0)
BRANCHES = [
    {"weights": ["distance"], "n_neighbors": randint(1, 60)},
    {"p": loguniform(1, 8), "n_neighbors": [1, 5, 25]},
]
LEVELS = {"n_neighbors": [1, 2, 4, 8, 16, 32, 48, 64], "p": [1.0, 1.5, 2.0, 4.0, 8.0]}
PIPELINE = Pipeline([("reduce", PCA(random_state=0)), ("clf", KNeighborsClassifier())])


def grid(**params):
    grid = {"n_neighbors": [-1, 5, 60], "weights": ["uniform", "distance"]}
    options = {"cv": FOLDS, "scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}
    return GridSearch(KNeighborsClassifier(), grid, **options, **params)


def pipeline(**params):
    grid = {
        "reduce__n_components": [1, 2],
        "clf": [KNeighborsClassifier(), KNeighborsClassifier(50), GaussianNB()],
    }
    return GridSearch(PIPELINE, grid, cv=FOLDS, return_train_score=True, **params)


def random(**params):
    return RandomSearch(KNeighborsClassifier(), BRANCHES, n_iter=8, cv=FOLDS, random_state=0, **params)


def no_seed(**params):
    return RandomSearch(KNeighborsClassifier(), BRANCHES, n_iter=6, cv=ShuffleSplit(2), **params)


def previous(**params):
    earlier = GridSearch(KNeighborsClassifier(), {"n_neighbors": [5, 25], "p": [1, 2]}, cv=FOLDS)
    return random(previous=earlier.fit(*load_iris(return_X_y=True)), **params)


def bayes(**params):
    options = {"n_iter": 14, "n_initial": 5, "racing": True, "random_state": 0}
    return BayesSearchCV(KNeighborsClassifier(), LEVELS, **options, **params)


def pending(**params):
    options = {"n_iter": 12, "n_initial": 5, "max_pending": 3, "cv": FOLDS, "random_state": 0}
    return BayesSearchCV(KNeighborsClassifier(), LEVELS, **options, **params)


def ladder(**params):
    space = {"max_depth": randint(1, 9), "max_features": [1, 2, 4]}
    options = {
        "resource": "n_estimators",
        "max_resources": 9,
        "n_candidates": 9,
        "sampler": "random",
        "cv": FOLDS,
        "random_state": 0,
    }
    return HyperbandSearchCV(RandomForestClassifier(random_state=0), space, **options, **params)


def manual(**params):
    candidates = [{"n_neighbors": 1}, {"n_neighbors": 60, "weights": "distance"}, {}]
    return ManualSearch(KNeighborsClassifier(), candidates, cv=FOLDS, return_predictions=True, **params)


SEARCHES = {
    "grid": grid,
    "pipeline": pipeline,
    "random": random,
    "no-seed": no_seed,
    "previous": previous,
    "bayes": bayes,
    "pending": pending,
    "ladder": ladder,
    "manual": manual,
}
#: Fits after which a search is interrupted, about half of them.
INTERRUPTED_AFTER = {
    "grid": 10,
    "pipeline": 4,
    "random": 13,
    "no-seed": 7,
    "previous": 10,
    "bayes": 34,
    "pending": 20,
    "ladder": 8,
    "manual": 5,
}


def make(name, **params):
    """Make a search by its name."""
    return SEARCHES[name](**params)


def run(search):
    """Run a search to its end; of the manual one, try one more candidate."""
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # candidates that fail, and the end after Ctrl-C
        search.fit(X, y)
        if isinstance(search, ManualSearch):
            search.evaluate(X, y, n_neighbors=9)
    return search


def run_interrupted(search, n_fits):
    """Run a search, and press Ctrl-C during one of its fits."""
    estimator = search.estimator.steps[-1][1] if isinstance(search.estimator, Pipeline) else search.estimator
    kind, n = type(estimator), 0
    fit = kind.fit

    @wraps(fit)
    def interrupted_fit(self, *args, **kwargs):
        nonlocal n
        n += 1
        if n == n_fits:
            signal.raise_signal(signal.SIGINT)
        return fit(self, *args, **kwargs)

    kind.fit = interrupted_fit
    try:
        with suppress(KeyboardInterrupt):
            run(search.set_params(on_interrupt="raise"))
    finally:
        kind.fit = fit


def write(folder, prefix):
    """Write the journals of all searches."""
    for name in SEARCHES:
        path = Path(folder) / f"{prefix}-{name}.jsonl"
        path.unlink(missing_ok=True)
        np.random.seed(0)
        run_interrupted(make(name, journal=path), INTERRUPTED_AFTER[name])
        run(make(name, journal=path))
        # Tracebacks name folders of the machine.
        path.write_text(re.sub(r'File \\"[^"]*/(?=(skhpt|sklearn)/)', r'File \\"', path.read_text()))


if __name__ == "__main__":
    write(*sys.argv[1:])
