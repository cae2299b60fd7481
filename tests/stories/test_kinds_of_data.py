"""Kinds of data: what scikit-learn's search accepts is accepted, with equal scores, with and without a journal."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV, ManualSearch, RandomSearch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + RNG.normal(size=60) > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))
TEXTS = [f"{'good' if label else 'bad'} film {row % 7}" for row, label in enumerate(Y)]
SPARSE = sparse.random(60, 9, 0.4, random_state=0, format="csr")
BAYES = (make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9, 0.5, 2.0]})
RIDGE = (RidgeClassifier(solver="lsqr"), {"alpha": [0.1, 1.0, 30.0]})
WORDS = (make_pipeline(CountVectorizer(), MultinomialNB()), {"multinomialnb__alpha": [0.1, 1.0, 9.0]})


class OnlyArray:
    """Has nothing but ``__array__`` and a length."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __len__(self):
        return len(self.values)


class Rows(OnlyArray):
    """Can be indexed by rows too."""

    @property
    def shape(self):
        return self.values.shape

    def __getitem__(self, rows):
        return Rows(self.values[rows])


class OwnArray(np.ndarray):
    pass


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def arrow(values):
    pa = pytest.importorskip("pyarrow")
    return pa.table(dict(values)) if isinstance(values, pd.DataFrame) else pa.array(values)


def chunks(values):
    return pytest.importorskip("pyarrow").chunked_array([values[:20], values[20:]])


def polars(values):
    pl = pytest.importorskip("polars")
    return pl.DataFrame(values.to_dict("list")) if isinstance(values, pd.DataFrame) else pl.Series(values)


#: Names, the estimator and its space, and functions that make the data.
KINDS = {
    "lists": (BAYES, lambda: (X.tolist(), Y.tolist())),
    "only __array__": (BAYES, lambda: (OnlyArray(X), OnlyArray(Y))),
    "__array__ and rows": (BAYES, lambda: (Rows(X), Y)),
    "subclass of ndarray": (BAYES, lambda: (X.view(OwnArray), Y)),
    "read-only": (BAYES, lambda: (read_only(X), read_only(Y))),
    "masked": (BAYES, lambda: (np.ma.array(X), np.ma.array(Y))),
    "objects": (BAYES, lambda: (X.astype(object), np.array(["no", "yes"], object)[Y])),
    "half precision": (BAYES, lambda: (X.astype(np.float16), Y.astype(np.uint8))),
    "odd index": (BAYES, lambda: (FRAME.set_index(FRAME.index[::-1] * 3), pd.Series(Y, index=[7] * 60))),
    "nullable": (BAYES, lambda: (FRAME.convert_dtypes(), pd.Series(Y).astype("Int64"))),
    "categories": (BAYES, lambda: (FRAME, pd.Series(np.array(["no", "yes"])[Y]).astype("category"))),
    "one column": (BAYES, lambda: (FRAME, pd.DataFrame({"target": Y}))),
    "texts": (WORDS, lambda: (TEXTS, Y)),
    "column of texts": (WORDS, lambda: (pd.Series(TEXTS, index=range(5, 65)), Y)),
    "polars": (BAYES, lambda: (polars(FRAME), polars(Y))),
    "polars texts": (WORDS, lambda: (polars(TEXTS), Y)),
    "pyarrow": (BAYES, lambda: (arrow(FRAME), arrow(Y))),
    "pyarrow chunks": (BAYES, lambda: (arrow(FRAME), chunks(Y))),
    "pyarrow texts": (BAYES, lambda: (X, arrow(np.array(["no", "yes"])[Y]))),
    "pyarrow types": (BAYES, lambda: (FRAME.convert_dtypes(dtype_backend=arrow([1]) and "pyarrow"), Y)),
    **{
        f"{format}_{kind}": (
            RIDGE,
            lambda name=f"{format}_{kind}": (getattr(sparse, name)(SPARSE), Y),
        )
        for format, kind in [
            *(("csr", "array"), ("csc", "matrix"), ("coo", "array"), ("coo", "matrix"), ("lil", "matrix")),
            *(("lil", "array"), ("dok", "array"), ("dok", "matrix"), ("dia", "array")),
        ]
    },
}


def scores(search):
    return search.cv_results_["mean_test_score"]


@pytest.mark.filterwarnings("ignore:y is a column-vector|A column-vector y")
@pytest.mark.parametrize("name", KINDS)
def test_scores_equal_those_of_scikit_learn(name, tmp_path, monkeypatch):
    monkeypatch.setattr("skhpt.search.corrected_score.affordable_bootstraps", lambda *args: 10)
    (estimator, grid), make = KINDS[name]
    theirs = GridSearchCV(estimator, grid, cv=3).fit(*make())
    for params in ({"reuse": False}, {"journal": tmp_path / "1.jsonl", "return_predictions": True}):
        ours = GridSearch(estimator, grid, cv=3, **params).fit(*make())
        np.testing.assert_array_equal(scores(ours), scores(theirs))
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        assert getattr(ours, "n_features_in_", None) == getattr(theirs, "n_features_in_", None)
    assert np.isfinite(ours.corrected_score_.score)
    again = GridSearch(estimator, grid, cv=3, **params, refit=False).fit(*make())
    np.testing.assert_array_equal(scores(again), scores(theirs))


@pytest.mark.parametrize("name", ["only __array__", "texts", "pyarrow"])
def test_other_searches_have_the_same_scores(name):
    (estimator, grid), make = KINDS[name]
    ((parameter, values),) = grid.items()
    theirs = dict(zip(values, scores(GridSearchCV(estimator, grid, cv=3).fit(*make())), strict=True))
    searches = [
        RandomSearch(estimator, grid, n_iter=3, random_state=0),
        ManualSearch(estimator, [{parameter: value} for value in values]),
        BayesSearchCV(estimator, grid, n_iter=3, random_state=0),
        HyperbandSearchCV(estimator, grid, n_candidates=3, random_state=0, resource="folds"),
        HyperbandSearchCV(estimator, grid, n_candidates=3, random_state=0, resource="n_samples"),
    ]
    for search in searches:
        search.set_params(cv=3).fit(*make())
        assert search.best_score_ == theirs[search.best_params_[parameter]]


@pytest.mark.parametrize("name", ["pyarrow"])
def test_worker_processes_get_the_same_data(name):
    (estimator, grid), make = KINDS[name]
    alone, together = (GridSearch(estimator, grid, cv=3, n_jobs=n).fit(*make()) for n in (1, 2))
    np.testing.assert_array_equal(scores(together), scores(alone))


@pytest.mark.parametrize("name", ["coo_matrix", "coo_array", "dok_array", "pyarrow"])
def test_a_journal_of_other_data_is_refused(name, tmp_path):
    (estimator, grid), make = KINDS[name]
    path = tmp_path / "search.jsonl"
    X, y = make()
    GridSearch(estimator, grid, cv=3, journal=path).fit(X, y)
    other = X.take(list(range(59, -1, -1))) if name == "pyarrow" else type(X)(sparse.csr_array(X)[::-1])
    with pytest.raises(ValueError, match="data"):
        GridSearch(estimator, grid, cv=3, journal=path).fit(other, y)


@pytest.mark.parametrize(
    "X, y, message",
    [
        (None, Y, "NoneType"),
        ((row for row in X), Y, "at least 1 dimension"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        ({"a": X[:, 0]}, Y, "inconsistent numbers of samples"),
        ("texts", Y, "inconsistent numbers of samples"),
    ],
)
def test_other_objects_are_refused(X, y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        GridSearch(LogisticRegression(), {"C": [1]}, error_score="raise").fit(X, y)
