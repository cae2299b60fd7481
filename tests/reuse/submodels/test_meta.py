"""Stacks that share their members."""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import Ridge

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import CLASSIFIERS, make_data


def test_a_final_estimator_of_the_wrong_kind_raises_the_error_of_scikit_learn() -> None:
    X, y, _ = make_data("classes")
    stack = StackingClassifier(CLASSIFIERS)
    [submodel] = submodels_of(stack)
    members = submodel.fit(clone(stack).set_params(final_estimator=Ridge()), X, y)
    with pytest.raises(ValueError, match="should be a classifier"):
        submodel.view(members, clone(stack).set_params(final_estimator=Ridge()))
