"""End to end, as a person would work: a few tries, a grid, a random search that goes on; and the examples."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from scipy.stats import loguniform, randint
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from skhpt import GridSearch, ManualSearch, RandomSearch

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
# The README's first command, which CI runs.
EXAMPLES = [path for path in EXAMPLES if path.stem != "quickstart"]
#: Engines of the example on clusters, with their packages.
ENGINES = {"dask": "distributed", "ray": "ray"}


def test_a_persons_day(tmp_path, capsys):
    X, y = load_wine(return_X_y=True, as_frame=True)
    X["strength"] = pd.cut(X.pop("alcohol"), 3, labels=["light", "medium", "strong"]).astype(str)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["strength"]),
        (StandardScaler(), make_column_selector(dtype_include="number")),
    )
    pipeline = Pipeline([("columns", columns), ("classify", SVC())])
    common = {
        "cv": StratifiedKFold(4, shuffle=True, random_state=0),
        "scoring": ["accuracy", "f1_macro"],
        "refit": "f1_macro",
    }

    manual = ManualSearch(pipeline, [{}, {"classify__C": 10}], **common).fit(X_train, y_train)
    manual.evaluate(X_train, y_train, classify=RandomForestClassifier(20, random_state=0))
    assert "RandomForestClassifier" in capsys.readouterr().out

    branches = [
        {"classify": [SVC()], "classify__C": loguniform(0.1, 100), "classify__kernel": ["rbf", "linear"]},
        {"classify": [RandomForestClassifier(20, random_state=0)], "classify__max_depth": randint(1, 6)},
    ]
    grid = GridSearch(pipeline, branches, resolution=3, n_jobs=2, previous=manual, **common).fit(
        X_train, y_train
    )
    assert len(grid.history_) == 3 + 3 * 2 + 3
    assert grid.best_score_ >= manual.best_score_

    random = RandomSearch(
        pipeline, branches, n_iter=4, sampler="halton", unique=True, random_state=1, warm_start=True, **common
    )
    random.fit(X_train, y_train)
    (tmp_path / "search.pkl").write_bytes(pickle.dumps(random))
    random = pickle.loads((tmp_path / "search.pkl").read_bytes())  # the next morning
    random.set_params(n_iter=8).fit(X_train, y_train)
    assert len(random.history_) == 8

    for search in (manual, grid, random):
        assert search.score(X_test, y_test) > 0.85
        board = search.leaderboard(3)
        assert board["mean_test_f1_macro"].is_monotonic_decreasing
        assert board["mean_test_f1_macro"].iloc[0] == search.best_score_
    assert cross_val_score(grid.set_params(n_jobs=None, previous=None), X_test, y_test, cv=2).mean() > 0.8


def runs_of_examples():
    """Return all examples and their first arguments."""
    for path in EXAMPLES:
        if path.stem != "cluster":
            yield pytest.param(path, [], id=path.stem)
            continue
        for engine in ENGINES:
            yield pytest.param(path, [engine], id=f"cluster-{engine}")


@pytest.mark.slow
@pytest.mark.parametrize("example, arguments", list(runs_of_examples()))
def test_examples_run(example, arguments, tmp_path):
    for engine in arguments:
        pytest.importorskip(ENGINES[engine])
    pictures = [str(tmp_path / "picture.png")] if "sys.argv" in example.read_text() else []
    command = [sys.executable, str(example), *arguments, *pictures]
    with TemporaryDirectory(prefix="r") as short:  # Ray has sockets there, whose paths have at most 107 bytes
        folders = {**os.environ, "TMPDIR": short}
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=folders, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "The best candidates" in run.stdout
    assert all(Path(picture).stat().st_size > 10_000 for picture in pictures)
