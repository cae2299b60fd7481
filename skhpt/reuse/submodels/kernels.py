"""Support vector machines: the kernel matrix of the training rows is the same for every penalty.

libsvm computes the kernel in each fit, and for classification again for each pair of classes. Here the kernel
is computed once, in blocks of rows, and passed to libsvm as a precomputed kernel.

RBF kernels are exact. A kernel that is computed in blocks differs from libsvm's in the last bits, but libsvm
rounds it to single precision. After that both are the same, except for values so close to the middle between
two numbers of single precision that the last bits decide. These few values are computed again with the
operations of libsvm.

Polynomial and sigmoid kernels are close: a few values are rounded in the other direction. On standardized
data, this changes decision values in the tenth digit. Where the kernel hardly varies it could change all
digits, and nothing is shared. Linear kernels are not shared, because libsvm computes them as fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg.blas import ddot
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.utils.validation import validate_data

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import first_values, register_submodel

#: Largest kernel that is shared, in bytes. libsvm keeps only a part of larger kernels.
_MAX_NBYTES = 256 * 2**20
#: Rows of a block of the kernel, which is to stay in the processor's cache.
_N_ROWS = 64
#: Smallest standard deviation of a kernel, relative to its mean, for which single precision is enough.
_MIN_VARIATION = 0.01
#: Largest number of values that are computed one by one, because their rounding is uncertain.
_MAX_N_UNCERTAIN = 50_000
_EPS = np.finfo(float).eps


@dataclass(frozen=True)
class _Kernel:
    """Kernel of the training rows.

    Attributes
    ----------
    X : array of shape (n_samples, n_features)
        Training rows.
    y : array-like of shape (n_samples,)
        Targets.
    gamma : float
        Factor of squared distances (RBF) or products (polynomial, sigmoid).
    values : array of shape (n_samples, n_samples)
        The kernel. An RBF kernel is rounded to single precision.
    input_attributes : dict
        Attributes of a fitted model that describe its input, such as ``n_features_in_``.
    """

    X: np.ndarray
    y: ArrayLike
    gamma: float
    values: np.ndarray
    input_attributes: Params


# -- Kernels -------------------------------------------------------------------------------------------------


def _compute_kernel(svm: Estimator, X: ArrayLike, y: ArrayLike) -> _Kernel | None:
    if sparse.issparse(X) or 8 * np.shape(X)[0] ** 2 > _MAX_NBYTES:
        return None
    rows = validate_data(svm, X, dtype=np.float64, order="C")
    gamma = _gamma_as_number(svm, rows)
    values = _rbf_kernel(rows, gamma) if svm.kernel == "rbf" else _poly_or_sigmoid_kernel(svm, rows, gamma)
    if values is None:
        return None
    names = ("n_features_in_", "feature_names_in_")
    input_attributes = {name: vars(svm)[name] for name in names if name in vars(svm)}
    return _Kernel(X=rows, y=y, gamma=gamma, values=values, input_attributes=input_attributes)


def _gamma_as_number(svm: Estimator, X: np.ndarray) -> float:
    """Return gamma, computed as in scikit-learn."""
    if svm.gamma == "scale":
        variance = X.var()
        return 1.0 / (X.shape[1] * variance) if variance != 0 else 1.0
    gamma: float = 1.0 / X.shape[1] if svm.gamma == "auto" else svm.gamma
    return gamma


def _rbf_kernel(X: np.ndarray, gamma: float) -> np.ndarray | None:
    """Compute libsvm's RBF kernel, in single precision; return None if that takes long or is not certain."""
    n_samples, n_features = X.shape
    squares = np.array([ddot(x, x) for x in X])
    # Bound of the relative error of a value: the rounding errors of products and squared norms are at most
    # d eps |x|^2 for each of the two ways to compute them; the rest is for the remaining operations.
    error = (8 * (n_features + 8) * gamma * squares.max() + 16) * _EPS
    if not error < 1e-3:
        return None
    kernel: np.ndarray = X @ X.T
    uncertain: list[tuple[int, int]] = []
    for start in range(0, n_samples, _N_ROWS):
        rows = slice(start, min(start + _N_ROWS, n_samples))
        # the block of these rows, from the diagonal on; the kernel is symmetric
        values = _exp_of_distances(kernel[rows, start:], squares[rows], squares[start:], gamma=gamma)
        rounded, is_uncertain = _round_to_single(values, error)
        kernel[rows, start:], kernel[start:, rows] = rounded, rounded.T
        if is_uncertain.any():
            uncertain += [(start + i, start + j) for i, j in np.argwhere(is_uncertain) if i < j]
        if len(uncertain) > _MAX_N_UNCERTAIN:
            return None
    for i, j in uncertain:
        value, is_still_uncertain = _rbf_value(X[i], X[j], squares[i] + squares[j], gamma=gamma)
        if is_still_uncertain:
            return None
        kernel[i, j] = kernel[j, i] = value
    np.fill_diagonal(kernel, 1)
    return kernel


