"""Make a page about a search, and a page that compares two searches.

The data are 569 samples of breast tissue, which scikit-learn ships. A random search tunes a pipeline by two metrics and
keeps its predictions, so that the report has a corrected score. Run the script with
``python examples/report.py report.html``, and open the page in a browser. It is one file that needs no network.
"""

import sys

from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch, RandomSearch, report

X, y = load_breast_cancer(return_X_y=True)
common = {
    "cv": StratifiedKFold(5, shuffle=True, random_state=0),
    "scoring": ["roc_auc", "accuracy"],
    "refit": "roc_auc",
}
space = [
    {"svc__C": loguniform(1e-2, 1e3), "svc__kernel": ["linear"]},
    {"svc__C": loguniform(1e-2, 1e3), "svc__kernel": ["rbf"], "svc__gamma": loguniform(1e-4, 1)},
]
pipeline = make_pipeline(StandardScaler(), SVC())
svm = RandomSearch(pipeline, space, n_iter=20, random_state=0, return_predictions=True, **common).fit(X, y)
trees = ExtraTreesClassifier(20, random_state=0)
forest = GridSearch(trees, {"max_depth": [2, 4, 8, None], "max_features": [0.2, "sqrt"]}, **common).fit(X, y)

path = sys.argv[1] if len(sys.argv) > 1 else "report.html"
print(f"The page about the support vector machines: {report(svm, path)}")

page = report({"support vector machines": svm, "trees": forest})
print(f"The page that compares both searches, which a notebook would show: {page!r}")

print("\nThe best candidates of the support vector machines:")
print(svm.leaderboard_text(5))
