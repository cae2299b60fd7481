"""Warnings point at the user's line, through any number of frames of the package."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from skhpt import BayesSearchCV, ManualSearch, RandomSearch, Space

X, Y = load_iris(return_X_y=True)


def sample_too_many():
    Space({"C": [1, 2]}).sample(3, 0, unique=True)


def reject_a_candidate():
    ManualSearch(SVC(), [{"C": 1}, {"C": 2}], constraint=lambda params: params["C"] > 1, cv=2).fit(X, Y)


def small_space():
    BayesSearchCV(SVC(), {"C": [1, 2]}, n_iter=5, cv=2, random_state=0).fit(X, Y)


def ignored_previous():
    previous = {"params": [{"C": 1}], "mean_test_score": np.array([0.5])}
    RandomSearch(SVC(), {"C": stats.uniform(1, 2)}, n_iter=1, cv=2, previous=previous).fit(X, Y)


def within_cross_val_score():
    cross_val_score(BayesSearchCV(SVC(), {"C": [1, 2]}, n_iter=5, cv=2, random_state=0), X, Y, cv=2)


@pytest.mark.parametrize(
    "warn", [sample_too_many, reject_a_candidate, small_space, ignored_previous, within_cross_val_score]
)
def test_the_place_of_a_warning_is_the_users_line(warn):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}
    assert {warning.lineno - warn.__code__.co_firstlineno for warning in caught} <= {1, 2}
