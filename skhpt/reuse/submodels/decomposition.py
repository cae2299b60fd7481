"""Principal components: a full decomposition finds all of them, whatever the number that is kept."""

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

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register, take_over

try:
    from sklearn.decomposition._pca import _infer_dimension
    from sklearn.utils._set_output import _wrap_data_with_container
except ImportError:  # they are private
    _infer_dimension = _wrap_data_with_container = None


@dataclass
class _FullDecomposition:
    """A decomposition with all its components, and the rows that it transformed, if it does so while it is fitted."""

    model: Any
    output: np.ndarray | None


def _is_full(pca: Any) -> bool:
    return _wrap_data_with_container is not None and pca.svd_solver in ("auto", "full", "covariance_eigh") and pca.copy


def _all_components(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"n_components": None}


def _solver(pca: Any, X: Any) -> str | None:
    """Return the solver for any number of components, if there is just one."""
    n, p = X.shape
    solver = pca.svd_solver
    if solver == "auto":
        tall, small = p <= 1000 and n >= 10 * p, max(n, p) <= 500
        solver = None if issparse(X) else "covariance_eigh" if tall else "full" if small else None
    # with fewer rows than columns, this one finds more components than are ever kept
    return None if solver == "covariance_eigh" and n < p else solver


def _decompose(pca: Any, X: Any, y: Any) -> _FullDecomposition | None:
    solver = None if get_config().get("array_api_dispatch") or not hasattr(X, "shape") else _solver(pca, X)
    if solver is None:
        return None  # nothing is lost
    model = clone(pca).set_params(n_components=None).set_output(transform="default")
    output = model.fit_transform(X) if solver == "full" else None
    if output is None:
        model.fit(X)
    vars(model).pop("_sklearn_output_config", None)  # views have their own
    return _FullDecomposition(model, output) if model._fit_svd_solver == solver else None


def _variances(model: Any) -> np.ndarray:
    """Return the variances of all components as they lie in memory during a fit, since sums of them hang on that."""
    variances = model.explained_variance_
    return variances if model._fit_svd_solver == "full" else variances[::-1].copy()[::-1]


def _n_components(model: Any, wanted: Any) -> Any:
    """Return how many components a fit would keep, or None where it would fail."""
    n, p = model.n_samples_, model.n_features_in_
    if wanted is None:
        return min(n, p)
    if isinstance(wanted, str):
        return _likeliest(model) if n >= p else None
    if not 0 <= wanted <= min(n, p):
        return None
    return wanted if isinstance(wanted, Integral) or not 0 < wanted < 1 else _n_for_share(model, wanted)


def _likeliest(model: Any) -> Any:
    try:
        return _infer_dimension(_variances(model), model.n_samples_)
    except ValueError:  # where variances are next to nothing
        return None


def _n_for_share(model: Any, share: float) -> Any:
    """Return how many components explain more than a share of the variance."""
    cumulate = getattr(_pca, "stable_cumsum", np.cumsum)  # what this version of scikit-learn uses
    return np.searchsorted(cumulate(model.explained_variance_ratio_), share, side="right") + 1


def _first_components(whole: _FullDecomposition | None, estimator: Any) -> Any:
    n = None if whole is None else _n_components(whole.model, estimator.n_components)
    if whole is None or n is None:
        return None
    model = whole.model
    names = ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_")
    changed: Params = {name: np.array(getattr(model, name)[:n], order="K") for name in names}
    rest = _variances(model)[n:] if n < min(model.n_samples_, model.n_features_in_) else None
    changed |= {"n_components_": n, "noise_variance_": 0.0 if rest is None else np.mean(rest)}
    if whole.output is not None:
        changed["_transformed"] = whole.output
    return take_over(estimator, model, **changed)


def _first_columns(view: Any, output: Any, X: Any) -> Any:
    """Return what `fit_transform` makes: of a full decomposition it is no projection, but what was decomposed."""
    transformed = vars(view).pop("_transformed", None)
    if transformed is not None:
        order = "F" if transformed.flags.f_contiguous else "K"  # even of a single column
        columns = transformed[:, : view.n_components_].copy(order=order)
        return _wrap_data_with_container("transform", columns, X, view)
    return view.transform(X) if view._fit_svd_solver == "covariance_eigh" else clone(view).fit_transform(X)


register(
    SubModel(
        PCA,
        ("n_components",),
        _first_components,
        is_exact=_is_full,
        widest=_all_components,
        fit=_decompose,
        output=_first_columns,
    )
)
