"""Keep many searches in a folder, and compare them.

Each search writes a journal. The folder tells which searches are running, which have ended and which were killed, and
which of them compare: those on the same data and folds with the same metric are a group. The same table is printed by
``python -m skhpt list runs``.
"""

import tempfile
from pathlib import Path

from scipy.stats import loguniform, randint
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt import RandomSearch, read_journals
from skhpt.cli.main import main

X, y = load_breast_cancer(return_X_y=True)
cv = StratifiedKFold(5, shuffle=True, random_state=0)
searches = {
    "neighbors": (KNeighborsClassifier(), {"n_neighbors": randint(1, 40)}),
    "linear": (LogisticRegression(max_iter=1000), {"C": loguniform(1e-3, 1e2)}),
    "tree": (DecisionTreeClassifier(random_state=0), {"max_leaf_nodes": randint(2, 40)}),
}

with tempfile.TemporaryDirectory() as folder:
    runs = Path(folder)
    for name, (model, params) in searches.items():
        prefix = type(model).__name__.lower()
        space = {f"{prefix}__{parameter}": values for parameter, values in params.items()}
        pipeline = make_pipeline(StandardScaler(), model)
        journal = runs / f"{name}.jsonl"
        RandomSearch(pipeline, space, n_iter=8, cv=cv, random_state=0, journal=journal).fit(X, y)
    # Other data: its score does not compare with the others.
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier())
    space = {"kneighborsclassifier__n_neighbors": randint(1, 40)}
    journal = runs / "half of the rows.jsonl"
    RandomSearch(pipeline, space, n_iter=8, cv=cv, random_state=0, journal=journal).fit(X[::2], y[::2])

    main(["list", folder])

    journals = read_journals(runs)
    rows = journals.rows()
    group = rows[0]["group"]
    best = max((row for row in rows if row["group"] == group), key=lambda row: row["best_score"])
    print(f"\nbest of the group {group}: {best['name']} with {best['best_score']:.4f}")

    print("\nThe best candidates")
    print(journals[[row["name"] for row in rows].index(best["name"])].leaderboard_text(3))
