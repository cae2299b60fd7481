"""Folds are drawn once, and stored where the splitter would not draw them again."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit
from sklearn.naive_bayes import GaussianNB

from skhpt import BayesSearchCV, GridSearch, HyperbandSearchCV
from skhpt.session.folds import draw_folds, folds_from_json
from tests.estimators import Null

X = np.zeros((12, 1))
Y = np.arange(12) % 3


def draw(cv):
    return draw_folds(cv, X, Y, classifier=True, split_params={})


class Foreign:
    """A splitter of another package."""

    def get_n_splits(self, X=None, y=None):
        return 2

    def split(self, X, y=None):
        rows = np.arange(len(X))
        yield rows[::2], rows[1::2]
        yield rows[1::2], rows[::2]


@pytest.mark.parametrize("cv", [3, KFold(3), PredefinedSplit(Y), ShuffleSplit(2, random_state=0)])
def test_folds_that_can_be_drawn_again_are_not_stored(cv):
    folds = draw(cv)
    assert folds.is_reproducible
    assert folds.to_json() == {}
    assert folds.were_drawn_by(cv)


def test_folds_that_cannot_be_drawn_again_are_stored():
    folds = draw(ShuffleSplit(2))
    stored = json.loads(json.dumps(folds.to_json()))
    restored = folds_from_json(ShuffleSplit(2), stored)
    assert not folds.is_reproducible
    for split, same in zip(folds, restored, strict=True):
        np.testing.assert_array_equal(split[0], same[0])
        np.testing.assert_array_equal(split[1], same[1])


def test_stored_folds_of_another_splitter_are_not_used():
    stored = draw(ShuffleSplit(2)).to_json()
    assert folds_from_json(ShuffleSplit(3), stored) is None
    assert folds_from_json(KFold(2), {}) is None


def test_folds_of_a_splitter_from_another_package_are_not_stored():
    folds = draw(Foreign())
    assert not folds.is_reproducible
    assert folds.to_json() == {}


@pytest.mark.parametrize(
    ("cv", "message"), [(KFold, "must be an instance of a splitter"), ([], "No fits were performed")]
)
def test_bad_splitters_are_refused(cv, message):
    with pytest.raises(ValueError, match=message):
        draw(cv)


ROWS = np.arange(12)
IS_TEST = [i == ROWS % 3 for i in range(3)]


@pytest.mark.parametrize(
    "cv",
    [
        [(~mask, mask) for mask in IS_TEST],
        [((~mask).tolist(), mask.tolist()) for mask in IS_TEST],
        [(ROWS[~mask] - 12, ROWS[mask]) for mask in IS_TEST],
        [(ROWS[~mask].astype("uint8"), tuple(ROWS[mask])) for mask in IS_TEST],
        ((pd.Series(ROWS[~mask]), pd.Series(mask)) for mask in IS_TEST),
    ],
    ids=["masks", "lists of booleans", "negative numbers", "other integers", "columns of tables"],
)
def test_masks_and_negative_numbers_are_row_numbers(cv):
    for (train, test), mask in zip(draw(cv), IS_TEST, strict=True):
        assert (train.tolist(), test.tolist()) == (ROWS[~mask].tolist(), ROWS[mask].tolist())


def test_rows_may_occur_twice_and_in_both_parts():
    (split,) = draw([(np.r_[ROWS, ROWS[:3]], ROWS)])
    assert [len(part) for part in split] == [15, 12]


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([(ROWS[:6], [6, 12])], "the test rows of fold 0 have the number 12, but the data have 12 rows"),
        ([(ROWS, ROWS), (ROWS - 15, ROWS)], "the training rows of fold 1 have the number -15"),
        ([(ROWS[:6], ROWS[:0])], "the test rows of fold 0 are empty"),
        ([(ROWS < 0, ROWS > 3)], "the training rows of fold 0 are empty"),
        ([(ROWS[:6] * 1.0, ROWS[6:])], r"the training rows of fold 0 must be integers .*, got array\(\[0"),
        ([(["a"], ["b"])], r"the training rows of fold 0 must be integers .*, got \['a'\]"),
        ([(ROWS[:, np.newaxis], ROWS)], r"must be one-dimensional, got an array of shape \(12, 1\)"),
        (
            [(np.ones(9, bool), ROWS)],
            "the training rows of fold 0 are a mask of 9 rows, but the data have 12",
        ),
        ([((ROWS < 6) * 1, ROWS)], "look like a mask of the integers 0 and 1"),
        ([ROWS, ROWS], "fold 0 of cv must be a pair of the training and the test rows, got array"),
        ([(ROWS, ROWS), None], "fold 1 of cv must be a pair .*, got None"),
        ([(ROWS, ROWS, ROWS)], "fold 0 of cv must be a pair"),
        ([(ROWS, None)], "the test rows of fold 0 must be one-dimensional"),
    ],
)
@pytest.mark.parametrize("make", [GridSearch, BayesSearchCV, HyperbandSearchCV])
def test_folds_that_are_no_rows_of_the_data_are_refused(cv, message, make, monkeypatch):
    monkeypatch.setattr(Null, "fit", lambda *args: pytest.fail("something was fitted"))
    with pytest.raises(ValueError, match=message):
        make(Null(), {"value": [0, 1]}, cv=cv).fit(X, Y)


def test_masks_serve_as_folds_whatever_the_resource(iris):
    masks = [(np.arange(150) % 3 != i, np.arange(150) % 3 == i) for i in range(3)]
    numbers = [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in masks]
    for resource in ("n_samples", "folds"):
        options = {"resource": resource, "n_candidates": 3, "random_state": 0}
        tables = [
            HyperbandSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 0.1, 1.0]}, cv=cv, **options).fit(*iris)
            for cv in (masks, numbers)
        ]
        assert np.array_equal(*(table.cv_results_["mean_test_score"] for table in tables))
