"""Which parameters mattered, what the rungs decided, and what the workers did: four displays of two searches.

The script tunes a forest and a support vector machine on the wine data and prints the importances of their
parameters. With the name of an image file as argument it also saves the plots: ``python examples/importance.py
displays.png``.
"""

import sys

import matplotlib.pyplot as plt
from scipy.stats import loguniform, randint
from sklearn.datasets import load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import HyperbandSearchCV, RandomSearch
from skhpt.distributions import loguniform_int
from skhpt.inspection import param_importances
from skhpt.plots import ParamImportanceDisplay, ParetoDisplay, RungDisplay, TimelineDisplay

X, y = load_wine(return_X_y=True)

# Many forests begin with 3 trees on one fold; the best of them get 27 trees on all folds.
forest_space = {
    "max_depth": randint(2, 20),
    "max_features": loguniform(0.02, 1),
    "min_samples_leaf": randint(1, 30),
    "criterion": ["gini", "entropy"],
}
forest = ExtraTreesClassifier(27, random_state=0)
rungs = HyperbandSearchCV(forest, forest_space, n_candidates=108, random_state=0, n_jobs=2).fit(X, y)

# The kernel chooses the branch: gamma exists for two of the three kernels only.
svc_space = [
    {"svc__kernel": ["linear"], "svc__C": loguniform(1e-3, 1e3)},
    {"svc__kernel": ["rbf", "sigmoid"], "svc__C": loguniform(1e-3, 1e3), "svc__gamma": loguniform(1e-4, 10)},
]
svc = RandomSearch(
    make_pipeline(StandardScaler(), SVC()),
    svc_space,
    n_iter=40,
    random_state=0,
).fit(X, y)

# More trees are better and slower.
trees_space = {"n_estimators": loguniform_int(1, 40), "min_samples_leaf": randint(1, 20)}
trees = RandomSearch(
    ExtraTreesClassifier(random_state=0), trees_space, n_iter=25, cv=3, scoring="neg_log_loss", random_state=0
)
trees.fit(X, y)

for name, search in (("forest", rungs), ("SVC", svc)):
    print(f"\nThe best candidates of the {name}:\n\n{search.leaderboard_text(3)}\n")
    for parameter, importance in param_importances(search).items():
        print(f"importance of {parameter:20} {importance:.2f}")

figure, axes = plt.subplots(2, 2, figsize=(13, 7.5), layout="constrained")
ParamImportanceDisplay.from_search(svc, ax=axes[0, 0])
ParetoDisplay.from_search(trees, params=["n_estimators"], ax=axes[0, 1])
RungDisplay.from_search(rungs, ax=axes[1, 0])
timeline = TimelineDisplay.from_search(rungs, ax=axes[1, 1])
print(f"\nThe workers were busy for {timeline.utilization_:.0%} of the time.")
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
