"""Tune pipelines on real data: compare four searches, then let a search choose its space, and average its best.

The first data are 1,797 images of handwritten digits with 8 x 8 pixels, which scikit-learn ships. A manual
search tries a few points. A grid search and a random search then evaluate the same number of candidates, and a
Bayesian search half as many. The second data are 442 patients with diabetes: the search uses the default space
of its pipeline, and the mean of its five best candidates predicts new patients. Run the script with ``python
examples/quickstart.py``.
"""

import time

from scipy.stats import loguniform
from sklearn.datasets import load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR

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
bayes = BayesSearchCV(pipeline, space, n_iter=18, random_state=0, cv=3, n_jobs=2).fit(X_train, y_train)
seconds = time.perf_counter() - start

print(f"\nThe last three searches took {seconds:.1f} s. Scores on the same folds, and on held-out data:")
print(f"{'search':13}  {'candidates':>10}  {'CV accuracy':>11}  {'test accuracy':>13}")
for search in (manual, grid, random, bayes):
    n, test_score = len(search.history_), search.score(X_test, y_test)
    print(f"{type(search).__name__:13}  {n:10}  {search.best_score_:11.4f}  {test_score:13.4f}")

best = max(manual, grid, random, bayes, key=lambda search: search.best_score_)
print(f"\nThe best candidates of {type(best).__name__}:")
print(best.leaderboard_text(5))

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
model = make_pipeline(StandardScaler(), SVR())
search = BayesSearchCV(model, "auto", n_iter=20, random_state=0, n_jobs=2).fit(X_train, y_train)
ensemble = search.ensemble(X_train, y_train, n_members=5)

print('\nThe space that "auto" stands for with the data on diabetes, as a list of dicts to edit:')
for branch in search.space_:
    print(branch)

print(f"\n{'on held-out data':28}  {'R2':>6}")
print(f"{'support vectors as they are':28}  {model.fit(X_train, y_train).score(X_test, y_test):6.3f}")
print(f"{'the best candidate':28}  {search.score(X_test, y_test):6.3f}")
print(f"{'mean of the best five':28}  {ensemble.score(X_test, y_test):6.3f}")
