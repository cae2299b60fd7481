"""Plot two searches of one pipeline side by side.

A random search and a Bayesian search tune a support vector machine. The left picture has the scores of both in the
order of the candidates, with the best score so far. The right one has the scores of the Bayesian search by ``gamma``,
with the curve of its surrogate. Run the script with ``python examples/two_searches.py [picture]``: it writes the
picture to ``two_searches.svg`` or to the file that is named.
"""

import sys

import matplotlib.pyplot as plt
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, RandomSearch
from skhpt.plots import SearchHistoryDisplay, SearchSliceDisplay

X, y = load_breast_cancer(return_X_y=True)
pipeline = Pipeline([("scale", StandardScaler()), ("classify", SVC())])
space = {"classify__C": loguniform(1e-2, 1e3), "classify__gamma": loguniform(1e-5, 1)}
bayes = BayesSearchCV(pipeline, space, n_iter=30, random_state=0).fit(X, y)
random = RandomSearch(pipeline, space, n_iter=30, random_state=0).fit(X, y)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
SearchHistoryDisplay.from_searches({"BayesSearchCV": bayes, "RandomSearch": random}, ax=left)
SearchSliceDisplay.from_search(bayes, params="classify__gamma", ax=right)
picture = sys.argv[1] if len(sys.argv) > 1 else "two_searches.svg"
figure.savefig(picture, metadata={"Date": None} if picture.endswith(".svg") else None)
for search in (bayes, random):
    print(f"The best candidates of {type(search).__name__}:\n{search.leaderboard_text(3)}\n")
