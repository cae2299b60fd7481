"""What the tests of the displays share: sources with all kinds of candidates, and no open figures."""

import warnings

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def table(params, scores, metric="score"):
    """Return ``cv_results_`` of candidates with the given parameters and scores, on two folds."""
    scores = np.asarray(scores, dtype=float)
    spread = np.where(np.isnan(scores), np.nan, 0.01)
    return {
        "params": list(params),
        f"split0_test_{metric}": scores - spread,
        f"split1_test_{metric}": scores + spread,
        f"mean_test_{metric}": scores,
        f"std_test_{metric}": spread,
    }


def numbered(scores, **kwargs):
    """Return a table of candidates with one parameter, their number."""
    return table([{"C": float(i + 1)} for i in range(len(scores))], scores, **kwargs)


@pytest.fixture(scope="session")
def bayes_search():
    """A search with a surrogate, a logarithmic range, an integer range, categories and None among numbers."""
    X, y = load_iris(return_X_y=True)
    space = {
        "max_depth": [None, 2, 4, 8],
        "min_samples_leaf": randint(1, 30),
        "ccp_alpha": loguniform(1e-4, 0.3),
        "criterion": ["gini", "entropy", "log_loss"],
    }
    tree = DecisionTreeClassifier(random_state=0)
    return BayesSearchCV(tree, space, n_iter=14, random_state=0, cv=3).fit(X, y)


@pytest.fixture(scope="session")
def branch_search():
    """A search over two estimators in branches, with two metrics."""
    X, y = load_iris(return_X_y=True)
    space = [
        {"kernel": ["linear"], "C": loguniform(0.01, 100)},
        {"kernel": ["rbf"], "C": loguniform(0.01, 100), "gamma": loguniform(1e-3, 1)},
    ]
    scoring = {"accuracy": "accuracy", "f1": "f1_macro"}
    return RandomSearch(SVC(), space, n_iter=12, random_state=0, cv=3, scoring=scoring, refit="f1").fit(X, y)


@pytest.fixture(scope="session")
def hyperband_search():
    """A search with rungs: most candidates have a part of the rows only."""
    X, y = load_iris(return_X_y=True)
    space = {"ccp_alpha": loguniform(1e-4, 0.3), "min_samples_leaf": randint(1, 20)}
    tree = DecisionTreeClassifier(random_state=0)
    search = HyperbandSearchCV(tree, space, resource="n_samples", random_state=0, cv=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few rows rank the candidates badly
        return search.fit(X, y)
