"""Principal components that share a full decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import COMPONENTS, make_data


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_components_and_output_have_the_memory_layout_of_a_separate_fit(solver: str) -> None:
    pandas = pytest.importorskip("pandas")
    X, _, _ = make_data("numbers")
    frame = pandas.DataFrame(X, columns=list("abcdefghij"))
    base = PCA(svd_solver=solver).set_output(transform="pandas")
    [submodel] = submodels_of(base)
    full = submodel.fit(clone(base), frame, None)
    for params in COMPONENTS:
        separate = clone(base).set_params(**params)
        expected = separate.fit_transform(frame)
        view = submodel.view(full, clone(separate))
        for output in (submodel.output(view, None, frame), submodel.output(view, None, frame)):
            pandas.testing.assert_frame_equal(output, expected, check_exact=True)
            assert output.to_numpy().strides == expected.to_numpy().strides
        assert view.components_.strides == separate.components_.strides
        assert view.noise_variance_ == separate.noise_variance_
        assert view.score(frame) == separate.score(frame)


@pytest.mark.parametrize(
    ("n_samples", "n_components", "has_view"),
    [
        pytest.param(600, 3, False, id="a separate fit may be randomized"),
        pytest.param(500, 3, True, id="a separate fit is a full decomposition"),
        pytest.param(500, 91, False, id="more components than features"),
    ],
)
def test_a_view_needs_the_solver_of_a_separate_fit(n_samples: int, n_components: int, has_view: bool) -> None:
    X = np.random.default_rng(0).random((n_samples, 90))
    [submodel] = submodels_of(PCA())
    view = submodel.view(submodel.fit(PCA(), X, None), PCA(n_components))
    assert (view is not None) == has_view
