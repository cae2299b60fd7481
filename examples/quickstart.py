"""Tune a pipeline on real data with four searches, and compare them.

The data are 1,797 images of handwritten digits with 8 x 8 pixels, which scikit-learn ships. A manual search
tries a few points. A grid search and a random search then evaluate the same number of candidates. A Bayesian
search needs no space of yours and half as many candidates. Run the script with ``python
examples/quickstart.py``.
"""

import time

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from skhpt import BayesSearchCV, GridSearch, ManualSearch, RandomSearch
from skhpt.distributions import loguniform_int

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

pipeline = Pipeline([("scale", MinMaxScaler()), ("reduce", PCA(10, random_state=0)), ("classify", SVC())])
common = {"reduce__n_components": loguniform_int(5, 60), "classify__C": loguniform(0.1, 100)}
space = [common | {"classify__gamma": ["scale"]}, common | {"classify__gamma": loguniform(1e-2, 1)}]

print("Manual search, starting with the pipeline as it is:")
manual = ManualSearch(pipeline, [{}], cv=3, n_jobs=2).fit(X_train, y_train)
manual.evaluate(X_train, y_train, reduce__n_components=30)
manual.evaluate(X_train, y_train, reduce__n_components=30, classify__C=10.0)
manual.evaluate(X_train, y_train, reduce__n_components=30, classify__C=10.0, classify__gamma=1.0)

start = time.perf_counter()
grid = GridSearch(pipeline, space, resolution=3, cv=3, n_jobs=2).fit(X_train, y_train)
random = RandomSearch(pipeline, space, n_iter=36, sampler="sobol", random_state=0, cv=3, n_jobs=2)
random.fit(X_train, y_train)
bayes = BayesSearchCV(pipeline, "auto", n_iter=18, random_state=0, cv=3, n_jobs=2).fit(X_train, y_train)
seconds = time.perf_counter() - start

print('\nThe space that "auto" stands for, as a list of dicts to edit:')
for branch in bayes.space_:
    print(branch)

print(f"\nThe last three searches took {seconds:.1f} s. Scores on the same folds, and on held-out data:")
print(f"{'search':13}  {'candidates':>10}  {'CV accuracy':>11}  {'test accuracy':>13}")
for search in (manual, grid, random, bayes):
    n, test_score = len(search.history_), search.score(X_test, y_test)
    print(f"{type(search).__name__:13}  {n:10}  {search.best_score_:11.4f}  {test_score:13.4f}")

best = max(manual, grid, random, bayes, key=lambda search: search.best_score_)
print(f"\nThe best candidates of {type(best).__name__}:")
print(best.leaderboard_text(5))
