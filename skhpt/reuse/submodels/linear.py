"""Linear models whose penalty, or number of components, enters late: after the products and covariances of the data.

The dear part of a ridge regression is the Gram matrix, and it does not know the penalty; what follows for each penalty
is one small system of equations. The steps that follow are written down here a second time, in the order of
scikit-learn, down to the memory layout. So whether the installed version still does the same is tried out, on a few
rows, before anything is shared.
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

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register, take_over

View = Callable[[Any, Any], Any]


def _agrees(one: Any, other: Any, fit: Callable[..., Any], view: View) -> bool:
    """Tell whether a view is the model that was fitted alone, on a few rows: long and wide, one target and two."""
    rng = np.random.default_rng(0)
    for shape in ((30, 4), (4, 30)):
        X = rng.normal(size=shape)
        Y = (X[:, :2] + rng.normal(size=(len(X), 2)) > 0) * 1.0
        Y[:2] = [[0, 1], [1, 0]]  # two classes at least
        for y in (Y[:, 0], Y):
            seen = view(fit(clone(one), X, y), clone(other))
            if seen is None or not np.array_equal(seen.predict(X), clone(other).fit(X, y).predict(X)):
                return False
    return True


def _alpha_is_number(estimator: Any) -> bool:
    return isinstance(estimator.alpha, Real)


# Ridge: centre, multiply, then for each alpha solve.


@dataclass(frozen=True)
class _Equations:
    """What a ridge regression solves for its coefficients.

    Attributes
    ----------
    checked : estimator
        Knows the features and classes, but is not fitted.
    solve : callable
        ``solve(*factors, alpha)`` returns the coefficients, of shape (n_targets, n_features).
    factors : tuple of ndarray
        Of the data, when they are centred and weighted.
    offsets : tuple
        What was subtracted from X and from y, and the scale of X.
    """

    checked: Any
    solve: Callable[..., np.ndarray]
    factors: tuple[np.ndarray, ...]
    offsets: tuple[Any, ...]


def _centred(estimator: Any, X: Any, y: Any) -> tuple[Any, ...]:
    """Check and centre the data; return X, y, what was subtracted from each, and the scale of X."""
    weights = None
    if type(estimator) is RidgeClassifier:
        X, _, weights, y = estimator._prepare_data(X, y, None, estimator.solver)
        weights = _check_sample_weight(weights, X, dtype=X.dtype)
    else:
        dtype = [np.float64, np.float32]
        X, y = validate_data(estimator, X, y, dtype=dtype, force_writeable=True, multi_output=True, y_numeric=True)
    options = {"fit_intercept": estimator.fit_intercept, "sample_weight": weights, "rescale_with_sw": False}
    known = inspect.signature(_base._preprocess_data).parameters  # the last of these options is newer than 1.7
    X, y, *offsets = _base._preprocess_data(X, y, **{name: options[name] for name in options if name in known})
    y = y.reshape(-1, 1) if y.ndim == 1 else y
    if weights is not None:
        X, y, *_ = _base._rescale_data(X, y, weights)
    return X, y, *offsets[:3]


def _equations(estimator: Any, X: Any, y: Any) -> _Equations | None:
    if sparse.issparse(X) or get_config()["array_api_dispatch"]:
        return None
    X, y, *offsets = _centred(estimator, X, y)
    solve: Callable[..., np.ndarray]
    factors: tuple[np.ndarray, ...]
    if estimator.solver == "svd":
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        solve, factors = _by_svd, (U.T @ y, s, Vt)
    elif X.shape[1] > X.shape[0]:
        solve, factors = _by_kernel, (safe_sparse_dot(X, X.T, dense_output=True), X, y)
    else:
        products = [safe_sparse_dot(X.T, other, dense_output=True) for other in (X, y)]
        solve, factors = _by_cholesky, tuple(products)
    return _Equations(estimator, solve, factors, tuple(offsets))


def _by_svd(Uy: np.ndarray, s: np.ndarray, Vt: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    some = s > 1e-15  # scikit-learn's idea of zero
    nonzero = s[some][:, None]
    shrink = np.zeros((len(s), Uy.shape[1]), dtype=s.dtype)
    shrink[some] = nonzero / (nonzero**2 + np.repeat(alpha, Uy.shape[1]))
    return (Vt.T @ (shrink * Uy)).T


def _by_kernel(K: np.ndarray, X: np.ndarray, y: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    dual = _ridge._solve_cholesky_kernel(K, y, alpha, copy=True)
    return safe_sparse_dot(X.T, dual, dense_output=True).T


def _by_cholesky(gram: np.ndarray, Xy: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    gram = gram.copy()
    gram.flat[:: len(gram) + 1] += alpha[0]
    return linalg.solve(gram, Xy, assume_a="pos", overwrite_a=True).T


def _solution(equations: _Equations | None, estimator: Any) -> Any:
    if equations is None:
        return None
    alpha = np.atleast_1d(np.asarray(estimator.alpha, dtype=equations.factors[0].dtype))
    try:
        coef = equations.solve(*equations.factors, alpha)
    except (linalg.LinAlgError, ValueError):  # then scikit-learn goes another way
        return None
    coef = coef.ravel() if len(coef) == 1 else coef
    solver = "svd" if equations.solve is _by_svd else "cholesky"
    view = take_over(estimator, equations.checked, coef_=coef, n_iter_=None, solver_=solver)
    view._set_intercept(*equations.offsets)
    return view


@cache
def _knows_ridge(of_classes: bool, solver: str) -> bool:
    kind = RidgeClassifier if of_classes else Ridge
    try:
        return _agrees(kind(alpha=1.0, solver=solver), kind(alpha=3.0, solver=solver), _equations, _solution)
    except Exception:  # a private name that is no more
        return False


def _is_direct(ridge: Any) -> bool:
    direct = ridge.solver in ("auto", "cholesky", "svd") and not ridge.positive and ridge.copy_X
    return bool(direct) and _alpha_is_number(ridge) and _knows_ridge(type(ridge) is RidgeClassifier, ridge.solver)


for ridge in (Ridge, RidgeClassifier):
    register(SubModel(ridge, ("alpha",), _solution, is_exact=_is_direct, fit=_equations))


# Kernel ridge: the kernel is computed once, and to each alpha it is given as a precomputed one.


def _kernel(estimator: Any, X: Any, y: Any) -> tuple[Any, Any, np.ndarray, Any]:
    X, y = validate_data(estimator, X, y, accept_sparse=("csr", "csc"), multi_output=True, y_numeric=True)
    params = {name: getattr(estimator, name) for name in ("gamma", "degree", "coef0")}
    return estimator, X, pairwise_kernels(X, metric=estimator.kernel, filter_params=True, **params), y


def _solution_in_kernel(shared: tuple[Any, Any, np.ndarray, Any], estimator: Any) -> Any:
    checked, X, K, y = shared
    if not K.flags.c_contiguous:  # as a precomputed one it is copied, and that might turn it round
        return None
    try:
        solved = KernelRidge(alpha=estimator.alpha, kernel="precomputed").fit(K, y)
    except (linalg.LinAlgError, ValueError):
        return None
    return take_over(estimator, checked, dual_coef_=solved.dual_coef_, X_fit_=X)


def _has_named_kernel(estimator: Any) -> bool:
    return _alpha_is_number(estimator) and isinstance(estimator.kernel, str) and estimator.kernel != "precomputed"


register(SubModel(KernelRidge, ("alpha",), _solution_in_kernel, is_exact=_has_named_kernel, fit=_kernel))


# Partial least squares: components are found one after the other, and only then rotated.


def _most_components(estimator: Any, X: Any, y: Any) -> Any:
    """Fit with as many components as are asked for and possible; who asks for more is to have an error, alone."""
    try:
        return estimator.set_params(n_components=min(estimator.n_components, *np.shape(X))).fit(X, y)
    except ValueError:  # more than the rank of X, which might do for fewer
        return None


def _first_components(pls: Any, estimator: Any) -> Any:
    k = estimator.n_components
    if pls is None or k > pls.n_components:
        return None
    names = ("x_weights_", "y_weights_", "x_loadings_", "y_loadings_", "x_scores_", "y_scores_")
    first = {name: getattr(pls, name)[:, :k].copy() for name in names}  # contiguous, as products may depend on that
    for side in ("x", "y"):
        weights = first[f"{side}_weights_"]
        inverse = linalg.pinv(np.dot(first[f"{side}_loadings_"].T, weights), check_finite=False)
        first[f"{side}_rotations_"] = np.dot(weights, inverse)
    coef = (np.dot(first["x_rotations_"], first["y_loadings_"].T) * pls._y_std).T / pls._x_std
    first |= {"_x_scores": first["x_scores_"], "_y_scores": first["y_scores_"], "coef_": coef}
    return take_over(estimator, pls, **first, n_iter_=pls.n_iter_[:k], _n_features_out=k)


def _pair_of_scores(view: Any, output: Any, X: Any) -> Any:
    raise NotImplementedError("PLSRegression.fit_transform also returns the scores of y, and y is not given here")


@cache
def _knows_pls() -> bool:
    try:
        return _agrees(PLSRegression(3), PLSRegression(2), _most_components, _first_components)
    except Exception:  # a private name that is no more
        return False


def _copies(pls: Any) -> bool:
    return bool(pls.copy) and _knows_pls()


register(
    SubModel(
        PLSRegression,
        ("n_components",),
        _first_components,
        is_exact=_copies,
        fit=_most_components,
        output=_pair_of_scores,
    )
)


# Discriminant analysis: the covariances of the classes are computed once, and shrunk for each.


class _Covariances:
    """A covariance estimator that remembers what it has computed, in the order in which it is asked."""

    def __init__(self, known: list[np.ndarray], shrinkage: float | None):
        self.known, self.shrinkage, self.n_asked = known, shrinkage, 0

    def fit(self, X: Any) -> _Covariances:
        if self.n_asked == len(self.known):
            self.known.append(empirical_covariance(X))
        covariance = self.known[self.n_asked]
        self.n_asked += 1
        self.covariance_ = covariance if self.shrinkage is None else shrunk_covariance(covariance, self.shrinkage)
        return self


#: A covariance for each class may be larger than the data. This many numbers, 256 MiB, are still kept.
MOST_NUMBERS = 2**25


def _covariances(estimator: Any, X: Any, y: Any) -> tuple[Any, list[np.ndarray]] | None:
    if (len(np.unique(y)) + 1) * np.shape(X)[1] ** 2 > MOST_NUMBERS:
        return None
    known: list[np.ndarray] = []
    with suppress(linalg.LinAlgError):  # in the last step; the means and covariances are known by then
        estimator.set_params(shrinkage=None, covariance_estimator=_Covariances(known, estimator.shrinkage)).fit(X, y)
    return estimator, known


def _shrunk(shared: tuple[Any, list[np.ndarray]] | None, estimator: Any) -> Any:
    """Fit the means of the classes, in the place of the rows, and the covariances that are known."""
    if shared is None:
        return None
    known, covariances = shared
    own = {name: getattr(estimator, name) for name in ("shrinkage", "priors", "covariance_estimator")}
    remembered = _Covariances(covariances, estimator.shrinkage)
    estimator.set_params(shrinkage=None, priors=known.priors_, covariance_estimator=remembered)
    means, classes = (np.repeat(one, 2, axis=0) for one in (known.means_, known.classes_))  # one row each is refused
    try:
        estimator.fit(means, classes)
    except (linalg.LinAlgError, ValueError):
        return None
    names = {name: value for name, value in vars(known).items() if name == "feature_names_in_"}
    vars(estimator).update(own | names)
    return estimator


def _largest_shrinkage(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    numbers = [estimator.shrinkage for estimator in estimators if estimator.shrinkage is not None]
    return {"shrinkage": max(numbers, default=None)}


def _shrinks(lda: Any) -> bool:
    by_number = lda.shrinkage is None or isinstance(lda.shrinkage, Real)
    return by_number and lda.solver in ("lsqr", "eigen") and lda.covariance_estimator is None


register(
    SubModel(
        LinearDiscriminantAnalysis,
        ("shrinkage",),
        _shrunk,
        is_exact=_shrinks,
        widest=_largest_shrinkage,
        fit=_covariances,
    )
)
