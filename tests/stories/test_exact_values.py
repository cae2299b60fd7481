"""Values in a journal: a resumed search has those of an uninterrupted one, with their types, or names what is not."""

import warnings
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from skhpt import GridSearch, ManualSearch, RandomSearch

DATA = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)


class Anything(ClassifierMixin, BaseEstimator):
    """Takes any value, and predicts what it is told to."""

    def __init__(self, value=None, predictions=None):
        self.value = value
        self.predictions = predictions

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X)) if self.predictions is None else self.predictions[: len(X)]


class Draws:
    """Distribution that can only be sampled, of given values."""

    def __init__(self, *values):
        self.values = values

    def rvs(self, random_state=None):
        return self.values[random_state.randint(len(self.values))]


def run(search):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scores that are not finite
        return search.fit(*DATA)


def described(value):
    """Return a value with the types of all its parts, and numbers to the last bit."""
    if isinstance(value, dict):
        return [type(value), [(described(key), described(item)) for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value), *map(described, value)]
    if isinstance(value, np.ndarray):
        return [value.dtype, value.shape, described(value.ravel().tolist())]
    return type(value), repr(value)


def trials(search):
    """Return all that a search knows of its trials but the times and workers, with the types of all values."""
    left_out = ("fit_time", "score_time", "started", "ended", "worker")
    found = []
    for trial in search.history_:
        folds = [asdict(fold) | dict.fromkeys(left_out) for fold in trial.folds]
        found.append(described([trial.candidate.params, folds]))
    return found


def check_resumed(make, path):
    """Check that a search with a journal, without one, and one that is read from a journal have the same trials."""
    expected = trials(run(make(journal=None)))
    assert trials(run(make(journal=path))) == expected
    assert trials(run(make(journal=path))) == expected


# -- scores --------------------------------------------------------------------------------------------------

SCORES = {
    "Decimal": Decimal("0.1"),
    "Fraction": Fraction(1, 3),
    "float32": np.float32(0.1),
    "longdouble": np.longdouble("0.1"),
    "float16": np.float16(0.1),
    "array without dimensions": np.array(0.25),
    "array of one element": np.array([0.25]),
    "integer": 3,
    "large integer": 2**1000 + 1,
    "numpy integer": np.int64(2**60 + 1),
    "boolean": True,
    "numpy boolean": np.bool_(False),
    "-0.0": -0.0,
    "subnormal": 5e-324,
    "small": 1.5e-300,
    "infinite": -np.inf,
    "NaN": float("nan"),
}


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("metric", [None, "a", 1])
def test_scores_of_any_type_of_number_are_resumed(score, metric, tmp_path):
    def scoring(estimator, X, y):
        return score if metric is None else {metric: score, "b": 0.5}

    def make(journal):
        return GridSearch(Anything(), {"value": [1, 2]}, scoring=scoring, cv=2, refit=False, journal=journal)

    check_resumed(make, tmp_path / "j")


@pytest.mark.parametrize(
    "score",
    [1j, 1 + 0j, np.complex64(1), np.clongdouble(1), 10**400, -(10**5000), Fraction(10**400, 1)],
    ids=type,
)
@pytest.mark.parametrize("journal", [False, True])
def test_scores_that_no_float_can_hold_are_refused_at_once(score, journal, tmp_path):
    n_calls = []

    def scoring(estimator, X, y):
        n_calls.append(1)
        return score

    search = GridSearch(Anything(), {"value": [1, 2]}, scoring=scoring, cv=2)
    search.set_params(journal=tmp_path / "j" if journal else None)
    with pytest.raises(
        ValueError, match="scoring must return a real number that a float can hold, got a value of"
    ):
        search.fit(*DATA)
    assert len(n_calls) == 1


# -- predictions ---------------------------------------------------------------------------------------------


