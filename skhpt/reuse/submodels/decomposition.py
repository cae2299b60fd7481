"""Principal components: a full decomposition contains the components of every smaller number of components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.decomposition import PCA, _pca

from skhpt._typing import ArrayLike, Params
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state

try:
    # the number of components of ``n_components="mle"``
    from sklearn.decomposition._pca import _infer_dimension

    # the DataFrame of `set_output`
    from sklearn.utils._set_output import _wrap_data_with_container
except ImportError:  # another version of scikit-learn
    _infer_dimension = _wrap_data_with_container = None


@dataclass
class _FullDecomposition:
    """Decomposition with all its components.

    Attributes
    ----------
    model : PCA
        The fitted model.
    output : array of shape (n_samples, n_components) or None
        The transformed training rows, if the solver computes them from the decomposition.
    """

    model: PCA
    output: np.ndarray | None


def _can_keep_all(pca: PCA) -> bool:
    solvers = ("auto", "full", "covariance_eigh")
    return _wrap_data_with_container is not None and pca.svd_solver in solvers and bool(pca.copy)


def _all_components(estimators: Sequence[PCA], parameters: Sequence[str]) -> Params:
    return {"n_components": None}


def _decompose(pca: PCA, X: ArrayLike, y: ArrayLike) -> _FullDecomposition | None:
    if get_config().get("array_api_dispatch") or not hasattr(X, "shape"):
        return None
    solver = _solver_for_any_number(pca, X)
    if solver is None:
        return None
    model = clone(pca).set_params(n_components=None).set_output(transform="default")
    output = None
    if solver == "full":
        output = model.fit_transform(X)
    else:
        model.fit(X)
    vars(model).pop("_sklearn_output_config", None)  # written by `set_output`; each view has its own
    if model._fit_svd_solver != solver:  # the solver that scikit-learn chose
        return None
    return _FullDecomposition(model, output)


def _solver_for_any_number(pca: PCA, X: Any) -> str | None:
    """Return the solver if it is the same for every number of components, else None."""
    n_samples, n_features = X.shape
    solver: str | None = pca.svd_solver
    if solver == "auto":  # the rules of scikit-learn
        if issparse(X):
            solver = None
        elif n_features <= 1000 and n_samples >= 10 * n_features:
            solver = "covariance_eigh"
        else:
            solver = "full" if max(n_samples, n_features) <= 500 else None
    if solver == "covariance_eigh" and n_samples < n_features:
        return None  # finds more components than PCA may keep
    return solver


def _variances_as_in_fit(model: PCA) -> np.ndarray:
    """Return the variances of all components in the memory layout of a fit, which affects the rounding of sums."""
    variances: np.ndarray = model.explained_variance_
    return variances if model._fit_svd_solver == "full" else variances[::-1].copy()[::-1]


def _n_components(model: PCA, n_components: Any) -> Any:
    """Return the number of components that a separate fit would keep, or None if it would fail."""
    n_samples, n_features = model.n_samples_, model.n_features_in_
    if n_components is None:
        return min(n_samples, n_features)
    if isinstance(n_components, str):
        return _maximum_likelihood_number(model) if n_samples >= n_features else None
    if not 0 <= n_components <= min(n_samples, n_features):
        return None
    is_share = not isinstance(n_components, Integral) and 0 < n_components < 1
    return _n_for_share(model, n_components) if is_share else n_components


def _maximum_likelihood_number(model: PCA) -> Any:
    try:
        return _infer_dimension(_variances_as_in_fit(model), model.n_samples_)
    except ValueError:  # variances that are almost zero
        return None


def _n_for_share(model: PCA, share: float) -> Any:
    """Return the number of components that explain more than a share of the variance."""
    # The function that this version of scikit-learn uses.
    cumulative_sum = getattr(_pca, "stable_cumsum", np.cumsum)
    return np.searchsorted(cumulative_sum(model.explained_variance_ratio_), share, side="right") + 1


def _first_components(full: _FullDecomposition | None, estimator: PCA) -> PCA | None:
    if full is None:
        return None
    model = full.model
    n = _n_components(model, estimator.n_components)
    if n is None:
        return None
    changed: Params = {"n_components_": n, "noise_variance_": 0.0}
    for name in ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
        changed[name] = np.array(getattr(model, name)[:n], order="K")
    if n < min(model.n_samples_, model.n_features_in_):
        changed["noise_variance_"] = np.mean(_variances_as_in_fit(model)[n:])
    if full.output is not None:
        changed["_transformed"] = full.output  # for `_transformed_rows`, which removes the attribute
    return with_fitted_state(estimator, model, **changed)


def _transformed_rows(view: PCA, output: ArrayLike, X: ArrayLike) -> ArrayLike:
    """Return the output of ``fit_transform``: the solver "full" takes it from the decomposition, without a product."""
    transformed = vars(view).pop("_transformed", None)
    if transformed is not None:
        order = "F" if transformed.flags.f_contiguous else "K"  # also with a single column
        columns = transformed[:, : view.n_components_].copy(order=order)
        return _wrap_data_with_container("transform", columns, X, view)
    if view._fit_svd_solver == "covariance_eigh":
        return view.transform(X)
    return clone(view).fit_transform(X)


register_submodel(
    PCA,
    "n_components",
    _first_components,
    is_exact=_can_keep_all,
    widest=_all_components,
    fit=_decompose,
    output=_transformed_rows,
)
