"""Candidates that differ in what ``get_params`` does not show, or whose parts are equal but not the same."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skhpt.reuse.keys import planning_copy, sharing_key
from tests.reuse.comparison import CLASSES, Case, assert_same_scores, n_saved

X, y = CLASSES


class Shift(TransformerMixin, BaseEstimator):
    """Transformer that replaces all columns but one by noise; the others of this file keep another column."""

    def __init__(self, scale: Any = 1.0):
        self.scale = scale

    def fit(self, X: Any, y: Any = None) -> Shift:
        return self

    def column(self) -> int:
        return 0

    def transform(self, X: Any) -> Any:
        return X[:, [self.column()]] * float(self.scale)


class SetsAnAttribute(Shift):
    """Accepts a setting that `get_params` does not show, and keeps it in clones."""

    _column = 0

    def column(self) -> int:
        return self._column

    def set_params(self, **params: Any) -> SetsAnAttribute:
        self._column = params.pop("column", self._column)
        return super().set_params(**params)

    def __sklearn_clone__(self) -> SetsAnAttribute:
        return deepcopy(self)


class SetsInPlace(SetsAnAttribute):
    """Keeps the setting in a dict, to which it writes."""

    def __init__(self, scale: Any = 1.0):
        super().__init__(scale)
        self._settings: dict[str, int] = {}

    def column(self) -> int:
        return self._settings.get("column", 0)

    def set_params(self, **params: Any) -> SetsInPlace:
        if "column" in params:
            self._settings["column"] = params.pop("column")
        return super().set_params(**params)


class SetsTheClass(Shift):
    """Writes the setting to its class."""

    where = 0

    def column(self) -> int:
        return self.where

    def set_params(self, **params: Any) -> SetsTheClass:
        if "column" in params:
            type(self).where = params.pop("column")
        return super().set_params(**params)


class Hides(Shift):
    """Leaves a parameter out of `get_params`."""

    def __init__(self, scale: Any = 1.0, number: int = 0):
        super().__init__(scale)
        self.number = number

    def column(self) -> int:
        return self.number

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return ["scale"]

    def set_params(self, **params: Any) -> Hides:
        vars(self).update(params)
        return self

    def __sklearn_clone__(self) -> Hides:
        return Hides(self.scale, self.number)


class Property(Shift):
    """Has a parameter that is a property, which also sets something else and always looks the same."""

    def __init__(self, scale: Any = 1.0, number: int = 0):
        super().__init__(scale)
        self.number = number

    @property
    def number(self) -> int:
        return 0

    @number.setter
    def number(self, value: int) -> None:
        self._number = value

    def __sklearn_clone__(self) -> Property:
        return deepcopy(self)

    def column(self) -> int:
        return self._number


class Intercepts(Shift):
    """Stores a parameter under another name."""

    def __init__(self, scale: Any = 1.0, number: Any = 0):
        super().__init__(scale)
        self.number = number

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "number" and value:
            vars(self)["_hidden"] = value
        vars(self)[name] = 0 if name == "number" else value

    def __sklearn_clone__(self) -> Intercepts:
        return deepcopy(self)

    def column(self) -> int:
        return int(vars(self).get("_hidden", 0))


class AlwaysEqual:
    """Number whose equality and hash lie."""

    def __init__(self, number: float):
        self.number = number

    def __float__(self) -> float:
        return float(self.number)

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class EqualModel(ClassifierMixin, BaseEstimator):
    """Model whose equality and hash lie."""

    def __init__(self, label: int = 0):
        self.label = label

    def fit(self, X: Any, y: Any) -> EqualModel:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.where(X[:, 0] > X[0, 0], self.classes_[self.label], self.classes_[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqualModel)

    def __hash__(self) -> int:
        return 1


class EqualStep(Shift):
    """Transformer that is equal to "passthrough" too, so that scikit-learn skips it."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Generation(Shift):
    """Clones differ from each other: each copy of a value is another one."""

    def __sklearn_clone__(self) -> Generation:
        copied = Generation(self.scale)
        copied._column = self._column
        return copied

    _column = 0

    def column(self) -> int:
        return self._column


def generation(column: int) -> Generation:
    made = Generation()
    made._column = column
    return made


def behind(estimator: Any, /, **grid: Any) -> Case:
    """Make a search over a step and the model behind it."""
    pipe = Pipeline([("step", estimator), ("model", LogisticRegression(max_iter=30))])
    return Case(pipe, grid | {"model__C": [0.1, 1.0]}, options={"cv": 2})


