"""Draw the history of two searches, and scores by one, two and all parameters.

The data are the diabetes progression of 442 patients, which scikit-learn ships. Bayesian optimisation and a random
search tune a support vector machine with its scaling. Run the script with ``python examples/plots.py``; with the name
of an image file, such as history.png, it also saves the pictures there and beside it. It needs matplotlib: ``pip
install "skhpt[plots]"``. The script ``examples/importance.py`` draws the other displays.
"""

import sys
from pathlib import Path

import matplotlib as mpl
from scipy.stats import loguniform
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVR

from skhpt import BayesSearchCV, RandomSearch
from skhpt.plots import (
    ParallelCoordinatesDisplay,
    SearchHistoryDisplay,
    SearchPairDisplay,
    SearchSliceDisplay,
)

mpl.use("Agg")  # opens no window

X, y = load_diabetes(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), SVR())
space = {
    "standardscaler": [StandardScaler(), RobustScaler(), "passthrough"],
    "svr__C": loguniform(1e-1, 1e4),
    "svr__gamma": loguniform(1e-5, 1),
    "svr__epsilon": loguniform(1e-2, 100),
    "svr__shrinking": [True, False],
}
common = {
    "cv": KFold(5, shuffle=True, random_state=0),
    "scoring": ["r2", "neg_mean_absolute_error"],
    "refit": "r2",
    "random_state": 0,
}
bayes = BayesSearchCV(pipeline, space, n_iter=30, **common).fit(X, y)
random = RandomSearch(pipeline, space, n_iter=30, **common).fit(X, y)

print("The best candidates:")
print(bayes.leaderboard_text(5))

displays = {
    "": SearchHistoryDisplay.from_searches({"BayesSearchCV": bayes, "RandomSearch": random}),
    "_slices": SearchSliceDisplay.from_search(bayes),
    "_pair": SearchPairDisplay.from_search(bayes, params=["svr__C", "svr__gamma"]),
    "_parallel": ParallelCoordinatesDisplay.from_search(bayes),
}
if len(sys.argv) > 1:
    for suffix, display in displays.items():
        path = Path(sys.argv[1])
        path = path.with_stem(path.stem + suffix)
        display.figure_.savefig(path, dpi=56)
        print(f"{type(display).__name__}: {path}")
