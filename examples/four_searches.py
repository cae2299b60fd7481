"""Compare four searches with equal budgets in a space with many kinds of distributions, and plot the best scores.

The data are the diabetes progression of 442 patients, which scikit-learn ships. Run the script with ``python
examples/four_searches.py``. With the name of an image file as argument it also saves a plot (this needs
matplotlib: ``pip install "skhpt[plots]"``).
"""

import sys
from itertools import product

import numpy as np
from scipy.stats import beta, expon, gamma, lognorm, norm, randint, uniform
from sklearn.datasets import load_diabetes
from sklearn.feature_selection import SelectPercentile, f_regression
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skhpt import BayesSearchCV, GridSearch, ManualSearch, RandomSearch

BUDGET = 24
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, random_state=0)
pipeline = Pipeline(
    [
        ("select", SelectPercentile(f_regression)),
        ("scale", StandardScaler()),
        ("model", ElasticNet(max_iter=5000)),
    ]
)
space = [
    {
        "select__percentile": uniform(20, 80),  # from 20 to 100
        "model": [ElasticNet(max_iter=5000)],
        "model__alpha": lognorm(s=2, scale=0.3),
        "model__l1_ratio": beta(2, 2),
    },
    {
        "select__percentile": uniform(20, 80),
        "model": [SVR(kernel="poly")],
        "model__C": gamma(2, scale=10),
        "model__gamma": expon(scale=0.1),
        "model__coef0": norm(1, 0.5),
        "model__degree": randint(2, 5),
    },
]
manual_points = [
    {"select__percentile": percentile, "model__alpha": alpha, "model__l1_ratio": l1_ratio}
    for percentile, alpha, l1_ratio in product([50, 100], [0.01, 0.1, 1.0, 10.0], [0.1, 0.5, 0.9])
]
resolution = dict.fromkeys(["model__coef0", "model__degree", "select__percentile"], 1)
resolution |= {"model__alpha": 4, "model__l1_ratio": 3, "model__C": 4, "model__gamma": 3}
common = {"cv": KFold(5, shuffle=True, random_state=0), "scoring": "r2"}
searches = [
    ManualSearch(pipeline, manual_points, **common),
    GridSearch(pipeline, space, resolution=resolution, **common),
    RandomSearch(pipeline, space, n_iter=BUDGET, random_state=0, **common),
    BayesSearchCV(pipeline, space, n_iter=BUDGET, random_state=0, **common),
]

print(f"{'search':14}  {'candidates':>10}  {'cross-validated R2':>18}  {'R2 on held-out rows':>19}")
for search in searches:
    search.fit(X_train, y_train)
    n, held_out = len(search.history_), search.score(X_test, y_test)
    print(f"{type(search).__name__:14}  {n:10}  {search.best_score_:18.4f}  {held_out:19.4f}")
print(f"\nThe best candidates of {type(searches[-1]).__name__}:")
print(searches[-1].leaderboard_text(3))

if len(sys.argv) > 1:
    import matplotlib as mpl

    mpl.use("Agg")  # writes a file, opens no window
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for search in searches:
        best_so_far = np.maximum.accumulate(search.cv_results_["mean_test_score"])
        axes.step(np.arange(1, len(best_so_far) + 1), best_so_far, where="post", label=type(search).__name__)
    lowest = min(np.median(search.cv_results_["mean_test_score"]) for search in searches)
    highest = max(search.best_score_ for search in searches)
    axes.set(
        xlabel="candidates evaluated", ylabel="best cross-validated R2 so far", ylim=(lowest, highest + 0.01)
    )
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(sys.argv[1], dpi=150)
    print(f"\nPlot of the best score so far: {sys.argv[1]}")