CASES = {
    "attribute": behind(SetsAnAttribute(), step__column=[0, 2, 3]),
    "attribute and parameter": behind(SetsAnAttribute(), step__column=[0, 2], step__scale=[1.0, 2.0]),
    "dict that is written to": behind(SetsInPlace(), step__column=[0, 2, 3]),
    "class": behind(SetsTheClass(), step__column=[0, 2, 3]),
    "parameter that is not listed": behind(Hides(), step__number=[0, 2, 3]),
    "property": behind(Property(), step__number=[0, 2, 3]),
    "assignment": behind(Intercepts(), step__number=[0, 2, 3]),
    "inside another estimator": Case(
        make_pipeline(make_pipeline(StandardScaler(), SetsAnAttribute()), GaussianNB()),
        {"pipeline__setsanattribute__column": [0, 2, 3], "gaussiannb__var_smoothing": [1e-9, 0.1]},
    ),
    "clones that keep state": behind(generation(0), step=[generation(0), generation(2), generation(3)]),
    "values whose equality lies": behind(
        Shift(), step__scale=[AlwaysEqual(1), AlwaysEqual(0), AlwaysEqual(5)]
    ),
    "steps whose equality lies": behind(EqualStep(), step__scale=[0.0, 1.0]),
    "models whose equality lies": Case(EqualModel(), {"label": [0, 1, 2, 1]}),
    "choices whose equality lies": Case(
        make_pipeline(StandardScaler(), EqualModel()),
        {"equalmodel": [EqualModel(0), EqualModel(1), EqualModel(2)]},
    ),
    "functions with the same name": Case(
        make_pipeline(FunctionTransformer(), GaussianNB()),
        {
            "functiontransformer__func": [lambda X: X[:, :1], lambda X: X[:, 2:3]],
            "gaussiannb__var_smoothing": [1e-9, 0.1],
        },
    ),
    "dicts in another order": Case(
        make_pipeline(FunctionTransformer(lambda X, **kw: X[:, [kw.popitem()[1]]]), GaussianNB()),
        {
            "functiontransformer__kw_args": [{"a": 0, "b": 2}, {"b": 2, "a": 0}],
            "gaussiannb__var_smoothing": [0.1, 1],
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hidden_settings_of_candidates_count(name: str) -> None:
    assert_same_scores(CASES[name])


def test_a_step_before_an_uncertain_one_is_shared_and_the_report_names_the_uncertain_one() -> None:
    pipe = make_pipeline(StandardScaler(), SetsAnAttribute(), GaussianNB())
    search = assert_same_scores(Case(pipe, {"setsanattribute__scale": [1.0, 2.0]}))
    assert n_saved(search) == 3  # the scaler, on three folds
    report = str(search.reuse_report_)
    assert "get_params of setsanattribute: SetsAnAttribute might not show all of its settings" in report
    search = assert_same_scores(Case(pipe, {"setsanattribute__column": [0, 2]}))
    assert "get_params does not show the value of setsanattribute__column that was set" in str(
        search.reuse_report_
    )


def test_the_users_own_estimator_is_not_changed_by_the_plan() -> None:
    estimator = SetsInPlace()
    assert_same_scores(behind(estimator, step__column=[0, 2, 3]))
    assert estimator._settings == {}


FITTED = GaussianNB().fit(X, y)


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.0, True, np.int64(1), np.float64(1.0), np.float32(1.0)),
        (0.0, -0.0, 0j, -0j),
        (np.eye(3, 2), np.asfortranarray(np.eye(3, 2)), np.eye(6, 2)[::2], np.eye(3, 2, dtype=np.float32)),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0]), np.array([1, 2])),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, [("a", 1), ("b", 2)]),
        (SetsAnAttribute(), SetsAnAttribute()),
        (Shift(SetsAnAttribute()), Shift(SetsAnAttribute()), Shift(Shift())),
        (FrozenEstimator(FITTED), FrozenEstimator(clone(FITTED).fit(X, y)), FITTED),
        (len, max, np.sum),
        (AlwaysEqual(1), AlwaysEqual(1)),
    ],
    ids=lambda values: type(values[0]).__name__,
)
def test_values_that_might_differ_have_different_keys(values: tuple[Any, ...]) -> None:
    assert len(set(map(sharing_key, values))) == len(values)


@pytest.mark.parametrize(
    "make",
    [
        lambda: 1.5,
        lambda: np.nan,
        lambda: [1, (2, "a"), {"b": None}, {3, 4}],
        lambda: np.arange(6.0).reshape(2, 3),
        lambda: np.float32(0.1),
        lambda: make_pipeline(StandardScaler(), Shift(2), LogisticRegression(C=0.1)),
        lambda: FITTED,
        lambda: FunctionTransformer(np.log1p),
    ],
)
def test_equal_values_have_equal_keys(make: Any) -> None:
    assert sharing_key(make()) == sharing_key(planning_copy(make()))


def test_values_that_copy_as_they_like_have_no_certain_key() -> None:
    class Copies:
        def __deepcopy__(self, memo: Any) -> Copies:
            return Copies()

    class Plain:
        pass

    copies, plain = Copies(), Plain()
    assert sharing_key(copies) != sharing_key(copies)
    assert sharing_key(plain) == sharing_key(plain)
