"""Draw one picture of each display for the guide: ``python tests/plots/pictures.py docs/pictures``.

The data are the diabetes progression of 442 patients and the wine data, which scikit-learn ships.
"""

import sys
from pathlib import Path

import matplotlib as mpl
from scipy.stats import loguniform, randint
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVR

from skhpt import BayesSearchCV, HyperbandSearchCV, RandomSearch
from skhpt.distributions import loguniform_int
from skhpt.plots import (
    ParallelCoordinatesDisplay,
    ParamImportanceDisplay,
    ParetoDisplay,
    RungDisplay,
    SearchHistoryDisplay,
    SearchPairDisplay,
    SearchSliceDisplay,
    TimelineDisplay,
)


def searches_of_regression():
    space = {
        "standardscaler": [StandardScaler(), RobustScaler(), "passthrough"],
        "svr__C": loguniform(1e-1, 1e4),
        "svr__gamma": loguniform(1e-5, 1),
        "svr__epsilon": loguniform(1e-2, 100),
    }
    X, y = load_diabetes(return_X_y=True)
    model = make_pipeline(StandardScaler(), SVR())
    common = {"cv": KFold(5, shuffle=True, random_state=0), "random_state": 0}
    bayes = BayesSearchCV(model, space, n_iter=40, max_pending=1, **common).fit(X, y)
    return bayes, RandomSearch(model, space, n_iter=40, **common).fit(X, y)


def search_with_rungs():
    space = {
        "max_depth": randint(2, 20),
        "max_features": loguniform(0.02, 1),
        "min_samples_leaf": randint(1, 30),
    }
    forest = ExtraTreesClassifier(27, random_state=0)
    search = HyperbandSearchCV(forest, space, n_candidates=54, random_state=0, n_jobs=2)
    return search.fit(*load_wine(return_X_y=True))


def search_of_sizes():
    space = {"n_estimators": loguniform_int(1, 40), "min_samples_leaf": randint(1, 20)}
    forest = ExtraTreesClassifier(random_state=0)
    search = RandomSearch(forest, space, n_iter=25, scoring="neg_log_loss", cv=3, random_state=0)
    return search.fit(*load_wine(return_X_y=True))


def displays():
    bayes, random = searches_of_regression()
    rungs = search_with_rungs()
    return {
        "history": SearchHistoryDisplay.from_searches({"BayesSearchCV": bayes, "RandomSearch": random}),
        "slices": SearchSliceDisplay.from_search(bayes, n_columns=2),
        "pair": SearchPairDisplay.from_search(bayes, params=["svr__C", "svr__gamma"]),
        "parallel": ParallelCoordinatesDisplay.from_search(bayes),
        "importance": ParamImportanceDisplay.from_search(random),
        "rungs": RungDisplay.from_search(rungs),
        "timeline": TimelineDisplay.from_search(rungs),
        "pareto": ParetoDisplay.from_search(search_of_sizes(), params=["n_estimators"]),
    }


if __name__ == "__main__":
    mpl.use("Agg")  # opens no window
    for name, display in displays().items():
        path = Path(sys.argv[1]) / f"display_{name}.png"
        display.figure_.savefig(path, dpi=80)
        print(f"{type(display).__name__}: {path}")