def objects(*items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


PREDICTIONS = {
    "dates": np.array(["2026-11-29", "NaT", "1850-01-01"], dtype="M8[D]"),
    "times": np.array(["2026-11-29T10:00:00.5"] * 3, dtype="M8[ns]"),
    "time differences": np.array([1, 2, 3], dtype="m8[25s]"),
    "bytes": np.array([b"a", b"bc\0d", b""]),
    "big endian": np.arange(3, dtype=">f4"),
    "texts": np.array(["é", "", "\ud83d\ude00"]),
    "strings of a text column": objects("a", "\ud83d\ude00", None),
    "objects of numbers": objects(Decimal("0.10"), Fraction(1, 3), 2**70),
    "objects of numpy": objects(np.float32(0.1), np.int8(3), np.str_("a")),
    "objects of dates": objects(date(2026, 11, 29), datetime(1850, 1, 1, 3), timedelta(1, 2, 3)),
    "objects of bytes": objects(b"a", b"\xff\0", b""),
}


@pytest.mark.parametrize("predictions", PREDICTIONS.values(), ids=PREDICTIONS)
def test_predictions_of_any_type_are_resumed(predictions, tmp_path):
    def make(journal):
        estimator = Anything(predictions=predictions)
        options = {"scoring": lambda *_: 0.5, "return_predictions": True, "cv": 2, "refit": False}
        return GridSearch(estimator, {"value": [1]}, journal=journal, **options)

    check_resumed(make, tmp_path / "j")


@pytest.mark.parametrize(
    "predictions",
    [
        np.array([(1, 2.5)] * 3, dtype="i4,f8"),
        objects(*[object()] * 3),
        objects(*[{1, 2}] * 3),
        objects(*[Anything()] * 3),
        objects(datetime.now().astimezone(), 1, 2),
        objects(Decimal("sNaN"), 1, 2),
    ],
    ids=["records", "objects", "sets", "estimators", "times with a time zone", "signaling NaN"],
)
def test_predictions_that_cannot_be_written_are_refused_by_name(predictions, tmp_path):
    options = {"scoring": lambda *_: 0.5, "cv": 2, "refit": False, "return_predictions": True}
    search = GridSearch(Anything(predictions=predictions), {"value": [1, 2]}, **options)
    search.fit(*DATA)
    with pytest.raises(
        TypeError, match=r"candidate 0 on fold 0 cannot be written: .*set return_predictions=False"
    ):
        search.set_params(journal=tmp_path / "j").fit(*DATA)


# -- parameters ----------------------------------------------------------------------------------------------


class WithoutRepr:
    """Object whose texts fail."""

    def __repr__(self):
        raise RuntimeError("no text")


class WithStrangeRepr:
    """Object whose text is none."""

    def __repr__(self):
        return 3


VALUES = {
    "numbers": (0.1, -0.0, 5e-324, 1e300, 2**900, True, None),
    "numpy scalars": (np.float32(0.1), np.int64(3), np.bool_(True), np.str_("a")),
    "tuples of numpy scalars": ((np.int64(3), np.int64(4)), [np.float32(0.1)], {"a": np.int8(1)}),
    "texts": ("", "é\n", "\ud800", "\ud83d\ude00", "\U0001f600", "a" * 10_000, "nan"),
    "dicts": ({float("nan"): 1}, {"\ud83d\ude00": 1}, {(1, 2.5): [None]}, {}, {1: {"b": ()}}),
    "not finite": (float("nan"), float("inf"), (float("-inf"),)),
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_draws_are_resumed(values, tmp_path):
    def make(journal):
        options = {"n_iter": 8, "random_state": 0, "cv": 2, "refit": False, "scoring": lambda *_: 0.5}
        return RandomSearch(Anything(), {"value": Draws(*values)}, journal=journal, **options)

    check_resumed(make, tmp_path / "j")


OBJECTS = {
    **VALUES,
    "objects": (WithoutRepr(), WithStrangeRepr(), len, Anything(), {1, 2}, b"\xff", 1j, Decimal(1)),
    "arrays": (np.arange(3), np.array(3.0), np.array([WithoutRepr()], dtype=object)),
    "dates": (np.datetime64("2026-11-29"), date(2026, 11, 29)),
}


@pytest.mark.parametrize("kind", [GridSearch, ManualSearch])
@pytest.mark.parametrize("name", OBJECTS)
def test_listed_values_are_resumed(name, kind, tmp_path):
    values = OBJECTS[name]

    def make(journal):
        space = {"value": list(values)} if kind is GridSearch else [{"value": value} for value in values]
        return kind(Anything(), space, cv=2, refit=False, scoring=lambda *_: 0.5, journal=journal)

    expected = run(make(None))
    for _ in range(2):
        search = run(make(tmp_path / "j"))
        assert [trial.state for trial in search.history_] == ["ok"] * len(values)
        for trial, other in zip(search.history_, expected.history_, strict=True):
            assert type(trial.candidate.params["value"]) is type(other.candidate.params["value"])
    if name in VALUES:
        assert trials(search) == trials(expected)


def recursive(kind):
    value = kind()
    if kind is list:
        value.append(value)
    else:
        value["self"] = value
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_values_that_contain_themselves_are_refused_by_name(kind):
    value = recursive(kind)
    for search in (
        GridSearch(Anything(), {"value": [1, value]}, cv=2),
        GridSearch(Anything(), {"value": [(1, [value])]}, cv=2),
        RandomSearch(Anything(), {"value": [value]}, cv=2),
        ManualSearch(Anything(), [{"value": value}], cv=2),
    ):
        with pytest.raises(ValueError, match="parameter 'value' contains itself"):
            search.fit(*DATA)


@pytest.mark.parametrize(
    "value", [recursive(list), {1}, b"a", 1j, np.arange(2), 2**2000, WithoutRepr()], ids=type
)
def test_draws_that_cannot_be_written_are_refused_before_anything_is_fitted(value, tmp_path):
    search = RandomSearch(
        Anything(), {"value": Draws(value)}, n_iter=1, cv=2, scoring=lambda *_: 1 / 0, journal=tmp_path / "j"
    )
    with pytest.raises(TypeError, match="distribution of parameter 'value' cannot be written"):
        search.fit(*DATA)
