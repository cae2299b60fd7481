"""Steps whose state moves when they transform or predict are found by trying, and not shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skhpt.reuse.settled import are_equal, state_of, stays_as_it_is
from tests.reuse.comparison import CLASSES, DEPTHS, TREE, Case, assert_same_scores, n_saved, pipe

X, y = CLASSES
HOLES = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
METRICS = {"scoring": ["accuracy", "f1_macro", "neg_log_loss"]}


class Moving(TransformerMixin, BaseEstimator):
    """Transformer whose output depends on the number of its calls, which it keeps in a list."""

    def fit(self, X: Any, y: Any = None) -> Moving:
        self.calls_ = [0]
        return self

    def transform(self, X: Any) -> Any:
        self.calls_[0] += 1
        return X + np.sin(np.arange(len(X)) * self.calls_[0])[:, None]


class MovingLate(Moving):
    """Moves its state at once, but its output from the third call on."""

    def transform(self, X: Any) -> Any:
        self.calls_[0] += 1
        return X + (np.sin(np.arange(len(X)))[:, None] if self.calls_[0] > 2 else 0)


class Adapting(Moving):
    """Centres rows by a running mean."""

    def fit(self, X: Any, y: Any = None) -> Adapting:
        self.mean_ = np.mean(X, axis=0)
        return self

    def transform(self, X: Any) -> Any:
        self.mean_ = 0.5 * self.mean_ + 0.5 * np.mean(X[:5], axis=0)
        return X - self.mean_


class Outside(Moving):
    """Keeps its state in a generator that belongs to the class, and starts it in `fit`."""

    generator: Any = None

    def fit(self, X: Any, y: Any = None) -> Outside:
        Outside.generator = np.random.default_rng(0)
        return self

    def transform(self, X: Any) -> Any:
        return X + Outside.generator.normal(size=X.shape)


class Guessing(ClassifierMixin, BaseEstimator):
    """Model that guesses with a generator that `fit` seeds."""

    def __init__(self, seed: int = 0):
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Guessing:
        self.classes_ = np.unique(y)
        self.rng_ = np.random.default_rng(self.seed)
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.rng_.dirichlet(np.ones(len(self.classes_)), size=len(X))

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Lazy(Moving):
    """Computes something when it first transforms, and keeps it."""

    def fit(self, X: Any, y: Any = None) -> Lazy:
        return self

    def transform(self, X: Any) -> Any:
        if not hasattr(self, "table_"):
            self.table_ = np.arange(3.0)
        return X * 2


def _closure() -> Any:
    calls = [0]

    def shift(X: Any) -> Any:
        calls[0] += 1
        return X + np.sin(np.arange(len(X)) + calls[0] % 5)[:, None]

    return shift


def _last(model: Any, **options: Any) -> Case:
    return Case(
        pipe(StandardScaler(), model),
        {f"b__{name}": values for name, values in options.items()},
        options=METRICS,
    )


def _before(step: Any, data: Any = CLASSES) -> Case:
    return Case(pipe(step, TREE), {"b__max_depth": DEPTHS}, data, options=METRICS)


VOTE = VotingClassifier([("guess", Guessing()), ("nb", GaussianNB())], voting="soft")
STACK = StackingClassifier([("guess", Guessing()), ("nb", GaussianNB())], LogisticRegression())
CASES = {
    "list": _before(Moving()),
    "late": _before(MovingLate()),
    "running mean": _before(Adapting()),
    "outside": _before(Outside()),
    "in a pipeline": _before(make_pipeline(StandardScaler(), Moving())),
    "branch of a union": _before(FeatureUnion([("a", Moving()), ("b", StandardScaler())])),
    "branch of columns": _before(ColumnTransformer([("a", Moving(), [0, 1]), ("b", StandardScaler(), [2])])),
    "imputer that draws": _before(
        IterativeImputer(max_iter=2, sample_posterior=True, random_state=0), (HOLES, y)
    ),
    "the same model again": _last(Guessing(), seed=[0, 0, 1, 1]),
    "dummy with a generator": _last(
        DummyClassifier(strategy="uniform", random_state=np.random.RandomState(0)), constant=[None, None]
    ),
    "member of a vote": _last(VOTE, weights=[[1, 2], [2, 1], [1, 1]]),
    "member of a bag": _last(
        BaggingClassifier(Guessing(), n_estimators=3, random_state=0), n_estimators=[2, 3, 5]
    ),
    "member of a stack": _last(STACK, final_estimator__C=[0.1, 1.0, 10.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_part_whose_state_moves_transforms_and_predicts_for_each_candidate(name: str) -> None:
    assert_same_scores(CASES[name])


def test_the_report_names_the_step_whose_state_moves() -> None:
    search = assert_same_scores(_before(Moving()))
    assert "a: Moving changes when it transforms or predicts" in str(search.reuse_report_)


@pytest.mark.parametrize("step", [Lazy(), FunctionTransformer(lambda X: X + 1), IterativeImputer(max_iter=2)])
def test_a_step_whose_state_stays_is_shared(step: Any) -> None:
    search = assert_same_scores(_before(step))
    assert n_saved(search) == 2 * 3  # for two of three candidates, on three folds


def test_a_function_that_counts_its_calls_is_found_out() -> None:
    transformer = FunctionTransformer(_closure()).fit(X)
    assert not stays_as_it_is(transformer, "transform", X, transformer.transform(X))


def test_states_are_compared_by_content() -> None:
    class Local:
        def __init__(self, value: Any):
            self.value = value

    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    assert state_of(tree) == state_of(tree)
    local = Local([lambda: 1, np.arange(3), np.random.default_rng(0)])
    before = state_of(local)
    assert before is not None
    assert state_of(local) == before
    local.value[2].normal()
    assert state_of(local) != before
    assert state_of(row for row in X) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (np.array(["a", None, "b"], object), np.array(["a", None, "".join("b")], object), True),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0], np.float32), False),
        (pd.DataFrame({"a": [1, None]}), pd.DataFrame({"a": [1, None]}), True),
        (sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.eye(2)), True),
        (sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(2 * np.eye(2)), False),
        (sparse.csc_matrix(np.eye(2)), sparse.csc_matrix(np.eye(2)), True),
        ([["a"], ["b"]], [["a"], ["b"]], True),
        ([["a"], ["b"]], [["a"], ["c"]], False),
    ],
)
def test_outputs_are_compared_by_content(one: Any, other: Any, same: bool) -> None:
    assert are_equal(one, other) == same
