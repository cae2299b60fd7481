"""HyperbandSearchCV on images of digits: many candidates with little training, the best with more.

The script prints the plan, runs the search, and compares it with a random search that has the same amount of
training.
"""

from scipy.stats import loguniform, randint
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

from skhpt import HyperbandSearchCV, RandomSearch

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), train_size=0.4, random_state=0)
forest = ExtraTreesClassifier(27, random_state=0)
space = {
    "max_depth": randint(2, 20),
    "max_features": loguniform(0.02, 1),
    "min_samples_leaf": randint(1, 20),
    "criterion": ["gini", "entropy"],
}


def seconds_of(search):
    """Seconds that a search spent on fits and scores."""
    return sum(fold.fit_time + fold.score_time for trial in search.history_ for fold in trial.evaluated)


search = HyperbandSearchCV(forest, space, random_state=0)
plan = search.plan(X, y)
print(f"The plan, before the first fit:\n\n{plan}\n")

search.fit(X, y)
print(f"The resource is {search.resource_}. Candidates on each rung: {search.n_candidates_}.")
correlations = ", ".join(f"{rho:.2f}" for rho in search.rung_correlations_)
print(f"Rank correlation of the scores of each rung with the next one: {correlations}")
print(f"\nThe best candidates:\n\n{search.leaderboard_text(5)}\n")

n_iter = round(plan.full_fits / search.n_splits_)
random = RandomSearch(forest, space, n_iter=n_iter, random_state=0).fit(X, y)
print(f"{'':30} {'candidates':>10} {'seconds':>8} {'CV score':>9} {'new rows':>9}")
for name, fitted, n in (
    ("HyperbandSearchCV", search, plan.n_candidates),
    ("RandomSearch, equal training", random, n_iter),
):
    print(
        f"{name:30} {n:10} {seconds_of(fitted):8.1f} {fitted.best_score_:9.4f} {fitted.score(X_test, y_test):9.4f}"
    )
