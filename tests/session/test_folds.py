"""Folds are drawn once, and stored where the splitter would not draw them again."""

import json

import numpy as np
import pytest
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit

from skhpt.session.folds import draw_folds, folds_from_json

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
