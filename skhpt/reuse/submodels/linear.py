"""Linear models whose penalty, or number of components, is used after the expensive products of the data.

The expensive part of a ridge regression is the Gram matrix, which does not depend on the penalty; the rest,
for each penalty, is a small system of equations. The steps after the expensive part are repeated here in the
order of scikit-learn, with the same memory layout. A trial on a few rows tells whether the installed version
does the same; otherwise nothing is shared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
from scipy import linalg, sparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.covariance import empirical_covariance, shrunk_covariance
from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeClassifier, _base, _ridge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_sample_weight, validate_data

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state


def _view_equals_separate_fit(
    widest: Estimator,
    estimator: Estimator,
    *,
    fit: Callable[..., Any],
    view: Callable[[Any, Estimator], Estimator | None],
) -> bool:
    """Tell whether a view predicts the same as a separate fit, on a few rows: long and wide, one target and two."""
    rng = np.random.default_rng(0)
    for shape in ((30, 4), (4, 30)):
        X = rng.normal(size=shape)
        Y = (X[:, :2] + rng.normal(size=(len(X), 2)) > 0) * 1.0
        Y[:2] = [[0, 1], [1, 0]]  # at least two classes in each column
        for y in (Y[:, 0], Y):
            model = view(fit(clone(widest), X, y), clone(estimator))
            if model is None or not np.array_equal(model.predict(X), clone(estimator).fit(X, y).predict(X)):
                return False
    return True


def _alpha_is_number(estimator: Estimator) -> bool:
    return isinstance(estimator.alpha, Real)


# -- Ridge: centre and multiply the data, then solve for each alpha ------------------------------------------


@dataclass(frozen=True)
class _Equations:
    """Equations that a ridge regression solves for its coefficients.

    Attributes
    ----------
    checked : estimator
        Has the attributes for features and classes, but no coefficients.
    solve : callable
        ``solve(*factors, alpha)`` returns the coefficients, of shape (n_targets, n_features).
    factors : tuple of ndarray
        Products or decompositions of the centred and weighted data.
    offsets : tuple
        Offset of X, offset of y, and scale of X.
    """

    checked: Estimator
    solve: Callable[..., np.ndarray]
    factors: tuple[np.ndarray, ...]
    offsets: tuple[Any, ...]


def _prepare_equations(estimator: Estimator, X: ArrayLike, y: ArrayLike) -> _Equations | None:
    if sparse.issparse(X) or get_config()["array_api_dispatch"]:
        return None
    X, y, *offsets = _center(estimator, X, y)
    solve: Callable[..., np.ndarray]
    factors: tuple[np.ndarray, ...]
    if estimator.solver == "svd":
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        solve, factors = _solve_svd, (U.T @ y, s, Vt)
    elif X.shape[1] > X.shape[0]:
        solve, factors = _solve_kernel, (safe_sparse_dot(X, X.T, dense_output=True), X, y)
    else:
        gram = safe_sparse_dot(X.T, X, dense_output=True)
        Xy = safe_sparse_dot(X.T, y, dense_output=True)
        solve, factors = _solve_cholesky, (gram, Xy)
    return _Equations(checked=estimator, solve=solve, factors=factors, offsets=tuple(offsets))


def _center(estimator: Estimator, X: ArrayLike, y: ArrayLike) -> tuple[Any, ...]:
    """Check, centre and weight the data as in ``fit``; return X, y, the offsets of both, and the scale of X."""
    weights = None
    if type(estimator) is RidgeClassifier:
        # encodes the classes as targets, and turns class weights into sample weights
        X, _, weights, y = estimator._prepare_data(X, y, None, estimator.solver)
        weights = _check_sample_weight(weights, X, dtype=X.dtype)
    else:
        checks = {
            "dtype": [np.float64, np.float32],
            "force_writeable": True,
            "multi_output": True,
            "y_numeric": True,
        }
        X, y = validate_data(estimator, X, y, **checks)
    options = {"fit_intercept": estimator.fit_intercept, "sample_weight": weights, "rescale_with_sw": False}
    # `_preprocess_data` centres; its option `rescale_with_sw` is newer than version 1.7
    parameters = inspect.signature(_base._preprocess_data).parameters
    options = {name: value for name, value in options.items() if name in parameters}
    X, y, *offsets = _base._preprocess_data(X, y, **options)
    y = y.reshape(-1, 1) if y.ndim == 1 else y
    if weights is not None:
        X, y, *_ = _base._rescale_data(X, y, weights)  # multiplies by square roots of the weights
    return X, y, *offsets[:3]


def _solve_svd(Uy: np.ndarray, s: np.ndarray, Vt: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    # V diag(s / (s^2 + alpha)) U^T y
    is_positive = s > 1e-15  # the limit of scikit-learn
    positive = s[is_positive][:, None]
    factors = np.zeros((len(s), Uy.shape[1]), dtype=s.dtype)
    factors[is_positive] = positive / (positive**2 + np.repeat(alpha, Uy.shape[1]))
    coef: np.ndarray = (Vt.T @ (factors * Uy)).T
    return coef


def _solve_kernel(K: np.ndarray, X: np.ndarray, y: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    # X^T (X X^T + alpha I)^-1 y; the private function solves for the dual coefficients
    dual = _ridge._solve_cholesky_kernel(K, y, alpha, copy=True)
    coef: np.ndarray = safe_sparse_dot(X.T, dual, dense_output=True).T
    return coef


def _solve_cholesky(gram: np.ndarray, Xy: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    # (X^T X + alpha I)^-1 X^T y
    gram = gram.copy()
    gram.flat[:: len(gram) + 1] += alpha[0]
    coef: np.ndarray = linalg.solve(gram, Xy, assume_a="pos", overwrite_a=True).T
    return coef


def _solve_for_alpha(equations: _Equations | None, estimator: Estimator) -> Estimator | None:
    if equations is None:
        return None
    alpha = np.atleast_1d(np.asarray(estimator.alpha, dtype=equations.factors[0].dtype))
    try:
        coef = equations.solve(*equations.factors, alpha)
    except (linalg.LinAlgError, ValueError):  # scikit-learn falls back to another solver
        return None
    coef = coef.ravel() if len(coef) == 1 else coef
    solver = "svd" if equations.solve is _solve_svd else "cholesky"
    view = with_fitted_state(estimator, equations.checked, coef_=coef, n_iter_=None, solver_=solver)
    view._set_intercept(*equations.offsets)  # sets `intercept_` from the coefficients and the offsets
    return view


def _has_direct_solver(ridge: Estimator) -> bool:
    is_direct = ridge.solver in ("auto", "cholesky", "svd") and not ridge.positive and ridge.copy_X
    ridge_class: Any = type(ridge)
    return bool(is_direct) and _alpha_is_number(ridge) and _ridge_is_exact(ridge_class, ridge.solver)


@cache
def _ridge_is_exact(ridge_class: Any, solver: str) -> bool:
    try:
        return _view_equals_separate_fit(
            ridge_class(alpha=1.0, solver=solver),
            ridge_class(alpha=3.0, solver=solver),
            fit=_prepare_equations,
            view=_solve_for_alpha,
        )
    except Exception:  # a private function that this version does not have
        return False


for ridge_class in (Ridge, RidgeClassifier):
    register_submodel(
        ridge_class,
        "alpha",
        _solve_for_alpha,
        is_exact=_has_direct_solver,
        fit=_prepare_equations,
    )


# -- Kernel ridge: the kernel is computed once, and passed as a precomputed kernel for each alpha ------------


@dataclass(frozen=True)
class _RidgeKernel:
    """Kernel of a kernel ridge regression.

    Attributes
    ----------
    checked : KernelRidge
        Has the attributes for features, but no coefficients.
    X : array or sparse matrix of shape (n_samples, n_features)
        Checked training rows.
    values : array of shape (n_samples, n_samples)
        The kernel.
    y : array
        Checked targets.
    """

    checked: KernelRidge
    X: Any
    values: np.ndarray
    y: np.ndarray


def _compute_ridge_kernel(estimator: KernelRidge, X: ArrayLike, y: ArrayLike) -> _RidgeKernel:
    X, y = validate_data(estimator, X, y, accept_sparse=("csr", "csc"), multi_output=True, y_numeric=True)
    params = {name: getattr(estimator, name) for name in ("gamma", "degree", "coef0")}
    values = pairwise_kernels(X, metric=estimator.kernel, filter_params=True, **params)
    return _RidgeKernel(checked=estimator, X=X, values=values, y=y)


def _solve_with_kernel(kernel: _RidgeKernel, estimator: KernelRidge) -> KernelRidge | None:
    if not kernel.values.flags.c_contiguous:  # the copy of a precomputed kernel might be transposed in memory
        return None
    try:
        solved = KernelRidge(alpha=estimator.alpha, kernel="precomputed").fit(kernel.values, kernel.y)
    except (linalg.LinAlgError, ValueError):  # a separate fit raises the error
        return None
    return with_fitted_state(estimator, kernel.checked, dual_coef_=solved.dual_coef_, X_fit_=kernel.X)


def _has_named_kernel(estimator: KernelRidge) -> bool:
    has_name = isinstance(estimator.kernel, str) and estimator.kernel != "precomputed"
    return has_name and _alpha_is_number(estimator)


register_submodel(
    KernelRidge, "alpha", _solve_with_kernel, is_exact=_has_named_kernel, fit=_compute_ridge_kernel
)


# -- Partial least squares: components are computed one after another, and rotated at the end ----------------


def _fit_most_components(estimator: PLSRegression, X: ArrayLike, y: ArrayLike) -> PLSRegression | None:
    """Fit with as many components as possible; candidates with more of them are fitted separately, and fail."""
    n_components = min(estimator.n_components, *np.shape(X))
    try:
        return estimator.set_params(n_components=n_components).fit(X, y)
    except ValueError:  # more than the rank of X; fits with fewer components may work
        return None


def _first_pls_components(pls: PLSRegression | None, estimator: PLSRegression) -> PLSRegression | None:
    k = estimator.n_components
    if pls is None or k > pls.n_components:
        return None
    first: Params = {}
    for name in ("x_weights_", "y_weights_", "x_loadings_", "y_loadings_", "x_scores_", "y_scores_"):
        first[name] = getattr(pls, name)[:, :k].copy()  # contiguous: products may be rounded differently
    for side in ("x", "y"):
        # rotations R = W (P^T W)^-1 from weights W and loadings P
        weights = first[f"{side}_weights_"]
        inverse = linalg.pinv(np.dot(first[f"{side}_loadings_"].T, weights), check_finite=False)
        first[f"{side}_rotations_"] = np.dot(weights, inverse)
    # `_x_std` and `_y_std` are the scales of the training data
    coef = (np.dot(first["x_rotations_"], first["y_loadings_"].T) * pls._y_std).T / pls._x_std
    # `_x_scores` and `_y_scores` are copies of the scores that scikit-learn keeps
    first |= {"_x_scores": first["x_scores_"], "_y_scores": first["y_scores_"], "coef_": coef}
    # `_n_features_out` is the number of columns of `transform`
    return with_fitted_state(estimator, pls, **first, n_iter_=pls.n_iter_[:k], _n_features_out=k)


def _scores_of_rows_and_targets(view: PLSRegression, output: ArrayLike, X: ArrayLike) -> ArrayLike:
    raise NotImplementedError(
        "PLSRegression.fit_transform also returns the scores of y, and y is not given here"
    )


def _copies_data(pls: PLSRegression) -> bool:
    return bool(pls.copy) and _pls_is_exact()


@cache
def _pls_is_exact() -> bool:
    try:
        return _view_equals_separate_fit(
            PLSRegression(3), PLSRegression(2), fit=_fit_most_components, view=_first_pls_components
        )
    except Exception:  # a private attribute that this version does not have
        return False


register_submodel(
    PLSRegression,
    "n_components",
    _first_pls_components,
    is_exact=_copies_data,
    fit=_fit_most_components,
    output=_scores_of_rows_and_targets,
)


# -- Discriminant analysis: the covariances of the classes are computed once, and shrunk for each shrinkage --

#: Largest size of the covariances that are kept, in numbers (256 MiB): with many classes they exceed the
#: data.
_MAX_N_NUMBERS = 2**25


class _StoredCovariances:
    """Covariance estimator that computes covariances in the first fit, and returns them in the same order afterwards.

    Parameters
    ----------
    stored : list of ndarray
        Covariances in the order of the calls of `fit`; missing ones are computed and appended.
    shrinkage : float or None
        Shrinkage of the covariances, which are stored without it.
    """

    def __init__(self, stored: list[np.ndarray], shrinkage: float | None):
        self.stored = stored
        self.shrinkage = shrinkage
        self.n_calls = 0

    def fit(self, X: ArrayLike) -> _StoredCovariances:
        if self.n_calls == len(self.stored):
            self.stored.append(empirical_covariance(X))
        covariance = self.stored[self.n_calls]
        self.n_calls += 1
        if self.shrinkage is not None:
            covariance = shrunk_covariance(covariance, self.shrinkage)
        self.covariance_ = covariance
        return self


@dataclass(frozen=True)
class _ClassMoments:
    """Moments of the training rows of each class.

    Attributes
    ----------
    model : LinearDiscriminantAnalysis
        Has the means, priors and classes.
    covariances : list of ndarray
        Covariances, without shrinkage, in the order in which a fit asks for them.
    """

    model: LinearDiscriminantAnalysis
    covariances: list[np.ndarray]


def _compute_moments(
    estimator: LinearDiscriminantAnalysis, X: ArrayLike, y: ArrayLike
) -> _ClassMoments | None:
    if (len(np.unique(y)) + 1) * np.shape(X)[1] ** 2 > _MAX_N_NUMBERS:
        return None
    covariances: list[np.ndarray] = []
    recorder = _StoredCovariances(covariances, estimator.shrinkage)
    with suppress(linalg.LinAlgError):  # in the last step, after the means and covariances
        estimator.set_params(shrinkage=None, covariance_estimator=recorder).fit(X, y)
    return _ClassMoments(estimator, covariances)


def _shrink(
    moments: _ClassMoments | None, estimator: LinearDiscriminantAnalysis
) -> LinearDiscriminantAnalysis | None:
    """Fit on the means of the classes in place of the rows, with the stored covariances."""
    if moments is None:
        return None
    model = moments.model
    names = ("shrinkage", "priors", "covariance_estimator")
    own_params = {name: getattr(estimator, name) for name in names}
    stored = _StoredCovariances(moments.covariances, estimator.shrinkage)
    estimator.set_params(shrinkage=None, priors=model.priors_, covariance_estimator=stored)
    # each mean twice, because a single row for each class is refused
    means, classes = np.repeat(model.means_, 2, axis=0), np.repeat(model.classes_, 2, axis=0)
    try:
        estimator.fit(means, classes)
    except (linalg.LinAlgError, ValueError):  # a separate fit raises the error
        return None
    vars(estimator).update(own_params)
    if hasattr(model, "feature_names_in_"):
        estimator.feature_names_in_ = model.feature_names_in_
    return estimator


def _largest_shrinkage(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    numbers = [estimator.shrinkage for estimator in estimators if estimator.shrinkage is not None]
    return {"shrinkage": max(numbers, default=None)}


def _shrinks_by_number(lda: LinearDiscriminantAnalysis) -> bool:
    is_number = lda.shrinkage is None or isinstance(lda.shrinkage, Real)
    return is_number and lda.solver in ("lsqr", "eigen") and lda.covariance_estimator is None


register_submodel(
    LinearDiscriminantAnalysis,
    "shrinkage",
    _shrink,
    is_exact=_shrinks_by_number,
    widest=_largest_shrinkage,
    fit=_compute_moments,
)