def _rbf_value(
    x: np.ndarray, y: np.ndarray, sum_of_squares: float, *, gamma: float
) -> tuple[np.float32, bool]:
    """Compute a value with the operations of libsvm; also return whether the rounding of `exp` makes it uncertain."""
    value = math.exp(-gamma * (sum_of_squares - 2 * ddot(x, y)))
    (rounded,), (is_uncertain,) = _round_to_single(np.array([value]), _EPS)
    return rounded, bool(is_uncertain)


def _exp_of_distances(
    products: np.ndarray, row_squares: np.ndarray, column_squares: np.ndarray, *, gamma: float
) -> np.ndarray:
    """Replace products x y by exp(-gamma (|x|^2 - 2 x y + |y|^2)), in place."""
    products *= -2
    products += row_squares[:, None]
    products += column_squares
    products *= -gamma
    np.exp(products, out=products)
    return products


def _round_to_single(values: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Round to single precision; also return where values with this relative error may be rounded differently."""
    low = (values * (1 - error)).astype(np.float32)
    high = (values * (1 + error)).astype(np.float32)
    return low, low != high


def _poly_or_sigmoid_kernel(svm: Estimator, X: np.ndarray, gamma: float) -> np.ndarray | None:
    """Compute a polynomial or sigmoid kernel; return None if it varies too little for single precision."""
    params = {"gamma": gamma, "degree": svm.degree, "coef0": svm.coef0}
    with np.errstate(over="ignore"):
        values: np.ndarray = pairwise_kernels(X, metric=svm.kernel, filter_params=True, **params)
    varies = np.isfinite(values).all() and values.std() > _MIN_VARIATION * abs(values.mean())
    return values if varies else None


# -- Views ---------------------------------------------------------------------------------------------------


def _fit_on_kernel(kernel: _Kernel | None, svm: Estimator) -> Estimator | None:
    if kernel is None:
        return None
    name, svm.kernel = svm.kernel, "precomputed"
    try:
        svm.fit(kernel.values, kernel.y)
    except ValueError:  # a separate fit raises the error
        return None
    finally:
        svm.kernel = name
    # what a fit on the rows, in place of a precomputed kernel, would have left
    svm.support_vectors_ = kernel.X[svm.support_]
    svm.shape_fit_ = kernel.X.shape
    svm._gamma = kernel.gamma  # gamma as a number, which predictions use
    svm.__dict__.update(kernel.input_attributes)
    return svm


# -- Where views are exact, and where they are close ---------------------------------------------------------


def has_no_probabilities(svm: Estimator) -> bool:
    """Tell whether `probability` is not set: by default it is False or, in newer versions, "deprecated"."""
    return getattr(svm, "probability", False) in (False, "deprecated")


def _is_exact(svm: Estimator) -> bool:
    svm_class: Any = type(svm)
    return svm.kernel == "rbf" and has_no_probabilities(svm) and _libsvm_agrees(svm_class)


def _is_close(svm: Estimator) -> bool:
    return svm.kernel in ("poly", "sigmoid") and svm.max_iter == -1 and has_no_probabilities(svm)


@cache
def _libsvm_agrees(svm_class: Any) -> bool:
    """Tell whether the installed libsvm works as described above, by a trial on a few rows."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    try:
        # far from 0, the rounding of nearly every value is uncertain
        return _equals_separate_fit(svm_class, X) and _equals_separate_fit(svm_class, X + 1e5)
    except Exception:  # a version that works differently
        return False


def _equals_separate_fit(svm_class: Any, X: np.ndarray) -> bool:
    y = np.arange(len(X)) % 3 if svm_class in (SVC, NuSVC) else X[:, 0]
    separate = svm_class(gamma=0.3).fit(X, y)
    view = _fit_on_kernel(_compute_kernel(svm_class(gamma=0.3), X, y), svm_class(gamma=0.3))
    if vars(separate).keys() != vars(view).keys():
        return False
    # the arrays that scikit-learn passes to libsvm for predictions
    names = ("_dual_coef_", "_intercept_", "support_", "support_vectors_", "_n_support", "_gamma")
    return all(np.array_equal(getattr(separate, name), getattr(view, name)) for name in names)


for svm_class, parameters in (
    (SVC, ("C", "class_weight", "shrinking", "tol")),
    (NuSVC, ("nu", "class_weight", "shrinking", "tol")),
    (SVR, ("C", "epsilon", "shrinking", "tol")),
    (NuSVR, ("C", "nu", "shrinking", "tol")),
    (OneClassSVM, ("nu", "shrinking", "tol")),
):
    for is_exact, is_close in ((_is_exact, False), (_is_close, True)):
        register_submodel(
            svm_class,
            parameters,
            _fit_on_kernel,
            is_exact=is_exact,
            widest=first_values,
            fit=_compute_kernel,
            is_close=is_close,
        )
