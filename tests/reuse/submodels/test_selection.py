"""Recursive feature eliminations that share their steps."""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.feature_selection import RFE
from sklearn.linear_model import Ridge

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import assert_same, make_data


@pytest.mark.parametrize("step", [1, 3, 4, 0.25])
def test_an_elimination_ends_in_the_state_of_a_separate_fit(step: float) -> None:
    X, y, _ = make_data("numbers")
    base = RFE(Ridge(), step=step)
    [submodel] = submodels_of(base)
    elimination = submodel.fit(clone(base).set_params(n_features_to_select=2), X, y)
    for n_features in range(1, 12):
        view = submodel.view(elimination, clone(base).set_params(n_features_to_select=n_features))
        if not 2 <= n_features <= 10:
            assert view is None
            continue
        separate = clone(base).set_params(n_features_to_select=n_features).fit(X, y)
        assert_same(view.ranking_, separate.ranking_)
        assert_same(view.support_, separate.support_)
        assert_same(view.estimator_.coef_, separate.estimator_.coef_)
        assert view.n_features_ == separate.n_features_
