"""Ridge regressions that share the products of their data."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import make_data


def test_ridge_on_sparse_data_has_no_view() -> None:
    X, y, _ = make_data("sparse")
    [submodel] = submodels_of(Ridge())
    assert submodel.view(submodel.fit(Ridge(), X, y), Ridge()) is None


def test_singular_equations_have_no_view() -> None:
    [submodel] = submodels_of(Ridge())
    equations = submodel.fit(Ridge(), np.ones((20, 3)), np.arange(20))
    assert submodel.view(equations, Ridge(alpha=0)) is None
    assert submodel.view(equations, Ridge(alpha=1)) is not None
