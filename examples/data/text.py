"""
Tune a text classifier: TF-IDF, feature selection and a linear model
====================================================================

A ``TfidfVectorizer`` turns texts into features, ``SelectKBest`` keeps the features that say most about the
class, and a linear model classifies. A grid search tunes all three steps. Its candidates share fits: texts
are read once for many values of the other parameters, and the scores are those of separate fits.
"""

# %%
# The data
# --------
# The texts are docstrings of functions and classes of SciPy, up to the first heading. The class of a text
# is the module: does the function belong to statistics, to signal processing, or to linear algebra?

import inspect
import re
from importlib import import_module

import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from skhpt import GridSearch
from skhpt.plots import SearchSliceDisplay

modules = [
    "fft",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "special",
    "stats",
]
module_of_text = {}
for name in modules:
    module = import_module(f"scipy.{name}")
    for member in sorted(module.__all__):
        docstring = inspect.getdoc(getattr(module, member)) or ""
        text = re.split(r"\n.*\n---", docstring)[0].strip()
        if len(text) > 50:
            module_of_text.setdefault(text, name)

texts, labels = list(module_of_text), list(module_of_text.values())
train, test, y_train, y_test = train_test_split(
    texts, labels, test_size=0.25, stratify=labels, random_state=0
)
print(f"{len(train)} texts, {len(test)} more for the test. One of them, from {y_train[0]}:\n{train[0]}")

# %%
# The plan of the search
# ----------------------
# ``plan`` shows the candidates and fits before the search. Without sharing, 48 candidates need 48 fits of
# each step on each fold, 720 in all. The plan has one fit of the vectorizer on each fold, because one
# reading of the texts serves all its settings, and four fits of the selection, because one ranking of the
# features serves all numbers of features. The linear model draws random numbers, so ``random_state`` must
# be set: without it, skhpt shares no fits, and the plan says so.

pipeline = Pipeline(
    [
        ("words", TfidfVectorizer(stop_words="english")),
        ("select", SelectKBest(chi2)),
        ("classify", LinearSVC(random_state=0)),
    ]
)
grid = {
    "words__min_df": [1, 2],
    "words__sublinear_tf": [False, True],
    "select__k": [100, 300, 1000, "all"],
    "classify__C": [0.1, 1, 10],
}
search = GridSearch(pipeline, grid, scoring="balanced_accuracy")
print(search.plan(train, y_train))

# %%
# The results
# -----------
# The score is the mean of the accuracies of the ten classes, so that small modules count as much as large
# ones.

search.fit(train, y_train)
print(search.leaderboard_text(5))

# %%
# ``reuse_report_`` compares the time that the fits took with the time of separate fits.

print(search.reuse_report_)

# %%
# The picture shows the score of each candidate by each parameter. The more features the better here, and a
# weak penalty (a large ``C``). Selecting features would make a smaller model, but not a better one.

SearchSliceDisplay.from_search(search)
plt.show()

# %%
# Which modules are confused
# --------------------------
# Rows are the modules of the test texts, columns are those that the best candidate predicts.

_, ax = plt.subplots(figsize=(6, 6), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    search, test, y_test, ax=ax, cmap="Blues", colorbar=False, xticks_rotation="vertical"
)
ax.set_title(f"balanced accuracy {search.score(test, y_test):.2f}")
plt.show()
